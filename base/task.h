/* task - fibers with visible yields on one libuv loop.
 *
 * A task is a function on a stack of its own. Only functions that take `struct task *` first may wait; between two such
 * calls nothing else runs, so there are no locks. A task has a parent scope, a deadline and a cancel flag; every waiting
 * call returns E_CANCELED or E_TIMEOUT as soon as they apply. Waiting again after that returns the same at once, so
 * clean-up that must wait (a logout) runs under task_shield().
 *
 * Tasks live in scopes: scope_join() returns when all its tasks have ended; a cancelled scope cancels its tasks and theirs.
 * With a simulated clock (base/clock.h) an idle loop jumps to the next timer instead of sleeping; whatever the tasks talk to
 * must then live on the same loop. When all tasks wait and neither a timer nor a handle of the loop is left, that is a BUG.
 *
 * Cost: a stack is reserved, not committed (TASK_STACK bytes of address space and a guard page; about 5 KiB used at rest).
 */
#ifndef BASE_TASK_H
#define BASE_TASK_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/err.h"

enum { TASK_STACK = 256 * 1024 };
#define TASK_FOREVER INT64_MAX

struct loop;    /* one libuv loop and its tasks; one per thread of use */
struct task;
struct scope;

typedef int task_fn(struct task *t, void *arg, struct err *err);

struct loop *loop_new(void);                 /* also raises the limit of open files to the hard one and ignores SIGPIPE */
void loop_free(struct loop *l);              /* all tasks must have ended */
uv_loop_t *loop_uv(struct loop *l);
/* Runs FN as the first task until it and every scope it opened has ended; returns what FN returned. */
int loop_run(struct loop *l, task_fn *fn, void *arg, struct err *err) MUST_CHECK;

struct loop *task_loop(struct task *t);
const char *task_name(const struct task *t);

/* --- scopes ------------------------------------------------------------------------------------------------ */
/* LIMIT > 0 bounds the tasks that run at once. The scope must be joined by the task that opened it. */
struct scope *scope_open(struct task *t, unsigned limit);
/* Starts FN(ARG) in a task called NAME (copied, for logs). Waits while LIMIT tasks run; that wait can fail as any other.
 * ARG is borrowed until the task ends. */
int scope_spawn(struct task *t, struct scope *s, const char *name, task_fn *fn, void *arg, struct err *err) MUST_CHECK;
/* The same from where nothing may wait (a callback of the loop): the limit is not kept, the deadline is that of the task that
 * opened the scope, and in a cancelled scope the task starts cancelled. The task is valid until FN returns. */
struct task *scope_start(struct scope *s, const char *name, task_fn *fn, void *arg);
/* Waits for all tasks, even when cancelled (they are then cancelled and awaited), frees the scope; returns the first
 * failure of a task, in order of ending, with its err. A failure does not cancel the others: call scope_cancel from the
 * failing task where that is wanted. */
int scope_join(struct task *t, struct scope *s, struct err *err);
void scope_cancel(struct scope *s);
void task_cancel(struct task *t);            /* one task, and the scopes it opened */
unsigned scope_running(const struct scope *s);

/* --- time and cancellation ------------------------------------------------------------------------------------ */
int task_sleep(struct task *t, int64_t ms, struct err *err) MUST_CHECK;
int task_yield(struct task *t, struct err *err) MUST_CHECK;   /* lets every other ready task run once */
/* Narrows the deadline to clock_now_ms() + MS (never widens); returns the old one for task_deadline_restore(). */
int64_t task_deadline_in(struct task *t, int64_t ms);
void task_deadline_restore(struct task *t, int64_t old);
int64_t task_deadline(const struct task *t);                  /* absolute, TASK_FOREVER for none */
bool task_cancelled(const struct task *t);
/* While shielded the task ignores cancellation, not its deadline. Shields nest. */
void task_shield(struct task *t, bool on);

/* --- meeting points ------------------------------------------------------------------------------------------- */
/* A flag tasks wait for. Zero-initialise; no release needed when nobody waits. */
struct event { bool set; struct task *waiters; };
int event_wait(struct task *t, struct event *e, struct err *err) MUST_CHECK;
void event_set(struct event *e);             /* wakes all; may be called from loop callbacks */
/* Mutual exclusion among tasks across waits (one request at a time to one BMC), first come first served. Zero-initialise. */
struct gate { bool held; struct task *waiters; };
int gate_enter(struct task *t, struct gate *g, struct err *err) MUST_CHECK;
void gate_leave(struct gate *g);
/* As a gate, with room for LIMIT tasks (0: no limit). */
struct slots { unsigned limit, used; struct task *waiters; };
int slots_take(struct task *t, struct slots *s, struct err *err) MUST_CHECK;
void slots_give(struct slots *s);

/* --- the world ------------------------------------------------------------------------------------------------ */
/* Runs FN(ARG) on libuv's worker pool and waits. FN owns what ARG points to until it returns, must not touch anything of
 * the loop thread, and cannot be cancelled: on cancellation this still waits for FN to end. */
int task_work(struct task *t, int (*fn)(void *arg, struct err *err), void *arg, struct err *err) MUST_CHECK;

/* For bridges to callbacks (http, httpd, a process): task_park() waits until task_wake() is called on the task or its
 * deadline or cancellation strikes; wakes are not counted, re-check your condition. task_wake() on a task that is not
 * parked is remembered once. */
int task_park(struct task *t, struct err *err) MUST_CHECK;
void task_wake(struct task *t);

#endif
