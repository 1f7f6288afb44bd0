/* The event recorder against a server that keeps Events, on a simulated clock. */
#include "tests/unit/kube/server.h"

#include "base/log.h"
#include "kube/events.h"

struct api {
	json_t *events;              /* name: Event */
	int posts, patches;
	int status;                  /* 0: well; -1: stalled; -2: acts, then drops the connection; else this */
	int fail;                    /* how many requests meet that; 0: all */
	int64_t slow_ms;
};

struct recording { struct kube_recorder *r; struct scope *s; };

static const struct kube_about pod = { "v1", "Pod", "team", "worker-0", "uid-1" };

static void act(struct api *a, const struct httpd_request *r, struct httpd_reply *p)
{
	autojson json_t *body = NULL;
	bool post = strcmp(r->method, "POST") == 0;
	const char *slash = strrchr(r->path, '/');
	assert_int_equal(json_parse(r->body, r->len, "event", &body, NULL), 0);
	a->posts += post;
	a->patches += !post;
	if (post) {
		const char *name = json_str(json_at(body, "metadata"), "name");
		autofree char *path = xasprintf("/apis/events.k8s.io/v1/namespaces/%s/events", json_str(json_at(body, "metadata"), "namespace"));
		assert_string_equal(r->path, path);
		if (json_object_get(a->events, name)) {
			reply_status(p, 409, "AlreadyExists", "there already");
			return;
		}
		json_object_set(a->events, name, body);
	} else if (!json_object_get(a->events, slash + 1)) {
		reply_status(p, 404, "NotFound", "no such event");
		return;
	} else {
		assert_string_equal(r->header(r, "Content-Type"), "application/merge-patch+json");
		json_object_update(json_object_get(a->events, slash + 1), body);
	}
	reply_json(p, post ? 201 : 200, body);
}

static int serve(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct api *a = ctx;
	int status = a->status;
	if (status && a->fail && --a->fail == 0)
		a->status = 0;
	if (a->slow_ms && task_sleep(t, a->slow_ms, err) != 0)
		return err->code;
	if (status == -1)
		return task_sleep(t, 3600 * 1000, err);
	if (status > 0) {
		reply_status(p, status, "Failure", "as the test says");
		return 0;
	}
	act(a, r, p);
	if (status == -2)
		p->status = 0;
	return 0;
}

static struct recording begin(struct task *t, struct world *w)
{
	struct recording g = { kube_recorder_new(w->k, "aipc.dev/test", "test-0"), scope_open(t, 0) };
	kube_recorder_start(g.r, g.s);
	return g;
}

static struct kube_recorder_stats end(struct task *t, struct recording *g)
{
	scope_cancel(g->s);
	assert_int_equal(scope_join(t, g->s, NULL), 0);
	struct kube_recorder_stats s = kube_recorder_stats(g->r);
	if (!s.waiting)
		assert_int_equal(s.told, s.sent + s.merged + s.dropped + s.failed);
	kube_recorder_free(g->r);
	return s;
}

static void pass(struct task *t, int64_t ms) { assert_int_equal(task_sleep(t, ms, NULL), 0); }

static const json_t *only(const struct api *a)
{
	assert_int_equal(json_object_size(a->events), 1);
	return json_object_iter_value(json_object_iter(a->events));
}

static void run(int (*body)(struct task *t, struct world *w, struct err *err))
{
	struct api a = { .events = json_object() };
	world_run(serve, &a, NULL, body);
	json_decref(a.events);
}

#define TEST(what) static void what(void **unused) { (void)unused; run(test_##what); }
#define BODY(what) static int test_##what(struct task *t, struct world *w, struct err *err __attribute__((unused)))

BODY(an_event_has_all_its_fields)
{
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	kube_tell(g.r, &pod, true, "FailedScheduling", "Scheduling", "0/%d nodes fit", 3);
	pass(t, 100);
	const json_t *e = only(a), *about = json_at(e, "regarding");
	static const struct { const char *key, *value; } top[] = {
		{ "apiVersion", "events.k8s.io/v1" }, { "kind", "Event" }, { "reason", "FailedScheduling" }, { "action", "Scheduling" }, { "type", "Warning" },
		{ "note", "0/3 nodes fit" }, { "reportingController", "aipc.dev/test" }, { "reportingInstance", "test-0" },
	}, regarding[] = { { "apiVersion", "v1" }, { "kind", "Pod" }, { "namespace", "team" }, { "name", "worker-0" }, { "uid", "uid-1" } };
	for (size_t i = 0; i < ARRAY_LEN(top); i++)
		assert_string_equal(json_str(e, top[i].key), top[i].value);
	for (size_t i = 0; i < ARRAY_LEN(regarding); i++)
		assert_string_equal(json_str(about, regarding[i].key), regarding[i].value);
	assert_int_equal(strlen(json_str(e, "eventTime")), strlen("2026-09-21T00:00:00.000000Z"));
	assert_null(json_at(e, "series"));
	assert_true(strncmp(json_str(json_at(e, "metadata"), "name"), "worker-0.", 9) == 0);
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(s.sent, 1);
	return 0;
}
TEST(an_event_has_all_its_fields)

BODY(what_repeats_is_a_series)
{
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	for (int i = 0; i < 100; i++) {
		kube_tell(g.r, &pod, false, "Waits", "Scheduling", "no room");
		pass(t, 500);
	}
	/* 50 s: one post, and a patch each 10 s. */
	assert_int_equal(a->posts, 1);
	assert_in_range(a->patches, 3, 5);
	pass(t, 11000);
	assert_int_equal(json_int(json_at(only(a), "series"), "count", 0), 100);
	assert_string_not_equal(json_str(json_at(only(a), "series"), "lastObservedTime"), json_str(only(a), "eventTime"));
	/* Silence for more than six minutes ends a series. */
	pass(t, 361000);
	kube_tell(g.r, &pod, false, "Waits", "Scheduling", "no room");
	pass(t, 100);
	assert_int_equal(a->posts, 2);
	assert_int_equal(json_object_size(a->events), 2);
	/* A part that differs makes another event. */
	struct kube_about other = pod;
	other.uid = "uid-2";
	kube_tell(g.r, &other, false, "Waits", "Scheduling", "no room");
	kube_tell(g.r, &pod, true, "Waits", "Scheduling", "no room");
	kube_tell(g.r, &pod, false, "Waits", "Scheduling", "no room at all");
	kube_tell(g.r, &pod, false, "Wait", "sScheduling", "no room");
	pass(t, 100);
	assert_int_equal(a->posts, 6);
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(s.sent, 6);
	assert_int_equal(s.merged, 99);
	assert_int_equal(s.told, 105);
	return 0;
}
TEST(what_repeats_is_a_series)

BODY(an_event_that_expired_is_posted_again)
{
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	kube_tell(g.r, &pod, false, "Waits", "Scheduling", "no room");
	pass(t, 100);
	json_object_clear(a->events);
	for (int i = 0; i < 3; i++)
		kube_tell(g.r, &pod, false, "Waits", "Scheduling", "no room");
	pass(t, 11000);
	assert_int_equal(json_int(json_at(only(a), "series"), "count", 0), 3);
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(s.told, 4);
	assert_int_equal(s.sent + s.merged, 4);
	return 0;
}
TEST(an_event_that_expired_is_posted_again)

BODY(notes_and_names_fit)
{
	static const struct { const char *name, *want; } names[] = {
		{ "a.b-c", "a.b-c." }, { "system:node:x", "event." }, { "Upper", "event." }, { "", "event." }, { "a..b", "event." }, { "-a", "event." }, { "a-.b", "event." },
	};
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	char *deep = xmalloc(5001);
	memset(deep, 'm', 5000);
	deep[5000] = '\0';
	kube_tell(g.r, &pod, false, "R", "A", "%s", deep);
	pass(t, 100);
	assert_int_equal(strlen(json_str(only(a), "note")), 1024);
	assert_true(str_has_suffix(json_str(only(a), "note"), "mmm..."));
	/* Cut between characters; what is no UTF-8 grows when it is replaced, and is measured behind that. */
	for (int i = 0; i < 3; i++) {
		json_object_clear(a->events);
		autostr struct str s;
		str_init(&s, 1 << 16);
		str_add(&s, &"ab"[2 - i]);
		for (int n = 0; n < 600; n++)
			str_add(&s, i == 2 ? "\xff\xfe" : "\xc3\xa4");
		kube_tell(g.r, &pod, false, "R", "A", "%s", s.at);
		pass(t, 100);
		assert_in_range(strlen(json_str(only(a), "note")), 1020, 1024);
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct kube_about about = pod;
		about.name = names[i].name;
		json_object_clear(a->events);
		kube_tell(g.r, &about, false, "R", "A", "n");
		pass(t, 100);
		assert_true(str_has_prefix(json_str(json_at(only(a), "metadata"), "name"), names[i].want));
	}
	struct kube_about node = { "v1", "Node", NULL, deep, NULL };
	deep[300] = '\0';
	deep[235] = '.';
	deep[234] = 'y';
	json_object_clear(a->events);
	kube_tell(g.r, &node, false, deep, "A", "n");
	pass(t, 100);
	assert_string_equal(json_str(json_at(only(a), "metadata"), "namespace"), "default");
	assert_null(json_at(json_at(only(a), "regarding"), "namespace"));
	assert_int_equal(strlen(json_str(json_at(only(a), "metadata"), "name")), 235 + 17);
	assert_int_equal(strlen(json_str(only(a), "reason")), 128);
	free(deep);
	end(t, &g);
	return 0;
}
TEST(notes_and_names_fit)

BODY(failures_are_tried_again_then_counted)
{
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	/* An answer that is lost, and three failures: there once. */
	a->status = -2;
	a->fail = 1;
	kube_tell(g.r, &pod, false, "R", "A", "lost answer");
	pass(t, 10000);
	assert_int_equal(json_object_size(a->events), 1);
	a->status = 500;
	a->fail = 3;
	kube_tell(g.r, &pod, false, "R", "A", "broken");
	pass(t, 30000);
	assert_int_equal(json_object_size(a->events), 2);
	/* For good. */
	a->status = 500;
	a->fail = 0;
	kube_tell(g.r, &pod, false, "R", "A", "broken for good");
	pass(t, 30000);
	assert_int_equal(kube_recorder_stats(g.r).failed, 1);
	a->status = 403;
	kube_tell(g.r, &pod, false, "R", "A", "forbidden");
	pass(t, 100);
	assert_int_equal(kube_recorder_stats(g.r).failed, 2);
	/* What failed is no series: told again, it is posted. */
	a->status = 0;
	kube_tell(g.r, &pod, false, "R", "A", "forbidden");
	pass(t, 100);
	assert_int_equal(json_object_size(a->events), 3);
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(s.sent, 3);
	assert_int_equal(s.told, 5);
	return 0;
}
TEST(failures_are_tried_again_then_counted)

BODY(the_queue_has_an_end)
{
	struct recording g = begin(t, w);
	struct api *a = w->ctx;
	struct kube_about about = pod;
	char name[32];
	about.name = name;
	a->status = -1;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 25000; i++) {
			snprintf(name, sizeof(name), "p-%d", i);
			kube_tell(g.r, &about, false, "R", "A", "n");
		}
	struct kube_recorder_stats s = kube_recorder_stats(g.r);
	assert_int_equal(s.waiting, KUBE_EVENTS_QUEUE);
	assert_int_equal(s.dropped, 30000);
	assert_int_equal(s.told, 50000);
	/* To end takes two seconds. */
	int64_t began = clock_now_ms();
	end(t, &g);
	assert_in_range(clock_now_ms() - began, 0, 2100);
	return 0;
}
TEST(the_queue_has_an_end)

BODY(repetitions_give_way_to_what_is_new)
{
	struct recording g = begin(t, w);
	struct api *a = w->ctx;
	struct kube_about about = pod;
	char name[32];
	about.name = name;
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 100; i++) {
			snprintf(name, sizeof(name), "p-%d", i);
			kube_tell(g.r, &about, false, "R", "A", "n");
		}
		pass(t, 1000);
	}
	assert_int_equal(a->posts, 100);
	assert_int_equal(a->patches, 0);
	for (int i = 100; i < 100 + KUBE_EVENTS_QUEUE; i++) {
		snprintf(name, sizeof(name), "p-%d", i);
		kube_tell(g.r, &about, false, "R", "A", "n");
	}
	assert_int_equal(kube_recorder_stats(g.r).dropped, 100);
	assert_int_equal(kube_recorder_stats(g.r).waiting, KUBE_EVENTS_QUEUE);
	for (int i = 0; i < 1000 && a->posts < 100 + KUBE_EVENTS_QUEUE; i++)
		pass(t, 100);
	assert_int_equal(a->posts, 100 + KUBE_EVENTS_QUEUE);
	/* Only the last ones are remembered: the first posts anew. */
	snprintf(name, sizeof(name), "p-200");
	kube_tell(g.r, &about, false, "R", "A", "n");
	snprintf(name, sizeof(name), "p-%d", 99 + KUBE_EVENTS_QUEUE);
	kube_tell(g.r, &about, false, "R", "A", "n");
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(a->posts, 101 + KUBE_EVENTS_QUEUE);
	assert_int_equal(a->patches, 1);
	assert_int_equal(s.told, s.sent + s.merged + s.dropped + s.failed);
	return 0;
}
TEST(repetitions_give_way_to_what_is_new)

BODY(what_waits_at_the_end_is_sent)
{
	struct recording g = begin(t, w);
	struct api *a = w->ctx;
	for (int i = 0; i < 40; i++)
		kube_tell(g.r, &pod, false, "R", "A", "note %d", i % 20);
	a->slow_ms = 100;
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(json_object_size(a->events), 20);
	assert_int_equal(s.sent, 20);
	assert_int_equal(s.merged, 20);
	return 0;
}
TEST(what_waits_at_the_end_is_sent)

BODY(events_give_way_but_not_for_ever)
{
	struct api *a = w->ctx;
	struct recording g = begin(t, w);
	kube_recorder_hold(g.r, true);
	kube_tell(g.r, &pod, false, "Scheduled", "Binding", "first");
	pass(t, KUBE_EVENTS_HOLD_MS / 2);
	assert_int_equal(json_object_size(a->events), 0);
	kube_recorder_hold(g.r, false);
	pass(t, 100);
	assert_int_equal(json_object_size(a->events), 1);
	/* A hold that never ends, or ends for a moment now and then, ends by time. */
	kube_recorder_hold(g.r, true);
	kube_tell(g.r, &pod, false, "Scheduled", "Binding", "second");
	pass(t, KUBE_EVENTS_HOLD_MS - 1000);
	assert_int_equal(json_object_size(a->events), 1);
	pass(t, 2000);
	assert_int_equal(json_object_size(a->events), 2);
	/* One at a time, so that it stays a hold. */
	a->slow_ms = 100;
	for (int i = 0; i < 20; i++)
		kube_tell(g.r, &pod, false, "Scheduled", "Binding", "slow %d", i);
	pass(t, KUBE_EVENTS_HOLD_MS + 1050);
	assert_in_range(json_object_size(a->events), 2 + 8, 2 + 11);
	pass(t, 2000);
	assert_int_equal(json_object_size(a->events), 2 + 20);
	a->slow_ms = 0;
	/* Nor does it fill the queue. */
	for (int i = 0; i < KUBE_EVENTS_QUEUE / 2 + 10; i++)
		kube_tell(g.r, &pod, false, "Scheduled", "Binding", "more %d", i);
	pass(t, 1000);
	assert_true(json_object_size(a->events) >= 32);
	kube_recorder_hold(g.r, false);
	pass(t, 60000);
	struct kube_recorder_stats s = end(t, &g);
	assert_int_equal(s.sent, KUBE_EVENTS_QUEUE / 2 + 32);
	return 0;
}
TEST(events_give_way_but_not_for_ever)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_has_all_its_fields), cmocka_unit_test(what_repeats_is_a_series), cmocka_unit_test(an_event_that_expired_is_posted_again),
		cmocka_unit_test(notes_and_names_fit), cmocka_unit_test(failures_are_tried_again_then_counted), cmocka_unit_test(the_queue_has_an_end),
		cmocka_unit_test(repetitions_give_way_to_what_is_new), cmocka_unit_test(what_waits_at_the_end_is_sent), cmocka_unit_test(events_give_way_but_not_for_ever),
	};
	json_setup();
	log_init(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
