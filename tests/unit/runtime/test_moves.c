/* Moves: which pods would run elsewhere so that a group has a domain to start in, and what becomes of it in a cluster. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/scheduler/live.h"
#include "runtime/scheduler/moves.h"
#include "tests/unit/runtime/placing.h"

/* --- one decision ---------------------------------------------------------------------------------------------------------------- */

#define SAYS "'annotations':{'aipc.dev/movable':'true'}"
#define OWNED "'ownerReferences':[{'apiVersion':'apps/v1','kind':'ReplicaSet','name':'r','uid':'1','controller':true}]"
#define MOVABLE "," SAYS "," OWNED
#define BUDGET(name, app, n) "{'apiVersion':'policy/v1','kind':'PodDisruptionBudget','metadata':{'name':'" name "','namespace':'default'}," \
	"'spec':{'selector':{'matchLabels':{'app':'" app "'}}},'status':{'disruptionsAllowed':" n "}}"
#define CLAIM "{'apiVersion':'v1','kind':'List','items':[{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'pv'},'spec':{'csi':{'driver':'d','volumeHandle':'h'}}}," \
	"{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'m-v','namespace':'default','annotations':{'pv.kubernetes.io/bind-completed':'yes'}}," \
	"'spec':{'volumeName':'pv','accessModes':['ReadWriteOnce']},'status':{'phase':'Bound'}}]}"
#define OPENED "moving 1 pod would let it start in leaf s0-l0: default/m to node s0-l1-h00"

static struct engine_rules moving(int64_t n)
{
	struct engine_rules r = engine_default_rules;
	r.reserve_after_ms = -1;
	r.moves = n;
	return r;
}

static void waiting_gang(struct world *w, int n, const char *spec, const char *pod_meta, const char *pod_spec)
{
	gang(w, "g", spec);
	for (int i = 0; i < n; i++) {
		char name[16], meta[300];
		snprintf(name, sizeof(name), "g-%d", i);
		snprintf(meta, sizeof(meta), ",'labels':{'aipc.dev/gang':'g'}%s", pod_meta);
		pod(w, name, 8, meta, pod_spec);
	}
}

/* Two leaves of two nodes: M has half a node of the first, O (which may not be moved) half a node of the other. A gang wants a leaf. */
static void who_may_be_moved(void **unused)
{
	(void)unused;
	static const struct { const char *what, *meta, *spec, *object, *other, *gang; bool moves; } rows[] = {
		{ "it says so", MOVABLE, "", "", "", "'required':'leaf'", true },
		{ "it does not", "," OWNED, "", "", "", "'required':'leaf'", false },
		{ "it says no", ",'annotations':{'aipc.dev/movable':'false'}," OWNED, "", "", "", "'required':'leaf'", false },
		{ "it says something else", ",'annotations':{'aipc.dev/movable':'True'}," OWNED, "", "", "", "'required':'leaf'", false },
		{ "nobody makes it again", "," SAYS, "", "", "", "'required':'leaf'", false },
		{ "its owner is no controller", "," SAYS ",'ownerReferences':[{'kind':'ReplicaSet','name':'r'}]", "", "", "", "'required':'leaf'", false },
		{ "its controller is the second owner", "," SAYS ",'ownerReferences':[{'kind':'Thing','name':'t'},{'kind':'Job','name':'j','controller':true}]", "", "", "", "'required':'leaf'", true },
		{ "a DaemonSet", "," SAYS ",'ownerReferences':[{'kind':'DaemonSet','name':'d','controller':true}]", "", "", "", "'required':'leaf'", false },
		{ "a mirror pod by its owner", "," SAYS ",'ownerReferences':[{'kind':'Node','name':'n','controller':true}]", "", "", "", "'required':'leaf'", false },
		{ "a mirror pod by its annotation", ",'annotations':{'aipc.dev/movable':'true','kubernetes.io/config.mirror':'x'}," OWNED, "", "", "", "'required':'leaf'", false },
		{ "it is in a gang", MOVABLE ",'labels':{'aipc.dev/gang':'m'}", "", "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'name':'m','namespace':'default'},'spec':{'min':1}}", "", "'required':'leaf'", false },
		{ "it names a group that is not there", MOVABLE ",'labels':{'scheduling.x-k8s.io/pod-group':'none'}", "", "", "", "'required':'leaf'", false },
		{ "it has a higher priority", MOVABLE, ",'priority':6", "", "", "'required':'leaf'", false },
		{ "an equal one", MOVABLE, ",'priority':5", "", "", "'required':'leaf'", true },
		{ "it is being deleted", MOVABLE ",'deletionTimestamp':'2026-01-01T00:00:00Z'", "", "", "", "'required':'leaf'", false },
		{ "a volume of its own", MOVABLE, ",'volumes':[{'name':'v','ephemeral':{'volumeClaimTemplate':{'metadata':{}}}}]", CLAIM, "", "'required':'leaf'", false },
		{ "one that is there without it", MOVABLE, ",'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'m-v'}}]", CLAIM, "", "'required':'leaf'", true },
		{ "a volume that any pod may have", MOVABLE, ",'volumes':[{'name':'v','emptyDir':{}}]", "", "", "'required':'leaf'", true },
		{ "its budget has nothing to give", MOVABLE ",'labels':{'app':'x'}", "", BUDGET("b", "x", "0"), "", "'required':'leaf'", false },
		{ "its budget has", MOVABLE ",'labels':{'app':'x'}", "", BUDGET("b", "x", "1"), "", "'required':'leaf'", true },
		{ "the budget of others", MOVABLE ",'labels':{'app':'x'}", "", BUDGET("b", "y", "0"), "", "'required':'leaf'", true },
		{ "two budgets, which the eviction API refuses", MOVABLE ",'labels':{'app':'x'}", "",
		  "{'apiVersion':'v1','kind':'List','items':[" BUDGET("b", "x", "1") "," BUDGET("c", "x", "1") "]}", "", "'required':'leaf'", false },
		{ "it may run nowhere else", MOVABLE, ",'nodeSelector':{'aipc.dev/leaf':'s0-l0'}", "", "", "'required':'leaf'", false },
		{ "it fits nowhere else", MOVABLE, "", "", "x", "'required':'leaf'", false },
		{ "no domain is asked for", MOVABLE, "", "", "", "'spread':[{'level':'node','maxPercent':25}]", false },
		{ "one is preferred, and waited for", MOVABLE, "", "", "", "'preferred':'leaf','patienceSeconds':600", true },
		{ "no longer waited for", MOVABLE, "", "", "", "'preferred':'leaf','patienceSeconds':1", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 2);
		if (*rows[i].object)
			add(&w, "%s", rows[i].object);
		pod(&w, "m", 4, rows[i].meta, "");
		json_t *spec = json_object_get(json_array_get(w.items, json_array_size(w.items) - 1), "spec");
		autojson json_t *more = fixture("{'nodeName':'s0-l0-h00'%s}", rows[i].spec);
		json_object_update(spec, more);
		resident(&w, "o", 4, 0, "s0-l1-h00", ",'creationTimestamp':'2026-01-01T01:00:00Z'");
		if (*rows[i].other) {
			resident(&w, "x", 4, 9, "s0-l1-h00", "");
			resident(&w, "y", 8, 9, "s0-l1-h01", "");
		}
		char gang_spec[200];
		snprintf(gang_spec, sizeof(gang_spec), "'min':2,%s", rows[i].gang);
		waiting_gang(&w, 2, gang_spec, ",'creationTimestamp':'2026-01-01T00:59:00Z'", ",'priority':5");
		struct engine_rules r = moving(4);
		decide_with(&w, &r);
		if (said(&w, "g-0", "moving ") != rows[i].moves || (rows[i].moves && !said(&w, "g-0", OPENED)))
			fail_msg("%s: it is %smoved", rows[i].what, rows[i].moves ? "not " : "");
		assert_string_equal(at(&w, "m"), "s0-l0-h00");
		world_release(&w);
	}
}

/* Off unless asked for; at most so many on the way, whoever sent them there. */
static void how_many_may_be_on_the_way(void **unused)
{
	(void)unused;
	static const struct { const char *what, *elsewhere, *elsewhere_meta; int64_t most; int moved; } rows[] = {
		{ "none, as nobody asked for it", NULL, NULL, 0, 0 }, { "one is too few", NULL, NULL, 1, 0 }, { "two", NULL, NULL, 2, 2 },
		{ "one is being deleted elsewhere: of two one is left", "s0-l2-h00", MOVABLE ",'deletionTimestamp':'2026-01-01T00:00:00Z'", 2, 0 },
		{ "of three two", "s0-l2-h00", MOVABLE ",'deletionTimestamp':'2026-01-01T00:00:00Z'", 3, 2 },
		{ "one that may not be moved goes", "s0-l2-h00", ",'deletionTimestamp':'2026-01-01T00:00:00Z'", 2, 2 },
		{ "one was just made and waits", "", MOVABLE ",'creationTimestamp':'2026-01-01T00:59:30Z'", 2, 0 },
		{ "one waits for long", "", MOVABLE ",'creationTimestamp':'2026-01-01T00:58:30Z'", 2, 2 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 3, 2);
		resident(&w, "a", 4, 0, "s0-l0-h00", MOVABLE);
		resident(&w, "b", 4, 0, "s0-l0-h01", MOVABLE ",'creationTimestamp':'2026-01-01T01:00:00Z'");
		resident(&w, "o", 1, 0, "s0-l1-h00", "");
		resident(&w, "p", 1, 0, "s0-l2-h00", "");
		if (rows[i].elsewhere && *rows[i].elsewhere)
			resident(&w, "e", 1, 0, rows[i].elsewhere, rows[i].elsewhere_meta);
		else if (rows[i].elsewhere)
			pod(&w, "e", 9, rows[i].elsewhere_meta, "");
		waiting_gang(&w, 2, "'min':2,'required':'leaf'", "", "");
		struct engine_rules r = moving(rows[i].most);
		decide_with(&w, &r);
		if (said(&w, "g-0", "moving 2 pods") != (rows[i].moved == 2) || (!rows[i].moved && said(&w, "g-0", "moving ")))
			{
			size_t k;
			const struct pending *row = engine_pending(w.e, &k);
			fail_msg("%s: %s", rows[i].what, k && row->reasons.len ? row->reasons.at[row->reasons.len - 1] : "nothing");
		}
		world_release(&w);
	}
}

struct running { const char *name, *node, *meta; int gpus; };

/* Leaf 0: a gang of two may have it when A and B are elsewhere. */
static void all_must_have_a_place(void **unused)
{
	(void)unused;
	static const struct { const char *what; struct running run[6]; const char *says, *object; } rows[] = {
		{ "their budget has something for one of them",
		  { { "a", "s0-l0-h00", MOVABLE ",'labels':{'app':'x'}", 1 }, { "b", "s0-l0-h01", MOVABLE ",'labels':{'app':'x'}", 1 }, { "o", "s0-l1-h00", "", 1 } }, NULL, BUDGET("b", "x", "1") },
		{ "for both", { { "a", "s0-l0-h00", MOVABLE ",'labels':{'app':'x'}", 1 }, { "b", "s0-l0-h01", MOVABLE ",'labels':{'app':'x'}", 1 }, { "o", "s0-l1-h00", "", 1 } }, "moving 2 pods",
		  BUDGET("b", "x", "2") },
		{ "each fits, but not both",
		  { { "a", "s0-l0-h00", MOVABLE, 4 }, { "b", "s0-l0-h01", MOVABLE, 4 }, { "o", "s0-l1-h00", "", 8 }, { "p", "s0-l1-h01", "", 4 } }, NULL, NULL },
		{ "both fit, one after the other",
		  { { "a", "s0-l0-h00", MOVABLE, 4 }, { "b", "s0-l0-h01", MOVABLE, 4 }, { "o", "s0-l1-h00", "", 4 }, { "p", "s0-l1-h01", "", 4 } },
		  "moving 2 pods would let it start in leaf s0-l0: default/a to node s0-l1-h00, default/b to node s0-l1-h01", NULL },
		{ "what is being deleted there is still there",
		  { { "a", "s0-l0-h00", MOVABLE, 4 }, { "b", "s0-l0-h01", MOVABLE, 4 }, { "o", "s0-l1-h00", "", 4 }, { "p", "s0-l1-h01", ",'deletionTimestamp':'2026-01-01T00:00:00Z'", 8 } }, NULL, NULL },
		{ "in the one order they fit, in the other they do not",
		  { { "a", "s0-l0-h00", MOVABLE, 3 }, { "b", "s0-l0-h00", MOVABLE, 2 }, { "c", "s0-l0-h01", MOVABLE, 2 }, { "o", "s0-l1-h00", "", 4 }, { "p", "s0-l1-h01", "", 5 } }, NULL, NULL },
		{ "one would have to stay away from itself",
		  { { "a", "s0-l0-h00", MOVABLE ",'labels':{'app':'a'}", 1 }, { "b", "s0-l0-h01", MOVABLE, 1 }, { "o", "s0-l1-h00", ",'labels':{'app':'a'}", 1 }, { "p", "s0-l1-h01", ",'labels':{'app':'a'}", 1 } },
		  NULL, NULL },
		{ "a node for it alone is there",
		  { { "a", "s0-l0-h00", MOVABLE ",'labels':{'app':'a'}", 1 }, { "b", "s0-l0-h01", MOVABLE, 1 }, { "o", "s0-l1-h00", ",'labels':{'app':'a'}", 1 }, { "p", "s0-l1-h01", "", 1 } },
		  "default/a to node s0-l1-h01", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 2);
		if (rows[i].object)
			add(&w, "%s", rows[i].object);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].run) && rows[i].run[k].name; k++) {
			const struct running *r = &rows[i].run[k];
			resident(&w, r->name, r->gpus, 0, r->node, r->meta);
			if (strstr(r->meta, "'app':'a'")) {
				json_t *spec = json_object_get(json_array_get(w.items, json_array_size(w.items) - 1), "spec");
				json_object_set_new(spec, "affinity", fixture("{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'kubernetes.io/hostname','labelSelector':{'matchLabels':{'app':'a'}}}]}}"));
			}
		}
		for (size_t k = 0; k < json_array_size(w.items); k++) {
			json_t *meta = json_object_get(json_array_get(w.items, k), "metadata"), *labels = json_object_get(meta, "labels");
			if (strcmp(json_str(json_array_get(w.items, k), "kind"), "Node") == 0)
				json_object_set(labels, "kubernetes.io/hostname", json_object_get(meta, "name"));
		}
		waiting_gang(&w, 2, "'min':2,'required':'leaf'", "", "");
		struct engine_rules r = moving(8);
		decide_with(&w, &r);
		if (rows[i].says ? !said(&w, "g-0", rows[i].says) : said(&w, "g-0", "moving "))
			{
			size_t k;
			const struct pending *row = engine_pending(w.e, &k);
			fail_msg("%s: %s", rows[i].what, k && row->reasons.len ? row->reasons.at[row->reasons.len - 1] : "nothing");
		}
		world_release(&w);
	}
}

/* Room that is kept for who waits longest is not for who is moved. */
static void kept_room_is_left_alone(void **unused)
{
	(void)unused;
	for (int kept = 0; kept < 2; kept++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 2);
		resident(&w, "m", 4, 0, "s0-l0-h00", MOVABLE);
		resident(&w, "o", 4, 0, "s0-l1-h00", "");
		resident(&w, "n", 4, 0, "s0-l1-h00", "");
		resident(&w, "p", 4, 0, "s0-l1-h01", "");
		pod(&w, "old", 8, ",'creationTimestamp':'2026-01-01T00:00:00Z'", ",'nodeSelector':{'aipc.dev/leaf':'s0-l1'}");
		waiting_gang(&w, 2, "'min':2,'required':'leaf'", ",'creationTimestamp':'2026-01-01T01:00:00Z'", "");
		struct engine_rules r = moving(4);
		r.reserve_after_ms = kept ? 600000 : -1;
		decide_with(&w, &r);
		assert_int_equal(said(&w, "old", "room is kept for it in node s0-l1-h01"), kept);
		assert_int_equal(said(&w, "g-0", "moving 1 pod"), !kept);
		world_release(&w);
	}
}

/* Of three leaves the one that costs least is opened; the price is that of a victim: devices since the last checkpoint, and the restart. */
static void the_least_price_wins(void **unused)
{
	(void)unused;
#define SAVED(time) ",'creationTimestamp':'2026-01-01T00:00:00Z','annotations':{'aipc.dev/movable':'true','aipc.dev/last-checkpoint':'2026-01-01T" time ":00Z'}," OWNED
	static const struct { const char *what; int leaves, hosts, gpus; struct running run[6]; const char *says; } rows[] = {
		{ "the later checkpoint", 3, 2, 8, { { "a", "s0-l0-h00", SAVED("01:00"), 4 }, { "b", "s0-l1-h00", SAVED("03:00"), 4 }, { "c", "s0-l2-h00", SAVED("02:00"), 4 } },
		  "moving 1 pod would let it start in leaf s0-l1: default/b" },
		{ "fewer devices", 3, 2, 8, { { "a", "s0-l0-h00", SAVED("03:00"), 4 }, { "b", "s0-l1-h00", SAVED("03:00"), 2 }, { "c", "s0-l2-h00", SAVED("03:00"), 3 } },
		  "moving 1 pod would let it start in leaf s0-l1: default/b" },
		{ "two that cost less than one", 3, 2, 8, { { "a", "s0-l0-h00", SAVED("00:00"), 4 }, { "b", "s0-l1-h00", SAVED("03:00"), 2 }, { "c", "s0-l1-h01", SAVED("03:00"), 2 }, { "d", "s0-l2-h00", SAVED("01:00"), 4 } },
		  "moving 2 pods would let it start in leaf s0-l1: default/b to node s0-l0-h00, default/c to node s0-l0-h00" },
		{ "in one leaf the cheaper node", 2, 3, 8, { { "a", "s0-l0-h00", SAVED("02:00"), 4 }, { "c", "s0-l0-h02", SAVED("03:00"), 4 }, { "d", "s0-l1-h00", "", 4 },
		    { "e", "s0-l1-h01", "", 8 }, { "f", "s0-l1-h02", "", 8 } }, "moving 1 pod would let it start in leaf s0-l0: default/c to node s0-l1-h00" },
		{ "on one node the cheaper pods", 2, 1, 1, { { "a", "s0-l0-h00", SAVED("03:00"), 4 }, { "b", "s0-l0-h00", SAVED("03:00"), 2 }, { "c", "s0-l0-h00", SAVED("03:00"), 1 }, { "d", "s0-l1-h00", "", 7 } },
		  "moving 1 pod would let it start in leaf s0-l0: default/c to node s0-l1-h00" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, rows[i].leaves, rows[i].hosts);
		for (size_t k = 0; k < ARRAY_LEN(rows[i].run) && rows[i].run[k].name; k++)
			resident(&w, rows[i].run[k].name, rows[i].run[k].gpus, 0, rows[i].run[k].node, rows[i].run[k].meta);
		gang(&w, "g", "'min':2,'required':'leaf'");
		members(&w, "g", 2, rows[i].gpus);
		struct engine_rules r = moving(8);
		decide_with(&w, &r);
		if (!said(&w, "g-0", rows[i].says))
			fail_msg("%s: not said", rows[i].what);
		world_release(&w);
	}
}

/* More than MOVES_MOST are never moved for one group, however many may be on the way. */
static void not_too_many_at_once(void **unused)
{
	(void)unused;
	for (int n = MOVES_MOST; n <= MOVES_MOST + 1; n++) {
		struct world w;
		world_init(&w);
		fabric(&w, 1, 2, 2);
		for (int i = 0; i < n; i++) {
			char name[16];
			snprintf(name, sizeof(name), "m%d", i);
			resident(&w, name, 1, 0, i < 6 ? "s0-l0-h00" : "s0-l0-h01", MOVABLE);
		}
		resident(&w, "o", 1, 0, "s0-l1-h00", "");
		waiting_gang(&w, 2, "'min':2,'required':'leaf'", "", "");
		struct engine_rules r = moving(1000);
		decide_with(&w, &r);
		assert_int_equal(said(&w, "g-0", "moving 8 pods"), n == MOVES_MOST);
		assert_int_equal(said(&w, "g-0", "moving "), n == MOVES_MOST);
		world_release(&w);
	}
}

/* --- in a cluster ------------------------------------------------------------------------------------------------------------------ */

struct cluster { struct live *l; };

static void tell(struct cluster *c, json_t *j)
{
	live_put(c->l, j);
	json_decref(j);
}

/* Two leaves of two nodes; the leaf 0 has MOVABLES movable pods of 4 devices, one a node; "o" in leaf 1 may not be moved. */
static void cluster_init(struct cluster *c, int64_t moves)
{
	struct engine_rules r = moving(moves);
	clock_simulate(1, 1767225600000);
	c->l = live_new("aipc");
	live_set_rules(c->l, &r);
	for (int i = 0; i < 4; i++)
		tell(c, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d%d','labels':{'aipc.dev/leaf':'l%d'}},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}", i / 2, i % 2, i / 2));
}

/* META and SPEC are appended. */
static void tell_pod(struct cluster *c, const char *name, const char *uid, int gpus, const char *node, const char *meta, const char *spec)
{
	tell(c, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'%s','uid':'%s','creationTimestamp':'2026-01-01T00:00:00Z'%s},'spec':{%s%s%s%s%s"
			"'containers':[{'name':'c','resources':{'requests':{'cpu':'1','nvidia.com/gpu':'%d'}}}]}}", name, uid, meta, strstr(spec, "'schedulerName'") ? "" : "'schedulerName':'aipc',",
			*node ? "'nodeName':'" : "", node, *node ? "'," : "", spec, gpus));
}

static void tell_gang(struct cluster *c, const char *name, int n, const char *spec)
{
	char pod_name[32], meta[100];
	tell(c, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'default','name':'%s','uid':'%s'},'spec':{'min':%d,'required':'leaf'}}", name, name, n));
	for (int i = 0; i < n; i++) {
		snprintf(pod_name, sizeof(pod_name), "%s-%d", name, i);
		snprintf(meta, sizeof(meta), ",'labels':{'aipc.dev/gang':'%s'}", name);
		tell_pod(c, pod_name, pod_name, 8, "", meta, spec);
	}
}

/* What was decided until there is no more to do: names of pods bound or sent away, "a>n00 ", "!b ". */
static const char *decided(struct cluster *c, bool evict)
{
	static char out[1000];
	struct live_bind *b;
	struct live_victim *v;
	size_t len = 0;
	out[0] = '\0';
	for (int i = 0; i < 20; i++) {
		live_decide(c->l, 1000);
		clock_advance(100);
	}
	while ((b = live_next_bind(c->l))) {
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s>%s ", b->name, b->node);
		live_bound(c->l, b, LIVE_BOUND);
	}
	while (evict && (v = live_next_victim(c->l))) {
		if (live_still_goes(c->l, v))
			len += (size_t)snprintf(out + len, sizeof(out) - len, "!%s ", v->name);
		live_victim_free(v);
	}
	return out;
}

static const char *message(struct cluster *c, const char *pod_name)
{
	static char out[1000];
	struct live_word *w;
	while ((w = live_next_word(c->l))) {
		if (strcmp(w->name, pod_name) == 0)
			snprintf(out, sizeof(out), "%s", w->message);
		live_word_free(w);
	}
	return out;
}

static void cluster_release(struct cluster *c)
{
	live_free(c->l);
	clock_real();
}

#define GOES ",'deletionTimestamp':'2026-01-01T00:00:10Z'"

/* A and B stand in leaf 0, O in leaf 1. */
static void singles(struct cluster *c)
{
	tell_pod(c, "a", "a", 4, "n00", MOVABLE, "");
	tell_pod(c, "b", "b", 4, "n01", MOVABLE, "");
	tell_pod(c, "o", "o", 1, "n10", "", "");
}

/* The gang "z" of two could have a leaf to itself. */
static void gang_beside_singles(struct cluster *c)
{
	cluster_init(c, 4);
	singles(c);
	tell_gang(c, "z", 2, "");
	live_refilled(c->l);
}

/* From the decision to the end: they go, nobody gets their room but the gang, not those that were made in their place in the same second and whose
 * names come first, not who is older. */
static void the_room_is_the_gangs(void **unused)
{
	(void)unused;
	struct cluster c;
	gang_beside_singles(&c);
	while (live_decide(c.l, 1000))
		;
	struct live_victim *v = live_next_victim(c.l);
	assert_non_null(v);
	assert_string_equal(v->name, "a");
	assert_true(v->moves);
	assert_string_equal(v->why, "moved to open leaf l0 for Gang default/z; it fits on node n10");
	assert_true(live_still_goes(c.l, v));
	live_victim_free(v);
	v = live_next_victim(c.l);
	assert_string_equal(v->name, "b");
	live_victim_free(v);
	assert_null(live_next_victim(c.l));
	assert_int_equal(live_stats(c.l).nominated, 1);
	const char *says = message(&c, "z-0");
	if (strncmp(says, "2 pods are being moved to open leaf l0 for it; Gang default/z is not placed", strlen("2 pods are being moved to open leaf l0 for it; Gang")) != 0)
		fail_msg("it says %s", says);
	/* The first goes; the next ones of its kind come while it is there, and one that waits for longer. */
	tell_pod(&c, "a", "a", 4, "n00", MOVABLE GOES, "");
	tell_pod(&c, "a1", "a1", 4, "", MOVABLE, "");
	assert_string_equal(decided(&c, true), "a1>n10 ");
	tell_pod(&c, "a1", "a1", 4, "n10", MOVABLE, "");
	live_drop(c.l, "v1", "Pod", "default", "a");
	tell(&c, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'old','uid':'old','creationTimestamp':'2025-01-01T00:00:00Z'},'spec':{'schedulerName':'aipc',"
			 "'nodeSelector':{'aipc.dev/leaf':'l0'},'containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'4'}}}]}}"));
	tell_pod(&c, "a2", "a2", 8, "", MOVABLE ",'labels':{'x':'y'}", "'nodeSelector':{'aipc.dev/leaf':'l0'},");
	assert_string_equal(decided(&c, true), "");
	says = message(&c, "z-1");
	if (!strstr(says, "1 pod is being moved to open leaf l0 for it; "))
		fail_msg("it says %s", says);
	tell_pod(&c, "b", "b", 4, "n01", MOVABLE GOES, "");
	live_drop(c.l, "v1", "Pod", "default", "b");
	assert_string_equal(decided(&c, true), "z-0>n00 z-1>n01 ");
	assert_int_equal(live_stats(c.l).nominated, 0);
	cluster_release(&c);
}

/* Who outranks the group may have what was opened for it. */
static void the_higher_priority_comes_first(void **unused)
{
	(void)unused;
	struct cluster c;
	gang_beside_singles(&c);
	assert_string_equal(decided(&c, true), "!a !b ");
	live_drop(c.l, "v1", "Pod", "default", "a");
	tell_pod(&c, "high", "high", 8, "", "", "'priority':9,'nodeSelector':{'aipc.dev/leaf':'l0'},");
	assert_string_equal(decided(&c, true), "high>n00 ");
	cluster_release(&c);
}

/* One stays after all: the other is not sent away, nobody keeps room, and it is not tried again at once. */
static void a_refusal_ends_it(void **unused)
{
	(void)unused;
	struct cluster c;
	gang_beside_singles(&c);
	while (live_decide(c.l, 1000))
		;
	struct live_victim *v = live_next_victim(c.l);
	/* Who stood back for the gang has the room again, for which it is large enough. */
	tell_pod(&c, "late", "late", 1, "", "", "'nodeSelector':{'aipc.dev/leaf':'l0'},");
	while (live_decide(c.l, 1000))
		;
	assert_null(live_next_bind(c.l));
	live_spared(c.l, v);
	live_victim_free(v);
	assert_int_equal(live_stats(c.l).nominated, 0);
	assert_string_equal(decided(&c, true), "late>n00 ");
	live_drop(c.l, "v1", "Pod", "default", "late");
	for (int i = 0; i < 13; i++)
		assert_string_equal(decided(&c, true), "");
	assert_true(live_due(c.l) < INT64_MAX);
	clock_advance(2000);
	assert_string_equal(decided(&c, true), "!a !b ");
	cluster_release(&c);
}

/* What was waited for has gone, and is of no use any more: those who stood back go on. */
static void a_promise_in_vain_is_over(void **unused)
{
	(void)unused;
	struct cluster c;
	cluster_init(&c, 4);
	tell_pod(&c, "b", "b", 4, "n01", MOVABLE GOES, "");
	tell_pod(&c, "o", "o", 1, "n10", "", "");
	tell_gang(&c, "a", 2, "");
	live_refilled(c.l);
	assert_string_equal(decided(&c, true), "");
	tell_pod(&c, "late", "late", 1, "", "", "'nodeSelector':{'aipc.dev/leaf':'l0'},");
	assert_string_equal(decided(&c, true), "");
	assert_int_equal(live_stats(c.l).nominated, 1);
	tell(&c, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n01','labels':{'aipc.dev/leaf':'l0'}},'spec':{'unschedulable':true},"
			 "'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}"));
	live_drop(c.l, "v1", "Pod", "default", "b");
	assert_string_equal(decided(&c, true), "late>n00 ");
	assert_int_equal(live_stats(c.l).nominated, 0);
	cluster_release(&c);
}

/* Where nothing can be moved it is not looked again until something changes. */
static void it_is_not_looked_in_vain(void **unused)
{
	(void)unused;
	struct cluster c;
	cluster_init(&c, 4);
	singles(&c);
	tell_pod(&c, "p", "p", 7, "n10", "", "");
	tell_pod(&c, "q", "q", 8, "n11", "", "");
	tell_gang(&c, "z", 2, "");
	live_refilled(c.l);
	assert_string_equal(decided(&c, true), "");
	struct live_status *s;
	while ((s = live_next_status(c.l)))
		live_reported(c.l, s, true);
	for (int i = 0; i < 50; i++)
		(void)decided(&c, true);
	assert_true(live_due(c.l) == INT64_MAX);
	live_drop(c.l, "v1", "Pod", "default", "q");
	assert_string_equal(decided(&c, true), "!a !b ");
	cluster_release(&c);
}

static void without_the_gang_nothing_is_kept(void **unused)
{
	(void)unused;
	for (int what = 0; what < 3; what++) {
		struct cluster c;
		gang_beside_singles(&c);
		while (live_decide(c.l, 1000))
			;
		assert_int_equal(live_stats(c.l).nominated, 1);
		if (what == 0)
			live_drop(c.l, "aipc.dev/v1alpha1", "Gang", "default", "z");
		else
			live_drop(c.l, "v1", "Pod", "default", "z-0");
		if (what == 2)
			live_drop(c.l, "v1", "Pod", "default", "z-1");
		assert_string_equal(decided(&c, true), "");
		assert_int_equal(live_stats(c.l).nominated, 0);
		cluster_release(&c);
	}
}

/* Pods of another scheduler are left alone: it would put the next ones anywhere. */
static void others_pods_stay(void **unused)
{
	(void)unused;
	for (int ours = 0; ours < 2; ours++) {
		struct cluster c;
		cluster_init(&c, 4);
		tell_pod(&c, "a", "a", 4, "n00", MOVABLE, ours ? "" : "'schedulerName':'default-scheduler',");
		tell_pod(&c, "o", "o", 1, "n10", "", "");
		tell_gang(&c, "z", 2, "");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), ours ? "!a " : "");
		cluster_release(&c);
	}
}

/* Nobody loses a place by moves, so they come before victims; and what victims leave to one is no room for who is moved for another. */
static void moves_come_before_victims(void **unused)
{
	(void)unused;
	struct cluster c;
	for (int64_t moves = 0; moves <= 4; moves += 4) {
		cluster_init(&c, moves);
		singles(&c);
		tell_gang(&c, "z", 2, "'priority':9,");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), moves ? "!a !b " : "!o ");
		cluster_release(&c);
	}
}

/* What victims leave to the one is no room for who would be moved for the other, whose turn comes first. */
static void claimed_room_is_left_alone(void **unused)
{
	(void)unused;
	for (int claimed = 0; claimed < 2; claimed++) {
		struct cluster c;
		cluster_init(&c, 4);
		tell_pod(&c, "a", "a", 4, "n00", MOVABLE, "'priority':5,");
		tell_pod(&c, "o", "o", 8, "n10", "", "'priority':5,");
		tell_pod(&c, "p", "p", 4, "n11", "", "'priority':1,");
		if (claimed)
			tell_pod(&c, "first", "first", 8, "", "", "'priority':4,'nodeSelector':{'aipc.dev/leaf':'l1'},");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), claimed ? "!p " : "");
		tell_gang(&c, "z", 2, "'priority':5,'preemptionPolicy':'Never',");
		assert_string_equal(decided(&c, true), claimed ? "" : "!a ");
		cluster_release(&c);
	}
}

/* Nor is room that is kept for who waits longest, and comes after the gang. */
static void reserved_room_is_left_alone(void **unused)
{
	(void)unused;
	for (int kept = 0; kept < 2; kept++) {
		struct cluster c;
		struct engine_rules r = moving(4);
		cluster_init(&c, 4);
		r.reserve_after_ms = kept ? 0 : -1;
		live_set_rules(c.l, &r);
		tell_pod(&c, "a", "a", 4, "n00", MOVABLE, "'priority':5,");
		tell_pod(&c, "o", "o", 4, "n10", "", "'priority':5,");
		tell_pod(&c, "p", "p", 4, "n10", "", "'priority':5,");
		tell_pod(&c, "q", "q", 4, "n11", "", "'priority':5,");
		tell_pod(&c, "first", "first", 8, "", "", "'priority':4,'nodeSelector':{'aipc.dev/leaf':'l1'},");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), "");
		assert_int_equal(live_stats(c.l).reserved, kept);
		tell_gang(&c, "z", 2, "'priority':5,");
		assert_string_equal(decided(&c, true), kept ? "" : "!a ");
		cluster_release(&c);
	}
}

/* Two gangs: not more on the way than may be, one set of moves after the other. */
static void two_gangs_share_the_limit(void **unused)
{
	(void)unused;
	for (int64_t moves = 2; moves <= 3; moves++) {
		struct cluster c;
		cluster_init(&c, moves);
		for (int i = 4; i < 8; i++)
			tell(&c, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%d%d','labels':{'aipc.dev/leaf':'l%d'}},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}", i / 2, i % 2, i / 2));
		singles(&c);
		tell_pod(&c, "c", "c", 5, "n20", MOVABLE, "");
		tell_pod(&c, "p", "p", 1, "n30", "", "");
		tell_gang(&c, "x", 2, "");
		tell_gang(&c, "z", 2, "");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), moves == 3 ? "!c !a !b " : "!c ");
		cluster_release(&c);
	}
}

/* Another leader finds pods on their way out, and the next ones of their kind: it keeps the room for the gang as well. */
static void the_next_leader_goes_on(void **unused)
{
	(void)unused;
	for (int never = 0; never < 2; never++) {
		struct cluster c;
		cluster_init(&c, 4);
		tell_pod(&c, "a", "a", 4, "n00", MOVABLE GOES, "");
		tell_pod(&c, "b", "b", 4, "n01", MOVABLE GOES, "");
		tell_pod(&c, "o", "o", 1, "n10", "", "");
		tell(&c, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'a1','uid':'a1','creationTimestamp':'2026-01-01T00:00:01Z'" MOVABLE "},'spec':{'schedulerName':'aipc',"
				 "'nodeSelector':{'aipc.dev/leaf':'l0'},'containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'8'}}}]}}"));
		tell_gang(&c, "z", 2, never ? "'preemptionPolicy':'Never'," : "");
		live_refilled(c.l);
		assert_string_equal(decided(&c, true), "");
		assert_int_equal(live_stats(c.l).nominated, 1);
		live_drop(c.l, "v1", "Pod", "default", "a");
		assert_string_equal(decided(&c, true), "");
		live_drop(c.l, "v1", "Pod", "default", "b");
		assert_string_equal(decided(&c, true), "z-0>n00 z-1>n01 ");
		cluster_release(&c);
	}
}

/* A node that is free already is kept as well, by what the pods themselves were told: the others' turn would come before a search. One that has not
 * room enough, or is not there any more, keeps nobody from anything. */
static void what_was_told_is_kept(void **unused)
{
	(void)unused;
	static const struct { const char *what, *told[2], *decided; } rows[] = {
		{ "as it was told", { "n00", "n01" }, "late>n10 " }, { "it was told nothing", { "", "" }, "late>n00 " },
		{ "one of them is taken", { "n00", "n11" }, "late>n00 " }, { "one of them has gone", { "n00", "gone" }, "late>n10 " },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cluster c;
		cluster_init(&c, 4);
		tell_pod(&c, "b", "b", 4, "n01", MOVABLE GOES, "");
		tell_pod(&c, "o", "o", 1, "n11", "", "");
		tell(&c, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'default','name':'z','uid':'z'},'spec':{'min':2,'required':'leaf'}}"));
		for (int k = 0; k < 2; k++)
			tell(&c, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'z-%d','uid':'z-%d','creationTimestamp':'2026-01-01T00:00:00Z','labels':{'aipc.dev/gang':'z'}},'spec':{"
					 "'schedulerName':'aipc','containers':[{'name':'c','resources':{'requests':{'cpu':'1','nvidia.com/gpu':'8'}}}]},'status':{'nominatedNodeName':'%s'}}", k, k, rows[i].told[k]));
		tell(&c, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'late','uid':'late','creationTimestamp':'2026-01-01T00:00:05Z'},'spec':{"
				 "'schedulerName':'aipc','containers':[{'name':'c','resources':{'requests':{'cpu':'1','nvidia.com/gpu':'8'}}}]}}"));
		live_refilled(c.l);
		const char *did = decided(&c, true);
		if (strcmp(did, rows[i].decided) != 0)
			fail_msg("%s: %s", rows[i].what, did);
		live_drop(c.l, "v1", "Pod", "default", "b");
		did = decided(&c, true);
		if (strcmp(did, strcmp(rows[i].decided, "late>n10 ") == 0 ? "z-0>n00 z-1>n01 " : "") != 0)
			fail_msg("%s, then: %s", rows[i].what, did);
		cluster_release(&c);
	}
}

/* Who waits for its victims to go has room in the model already, but is nobody that could be displaced. */
static void a_promise_is_no_victim(void **unused)
{
	(void)unused;
	struct cluster c;
	cluster_init(&c, 0);
	tell_pod(&c, "low", "low", 8, "n00", "", "'nodeSelector':{'kubernetes.io/hostname':'x'},");
	live_refilled(c.l);
	tell_pod(&c, "middle", "middle", 8, "", "", "'priority':5,'nodeSelector':{'aipc.dev/leaf':'l0'},");
	tell_pod(&c, "other", "other", 8, "n01", "", "'priority':9,");
	assert_string_equal(decided(&c, true), "!low ");
	tell_pod(&c, "high", "high", 8, "", "", "'priority':9,'nodeSelector':{'aipc.dev/leaf':'l0'},");
	assert_string_equal(decided(&c, true), "");
	live_drop(c.l, "v1", "Pod", "default", "low");
	assert_string_equal(decided(&c, true), "high>n00 ");
	/* Nothing is left of the promise, though nobody that runs could be displaced any more. */
	assert_int_equal(live_stats(c.l).nominated, 0);
	cluster_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_be_moved), cmocka_unit_test(how_many_may_be_on_the_way), cmocka_unit_test(all_must_have_a_place), cmocka_unit_test(kept_room_is_left_alone),
		cmocka_unit_test(the_least_price_wins), cmocka_unit_test(not_too_many_at_once), cmocka_unit_test(the_room_is_the_gangs), cmocka_unit_test(the_higher_priority_comes_first),
		cmocka_unit_test(a_refusal_ends_it), cmocka_unit_test(a_promise_in_vain_is_over), cmocka_unit_test(it_is_not_looked_in_vain), cmocka_unit_test(without_the_gang_nothing_is_kept), cmocka_unit_test(others_pods_stay), cmocka_unit_test(moves_come_before_victims),
		cmocka_unit_test(claimed_room_is_left_alone), cmocka_unit_test(reserved_room_is_left_alone), cmocka_unit_test(two_gangs_share_the_limit), cmocka_unit_test(the_next_leader_goes_on), cmocka_unit_test(what_was_told_is_kept), cmocka_unit_test(a_promise_is_no_victim),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
