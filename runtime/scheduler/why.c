/* Reasons: for a pod, which nodes refuse it and for what; for a group, each level's best domain and what it lacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "runtime/scheduler/place_internal.h"

enum { MAX_KINDS = 32, SHOWN = 6 };

static void say(struct engine *e, struct pending *out, const char *text)
{
	vec_push(&out->reasons, arena_strdup(e->words, text));
}

/* --- pods ------------------------------------------------------------------------------------------------------------------ */

/* Reasons are counted by their part before a colon ("insufficient cpu"), and shown as the first node has it. */
struct kind { size_t len, count; char text[512]; const char *node; };

static int commonest_first(const void *a, const void *b)
{
	const struct kind *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->text, y->text);
}

static void count_kind(struct kind *kinds, size_t *n, const char *why, const char *node)
{
	const char *colon = strstr(why, ": ");
	size_t len = colon ? (size_t)(colon - why) : strlen(why);
	for (size_t i = 0; i < *n; i++) {
		if (kinds[i].len == len && strncmp(kinds[i].text, why, len) == 0) {
			kinds[i].count++;
			return;
		}
	}
	if (*n == MAX_KINDS)
		return;
	struct kind *k = &kinds[(*n)++];
	k->len = len;
	k->count = 1;
	k->node = node;
	snprintf(k->text, sizeof(k->text), "%s", why);
}

static void why_nodes(struct engine *e, struct filter *f, struct pending *out)
{
	struct kind *kinds = xcalloc(MAX_KINDS, sizeof(*kinds));
	size_t n = 0;
	char text[1024];
	for (size_t i = 0; i < e->m->nodes.len; i++) {
		const struct node *node = e->m->nodes.at[i];
		const char *why = filter_node_lasting(f, node);
		if (!why)
			why = node->spare ? "kept as a spare" : "was free when the pod's turn was over";
		count_kind(kinds, &n, why, node->text);
	}
	if (n)
		qsort(kinds, n, sizeof(*kinds), commonest_first);
	snprintf(text, sizeof(text), "none of %zu nodes fits", e->m->nodes.len);
	say(e, out, e->m->nodes.len ? text : "there are no nodes");
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		bool detail = kinds[i].text[kinds[i].len] == ':';
		if (detail && e->terse) {
			kinds[i].text[kinds[i].len + strcspn(kinds[i].text + kinds[i].len, ",")] = '\0';
			detail = false;
		}
		snprintf(text, sizeof(text), detail && kinds[i].count > 1 ? "%zu node%s: %s (on %s)" : "%zu node%s: %s", kinds[i].count,
			 kinds[i].count == 1 ? "" : "s", kinds[i].text, kinds[i].node);
		say(e, out, text);
	}
	free(kinds);
}

/* Where the reasons of a class stand: N of those of a pending pod, from the one at FROM (a member of a group has others around them). */
struct blame { size_t pending, from, n; };

/* Pods of one class that nothing elsewhere touches have the same reasons. */
void why_pod(struct engine *e, const struct pod *p, struct pending *out)
{
	if (e->blamed_at != e->m->version) {
		map_free(e->blamed);
		e->blamed = map_new();
		e->blamed_at = e->m->version;
	}
	struct filter *f = filter_open(e->m, p);
	const char *why = filter_pod_reason(f);
	bool dynamic = !why && filter_is_dynamic(f);
	const struct blame *known = map_get(e->blamed, p->class_key);
	if (why) {
		say(e, out, why);
	} else if (!dynamic && known) {
		for (size_t i = 0; i < known->n; i++)
			vec_push(&out->reasons, e->pending.at[known->pending].reasons.at[known->from + i]);
	} else {
		size_t from = out->reasons.len;
		why_nodes(e, f, out);
		if (!dynamic) {
			struct blame *b = arena_alloc(e->words, sizeof(*b));
			*b = (struct blame){ e->pending.len, from, out->reasons.len - from };
			map_put(e->blamed, p->class_key, b);
		}
	}
	filter_close(f);
}

/* --- groups ------------------------------------------------------------------------------------------------------------------ */

static const char *of_pods(const struct group *g)
{
	return g->min == 1 ? "pod" : "pods";
}

/* The room for the group's pods in D: the scarcest of its classes, as a share of what it wants of that class; for one class pods. */
static int64_t room_for(struct engine *e, struct tree *t, uint32_t d, const struct group *g)
{
	int64_t total = 0;
	for (size_t i = 0; i < g->waiting.len; i++) {
		int64_t same = 0, room = room_below(engine_room(e, t, g->waiting.at[i]), d);
		bool first = true;
		for (size_t k = 0; k < g->waiting.len && first; k++) {
			if (g->waiting.at[k]->class_key == g->waiting.at[i]->class_key) {
				first = k >= i;
				same++;
			}
		}
		if (first)
			total += room < same ? room : same;
	}
	return total;
}

static bool of_one_kind(const struct group *g)
{
	for (size_t i = 1; i < g->waiting.len; i++)
		if (g->waiting.at[i]->class_key != g->waiting.at[0]->class_key)
			return false;
	return true;
}

static void why_level(struct engine *e, struct tree *t, int level, const struct group *g, int64_t need, struct pending *out)
{
	uint32_t from, to, best = UINT32_MAX, next = UINT32_MAX;
	int64_t most = -1, second = -1;
	char text[1024], name[300];
	tree_span(t, 0, level, &from, &to);
	for (uint32_t d = from; d < to; d++) {
		int64_t room = t->v[d].domain ? room_for(e, t, d, g) : -1;
		if (room > most) {
			second = most;
			next = best;
			most = room;
			best = d;
		} else if (room > second) {
			second = room;
			next = d;
		}
	}
	if (best == UINT32_MAX) {
		snprintf(text, sizeof(text), "no node has the label %s", intern_text(e->m->names, t->level[level].key));
		say(e, out, text);
		return;
	}
	tree_name(t, best, name, sizeof(name));
	if (most >= need && !of_one_kind(g))
		snprintf(text, sizeof(text), "%s has room for each kind of its pods, but not for all of them together", name);
	else if (most >= need)
		snprintf(text, sizeof(text), "%s has room for %lld, but not in the slices, within the spread or next to the pods that are asked for", name, (long long)most);
	else
		snprintf(text, sizeof(text), "best: %s has room for %lld, %lld short", name, (long long)most, (long long)(need - most));
	say(e, out, text);
	if (next != UINT32_MAX && most < need) {
		tree_name(t, next, name, sizeof(name));
		snprintf(text, sizeof(text), "next: %s has room for %lld", name, (long long)second);
		say(e, out, text);
	}
}

/* Where the wish is narrower than the cluster: would it fit if it were wider? */
static void why_wider(struct engine *e, struct tree *t, int level, const struct group *g, int64_t need, struct pending *out)
{
	char text[512];
	bool sure = fit_alike(e, g->waiting.at, g->waiting.len);
	for (int l = level - 1; l >= 0; l--) {
		uint32_t from, to;
		tree_span(t, 0, l, &from, &to);
		for (uint32_t d = from; d < to; d++) {
			if ((l > 0 && !t->v[d].domain) || room_for(e, t, d, g) < need || (sure && !fit_possible(e, t, d, g, g->waiting.at, (size_t)need)))
				continue;
			snprintf(text, sizeof(text), sure ? "it would fit into one %s" : "one %s has room for each kind of its pods",
				 l ? t->level[l].name : "cluster, without the required level");
			say(e, out, text);
			return;
		}
	}
}

static void why_leaf_group(struct engine *e, const struct group *g, struct pending *out)
{
	int64_t there = (int64_t)(g->waiting.len + g->bound.len), need = g->min ? g->min - (int64_t)g->bound.len : (int64_t)g->waiting.len;
	const char *word = g->required ? g->required : "";
	char text[1024];
	struct tree *t = g->required ? engine_tree(e, g->required) : e->trees.at[0];
	int level = g->required ? tree_level(t, g->required) : 0;
	if (g->refused) {
		say(e, out, g->refused);
		return;
	}
	if (there < g->min) {
		snprintf(text, sizeof(text), "%lld of at least %lld %s are there%s", (long long)there, (long long)g->min, of_pods(g),
			 g->held_back ? "; others are gated, being deleted or refused" : "");
		say(e, out, text);
		return;
	}
	if (need <= 0) {
		snprintf(text, sizeof(text), "the minimum of %lld runs; it joins when there is room%s%s%s", (long long)g->min, g->required ? " in the same " : "", word,
			 g->required ? " as the others" : "");
		say(e, out, text);
		why_pod(e, out->pod, out);
		return;
	}
	snprintf(text, sizeof(text), "%lld pods must start together%s%s", (long long)need, g->required ? " in one " : "", word);
	say(e, out, text);
	int64_t patience = engine_patience(e, g);
	if (patience) {
		snprintf(text, sizeof(text), "one %s is preferred; what is wider is taken after %lld s of waiting", g->preferred, (long long)(g->patience_ms / 1000));
		say(e, out, text);
	}
	if (spread_unknown(t, g)) {
		snprintf(text, sizeof(text), "its spread names %s, which is no level of the topology", spread_unknown(t, g));
		say(e, out, text);
		return;
	}
	why_level(e, t, level, g, need, out);
	if (level > 0)
		why_wider(e, t, level, g, need, out);
	if (e->tired)
		say(e, out, "the search was cut short (heuristic)");
	if (g->waiting.len && room_for(e, t, 0, g) == 0)
		why_pod(e, g->waiting.at[0], out);
}

void why_group(struct engine *e, const struct group *g, struct pending *out)
{
	const struct group *root = g;
	char text[1024];
	while (root->parent)
		root = root->parent;
	if (root->refused) {
		snprintf(text, sizeof(text), "%s %.300s: %.400s", root->kind, root->key, root->refused);
		say(e, out, text);
		return;
	}
	snprintf(text, sizeof(text), "%s %.300s%s%.100s is not placed", root->kind, root->key, g->name ? ", group " : "", g->name ? g->name : "");
	say(e, out, text);
	if (out->pod->refused)
		say(e, out, out->pod->refused);
	else
		why_leaf_group(e, g, out);
	if (root != g)
		say(e, out, "the groups of the gang start together; see the reasons of the others");
}
