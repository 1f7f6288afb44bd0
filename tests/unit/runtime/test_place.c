/* Where groups and single pods go: whole decisions on small fabrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "runtime/scheduler/split.h"
#include "tests/unit/runtime/placing.h"

static void a_gang_takes_the_tightest_leaf(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 2, 2, 4);
	pod(&w, "busy", 8, "", ",'nodeName':'s1-l1-h00'");
	gang(&w, "train", "'min':3,'required':'leaf'");
	members(&w, "train", 3, 8);
	decide(&w);
	assert_string_equal(at(&w, "train-0"), "s1-l1-h01");
	assert_string_equal(at(&w, "train-1"), "s1-l1-h02");
	assert_string_equal(at(&w, "train-2"), "s1-l1-h03");
	world_release(&w);
}

static void all_or_none_with_reasons(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 2, 2, 4);
	gang(&w, "train", "'min':5,'required':'leaf'");
	members(&w, "train", 5, 8);
	decide(&w);
	assert_int_equal(placed(&w, "train"), 0);
	assert_true(said(&w, "train-0", "5 pods must start together in one leaf"));
	assert_true(said(&w, "train-4", "best: leaf s0-l0 has room for 4, 1 short"));
	assert_true(said(&w, "train-4", "it would fit into one spine-group"));
	world_release(&w);
}

/* Pods of one class share what was found out of nodes, not what else was said of one of them. */
static void a_pod_beside_a_group_has_its_own_reasons(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 1, 2);
	gang(&w, "gang", "'min':2");
	members(&w, "gang", 2, 9);
	pod(&w, "lone", 9, "", "");
	pod(&w, "lone-too", 9, "", "");
	decide(&w);
	assert_true(said(&w, "gang-1", "Gang default/gang is not placed"));
	assert_true(said(&w, "gang-1", "insufficient nvidia.com/gpu"));
	for (const char *name = "lone"; name; name = strcmp(name, "lone") == 0 ? "lone-too" : NULL) {
		assert_true(said(&w, name, "none of 2 nodes fits"));
		assert_true(said(&w, name, "insufficient nvidia.com/gpu"));
		assert_false(said(&w, name, "Gang"));
		assert_false(said(&w, name, "start together"));
	}
	world_release(&w);
}

static void without_a_level_the_fewest_domains(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 2, 3, 4);
	pod(&w, "busy", 8, "", ",'nodeName':'s0-l1-h00'");
	gang(&w, "train", "'min':8");
	members(&w, "train", 8, 8);
	decide(&w);
	/* 8 pods need two whole leaves: of s0 the two free ones, as s0 has less left over. */
	assert_int_equal(placed(&w, "train-"), 8);
	assert_true(together(&w, "train", 0, 8, 2));
	assert_true(together(&w, "train", 0, 4, 5));
	assert_true(together(&w, "train", 4, 8, 5));
	world_release(&w);
}

static void ranks_follow_the_fabric_and_slices_stay_whole(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 2, 3, 4);
	pod(&w, "busy", 8, "", ",'nodeName':'s0-l1-h00'");
	gang(&w, "train", "'min':10,'required':'spine-group','slices':[{'level':'leaf','size':3}]");
	members(&w, "train", 10, 8);
	decide(&w);
	assert_int_equal(placed(&w, "train-"), 10);
	assert_true(together(&w, "train", 0, 10, 2));
	for (int i = 0; i < 9; i += 3)
		assert_true(together(&w, "train", i, i + 3, 5));
	world_release(&w);
}

static void a_single_pod_packs(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 2, 3);
	pod(&w, "half", 4, "", ",'nodeName':'s0-l1-h02'");
	pod(&w, "one", 1, "", "");
	pod(&w, "whole", 8, "", "");
	pod(&w, "none", 0, "", "");
	decide(&w);
	assert_string_equal(at(&w, "one"), "s0-l1-h02");
	/* The whole node comes from the leaf that is broken already. */
	assert_true(strncmp(at(&w, "whole"), "s0-l1", 5) == 0);
	world_release(&w);
}

static void an_empty_nvlink_domain_stays_whole(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	for (int d = 0; d < 2; d++)
		for (int h = 0; h < 2; h++)
			add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'d%d-%d','labels':{'aipc.dev/nvlink-domain':'d%d'}},"
				"'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'%d'}}}", d, h, d, d ? 8 : 1);
	pod(&w, "busy", 1, "", ",'nodeName':'d1-0'");
	pod(&w, "p", 1, "", "");
	decide(&w);
	/* d0's nodes are tighter, but d0 is empty. */
	assert_string_equal(at(&w, "p"), "d1-0");
	world_release(&w);
}

static void spares_wait_for_repairs(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'n','labels':{'aipc.dev/spare':'true'}},'status':{'allocatable':"
		"{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}");
	pod(&w, "p", 1, "", "");
	decide(&w);
	assert_string_equal(at(&w, "p"), "");
	assert_true(said(&w, "p", "kept as a spare"));
	world_release(&w);
}

static void mig_profiles_pack_by_what_is_left(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	static const struct { const char *name, *has; } nodes[] = {
		{ "a", "'nvidia.com/mig-1g.10gb':'2','nvidia.com/mig-3g.40gb':'2'" }, { "b", "'nvidia.com/mig-1g.10gb':'2'" },
	};
	for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
		add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s'},'status':{'allocatable':{'cpu':'8','pods':'10',%s}}}", nodes[i].name, nodes[i].has);
	add(&w, "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'p','namespace':'default'},'spec':{'containers':[{'name':'c','resources':"
		"{'requests':{'nvidia.com/mig-1g.10gb':'1'}}}]}}");
	decide(&w);
	assert_string_equal(at(&w, "p"), "b");
	world_release(&w);
}

/* Each dialect, one row: the object, what ties a pod to it, pods, and how many are placed on 4 nodes of one leaf. */
static void dialects(void **unused)
{
	(void)unused;
	static const struct { const char *object, *meta, *spec; int pods, placed; const char *says; } rows[] = {
		{ "'apiVersion':'scheduling.k8s.io/v1alpha2','kind':'PodGroup','spec':{'schedulingPolicy':{'gang':{'minCount':4}}}", "",
		  ",'schedulingGroup':{'podGroupName':'g'}", 4, 4, NULL },
		{ "'apiVersion':'scheduling.k8s.io/v1beta1','kind':'PodGroup','spec':{'schedulingPolicy':{'gang':{'minCount':5}}}", "",
		  ",'schedulingGroup':{'podGroupName':'g'}", 5, 0, "5 pods must start together" },
		{ "'apiVersion':'scheduling.k8s.io/v1beta1','kind':'PodGroup','spec':{'schedulingPolicy':{'gang':{'minCount':3}}}", "",
		  ",'schedulingGroup':{'podGroupName':'g'}", 5, 4, NULL },
		{ "'apiVersion':'scheduling.k8s.io/v1beta1','kind':'PodGroup','spec':{'schedulingPolicy':{'basic':{}}}", "",
		  ",'schedulingGroup':{'podGroupName':'g'}", 5, 4, "insufficient nvidia.com/gpu" },
		{ "'apiVersion':'scheduling.k8s.io/v1alpha2','kind':'PodGroup','spec':{'schedulingPolicy':{'gang':{'minCount':2}},"
		  "'schedulingConstraints':{'topology':[{'key':'nowhere'}]}}", "", ",'schedulingGroup':{'podGroupName':'g'}", 2, 0, "no node has the label nowhere" },
		{ "'apiVersion':'scheduling.x-k8s.io/v1alpha1','kind':'PodGroup','spec':{'minMember':5}", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", "", 4, 0,
		  "4 of at least 5 pods are there" },
		{ "'apiVersion':'scheduling.x-k8s.io/v1alpha1','kind':'PodGroup','spec':{'minMember':2}", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", "", 2, 2, NULL },
		{ "'apiVersion':'v1','kind':'ConfigMap'", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", "", 2, 0, "PodGroup default/g, which is not there" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'spread':[{'level':'leaf','maxPercent':50}]}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0,
		  "the cluster has room for 2, but not in the slices, within the spread or next to the pods" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'spread':[{'level':'node','maxPercent':50}]}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 2, NULL },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'spread':[{'level':'row','maxPercent':50}]}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0,
		  "its spread names row, which is no level of the topology" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'topology':'other'}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0, "names the topology other" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'topology':'default'}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 2, NULL },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'groups':[{'name':'a','parent':'b'},{'name':'b','parent':'a'}]}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0,
		  "a parent that is not there" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':2,'required':['leaf']}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0, "its spec.required is no string" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'min':-1}", ",'labels':{'aipc.dev/gang':'g'}", "", 2, 0, "its spec.min is no whole number from 1" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'groups':[{'name':'a','min':2,'slices':[{'level':'leaf'}]}]}", ",'labels':{'aipc.dev/gang':'g','aipc.dev/group':'a'}", "", 2, 0,
		  "its spec.groups[0].slices[0].size is missing" },
		{ "'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','spec':{'topology':'other','groups':[{'name':'a','min':2}]}", ",'labels':{'aipc.dev/gang':'g','aipc.dev/group':'a'}", "", 2, 0,
		  "names the topology other" },
		{ "'apiVersion':'scheduling.k8s.io/v1beta1','kind':'PodGroup','spec':{'schedulingPolicy':{'gang':{'minCount':'2'}}}", "",
		  ",'schedulingGroup':{'podGroupName':'g'}", 2, 0, "its spec.schedulingPolicy.gang.minCount is no whole number from 1" },
		{ "'apiVersion':'v1','kind':'ConfigMap'", ",'labels':{'kueue.x-k8s.io/pod-group-name':'g'},'annotations':{'kueue.x-k8s.io/pod-group-total-count':'3'}", "", 2, 0,
		  "2 of at least 3" },
		{ "'apiVersion':'v1','kind':'ConfigMap'", ",'labels':{'batch.kubernetes.io/job-name':'g'},'annotations':{'kueue.x-k8s.io/podset-required-topology':'kubernetes.io/hostname'}",
		  "", 2, 0, "in one kubernetes.io/hostname" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 4);
		add(&w, "{%s,'metadata':{'name':'g','namespace':'default'}}", rows[i].object);
		for (int p = 0; p < rows[i].pods; p++) {
			char name[16];
			snprintf(name, sizeof(name), "p-%d", p);
			pod(&w, name, 8, rows[i].meta, rows[i].spec);
		}
		decide(&w);
		assert_int_equal(placed(&w, "p-"), rows[i].placed);
		char last[16];
		snprintf(last, sizeof(last), "p-%d", rows[i].pods - 1);
		if (rows[i].says && !said(&w, last, rows[i].says))
			fail_msg("row %zu does not say: %s", i, rows[i].says);
		world_release(&w);
	}
}

/* Six do not fit into one leaf of four: while there is patience they wait for it, then they take two. Time is what the objects show. */
static void patience_for_the_preferred_level(void **unused)
{
	(void)unused;
	for (int late = 0; late < 2; late++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 4);
		gang(&w, "train", "'min':6,'preferred':'leaf','patienceSeconds':600");
		for (int i = 0; i < 6; i++) {
			char name[32];
			snprintf(name, sizeof(name), "train-%d", i);
			pod(&w, name, 8, ",'creationTimestamp':'2026-01-01T00:00:00Z','labels':{'aipc.dev/gang':'train'}", "");
		}
		pod(&w, "clock", 0, late ? ",'creationTimestamp':'2026-01-01T00:10:00Z'" : ",'creationTimestamp':'2026-01-01T00:09:59Z'", "");
		decide(&w);
		assert_int_equal(placed(&w, "train-"), late ? 6 : 0);
		assert_int_equal(said(&w, "train-0", "one leaf is preferred; what is wider is taken after 600 s of waiting"), !late);
		world_release(&w);
	}
}

static void a_tree_of_groups_starts_as_one(void **unused)
{
	(void)unused;
	static const struct { int workers, expect; } rows[] = { { 6, 8 }, { 15, 0 } };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		char meta[128], name[32];
		world_init(&w);
		fabric(&w, 1, 2, 4);
		gang(&w, "g", "'required':'spine-group','groups':[{'name':'lead','min':2,'required':'node'},{'name':'work','min':1,'required':'leaf'}]");
		for (int p = 0; p < 2 + rows[i].workers; p++) {
			snprintf(name, sizeof(name), "g-%d", p);
			snprintf(meta, sizeof(meta), ",'labels':{'aipc.dev/gang':'g','aipc.dev/group':'%s'}", p < 2 ? "lead" : "work");
			pod(&w, name, p < 2 ? 4 : rows[i].workers == 6 ? 4 : 32, meta, "");
		}
		decide(&w);
		assert_int_equal(placed(&w, "g-"), rows[i].expect);
		if (rows[i].expect) {
			assert_string_equal(at(&w, "g-0"), at(&w, "g-1"));
			assert_true(together(&w, "g", 2, 8, 5));
		}
		world_release(&w);
	}
}

static void mixed_pods_share_a_leaf(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 3, 2);
	pod(&w, "busy", 3, "", ",'nodeName':'s0-l0-h00'");
	gang(&w, "g", "'required':'leaf','min':5");
	for (int i = 0; i < 5; i++) {
		char name[16];
		snprintf(name, sizeof(name), "g-%d", i);
		pod(&w, name, i == 3 ? 8 : 2, ",'labels':{'aipc.dev/gang':'g'}", "");
	}
	decide(&w);
	assert_int_equal(placed(&w, "g-"), 5);
	assert_true(together(&w, "g", 0, 5, 5));
	world_release(&w);
}

/* Each of the two would fit alone: 4 devices are free on the only node. */
static void mixed_pods_do_not_overfill_a_node(void **unused)
{
	(void)unused;
	for (int slices = 0; slices < 2; slices++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 1);
		pod(&w, "busy", 4, "", ",'nodeName':'s0-l0-h00'");
		gang(&w, "g", slices ? "'required':'leaf','min':2,'slices':[{'level':'node','size':2}]" : "'required':'leaf','min':2");
		pod(&w, "g-0", 2, ",'labels':{'aipc.dev/gang':'g'}", "");
		pod(&w, "g-1", 4, ",'labels':{'aipc.dev/gang':'g'}", "");
		decide(&w);
		assert_int_equal(placed(&w, "g-"), 0);
		assert_true(said(&w, "g-0", "leaf s0-l0 has room for each kind of its pods, but not for all of them together"));
		world_release(&w);
	}
}

static void more_than_the_minimum_joins_later(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 2, 1);
	gang(&w, "g", "'required':'leaf','min':1");
	pod(&w, "g-0", 8, ",'labels':{'aipc.dev/gang':'g'}", ",'nodeName':'s0-l1-h00'");
	pod(&w, "g-1", 8, ",'labels':{'aipc.dev/gang':'g'}", "");
	decide(&w);
	assert_string_equal(at(&w, "g-1"), "");
	assert_true(said(&w, "g-1", "the minimum of 1 runs; it joins when there is room in the same leaf as the others"));
	world_release(&w);
}

static void running_members_pin_the_domain(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 2, 4);
	gang(&w, "g", "'required':'leaf','min':3");
	pod(&w, "g-0", 8, ",'labels':{'aipc.dev/gang':'g'}", ",'nodeName':'s0-l1-h03'");
	pod(&w, "g-1", 8, ",'labels':{'aipc.dev/gang':'g'}", "");
	pod(&w, "g-2", 8, ",'labels':{'aipc.dev/gang':'g'}", "");
	decide(&w);
	assert_true(together(&w, "g", 0, 3, 5));
	world_release(&w);
}

static void a_replacement_goes_where_it_was_sent(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 1, 3);
	add(&w, "{'apiVersion':'aipc.dev/v1alpha1','kind':'SparePool','metadata':{'name':'s'},'spec':{'nodeSelector':{'pool':'x'}}}");
	add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'spare','labels':{'pool':'x'}},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}");
	add(&w, "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'name':'g','namespace':'default'},'spec':{'min':3},"
		"'status':{'replacements':[{'group':'','rank':1,'node':'spare'}]}}");
	members(&w, "g", 3, 8);
	pod(&w, "other", 8, "", "");
	pod(&w, "late", 8, "", "");
	decide(&w);
	assert_string_equal(at(&w, "g-1"), "spare");
	assert_int_equal(placed(&w, "g-"), 3);
	assert_int_equal(placed(&w, "other") + placed(&w, "late"), 1);
	world_release(&w);
}

/* Far more could go than has to: only who stands where the group would go is named, dear or cheap. */
static void victims_stand_in_the_way(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 25, 4);
	for (int l = 0; l < 25; l++) {
		for (int i = 0; i < 8; i++) {
			char name[32], node[32];
			snprintf(name, sizeof(name), "low-%02d-%d", l, i);
			snprintf(node, sizeof(node), "s0-l%d-h%02d", l, i / 2);
			resident(&w, name, 4, 1, node, "");
		}
	}
	gang(&w, "g", "'min':2");
	for (int i = 0; i < 2; i++)
		pod(&w, i ? "g-1" : "g-0", 8, ",'labels':{'aipc.dev/gang':'g'}", ",'priority':5,'nodeSelector':{'aipc.dev/leaf':'s0-l23'}");
	decide(&w);
	assert_true(said(&w, "g-0", "preempting 4 pods of lower priority"));
	assert_true(said(&w, "g-0", "default/low-23-0, default/low-23-1, default/low-23-2, default/low-23-3"));
	world_release(&w);
}

/* One leaf of two nodes: who would have to go for what waits. */
static void victims_are_few_and_cheap(void **unused)
{
	(void)unused;
	static const char budget[] = "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'b','namespace':'default'},"
				     "'spec':{'selector':{'matchLabels':{'app':'x'}}},'status':{'disruptionsAllowed':0}}";
#define GIVES(name) "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'" name "','namespace':'default'}," \
		    "'spec':{'selector':{'matchLabels':{'app':'x'}}},'status':{'disruptionsAllowed':9}}"
	static const struct {
		struct { const char *name, *node, *meta; int gpus, priority; } run[4];
		const char *object, *waiter_meta, *waiter_spec;
		int gpus;
		const char *says, *not_said;
	} rows[] = {
		/* the lower priority goes */
		{ { { "a", "s0-l0-h00", "", 8, 1 }, { "b", "s0-l0-h01", "", 8, 2 } }, NULL, "", ",'priority':5", 8, "would let it start in node s0-l0-h00: default/a", NULL },
		/* as few as needed */
		{ { { "a", "s0-l0-h00", "", 4, 1 }, { "b", "s0-l0-h00", "", 4, 1 }, { "c", "s0-l0-h01", "", 8, 1 } }, NULL, "", ",'priority':5", 4, "preempting 1 pod ", NULL },
		/* equals stay */
		{ { { "a", "s0-l0-h00", "", 8, 5 }, { "b", "s0-l0-h01", "", 8, 5 } }, NULL, "", ",'priority':5", 8, "insufficient", "preempting" },
		/* who never preempts */
		{ { { "a", "s0-l0-h00", "", 8, 1 }, { "b", "s0-l0-h01", "", 8, 1 } }, NULL, "", ",'priority':5,'preemptionPolicy':'Never'", 8, "insufficient", "preempting" },
		/* a budget that has nothing to give protects */
		{ { { "a", "s0-l0-h00", ",'labels':{'app':'x'}", 8, 1 }, { "b", "s0-l0-h01", "", 8, 2 } }, budget, "", ",'priority':5", 8, "in node s0-l0-h01: default/b", NULL },
		/* one that has something to give does not, two always do */
		{ { { "a", "s0-l0-h00", ",'labels':{'app':'x'}", 8, 1 }, { "b", "s0-l0-h01", "", 8, 2 } }, GIVES("b"), "", ",'priority':5", 8, "in node s0-l0-h00: default/a", NULL },
		{ { { "a", "s0-l0-h00", ",'labels':{'app':'x'}", 8, 1 }, { "b", "s0-l0-h01", "", 8, 2 } },
		  "{'apiVersion':'v1','kind':'List','items':[" GIVES("b") "," GIVES("c") "]}", "", ",'priority':5", 8, "in node s0-l0-h01: default/b", NULL },
		/* a gang goes as a whole, which is dearer than one pod of the same priority */
		{ { { "g-0", "s0-l0-h00", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", 8, 1 }, { "g-1", "s0-l0-h01", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", 1, 1 },
		    { "b", "s0-l0-h01", "", 7, 1 } },
		  "{'apiVersion':'scheduling.x-k8s.io/v1alpha1','kind':'PodGroup','metadata':{'name':'g','namespace':'default'},'spec':{'minMember':2}}", "", ",'priority':5", 7,
		  "preempting 1 pod of lower priority would let it start in node s0-l0-h01: default/b", NULL },
		{ { { "g-0", "s0-l0-h00", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", 8, 1 }, { "g-1", "s0-l0-h01", ",'labels':{'scheduling.x-k8s.io/pod-group':'g'}", 1, 1 },
		    { "b", "s0-l0-h01", "", 7, 1 } },
		  "{'apiVersion':'scheduling.x-k8s.io/v1alpha1','kind':'PodGroup','metadata':{'name':'g','namespace':'default'},'spec':{'minMember':2}}", "", ",'priority':5", 8,
		  "default/g-0, default/g-1", "default/b" },
		/* the older checkpoint is dearer */
		{ { { "a", "s0-l0-h00", ",'annotations':{'aipc.dev/last-checkpoint':'2026-01-01T00:00:00Z'}", 8, 1 },
		    { "b", "s0-l0-h01", ",'annotations':{'aipc.dev/last-checkpoint':'2026-01-01T01:00:00Z'}", 8, 1 } }, NULL, "", ",'priority':5", 8, "node s0-l0-h01: default/b", NULL },
		/* nobody more while room is being made */
		{ { { "a", "s0-l0-h00", ",'deletionTimestamp':'2026-01-01T00:00:00Z'", 8, 1 }, { "b", "s0-l0-h01", "", 8, 1 } }, NULL, "", ",'priority':5", 8,
		  "when pods that are being deleted have gone", "preempting" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 1, 2);
		if (rows[i].object)
			add(&w, "%s", rows[i].object);
		for (size_t r = 0; r < ARRAY_LEN(rows[i].run) && rows[i].run[r].name; r++)
			resident(&w, rows[i].run[r].name, rows[i].run[r].gpus, rows[i].run[r].priority, rows[i].run[r].node, rows[i].run[r].meta);
		pod(&w, "p", rows[i].gpus, rows[i].waiter_meta, rows[i].waiter_spec);
		decide(&w);
		assert_string_equal(at(&w, "p"), "");
		if (!said(&w, "p", rows[i].says) || (rows[i].not_said && said(&w, "p", rows[i].not_said)))
			fail_msg("row %zu: %s", i, rows[i].says);
		for (size_t k = 0; k < w.m->pods.len; k++)
			assert_true(strcmp(w.m->pods.at[k]->key, "default/p") == 0 || w.m->pods.at[k]->node);
		world_release(&w);
	}
}

static void a_gang_displaces_in_one_domain(void **unused)
{
	(void)unused;
	struct world w;
	world_init(&w);
	fabric(&w, 1, 2, 2);
	resident(&w, "a", 8, 3, "s0-l0-h00", "");
	resident(&w, "b", 8, 1, "s0-l0-h01", "");
	resident(&w, "c", 8, 2, "s0-l1-h00", "");
	resident(&w, "d", 8, 2, "s0-l1-h01", "");
	gang(&w, "g", "'min':2,'required':'leaf'");
	for (int i = 0; i < 2; i++) {
		char name[16];
		snprintf(name, sizeof(name), "g-%d", i);
		pod(&w, name, 8, ",'labels':{'aipc.dev/gang':'g'}", ",'priority':9");
	}
	decide(&w);
	assert_true(said(&w, "g-1", "preempting 2 pods of lower priority would let it start in leaf s0-l1: default/c, default/d"));
	world_release(&w);
}

/* The whole search beside split(): as few children, then as little left over, as any subset. */
static void split_is_optimal(void **unused)
{
	(void)unused;
	uint64_t seed = 7;
	for (int round = 0; round < 3000; round++) {
		int64_t cap[9], share[9], sum = 0;
		size_t n = 1 + (size_t)(seed >> 33) % 9, least = 99, used = 0;
		int64_t left = INT64_MAX, given = 0, taken = 0;
		for (size_t i = 0; i < n; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			cap[i] = (int64_t)(seed >> 40) % 7;
			sum += cap[i];
		}
		int64_t want = 1 + (int64_t)(seed >> 50) % (sum + 2);
		for (unsigned set = 1; set < 1u << n; set++) {
			int64_t s = 0;
			for (size_t i = 0; i < n; i++)
				s += set >> i & 1 ? cap[i] : 0;
			size_t k = (size_t)__builtin_popcount(set);
			if (s >= want && (k < least || (k == least && s - want < left))) {
				least = k;
				left = s - want;
			}
		}
		assert_int_equal(split(cap, n, want, share), least != 99);
		for (size_t i = 0; least != 99 && i < n; i++) {
			assert_true(share[i] >= 0 && share[i] <= cap[i]);
			given += share[i];
			used += share[i] > 0;
			taken += share[i] ? cap[i] : 0;
		}
		if (least != 99) {
			assert_int_equal(given, want);
			assert_int_equal(used, least);
			assert_int_equal(taken - want, left);
		}
	}
}

/* --- pods that differ, against every way to put them ---------------------------------------------------------------- */

enum { MIX_LEAVES = 2, MIX_HOSTS = 4, MIX_PODS = 7 };

struct mix { int gpus[MIX_LEAVES][MIX_HOSTS], cpu[MIX_LEAVES][MIX_HOSTS], hosts[MIX_LEAVES], n, want_gpus[MIX_PODS], want_cpu[MIX_PODS]; };

static unsigned roll(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(*seed >> 33) % n;
}

static bool any_way(struct mix *x, int leaf, int p)
{
	if (p == x->n)
		return true;
	for (int h = 0; h < x->hosts[leaf]; h++) {
		int *g = &x->gpus[leaf][h], *c = &x->cpu[leaf][h];
		if (*g < x->want_gpus[p] || *c < x->want_cpu[p])
			continue;
		*g -= x->want_gpus[p];
		*c -= x->want_cpu[p];
		bool ok = any_way(x, leaf, p + 1);
		*g += x->want_gpus[p];
		*c += x->want_cpu[p];
		if (ok)
			return true;
	}
	return false;
}

static void mix_make(struct mix *x, uint64_t *seed)
{
	static const int cpus[] = { 1, 8, 30, 40 };
	for (int l = 0; l < MIX_LEAVES; l++) {
		x->hosts[l] = 1 + (int)roll(seed, MIX_HOSTS);
		for (int h = 0; h < x->hosts[l]; h++) {
			x->gpus[l][h] = 1 + (int)roll(seed, 8);
			x->cpu[l][h] = 64;
		}
	}
	x->n = 2 + (int)roll(seed, MIX_PODS - 1);
	for (int p = 0; p < x->n; p++) {
		x->want_gpus[p] = (int)roll(seed, 7);
		x->want_cpu[p] = cpus[roll(seed, ARRAY_LEN(cpus))];
	}
}

/* Leaf by leaf; the whole group is placed where, and only where, some way to put its pods exists. */
static void mixed_pods_find_any_way_there_is(void **unused)
{
	(void)unused;
	uint64_t seed = 4;
	int fit = 0;
	for (int round = 0; round < 1500; round++) {
		struct world w;
		struct mix x = { 0 };
		bool ok = false;
		world_init(&w);
		mix_make(&x, &seed);
		for (int l = 0; l < MIX_LEAVES; l++) {
			ok = ok || any_way(&x, l, 0);
			for (int h = 0; h < x.hosts[l]; h++)
				add(&w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'l%d-h%d','labels':{'aipc.dev/leaf':'l%d'}},"
					"'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'%d'}}}", l, h, l, x.gpus[l][h]);
		}
		add(&w, "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'name':'g','namespace':'default'},'spec':{'min':%d,'required':'leaf'}}", x.n);
		for (int p = 0; p < x.n; p++)
			add(&w, "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'g-%d','namespace':'default','labels':{'aipc.dev/gang':'g'}},'spec':{'containers':"
				"[{'name':'c','resources':{'requests':{'cpu':'%d','nvidia.com/gpu':'%d'}}}]}}", p, x.want_cpu[p], x.want_gpus[p]);
		decide(&w);
		assert_int_equal(placed(&w, "g-"), ok ? x.n : 0);
		assert_true(ok || !said(&w, "g-0", "heuristic"));
		assert_true(!ok || together(&w, "g", 0, x.n, 3));
		fit += ok;
		world_release(&w);
	}
	assert_in_range(fit, 300, 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gang_takes_the_tightest_leaf), cmocka_unit_test(all_or_none_with_reasons), cmocka_unit_test(a_pod_beside_a_group_has_its_own_reasons),
		cmocka_unit_test(without_a_level_the_fewest_domains), cmocka_unit_test(ranks_follow_the_fabric_and_slices_stay_whole),
		cmocka_unit_test(a_single_pod_packs), cmocka_unit_test(an_empty_nvlink_domain_stays_whole), cmocka_unit_test(spares_wait_for_repairs),
		cmocka_unit_test(mig_profiles_pack_by_what_is_left), cmocka_unit_test(dialects), cmocka_unit_test(patience_for_the_preferred_level),
		cmocka_unit_test(a_tree_of_groups_starts_as_one),
		cmocka_unit_test(mixed_pods_share_a_leaf), cmocka_unit_test(mixed_pods_do_not_overfill_a_node), cmocka_unit_test(more_than_the_minimum_joins_later), cmocka_unit_test(mixed_pods_find_any_way_there_is),
		cmocka_unit_test(running_members_pin_the_domain), cmocka_unit_test(a_replacement_goes_where_it_was_sent),
		cmocka_unit_test(victims_stand_in_the_way), cmocka_unit_test(victims_are_few_and_cheap), cmocka_unit_test(a_gang_displaces_in_one_domain), cmocka_unit_test(split_is_optimal),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
