#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/task.h"

static struct str trace;             /* what happened, in order */

static int run(task_fn *fn, void *arg, struct err *err)
{
	struct loop *l = loop_new();
	str_clear(&trace);
	int rc = loop_run(l, fn, arg, err);
	loop_free(l);
	return rc;
}

static int simulate(void **unused)
{
	(void)unused;
	clock_simulate(1, 1700000000000);
	str_init(&trace, 1 << 20);
	return 0;
}

static int real(void **unused)
{
	(void)unused;
	clock_real();
	str_release(&trace);
	return 0;
}

/* --- every kind of wait, interrupted in every way ------------------------------------------------------------------- */

static struct gate gate;
static struct slots slots;
static struct event never;

static int hang(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	return event_wait(t, &never, err);
}

static int slow_work(void *arg, struct err *err)
{
	(void)err;
	usleep(20000);
	*(int *)arg = 1;
	return 0;
}

static int wait_sleep(struct task *t, struct err *err) { return task_sleep(t, 1000000, err); }
static int wait_event(struct task *t, struct err *err) { return event_wait(t, &never, err); }
static int wait_gate(struct task *t, struct err *err) { return gate_enter(t, &gate, err); }
static int wait_slots(struct task *t, struct err *err) { return slots_take(t, &slots, err); }
static int wait_park(struct task *t, struct err *err) { return task_park(t, err); }

static int wait_yield(struct task *t, struct err *err)
{
	int rc;
	while ((rc = task_yield(t, err)) == 0)
		if (task_sleep(t, 1, err))
			continue;
	return rc;
}

static int wait_join(struct task *t, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	int rc = scope_spawn(t, s, "child", hang, NULL, err);
	int joined = scope_join(t, s, err);
	return rc ? rc : joined;
}

static int wait_limit(struct task *t, struct err *err)
{
	struct scope *s = scope_open(t, 1);
	int rc = scope_spawn(t, s, "one", hang, NULL, err);
	if (rc == 0)
		rc = scope_spawn(t, s, "two", hang, NULL, err);
	scope_cancel(s);
	scope_join(t, s, NULL);
	return rc;
}

static const struct kind { const char *name; int (*wait)(struct task *, struct err *); } kinds[] = {
	{ "sleep", wait_sleep }, { "event", wait_event }, { "gate", wait_gate }, { "slots", wait_slots },
	{ "park", wait_park }, { "yield", wait_yield }, { "join", wait_join }, { "limit", wait_limit },
};

struct victim { const struct kind *kind; int64_t deadline; bool shield; int64_t ended; int rc, again; };

static int victim_main(struct task *t, void *arg, struct err *err)
{
	struct victim *v = arg;
	if (v->deadline)
		task_deadline_in(t, v->deadline);
	if (v->shield)
		task_shield(t, true);
	v->rc = v->kind->wait(t, err);
	v->ended = clock_now_ms();
	v->again = v->kind->wait(t, NULL);
	if (v->shield)
		task_shield(t, false);
	return 0;
}

static int one_interruption(struct task *t, void *arg, struct err *err)
{
	struct victim *v = arg;
	memset(&never, 0, sizeof(never));
	gate = (struct gate){ .held = true };
	slots = (struct slots){ .limit = 1, .used = 1 };
	int64_t start = clock_now_ms();
	struct scope *s = scope_open(t, 0);
	int rc = scope_spawn(t, s, v->kind->name, victim_main, v, err);
	assert_int_equal(rc, 0);
	assert_int_equal(task_sleep(t, 50, err), 0);
	assert_int_equal(scope_running(s), 1);
	scope_cancel(s);
	rc = scope_join(t, s, err);
	v->ended -= start;
	assert_null(gate.waiters);
	assert_null(slots.waiters);
	assert_null(never.waiters);
	assert_int_equal(slots.used, 1);
	return rc;
}

static void each_wait_ends_when_interrupted(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct victim cancelled = { .kind = &kinds[i] };
		assert_int_equal(run(one_interruption, &cancelled, NULL), 0);
		assert_int_equal(cancelled.rc, E_CANCELED);
		assert_int_equal(cancelled.again, E_CANCELED);
		assert_int_equal(cancelled.ended, 50);
		/* A shield keeps the cancellation out; the deadline still ends it. */
		struct victim late = { .kind = &kinds[i], .deadline = 700, .shield = true };
		assert_int_equal(run(one_interruption, &late, NULL), 0);
		assert_int_equal(late.rc, E_TIMEOUT);
		assert_int_equal(late.again, E_TIMEOUT);
		assert_int_equal(late.ended, 700);
	}
}

static int work_cancelled(struct task *t, void *arg, struct err *err)
{
	int done[8] = { 0 };
	(void)arg;
	assert_int_equal(task_work(t, slow_work, &done[0], err), 0);
	assert_int_equal(done[0], 1);
	task_deadline_in(t, 0);
	assert_int_equal(task_work(t, slow_work, &done[1], err), E_TIMEOUT);
	assert_int_equal(done[1], 0);
	return 0;
}

static int worker(struct task *t, void *arg, struct err *err)
{
	return task_work(t, slow_work, arg, err);
}

static int works_in_cancelled_scope(struct task *t, void *arg, struct err *err)
{
	int *done = arg;
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(scope_spawn(t, s, "work", worker, &done[i], err), 0);
	assert_int_equal(task_yield(t, err), 0);
	assert_int_equal(task_yield(t, err), 0);
	scope_cancel(s);
	/* Work under way was awaited, the rest never began. */
	assert_int_equal(scope_join(t, s, err), E_CANCELED);
	return 0;
}

static void work_is_awaited(void **unused)
{
	(void)unused;
	int done[40] = { 0 }, n = 0;
	assert_int_equal(run(work_cancelled, NULL, NULL), 0);
	assert_int_equal(run(works_in_cancelled_scope, done, NULL), 0);
	for (int i = 0; i < 40; i++)
		n += done[i];
	assert_in_range(n, 0, 39);
}

static int failing_work(void *arg, struct err *err)
{
	(void)arg;
	return err_set(err, E_IO, "disk on fire");
}

static int run_failing_work(struct task *t, void *arg, struct err *err)
{
	return task_work(t, failing_work, arg, err);
}

static void work_tells_its_failure(void **unused)
{
	struct err err = { 0 };
	(void)unused;
	assert_int_equal(run(run_failing_work, NULL, &err), E_IO);
	assert_string_equal(err.msg, "disk on fire");
}

/* --- scopes -------------------------------------------------------------------------------------------------------------- */

static struct { unsigned now, most, total; } busy;

static int busy_for_a_while(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	busy.total++;
	if (++busy.now > busy.most)
		busy.most = busy.now;
	int rc = task_sleep(t, 10 + (int64_t)clock_random_below(90), err);
	busy.now--;
	return rc;
}

static int limited(struct task *t, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, *(unsigned *)arg);
	for (int i = 0; i < 200; i++)
		assert_int_equal(scope_spawn(t, s, "busy", busy_for_a_while, NULL, err), 0);
	return scope_join(t, s, err);
}

static void limits_are_kept(void **unused)
{
	static const struct { unsigned limit, most; } rows[] = { { 0, 200 }, { 1, 1 }, { 7, 7 }, { 500, 200 } };
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned limit = rows[i].limit;
		memset(&busy, 0, sizeof(busy));
		assert_int_equal(run(limited, &limit, NULL), 0);
		assert_int_equal(busy.total, 200);
		assert_int_equal(busy.most, rows[i].most);
	}
}

static int started_over_the_limit(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	struct scope *s = scope_open(t, 2);
	for (int i = 0; i < 5; i++)
		scope_start(s, "busy", busy_for_a_while, NULL);
	for (int i = 0; i < 20; i++)
		assert_int_equal(scope_spawn(t, s, "busy", busy_for_a_while, NULL, err), 0);
	assert_in_range(busy.most, 5, 5);
	assert_in_range(busy.now, 0, 2);
	return scope_join(t, s, err);
}

static void a_start_from_a_callback_does_not_widen_the_limit(void **unused)
{
	(void)unused;
	memset(&busy, 0, sizeof(busy));
	assert_int_equal(run(started_over_the_limit, NULL, NULL), 0);
	assert_int_equal(busy.total, 25);
}

static int fail_after(struct task *t, void *arg, struct err *err)
{
	int ms = *(int *)arg, rc = task_sleep(t, ms, err);
	return rc ? rc : ms % 2 ? err_set(err, E_CONFLICT, "failed after %d", ms) : 0;
}

static int failures(struct task *t, void *arg, struct err *err)
{
	int *ms = arg;
	struct scope *s = scope_open(t, 0);
	for (; *ms; ms++)
		assert_int_equal(scope_spawn(t, s, "f", fail_after, ms, err), 0);
	return scope_join(t, s, err);
}

static void the_first_failure_comes_out_of_join(void **unused)
{
	struct err err = { 0 };
	int some[] = { 20, 31, 11, 4, 51, 0 }, none[] = { 2, 4, 0 };
	(void)unused;
	int64_t start = clock_now_ms();
	assert_int_equal(run(failures, some, &err), E_CONFLICT);
	assert_int_equal(err.code, E_CONFLICT);
	assert_string_equal(err.msg, "failed after 11");
	assert_int_equal(clock_now_ms() - start, 51);      /* the others were not cancelled */
	assert_int_equal(run(failures, none, &err), 0);
}

struct nest { int depth; int64_t ended; int rc; };

static int nested(struct task *t, void *arg, struct err *err)
{
	struct nest *n = arg;
	if (n->depth == 0) {
		n->rc = task_sleep(t, 1000000, err);
		n->ended = clock_now_ms();
		return n->rc;
	}
	n->depth--;
	struct scope *s = scope_open(t, 0);
	int rc = scope_spawn(t, s, "deeper", nested, n, err);
	return rc | scope_join(t, s, err);
}

static int cancel_the_outermost(struct task *t, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	assert_int_equal(scope_spawn(t, s, "outer", nested, arg, err), 0);
	assert_int_equal(task_sleep(t, 30, err), 0);
	scope_cancel(s);
	assert_int_equal(scope_spawn(t, s, "late", nested, arg, err), E_CANCELED);
	return scope_join(t, s, err);
}

static int outer_deadline(struct task *t, void *arg, struct err *err)
{
	int64_t old = task_deadline_in(t, 40);
	task_deadline_in(t, 5000);                          /* never widens */
	int rc = nested(t, arg, err);
	assert_int_equal(task_sleep(t, 1, NULL), E_TIMEOUT);
	task_deadline_restore(t, old);
	assert_int_equal(task_sleep(t, 1, NULL), 0);
	return rc;
}

static void nested_scopes_end_with_their_parents(void **unused)
{
	struct err err;
	(void)unused;
	int64_t start = clock_now_ms();
	struct nest a = { .depth = 4 }, b = { .depth = 4 };
	assert_int_equal(run(cancel_the_outermost, &a, &err), E_CANCELED);
	assert_int_equal(a.rc, E_CANCELED);
	assert_int_equal(a.ended - start, 30);
	start = clock_now_ms();
	assert_int_equal(run(outer_deadline, &b, &err), E_TIMEOUT);
	assert_int_equal(b.rc, E_TIMEOUT);
	assert_int_equal(b.ended - start, 40);
}

static int narrow_after_spawn(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	struct scope *s = scope_open(t, 0);
	assert_int_equal(scope_spawn(t, s, "child", hang, NULL, err), 0);
	task_deadline_in(t, 25);
	return scope_join(t, s, err);
}

static void join_past_the_deadline_ends_the_children(void **unused)
{
	struct err err = { 0 };
	(void)unused;
	int64_t start = clock_now_ms();
	assert_int_equal(run(narrow_after_spawn, NULL, &err), E_TIMEOUT);
	assert_int_equal(err.code, E_TIMEOUT);
	assert_int_equal(clock_now_ms() - start, 25);
}

static int clean_up(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	int rc = task_sleep(t, 1000, err);
	task_shield(t, true);
	struct scope *s = scope_open(t, 0);
	int ms[] = { 200, 100 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(scope_spawn(t, s, "logout", fail_after, &ms[i], err), 0);
	assert_int_equal(task_sleep(t, 50, err), 0);
	assert_int_equal(scope_join(t, s, err), 0);
	task_shield(t, false);
	assert_true(task_cancelled(t));
	str_add(&trace, "clean");
	return rc;
}

static int cancel_then_clean(struct task *t, void *arg, struct err *err)
{
	struct scope *s = scope_open(t, 0);
	assert_int_equal(scope_spawn(t, s, "cleaner", clean_up, arg, err), 0);
	assert_int_equal(task_sleep(t, 10, err), 0);
	scope_cancel(s);
	return scope_join(t, s, err);
}

static void clean_up_runs_under_a_shield(void **unused)
{
	(void)unused;
	assert_int_equal(run(cancel_then_clean, NULL, NULL), E_CANCELED);
	assert_string_equal(trace.at, "clean");
}

/* --- meeting points -------------------------------------------------------------------------------------------------------- */

struct visitor { int id; int64_t patience; };

static int visit(struct task *t, void *arg, struct err *err)
{
	struct visitor *v = arg;
	if (v->patience)
		task_deadline_in(t, v->patience);
	int rc = gate_enter(t, &gate, err);
	if (rc) {
		str_addf(&trace, "(%d)", v->id);
		return 0;
	}
	str_addf(&trace, "%d", v->id);
	rc = task_sleep(t, 10, NULL);
	gate_leave(&gate);
	return rc == E_TIMEOUT ? 0 : rc;
}

static int gate_order(struct task *t, void *arg, struct err *err)
{
	struct visitor v[] = { { 0, 0 }, { 1, 0 }, { 2, 15 }, { 3, 0 }, { 4, 10 }, { 5, 20 }, { 6, 0 } };
	(void)arg;
	struct scope *s = scope_open(t, 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		assert_int_equal(scope_spawn(t, s, "visitor", visit, &v[i], err), 0);
	return scope_join(t, s, err);
}

static void a_gate_is_fair_and_survives_those_who_give_up(void **unused)
{
	(void)unused;
	gate = (struct gate){ 0 };
	assert_int_equal(run(gate_order, NULL, NULL), 0);
	/* 5's time is up in the instant it is let through: it must pass the gate on. */
	assert_true(!strcmp(trace.at, "0(4)1(2)(5)36") || !strcmp(trace.at, "0(4)1(2)3(5)6") || !strcmp(trace.at, "01(4)(2)3(5)6"));
	assert_false(gate.held);
	assert_null(gate.waiters);
}

static int hold_gate(struct task *t, void *arg, struct err *err)
{
	int rc = gate_enter(t, &gate, err);
	if (rc == 0)
		str_add(&trace, arg);
	return rc;
}

/* Let through and cancelled before it ran: the next one must get the gate. */
static int pass_and_cancel(struct task *t, void *arg, struct err *err)
{
	char a[] = "a", b[] = "b";
	(void)arg;
	assert_int_equal(gate_enter(t, &gate, err), 0);
	struct scope *one = scope_open(t, 0), *two = scope_open(t, 0);
	assert_int_equal(scope_spawn(t, one, "a", hold_gate, a, err), 0);
	assert_int_equal(task_yield(t, err), 0);
	assert_int_equal(scope_spawn(t, two, "b", hold_gate, b, err), 0);
	assert_int_equal(task_yield(t, err), 0);
	gate_leave(&gate);
	scope_cancel(one);
	assert_int_equal(scope_join(t, one, err), E_CANCELED);
	return scope_join(t, two, err);
}

static void a_cancelled_holder_passes_the_gate_on(void **unused)
{
	(void)unused;
	gate = (struct gate){ 0 };
	assert_int_equal(run(pass_and_cancel, NULL, NULL), 0);
	assert_string_equal(trace.at, "b");
	assert_true(gate.held);
}

static int await_then_note(struct task *t, void *arg, struct err *err)
{
	int rc = event_wait(t, arg, err);
	str_addf(&trace, "%d", rc);
	return rc;
}

static int event_main(struct task *t, void *arg, struct err *err)
{
	struct event e = { 0 };
	(void)arg;
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(scope_spawn(t, s, "waiter", await_then_note, &e, err), 0);
	assert_int_equal(task_sleep(t, 5, err), 0);
	assert_string_equal(trace.at, "");
	event_set(&e);
	assert_int_equal(event_wait(t, &e, err), 0);
	return scope_join(t, s, err);
}

static void an_event_wakes_all(void **unused)
{
	(void)unused;
	assert_int_equal(run(event_main, NULL, NULL), 0);
	assert_string_equal(trace.at, "00000");
}

static int park_main(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	task_wake(t);
	task_wake(t);
	assert_int_equal(task_sleep(t, 10, err), 0);        /* a stray wake does not end a sleep, and is kept */
	assert_int_equal(task_park(t, err), 0);
	task_deadline_in(t, 5);
	assert_int_equal(task_park(t, err), E_TIMEOUT);     /* once */
	return 0;
}

static void a_wake_is_remembered_once(void **unused)
{
	(void)unused;
	assert_int_equal(run(park_main, NULL, NULL), 0);
}

static int yielder(struct task *t, void *arg, struct err *err)
{
	for (int i = 0; i < 3; i++) {
		str_add(&trace, arg);
		int rc = task_yield(t, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int yields(struct task *t, void *arg, struct err *err)
{
	char names[3][2] = { "a", "b", "c" };
	(void)arg;
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(scope_spawn(t, s, names[i], yielder, names[i], err), 0);
	return scope_join(t, s, err);
}

static void a_yield_lets_all_others_run_once(void **unused)
{
	(void)unused;
	assert_int_equal(run(yields, NULL, NULL), 0);
	assert_string_equal(trace.at, "abcabcabc");
}

/* --- time --------------------------------------------------------------------------------------------------------------------- */

static int sleeper(struct task *t, void *arg, struct err *err)
{
	int64_t start = clock_now_ms(), ms = *(int64_t *)arg;
	int rc = task_sleep(t, ms, err);
	if (rc == 0 && clock_now_ms() - start != ms)
		return err_set(err, E_INTERNAL, "slept %lld instead of %lld", (long long)(clock_now_ms() - start), (long long)ms);
	return rc;
}

static int sleepers(struct task *t, void *arg, struct err *err)
{
	static int64_t ms[5000];
	(void)arg;
	struct scope *s = scope_open(t, 0);
	for (size_t i = 0; i < ARRAY_LEN(ms); i++) {
		ms[i] = (int64_t)clock_random_below(86400000);
		assert_int_equal(scope_spawn(t, s, "sleeper", sleeper, &ms[i], err), 0);
	}
	return scope_join(t, s, err);
}

static void simulated_time_jumps_to_each_timer(void **unused)
{
	struct err err = { 0 };
	(void)unused;
	int64_t start = clock_now_ms();
	int rc = run(sleepers, NULL, &err);
	assert_string_equal(err.msg, "");
	assert_int_equal(rc, 0);
	assert_in_range(clock_now_ms() - start, 80000000, 86400000);
}

static int sleep_really(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	int64_t start = clock_now_ms();
	int rc = task_sleep(t, 30, err);
	assert_true(clock_now_ms() - start >= 30);
	return rc;
}

static void the_real_clock_is_waited_for(void **unused)
{
	(void)unused;
	clock_real();
	assert_int_equal(run(sleep_really, NULL, NULL), 0);
	clock_simulate(1, 1700000000000);
}

static bool watched(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#else
	const char *preload = getenv("LD_PRELOAD");
	return preload && strstr(preload, "valgrind");
#endif
}

static void set_event(uv_timer_t *timer)
{
	event_set(timer->data);
}

/* The callback runs before the loop polls, in the same round: the loop must not sleep over the task that it woke. */
static int woken_by_a_timer_of_the_loop(struct task *t, void *arg, struct err *err)
{
	struct event e = { 0 };
	uv_timer_t timer;
	(void)arg;
	uv_timer_init(loop_uv(task_loop(t)), &timer);
	timer.data = &e;
	uv_timer_start(&timer, set_event, 0, 0);
	task_deadline_in(t, 3000);
	int rc = event_wait(t, &e, err);
	uv_close((uv_handle_t *)&timer, NULL);
	task_deadline_restore(t, TASK_FOREVER);
	return task_sleep(t, 1, NULL) | rc;
}

static void the_loop_does_not_sleep_over_a_ready_task(void **unused)
{
	(void)unused;
	clock_real();
	assert_int_equal(run(woken_by_a_timer_of_the_loop, NULL, NULL), 0);
	clock_simulate(1, 1700000000000);
}

static long resident_kib(void)
{
	long total = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static int rest(struct task *t, void *arg, struct err *err)
{
	(void)arg;
	return event_wait(t, &never, err);
}

static int crowd(struct task *t, void *arg, struct err *err)
{
	long before = resident_kib();
	(void)arg;
	never = (struct event){ 0 };
	struct scope *s = scope_open(t, 0);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(scope_spawn(t, s, "one of many", rest, NULL, err), 0);
	assert_int_equal(task_sleep(t, 1000, err), 0);
	assert_int_equal(scope_running(s), 10000);
	long each = (resident_kib() - before) / 10000;
	print_message("%ld KiB a resting task\n", each);
	/* The tools that watch memory need some of their own. */
	if (!watched())
		assert_in_range(each, 1, 12);
	event_set(&never);
	return scope_join(t, s, err);
}

static void ten_thousand_tasks_cost_little(void **unused)
{
	(void)unused;
	assert_int_equal(run(crowd, NULL, NULL), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, simulate, real)
	const struct CMUnitTest tests[] = {
		T(each_wait_ends_when_interrupted), T(work_is_awaited), T(work_tells_its_failure), T(limits_are_kept),
		T(a_start_from_a_callback_does_not_widen_the_limit), T(the_first_failure_comes_out_of_join),
		T(nested_scopes_end_with_their_parents), T(join_past_the_deadline_ends_the_children), T(clean_up_runs_under_a_shield),
		T(a_gate_is_fair_and_survives_those_who_give_up), T(a_cancelled_holder_passes_the_gate_on), T(an_event_wakes_all),
		T(a_wake_is_remembered_once), T(a_yield_lets_all_others_run_once), T(simulated_time_jumps_to_each_timer),
		T(the_real_clock_is_waited_for), T(the_loop_does_not_sleep_over_a_ready_task), T(ten_thousand_tasks_cost_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
