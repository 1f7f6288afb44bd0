/* events - events.k8s.io/v1 Events about objects, told without waiting.
 *
 * events_tell() only queues; a task sends. An event that repeats (same object, type, reason, action and note) within six minutes of the last
 * becomes a series: the Event's series.count is patched, at most once in 10 s for each, not posted anew. At most QUEUE events wait; beyond it the
 * oldest repetition, else the new one, is dropped and counted. A note is cut at 1 kB, as the server demands. Failure to send is counted,
 * tried again three times, and never reported to whom it concerns.
 */
#ifndef KUBE_EVENTS_H
#define KUBE_EVENTS_H

#include <stdint.h>

#include "base/task.h"
#include "kube/client.h"

enum { KUBE_EVENTS_QUEUE = 10000, KUBE_SERIES_MAX = 4096 };

struct kube_recorder;
struct kube_recorder *kube_recorder_new(struct kube *k, const char *controller, const char *instance);   /* "aipc.dev/scheduler", a pod's name */
void kube_recorder_start(struct kube_recorder *r, struct scope *s);  /* when S is cancelled, what waits is sent for 2 s at most */
void kube_recorder_free(struct kube_recorder *r);

struct kube_about { const char *api_version, *kind, *ns, *name, *uid; };     /* ns NULL or "": the Event goes to "default" */
/* WARNING: type Warning, else Normal. ACTION: what was done or tried ("Scheduling", "Binding"). From anywhere on the loop. */
void kube_tell(struct kube_recorder *r, const struct kube_about *about, bool warning, const char *reason, const char *action,
	       const char *fmt, ...) __attribute__((format(printf, 6, 7)));
struct kube_recorder_stats { uint64_t sent, merged, dropped, failed; } ;
struct kube_recorder_stats kube_recorder_stats(const struct kube_recorder *r);

#endif
