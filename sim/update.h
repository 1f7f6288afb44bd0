/* update - one firmware update of one BMC: received, verified, transferred, installed, staged; and the task that shows it.
 *
 *   begin -> (image arrives) -> verify 10 s -> transfer and install, minutes -> Completed; then the activation each
 *   component needs. A component that already has (or will have) the version, and one whose version would go down, is
 *   skipped with a message unless the request says ForceUpdate.
 * One update at a time. The image's bytes are never kept, only its first 4 KiB, size and SHA-256.
 */
#ifndef SIM_UPDATE_H
#define SIM_UPDATE_H

#include "sim/firmware.h"
#include "sim/model.h"

enum update_phase { UPDATE_RECEIVE, UPDATE_VERIFY, UPDATE_INSTALL };

struct update_item { uint8_t item; char version[32]; };

struct update {
	unsigned task;
	enum update_phase phase;
	int64_t begin, due;          /* of the phase; due 0: waits for the image */
	bool targeted;               /* `wanted` limits the components */
	bool wanted[128];
	bool force, immediate;
	bool stalled;                /* never goes on (a fault) */
	bool lose_task;              /* the task vanishes when installing begins (a fault) */
	bool reset;                  /* the BMC resets in the middle (a fault) */
	bool bad_image;
	struct image image;
	VEC(struct update_item) items;
};

/* Messages of tasks. */
enum { NOTE_STARTED, NOTE_TARGET, NOTE_TRANSFER, NOTE_VERIFY, NOTE_INSTALL, NOTE_SUCCESS, NOTE_AWAIT, NOTE_SAME, NOTE_LOW,
	NOTE_NONE, NOTE_TRANSFER_FAILED, NOTE_VERIFY_FAILED, NOTE_APPLY_FAILED, NOTE_ABORTED, NOTE_COMPLETED, NOTE_CANCELLED,
	NOTE_COUNT };

struct update_request {
	const bool *wanted;          /* 128 flags by component, or NULL: whatever the image is for */
	bool force;                  /* ForceUpdate */
	bool immediate;              /* a BMC that updated itself resets by itself */
};

/* Starts an update and its task; the image is still to come. E_BUSY when one is under way. */
int update_begin(struct bmc *b, const struct update_request *rq, unsigned *task);
/* The image is here: its first bytes, SHA-256 and size. PATH says how it came. A task that is gone is ignored. */
void update_image(struct bmc *b, unsigned task, const char *head, size_t len, const char sha256[65], uint64_t size,
	const char *path);
/* The image could not be had. */
void update_no_image(struct bmc *b, unsigned task);
/* Stops it before installing; E_CONFLICT later. */
int update_cancel(struct bmc *b, unsigned task);
/* The BMC went down in the middle. */
void update_interrupt(struct bmc *b, int64_t now);
int64_t update_left(const struct bmc *b, int64_t now);      /* simulated ms until it ends, a guess while receiving */

struct sim_task *task_find(const struct bmc *b, unsigned id);       /* NULL: gone, or vanished */
bool task_live(const struct sim_task *t);
unsigned task_percent(const struct bmc *b, const struct sim_task *t, int64_t now);
void task_remove(struct bmc *b, unsigned id);
void update_release(struct bmc *b);                                 /* frees update and tasks */

int64_t update_due(const struct bmc *b);
void update_play(struct bmc *b, int64_t now);

#endif
