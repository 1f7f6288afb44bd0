/* A process that has to wait for a core between starting a timer and running the loop: nobody may sleep for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/task.h"

/* In the place of libuv's own, for this program: the timer is due when the loop looks at it. */
int uv_timer_start(uv_timer_t *timer, uv_timer_cb fn, uint64_t timeout, uint64_t repeat)
{
	int (*real)(uv_timer_t *, uv_timer_cb, uint64_t, uint64_t) = NULL;
	*(void **)&real = dlsym(RTLD_NEXT, "uv_timer_start");
	int rc = real(timer, fn, timeout, repeat);
	usleep(4000);
	return rc;
}

static void room(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
	static char piece[64];
	(void)h;
	(void)n;
	*buf = uv_buf_init(piece, sizeof(piece));
}

static void heard(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	(void)s;
	(void)n;
	(void)buf;
}

static int sleeper(struct task *t, void *arg, struct err *err)
{
	int ends[2], rc = 0;
	uv_pipe_t silent;            /* a socket on which nothing ever comes */
	(void)arg;
	assert_int_equal(pipe(ends), 0);
	uv_pipe_init(loop_uv(task_loop(t)), &silent, 0);
	uv_pipe_open(&silent, ends[0]);
	assert_int_equal(uv_read_start((uv_stream_t *)&silent, room, heard), 0);
	for (int i = 0; i < 20 && rc == 0; i++)
		rc = task_sleep(t, 1 + i % 3, err);
	uv_close((uv_handle_t *)&silent, NULL);
	close(ends[1]);
	return rc;
}

static void run(bool simulated)
{
	struct err err = { 0 };
	if (simulated)
		clock_simulate(1, 0);
	struct loop *l = loop_new();
	alarm(20);                   /* what hangs dies */
	assert_int_equal(loop_run(l, sleeper, NULL, &err), 0);
	alarm(0);
	loop_free(l);
	clock_real();
}

static void a_late_timer_wakes(void **unused) { (void)unused; run(false); }
static void a_late_timer_wakes_on_a_simulated_clock(void **unused) { (void)unused; run(true); }

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_late_timer_wakes), cmocka_unit_test(a_late_timer_wakes_on_a_simulated_clock) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
