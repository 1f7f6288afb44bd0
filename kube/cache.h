/* cache - what the API server holds of one type, kept up to date by watching it.
 *
 * A cache runs in a task of its own: it lists, then watches from there, for ever. It prefers one streaming list
 * (sendInitialEvents, its end told by the bookmark annotated k8s.io/initial-events-end); where the server refuses that, a paged
 * list and a watch from its resourceVersion. It survives: 410 as a reply and as an ERROR event (lists again after a jittered pause),
 * 429, 503 and 504 with Retry-After, "too large resource version", HTML, cut lines, a server that restarts, and a connection that dies in
 * silence (each watch ends itself after 5 to 10 minutes, and a connection on which nothing came for `idle_ms`, bookmarks included, is given up).
 * A server that does not answer, or ends its watches at once, is tried again after 0.1 to 30 s, growing and jittered; what is cached stays. A watch that
 * ended behind news (a busy API server drops watchers that it cannot serve in time) is begun again within 0.1 s.
 *
 * Listing again tells the difference, object by object: an object with another uid is deleted and added; what is not there any
 * more is deleted. Nothing is told twice; an object whose resourceVersion did not change is not told.
 *
 * Handlers run on the loop, between waits of all tasks: they must not wait and must not start requests; they may wake tasks.
 */
#ifndef KUBE_CACHE_H
#define KUBE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/task.h"
#include "kube/client.h"
#include "kube/doc.h"

struct kube_cache;

/* One object. Name, namespace, uid, resourceVersion and deletionTimestamp are always kept; the strings live in `doc`. */
struct kube_object {
	const char *ns;              /* "" when it has none */
	const char *name, *uid, *version;
	bool deleting;               /* has a deletionTimestamp */
	struct doc *doc;
	void *user;                  /* the cache's user's own; stays with the object through updates (of the same uid); NULL at first */
};
static inline doc_val kube_object_at(const struct kube_object *o) { return doc_root(o->doc); }

enum kube_change { KUBE_ADDED, KUBE_UPDATED, KUBE_DELETED };
/* ADDED: old NULL. UPDATED: both, same uid; `now->user` is what `old->user` was. DELETED: old is the last state known; now is what the
 * server said last about it (a pod that left the selection because it ended), or NULL when only its absence was seen. Both are
 * valid during the call; NOW of ADDED and UPDATED stays until the next change of the same object. */
typedef void kube_changed_fn(void *arg, enum kube_change what, const struct kube_object *old, struct kube_object *now);

struct kube_cache_options {
	const struct kube_type *type;    /* borrowed for the cache's life */
	struct kube_select select;       /* copied */
	const char *const *keep;         /* as doc_filter_new, copied; NULL: whole objects */
	kube_changed_fn *changed; void *arg;   /* may be NULL */
	/* All is there for the first time (again = false) or after a gap (again = true): deletes have been told. May be NULL. */
	void (*synced)(void *arg, bool again);
	bool optional;                   /* 404 (the type is not served, yet) is an empty cache that looks again every 30 s */
	int64_t idle_ms;                 /* 0: 3 minutes (the server sends a bookmark about every minute) */
};
struct kube_cache *kube_cache_new(struct kube *k, const struct kube_cache_options *o);
/* Starts the task in S. It ends when S is cancelled; free after S is joined. */
void kube_cache_start(struct kube_cache *c, struct scope *s);
void kube_cache_free(struct kube_cache *c);          /* tells nobody; NULL is fine */
/* Waits for the first sync. With a refusal that no waiting cures (401, 403, 404 where not optional) fails with it; the cache goes
 * on trying all the same. */
int kube_cache_wait(struct task *t, struct kube_cache *c, struct err *err) MUST_CHECK;
bool kube_cache_synced(const struct kube_cache *c);  /* ever */
bool kube_cache_served(const struct kube_cache *c);  /* false: optional, and the server has no such type */

/* --- reading --------------------------------------------------------------------------------------------------- */
struct kube_object *kube_cache_get(const struct kube_cache *c, const char *ns, const char *name);   /* NS "" or NULL: none */
size_t kube_cache_count(const struct kube_cache *c);
/* for (o = kube_cache_next(c, NULL); o; o = kube_cache_next(c, o)), in order of arrival. */
struct kube_object *kube_cache_next(const struct kube_cache *c, const struct kube_object *o);

/* An index: which keys an object goes under. EMIT may be called any number of times. Add indexes before the start. */
typedef void kube_emit_fn(void *into, const char *key);
typedef void kube_index_fn(void *arg, const struct kube_object *o, kube_emit_fn *emit, void *into);
/* Returns the index's number, counted from 0. NAME is for messages. */
unsigned kube_cache_index(struct kube_cache *c, const char *name, kube_index_fn *fn, void *arg);
void kube_index_namespace(void *arg, const struct kube_object *o, kube_emit_fn *emit, void *into);  /* ARG unused */
void kube_index_label(void *arg, const struct kube_object *o, kube_emit_fn *emit, void *into);      /* ARG: the label's key; needs metadata.labels kept */
/* The objects under KEY, in no particular order, valid until the next change of the cache; *N of them. */
struct kube_object *const *kube_cache_find(const struct kube_cache *c, unsigned index, const char *key, size_t *n);

/* --- how it goes ----------------------------------------------------------------------------------------------- */
struct kube_cache_stats {
	uint64_t lists, watches, events, bookmarks, expired, errors;   /* since the start; expired: 410 */
	uint64_t bytes_in;           /* of replies */
	size_t objects, bytes;       /* held now: docs and their headers */
	int64_t heard_ms;            /* clock_now_ms() when something last came; 0: never */
	int64_t failing_ms;          /* clock_now_ms() when the failures began that go on, without an answer between them; 0: none do */
	bool denied;                 /* the last of them was 401 or 403 */
	bool streaming;              /* the server does streaming lists */
	char last_error[256];        /* "" when the last try went well */
};
struct kube_cache_stats kube_cache_stats(const struct kube_cache *c);
char const *kube_cache_version(const struct kube_cache *c);   /* resourceVersion reached, "" at first */

#endif
