#include "runtime/controllers/fleet.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/str.h"
#include "runtime/builtin.h"

struct fleet *fleet_new(int64_t now_ms)
{
	struct fleet *f = xcalloc(1, sizeof(*f));
	f->a = arena_new();
	f->now_ms = now_ms;
	f->keep = json_array();
	f->due_ms = arena_alloc(f->a, sizeof(*f->due_ms));
	*f->due_ms = INT64_MAX;
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->nodes.len; i++) {
		vec_free(&f->nodes.at[i]->pods);
		vec_free(&f->nodes.at[i]->events);
	}
	vec_free(&f->nodes);
	vec_free(&f->pods);
	vec_free(&f->gangs);
	vec_free(&f->pools);
	vec_free(&f->policies);
	vec_free(&f->topologies);
	vec_free(&f->events);
	vec_free(&f->promising);
	vec_free(&f->notes);
	json_decref(f->keep);
	arena_free(f->a);
	free(f);
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

int64_t time_parse(const char *text)
{
	struct tm tm = { 0 };
	int used = 0, off_h = 0, off_m = 0;
	if (!text || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &used) != 6)
		return -1;
	if (tm.tm_year < 1970 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return -1;
	const char *rest = text + used;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0) {
		if ((*rest != '+' && *rest != '-') || sscanf(rest + 1, "%2d:%2d%n", &off_h, &off_m, &used) != 2 || rest[1 + used])
			return -1;
		if (*rest == '-') {
			off_h = -off_h;
			off_m = -off_m;
		}
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return ((int64_t)timegm(&tm) - off_h * 3600 - off_m * 60) * 1000;
}

static void add_node(struct fleet *f, const json_t *j)
{
	const json_t *meta = json_at(j, "metadata"), *status = json_at(j, "status");
	struct fleet_node *n = arena_alloc(f->a, sizeof(*n));
	*n = (struct fleet_node){ .name = word(meta, "name"), .uid = word(meta, "uid"), .version = word(meta, "resourceVersion"), .json = j,
		.labels = json_at(meta, "labels"), .notes = json_at(meta, "annotations"), .taints = json_at(json_at(j, "spec"), "taints"),
		.conditions = json_at(status, "conditions"), .allocatable = json_at(status, "allocatable"),
		.boot = word(json_at(status, "nodeInfo"), "bootID"), .cordoned = json_flag(json_at(j, "spec"), "unschedulable", false) };
	vec_push(&f->nodes, n);
}

static int64_t rank_of(const json_t *meta)
{
	static const char *const keys[] = { KEY_RANK, "batch.kubernetes.io/job-completion-index", "apps.kubernetes.io/pod-index" };
	for (size_t i = 0; i < 2 * ARRAY_LEN(keys); i++) {
		const char *text = json_str(json_at(meta, i % 2 ? "labels" : "annotations"), keys[i / 2]);
		char *end;
		if (!text || !*text || !strchr("0123456789", text[0]))
			continue;
		errno = 0;
		long n = strtol(text, &end, 10);
		if (!*end && !errno && n <= INT_MAX)
			return n;
	}
	return -1;
}

static void add_pod(struct fleet *f, const json_t *j)
{
	const json_t *meta = json_at(j, "metadata");
	const char *gang = json_str(json_at(meta, "labels"), KEY_GANG), *phase = word(json_at(j, "status"), "phase");
	if (!gang)
		gang = json_str(json_at(meta, "annotations"), KEY_GANG);
	if (!gang || !*gang)
		return;
	struct fleet_pod *p = arena_alloc(f->a, sizeof(*p));
	*p = (struct fleet_pod){ .ns = word(meta, "namespace"), .name = word(meta, "name"), .uid = word(meta, "uid"), .node = word(json_at(j, "spec"), "nodeName"),
		.gang = gang, .group = word(json_at(meta, "labels"), KEY_GROUP), .rank = rank_of(meta), .json = j,
		.ended = strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0, .terminating = json_str(meta, "deletionTimestamp") != NULL };
	vec_push(&f->pods, p);
}

static int add_list(struct fleet *f, const json_t *j, int depth, struct err *err);

static int add_one(struct fleet *f, const json_t *j, int depth, struct err *err)
{
	const char *kind = json_str(j, "kind");
	if (!kind || !json_str(j, "apiVersion"))
		return err_set(err, E_INPUT, "not a Kubernetes object: it has no kind or no apiVersion");
	if (str_has_suffix(kind, "List") && json_is_array(json_at(j, "items")))
		return add_list(f, j, depth + 1, err);
	if (!*word(json_at(j, "metadata"), "name")) {
		vec_push(&f->notes, arena_printf(f->a, "a %.60s without a name was passed over", kind));
		return 0;
	}
	json_array_append_new(f->keep, json_ref(j));
	if (strcmp(kind, "Node") == 0)
		add_node(f, j);
	else if (strcmp(kind, "Pod") == 0)
		add_pod(f, j);
	else if (strcmp(kind, "Gang") == 0)
		vec_push(&f->gangs, j);
	else if (strcmp(kind, "SparePool") == 0)
		vec_push(&f->pools, j);
	else if (strcmp(kind, "NodeHealthPolicy") == 0)
		vec_push(&f->policies, j);
	else if (strcmp(kind, "FabricTopology") == 0)
		vec_push(&f->topologies, j);
	else if (strcmp(kind, "Event") == 0)
		vec_push(&f->events, j);
	return 0;
}

static int add_list(struct fleet *f, const json_t *j, int depth, struct err *err)
{
	size_t i;
	json_t *item;
	if (depth > 8)
		return err_set(err, E_INPUT, "lists inside lists, more than 8 deep");
	json_array_foreach(json_at(j, "items"), i, item) {
		if (add_one(f, item, depth, err))
			return err_wrap(err, "items[%zu]", i);
	}
	return 0;
}

int fleet_add(struct fleet *f, const json_t *j, struct err *err)
{
	return add_one(f, j, 0, err);
}

/* --- order --------------------------------------------------------------------------------------------------------------- */

static int natural(const char *a, const char *b)
{
	int c = str_natural_cmp(a, b);
	return c ? c : strcmp(a, b);
}

static int by_node(const void *a, const void *b)
{
	return natural((*(struct fleet_node *const *)a)->name, (*(struct fleet_node *const *)b)->name);
}

static int by_pod(const void *a, const void *b)
{
	const struct fleet_pod *p = *(struct fleet_pod *const *)a, *q = *(struct fleet_pod *const *)b;
	int c = strcmp(p->ns, q->ns);
	c = c ? c : strcmp(p->gang, q->gang);
	c = c ? c : strcmp(p->group, q->group);
	if (c == 0 && p->rank != q->rank)
		return p->rank < q->rank ? -1 : 1;
	return c ? c : natural(p->name, q->name);
}

static int by_meta(const void *a, const void *b)
{
	const json_t *p = json_at(*(const json_t *const *)a, "metadata"), *q = json_at(*(const json_t *const *)b, "metadata");
	int c = strcmp(word(p, "namespace"), word(q, "namespace"));
	return c ? c : natural(word(p, "name"), word(q, "name"));
}

static int by_priority(const void *a, const void *b)
{
	int64_t p = json_int(json_at(*(const json_t *const *)a, "spec"), "priority", 0), q = json_int(json_at(*(const json_t *const *)b, "spec"), "priority", 0);
	return p != q ? (p > q ? -1 : 1) : by_meta(a, b);
}

#define SORT(v, by) do { if ((v).len) qsort((v).at, (v).len, sizeof(*(v).at), by); } while (0)

static const json_t *policy_for(const struct fleet *f, const struct fleet_node *n)
{
	for (size_t i = 0; i < f->policies.len; i++) {
		const json_t *selector = json_at(json_at(f->policies.at[i], "spec"), "nodeSelector");
		if (json_str(json_at(f->policies.at[i], "metadata"), "deletionTimestamp"))
			continue;
		if (json_object_size(selector) ? labels_match(selector, n->labels) : node_label(n, "aipc.dev/pool") != NULL)
			return f->policies.at[i];
	}
	return NULL;
}

void fleet_due(const struct fleet *f, int64_t at_ms)
{
	if (at_ms > f->now_ms && at_ms < *f->due_ms)
		*f->due_ms = at_ms;
}

void fleet_settle(struct fleet *f)
{
	SORT(f->nodes, by_node);
	SORT(f->pods, by_pod);
	SORT(f->gangs, by_meta);
	SORT(f->pools, by_meta);
	SORT(f->policies, by_priority);
	for (size_t i = 0; i < f->nodes.len; i++)
		f->nodes.at[i]->policy = policy_for(f, f->nodes.at[i]);
	for (size_t i = 0; i < f->gangs.len; i++)
		if (json_array_size(json_at(json_at(f->gangs.at[i], "status"), "replacements")) && !json_str(json_at(f->gangs.at[i], "metadata"), "deletionTimestamp"))
			vec_push(&f->promising, f->gangs.at[i]);
	for (size_t i = 0; i < f->pods.len; i++) {
		struct fleet_node *n = f->pods.at[i]->ended ? NULL : fleet_node(f, f->pods.at[i]->node);
		f->pods.at[i]->at = n;
		if (n)
			vec_push(&n->pods, f->pods.at[i]);
	}
	for (size_t i = 0; i < f->events.len; i++) {
		const json_t *about = json_at(f->events.at[i], "involvedObject");
		about = about ? about : json_at(f->events.at[i], "regarding");
		struct fleet_node *n = strcmp(word(about, "kind"), "Node") == 0 ? fleet_node(f, word(about, "name")) : NULL;
		if (n)
			vec_push(&n->events, f->events.at[i]);
	}
}

/* Pods are sorted by namespace and gang: those of one are a stretch. */
struct fleet_pod *const *fleet_gang_pods(const struct fleet *f, const char *ns, const char *gang, size_t *n)
{
	size_t lo = 0, hi = f->pods.len;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct fleet_pod *p = f->pods.at[mid];
		int c = strcmp(p->ns, ns);
		if (c < 0 || (c == 0 && strcmp(p->gang, gang) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	*n = 0;
	while (lo + *n < f->pods.len && strcmp(f->pods.at[lo + *n]->ns, ns) == 0 && strcmp(f->pods.at[lo + *n]->gang, gang) == 0)
		++*n;
	return f->pods.at + lo;
}

struct fleet_node *fleet_node(const struct fleet *f, const char *name)
{
	const struct fleet_node key = { .name = name }, *p = &key;
	struct fleet_node **found = f->nodes.len ? bsearch(&p, f->nodes.at, f->nodes.len, sizeof(*f->nodes.at), by_node) : NULL;
	return found ? *found : NULL;
}

/* --- levels --------------------------------------------------------------------------------------------------------------- */

static void levels_read(const struct fleet *f, const json_t *list, struct levels *out)
{
	size_t i;
	json_t *l;
	json_array_foreach(list, i, l) {
		const char *name = json_str(l, "name"), *key = json_str(l, "nodeLabel"), *alias = json_str(l, "alias");
		if (name && key && *key && out->n < FLEET_LEVELS)
			out->at[out->n++] = (struct level){ arena_strdup(f->a, name), alias ? arena_strdup(f->a, alias) : NULL, arena_strdup(f->a, key) };
	}
}

void fleet_levels(const struct fleet *f, const char *name, struct levels *out)
{
	static json_t *file;
	const json_t *found = NULL;
	if (!file)
		file = builtin_json("topologies.json");
	out->n = 0;
	for (size_t i = 0; i < f->topologies.len; i++)
		if (strcmp(word(json_at(f->topologies.at[i], "metadata"), "name"), name) == 0)
			found = json_at(f->topologies.at[i], "spec");
	const char *preset = found ? json_str(found, "preset") : strcmp(name, "default") == 0 ? "aipc" : NULL;
	levels_read(f, preset ? json_at(json_path(file, "presets", preset, NULL), "levels") : json_at(found, "levels"), out);
}

int levels_find(const struct levels *l, const char *word_)
{
	if (!word_)
		return -2;
	for (int i = 0; i < l->n; i++)
		if (strcmp(l->at[i].name, word_) == 0 || strcmp(l->at[i].key, word_) == 0 || (l->at[i].alias && strcmp(l->at[i].alias, word_) == 0))
			return i;
	return strcmp(word_, "cluster") == 0 ? -1 : -2;
}

const char *fleet_domain(const struct fleet *f, const struct levels *l, const struct fleet_node *n, int level)
{
	struct str s;
	if (level < 0)
		return "cluster";
	str_init(&s, 4096);
	for (int i = 0; i <= level; i++) {
		const char *value = node_label(n, l->at[i].key);
		if (!value) {
			str_release(&s);
			return NULL;
		}
		str_addf(&s, "%s%s", i ? "/" : "", value);
	}
	const char *path = arena_strdup(f->a, s.at);
	str_release(&s);
	return path;
}

int fleet_shared(const struct levels *l, const struct fleet_node *a, const struct fleet_node *b)
{
	int n = 0;
	for (; n < l->n; n++) {
		const char *x = node_label(a, l->at[n].key), *y = node_label(b, l->at[n].key);
		if (!x || !y || strcmp(x, y) != 0)
			break;
	}
	return n;
}

/* --- nodes ----------------------------------------------------------------------------------------------------------------- */

const json_t *node_taint(const struct fleet_node *n, const char *key)
{
	size_t i;
	json_t *t;
	json_array_foreach(n->taints, i, t) {
		if (strcmp(word(t, "key"), key) == 0)
			return t;
	}
	return NULL;
}

const char *node_label(const struct fleet_node *n, const char *key)
{
	const char *value = json_str(n->labels, key);
	return value && *value ? value : NULL;
}

json_t *node_note(const struct fleet_node *n, const char *key)
{
	const char *text = json_str(n->notes, key);
	json_t *j = NULL;
	if (!text || strlen(text) > 65536 || json_parse(text, strlen(text), key, &j, NULL))
		return NULL;
	if (json_is_object(j))
		return j;
	json_decref(j);
	return NULL;
}

bool node_usable(const struct fleet_node *n)
{
	size_t i;
	json_t *c;
	if (n->cordoned || node_taint(n, KEY_UNHEALTHY) || node_taint(n, KEY_GUARD))
		return false;
	json_array_foreach(n->conditions, i, c) {
		if (strcmp(word(c, "type"), "Ready") == 0)
			return strcmp(word(c, "status"), "True") == 0;
	}
	return false;
}

bool labels_match(const json_t *selector, const json_t *labels)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)selector, key, value) {
		const char *have = json_str(labels, key);
		if (!have || !json_is_string(value) || strcmp(have, json_string_value(value)) != 0)
			return false;
	}
	return true;
}
