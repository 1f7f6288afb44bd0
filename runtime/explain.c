/* explain - why one pod or gang waits, or where it went: the cluster is read once, and the scheduler's engine says what it sees. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/task.h"
#include "kube/client.h"
#include "kube/config.h"
#include "runtime/command.h"
#include "runtime/scheduler/model.h"
#include "runtime/scheduler/place.h"
#include "runtime/scheduler/watch.h"

enum { PATIENCE_MS = 5000 };

struct explain_opts { const char *kubeconfig, *context, *ns, *file; bool json; };

/* --- the cluster, once --------------------------------------------------------------------------------------------------- */

struct reading { struct kube *kube; json_t *list; };

static int read_all(struct task *t, void *arg, struct err *err)
{
	struct reading *r = arg;
	return watch_read(t, r->kube, &r->list, err);
}

/* *NS: the namespace of the context; yours to free. */
static int read_cluster(const struct explain_opts *o, json_t **list, char **ns, struct err *err)
{
	struct kube_config *config = NULL;
	int rc = kube_config_load(o->kubeconfig, o->context, &config, err);
	if (rc)
		return rc;
	*ns = xstrdup(kube_config_namespace(config));
	struct loop *l = loop_new();
	struct reading r = { kube_new(l, config, &(struct kube_options){ .patience_ms = PATIENCE_MS }), NULL };
	rc = loop_run(l, read_all, &r, err);
	kube_free(r.kube);
	loop_free(l);
	*list = r.list;
	return rc;
}

/* --- what is asked for --------------------------------------------------------------------------------------------------- */

struct asked {
	struct model *m;
	struct engine *e;
	const char *key;                     /* "ns/name" */
	VEC(struct pod *) pods;
	const char *kind;                    /* "pod", "gang" */
};

/* The scheduler of the one that is asked for: others do not compete. */
static bool for_whom(const struct pod *p, void *arg)
{
	const struct asked *a = arg;
	return p->scheduler == a->pods.at[0]->scheduler;
}

static bool is_asked(const struct asked *a, const struct pod *p)
{
	enum group_dialect d;
	if (strcmp(a->kind, "pod") == 0)
		return strcmp(p->key, a->key) == 0;
	autofree char *key = NULL;
	return group_of_pod(a->m, p, &d, &key) && strcmp(key, a->key) == 0;
}

static const struct pending *pending_of(const struct asked *a, const struct pod *p)
{
	size_t n;
	const struct pending *rows = engine_pending(a->e, &n);
	for (size_t i = 0; i < n; i++)
		if (rows[i].pod == p)
			return &rows[i];
	return NULL;
}

/* How many other units of the scheduler come before this one: groups count once. */
static void place_in_queue(const struct asked *a, const struct pod *p, size_t *place, size_t *of)
{
	struct turn own = turn_of(p->group ? NULL : p, p->group);
	size_t n;
	const struct pending *rows = engine_pending(a->e, &n);
	const struct group *last = NULL;
	*place = *of = 1;
	for (size_t i = 0; i < n; i++) {
		const struct pod *q = rows[i].pod;
		if (q == p || q->n_gates || q->terminating || (q->group && (q->group == p->group || q->group == last)) || q->scheduler != p->scheduler)
			continue;
		struct turn other = turn_of(q->group ? NULL : q, q->group);
		last = q->group;
		(*of)++;
		*place += turn_compare(&other, &own) < 0;
	}
}

/* --- facts, then words ----------------------------------------------------------------------------------------------------- */

static json_t *texts(const struct pending *row)
{
	json_t *array = json_array();
	for (size_t i = 0; row && i < row->reasons.len; i++)
		json_array_append_new(array, json_string_safe(row->reasons.at[i], strlen(row->reasons.at[i])));
	return array;
}

static json_t *pod_facts(const struct asked *a, const struct pod *p)
{
	json_t *j = json_object();
	json_put_str(j, "pod", p->key);
	json_put_str(j, "scheduler", intern_text(a->m->names, p->scheduler));
	if (p->node_name) {
		json_put_str(j, "node", intern_text(a->m->names, p->node_name));
		if (p->plan)
			json_put_str(j, "plan", p->plan);
		if (json_str(p->wishes, "aipc.dev/domain"))
			json_put_str(j, "domain", json_str(p->wishes, "aipc.dev/domain"));
		if (p->rank != INT64_MAX)
			json_put_int(j, "rank", p->rank);
		return j;
	}
	if (p->said_reason) {
		json_put_str(j, "condition", p->said_reason);
		json_put_str(j, "message", p->said_message);
	}
	if (p->nominated)
		json_put_str(j, "nominated", p->nominated);
	if (p->created_ms)
		json_put_int(j, "waitingSeconds", (clock_wall_ms() - p->created_ms) / 1000);
	if (p->assumed) {
		json_put_str(j, "wouldGoTo", p->node->text);
	} else {
		size_t place, of;
		place_in_queue(a, p, &place, &of);
		json_put_new(j, "reasons", texts(pending_of(a, p)));
		json_put_int(j, "placeInQueue", (int64_t)place);
		json_put_int(j, "queue", (int64_t)of);
	}
	return j;
}

static void say_for(struct str *s, int64_t seconds)
{
	static const struct { int64_t s; const char *one, *many; } units[] = { { 86400, "day", "days" }, { 3600, "h", "h" }, { 60, "min", "min" }, { 0, "s", "s" } };
	size_t i = 0;
	while (seconds < units[i].s)
		i++;
	int64_t n = units[i].s ? seconds / units[i].s : seconds;
	str_addf(s, "%lld %s", (long long)n, n == 1 ? units[i].one : units[i].many);
}

static void say_waiting(struct str *s, const json_t *j)
{
	const json_t *reasons = json_at(j, "reasons");
	size_t i;
	json_t *text;
	str_add(s, json_at(j, "waitingSeconds") ? "has waited " : "waits");
	if (json_at(j, "waitingSeconds"))
		say_for(s, json_int(j, "waitingSeconds", 0));
	str_addf(s, " for scheduler %s.\n", json_str(j, "scheduler"));
	if (json_str(j, "wouldGoTo"))
		str_addf(s, "  It has room now, on node %s. If nothing happens, the scheduler is not running.\n", json_str(j, "wouldGoTo"));
	json_array_foreach(reasons, i, text)
		str_addf(s, "  %s\n", json_string_value(text));
	if (reasons)
		str_addf(s, "Place in queue %lld of %lld.\n", (long long)json_int(j, "placeInQueue", 1), (long long)json_int(j, "queue", 1));
	if (json_str(j, "condition"))
		str_addf(s, "Its condition says %s: %s\n", json_str(j, "condition"), json_str(j, "message"));
}

static void say_placed(struct str *s, const json_t *j)
{
	str_addf(s, "is on node %s", json_str(j, "node"));
	if (json_str(j, "domain") && *json_str(j, "domain"))
		str_addf(s, ", %s", json_str(j, "domain"));
	if (json_at(j, "rank"))
		str_addf(s, ", rank %lld", (long long)json_int(j, "rank", 0));
	str_add(s, json_str(j, "plan") ? "" : ", not bound by aipc");
	str_add(s, ".\n");
}

static void say_pod(struct str *s, const json_t *j)
{
	str_addf(s, "Pod %s ", json_str(j, "pod"));
	if (json_str(j, "node"))
		say_placed(s, j);
	else
		say_waiting(s, j);
}

/* A gang: how many have a node, and the reasons of the first that has none. */
static void say_gang(struct str *s, const struct asked *a, const json_t *pods)
{
	size_t i, placed = 0;
	json_t *j;
	const json_t *first = NULL;
	json_array_foreach(pods, i, j) {
		placed += json_str(j, "node") != NULL;
		if (!first && !json_str(j, "node"))
			first = j;
	}
	str_addf(s, "Gang %s: %zu of %zu pods have a node.\n", a->key, placed, json_array_size(pods));
	if (first)
		say_pod(s, first);
	json_array_foreach(pods, i, j)
		if (json_str(j, "node"))
			say_pod(s, j);
}

/* --- the command -------------------------------------------------------------------------------------------------------------- */

static void print(struct rt *rt, const struct asked *a)
{
	const struct explain_opts *o = rt->opts;
	autojson json_t *pods = json_array();
	autostr struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < a->pods.len; i++)
		json_array_append_new(pods, pod_facts(a, a->pods.at[i]));
	if (o->json) {
		autojson json_t *all = json_object();
		json_put_str(all, a->kind, a->key);
		json_put_new(all, "pods", json_ref(pods));
		json_write(all, 2, &s);
		str_add(&s, "\n");
	} else if (strcmp(a->kind, "gang") == 0) {
		say_gang(&s, a, pods);
	} else {
		say_pod(&s, json_array_get(pods, 0));
	}
	fputs(s.at, rt->out);
}

static int explain(struct rt *rt, struct asked *a)
{
	struct err err = { 0 };
	for (size_t i = 0; i < a->m->pods.len; i++)
		if (is_asked(a, a->m->pods.at[i]))
			vec_push(&a->pods, a->m->pods.at[i]);
	if (!a->pods.len) {
		err_set(&err, E_NOTFOUND, "there is no %s %s%s", a->kind, a->key, strcmp(a->kind, "gang") == 0 ? " with pods that have not ended" : " that has not ended");
		return rt_fail(rt, &err);
	}
	a->e = engine_new(a->m, for_whom, a);
	engine_run(a->e);
	print(rt, a);
	engine_free(a->e);
	vec_free(&a->pods);
	return EXIT_OK;
}

static int explain_run(struct rt *rt)
{
	const struct explain_opts *o = rt->opts;
	const char *name = rt->args[1];
	struct asked a = { .kind = rt->args[0] };
	struct err err = { 0 };
	autofree char *ns = NULL, *key = NULL;
	autojson json_t *list = NULL;
	if (strcmp(a.kind, "pod") != 0 && strcmp(a.kind, "gang") != 0)
		return rt_usage(rt, "explain takes pod or gang, not \"%.60s\"", a.kind);
	if (o->file ? rt_read_objects(o->file, &list, &err) : read_cluster(o, &list, &ns, &err))
		return rt_fail(rt, &err);
	a.m = model_new();
	if (model_add(a.m, list, &err)) {
		model_free(a.m);
		if (o->file)
			rt_wrap_objects(o->file, &err);
		return rt_fail(rt, &err);
	}
	model_settle(a.m);
	key = strchr(name, '/') ? xstrdup(name) : xasprintf("%s/%s", o->ns ? o->ns : ns ? ns : "default", name);
	a.key = key;
	int rc = explain(rt, &a);
	model_free(a.m);
	return rc;
}

static const struct opt explain_options[] = {
	{ 'n', "namespace", "NAME", "of the pod or gang; default: the context's", OPT_TEXT, offsetof(struct explain_opts, ns), NULL },
	{ 'f', "file", "FILE", "ask a file of objects (a dump) instead; -: stdin", OPT_TEXT, offsetof(struct explain_opts, file), NULL },
	{ 0, "json", NULL, "the same facts as JSON", OPT_FLAG, offsetof(struct explain_opts, json), NULL },
	{ 0, "kubeconfig", "FILE", "default: $KUBECONFIG, ~/.kube/config, in-cluster", OPT_TEXT, offsetof(struct explain_opts, kubeconfig), NULL },
	{ 0, "context", "NAME", "context of the kubeconfig", OPT_TEXT, offsetof(struct explain_opts, context), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

extern const struct command cmd_explain;
const struct command cmd_explain = {
	.name = "explain", .args = "pod|gang NAME", .brief = "why it waits, or where it went",
	.about =
		"Reads the cluster once and decides as the scheduler does: what the pod or gang\n"
		"lacks, level by level, where there would be room, its place in the queue. NAME\n"
		"may be NAMESPACE/NAME. A gang is a Gang, a PodGroup or a pod group of Kueue.",
	.examples = {
		{ "aipc-runtime explain gang train/llama-70b", "what it waits for" },
		{ "aipc-runtime explain pod web-0 --json", "the same for programs" },
	},
	.opts = explain_options, .opts_size = sizeof(struct explain_opts), .min = 2, .max = 2, .run = explain_run,
};
