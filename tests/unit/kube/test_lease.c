/* Leader election against a server that compares resourceVersions, and that fails in every way it may, on a simulated clock. */
#include "tests/unit/kube/server.h"

#include "base/log.h"
#include "kube/lease.h"

enum { CANDIDATES = 3 };
enum mood { WELL, STALLED, HTML, FOREIGN, BROKEN, FORBIDDEN, BUSY, DEAF, MUTE };       /* DEAF: drops before, MUTE: after it acted */

struct candidate { struct api *api; struct kube *k; struct lease *l; struct scope *s; int won, lost; bool held; };

struct api {
	json_t *lease;               /* NULL: there is none */
	int version, uids;
	int gets, puts, posts;
	enum mood mood[CANDIDATES];
	unsigned chaos;              /* percent of requests that meet a mood of chance */
	int64_t changed_ms;          /* holder or renewTime last written, by our clock */
	struct candidate c[CANDIDATES];
};

static void bump(struct api *a, bool anew)
{
	json_t *meta = json_object_get(a->lease, "metadata");
	char text[32];
	snprintf(text, sizeof(text), "%d", ++a->version);
	json_put_str(meta, "resourceVersion", text);
	if (anew) {
		snprintf(text, sizeof(text), "uid-%d", ++a->uids);
		json_put_str(meta, "uid", text);
	}
}

static void store(struct api *a, json_t *lease, bool anew)
{
	json_decref(a->lease);
	a->lease = lease;
	bump(a, anew);
	a->changed_ms = clock_now_ms();
}

static void write_lease(struct api *a, const struct httpd_request *r, struct httpd_reply *p)
{
	bool post = strcmp(r->method, "POST") == 0;
	json_t *body = NULL;
	a->posts += post;
	a->puts += !post;
	assert_int_equal(json_parse(r->body, r->len, "lease", &body, NULL), 0);
	const char *have = json_str(json_at(a->lease, "metadata"), "resourceVersion"), *sent = json_str(json_at(body, "metadata"), "resourceVersion");
	if (post && a->lease) {
		reply_status(p, 409, "AlreadyExists", "leases \"l\" already exists");
	} else if (!post && !a->lease) {
		reply_status(p, 404, "NotFound", "leases \"l\" not found");
	} else if (!post && (!sent || strcmp(have, sent) != 0)) {
		reply_status(p, 409, "Conflict", "the object has been modified");
	} else {
		store(a, json_incref(body), post);
		reply_json(p, post ? 201 : 200, a->lease);
	}
	json_decref(body);
}

static void act(struct api *a, const struct httpd_request *r, struct httpd_reply *p)
{
	if (strcmp(r->method, "GET") != 0) {
		write_lease(a, r, p);
		return;
	}
	a->gets++;
	if (a->lease)
		reply_json(p, 200, a->lease);
	else
		reply_status(p, 404, "NotFound", "leases \"l\" not found");
}

static int serve(struct task *t, void *ctx, const struct httpd_request *r, struct httpd_reply *p, struct err *err)
{
	struct api *a = ctx;
	int who = atoi(r->header(r, "User-Agent"));
	enum mood mood = a->mood[who];
	if (a->chaos && clock_random_below(100) < a->chaos)
		mood = (enum mood)clock_random_below(MUTE + 1);
	switch (mood) {
	case WELL: act(a, r, p); break;
	case STALLED: return task_sleep(t, 3600 * 1000, err);
	case HTML: httpd_reply_text(p, 200, "text/html", "<html><body>Please log in</body></html>"); break;
	case FOREIGN: httpd_reply_text(p, 200, "application/json", "{\"kind\":\"Lease\",\"spec\":7}"); break;
	case BROKEN: reply_status(p, 500, "InternalError", "etcd is away"); break;
	case FORBIDDEN: reply_status(p, 403, "Forbidden", "leases is forbidden"); break;
	case BUSY: reply_status(p, 429, "TooManyRequests", "slow down"); httpd_reply_header(p, "Retry-After", "1"); break;
	case DEAF: p->status = 0; break;
	case MUTE: act(a, r, p); p->status = 0; break;
	}
	return 0;
}

static void on_change(void *arg, bool held)
{
	struct candidate *c = arg;
	assert_int_not_equal(held, c->held);
	c->held = held;
	assert_int_equal(lease_held(c->l), held);
	c->won += held;
	c->lost += !held;
	for (int i = 0; held && i < CANDIDATES; i++)
		assert_false(&c->api->c[i] != c && c->api->c[i].l && lease_held(c->api->c[i].l));
}

static struct lease_options slow;    /* other times than the usual */

static void begin(struct task *t, struct world *w, int who)
{
	struct api *a = w->ctx;
	struct candidate *c = &a->c[who];
	char name[16];
	snprintf(name, sizeof(name), "%d", who);
	*c = (struct candidate){ .api = a, .k = world_client(t, w, name), .s = scope_open(t, 0) };
	c->l = lease_new(c->k, &(struct lease_options){ .ns = "kube-system", .name = "l", .identity = name, .changed = on_change, .arg = c,
							.lease_ms = slow.lease_ms, .renew_ms = slow.renew_ms, .retry_ms = slow.retry_ms });
	lease_start(c->l, c->s);
}

static void end(struct task *t, struct world *w, int who)
{
	struct candidate *c = &((struct api *)w->ctx)->c[who];
	scope_cancel(c->s);
	assert_int_equal(scope_join(t, c->s, NULL), 0);
	assert_false(lease_held(c->l));
	lease_free(c->l);
	kube_free(c->k);
	c->l = NULL;
}

static void pass(struct task *t, int64_t ms) { assert_int_equal(task_sleep(t, ms, NULL), 0); }

static const char *spec_str(const struct api *a, const char *key) { return json_str(json_at(a->lease, "spec"), key); }
static int64_t spec_int(const struct api *a, const char *key) { return json_int(json_at(a->lease, "spec"), key, -1); }

/* The next moment at which C's state of holding is HELD, after at most MS. */
static int64_t until(struct task *t, struct candidate *c, bool held, int64_t ms)
{
	int64_t began = clock_now_ms();
	while (lease_held(c->l) != held) {
		assert_true(clock_now_ms() - began <= ms);
		pass(t, 100);
	}
	return clock_now_ms() - began;
}

static void run(int (*body)(struct task *t, struct world *w, struct err *err))
{
	struct api a = { 0 };
	world_run(serve, &a, NULL, body);
	json_decref(a.lease);
}

#define TEST(what) static void what(void **unused) { (void)unused; run(test_##what); }
#define BODY(what) static int test_##what(struct task *t, struct world *w, struct err *err __attribute__((unused)))

BODY(one_leads_and_renews)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	assert_int_equal(lease_wait(t, a->c[0].l, err), 0);
	assert_string_equal(spec_str(a, "holderIdentity"), "0");
	assert_int_equal(spec_int(a, "leaseDurationSeconds"), 15);
	assert_int_equal(spec_int(a, "leaseTransitions"), 0);
	assert_string_equal(spec_str(a, "acquireTime"), spec_str(a, "renewTime"));
	autofree char *acquired = xstrdup(spec_str(a, "acquireTime"));
	assert_int_equal(strlen(acquired), strlen("2026-09-21T00:00:00.000000Z"));
	for (int i = 0; i < 100; i++) {
		assert_in_range(lease_left_ms(a->c[0].l), 7900, 10000);
		pass(t, 1000);
	}
	assert_in_range(a->puts, 45, 51);
	assert_int_equal(a->gets, 1);
	assert_string_equal(spec_str(a, "acquireTime"), acquired);
	assert_string_not_equal(spec_str(a, "renewTime"), acquired);
	assert_string_equal(lease_holder(a->c[0].l), "0");
	assert_string_equal(lease_error(a->c[0].l), "");
	end(t, w, 0);
	assert_string_equal(spec_str(a, "holderIdentity"), "");
	assert_int_equal(a->c[0].won + a->c[0].lost, 2);
	return 0;
}
TEST(one_leads_and_renews)

BODY(what_is_given_back_is_free)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	begin(t, w, 1);
	pass(t, 60000);
	assert_false(lease_held(a->c[1].l));
	assert_string_equal(lease_holder(a->c[1].l), "0");
	end(t, w, 0);
	assert_in_range(until(t, &a->c[1], true, 2100), 0, 2100);
	assert_int_equal(spec_int(a, "leaseTransitions"), 1);
	end(t, w, 1);
	return 0;
}
TEST(what_is_given_back_is_free)

BODY(a_leader_without_network_stops_before_another_begins)
{
	static const enum mood moods[] = { STALLED, DEAF, BROKEN, HTML, FOREIGN, FORBIDDEN, BUSY };
	struct api *a = w->ctx;
	for (size_t i = 0; i < ARRAY_LEN(moods); i++) {
		begin(t, w, 0);
		until(t, &a->c[0], true, 3000);
		begin(t, w, 1);
		pass(t, 7000);
		a->mood[0] = moods[i];
		int64_t last = a->changed_ms;
		until(t, &a->c[0], false, 10100);
		assert_in_range(clock_now_ms() - last, 9500, 10100);
		assert_false(lease_held(a->c[1].l));
		until(t, &a->c[1], true, 10000);
		assert_in_range(clock_now_ms() - last, 15000, 17100);
		assert_true(moods[i] == STALLED || lease_error(a->c[0].l)[0]);
		/* The old leader comes back as a follower. */
		a->mood[0] = WELL;
		pass(t, 20000);
		assert_true(lease_held(a->c[1].l) && !lease_held(a->c[0].l));
		assert_string_equal(lease_holder(a->c[0].l), "1");
		assert_string_equal(lease_error(a->c[0].l), "");
		end(t, w, 1);
		end(t, w, 0);
	}
	return 0;
}
TEST(a_leader_without_network_stops_before_another_begins)

BODY(a_stolen_lease_is_lost_at_the_next_renewal)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	pass(t, 5000);
	json_put_str(json_object_get(a->lease, "spec"), "holderIdentity", "thief");
	bump(a, false);
	assert_in_range(until(t, &a->c[0], false, 2100), 0, 2100);
	assert_string_equal(lease_holder(a->c[0].l), "thief");
	/* The thief never renews. It declared 15 s. */
	assert_in_range(until(t, &a->c[0], true, 18000), 14900, 17100);
	assert_int_equal(spec_int(a, "leaseTransitions"), 1);
	/* One that declares more is believed, up to an hour. */
	json_put_str(json_object_get(a->lease, "spec"), "holderIdentity", "thief");
	json_put_int(json_object_get(a->lease, "spec"), "leaseDurationSeconds", 60);
	bump(a, false);
	until(t, &a->c[0], false, 2100);
	assert_in_range(until(t, &a->c[0], true, 70000), 59900, 62100);
	end(t, w, 0);
	return 0;
}
TEST(a_stolen_lease_is_lost_at_the_next_renewal)

BODY(nobody_is_believed_for_more_than_an_hour)
{
	struct api *a = w->ctx;
	slow = (struct lease_options){ .lease_ms = 900000, .renew_ms = 600000, .retry_ms = 300000 };
	a->lease = json_pack("{s:s,s:{},s:{s:s,s:I}}", "kind", "Lease", "metadata", "spec", "holderIdentity", "thief", "leaseDurationSeconds",
			     (json_int_t)2000000000);
	bump(a, true);
	begin(t, w, 0);
	pass(t, 3590 * 1000);
	assert_false(lease_held(a->c[0].l));
	pass(t, 300 * 1000);
	assert_true(lease_held(a->c[0].l));
	assert_int_equal(spec_int(a, "leaseDurationSeconds"), 900);
	end(t, w, 0);
	slow = (struct lease_options){ 0 };
	return 0;
}
TEST(nobody_is_believed_for_more_than_an_hour)

BODY(a_deleted_lease_is_made_anew)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	begin(t, w, 1);
	pass(t, 5000);
	json_decref(a->lease);
	a->lease = NULL;
	for (int i = 0; i < 100; i++) {
		assert_true(lease_held(a->c[0].l));
		pass(t, 50);
	}
	assert_string_equal(spec_str(a, "holderIdentity"), "0");
	assert_int_equal(a->posts, 2);
	/* Without its leader: whoever saw it held waits as if it were there. */
	a->mood[1] = STALLED;
	pass(t, 12000);
	int64_t last = a->changed_ms;
	a->mood[0] = STALLED;
	a->mood[1] = WELL;
	json_decref(a->lease);
	a->lease = NULL;
	until(t, &a->c[0], false, 10100);
	until(t, &a->c[1], true, 15000);
	assert_in_range(clock_now_ms() - last, 15000, 24200);
	a->mood[0] = WELL;
	end(t, w, 0);
	end(t, w, 1);
	return 0;
}
TEST(a_deleted_lease_is_made_anew)

BODY(what_others_write_in_it_stays_and_costs_nothing)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	for (int i = 0; i < 50; i++) {
		json_put_new(json_object_get(a->lease, "metadata"), "labels", json_pack("{s:i}", "n", i));
		json_put_str(json_object_get(a->lease, "spec"), "strategy", "OldestEmulationVersion");
		bump(a, false);
		pass(t, 1000);
		assert_true(lease_held(a->c[0].l));
	}
	pass(t, 3000);
	assert_int_equal(json_int(json_path(a->lease, "metadata", "labels", NULL), "n", -1), 49);
	assert_string_equal(spec_str(a, "strategy"), "OldestEmulationVersion");
	/* Holder cleared by somebody: lost, and taken again. */
	json_put_str(json_object_get(a->lease, "spec"), "holderIdentity", "");
	bump(a, false);
	pass(t, 5000);
	assert_true(lease_held(a->c[0].l));
	assert_int_equal(a->c[0].lost, 1);
	end(t, w, 0);
	return 0;
}
TEST(what_others_write_in_it_stays_and_costs_nothing)

BODY(clocks_may_jump)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	begin(t, w, 1);
	pass(t, 5000);
	/* Back: nothing happens. */
	clock_jump_wall(INT64_C(-86400000) * 365);
	for (int i = 0; i < 200; i++) {
		assert_true(lease_held(a->c[0].l) && !lease_held(a->c[1].l));
		pass(t, 100);
	}
	/* Forward, as after a sleep: lost at once, and ours again, for the follower's own clock shows nothing. */
	clock_jump_wall(INT64_C(86400000) * 365);
	assert_false(lease_held(a->c[0].l));
	assert_in_range(until(t, &a->c[0], true, 2100), 0, 2100);
	assert_int_equal(a->c[0].lost, 1);
	assert_int_equal(a->c[1].won, 0);
	/* A clock that stands: each renewal must look different, else the server stores none and others see no change. */
	autofree char *before = xstrdup(spec_str(a, "renewTime"));
	for (int i = 0; i < 5; i++) {
		pass(t, 2000);
		clock_jump_wall(-2000);
		assert_string_not_equal(spec_str(a, "renewTime"), before);
		free(before);
		before = xstrdup(spec_str(a, "renewTime"));
	}
	end(t, w, 0);
	end(t, w, 1);
	return 0;
}
TEST(clocks_may_jump)

BODY(an_answer_that_is_lost_costs_nothing)
{
	struct api *a = w->ctx;
	a->mood[0] = MUTE;
	begin(t, w, 0);
	pass(t, 500);
	a->mood[0] = WELL;
	until(t, &a->c[0], true, 2100);
	for (int i = 0; i < 20; i++) {
		a->mood[0] = i % 2 ? WELL : MUTE;
		pass(t, 2000);
		assert_true(lease_held(a->c[0].l));
	}
	assert_int_equal(spec_int(a, "leaseTransitions"), 0);
	a->mood[0] = WELL;
	pass(t, 2000);
	end(t, w, 0);
	assert_string_equal(spec_str(a, "holderIdentity"), "");
	return 0;
}
TEST(an_answer_that_is_lost_costs_nothing)

BODY(to_give_back_takes_two_seconds_at_most)
{
	struct api *a = w->ctx;
	begin(t, w, 0);
	until(t, &a->c[0], true, 100);
	a->mood[0] = STALLED;
	pass(t, 3000);
	int64_t began = clock_now_ms();
	end(t, w, 0);
	assert_in_range(clock_now_ms() - began, 0, 2050);
	assert_string_equal(spec_str(a, "holderIdentity"), "0");
	/* Another's is not given back. */
	a->mood[0] = WELL;
	begin(t, w, 1);
	until(t, &a->c[1], true, 18000);
	begin(t, w, 0);
	pass(t, 3000);
	end(t, w, 0);
	assert_string_equal(spec_str(a, "holderIdentity"), "1");
	end(t, w, 1);
	assert_string_equal(spec_str(a, "holderIdentity"), "");
	return 0;
}
TEST(to_give_back_takes_two_seconds_at_most)

/* Whatever the server does, never two, and always one soon after it is well. on_change compares all candidates. */
BODY(never_two)
{
	struct api *a = w->ctx;
	int won = 0;
	for (int i = 0; i < CANDIDATES; i++)
		begin(t, w, i);
	for (int round = 0; round < 12; round++) {
		a->chaos = (unsigned)clock_random_below(101);
		for (int64_t ms = (int64_t)clock_random_below(60000); ms > 0; ms -= 1000) {
			int held = 0;
			for (int i = 0; i < CANDIDATES; i++)
				held += lease_held(a->c[i].l);
			assert_in_range(held, 0, 1);
			if (clock_random_below(100) < 4)
				clock_jump_wall((int64_t)clock_random_below(40000) - 20000);
			if (a->lease && clock_random_below(100) < 4) {
				json_put_new(json_object_get(a->lease, "metadata"), "labels", json_pack("{s:I}", "at", (json_int_t)ms));
				bump(a, false);
			}
			pass(t, 1000);
		}
		a->chaos = 0;
		pass(t, 40000);
		int held = 0;
		for (int i = 0; i < CANDIDATES; i++)
			held += lease_held(a->c[i].l);
		assert_int_equal(held, 1);
	}
	for (int i = 0; i < CANDIDATES; i++) {
		won += a->c[i].won;
		end(t, w, i);
	}
	assert_true(won > 3);
	(void)err;
	return 0;
}
TEST(never_two)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_leads_and_renews), cmocka_unit_test(what_is_given_back_is_free),
		cmocka_unit_test(a_leader_without_network_stops_before_another_begins), cmocka_unit_test(a_stolen_lease_is_lost_at_the_next_renewal),
		cmocka_unit_test(nobody_is_believed_for_more_than_an_hour), cmocka_unit_test(a_deleted_lease_is_made_anew), cmocka_unit_test(what_others_write_in_it_stays_and_costs_nothing),
		cmocka_unit_test(clocks_may_jump), cmocka_unit_test(an_answer_that_is_lost_costs_nothing),
		cmocka_unit_test(to_give_back_takes_two_seconds_at_most), cmocka_unit_test(never_two),
	};
	json_setup();
	log_init(LOG_ERROR, false);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
