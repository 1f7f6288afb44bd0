#include "runtime/scheduler/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { NO_LEAF = UINT32_MAX };

struct room {
	const struct model *m;
	struct tree *t;
	struct filter *filter;
	struct pod *p;               /* stands for the class: a reference */
	bool devices;                /* the class asks for some */
	uint64_t seen;               /* of m->changes, those no longer listed included */
	int64_t *sum;                /* a vertex */
	uint32_t *best;              /* a vertex: leaf or NO_LEAF */
	int64_t *slices;             /* a leaf - base: free device slices */
	bool *open;                  /* a leaf - base: the node's own objects let the class in */
	uint32_t *stamp;             /* a leaf - base: of the node when that was looked at */
	bool never;                  /* no node lets it in, for its volume claims: */
	uint64_t judged_at;          /* version of the model then; who uses a ReadWriteOncePod claim changes */
	uint32_t *match;             /* winner trees, one an inner vertex: child positions */
	size_t *match_at;            /* an inner vertex: where its tree starts; its size is a power of two */
	int64_t most[TREE_LEVELS + 1]; /* a level: no vertex has more room; an upper bound, exact after counting all */
	uint64_t steps;
};

/* --- nodes ------------------------------------------------------------------------------------------------------------ */

/* nvidia.com/mig-3g.40gb counts 3 slices, any other device the 7 of a whole GPU. */
int64_t device_weight(const char *name)
{
	const char *mig = strstr(name, "/mig-");
	if (!strchr(name, '/') || strstr(name, "kubernetes.io/"))
		return 0;
	return mig && mig[5] >= '1' && mig[5] <= '9' ? mig[5] - '0' : 7;
}

static int64_t free_slices(const struct model *m, const struct node *n)
{
	int64_t total = 0;
	for (uint32_t i = 0; i < n->has.n; i++) {
		int64_t f = node_free_at(n, i), w = device_weight(intern_text(m->names, n->has.at[i].res));
		if (f > 0 && w)
			total += (f < 1000000 ? f : 1000000) * w;
	}
	return total;
}

static uint32_t leaf_index(const struct room *r, uint32_t leaf)
{
	return leaf - r->t->base[r->t->n_levels + 1];
}

static void look(struct room *r, uint32_t leaf)
{
	const struct node *n = tree_node(r->t, leaf);
	r->stamp[leaf_index(r, leaf)] = n->stamp;
	r->open[leaf_index(r, leaf)] = !r->never && !n->spare && !filter_node_static(r->filter, n);
}

static int64_t measure(struct room *r, uint32_t leaf)
{
	const char *why;
	const struct node *n = tree_node(r->t, leaf);
	r->steps++;
	if (r->stamp[leaf_index(r, leaf)] != n->stamp)
		look(r, leaf);
	r->slices[leaf_index(r, leaf)] = free_slices(r->m, n);
	return r->open[leaf_index(r, leaf)] ? filter_room(r->filter, n, &why) : 0;
}

/* --- which of two ------------------------------------------------------------------------------------------------------- */

static bool opens_empty(const struct room *r, uint32_t leaf)
{
	int level = r->t->scale_up;
	return level != TREE_NONE && r->devices && r->t->busy[tree_up(r->t, leaf, level)] == 0;
}

static int compare(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

bool room_better(const struct room *r, uint32_t a, uint32_t b)
{
	int64_t sa = r->slices[leaf_index(r, a)], sb = r->slices[leaf_index(r, b)];
	int c = compare(opens_empty(r, a), opens_empty(r, b));
	if (!c && !r->devices)
		c = compare(sa > 0, sb > 0);
	if (!c)
		c = compare(r->sum[a], r->sum[b]);
	if (!c)
		c = compare(sa, sb);
	uint32_t x = r->t->v[a].parent, y = r->t->v[b].parent;
	for (; !c && x != y; x = r->t->v[x].parent, y = r->t->v[y].parent)
		c = compare(r->sum[x], r->sum[y]);
	return c ? c < 0 : a < b;
}

/* The better of two children of V, by position; NO_LEAF: none. */
static uint32_t winner(struct room *r, uint32_t v, uint32_t a, uint32_t b)
{
	uint32_t la = a == NO_LEAF ? NO_LEAF : r->best[r->t->v[v].child + a], lb = b == NO_LEAF ? NO_LEAF : r->best[r->t->v[v].child + b];
	r->steps++;
	if (la == NO_LEAF || lb == NO_LEAF)
		return la != NO_LEAF ? a : b;
	return room_better(r, la, lb) ? a : b;
}

static uint32_t width(uint32_t children)
{
	uint32_t w = 1;
	while (w < children)
		w *= 2;
	return w;
}

static uint32_t entrant(const struct room *r, uint32_t v, uint32_t w, uint32_t i)
{
	if (i < w)
		return r->match[r->match_at[v] + i];
	return i - w < r->t->v[v].n_children ? i - w : NO_LEAF;
}

/* Plays the matches on the way of child POS of V again. */
static void replay(struct room *r, uint32_t v, uint32_t pos)
{
	uint32_t w = width(r->t->v[v].n_children), i = w + pos;
	for (i /= 2; i >= 1; i /= 2)
		r->match[r->match_at[v] + i] = winner(r, v, entrant(r, v, w, 2 * i), entrant(r, v, w, 2 * i + 1));
	uint32_t top = w == 1 ? 0 : r->match[r->match_at[v] + 1];
	r->best[v] = top == NO_LEAF ? NO_LEAF : r->best[r->t->v[v].child + top];
}

static void replay_all(struct room *r, uint32_t v)
{
	uint32_t w = width(r->t->v[v].n_children);
	for (uint32_t i = w - 1; i >= 1; i--)
		r->match[r->match_at[v] + i] = winner(r, v, entrant(r, v, w, 2 * i), entrant(r, v, w, 2 * i + 1));
	uint32_t top = w == 1 ? 0 : r->match[r->match_at[v] + 1];
	r->best[v] = top == NO_LEAF ? NO_LEAF : r->best[r->t->v[v].child + top];
}

/* --- keeping up ------------------------------------------------------------------------------------------------------------ */

static void note_most(struct room *r, uint32_t v)
{
	int64_t *most = &r->most[r->t->v[v].level];
	*most = r->sum[v] > *most ? r->sum[v] : *most;
}

static void update(struct room *r, uint32_t node_index)
{
	uint32_t v = r->t->leaf_of[node_index];
	int64_t now = measure(r, v), delta = now - r->sum[v];
	r->sum[v] = now;
	r->best[v] = now > 0 ? v : NO_LEAF;
	note_most(r, v);
	while (v) {
		uint32_t up = r->t->v[v].parent;
		r->sum[up] += delta;
		note_most(r, up);
		replay(r, up, v - r->t->v[up].child);
		v = up;
	}
}

static void count_all(struct room *r)
{
	const struct tree *t = r->t;
	memset(r->sum, 0, t->n * sizeof(*r->sum));
	memset(r->most, 0, sizeof(r->most));
	for (uint32_t v = t->n; v-- > 0;) {
		if (t->v[v].level > t->n_levels) {
			r->sum[v] = measure(r, v);
			r->best[v] = r->sum[v] > 0 ? v : NO_LEAF;
		} else if (t->v[v].n_children) {
			replay_all(r, v);
		} else {
			r->best[v] = NO_LEAF;
		}
		note_most(r, v);
		if (v)
			r->sum[t->v[v].parent] += r->sum[v];
	}
	r->seen = r->m->changes_before + r->m->changes.len;
}

struct room *room_new(const struct model *m, struct tree *t, struct pod *p)
{
	struct room *r = xcalloc(1, sizeof(*r));
	size_t matches = 0, leaves = m->nodes.len;
	r->m = m;
	r->t = t;
	r->p = pod_ref(p);
	r->filter = filter_open(m, p);
	r->devices = pod_wants_devices(m, &p->wants);
	r->sum = xcalloc(t->n, sizeof(*r->sum));
	r->best = xcalloc(t->n, sizeof(*r->best));
	r->slices = xcalloc(leaves + 1, sizeof(*r->slices));
	r->open = xcalloc(leaves + 1, sizeof(*r->open));
	r->stamp = xcalloc(leaves + 1, sizeof(*r->stamp));
	r->match_at = xcalloc(t->n, sizeof(*r->match_at));
	for (uint32_t v = 0; v < t->base[t->n_levels + 1]; v++) {
		r->match_at[v] = matches;
		matches += width(t->v[v].n_children);
	}
	r->match = xcalloc(matches + 1, sizeof(*r->match));
	r->never = filter_class_refused(r->filter);
	r->judged_at = m->version;
	for (size_t i = 0; i < leaves; i++)
		look(r, t->leaf_of[i]);
	count_all(r);
	return r;
}

void room_free(struct room *r)
{
	if (!r)
		return;
	filter_close(r->filter);
	pod_unref(r->p);
	free(r->stamp);
	free(r->sum);
	free(r->best);
	free(r->slices);
	free(r->open);
	free(r->match);
	free(r->match_at);
	free(r);
}

/* True: all is counted anew. */
static bool judge_again(struct room *r)
{
	if (!r->p->n_claims || r->judged_at == r->m->version)
		return false;
	filter_close(r->filter);
	r->filter = filter_open(r->m, r->p);
	r->judged_at = r->m->version;
	if (r->never == filter_class_refused(r->filter))
		return false;
	r->never = !r->never;
	for (size_t i = 0; i < r->m->nodes.len; i++)
		look(r, r->t->leaf_of[i]);
	count_all(r);
	return true;
}

void room_refresh(struct room *r)
{
	if (judge_again(r))
		return;
	uint64_t before = r->m->changes_before, now = before + r->m->changes.len;
	if (r->seen < before || now - r->seen > r->m->nodes.len) {
		count_all(r);
		return;
	}
	for (; r->seen < now; r->seen++)
		update(r, r->m->changes.at[r->seen - before]);
}

int64_t room_below(const struct room *r, uint32_t v)
{
	return r->sum[v];
}

int64_t room_most(const struct room *r, int level)
{
	return r->most[level];
}

bool room_best(const struct room *r, uint32_t v, uint32_t *leaf)
{
	*leaf = r->best[v];
	return *leaf != NO_LEAF;
}

size_t room_bytes(const struct room *r)
{
	size_t leaves = r->m->nodes.len, inner = r->t->base[r->t->n_levels + 1];
	return sizeof(*r) + r->t->n * (sizeof(*r->sum) + sizeof(*r->best) + sizeof(*r->match_at)) + leaves * (sizeof(*r->slices) + 1 + sizeof(*r->stamp)) +
	       (2 * leaves + inner) * sizeof(*r->match);
}

const struct pod *room_pod(const struct room *r)
{
	return r->p;
}

uint64_t room_steps(const struct room *r)
{
	return r->steps;
}
