/* Room that is kept for who waits longest: who may use it meanwhile, and that nobody starves. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/scheduler/live.h"
#include "runtime/scheduler/reserve.h"
#include "runtime/scheduler/rules.h"
#include "tests/unit/runtime/placing.h"

static void spans(void **unused)
{
	(void)unused;
	static const struct { const char *text; int64_t ms; } rows[] = {
		{ "90", 90000 }, { "90s", 90000 }, { "5m", 300000 }, { "1h30m", 5400000 }, { "2d", 172800000 }, { "1d1s", 86401000 }, { "", 0 }, { NULL, 0 }, { "0", 0 },
		{ "5x", 0 }, { "m", 0 }, { "30m1h", 0 }, { "1m1m", 0 }, { "1h30", 0 }, { "-5", 0 }, { "1.5h", 0 }, { "999999999999", 0 }, { "9999d", 0 }, { "5 m", 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (span_ms(rows[i].text) != rows[i].ms)
			fail_msg("\"%s\" is %lld ms", rows[i].text ? rows[i].text : "nothing", (long long)span_ms(rows[i].text));
}

static void options(void **unused)
{
	(void)unused;
	static const struct { struct rules_opts o; int64_t after; bool strict; int64_t moves; const char *mistake; } rows[] = {
		{ { NULL, false, 0, NULL }, 300000, false, 0, NULL }, { { "never", false, 0, NULL }, -1, false, 0, NULL }, { { "0", false, 7, "0" }, 0, false, 0, NULL },
		{ { "1h", false, 0, "16" }, 3600000, false, 16, NULL }, { { NULL, true, 0, "99999" }, 0, true, 99999, NULL },
		{ { "soon", false, 0, NULL }, 0, false, 0, "not \"soon\"" }, { { "5m", true, 0, NULL }, 0, false, 0, "leave out --reserve-after" },
		{ { NULL, false, 0, "-1" }, 0, false, 0, "--moves wants a number of pods from 0 (none) to 99999, not \"-1\"" },
		{ { NULL, false, 0, "" }, 0, false, 0, "not \"\"" }, { { NULL, false, 0, "4x" }, 0, false, 0, "not \"4x\"" }, { { NULL, false, 0, "100000" }, 0, false, 0, "not \"100000\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct engine_rules r;
		struct err err;
		int rc = rules_read(&rows[i].o, &r, &err);
		assert_int_equal(rc, rows[i].mistake ? E_INPUT : 0);
		if (rows[i].mistake) {
			assert_non_null(strstr(err.msg, rows[i].mistake));
			continue;
		}
		assert_int_equal(r.reserve_after_ms, rows[i].after);
		assert_int_equal(r.strict, rows[i].strict);
		assert_int_equal(r.aging, rows[i].o.aging);
		assert_int_equal(r.moves, rows[i].moves);
	}
}

/* --- one decision ---------------------------------------------------------------------------------------------------------------- */

#define AT(time) ",'creationTimestamp':'2026-01-01T" time "Z'"
#define TAKES(span) ",'annotations':{'aipc.dev/expected-runtime':'" span "'}"

/* Two leaves of two nodes, all but one node in use; a gang of two waits for a leaf since ten, "small" came at twelve. */
static void a_queue(struct world *w, const char *a0, const char *a1, const char *b0)
{
	world_init(w);
	fabric(w, 1, 2, 2);
	resident(w, "a0", 8, 0, "s0-l0-h00", a0);
	resident(w, "a1", 8, 0, "s0-l0-h01", a1);
	resident(w, "b0", 8, 0, "s0-l1-h00", b0);
	gang(w, "big", "'min':2,'required':'leaf'");
	for (int i = 0; i < 2; i++)
		pod(w, i ? "big-1" : "big-0", 8, AT("10:00:00") ",'labels':{'aipc.dev/gang':'big'}", "");
}

static void others_may_use_it_until_it_is_needed(void **unused)
{
	(void)unused;
	static const struct { const char *what, *a0, *a1, *b0, *small; int gpus; const char *spec, *at, *says; } rows[] = {
		{ "an end that nobody knows", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00"), 8, "", "", "Gang default/big has waited longer" },
		{ "longer than the other needs", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00") TAKES("61m"), 8, "", "", "Gang default/big has waited longer" },
		{ "as long", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00") TAKES("1h"), 8, "", "s0-l1-h01", NULL },
		{ "by its deadline", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00"), 8, ",'activeDeadlineSeconds':60", "s0-l1-h01", NULL },
		{ "it outranks who waits", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00"), 8, ",'priority':5", "s0-l1-h01", NULL },
		{ "what is kept is elsewhere: both of leaf 0 end first", AT("09:00:00") TAKES("200m"), AT("09:00:00") TAKES("190m"), AT("09:00:00"), AT("12:00:00"), 8, "", "s0-l1-h01", NULL },
		{ "it needs no device", AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"), AT("12:00:00"), 0, "", "s0-l1-h00", NULL },
		{ "nobody knows when, one leaf has fewer of those", AT("09:00:00"), AT("09:00:00"), AT("11:00:00"), AT("12:00:00"), 8, "", "", "Gang default/big has waited longer" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		a_queue(&w, rows[i].a0, rows[i].a1, rows[i].b0);
		pod(&w, "small", rows[i].gpus, rows[i].small, rows[i].spec);
		decide(&w);
		if (strcmp(at(&w, "small"), rows[i].at) != 0 && !(rows[i].gpus == 0 && *at(&w, "small")))
			fail_msg("%s: it is on '%s'", rows[i].what, at(&w, "small"));
		if (rows[i].says && !said(&w, "small", rows[i].says))
			fail_msg("%s: not said", rows[i].what);
		assert_int_equal(placed(&w, "big"), 0);
		assert_true(said(&w, "big-1", "room is kept for it in leaf s0-l"));
		assert_string_equal(at(&w, "a0"), "s0-l0-h00");
		assert_string_equal(at(&w, "a1"), "s0-l0-h01");
		world_release(&w);
	}
}

static void it_says_when(void **unused)
{
	(void)unused;
	struct world w;
	a_queue(&w, AT("09:00:00"), AT("09:00:00"), AT("09:00:00") TAKES("4h"));
	pod(&w, "small", 8, AT("12:00:00"), "");
	decide(&w);
	assert_true(said(&w, "big-0", "room is kept for it in leaf s0-l1, free by 2026-01-01T13:00Z"));
	world_release(&w);
	a_queue(&w, AT("09:00:00"), AT("09:00:00"), AT("09:00:00"));
	pod(&w, "small", 8, AT("12:00:00"), "");
	decide(&w);
	assert_true(said(&w, "big-0", "room is kept for it in leaf s0-l1, but nobody knows when those who have it end"));
	world_release(&w);
}

/* Who would not fit into the empty cluster holds nobody up, nor who is not all there, nor who has just come. */
static void no_room_is_kept_in_vain(void **unused)
{
	(void)unused;
	static const struct { const char *spec; int n; const char *made; } rows[] = {
		{ "'min':3,'required':'leaf'", 3, AT("10:00:00") }, { "'min':2,'required':'leaf'", 1, AT("10:00:00") }, { "'min':2,'required':'leaf'", 2, AT("11:59:00") },
		{ "'min':2,'topology':'other'", 2, AT("10:00:00") },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 2);
		resident(&w, "a0", 8, 0, "s0-l0-h00", "");
		resident(&w, "b0", 8, 0, "s0-l1-h00", "");
		gang(&w, "big", rows[i].spec);
		for (int k = 0; k < rows[i].n; k++) {
			char name[16], meta[200];
			snprintf(name, sizeof(name), "big-%d", k);
			snprintf(meta, sizeof(meta), "%s,'labels':{'aipc.dev/gang':'big'}", rows[i].made);
			pod(&w, name, 8, meta, "");
		}
		pod(&w, "x", 8, AT("12:00:00"), "");
		pod(&w, "y", 8, AT("12:00:00"), "");
		decide(&w);
		assert_int_equal(placed(&w, "x") + placed(&w, "y"), 2);
		assert_false(said(&w, "big-0", "room is kept"));
		world_release(&w);
	}
}

#define NOMINATED(name, more, gpus, spec, node) "{'kind':'Pod','metadata':{'name':'" name "'" more "},'spec':{'containers':[{'name':'c','resources':{'requests':" \
	"{'nvidia.com/gpu':'" gpus "'}}}]" spec "},'status':{'nominatedNodeName':'" node "'}}"
#define HIGH NOMINATED("high", "", "8", ",'priority':10", "s0-l0-h00")
#define IN_G(i, node) NOMINATED("high-" i, ",'labels':{'aipc.dev/gang':'high'}", "8", ",'priority':10", node)

/* Room that victims leave is the nominated pod's; kube-scheduler has it so. */
static void who_is_nominated_has_the_room(void **unused)
{
	(void)unused;
	static const struct { const char *what; int nodes; const char *first, *second; int gpus; const char *spec, *at, *says; } rows[] = {
		{ "behind it", 1, HIGH, NULL, 4, "", "", "node s0-l0-h00 is kept for pod default/high, which is nominated to it" },
		{ "before it", 1, HIGH, NULL, 4, ",'priority':11", "s0-l0-h00", NULL },
		{ "who leaves still counts", 1, NOMINATED("high", "", "6", ",'priority':10", "s0-l0-h00"), NULL, 2, "", "", "node s0-l0-h00 is kept for pod default/high" },
		{ "it needs no device", 1, HIGH, NULL, 0, "", "s0-l0-h00", NULL },
		{ "the other starts elsewhere", 2, HIGH, NULL, 4, "", "s0-l0-h00", NULL },
		{ "it would not fit either", 1, NOMINATED("high", "", "9", ",'priority':10", "s0-l0-h00"), NULL, 4, "", "s0-l0-h00", NULL },
		{ "there is no such node", 1, NOMINATED("high", "", "8", ",'priority':10", "gone"), NULL, 4, "", "s0-l0-h00", NULL },
		{ "a gang's", 2, IN_G("0", "s0-l0-h00"), IN_G("1", "s0-l0-h01"), 8, "", "", "node s0-l0-h01 is kept for Gang default/high" },
		{ "half of a gang does not fit", 2, IN_G("0", "s0-l0-h00"), NOMINATED("high-1", ",'labels':{'aipc.dev/gang':'high'}", "9", ",'priority':10", "s0-l0-h01"), 8, "", "s0-l0-h01", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, rows[i].nodes);
		pod(&w, "leaves", 4, ",'deletionTimestamp':'2026-01-01T00:00:00Z'", ",'nodeName':'s0-l0-h00'");
		if (rows[i].second)
			gang(&w, "high", "'min':2");
		add(&w, "%s", rows[i].first);
		if (rows[i].second)
			add(&w, "%s", rows[i].second);
		pod(&w, "low", rows[i].gpus, "", rows[i].spec);
		decide_with(&w, &(struct engine_rules){ .reserve_after_ms = -1 });
		if (strcmp(at(&w, "low"), rows[i].at) != 0)
			fail_msg("%s: it is on '%s'", rows[i].what, at(&w, "low"));
		if (rows[i].says && !said(&w, "low", rows[i].says))
			fail_msg("%s: not said", rows[i].what);
		for (size_t k = 0; k < w.m->pods.len; k++)
			assert_false(w.m->pods.at[k]->promised);
		world_release(&w);
	}
}

static void order_and_age(void **unused)
{
	(void)unused;
	static const struct { const char *what; struct engine_rules r; const char *old_at, *new_at, *other_at; } rows[] = {
		/* one node: OLD waits two hours with priority 1, NEW has 3; OTHER fits beside neither but on the small node, and comes last */
		{ "as they are", { -1, false, 0, 0 }, "", "s0-l0-h00", "small" },
		{ "an hour counts for two points", { -1, false, 2, 0 }, "s0-l0-h00", "", "small" },
		{ "an hour counts for one: not more than the other", { -1, false, 1, 0 }, "s0-l0-h00", "", "small" },
		{ "in order", { 0, true, 0, 0 }, "", "s0-l0-h00", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 1);
		add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'small','labels':{'aipc.dev/leaf':'x'}},'status':{'allocatable':{'cpu':'4','pods':'9','nvidia.com/gpu':'1'}}}");
		pod(&w, "old", 8, AT("10:00:00"), ",'priority':1");
		pod(&w, "new", 8, AT("12:00:00"), ",'priority':3");
		pod(&w, "other", 1, AT("12:00:00"), "");
		decide_with(&w, &rows[i].r);
		if (strcmp(at(&w, "old"), rows[i].old_at) != 0 || strcmp(at(&w, "new"), rows[i].new_at) != 0 || strcmp(at(&w, "other"), rows[i].other_at) != 0)
			fail_msg("%s: '%s' '%s' '%s'", rows[i].what, at(&w, "old"), at(&w, "new"), at(&w, "other"));
		world_release(&w);
	}
}

/* --- a cluster that is always full ------------------------------------------------------------------------------------------------- */

enum { NODES = 16, PER_NODE = 8, TICK_MS = 60000, LONGEST_MIN = 40 };

static void live_object(struct live *l, json_t *j)
{
	live_put(l, j);
	json_decref(j);
}

static json_t *small_pod(int i, const char *node, int64_t made_ms, int minutes, bool known)
{
	char stamp[32], start[32];
	clock_stamp(made_ms, stamp);
	clock_stamp(made_ms, start);
	return fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'s-%d','uid':'s-%d','creationTimestamp':'%s','annotations':{%s%d%s}},'spec':{'schedulerName':'aipc',"
		       "%s%s%s'containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'1'}}}]},'status':{'phase':'%s'%s%s%s}}", i, i, stamp,
		       known ? "'aipc.dev/expected-runtime':'" : "'of':'", minutes, known ? "m'" : "'", *node ? "'nodeName':'" : "", node, *node ? "'," : "",
		       *node ? "Running" : "Pending", *node ? ",'startTime':'" : "", *node ? start : "", *node ? "'" : "");
}

struct running { int name, minutes; int64_t since; };

/* More single pods come each minute than can run; a gang of whole nodes comes after half an hour. Minutes until it starts; -1: within a day it does not. */
static int minutes_until_it_starts(const struct engine_rules *rules, bool known, double *used)
{
	int64_t now = 1767225600000;
	struct { struct running at[NODES * PER_NODE * 4]; size_t n; } running = { .n = 0 };
	uint64_t busy = 0;
	int made = 0, waiting = 0, gang_at = -1, started = -1, minute;
	clock_simulate(1, now);
	struct live *l = live_new("aipc");
	live_set_rules(l, rules);
	for (int i = 0; i < NODES; i++)
		live_object(l, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%02d','labels':{'aipc.dev/leaf':'l%d'}},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}", i, i / 4));
	live_refilled(l);
	for (minute = 0; minute < 24 * 60 && started < 0; minute++) {
		for (size_t i = 0; i < running.n;) {
			char name[16];
			snprintf(name, sizeof(name), "s-%d", running.at[i].name);
			if (now - running.at[i].since < (int64_t)running.at[i].minutes * TICK_MS) {
				i++;
				continue;
			}
			live_drop(l, "v1", "Pod", "ns", name);
			running.at[i] = running.at[--running.n];
		}
		for (; waiting < 12; waiting++, made++)
			live_object(l, small_pod(made, "", now, 10 + made % (LONGEST_MIN - 9), known));
		if (minute == 30) {
			char stamp[32];
			clock_stamp(now, stamp);
			gang_at = minute;
			live_object(l, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g','uid':'g'},'spec':{'min':4,'required':'leaf'}}"));
			for (int i = 0; i < 4; i++)
				live_object(l, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'g-%d','uid':'g-%d','creationTimestamp':'%s','labels':{'aipc.dev/gang':'g'}},"
						       "'spec':{'schedulerName':'aipc','containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'8'}}}]}}", i, i, stamp));
		}
		for (int round = 0; round < 40; round++) {
			struct live_bind *b;
			live_decide(l, 1000);
			while ((b = live_next_bind(l))) {
				if (b->name[0] == 'g') {
					started = minute - gang_at;
				} else {
					int name = atoi(b->name + 2), minutes = 10 + name % (LONGEST_MIN - 9);
					running.at[running.n++] = (struct running){ name, minutes, now };
					live_object(l, small_pod(name, b->node, now, minutes, known));
					waiting--;
				}
				live_bound(l, b, LIVE_BOUND);
			}
			struct live_word *word;
			while ((word = live_next_word(l)))
				live_word_free(word);
			clock_advance(TICK_MS / 40);
		}
		busy += running.n;
		now += TICK_MS;
	}
	*used = (double)busy / (NODES * PER_NODE * minute);
	live_free(l);
	clock_real();
	return started;
}

static void a_large_gang_never_starves(void **unused)
{
	(void)unused;
	static const struct engine_rules none = { -1, false, 0, 0 }, kept = { 300000, false, 0, 0 }, strict = { 0, true, 0, 0 };
	double used;
	assert_int_equal(minutes_until_it_starts(&none, true, &used), -1);
	assert_int_equal(minutes_until_it_starts(&none, false, &used), -1);
	/* Five minutes until room is kept; then nobody new stays there longer than the longest that ran. */
	int known = minutes_until_it_starts(&kept, true, &used);
	if (known < 0 || known > 5 + LONGEST_MIN + 1)
		fail_msg("it started after %d minutes", known);
	if (used < 0.80)
		fail_msg("only %.2f of the devices were used meanwhile", used);
	int unknown = minutes_until_it_starts(&kept, false, &used);
	if (unknown < 0 || unknown > 5 + LONGEST_MIN + 1)
		fail_msg("it started after %d minutes", unknown);
	int ordered = minutes_until_it_starts(&strict, true, &used);
	if (ordered < 0 || ordered > LONGEST_MIN + 1)
		fail_msg("it started after %d minutes", ordered);
}

/* Who would fit nowhere if everybody had gone is not looked at again and again: alike pods once a minute, others a few a second. */
static void the_hopeless_cost_little(void **unused)
{
	(void)unused;
	enum { MANY = 500, SECONDS = 5 };
	for (int alike = 0; alike < 2; alike++) {
		clock_simulate(1, 1767225600000);
		struct live *l = live_new("aipc");
		live_object(l, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}"));
		live_object(l, small_pod(0, "n", 1767225600000, 10, false));
		for (int i = 1; i <= MANY; i++)
			live_object(l, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'h-%d','uid':'h-%d','creationTimestamp':'2025-12-01T00:00:00Z'},'spec':{"
					       "'schedulerName':'aipc','containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'%d'}}}]}}", i, i, alike ? 9 : 8 + i));
		live_refilled(l);
		for (int i = 0; i < SECONDS * 10; i++) {
			struct live_word *w;
			while (live_decide(l, 1000))
				;
			while ((w = live_next_word(l)))
				live_word_free(w);
			clock_advance(100);
		}
		uint64_t looked = live_stats(l).looked;
		if (looked < 1 || looked > (alike ? 1 : (SECONDS + 1) * RESERVE_LOOKS))
			fail_msg("it was looked %llu times", (unsigned long long)looked);
		/* In time it is everybody's turn. */
		clock_advance(1000);
		while (live_decide(l, 1000))
			;
		assert_int_equal(live_stats(l).looked > looked, !alike);
		live_free(l);
		clock_real();
	}
}

/* Words wait while the server is slow: whoever was told nothing comes first, and of what changed twice only the newest is said. */
static void words_wait_their_turn(void **unused)
{
	(void)unused;
	enum { OLD = 3 };
	struct live_word *w;
	size_t n = 0;
	clock_simulate(1, 1767225600000);
	struct live *l = live_new("aipc");
	live_refilled(l);
	for (int i = 0; i < OLD; i++)
		live_object(l, small_pod(i, "", 1767225600000, 10, false));
	while (live_decide(l, 1000))
		;
	while ((w = live_next_word(l))) {
		assert_true(w->first);
		live_word_free(w);
		n++;
	}
	assert_int_equal(n, OLD);
	for (int nodes = 1; nodes < 4; nodes++) {
		live_object(l, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d'},'spec':{'unschedulable':true},'status':{'allocatable':{'cpu':'1','pods':'1','nvidia.com/gpu':'1'}}}", nodes));
		while (live_decide(l, 1000))
			;
	}
	live_object(l, small_pod(9, "", 1767225600000, 10, false));
	live_drop(l, "v1", "Pod", "ns", "s-1");
	while (live_decide(l, 1000))
		;
	for (n = 0; (w = live_next_word(l)); n++) {
		assert_string_equal(w->name, n ? strcmp(w->name, "s-1") == 0 ? "s-1" : n == 1 ? "s-0" : "s-2" : "s-9");
		assert_true(strcmp(w->name, "s-1") == 0 || strstr(w->message, "none of 3 nodes fits"));
		assert_true(w->event);
		n -= strcmp(w->name, "s-1") == 0;        /* it has gone; nobody is told */
		assert_int_equal(live_still_waits(l, w), strcmp(w->name, "s-1") != 0);
		live_word_free(w);
	}
	assert_int_equal(n, OLD);
	assert_false(live_has_work(l));
	live_free(l);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans), cmocka_unit_test(options), cmocka_unit_test(others_may_use_it_until_it_is_needed), cmocka_unit_test(it_says_when),
		cmocka_unit_test(no_room_is_kept_in_vain), cmocka_unit_test(who_is_nominated_has_the_room), cmocka_unit_test(order_and_age), cmocka_unit_test(a_large_gang_never_starves),
		cmocka_unit_test(words_wait_their_turn), cmocka_unit_test(the_hopeless_cost_little),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
