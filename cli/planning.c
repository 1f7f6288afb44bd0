#include "cli/planning.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"

struct meter {
	struct work *work;
	int64_t started, drawn;
	size_t total, silent;
};

static void on_progress(void *ctx, size_t done, size_t total, size_t silent)
{
	struct meter *m = ctx;
	struct cli *c = m->work->cli;
	int64_t now = clock_now_ms();
	m->total = total;
	m->silent = silent;
	/* At most ten redraws a second. */
	if (!c->moves || c->json || (now - m->drawn < 100 && done < total))
		return;
	m->drawn = now;
	fprintf(c->err, "\r\033[KRefreshing %zu object%s ... %zu done", total, PLURAL(total), done);
	if (silent)
		fprintf(c->err, ", %zu BMC%s silent", silent, PLURAL(silent));
	fflush(c->err);
}

static size_t data_read_count(const struct plan *p)
{
	size_t i, n = 0;
	const json_t *row;
	json_array_foreach(p->data, i, row) {
		const char *state = json_str(row, "state");
		n += state && strcmp(state, "read") == 0;
	}
	return n;
}

static void print_end(const struct meter *m, const struct plan *p, bool targeted)
{
	struct cli *c = m->work->cli;
	if (c->moves)
		fputs("\r\033[K", c->err);
	size_t data = data_read_count(p);
	if (m->total || !data)
		fprintf(c->err, "Refreshed %zu object%s%s", m->total, PLURAL(m->total), data ? " and read " : "");
	if (data)
		fprintf(c->err, "%s%zu data block%s", m->total ? "" : "Read ", data, PLURAL(data));
	fprintf(c->err, " in %.1f s", (double)(clock_now_ms() - m->started) / 1000);
	if (m->silent)
		fprintf(c->err, ", %zu BMC%s silent", m->silent, PLURAL(m->silent));
	if (targeted && p->counts.skip == 0 && p->counts.defer == 0 && p->counts.block == 0)
		fputs(" (only what was targeted)", c->err);
	fputs(".\n", c->err);
}

int planning_make(struct task *t, struct work *w, struct planning *p, struct plan **out, struct err *err)
{
	struct meter m = { .work = w, .started = clock_now_ms() };
	p->options.progress = on_progress;
	p->options.ctx = &m;
	p->options.targets = p->targets.at;
	p->options.n_targets = p->targets.len;
	w->read = true;
	int rc = plan_make(t, w->engine, w->store, &p->options, w->diags, out, err);
	if (rc == 0 && !w->cli->json && ((p->options.refresh && m.total) || data_read_count(*out)))
		print_end(&m, *out, p->targets.len > 0);
	else if (w->cli->moves && m.drawn)
		fputs("\r\033[K", w->cli->err);
	fflush(w->cli->err);
	if (rc == 0)
		work_print_diags(w->cli, w->diags, NULL);
	return rc;
}
