/* kube_input - a program that watches ends when something comes in on its standard input, or when that ends. */
#ifndef TESTS_E2E_KUBE_INPUT_H
#define TESTS_E2E_KUBE_INPUT_H

#include <uv.h>

#include "base/task.h"

static uv_pipe_t input;
static struct scope *watching;

static void input_room(uv_handle_t *h, size_t n, uv_buf_t *buf)
{
	static char piece[64];
	(void)h;
	(void)n;
	*buf = uv_buf_init(piece, sizeof(piece));
}

static void on_input(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
	(void)buf;
	if (n != 0 && !uv_is_closing((uv_handle_t *)s)) {
		uv_close((uv_handle_t *)s, NULL);
		scope_cancel(watching);
	}
}

/* Cancels S then. */
static inline void stop_on_input(struct task *t, struct scope *s)
{
	watching = s;
	uv_pipe_init(loop_uv(task_loop(t)), &input, 0);
	uv_pipe_open(&input, 0);
	uv_read_start((uv_stream_t *)&input, input_room, on_input);
}

#endif
