/* One BMC as a peer: login, patience, paging, entity tags. */
#include "test_redfish_world.h"

struct probe {
	struct world *w;
	int (*fn)(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err);
};

static int run_probe(struct task *t, void *arg, struct err *err)
{
	struct probe *p = arg;
	struct rf *rf = rf_new(p->w);
	int rc = p->fn(t, rf, bmc_of(rf), err);

	rf_drop(rf);
	return rc;
}

static int probe(struct world *w, int (*fn)(struct task *, struct rf *, struct rf_bmc *, struct err *), struct err *err)
{
	struct probe p = { w, fn };

	memset(err, 0, sizeof(*err));
	return run_in_loop(run_probe, &p, err);
}

static int read_host(struct task *t, struct rf_bmc *b, struct err *err)
{
	json_t *j = NULL;
	int rc = rf_get(t, b, "/redfish/v1/Systems/Host", 0, &j, NULL, err);

	json_decref(j);
	return rc;
}

static int three_reads(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	int rc = 0;

	(void)rf;
	for (int i = 0; rc == 0 && i < 3; i++)
		rc = read_host(t, b, err);
	rf_logout(t, b);
	return rc;
}

static void one_session_and_a_logout(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	assert_int_equal(probe(&w, three_reads, &err), 0);
	assert_int_equal(w.logins, 1);
	assert_int_equal(w.logouts, 1);
	assert_int_equal(w.open, 0);
	world_release(&w);
}

static int session_dropped(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	struct world *w = rf->transport.ctx;
	int rc = read_host(t, b, err);

	w->token = 0;
	if (rc == 0)
		rc = read_host(t, b, err);
	assert_int_equal(w->logins, 2);
	w->token = 0;
	autojson json_t *body = json_pack("{s:s}", "ResetType", "ForceRestart");
	struct rf_request rq = { .method = "POST", .path = "/redfish/v1/Systems/Host/Actions/ComputerSystem.Reset", .body = body };
	autoreply struct rf_reply r = { 0 };
	if (rc == 0)
		rc = rf_send(t, b, &rq, &r, err);
	assert_int_equal(r.status, 401);         /* not replayed */
	assert_int_equal(w->resets, 0);
	return rc;
}

static void a_dropped_session_is_replaced_and_only_reads_replayed(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	assert_int_equal(probe(&w, session_dropped, &err), 0);
	world_release(&w);
}

static int many_refused(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	struct world *w = rf->transport.ctx;
	int rc = E_AUTH;

	for (int i = 0; rc == E_AUTH && i < 5; i++)
		rc = read_host(t, b, err);
	assert_int_equal(w->logins, 1);
	assert_null(strstr(err->msg, "secret"));
	assert_non_null(strstr(err->msg, "10.0.0.1"));
	return rc;
}

static void wrong_credentials_are_tried_once(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.wrong_password = true;
	assert_int_equal(probe(&w, many_refused, &err), E_AUTH);
	world_release(&w);
}

static void basic_where_there_are_no_sessions(void **state)
{
	(void)state;
	for (int full = 0; full < 2; full++) {
		struct world w;
		struct err err;
		world_init(&w);
		w.no_sessions = !full;
		w.sessions_full = full;
		if (probe(&w, three_reads, &err))
			fail_msg("%s", err.msg);
		assert_int_equal(w.open, 0);
		world_release(&w);
	}
}

static void basic_refused_is_an_end_too(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.no_sessions = w.wrong_password = true;
	assert_int_equal(probe(&w, three_reads, &err), E_AUTH);
	world_release(&w);
}

static int one_read(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	(void)rf;
	return read_host(t, b, err);
}

static void busy_is_waited_out_as_asked(void **state)
{
	static const struct { struct fault f; int64_t at_least; } cases[] = {
		{ { F_STATUS, "GET", "*Systems/Host", 0, 2, 503, 7000, NULL }, 14000 },
		{ { F_STATUS, "GET", "*Systems/Host", 0, 1, 503, 0, "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"Base.1.5.ServiceTemporarilyUnavailable\","
		    "\"MessageArgs\":[\"30\"]}]}}" }, 30000 },
		{ { F_STATUS, "GET", "*Systems/Host", 0, 1, 503, 0, "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"IDRAC.2.8.SYS518\","
		    "\"Message\":\"retry in 25 seconds\"}]}}" }, 25000 },
		{ { F_STATUS, "GET", "*Systems/Host", 0, 1, 400, 0, "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"IDRAC.2.8.SWC0700\"}]}}" }, 1 },
		{ { F_STATUS, "GET", "*Systems/Host", 0, 1, 429, 3000, NULL }, 3000 },
		{ { F_STATUS, "GET", "*Systems/Host", 0, 3, 503, 0, NULL }, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct err err;
		world_init(&w);
		w.faults[w.n_faults++] = cases[i].f;
		int64_t start = clock_now_ms();
		if (probe(&w, one_read, &err))
			fail_msg("case %zu: %s", i, err.msg);
		assert_true(clock_now_ms() - start >= cases[i].at_least);
		assert_int_equal(w.faults[0].count, 0);
		world_release(&w);
	}
}

static int busy_for_ever(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	int64_t start = clock_now_ms();
	int rc = read_host(t, b, err);

	(void)rf;
	assert_int_equal(rc, E_BUSY);
	assert_true(clock_now_ms() - start <= 200 * 1000);
	start = clock_now_ms();
	assert_int_equal(read_host(t, b, err), E_BUSY);          /* what else is busy then gets little patience */
	assert_true(clock_now_ms() - start <= 20 * 1000);
	return rc;
}

static void busy_has_a_budget(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*Systems/Host", 0, 1000000, 503, 10000, NULL };
	assert_int_equal(probe(&w, busy_for_ever, &err), E_BUSY);
	world_release(&w);
}

static int dead(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	struct world *w = rf->transport.ctx;
	int rc = read_host(t, b, err), calls = w->calls;
	struct err second;

	assert_int_equal(read_host(t, b, &second), rc);
	assert_string_equal(second.msg, err->msg);
	assert_int_equal(w->calls, calls);
	w->away_until = 0;
	rf_expect(b, 1);                 /* on our behalf: asked again */
	assert_int_equal(read_host(t, b, &second), 0);
	rf_expect(b, -1);
	assert_int_equal(read_host(t, b, &second), 0);
	return rc;
}

static void a_dead_bmc_costs_its_other_objects_nothing(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.away_until = INT64_MAX;
	assert_int_equal(probe(&w, dead, &err), E_UNREACHABLE);
	world_release(&w);
}

static void the_gpu_baseboard_of_a_host_that_is_off_is_not_waited_for(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*Systems/Host", 0, 100, 503, 0,
		"{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"Nv.1.0.HMCCommuicationFailed\",\"Message\":\"HMC\"}]}}" };
	int64_t start = clock_now_ms();
	assert_int_equal(probe(&w, one_read, &err), E_BUSY);
	assert_true(clock_now_ms() - start < 5000);
	assert_non_null(strstr(err.msg, "while the host is on"));
	world_release(&w);
}

static void data_beside_an_error_is_data(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*Systems/Host", 0, 100, 500, 0,
		"{\"@odata.id\":\"/redfish/v1/Systems/Host\",\"Id\":\"Host\",\"error\":{\"message\":\"partly\"}}" };
	assert_int_equal(probe(&w, one_read, &err), 0);
	w.n_faults = 0;
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*Systems/Host", 0, 100, 200, 0, "{\"error\":{\"message\":\"no\"}}" };
	assert_int_not_equal(probe(&w, one_read, &err), 0);
	world_release(&w);
}

/* --- collections -------------------------------------------------------------------------------------------------- */

static const struct pages { const char *name, *page[4]; size_t members; bool incomplete; int rc; } pages[] = {
	{ "one page", { "{\"Members\":[{\"@odata.id\":\"/m/1\"},{\"@odata.id\":\"/m/2\"}],\"Members@odata.count\":2}" }, 2, false, 0 },
	{ "two pages", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":2,\"Members@odata.nextLink\":\"/c?1\"}",
			 "{\"Members\":[{\"@odata.id\":\"/m/2\"}]}" }, 2, false, 0 },
	{ "next as a query alone", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":2,\"Members@odata.nextLink\":\"?1\"}",
		"{\"Members\":[{\"@odata.id\":\"/m/2\"}]}" }, 2, false, 0 },
	{ "next beside the page", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":2,\"Members@odata.nextLink\":\"c?1\"}",
		"{\"Members\":[{\"@odata.id\":\"/m/2\"}]}" }, 2, false, 0 },
	{ "overlap", { "{\"Members\":[{\"@odata.id\":\"/m/1\"},{\"@odata.id\":\"/m/2\"}],\"Members@odata.count\":3,\"Members@odata.nextLink\":\"/c?1\"}",
		       "{\"Members\":[{\"@odata.id\":\"/m/2/\"},{\"@odata.id\":\"/m/3\"}]}" }, 3, false, 0 },
	{ "loop", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.nextLink\":\"/c?1\"}",
		    "{\"Members\":[{\"@odata.id\":\"/m/2\"}],\"Members@odata.nextLink\":\"/c?1\"}" }, 2, false, 0 },
	{ "listed twice", { "{\"Members\":[{\"@odata.id\":\"/m/1\"},{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":2}" }, 1, false, 0 },
	{ "fewer than promised", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":66}" }, 1, true, 0 },
	{ "no next, but $skip", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":3}", "{\"Members\":[{\"@odata.id\":\"/m/2\"}]}",
		"{\"Members\":[{\"@odata.id\":\"/m/3\"}]}" }, 3, false, 0 },
	{ "$skip is not heard", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.count\":3}", "{\"Members\":[{\"@odata.id\":\"/m/1\"}]}" }, 1, true, 0 },
	{ "null members", { "{\"@odata.id\":\"/c?0\",\"Members\":null,\"Members@odata.count\":0}" }, 0, false, 0 },
	{ "no members", { "{\"@odata.id\":\"/c?0\",\"Members@odata.count\":3}" }, 0, true, 0 },
	{ "missing page", { "{\"Members\":[{\"@odata.id\":\"/m/1\"}],\"Members@odata.nextLink\":\"/c?1\"}", NULL }, 1, true, 0 },
	{ "empty link", { "{\"Members\":[{\"@odata.id\":\"\"},{\"@odata.id\":\"/m/1\"}]}" }, 1, true, 0 },
	{ "strings and next as object", { "{\"Members\":[\"/m/1\"],\"Members@odata.nextLink\":{\"@odata.id\":\"/c?1\"}}",
		"{\"Members\":[{\"@odata.id\":\"https://h/m/2#x\"}]}" }, 2, false, 0 },
	{ "not there", { NULL }, 0, false, E_NOTFOUND },
};
static const struct pages *at;

static int walk(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	int rc = rf_members(t, b, "/c?0", 0, &links, err);

	(void)rf;
	if (rc != at->rc || links.at.len != at->members || links.incomplete != at->incomplete)
		fail_msg("%s: rc %d, %zu members, incomplete %d", at->name, rc, links.at.len, links.incomplete);
	return 0;
}

static void collections_are_walked_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
		struct world w;
		struct err err;
		static const char *const linked[] = { "/c[?]0", "/c[?]1", "/c[?]2", "/c[?]3" };
		static const char *const skipped[] = { "/c[?]0", "/c[?]0&$skip=1", "/c[?]0&$skip=2", "/c[?]0&$skip=3" };
		const char *const *paths = strstr(pages[i].name, "$skip") ? skipped : linked;
		world_init(&w);
		at = &pages[i];
		for (size_t k = 0; k < 4 && at->page[k]; k++)
			w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", paths[k], 0, 100, 200, 0, at->page[k] };
		assert_int_equal(probe(&w, walk, &err), 0);
		world_release(&w);
	}
}

static int odd_links(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	static const char *const links[] = { "/redfish/v1/systems/Host", "/redfish/v1/Systems/Host/bios", "https://other/redfish/v1/Systems/Host#/Boot" };

	(void)rf;
	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		autojson json_t *link = json_pack("{s:s}", "@odata.id", links[i]);
		json_t *j = NULL;
		int rc = rf_follow(t, b, link, "thing", &j, NULL, err);
		json_decref(j);
		if (rc)
			return rc;
	}
	autojson json_t *empty = json_pack("{s:s}", "@odata.id", "");
	json_t *none = NULL;
	assert_int_equal(rf_follow(t, b, empty, "thing", &none, NULL, err), E_NOTFOUND);
	return 0;
}

static void links_in_odd_capitals_are_found(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	if (probe(&w, odd_links, &err))
		fail_msg("%s\n%s", err.msg, w.requests);
	world_release(&w);
}

static int find_host(struct task *t, struct rf *rf, struct rf_bmc *b, struct err *err)
{
	autofree char *path = NULL;
	int rc = rf_system(t, b, NULL, &path, NULL, err);

	(void)rf;
	if (rc == 0)
		assert_string_equal(path, "/redfish/v1/Systems/Host");
	return rc;
}

static void the_host_is_told_from_the_baseboard(void **state)
{
	struct world w;
	struct err err;

	(void)state;
	world_init(&w);
	assert_int_equal(probe(&w, find_host, &err), 0);
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*v1/Systems", 0, 100, 200, 0,
		"{\"Members\":[{\"@odata.id\":\"/redfish/v1/Systems/Node0\"},{\"@odata.id\":\"/redfish/v1/Systems/Node1\"}]}" };
	w.faults[w.n_faults++] = (struct fault){ F_STATUS, "GET", "*Node?", 0, 100, 200, 0, "{\"@odata.id\":\"/x\",\"PowerState\":\"On\"}" };
	assert_int_equal(probe(&w, find_host, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "Node0, Node1"));
	world_release(&w);
}

static void addresses(void **state)
{
	static const struct { const char *addr, *origin; } cases[] = {
		{ "10.0.0.1", "https://10.0.0.1:443" }, { "bmc-1.example:8443", "https://bmc-1.example:8443" }, { "[fe80::1]", "https://[fe80::1]:443" },
		{ "fe80::1", "https://[fe80::1]:443" }, { "[::1]:444", "https://[::1]:444" }, { "https://x/", "https://x:443" },
		{ "http://127.0.0.1:8000", "http://127.0.0.1:8000" }, { "", NULL }, { "ftp://x", NULL }, { "a b", NULL }, { "x/y", NULL }, { "u:p@h", NULL },
		{ "h\r\nX", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct rf_bmc *b;
		struct err err;
		world_init(&w);
		struct rf *rf = rf_new(&w);
		int rc = rf_bmc_at(rf, cases[i].addr, NULL, &b, &err);
		assert_int_equal(rc == 0, cases[i].origin != NULL);
		if (rc == 0)
			assert_string_equal(b->origin, cases[i].origin);
		rf_drop(rf);
		world_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_session_and_a_logout),
		cmocka_unit_test(a_dropped_session_is_replaced_and_only_reads_replayed),
		cmocka_unit_test(wrong_credentials_are_tried_once),
		cmocka_unit_test(basic_where_there_are_no_sessions),
		cmocka_unit_test(basic_refused_is_an_end_too),
		cmocka_unit_test(busy_is_waited_out_as_asked),
		cmocka_unit_test(busy_has_a_budget),
		cmocka_unit_test(a_dead_bmc_costs_its_other_objects_nothing),
		cmocka_unit_test(the_gpu_baseboard_of_a_host_that_is_off_is_not_waited_for),
		cmocka_unit_test(data_beside_an_error_is_data),
		cmocka_unit_test(collections_are_walked_whole),
		cmocka_unit_test(links_in_odd_capitals_are_found),
		cmocka_unit_test(the_host_is_told_from_the_baseboard),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, world_setup, NULL);
}
