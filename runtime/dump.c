#include "runtime/dump.h"

#include <signal.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

struct dump {
	const char *path;
	dump_fn *fn;
	void *arg;
	uv_signal_t usr1;
	struct task *closer;         /* waits in dump_stop() */
	bool closed;
};

static void write_dump(const struct dump *d)
{
	struct err err = { .msg = "no memory" };
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	if (to)
		d->fn(d->arg, to);
	if (!to || fclose(to) != 0 || file_write(d->path, text, len, 0600, &err) != 0)
		log_error("dump: %s", err.msg);
	else
		log_info("dump: %s has %zu bytes", d->path, len);
	free(text);
}

static void on_usr1(uv_signal_t *h, int number)
{
	(void)number;
	write_dump(h->data);
}

struct dump *dump_start(struct task *t, const char *path, dump_fn *fn, void *arg)
{
	if (!path)
		return NULL;
	struct dump *d = xcalloc(1, sizeof(*d));
	*d = (struct dump){ .path = path, .fn = fn, .arg = arg };
	uv_signal_init(loop_uv(task_loop(t)), &d->usr1);
	d->usr1.data = d;
	uv_signal_start(&d->usr1, on_usr1, SIGUSR1);
	uv_unref((uv_handle_t *)&d->usr1);
	return d;
}

static void on_closed(uv_handle_t *h)
{
	struct dump *d = h->data;
	d->closed = true;
	if (d->closer)
		task_wake(d->closer);
}

void dump_stop(struct task *t, struct dump *d)
{
	struct err err;
	if (!d)
		return;
	d->closer = t;
	uv_close((uv_handle_t *)&d->usr1, on_closed);
	task_shield(t, true);
	while (!d->closed && task_park(t, &err) == 0)
		;
	task_shield(t, false);
	free(d);
}

void dump_open(FILE *to)
{
	fputs("{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[\n", to);
}

void dump_item(FILE *to, size_t *n, const json_t *item)
{
	autofree char *text = json_text(item);
	fprintf(to, "%s%s", (*n)++ ? ",\n" : "", text);
}

void dump_close(FILE *to)
{
	fputs("\n]}\n", to);
}
