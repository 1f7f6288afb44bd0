/* The client against a server that answers by script, on a simulated clock. */
#include "tests/unit/kube/server.h"

#include "base/log.h"

enum { STEPS = 16 };

/* One answer. Status 0: the connection is dropped; -1: cut in the middle. */
struct step { int status; const char *retry_after, *type, *body; };

struct script {
	struct step step[STEPS];     /* the last one goes on for ever */
	unsigned at, n;
	const char *query[32];       /* owned; of the requests so far */
	char *last_path, *last_body, *last_type;
};

static int half(struct task *t, struct httpd_stream *s, void *arg, struct err *err)
{
	(void)arg;
	int rc = httpd_write(t, s, "{\"kind\":\"Pod\",\"metadata\":{\"na", 28, err);
	return rc ? rc : err_set(err, E_IO, "cut");
}

static void note(struct script *s, const struct httpd_request *r)
{
	const char *type = r->header(r, "Content-Type");
	free(s->last_path);
	free(s->last_body);
	free(s->last_type);
	s->last_path = xasprintf("%s %s", r->method, r->path);
	s->last_body = xstrndup(r->body, r->len);
	s->last_type = xstrdup(type ? type : "");
	if (s->n < ARRAY_LEN(s->query))
		s->query[s->n] = xstrdup(r->query);
	s->n++;
}

static int serve(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct script *s = ctx;
	const struct step *step = &s->step[s->at];
	(void)t;
	(void)err;
	note(s, r);
	if (s->at + 1 < STEPS && (s->step[s->at + 1].status || s->step[s->at + 1].type))
		s->at++;
	if (step->status < 0) {
		p->status = 200;
		p->stream = half;
		return 0;
	}
	if (step->status)
		httpd_reply_text(p, step->status, step->type ? step->type : "application/json", step->body ? step->body : "{\"kind\":\"Pod\"}");
	if (step->retry_after)
		httpd_reply_header(p, "Retry-After", step->retry_after);
	return 0;
}

static void begin(struct script *s, const struct step *steps, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(s->query); i++)
		free((char *)s->query[i]);
	free(s->last_path);
	free(s->last_body);
	free(s->last_type);
	*s = (struct script){ 0 };
	for (size_t i = 0; i < n; i++)
		s->step[i] = steps[i];
}

static void run(int (*body)(struct task *t, struct world *w, struct err *err), int64_t patience_ms)
{
	struct script s = { 0 };
	world_run(serve, &s, &(struct kube_options){ .patience_ms = patience_ms }, body);
	begin(&s, NULL, 0);
}

#define STATUS(code, rest) "{\"kind\":\"Status\",\"code\":" #code rest "}"
#define BODY(what) static int test_##what(struct task *t, struct world *w, struct err *err __attribute__((unused)))
#define TEST(what, patience) static void what(void **unused) { (void)unused; run(test_##what, patience); }

enum verb { GET, POST, PUT, PATCH, DELETE, EVICT, APPLY };

static int ask(struct task *t, struct kube *k, enum verb verb, struct kube_fail *why, struct err *err)
{
	static const struct kube_ref pod = { &kube_pods, "default", "a", NULL };
	autojson json_t *body = json_object(), *out = NULL;
	switch (verb) {
	case GET: return kube_get(t, k, &pod, &out, why, err);
	case POST: return kube_create(t, k, &pod, body, NULL, &out, why, err);
	case PUT: return kube_update(t, k, &pod, body, NULL, &out, why, err);
	case PATCH: return kube_patch(t, k, &pod, KUBE_MERGE, body, NULL, &out, why, err);
	case DELETE: return kube_delete(t, k, &pod, NULL, why, err);
	case APPLY: return kube_apply(t, k, &pod, body, NULL, &out, why, err);
	default: return kube_evict(t, k, "default", "a", NULL, 0, why, err);
	}
}

BODY(what_is_tried_again)
{
	static const struct row {
		enum verb verb;
		struct step steps[3];
		int rc;
		unsigned requests;
		int64_t least_ms, most_ms;
	} rows[] = {
		{ GET, { { 429, "2", 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 2000, 2200 },
		{ POST, { { 429, "2", 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 2000, 2200 },
		{ POST, { { 429, 0, 0, 0 }, { 201, 0, 0, 0 } }, 0, 2, 0, 600 },
		{ GET, { { 429, 0, 0, STATUS(429, ",\"details\":{\"retryAfterSeconds\":3}") }, { 200, 0, 0, 0 } }, 0, 2, 3000, 3200 },
		{ GET, { { 429, "1", 0, 0 } }, E_BUSY, 6, 5000, 12000 },
		{ GET, { { 429, "86400", 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 30000, 30001 },
		{ GET, { { 503, 0, 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 0, 600 },
		{ POST, { { 503, 0, 0, 0 }, { 200, 0, 0, 0 } }, E_BUSY, 1, 0, 0 },
		{ POST, { { 503, "1", 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 1000, 1200 },
		{ PUT, { { 503, 0, "text/html", "<html>" }, { 200, 0, 0, 0 } }, 0, 2, 0, 600 },
		{ PUT, { { 504, 0, 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 0, 600 },
		{ PATCH, { { 504, 0, 0, 0 } }, E_TIMEOUT, 6, 0, 20000 },
		{ POST, { { 504, 0, 0, 0 }, { 200, 0, 0, 0 } }, E_TIMEOUT, 1, 0, 0 },
		{ EVICT, { { 429, "1", 0, 0 }, { 201, 0, 0, 0 } }, E_BUSY, 1, 0, 0 },
		{ GET, { { 500, "1", 0, 0 }, { 200, 0, 0, 0 } }, E_INTERNAL, 1, 0, 0 },
		{ GET, { { 401, 0, 0, 0 }, { 200, 0, 0, 0 } }, 0, 2, 0, 0 },
		{ POST, { { 401, 0, 0, 0 } }, E_AUTH, 2, 0, 0 },
		{ POST, { { 401, 0, 0, 0 }, { 429, "1", 0, 0 }, { 201, 0, 0, 0 } }, 0, 3, 1000, 1200 },
		/* Cut and dropped, without patience: said at once. A GET on a connection that was used before is tried once more by http_do. */
		{ POST, { { 0, 0, "", 0 } }, E_UNREACHABLE, 1, 0, 0 },
		{ POST, { { -1, 0, 0, 0 } }, E_UNREACHABLE, 1, 0, 0 },
		{ DELETE, { { 404, 0, 0, 0 } }, E_NOTFOUND, 1, 0, 0 },
	};
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		struct err e = { 0 };
		begin(s, r->steps, ARRAY_LEN(r->steps));
		int64_t began = clock_now_ms();
		int rc = ask(t, w->k, r->verb, NULL, &e);
		int64_t took = clock_now_ms() - began;
		if (rc != r->rc || s->n != r->requests || took < r->least_ms || took > r->most_ms)
			fail_msg("row %zu: %d after %u requests and %lld ms: %s", i, rc, s->n, (long long)took, e.msg);
	}
	return 0;
}
TEST(what_is_tried_again, 0)

BODY(what_is_no_object_is_an_error)
{
	static const struct { struct step step; int rc; const char *says; } rows[] = {
		{ { 200, 0, "text/html", "<html>Log in</html>" }, E_INTERNAL, "is it an API server?" },
		{ { 200, 0, 0, "" }, E_INTERNAL, "" },
		{ { 200, 0, 0, "[]" }, E_INTERNAL, "" },
		{ { 200, 0, 0, "7" }, E_INTERNAL, "" },
		{ { 200, 0, 0, "{\"kind\":\"Pod\"" }, E_INTERNAL, "" },
		{ { 200, 0, 0, "{\"kind\":\"Node\"}" }, E_INTERNAL, "'Node'" },
		{ { 200, 0, 0, "{\"kind\":7}" }, E_INTERNAL, "" },
		{ { 200, 0, 0, "{\"kind\":\"Pod\",\"kind\":\"Pod\"}" }, E_INTERNAL, "" },
		{ { 404, 0, "text/html", "<html>404</html>" }, E_NOTFOUND, "" },
		{ { 403, 0, "text/html", "<html>\033[31mno</html>" }, E_DENIED, "" },
		{ { 409, 0, 0, "{\"kind\":\"Status\",\"message\":[],\"details\":\"x\"}" }, E_CONFLICT, "" },
		{ { 301, 0, 0, "" }, E_INTERNAL, "301" },
		{ { 418, 0, 0, STATUS(418, ",\"message\":\"a teapot\"") }, E_INTERNAL, "a teapot" },
	};
	struct script *s = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };
		begin(s, &rows[i].step, 1);
		int rc = ask(t, w->k, GET, NULL, &e);
		if (rc != rows[i].rc || !strstr(e.msg, rows[i].says) || !strstr(e.msg, "get pods default/a") || strchr(e.msg, '\033'))
			fail_msg("row %zu: %d %s", i, rc, e.msg);
	}
	return 0;
}
TEST(what_is_no_object_is_an_error, 0)

BODY(codes_and_what_a_status_says)
{
	static const struct { int status, rc; } codes[] = {
		{ 400, E_INPUT }, { 401, E_AUTH }, { 403, E_DENIED }, { 404, E_NOTFOUND }, { 405, E_UNSUPPORTED }, { 406, E_UNSUPPORTED }, { 409, E_CONFLICT },
		{ 410, E_CONFLICT }, { 413, E_INPUT }, { 415, E_UNSUPPORTED }, { 422, E_INPUT }, { 429, E_BUSY }, { 500, E_INTERNAL }, { 502, E_INTERNAL },
		{ 503, E_BUSY }, { 504, E_TIMEOUT },
	};
	struct script *s = w->ctx;
	struct kube_fail why;
	struct err e = { 0 };
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		begin(s, &(struct step){ codes[i].status, 0, 0, STATUS(1, ",\"reason\":\"R\",\"message\":\"because\"") }, 1);
		assert_int_equal(ask(t, w->k, EVICT, &why, &e), codes[i].rc);
		assert_int_equal(why.status, codes[i].status);
		assert_string_equal(why.reason, "R");
		assert_string_equal(why.message, "because");
		assert_true(why.sent);
		assert_string_equal(e.msg, "evict pods/eviction default/a: because");
	}
	/* More causes than are kept, texts longer than their place, cut between characters. */
	autostr struct str body;
	char manager[128];
	str_init(&body, 1 << 20);
	str_add(&body, "{\"kind\":\"Status\",\"message\":\"");
	for (int i = 0; i < 400; i++)
		str_add(&body, "\xc3\xa4");
	str_add(&body, "\",\"reason\":\"Conflict\",\"details\":{\"causes\":[7");
	for (int i = 0; i < 40; i++)
		str_addf(&body, ",{\"reason\":\"FieldManagerConflict\",\"message\":\"conflict with \\\"kubectl %d\\\" using v1\",\"field\":\".data.k%d\"}", i, i);
	str_add(&body, "]}}");
	begin(s, &(struct step){ 409, 0, 0, body.at }, 1);
	assert_int_equal(ask(t, w->k, PUT, &why, &e), E_CONFLICT);
	assert_int_equal(why.n_causes, KUBE_CAUSES);
	assert_int_equal(why.causes_in_all, 41);
	assert_string_equal(why.causes[3].field, ".data.k2");
	kube_fail_manager(&why.causes[3], manager);
	assert_string_equal(manager, "kubectl 2");
	kube_fail_manager(&why.causes[0], manager);
	assert_string_equal(manager, "");
	assert_int_equal(strlen(why.message), 510);
	return 0;
}
TEST(codes_and_what_a_status_says, 0)

BODY(patience)
{
	struct script *s = w->ctx;
	struct kube_fail why;
	struct err e = { 0 };
	/* A GET that was dropped is repeated, and so is an apply, which twice is as once; a POST is not: it may have been heard. */
	begin(s, (struct step[]){ { 0, 0, "", 0 }, { -1, 0, 0, 0 }, { 0, 0, "", 0 }, { 200, 0, 0, 0 } }, 4);
	assert_int_equal(ask(t, w->k, GET, &why, &e), 0);
	begin(s, (struct step[]){ { 0, 0, "", 0 }, { -1, 0, 0, 0 }, { 200, 0, 0, 0 } }, 3);
	assert_int_equal(ask(t, w->k, APPLY, &why, &e), 0);
	begin(s, (struct step[]){ { 0, 0, "", 0 }, { 200, 0, 0, 0 } }, 2);
	assert_int_equal(ask(t, w->k, POST, &why, &e), E_UNREACHABLE);
	assert_true(why.sent);
	assert_int_equal(s->n, 1);
	/* What waits is ended by the task's own deadline. */
	begin(s, (struct step[]){ { 429, "20", 0, 0 } }, 1);
	int64_t began = clock_now_ms(), old = task_deadline_in(t, 1000);
	assert_int_equal(ask(t, w->k, GET, &why, &e), E_BUSY);
	assert_int_equal(clock_now_ms() - began, 1000);
	task_deadline_restore(t, old);
	/* Nobody listens: a POST was certainly not heard, and is repeated too until patience ends. */
	struct kube *k = kube_new(task_loop(t), kube_config_plain("http://127.0.0.1:1", NULL, false), &(struct kube_options){ .patience_ms = 8000 });
	began = clock_now_ms();
	assert_int_equal(ask(t, k, POST, &why, &e), E_UNREACHABLE);
	assert_false(why.sent);
	assert_in_range(clock_now_ms() - began, 8000, 13000);
	kube_free(k);
	return 0;
}
TEST(patience, 60000)

BODY(names_that_would_be_other_paths)
{
	static const struct { const char *ns, *name; } bad[] = {
		{ "default", "a/b" }, { "default", ".." }, { "..", "a" }, { "default", "" }, { "default", NULL }, { "", "a" }, { NULL, "a" }, { "a/b", "a" }, { ".", "a" },
	};
	struct script *s = w->ctx;
	begin(s, (struct step[]){ { 200, 0, 0, 0 } }, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = { 0 };
		assert_int_equal(kube_get(t, w->k, &(struct kube_ref){ &kube_pods, bad[i].ns, bad[i].name, NULL }, NULL, NULL, &e), E_INPUT);
		assert_int_equal(kube_delete(t, w->k, &(struct kube_ref){ &kube_pods, bad[i].ns, bad[i].name, NULL }, NULL, NULL, &e), E_INPUT);
	}
	assert_int_equal(s->n, 0);
	assert_int_equal(kube_get(t, w->k, &(struct kube_ref){ &kube_pods, "n s", "a?b=%&#", "status" }, NULL, NULL, err), 0);
	assert_string_equal(s->last_path, "GET /api/v1/namespaces/n s/pods/a?b=%&#/status");
	return 0;
}
TEST(names_that_would_be_other_paths, 0)

BODY(what_is_written)
{
	struct script *s = w->ctx;
	struct kube_ref r = { &kube_leases, "ns", "a", NULL };
	autojson json_t *j = json_pack("{s:i}", "x", 1);
	begin(s, (struct step[]){ { 200, 0, 0, 0 } }, 1);
	assert_int_equal(kube_apply(t, w->k, &r, j, &(struct kube_write){ .force = true, .dry_run = true, .strict = true, .manager = "a b&c" }, NULL, NULL, err), 0);
	assert_string_equal(s->last_path, "PATCH /apis/coordination.k8s.io/v1/namespaces/ns/leases/a");
	assert_string_equal(s->query[0], "fieldManager=a%20b%26c&force=true&dryRun=All&fieldValidation=Strict");
	assert_string_equal(s->last_type, "application/apply-patch+yaml");
	assert_string_equal(s->last_body, "{\"x\":1}");
	assert_int_equal(kube_delete(t, w->k, &r, &(struct kube_delete){ .uid = "u", .resource_version = "7", .propagation = "Orphan", .grace_s = -1 }, NULL, err), 0);
	assert_string_equal(s->last_body, "{\"apiVersion\":\"v1\",\"gracePeriodSeconds\":0,\"kind\":\"DeleteOptions\",\"preconditions\":{\"resourceVersion\":\"7\",\"uid\":\"u\"},"
			    "\"propagationPolicy\":\"Orphan\"}");
	autojson json_t *rank = json_pack("{s:s}", "aipc.dev/rank", "3");
	assert_int_equal(kube_bind(t, w->k, "ns", "p", "u", "n1", rank, NULL, err), 0);
	assert_string_equal(s->last_path, "POST /api/v1/namespaces/ns/pods/p/binding");
	assert_string_equal(s->last_body, "{\"apiVersion\":\"v1\",\"kind\":\"Binding\",\"metadata\":{\"annotations\":{\"aipc.dev/rank\":\"3\"},\"name\":\"p\",\"namespace\":\"ns\",\"uid\":\"u\"},"
			    "\"target\":{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"name\":\"n1\"}}");
	return 0;
}
TEST(what_is_written, 0)

#define PAGE(rest, items) "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"5\"" rest "},\"items\":[" items "]}"
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define EXPIRED { 410, 0, 0, STATUS(410, ",\"reason\":\"Expired\"") }

BODY(lists)
{
	struct script *s = w->ctx;
	static const struct step one = { 200, 0, 0, PAGE(",\"continue\":\"next one\"", ITEM("a") "," ITEM("b")) }, two = { 200, 0, 0, PAGE("", ITEM("c")) };
	json_t *all = NULL;
	struct err e = { 0 };
	begin(s, (struct step[]){ one, two }, 2);
	assert_int_equal(kube_list(t, w->k, &kube_pods, &(struct kube_select){ .limit = 2, .labels = "a=b,c" }, &all, NULL, err), 0);
	assert_int_equal(json_array_size(all), 3);
	assert_string_equal(json_str(json_array_get(all, 2), "kind"), "Pod");
	assert_string_equal(s->query[0], "limit=2&labelSelector=a%3Db%2Cc");
	assert_string_equal(s->query[1], "limit=2&labelSelector=a%3Db%2Cc&continue=next%20one");
	json_decref(all);
	/* It expires between two pages: from the start, twice at most. */
	begin(s, (struct step[]){ one, EXPIRED, one, EXPIRED, one, two }, 6);
	assert_int_equal(kube_list(t, w->k, &kube_pods, NULL, &all, NULL, err), 0);
	assert_int_equal(json_array_size(all), 3);
	json_decref(all);
	begin(s, (struct step[]){ one, EXPIRED, one, EXPIRED, one, EXPIRED, one, two }, 8);
	assert_int_equal(kube_list(t, w->k, &kube_pods, NULL, &all, NULL, &e), E_CONFLICT);
	assert_int_equal(s->n, 6);
	static const char *const bad[] = { PAGE("", "7"), "{\"kind\":\"PodList\",\"items\":7}", "{\"kind\":\"NodeList\",\"items\":[]}", "[]" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		begin(s, (struct step[]){ one, { 200, 0, 0, bad[i] } }, 2);
		assert_int_equal(kube_list(t, w->k, &kube_pods, NULL, &all, NULL, &e), E_INTERNAL);
	}
	/* null items are none. */
	begin(s, (struct step[]){ { 200, 0, 0, "{\"kind\":\"PodList\",\"items\":null}" } }, 1);
	assert_int_equal(kube_list(t, w->k, &kube_pods, NULL, &all, NULL, err), 0);
	assert_int_equal(json_array_size(all), 0);
	json_decref(all);
	/* A list that never ends: each page names a next one. */
	begin(s, (struct step[]){ { 200, 0, 0, PAGE(",\"continue\":\"again\"", "") } }, 1);
	assert_int_equal(kube_list(t, w->k, &kube_pods, NULL, &all, NULL, &e), E_INTERNAL);
	assert_int_equal(s->n, 2);
	return 0;
}
TEST(lists, 0)

#define APPS "{\"kind\":\"APIResourceList\",\"resources\":[7,{\"name\":\"deployments\",\"kind\":\"Deployment\",\"namespaced\":true,\"verbs\":[\"get\",\"list\",7]}," \
	     "{\"name\":\"deployments/status\",\"kind\":\"Deployment\"},{\"name\":\"x\"},{\"kind\":\"y\"}]}"

BODY(discovery)
{
	struct script *s = w->ctx;
	const struct kube_type *type = NULL;
	struct err e = { 0 };
	bool served = false;
	begin(s, (struct step[]){ { 200, 0, 0, APPS } }, 1);
	assert_int_equal(kube_type_find(t, w->k, "apps/v1", "Deployment", &type, err), 0);
	assert_int_equal(type->verbs, KUBE_CAN_GET | KUBE_CAN_LIST | KUBE_HAS_STATUS);
	/* Known; what is not there is looked for again, at most once in 10 s. */
	for (int i = 0; i < 5; i++)
		assert_int_equal(kube_type_find(t, w->k, "apps/v1", "Nothing", &type, &e), E_NOTFOUND);
	assert_int_equal(s->n, 1);
	assert_int_equal(task_sleep(t, 10000, NULL), 0);
	assert_int_equal(kube_type_find(t, w->k, "apps/v1", "Nothing", &type, &e), E_NOTFOUND);
	assert_int_equal(s->n, 2);
	kube_forget_types(w->k);
	assert_int_equal(kube_type_find(t, w->k, "apps/v1", "Deployment", &type, err), 0);
	assert_int_equal(s->n, 3);
	begin(s, (struct step[]){ { 404, 0, 0, "404 page not found" } }, 1);
	assert_int_equal(kube_served(t, w->k, "nowhere.dev", "v1", NULL, &served, err), 0);
	assert_false(served);
	begin(s, (struct step[]){ { 500, 0, 0, 0 }, { 200, 0, "text/html", "<html>" }, { 200, 0, 0, "{\"kind\":\"Pod\"}" } }, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(kube_served(t, w->k, "elsewhere.dev", "v1", NULL, &served, &e), E_INTERNAL);
	static const char *const bad[] = { "a/b/c", "../v1", "a?b/v1", "a/", "" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(kube_type_find(t, w->k, bad[i], "X", &type, &e), E_INPUT);
	return 0;
}
TEST(discovery, 0)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_tried_again), cmocka_unit_test(what_is_no_object_is_an_error), cmocka_unit_test(codes_and_what_a_status_says),
		cmocka_unit_test(patience), cmocka_unit_test(names_that_would_be_other_paths), cmocka_unit_test(what_is_written), cmocka_unit_test(lists),
		cmocka_unit_test(discovery),
	};
	json_setup();
	log_init(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
