#include "runtime/role.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/events.h"
#include "kube/lease.h"
#include "runtime/probes.h"

enum { WATCH_MS = 1000, AGAIN_MS = 60000, REFUSALS = 64 };

/* STALE: it fails for so long that what it holds is no ground for decisions. */
struct watched { struct kube_cache *cache; const char *resource; struct kube_cache_stats told; uint64_t errors, heard; bool bad, stale; char said[256]; };
/* A refusal that was logged: not again within AGAIN_MS. */
struct refusal { uint64_t key; int64_t at_ms; };

struct role_state {
	struct task *main;           /* parked in serve() or reign(); woken by all that changes what it looks at */
	struct watched caches[ROLE_CACHES];
	size_t n_caches;
	struct refusal refusals[REFUSALS];
	struct lease *lease;         /* NULL: alone */
	bool starting, synced, stale, ending, failed, term_over;
	struct err failure;
	uv_signal_t signals[2];
	struct rt *rt;
	const struct role_opts *o;
	char *identity, *ns;
	int64_t began_wall_ms;
	struct kube_recorder_stats events_told;
};

/* --- metrics -------------------------------------------------------------------------------------------------------------- */

static const struct metric
	m_build = { "aipc_build", NULL, "Version and role of this process.", METRIC_INFO, { "version", "role" }, NULL, 0, 0 },
	m_leader = { "aipc_leader", NULL, "1 while this process may write, 0 in a follower.", METRIC_GAUGE, { NULL }, NULL, 0, 0 },
	m_start = { "aipc_start_time_seconds", "seconds", "When the process began, since 1970.", METRIC_GAUGE, { NULL }, NULL, 0, 0 },
	m_memory = { "aipc_resident_memory_bytes", "bytes", "Memory of the process that is in RAM.", METRIC_GAUGE, { NULL }, NULL, 0, 0 },
	m_writes = { "aipc_writes", NULL, "Writes to the API server by how they went.", METRIC_COUNTER, { "verb", "resource", "result" }, NULL, 0, 0 },
	m_events = { "aipc_events", NULL, "Events by what became of them: sent, merged, dropped, failed.", METRIC_COUNTER, { "result" }, NULL, 0, 0 },
	m_objects = { "aipc_cache_objects", NULL, "Objects in a cache.", METRIC_GAUGE, { "resource" }, NULL, 0, 0 },
	m_bytes = { "aipc_cache_bytes", "bytes", "Memory of a cache.", METRIC_GAUGE, { "resource" }, NULL, 0, 0 },
	m_age = { "aipc_cache_age_seconds", "seconds", "Time since the server was last heard about it.", METRIC_GAUGE, { "resource" }, NULL, 0, 0 },
	m_synced = { "aipc_cache_synced", NULL, "1 once all objects are there.", METRIC_GAUGE, { "resource" }, NULL, 0, 0 },
	m_failing = { "aipc_cache_failing_seconds", "seconds", "Since when its requests fail without an answer between them; 0: they do not.", METRIC_GAUGE, { "resource" }, NULL, 0, 0 },
	m_asked = { "aipc_cache_requests", NULL, "Requests of a cache: list, watch, expired (410), error.", METRIC_COUNTER, { "resource", "what" }, NULL, 0, 0 };

static const struct metric *const common[] = { &m_build, &m_leader, &m_start, &m_memory, &m_writes, &m_events, &m_objects, &m_bytes, &m_age, &m_synced, &m_failing,
	&m_asked };

static void register_common(const struct role_run *r)
{
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		metrics_register(r->metrics, common[i]);
	metrics_set(r->metrics, &m_build, 1, (const char *const[]){ AIPC_VERSION, r->role->name });
	metrics_set(r->metrics, &m_start, (double)r->own->began_wall_ms / 1000, NULL);
}

static double resident_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void count_up(struct metrics *m, const struct metric *family, uint64_t now, uint64_t told, const char *const *values)
{
	metrics_add(m, family, now > told ? (double)(now - told) : 0, values);
}

static void refresh_cache(struct metrics *m, struct watched *w)
{
	struct kube_cache_stats s = kube_cache_stats(w->cache);
	const char *const by[] = { w->resource };
	metrics_set(m, &m_objects, (double)s.objects, by);
	metrics_set(m, &m_bytes, (double)s.bytes, by);
	metrics_set(m, &m_age, s.heard_ms ? (double)(clock_now_ms() - s.heard_ms) / 1000 : 0, by);
	metrics_set(m, &m_synced, kube_cache_synced(w->cache), by);
	metrics_set(m, &m_failing, s.failing_ms ? (double)(clock_now_ms() - s.failing_ms) / 1000 : 0, by);
	const struct { const char *what; uint64_t now, told; } counts[] = {
		{ "list", s.lists, w->told.lists }, { "watch", s.watches, w->told.watches }, { "expired", s.expired, w->told.expired }, { "error", s.errors, w->told.errors },
	};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		count_up(m, &m_asked, counts[i].now, counts[i].told, (const char *const[]){ w->resource, counts[i].what });
	w->told = s;
}

static void refresh(void *arg, struct metrics *m)
{
	struct role_run *r = arg;
	struct role_state *own = r->own;
	struct kube_recorder_stats e = kube_recorder_stats(r->events), *told = &own->events_told;
	metrics_set(m, &m_leader, role_leads(r), NULL);
	metrics_set(m, &m_memory, resident_bytes(), NULL);
	const struct { const char *what; uint64_t now, told; } counts[] = {
		{ "sent", e.sent, told->sent }, { "merged", e.merged, told->merged }, { "dropped", e.dropped, told->dropped }, { "failed", e.failed, told->failed },
	};
	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		count_up(m, &m_events, counts[i].now, counts[i].told, &counts[i].what);
	*told = e;
	for (size_t i = 0; i < own->n_caches; i++)
		refresh_cache(m, &own->caches[i]);
	if (r->role->refresh)
		r->role->refresh(r, m);
}

/* The same refusal comes with every try: one line a minute is enough, the metric has the rest. */
static bool said_lately(struct role_state *own, const char *what, const char *text)
{
	uint64_t key = 1469598103934665603ull;
	for (const char *const *s = (const char *const[]){ what, text, NULL }; *s; s++)
		for (const char *p = *s; *p; p++)
			key = (key ^ (unsigned char)*p) * 1099511628211ull;
	struct refusal *oldest = own->refusals;
	int64_t now = clock_now_ms();
	for (struct refusal *at = own->refusals; at < own->refusals + REFUSALS; at++) {
		if (at->key == key && now - at->at_ms < AGAIN_MS)
			return true;
		if (at->at_ms < oldest->at_ms)
			oldest = at;
	}
	*oldest = (struct refusal){ key, now };
	return false;
}

void role_wrote(struct role_run *r, const char *verb, const struct kube_type *type, int rc, const struct err *err)
{
	const char *result = rc ? err_name(rc) : "ok";
	char word[32];
	snprintf(word, sizeof(word), "%s", result);
	for (char *p = word; *p; p++)
		*p = *p == ' ' ? '_' : *p;
	metrics_add(r->metrics, &m_writes, 1, (const char *const[]){ verb, type->plural, word });
	bool refused = rc == E_DENIED || rc == E_AUTH || rc == E_INPUT || rc == E_UNSUPPORTED;
	if (refused && err && !said_lately(r->own, verb, err->msg))
		log_error("%s", err->msg);
}

/* --- caches --------------------------------------------------------------------------------------------------------------- */

struct kube_cache *role_cache_as(struct role_run *r, const struct kube_cache_options *o, const char *label)
{
	struct role_state *own = r->own;
	if (!own->starting || own->n_caches == ROLE_CACHES)
		BUG("role %s: a cache of %s is made too late, or is one too many", r->role->name, o->type->plural);
	struct watched *w = &own->caches[own->n_caches++];
	w->cache = kube_cache_new(r->kube, o);
	w->resource = label;
	return w->cache;
}

struct kube_cache *role_cache(struct role_run *r, const struct kube_cache_options *o)
{
	return role_cache_as(r, o, o->type->plural);
}

/* Waits for all caches, one after the other: none is of use alone. */
static int sync_all(struct task *t, void *arg, struct err *err)
{
	struct role_run *r = arg;
	struct role_state *own = r->own;
	for (size_t i = 0; i < own->n_caches; i++) {
		while (kube_cache_wait(t, own->caches[i].cache, err) != 0)
			if (task_cancelled(t) || task_sleep(t, WATCH_MS, err) != 0)
				return 0;
	}
	log_info("all caches are synced");
	own->synced = true;
	task_wake(own->main);
	return 0;
}

static void look_at(struct watched *w)
{
	struct kube_cache_stats s = kube_cache_stats(w->cache);
	uint64_t heard = s.events + s.bookmarks;
	if (s.errors != w->errors) {
		if (strcmp(s.last_error, w->said) != 0)
			log_warn("cache of %s: %s", w->resource, s.last_error);
		snprintf(w->said, sizeof(w->said), "%s", s.last_error);
		w->errors = s.errors;
		w->heard = heard;
		w->bad = true;
	} else if (w->bad && heard > w->heard) {
		log_info("cache of %s: goes on", w->resource);
		w->said[0] = '\0';
		w->bad = false;
	}
}

/* A server that starts denies what it allows in a moment, and one that restarts is away for a while. */
static void judge(struct watched *w)
{
	struct kube_cache_stats s = kube_cache_stats(w->cache);
	int64_t failing = s.failing_ms ? clock_now_ms() - s.failing_ms : 0;
	bool stale = kube_cache_synced(w->cache) && failing >= (s.denied ? ROLE_DENIED_MS : ROLE_STALE_MS);
	if (stale && !w->stale)
		log_error("cache of %s: fails for %d s: nothing is decided until it goes on: %s", w->resource, (int)(failing / 1000), s.last_error);
	w->stale = stale;
}

/* What caches fail at is said when it changes; who leads ends its term when one is stale, and begins another when none is. */
static int watch_caches(struct task *t, void *arg, struct err *err)
{
	struct role_run *r = arg;
	struct role_state *own = r->own;
	while (task_sleep(t, WATCH_MS, err) == 0) {
		bool was = own->stale;
		own->stale = false;
		for (size_t i = 0; i < own->n_caches; i++) {
			look_at(&own->caches[i]);
			judge(&own->caches[i]);
			own->stale = own->stale || own->caches[i].stale;
		}
		if (own->stale != was)
			task_wake(own->main);
	}
	return 0;
}

static bool ready(void *arg, struct str *why)
{
	struct role_run *r = arg;
	bool all = true;
	for (size_t i = 0; i < r->own->n_caches; i++) {
		const struct watched *w = &r->own->caches[i];
		if (kube_cache_synced(w->cache) && !w->stale)
			continue;
		struct kube_cache_stats s = kube_cache_stats(w->cache);
		str_addf(why, "%s%s%s%s", all ? w->stale ? "caches are out of date: " : "caches are not synced: " : "; ", w->resource, s.last_error[0] ? ": " : "", s.last_error);
		all = false;
	}
	if (all && r->own->ending)
		str_add(why, "ending");
	return all && !r->own->ending && (!r->role->ready || r->role->ready(r, why));
}

/* --- signals -------------------------------------------------------------------------------------------------------------- */

static void on_signal(uv_signal_t *h, int number)
{
	struct role_state *own = ((struct role_run *)h->data)->own;
	(void)number;
	if (own->ending)
		_exit(EXIT_INTERRUPTED);
	own->ending = true;
	log_info("told to end");
	task_wake(own->main);
}

static void signals_watch(struct role_run *r, uv_loop_t *uv)
{
	static const int which[] = { SIGTERM, SIGINT };
	for (size_t i = 0; i < ARRAY_LEN(which); i++) {
		uv_signal_init(uv, &r->own->signals[i]);
		r->own->signals[i].data = r;
		uv_signal_start(&r->own->signals[i], on_signal, which[i]);
		uv_unref((uv_handle_t *)&r->own->signals[i]);
	}
}

static void signals_end(struct role_run *r)
{
	/* Last, so that a second signal does not break off the end. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(r->own->signals); i++)
		uv_close((uv_handle_t *)&r->own->signals[i], NULL);
}

/* --- leading -------------------------------------------------------------------------------------------------------------- */

bool role_leads(const struct role_run *r)
{
	const struct role_state *own = r->own;
	return own->synced && !own->stale && (own->lease ? lease_held(own->lease) : own->o->alone);
}

bool role_ending(const struct role_run *r)
{
	return r->own->ending;
}

static void lease_changed(void *arg, bool held)
{
	(void)held;
	task_wake(((struct role_run *)arg)->own->main);
}

static int lead_task(struct task *t, void *arg, struct err *err)
{
	struct role_run *r = arg;
	int rc = r->role->lead(t, r, err);
	if (rc && !task_cancelled(t)) {
		r->own->failed = true;
		r->own->failure = *err;
	} else if (rc == 0 && !r->own->ending && !task_cancelled(t) && role_leads(r)) {
		BUG("role %s stopped leading by itself", r->role->name);
	}
	r->own->term_over = true;
	task_wake(r->own->main);
	return 0;
}

/* Wakes and the deadline are alike: the caller looks at the world again. */
static void park(struct task *t)
{
	struct err err = { 0 };
	if (task_park(t, &err) != 0)
		log_debug("%s", err.msg);
}

/* Until lead() has returned, the lease is lost, or UNTIL (by the clock) has come. */
static void await_end(struct task *t, struct role_run *r, int64_t until)
{
	while (!r->own->term_over && role_leads(r) && clock_now_ms() < until && (until != INT64_MAX || !r->own->ending)) {
		int64_t old = until == INT64_MAX ? TASK_FOREVER : task_deadline_in(t, until - clock_now_ms());
		park(t);
		task_deadline_restore(t, old);
	}
}

/* One term as leader. */
static void reign(struct task *t, struct role_run *r)
{
	struct err err = { 0 };
	struct scope *s = scope_open(t, 0);
	r->own->term_over = false;
	log_info("leading");
	scope_start(s, "lead", lead_task, r);
	await_end(t, r, INT64_MAX);
	if (!r->own->term_over)
		r->role->unlead(r);
	if (r->own->ending)
		await_end(t, r, clock_now_ms() + ROLE_DRAIN_MS);
	if (!r->own->term_over && r->own->ending && role_leads(r))
		log_warn("not all work was finished in %d s", ROLE_DRAIN_MS / 1000);
	scope_cancel(s);
	scope_join(t, s, &err);
	log_info("no longer leading");
}

static void serve(struct task *t, struct role_run *r)
{
	while (!r->own->ending && !r->own->failed) {
		if (role_leads(r))
			reign(t, r);
		else
			park(t);
	}
}

static void scope_end(struct task *t, struct scope *s)
{
	struct err err = { 0 };
	scope_cancel(s);
	scope_join(t, s, &err);
}

static void lease_begin(struct role_run *r, struct scope *s)
{
	struct role_state *own = r->own;
	autofree char *name = own->o->lease ? xstrdup(own->o->lease) : xasprintf("aipc-%s", r->role->name);
	if (own->o->alone)
		return;
	own->lease = lease_new(r->kube, &(struct lease_options){ .ns = own->ns, .name = name, .identity = own->identity, .changed = lease_changed, .arg = r });
	lease_start(own->lease, s);
}

/* Everything between the first request and the last. The order of ending: lead, lease, the role's tasks and caches, events. */
static void live(struct task *t, struct role_run *r)
{
	struct role_state *own = r->own;
	struct scope *telling = scope_open(t, 0), *electing = scope_open(t, 0);
	kube_recorder_start(r->events, telling);
	for (size_t i = 0; i < own->n_caches; i++)
		kube_cache_start(own->caches[i].cache, r->scope);
	scope_start(r->scope, "sync", sync_all, r);
	scope_start(r->scope, "watch caches", watch_caches, r);
	lease_begin(r, electing);
	serve(t, r);
	scope_end(t, electing);
	scope_end(t, r->scope);
	r->scope = NULL;
	scope_end(t, telling);
}

static int begin(struct task *t, struct role_run *r, struct err *err)
{
	struct role_state *own = r->own;
	own->starting = true;
	r->scope = scope_open(t, 0);
	int rc = r->role->start(t, r, err);
	own->starting = false;
	return rc;
}

static void end(struct task *t, struct role_run *r)
{
	if (r->scope)
		scope_end(t, r->scope);
	if (r->role->stop)
		r->role->stop(t, r);
	for (size_t i = 0; i < r->own->n_caches; i++)
		kube_cache_free(r->own->caches[i].cache);
	r->own->n_caches = 0;
	lease_free(r->own->lease);
	r->own->lease = NULL;
}

static int run(struct task *t, void *arg, struct err *err)
{
	struct role_run *r = arg;
	struct role_state *own = r->own;
	struct probes *probes = NULL;
	struct scope *serving = scope_open(t, 0);
	own->main = t;
	signals_watch(r, loop_uv(task_loop(t)));
	register_common(r);
	int rc = begin(t, r, err);
	if (rc == 0)
		rc = probes_start(t, serving, &(struct probes_options){ own->o->listen, r->metrics, refresh, ready, r }, &probes, err);
	if (rc == 0) {
		log_info("%s %s at %s as %s, metrics and probes on port %u", r->role->name, AIPC_VERSION, kube_config_server(kube_config_of(r->kube)), own->identity,
			 probes_port(probes));
		live(t, r);
		if (own->failed)
			rc = err_set(err, own->failure.code, "%s", own->failure.msg);
	}
	probes_stop(t, probes);
	scope_end(t, serving);
	end(t, r);
	signals_end(r);
	return rc;
}

static char *own_name(void)
{
	char host[64] = "";
	uint32_t random;
	clock_random(&random, sizeof(random));
	if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
		snprintf(host, sizeof(host), "aipc");
	return xasprintf("%s_%08x", host, random);
}

int role_main(struct rt *rt, const struct role *role, const struct role_opts *o)
{
	struct err err = { 0 };
	struct kube_config *config = NULL;
	struct role_state own = { .rt = rt, .o = o, .began_wall_ms = clock_wall_ms() };
	struct role_run r = { .role = role, .opts = rt->opts, .own = &own };
	if (kube_config_load(o->kubeconfig, o->context, &config, &err) != 0)
		return rt_fail(rt, &err);
	autofree char *agent = xasprintf("aipc-%s/%s", role->name, AIPC_VERSION), *sender = xasprintf("aipc.dev/%s", role->name);
	own.ns = xstrdup(o->ns ? o->ns : kube_config_namespace(config));
	own.identity = o->identity ? xstrdup(o->identity) : own_name();
	struct loop *l = loop_new();
	r.identity = own.identity;
	r.metrics = metrics_new();
	r.kube = kube_new(l, config, &(struct kube_options){ .user_agent = agent });
	r.events = kube_recorder_new(r.kube, sender, own.identity);
	int rc = loop_run(l, run, &r, &err);
	kube_recorder_free(r.events);
	kube_free(r.kube);
	metrics_free(r.metrics);
	loop_free(l);
	free(own.ns);
	free(own.identity);
	return rc ? rt_fail(rt, &err) : EXIT_OK;
}
