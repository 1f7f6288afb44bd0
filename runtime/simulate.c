/* simulate - the scheduler's decisions on a file of objects: no cluster, no clock, the same answer every time. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "runtime/command.h"
#include "runtime/scheduler/filter.h"
#include "runtime/scheduler/model.h"
#include "runtime/scheduler/place.h"
#include "runtime/scheduler/rules.h"

struct simulate_opts { const char *file, *name; bool feasible; struct rules_opts rules; };

struct whose { const struct model *m; const char *name; };

/* A name that is NULL or "*": whoever the pod is for. */
static bool ours(const struct pod *p, void *arg)
{
	const struct whose *w = arg;
	return !w->name || strcmp(w->name, "*") == 0 || strcmp(intern_text(w->m->names, p->scheduler), w->name) == 0;
}

static json_t *feasible_row(const struct model *m, const struct pod *p)
{
	json_t *row = json_object();
	struct filter *f = filter_open(m, p);
	for (size_t i = 0; i < m->nodes.len; i++) {
		const char *why = filter_node(f, m->nodes.at[i]);
		json_put_new(row, m->nodes.at[i]->text, why ? json_string_safe(why, strlen(why)) : json_true());
	}
	filter_close(f);
	return row;
}

static void print(struct rt *rt, json_t *j)
{
	autostr struct str s;
	str_init(&s, STR_OURS);
	json_write(j, 2, &s);
	fprintf(rt->out, "%s\n", s.at);
}

static void print_feasible(struct rt *rt, const struct model *m, struct whose *whose)
{
	autojson json_t *out = json_object();
	json_t *pods = json_object();
	for (size_t i = 0; i < m->pods.len; i++)
		if (!m->pods.at[i]->node_name && ours(m->pods.at[i], whose))
			json_put_new(pods, m->pods.at[i]->key, feasible_row(m, m->pods.at[i]));
	json_put_new(out, "feasible", pods);
	print(rt, out);
}

static json_t *placements(const struct model *m)
{
	json_t *array = json_array();
	for (size_t i = 0; i < m->pods.len; i++) {
		if (m->pods.at[i]->assumed) {
			json_t *row = json_object();
			json_put_str(row, "pod", m->pods.at[i]->key);
			json_put_str(row, "node", m->pods.at[i]->node->text);
			json_array_append_new(array, row);
		}
	}
	return array;
}

static json_t *pending(const struct engine *e)
{
	size_t n;
	const struct pending *rows = engine_pending(e, &n);
	json_t *array = json_array();
	for (size_t i = 0; i < n; i++) {
		json_t *row = json_object(), *reasons = json_array();
		for (size_t k = 0; k < rows[i].reasons.len; k++)
			json_array_append_new(reasons, json_string_safe(rows[i].reasons.at[k], strlen(rows[i].reasons.at[k])));
		json_put_str(row, "pod", rows[i].pod->key);
		json_put_new(row, "reasons", reasons);
		json_array_append_new(array, row);
	}
	return array;
}

static void print_placements(struct rt *rt, struct model *m, struct whose *whose, const struct engine_rules *rules)
{
	autojson json_t *out = json_object();
	struct engine *e = engine_new(m, ours, whose);
	engine_set_rules(e, rules);
	engine_run(e);
	json_put_new(out, "placements", placements(m));
	json_put_new(out, "pending", pending(e));
	engine_free(e);
	print(rt, out);
}

static int simulate_run(struct rt *rt)
{
	const struct simulate_opts *o = rt->opts;
	struct err err = { 0 };
	if (!o->file)
		return rt_usage(rt, "simulate wants -f FILE (- reads standard input)");
	struct engine_rules rules;
	if (rules_read(&o->rules, &rules, &err))
		return rt_usage(rt, "%s", err.msg);
	/* A file tells where all could go now; who asks for more says so. */
	if (!o->rules.reserve_after && !o->rules.strict)
		rules.reserve_after_ms = -1;
	autojson json_t *list = NULL;
	if (rt_read_objects(o->file, &list, &err))
		return rt_fail(rt, &err);
	struct model *m = model_new();
	if (model_add(m, list, &err)) {
		model_free(m);
		rt_wrap_objects(o->file, &err);
		return rt_fail(rt, &err);
	}
	model_settle(m);
	for (size_t i = 0; i < m->notes.len; i++)
		fprintf(rt->err, "note: %s.\n", m->notes.at[i]);
	if (!m->nodes.len)
		fprintf(rt->err, "note: no Node is there, so nothing can be placed.\n");
	struct whose whose = { m, o->name };
	if (o->feasible)
		print_feasible(rt, m, &whose);
	else
		print_placements(rt, m, &whose, &rules);
	model_free(m);
	return EXIT_OK;
}

static const struct opt simulate_options[] = {
	{ 'f', "file", "FILE", "a List as kubectl get -o json prints it; -: stdin", OPT_TEXT, offsetof(struct simulate_opts, file), NULL },
	{ 0, "name", "NAME", "only pods of this scheduler (default *: all)", OPT_TEXT, offsetof(struct simulate_opts, name), NULL },
	{ 0, "feasible", NULL, "judge each waiting pod on each node, place none", OPT_FLAG, offsetof(struct simulate_opts, feasible), NULL },
	RULES_OPTS(struct simulate_opts, rules),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

const struct command cmd_simulate = {
	.name = "simulate", .args = "", .brief = "where pods would go, from a file of objects",
	.about =
		"Reads a List of objects (kubectl get -o json; Lists may hold Lists), decides as\n"
		"the scheduler would, offline: no cluster, no clock, the same bytes every time.\n"
		"Pods that have a node take their room there, finished pods are ignored, others\n"
		"are placed by priority, age and name, groups all or none. Prints\n"
		"  {\"placements\":[{\"pod\":\"ns/name\",\"node\":\"...\"}],\n"
		"   \"pending\":[{\"pod\":\"ns/name\",\"reasons\":[\"...\"]}]}\n"
		"Room is kept for who waits longest (docs/scheduler.md) only with --reserve-after\n"
		"or --strict-order; the newest time of any object is the present.\n"
		"With --feasible each waiting pod is judged on each node as things are now:\n"
		"  {\"feasible\":{\"ns/name\":{\"node-1\":true,\"node-2\":\"taint ...\"}}}\n"
		"It reads Node, Pod, Namespace, PriorityClass, PersistentVolume and its claims,\n"
		"StorageClass, CSINode, VolumeAttachment, DeviceClass, PodDisruptionBudget,\n"
		"PodGroup (scheduling.k8s.io and scheduling.x-k8s.io), Gang, FabricTopology and\n"
		"SparePool (aipc.dev), and ignores other kinds.",
	.examples = {
		{ "kubectl get nodes,pods -A -o json | aipc-runtime simulate -f -", "where the waiting pods would go" },
		{ "aipc-runtime simulate -f cluster.json --feasible --name aipc", "which nodes each pod of this scheduler could take" },
	},
	.opts = simulate_options, .opts_size = sizeof(struct simulate_opts), .run = simulate_run,
};
