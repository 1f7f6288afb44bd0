/* record - internal to engine/: what is written into the state after an operation, and whether it is what was planned. Pure. */
#ifndef ENGINE_RECORD_H
#define ENGINE_RECORD_H

#include "base/str.h"
#include "engine/provider.h"

/* The attributes to keep for an object: ACTUAL as it was read back, with those of CONFIG that the world cannot tell (ATTR_META
 * steers the provider, ATTR_SECRET is a reference), at every depth that both have. CONFIG may be NULL. A new object. */
json_t *record_attrs(const struct resource_type *type, const json_t *config, const json_t *actual);
/* Is ACTUAL (not NULL) what CONFIG asked for? Compared as plans are (engine/diff.h), so what conforms needs no further change. False:
 * adds to WHY "firmware BMC still reads 24.05.1, not 24.09.17" and, beyond three attributes, how many more. */
bool record_conforms(const struct resource_type *type, const json_t *config, const json_t *actual, struct str *why);

#endif
