#include "kube/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "kube/client_internal.h"

enum { SENDERS = 4, TRIES = 4, TRY_MS = 15000, PAUSE_MS = 1000, PAUSE_MAX_MS = 8000, LOOK_MS = 1000, WORD_MAX = 128, NAME_MAX_ = 253, ID = 16 };

/* What makes two events the same, in the order they stand in the key, each with its NUL. */
enum part { NS, NAME, UID, API_VERSION, KIND, TYPE, REASON, ACTION, NOTE, PARTS };

/* Where an event is: it waits to be sent, waits until its series may be patched, is being sent, or is remembered. */
enum place { WAITS, LATE, SENDING, KNOWN };

struct told {
	enum place place;
	char id[ID + 1];             /* the end of the Event's name */
	uint64_t count, on_server;   /* times told in all, and as the server knows; 0: not posted */
	int64_t first_wall_ms, last_wall_ms, last_ms, sent_ms;
	struct told *prev, *next;    /* of the list of its place */
	UT_hash_handle hh;
	const char *part[PARTS];     /* into key */
	size_t len;
	char key[];
};

struct kube_recorder {
	struct kube *k;
	char *controller, *instance;
	bool started;
	bool holding;
	int64_t held_ms;             /* since when something waits that was held back; 0: nothing */
	struct told *all;            /* by key */
	struct told *list[4];        /* by place; oldest first */
	size_t n[4];
	int64_t look_ms;             /* when LATE is looked through next */
	struct event more;
	struct kube_recorder_stats stats;
};

static char *cut(const char *text, size_t max)
{
	size_t n = strlen(text);
	if (n > max)
		for (n = max; n && ((unsigned char)text[n] & 0xC0) == 0x80;)
			n--;
	return xstrndup(text, n);
}

struct kube_recorder *kube_recorder_new(struct kube *k, const char *controller, const char *instance)
{
	struct kube_recorder *r = xcalloc(1, sizeof(*r));
	r->k = k;
	r->controller = xstrdup(controller);
	r->instance = cut(instance, WORD_MAX);
	return r;
}

/* --- where events are ---------------------------------------------------------------------------------------------------------- */

static void take_out(struct kube_recorder *r, struct told *e)
{
	DL_DELETE(r->list[e->place], e);
	r->n[e->place]--;
}

static void put_in(struct kube_recorder *r, struct told *e, enum place place)
{
	e->place = place;
	DL_APPEND(r->list[place], e);
	r->n[place]++;
	if (place == WAITS || place == LATE)
		event_set(&r->more);
}

static void move(struct kube_recorder *r, struct told *e, enum place place)
{
	take_out(r, e);
	put_in(r, e, place);
}

static void forget(struct kube_recorder *r, struct told *e)
{
	take_out(r, e);
	HASH_DEL(r->all, e);
	free(e);
}

void kube_recorder_free(struct kube_recorder *r)
{
	struct told *e, *next;
	if (!r)
		return;
	HASH_ITER(hh, r->all, e, next)
		forget(r, e);
	free(r->controller);
	free(r->instance);
	free(r);
}

/* Behind a repetition, or a sending: patched when its time has come. */
static void settle(struct kube_recorder *r, struct told *e)
{
	bool open = e->count > e->on_server, due = clock_now_ms() - e->sent_ms >= KUBE_SERIES_PATCH_MS;
	move(r, e, open ? due ? WAITS : LATE : KNOWN);
	while (r->n[KNOWN] > KUBE_SERIES_MAX)
		forget(r, r->list[KNOWN]);
}

static void look_for_late(struct kube_recorder *r, bool all)
{
	struct told *e, *next;
	int64_t now = clock_now_ms();
	if (!r->list[LATE] || (now < r->look_ms && !all))
		return;
	r->look_ms = now + LOOK_MS;
	DL_FOREACH_SAFE(r->list[LATE], e, next)
		if (all || now - e->sent_ms >= KUBE_SERIES_PATCH_MS)
			move(r, e, WAITS);
}

/* Room for one more; false when there is none. */
static bool make_room(struct kube_recorder *r)
{
	struct told *e = r->list[LATE];
	if (r->n[WAITS] + r->n[LATE] < KUBE_EVENTS_QUEUE)
		return true;
	if (!e)
		return false;
	r->stats.dropped += e->count - e->on_server;
	e->on_server = e->count;
	settle(r, e);
	return true;
}

/* --- giving way ------------------------------------------------------------------------------------------------------------------ */

static bool held_back(struct kube_recorder *r)
{
	int64_t now = clock_now_ms();
	if (!r->list[WAITS])
		r->held_ms = 0;
	else if (r->holding && !r->held_ms)
		r->held_ms = now;
	if (!r->holding || !r->held_ms || r->n[WAITS] >= KUBE_EVENTS_QUEUE / 2)
		return false;
	return now - r->held_ms < KUBE_EVENTS_HOLD_MS || r->list[SENDING];
}

void kube_recorder_hold(struct kube_recorder *r, bool on)
{
	if (r->holding && !on)
		event_set(&r->more);
	r->holding = on;
}

/* --- telling ------------------------------------------------------------------------------------------------------------------------ */

static char *note_of(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static char *note_of(const char *fmt, va_list ap)
{
	char raw[4 * KUBE_NOTE_MAX];
	vsnprintf(raw, sizeof(raw), fmt, ap);
	autojson json_t *safe = json_string_safe(raw, strlen(raw));
	const char *text = json_string_value(safe);
	if (strlen(text) <= KUBE_NOTE_MAX)
		return xstrdup(text);
	autofree char *head = cut(text, KUBE_NOTE_MAX - 3);
	return xasprintf("%s...", head);
}

static struct told *told_new(const char *const part[PARTS])
{
	struct told *e;
	unsigned char random[ID / 2];
	size_t len = 0;
	for (int i = 0; i < PARTS; i++)
		len += strlen(part[i]) + 1;
	e = xcalloc(1, sizeof(*e) + len);
	for (int i = 0; i < PARTS; i++) {
		size_t n = strlen(part[i]) + 1;
		memcpy(e->key + e->len, part[i], n);
		e->part[i] = e->key + e->len;
		e->len += n;
	}
	clock_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(e->id + 2 * i, 3, "%02x", random[i]);
	return e;
}

static void tell(struct kube_recorder *r, const char *const part[PARTS])
{
	struct told *e = told_new(part), *same;
	HASH_FIND(hh, r->all, e->key, e->len, same);
	if (same && same->place == KNOWN && clock_now_ms() - same->last_ms > KUBE_SERIES_MS) {
		forget(r, same);
		same = NULL;
	}
	if (same) {
		free(e);
		e = same;
	} else if (!make_room(r)) {
		r->stats.dropped++;
		free(e);
		return;
	} else {
		e->first_wall_ms = clock_wall_ms();
		HASH_ADD_KEYPTR(hh, r->all, e->key, e->len, e);
		put_in(r, e, WAITS);
	}
	e->count++;
	e->last_ms = clock_now_ms();
	e->last_wall_ms = clock_wall_ms();
	if (same && e->place == KNOWN)
		settle(r, e);
}

void kube_tell(struct kube_recorder *r, const struct kube_about *about, bool warning, const char *reason, const char *action, const char *fmt, ...)
{
	va_list ap;
	if (!reason[0] || !action[0])
		BUG("an event about %s %s without a reason or an action", about->kind, about->name);
	va_start(ap, fmt);
	autofree char *note = note_of(fmt, ap), *why = cut(reason, WORD_MAX), *what = cut(action, WORD_MAX);
	va_end(ap);
	const char *const part[PARTS] = {
		[NS] = about->ns ? about->ns : "", [NAME] = about->name, [UID] = about->uid ? about->uid : "",
		[API_VERSION] = about->api_version ? about->api_version : "", [KIND] = about->kind, [TYPE] = warning ? "Warning" : "Normal",
		[REASON] = why, [ACTION] = what, [NOTE] = note,
	};
	r->stats.told++;
	tell(r, part);
}

struct kube_recorder_stats kube_recorder_stats(const struct kube_recorder *r)
{
	struct kube_recorder_stats s = r->stats;
	s.waiting = r->n[WAITS] + r->n[LATE] + r->n[SENDING];
	return s;
}

/* --- what is sent -------------------------------------------------------------------------------------------------------------------- */

static bool is_subdomain(const char *name)
{
	for (const char *p = name; *p; p++) {
		bool word = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');
		bool edge = p == name || p[-1] == '.' || !p[1] || p[1] == '.';
		if (!word && ((*p != '-' && *p != '.') || edge))
			return false;
	}
	return name[0] != '\0';
}

/* The object's name, as far as there is room and an Event may be called so, and something of its own. */
static char *name_of(const struct told *e)
{
	const char *base = is_subdomain(e->part[NAME]) ? e->part[NAME] : "event";
	size_t n = strlen(base), room = NAME_MAX_ - ID - 1;
	if (n > room)
		for (n = room; base[n - 1] == '.' || base[n - 1] == '-';)
			n--;
	return xasprintf("%.*s.%s", (int)n, base, e->id);
}

static json_t *series_of(const struct told *e)
{
	char last[KUBE_STAMP];
	kube_stamp(e->last_wall_ms, last);
	return json_pack("{s:I,s:s}", "count", (json_int_t)(e->count < INT32_MAX ? e->count : INT32_MAX), "lastObservedTime", last);
}

static json_t *event_of(const struct kube_recorder *r, const struct told *e, const char *ns, const char *name)
{
	static const struct { enum part part; const char *key; bool regarding; } fields[] = {
		{ REASON, "reason", false }, { ACTION, "action", false }, { NOTE, "note", false }, { TYPE, "type", false },
		{ NS, "namespace", true }, { NAME, "name", true }, { UID, "uid", true }, { API_VERSION, "apiVersion", true }, { KIND, "kind", true },
	};
	char first[KUBE_STAMP];
	kube_stamp(e->first_wall_ms, first);
	json_t *about = json_object();
	json_t *j = json_pack("{s:s,s:s,s:{},s:s,s:o}", "apiVersion", "events.k8s.io/v1", "kind", "Event", "metadata", "eventTime", first, "regarding", about);
	json_put_str(json_object_get(j, "metadata"), "name", name);
	json_put_str(json_object_get(j, "metadata"), "namespace", ns);
	json_put_str(j, "reportingController", r->controller);
	json_put_str(j, "reportingInstance", r->instance);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (e->part[fields[i].part][0])
			json_put_str(fields[i].regarding ? about : j, fields[i].key, e->part[fields[i].part]);
	if (e->count > 1)
		json_put_new(j, "series", series_of(e));
	return j;
}

/* One request that tells the server of all there was of E until now; *N then is how often that was. */
static int send_once(struct task *t, struct kube_recorder *r, struct told *e, uint64_t *n, struct err *err)
{
	autofree char *name = name_of(e);
	struct kube_fail why;
	struct kube_ref ref = { &kube_events, e->part[NS][0] ? e->part[NS] : "default", name, NULL };
	*n = e->count;
	if (e->on_server) {
		autojson json_t *patch = json_pack("{s:o}", "series", series_of(e));
		r->stats.patches++;
		return kube_patch(t, r->k, &ref, KUBE_MERGE, patch, NULL, NULL, &why, err);
	}
	autojson json_t *event = event_of(r, e, ref.ns, name);
	int rc = kube_create(t, r->k, &ref, event, NULL, NULL, &why, err);
	/* Ours, of a try whose answer was lost. */
	return rc == E_CONFLICT && strcmp(why.reason, "AlreadyExists") == 0 ? 0 : rc;
}

static void done(struct kube_recorder *r, struct told *e, int rc, uint64_t n)
{
	uint64_t news = n - e->on_server;
	if (rc == 0) {
		r->stats.sent += !e->on_server;
		r->stats.merged += news - !e->on_server;
	} else {
		r->stats.failed += news;
	}
	if (rc && !e->on_server) {
		r->stats.failed += e->count - n;
		forget(r, e);
		return;
	}
	e->on_server = n;
	e->sent_ms = clock_now_ms();
	settle(r, e);
}

/* A sender that is told to end goes on for a little while. */
struct sender { struct task *t; struct kube_recorder *r; bool last; };

static void last_words(struct sender *s)
{
	s->last = true;
	task_shield(s->t, true);
	(void)task_deadline_in(s->t, KUBE_EVENTS_LAST_MS);
	look_for_late(s->r, true);
}

static bool cancelled(struct sender *s) { return !s->last && task_cancelled(s->t); }

static bool curable(int rc) { return rc == E_BUSY || rc == E_TIMEOUT || rc == E_UNREACHABLE || rc == E_INTERNAL || rc == E_AUTH; }

static void send_one(struct sender *s, struct told *e)
{
	struct err err = { 0 };
	uint64_t n = e->count;
	int rc = E_BUSY;
	for (unsigned tries = 0; tries < TRIES; tries++) {
		int64_t old = task_deadline_in(s->t, TRY_MS);
		rc = send_once(s->t, s->r, e, &n, &err);
		task_deadline_restore(s->t, old);
		if (rc == E_NOTFOUND && e->on_server) {
			/* Its time to live ran out: what was not told yet is an event of its own. */
			e->count -= e->on_server;
			e->on_server = 0;
			e->first_wall_ms = e->last_wall_ms;
		} else if (cancelled(s)) {
			last_words(s);
		} else if (rc == 0 || !curable(rc) || task_sleep(s->t, clock_backoff_ms(tries, PAUSE_MS, PAUSE_MAX_MS), NULL) != 0) {
			if (!cancelled(s))
				break;
			last_words(s);
		}
	}
	if (rc)
		log_info("event %s about %s %s/%s: %s", e->part[REASON], e->part[KIND], e->part[NS], e->part[NAME], err.msg);
	done(s->r, e, rc, n);
}

/* Waits for something to send, or until what is held back may be. */
static int wait_for_more(struct sender *s, struct err *err)
{
	struct kube_recorder *r = s->r;
	int64_t old = task_deadline(s->t), now = clock_now_ms(), due = INT64_MAX;
	r->more.set = false;
	if (r->list[LATE])
		due = r->look_ms;
	/* Behind that it is for the one who sends. */
	if (r->list[WAITS] && r->held_ms + KUBE_EVENTS_HOLD_MS > now && r->held_ms + KUBE_EVENTS_HOLD_MS < due)
		due = r->held_ms + KUBE_EVENTS_HOLD_MS;
	if (due != INT64_MAX)
		old = task_deadline_in(s->t, due > now ? due - now : 1);
	int rc = event_wait(s->t, &r->more, err);
	task_deadline_restore(s->t, old);
	if (cancelled(s)) {
		last_words(s);
		return 0;
	}
	return rc == E_TIMEOUT && clock_now_ms() < old ? 0 : rc;
}

static int sender(struct task *t, void *arg, struct err *err)
{
	struct sender s = { .t = t, .r = arg };
	struct kube_recorder *r = arg;
	int rc = 0;
	while (rc == 0 && !(s.last && clock_now_ms() >= task_deadline(t))) {
		look_for_late(r, s.last);
		struct told *e = !s.last && held_back(r) ? NULL : r->list[WAITS];
		if (e) {
			move(r, e, SENDING);
			send_one(&s, e);
		} else if (s.last) {
			break;
		} else {
			rc = wait_for_more(&s, err);
		}
	}
	return s.last ? 0 : rc;
}

void kube_recorder_start(struct kube_recorder *r, struct scope *s)
{
	if (r->started)
		BUG("a recorder started twice");
	r->started = true;
	for (int i = 0; i < SENDERS; i++)
		scope_start(s, "events", sender, r);
}
