/* mock - a world made of nothing, for tests: providers with the types of real ones that talk to nobody.
 *
 * What is created or changed is remembered here, by address, and read back as it was wanted; what is removed is gone. Computed attributes are
 * those that a rule gives (the last rule that says something wins), else made up: text from the address, numbers 0, lists and maps
 * empty. Providers that need no outside world (provider.local) are used as they are, under the rules. Expansion and checks of types are
 * the real ones; provider.open of others is never called, so no secret is looked up.
 */
#ifndef ENGINE_MOCK_H
#define ENGINE_MOCK_H

#include "engine/provider.h"

struct mock;
/* REAL is NULL-terminated and outlives the mock. */
struct mock *mock_new(const struct provider *const *real);
void mock_free(struct mock *m);
/* The providers for engine_options. */
const struct provider *const *mock_providers(const struct mock *m);

/* What objects (or DATA) of TYPE tell. ATTRS is an object of computed attributes; borrowed. E_INPUT names what is not there. */
int mock_of_type(struct mock *m, bool data, const char *type, const json_t *attrs, struct err *err) MUST_CHECK;
/* The same of what ADDRESS names: an object, all of a block, or a glob over addresses. */
int mock_of_address(struct mock *m, const char *address, const json_t *attrs, struct err *err) MUST_CHECK;
/* An object that is there already, although no state knows it. */
int mock_put(struct mock *m, const char *address, const json_t *attrs, struct err *err) MUST_CHECK;
/* Rules that were added since there were N are forgotten; gives their number. */
size_t mock_rules(const struct mock *m);
void mock_forget(struct mock *m, size_t n);
/* A plan_options.foretold; CTX is the mock. */
const json_t *mock_foretold(void *ctx, const struct resource_type *type, const char *address);

#endif
