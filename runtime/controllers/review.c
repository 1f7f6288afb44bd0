/* aipc-runtime review: what the controllers would do with a cluster that is a file. The same functions that the controller acts by. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "runtime/command.h"
#include "runtime/controllers/decide.h"

struct review_opts { const char *file, *at; };

static const struct opt review_table[] = {
	{ 'f', "file", "FILE", "a Kubernetes List in JSON; - is stdin", OPT_TEXT, offsetof(struct review_opts, file), NULL },
	{ 0, "at", "TIME", "decide as if it were then (RFC 3339); default: now", OPT_TEXT, offsetof(struct review_opts, at), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};


static void print(struct rt *rt, const struct fleet *f)
{
	static const struct { const char *key; json_t *(*decide)(const struct fleet *f); } parts[] = {
		{ "gangs", swap_decide }, { "guard", guard_decide }, { "health", health_decide }, { "pools", pools_decide }, { "topologies", topologies_decide },
	};
	autojson json_t *all = json_object();
	struct str text;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		json_put_new(all, parts[i].key, parts[i].decide(f));
	json_t *notes = json_array();
	for (size_t i = 0; i < f->notes.len; i++)
		json_array_append_new(notes, json_string_safe(f->notes.at[i], strlen(f->notes.at[i])));
	json_put_new(all, "notes", notes);
	str_init(&text, STR_OURS);
	json_write(all, 2, &text);
	fprintf(rt->out, "%s\n", text.at);
	str_release(&text);
}

static int review_run(struct rt *rt)
{
	const struct review_opts *o = rt->opts;
	struct err err = { 0 };
	autojson json_t *list = NULL;
	int64_t at = o->at ? time_parse(o->at) : clock_wall_ms();
	if (!o->file)
		return rt_usage(rt, "review wants -f FILE (- reads standard input)");
	if (at < 0)
		return rt_usage(rt, "--at wants a time such as 2026-11-25T14:00:00Z, not \"%.60s\"", o->at);
	struct fleet *f = fleet_new(at);
	int rc = rt_read_objects(o->file, &list, &err);
	if (rc == 0 && (rc = fleet_add(f, list, &err)) != 0)
		rt_wrap_objects(o->file, &err);
	if (rc == 0) {
		fleet_settle(f);
		print(rt, f);
	}
	fleet_free(f);
	return rc ? rt_fail(rt, &err) : EXIT_OK;
}

extern const struct command cmd_review;
const struct command cmd_review = {
	.name = "review", .args = "", .brief = "what the controllers would do, from a file",
	.about = "Reads nodes, pods, events, Gangs, SparePools, NodeHealthPolicies and\n"
		 "FabricTopologies from a file and prints, as JSON, each decision that the\n"
		 "controllers take on them: nodes to fence, hold back or release, nodes that are\n"
		 "not what was declared, gangs to repair from spares, and status numbers.\n"
		 "No cluster is asked or changed.",
	.examples = { { "kubectl get nodes,pods,events,aipc -A -o json | aipc-runtime review -f -", "what would happen now" } },
	.opts = review_table, .opts_size = sizeof(struct review_opts), .run = review_run,
};
