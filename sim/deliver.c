#include "sim/deliver.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"

enum { LOOK_MS = 100, TRIES = 3, POSTS_AT_ONCE = 64, POST_MS = 5000, KEEPALIVE_LOOKS = 150 };

struct post { struct post *next; struct deliver *deliver; struct bmc *bmc; char sub[16]; char *body; };

struct stream {
	struct stream *next;
	struct deliver *deliver;
	struct bmc *bmc;
	char sub[16];
	VEC(char *) waiting;
};

struct deliver {
	struct fleet *fleet;
	struct http *http;
	struct post *first, **last;
	size_t queued;
	struct stream *streams;
};

static void post_free(struct post *p)
{
	free(p->body);
	free(p);
}

static void on_event(void *arg, struct bmc *b, const char *sub, const json_t *event)
{
	struct deliver *d = arg;
	struct post *p;

	for (struct stream *s = d->streams; s; s = s->next) {
		if (s->bmc == b && strcmp(s->sub, sub) == 0) {
			if (s->waiting.len < DELIVER_STREAM)
				vec_push(&s->waiting, json_text(event));
			return;
		}
	}
	if (d->queued >= DELIVER_QUEUE || !json_str(json_at(b->subs, sub), "Destination"))
		return;
	p = xcalloc(1, sizeof *p);
	p->deliver = d;
	p->bmc = b;
	snprintf(p->sub, sizeof p->sub, "%s", sub);
	p->body = json_text(event);
	*d->last = p;
	d->last = &p->next;
	d->queued++;
}

static int post_one(struct task *t, void *arg, struct err *err)
{
	struct post *p = arg;
	static const struct http_header headers[] = { { "Content-Type", "application/json" } };
	static const struct http_trust any = { .insecure = true };
	int rc = -1;

	for (int i = 0; i < TRIES && rc; i++) {
		const char *to = json_str(json_at(p->bmc->subs, p->sub), "Destination");
		struct http_response rp = { 0 };
		struct http_request rq = { .method = "POST", .url = to, .headers = headers, .n_headers = 1, .trust = &any, .body = p->body,
			.body_len = strlen(p->body), .timeout_ms = POST_MS };
		struct err why = { 0 };

		if (!to)
			break;
		rc = http_do(t, p->deliver->http, &rq, &rp, &why);
		if (rc)
			log_debug("event not delivered: %s", why.msg);
		http_response_release(&rp);
		if (rc && i + 1 < TRIES && task_sleep(t, 1000, err))
			break;
	}
	if (rc && rc != E_CANCELED && p->bmc->subs) {
		const char *policy = json_str(json_at(p->bmc->subs, p->sub), "DeliveryRetryPolicy");

		if (policy && strcmp(policy, "TerminateAfterRetries") == 0)
			json_object_del(p->bmc->subs, p->sub);
	}
	post_free(p);
	return 0;
}

/* Plays the machines that have subscribers, so that what is due happens without being looked at; sends what waits. */
static int look_after(struct task *t, void *arg, struct err *err)
{
	struct deliver *d = arg;
	struct scope *posts = scope_open(t, POSTS_AT_ONCE);
	struct err ignored;
	int rc = 0;

	while (!rc) {
		for (unsigned i = 0; i < d->fleet->n; i++)
			if (d->fleet->bmcs[i].subs)
				bmc_settle(&d->fleet->bmcs[i]);
		while (d->first && !rc) {
			struct post *p = d->first;

			d->first = p->next;
			if (!d->first)
				d->last = &d->first;
			d->queued--;
			rc = scope_spawn(t, posts, "event", post_one, p, err);
			if (rc)
				post_free(p);
		}
		if (!rc)
			rc = task_sleep(t, LOOK_MS, err);
	}
	scope_cancel(posts);
	(void)scope_join(t, posts, &ignored);
	return rc == E_CANCELED ? 0 : rc;
}

int deliver_start(struct task *t, struct scope *s, struct fleet *f, struct http *http, struct deliver **out, struct err *err)
{
	struct deliver *d = xcalloc(1, sizeof *d);
	int rc;

	d->fleet = f;
	d->http = http;
	d->last = &d->first;
	rc = scope_spawn(t, s, "events", look_after, d, err);
	if (rc) {
		free(d);
		return rc;
	}
	f->on_event = on_event;
	f->on_event_arg = d;
	*out = d;
	return 0;
}

void deliver_free(struct deliver *d)
{
	if (!d)
		return;
	while (d->first) {
		struct post *p = d->first;

		d->first = p->next;
		post_free(p);
	}
	d->fleet->on_event = NULL;
	free(d);
}

/* --- server-sent events -------------------------------------------------------------------------------------- */

static int send_waiting(struct task *t, struct httpd_stream *out, struct stream *s, struct err *err)
{
	int rc = 0;

	while (s->waiting.len && !rc) {
		autofree char *event = s->waiting.at[0];
		autojson json_t *j = json_loads(event, 0, NULL);
		autofree char *text = xasprintf("id: %s\ndata: %s\n\n", json_str(j, "Id"), event);

		memmove(s->waiting.at, s->waiting.at + 1, --s->waiting.len * sizeof *s->waiting.at);
		rc = httpd_write(t, out, text, strlen(text), err);
	}
	return rc;
}

static void stream_end(struct stream *s)
{
	struct stream **at = &s->deliver->streams;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
	json_object_del(s->bmc->subs, s->sub);
	for (size_t i = 0; i < s->waiting.len; i++)
		free(s->waiting.at[i]);
	vec_free(&s->waiting);
	free(s);
}

static int stream_run(struct task *t, struct httpd_stream *out, void *arg, struct err *err)
{
	struct stream *s = arg;
	int rc = httpd_write(t, out, ": stream\n\n", 10, err);

	for (unsigned looks = 1; !rc && json_object_get(s->bmc->subs, s->sub) && !bmc_away(s->bmc); looks++) {
		rc = send_waiting(t, out, s, err);
		if (!rc && looks % KEEPALIVE_LOOKS == 0)
			rc = httpd_write(t, out, ":\n\n", 3, err);
		if (!rc)
			rc = task_sleep(t, LOOK_MS, err);
	}
	stream_end(s);
	return rc == E_CANCELED ? 0 : rc;
}

void deliver_stream(struct deliver *d, struct bmc *b, const char *sub, struct httpd_reply *reply)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->deliver = d;
	s->bmc = b;
	snprintf(s->sub, sizeof s->sub, "%s", sub);
	s->next = d->streams;
	d->streams = s;
	reply->stream = stream_run;
	reply->stream_arg = s;
}
