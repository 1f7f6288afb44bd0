#include "runtime/scheduler/between.h"

#include <stdlib.h>

/* What can satisfy P, and not only forbid. */
struct counts {
	bool promised;                   /* with pods for which room is only kept */
	struct map *near; bool any_near; /* (term, value): matching pods */
	struct map **spread;             /* a constraint: value -> matching pods + 1 */
	int64_t *least, *domains;        /* a constraint: smallest count, number of values */
};

/* Where room is kept for pods, P must be right with them there and without, as kube-scheduler has it for nominated pods. */
struct between {
	const struct model *m;
	const struct pod *p;
	struct map *held;                /* (key, value) where a running pod's anti-affinity keeps P away */
	struct map *apart;               /* (term, value): matching pods */
	struct counts counts[2]; int n;
	bool any_held, any_apart;
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

static void count_near(struct between *b, struct counts *c, const struct node *n, const struct pod *q)
{
	sym value;
	if ((q->promised && !c->promised) || !all_terms_match(b->m, b->p, q))
		return;
	for (uint32_t i = 0; i < b->p->n_near; i++) {
		if (labels_get(&n->labels, b->p->near[i].topology, &value)) {
			bump(c->near, pair(b->p->near[i].topology, value), 1);
			c->any_near = true;
		}
	}
}

static void count_apart(struct between *b, const struct node *n, const struct pod *q)
{
	sym value;
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
	b->apart = map_new();
	for (int c = 0; c < b->n; c++)
		b->counts[c].near = map_new();
	for (size_t i = 0; i < b->m->nodes.len; i++) {
		const struct node *n = b->m->nodes.at[i];
		for (size_t k = 0; k < n->pods.len; k++) {
			for (int c = 0; c < b->n; c++)
				count_near(b, &b->counts[c], n, n->pods.at[k]);
			count_apart(b, n, n->pods.at[k]);
		}
	}
}

static bool has_all_keys(const struct pod *p, const struct node *n)
{
	sym value;
	for (uint32_t i = 0; i < p->n_spreads; i++)
		if (!labels_get(&n->labels, p->spreads[i].topology, &value))
			return false;
	return true;
}

static intptr_t matching(const struct between *b, const struct counts *c, const struct spread *s, const struct node *n)
{
	intptr_t found = 0;
	if (selector_empty(&s->pods))
		return 0;
	for (size_t i = 0; i < n->pods.len; i++) {
		const struct pod *q = n->pods.at[i];
		found += !q->terminating && (c->promised || !q->promised) && q->ns == b->p->ns && selector_matches(b->m->names, &s->pods, &q->labels);
	}
	return found;
}

/* One node's part; counts are kept plus one, so that a value with no matching pod is there too. */
static void count_spread_node(const struct between *b, struct counts *c, const struct node *n)
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
		if (!map_get(c->spread[i], value)) {
			map_put(c->spread[i], value, (void *)1);
			c->domains[i]++;
		}
		bump(c->spread[i], value, matching(b, c, s, n));
	}
}

static void count_spread(const struct between *b, struct counts *c)
{
	const struct pod *p = b->p;
	if (!p->n_spreads)
		return;
	c->spread = xcalloc(p->n_spreads, sizeof(*c->spread));
	c->least = xcalloc(p->n_spreads, sizeof(*c->least));
	c->domains = xcalloc(p->n_spreads, sizeof(*c->domains));
	for (uint32_t i = 0; i < p->n_spreads; i++) {
		c->spread[i] = map_new();
		c->least[i] = INT32_MAX;
	}
	for (size_t k = 0; k < b->m->nodes.len; k++)
		count_spread_node(b, c, b->m->nodes.at[k]);
	for (uint32_t i = 0; i < p->n_spreads; i++) {
		for (size_t k = 0; k < b->m->nodes.len; k++) {
			sym value;
			intptr_t n = labels_get(&b->m->nodes.at[k]->labels, p->spreads[i].topology, &value) ? (intptr_t)map_get(c->spread[i], value) : 0;
			if (n && n - 1 < c->least[i])
				c->least[i] = n - 1;
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
	b->counts[0].promised = true;
	b->n = m->promised ? 2 : 1;
	count_affinity(b);
	for (int c = 0; c < b->n; c++)
		count_spread(b, &b->counts[c]);
	return b;
}

static void counts_release(struct counts *c, uint32_t n_spreads)
{
	map_free(c->near);
	for (uint32_t i = 0; c->spread && i < n_spreads; i++)
		map_free(c->spread[i]);
	free(c->spread);
	free(c->least);
	free(c->domains);
}

void between_close(struct between *b)
{
	if (!b)
		return;
	map_free(b->held);
	map_free(b->apart);
	for (int c = 0; c < b->n; c++)
		counts_release(&b->counts[c], b->p->n_spreads);
	free(b);
}

static const char *judge_spread(const struct between *b, const struct counts *c, const struct node *n)
{
	for (uint32_t i = 0; i < b->p->n_spreads; i++) {
		const struct spread *s = &b->p->spreads[i];
		sym value;
		if (!labels_get(&n->labels, s->topology, &value))
			return "node lacks the label of a topology spread constraint";
		intptr_t there = (intptr_t)map_get(c->spread[i], value);
		int64_t least = c->domains[i] < s->min_domains ? 0 : c->least[i];
		bool self = selector_matches(b->m->names, &s->pods, &b->p->labels);
		if ((there ? there - 1 : 0) + self - least > s->max_skew)
			return "a topology spread constraint would be broken";
	}
	return NULL;
}

static bool near_enough(const struct between *b, const struct counts *c, const struct node *n)
{
	bool exist = true;
	sym value;
	for (uint32_t i = 0; i < b->p->n_near; i++) {
		if (!labels_get(&n->labels, b->p->near[i].topology, &value))
			return false;
		exist = exist && map_get(c->near, pair(b->p->near[i].topology, value));
	}
	return exist || (!c->any_near && all_terms_match(b->m, b->p, b->p));
}

const char *between_judge(const struct between *b, const struct node *n)
{
	const char *why = NULL;
	sym value;
	for (int c = 0; !why && c < b->n; c++) {
		why = judge_spread(b, &b->counts[c], n);
		if (!why && b->p->n_near && !near_enough(b, &b->counts[c], n))
			why = "pod affinity is not met";
	}
	if (why)
		return why;
	for (uint32_t i = 0; b->any_apart && i < b->p->n_apart; i++)
		if (labels_get(&n->labels, b->p->apart[i].topology, &value) && map_get(b->apart, pair(b->p->apart[i].topology, value)))
			return "pod anti-affinity forbids it";
	for (uint32_t i = 0; b->any_held && i < n->labels.n; i++)
		if (map_get(b->held, pair(n->labels.at[i].key, n->labels.at[i].value)))
			return "anti-affinity of a running pod forbids it";
	return NULL;
}
