#include "kube/cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/cache_internal.h"

enum {
	IDLE_MS = 180000, WATCH_MIN_S = 300, WATCH_MAX_S = 600, OPTIONAL_MS = 30000,
	PAUSE_MS = 100, PAUSE_MAX_MS = 30000, ATTEMPT_MAX = 10, PAGE = 500,
	STEADY_MS = 2000,            /* what lasted so long is no failure to be paused for longer each time */
	AHEAD_MAX = 3,               /* answers in a row that we are ahead of the server, before we doubt what we saw */
};

struct kube_cache {
	struct kube *k;
	const struct kube_type *type;
	char *ns, *labels, *fields;
	unsigned limit;
	bool optional, started, synced_once, served, no_streaming, refused;
	bool answered;               /* the request that is under way, or was last, with 200 */
	int64_t idle_ms;
	void (*synced)(void *arg, bool again); void *arg;
	struct doc_filter *in_list, *in_watch;
	struct kube_store *store;
	struct event ready;
	struct err refusal;
	char *version;               /* to watch from; NULL: list first */
	char *next_page;
	bool page_there;             /* the page of a list came to its end */
	bool listing;                /* the initial events of a streaming list are coming in */
	unsigned failures;           /* in a row, without a steady watch between them */
	unsigned ahead;              /* 504 in a row */
	struct doc_reader *reader;
	struct err heard;            /* what stopped the reader */
	int gone;                    /* code of an ERROR event; 0: none */
	int64_t retry_after_ms;
	struct kube_cache_stats stats;
};

/* --- what to keep ----------------------------------------------------------------------------------------------------------- */

static const char *const always[] = { "metadata.name", "metadata.namespace", "metadata.uid", "metadata.resourceVersion", "metadata.deletionTimestamp", NULL };
/* Of a Status inside an ERROR event, and of the bookmark that ends a list. */
static const char *const of_events[] = {
	"type", "object.code", "object.reason", "object.message", "object.details.retryAfterSeconds",
	"object.metadata.annotations[k8s.io/initial-events-end]", NULL
};

static struct doc_filter *filter_for(const char *const *keep, const char *prefix, const char *const *more)
{
	VEC(char *) paths = { 0 };
	for (const char *const *p = keep ? always : NULL; p && *p; p++)
		vec_push(&paths, xasprintf("%s%s", prefix, *p));
	for (; keep && *keep; keep++)
		vec_push(&paths, xasprintf("%s%s", prefix, *keep));
	for (; more && *more; more++)
		vec_push(&paths, xstrdup(*more));
	size_t n = paths.len;
	vec_push(&paths, NULL);
	struct doc_filter *f = doc_filter_new(n ? (const char *const *)paths.at : NULL);
	for (size_t i = 0; i < n; i++)
		free(paths.at[i]);
	vec_free(&paths);
	return f;
}

struct kube_cache *kube_cache_new(struct kube *k, const struct kube_cache_options *o)
{
	struct kube_cache *c = xcalloc(1, sizeof(*c));
	c->k = k;
	c->type = o->type;
	c->ns = xstrdup(o->select.ns);
	c->labels = xstrdup(o->select.labels);
	c->fields = xstrdup(o->select.fields);
	c->limit = o->select.limit ? o->select.limit : PAGE;
	c->optional = o->optional;
	c->idle_ms = o->idle_ms ? o->idle_ms : IDLE_MS;
	c->synced = o->synced;
	c->arg = o->arg;
	c->in_list = filter_for(o->keep, "", NULL);
	c->in_watch = filter_for(o->keep, "object.", o->keep ? of_events : NULL);
	c->store = kube_store_new(o->changed, o->arg);
	return c;
}

void kube_cache_free(struct kube_cache *c)
{
	if (!c)
		return;
	char *const texts[] = { c->ns, c->labels, c->fields, c->version, c->next_page };
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	doc_filter_free(c->in_list);
	doc_filter_free(c->in_watch);
	kube_store_free(c->store);
	free(c);
}

static void set_text(char **to, const char *with)
{
	char *copy = with && with[0] ? xstrdup(with) : NULL;
	free(*to);
	*to = copy;
}

/* All is there. */
static void complete(struct kube_cache *c)
{
	bool again = c->synced_once;
	c->served = true;
	kube_store_swept(c->store);
	c->synced_once = true;
	c->refused = false;
	c->served = true;
	event_set(&c->ready);
	if (c->synced)
		c->synced(c->arg, again);
}

/* --- the stream ----------------------------------------------------------------------------------------------------------- */

static int on_error_event(struct kube_cache *c, doc_val status, struct err *err)
{
	const char *message = doc_str_at(status, "message");
	int64_t code = doc_int(doc_at(status, "code"), 500), after = doc_int(doc_path(status, "details", "retryAfterSeconds", NULL), -1);
	c->gone = code >= 100 && code < 600 ? (int)code : 500;
	c->retry_after_ms = after < 0 ? -1 : after > 3600 ? 3600000 : after * 1000;
	return err_set(err, c->gone == 410 ? E_CONFLICT : E_BUSY, "the watch ended with %d: %s", c->gone, message ? message : "no reason given");
}

static int on_bookmark(struct kube_cache *c, doc_val object)
{
	const char *end = doc_str(doc_path(object, "metadata", "annotations", "k8s.io/initial-events-end", NULL));
	c->stats.bookmarks++;
	if (c->listing && end && strcmp(end, "true") == 0) {
		c->listing = false;
		complete(c);
	}
	return 0;
}

static int on_event(void *arg, struct doc *d, struct err *err)
{
	struct kube_cache *c = arg;
	const char *type = doc_str_at(doc_root(d), "type");
	doc_val object = doc_at(doc_root(d), "object");
	const char *version = doc_str(doc_path(object, "metadata", "resourceVersion", NULL));
	int rc = 0;
	if (!type || doc_type(object) != DOC_MAP)
		rc = err_set(err, E_INTERNAL, "what came is no watch event");
	else if (strcmp(type, "ERROR") == 0)
		rc = on_error_event(c, object, err);
	else if (strcmp(type, "BOOKMARK") == 0)
		rc = on_bookmark(c, object);
	else if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		rc = kube_store_put(c->store, doc_copy(object), err);
	else if (strcmp(type, "DELETED") == 0)
		rc = kube_store_drop(c->store, doc_copy(object), err);
	else
		rc = err_set(err, E_INTERNAL, "a watch event of the unknown type '%.40s'", type);
	c->stats.events += rc == 0;
	/* While a list is coming in, its versions are no place to go on from. */
	if (rc == 0 && version && !c->listing)
		set_text(&c->version, version);
	doc_free(d);
	return rc;
}

static int on_item(void *arg, struct doc *d, struct err *err)
{
	struct kube_cache *c = arg;
	if (doc_reader_is_item(c->reader))
		return kube_store_put(c->store, d, err);
	doc_val meta = doc_at(doc_root(d), "metadata");
	const char *kind = doc_str_at(doc_root(d), "kind"), *version = doc_str_at(meta, "resourceVersion");
	int rc = 0;
	if (!kind || !str_has_suffix(kind, "List") || !version)
		rc = err_set(err, E_INTERNAL, "what came is no list");
	else
		set_text(&c->version, version);
	c->page_there = rc == 0;
	set_text(&c->next_page, doc_str_at(meta, "continue"));
	doc_free(d);
	return rc;
}

static bool wants(void *arg, int status)
{
	struct kube_cache *c = arg;
	c->answered = status == 200;
	if (c->answered)
		c->stats.failing_ms = 0;     /* a watch may have nothing to tell for long */
	return c->answered;
}

static int on_data(void *arg, const char *data, size_t len)
{
	struct kube_cache *c = arg;
	c->stats.bytes_in += len;
	c->stats.heard_ms = clock_now_ms();
	return c->heard.code || doc_reader_feed(c->reader, data, len, &c->heard) != 0;
}

/* One streamed reply. Returns how it ended: 0 for a clean end of the stream. */
static int stream(struct task *t, struct kube_cache *c, const char *path, bool watch, struct kube_fail *why, struct err *err)
{
	struct http_response r = { 0 };
	autofree char *what = xasprintf("%s %s", watch ? "watch" : "list", c->type->plural);
	c->reader = doc_reader_new(watch ? c->in_watch : c->in_list, watch ? NULL : "items", watch ? on_event : on_item, c);
	c->heard = (struct err){ 0 };
	c->gone = 0;
	c->page_there = false;
	c->retry_after_ms = -1;
	int rc = kube_do(t, c->k, &(struct kube_call){ .method = "GET", .path = path, .what = what, .once = true, .streaming = true,
						       .stall_ms = c->idle_ms, .sink = on_data, .sink_arg = c, .sink_wanted = wants }, &r, why, err);
	if (rc == 0 && c->heard.code)
		rc = err_set(err, c->heard.code, "%s: %s", what, c->heard.msg);
	/* A watch that was cut in the middle of an event is as good as one that ended: the event comes again. */
	if (rc == 0 && !watch)
		rc = doc_reader_end(c->reader, err) || !c->page_there ? err_set(err, E_INTERNAL, "%s: the list was cut, or is none", what) : 0;
	http_response_release(&r);
	doc_reader_free(c->reader);
	c->reader = NULL;
	return rc;
}

static void start_path(const struct kube_cache *c, struct str *path)
{
	autofree char *base = kube_path(&(struct kube_ref){ c->type, c->ns, NULL, NULL });
	str_init(path, STR_OURS);
	str_add(path, base);
	if (c->labels)
		kube_query(path, "labelSelector", c->labels);
	if (c->fields)
		kube_query(path, "fieldSelector", c->fields);
}

static void watch_query(struct str *path)
{
	char seconds[24];
	snprintf(seconds, sizeof(seconds), "%" PRIu64, WATCH_MIN_S + clock_random_below(WATCH_MAX_S - WATCH_MIN_S));
	kube_query(path, "watch", "true");
	kube_query(path, "allowWatchBookmarks", "true");
	kube_query(path, "timeoutSeconds", seconds);
}

static int watch(struct task *t, struct kube_cache *c, struct kube_fail *why, struct err *err)
{
	autostr struct str path;
	start_path(c, &path);
	watch_query(&path);
	kube_query(&path, "resourceVersion", c->version);
	c->stats.watches++;
	return stream(t, c, path.at, true, why, err);
}

/* A list and the watch behind it in one request. */
static int streaming_list(struct task *t, struct kube_cache *c, struct kube_fail *why, struct err *err)
{
	autostr struct str path;
	start_path(c, &path);
	watch_query(&path);
	kube_query(&path, "sendInitialEvents", "true");
	kube_query(&path, "resourceVersionMatch", "NotOlderThan");
	c->stats.lists++;
	c->listing = true;
	kube_store_begin(c->store);
	int rc = stream(t, c, path.at, true, why, err);
	/* A server that does not know the parameter refuses it, or plainly watches without a list. */
	if (c->listing && (why->status == 400 || why->status == 422 || why->status == 403))
		c->no_streaming = why->status != 403;
	if (c->listing && rc == E_TIMEOUT && !why->status)
		c->no_streaming = true;      /* events, but never the end of the list: one more way not to know it */
	if (rc == 0 && c->listing)
		rc = err_set(err, E_UNREACHABLE, "watch %s: it ended before the list was complete", c->type->plural);
	c->listing = false;
	c->stats.streaming = !c->no_streaming && c->version;
	return rc;
}

static int paged_list(struct task *t, struct kube_cache *c, struct kube_fail *why, struct err *err)
{
	int rc = 0;
	kube_store_begin(c->store);
	c->stats.lists++;
	set_text(&c->next_page, NULL);
	do {
		autostr struct str path;
		char limit[16];
		start_path(c, &path);
		snprintf(limit, sizeof(limit), "%u", c->limit);
		kube_query(&path, "limit", limit);
		if (c->next_page)
			kube_query(&path, "continue", c->next_page);
		autofree char *asked = c->next_page;
		c->next_page = NULL;
		rc = stream(t, c, path.at, false, why, err);
		if (rc == 0 && asked && c->next_page && strcmp(asked, c->next_page) == 0)
			rc = err_set(err, E_INTERNAL, "list %s: a page names itself as the next one", c->type->plural);
	} while (rc == 0 && c->next_page);
	if (rc == 0)
		complete(c);
	else
		set_text(&c->version, NULL);
	return rc;
}

/* --- for ever --------------------------------------------------------------------------------------------------------------- */

static int step(struct task *t, struct kube_cache *c, struct kube_fail *why, struct err *err)
{
	*why = (struct kube_fail){ .retry_after_ms = -1 };
	if (c->version)
		return watch(t, c, why, err);
	return c->no_streaming ? paged_list(t, c, why, err) : streaming_list(t, c, why, err);
}

/* "Too large resource version": the server is behind what we saw; waiting cures it, and a list does when it lost its data. */
static bool is_expired(const struct kube_cache *c, const struct kube_fail *why)
{
	return why->status == 410 || c->gone == 410 || c->ahead > AHEAD_MAX;
}

static int64_t pause_after(struct kube_cache *c, const struct kube_fail *why)
{
	int64_t said = why->retry_after_ms >= 0 ? why->retry_after_ms : c->retry_after_ms;
	int64_t own = clock_backoff_ms(c->failures < ATTEMPT_MAX ? c->failures : ATTEMPT_MAX, PAUSE_MS, PAUSE_MAX_MS);
	if (c->optional && why->status == 404)
		return OPTIONAL_MS / 2 + (int64_t)clock_random_below(OPTIONAL_MS / 2);
	int64_t asked = (said > PAUSE_MAX_MS ? PAUSE_MAX_MS : said) + own / 4;
	return asked > own ? asked : own;
}

static void failed(struct kube_cache *c, int rc, const struct kube_fail *why, const struct err *err)
{
	bool final = rc == E_AUTH || rc == E_DENIED || (why->status == 404 && !c->optional);
	c->failures++;
	c->stats.errors++;
	c->ahead = why->status == 504 || c->gone == 504 ? c->ahead + 1 : 0;
	snprintf(c->stats.last_error, sizeof(c->stats.last_error), "%.250s", err->msg);
	log_debug("%s", err->msg);
	if (is_expired(c, why)) {
		c->stats.expired++;
		c->ahead = 0;
		set_text(&c->version, NULL);
	}
	if (why->status == 404 && c->optional) {
		set_text(&c->version, NULL);
		kube_store_begin(c->store);
		if (kube_store_count(c->store) || !c->synced_once)
			complete(c);
		c->served = false;
	}
	if (final && !c->synced_once) {
		c->refusal = *err;
		c->refused = true;
		event_set(&c->ready);
	}
}

/* An answer that broke off at once does not count as one: WHEN is from before it. */
static void fails_since(struct kube_cache *c, const struct kube_fail *why, int64_t when)
{
	c->stats.failing_ms = why->status == 404 && c->optional ? 0 : when;
	c->stats.denied = why->status == 401 || why->status == 403;
}

static int run(struct task *t, void *arg, struct err *err)
{
	struct kube_cache *c = arg;
	c->served = true;
	for (;;) {
		struct kube_fail why;
		struct err e = { 0 };
		bool watched = c->version || !c->no_streaming;
		int64_t began = clock_now_ms(), failing = c->stats.failing_ms;
		uint64_t heard = c->stats.events;
		c->answered = false;
		autofree char *from = c->version ? xstrdup(c->version) : NULL;
		int rc = step(t, c, &why, &e);
		if (task_cancelled(t) || rc == E_CANCELED)
			return 0;
		/* An API server that is short of time ends the very watches that have much to tell, over and over: one that got on is no failure
		 * to be paused for longer either. */
		bool steady = clock_now_ms() - began >= STEADY_MS, got_on = rc == 0 && from && c->version && strcmp(from, c->version) != 0;
		if (steady || got_on)
			c->failures = 0;
		if (rc) {
			failed(c, rc, &why, &e);
			bool good = c->answered && (steady || c->stats.events != heard);
			fails_since(c, &why, good ? clock_now_ms() : failing ? failing : began);
		} else {
			c->stats.last_error[0] = '\0';
			c->stats.failing_ms = 0;
			c->ahead = 0;
			/* Also a server that ends every watch at once must not make us spin. */
			c->failures += watched && !steady && !got_on;
		}
		if ((rc || (watched && !steady)) && task_sleep(t, pause_after(c, &why), err) != 0)
			return task_cancelled(t) ? 0 : err->code;
	}
}

void kube_cache_start(struct kube_cache *c, struct scope *s)
{
	if (c->started)
		BUG("a cache of %s started twice", c->type->plural);
	c->started = true;
	scope_start(s, c->type->plural, run, c);
}

int kube_cache_wait(struct task *t, struct kube_cache *c, struct err *err)
{
	while (!c->synced_once) {
		int rc = event_wait(t, &c->ready, err);
		if (rc)
			return rc;
		if (c->refused && !c->synced_once)
			return err_set(err, c->refusal.code, "%s", c->refusal.msg);
	}
	return 0;
}

bool kube_cache_synced(const struct kube_cache *c) { return c->synced_once; }
bool kube_cache_served(const struct kube_cache *c) { return c->served; }
const char *kube_cache_version(const struct kube_cache *c) { return c->version ? c->version : ""; }

struct kube_object *kube_cache_get(const struct kube_cache *c, const char *ns, const char *name) { return kube_store_get(c->store, ns, name); }
size_t kube_cache_count(const struct kube_cache *c) { return kube_store_count(c->store); }
struct kube_object *kube_cache_next(const struct kube_cache *c, const struct kube_object *o) { return kube_store_next(o, c->store); }

unsigned kube_cache_index(struct kube_cache *c, const char *name, kube_index_fn *fn, void *arg)
{
	return kube_store_index(c->store, name, fn, arg);
}

struct kube_object *const *kube_cache_find(const struct kube_cache *c, unsigned index, const char *key, size_t *n)
{
	return kube_store_find(c->store, index, key, n);
}

struct kube_cache_stats kube_cache_stats(const struct kube_cache *c)
{
	struct kube_cache_stats s = c->stats;
	s.objects = kube_store_count(c->store);
	s.bytes = kube_store_bytes(c->store);
	return s;
}
