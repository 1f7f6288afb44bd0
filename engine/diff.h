/* diff - internal to engine/: what about an object is not as it should be, by its schema's table.
 *
 * Compared is what the configuration says: an attribute that is absent there is not ours (one with the default "null" is:
 * absent means none). Computed, status, meta and secret attributes are never compared. Maps are compared by key, objects by
 * field, lists and everything else by value; a key that only the world has is to go, unless the map's keys are patterns.
 */
#ifndef ENGINE_DIFF_H
#define ENGINE_DIFF_H

#include "engine/plan.h"

struct diff_input {
	const struct resource_type *type;
	const json_t *want;          /* never NULL */
	const json_t *have;          /* NULL: it is not there */
	const json_t *prior;         /* NULL: not in the state */
};
struct diff_result {
	struct attr_change *attrs; size_t n;   /* in A; each holds references to its values */
	unsigned cause;
	bool replace;                /* one of them needs delete and create */
	bool lacking;                /* some wanted attribute is not in HAVE at all */
};
void diff_object(struct arena *a, const struct diff_input *in, struct diff_result *out);
void attr_change_release(struct attr_change *c);

#endif
