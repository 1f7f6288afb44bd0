#include "base/str.h"
#include "cli/work.h"

struct graph_opts { struct input_opts in; };

static const struct opt graph_options[] = {
	INPUT_OPTIONS(struct graph_opts),
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

static int graph_body(struct task *t, struct work *w, struct err *err)
{
	struct str text;
	(void)t;
	str_init(&text, STR_OURS);
	int rc = engine_graph(w->engine, &text, err);
	if (!rc)
		fputs(text.at, w->cli->out);
	str_release(&text);
	return rc;
}

static int graph_run(struct cli *c)
{
	const struct graph_opts *o = c->opts;
	return work_run(c, &o->in, WORK_NO_STATE, "graph", graph_body, NULL);
}

const struct command cmd_graph = {
	.name = "graph", .args = "", .brief = "print what depends on what, as DOT text",
	.about = "Prints the graph of the spec's resources in the DOT language. An arrow points to what is needed first.",
	.examples = { { "aipc graph | dot -Tsvg > graph.svg", "a picture, with Graphviz" } },
	.opts = graph_options, .opts_size = sizeof(struct graph_opts),
	.group = GROUP_READ, .run = graph_run,
};
