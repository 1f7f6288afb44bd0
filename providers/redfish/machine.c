/* The BMC itself: reset, coming back, background copy. */
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

int rf_await_gone(struct task *t, struct rf_bmc *b, unsigned logins, struct err *err)
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
		return err_set(err, E_UNSUPPORTED, "%s offers no reset of its manager (no #Manager.Reset below %s)", b->addr, b->managers_uri);
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
		rc = rf_await_gone(t, b, logins, err);
	if (rc == 0)
		rc = rf_wait_ready(t, b, op, err);
	rf_expect(b, -1);
	rf_action_release(&a);
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
