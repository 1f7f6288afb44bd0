/* The host's power: reading it, changing it, restarting. */
#include "providers/redfish/machine.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"

enum {
	PAUSE_BASE_MS = 500, PAUSE_CAP_MS = 10 * 1000,
	SETTLE_MS = 300 * 1000,      /* PoweringOn, PoweringOff may take so long */
	SEEN_MS = 180 * 1000,        /* a forced change is seen within */
	CONFLICT_MS = 10 * 1000, CONFLICTS = 6,      /* power-on is refused for up to a minute after off (iDRAC) */
};

int rf_pause(struct task *t, unsigned *n, struct err *err)
{
	int64_t ms = PAUSE_BASE_MS;

	for (unsigned i = 0; i < *n && ms < PAUSE_CAP_MS; i++)
		ms += ms / 4;
	(*n)++;
	return task_sleep(t, ms < PAUSE_CAP_MS ? ms : PAUSE_CAP_MS, err);
}

bool rf_passing(int code)
{
	return code == E_UNREACHABLE || code == E_TIMEOUT || code == E_BUSY || code == E_INTERNAL || code == E_NOTFOUND;
}

enum rf_power rf_power_of(const json_t *system)
{
	const char *s = json_str(system, "PowerState");

	if (!s)
		return RF_POWER_UNKNOWN;
	if (strcasecmp(s, "On") == 0)
		return RF_POWER_ON;
	if (strcasecmp(s, "Off") == 0)
		return RF_POWER_OFF;
	if (strncasecmp(s, "Powering", 8) == 0)
		return RF_POWER_CHANGING;
	return strcasecmp(s, "Paused") == 0 ? RF_POWER_ON : RF_POWER_UNKNOWN;
}

enum rf_boot rf_boot_of(const json_t *system)
{
	static const char *const done[] = { "SystemHardwareInitializationComplete", "SetupEntered", "OSBootStarted", "OSRunning" };
	const char *s = json_path(system, "BootProgress", "LastState", NULL) ? json_str(json_at(system, "BootProgress"), "LastState") : NULL;

	if (!s || strcmp(s, "None") == 0 || strcmp(s, "OEM") == 0)
		return BOOT_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(done); i++)
		if (strcmp(s, done[i]) == 0)
			return BOOT_DONE;
	return BOOT_RUNNING;
}

int rf_power(struct task *t, struct rf_bmc *b, const char *system, enum rf_power *out, struct err *err)
{
	autojson json_t *j = NULL;
	int rc = rf_get(t, b, system, 0, &j, NULL, err);

	if (rc)
		return rc;
	*out = rf_power_of(j);
	if (*out == RF_POWER_UNKNOWN)
		return err_set(err, E_INTERNAL, "%s does not tell the power state of %s", b->addr, system);
	return 0;
}

/* Waits until the power state is WANT (or, with RF_POWER_CHANGING, any settled one). 1: not within LIMIT_MS. */
static int await_power(struct task *t, struct rf_bmc *b, const char *system, enum rf_power want, int64_t limit_ms, enum rf_power *seen,
		       struct err *err)
{
	int64_t end = clock_now_ms() + limit_ms;
	unsigned n = 0;

	for (;;) {
		int rc = rf_power(t, b, system, seen, err);
		if (rc && !rf_passing(rc))
			return rc;
		if (rc == 0 && (want == RF_POWER_CHANGING ? *seen != RF_POWER_CHANGING : *seen == want))
			return 0;
		if (clock_now_ms() >= end)
			return rc ? rc : 1;
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
}

static const char *first_allowed(const struct rf_action *a, const char *const *words)
{
	for (; *words; words++)
		if (rf_action_allows(a, *words))
			return *words;
	return NULL;
}

/* Sends WORD; waits out refusals that pass. 0: accepted, or the reply was lost after it may have acted; 1: the state
 * changed under us, look again. */
static int send_reset(struct task *t, struct rf_bmc *b, const struct rf_action *a, const char *word, unsigned *conflicts, struct err *err)
{
	autoreply struct rf_reply r = { 0 };
	autofree char *what = xasprintf("reset %s (POST %s)", word, a->target);
	int rc = rf_action_do(t, b, a, "ResetType", word, &r, err);

	if (rc == E_CANCELED)
		return rc;
	if (rc && r.sent)
		return 0;
	if (rc)
		return rc;
	if (rf_good(&r))
		return 0;
	rf_refused(b, &r, what, err);
	bool again = r.status == 401 || r.status == 409 || r.status == 503 || r.status == 429 || (r.status >= 500 && r.status != 501);
	struct str said;
	str_init(&said, 600);
	rf_say(r.json, &said);
	again |= strstr(said.at, "InvalidOperationForSystemState") || strstr(said.at, "DuringSystemPOST") || strstr(said.at, "ResourceInStandby");
	str_release(&said);
	if (!again || (*conflicts)++ >= CONFLICTS)
		return err->code;
	rc = task_sleep(t, r.status == 401 ? 1 : r.retry_after_ms > 0 && r.retry_after_ms < 60000 ? r.retry_after_ms : CONFLICT_MS, err);
	return rc ? rc : 1;
}

static int reset_action(struct task *t, struct rf_bmc *b, const char *system, struct rf_action *out, json_t **j, struct err *err)
{
	autojson json_t *sys = NULL;
	int rc = rf_get(t, b, system, 0, &sys, NULL, err);

	if (rc == 0)
		rc = rf_action_find(t, b, sys, "ComputerSystem.Reset", "ResetType", out, err);
	if (rc)
		return rc;
	if (!out->target)
		return err_set(err, E_UNSUPPORTED, "%s offers no reset of %s (no #ComputerSystem.Reset)", b->addr, system);
	if (j)
		*j = json_ref(sys);
	return 0;
}

static const char *const on_words[] = { "On", "ForceOn", "PushPowerButton", NULL };
static const char *const soft_off[] = { "GracefulShutdown", NULL };
static const char *const hard_off[] = { "ForceOff", "PushPowerButton", NULL };

/* One attempt with the first of WORDS that is offered: 0 reached, 1 not seen in time, 2 not offered. */
static int attempt(struct task *t, struct rf_bmc *b, const char *system, bool on, const char *const *words, int64_t limit_ms, struct op *op,
		   struct err *err)
{
	enum rf_power want = on ? RF_POWER_ON : RF_POWER_OFF, seen = RF_POWER_UNKNOWN;
	struct rf_action a;
	unsigned conflicts = 0;
	int rc = reset_action(t, b, system, &a, NULL, err);

	if (rc)
		return rc;
	const char *word = first_allowed(&a, words);
	rc = word ? 1 : 2;
	while (rc == 1) {
		int settled = await_power(t, b, system, RF_POWER_CHANGING, SETTLE_MS, &seen, err);
		if (settled < 0) {
			rc = settled;
			break;
		}
		if (seen == want) {
			rc = 0;
			break;
		}
		if (op)
			op_progress(op, -1, "power %s (%s)", on ? "on" : "off", word);
		rc = send_reset(t, b, &a, word, &conflicts, err);
		if (rc)
			continue;
		rc = await_power(t, b, system, want, limit_ms, &seen, err);
		break;
	}
	rf_action_release(&a);
	return rc;
}

int rf_power_to(struct task *t, struct rf_bmc *b, const char *system, bool on, struct op *op, struct err *err)
{
	int rc;

	rf_expect(b, 1);
	if (on) {
		rc = attempt(t, b, system, true, on_words, SEEN_MS, op, err);
		if (rc == 1)
			rc = attempt(t, b, system, true, on_words, SEEN_MS, op, err);
	} else {
		rc = attempt(t, b, system, false, soft_off, b->rf->limits.graceful, op, err);
		if (rc > 0 || rc == E_INPUT || rc == E_UNSUPPORTED)
			rc = attempt(t, b, system, false, hard_off, SEEN_MS, op, err);
	}
	rf_expect(b, -1);
	if (rc > 0)
		rc = err_set(err, E_INTERNAL, rc == 2 ? "%s offers no way to power %s %s" :
			     "%s accepted the request but power stays as it was (wanted %s) on %s; an AC cycle may be needed", b->addr, on ? "on" : "off", system);
	return rc;
}

int rf_restart(struct task *t, struct rf_bmc *b, const char *system, bool force, struct op *op, struct err *err)
{
	static const char *const soft[] = { "GracefulRestart", NULL };
	static const char *const hard[] = { "ForceRestart", "PowerCycle", NULL };
	struct rf_action a;
	unsigned conflicts = 0;
	int rc = reset_action(t, b, system, &a, NULL, err);

	if (rc)
		return rc;
	const char *word = force && b->quirk.restart_by_off_on ? NULL : first_allowed(&a, force ? hard : soft);
	if (!word && !force)
		word = b->quirk.restart_by_off_on ? NULL : first_allowed(&a, hard);
	rf_expect(b, 1);
	if (op)
		op_progress(op, -1, "restart (%s)", word ? word : "off, then on");
	if (word) {
		do {
			rc = send_reset(t, b, &a, word, &conflicts, err);
		} while (rc == 1);
	} else {
		rc = rf_power_to(t, b, system, false, op, err);
		if (rc == 0)
			rc = task_sleep(t, 10 * 1000, err);
		if (rc == 0)
			rc = rf_power_to(t, b, system, true, op, err);
	}
	rf_expect(b, -1);
	rf_action_release(&a);
	return rc;
}
