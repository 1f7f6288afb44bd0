#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "providers/fabric/topo.h"

#define HEAD "# Written by aipc; a change made here is shown as drift and undone.\n"

void fab_name_map(const struct fab *f, struct str *out)
{
	str_add(out, HEAD);
	for (size_t i = f->hosts; i < f->nodes.len; i++)
		if (f->nodes.at[i].guid)
			str_addf(out, "0x%016llx \"%s\"\n", (unsigned long long)f->nodes.at[i].guid, f->nodes.at[i].name);
	for (size_t i = 0; i < f->hosts; i++)
		for (unsigned k = 0; f->nodes.at[i].nics && k < f->rails; k++)
			str_addf(out, "0x%016llx \"%s/%u\"\n", (unsigned long long)f->nodes.at[i].nics[k], f->nodes.at[i].name, k + 1);
}

bool fab_root_guids(const struct fab *f, struct str *out)
{
	enum fab_role top = f->levels >= 3 ? FAB_CORE : f->levels == 2 ? FAB_SPINE : FAB_LEAF;
	str_add(out, HEAD);
	for (size_t i = f->hosts; i < f->nodes.len; i++) {
		if (f->nodes.at[i].role != top)
			continue;
		if (!f->nodes.at[i].guid)
			return false;
		str_addf(out, "0x%016llx\n", (unsigned long long)f->nodes.at[i].guid);
	}
	return true;
}

/* --- netlist ---------------------------------------------------------------------------------------------------------------- */

static void end_name(const struct fab *f, unsigned node, unsigned port, struct str *out)
{
	if (node < f->hosts)
		str_addf(out, "\"%s/%u\"[1]", f->nodes.at[node].name, port);
	else
		str_addf(out, "\"%s\"[%u]", f->nodes.at[node].name, port);
}

struct row { unsigned node, port, peer, peer_port; };

static int by_node_port(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->port < y->port ? -1 : x->port > y->port;
}

void fab_netlist(const struct fab *f, struct str *out)
{
	size_t n = f->links.len * 2;
	autofree struct row *rows = xcalloc(n + 1, sizeof(*rows));
	for (size_t i = 0; i < f->links.len; i++) {
		const struct fab_link *l = &f->links.at[i];
		rows[2 * i] = (struct row){ l->a, l->a_port, l->b, l->b_port };
		rows[2 * i + 1] = (struct row){ l->b, l->b_port, l->a, l->a_port };
	}
	qsort(rows, n, sizeof(*rows), by_node_port);
	for (size_t i = 0; i < n; i++) {
		const struct fab_node *node = &f->nodes.at[rows[i].node];
		/* The simulator gives an adapter's only port the adapter's GUID and one. */
		uint64_t guid = node->role != FAB_HOST ? node->guid : node->nics ? node->nics[rows[i].port - 1] - 1 : 0;
		uint64_t made = UINT64_C(0x0200000000000000) | (uint64_t)rows[i].node << 16 | (node->role == FAB_HOST ? rows[i].port * 2u : 0);
		guid = guid ? guid : made;
		if (node->role == FAB_HOST)
			str_addf(out, "\ncaguid=0x%llx\nCa 1 \"%s/%u\"\n[1] ", (unsigned long long)guid, node->name, rows[i].port);
		else if (i == 0 || rows[i - 1].node != rows[i].node)
			str_addf(out, "\nswitchguid=0x%llx\nSwitch %u \"%s\"\n[%u] ", (unsigned long long)guid, node->ports, node->name, rows[i].port);
		else
			str_addf(out, "[%u] ", rows[i].port);
		end_name(f, rows[i].peer, rows[i].peer_port, out);
		str_addc(out, '\n');
	}
}

/* --- partitions ------------------------------------------------------------------------------------------------------------- */

struct partition {
	const char *name;
	const json_t *config;
	bool *nics;                      /* [host * rails + nic] */
	VEC(uint64_t) guids;             /* members given as a GUID, as they came */
};

static long pkey_of(const json_t *p)
{
	const json_t *v = json_at(p, "pkey");
	char *end;
	if (json_is_string(v)) {
		const char *s = json_string_value(v);
		long n = strtol(s, &end, 0);
		return *s && !*end ? n : -1;
	}
	return (long)json_int(p, "pkey", -1);
}

static void check_pkey(struct fab *f, const char *name, const json_t *p, const char **taken)
{
	long key = pkey_of(p);
	const char *const *path = FAB_PATH("partitions", name, "pkey");
	size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	if (!good || name[good] || good > FAB_MAX_NAME)
		FAB_REPORT(f, "E0720", true, FAB_PATH("partitions", name), NULL, NULL,
			   "a partition's name has letters, digits, \".\", \"_\" and \"-\", at most %d of them", FAB_MAX_NAME);
	if (strcmp(name, "Default") == 0)
		FAB_REPORT(f, "E0720", true, FAB_PATH("partitions", name), NULL, NULL,
			   "the partition Default is always written; default_membership says how hosts are in it");
	if (key < 1 || key > 0x7ffe) {
		FAB_REPORT(f, "E0714", false, path, NULL, NULL, "a P_Key is from 0x1 to 0x7ffe (15 bits; 0x7fff is the default partition)%s",
			   key > 0x8000 && key < 0xffff ? "; write it without the membership bit 0x8000" : "");
		return;
	}
	if (taken[key])
		FAB_REPORT(f, "E0715", false, path, NULL, NULL, "P_Key 0x%lx is that of %s: opensm would make them one partition", (unsigned long)key, taken[key]);
	taken[key] = name;
}

static bool add_nics(struct fab *f, struct partition *p, size_t host, const char *nics)
{
	bool any = false;
	for (unsigned k = 0; k < f->rails; k++) {
		char nic[12];
		snprintf(nic, sizeof(nic), "%u", k + 1);
		if (nics && !str_glob(nics, nic))
			continue;
		p->nics[host * f->rails + k] = true;
		any = true;
	}
	return any;
}

/* "gpu-00*" all NICs of hosts, "gpu-00[1-4]/3" one NIC of each, "0x0002c903..." a GUID. False when nothing matches. */
static bool add_member(struct fab *f, struct partition *p, const json_t *hosts, const char *text)
{
	uint64_t guid;
	bool any = false;
	if (str_has_prefix(text, "0x")) {
		bool good = fab_guid(text, &guid);
		if (good)
			vec_push(&p->guids, guid);
		return good;
	}
	char *pattern = arena_strdup(f->arena, text), *slash = strrchr(pattern, '/');
	if (slash)
		*slash++ = '\0';
	/* Long lists are lists of names: those are looked up, not matched against every host. */
	if (!strpbrk(pattern, "*?[\\")) {
		json_int_t host = json_int(hosts, pattern, -1);
		return host >= 0 && add_nics(f, p, (size_t)host, slash);
	}
	for (size_t h = 0; h < f->hosts; h++)
		if (str_glob(pattern, f->nodes.at[h].name))
			any = add_nics(f, p, h, slash) || any;
	return any;
}

static const char *const *host_names(struct fab *f)
{
	const char **names = arena_array(f->arena, f->hosts + 1, sizeof(*names));
	for (size_t i = 0; i < f->hosts; i++)
		names[i] = f->nodes.at[i].name;
	return names;
}

static void read_members(struct fab *f, struct partition *p, const json_t *hosts)
{
	const json_t *list = json_at(p->config, "members");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (!text || !add_member(f, p, hosts, text))
			FAB_REPORT(f, "E0716", false, FAB_PATH("partitions", p->name, "members", fab_number(f, i)), host_names(f), text ? text : "",
				   "\"%.80s\" matches none of the %u hosts", text ? text : "", f->hosts);
	}
	for (size_t h = 0; h < f->hosts; h++)
		for (unsigned k = 0; k < f->rails; k++)
			if (p->nics[h * f->rails + k] && !f->nodes.at[h].nics) {
				FAB_REPORT(f, "E0717", false, FAB_PATH("partitions", p->name, "members"), NULL, NULL,
					   "%s has no GUIDs: give each node `guids`, %u of them (a column of the inventory, separated by spaces), or set "
					   "guid_base where GUIDs are assigned", f->nodes.at[h].name, f->rails);
				return;
			}
}

static void write_flags(const json_t *p, struct str *out)
{
	static const char *const numbers[] = { "rate", "mtu", "sl" };
	const char *membership = json_str(p, "membership");
	if (json_flag(p, "index0", false))
		str_add(out, ", indx0");
	if (json_flag(p, "ipoib", false))
		str_add(out, ", ipoib");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (json_int(p, numbers[i], -1) >= 0)
			str_addf(out, ", %s=%lld", numbers[i], (long long)json_int(p, numbers[i], 0));
	str_addf(out, ", defmember=%s", membership ? membership : "full");
}

static void write_partition(struct fab *f, const struct partition *p, struct str *out, json_t *members)
{
	const char *sep = "";
	json_t *hosts = json_array();
	str_addf(out, "\n%s=0x%04lx", p->name, (unsigned long)pkey_of(p->config));
	write_flags(p->config, out);
	str_add(out, " :");
	for (size_t h = 0; h < f->hosts; h++) {
		bool any = false;
		for (unsigned k = 0; k < f->rails; k++) {
			if (!p->nics[h * f->rails + k])
				continue;
			str_addf(out, "%s\n\t0x%016llx", sep, (unsigned long long)f->nodes.at[h].nics[k]);
			sep = ",";
			any = true;
		}
		if (any)
			json_array_append_new(hosts, json_string(f->nodes.at[h].name));
	}
	for (size_t i = 0; i < p->guids.len; i++) {
		str_addf(out, "%s\n\t0x%016llx", sep, (unsigned long long)p->guids.at[i]);
		sep = ",";
	}
	str_add(out, " ;\n");
	json_put_new(members, p->name, json_pack("{s:i,s:o}", "pkey", (int)pkey_of(p->config), "members", hosts));
}

static void warn_unpartitioned(struct fab *f, const bool *in_some)
{
	unsigned n = 0;
	const char *first = NULL, *last = NULL;
	for (size_t h = 0; h < f->hosts; h++) {
		if (in_some[h])
			continue;
		first = first ? first : f->nodes.at[h].name;
		last = f->nodes.at[h].name;
		n++;
	}
	if (n)
		f->x->report(f->x->report_ctx, "W0701", false, FAB_PATH("partitions"), NULL, NULL,
			     "%u host%s in no partition (%s%s%s): they cannot talk to one another, as the default partition is limited; "
			     "default_membership: full lets them", n, n == 1 ? " is" : "s are", first, n > 1 ? " to " : "", n > 1 ? last : "");
}

void fab_partitions(struct fab *f, const json_t *config, struct str *out, json_t **members)
{
	const json_t *map = json_at(config, "partitions");
	const char *membership = json_str(config, "default_membership");
	size_t n;
	autofree const char **names = json_keys(map, &n);
	autofree const char **taken = xcalloc(0x8000, sizeof(*taken));
	autofree bool *in_some = xcalloc(f->hosts + 1u, sizeof(*in_some));
	autojson json_t *hosts = json_object();
	for (size_t h = 0; h < f->hosts; h++)
		json_put_int(hosts, f->nodes.at[h].name, (json_int_t)h);
	bool limited = membership ? strcmp(membership, "limited") == 0 : n > 0;
	*members = json_object();
	str_add(out, HEAD);
	/* Without a Default of its own opensm invents one, and which depends on whether the file is there. */
	str_addf(out, "Default=0x7fff%s, defmember=%s : ALL=%s, SELF=full ;\n", json_flag(config, "default_ipoib", true) ? ", ipoib" : "",
		 limited ? "limited" : "full", limited ? "limited" : "full");
	for (size_t i = 0; i < n; i++) {
		struct partition p = { .name = names[i], .config = json_at(map, names[i]) };
		p.nics = xcalloc((size_t)f->hosts * f->rails + 1, sizeof(*p.nics));
		int before = f->mistakes;
		check_pkey(f, names[i], p.config, taken);
		read_members(f, &p, hosts);
		if (f->mistakes == before)
			write_partition(f, &p, out, *members);
		for (size_t h = 0; h < (size_t)f->hosts * f->rails; h++)
			in_some[h / f->rails] |= p.nics[h];
		free(p.nics);
		vec_free(&p.guids);
	}
	if (limited && !f->mistakes)
		warn_unpartitioned(f, in_some);
}
