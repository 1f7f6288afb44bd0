/* after_int - internal to engine/after*.c: conditions told with the spec at hand (after.c), or from what a plan file took along (after_saved.c). */
#ifndef ENGINE_AFTER_INT_H
#define ENGINE_AFTER_INT_H

#include <uthash.h>

#include "engine/after.h"

struct saved;
int saved_new(struct engine *e, const struct plan *p, struct saved **out, struct err *err) MUST_CHECK;
void saved_free(struct saved *s);            /* NULL is fine */
bool saved_came(struct saved *s, const char *address, const json_t *attrs, struct diags *d, size_t *others);
const char *saved_forbids(const struct saved *s, const char *address);
size_t saved_end(struct saved *s, struct diags *d, size_t *warned, bool *waits);

#endif
