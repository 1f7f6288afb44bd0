#include "base/task.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(start, end) 0u
#define VALGRIND_STACK_DEREGISTER(id) ((void)(id))
#endif

enum {
	STACKS_KEPT = 64,            /* warm stacks; more are given back to the system */
	QUIET_MS = 2,                /* simulated clock: real time without an event that counts as "nothing under way" */
};

struct stack {
	char *base;                  /* lowest byte that may be used; a guard page lies below */
	unsigned valgrind_id;
};

struct task {
	struct loop *loop;
	struct scope *scope;         /* NULL for the first task */
	task_fn *fn;
	void *arg;
	ucontext_t context;
	struct stack stack;
	void *fake_stack;            /* ASan's, while switched out */
	int64_t deadline;
	int64_t wake_at;             /* key in the timer heap */
	size_t heap_at;              /* its index + 1; 0: in no heap */
	struct scope *scopes;        /* opened by this task, not yet joined */
	struct task **queue;         /* the list it waits in: of an event, a gate, slots; NULL: in none, or let through */
	unsigned shield;
	bool waiting;                /* switched out until made ready */
	bool parked;                 /* ... in task_park() */
	bool woken;                  /* task_wake() came and was not yet consumed */
	bool cancelled, dead;
	struct task *ready_prev, *ready_next, *queue_prev, *queue_next, *scope_prev, *scope_next;
	char name[];
};

struct scope {
	struct task *owner;
	struct task *tasks;
	struct slots slots;
	unsigned running;
	bool cancelled;
	bool shielded;               /* opened under a shield: the owner's cancellation does not reach it */
	bool joining;
	int rc;                      /* first failure */
	struct err err;
	struct scope *prev, *next;
};

struct loop {
	uv_loop_t uv;
	uv_timer_t timer;            /* the nearest of the heap */
	uv_idle_t idle;              /* started by the first task made ready: uv_run() then does not block, though it began idle */
	int64_t armed_for;           /* what it is set to, TASK_FOREVER when stopped */
	struct task *ready;
	struct task *current;
	ucontext_t context;
	void *fake_stack;
	const void *stack_bottom; size_t stack_size;     /* the thread's own, as ASan tells it */
	VEC(struct task *) heap;     /* waiting tasks by wake_at, the nearest first */
	VEC(struct stack) kept;
	unsigned works;              /* pieces of work on the pool */
};

/* --- stacks ------------------------------------------------------------------------------------------------- */

static size_t page_size(void)
{
	static size_t size;
	if (!size)
		size = (size_t)sysconf(_SC_PAGESIZE);
	return size;
}

static struct stack stack_take(struct loop *l)
{
	if (l->kept.len)
		return l->kept.at[--l->kept.len];
	size_t guard = page_size();
	char *p = mmap(NULL, TASK_STACK + guard, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
	if (p == MAP_FAILED || mprotect(p, guard, PROT_NONE) != 0)
		BUG("no address space for the stack of one more task (vm.max_map_count?)");
	struct stack s = { .base = p + guard };
	s.valgrind_id = VALGRIND_STACK_REGISTER(s.base, s.base + TASK_STACK);
	return s;
}

static void stack_unmap(struct stack s)
{
	VALGRIND_STACK_DEREGISTER(s.valgrind_id);
	munmap(s.base - page_size(), TASK_STACK + page_size());
}

static void stack_give(struct loop *l, struct stack s)
{
#ifdef WITH_ASAN
	/* Frames that never returned left their red zones behind. */
	ASAN_UNPOISON_MEMORY_REGION(s.base, TASK_STACK);
#endif
	if (l->kept.len < STACKS_KEPT)
		vec_push(&l->kept, s);
	else
		stack_unmap(s);
}

/* --- switching ------------------------------------------------------------------------------------------------ */

static void switch_to_task(struct loop *l, struct task *t)
{
	l->current = t;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(&l->fake_stack, t->stack.base, TASK_STACK);
#endif
	swapcontext(&l->context, &t->context);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(l->fake_stack, NULL, NULL);
#endif
	l->current = NULL;
}

static void switch_to_loop(struct task *t)
{
	struct loop *l = t->loop;
#ifdef WITH_ASAN
	__sanitizer_start_switch_fiber(t->dead ? NULL : &t->fake_stack, l->stack_bottom, l->stack_size);
#endif
	swapcontext(&t->context, &l->context);
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(t->fake_stack, &l->stack_bottom, &l->stack_size);
#endif
}

/* --- timers: a binary heap, each waiting task in it at most once ------------------------------------------------ */

static void heap_put(struct loop *l, size_t i, struct task *t)
{
	l->heap.at[i] = t;
	t->heap_at = i + 1;
}

static void heap_up(struct loop *l, size_t i, struct task *t)
{
	while (i > 0 && l->heap.at[(i - 1) / 2]->wake_at > t->wake_at) {
		heap_put(l, i, l->heap.at[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_put(l, i, t);
}

static void heap_down(struct loop *l, size_t i, struct task *t)
{
	for (size_t child; (child = 2 * i + 1) < l->heap.len; i = child) {
		if (child + 1 < l->heap.len && l->heap.at[child + 1]->wake_at < l->heap.at[child]->wake_at)
			child++;
		if (l->heap.at[child]->wake_at >= t->wake_at)
			break;
		heap_put(l, i, l->heap.at[child]);
	}
	heap_put(l, i, t);
}

static void timer_set(struct task *t, int64_t when)
{
	struct loop *l = t->loop;
	t->wake_at = when;
	vec_push(&l->heap, t);
	heap_up(l, l->heap.len - 1, t);
}

static void timer_drop(struct task *t)
{
	struct loop *l = t->loop;
	if (!t->heap_at)
		return;
	size_t i = t->heap_at - 1;
	struct task *last = l->heap.at[--l->heap.len];
	t->heap_at = 0;
	if (last == t)
		return;
	if (i > 0 && l->heap.at[(i - 1) / 2]->wake_at > last->wake_at)
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

static void on_idle(uv_idle_t *unused)
{
	(void)unused;
}

/* --- waiting -------------------------------------------------------------------------------------------------- */

static void make_ready(struct task *t)
{
	if (!t->waiting)
		return;
	t->waiting = false;
	t->parked = false;
	timer_drop(t);
	if (!t->loop->ready)
		uv_idle_start(&t->loop->idle, on_idle);
	DL_APPEND2(t->loop->ready, t, ready_prev, ready_next);
}

static int64_t later(int64_t ms)
{
	int64_t now = clock_now_ms();
	if (ms <= 0)
		return now;
	return ms > TASK_FOREVER - now ? TASK_FOREVER : now + ms;
}

/* What forbids T to wait any longer. The deadline first: children share it, and are cancelled when it ends their parent. */
static int interruption(const struct task *t, struct err *err)
{
	if (t->deadline != TASK_FOREVER && clock_now_ms() >= t->deadline)
		return err_set(err, E_TIMEOUT, "the time allowed for it has passed");
	if (task_cancelled(t))
		return err_set(err, E_CANCELED, "cancelled");
	return 0;
}

static void suspend(struct task *t, int64_t until)
{
	if (t->loop->current != t)
		BUG("a task can only wait on its own stack");
	if (until != TASK_FOREVER)
		timer_set(t, until);
	t->waiting = true;
	switch_to_loop(t);
}

/* Waits until made ready, UNTIL comes, or the task is interrupted. Returns 0 also on a wake that means nothing. */
static int wait_until(struct task *t, int64_t until, struct err *err)
{
	int rc = interruption(t, err);
	if (rc)
		return rc;
	suspend(t, until < t->deadline ? until : t->deadline);
	return interruption(t, err);
}

/* Waits in QUEUE until queue_pass() lets this task through. *PASSED is true also on failure when that happened first:
 * the caller then owns what was handed to it and must pass it on. */
static int queue_wait(struct task *t, struct task **queue, bool *passed, struct err *err)
{
	int rc = 0;
	t->queue = queue;
	DL_APPEND2(*queue, t, queue_prev, queue_next);
	while (t->queue && rc == 0)
		rc = wait_until(t, TASK_FOREVER, err);
	*passed = !t->queue;
	if (t->queue)
		DL_DELETE2(*queue, t, queue_prev, queue_next);
	t->queue = NULL;
	return rc;
}

static bool queue_pass(struct task **queue)
{
	struct task *t = *queue;
	if (!t)
		return false;
	DL_DELETE2(*queue, t, queue_prev, queue_next);
	t->queue = NULL;
	make_ready(t);
	return true;
}

int task_sleep(struct task *t, int64_t ms, struct err *err)
{
	int64_t end = later(ms);
	int rc;
	if (ms <= 0)
		return task_yield(t, err);
	do
		rc = wait_until(t, end, err);
	while (rc == 0 && clock_now_ms() < end);
	return rc;
}

int task_yield(struct task *t, struct err *err)
{
	int rc = interruption(t, err);
	if (rc)
		return rc;
	t->waiting = true;
	make_ready(t);
	switch_to_loop(t);
	return interruption(t, err);
}

int task_park(struct task *t, struct err *err)
{
	int rc = interruption(t, err);
	if (rc == 0 && !t->woken) {
		t->parked = true;
		rc = wait_until(t, TASK_FOREVER, err);
		t->parked = false;
	}
	if (rc == 0)
		t->woken = false;
	return rc;
}

void task_wake(struct task *t)
{
	t->woken = true;
	if (t->parked)
		make_ready(t);
}

int event_wait(struct task *t, struct event *e, struct err *err)
{
	bool passed;
	int rc = interruption(t, err);
	return rc || e->set ? rc : queue_wait(t, &e->waiters, &passed, err);
}

void event_set(struct event *e)
{
	e->set = true;
	while (queue_pass(&e->waiters))
		;
}

int gate_enter(struct task *t, struct gate *g, struct err *err)
{
	bool passed = false;
	int rc = interruption(t, err);
	if (rc)
		return rc;
	if (!g->held) {
		g->held = true;
		return 0;
	}
	rc = queue_wait(t, &g->waiters, &passed, err);
	if (rc && passed)
		gate_leave(g);
	return rc;
}

void gate_leave(struct gate *g)
{
	g->held = queue_pass(&g->waiters);
}

int slots_take(struct task *t, struct slots *s, struct err *err)
{
	bool passed = false;
	int rc = interruption(t, err);
	if (rc)
		return rc;
	if (!s->limit || s->used < s->limit) {
		s->used++;
		return 0;
	}
	rc = queue_wait(t, &s->waiters, &passed, err);
	if (rc && passed)
		slots_give(s);
	return rc;
}

void slots_give(struct slots *s)
{
	/* scope_start() may have gone over the limit. */
	if ((s->limit && s->used > s->limit) || !queue_pass(&s->waiters))
		s->used--;
}

/* --- deadlines and cancellation ---------------------------------------------------------------------------------- */

int64_t task_deadline_in(struct task *t, int64_t ms)
{
	int64_t old = t->deadline, new = later(ms);
	if (new < old)
		t->deadline = new;
	return old;
}

void task_deadline_restore(struct task *t, int64_t old)
{
	t->deadline = old;
}

int64_t task_deadline(const struct task *t)
{
	return t->deadline;
}

bool task_cancelled(const struct task *t)
{
	return t->cancelled && !t->shield;
}

void task_shield(struct task *t, bool on)
{
	if (!on && !t->shield)
		BUG("task %s: a shield was taken down twice", t->name);
	t->shield += on ? 1u : -1u;
}

void task_cancel(struct task *t)
{
	struct scope *s;
	t->cancelled = true;
	if (!t->shield)
		make_ready(t);
	DL_FOREACH(t->scopes, s) {
		if (!s->shielded)
			scope_cancel(s);
	}
}

void scope_cancel(struct scope *s)
{
	struct task *t;
	if (s->cancelled)
		return;
	s->cancelled = true;
	DL_FOREACH2(s->tasks, t, scope_next)
		task_cancel(t);
}

/* --- tasks and scopes --------------------------------------------------------------------------------------------- */

static void scope_left(struct scope *s, struct task *t, int rc, const struct err *err)
{
	DL_DELETE2(s->tasks, t, scope_prev, scope_next);
	if (rc && !s->rc) {
		s->rc = rc;
		s->err = *err;
	}
	slots_give(&s->slots);
	if (--s->running == 0 && s->joining)
		make_ready(s->owner);
}

/* The bottom frame of every task but the first. */
static int run_in_scope(struct task *t)
{
	struct err err = { 0 };
	int rc = t->fn(t, t->arg, &err);
	if (rc)
		err.code = rc;
	scope_left(t->scope, t, rc, &err);
	return rc;
}

static struct loop *starting;        /* hand-over to task_entry(), which can take no pointer */

static void task_entry(void)
{
	struct loop *l = starting;
	struct task *t = l->current;
#ifdef WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &l->stack_bottom, &l->stack_size);
#endif
	if (t->scope)
		run_in_scope(t);
	else
		t->fn(t, t->arg, NULL);
	if (t->scopes)
		BUG("task %s ended without joining a scope that it opened", t->name);
	t->dead = true;
	switch_to_loop(t);
	BUG("a dead task was resumed");
}

static struct task *task_new(struct loop *l, struct scope *s, const char *name, task_fn *fn, void *arg)
{
	size_t len = strlen(name);
	struct task *t = xcalloc(1, sizeof(*t) + len + 1);
	memcpy(t->name, name, len);
	t->loop = l;
	t->scope = s;
	t->fn = fn;
	t->arg = arg;
	t->deadline = TASK_FOREVER;
	t->stack = stack_take(l);
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack.base;
	t->context.uc_stack.ss_size = TASK_STACK;
	t->context.uc_link = NULL;
	makecontext(&t->context, task_entry, 0);
	t->waiting = true;
	make_ready(t);
	return t;
}

static struct task *scope_add(struct scope *s, const char *name, task_fn *fn, void *arg, int64_t deadline)
{
	struct task *t = task_new(s->owner->loop, s, name, fn, arg);
	t->deadline = deadline;
	t->cancelled = s->cancelled;
	DL_APPEND2(s->tasks, t, scope_prev, scope_next);
	s->running++;
	return t;
}

struct scope *scope_open(struct task *t, unsigned limit)
{
	struct scope *s = xcalloc(1, sizeof(*s));
	s->owner = t;
	s->slots.limit = limit;
	s->shielded = t->shield > 0;
	s->cancelled = task_cancelled(t);
	DL_APPEND(t->scopes, s);
	return s;
}

int scope_spawn(struct task *t, struct scope *s, const char *name, task_fn *fn, void *arg, struct err *err)
{
	int rc = slots_take(t, &s->slots, err);
	if (rc == 0 && s->cancelled) {
		slots_give(&s->slots);
		rc = err_set(err, E_CANCELED, "cancelled");
	}
	if (rc == 0)
		scope_add(s, name, fn, arg, t->deadline);
	return rc;
}

struct task *scope_start(struct scope *s, const char *name, task_fn *fn, void *arg)
{
	s->slots.used++;
	return scope_add(s, name, fn, arg, s->owner->deadline);
}

unsigned scope_running(const struct scope *s)
{
	return s->running;
}

int scope_join(struct task *t, struct scope *s, struct err *err)
{
	int why = 0;
	if (s->owner != t)
		BUG("task %s joins a scope that %s opened", t->name, s->owner->name);
	s->joining = true;
	while (s->running) {
		if (!why)
			why = wait_until(t, TASK_FOREVER, NULL);
		else
			suspend(t, TASK_FOREVER);
		if (why)
			scope_cancel(s);
	}
	/* Tasks that we cancelled because our own time was up have failed for that reason. */
	if (why == E_TIMEOUT && s->rc == E_CANCELED)
		s->rc = interruption(t, &s->err);
	int rc = s->rc;
	if (rc && err)
		*err = s->err;
	DL_DELETE(t->scopes, s);
	free(s);
	return rc;
}

/* --- the worker pool ------------------------------------------------------------------------------------------------ */

struct work {
	uv_work_t req;
	struct task *t;
	int (*fn)(void *arg, struct err *err);
	void *arg;
	struct err err;
	int rc;
	bool done;
};

static void work_run(uv_work_t *req)
{
	struct work *w = req->data;
	w->rc = w->fn(w->arg, &w->err);
}

static void work_done(uv_work_t *req, int status)
{
	struct work *w = req->data;
	if (status == UV_ECANCELED)
		w->rc = err_set(&w->err, E_CANCELED, "cancelled");
	w->done = true;
	w->t->loop->works--;
	make_ready(w->t);
}

int task_work(struct task *t, int (*fn)(void *arg, struct err *err), void *arg, struct err *err)
{
	int rc = interruption(t, err);
	if (rc)
		return rc;
	struct work w = { .t = t, .fn = fn, .arg = arg };
	w.req.data = &w;
	if (uv_queue_work(&t->loop->uv, &w.req, work_run, work_done) != 0)
		BUG("uv_queue_work failed");
	t->loop->works++;
	while (!w.done && rc == 0)
		rc = wait_until(t, TASK_FOREVER, NULL);
	if (!w.done)
		uv_cancel((uv_req_t *)&w.req);       /* helps where no worker took it up yet */
	while (!w.done)
		suspend(t, TASK_FOREVER);
	if (w.rc && err)
		*err = w.err;
	return w.rc;
}

/* --- the loop --------------------------------------------------------------------------------------------------------- */

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	if (uv_loop_init(&l->uv) != 0 || uv_timer_init(&l->uv, &l->timer) != 0 || uv_idle_init(&l->uv, &l->idle) != 0)
		BUG("no event loop: out of file descriptors?");
	l->armed_for = TASK_FOREVER;
	/* OpenSSL and gnutls write to sockets whose peer may be gone. */
	signal(SIGPIPE, SIG_IGN);
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->ready || l->heap.len)
		BUG("loop_free with live tasks");
	uv_close((uv_handle_t *)&l->timer, NULL);
	uv_close((uv_handle_t *)&l->idle, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	if (uv_loop_close(&l->uv) != 0)
		BUG("loop_free with open handles");
	for (size_t i = 0; i < l->kept.len; i++)
		stack_unmap(l->kept.at[i]);
	vec_free(&l->kept);
	vec_free(&l->heap);
	free(l);
}

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

struct loop *task_loop(struct task *t)
{
	return t->loop;
}

const char *task_name(const struct task *t)
{
	return t->name;
}

/* Runs every task that is ready now once; those that become ready meanwhile wait for the next round. */
static void run_ready(struct loop *l)
{
	struct task *last = l->ready ? l->ready->ready_prev : NULL, *t = NULL;
	uv_idle_stop(&l->idle);
	while (t != last) {
		t = l->ready;
		DL_DELETE2(l->ready, t, ready_prev, ready_next);
		bool end = t == last;
		starting = l;
		switch_to_task(l, t);
		if (t->dead) {
			stack_give(l, t->stack);
			free(t);
		}
		if (end)
			break;
	}
}

static void expire_timers(struct loop *l)
{
	if (!l->heap.len)
		return;
	int64_t now = clock_now_ms();
	while (l->heap.len && l->heap.at[0]->wake_at <= now)
		make_ready(l->heap.at[0]);
}

/* uv_run() runs due timers first and then waits for sockets: one that came due right behind its start (this process had to wait for a
 * core) would leave nothing to end that wait. */
static void on_timer(uv_timer_t *timer)
{
	struct loop *l = timer->data;
	l->armed_for = TASK_FOREVER;
	uv_stop(&l->uv);
}

static void arm_timer(struct loop *l, int64_t when, int64_t now)
{
	if (when == l->armed_for)
		return;
	l->armed_for = when;
	l->timer.data = l;
	if (when == TASK_FOREVER) {
		uv_timer_stop(&l->timer);
		return;
	}
	uv_update_time(&l->uv);
	uv_timer_start(&l->timer, on_timer, when > now ? (uint64_t)(when - now) : 0, 0);
}

/* Time stands still while anything is under way: work on the pool, or an event of the loop within QUIET_MS of real time.
 * Peers in the same process answer at once, so quiet means that all wait for the clock. */
static void wait_simulated(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_NOWAIT);
	if (l->ready)
		return;
	arm_timer(l, TASK_FOREVER, 0);
	if (l->works) {
		uv_run(&l->uv, UV_RUN_ONCE);
		return;
	}
	if (uv_loop_alive(&l->uv)) {
		uint64_t end = uv_hrtime() + (uint64_t)QUIET_MS * 1000000;
		while (!l->ready && uv_hrtime() < end) {
			arm_timer(l, QUIET_MS, 0);
			uv_run(&l->uv, UV_RUN_ONCE);
		}
		arm_timer(l, TASK_FOREVER, 0);
	} else if (!l->heap.len) {
		BUG("every task waits and nothing can wake one");
	}
	int64_t gap = !l->ready && l->heap.len ? l->heap.at[0]->wake_at - clock_now_ms() : 0;
	if (gap > 0)
		clock_advance(gap);
}

static void wait_for_world(struct loop *l)
{
	if (l->ready) {
		uv_run(&l->uv, UV_RUN_NOWAIT);
		return;
	}
	if (clock_is_simulated()) {
		wait_simulated(l);
		return;
	}
	arm_timer(l, l->heap.len ? l->heap.at[0]->wake_at : TASK_FOREVER, clock_now_ms());
	if (!uv_loop_alive(&l->uv))
		BUG("every task waits and nothing can wake one");
	uv_run(&l->uv, UV_RUN_ONCE);
}

struct first { task_fn *fn; void *arg; struct err *err; int rc; bool ended; };

static int run_first(struct task *t, void *arg, struct err *unused)
{
	struct first *f = arg;
	(void)unused;
	f->rc = f->fn(t, f->arg, f->err);
	f->ended = true;
	return f->rc;
}

int loop_run(struct loop *l, task_fn *fn, void *arg, struct err *err)
{
	struct first f = { .fn = fn, .arg = arg, .err = err };
	struct err unread = { 0 };
	if (l->current)
		BUG("loop_run inside a task");
	if (!err)
		f.err = &unread;
	task_new(l, NULL, "main", run_first, &f);
	while (!f.ended) {
		expire_timers(l);
		run_ready(l);
		if (!f.ended)
			wait_for_world(l);
	}
	arm_timer(l, TASK_FOREVER, 0);
	return f.rc;
}
