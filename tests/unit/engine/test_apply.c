/* Plans times faults: what people are told, what is in the state afterwards, what is left in the journal. */
#include "tests/unit/engine/boxes.h"

struct scene {
	const char *name;
	const char *seed;
	const char *plan;
	const char *faults;          /* JSON */
	enum on_error on_error;
	unsigned parallel;
	const char *drain_at;
	int64_t cancel_after;
	const char *events, *state;
	struct apply_result out;
};

static const struct scene scenes[] = {
	{ .name = "every action", .seed = "b c d e r", .parallel = 1,
	  .plan = "a:+ 5\nb:~ 2\nc:/ 3\nd:- 0\ne:f 0\nr:- 0\nq:? 0",
	  .events = "start a\ndone a\nstart b\ndone b\nstart c\ndone c\nstart d\ndone d\nstart e\ndone e\nstart r\ndone r\n",
	  .state = "a=5 b=2 c=3 ", .out = { .done = 6, .skipped = 1 } },
	{ .name = "order by edges", .plan = "a:+ 1 <1\nb:+ 1 <2\nc:+ 1", .parallel = 4,
	  .events = "start c\ndone c\nstart b\ndone b\nstart a\ndone a\n", .state = "a=1 b=1 c=1 ", .out = { .done = 3 } },
	{ .name = "order by groups, through one without operations", .parallel = 4,
	  .plan = "=one <1\n=mid <2\n=last\na:+ 1 g0\nb:+ 1 g2\nc:+ 1 g2\nx:? 0 g1",
	  .events = "start b\nstart c\ndone b\ndone c\nstart a\ndone a\n", .state = "a=1 b=1 c=1 ", .out = { .done = 3, .skipped = 1 } },
	{ .name = "waves with soak", .plan = "=g w3 s600\na:+ 1 g0 w1\nb:+ 1 g0 w2\nc:+ 1 g0 w2\nd:+ 1 g0 w3\ne:+ 1 g0", .parallel = 8,
	  .events = "wave g 1/3: a\nstart e\nstart a\ndone e\ndone a\nsoak g 1/3 600\nwave g 2/3: b, c\nstart b\nstart c\ndone b\ndone c\n"
		    "soak g 2/3 600\nwave g 3/3: d\nstart d\ndone d\n",
	  .state = "a=1 b=1 c=1 d=1 e=1 ", .out = { .done = 5 } },
	{ .name = "a failing canary stops the waves", .plan = "=g w2\na:+ 1 g0 w1\nb:+ 1 g0 w2\nc:+ 1 g0 w2", .faults = "{\"a\":\"refuses\"}",
	  .on_error = ON_ERROR_CONTINUE,
	  .events = "wave g 1/2: a\nstart a\nfailed a: the box said no\nkept b: the run stopped: a was not done\n"
		    "kept c: the run stopped: a was not done\n",
	  .state = "", .out = { .failed = 1, .kept_back = 2 } },
	{ .name = "stop", .plan = "a:+ 1\nb:+ 1\nc:+ 1\nd:+ 1", .faults = "{\"a\":\"refuses\"}", .parallel = 2,
	  .events = "start a\nfailed a: the box said no\nkept b: the run stopped: a was not done\nkept c: the run stopped: a was not done\n"
		    "kept d: the run stopped: a was not done\n",
	  .state = "", .out = { .failed = 1, .kept_back = 3 } },
	{ .name = "stop with others running", .plan = "a:+ 1\nb:+ 1\nc:+ 1", .faults = "{\"a\":\"half\"}", .parallel = 2,
	  .events = "start a\nstart b\nfailed a: the box broke half-way\ndone b\nkept c: the run stopped: a was not done\n",
	  .state = "a=1? b=1 ", .out = { .done = 1, .failed = 1, .kept_back = 1 } },
	{ .name = "continue: only dependents are kept back", .plan = "a:+ 1\nb:+ 1 <0\nc:+ 1 <1\nd:+ 1", .faults = "{\"a\":\"refuses\"}",
	  .on_error = ON_ERROR_CONTINUE, .parallel = 1,
	  .events = "start a\nfailed a: the box said no\nstart d\ndone d\nkept b: it needs a, which was not done\n"
		    "kept c: it needs b, which was not done\n",
	  .state = "d=1 ", .out = { .done = 1, .failed = 1, .kept_back = 2 } },
	{ .name = "continue: groups behind a failed one", .plan = "=g\n=h <0\na:+ 1 g0\nb:+ 1 g1", .faults = "{\"a\":\"refuses\"}",
	  .on_error = ON_ERROR_CONTINUE,
	  .events = "start a\nfailed a: the box said no\nkept b: it needs g, which was not done\n", .state = "",
	  .out = { .failed = 1, .kept_back = 1 } },
	{ .name = "silent before anything was sent", .seed = "a", .plan = "a:~ 2", .faults = "{\"a\":\"silent\"}",
	  .events = "start a\nfailed a: no answer\n", .state = "a=1 ", .out = { .failed = 1 } },
	{ .name = "silent after it was sent", .seed = "a", .plan = "a:~ 2", .faults = "{\"a\":\"lost\"}",
	  .events = "start a\nopen a: the connection broke; what was sent may go on, and the next apply takes it up\n",
	  .state = "a=1 (update a sent) ", .out = { .still_open = 1 } },
	{ .name = "half-way", .seed = "a", .plan = "a:~ 2", .faults = "{\"a\":\"half\"}",
	  .events = "start a\nfailed a: the box broke half-way\n", .state = "a=2? ", .out = { .failed = 1 } },
	{ .name = "does not conform", .seed = "a", .plan = "a:~ 2", .faults = "{\"a\":\"stubborn\"}",
	  .events = "start a\nfailed a: applied, but box size still reads 1, not 2\n", .state = "a=1! ", .out = { .failed = 1 } },
	{ .name = "success without a trace", .plan = "a:+ 2", .faults = "{\"a\":\"vanishes\"}",
	  .events = "start a\nfailed a: applied, but it is not there\n", .state = "", .out = { .failed = 1 } },
	{ .name = "removed but there", .seed = "a", .plan = "a:- 0", .faults = "{\"a\":\"stays\"}",
	  .events = "start a\nfailed a: removed, but it is still there\n", .state = "a=1? ", .out = { .failed = 1 } },
	{ .name = "drain", .plan = "a:+ 1\nb:+ 1\nc:+ 1", .parallel = 2, .drain_at = "b",
	  .events = "start a\nstart b\ndone a\ndone b\nkept c: the run was interrupted\n", .state = "a=1 b=1 ",
	  .out = { .done = 2, .kept_back = 1, .interrupted = true } },
	{ .name = "drain in a soak", .plan = "=g w2 s86400\na:+ 1 g0 w1\nb:+ 1 g0 w2", .drain_at = "a",
	  .events = "wave g 1/2: a\nstart a\ndone a\nkept b: the run was interrupted\n", .state = "a=1 ",
	  .out = { .done = 1, .kept_back = 1, .interrupted = true } },
	{ .name = "drain while soaking", .plan = "=g w2 s86400\na:+ 1 g0 w1\nb:+ 1 g0 w2", .drain_at = "(soak)",
	  .events = "wave g 1/2: a\nstart a\ndone a\nsoak g 1/2 86400\nkept b: the run was interrupted\n", .state = "a=1 ",
	  .out = { .done = 1, .kept_back = 1, .interrupted = true } },
	{ .name = "cancelled while watching", .plan = "a:+ 1\nb:+ 1", .parallel = 1, .cancel_after = 1000,
	  .events = "start a\nopen a: not watched any longer; what was sent goes on, and the next apply takes it up\n"
		    "kept b: the run was interrupted\n",
	  .state = "(create a sent) ", .out = { .still_open = 1, .kept_back = 1, .interrupted = true } },
	{ .name = "cancelled in a soak", .plan = "=g w2 s86400\na:+ 1 g0 w1\nb:+ 1 g0 w2", .cancel_after = 3600000,
	  .events = "wave g 1/2: a\nstart a\ndone a\nsoak g 1/2 86400\nkept b: the run was interrupted\n", .state = "a=1 ",
	  .out = { .done = 1, .kept_back = 1, .interrupted = true } },
	{ .name = "a cycle is not run", .plan = "a:+ 1 <1\nb:+ 1 <0\nc:+ 1", .on_error = ON_ERROR_CONTINUE,
	  .events = "start c\ndone c\nkept a: it needs b, which was not done\nkept b: it needs a, which was not done\n", .state = "c=1 ",
	  .out = { .done = 1, .kept_back = 2 } },
};

static void play(const struct scene *x)
{
	struct err err;
	struct store *s = store_here();
	if (x->faults) {
		json_decref(w.faults);
		assert_int_equal(json_parse(x->faults, strlen(x->faults), "test", &w.faults, &err), 0);
	}
	if (x->seed)
		seed(s, x->seed);
	struct plan *p = plan_of(x->plan);
	plan_meet(p, s);
	w.drain_at = x->drain_at;
	struct running r = { .s = s, .p = p, .o = { .parallel = x->parallel, .on_error = x->on_error }, .cancel_after = x->cancel_after };
	if (running_go(&r, &err))
		fail_msg("%s: %s", x->name, err.msg);
	autofree char *state = state_text(s);
	if (strcmp(w.log.at, x->events) != 0 || strcmp(state, x->state) != 0)
		fail_msg("%s:\n%s%s\n--- wanted:\n%s%s", x->name, w.log.at, state, x->events, x->state);
	r.out.run = 0;
	if (memcmp(&r.out, &x->out, sizeof(r.out)) != 0)
		fail_msg("%s: done %zu failed %zu kept %zu skipped %zu open %zu interrupted %d", x->name, r.out.done, r.out.failed,
			 r.out.kept_back, r.out.skipped, r.out.still_open, r.out.interrupted);
	if (x->parallel)
		assert_true(w.most <= x->parallel);
	plan_drop(p);
	store_close(s);
}

static void plans_times_faults(void **unused)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
		if (i) {
			boxes_teardown(unused);
			boxes_setup(unused);
		}
		play(&scenes[i]);
	}
}

/* --- around a run ---------------------------------------------------------------------------------------------------------- */
static void a_stale_plan_does_nothing(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	seed(s, "a b");
	struct plan *p = plan_of("a:~ 2\nb:~ 2\nc:+ 1");
	plan_meet(p, s);
	seed(s, "b c");
	struct running r = { .s = s, .p = p };
	assert_int_equal(running_go(&r, &err), E_CONFLICT);
	assert_non_null(strstr(err.msg, "the state of b, c was changed"));
	assert_string_equal(w.log.at, "");
	int64_t serial;
	assert_int_equal(store_serial(s, &serial, &err), 0);
	assert_int_equal(serial, 0);
	plan_drop(p);
	store_close(s);
}

static void a_plan_runs_once_and_keeps_its_outputs(void **unused)
{
	(void)unused;
	struct err err;
	struct stored_output out = { "n", "5", false };
	struct run last;
	struct store *s = store_here();
	struct plan *p = plan_of("a:? 0");
	strcpy(p->id, "7f3a9c112233");
	p->output_values = &out;
	p->n_output_values = 1;
	struct running r = { .s = s, .p = p };
	assert_int_equal(running_go(&r, &err), 0);
	assert_int_equal(run_last(s, &last, &err), 0);
	assert_string_equal(last.status, "done");
	assert_int_equal(last.id, r.out.run);
	assert_int_equal(running_go(&r, &err), E_CONFLICT);
	assert_non_null(strstr(err.msg, "7f3a9c112233"));
	plan_drop(p);
	store_close(s);
}

static void what_is_recorded_has_the_meta_attributes(void **unused)
{
	(void)unused;
	struct err err;
	struct object o;
	struct store *s = store_here();
	struct plan *p = plan_of("=pool.a\na:+ 4 g0");
	p->groups[0].deps = (const char *const[]){ "firmware_pin.x" };
	p->groups[0].n_deps = 1;
	struct running r = { .s = s, .p = p };
	assert_int_equal(running_go(&r, &err), 0);
	assert_int_equal(store_object(s, "a", &o, &err), 0);
	autofree char *attrs = json_text(o.attrs), *deps = json_text(o.deps);
	assert_string_equal(attrs, "{\"health\":\"OK\",\"image\":\"i.bin\",\"password\":\"env:PW\",\"size\":4}");
	assert_string_equal(deps, "[\"firmware_pin.x\"]");
	assert_string_equal(o.owner, "pool.a");
	assert_int_equal(o.schema_version, 3);
	json_decref(o.attrs);
	json_decref(o.deps);
	plan_drop(p);
	store_close(s);
}

static void an_operation_has_a_deadline_of_its_own(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	struct plan *p = plan_of("a:+ 1\nb:+ 1");
	json_put_str(w.faults, "a", "slow");         /* 100 minutes; allowed are 30 */
	json_put_str(w.faults, "b", "slow");
	p->changes[1].effect.minutes = 20;           /* 4 * 20 + 30 */
	struct running r = { .s = s, .p = p, .o = { .on_error = ON_ERROR_CONTINUE } };
	assert_int_equal(running_go(&r, &err), 0);
	autofree char *state = state_text(s);
	assert_string_equal(state, "b=1 (create a sent) ");
	assert_int_equal(r.out.still_open, 1);
	plan_drop(p);
	store_close(s);
}

static void progress_is_passed_on(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	struct plan *p = plan_of("a:+ 1");
	struct running r = { .s = s, .p = p };
	w.progress = true;
	assert_int_equal(running_go(&r, &err), 0);
	assert_string_equal(w.log.at, "start a\nprogress a 50%: half of a\ndone a\n");
	plan_drop(p);
	store_close(s);
}

static void a_plan_changed_by_hand_is_refused(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	struct plan *p = plan_of("a:+ 1\nb:+ 1 <0");
	struct running r = { .s = s, .p = p };
	((unsigned *)p->changes[1].after)[0] = 2;
	assert_int_equal(running_go(&r, &err), E_INPUT);
	((unsigned *)p->changes[1].after)[0] = 0;
	p->changes[1].group = 1;
	assert_int_equal(running_go(&r, &err), E_INPUT);
	p->changes[1].group = 0;
	p->changes[1].type = "crate";
	assert_int_equal(running_go(&r, &err), E_UNSUPPORTED);
	assert_string_equal(w.log.at, "");
	plan_drop(p);
	store_close(s);
}

/* --- resume ------------------------------------------------------------------------------------------------------------------ */
static void what_was_left_open_is_taken_up(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	seed(s, "a");
	json_put_str(w.faults, "a", "lost");
	struct plan *p = plan_of("a:~ 2"), *again = plan_of("a:~ 3\nb:+ 1 <0\nc:+ 1");
	plan_meet(p, s);
	struct running r = { .s = s, .p = p };
	assert_int_equal(running_go(&r, &err), 0);
	assert_int_equal(r.out.still_open, 1);

	/* Still silent: it stays open, and only its own object has to wait. */
	struct running back = { .s = s };
	str_clear(&w.log);
	assert_int_equal(running_go(&back, &err), 0);
	assert_int_equal(back.out.still_open, 1);
	plan_meet(again, s);
	r.p = again;
	str_clear(&w.log);
	assert_int_equal(running_go(&r, &err), 0);
	assert_string_equal(w.log.at, "start c\ndone c\nkept a: an earlier operation on it is still open\nkept b: it needs a, which was not done\n");

	json_object_clear(w.faults);
	str_clear(&w.log);
	assert_int_equal(running_go(&back, &err), 0);
	assert_string_equal(w.log.at, "resuming a: update, last step: sent\nstart a\ndone a\n");
	assert_int_equal(back.out.done, 1);
	assert_int_equal(json_int(w.sends, "a", 0), 1);
	autofree char *state = state_text(s);
	assert_string_equal(state, "a=2 c=1 ");
	assert_int_equal(running_go(&back, &err), 0);
	assert_int_equal(back.out.done, 0);
	plan_drop(p);
	plan_drop(again);
	store_close(s);
}

static void what_was_never_sent_is_closed(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	int64_t run, id;
	struct op_row op = { .address = "a", .type = "box", .owner = "g", .action = "create" };
	assert_int_equal(run_begin(s, "apply", NULL, NULL, 0, &run, &err), 0);
	op.run = run;
	assert_int_equal(op_begin(s, &op, &id, &err), 0);
	struct running r = { .s = s };
	assert_int_equal(running_go(&r, &err), 0);
	assert_string_equal(w.log.at, "");
	assert_int_equal(r.out.kept_back, 1);
	autofree char *state = state_text(s);
	assert_string_equal(state, "");
	store_close(s);
}

static void an_operation_of_an_unknown_type_stays_and_is_named(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = store_here();
	json_put_str(w.faults, "a", "lost");
	struct plan *p = plan_of("a:+ 2");
	struct running r = { .s = s, .p = p }, back = { .s = s, .provider = &rocks };
	assert_int_equal(running_go(&r, &err), 0);
	str_clear(&w.log);
	assert_int_equal(running_go(&back, &err), 0);
	assert_int_equal(back.out.still_open, 1);
	assert_non_null(strstr(w.log.at, "knows no type \"box\""));
	plan_drop(p);
	store_close(s);
}

/* --- death at any point --------------------------------------------------------------------------------------------------- */
static const char deadly[] = "=g w2 s5\n=h <0\na:~ 2 g0 w1\nb:+ 3 g0 w1 <0\nc:/ 4 g0 w2\nd:- 0 g1\ne:+ 5 g1 <3";

/* Takes up, plans what is missing, runs it: until nothing is left to do. */
static void converge(struct store *s)
{
	static const struct { const char *name; int size; } goal[] = { { "a", 2 }, { "b", 3 }, { "c", 4 }, { "d", 0 }, { "e", 5 } };
	struct err err;
	struct running back = { .s = s };
	if (running_go(&back, &err))
		fail_msg("%s", err.msg);
	autostr struct str text;
	str_init(&text, STR_OURS);
	for (size_t i = 0; i < ARRAY_LEN(goal); i++) {
		struct object o;
		const json_t *have = json_at(w.boxes, goal[i].name);
		assert_int_equal(store_object(s, goal[i].name, &o, &err), 0);
		int64_t stored = o.address && o.status == OBJ_OK ? json_int(o.attrs, "size", 0) : 0;
		bool right = goal[i].size ? have && json_int(have, "size", 0) == goal[i].size && stored == goal[i].size : !have && !o.address;
		if (!right)
			str_addf(&text, "%s%s:%c %d", text.len ? "\n" : "", goal[i].name, goal[i].size == 0 ? '-' : o.address ? '~' : '+', goal[i].size);
		json_decref(o.address ? o.attrs : NULL);
		json_decref(o.address ? o.deps : NULL);
	}
	struct plan *p = plan_of(text.at);
	plan_meet(p, s);
	struct running r = { .s = s, .p = p };
	if (running_go(&r, &err) || r.out.failed || r.out.kept_back || r.out.still_open)
		fail_msg("%s: %s", text.at, w.log.at);
	plan_drop(p);
}

/* c is removed and made, or only changed when its turn never came before. */
static void assert_sent_once(long n, const char *sends)
{
	if (strcmp(sends, "{\"a\":1,\"b\":1,\"c\":2,\"d\":1,\"e\":1}") != 0 && strcmp(sends, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1}") != 0)
		fail_msg("point %ld: sent %s", n, sends);
}

static void die_at(long n)
{
	struct err err;
	struct store *s = store_here();
	struct plan *p = plan_of(deadly);
	plan_meet(p, s);
	struct running r = { .s = s, .p = p };
	fault.left = n;
	fault.kind = FAULT_EXIT;
	int rc = running_go(&r, &err);
	fault.left = -1;
	plan_drop(p);
	store_close(s);
	_exit(rc || r.out.failed);
}

static void dying_at_any_point_repeats_and_loses_nothing(void **unused)
{
	for (long n = 0;; n++) {
		int status;
		boxes_teardown(unused);
		boxes_setup(unused);
		w.in_file = true;
		struct store *s = store_here();
		seed(s, "a c d");
		store_close(s);
		pid_t pid = fork();
		if (pid == 0)
			die_at(n);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		world_load();
		s = store_here();
		converge(s);
		autofree char *state = state_text(s), *world = json_text(w.boxes), *sends = json_text(w.sends);
		if (strcmp(state, "a=2 b=3 c=4 e=5 ") != 0)
			fail_msg("point %ld: state %s", n, state);
		assert_string_equal(world, "{\"a\":{\"health\":\"OK\",\"size\":2},\"b\":{\"health\":\"OK\",\"size\":3},"
				    "\"c\":{\"health\":\"OK\",\"size\":4},\"e\":{\"health\":\"OK\",\"size\":5}}");
		assert_sent_once(n, sends);
		store_close(s);
		if (WEXITSTATUS(status) != FAULT_EXIT_CODE) {
			assert_int_equal(WEXITSTATUS(status), 0);
			assert_true(n > 50);
			break;
		}
	}
}

static void a_disk_that_fills_up_ends_the_run_with_its_reason(void **unused)
{
	for (long n = 0;; n++) {
		struct err err;
		boxes_teardown(unused);
		boxes_setup(unused);
		struct store *s = store_here();
		seed(s, "a c d");
		struct plan *p = plan_of(deadly);
		plan_meet(p, s);
		struct running r = { .s = s, .p = p };
		fault.left = n;
		fault.kind = FAULT_FULL;
		fault.fired = false;
		int rc = running_go(&r, &err);
		bool fired = fault.fired;
		fault.left = -1;
		if (rc && !strstr(err.msg, "disk is full"))
			fail_msg("point %ld: %s", n, err.msg);
		converge(s);
		autofree char *sends = json_text(w.sends);
		assert_sent_once(n, sends);
		plan_drop(p);
		store_close(s);
		if (!fired)
			break;
	}
}

/* --- size --------------------------------------------------------------------------------------------------------------------- */
static long points_for(int n)
{
	struct err err;
	autostr struct str text;
	str_init(&text, STR_OURS);
	str_addf(&text, "=g w%d", n / 10);
	for (int i = 0; i < n; i++)
		str_addf(&text, "\nbox-%d:+ 1 g0 w%d", i, i / 10 + 1);
	struct store *s = store_here();
	struct plan *p = plan_of(text.at);
	struct running r = { .s = s, .p = p };
	fault.left = 1L << 40;
	assert_int_equal(running_go(&r, &err), 0);
	long used = (1L << 40) - fault.left;
	fault.left = -1;
	assert_int_equal(r.out.done, n);
	plan_drop(p);
	store_close(s);
	return used;
}

static void an_operation_costs_the_same_among_many(void **unused)
{
	long small = points_for(100);
	boxes_teardown(unused);
	boxes_setup(unused);
	long large = points_for(1000);
	if (large > small * 13)
		fail_msg("100 operations write %ld times, 1,000 write %ld times", small, large);
}

int main(void)
{
	json_setup();
	fault_install();
#define T(f) cmocka_unit_test_setup_teardown(f, boxes_setup, boxes_teardown)
	const struct CMUnitTest tests[] = {
		T(plans_times_faults), T(a_stale_plan_does_nothing), T(a_plan_runs_once_and_keeps_its_outputs),
		T(what_is_recorded_has_the_meta_attributes), T(an_operation_has_a_deadline_of_its_own), T(progress_is_passed_on),
		T(a_plan_changed_by_hand_is_refused), T(what_was_left_open_is_taken_up), T(what_was_never_sent_is_closed),
		T(an_operation_of_an_unknown_type_stays_and_is_named), T(dying_at_any_point_repeats_and_loses_nothing),
		T(a_disk_that_fills_up_ends_the_run_with_its_reason), T(an_operation_costs_the_same_among_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
