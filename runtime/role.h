/* role - what every long-running role of aipc-runtime shares: options, the server, the lease, probes, events, metrics, a graceful end.
 *
 * A role is a const struct of functions and a command that calls role_main() with it. Its life:
 *
 *   start()    once, before anything is asked: makes its caches (role_cache) and their indexes, registers its metrics, starts tasks in r->scope.
 *              The caches run from here to the end, in a follower too, so that taking over needs no list.
 *   lead()     in a task of its own, each time the process is the leader and all caches have synced: reads, decides, writes, until it is
 *              told to stop. Returning an error ends the process (status 1); returning 0 without having been told to is a BUG.
 *   unlead()   tells lead() to return. It is called from the loop: it must not wait; it wakes what lead() waits for.
 *   stop()     once, when nothing of the role runs any more, also when start() failed: frees. The caches are still there, and are freed next.
 *
 * Two ways to lose the lead. The lease is lost: role_leads() is false from that moment, unlead() is called, lead()'s task and the scopes it opened are
 * cancelled at once, and lead() is called again when the lease is won again. The process is told to end (SIGTERM, SIGINT): role_ending() is true,
 * role_leads() stays true while the lease is held; lead() begins nothing new, finishes what is half done and returns; after ROLE_DRAIN_MS it
 * is cancelled. Then the lease is given back, events that wait are sent, and the process exits with 0: ROLE_DRAIN_MS + 4 s in all, at
 * most. A second signal exits at once with 130; the lease then runs out by itself.
 *
 * A cache that fails after it was synced is soon no ground for decisions: when the server denies its kind for ROLE_DENIED_MS, or does not answer
 * about it for ROLE_STALE_MS, role_leads() is false and lead() ends as when the lease is lost (which is kept: no other process would be
 * allowed more), /readyz says which and why, and lead() is called again when the cache goes on.
 *
 * A server that cannot be reached or refuses something is waited for, never a reason to exit: /readyz says what is missing, the log says it
 * once per change, the metrics count it. What is wrong with the options, the kubeconfig or the port for probes ends the process at the start with 1.
 *
 * Metrics of every role, beside its own: aipc_build_info{version,role}, aipc_leader, aipc_start_time_seconds, aipc_resident_memory_bytes,
 * aipc_writes_total{verb,resource,result} (see role_wrote), aipc_events_total{result}, and for each cache by resource: aipc_cache_objects,
 * aipc_cache_bytes, aipc_cache_age_seconds (since the server was last heard: bookmarks come about once a minute), aipc_cache_synced, aipc_cache_failing_seconds,
 * aipc_cache_requests_total{resource,what}: list, watch, expired, error.
 */
#ifndef RUNTIME_ROLE_H
#define RUNTIME_ROLE_H

#include "base/metrics.h"
#include "base/task.h"
#include "kube/cache.h"
#include "kube/client.h"
#include "runtime/command.h"

enum { ROLE_DRAIN_MS = 10000, ROLE_CACHES = 32, ROLE_DENIED_MS = 15000, ROLE_STALE_MS = 120000 };

/* A member of the role's own options; ROLE_OPTS are its rows in their table: { ..., ROLE_OPTS(struct my_opts, common), ... }. */
struct role_opts {
	const char *kubeconfig, *context, *ns, *lease, *identity, *listen;
	bool alone;                  /* --no-leader-elect */
};
#define ROLE_OPTS(type, member) \
	{ 0, "kubeconfig", "FILE", "else $KUBECONFIG, ~/.kube/config, service account", OPT_TEXT, offsetof(type, member.kubeconfig), NULL }, \
	{ 0, "context", "NAME", "context of the kubeconfig", OPT_TEXT, offsetof(type, member.context), NULL }, \
	{ 0, "namespace", "NAME", "namespace of the lease; default: that of the context", OPT_TEXT, offsetof(type, member.ns), NULL }, \
	{ 0, "lease", "NAME", "name of the lease; default: aipc-ROLE", OPT_TEXT, offsetof(type, member.lease), NULL }, \
	{ 0, "identity", "NAME", "holder of the lease; default: HOST_RANDOM", OPT_TEXT, offsetof(type, member.identity), NULL }, \
	{ 0, "no-leader-elect", NULL, "act without a lease: only where one process runs", OPT_FLAG, offsetof(type, member.alone), NULL }, \
	{ 0, "listen", "ADDR", "port of metrics and probes; default: :9090", OPT_TEXT, offsetof(type, member.listen), NULL }

struct role_run;
struct kube_recorder;          /* kube/events.h */

struct role {
	const char *name;            /* "controller": names the lease, the sender of events (aipc.dev/controller) and the user agent */
	int (*start)(struct task *t, struct role_run *r, struct err *err);
	int (*lead)(struct task *t, struct role_run *r, struct err *err);
	void (*unlead)(struct role_run *r);
	void (*stop)(struct task *t, struct role_run *r);                        /* may be NULL */
	void (*refresh)(struct role_run *r, struct metrics *m);                  /* before metrics are written; may be NULL */
	bool (*ready)(struct role_run *r, struct str *why);                      /* beyond synced caches; may be NULL */
};

/* One run of a role. The role sets `state`; the rest is read only. */
struct role_run {
	const struct role *role;
	const void *opts;            /* of the command */
	void *state;                 /* the role's own */
	struct kube *kube;
	struct kube_recorder *events;
	struct metrics *metrics;
	struct scope *scope;         /* for tasks that also run in a follower; cancelled before stop() */
	const char *identity;
	struct role_state *own;      /* role.c's */
};

/* The whole command: runs until it is told to end. Returns the exit status. */
int role_main(struct rt *rt, const struct role *role, const struct role_opts *o);

/* May we write, right now, by the clock? Ask right before every write. */
bool role_leads(const struct role_run *r);
/* Is the end near? Begin nothing new. */
bool role_ending(const struct role_run *r);

/* In start() only: a cache that the role starts, waits for, reports and frees. At most ROLE_CACHES. */
struct kube_cache *role_cache(struct role_run *r, const struct kube_cache_options *o);
/* The same, of a type that another cache has too: LABEL (static) is its `resource` in messages and metrics. */
struct kube_cache *role_cache_as(struct role_run *r, const struct kube_cache_options *o, const char *label);

/* Counts one write with how it went: result "ok", or the word of RC ("conflict", "denied", ...). A refusal (E_DENIED, E_AUTH, E_INPUT,
 * E_UNSUPPORTED) is logged, the same text for the same verb and resource at most once a minute. ERR may be NULL where RC is 0. */
void role_wrote(struct role_run *r, const char *verb, const struct kube_type *type, int rc, const struct err *err);

#endif
