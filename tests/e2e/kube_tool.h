/* kube_tool - what the programs of this folder share: one task with a client of $KUBECONFIG; one that watches ends when something comes in on its
 * standard input, or when that ends. */
#ifndef TESTS_E2E_KUBE_TOOL_H
#define TESTS_E2E_KUBE_TOOL_H

#include <stdio.h>
#include <uv.h>

#include "base/json.h"
#include "base/log.h"
#include "base/task.h"
#include "kube/client.h"

static struct kube *k;
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

/* The exit status: 1 and a line on standard error when FN fails. */
static inline int tool_run(task_fn *fn, void *arg, enum log_level level)
{
	struct kube_config *config = NULL;
	struct err err = { 0 };
	json_setup();
	log_init(level, false);
	struct loop *l = loop_new();
	int rc = kube_config_load(NULL, NULL, &config, &err);
	if (rc == 0) {
		k = kube_new(l, config, NULL);
		rc = loop_run(l, fn, arg, &err);
		kube_free(k);
	}
	loop_free(l);
	if (rc)
		fprintf(stderr, "%s\n", err.msg);
	return rc ? 1 : 0;
}

#endif
