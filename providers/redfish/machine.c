/* The BMC itself: reset, coming back, AC cycle, background copy. */
#include "providers/redfish/machine.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/str.h"

enum {
	GOOD_READS = 3,
	GONE_MS = 60 * 1000,         /* a reset BMC stops answering within */
	DRAIN_MS = 30 * 1000,        /* between power off and on where mains cannot be switched */
	AC_TRIES = 3,
	DANGLING_LOOKS = 3,          /* a link that leads nowhere so often is just that */
	CHASSIS_MAX = 400,
};

static int good_read(struct task *t, struct rf_bmc *b, struct err *err)
{
	const char *const paths[] = { "/redfish/v1/", b->systems_uri, b->managers_uri, b->update_uri };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		autojson json_t *j = NULL;
		int rc = paths[i] ? rf_get(t, b, paths[i], RF_ONCE, &j, NULL, err) : 0;
		if (rc && !(i >= 2 && rc == E_NOTFOUND))
			return rc;
	}
	return 0;
}

int rf_wait_ready(struct task *t, struct rf_bmc *b, struct op *op, struct err *err)
{
	int64_t end = clock_now_ms() + b->rf->limits.boot;
	unsigned good = 0, n = 0;
	int rc = 0;

	rf_expect(b, 1);
	while (good < GOOD_READS) {
		struct err read_err = { 0 };
		rc = good_read(t, b, &read_err);
		if (rc == E_CANCELED || rc == E_AUTH || rc == E_DENIED || (rc && task_deadline(t) <= clock_now_ms())) {
			*err = read_err;
			break;
		}
		good = rc ? 0 : good + 1;
		if (rc == 0)
			n = 2;
		if (rc && clock_now_ms() >= end) {
			rc = err_set(err, E_UNREACHABLE, "%s did not come back in %lld min: %.700s", b->addr, (long long)b->rf->limits.boot / 60000,
				     read_err.msg);
			break;
		}
		if (good == GOOD_READS)
			break;
		if (op && rc)
			op_progress(op, -1, "waiting for the BMC");
		rc = rf_pause(t, &n, err);
		if (rc)
			break;
	}
	rf_expect(b, -1);
	return rc;
}

/* Waits until the BMC was seen away, or has forgotten our session. Not seeing it is no failure. */
static int await_gone(struct task *t, struct rf_bmc *b, unsigned logins, struct err *err)
{
	int64_t end = clock_now_ms() + GONE_MS;
	unsigned n = 0;

	while (clock_now_ms() < end && b->logins == logins) {
		autojson json_t *j = NULL;
		struct err read_err;
		int rc = rf_get(t, b, b->managers_uri, RF_ONCE, &j, NULL, &read_err);
		if (rc == E_CANCELED) {
			*err = read_err;
			return rc;
		}
		if (rc)
			return 0;
		if (n > 4)
			n = 4;
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- the BMC's own reset ----------------------------------------------------------------------------------------- */

static bool is_bmc(const json_t *manager, const char *path)
{
	const char *type = json_str(manager, "ManagerType");
	char id[128];

	rf_last_segment(path, id, sizeof(id));
	return !quirk_not_host(id) && (!type || strstr(type, "BMC") || strcmp(type, "ManagementController") == 0 || strcmp(type, "EnclosureManager") == 0);
}

static int manager_action(struct task *t, struct rf_bmc *b, struct rf_action *out, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	int rc = rf_connect(t, b, err);

	*out = (struct rf_action){ 0 };
	if (rc == 0)
		rc = rf_members(t, b, b->managers_uri, 0, &links, err);
	for (size_t i = 0; rc == 0 && i < links.at.len && i < 16 && !out->target; i++) {
		autojson json_t *m = NULL;
		struct err one;
		rc = rf_get(t, b, links.at.at[i], 0, &m, NULL, &one);
		if (rc == 0 && is_bmc(m, links.at.at[i]))
			rc = rf_action_find(t, b, m, "Manager.Reset", "ResetType", out, err);
		else if (rf_passing(rc) && rc != E_UNREACHABLE && rc != E_TIMEOUT)
			rc = 0;
		else if (rc)
			*err = one;
	}
	if (rc == 0 && !out->target)
		return err_set(err, E_UNSUPPORTED, "%s offers no reset of its manager (#Manager.Reset)", b->addr);
	return rc;
}

int rf_bmc_reset(struct task *t, struct rf_bmc *b, struct op *op, struct err *err)
{
	struct rf_action a;
	int rc = manager_action(t, b, &a, err);

	if (rc)
		return rc;
	const char *word = rf_action_allows(&a, "GracefulRestart") ? "GracefulRestart" : "ForceRestart";
	unsigned logins = b->logins;
	rf_expect(b, 1);
	op_progress(op, -1, "BMC reset");
	for (unsigned tries = 0; ; tries++) {
		autoreply struct rf_reply r = { 0 };
		rc = rf_action_do(t, b, &a, "ResetType", word, &r, err);
		if ((rc && r.sent && rc != E_CANCELED) || (rc == 0 && rf_good(&r))) {
			rc = 0;
			break;
		}
		if (rc == 0)
			rc = rf_refused(b, &r, "its own reset", err);
		bool again = r.status == 401 || r.status == 503 || r.status == 429 || r.status == 409;
		if (!again || tries >= 6)
			break;
		rc = task_sleep(t, r.status == 401 ? 1 : r.retry_after_ms > 0 && r.retry_after_ms < 60000 ? r.retry_after_ms : 5000, err);
		if (rc)
			break;
		logins = b->logins + (r.status == 401);
	}
	if (rc == 0)
		rc = await_gone(t, b, logins, err);
	if (rc == 0)
		rc = rf_wait_ready(t, b, op, err);
	rf_expect(b, -1);
	rf_action_release(&a);
	return rc;
}

/* --- AC cycle ---------------------------------------------------------------------------------------------------------- */

enum mains { MAINS_NONE, MAINS_CHASSIS_CYCLE, MAINS_CHASSIS_FULL, MAINS_SYSTEM_FULL, MAINS_AUX };
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
	rc = rf_action_find(t, b, c, "Chassis.Reset", "ResetType", &a, err);
	if (rc)
		return rc;
	if (a.target && json_array_size(a.allowed) && rf_action_allows(&a, "FullPowerCycle"))
		consider(best, &a, MAINS_CHASSIS_FULL, "FullPowerCycle");
	else
		consider(best, &a, MAINS_CHASSIS_CYCLE, a.target && rf_action_allows(&a, "PowerCycle") ? "PowerCycle" : NULL);
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
		return 0;
	for (size_t i = 0; rc == 0 && i < links.at.len && i < CHASSIS_MAX && best->kind != MAINS_AUX; i++)
		if (!strcasestr(links.at.at[i], "erot"))
			rc = chassis_actions(t, b, links.at.at[i], best, err);
	return rc;
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
			rc = await_gone(t, b, logins, err);
	}
	if ((rc == 1 || rc == E_CONFLICT || rc == E_INPUT || rc == E_UNSUPPORTED) && ac->kind < MAINS_AUX)
		return task_sleep(t, DRAIN_MS, err);     /* mains cannot be switched here: off long enough is the nearest */
	return rc == 1 ? err->code : rc;
}

int rf_ac_cycle(struct task *t, struct rf_bmc *b, const char *system, struct op *op, struct err *err)
{
	struct ac ac;
	int rc = find_ac(t, b, system, &ac, err);

	if (rc == 0) {
		rf_expect(b, 1);
		rc = do_ac(t, b, system, &ac, op, err);
		if (rc == 0)
			rc = rf_wait_ready(t, b, op, err);
		if (rc == 0)
			rc = rf_power_to(t, b, system, true, op, err);
		rf_expect(b, -1);
	}
	rf_action_release(&ac.action);
	return rc;
}

/* --- background copy --------------------------------------------------------------------------------------------------- */

static const char *copy_status(const json_t *j, unsigned depth)
{
	size_t n = 0;
	const char *found = json_str(j, "BackgroundCopyStatus");
	autofree const char **keys = !found && depth && json_is_object(j) ? json_keys(j, &n) : NULL;

	for (size_t i = 0; i < n && !found; i++)
		found = copy_status(json_at(j, keys[i]), depth - 1);
	return found;
}

/* "InProgress", "In Progress", "in_progress": firmware spells it as it likes. A word that is not here is not waited for: nobody would
 * know when it ends. */
static bool still_copies(const char *status)
{
	static const char *const words[] = { "inprogress", "pending", "started", "starting", "running", "copying", "notstarted", "queued" };
	char word[32];
	size_t n = 0;

	for (; status && *status && n < sizeof(word) - 1; status++)
		if (isalpha((unsigned char)*status))
			word[n++] = (char)tolower((unsigned char)*status);
	word[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Number of ERoTs that still copy, and of those that are listed but not there. */
static int copying(struct task *t, struct rf_bmc *b, const struct rf_links *links, unsigned *out, unsigned *dangling, struct err *err)
{
	*out = *dangling = 0;
	for (size_t i = 0; i < links->at.len && i < CHASSIS_MAX; i++) {
		autojson json_t *c = NULL;
		if (!strcasestr(links->at.at[i], "erot"))
			continue;
		int rc = rf_get(t, b, links->at.at[i], 0, &c, NULL, err);
		const char *s = rc ? NULL : copy_status(json_at(c, "Oem"), 3);
		if (rc && !rf_passing(rc))
			return rc;
		*dangling += rc == E_NOTFOUND;
		*out += (rc && rc != E_NOTFOUND) || still_copies(s);
	}
	return 0;
}

int rf_background_copy(struct task *t, struct rf_bmc *b, struct op *op, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	int64_t end = clock_now_ms() + b->rf->limits.copy;
	unsigned left, dangling, missed = 0, n = 4;
	int rc = rf_members(t, b, b->chassis_uri, RF_SLOW, &links, err);

	if (rc)
		return rc == E_NOTFOUND ? 0 : rc;
	for (;;) {
		rc = copying(t, b, &links, &left, &dangling, err);
		if (rc || (!left && (!dangling || ++missed >= DANGLING_LOOKS)))
			return rc;
		if (clock_now_ms() >= end)
			return err_set(err, E_INTERNAL, "%s: %u ERoTs still copy their firmware to the second slot after %lld min; power was left on", b->addr,
				       left, (long long)b->rf->limits.copy / 60000);
		op_progress(op, -1, "background copy, %u ERoTs left", left);
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
}
