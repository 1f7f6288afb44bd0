/* A reboot of the host with a purpose: until what it was for is seen. */
#include "providers/redfish/machine.h"

#include <string.h>

#include "base/clock.h"

enum {
	LOOK_FIRST_MS = 15 * 1000,   /* on resume: an earlier restart may just be ending */
	AFTER_BOOT_LOOKS = 4,        /* the boot is done and still nothing: so many looks more */
};

struct reboot {
	struct rf_bmc *b;
	const char *system;
	char *reset_time;            /* LastResetTime before */
	bool seen;                   /* a sign that it restarts */
	bool progress;               /* this machine tells BootProgress */
	unsigned after;              /* looks since the boot was done */
};

/* One look at the system. *BOOTED: it restarted and the boot is over. */
static int look(struct task *t, struct reboot *r, bool *booted, struct err *err)
{
	autojson json_t *j = NULL;
	struct err one;
	int rc = rf_get(t, r->b, r->system, RF_ONCE, &j, NULL, &one);

	*booted = false;
	if (rc == E_CANCELED || rc == E_AUTH || rc == E_DENIED) {
		*err = one;
		return rc;
	}
	if (rc)
		return 0;
	enum rf_boot boot = rf_boot_of(j);
	const char *stamp = json_str(j, "LastResetTime");
	r->progress |= boot != BOOT_UNKNOWN;
	r->seen |= boot == BOOT_RUNNING || rf_power_of(j) == RF_POWER_OFF || rf_power_of(j) == RF_POWER_CHANGING;
	r->seen |= stamp && r->reset_time && strcmp(stamp, r->reset_time) != 0;
	*booted = r->seen && boot == BOOT_DONE && rf_power_of(j) == RF_POWER_ON;
	return 0;
}

/* Before: is the host on, and when was it last reset? */
static int before(struct task *t, struct reboot *r, enum rf_power *power, struct err *err)
{
	autojson json_t *j = NULL;
	int rc = rf_get(t, r->b, r->system, 0, &j, NULL, err);

	if (rc)
		return rc;
	*power = rf_power_of(j);
	r->reset_time = xstrdup(json_str(j, "LastResetTime"));
	r->seen = rf_boot_of(j) == BOOT_RUNNING;
	return 0;
}

static int start(struct task *t, struct reboot *r, enum rf_power power, bool force, struct op *op, struct err *err)
{
	int rc;

	if (power == RF_POWER_OFF) {
		rc = rf_power_to(t, r->b, r->system, true, op, err);
		r->seen = true;
		return rc;
	}
	return rf_restart(t, r->b, r->system, force, op, err);
}

/* Polls until DONE, a finished boot without it (1), or END (2). */
static int watch(struct task *t, struct reboot *r, int64_t end, rf_done_fn *done, void *ctx, struct op *op, struct err *err)
{
	unsigned n = 2;

	for (;;) {
		bool booted;
		struct err one;
		int rc = look(t, r, &booted, err);
		if (rc)
			return rc;
		int is = done(t, ctx, &one);
		if (is == 1)
			return 0;
		if (is < 0 && !rf_passing(is)) {
			*err = one;
			return is;
		}
		r->after = booted && is != 2 ? r->after + 1 : 0;
		if (r->after >= AFTER_BOOT_LOOKS)
			return 1;
		if (clock_now_ms() >= end)
			return 2;
		if (op)
			op_progress(op, -1, r->seen ? "host boots" : "waiting for the restart");
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
}

static int reboot(struct task *t, struct reboot *r, bool sent, rf_done_fn *done, void *ctx, struct op *op, struct err *err)
{
	const struct rf_limits *l = &r->b->rf->limits;
	enum rf_power power;
	int rc = before(t, r, &power, err);

	if (rc)
		return rc;
	if (sent || r->seen) {       /* it may be on its way: a restart in the middle of POST helps nobody */
		rc = watch(t, r, clock_now_ms() + (r->seen ? l->boot : LOOK_FIRST_MS), done, ctx, op, err);
		if (rc <= 0)
			return rc;
		r->seen = false;
		r->after = 0;
	}
	for (unsigned force = 0; force < 2; force++) {
		rc = rf_power(t, r->b, r->system, &power, err);
		if (rc == 0)
			rc = start(t, r, power, force, op, err);
		if (rc)
			return rc;
		/* The restart is seen within the graceful limit, or not at all; then the boot has its own time. */
		rc = watch(t, r, clock_now_ms() + (force ? l->boot : l->graceful), done, ctx, op, err);
		if (rc == 2 && r->seen)
			rc = watch(t, r, clock_now_ms() + l->boot, done, ctx, op, err);
		if (rc <= 1)
			return rc;
	}
	return 1;
}

int rf_reboot_until(struct task *t, struct rf_bmc *b, const char *system, bool sent, rf_done_fn *done, void *ctx, struct op *op,
		    bool *applied, struct err *err)
{
	struct reboot r = { .b = b, .system = system };

	rf_expect(b, 1);
	int rc = reboot(t, &r, sent, done, ctx, op, err);
	rf_expect(b, -1);
	free(r.reset_time);
	*applied = rc == 0;
	return rc < 0 ? rc : 0;
}
