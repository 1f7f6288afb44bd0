/* A cache against a server that answers lists and watches by script, on a simulated clock. */
#include "tests/unit/kube/server.h"

#include "base/log.h"
#include "kube/cache.h"
#include "kube/cache_internal.h"

enum { STEPS = 24, SIZE_HUGE = 9 << 20 };
enum how { CLOSE, HOLD, CUT, BYTES, BIG };    /* how a body ends; BYTES: one by one, then held; BIG: behind a string of 9 MiB */

/* What a request must be ('S' streaming list, 'L' page of a list, 'W' watch) and its answer. Status 0: the connection is dropped. */
struct step { char kind; int status; const char *body; enum how how; const char *retry_after, *version; };

struct script {
	struct step step[STEPS];
	unsigned n, at;
	bool loop;                   /* the last two go on for ever; otherwise the last one */
	unsigned requests;
	struct str log;
	struct kube_cache *c;
	char wrong[200];             /* a request that was not what the script says */
};

static int play(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	const struct step *p = arg;
	size_t len = strlen(p->body);
	int rc = 0;
	for (size_t i = 0; p->how == BYTES && i < len && rc == 0; i++)
		rc = httpd_write(t, s, p->body + i, 1, err);
	if (p->how != BYTES && len)
		rc = httpd_write(t, s, p->body, len, err);
	if (p->how == BIG) {
		char *x = xmalloc(SIZE_HUGE);
		memset(x, 'x', SIZE_HUGE);
		rc = rc ? rc : httpd_write(t, s, x, SIZE_HUGE, err);
		free(x);
	}
	if (rc || p->how == CLOSE)
		return rc;
	return p->how == CUT ? err_set(err, E_IO, "cut") : task_sleep(t, INT64_C(100) * 86400 * 1000, err);
}

static char kind_of(const char *query)
{
	return strstr(query, "sendInitialEvents=true") ? 'S' : strstr(query, "watch=true") ? 'W' : 'L';
}

static int serve(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct script *s = ctx;
	const struct step *step = &s->step[s->at];
	char version[64];
	(void)t;
	(void)err;
	s->requests++;
	snprintf(version, sizeof(version), "resourceVersion=%s", step->version ? step->version : "");
	if (!s->wrong[0] && (kind_of(r->query) != step->kind || (step->version && !strstr(r->query, version))))
		snprintf(s->wrong, sizeof(s->wrong), "request %u is %c %.100s, step %u is %c %s", s->requests, kind_of(r->query), r->query, s->at, step->kind, version);
	s->at = s->at + 1 < s->n ? s->at + 1 : s->loop ? s->n - 2 : s->at;
	if (!step->status)
		return 0;
	if (step->status != 200)
		reply_status(p, step->status, step->status == 410 ? "Expired" : "Reason", "as the test says");
	else
		*p = (struct httpd_reply){ .status = 200, .stream = play, .stream_arg = (void *)step };
	if (step->retry_after)
		httpd_reply_header(p, "Retry-After", step->retry_after);
	return 0;
}

/* --- what the cache tells ------------------------------------------------------------------------------------------------------- */

static void changed(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	struct script *s = arg;
	switch (what) {
	case KUBE_ADDED: assert_null(old); str_addf(&s->log, "+%s%s ", now->name, now->version); break;
	case KUBE_UPDATED: assert_string_equal(old->uid, now->uid); str_addf(&s->log, "~%s%s>%s ", now->name, old->version, now->version); break;
	case KUBE_DELETED: str_addf(&s->log, "-%s%s%s%s ", old->name, old->version, now ? ">" : "", now ? now->version : ""); break;
	}
}

static void synced(void *arg, bool again)
{
	struct script *s = arg;
	str_addf(&s->log, "%s ", again ? "again" : "synced");
}

static struct { bool optional; int64_t idle_ms; unsigned limit; } with;
static const char *const keep[] = { "data", NULL };

static struct scope *start(struct task *t, struct world *w, const struct step *steps, size_t n, bool loop)
{
	struct script *s = w->ctx;
	struct scope *scope = scope_open(t, 0);
	str_release(&s->log);
	*s = (struct script){ .n = (unsigned)n, .loop = loop };
	for (size_t i = 0; i < n; i++)
		s->step[i] = steps[i];
	str_init(&s->log, 1 << 20);
	str_add(&s->log, "");
	s->c = kube_cache_new(w->k, &(struct kube_cache_options){ .type = &kube_configmaps, .select.limit = with.limit, .keep = keep, .changed = changed, .arg = s,
								  .synced = synced, .optional = with.optional, .idle_ms = with.idle_ms });
	kube_cache_index(s->c, "namespace", kube_index_namespace, NULL);
	kube_cache_start(s->c, scope);
	return scope;
}

static void stop(struct task *t, struct world *w, struct scope *scope)
{
	struct script *s = w->ctx;
	scope_cancel(scope);
	assert_int_equal(scope_join(t, scope, NULL), 0);
	kube_cache_free(s->c);
	s->c = NULL;
	if (s->wrong[0])
		fail_msg("%s", s->wrong);
}

static void pass(struct task *t, int64_t ms) { assert_int_equal(task_sleep(t, ms, NULL), 0); }

static char at[16];              /* the row of a table, for messages */

/* Until the script is at its last step and the log says LOG; at most MS. */
static void expect(struct task *t, struct world *w, const char *log, int64_t ms)
{
	struct script *s = w->ctx;
	for (; ms > 0 && (s->at + 1 < s->n || strcmp(s->log.at, log) != 0); ms -= 200)
		pass(t, 200);
	if (strcmp(s->log.at, log) != 0 || s->wrong[0])
		fail_msg("%s: '%s', not '%s' at step %u; %s; %s", at, s->log.at, log, s->at, s->wrong, kube_cache_stats(s->c).last_error);
}

static void run(int (*body)(struct task *t, struct world *w, struct err *err))
{
	struct script s = { 0 };
	str_init(&s.log, 1 << 20);
	memset(&with, 0, sizeof(with));
	world_run(serve, &s, NULL, body);
	str_release(&s.log);
}

#define BODY(what) static int test_##what(struct task *t, struct world *w, struct err *err __attribute__((unused)))
#define TEST(what) static void what(void **unused) { (void)unused; run(test_##what); }
#define START(...) start(t, w, (const struct step[]){ __VA_ARGS__ }, sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step), false)

#define OBJECT(name, uid, version) "{\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"n\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define ADDED(name, version) EVENT("ADDED", OBJECT(name, "u" name, version))
#define MODIFIED(name, version) EVENT("MODIFIED", OBJECT(name, "u" name, version))
#define GONE(name, version) EVENT("DELETED", OBJECT(name, "u" name, version))
#define BOOKMARK(version) EVENT("BOOKMARK", "{\"kind\":\"ConfigMap\",\"metadata\":{\"resourceVersion\":\"" version "\"}}")
#define END(version) EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"" version "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}")
#define FAILED(code, more) EVENT("ERROR", "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"Expired\",\"message\":\"too old\"" more "}")
#define PAGE(version, more, items) "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"" version "\"" more "},\"items\":[" items "]}"
#define AB ADDED("a", "1") ADDED("b", "2") END("10")
#define ITEMS_AB OBJECT("a", "ua", "1") "," OBJECT("b", "ub", "2")

/* --- since when it fails ---------------------------------------------------------------------------------------------------------- */

/* For how long the cache fails, MS after the script came to its last step, within the longest pause. */
static void failing(struct task *t, struct world *w, int64_t ms, int64_t least, bool denied)
{
	struct script *s = w->ctx;
	while (s->at + 1 < s->n)
		pass(t, 100);
	pass(t, ms);
	struct kube_cache_stats st = kube_cache_stats(s->c);
	int64_t since = st.failing_ms ? clock_now_ms() - st.failing_ms : 0;
	if (since < least || since > least + (least ? 60000 : 0) || (least && st.denied != denied))
		fail_msg("%s: it fails for %lld ms%s, not for %lld", at, (long long)since, st.denied ? ", denied" : "", (long long)least);
}

BODY(since_when_it_fails)
{
	static const struct { struct step last; bool fails, denied; } rows[] = {
		{ { 'W', 403, 0, 0, 0, 0 }, true, true }, { { 'W', 401, 0, 0, 0, 0 }, true, true }, { { 'W', 503, 0, 0, 0, 0 }, true, false },
		{ { 'W', 0, 0, 0, 0, 0 }, true, false }, { { 'W', 200, "<html>", CUT, 0, 0 }, true, false },
		{ { 'W', 200, FAILED("500", ""), CLOSE, 0, 0 }, true, false },
		{ { 'W', 200, "", HOLD, 0, 0 }, false, false }, { { 'W', 200, "", CLOSE, 0, 0 }, false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, "", CLOSE, 0, 0 });
		struct script *s = w->ctx;
		snprintf(at, sizeof(at), "row %zu", i);
		s->step[1] = rows[i].last;
		failing(t, w, 150000, rows[i].fails ? 140000 : 0, rows[i].denied);
		/* One answer, though it has nothing to tell, and all is well. */
		s->step[1] = (struct step){ 'W', 200, "", HOLD, 0, 0 };
		failing(t, w, 100000, 0, false);
		stop(t, w, scope);
	}
	with.optional = true;
	struct scope *scope = START({ 'S', 404, 0, 0, 0, 0 }, { 'S', 404, 0, 0, 0, 0 });
	failing(t, w, 150000, 0, false);
	stop(t, w, scope);
	return 0;
}
TEST(since_when_it_fails)

/* --- well ------------------------------------------------------------------------------------------------------------------------ */

BODY(a_streaming_list_and_what_comes_then)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB MODIFIED("a", "11") GONE("b", "12") ADDED("c", "13") GONE("x", "14") MODIFIED("c", "13") BOOKMARK("20"), CLOSE, 0, 0 },
				    { 'W', 200, MODIFIED("c", "21"), HOLD, 0, "20" });
	assert_int_equal(kube_cache_wait(t, s->c, err), 0);
	expect(t, w, "+a1 +b2 synced ~a1>11 -b2>12 +c13 ~c13>21 ", 3000);
	struct kube_cache_stats st = kube_cache_stats(s->c);
	assert_true(st.streaming);
	assert_int_equal(st.lists, 1);
	assert_int_equal(st.watches, 1);
	assert_int_equal(st.objects, 2);
	assert_int_equal(st.errors, 0);
	assert_string_equal(kube_cache_version(s->c), "21");
	assert_string_equal(kube_cache_get(s->c, "n", "c")->version, "21");
	assert_null(kube_cache_get(s->c, "n", "b"));
	stop(t, w, scope);
	return 0;
}
TEST(a_streaming_list_and_what_comes_then)

BODY(a_server_without_streaming_lists)
{
	static const int refusals[] = { 400, 422 };
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		with.limit = 1;
		struct scope *scope = START({ 'S', refusals[i], 0, 0, 0, 0 }, { 'L', 200, PAGE("10", ",\"continue\":\"p2\"", OBJECT("a", "ua", "1")), CLOSE, 0, 0 },
					    { 'L', 200, PAGE("10", ",\"continue\":\"p3\"", OBJECT("b", "ub", "2")), BYTES, 0, 0 });
		s->step[2].how = CLOSE;
		s->step[3] = (struct step){ 'L', 200, PAGE("10", "", OBJECT("c", "uc", "3")), CLOSE, 0, 0 };
		s->step[4] = (struct step){ 'W', 200, GONE("a", "11") FAILED("410", ""), CLOSE, 0, "10" };
		s->step[5] = (struct step){ 'L', 200, PAGE("20", ",\"continue\":\"p2\"", OBJECT("b", "ub", "2")), CLOSE, 0, 0 };
		s->step[6] = (struct step){ 'L', 410, 0, 0, 0, 0 };        /* it expired between two pages */
		s->step[7] = (struct step){ 'L', 200, PAGE("30", "", OBJECT("b", "ub", "22") "," OBJECT("d", "ud", "24")), CLOSE, 0, 0 };
		s->step[8] = (struct step){ 'W', 200, "", HOLD, 0, "30" };
		s->n = 9;
		expect(t, w, "+a1 +b2 +c3 synced -a1>11 ~b2>22 +d24 -c3 again ", 8000);
		assert_false(kube_cache_stats(s->c).streaming);
		assert_int_equal(kube_cache_stats(s->c).expired, 2);
		stop(t, w, scope);
	}
	return 0;
}
TEST(a_server_without_streaming_lists)

/* --- gaps ------------------------------------------------------------------------------------------------------------------------ */

BODY(too_old_as_an_event_and_as_a_reply)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB MODIFIED("a", "11") FAILED("410", ""), CLOSE, 0, 0 },
				    { 'S', 200, ADDED("a", "11") ADDED("c", "15") END("20"), CLOSE, 0, 0 }, { 'W', 410, 0, 0, 0, "20" },
				    { 'S', 200, ADDED("c", "15") ADDED("a", "25") END("30"), HOLD, 0, 0 });
	expect(t, w, "+a1 +b2 synced ~a1>11 +c15 -b2 again ~a11>25 again ", 8000);
	assert_int_equal(kube_cache_stats(s->c).expired, 2);
	stop(t, w, scope);
	return 0;
}
TEST(too_old_as_an_event_and_as_a_reply)

BODY(a_list_that_is_cut_is_begun_again)
{
	struct scope *scope = START({ 'S', 200, ADDED("a", "1") ADDED("z", "2"), CUT, 0, 0 }, { 'S', 200, ADDED("a", "1"), CLOSE, 0, 0 },
				    { 'S', 200, "", CUT, 0, 0 }, { 'S', 200, AB, HOLD, 0, 0 });
	/* What came is told at once, and once; what is not there any more only when the whole list is there. */
	expect(t, w, "+a1 +z2 +b2 -z2 synced ", 8000);
	stop(t, w, scope);
	return 0;
}
TEST(a_list_that_is_cut_is_begun_again)

BODY(events_that_are_cut_come_again)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, MODIFIED("a", "11") "{\"type\":\"MODIFIED\",\"obj", CUT, 0, "10" },
				    { 'W', 200, MODIFIED("a", "12") "{\"type\":\"MODIF", CLOSE, 0, "11" }, { 'W', 200, MODIFIED("a", "13") MODIFIED("b", "14"), BYTES, 0, "12" });
	expect(t, w, "+a1 +b2 synced ~a1>11 ~a11>12 ~a12>13 ~b2>14 ", 8000);
	assert_int_equal(kube_cache_stats(s->c).lists, 1);
	stop(t, w, scope);
	return 0;
}
TEST(events_that_are_cut_come_again)

BODY(watches_that_end_with_news_are_not_paused_for_longer_and_longer)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, MODIFIED("a", "11"), CLOSE, 0, "10" }, { 'W', 200, MODIFIED("a", "12"), CLOSE, 0, "11" },
				    { 'W', 200, MODIFIED("a", "13"), CLOSE, 0, "12" }, { 'W', 200, MODIFIED("a", "14"), CLOSE, 0, "13" }, { 'W', 200, MODIFIED("a", "15"), CLOSE, 0, "14" },
				    { 'W', 200, MODIFIED("a", "16"), CLOSE, 0, "15" }, { 'W', 200, MODIFIED("a", "17"), CLOSE, 0, "16" }, { 'W', 200, MODIFIED("a", "18"), HOLD, 0, "17" });
	int64_t began = clock_now_ms();
	expect(t, w, "+a1 +b2 synced ~a1>11 ~a11>12 ~a12>13 ~a13>14 ~a14>15 ~a15>16 ~a16>17 ~a17>18 ", 30000);
	assert_in_range(clock_now_ms() - began, 0, 2000);
	assert_int_equal(kube_cache_stats(s->c).lists, 1);
	stop(t, w, scope);
	return 0;
}
TEST(watches_that_end_with_news_are_not_paused_for_longer_and_longer)

BODY(another_uid_is_another_object)
{
	struct scope *scope = START({ 'S', 200, AB EVENT("MODIFIED", OBJECT("a", "new", "11")) EVENT("DELETED", OBJECT("b", "new", "12")) FAILED("410", ""), CLOSE, 0, 0 },
				    { 'S', 200, EVENT("ADDED", OBJECT("a", "third", "13")) END("20"), HOLD, 0, 0 });
	expect(t, w, "+a1 +b2 synced -a1 +a11 -b2 -a11 +a13 again ", 8000);
	stop(t, w, scope);
	return 0;
}
TEST(another_uid_is_another_object)

BODY(a_connection_that_dies_in_silence)
{
	struct script *s = w->ctx;
	with.idle_ms = 20000;
	struct scope *scope = START({ 'S', 200, AB, HOLD, 0, 0 }, { 'W', 200, "", HOLD, 0, "10" }, { 'W', 200, ADDED("c", "11"), HOLD, 0, "10" }, { 'W', 200, "", HOLD, 0, "11" });
	int64_t began = clock_now_ms();
	expect(t, w, "+a1 +b2 synced +c11 ", 120000);
	assert_in_range(clock_now_ms() - began, 40000, 65000);
	assert_int_equal(kube_cache_stats(s->c).lists, 1);
	stop(t, w, scope);
	return 0;
}
TEST(a_connection_that_dies_in_silence)

BODY(a_list_that_never_ends_is_asked_for_in_pages)
{
	with.idle_ms = 20000;
	struct scope *scope = START({ 'S', 200, ADDED("a", "1"), HOLD, 0, 0 }, { 'L', 200, PAGE("10", "", ITEMS_AB), CLOSE, 0, 0 }, { 'W', 200, "", HOLD, 0, "10" });
	expect(t, w, "+a1 +b2 synced ", 60000);
	stop(t, w, scope);
	return 0;
}
TEST(a_list_that_never_ends_is_asked_for_in_pages)

BODY(a_server_that_restarts)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB, CUT, 0, 0 }, { 'W', 0, 0, 0, 0, 0 }, { 'W', 0, 0, 0, 0, 0 }, { 'W', 0, 0, 0, 0, 0 }, { 'W', 503, 0, 0, 0, 0 },
				    { 'W', 500, 0, 0, 0, 0 }, { 'W', 401, 0, 0, 0, 0 }, { 'W', 401, 0, 0, 0, 0 }, { 'W', 403, 0, 0, 0, 0 }, { 'W', 200, MODIFIED("a", "11"), HOLD, 0, "10" });
	expect(t, w, "+a1 +b2 synced ~a1>11 ", 120000);
	assert_int_equal(kube_cache_stats(s->c).lists, 1);
	assert_int_equal(kube_cache_count(s->c), 2);
	stop(t, w, scope);
	return 0;
}
TEST(a_server_that_restarts)

BODY(a_version_that_is_too_large)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 504, 0, 0, "1", "10" }, { 'W', 200, FAILED("504", ",\"details\":{\"retryAfterSeconds\":1}"), CLOSE, 0, "10" },
				    { 'W', 200, MODIFIED("a", "11"), HOLD, 0, "10" });
	expect(t, w, "+a1 +b2 synced ~a1>11 ", 20000);
	stop(t, w, scope);
	/* The server lost what we saw (a backup was put back): it will never come, so the list is read anew. */
	scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 504, 0, 0, 0, "10" }, { 'W', 504, 0, 0, 0, "10" }, { 'W', 504, 0, 0, 0, "10" }, { 'W', 504, 0, 0, 0, "10" },
		      { 'S', 200, ADDED("a", "1") END("5"), HOLD, 0, 0 });
	expect(t, w, "+a1 +b2 synced -b2 again ", 30000);
	assert_string_equal(kube_cache_version(s->c), "5");
	stop(t, w, scope);
	return 0;
}
TEST(a_version_that_is_too_large)

/* --- bad answers -------------------------------------------------------------------------------------------------------------------- */

BODY(what_is_foreign_costs_nothing)
{
	static const char *const bad[] = {
		"<html>", "{}", "[]", "7\n", "null\n", "\xff", "{\"type\":\"ADDED\"}", "{\"type\":\"ADDED\",\"object\":7}", "{\"type\":7,\"object\":{}}",
		"{\"type\":\"ADDED\",\"object\":{}}", "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}", "{\"type\":\"RENAMED\",\"object\":{}}",
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":7,\"resourceVersion\":\"1\"}}}", "{\"type\":\"DELETED\",\"object\":{\"metadata\":[]}}",
		"{\"type\":\"ERROR\",\"object\":{}}", "{\"type\":\"ERROR\",\"object\":{\"code\":99999999999}}", "{\"type\":\"BOOKMARK\",\"object\":[]}", "{\"a\":}",
	};
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, bad[i], CLOSE, 0, "10" }, { 'W', 200, bad[i], CLOSE, 0, "10" },
					    { 'W', 200, MODIFIED("a", "11"), HOLD, 0, "10" });
		expect(t, w, "+a1 +b2 synced ~a1>11 ", 8000);
		if (kube_cache_stats(s->c).errors < 2)
			fail_msg("'%s' was no error", bad[i]);
		stop(t, w, scope);
	}
	return 0;
}
TEST(what_is_foreign_costs_nothing)

BODY(lists_that_are_none)
{
	static const char *const bad[] = {
		"<html>", "{}", "[]", "{\"kind\":\"ConfigMapList\"", "{\"kind\":\"ConfigMapList\",\"metadata\":{},\"items\":[]}", "{\"kind\":\"Status\",\"metadata\":{\"resourceVersion\":\"1\"}}",
		PAGE("10", "", "7"), PAGE("10", "", "{}"), PAGE("10", ",\"continue\":\"again\"", ITEMS_AB), "",
	};
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct scope *scope = START({ 'S', 400, 0, 0, 0, 0 }, { 'L', 200, bad[i], CLOSE, 0, 0 }, { 'L', 200, bad[i], CLOSE, 0, 0 },
					    { 'L', 200, PAGE("10", "", ITEMS_AB), CLOSE, 0, 0 }, { 'W', 200, "", HOLD, 0, "10" });
		snprintf(at, sizeof(at), "%zu", i);
		expect(t, w, "+a1 +b2 synced ", 8000);
		if (!kube_cache_stats(s->c).errors)
			fail_msg("'%s' was no error", bad[i]);
		stop(t, w, scope);
	}
	return 0;
}
TEST(lists_that_are_none)

BODY(an_enormous_object_is_refused)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 200, AB, CLOSE, 0, 0 },
				    { 'W', 200, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"11\"},\"data\":\"", BIG, 0, "10" },
				    { 'W', 200, "", HOLD, 0, "10" });
	expect(t, w, "+a1 +b2 synced ", 10000);
	pass(t, 1000);
	if (!strstr(kube_cache_stats(s->c).last_error, "8 MiB"))
		fail_msg("%s", kube_cache_stats(s->c).last_error);
	stop(t, w, scope);
	/* What is not kept may be as large as it likes. */
	scope = START({ 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"11\"},\"spec\":\"", BIG, 0, "10" });
	pass(t, 3000);
	assert_string_equal(kube_cache_stats(s->c).last_error, "");
	stop(t, w, scope);
	return 0;
}
TEST(an_enormous_object_is_refused)

BODY(refusals)
{
	struct script *s = w->ctx;
	struct err e = { 0 };
	/* What no waiting cures is told to who waits; the cache goes on trying. */
	struct scope *scope = START({ 'S', 403, 0, 0, 0, 0 }, { 'S', 200, AB, HOLD, 0, 0 });
	assert_int_equal(kube_cache_wait(t, s->c, &e), E_DENIED);
	expect(t, w, "+a1 +b2 synced ", 8000);
	assert_int_equal(kube_cache_wait(t, s->c, &e), 0);
	stop(t, w, scope);
	scope = START({ 'S', 404, 0, 0, 0, 0 }, { 'S', 404, 0, 0, 0, 0 });
	assert_int_equal(kube_cache_wait(t, s->c, &e), E_NOTFOUND);
	stop(t, w, scope);
	/* A type that the server may not have is an empty cache until it has. */
	with.optional = true;
	scope = START({ 'S', 404, 0, 0, 0, 0 }, { 'S', 404, 0, 0, 0, 0 }, { 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 404, 0, 0, 0, 0 }, { 'S', 404, 0, 0, 0, 0 }, { 'S', 200, AB, HOLD, 0, 0 });
	assert_int_equal(kube_cache_wait(t, s->c, &e), 0);
	assert_false(kube_cache_served(s->c));
	expect(t, w, "synced +a1 +b2 again -a1 -b2 again +a1 +b2 again ", 200000);
	assert_true(kube_cache_served(s->c));
	stop(t, w, scope);
	return 0;
}
TEST(refusals)

BODY(retry_after_is_kept)
{
	struct script *s = w->ctx;
	struct scope *scope = START({ 'S', 429, 0, 0, "7", 0 }, { 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, FAILED("429", ",\"details\":{\"retryAfterSeconds\":9}"), CLOSE, 0, 0 },
				    { 'W', 200, MODIFIED("a", "11"), HOLD, 0, "10" });
	int64_t began = clock_now_ms();
	assert_int_equal(kube_cache_wait(t, s->c, err), 0);
	assert_in_range(clock_now_ms() - began, 7000, 7400);
	began = clock_now_ms();
	expect(t, w, "+a1 +b2 synced ~a1>11 ", 20000);
	assert_in_range(clock_now_ms() - began, 9000, 10500);
	stop(t, w, scope);
	return 0;
}
TEST(retry_after_is_kept)

/* --- storms -------------------------------------------------------------------------------------------------------------------------- */

BODY(storms_do_not_spin)
{
	static const struct step storms[][2] = {
		{ { 'S', 410, 0, 0, 0, 0 }, { 'S', 410, 0, 0, 0, 0 } },
		{ { 'S', 200, AB FAILED("410", ""), CLOSE, 0, 0 }, { 'S', 200, AB FAILED("410", ""), CLOSE, 0, 0 } },
		{ { 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 410, 0, 0, 0, 0 } },
		{ { 'S', 200, AB, CLOSE, 0, 0 }, { 'W', 200, MODIFIED("a", "11") FAILED("410", ""), CLOSE, 0, 0 } },
		{ { 'S', 200, AB, CUT, 0, 0 }, { 'W', 200, "", CLOSE, 0, 0 } },
		{ { 'S', 200, AB, CUT, 0, 0 }, { 'W', 200, BOOKMARK("10"), CLOSE, 0, 0 } },
		{ { 'S', 200, "", CLOSE, 0, 0 }, { 'S', 200, "", CLOSE, 0, 0 } },
		{ { 'S', 500, 0, 0, "0", 0 }, { 'S', 429, 0, 0, "0", 0 } },
		{ { 'S', 200, "x", CLOSE, 0, 0 }, { 'S', 200, "x", CLOSE, 0, 0 } },
	};
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(storms); i++) {
		bool once = storms[i][1].kind == 'W' && storms[i][0].how == CUT;    /* the list once, the watch for ever */
		struct scope *scope = start(t, w, storms[i], 2, !once);
		pass(t, 600000);
		s->wrong[0] = '\0';
		/* Ten minutes: at most about one request in five seconds. */
		if (s->requests > 130 || s->requests < 15)
			fail_msg("storm %zu: %u requests in ten minutes", i, s->requests);
		stop(t, w, scope);
	}
	return 0;
}
TEST(storms_do_not_spin)

/* --- the store ------------------------------------------------------------------------------------------------------------------------ */

static void emit_parity(void *arg, const struct kube_object *o, kube_emit_fn *emit, void *into)
{
	(void)arg;
	emit(into, atoi(o->version) % 2 ? "odd" : "even");
	emit(into, o->name[0] < 'i' ? "early" : "late");
	emit(into, o->name[0] < 'i' ? "early" : "late");
	if (atoi(o->version) % 5 == 0)
		emit(into, "five");
}

static struct doc *object(char name, int uid, int version)
{
	autofree char *text = xasprintf("{\"metadata\":{\"name\":\"%c\",\"namespace\":\"n\",\"uid\":\"%d\",\"resourceVersion\":\"%d\"}}", name, uid, version);
	autojson json_t *j = NULL;
	assert_int_equal(json_parse(text, strlen(text), "object", &j, NULL), 0);
	return doc_from_json(j);
}

/* Random changes, against a plain array. */
static void an_index_is_what_a_walk_would_find(void **unused)
{
	static const char *const keys[] = { "odd", "even", "early", "late", "five" };
	struct { int uid, version; } model[16] = { { 0, 0 } };
	struct kube_store *s = kube_store_new(NULL, NULL);
	(void)unused;
	clock_simulate(11, 0);
	assert_int_equal(kube_store_index(s, "parity", emit_parity, NULL), 0);
	for (int round = 1; round < 20000; round++) {
		int i = (int)clock_random_below(16), uid = (int)clock_random_below(8) ? model[i].uid : round, drop = (int)clock_random_below(4) == 0;
		struct doc *d = object((char)('a' + i), uid, round);
		assert_int_equal(drop ? kube_store_drop(s, d, NULL) : kube_store_put(s, d, NULL), 0);
		model[i].uid = uid;
		model[i].version = drop ? 0 : round;
		if (clock_random_below(500) == 0) {
			kube_store_begin(s);
			for (int k = 0; k < 16; k++)
				if (model[k].version && clock_random_below(2))
					assert_int_equal(kube_store_put(s, object((char)('a' + k), model[k].uid, model[k].version), NULL), 0);
				else
					model[k].version = 0;
			kube_store_swept(s);
		}
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			size_t n, want = 0;
			struct kube_object *const *found = kube_store_find(s, 0, keys[k], &n);
			for (int m = 0; m < 16; m++) {
				int v = model[m].version;
				bool in[] = { v % 2 == 1, v % 2 == 0, m < 8, m >= 8, v % 5 == 0 };
				want += v && in[k];
			}
			assert_int_equal(n, want);
			for (size_t m = 0; m < n; m++)
				assert_int_equal(model[found[m]->name[0] - 'a'].version, atoi(found[m]->version));
		}
	}
	kube_store_free(s);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(since_when_it_fails), cmocka_unit_test(a_streaming_list_and_what_comes_then), cmocka_unit_test(a_server_without_streaming_lists),
		cmocka_unit_test(too_old_as_an_event_and_as_a_reply), cmocka_unit_test(a_list_that_is_cut_is_begun_again),
		cmocka_unit_test(events_that_are_cut_come_again),
		cmocka_unit_test(watches_that_end_with_news_are_not_paused_for_longer_and_longer),
		cmocka_unit_test(another_uid_is_another_object),
		cmocka_unit_test(a_connection_that_dies_in_silence), cmocka_unit_test(a_list_that_never_ends_is_asked_for_in_pages),
		cmocka_unit_test(a_server_that_restarts), cmocka_unit_test(a_version_that_is_too_large), cmocka_unit_test(what_is_foreign_costs_nothing),
		cmocka_unit_test(lists_that_are_none), cmocka_unit_test(an_enormous_object_is_refused), cmocka_unit_test(refusals),
		cmocka_unit_test(retry_after_is_kept), cmocka_unit_test(storms_do_not_spin), cmocka_unit_test(an_index_is_what_a_walk_would_find),
	};
	json_setup();
	log_init(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
