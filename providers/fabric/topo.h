/* topo - a declared InfiniBand fabric: hosts, switches, links. Pure, and filled by generate.c (a fat tree) or explicit.c (links
 * that are written out), then judged by check.c, all into one arena.
 *
 * A host's port N is its NIC number N, from 1: rail N-1. In the field each NIC is a channel adapter of its own with one port.
 *
 * Mistakes (all of one run are reported, through expand.report):
 *   E0701 not exactly one of fat_tree and links     E0702 a leaf has too few ports
 *   E0703 a spine or core has too few ports          E0704 a host has fewer or more NICs than there are rails
 *   E0705 more ports down than the declared ratio    E0706 a port with two links
 *   E0707 a switch or host linked with itself        E0708 a name twice
 *   E0709 a GUID twice                               E0710 uplinks that are not spread evenly
 *   E0711 a link to an unknown host or switch        E0712 a malformed link end, or a port that does not exist
 *   E0713 a malformed GUID                           E0714 a P_Key out of range
 *   E0715 a P_Key twice                              E0716 a member pattern that matches nothing
 *   E0717 a partition member without GUID            E0718 a fabric that does not fit the levels, or our limits
 *   E0719 a host or switch name that files cannot hold   E0720 a partition name that opensm cannot read
 *   E0721 a leaf with NICs of several rails          E0722 a switch that no host can reach
 *   W0701 hosts in no partition while the default partition is limited
 *   W0702 root_guids.conf left out: GUIDs of the top switches are not known
 */
#ifndef PROVIDERS_FABRIC_TOPO_H
#define PROVIDERS_FABRIC_TOPO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mem.h"
#include "engine/provider.h"

enum { FAB_MAX_HOSTS = 65536, FAB_MAX_RAILS = 64, FAB_MAX_PORTS = 254, FAB_MAX_SWITCHES = 20000, FAB_MAX_LINKS = 4000000, FAB_MAX_NAME = 60 };
enum fab_role { FAB_HOST, FAB_LEAF, FAB_SPINE, FAB_CORE };
enum { FAB_NONE = UINT32_MAX };

struct fab_node {
	const char *name;
	enum fab_role role;
	unsigned ports;                  /* of a switch; of a host: NICs */
	uint64_t guid;                   /* of a switch; 0: not known */
	const uint64_t *nics;            /* of a host: port GUIDs by NIC; NULL: not known */
	unsigned group;                  /* of a leaf or spine: its spine group, from 0 */
	unsigned down, up;               /* links towards hosts, links away from them (check.c) */
};
struct fab_link { unsigned a, b; unsigned a_port, b_port; };     /* node numbers; A is the lower end of a generated link */

struct fab {
	struct expand *x;
	struct arena *arena;
	VEC(struct fab_node) nodes;      /* hosts first, in the order of the spec */
	VEC(struct fab_link) links;
	unsigned hosts, rails, levels, groups;
	int mistakes;
	bool explicit_links;
};

/* Reports a mistake and counts it. */
#define FAB_REPORT(f, code, key, path, near, word, ...) \
	((f)->mistakes++, (f)->x->report((f)->x->report_ctx, code, key, path, near, word, __VA_ARGS__))
#define FAB_PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

const char *fab_number(struct fab *f, size_t n);                         /* as a step of a path */
unsigned fab_add_switch(struct fab *f, const char *name, enum fab_role role, unsigned ports, unsigned group);
void fab_link(struct fab *f, unsigned a, unsigned a_port, unsigned b, unsigned b_port);
void fab_release(struct fab *f);                                         /* nodes and links; the arena is the caller's */

/* Reads hosts (a list of node objects with `name`, and `guids` or `ib_guids` where known) found at PATH in the block. */
void fab_read_hosts(struct fab *f, const json_t *list, const char *const *path);
/* "0x0002c9030001abcd", "0002:c903:0001:abcd" to a number; false when it is no GUID, or zero. */
bool fab_guid(const char *text, uint64_t *out);

void fab_generate(struct fab *f, const json_t *fat_tree);                /* generate.c */
void fab_explicit(struct fab *f, const json_t *config);                  /* explicit.c */
void fab_assign_guids(struct fab *f, const json_t *config);              /* guids.c: guid_base, switch_guids; then duplicates */
/* Ports, radix, uplinks, ratio, rails, reach; sets down, up, and for explicit links role, levels, group. RATIO 0: not declared. */
void fab_check(struct fab *f, double ratio);

/* The leaf that NIC number NIC (from 1) of each host is linked to, FAB_NONE where it is not: [host * rails + nic - 1]. */
const unsigned *fab_leaves(struct fab *f);
const char *fab_group_name(struct fab *f, unsigned group);               /* "spine-group-01" */
size_t fab_count(const struct fab *f, enum fab_role role);

/* --- text ------------------------------------------------------------------------------------------------------------------- */
/* The fabric as ibsim and ibnetdiscover write it. NIC N of a host is the adapter "NAME/N"; unknown GUIDs are numbered. */
void fab_netlist(const struct fab *f, struct str *out);
void fab_name_map(const struct fab *f, struct str *out);
bool fab_root_guids(const struct fab *f, struct str *out);               /* false: some are not known */
/* partitions.conf of the block's partitions; reports their mistakes. *MEMBERS (new): partition to list of host names. */
void fab_partitions(struct fab *f, const json_t *config, struct str *out, json_t **members);

/* Topology and GUIDs of a block's CONFIG into *F, which has x and arena set and is else zeroed; mistakes are counted in it. */
void fab_make(struct fab *f, const json_t *config);
/* All of it: builds the fabric of X, checks, and on success gives the files {name: text} and the block's value. */
int fab_build(struct expand *x, json_t **files, json_t **value);
extern const struct attr ib_fabric_attrs[];

#endif
