/* fault - what goes wrong, when, and on which machine.
 *
 * A fault plan is JSON, read from --faults FILE or sent to the control port (POST /v1/faults, which replaces all):
 *
 *     {"faults": [
 *       {"fault": "status", "bmc": "gpu-000[12]", "method": "GET", "path": "*FirmwareInventory*", "status": 503,
 *        "retry_after": 2, "count": 3},
 *       {"fault": "reset_mid_update", "bmc": "gpu-0004", "count": 1}]}
 *
 * Every fault has
 *   fault        what: see below; required
 *   bmc          glob over names; default "*"
 *   method,path  globs over the request (path without query); default "*". Faults of updates ignore them.
 *   skip         the first so many matches pass unharmed; default 0
 *   count        then so many matches are hit, counted for each BMC; absent: all
 *   probability  of a match being hit, 0 to 1, seeded; default 1
 * The faults, with members of their own:
 *   latency           waits `ms` (real milliseconds, at most 3,600,000) before acting
 *   status            answers `status` (400 to 599, default 503) without acting; `retry_after` seconds when present
 *   drop              closes the connection; `when`: "before" acting (default), "after" acting (the reply is lost), or in the
 *                     middle of the "body" of the reply
 *   black_hole        takes the request and never answers; with `accept`: false takes not even connections
 *   bad_json          acts, answers with the second half of the body missing
 *   garbage           acts, answers with bytes that are no JSON
 *   wrong_etag        a request with If-Match gets 412 without acting
 *   lost_task         the update goes on, its task answers 404 as soon as installing begins
 *   reset_mid_update  the BMC resets itself in the middle of installing
 *   stall             the update's task stays Running and never moves
 * The first match of each name is used; different names add up.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim/model.h"

enum { FAULT_MAX = 1000 };
enum fault_drop { DROP_NO, DROP_BEFORE, DROP_AFTER, DROP_BODY };

/* What is to happen to one request. */
struct fault_hit {
	int64_t latency_ms;
	int status;                  /* 0: none */
	int retry_after;             /* -1: none */
	enum fault_drop drop;
	bool black_hole, bad_json, garbage, wrong_etag;
};

/* Reads a plan; N_BMCS sizes the counters. E_INPUT names the entry. */
int fault_plan_read(const json_t *j, unsigned n_bmcs, struct fault_plan **out, struct err *err) MUST_CHECK;
void fault_plan_free(struct fault_plan *p);          /* NULL is fine */

/* Decides (and counts) what happens to this request. */
void fault_request(struct fleet *f, const struct bmc *b, const char *method, const char *path, struct fault_hit *out);
/* Does the BMC take connections? */
bool fault_accepts(struct fleet *f, const struct bmc *b);
/* Decides what goes wrong with an update that begins. */
void fault_update(struct fleet *f, const struct bmc *b, struct update *u);

#endif
