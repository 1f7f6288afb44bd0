/* follow - a Redfish task from 202 to its end.
 *
 * The state table is that of the Task schema (DMTF Task v1); HTTP codes alone decide nothing. A task that vanished (404) is
 * neither success nor failure: the caller compares the inventory.
 */
#ifndef PROVIDERS_REDFISH_FOLLOW_H
#define PROVIDERS_REDFISH_FOLLOW_H

#include "providers/redfish/tree.h"

enum task_class { TASK_LIVE, TASK_WAITS, TASK_GOOD, TASK_BAD };
/* New, Starting, Running, Stopping, Cancelling, Service, Suspended, Interrupted: live; Pending: waits (for a reset, perhaps);
 * Completed: good unless STATUS is Critical; Exception, Killed, Cancelled: bad. What nobody knows is live. */
enum task_class task_classify(const char *state, const char *status);

enum followed {
	FOLLOWED_OK,         /* it says it is done */
	FOLLOWED_STAGED,     /* it waits for an activation */
	FOLLOWED_FAILED,     /* it says why: SAID */
	FOLLOWED_GONE,       /* 404: look at the world */
	FOLLOWED_STALLED,    /* no progress within limits.stall */
};
struct follow {
	enum followed how;
	char said[400];              /* the task's most telling message */
	bool skipped_low;            /* some component was skipped: its version is newer than the image's */
	bool skipped_same;
	bool updated;                /* some component was written */
	bool bmc_was_away;           /* the BMC stopped answering meanwhile */
	bool full;                   /* it last said 100 % */
	bool warned;                 /* it is done, with a warning: SAID */
};
/* Polls the task or task monitor at URI until it ends; of a monitor that shows nothing the task beside it is read. The BMC may be away
 * for limits.boot meanwhile, then E_UNREACHABLE. */
int rf_follow_task(struct task *t, struct rf_bmc *b, const char *uri, struct op *op, struct follow *out, struct err *err) MUST_CHECK;
/* The same for a job that is to wait for a restart: ends also once it waits (FOLLOWED_STAGED), and when it neither waits nor ends within
 * LIMIT_MS (FOLLOWED_STALLED). */
int rf_follow_staged(struct task *t, struct rf_bmc *b, const char *uri, int64_t limit_ms, struct op *op, struct follow *out, struct err *err) MUST_CHECK;
/* One look at the task or job at URI: *IS what it is now (TASK_GOOD when it is gone, or is no task). SAID (may be NULL) gets its most telling
 * message, at most SIZE - 1 bytes. */
int rf_task_look(struct task *t, struct rf_bmc *b, const char *uri, enum task_class *is, char *said, size_t size, struct err *err) MUST_CHECK;
/* Where to follow what R (a 202, 200 or 201) began: the task in its body, else Location, else one that a message names; NULL when it
 * began none. Yours. */
char *rf_task_of(const struct rf_reply *r);
/* URIs of all tasks now, sorted; *OUT is json null when the service does not list them. */
int rf_tasks(struct task *t, struct rf_bmc *b, json_t **out, struct err *err) MUST_CHECK;

#endif
