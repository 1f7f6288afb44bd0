/* tree - the fabric as the scheduler sees it: domains inside domains, nodes at the bottom.
 *
 * Levels go from the widest to the narrowest. They come from the FabricTopology called "default" (or the only one), by its list or preset;
 * without such an object, from the labels that aipc writes and the standard zone labels, those that some node has. Two nodes share a
 * domain when their labels agree on that level and on all wider ones; a node that lacks a label is below a vertex that is no domain.
 * A tree for one label key alone is made for groups that name a key which is no level.
 *
 * The vertices of a level lie side by side in the order of a walk over the tree, so the children of a vertex do too, and nodes that are
 * near each other in the fabric are near each other in the order of leaves. Trees do not change; a changed node label means a new one.
 */
#ifndef RUNTIME_SCHEDULER_TREE_H
#define RUNTIME_SCHEDULER_TREE_H

#include "runtime/scheduler/model.h"

enum { TREE_LEVELS = 13, TREE_NONE = -1 };

struct vertex {
	uint32_t parent, child, n_children;  /* of a leaf: child is the index of its node in the model */
	int level;                           /* 0 the root, then the levels, then nodes */
	sym value;                           /* of the label; the node's name on the last level */
	bool domain;
};

struct level { sym key; const char *name; bool scale_up; };

struct tree {
	const struct model *m;
	struct level level[TREE_LEVELS];     /* [0] is unused: the root */
	int n_levels;                        /* of domains; nodes are level n_levels + 1 */
	int scale_up;                        /* level whose domains share NVLink; TREE_NONE */
	struct vertex *v;
	uint32_t n;                          /* vertices */
	uint32_t base[TREE_LEVELS + 2];      /* first vertex of each level, and the end */
	uint32_t *leaf_of;                   /* model node index -> vertex */
	uint32_t *busy;                      /* a vertex: pods with devices below it */
};

/* The FabricTopology object that trees are made of: "default", else the first by name; NULL: none. Borrowed. */
const json_t *tree_topology(const struct model *m);
/* KEY 0: the fabric; else a tree of that label alone. */
struct tree *tree_new(const struct model *m, sym key);
void tree_free(struct tree *t);
/* The level called WORD: a level's name, alias or label key, "node" or kubernetes.io/hostname; TREE_NONE. */
int tree_level(const struct tree *t, const char *word);
/* The vertex of LEVEL above (or at) V. */
uint32_t tree_up(const struct tree *t, uint32_t v, int level);
/* The first vertex of LEVEL below V and one past the last. */
void tree_span(const struct tree *t, uint32_t v, int level, uint32_t *from, uint32_t *to);
/* P came to (sign 1) or left (-1) its node: keeps busy. */
void tree_count(struct tree *t, const struct pod *p, uint32_t node_index, int sign);
/* "leaf leaf-02", "node gpu-0001", "the cluster". */
void tree_name(const struct tree *t, uint32_t v, char *out, size_t size);
bool pod_wants_devices(const struct model *m, const struct amounts *wants);
static inline struct node *tree_node(const struct tree *t, uint32_t leaf) { return t->m->nodes.at[t->v[leaf].child]; }

#endif
