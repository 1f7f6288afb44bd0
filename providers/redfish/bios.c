/* bios - the type: BIOS attributes of one host, through the settings object, applied by a restart, proven by reading. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "providers/redfish/biosattr.h"
#include "providers/redfish/follow.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/types.h"

enum {
	STAGED_MS = 120 * 1000,      /* a job for the settings is scheduled within */
	UNNOTED_MS = 30 * 1000,      /* the same of one that we were killed before noting */
	LATE_MS = 120 * 1000,        /* after the boot the BMC shows the new values within */
};

struct bios {
	struct rf_bmc *b;
	const json_t *wanted;        /* borrowed: attributes of the configuration */
	char *system, *path;         /* of the host and its Bios */
	json_t *json;                /* the Bios resource as last read */
	json_t *write;               /* real name -> value to write, for what differs */
	char idle[300];              /* what the registry says against the effect of some of it, or "" */
	char *job;                   /* path of the job that the settings wait in, once there is one */
};

static void bios_release(struct bios *x)
{
	free(x->system);
	free(x->path);
	free(x->job);
	json_decref(x->json);
	json_decref(x->write);
}
#define autobios __attribute__((cleanup(bios_release)))

/* --- reading ------------------------------------------------------------------------------------------------------------------ */

static const json_t *attributes(const json_t *bios)
{
	return json_at(bios, "Attributes");
}

static int unknown_attribute(const struct bios *x, const char *name, struct err *err)
{
	size_t n;
	const json_t *a = attributes(x->json);
	autofree const char **keys = json_keys(a, &n);
	const char **names = xcalloc(n + 1, sizeof(*names));

	if (n)
		memcpy(names, keys, n * sizeof(*names));
	const char *near = str_nearest(name, names);
	free(names);
	return err_set(err, E_INPUT, "the BIOS behind %s has no attribute \"%.100s\" among its %zu%s%s%s", x->b->addr, name, n,
		       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int load_at(struct task *t, struct bios *x, const json_t *system, struct err *err)
{
	int rc;

	if (!json_at(system, "Bios"))
		return err_set(err, E_UNSUPPORTED, "%s shows no BIOS of %s over Redfish", x->b->addr, x->system);
	rc = rf_follow(t, x->b, json_at(system, "Bios"), "BIOS", &x->json, &x->path, err);
	if (rc)
		return rc;
	if (!json_is_object(attributes(x->json)))
		return err_set(err, E_UNSUPPORTED, "%s shows no attributes of its BIOS (%s)", x->b->addr, x->path);
	if (!json_object_size(attributes(x->json)) && json_object_size(x->wanted))
		return err_set(err, E_BUSY, "%s has no BIOS attributes yet: the host must boot once to report them", x->b->addr);
	return 0;
}

/* The wanted attributes by the machine's names, and those of them that differ. */
static int by_real_name(const struct bios *x, json_t *want, json_t *differ, struct err *err)
{
	size_t n;
	autofree const char **keys = json_keys(x->wanted, &n);

	for (size_t i = 0; i < n; i++) {
		const char *real = bios_name(attributes(x->json), keys[i]);
		if (!real)
			return unknown_attribute(x, keys[i], err);
		json_object_set_new(want, real, json_ref(json_at(x->wanted, keys[i])));
		if (!bios_same(json_at(x->wanted, keys[i]), bios_value(attributes(x->json), real)))
			json_object_set_new(differ, real, json_ref(json_at(x->wanted, keys[i])));
	}
	return 0;
}

/* Finds the host and reads its BIOS. */
static int load(struct task *t, struct bios *x, const char *system_id, struct err *err)
{
	autojson json_t *system = NULL;
	int rc = rf_system(t, x->b, system_id, &x->system, &system, err);

	return rc ? rc : load_at(t, x, system, err);
}

/* Fills x->write with what differs, checked and typed. */
static int differences(struct task *t, struct bios *x, struct err *err)
{
	autojson json_t *want = json_object();
	autojson json_t *differ = json_object();
	autojson json_t *registry = NULL;
	const char *key;
	json_t *value;
	int rc = by_real_name(x, want, differ, err);

	json_decref(x->write);
	x->write = json_object();
	if (rc || !json_object_size(differ))
		return rc;
	rc = bios_registry(t, x->b, x->json, &registry, err);
	if (rc)
		return rc;
	autojson json_t *entries = bios_entries(registry, attributes(x->json), want, differ);
	json_object_foreach(differ, key, value) {
		const json_t *have = bios_value(attributes(x->json), key), *entry = json_at(entries, key);
		json_t *typed = NULL;
		rc = bios_coerce(key, entry, value, have, &typed, err);
		if (rc)
			return rc;
		if (bios_same(typed, have)) {
			json_decref(typed);
			continue;
		}
		json_object_set_new(x->write, key, typed);
		if (json_str(entry, BIOS_IDLE) && !x->idle[0])
			snprintf(x->idle, sizeof(x->idle), "%.100s may have no effect while %.160s", key, json_str(entry, BIOS_IDLE));
	}
	return 0;
}

/* The configuration with the present values in place of the wanted ones that differ. */
static json_t *shaped(const struct bios *x, const json_t *config)
{
	json_t *out = json_deep_copy(config), *a = json_object();
	size_t n;
	autofree const char **keys = json_keys(x->wanted, &n);

	for (size_t i = 0; i < n; i++) {
		const char *real = bios_name(attributes(x->json), keys[i]);
		const json_t *have = real ? bios_value(attributes(x->json), real) : NULL;
		bool differs = real && json_object_get(x->write, real);
		json_object_set_new(a, keys[i], !differs ? json_ref(json_at(x->wanted, keys[i])) : have ? json_ref(have) : json_null());
	}
	json_object_set_new(out, "attributes", a);
	return out;
}

static int bios_op_read(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	autobios struct bios x = { 0 };
	int rc = rf_op_bmc(op, &x.b, &config, err);

	if (rc)
		return rc;
	x.wanted = json_at(config, "attributes");
	rc = load(t, &x, json_str(config, "system"), err);
	if (rc == 0 && !x.wanted)
		x.wanted = attributes(x.json);       /* an import: all there are */
	else if (rc == 0)
		rc = differences(t, &x, err);
	if (rc)
		return rf_op_failed(op, err);
	if (op->planning)
		snprintf(op->remark, sizeof(op->remark), "%s", x.idle);
	op->actual = shaped(&x, config);
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------- */

struct settings { char *path, *etag; json_t *json; };

static void settings_release(struct settings *s)
{
	free(s->path);
	free(s->etag);
	json_decref(s->json);
}
#define autosettings __attribute__((cleanup(settings_release)))

/* The settings object: as linked, else where such machines keep it, else Bios itself. */
static int find_settings(struct task *t, const struct bios *x, struct settings *s, struct err *err)
{
	static const char *const usual[] = { "Settings", "SD", "Pending" };
	const json_t *link = json_path(x->json, "@Redfish.Settings", "SettingsObject", NULL);
	const char *names[ARRAY_LEN(usual) + 1] = { x->b->quirk.settings };
	int rc = E_NOTFOUND;

	memcpy(names + 1, usual, sizeof(usual));
	s->path = rf_path(json_str(link, "@odata.id"));
	if (s->path)
		rc = rf_get(t, x->b, s->path, 0, &s->json, &s->etag, err);
	for (size_t i = 0; rc == E_NOTFOUND && i < ARRAY_LEN(names); i++) {
		if (!names[i])
			continue;
		free(s->path);
		s->path = xasprintf("%s/%s", x->path, names[i]);
		rc = rf_get(t, x->b, s->path, 0, &s->json, &s->etag, err);
	}
	if (rc == E_NOTFOUND) {
		free(s->path);
		s->path = xstrdup(x->path);
		rc = rf_get(t, x->b, s->path, 0, &s->json, &s->etag, err);
	}
	return rc;
}

/* Does the settings object hold all of x->write already? */
static bool pending(const struct bios *x, const struct settings *s)
{
	const char *key;
	json_t *value;

	if (strcmp(s->path, x->path) == 0)
		return false;
	json_object_foreach(x->write, key, value)
		if (!bios_same(value, bios_value(json_at(s->json, "Attributes"), key)))
			return false;
	return true;
}

static bool takes_on_reset(const struct bios *x, const struct settings *s)
{
	const json_t *times[] = { json_path(x->json, "@Redfish.Settings", "SupportedApplyTimes", NULL),
		json_path(s->json, "@Redfish.Settings", "SupportedApplyTimes", NULL),
		json_path(s->json, "@Redfish.SettingsApplyTime", "ApplyTime@Redfish.AllowableValues", NULL),
		json_path(x->json, "@Redfish.SettingsApplyTime", "ApplyTime@Redfish.AllowableValues", NULL) };

	for (size_t k = 0; k < ARRAY_LEN(times); k++)
		for (size_t i = 0; i < json_array_size(times[k]); i++) {
			const char *v = json_string_value(json_array_get(times[k], i));
			if (v && strcmp(v, "OnReset") == 0)
				return true;
		}
	return false;
}

/* After the PATCH: what the settings object shows must be what was asked, where it shows anything. */
static int check_pending(struct task *t, const struct bios *x, const struct rf_reply *patched, struct settings *s, struct err *err)
{
	const char *key;
	json_t *value;

	json_decref(s->json);
	s->json = NULL;
	int rc = rf_get(t, x->b, s->path, 0, &s->json, NULL, err);
	if (rc)
		return rf_passing(rc) && rc != E_UNREACHABLE && rc != E_TIMEOUT ? 0 : rc;
	json_object_foreach(x->write, key, value) {
		const json_t *now = bios_value(json_at(s->json, "Attributes"), key);
		autostr struct str said = { 0 };
		if (!now || json_is_null(now) || bios_same(now, value) || bios_same(now, bios_value(attributes(x->json), key)))
			continue;
		str_init(&said, 500);
		rf_say(patched->json, &said);
		return err_set(err, E_INPUT, "%s did not take BIOS attribute %s%s%s", x->b->addr, key, said.len ? "; it says: " : "", said.at);
	}
	return 0;
}

/* The job that a machine made of the settings (iDRAC): a restart before it is scheduled would pass it by, and one that failed already
 * needs none. */
static int await_job(struct task *t, struct op *op, struct bios *x, struct err *err)
{
	struct follow w;
	char id[64];
	int rc = rf_follow_staged(t, x->b, x->job, STAGED_MS, op, &w, err);

	rf_last_segment(x->job, id, sizeof(id));
	if (rc || w.how != FOLLOWED_FAILED)
		return rc;
	return err_set(err, E_INPUT, "%s could not schedule the BIOS settings (job %s at %s)%s%s; nothing was restarted", x->b->addr, id, x->job,
		       w.said[0] ? ": " : "", w.said);
}

/* NOTE NULL: the operation is another's, whose note stays as it is. */
static int journal(struct task *t, struct op *op, json_t *note, const char *step, const char *job, struct err *err)
{
	if (!note)
		return 0;
	json_put_str(note, "step", step);
	if (job)
		json_put_str(note, "job", job);
	return op_journal(t, op, true, step, note, err);
}

/* The settings are there already. Where an earlier try of ours wrote them and was killed, their job may not be scheduled yet: a known one is
 * waited for, one that was not noted any more is given its time. */
static int take_up(struct task *t, struct op *op, struct bios *x, const json_t *note, struct err *err)
{
	const char *step = json_str(note, "step");
	bool wrote = !note || (step && strcmp(step, "settings") == 0);

	x->job = xstrdup(json_str(note, "job"));
	if (!wrote)
		return 0;
	op_progress(op, -1, "settings are pending already");
	return x->job ? await_job(t, op, x, err) : task_sleep(t, UNNOTED_MS, err);
}

static int write_settings(struct task *t, struct op *op, struct bios *x, json_t *note, struct err *err)
{
	autosettings struct settings s = { 0 };
	autojson json_t *body = json_object();
	autoreply struct rf_reply patched = { 0 };
	int rc = find_settings(t, x, &s, err);

	if (rc == 0 && pending(x, &s))
		return take_up(t, op, x, note, err);
	if (rc)
		return rc;
	json_object_set_new(body, "Attributes", json_ref(x->write));
	if (takes_on_reset(x, &s))
		json_object_set_new(body, "@Redfish.SettingsApplyTime", json_pack("{s:s}", "ApplyTime", "OnReset"));
	op_progress(op, -1, "writing %zu BIOS settings", json_object_size(x->write));
	rc = journal(t, op, note, "settings", NULL, err);
	if (rc == 0)
		rc = rf_patch(t, x->b, s.path, body, s.etag, &patched, err);
	if (rc == 0 && patched.status == 200 && rf_severity(patched.json) >= 2)
		rc = rf_refused(x->b, &patched, "some BIOS settings", err);
	x->job = rc ? NULL : rf_task_of(&patched);
	if (x->job && strcmp(x->job, s.path) == 0) {         /* some name the settings themselves */
		free(x->job);
		x->job = NULL;
	}
	if (x->job) {
		rc = journal(t, op, note, "settings", x->job, err);
		if (rc == 0)
			rc = await_job(t, op, x, err);
	}
	return rc ? rc : check_pending(t, x, &patched, &s, err);
}

struct proof { struct bios *x; char said[300]; };

/* rf_done_fn: are all attributes as wanted now? While the job for them still runs, the end of a boot says nothing. */
static int applied_now(struct task *t, void *ctx, struct err *err)
{
	struct proof *p = ctx;
	struct bios *x = p->x;
	enum task_class is = TASK_GOOD;
	struct err ignored;
	json_t *now = NULL;
	int rc = rf_get(t, x->b, x->path, RF_ONCE, &now, NULL, err);

	if (rc)
		return rc;
	const char *key;
	json_t *value;
	bool all = json_is_object(attributes(now));
	json_object_foreach(x->write, key, value)
		all &= bios_same(value, bios_value(attributes(now), key));
	json_decref(x->json);
	x->json = now;
	if (all || !x->job)
		return all;
	rc = rf_task_look(t, x->b, x->job, &is, p->said, sizeof(p->said), &ignored);
	if (rc == E_CANCELED)
		*err = ignored;
	return rc == E_CANCELED ? rc : rc == 0 && is == TASK_LIVE ? 2 : 0;
}

/* The host booted and the values are as before: many BMCs learn of them only a while after. 1: they are as wanted now. */
static int late(struct task *t, struct proof *p, struct err *err)
{
	int64_t limit = p->x->b->rf->limits.verify, end = clock_now_ms() + (limit < LATE_MS ? limit : LATE_MS);
	unsigned n = 4;

	for (;;) {
		struct err one;
		int rc = applied_now(t, p, &one);
		if (rc == 1)
			return 1;
		if (rc < 0 && !rf_passing(rc)) {
			*err = one;
			return rc;
		}
		if (clock_now_ms() >= end)
			return 0;
		rc = rf_pause(t, &n, err);
		if (rc)
			return rc;
	}
}

static int not_applied(const struct bios *x, const char *job_said, struct err *err)
{
	const char *key, *first = "";
	json_t *value;
	autostr struct str said = { 0 };

	json_object_foreach(x->write, key, value)
		if (!*first && !bios_same(value, bios_value(attributes(x->json), key)))
			first = key;
	str_init(&said, 400);
	if (rf_severity(x->json))
		rf_say(x->json, &said);
	const char *words = said.len ? said.at : job_said;
	return err_set(err, E_INTERNAL, "the host behind %s was restarted, but BIOS attribute %s is not as asked (%s)%s%s; it may depend on another one",
		       x->b->addr, first, x->path, !*words ? "" : said.len ? "; the BIOS says: " : "; its job says: ", words);
}

/* Restarts the host for the settings, and leaves it off if it was. */
static int restart(struct task *t, struct op *op, struct bios *x, json_t *note, struct err *err)
{
	const char *step = json_str(note, "step");
	bool again = step && strcmp(step, "restart") == 0, applied = false;
	struct proof proof = { .x = x };
	enum rf_power power = RF_POWER_ON;
	int rc = 0;

	if (!json_at(note, "was_off")) {
		rc = rf_power(t, x->b, x->system, &power, err);
		json_object_set_new(note, "was_off", json_boolean(power == RF_POWER_OFF));
	}
	if (rc == 0)
		rc = journal(t, op, note, "restart", NULL, err);
	if (rc == 0)
		rc = rf_reboot_until(t, x->b, x->system, again, applied_now, &proof, op, &applied, err);
	if (rc == 0 && !applied) {
		rc = late(t, &proof, err);
		applied = rc == 1;
		rc = rc < 0 ? rc : 0;
	}
	if (rc == 0 && json_flag(note, "was_off", false))
		rc = rf_power_to(t, x->b, x->system, false, op, err);
	return rc ? rc : applied ? 0 : not_applied(x, proof.said, err);
}

static int establish(struct task *t, struct op *op, struct bios *x, json_t *note, struct err *err)
{
	const char *step = json_str(note, "step");
	int rc = step ? rf_wait_ready(t, x->b, op, err) : 0;

	if (rc == 0)
		rc = load(t, x, json_str(op->config, "system"), err);
	if (rc == 0)
		rc = differences(t, x, err);
	if (rc || !json_object_size(x->write))
		return rc;
	rc = write_settings(t, op, x, note, err);
	if (rc == 0) {               /* some attributes need no restart */
		struct err ignored;
		rc = applied_now(t, &(struct proof){ .x = x }, &ignored);
		if (rc == E_CANCELED)
			*err = ignored;
		if (rc == 1)
			return differences(t, x, err);
		rc = rc == E_CANCELED ? rc : 0;
	}
	if (rc == 0)
		rc = restart(t, op, x, note, err);
	return rc ? rc : differences(t, x, err);
}

int rf_bios_set(struct task *t, struct rf_bmc *b, const char *system, const char *name, const char *value, struct op *op, struct err *err)
{
	autojson json_t *wanted = json_object();
	autojson json_t *sys = NULL;
	autobios struct bios x = { .b = b, .wanted = wanted, .system = xstrdup(system) };
	bool applied = false;
	int rc = rf_get(t, b, system, 0, &sys, NULL, err);

	json_put_str(wanted, name, value);
	if (rc == 0)
		rc = load_at(t, &x, sys, err);
	if (rc == 0 && !bios_name(attributes(x.json), name))
		return err_set(err, E_NOTFOUND, "%s has no BIOS attribute %s", b->addr, name);
	if (rc == 0)
		rc = differences(t, &x, err);
	if (rc || !json_object_size(x.write))
		return rc;
	rc = write_settings(t, op, &x, NULL, err);
	if (rc == 0)
		rc = rf_reboot_until(t, b, system, false, applied_now, &(struct proof){ .x = &x }, op, &applied, err);
	return rc ? rc : applied ? 0 : not_applied(&x, "", err);
}

static int bios_op_update(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	autobios struct bios x = { 0 };
	autojson json_t *note = json_is_object(op->note) ? json_deep_copy(op->note) : json_object();
	int rc = rf_op_bmc(op, &x.b, &config, err);

	if (rc)
		return rc;
	x.wanted = json_at(config, "attributes");
	rf_expect(x.b, 1);
	rc = establish(t, op, &x, note, err);
	rf_expect(x.b, -1);
	if (rc)
		return rf_op_failed(op, err);
	op->actual = shaped(&x, config);
	return 0;
}

/* --- the type ------------------------------------------------------------------------------------------------------------------ */

static bool same(const char *path, const json_t *want, const json_t *have)
{
	return str_has_prefix(path, "attributes") ? bios_same(want, have) : json_same(want, have);
}

static void describe(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out)
{
	(void)config, (void)actual, (void)d;
	if (!n)
		return;
	out->disruption = EFFECT_REBOOT;
	out->minutes = 10;
	out->interrupts_jobs = true;
}

static const struct attr attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_META, .help = "Name of the machine, for people." },
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_META, .help = "Address of its BMC: name, address, with :PORT if not 443." },
	{ .name = "system", .type = ATTR_STRING, .flags = ATTR_META, .help = "Id of the host's ComputerSystem where the BMC has several." },
	{ .name = "access", .type = ATTR_OBJECT, .flags = ATTR_META, .fields = rf_access_attrs, .help = "Overrides of the provider's access to this BMC." },
	{ .name = "attributes", .type = ATTR_MAP, .elem = ATTR_ANY, .flags = ATTR_REQUIRED | ATTR_ELIDE,
	  .help = "BIOS attributes by the machine's own names; others are left alone." },
	{ 0 },
};

const struct resource_type rf_type_bios = {
	.name = "bios",
	.help = "BIOS attributes of one host: checked against the machine's attribute registry, written in one request, applied by a restart and "
		"read back after POST.",
	.version = 1, .attrs = attrs, .read = bios_op_read, .update = bios_op_update, .same = same, .describe = describe, .import_id = rf_import,
};
