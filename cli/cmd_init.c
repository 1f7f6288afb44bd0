#include "base/json.h"
#include "cli/work.h"

#include <string.h>

enum { TIMEOUT_S = 120, TIMEOUT_MAX_S = 3600 };

struct init_opts { bool upgrade; const char *timeout; };

static const struct opt init_options[] = {
	{ 0, "upgrade", NULL, "move every pin to what its ref names now", OPT_FLAG, offsetof(struct init_opts, upgrade), NULL },
	{ 0, "timeout", "SECONDS", "give up on one repository after this time (120)", OPT_TEXT, offsetof(struct init_opts, timeout), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

struct told { struct cli *c; json_t *list; size_t n, fetched; };

static void on_module(void *ctx, const struct lang_fetched *f)
{
	static const char *const words[] = { [LANG_KEPT] = "kept", [LANG_NEW] = "new", [LANG_RESTORED] = "restored", [LANG_MOVED] = "moved" };
	struct told *t = ctx;
	if (f->how == LANG_FETCHING) {
		if (t->c->err_tty && !t->c->json)
			fprintf(t->c->err, "Fetching %s ...\n", f->source);
		return;
	}
	t->n++;
	t->fetched += f->how != LANG_KEPT;
	json_array_append_new(t->list, json_pack("{s:s, s:s, s:s}", "source", f->source, "commit", f->commit, "what", words[f->how]));
	if (!t->c->json)
		fprintf(t->c->out, "  %-8s %.12s  %s\n", words[f->how], f->commit, f->source);
}

static int read_timeout(struct cli *c, const char *text, unsigned *out)
{
	*out = TIMEOUT_S;
	if (!text)
		return 0;
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (strspn(text, "0123456789") != strlen(text) || *end || n < 1 || n > TIMEOUT_MAX_S)
		return cli_usage(c, "--timeout wants seconds from 1 to %d, not \"%.40s\"", TIMEOUT_MAX_S, text);
	*out = (unsigned)n;
	return 0;
}

static int init_run(struct cli *c)
{
	const struct init_opts *o = c->opts;
	struct told t = { .c = c, .list = json_array() };
	struct lang_fetch f = { .upgrade = o->upgrade, .note = on_module, .ctx = &t };
	struct diags *d = diags_new();
	struct err err = { 0 };
	int status = read_timeout(c, o->timeout, &f.timeout_s);
	int rc = status ? 0 : lang_fetch(".", &f, d, &err);
	if (c->json && !status) {
		autofree char *text = json_text(t.list);
		fprintf(c->out, "%s\n", text);
	}
	if (rc) {
		work_print_diags(c, d, NULL);
		status = err.msg[0] ? cli_fail(c, &err) : EXIT_ERROR;
	} else if (!status && !c->json) {
		if (t.n)
			fprintf(c->out, "%zu module%s from repositories, %zu fetched. Commit aipc.lock.yaml.\n", t.n, PLURAL(t.n), t.fetched);
		else
			fputs("No module comes from a repository; nothing to fetch.\n", c->out);
	}
	diags_free(d);
	json_decref(t.list);
	return status;
}

const struct command cmd_init = {
	.name = "init", .args = "", .brief = "fetch the modules that the spec calls",
	.about = "Fetches modules from git repositories into .aipc/modules and pins each in aipc.lock.yaml by its commit and a hash of its files. "
		 "What is pinned stays as it is until --upgrade. No other command talks to a repository.",
	.examples = { { "aipc init", "fetch what is missing" }, { "aipc init --upgrade", "move to what tags and branches name now" } },
	.opts = init_options, .opts_size = sizeof(struct init_opts),
	.group = GROUP_OTHER, .json = true, .run = init_run,
};
