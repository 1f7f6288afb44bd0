/* A day of a cluster whose small pods come and go, with gangs that want a whole leaf: how long these wait without moves and with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "runtime/scheduler/live.h"
#include "tests/unit/runtime/fixture.h"

enum { LEAVES = 8, HOSTS = 4, ALL = LEAVES * HOSTS * 8, MINUTES = 24 * 60, MINUTE_MS = 60000, JOBS = 4000, GANG_EVERY = 15, GANG_RUNS = 40, RESTART = 5 };

/* A single pod, or, with four nodes, a gang. ENDS: minute; -1: it waits. */
struct job { int gpus, minutes, came, ends, bound; };
struct day { struct live *l; struct job *at; int n, used, waiting, moved; uint64_t seed; int64_t now; double gang_wait; int gangs, longest; };

static int below(struct day *d, int n)
{
	d->seed = d->seed * 6364136223846793005u + 1442695040888963407u;
	return (int)((d->seed >> 33) % (uint64_t)n);
}

/* Pod K of job I, as the cluster has it: on NODE, or waiting. */
static void tell_job(struct day *d, int i, int k, const char *node)
{
	const struct job *b = &d->at[i];
	char stamp[32];
	clock_stamp(d->now - (int64_t)(*node ? 1 : 0) * MINUTE_MS, stamp);
	json_t *j = fixture("{'apiVersion':'v1','kind':'Pod','metadata':{'namespace':'default','name':'j%d-%d','uid':'j%d-%d','creationTimestamp':'%s'%s},'spec':{'schedulerName':'aipc',%s%s%s"
			    "'containers':[{'name':'c','resources':{'requests':{'cpu':'1','nvidia.com/gpu':'%d'}}}]}}", i, k, i, k, stamp, b->gpus < 8 ? ",'annotations':{'aipc.dev/movable':'true'},'ownerReferences':[{'kind':'Job','name':'j','controller':true}]" : ",'labels':{}",
			    *node ? "'nodeName':'" : "", node, *node ? "'," : "", b->gpus);
	if (b->gpus == 8) {
		autofree char *name = xasprintf("j%d", i);
		json_put_str(json_object_get(json_object_get(j, "metadata"), "labels"), "aipc.dev/gang", name);
	}
	live_put(d->l, j);
	json_decref(j);
}

static void new_job(struct day *d, int gpus, int minutes, int minute)
{
	int i = d->n++, pods = gpus == 8 ? HOSTS : 1;
	assert_true(i < JOBS);
	d->at[i] = (struct job){ gpus, minutes, minute, -1, 0 };
	if (gpus == 8) {
		json_t *j = fixture("{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'namespace':'default','name':'j%d','uid':'j%d'},'spec':{'min':%d,'required':'leaf'}}", i, i, HOSTS);
		live_put(d->l, j);
		json_decref(j);
	}
	d->waiting += gpus < 8 ? gpus : 0;
	for (int k = 0; k < pods; k++)
		tell_job(d, i, k, "");
}

static void end_job(struct day *d, int i)
{
	char name[32];
	for (int k = 0; k < (d->at[i].gpus == 8 ? HOSTS : 1); k++) {
		snprintf(name, sizeof(name), "j%d-%d", i, k);
		live_drop(d->l, "v1", "Pod", "default", name);
	}
	snprintf(name, sizeof(name), "j%d", i);
	if (d->at[i].gpus == 8)
		live_drop(d->l, "aipc.dev/v1alpha1", "Gang", "default", name);
	else
		d->used -= d->at[i].gpus;
	d->at[i].ends = 0;
}

static void take_decisions(struct day *d, int minute)
{
	struct live_bind *b;
	struct live_victim *v;
	struct live_word *w;
	struct live_status *s;
	while ((b = live_next_bind(d->l))) {
		int i, k;
		assert_int_equal(sscanf(b->name, "j%d-%d", &i, &k), 2);
		struct job *j = &d->at[i];
		tell_job(d, i, k, b->node);
		live_bound(d->l, b, LIVE_BOUND);
		if (++j->bound < (j->gpus == 8 ? HOSTS : 1))
			continue;
		j->ends = minute + j->minutes;
		if (j->gpus < 8) {
			d->used += j->gpus;
			d->waiting -= j->gpus;
		} else {
			d->gang_wait += minute - j->came;
			d->longest = minute - j->came > d->longest ? minute - j->came : d->longest;
			d->gangs++;
		}
	}
	while ((v = live_next_victim(d->l))) {
		int i = atoi(v->name + 1), left = d->at[i].ends - minute;
		assert_true(v->moves);
		end_job(d, i);
		new_job(d, d->at[i].gpus, left + RESTART, minute);
		d->moved++;
		live_victim_free(v);
	}
	while ((w = live_next_word(d->l)))
		live_word_free(w);
	while ((s = live_next_status(d->l)))
		live_reported(d->l, s, true);
}

/* Singles of 1 to 4 devices for 35 minutes each, in mean, fill 60 % of it all the time; every quarter of an hour a gang wants a whole leaf. */
static struct day a_day(int64_t moves, uint64_t seed)
{
	struct day d = { .at = xcalloc(JOBS, sizeof(struct job)), .seed = seed, .now = 1767225600000 };
	struct engine_rules r = engine_default_rules;
	r.moves = moves;
	clock_simulate(1, d.now);
	d.l = live_new("aipc");
	live_set_rules(d.l, &r);
	for (int i = 0; i < LEAVES * HOSTS; i++) {
		json_t *j = fixture("{'apiVersion':'v1','kind':'Node','metadata':{'name':'n%02d','labels':{'aipc.dev/leaf':'l%d'}},'status':{'allocatable':{'cpu':'64','pods':'110','nvidia.com/gpu':'8'}}}", i, i / HOSTS);
		live_put(d.l, j);
		json_decref(j);
	}
	live_refilled(d.l);
	for (int minute = 0; minute < MINUTES; minute++) {
		for (int i = 0; i < d.n; i++)
			if (d.at[i].ends > 0 && d.at[i].ends <= minute)
				end_job(&d, i);
		while (d.used + d.waiting < ALL * 60 / 100)
			new_job(&d, 1 + below(&d, 4), 10 + below(&d, 51), minute);
		if (minute % GANG_EVERY == GANG_EVERY - 1)
			new_job(&d, 8, GANG_RUNS, minute);
		for (int round = 0; round < 20; round++) {
			live_decide(d.l, 1000);
			take_decisions(&d, minute);
			clock_advance(MINUTE_MS / 20);
		}
		d.now += MINUTE_MS;
	}
	live_free(d.l);
	clock_real();
	free(d.at);
	return d;
}

/* Nine tenths of the cluster are asked for. Moving about three pods for two gangs, they wait for less than a third of the time. */
static void gangs_wait_less(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct day without = a_day(0, seed), with = a_day(8, seed);
		assert_int_equal(without.moved, 0);
		if (with.gangs < without.gangs || with.gang_wait * 3 > without.gang_wait || with.moved > 2 * with.gangs)
			fail_msg("seed %llu: without moves %d gangs, %.1f min, %d at most; with %d moves %d gangs, %.1f min, %d at most", (unsigned long long)seed, without.gangs,
				 without.gang_wait / without.gangs, without.longest, with.moved, with.gangs, with.gang_wait / with.gangs, with.longest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(gangs_wait_less) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
