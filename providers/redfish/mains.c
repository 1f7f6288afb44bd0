/* The AC cycle of a machine: what it offers for it, and doing that. */
#include "providers/redfish/machine.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"

enum {
	DRAIN_MS = 30 * 1000,        /* between power off and on where mains cannot be switched */
	AC_TRIES = 3,
	CHASSIS_MAX = 400,
};

enum mains { MAINS_NONE, MAINS_CHASSIS_CYCLE, MAINS_BIOS, MAINS_CHASSIS_FULL, MAINS_SYSTEM_FULL, MAINS_EXTENDED, MAINS_AUX };
struct ac { struct rf_action action; enum mains kind; const char *word; };

static void consider(struct ac *best, struct rf_action *a, enum mains kind, const char *word)
{
	if (!word || kind <= best->kind) {
		rf_action_release(a);
		return;
	}
	rf_action_release(&best->action);
	*best = (struct ac){ *a, kind, word };
}

static const char *aux_word(const struct rf_action *a)
{
	return !a->target ? NULL : rf_action_allows(a, "AuxPowerCycle") ? "AuxPowerCycle" : rf_action_allows(a, "AuxPowerCycleForce") ?
		"AuxPowerCycleForce" : NULL;
}

static int chassis_actions(struct task *t, struct rf_bmc *b, const char *path, struct ac *best, struct err *err)
{
	autojson json_t *c = NULL;
	struct rf_action a;
	struct err one;
	int rc = rf_get(t, b, path, 0, &c, NULL, &one);

	if (rc)
		return rf_passing(rc) && rc != E_UNREACHABLE && rc != E_TIMEOUT ? 0 : (*err = one, rc);
	rc = rf_action_find(t, b, c, "AuxPowerReset", "ResetType", &a, err);
	if (rc)
		return rc;
	consider(best, &a, MAINS_AUX, aux_word(&a));
	/* iDRAC: #DellOemChassis.ExtendedReset, whose PowerCycle also reaches the GPU baseboard, as its FullPowerCycle does not. */
	rc = rf_action_find(t, b, c, "OemChassis.ExtendedReset", "ResetType", &a, err);
	if (rc)
		return rc;
	consider(best, &a, MAINS_EXTENDED, a.target && rf_action_allows(&a, "PowerCycle") ? "PowerCycle" : NULL);
	rc = rf_action_find(t, b, c, "Chassis.Reset", "ResetType", &a, err);
	if (rc)
		return rc;
	if (a.target && json_array_size(a.allowed) && rf_action_allows(&a, "FullPowerCycle"))
		consider(best, &a, MAINS_CHASSIS_FULL, "FullPowerCycle");
	else
		consider(best, &a, MAINS_CHASSIS_CYCLE, a.target && rf_action_allows(&a, "PowerCycle") ? "PowerCycle" : NULL);
	return 0;
}

/* Dell's BIOS can have all of the machine lose power when the host next goes off. */
static int consider_bios(struct task *t, struct rf_bmc *b, const json_t *system, struct ac *best, struct err *err)
{
	autojson json_t *bios = NULL;
	struct err one;
	int rc = best->kind < MAINS_BIOS ? rf_follow(t, b, json_at(system, "Bios"), "BIOS", &bios, NULL, &one) : 0;

	if (rc == E_CANCELED || rc == E_UNREACHABLE || rc == E_TIMEOUT) {
		*err = one;
		return rc;
	}
	if (rc == 0 && json_str(json_at(bios, "Attributes"), "PowerCycleRequest"))
		best->kind = MAINS_BIOS;
	return 0;
}

static int find_ac(struct task *t, struct rf_bmc *b, const char *system, struct ac *best, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	autojson json_t *sys = NULL;
	struct rf_action a;
	int rc = rf_get(t, b, system, 0, &sys, NULL, err);

	*best = (struct ac){ .kind = MAINS_NONE };
	if (rc == 0)
		rc = rf_action_find(t, b, sys, "ComputerSystem.Reset", "ResetType", &a, err);
	if (rc)
		return rc;
	consider(best, &a, MAINS_SYSTEM_FULL, json_array_size(a.allowed) && rf_action_allows(&a, "FullPowerCycle") ? "FullPowerCycle" : NULL);
	/* iLO: #HpeComputerSystemExt.SystemReset, which wants the host off as NVIDIA's AuxPowerReset does. */
	rc = rf_action_find(t, b, sys, "SystemReset", "ResetType", &a, err);
	if (rc)
		return rc;
	consider(best, &a, MAINS_AUX, json_array_size(a.allowed) && rf_action_allows(&a, "AuxCycle") ? "AuxCycle" : NULL);
	rc = rf_members(t, b, b->chassis_uri, RF_SLOW, &links, err);
	if (rc == E_NOTFOUND)
		return consider_bios(t, b, sys, best, err);
	for (size_t i = 0; rc == 0 && i < links.at.len && i < CHASSIS_MAX && best->kind < MAINS_EXTENDED; i++)
		if (!strcasestr(links.at.at[i], "erot"))
			rc = chassis_actions(t, b, links.at.at[i], best, err);
	return rc ? rc : consider_bios(t, b, sys, best, err);
}

/* Sends it with the host off. 1: refused because the host is on again. */
static int send_ac(struct task *t, struct rf_bmc *b, const struct ac *ac, struct err *err)
{
	autoreply struct rf_reply r = { 0 };
	int rc = rf_action_do(t, b, &ac->action, "ResetType", ac->word, &r, err);

	if (rc)
		return r.sent && rc != E_CANCELED ? 0 : rc;
	if (rf_good(&r))
		return 0;
	rf_refused(b, &r, "the AC cycle", err);
	if (r.status == 401 || r.status == 503 || r.status == 409 || rf_has_message(r.json, "ChassisPowerStateOffRequired")) {
		rc = task_sleep(t, r.retry_after_ms > 0 && r.retry_after_ms < 60000 ? r.retry_after_ms : 3000, err);
		return rc ? rc : 1;
	}
	return err->code;
}

static int do_ac(struct task *t, struct rf_bmc *b, const char *system, const struct ac *ac, struct op *op, struct err *err)
{
	int rc = 1;

	for (unsigned i = 0; rc == 1 && i < AC_TRIES; i++) {
		rc = rf_power_to(t, b, system, false, op, err);
		if (rc)
			return rc;
		if (ac->kind == MAINS_NONE) {
			rc = task_sleep(t, DRAIN_MS, err);
			break;
		}
		unsigned logins = b->logins;
		op_progress(op, -1, "AC cycle (%s)", ac->word);
		rc = send_ac(t, b, ac, err);
		if (rc == 0)
			rc = rf_await_gone(t, b, logins, err);
	}
	if ((rc == 1 || rc == E_CONFLICT || rc == E_INPUT || rc == E_UNSUPPORTED) && ac->kind < MAINS_AUX)
		return task_sleep(t, DRAIN_MS, err);     /* mains cannot be switched here: off long enough is the nearest */
	return rc == 1 ? err->code : rc;
}

/* --- by the BIOS -------------------------------------------------------------------------------------------------------------------- */

/* Watches for the host to go off, or the BMC with it (a silent BMC, or one that forgot us, was without mains). 1: neither within LIMIT. */
static int off_or_gone(struct task *t, struct rf_bmc *b, const char *system, unsigned logins, int64_t limit, struct err *err)
{
	int64_t end = clock_now_ms() + limit;
	unsigned n = 2;

	for (;;) {
		enum rf_power p = RF_POWER_UNKNOWN;
		struct err one;
		int rc = rf_power(t, b, system, &p, &one);
		if (rc && !rf_passing(rc)) {
			*err = one;
			return rc;
		}
		if (b->logins != logins || rc == E_UNREACHABLE || rc == E_TIMEOUT || (rc == 0 && p == RF_POWER_OFF))
			return 0;
		if (clock_now_ms() >= end)
			return 1;
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
}

/* PowerCycleRequest = FullPowerCycle: when the host next goes off, all of the machine does, the BMC too. */
static int bios_cycle(struct task *t, struct rf_bmc *b, const char *system, struct op *op, struct err *err)
{
	static const char *const words[] = { "GracefulShutdown", "ForceOff" };
	int rc = rf_bios_set(t, b, system, "PowerCycleRequest", "FullPowerCycle", op, err);
	unsigned logins = b->logins;

	if (rc)
		return rc;
	op_progress(op, -1, "AC cycle (PowerCycleRequest)");
	rc = 1;
	for (size_t i = 0; rc == 1 && i < ARRAY_LEN(words); i++) {
		autojson json_t *sys = NULL;
		autoreply struct rf_reply r = { 0 };
		struct rf_action a = { 0 };
		rc = rf_get(t, b, system, 0, &sys, NULL, err);
		if (rc == 0)
			rc = rf_action_find(t, b, sys, "ComputerSystem.Reset", "ResetType", &a, err);
		if (rc == 0 && rf_action_allows(&a, words[i]))
			rc = rf_action_do(t, b, &a, "ResetType", words[i], &r, err);
		else if (rc == 0)
			rc = 1;
		rf_action_release(&a);
		if (rc == 0 || (rc < 0 && r.sent && rc != E_CANCELED))
			rc = off_or_gone(t, b, system, logins, b->rf->limits.graceful, err);
	}
	if (rc == 1)
		return err_set(err, E_INTERNAL, "%s accepted to power off but %s stays on: the full power cycle its BIOS is set to did not happen", b->addr, system);
	return rc ? rc : rf_await_gone(t, b, logins, err);
}

int rf_ac_cycle(struct task *t, struct rf_bmc *b, const char *system, struct op *op, struct err *err)
{
	struct ac ac;
	int rc = find_ac(t, b, system, &ac, err);

	if (rc == 0) {
		rf_expect(b, 1);
		rc = ac.kind == MAINS_BIOS ? bios_cycle(t, b, system, op, err) : do_ac(t, b, system, &ac, op, err);
		if (rc == 0)
			rc = rf_wait_ready(t, b, op, err);
		if (rc == 0)
			rc = rf_power_to(t, b, system, true, op, err);
		rf_expect(b, -1);
	}
	rf_action_release(&ac.action);
	return rc;
}

