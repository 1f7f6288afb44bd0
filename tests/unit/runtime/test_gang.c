/* What a Gang says beside its topology: the most pods of a group, its priority, what an interruption costs, how its pods are displaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/runtime/placing.h"

static void member(struct world *w, const char *name, const char *of, const char *group, int gpus, const char *meta, const char *spec)
{
	char more[400];
	snprintf(more, sizeof(more), ",'labels':{'aipc.dev/gang':'%s'%s%s%s}%s", of, *group ? ",'aipc.dev/group':'" : "", group, *group ? "'" : "", meta);
	pod(w, name, gpus, more, spec);
}

/* The highest ranks wait; when one of the others has ended, one of them may go. */
static void a_group_has_a_maximum(void **unused)
{
	(void)unused;
	for (int bound = 0; bound < 2; bound++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 4);
		gang(&w, "g", "'groups':[{'name':'a','min':1,'max':2},{'name':'b','min':1}]");
		member(&w, "a-0", "g", "a", 8, "", bound ? ",'nodeName':'s0-l0-h00'" : "");
		for (int i = 1; i < 4; i++) {
			char name[16];
			snprintf(name, sizeof(name), "a-%d", i);
			member(&w, name, "g", "a", 1, "", "");
		}
		member(&w, "b-0", "g", "b", 1, "", "");
		decide(&w);
		assert_int_equal(placed(&w, "a-"), 2);
		assert_string_not_equal(at(&w, "a-1"), "");
		assert_string_equal(at(&w, "a-2"), "");
		assert_string_not_equal(at(&w, "b-0"), "");
		assert_true(said(&w, "a-3", "group a of Gang default/g may have 2 pods at most"));
		world_release(&w);
	}
}

static void class(struct world *w, const char *name, int value, const char *policy)
{
	add(w, "{'apiVersion':'scheduling.k8s.io/v1','kind':'PriorityClass','metadata':{'name':'%s'},'value':%d,'preemptionPolicy':'%s'}", name, value, policy);
}

/* One node that cannot hold both: the class of the gang decides, whatever its pods say. */
static void a_gang_has_a_priority(void **unused)
{
	(void)unused;
	static const struct { const char *spec, *at, *says; } rows[] = {
		{ "'min':1,'priorityClassName':'high'", "s0-l0-h00", NULL }, { "'min':1,'priorityClassName':'low'", "", NULL }, { "'min':1", "", NULL },
		{ "'min':1,'priorityClassName':'system-node-critical'", "s0-l0-h00", NULL },
		{ "'min':1,'priorityClassName':'hihg'", "", "Gang default/g: there is no PriorityClass hihg" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 1);
		class(&w, "high", 100, "PreemptLowerPriority");
		class(&w, "low", 1, "PreemptLowerPriority");
		gang(&w, "g", rows[i].spec);
		member(&w, "g-0", "g", "", 8, "", ",'priority':5");
		pod(&w, "other", 8, "", ",'priority':50");
		decide(&w);
		if (strcmp(at(&w, "g-0"), rows[i].at) != 0 || (rows[i].says && !said(&w, "g-0", rows[i].says)))
			fail_msg("%s: g-0 is on '%s'", rows[i].spec, at(&w, "g-0"));
		world_release(&w);
	}
}

/* What runs on two nodes, and which of the two goes for a pod that needs one: the gang on the first node, or pod b on the second, which lost an hour. */
static void what_an_interruption_costs(void **unused)
{
	(void)unused;
	static const struct { const char *what, *meta, *spec, *pod_meta, *goes; } rows[] = {
		{ "it runs for two hours, and nobody tells of checkpoints", "", "", "", "default/b" },
		{ "the gang tells of one a minute ago", ",'annotations':{'aipc.dev/last-checkpoint':'2026-01-01T11:59:00Z'}", "", "", "default/g-0" },
		{ "under a name of its own", ",'annotations':{'train.example/saved':'2026-01-01T11:59:00Z'}", ",'checkpoint':{'annotation':'train.example/saved'}", "", "default/g-0" },
		{ "under another name", ",'annotations':{'train.example/saved':'2026-01-01T11:59:00Z'}", "", "", "default/b" },
		{ "its pods tell of it", "", "", ",'annotations':{'aipc.dev/last-checkpoint':'2026-01-01T11:59:00Z'}", "default/g-0" },
		{ "every ten minutes", "", ",'checkpoint':{'intervalSeconds':600}", "", "default/g-0" },
		{ "every four hours", "", ",'checkpoint':{'intervalSeconds':14400}", "", "default/b" },
		{ "a restart takes two hours", ",'annotations':{'aipc.dev/last-checkpoint':'2026-01-01T11:59:00Z'}", ",'checkpoint':{'restartSeconds':7200}", "", "default/b" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		char meta[300];
		world_init(&w);
		fabric(&w, 1, 1, 2);
		add(&w, "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'name':'g','namespace':'default'%s},'spec':{'min':1%s}}", rows[i].meta, rows[i].spec);
		snprintf(meta, sizeof(meta), ",'creationTimestamp':'2026-01-01T10:00:00Z'%s", rows[i].pod_meta);
		member(&w, "g-0", "g", "", 8, meta, ",'nodeName':'s0-l0-h00'");
		resident(&w, "b", 8, 0, "s0-l0-h01", ",'creationTimestamp':'2026-01-01T11:00:00Z'");
		pod(&w, "p", 8, ",'creationTimestamp':'2026-01-01T12:00:00Z'", ",'priority':5");
		decide(&w);
		if (!said(&w, "p", rows[i].goes))
			fail_msg("%s: not %s", rows[i].what, rows[i].goes);
		world_release(&w);
	}
}

/* Above its minimum one by one; when the minimum must go, all of it. */
static void pods_of_a_gang_go_one_by_one(void **unused)
{
	(void)unused;
	static const struct { const char *spec; int gpus; const char *says, *not_said; } rows[] = {
		{ "'min':2,'preemption':{'unit':'Pod'}", 2, "preempting 1 pod of lower priority would let it start in node s0-l0-h00: default/g-3", NULL },
		{ "'min':2,'preemption':{'unit':'Pod'}", 4, "preempting 2 pods of lower priority would let it start in node s0-l0-h00: default/g-2, default/g-3", NULL },
		{ "'min':2,'preemption':{'unit':'Pod'}", 6, "preempting 4 pods", NULL },
		{ "'min':2", 2, "preempting 4 pods", NULL },
		{ "'min':4,'preemption':{'unit':'Pod'}", 2, "preempting 4 pods", NULL },
		{ "'min':2,'preemption':{'policy':'Never'}", 2, "preempting 4 pods", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 1);
		gang(&w, "g", rows[i].spec);
		for (int k = 0; k < 4; k++) {
			char name[16];
			snprintf(name, sizeof(name), "g-%d", k);
			member(&w, name, "g", "", 2, "", ",'nodeName':'s0-l0-h00'");
		}
		pod(&w, "p", rows[i].gpus, "", ",'priority':5");
		decide(&w);
		if (!said(&w, "p", rows[i].says))
			fail_msg("row %zu: not %s", i, rows[i].says);
		world_release(&w);
	}
	/* Who must not displace says so about itself. */
	struct world w;
	world_init(&w);
	fabric(&w, 1, 1, 1);
	resident(&w, "low", 8, 0, "s0-l0-h00", "");
	gang(&w, "g", "'min':1,'preemption':{'policy':'Never'}");
	member(&w, "g-0", "g", "", 8, "", ",'priority':5");
	decide(&w);
	assert_false(said(&w, "g-0", "preempting"));
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_has_a_maximum), cmocka_unit_test(a_gang_has_a_priority), cmocka_unit_test(what_an_interruption_costs),
		cmocka_unit_test(pods_of_a_gang_go_one_by_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
