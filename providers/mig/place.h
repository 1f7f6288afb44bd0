/* place - which sets of MIG instances fit on one GPU, and where. Pure.
 *
 * A layout is an array of counts, one per profile of the product (index as in mig_product.profiles).
 */
#ifndef PROVIDERS_MIG_PLACE_H
#define PROVIDERS_MIG_PLACE_H

#include <stdbool.h>

#include "base/str.h"
#include "providers/mig/table.h"

struct mig_instance { unsigned profile, start; };      /* an instance of profiles[PROFILE] from memory slice START */

enum mig_fit {
	MIG_FITS,
	MIG_TOO_MANY,            /* of one profile: more than its maximum */
	MIG_EXCLUSIVE,           /* of a set of profiles of which one instance may exist */
	MIG_COMPUTE,             /* sum of compute slices */
	MIG_MEMORY,              /* sum of memory slices */
	MIG_PLACEMENT,           /* every sum holds, no arrangement does */
};
/* Does the layout fit on an empty GPU? *PROFILE (may be NULL) is set for MIG_TOO_MANY and MIG_EXCLUSIVE. */
enum mig_fit mig_fits(const struct mig_product *p, const unsigned *counts, unsigned *profile);

/* Finds a place for COUNTS more instances beside the N_KEPT that stay where they are (fragmentation decides). Writes the new
 * ones to OUT (room for MIG_MAX_SLICES), in the order of their start, and their number to *N. Deterministic: larger
 * instances first, each at the first start that leads to a solution. False when there is none, or KEPT overlaps itself. */
bool mig_place(const struct mig_product *p, const struct mig_instance *kept, size_t n_kept, const unsigned *counts,
	       struct mig_instance *out, size_t *n);

/* The layouts nearest to one that does not fit: fewest instances changed (added, removed or exchanged) first, then the
 * most alike in compute and memory. Only such that no single step towards WANT is possible. Fills at most MAX rows. */
size_t mig_nearest(const struct mig_product *p, const unsigned *want, unsigned (*out)[MIG_MAX_PROFILES], size_t max);

/* Calls FN for every layout that fits on an empty GPU, the empty one included, in a fixed order; stops when it returns false. */
void mig_each_layout(const struct mig_product *p, bool (*fn)(void *ctx, const unsigned *counts), void *ctx);

/* "7 x 1g.10gb + 1 x 3g.40gb"; "no instances" for none. */
void mig_layout_text(const struct mig_product *p, const unsigned *counts, struct str *out);

#endif
