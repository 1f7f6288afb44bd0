/* model - the simulated fleet: what each BMC remembers, and simulated time.
 *
 * A fleet is N machines of one profile. Nothing about a machine is stored that its index and the profile already say:
 * a BMC keeps only what differs (deltas), so an untouched one costs sizeof(struct bmc). No timer runs for any of them:
 * whoever looks at a BMC calls bmc_settle() first, which plays all transitions that have come due, in order of their
 * time. All times here are milliseconds of simulated time unless a name says otherwise.
 *
 * Simulated time = (real time since start) * speed + what was skipped by hand. With a simulated clock (base/clock.h) and
 * speed 1 it is that clock. Sessions and Retry-After live in the client's time: the real clock plus what was skipped.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

enum {
	SIM_MAX_BMCS = 8000,
	SIM_MAX_SESSIONS = 8,        /* open at once on one BMC; the next login gets 503 */
	SIM_MAX_ACCOUNTS = 15,       /* beside admin */
	SIM_MAX_SUBSCRIPTIONS = 20,
	SIM_MAX_TASKS = 100,         /* kept on one BMC; the oldest finished one goes */
	SIM_MAX_IMAGES = 64,         /* different images told apart on one BMC */
	SIM_MAX_COUNTED = 2000,      /* different requests counted apart on one BMC */
	SIM_PAGE = 50,               /* members on one page of a collection */
	SIM_RACK = 8,                /* nodes in a rack */
};

/* How long things take, seconds of simulated time. */
enum {
	T_POWER_ON = 5, T_FORCE_OFF = 2, T_SHUTDOWN = 30, T_OFF_PAUSE = 5, T_RESTART = 20,
	T_POST = 180, T_OS_BOOT = 40,
	T_BMC_RESET = 90, T_BMC_RESET_DELAY = 3, T_AC_CYCLE = 120,
	T_VERIFY = 10, T_BACKGROUND_COPY = 300,
};

enum power { POWER_OFF, POWER_POWERING_ON, POWER_ON, POWER_POWERING_OFF };

/* What happens to the host at bmc.host_due. */
enum host_next { HOST_STAYS, HOST_TURNS_OFF, HOST_TURNS_OFF_AND_ON, HOST_POWERS_ON, HOST_IS_ON, HOST_RESTARTS, HOST_POSTED };

struct session {
	unsigned id;
	char token[33];
	char user[32];
	int64_t created;             /* simulated */
	int64_t used_real;           /* client's time */
};

struct account {
	unsigned id;                 /* 1 is admin */
	bool enabled;
	char user[32], role[16];
	char *password;              /* NULL: the fleet's (admin only) */
};

/* One firmware component of one BMC, where it differs from the profile. */
struct item {
	char *version;               /* runs; NULL: the profile's */
	char *staged;                /* written, waits for its activation; NULL: nothing */
	int64_t copied;              /* when the background copy ends; 0: none ran */
};

enum task_state { TASK_NEW, TASK_RUNNING, TASK_PENDING, TASK_COMPLETED, TASK_EXCEPTION, TASK_CANCELLED };

/* A message of a task: which one, about which component (or NO_ITEM). */
struct note { uint8_t msg, item; };
enum { NO_ITEM = 255 };

struct sim_task {
	unsigned id;
	enum task_state state;
	bool critical;               /* TaskStatus is Critical */
	bool vanished;               /* answers 404 though it runs (a fault) */
	int64_t start, end;
	char *image;                 /* label for messages */
	VEC(struct note) notes;
};

struct image_seen { char sha256[65]; char *path; uint64_t size; unsigned count; };
struct counted { uint32_t path; uint32_t count; uint8_t method; };

struct update;
struct fleet;

struct bmc {
	struct fleet *fleet;
	unsigned index;

	enum power power;
	enum host_next host_next;
	int64_t host_due;            /* 0 with HOST_STAYS */
	int64_t post_start;          /* of the present boot */
	int64_t back_at;             /* the BMC is away until then; 0: it is there */
	int64_t reset_at;            /* it will reset itself then; 0: no */
	bool ac_lost;                /* away because mains power went: the host follows PowerRestorePolicy */
	bool was_on;                 /* host power before mains went */

	unsigned next_session, next_task, next_account, next_sub, next_event;
	VEC(struct session) sessions;
	VEC(struct account) accounts;        /* empty: admin alone, untouched */
	VEC(struct sim_task) tasks;          /* ascending ids */
	struct update *update;               /* the one under way, or NULL */
	struct item *items;                  /* firmware_count() of them, or NULL: all as in the profile */
	json_t *bios;                        /* attributes that differ from the default, or NULL */
	json_t *bios_pending;                /* attributes asked for, or NULL */
	json_t *delta;                       /* path -> {property path -> value}: what clients wrote, or NULL */
	json_t *subs;                        /* id -> EventDestination properties, or NULL */

	unsigned resets, bmc_resets, ac_cycles, bios_applied, sessions_created;
	VEC(struct counted) requests;
	VEC(struct image_seen) images;
};

struct paths;
struct fault_plan;

struct fleet {
	unsigned n;
	struct bmc *bmcs;
	uint32_t base;               /* host order; BMC i listens on base + 1 + i */
	unsigned short port;
	char password[33];
	double speed;
	uint64_t seed, rng;
	int64_t start_real, start_wall, skipped;
	unsigned session_timeout;    /* seconds */
	struct paths *paths;         /* interned request paths */
	struct fault_plan *faults;   /* or NULL */
	uint64_t requests;
	/* Gets each event once for each subscription (its id) that takes it; borrowed. NULL: nobody listens. */
	void (*on_event)(void *arg, struct bmc *b, const char *sub, const json_t *event);
	void *on_event_arg;
};

/* PASSWORD: 20 random characters when NULL. */
struct fleet *fleet_new(unsigned n, uint32_t base, double speed, uint64_t seed, const char *password);
void fleet_free(struct fleet *f);
/* The BMC at that address or of that name; NULL when there is none. */
struct bmc *fleet_at(struct fleet *f, struct in_addr local);
struct bmc *fleet_named(struct fleet *f, const char *name);

int64_t fleet_now(const struct fleet *f);            /* simulated */
int64_t fleet_now_client(const struct fleet *f);     /* client's time, ms */
int64_t fleet_wall(const struct fleet *f, int64_t sim_ms);   /* the date a BMC shows at that simulated time */
void fleet_skip(struct fleet *f, int64_t ms);        /* moves both clocks */
/* Whole seconds (at least 1) a client should wait for SIM_MS of simulated time. */
unsigned fleet_client_seconds(const struct fleet *f, int64_t sim_ms);
uint64_t fleet_random(struct fleet *f);              /* seeded */

struct in_addr bmc_addr(const struct bmc *b);
void bmc_name(const struct bmc *b, char out[16]);            /* gpu-0001 */
void bmc_serial(const struct bmc *b, char out[24]);
/* A number that depends on the seed, the BMC and WHAT only: serials, MACs, UUIDs. */
uint64_t bmc_hash(const struct bmc *b, const char *what);
void bmc_uuid(const struct bmc *b, const char *what, char out[37]);

/* Plays every transition due until now. Call before looking. */
void bmc_settle(struct bmc *b);
bool bmc_away(const struct bmc *b);                  /* after settling: no answer from it now */

/* What clients wrote to property PROP ("Boot/BootSourceOverrideTarget") of the resource at PATH; NULL: nothing. */
const json_t *bmc_delta(const struct bmc *b, const char *path, const char *prop);
void bmc_set_delta(struct bmc *b, const char *path, const char *prop, const json_t *value);

/* Counts a request; METHOD is upper case. */
void bmc_count(struct bmc *b, const char *method, const char *path);
/* "GET /redfish/v1" and its count, for i from 0; false at the end. */
bool bmc_counted(const struct bmc *b, size_t i, const char **method, const char **path, unsigned *count);
void bmc_saw_image(struct bmc *b, const char sha256[65], uint64_t size, const char *path);

#endif
