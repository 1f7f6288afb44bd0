/* table - schemas/mig.json in memory: GPU products, their MIG profiles and where instances may lie.
 *
 * A GPU is divided into memory slices (positions 0..memory_slices-1) and has compute slices. An instance of a profile takes
 * `memory` positions from one of `starts` and `compute` compute slices. The driver's profile names depend on its version, so
 * a profile is its index here; names are for people: names[0] is what we print, all are understood.
 */
#ifndef PROVIDERS_MIG_TABLE_H
#define PROVIDERS_MIG_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { MIG_MAX_PROFILES = 16, MIG_MAX_SLICES = 16 };     /* the loader refuses a table beyond */

struct mig_profile {
	const char *key;                 /* "1g+me": the same for all products of a layout */
	const char *const *names;        /* NULL-terminated, at least one */
	unsigned gi, smi;                /* NVML's GPU instance profile number; nvidia-smi's profile id */
	unsigned compute, memory;        /* slices one instance takes */
	unsigned max;                    /* instances on one GPU */
	unsigned sms;                    /* 0: unknown */
	uint32_t starts;                 /* bit N: an instance may begin at memory slice N */
	unsigned exclusive;              /* not 0: at most one instance of all profiles with this number */
};
struct mig_product {
	const char *name;
	const char *const *aliases;      /* NULL-terminated */
	const char *const *pci;          /* device ids, four hex digits, NULL-terminated */
	const char *driver;              /* the oldest driver branch with MIG on it: "R525" */
	unsigned compute_slices, memory_slices;
	struct mig_profile profiles[MIG_MAX_PROFILES]; size_t n_profiles;
};
struct mig_table { const struct mig_product *products; size_t n; const char *date; };

/* Reads a table (the text of schemas/mig.json) into A. E_INPUT names the first thing that is wrong with it. */
int mig_table_parse(struct arena *a, const char *text, size_t len, struct mig_table *out, struct err *err) MUST_CHECK;
/* The table of this build. */
const struct mig_table *mig_table_load(struct arena *a);
/* By name or alias, without regard to case, a leading "NVIDIA", and spaces or "_" for "-". NULL when unknown. */
const struct mig_product *mig_product_find(const struct mig_table *t, const char *name);
/* Index of the profile called NAME (any of its names, case ignored), or -1. */
int mig_profile_find(const struct mig_product *p, const char *name);
/* All product names, then all aliases; NULL-terminated, in A. For "did you mean". */
const char *const *mig_product_names(struct arena *a, const struct mig_table *t);
const char *const *mig_profile_names(struct arena *a, const struct mig_product *p);

#endif
