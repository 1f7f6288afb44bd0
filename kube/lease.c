#include "kube/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/client_internal.h"

enum { BELIEVED_MS = 3600 * 1000, ROUNDS = 3 };

struct lease {
	struct kube *k;
	char *ns, *name, *identity;
	int64_t lease_ms, renew_ms, retry_ms;
	void (*changed)(void *arg, bool held); void *arg;
	bool started;

	json_t *object;              /* as the server last showed it, to write the next one from; NULL: look first */
	json_t *spec;                /* the last spec seen, though its object may be gone */
	char *uid, *holder;
	bool gone;                   /* there was none at the last look */
	int64_t seen_ms;             /* when it was first seen like this, by the monotonic clock */

	bool leader;                 /* as far as answers say; the clock has the last word */
	bool maybe;                  /* we asked for it and do not know that we lost it: to be given back */
	int64_t began_ms, began_wall_ms;     /* start of the last request that renewed */
	int64_t stamp_ms;            /* the last renewTime written */
	char trouble[256];        /* lease_error */
	int64_t retry_after_ms;
	struct event held;
};

static void fill(struct lease *l, const struct lease_options *o)
{
	l->lease_ms = o->lease_ms ? o->lease_ms : LEASE_MS;
	l->renew_ms = o->renew_ms ? o->renew_ms : LEASE_RENEW_MS;
	l->retry_ms = o->retry_ms ? o->retry_ms : LEASE_RETRY_MS;
	if (!(l->lease_ms > l->renew_ms && l->renew_ms > l->retry_ms && l->retry_ms > 0))
		BUG("lease %s/%s: lease_ms > renew_ms > retry_ms > 0 does not hold", o->ns, o->name);
}

static char *own_identity(void)
{
	char host[256] = "";
	unsigned char random[8];
	if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
		snprintf(host, sizeof(host), "host");
	clock_random(random, sizeof(random));
	char *text = xasprintf("%s_", host);
	for (size_t i = 0; i < sizeof(random); i++) {
		char *more = xasprintf("%s%02x", text, random[i]);
		free(text);
		text = more;
	}
	return text;
}

struct lease *lease_new(struct kube *k, const struct lease_options *o)
{
	struct lease *l = xcalloc(1, sizeof(*l));
	fill(l, o);
	l->k = k;
	l->ns = xstrdup(o->ns);
	l->name = xstrdup(o->name);
	l->identity = o->identity && o->identity[0] ? xstrdup(o->identity) : own_identity();
	l->holder = xstrdup("");
	l->uid = xstrdup("");
	l->changed = o->changed;
	l->arg = o->arg;
	return l;
}

void lease_free(struct lease *l)
{
	if (!l)
		return;
	char *const texts[] = { l->ns, l->name, l->identity, l->holder, l->uid };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	json_decref(l->object);
	json_decref(l->spec);
	free(l);
}

/* --- who has it ------------------------------------------------------------------------------------------------------------- */

int64_t lease_left_ms(const struct lease *l)
{
	int64_t by_clock = clock_now_ms() - l->began_ms, by_wall = clock_wall_ms() - l->began_wall_ms;
	int64_t left = l->renew_ms - (by_wall > by_clock ? by_wall : by_clock);
	return l->leader && left > 0 ? left : 0;
}

bool lease_held(const struct lease *l) { return lease_left_ms(l) > 0; }
const char *lease_identity(const struct lease *l) { return l->identity; }
const char *lease_holder(const struct lease *l) { return l->holder; }
const char *lease_error(const struct lease *l) { return l->trouble; }

static void lose(struct lease *l, const char *why)
{
	if (!l->leader)
		return;
	l->leader = false;
	l->held.set = false;
	log_info("lease %s/%s: lost: %s", l->ns, l->name, why);
	if (l->changed)
		l->changed(l->arg, false);
}

static void win(struct lease *l, int64_t began, int64_t began_wall)
{
	bool was = l->leader;
	l->began_ms = began;
	l->began_wall_ms = began_wall;
	l->leader = true;
	if (was || !lease_held(l)) {
		if (!was)
			l->leader = false;       /* the answer came after all was over */
		return;
	}
	log_info("lease %s/%s: held by this process, %s", l->ns, l->name, l->identity);
	if (l->changed)
		l->changed(l->arg, true);
	event_set(&l->held);
}

/* Takes OBJECT, what the server says the Lease is. */
static int observe(struct lease *l, json_t *object, struct err *err)
{
	json_t *spec = json_object_get(object, "spec"), *meta = json_object_get(object, "metadata");
	const char *kind = json_str(object, "kind"), *uid = json_str(meta, "uid"), *holder = json_str(spec, "holderIdentity");
	json_decref(l->object);
	l->object = NULL;
	if (!kind || strcmp(kind, "Lease") != 0 || !json_str(meta, "resourceVersion") || (spec && !json_is_object(spec))) {
		json_decref(object);
		return err_set(err, E_INTERNAL, "lease %s/%s: what the server answered is no Lease", l->ns, l->name);
	}
	l->object = object;
	uid = uid ? uid : "";
	if (l->gone || !l->spec || !json_same(l->spec, spec) || strcmp(uid, l->uid) != 0) {
		json_decref(l->spec);
		l->spec = spec ? json_incref(spec) : json_object();
		free(l->uid);
		l->uid = xstrdup(uid);
		free(l->holder);
		l->holder = xstrdup(holder ? holder : "");
		l->seen_ms = clock_now_ms();
		l->gone = false;
	}
	if (strcmp(l->holder, l->identity) != 0) {
		l->maybe = false;
		lose(l, l->holder[0] ? "another process took it" : "it was given back in our name");
	}
	return 0;
}

/* How long until we may take it; 0: now. */
static int64_t must_wait_ms(const struct lease *l)
{
	int64_t declared = json_int(l->spec, "leaseDurationSeconds", 0);
	declared = declared > BELIEVED_MS / 1000 ? BELIEVED_MS : declared > 0 ? declared * 1000 : 0;
	int64_t wait = declared > l->lease_ms ? declared : l->lease_ms, passed = clock_now_ms() - l->seen_ms;
	if (!l->holder[0] || strcmp(l->holder, l->identity) == 0)
		return 0;
	return passed < wait ? wait - passed : 0;
}

/* --- asking for it -------------------------------------------------------------------------------------------------------------- */

static struct kube_ref ref_of(const struct lease *l) { return (struct kube_ref){ &kube_leases, l->ns, l->name, NULL }; }

static void put_stamp(json_t *spec, const char *key, int64_t ms)
{
	char stamp[KUBE_STAMP];
	kube_stamp(ms, stamp);
	json_put_str(spec, key, stamp);
}

/* The object to write: what is there, held by HOLDER ("" gives it back). */
static json_t *written(struct lease *l, const char *holder)
{
	json_t *j = l->object ? json_deep_copy(l->object)
			      : json_pack("{s:s,s:s,s:{s:s,s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind", "Lease", "metadata", "name", l->name,
					  "namespace", l->ns);
	json_t *spec = json_object_get(j, "spec");
	const char *before = json_str(spec, "holderIdentity");
	int64_t now = clock_wall_ms();
	if (!spec) {
		spec = json_object();
		json_object_set_new(j, "spec", spec);
	}
	/* Two renewals that look the same would be none: the server stores no write that changes nothing. */
	l->stamp_ms = now == l->stamp_ms ? now + 1 : now;
	if (holder[0] && (!before || strcmp(before, holder) != 0)) {
		put_stamp(spec, "acquireTime", l->stamp_ms);
		json_put_int(spec, "leaseTransitions", l->object ? json_int(spec, "leaseTransitions", 0) + 1 : 0);
	}
	put_stamp(spec, "renewTime", l->stamp_ms);
	json_put_int(spec, "leaseDurationSeconds", holder[0] ? (l->lease_ms + 999) / 1000 : 1);
	json_put_str(spec, "holderIdentity", holder);
	return j;
}

static int look(struct task *t, struct lease *l, struct kube_fail *why, struct err *err)
{
	json_t *got = NULL;
	struct kube_ref r = ref_of(l);
	int rc = kube_get(t, l->k, &r, &got, why, err);
	if (rc == E_NOTFOUND) {
		json_decref(l->object);
		l->object = NULL;
		/* Its holder may have renewed right before it went. */
		if (!l->gone)
			l->seen_ms = clock_now_ms();
		l->gone = true;
		return 0;
	}
	return rc ? rc : observe(l, got, err);
}

/* Writes our claim over what was last seen, which the server compares. */
static int claim(struct task *t, struct lease *l, struct kube_fail *why, struct err *err)
{
	struct kube_ref r = ref_of(l);
	autojson json_t *body = written(l, l->identity);
	json_t *got = NULL;
	int64_t began = clock_now_ms(), began_wall = clock_wall_ms();
	l->maybe = true;
	int rc = l->object ? kube_update(t, l->k, &r, body, NULL, &got, why, err) : kube_create(t, l->k, &r, body, NULL, &got, why, err);
	if (rc == 0)
		rc = observe(l, got, err);
	if (rc == 0 && strcmp(l->holder, l->identity) == 0) {
		win(l, began, began_wall);
	} else {
		json_decref(l->object);
		l->object = NULL;
	}
	return rc;
}

/* Something else was there than what we knew. */
static bool look_again(int rc) { return rc == E_CONFLICT || rc == E_NOTFOUND; }

static int attempt(struct task *t, struct lease *l, struct kube_fail *why, struct err *err)
{
	int rc = 0;
	for (int round = 0; round < ROUNDS; round++) {
		/* A leader writes over what it wrote; all others look first. */
		if (!(l->leader && l->object && round == 0))
			rc = look(t, l, why, err);
		if (rc || must_wait_ms(l))
			return rc;
		rc = claim(t, l, why, err);
		if (!look_again(rc))
			return rc;
		/* E_NOTFOUND of a create: the namespace is not there. */
		if (rc == E_NOTFOUND && round)
			return rc;
	}
	return rc;
}

static void timed_attempt(struct task *t, struct lease *l)
{
	struct kube_fail why = { .retry_after_ms = -1 };
	struct err e = { 0 };
	/* At least two tries before the fence falls. */
	int64_t limit = l->renew_ms / 2 > l->retry_ms ? l->renew_ms / 2 : l->retry_ms, left = lease_left_ms(l);
	int64_t old = task_deadline_in(t, left && left < limit ? left : limit);
	int rc = attempt(t, l, &why, &e);
	task_deadline_restore(t, old);
	l->retry_after_ms = rc ? why.retry_after_ms : -1;
	if (rc && rc != E_CANCELED && strcmp(l->trouble, "") == 0)
		log_warn("lease %s/%s: %s", l->ns, l->name, e.msg);
	snprintf(l->trouble, sizeof(l->trouble), "%.250s", rc ? e.msg : "");
	if (l->leader && !lease_held(l))
		lose(l, rc ? "it could not be renewed in time" : "the clock jumped");
}

/* How long until the next try, after one that began at BEGAN. */
static int64_t pause_ms(const struct lease *l, int64_t began)
{
	int64_t passed = clock_now_ms() - began, left = lease_left_ms(l), wait = must_wait_ms(l);
	int64_t pause = l->retry_ms - passed, least = l->retry_ms / 10 + 1;
	if (!left) {
		pause = l->retry_ms / 2 + (int64_t)clock_random_below((uint64_t)(l->retry_ms / 2 + 1));
		if (l->retry_after_ms > pause)
			pause = l->retry_after_ms < l->lease_ms ? l->retry_after_ms : l->lease_ms;
		if (wait && wait < pause)
			pause = wait;
	}
	if (pause < least)
		pause = least;
	return left && pause > left ? left : pause;
}

/* --- for ever ------------------------------------------------------------------------------------------------------------------------ */

/* One try. E_CONFLICT: look and try again. */
static int give_back_once(struct task *t, struct lease *l, struct err *err)
{
	struct kube_ref r = ref_of(l);
	int rc = l->object ? 0 : look(t, l, NULL, err);
	if (rc || !l->object || !l->maybe)
		return rc;
	autojson json_t *body = written(l, ""), *got = NULL;
	rc = kube_update(t, l->k, &r, body, NULL, &got, NULL, err);
	json_decref(l->object);
	l->object = NULL;
	if (rc == 0) {
		l->maybe = false;
		free(l->holder);
		l->holder = xstrdup("");
	}
	return rc;
}

static void give_back(struct task *t, struct lease *l)
{
	struct err e = { 0 };
	int rc = E_CONFLICT;
	lose(l, "this process ends");
	if (!l->maybe)
		return;
	task_shield(t, true);
	int64_t old = task_deadline_in(t, LEASE_GIVE_BACK_MS);
	for (int round = 0; round < ROUNDS && rc == E_CONFLICT; round++)
		rc = give_back_once(t, l, &e);
	if (rc)
		log_warn("lease %s/%s: it could not be given back: %s", l->ns, l->name, e.msg);
	task_deadline_restore(t, old);
	task_shield(t, false);
}

static int run(struct task *t, void *arg, struct err *err)
{
	struct lease *l = arg;
	int rc = 0;
	while (rc == 0 && !task_cancelled(t)) {
		int64_t began = clock_now_ms();
		timed_attempt(t, l);
		rc = task_sleep(t, pause_ms(l, began), err);
		if (l->leader && !lease_held(l))
			lose(l, "it could not be renewed in time");
	}
	give_back(t, l);
	return task_cancelled(t) ? 0 : rc;
}

void lease_start(struct lease *l, struct scope *s)
{
	if (l->started)
		BUG("lease %s/%s started twice", l->ns, l->name);
	l->started = true;
	scope_start(s, "lease", run, l);
}

int lease_wait(struct task *t, struct lease *l, struct err *err)
{
	while (!lease_held(l)) {
		int rc = event_wait(t, &l->held, err);
		if (rc)
			return rc;
		/* The clock ran out and the lease's task does not know it yet. */
		if (!lease_held(l) && (rc = task_sleep(t, 10, err)) != 0)
			return rc;
	}
	return 0;
}
