/* dag - order among numbered things: resources of a spec, groups of a plan, objects of one composite.
 *
 * An edge says that LATER waits for EARLIER. Everything here is linear in things and edges, uses no recursion (a chain of
 * 100,000 resources is legal) and depends on nothing but the numbers, so results are the same in every run.
 */
#ifndef ENGINE_DAG_H
#define ENGINE_DAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/mem.h"

struct dag_edge { unsigned later, earlier; };
struct dag {
	unsigned n;
	VEC(struct dag_edge) edges;
	unsigned *start, *to;        /* after dag_order(): v waits for to[start[v] .. start[v+1]), ascending, no repeats */
	unsigned *order, *pos;       /* a topological order, and each one's place in it */
};

void dag_init(struct dag *g, unsigned n);
void dag_edge(struct dag *g, unsigned later, unsigned earlier);
void dag_release(struct dag *g);

/* Told of a cycle: CHAIN[0] waits for CHAIN[1] ... CHAIN[LEN-1] waits for CHAIN[0]. One is told for each knot of cycles. */
typedef void dag_cycle_fn(void *ctx, const unsigned *chain, size_t len);
/* Orders. An edge that closes a cycle is left out of the order: of such an edge pos[earlier] > pos[later]. False when there
 * was any. CYCLE may be NULL. */
bool dag_order(struct dag *g, dag_cycle_fn *cycle, void *ctx);

struct dag_list { unsigned *at; size_t n; };
/* For each thing with REAL[v]: the real things it waits for, directly or through things that are not real; ascending. Lists live
 * in A. Where very many wait for very many through one thing, the first of those waits for all and the others wait for it, so
 * the whole stays near linear. */
void dag_resolve(const struct dag *g, const bool *real, struct arena *a, struct dag_list *out);

#endif
