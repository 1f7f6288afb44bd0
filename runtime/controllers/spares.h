/* spares - whose the free spares are: pools say which gangs they serve, gangs (spec.spares) how many are kept for them while they run. */
#ifndef RUNTIME_CONTROLLERS_SPARES_H
#define RUNTIME_CONTROLLERS_SPARES_H

#include "runtime/controllers/fleet.h"

struct spares { VEC(const struct fleet_node *) list; VEC(const json_t *) keeper; };

/* Nodes of any pool that are fit and empty, and for each the Gang it is kept for, or NULL. Gangs with a running pod choose in the order of their
 * names, each the nearest to its lowest rank that serve it and are promised to nobody. */
void spares_find(const struct fleet *f, struct spares *out);
void spares_release(struct spares *s);
/* Does POOL give N to GANG? */
bool spare_serves(const json_t *pool, const json_t *gang, const struct fleet_node *n);
/* Labels of the nodes of POOL. */
const json_t *spare_selector(const json_t *pool);
/* Promised to some gang but BUT (NULL: to any): by a stored status, or by the decisions OUT of this round (NULL: none yet). */
bool spare_promised(const struct fleet *f, const json_t *out, const char *node, const json_t *but);

#endif
