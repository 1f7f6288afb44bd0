#include "runtime/controllers/spares.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

const json_t *spare_selector(const json_t *pool)
{
	static json_t *deflt;
	const json_t *selector = json_at(json_at(pool, "spec"), "nodeSelector");
	if (!deflt)
		deflt = json_pack("{s:s}", "aipc.dev/spare", "true");
	return selector ? selector : deflt;
}

bool spare_serves(const json_t *pool, const json_t *gang, const struct fleet_node *n)
{
	const json_t *gangs = json_at(json_at(pool, "spec"), "gangs"), *spaces = json_at(gangs, "namespaces"), *meta = json_at(gang, "metadata");
	const char *wanted = json_str(json_path(gang, "spec", "spares", NULL), "pool");
	size_t i;
	json_t *space;
	bool named = !json_array_size(spaces);
	json_array_foreach(spaces, i, space) {
		named = named || (json_is_string(space) && strcmp(json_string_value(space), word(meta, "namespace")) == 0);
	}
	return named && (!wanted || strcmp(wanted, word(json_at(pool, "metadata"), "name")) == 0) && labels_match(spare_selector(pool), n->labels) &&
	       labels_match(json_at(gangs, "matchLabels"), json_at(meta, "labels"));
}

bool spare_promised(const struct fleet *f, const json_t *out, const char *node, const json_t *but)
{
	size_t i, k;
	json_t *e, *d;
	for (size_t g = 0; g < f->promising.len; g++) {
		if (f->promising.at[g] == but)
			continue;
		json_array_foreach(json_at(json_at(f->promising.at[g], "status"), "replacements"), i, e) {
			if (strcmp(word(e, "node"), node) == 0)
				return true;
		}
	}
	json_array_foreach(out, k, d) {
		json_array_foreach(json_at(d, "replacements"), i, e) {
			if (strcmp(word(e, "node"), node) == 0)
				return true;
		}
	}
	return false;
}

static bool serves_any(const struct fleet *f, const struct fleet_node *n)
{
	for (size_t p = 0; p < f->pools.len; p++)
		if (labels_match(spare_selector(f->pools.at[p]), n->labels))
			return true;
	return false;
}

static bool serves(const struct fleet *f, const json_t *gang, const struct fleet_node *n)
{
	for (size_t p = 0; p < f->pools.len; p++)
		if (spare_serves(f->pools.at[p], gang, n))
			return true;
	return false;
}

/* Where its lowest rank runs; NULL: it does not. */
static const struct fleet_node *home(const struct fleet *f, const json_t *gang)
{
	size_t n;
	struct fleet_pod *const *pods = fleet_gang_pods(f, word(json_at(gang, "metadata"), "namespace"), word(json_at(gang, "metadata"), "name"), &n);
	const struct fleet_pod *first = NULL;
	for (size_t i = 0; i < n; i++)
		if (!pods[i]->ended && pods[i]->at && (!first || pods[i]->rank < first->rank))
			first = pods[i];
	return first ? first->at : NULL;
}

static void keep_for(const struct fleet *f, const json_t *gang, struct spares *s)
{
	const json_t *spec = json_at(gang, "spec");
	const char *topology = json_str(spec, "topology");
	int64_t count = json_int(json_at(spec, "spares"), "count", 0);
	const struct fleet_node *at = count > 0 && !json_str(json_at(gang, "metadata"), "deletionTimestamp") ? home(f, gang) : NULL;
	struct levels levels;
	if (!at)
		return;
	fleet_levels(f, topology ? topology : "default", &levels);
	for (int shared = levels.n; shared >= 0 && count > 0; shared--) {
		for (size_t i = 0; i < s->list.len && count > 0; i++) {
			const struct fleet_node *n = s->list.at[i];
			if (s->keeper.at[i] || fleet_shared(&levels, at, n) != shared || !serves(f, gang, n) || spare_promised(f, NULL, n->name, NULL))
				continue;
			s->keeper.at[i] = gang;
			count--;
		}
	}
}

static int by_name(const void *a, const void *b)
{
	const json_t *x = json_at(*(json_t *const *)a, "metadata"), *y = json_at(*(json_t *const *)b, "metadata");
	int c = strcmp(word(x, "namespace"), word(y, "namespace"));
	return c ? c : strcmp(word(x, "name"), word(y, "name"));
}

void spares_find(const struct fleet *f, struct spares *out)
{
	*out = (struct spares){ 0 };
	for (size_t i = 0; i < f->nodes.len; i++) {
		if (f->nodes.at[i]->pods.len == 0 && serves_any(f, f->nodes.at[i]) && node_usable(f->nodes.at[i])) {
			vec_push(&out->list, f->nodes.at[i]);
			vec_push(&out->keeper, NULL);
		}
	}
	autofree const json_t **gangs = xcalloc(f->gangs.len + 1, sizeof(*gangs));
	for (size_t i = 0; i < f->gangs.len; i++)
		gangs[i] = f->gangs.at[i];
	if (f->gangs.len)
		qsort(gangs, f->gangs.len, sizeof(*gangs), by_name);
	for (size_t i = 0; i < f->gangs.len; i++)
		keep_for(f, gangs[i], out);
}

void spares_release(struct spares *s)
{
	vec_free(&s->list);
	vec_free(&s->keeper);
}
