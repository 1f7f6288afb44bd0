#include "runtime/scheduler/between.h"

#include <stdlib.h>

struct between {
	const struct model *m;
	const struct pod *p;
	struct map *held;                /* (key, value) where a running pod's anti-affinity keeps P away */
	struct map *near, *apart;        /* (term, value): matching pods */
	struct map **spread;             /* a constraint: value -> matching pods + 1 */
	int64_t *least, *domains;        /* a constraint: smallest count, number of values */
	bool any_held, any_near, any_apart;
};

static uint64_t pair(uint32_t a, sym b)
{
	return (uint64_t)a << 32 | b;
}

static void bump(struct map *m, uint64_t key, intptr_t by)
{
	map_put(m, key, (void *)((intptr_t)map_get(m, key) + by));
}

/* OWNER_WAITS: the term is of the waiting pod. Upstream turns its namespace selector into the names of existing namespaces, and (1.36.3:
 * the merged term is a copy) still matches the selector itself against no labels at all, so `team notin (x)` reaches every
 * namespace; verdicts are to be the same. Else the selector sees the labels of the other's namespace, none where the object is missing. */
static bool term_matches(const struct model *m, const struct pod_term *t, const struct pod *other, bool owner_waits)
{
	static const struct labels none = { NULL, 0 };
	bool ns = selector_empty(&t->namespaces);
	for (uint32_t i = 0; !ns && i < t->n_ns; i++)
		ns = t->ns[i] == other->ns;
	if (!ns && !t->namespaces.nothing) {
		const struct labels *l = model_namespace(m, other->ns);
		ns = (l && selector_matches(m->names, &t->namespaces, l)) ||
		     ((owner_waits || !l) && selector_matches(m->names, &t->namespaces, &none));
	}
	return ns && selector_matches(m->names, &t->pods, &other->labels);
}

static bool all_terms_match(const struct model *m, const struct pod *p, const struct pod *other)
{
	for (uint32_t i = 0; i < p->n_near; i++)
		if (!term_matches(m, &p->near[i], other, true))
			return false;
	return p->n_near > 0;
}

static void count_held(struct between *b)
{
	for (size_t i = 0; i < b->m->apart.len; i++) {
		const struct pod *q = b->m->apart.at[i];
		for (uint32_t k = 0; k < q->n_apart; k++) {
			sym value;
			if (term_matches(b->m, &q->apart[k], b->p, false) && labels_get(&q->node->labels, q->apart[k].topology, &value)) {
				if (!b->held)
					b->held = map_new();
				bump(b->held, pair(q->apart[k].topology, value), 1);
				b->any_held = true;
			}
		}
	}
}

static void count_pod(struct between *b, const struct node *n, const struct pod *q)
{
	sym value;
	if (all_terms_match(b->m, b->p, q)) {
		for (uint32_t i = 0; i < b->p->n_near; i++) {
			if (labels_get(&n->labels, b->p->near[i].topology, &value)) {
				bump(b->near, pair(b->p->near[i].topology, value), 1);
				b->any_near = true;
			}
		}
	}
	for (uint32_t i = 0; i < b->p->n_apart; i++) {
		if (term_matches(b->m, &b->p->apart[i], q, true) && labels_get(&n->labels, b->p->apart[i].topology, &value)) {
			bump(b->apart, pair(b->p->apart[i].topology, value), 1);
			b->any_apart = true;
		}
	}
}

static void count_affinity(struct between *b)
{
	if (!b->p->n_near && !b->p->n_apart)
		return;
	b->near = map_new();
	b->apart = map_new();
	for (size_t i = 0; i < b->m->nodes.len; i++)
		for (size_t k = 0; k < b->m->nodes.at[i]->pods.len; k++)
			count_pod(b, b->m->nodes.at[i], b->m->nodes.at[i]->pods.at[k]);
}

static bool has_all_keys(const struct pod *p, const struct node *n)
{
	sym value;
	for (uint32_t i = 0; i < p->n_spreads; i++)
		if (!labels_get(&n->labels, p->spreads[i].topology, &value))
			return false;
	return true;
}

static intptr_t matching(const struct between *b, const struct spread *s, const struct node *n)
{
	intptr_t found = 0;
	if (selector_empty(&s->pods))
		return 0;
	for (size_t i = 0; i < n->pods.len; i++) {
		const struct pod *q = n->pods.at[i];
		found += !q->terminating && q->ns == b->p->ns && selector_matches(b->m->names, &s->pods, &q->labels);
	}
	return found;
}

/* One node's part; counts are kept plus one, so that a value with no matching pod is there too. */
static void count_spread_node(struct between *b, const struct node *n)
{
	const struct pod *p = b->p;
	if (!has_all_keys(p, n))
		return;
	for (uint32_t i = 0; i < p->n_spreads; i++) {
		const struct spread *s = &p->spreads[i];
		sym value = 0;
		if ((s->honor_affinity && !pod_wants_node(b->m, p, n)) || (s->honor_taints && pod_repelled(p, n)))
			continue;
		labels_get(&n->labels, s->topology, &value);
		if (!map_get(b->spread[i], value)) {
			map_put(b->spread[i], value, (void *)1);
			b->domains[i]++;
		}
		bump(b->spread[i], value, matching(b, s, n));
	}
}

static void count_spread(struct between *b)
{
	const struct pod *p = b->p;
	if (!p->n_spreads)
		return;
	b->spread = xcalloc(p->n_spreads, sizeof(*b->spread));
	b->least = xcalloc(p->n_spreads, sizeof(*b->least));
	b->domains = xcalloc(p->n_spreads, sizeof(*b->domains));
	for (uint32_t i = 0; i < p->n_spreads; i++) {
		b->spread[i] = map_new();
		b->least[i] = INT32_MAX;
	}
	for (size_t k = 0; k < b->m->nodes.len; k++)
		count_spread_node(b, b->m->nodes.at[k]);
	for (uint32_t i = 0; i < p->n_spreads; i++) {
		for (size_t k = 0; k < b->m->nodes.len; k++) {
			sym value;
			intptr_t n = labels_get(&b->m->nodes.at[k]->labels, p->spreads[i].topology, &value) ? (intptr_t)map_get(b->spread[i], value) : 0;
			if (n && n - 1 < b->least[i])
				b->least[i] = n - 1;
		}
	}
}

struct between *between_open(const struct model *m, const struct pod *p)
{
	struct between *b = xcalloc(1, sizeof(*b));
	b->m = m;
	b->p = p;
	count_held(b);
	if (!b->any_held && !p->n_near && !p->n_apart && !p->n_spreads) {
		free(b);
		return NULL;
	}
	count_affinity(b);
	count_spread(b);
	return b;
}

void between_close(struct between *b)
{
	if (!b)
		return;
	map_free(b->held);
	map_free(b->near);
	map_free(b->apart);
	for (uint32_t i = 0; b->spread && i < b->p->n_spreads; i++)
		map_free(b->spread[i]);
	free(b->spread);
	free(b->least);
	free(b->domains);
	free(b);
}

static const char *judge_spread(const struct between *b, const struct node *n)
{
	for (uint32_t i = 0; i < b->p->n_spreads; i++) {
		const struct spread *s = &b->p->spreads[i];
		sym value;
		if (!labels_get(&n->labels, s->topology, &value))
			return "node lacks the label of a topology spread constraint";
		intptr_t there = (intptr_t)map_get(b->spread[i], value);
		int64_t least = b->domains[i] < s->min_domains ? 0 : b->least[i];
		bool self = selector_matches(b->m->names, &s->pods, &b->p->labels);
		if ((there ? there - 1 : 0) + self - least > s->max_skew)
			return "a topology spread constraint would be broken";
	}
	return NULL;
}

static bool near_enough(const struct between *b, const struct node *n)
{
	bool exist = true;
	sym value;
	for (uint32_t i = 0; i < b->p->n_near; i++) {
		if (!labels_get(&n->labels, b->p->near[i].topology, &value))
			return false;
		exist = exist && map_get(b->near, pair(b->p->near[i].topology, value));
	}
	return exist || (!b->any_near && all_terms_match(b->m, b->p, b->p));
}

const char *between_judge(const struct between *b, const struct node *n)
{
	const char *why = judge_spread(b, n);
	sym value;
	if (why)
		return why;
	if (b->p->n_near && !near_enough(b, n))
		return "pod affinity is not met";
	for (uint32_t i = 0; b->any_apart && i < b->p->n_apart; i++)
		if (labels_get(&n->labels, b->p->apart[i].topology, &value) && map_get(b->apart, pair(b->p->apart[i].topology, value)))
			return "pod anti-affinity forbids it";
	for (uint32_t i = 0; b->any_held && i < n->labels.n; i++)
		if (map_get(b->held, pair(n->labels.at[i].key, n->labels.at[i].value)))
			return "anti-affinity of a running pod forbids it";
	return NULL;
}
