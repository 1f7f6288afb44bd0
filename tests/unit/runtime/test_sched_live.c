/* The scheduler that follows a cluster, beside one that is given the same objects all at once: after any sequence of changes both know the
 * same, and whoever the first leaves waiting has no place by the second either. */
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
#include "runtime/scheduler/live_internal.h"
#include "tests/unit/runtime/fixture.h"

enum { SEEDS = 12, STEPS = 400, NODES = 24, PODS = 90, GANGS = 8, SLICE_MS = 50 };

/* The world: objects by "Kind ns/name". */
struct world { json_t *objects; struct live *l; uint64_t seed; unsigned uid; size_t bound, moved; };

static unsigned below(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)((w->seed >> 33) % n);
}

static char *key_of(const json_t *j)
{
	const json_t *meta = json_at(j, "metadata");
	return xasprintf("%s %s/%s", json_str(j, "kind"), json_str(meta, "namespace") ? json_str(meta, "namespace") : "", json_str(meta, "name"));
}

static void put(struct world *w, json_t *j)
{
	autofree char *key = key_of(j);
	json_object_set_new(w->objects, key, j);
	live_put(w->l, j);
}

static void drop(struct world *w, const char *key)
{
	json_t *j = json_object_get(w->objects, key);
	if (!j)
		return;
	const json_t *meta = json_at(j, "metadata");
	live_drop(w->l, json_str(j, "apiVersion"), json_str(j, "kind"), json_str(meta, "namespace"), json_str(meta, "name"));
	json_object_del(w->objects, key);
}

static void put_node(struct world *w, unsigned i)
{
	unsigned rack = below(w, 20) ? i / 4 : below(w, 6), gpus = below(w, 4) ? 8 : below(w, 9);
	put(w, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%02u','labels':{'aipc.dev/spine-group':'s%u','aipc.dev/leaf':'l%u','disk':'%s'%s}},"
		       "'spec':{'unschedulable':%s%s},'status':{'allocatable':{'cpu':'64','pods':'12','nvidia.com/gpu':'%u'}%s}}", i, rack / 3, rack,
		      below(w, 2) ? "ssd" : "hdd", below(w, 12) ? "" : ",'aipc.dev/spare':'true'", below(w, 8) ? "false" : "true",
		      below(w, 6) ? "" : ",'taints':[{'key':'t','value':'x','effect':'NoSchedule'}]", gpus,
		      below(w, 3) ? "" : ",'declaredFeatures':['UserNamespacesHostNetworkSupport']"));
}

static const char *choice(struct world *w, const char *const *of, unsigned n)
{
	return of[below(w, n)];
}

static void put_new_pod(struct world *w, unsigned i)
{
	static const char *const specs[] = {
		"", "", "", ",'nodeSelector':{'disk':'ssd'}", ",'tolerations':[{'operator':'Exists'}]",
		",'affinity':{'podAntiAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'aipc.dev/leaf','labelSelector':{'matchLabels':{'app':'a'}}}]}}",
		",'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'aipc.dev/leaf','labelSelector':{'matchLabels':{'app':'b'}}}]}}",
		",'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'aipc.dev/spine-group','whenUnsatisfiable':'DoNotSchedule','labelSelector':{'matchLabels':{'app':'c'}}}]",
		",'schedulingGates':[{'name':'g'}]", ",'hostNetwork':true,'hostUsers':false",
		",'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'c0'}},{'name':'b','persistentVolumeClaim':{'claimName':'c1'}}]",
		",'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'c2'}}]", ",'volumes':[{'name':'a','persistentVolumeClaim':{'claimName':'c3'}}]",
	};
	static const char *const apps[] = { "a", "b", "c", "d" };
	char gang[64] = "";
	bool member = i < GANGS * 6, movable = !member && below(w, 3);
	if (member)
		snprintf(gang, sizeof(gang), ",'aipc.dev/gang':'g%u'", i / 6);
	put(w, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'p-%02u','uid':'u%u','creationTimestamp':'2026-01-01T00:%02u:00Z',"
		       "'labels':{'app':'%s'%s}%s},'spec':{'schedulerName':'%s','priority':%d,'containers':[{'name':'c','resources':{'requests':{'cpu':'%u','nvidia.com/gpu':'%u'}}}]%s}}",
		      i, w->uid++, below(w, 60), choice(w, apps, 4), gang,
		      movable ? ",'annotations':{'aipc.dev/movable':'true'},'ownerReferences':[{'kind':'ReplicaSet','name':'r','controller':true}]" : "", below(w, 12) ? "aipc" : "other", 0, 1 + below(w, 3),
		      member ? 4 : below(w, 5), choice(w, specs, member ? 4 : ARRAY_LEN(specs))));
}

/* Something about a pod that is there: it ends, it is deleted slowly, it gets a label. */
static void touch_pod(struct world *w, unsigned i)
{
	autofree char *key = xasprintf("Pod ns/p-%02u", i);
	json_t *old = json_object_get(w->objects, key);
	if (!old)
		return;
	json_t *j = json_deep_copy(old);
	unsigned what = below(w, 3);
	if (what == 0 && json_str(json_at(j, "spec"), "nodeName"))
		json_put_new(j, "status", fixture("{'phase':'Succeeded'}"));
	else if (what == 1)
		json_put_str(json_object_get(j, "metadata"), "deletionTimestamp", "2026-01-01T01:00:00Z");
	else
		json_put_str(json_object_get(json_object_get(j, "metadata"), "labels"), "app", below(w, 2) ? "a" : "b");
	put(w, j);
}

static void put_gang(struct world *w, unsigned i)
{
	static const char *const levels[] = { "", ",'required':'leaf'", ",'required':'spine-group'", ",'required':'leaf','slices':[{'level':'node','size':2}]",
						",'preferred':'leaf'" };
	put(w, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g%u'},'spec':{'min':%u%s}}", i, 2 + below(w, 5),
		      choice(w, levels, 5)));
}

/* Claims c0 to c3, bound to volumes of one driver. */
static void put_volumes(struct world *w)
{
	for (unsigned i = 0; i < 4; i++) {
		put(w, fixture("{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'v%u'},'spec':{'csi':{'driver':'d','volumeHandle':'h%u'}}}", i, i));
		put(w, fixture("{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'namespace':'ns','name':'c%u','annotations':{'pv.kubernetes.io/bind-completed':'yes'}},"
			       "'spec':{'volumeName':'v%u'},'status':{'phase':'Bound'}}", i, i));
	}
}

/* How many volumes a node may attach, and what is attached. */
static void step_volumes(struct world *w)
{
	unsigned what = below(w, 10), n = below(w, NODES);
	autofree char *limits = xasprintf("CSINode /n%02u", n), *attached = xasprintf("VolumeAttachment /a%u", n % 6);
	if (what < 4)
		put(w, fixture("{'apiVersion':'storage.k8s.io/v1','kind':'CSINode','metadata':{'name':'n%02u'},'spec':{'drivers':[{'name':'d','allocatable':{'count':%u}}]}}", n, below(w, 3)));
	else if (what < 5)
		drop(w, limits);
	else if (what < 8)
		put(w, fixture("{'apiVersion':'storage.k8s.io/v1','kind':'VolumeAttachment','metadata':{'name':'a%u'},'spec':{'attacher':'d','nodeName':'n%02u','source':"
			       "{'persistentVolumeName':'v%u'}}}", n % 6, below(w, NODES), below(w, 5)));
	else
		drop(w, attached);
}

static void step(struct world *w)
{
	unsigned what = below(w, 110);
	if (what >= 100) {
		step_volumes(w);
		return;
	}
	autofree char *node = xasprintf("Node /n%02u", below(w, NODES)), *pod = xasprintf("Pod ns/p-%02u", below(w, PODS)), *gang = xasprintf("Gang ns/g%u", below(w, GANGS));
	if (what < 12)
		put_node(w, below(w, NODES));
	else if (what < 14)
		drop(w, node);
	else if (what < 60)
		put_new_pod(w, below(w, PODS));
	else if (what < 75)
		drop(w, pod);
	else if (what < 88)
		touch_pod(w, below(w, PODS));
	else if (what < 97)
		put_gang(w, below(w, GANGS));
	else
		drop(w, gang);
}

/* The server evicts it, or does not; then it goes at once, or later. */
static void evict(struct world *w, const struct live_victim *v)
{
	autofree char *key = xasprintf("Pod %s/%s", v->ns, v->name);
	json_t *j = json_object_get(w->objects, key);
	assert_true(v->moves);
	if (!live_still_goes(w->l, v))
		return;
	assert_non_null(j);
	assert_string_equal(json_str(json_at(j, "metadata"), "uid"), v->uid);
	assert_non_null(json_str(json_at(j, "spec"), "nodeName"));
	if (below(w, 5) == 0) {
		live_spared(w->l, v);
		return;
	}
	w->moved++;
	j = json_deep_copy(j);
	json_put_str(json_object_get(j, "metadata"), "deletionTimestamp", "2026-01-01T01:00:00Z");
	put(w, j);
	if (below(w, 2))
		drop(w, key);
}

/* Decides until nothing more comes, and does what was decided; now and then a binding fails. */
static void act(struct world *w)
{
	struct live_bind *b;
	struct live_word *word;
	struct live_victim *v;
	for (int round = 0; round < 200; round++) {
		bool more = live_decide(w->l, SLICE_MS);
		while ((b = live_next_bind(w->l))) {
			autofree char *key = xasprintf("Pod %s/%s", b->ns, b->name);
			json_t *j = json_object_get(w->objects, key);
			assert_non_null(j);
			assert_null(json_str(json_at(j, "spec"), "nodeName"));
			assert_string_equal(json_str(json_at(j, "metadata"), "uid"), b->uid);
			more = true;
			if (below(w, 20) == 0) {
				live_bound(w->l, b, LIVE_FAILED);
				continue;
			}
			j = json_deep_copy(j);
			json_put_str(json_object_get(j, "spec"), "nodeName", b->node);
			w->bound++;
			live_bound(w->l, b, LIVE_BOUND);
			put(w, j);
		}
		while ((v = live_next_victim(w->l))) {
			evict(w, v);
			live_victim_free(v);
			more = true;
		}
		while ((word = live_next_word(w->l))) {
			assert_true(*word->message);
			live_word_free(word);
		}
		if (!more && live_due(w->l) == INT64_MAX)
			return;
		int64_t due = live_due(w->l) - clock_now_ms();
		if (!more)
			clock_advance(due > LIVE_RETRY_MS ? due : LIVE_RETRY_MS);
	}
	fail_msg("it never rests");
}

static bool for_aipc(const struct pod *p, void *arg)
{
	return strcmp(intern_text(((struct model *)arg)->names, p->scheduler), "aipc") == 0;
}

static struct model *from_scratch(const struct world *w)
{
	struct err err;
	struct model *m = model_new();
	const char *key;
	json_t *j;
	json_object_foreach(w->objects, key, j)
		assert_int_equal(model_add(m, j, &err), 0);
	model_settle(m);
	return m;
}

static void same_node(const struct model *a, const struct node *x, const struct model *b, const struct node *y)
{
	assert_string_equal(x->text, y->text);
	assert_int_equal(x->pods.len, y->pods.len);
	assert_int_equal(x->spare, y->spare);
	assert_int_equal(x->cordoned, y->cordoned);
	assert_int_equal(x->features, y->features);
	assert_int_equal(x->max_pods, y->max_pods);
	assert_int_equal(x->has.n, y->has.n);
	for (uint32_t i = 0; i < x->has.n; i++)
		assert_int_equal(node_free_at(x, i), node_free(y, intern_find(b->names, intern_text(a->names, x->has.at[i].res))));
}

static struct pod *pod_called(const struct model *m, const char *key)
{
	for (size_t i = 0; i < m->pods.len; i++)
		if (strcmp(m->pods.at[i]->key, key) == 0)
			return m->pods.at[i];
	return NULL;
}

/* Room that is kept for who waits until others have left is nobody else's. */
static void keep_promises(const struct world *w, struct model *m)
{
	for (size_t i = 0; i < w->l->promised.len; i++) {
		const struct unit *u = w->l->promised.at[i];
		for (size_t k = 0; k < u->claims.len; k++) {
			struct pod *p = pod_called(m, u->claims.at[k].item->key);
			struct node *n = model_node(m, intern_find(m->names, u->claims.at[k].node));
			if (p && n && !p->node)
				model_promise(m, p, n);
		}
	}
}

/* Pods of a group beyond those that room is kept for come when these do. */
static bool has_room_kept(const struct live *l, const char *key)
{
	const struct item *i = live_item(l, key);
	return i->team && i->team->unit.claims.len;
}

/* All that waits is placed anew; MARKS gets a bit for each pod that found a place. */
static void try_anew(struct world *w, bool promises, unsigned bit, struct map *marks)
{
	struct model *m = from_scratch(w);
	if (promises)
		keep_promises(w, m);
	struct engine *e = engine_new(m, for_aipc, m);
	engine_run(e);
	for (size_t i = 0; i < m->pods.len; i++)
		if (m->pods.at[i]->assumed)
			map_put(marks, i + 1, (void *)((uintptr_t)map_get(marks, i + 1) | bit));
	engine_free(e);
	model_free(m);
}

/* Forgotten is who has a place with the room that is kept for others taken, and with it free: when a group that has its minimum by what is kept for it
 * takes its other pods along, these may be just the neighbours that somebody needs. */
static void agree(struct world *w)
{
	struct model *m = from_scratch(w);
	const struct model *have = live_model(w->l);
	assert_int_equal(have->nodes.len, m->nodes.len);
	assert_int_equal(have->pods.len, m->pods.len);
	for (size_t i = 0; i < m->nodes.len; i++)
		same_node(have, have->nodes.at[i], m, m->nodes.at[i]);
	struct map *marks = map_new();
	try_anew(w, true, 1, marks);
	try_anew(w, false, 2, marks);
	for (size_t i = 0; i < m->pods.len; i++)
		if ((uintptr_t)map_get(marks, i + 1) == 3 && !has_room_kept(w->l, m->pods.at[i]->key))
			fail_msg("%s was forgotten", m->pods.at[i]->key);
	map_free(marks);
	model_free(m);
}

static void world_init(struct world *w, uint64_t seed)
{
	*w = (struct world){ .objects = json_object(), .l = live_new("aipc"), .seed = seed * 7919 + 17 };
}

static void world_release(struct world *w)
{
	live_free(w->l);
	json_decref(w->objects);
}

static void any_sequence_of_changes(void **state)
{
	size_t bound = 0, moved = 0;
	(void)state;
	clock_simulate(1, 1767225600000);
	for (unsigned seed = 0; seed < 2 * SEEDS; seed++) {
		struct world w;
		struct engine_rules r = engine_default_rules;
		r.moves = seed < SEEDS ? 0 : 8;
		world_init(&w, seed);
		live_set_rules(w.l, &r);
		for (unsigned i = 0; i < NODES; i += 1 + below(&w, 3))
			put_node(&w, i);
		put_volumes(&w);
		live_refilled(w.l);
		for (unsigned i = 0; i < STEPS; i++) {
			step(&w);
			if (below(&w, 8) == 0) {
				act(&w);
				agree(&w);
			}
		}
		bound += w.bound;
		moved += w.moved;
		world_release(&w);
	}
	assert_true(bound > 1000);
	if (moved < 10)
		fail_msg("only %zu were moved", moved);
	clock_real();
}

/* The same objects at once: the same placements as `simulate` makes. The clock stands: where a slice of time ends between two tries, who was
 * woken by the first goes before the second, which is as right but another order. */
static void first_decisions_are_those_of_simulate(void **state)
{
	(void)state;
	clock_simulate(1, 1798761600000);            /* a year after all was made: no patience is left */
	for (unsigned seed = 100; seed < 100 + SEEDS; seed++) {
		struct world w;
		struct live_bind *b;
		size_t n = 0, want = 0;
		world_init(&w, seed);
		for (unsigned i = 0; i < NODES; i++)
			put_node(&w, i);
		for (unsigned i = 0; i < GANGS; i++)
			put_gang(&w, i);
		for (unsigned i = 0; i < PODS; i++)
			put_new_pod(&w, i);
		live_refilled(w.l);
		while (live_decide(w.l, SLICE_MS))
			;
		struct model *m = from_scratch(&w);
		struct engine *e = engine_new(m, for_aipc, m);
		engine_run(e);
		for (size_t i = 0; i < m->pods.len; i++)
			want += m->pods.at[i]->assumed;
		while ((b = live_next_bind(w.l))) {
			autofree char *key = xasprintf("%s/%s", b->ns, b->name);
			for (size_t i = 0; i < m->pods.len; i++) {
				if (strcmp(m->pods.at[i]->key, key) == 0) {
					assert_true(m->pods.at[i]->assumed);
					assert_string_equal(m->pods.at[i]->node->text, b->node);
				}
			}
			n++;
			live_bind_free(b);
		}
		assert_int_equal(n, want);
		engine_free(e);
		model_free(m);
		world_release(&w);
	}
	clock_real();
}

/* A reset in the middle loses nothing, not even what is only assumed. */
static void a_reset_keeps_what_is_assumed(void **state)
{
	struct world w;
	struct live_bind *b;
	const char *key;
	json_t *j;
	size_t n = 0;
	(void)state;
	world_init(&w, 5);
	for (unsigned i = 0; i < NODES; i++)
		put(&w, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%02u'},'status':{'allocatable':{'cpu':'64','pods':'12','nvidia.com/gpu':'8'}}}", i));
	for (unsigned i = GANGS * 6; i < PODS; i++)
		put(&w, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'p-%02u','uid':'u%u'},'spec':{'schedulerName':'aipc','containers':"
			        "[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'8'}}}]}}", i, i));
	live_refilled(w.l);
	while (live_decide(w.l, SLICE_MS))
		;
	live_reset(w.l);
	json_object_foreach(w.objects, key, j)
		live_put(w.l, j);
	live_refilled(w.l);
	while (live_decide(w.l, SLICE_MS))
		;
	while ((b = live_next_bind(w.l))) {
		n++;
		live_bound(w.l, b, LIVE_BOUND);
	}
	assert_int_equal(n, NODES);
	assert_int_equal(live_stats(w.l).assumed, NODES);
	assert_int_equal(live_stats(w.l).waiting, PODS - GANGS * 6 - NODES);
	world_release(&w);
}

/* Churn does not grow: a reset is asked for, and after it garbage is small again. */
static void garbage_has_a_bound(void **state)
{
	struct world w;
	size_t most = 0;
	unsigned resets = 0;
	(void)state;
	world_init(&w, 9);
	put_node(&w, 0);
	live_refilled(w.l);
	for (unsigned i = 0; i < 60000; i++) {
		autojson json_t *j = fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'x-%u','uid':'u%u','labels':{'job':'%0600u'}},"
					     "'spec':{'schedulerName':'other','nodeName':'n00'}}", i, i, i);
		autofree char *name = xasprintf("x-%u", i);
		live_put(w.l, j);
		live_drop(w.l, "v1", "Pod", "ns", name);
		if (i % 100 == 0)
			live_decide(w.l, SLICE_MS);
		size_t now = live_stats(w.l).garbage;
		most = now > most ? now : most;
		if (live_wants_reset(w.l)) {
			live_reset(w.l);
			live_refilled(w.l);
			resets++;
		}
	}
	assert_true(resets > 0);
	assert_true(most < 2 * (32 << 20));
	assert_true(live_model(w.l)->changes.len < 5000);
	world_release(&w);
}

static void node_is(struct world *w, bool tainted, int gpus)
{
	put(w, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n'},'spec':{%s},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'%d'}}}",
		       tainted ? "'taints':[{'key':'team','value':'b','effect':'NoSchedule'}]" : "", gpus));
	while (live_decide(w->l, SLICE_MS))
		;
}

static void waiting_pod(struct world *w, const char *name)
{
	put(w, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'%s','uid':'u-%s'},'spec':{'schedulerName':'aipc','containers':[{'name':'c',"
		       "'resources':{'requests':{'cpu':'1','nvidia.com/gpu':'16'}}}]},'status':{'conditions':[{'type':'PodScheduled','status':'False','reason':'Unschedulable',"
		       "'message':'of old'}]}}", name, name));
}

static void world_with_waiters(struct world *w, int n)
{
	world_init(w, 1);
	for (int i = 0; i < n; i++) {
		autofree char *name = xasprintf("p%02d", i);
		waiting_pod(w, name);
	}
	live_refilled(w->l);
}

/* How many words there are; all say TEXT. */
static size_t all_say(struct world *w, const char *text, bool event)
{
	struct live_word *word;
	size_t n = 0;
	for (; (word = live_next_word(w->l)); n++) {
		if (!strstr(word->message, text))
			fail_msg("'%s' and not '%s'", word->message, text);
		assert_int_equal(word->event, event);
		live_word_free(word);
	}
	return n;
}

static void who_changed_is_told_first_and_all_the_last_word(void **state)
{
	enum { WAITING = 50 };
	struct world w;
	(void)state;
	world_with_waiters(&w, WAITING);
	node_is(&w, false, 8);
	assert_int_equal(all_say(&w, "insufficient nvidia.com/gpu", true), WAITING);
	assert_false(live_has_work(w.l));
	/* The world changes for all, then one comes. */
	node_is(&w, true, 8);
	waiting_pod(&w, "new");
	while (live_decide(w.l, SLICE_MS))
		;
	assert_true(live_has_work(w.l));
	struct live_word *word = live_next_word(w.l);
	assert_string_equal(word->name, "new");
	live_word_free(word);
	/* It changes again, and back, before the others were told: once is enough, and more than numbers changed since the last word. */
	node_is(&w, false, 4);
	node_is(&w, true, 4);
	assert_int_equal(all_say(&w, "taint team=b", true), WAITING + 1);
	node_is(&w, true, 2);
	assert_int_equal(all_say(&w, "none", false), 0);
	world_release(&w);
}

static void many_nodes(struct world *w, int from, int to, const char *spec)
{
	for (int i = from; i < to; i++)
		put(w, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'m%03d'},'spec':{%s},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}", i, spec));
	while (live_decide(w->l, SLICE_MS))
		;
}

#define SOCIAL(rest) "{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'w','uid':'u-w','labels':{'app':'c'}},'spec':{'schedulerName':'aipc'," \
	"'containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'1'}}}]," rest "}}"
#define NEAR_B SOCIAL("'affinity':{'podAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':[{'topologyKey':'rack','labelSelector':{'matchLabels':{'app':'b'}}}]}}")
#define SPREAD_C SOCIAL("'topologySpreadConstraints':[{'maxSkew':1,'topologyKey':'rack','whenUnsatisfiable':'DoNotSchedule','nodeTaintsPolicy':'Honor','labelSelector':{'matchLabels':{'app':'c'}}}]")
#define NEIGHBOUR(app, more) "{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'q','uid':'u-q','labels':{'app':'" app "'}" more "},'spec':{'schedulerName':'other','nodeName':'a','containers':[{'name':'c'}]}}"
#define RACK_B(taints) "{'apiVersion':'v1','kind':'Node','metadata':{'name':'b','labels':{'rack':'b'}},'spec':{" taints "},'status':{'allocatable':{'pods':'110'}}}"

/* Nothing of it gives room, and still somebody may go. */
static void neighbours_are_news(void **state)
{
	static const struct { const char *waiter, *before, *after; } rows[] = {
		{ NEAR_B, NEIGHBOUR("d", ""), NEIGHBOUR("b", "") },
		{ NEAR_B, NULL, NEIGHBOUR("b", "") },
		{ SPREAD_C, NEIGHBOUR("c", ""), NEIGHBOUR("d", "") },
		{ SPREAD_C, NEIGHBOUR("c", ""), NEIGHBOUR("c", ",'deletionTimestamp':'2026-01-01T01:00:00Z'") },
		{ SPREAD_C, NEIGHBOUR("c", ""), RACK_B("'taints':[{'key':'t','effect':'NoSchedule'}]") },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_init(&w, 1);
		put(&w, fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'a','labels':{'rack':'a'}},'status':{'allocatable':{'pods':'110','nvidia.com/gpu':'8'}}}"));
		put(&w, fixture(RACK_B("")));
		if (rows[i].before)
			put(&w, fixture("%s", rows[i].before));
		live_refilled(w.l);
		put(&w, fixture("%s", rows[i].waiter));
		for (int round = 0; round < 2; round++) {
			while (live_decide(w.l, SLICE_MS))
				;
			struct live_bind *b = live_next_bind(w.l);
			if ((b != NULL) != (round == 1))
				fail_msg("row %zu, round %d: %s", i, round, b ? b->node : "nowhere");
			if (b)
				live_bind_free(b);
			if (round == 0)
				put(&w, fixture("%s", rows[i].after));
		}
		world_release(&w);
	}
}

/* Else each node that comes, goes or is drained would be a write for every pod that waits. */
static void one_node_in_many_is_no_news(void **state)
{
	enum { WAITING = 20 };
	struct world w;
	(void)state;
	world_with_waiters(&w, WAITING);
	many_nodes(&w, 0, 100, "");
	assert_int_equal(all_say(&w, "none of 100 nodes fits", true), WAITING);
	many_nodes(&w, 100, 101, "");
	many_nodes(&w, 50, 51, "'unschedulable':true");
	assert_int_equal(all_say(&w, "none", true), 0);
	/* They add up. */
	many_nodes(&w, 101, 110, "");
	assert_int_equal(all_say(&w, "none of 110 nodes fits", false), WAITING);
	/* Another kind of reason is news, be it for one node. */
	many_nodes(&w, 3, 4, "'taints':[{'key':'team','value':'b','effect':'NoSchedule'}]");
	assert_int_equal(all_say(&w, "1 node: taint team=b", true), WAITING);
	world_release(&w);
}

static void member_later(struct world *w, int i, int64_t later)
{
	clock_advance(later);
	put(w, fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'ns','name':'m%d','uid':'u-m%d','labels':{'aipc.dev/gang':'g0'}},"
		       "'spec':{'schedulerName':'aipc','containers':[{'name':'c','resources':{'requests':{'nvidia.com/gpu':'1'}}}]}}", i, i));
	while (live_decide(w->l, SLICE_MS))
		;
}

/* Its pods are made one after the other. */
static void a_gang_that_arrives_is_told_nothing_for_a_moment(void **state)
{
	struct world w;
	size_t bound = 0;
	(void)state;
	clock_simulate(1, 1767225600000);
	world_init(&w, 1);
	put(&w, fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'ns','name':'g0'},'spec':{'min':4}}"));
	live_refilled(w.l);
	node_is(&w, false, 8);
	member_later(&w, 0, 1);
	member_later(&w, 1, 300);
	assert_false(live_has_work(w.l));
	/* The moment began with the first, and ends by itself, also while others give the scheduler something to do. */
	assert_int_equal(live_due(w.l), clock_now_ms() + 100);
	clock_advance(100);
	waiting_pod(&w, "other");
	live_decide(w.l, SLICE_MS);
	assert_int_equal(all_say(&w, "", true), 3);
	/* For what only the world changed nobody is silent. */
	node_is(&w, true, 8);
	assert_int_equal(all_say(&w, "taint team=b", true), 1);
	node_is(&w, false, 8);
	assert_int_equal(all_say(&w, "insufficient", true), 1);
	assert_int_not_equal(live_due(w.l), clock_now_ms() + 400);
	/* Who completes it in time finds that nobody was told of it. */
	member_later(&w, 2, 1);
	member_later(&w, 3, 1);
	for (struct live_bind *b; (b = live_next_bind(w.l)); bound++)
		live_bind_free(b);
	assert_int_equal(bound, 4);
	assert_int_equal(all_say(&w, "none", true), 0);
	world_release(&w);
	clock_real();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_decisions_are_those_of_simulate),
		cmocka_unit_test(any_sequence_of_changes),
		cmocka_unit_test(a_reset_keeps_what_is_assumed),
		cmocka_unit_test(garbage_has_a_bound),
		cmocka_unit_test(who_changed_is_told_first_and_all_the_last_word),
		cmocka_unit_test(one_node_in_many_is_no_news),
		cmocka_unit_test(neighbours_are_news),
		cmocka_unit_test(a_gang_that_arrives_is_told_nothing_for_a_moment),
	};
	json_setup();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
