/* after - internal to engine/: conditions that only an apply can tell: postconditions of what it makes and changes, preconditions of outputs,
 * assertions of checks. They are told while the objects come, with what was read back.
 *
 * What the spec says of an object that did not come (it failed, was left out, or is still to come) is not known then.
 */
#ifndef ENGINE_AFTER_H
#define ENGINE_AFTER_H

#include "engine/planning.h"

struct after;
/* Takes what is needed of M, whose plan was made; NULL when the apply leaves nothing to tell. Borrows the spec. */
struct after *after_new(struct making *m);
void after_free(struct after *a);            /* NULL is fine */

/* The object at ADDRESS is there as ATTRS (borrowed) now. False: a postcondition of it is not met, which was told to D. *OTHERS counts those of
 * which the same is true and that only waited for it. Does not wait. */
bool after_came(struct after *a, const char *address, const json_t *attrs, struct diags *d, size_t *others);
/* Something that the object at ADDRESS refers to does not meet a postcondition: its address; NULL: nothing does. */
const char *after_forbids(const struct after *a, const char *address);
/* Tells D what is left: preconditions of outputs, rules of variables, checks. Gives the number of mistakes; *WARNED: assertions that do not
 * hold; *WAITS: some could not be told. */
size_t after_end(struct after *a, struct diags *d, size_t *warned, bool *waits);

#endif
