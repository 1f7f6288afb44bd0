/* events - events.k8s.io/v1 Events about objects, told without waiting.
 *
 * kube_tell() only queues; tasks of the recorder send. What repeats (same object, type, reason, action and note) within
 * KUBE_SERIES_MS of the last time becomes a series: the Event's series.count and lastObservedTime are patched, at most once in
 * KUBE_SERIES_PATCH_MS, nothing is posted anew. (An Event whose time to live ran out is posted again.) The last KUBE_SERIES_MAX different
 * events are remembered for that.
 *
 * At most KUBE_EVENTS_QUEUE events wait; beyond it a repetition that waits is given up for the new one, where there is none the
 * new one is; both are counted. A note is cut at KUBE_NOTE_MAX bytes and ends in "..." then. A failure is tried again three times, under the same
 * name so that none is there twice, then counted; whom it concerns never learns of it. What trying again cannot cure (a refusal, a
 * namespace that goes) is counted at once.
 */
#ifndef KUBE_EVENTS_H
#define KUBE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/task.h"
#include "kube/client.h"

enum {
	KUBE_EVENTS_QUEUE = 10000, KUBE_SERIES_MAX = 4096, KUBE_NOTE_MAX = 1024,
	KUBE_SERIES_MS = 360000, KUBE_SERIES_PATCH_MS = 10000, KUBE_EVENTS_LAST_MS = 2000, KUBE_EVENTS_HOLD_MS = 10000,
};

struct kube_recorder;
/* CONTROLLER as in "aipc.dev/scheduler", INSTANCE such as the pod's name (cut at 128 bytes, copied both). */
struct kube_recorder *kube_recorder_new(struct kube *k, const char *controller, const char *instance);
/* When S is cancelled, what waits is still sent, for at most KUBE_EVENTS_LAST_MS. */
void kube_recorder_start(struct kube_recorder *r, struct scope *s);
void kube_recorder_free(struct kube_recorder *r);    /* after S is joined; what waits is forgotten; NULL is fine */

/* Copied. NS NULL or "": the Event goes to "default". UID and API_VERSION may be NULL. */
struct kube_about { const char *api_version, *kind, *ns, *name, *uid; };
/* WARNING: type Warning, else Normal. REASON ("FailedScheduling") and ACTION ("Scheduling", "Binding"): a word in CamelCase each, not
 * empty, cut at 128 bytes. From anywhere on the loop, before the start too. */
void kube_tell(struct kube_recorder *r, const struct kube_about *about, bool warning, const char *reason, const char *action, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* ON: events give way to more urgent requests, until OFF, until less than half of the queue is free, or for KUBE_EVENTS_HOLD_MS. Once that is over they are sent
 * one at a time until none waits, whatever is said meanwhile: under load that does not end they are late, never kept back. Cheap: say it as often as you like. */
void kube_recorder_hold(struct kube_recorder *r, bool on);

struct kube_recorder_stats {
	uint64_t told;               /* calls of kube_tell: each ends in exactly one of the next four, or waits */
	uint64_t sent;               /* Events posted */
	uint64_t merged;             /* repetitions that are in a series on the server */
	uint64_t dropped;            /* given up because too much waited */
	uint64_t failed;             /* given up because the server did not take it */
	uint64_t patches;            /* requests that told of repetitions */
	size_t waiting;              /* events and series to be sent now */
};
struct kube_recorder_stats kube_recorder_stats(const struct kube_recorder *r);

#endif
