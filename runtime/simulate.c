/* simulate - the scheduler's decisions on a file of objects: no cluster, no clock, the same answer every time. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/command.h"
#include "runtime/scheduler/filter.h"
#include "runtime/scheduler/model.h"

enum { MAX_FILE = 1 << 30 };

struct simulate_opts { const char *file, *name; bool feasible; };

static int read_stdin(json_t **out, struct err *err)
{
	autostr struct str s;
	char buf[65536];
	ssize_t n;
	str_init(&s, MAX_FILE);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		str_addn(&s, buf, (size_t)n);
	if (n < 0)
		return err_errno(err, "standard input");
	if (str_full(&s))
		return err_set(err, E_INPUT, "standard input is larger than 1 GiB");
	return json_parse(s.at, s.len, "standard input", out, err);
}

static int load(const char *file, struct model *m, struct err *err)
{
	autojson json_t *j = NULL;
	bool dash = strcmp(file, "-") == 0;
	int rc = dash ? read_stdin(&j, err) : json_read(file, MAX_FILE, &j, err);
	if (rc)
		return rc;
	rc = model_add(m, j, err);
	if (rc)
		return err_wrap(err, "%s", dash ? "standard input" : file);
	model_settle(m);
	return 0;
}

/* NAME NULL or "*": whoever it is for. */
static bool ours(const struct model *m, const struct pod *p, const char *name)
{
	return !p->node_name && (!name || strcmp(name, "*") == 0 || strcmp(intern_text(m->names, p->scheduler), name) == 0);
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

static void print_feasible(struct rt *rt, const struct model *m, const char *name)
{
	autojson json_t *out = json_object();
	json_t *pods = json_object();
	for (size_t i = 0; i < m->pods.len; i++)
		if (ours(m, m->pods.at[i], name))
			json_put_new(pods, m->pods.at[i]->key, feasible_row(m, m->pods.at[i]));
	json_put_new(out, "feasible", pods);
	print(rt, out);
}

static int simulate_run(struct rt *rt)
{
	const struct simulate_opts *o = rt->opts;
	struct err err = { 0 };
	if (!o->file)
		return rt_usage(rt, "simulate wants -f FILE (- reads standard input)");
	struct model *m = model_new();
	if (load(o->file, m, &err)) {
		model_free(m);
		return rt_fail(rt, &err);
	}
	for (size_t i = 0; i < m->notes.len; i++)
		fprintf(rt->err, "note: %s.\n", m->notes.at[i]);
	print_feasible(rt, m, o->name);
	model_free(m);
	return EXIT_OK;
}

static const struct opt simulate_options[] = {
	{ 'f', "file", "FILE", "objects, as kubectl get -o json prints them; - is stdin", OPT_TEXT, offsetof(struct simulate_opts, file) },
	{ 0, "name", "NAME", "only pods with this schedulerName (default '*': all)", OPT_TEXT, offsetof(struct simulate_opts, name) },
	{ 0, "feasible", NULL, "judge every waiting pod on every node, place none", OPT_FLAG, offsetof(struct simulate_opts, feasible) },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0 },
};

const struct command cmd_simulate = {
	.name = "simulate", .args = "", .brief = "where pods would go, from a file of objects",
	.about = "x",
	.opts = simulate_options, .opts_size = sizeof(struct simulate_opts), .run = simulate_run,
};
