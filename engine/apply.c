/* Runs a plan. Every change counts what it waits for (other changes, its group's turn, its wave's turn); an end takes one off
 * each that waited for it, and what waits for nothing is ready. So the cost of an operation does not depend on how many
 * there are. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/after.h"
#include "engine/apply_int.h"

enum { MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, SOAK_SLICE_MS = 250, NAMED = 5 };

enum job_state { JOB_NONE /* no operation */, JOB_WAITING, JOB_READY, JOB_RUNNING, JOB_DONE, JOB_NOT_DONE };

struct job {
	struct runner *r;
	const struct change *c;
	enum job_state state;
	unsigned waits;
	bool busy;                   /* an earlier operation on it is still open */
	bool unmet;                  /* done, and a postcondition of it is not met */
	const char *forbidden;       /* what it builds on and does not meet a postcondition */
};
struct turn {                        /* of a group */
	struct runner *r;
	const struct group *g;
	unsigned index;
	unsigned waits;              /* groups */
	unsigned left;               /* operations not ended */
	unsigned wave;               /* the one that has its turn; 0: none yet */
	unsigned wave_left;
	bool bad, open;
	json_t *deps;
};
/* Who waits for whom, the other way round: list[start[i] .. start[i+1]) wait for i. */
struct rows { unsigned *start, *list; };

struct runner {
	struct applying a;
	struct task *driver;
	struct scope *scope;
	const struct plan *p;
	struct job *jobs;
	struct turn *turns;
	struct rows after_job, after_group, members;         /* members: jobs of a group, by wave */
	unsigned *ready; size_t head, tail;
	unsigned running, soaking;
	bool stop;                   /* nothing new starts */
	const char *failed;          /* address of the first failure */
};

static bool is_work(const struct change *c)
{
	return c->action >= ACT_CREATE && c->action <= ACT_FORGET;
}

/* --- rows ------------------------------------------------------------------------------------------------------------ */
static void rows_alloc(struct rows *r, unsigned n, size_t edges)
{
	r->start = xcalloc((size_t)n + 2, sizeof(*r->start));
	r->list = xcalloc(edges + 1, sizeof(*r->list));
}

static void rows_free(struct rows *r)
{
	free(r->start);
	free(r->list);
}

/* Counts were added at start[key + 2]; afterwards start[key + 1]++ places, and ends as the end of key. */
static void rows_sum(struct rows *r, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		r->start[i + 2] += r->start[i + 1];
}

static void link_jobs(struct runner *r)
{
	const struct plan *p = r->p;
	unsigned n = (unsigned)p->n;
	size_t edges = 0;
	for (unsigned i = 0; i < n; i++)
		edges += p->changes[i].n_after;
	rows_alloc(&r->after_job, n, edges);
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < p->changes[i].n_after; k++)
			r->after_job.start[p->changes[i].after[k] + 2]++;
	rows_sum(&r->after_job, n);
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < p->changes[i].n_after; k++) {
			unsigned to = p->changes[i].after[k];
			r->after_job.list[r->after_job.start[to + 1]++] = i;
			r->jobs[i].waits += r->jobs[to].state != JOB_NONE;
		}
}

static void link_groups(struct runner *r)
{
	const struct plan *p = r->p;
	unsigned n = (unsigned)p->n_groups;
	size_t edges = 0;
	for (unsigned g = 0; g < n; g++)
		edges += p->groups[g].n_after;
	rows_alloc(&r->after_group, n, edges);
	for (unsigned g = 0; g < n; g++)
		for (size_t k = 0; k < p->groups[g].n_after; k++)
			r->after_group.start[p->groups[g].after[k] + 2]++;
	rows_sum(&r->after_group, n);
	for (unsigned g = 0; g < n; g++) {
		r->turns[g].waits = (unsigned)p->groups[g].n_after;
		for (size_t k = 0; k < p->groups[g].n_after; k++)
			r->after_group.list[r->after_group.start[p->groups[g].after[k] + 1]++] = g;
	}
}

static int by_wave(const void *a, const void *b, void *plan)
{
	const struct change *c = ((const struct plan *)plan)->changes;
	unsigned i = *(const unsigned *)a, k = *(const unsigned *)b, x = c[i].wave, y = c[k].wave;
	return x != y ? (x > y) - (x < y) : (i > k) - (i < k);
}

static void link_members(struct runner *r)
{
	const struct plan *p = r->p;
	unsigned n = (unsigned)p->n_groups;
	rows_alloc(&r->members, n, p->n);
	for (size_t i = 0; i < p->n; i++)
		if (r->jobs[i].state != JOB_NONE)
			r->members.start[p->changes[i].group + 2]++;
	rows_sum(&r->members, n);
	for (unsigned i = 0; i < p->n; i++) {
		if (r->jobs[i].state == JOB_NONE)
			continue;
		const struct change *c = &p->changes[i];
		r->members.list[r->members.start[c->group + 1]++] = i;
		r->turns[c->group].left++;
		r->jobs[i].waits += 1 + (c->wave != 0);      /* its group's turn, its wave's turn */
	}
	for (unsigned g = 0; g < n; g++)
		qsort_r(r->members.list + r->members.start[g], r->members.start[g + 1] - r->members.start[g], sizeof(unsigned), by_wave,
			(void *)p);
}

/* --- who has its turn ---------------------------------------------------------------------------------------------------- */
static void less(struct runner *r, unsigned job)
{
	struct job *j = &r->jobs[job];
	if (--j->waits == 0 && j->state == JOB_WAITING) {
		j->state = JOB_READY;
		r->ready[r->tail++] = job;
		task_wake(r->driver);
	}
}

static void tell_wave(const struct turn *g, enum apply_event event, unsigned wave, int64_t seconds, const char *text)
{
	apply_note_send(&g->r->a, &(struct apply_note){ .event = event, .percent = -1, .group = g->g->owner, .wave = wave,
							 .waves = g->g->waves, .seconds = seconds, .text = text });
}

/* The first member of G behind its present wave. Members are sorted by wave. */
static unsigned wave_start(const struct turn *g)
{
	const struct rows *m = &g->r->members;
	unsigned lo = m->start[g->index], hi = m->start[g->index + 1];
	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		if (g->r->jobs[m->list[mid]].c->wave <= g->wave)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The next wave of G that has operations; 0: none. */
static unsigned next_wave(const struct turn *g)
{
	unsigned i = wave_start(g);
	return i < g->r->members.start[g->index + 1] ? g->r->jobs[g->r->members.list[i]].c->wave : 0;
}

/* Gives WAVE of G, its next one, its turn; names the machines when they are few. */
static void open_wave(struct turn *g, unsigned wave)
{
	struct runner *r = g->r;
	const unsigned *list = r->members.list;
	unsigned from = wave_start(g), end = r->members.start[g->index + 1], to = from;
	autostr struct str names;
	unsigned nodes = 0;
	const char *last = NULL;
	str_init(&names, 4096);
	g->wave = wave;
	for (; to < end && r->jobs[list[to]].c->wave == wave; to++) {
		const struct change *c = r->jobs[list[to]].c;
		if (c->node && (!last || strcmp(last, c->node) != 0) && nodes++ < NAMED)
			str_addf(&names, "%s%s", names.len ? ", " : "", c->node);
		last = c->node ? c->node : last;
	}
	g->wave_left = to - from;
	tell_wave(g, EV_WAVE, wave, 0, nodes && nodes <= NAMED ? names.at : NULL);
	for (; from < to; from++)
		less(r, list[from]);
}

static void open_group(struct turn *g)
{
	struct runner *r = g->r;
	g->open = true;
	for (unsigned i = r->members.start[g->index]; i < r->members.start[g->index + 1]; i++)
		less(r, r->members.list[i]);
	unsigned first = next_wave(g);
	if (first)
		open_wave(g, first);
}

/* G has no operations left: those that wait for it, and for them in turn. No recursion: groups without operations may form
 * long chains. */
static void group_done(struct turn *first)
{
	struct runner *r = first->r;
	VEC(struct turn *) done = { 0 };
	vec_push(&done, first);
	while (done.len) {
		struct turn *g = done.at[--done.len];
		for (unsigned i = r->after_group.start[g->index]; i < r->after_group.start[g->index + 1]; i++) {
			struct turn *next = &r->turns[r->after_group.list[i]];
			if (--next->waits)
				continue;
			open_group(next);
			if (next->left == 0)
				vec_push(&done, next);
		}
	}
	vec_free(&done);
}

static bool stopped(const struct runner *r)
{
	return r->stop || apply_draining(&r->a);
}

/* Between two waves. Sleeps in slices, so that a drained run need not wait for it. */
static int soak(struct task *t, void *arg, struct err *err)
{
	struct turn *g = arg;
	struct runner *r = g->r;
	int64_t until = clock_now_ms() + (int64_t)g->g->soak_s * 1000, left;
	int rc = 0;
	while (rc == 0 && !stopped(r) && !g->bad && (left = until - clock_now_ms()) > 0)
		rc = task_sleep(t, left < SOAK_SLICE_MS ? left : SOAK_SLICE_MS, err);
	r->soaking--;
	unsigned next = next_wave(g);
	if (rc == 0 && !stopped(r) && !g->bad && next)
		open_wave(g, next);
	task_wake(r->driver);
	return 0;
}

static void wave_done(struct turn *g)
{
	unsigned next = next_wave(g);
	if (!next || g->bad || stopped(g->r))
		return;
	if (!g->g->soak_s) {
		open_wave(g, next);
		return;
	}
	tell_wave(g, EV_SOAK, g->wave, g->g->soak_s, NULL);
	g->r->soaking++;
	scope_start(g->r->scope, g->g->owner, soak, g);
}

static void job_ended(struct job *j, bool good)
{
	struct runner *r = j->r;
	struct turn *g = &r->turns[j->c->group];
	unsigned i = (unsigned)(j - r->jobs);
	j->state = good ? JOB_DONE : JOB_NOT_DONE;
	task_wake(r->driver);
	if (!good) {
		g->bad = true;
		return;
	}
	for (unsigned k = r->after_job.start[i]; k < r->after_job.start[i + 1]; k++)
		less(r, r->after_job.list[k]);
	if (j->c->wave && --g->wave_left == 0)
		wave_done(g);
	if (--g->left == 0)
		group_done(g);
}

/* --- one change -------------------------------------------------------------------------------------------------------- */
static int64_t allowance(const struct change *c)
{
	int64_t ms = (int64_t)(c->effect.minutes > 0 ? c->effect.minutes : 0) * 4 * MINUTE_MS + 30 * MINUTE_MS;
	return ms < 8 * HOUR_MS ? ms : 8 * HOUR_MS;
}

static enum outcome do_change(struct task *t, struct doing *d)
{
	const struct change *c = d->change;
	enum outcome out;
	switch (c->action) {
	case ACT_CREATE:
		return doing_run(t, d, VERB_CREATE, c->config, c->prior);
	case ACT_UPDATE:
		return doing_run(t, d, VERB_UPDATE, c->config, c->prior);
	case ACT_RECORD:
		return doing_record(d);
	case ACT_REPLACE:
		out = doing_run(t, d, VERB_DELETE, NULL, c->prior);
		return out == OUT_DONE ? doing_run(t, d, VERB_CREATE, c->config, NULL) : out;
	default:
		return doing_run(t, d, VERB_DELETE, NULL, c->prior);
	}
}

/* Forgetting is a removal that asks nobody. */
static enum outcome forget(struct doing *d)
{
	struct resource_type quiet = *d->type;
	struct doing copy = *d;
	quiet.destroy = NULL;
	copy.type = &quiet;
	return doing_run(NULL, &copy, VERB_DELETE, NULL, d->change->prior);
}

/* What J did is told to those who wait for it; false: not, because a postcondition is not met. */
static bool meets(struct job *j, const struct doing *d)
{
	struct runner *r = j->r;
	size_t others = 0;
	if (r->p->after && r->a.o->diags && d->attrs)
		j->unmet = !after_came(r->p->after, d->address, d->attrs, r->a.o->diags, &others);
	r->a.out->unmet += j->unmet + others;
	return !j->unmet;
}

static void count_end(struct runner *r, struct job *j, const struct doing *d, enum outcome out)
{
	r->a.out->done += out == OUT_DONE;
	r->a.out->failed += out == OUT_FAILED;
	r->a.out->still_open += out == OUT_OPEN;
	r->a.out->kept_back += out == OUT_UNSTARTED;
	if (out == OUT_DONE) {
		if (meets(j, d))
			doing_tell(d, EV_DONE, NULL);
		else
			doing_tell(d, EV_UNMET, "a postcondition of it is not met");
	} else {
		if (!r->failed)
			r->failed = d->address;
		r->stop = r->stop || r->a.o->on_error == ON_ERROR_STOP;
	}
}

static int run_job(struct task *t, void *arg, struct err *err)
{
	struct job *j = arg;
	struct runner *r = j->r;
	const struct change *c = j->c;
	(void)err;
	if (stopped(r)) {            /* since it was admitted */
		r->running--;
		j->state = JOB_READY;
		task_wake(r->driver);
		return 0;
	}
	struct doing d = {
		.a = &r->a, .change = c, .address = c->address, .owner = c->owner, .node = c->node, .type = engine_type(r->a.e, c->type),
		.deps = r->turns[c->group].deps, .provider = c->provider, .protect = c->protect,
	};
	int64_t old = task_deadline_in(t, allowance(c));
	doing_tell(&d, EV_START, NULL);
	enum outcome out = c->action == ACT_FORGET ? forget(&d) : do_change(t, &d);
	task_deadline_restore(t, old);
	r->running--;
	count_end(r, j, &d, out);
	json_decref(d.attrs);
	job_ended(j, out == OUT_DONE && !j->unmet);
	return 0;
}

/* --- the run -------------------------------------------------------------------------------------------------------------- */
static int start_ready(struct task *t, struct runner *r, struct err *err)
{
	int rc = 0;
	while (rc == 0 && r->head < r->tail && r->running < apply_width(r->a.o) && !stopped(r)) {
		struct job *j = &r->jobs[r->ready[r->head++]];
		j->forbidden = r->p->after ? after_forbids(r->p->after, j->c->address) : NULL;
		if (j->busy || j->forbidden) {
			job_ended(j, false);
			continue;
		}
		j->state = JOB_RUNNING;
		r->running++;
		rc = scope_spawn(t, r->scope, j->c->address, run_job, j, err);
		if (rc) {
			r->running--;
			j->state = JOB_READY;
		}
	}
	return rc;
}

static void drive(struct task *t, struct runner *r)
{
	struct err e;
	int rc = 0;
	r->driver = t;
	r->scope = scope_open(t, 0);
	for (unsigned g = 0; g < r->p->n_groups; g++)
		if (r->p->groups[g].n_after == 0 && !r->turns[g].open) {
			open_group(&r->turns[g]);
			if (r->turns[g].left == 0)
				group_done(&r->turns[g]);
		}
	while (rc == 0) {
		rc = start_ready(t, r, &e);
		if (rc || (!r->running && !r->soaking && (stopped(r) || r->head == r->tail)))
			break;
		rc = task_park(t, &e);
	}
	r->stop = r->stop || rc;
	if (rc)
		scope_cancel(r->scope);
	(void)scope_join(t, r->scope, &e);
	r->a.out->interrupted = rc != 0 || (r->a.o->drain && *r->a.o->drain);
}

static char *why_kept(const struct runner *r, const struct job *j)
{
	const struct turn *g = &r->turns[j->c->group];
	const char *unmet = r->p->after ? after_forbids(r->p->after, j->c->address) : NULL;
	if (j->busy)
		return xstrdup("an earlier operation on it is still open");
	if (unmet)
		return xasprintf("it needs %s, and a postcondition of that is not met", unmet);
	for (size_t i = 0; i < j->c->n_after; i++) {
		const struct job *need = &r->jobs[j->c->after[i]];
		if (need->state != JOB_NONE && need->state != JOB_DONE)
			return xasprintf("it needs %s, which was not done", need->c->address);
	}
	for (size_t i = 0; i < g->g->n_after; i++) {
		const struct turn *need = &r->turns[g->g->after[i]];
		if (need->left)
			return xasprintf("it needs %s, which was not done", need->g->owner);
	}
	if (r->a.out->interrupted)
		return xstrdup("the run was interrupted");
	return r->failed ? xasprintf("the run stopped: %s was not done", r->failed) : xstrdup("what it waits for was not done");
}

static void tell_kept(struct runner *r)
{
	for (size_t i = 0; i < r->p->n; i++) {
		struct job *j = &r->jobs[i];
		bool ran = j->state == JOB_NONE || j->state == JOB_DONE || (j->state == JOB_NOT_DONE && !j->busy && !j->forbidden);
		if (ran)
			continue;
		autofree char *why = why_kept(r, j);
		r->a.out->kept_back++;
		apply_note_send(&r->a, &(struct apply_note){ .event = EV_KEPT_BACK, .change = j->c, .address = j->c->address,
							      .type = j->c->type, .node = j->c->node, .percent = -1, .text = why });
	}
}

/* --- before and after --------------------------------------------------------------------------------------------------- */
/* The numbers in a plan are used as indices: a plan built or changed by hand must not lead outside of it. */
static int check_plan(const struct applying *a, const struct plan *p, struct err *err)
{
	bool bad = p->n > UINT32_MAX / 2 || p->n_groups > UINT32_MAX / 2;
	for (size_t i = 0; !bad && i < p->n; i++) {
		const struct change *c = &p->changes[i];
		bad = c->group >= p->n_groups;
		for (size_t k = 0; k < c->n_after; k++)
			bad = bad || c->after[k] >= p->n;
		const struct resource_type *type = is_work(c) ? engine_type(a->e, c->type) : NULL;
		if (is_work(c) && (!type || type->expand))
			return err_set(err, E_UNSUPPORTED, "the plan changes %s, whose type \"%s\" this aipc does not know", c->address, c->type);
	}
	for (size_t g = 0; !bad && g < p->n_groups; g++)
		for (size_t k = 0; k < p->groups[g].n_after; k++)
			bad = bad || p->groups[g].after[k] >= p->n_groups;
	return bad ? err_set(err, E_INPUT, "the plan is not consistent: make it again") : 0;
}

/* The version of the object at ADDRESS; 0: not there. */
static int version_of(struct store *s, const char *address, int64_t *out, struct err *err)
{
	struct object o;
	int rc = store_object(s, address, &o, err);
	if (rc)
		return rc;
	*out = o.address ? o.version : 0;
	json_decref(o.address ? o.attrs : NULL);
	json_decref(o.address ? o.deps : NULL);
	return 0;
}

static int by_to(const void *key, const void *move)
{
	return str_natural_cmp(key, ((const struct move *)move)->to);
}

/* Is the object at ADDRESS one that the run moves there first? Its version was looked at where it is now. */
static bool arrives(const struct plan *p, const char *address)
{
	return p->n_moves && bsearch(address, p->moves, p->n_moves, sizeof(*p->moves), by_to) != NULL;
}

static int check_fresh(struct store *s, const struct plan *p, struct err *err)
{
	autostr struct str moved;
	size_t n = 0;
	str_init(&moved, 700);
	for (size_t i = 0; i < p->n + p->n_moves; i++) {
		const struct move *m = i < p->n ? NULL : &p->moves[i - p->n];
		const char *address = m ? m->from : p->changes[i].address;
		int64_t version, planned = m ? m->version : p->changes[i].version;
		if (!m && (!is_work(&p->changes[i]) || arrives(p, address)))
			continue;
		int rc = version_of(s, address, &version, err);
		if (rc)
			return rc;
		if (version != planned && n++ < NAMED)
			str_addf(&moved, "%s%.120s", n > 1 ? ", " : "", address);
	}
	if (!n)
		return 0;
	if (n > NAMED)
		str_addf(&moved, " and %zu more", n - NAMED);
	return err_set(err, E_CONFLICT, "the plan is stale: since it was made, the state of %s was changed; make a new plan", moved.at);
}

struct open_names { const struct plan *p; struct runner *r; VEC(char *) at; };

static int name_open(void *ctx, const struct op_row *op)
{
	struct open_names *o = ctx;
	vec_push(&o->at, xstrdup(op->address));
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int mark_busy(struct runner *r, struct err *err)
{
	struct open_names o = { .p = r->p };
	int rc = store_open_ops(r->a.s, name_open, &o, err);
	if (rc == 0 && o.at.len) {
		qsort(o.at.at, o.at.len, sizeof(*o.at.at), by_text);
		for (size_t i = 0; i < r->p->n; i++) {
			const char *key = r->jobs[i].c->address;
			r->jobs[i].busy = bsearch(&key, o.at.at, o.at.len, sizeof(*o.at.at), by_text) != NULL;
		}
	}
	for (size_t i = 0; i < o.at.len; i++)
		free(o.at.at[i]);
	vec_free(&o.at);
	return rc;
}

static void runner_init(struct runner *r)
{
	const struct plan *p = r->p;
	r->jobs = xcalloc(p->n + 1, sizeof(*r->jobs));
	r->turns = xcalloc(p->n_groups + 1, sizeof(*r->turns));
	r->ready = xcalloc(p->n + 1, sizeof(*r->ready));
	for (size_t i = 0; i < p->n; i++) {
		r->jobs[i] = (struct job){ .r = r, .c = &p->changes[i], .state = is_work(&p->changes[i]) ? JOB_WAITING : JOB_NONE };
		r->a.out->skipped += !is_work(&p->changes[i]);
	}
	for (size_t g = 0; g < p->n_groups; g++) {
		r->turns[g] = (struct turn){ .r = r, .g = &p->groups[g], .index = (unsigned)g, .deps = json_array() };
		for (size_t k = 0; k < p->groups[g].n_deps; k++)
			json_array_append_new(r->turns[g].deps, json_string_safe(p->groups[g].deps[k], strlen(p->groups[g].deps[k])));
	}
	link_jobs(r);
	link_groups(r);
	link_members(r);
}

static void runner_release(struct runner *r)
{
	for (size_t g = 0; r->turns && g < r->p->n_groups; g++)
		json_decref(r->turns[g].deps);
	free(r->jobs);
	free(r->turns);
	free(r->ready);
	rows_free(&r->after_job);
	rows_free(&r->after_group);
	rows_free(&r->members);
}

static int finish(struct runner *r, struct err *err)
{
	const struct apply_result *out = r->a.out;
	bool whole = !out->failed && !out->kept_back && !out->still_open && !out->unmet;
	int rc = 0;
	if (r->a.fatal) {
		*err = r->a.fatal_err;
		return r->a.fatal_err.code;
	}
	if (whole)
		rc = store_outputs_put(r->a.s, r->p->output_values, r->p->n_output_values, err);
	return rc ? rc : run_end(r->a.s, r->a.run, out->interrupted && !whole ? "interrupted" : whole ? "done" : "failed", err);
}

static int is_moving(void *ctx, const struct op_row *op)
{
	const struct plan *p = ctx;
	for (size_t i = 0; i < p->n_moves; i++)
		if (strcmp(p->moves[i].from, op->address) == 0)
			return 1;
	return 0;
}

static int begin(struct store *s, const struct plan *p, int64_t *run, struct err *err)
{
	int rc = p->n_moves ? store_open_ops(s, is_moving, (void *)p, err) : 0;
	if (rc > 0)
		return err_set(err, E_CONFLICT, "an operation on an object that is to move is still open; aipc apply takes it up first");
	autofree struct store_move *moves = xcalloc(p->n_moves + 1, sizeof(*moves));
	for (size_t i = 0; i < p->n_moves; i++)
		moves[i] = (struct store_move){ p->moves[i].from, p->moves[i].to, p->moves[i].owner };
	return rc ? rc : run_begin(s, p->destroy ? "destroy" : "apply", *p->id ? p->id : NULL, moves, p->n_moves, run, err);
}

int apply_run(struct task *t, struct engine *e, struct store *s, const struct plan *p, const struct apply_options *o,
	      struct apply_result *out, struct err *err)
{
	struct runner r = { .a = { .e = e, .s = s, .o = o, .out = out }, .p = p };
	memset(out, 0, sizeof(*out));
	engine_use_store(e, s);
	int rc = check_plan(&r.a, p, err);
	if (rc == 0)
		rc = check_fresh(s, p, err);
	if (rc == 0)
		rc = begin(s, p, &r.a.run, err);
	if (rc)
		return rc;
	out->run = r.a.run;
	runner_init(&r);
	rc = mark_busy(&r, err);
	if (rc == 0) {
		drive(t, &r);
		tell_kept(&r);
		rc = finish(&r, err);
	}
	runner_release(&r);
	return rc;
}

struct telling { const struct plan *p; struct diags *d; struct apply_result *out; };

static int tell_rest(void *arg, struct err *err)
{
	struct telling *x = arg;
	(void)err;
	x->out->unmet += after_end(x->p->after, x->d, &x->out->warned, &x->out->waits);
	return 0;
}

int apply_tell(struct task *t, const struct plan *p, struct diags *d, struct apply_result *out, struct err *err)
{
	struct telling x = { p, d, out };
	return p->after ? task_work(t, tell_rest, &x, err) : 0;
}
