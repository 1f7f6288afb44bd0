/* What the scheduler has written into the status of groups, and the node it keeps for a pod: by tables of what there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "runtime/scheduler/live.h"
#include "tests/unit/runtime/fixture.h"

enum { SLICE_MS = 50, SETTLED_MS = 1100 };
static const char gang[] = "Gang", upstream[] = "PodGroup scheduling.k8s.io/v1alpha2", beta[] = "PodGroup scheduling.k8s.io/v1beta1",
		  coscheduling[] = "PodGroup scheduling.x-k8s.io/v1alpha1";

static void put(struct live *l, json_t *j)
{
	live_put(l, j);
	json_decref(j);
}

static void node(struct live *l, const char *name, int gpus)
{
	put(l, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'%s','labels':{'aipc.dev/leaf':'l%c'}},"
		       "'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'%d'}}}", name, name[1], gpus));
}

/* A pod of the group G of KIND; NODE "" when it waits, PHASE and MORE of its spec as they are. */
static json_t *pod_of(const char *kind, const char *name, const char *on, const char *phase, const char *more)
{
	const char *label = kind == gang ? "'aipc.dev/gang':'g'" : kind == coscheduling ? "'scheduling.x-k8s.io/pod-group':'g'" : "'a':'b'";
	const char *link = kind == upstream || kind == beta ? ",'schedulingGroup':{'podGroupName':'g'}" : "";
	return fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'%s','uid':'u-%s','labels':{%s},'annotations':{%s}},"
		       "'spec':{'schedulerName':'aipc'%s%s%s%s,'containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'8'}}}]%s},'status':{'phase':'%s'}}",
		      name, name, label, *on ? "'aipc.dev/plan':'abc'" : "", link, *on ? ",'nodeName':'" : "", on, *on ? "'" : "", more, phase);
}

static void group(struct live *l, const char *kind, const char *spec, const char *status)
{
	bool own = kind == gang;
	put(l, fixture("{'apiVersion':'%s','kind':'%s','metadata':{'namespace':'ns','name':'g','uid':'g1','generation':3},'spec':{%s},'status':{%s}}",
		      own ? "aipc.dev/v1alpha1" : strchr(kind, ' ') + 1, own ? "Gang" : "PodGroup", spec, status));
}

/* Decides, and lets the status settle. Bindings stay as they are. */
static struct live_status *settled(struct live *l)
{
	for (int i = 0; i < 6; i++) {
		while (live_decide(l, SLICE_MS) && !live_has_work(l))
			;
		for (struct live_word *w; (w = live_next_word(l));)
			live_word_free(w);
		/* Words come first: those of a group that is short after 0.4 s. */
		clock_advance(SETTLED_MS / 2);
	}
	return live_next_status(l);
}

/* WANT is in HAVE: of objects the keys named, of lists each element in the same place. */
static bool within(const json_t *want, const json_t *have)
{
	const char *key;
	json_t *value;
	size_t i;
	if (json_is_array(want)) {
		json_array_foreach(want, i, value) {
			if (!within(value, json_array_get(have, i)))
				return false;
		}
		return true;
	}
	if (!json_is_object(want))
		return json_same(want, have);
	json_object_foreach((json_t *)want, key, value)
		if (!within(value, json_at(have, key)))
			return false;
	return true;
}

static const struct row { const char *what, *kind, *spec, *stored, *pods, *want; } rows[] = {
	/* PODS: words NAME:NODE:PHASE. WANT NULL: nothing is written. */
	{ "no pods yet", gang, "'min':2", "", "", "{'phase':'Pending','wanted':0,'bound':0,'observedGeneration':3,'conditions':[{'type':'Placed','status':'False','reason':'WaitingForPods'},"
	  "{'type':'Accepted','status':'True'}]}" },
	{ "too few", gang, "'min':2", "", "a::Pending", "{'phase':'Pending','wanted':1,'bound':0,'conditions':[{'status':'False','reason':'WaitingForPods'}]}" },
	{ "no room", gang, "'min':3", "", "a::Pending b::Pending c::Pending", "{'phase':'Pending','wanted':3,'bound':0,'conditions':[{'status':'False','reason':'Unschedulable'}]}" },
	{ "placed", gang, "'min':2", "", "a:n1:Pending b:n2:Running", "{'phase':'Placed','wanted':2,'bound':2,'plan':'abc','conditions':[{'status':'True','reason':'Placed'}]}" },
	{ "in one domain", gang, "'min':1", "", "a:n1:Running", "{'phase':'Running','domain':'leaf=l1'}" },
	{ "runs", gang, "'min':2", "", "a:n1:Running b:n2:Running", "{'phase':'Running','bound':2}" },
	{ "half there", gang, "'min':2", "", "a:n1:Running b::Pending c::Pending", "{'wanted':3,'bound':1,'phase':'Pending'}" },
	{ "being repaired", gang, "'min':1", "'replacements':[{'group':'','rank':0,'node':'n2'}]", "a:n1:Running", "{'phase':'Repairing'}" },
	{ "ended", gang, "'min':2", "", "a:n1:Succeeded b:n2:Succeeded", "{'phase':'Finished','wanted':0,'bound':0}" },
	{ "ended badly", gang, "'min':2", "", "a:n1:Succeeded b:n2:Failed", "{'phase':'Failed','wanted':0}" },
	{ "the ended are gone", gang, "'min':2", "'phase':'Finished','wanted':1", "", "{'phase':'Finished','wanted':0}" },
	{ "one of two has ended", gang, "'min':2", "'conditions':[{'type':'Placed','status':'True','lastTransitionTime':'x'}]", "a:n1:Succeeded b:n2:Running",
	  "{'phase':'Running','wanted':1,'bound':1,'conditions':[{'status':'True','lastTransitionTime':'x'}]}" },
	{ "refused", gang, "'min':1,'topology':'other'", "", "a::Pending", "{'conditions':[{'type':'Placed','status':'False','reason':'Refused'},{'type':'Accepted','status':'False','reason':'Refused'}]}" },
	{ "known already", gang, "'min':1", "'phase':'Running','wanted':1,'bound':1,'plan':'abc','domain':'leaf=l1','observedGeneration':3,'conditions':["
	  "{'type':'Repairing','status':'False'},{'type':'Placed','status':'True','reason':'Placed','message':'as many pods as must start together have a node','observedGeneration':3,"
	  "'lastTransitionTime':'x'},{'type':'Accepted','status':'True','reason':'Accepted','message':'the spec is followed','observedGeneration':3,'lastTransitionTime':'x'}]",
	  "a:n1:Running", NULL },
	{ "a domain that is no more", gang, "'min':9", "'phase':'Pending','domain':'leaf=l1'", "", "{'phase':'Pending'}" },

	{ "placed", upstream, "'schedulingPolicy':{'gang':{'minCount':1}}", "", "a:n1:Running", "{'conditions':[{'type':'PodGroupScheduled','status':'True','reason':'Scheduled','observedGeneration':3}]}" },
	{ "placed, the newer version", beta, "'schedulingPolicy':{'gang':{'minCount':1}}", "", "a:n1:Running", "{'conditions':[{'type':'PodGroupInitiallyScheduled','status':'True'}]}" },
	{ "waits", upstream, "'schedulingPolicy':{'gang':{'minCount':2}}", "", "a::Pending", "{'conditions':[{'status':'False','reason':'Unschedulable'}]}" },
	{ "cannot be placed", upstream, "'schedulingPolicy':{'gang':{'minCount':1}},'parentCompositePodGroupName':'p'", "", "a::Pending", "{'conditions':[{'status':'False','reason':'SchedulerError'}]}" },
	{ "True stays", upstream, "'schedulingPolicy':{'gang':{'minCount':2}}", "'conditions':[{'type':'PodGroupScheduled','status':'True'}]", "a::Pending", NULL },
	{ "nobody of ours", upstream, "'schedulingPolicy':{'gang':{'minCount':2}}", "", "", NULL },

	{ "waits for pods", coscheduling, "'minMember':2", "", "a::Pending", "{'phase':'Pending','running':0,'succeeded':0,'failed':0}" },
	{ "waits for room", coscheduling, "'minMember':3", "", "a::Pending b::Pending c::Pending", "{'phase':'Scheduling','scheduleStartTime':'2026-01-01T00:00:01Z'}" },
	{ "runs", coscheduling, "'minMember':2", "'phase':'Scheduling'", "a:n1:Running b:n2:Running", "{'phase':'Running','running':2}" },
	{ "ended", coscheduling, "'minMember':2", "'phase':'Running'", "a:n1:Succeeded b:n2:Succeeded", "{'phase':'Finished','succeeded':2}" },
	{ "ended badly", coscheduling, "'minMember':2", "'phase':'Running'", "a:n1:Failed b:n2:Running", "{'phase':'Failed','failed':1,'running':1}" },
	{ "known already", coscheduling, "'minMember':1", "'phase':'Running','running':1", "a:n1:Running", NULL },
};

static void put_pods(struct live *l, const char *kind, const char *pods)
{
	autofree char *copy = xstrdup(pods);
	char *save = NULL;
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *on = strchr(w, ':'), *phase = strchr(on + 1, ':');
		*on++ = *phase++ = '\0';
		json_t *j = pod_of(kind, w, on, phase, "");
		if (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
			live_put_ended(l, j);
		else
			live_put(l, j);
		json_decref(j);
	}
}

static void statuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		clock_simulate(1, 1767225600000);
		struct live *l = live_new("aipc");
		node(l, "n1", 8);
		node(l, "n2", 8);
		group(l, r->kind, r->spec, r->stored);
		put_pods(l, r->kind, r->pods);
		live_refilled(l);
		struct live_status *s = settled(l);
		autojson json_t *want = r->want ? fixture("%s", r->want) : NULL;
		autofree char *got = s ? json_text(s->status) : xstrdup("nothing");
		if ((s == NULL) != (want == NULL) || (s && !within(want, s->status)))
			fail_msg("%s, %s: %s", r->kind, r->what, got);
		if (s) {
			assert_string_equal(s->uid, "g1");
			live_reported(l, s, true);
			s = settled(l);
			assert_null(s);                  /* told once */
		}
		live_free(l);
		clock_real();
	}
}

/* A write that failed comes again; another status that came back is corrected; our own that came back is not written again. */
static void written_until_it_is_so(void **state)
{
	(void)state;
	clock_simulate(1, 1767225600000);
	struct live *l = live_new("aipc");
	node(l, "n1", 8);
	group(l, gang, "'min':1", "");
	put_pods(l, gang, "a:n1:Running");
	live_refilled(l);
	struct live_status *s = settled(l);
	assert_non_null(s);
	live_reported(l, s, false);
	assert_null(settled(l));
	clock_advance(6000);
	s = settled(l);
	assert_non_null(s);
	autojson json_t *status = json_incref(s->status);
	live_reported(l, s, true);
	assert_null(settled(l));
	uint64_t tried = live_stats(l).tried, woken = live_stats(l).woken;
	autofree char *text = json_text(status);
	put(l, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g','uid':'g1','generation':3},'spec':{'min':1},'status':%s}", text));
	assert_null(settled(l));
	assert_int_equal(live_stats(l).tried, tried);
	assert_int_equal(live_stats(l).woken, woken);
	put(l, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g','uid':'g1','generation':3},'spec':{'min':1},'status':{'phase':'Failed'}}"));
	s = settled(l);
	assert_non_null(s);
	assert_string_equal(json_str(s->status, "phase"), "Running");
	/* The object is gone while it is written. */
	live_drop(l, "aipc.dev/v1alpha1", "Gang", "ns", "g");
	live_reported(l, s, true);
	assert_null(settled(l));
	/* It is made again under its name while the old one is written: the new one is told. */
	group(l, gang, "'min':1", "");
	s = settled(l);
	assert_non_null(s);
	put(l, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g','uid':'g2','generation':1},'spec':{'min':1}}"));
	assert_null(settled(l));
	live_reported(l, s, true);
	s = settled(l);
	assert_non_null(s);
	assert_string_equal(s->uid, "g2");
	live_status_free(s);
	live_free(l);
	clock_real();
}

/* Pods of a gang are bound one after the other: one write. */
static void changes_are_gathered(void **state)
{
	(void)state;
	clock_simulate(1, 1767225600000);
	struct live *l = live_new("aipc");
	struct live_status *s;
	size_t n = 0;
	node(l, "n1", 8000);
	group(l, gang, "'min':20", "");
	live_refilled(l);
	for (int i = 0; i < 20; i++) {
		autofree char *name = xasprintf("p-%d", i);
		put(l, pod_of(gang, name, "n1", "Running", ""));
		live_decide(l, SLICE_MS);
		clock_advance(100);
		while ((s = live_next_status(l))) {
			live_reported(l, s, true);
			n++;
		}
	}
	assert_int_equal(n, 0);
	s = settled(l);
	assert_non_null(s);
	assert_int_equal(json_int(s->status, "bound", 0), 20);
	live_reported(l, s, true);
	live_free(l);
	clock_real();
}

/* The last that was said of it. */
static struct live_word *word_about(struct live *l, const char *name)
{
	struct live_word *w, *found = NULL;
	while (live_decide(l, SLICE_MS) && !live_has_work(l))
		;
	clock_advance(1100);
	live_decide(l, SLICE_MS);
	live_decide(l, SLICE_MS);
	while ((w = live_next_word(l))) {
		struct live_word *other = strcmp(w->name, name) == 0 ? found : w;
		found = other == w ? found : w;
		if (other)
			live_word_free(other);
	}
	return found;
}

/* While victims leave, their node is named; when there is no such promise any more, it is taken off. */
static void the_node_that_is_kept(void **state)
{
	(void)state;
	clock_simulate(1, 1767225600000);
	struct live *l = live_new("aipc");
	node(l, "n1", 8);
	put(l, pod_of(NULL, "low", "n1", "Running", ",'priority':1"));
	live_refilled(l);
	put(l, pod_of(NULL, "high", "", "Pending", ",'priority':9"));
	struct live_word *w = word_about(l, "high");
	struct live_victim *v;
	assert_non_null(w);
	assert_non_null(w->nominated);
	assert_string_equal(w->nominated, "n1");
	live_word_free(w);
	v = live_next_victim(l);
	assert_non_null(v);
	assert_string_equal(v->name, "low");
	/* It cannot go, and nobody outranks anybody any more. */
	put(l, pod_of(NULL, "low", "n1", "Running", ",'priority':9"));
	live_spared(l, v);
	live_victim_free(v);
	w = word_about(l, "high");
	assert_non_null(w);
	assert_null(w->nominated);
	live_word_free(w);
	live_free(l);
	clock_real();
}

/* Somebody sets the clock a day back or forth: what is bound stays, who waits for patience goes on waiting or goes, nothing is written for it. */
static void a_clock_that_jumps(void **state)
{
	static const int64_t jumps[] = { 86400000, -86400000, -3600000, 7200000 };
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		clock_simulate(1, 1767225600000);
		struct live *l = live_new("aipc");
		node(l, "n1", 8);
		group(l, gang, "'min':1", "");
		put_pods(l, gang, "a:n1:Running b::Pending");
		live_refilled(l);
		struct live_status *s = settled(l);
		assert_non_null(s);
		live_reported(l, s, true);
		assert_null(settled(l));
		uint64_t placed = live_stats(l).placed;
		clock_jump_wall(jumps[i]);
		assert_null(settled(l));
		assert_int_equal(live_stats(l).placed, placed);
		assert_null(live_next_bind(l));
		assert_null(live_next_victim(l));
		assert_true(live_due(l) > clock_now_ms());
		live_free(l);
		clock_real();
	}
}

static void count_doomed(void *arg, const struct pod *p, const char *group)
{
	assert_string_equal(p->name, "a");
	assert_string_equal(group, "ns/g");
	++*(int *)arg;
}

/* One of a gang is bound, the other is refused again and again: trying it does not count as being there. */
static void half_there_for_too_long(void **state)
{
	struct live_bind *b;
	int doomed = 0, tries = 0;
	(void)state;
	clock_simulate(1, 1767225600000);
	struct live *l = live_new("aipc");
	node(l, "n1", 8);
	node(l, "n2", 8);
	group(l, gang, "'min':2", "");
	put(l, pod_of(gang, "a", "", "Pending", ""));
	put(l, pod_of(gang, "b", "", "Pending", ""));
	live_refilled(l);
	for (int second = 0; second < 40 && !doomed; second++) {
		while (live_decide(l, SLICE_MS) && !live_has_work(l))
			;
		while ((b = live_next_bind(l))) {
			bool first = strcmp(b->name, "a") == 0;
			tries += !first;
			json_t *j = first ? pod_of(gang, "a", b->node, "Pending", "") : NULL;
			live_bound(l, b, first ? LIVE_BOUND : LIVE_FAILED);
			if (j)
				put(l, j);
		}
		live_roll_back(l, 30000, count_doomed, &doomed);
		assert_true(!doomed || second >= 30);
		clock_advance(1000);
	}
	assert_int_equal(doomed, 1);
	assert_true(tries > 5);
	live_free(l);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(written_until_it_is_so),
		cmocka_unit_test(changes_are_gathered),
		cmocka_unit_test(the_node_that_is_kept),
		cmocka_unit_test(half_there_for_too_long),
		cmocka_unit_test(a_clock_that_jumps),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
