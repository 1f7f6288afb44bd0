/* firmware - the type: pins of one machine, read from its inventory, established in order. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "providers/redfish/fwpkg.h"
#include "providers/redfish/image.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/session.h"
#include "providers/redfish/types.h"

/* --- reading ---------------------------------------------------------------------------------------------------------------- */

static json_t *shaped(const struct fw *f, const json_t *config)
{
	json_t *out = json_deep_copy(config), *components = json_object_get(out, "components");

	for (size_t i = 0; i < f->pins.len; i++) {
		autostr struct str v = { 0 };
		str_init(&v, 64 * 1024);
		fw_shown(f, &f->pins.at[i], &v);
		json_put_str(json_object_get(components, f->pins.at[i].glob), "version", v.at);
	}
	return out;
}

/* For an import: a pin for each entry that names a version. */
static json_t *listed(const struct fw *f, const json_t *config)
{
	json_t *out = json_deep_copy(config), *components = json_object();

	for (size_t i = 0; i < f->entries.len; i++) {
		const struct fw_entry *e = &f->entries.at[i];
		if (e->version && *e->version && !e->silent)
			json_object_set_new(components, e->id, json_pack("{s:s}", "version", e->version));
	}
	json_object_set_new(out, "components", components);
	return out;
}

static int fw_op_read(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	struct rf_bmc *b;
	int rc = rf_op_bmc(op, &b, &config, err);

	if (rc)
		return rc;
	autofw struct fw f;
	const json_t *pins = json_at(config, "components");
	autojson json_t *all = pins ? NULL : json_pack("{s:{s:s}}", "*", "version", "");
	fw_init(&f, b, pins ? pins : all);
	rc = fw_read(t, &f, err);
	if (rc)
		return rf_op_failed(op, err);
	op->actual = pins ? shaped(&f, config) : listed(&f, config);
	snprintf(op->incomplete, sizeof(op->incomplete), "%s", f.incomplete);
	return 0;
}

/* --- updating ----------------------------------------------------------------------------------------------------------------- */

struct run {
	struct task *t;
	struct op *op;
	struct rf_bmc *b;
	struct fw f;
	json_t *note;
	char *system;                /* host's path, once needed */
	unsigned images;             /* sent or followed in this run */
	int low, high;               /* orders of the present phase */
	enum activation activated;   /* the last way of this phase */
};

static bool in_phase(const struct run *r, const struct fw_pin *p)
{
	return p->family.order >= r->low && p->family.order <= r->high;
}

static bool phase_holds(const struct run *r)
{
	for (size_t i = 0; i < r->f.pins.len; i++)
		if (in_phase(r, &r->f.pins.at[i]) && !fw_holds(&r->f, &r->f.pins.at[i]))
			return false;
	return true;
}

static int no_image(const struct run *r, const struct fw_pin *p, struct err *err)
{
	autostr struct str v = { 0 };

	str_init(&v, 300);
	fw_shown(&r->f, p, &v);
	return err_set(err, E_INPUT, "\"%s\" runs %s and is pinned to %s, but its pin names no image to update with", p->glob, v.at, p->version);
}

/* Sends the image of pin FIRST for every outdated pin that shares it. */
static int send_for(struct run *r, size_t first, struct err *err)
{
	struct fw_image img = { .source = r->f.pins.at[first].image };
	int rc = 0;

	for (size_t i = 0; i < r->f.pins.len; i++)
		if (r->f.pins.at[i].image && strcmp(r->f.pins.at[i].image, img.source) == 0 && !fw_holds(&r->f, &r->f.pins.at[i]))
			vec_push(&img.pins, &r->f.pins.at[i]);
	if (r->images++ && r->b->quirk.update_delay_s)
		rc = task_sleep(r->t, r->b->quirk.update_delay_s * 1000, err);
	if (rc == 0)
		rc = fw_send(r->t, &r->f, r->op, &img, r->note, err);
	vec_free(&img.pins);
	return rc;
}

static bool image_done(const struct run *r, const json_t *done, size_t i)
{
	return json_object_get(done, r->f.pins.at[i].image) != NULL;
}

static int send_phase(struct run *r, struct err *err)
{
	autojson json_t *done = json_object();
	int rc = 0;

	for (int order = r->low; rc == 0 && order <= r->high; order++)
		for (size_t i = 0; rc == 0 && i < r->f.pins.len; i++) {
			const struct fw_pin *p = &r->f.pins.at[i];
			if (p->family.order != order || fw_holds(&r->f, p))
				continue;
			if (!p->image)
				return no_image(r, p, err);
			if (image_done(r, done, i))
				continue;
			json_object_set_new(done, p->image, json_true());
			rc = send_for(r, i, err);
			if (rc == 0)
				rc = fw_read(r->t, &r->f, err);
		}
	return rc;
}

static enum activation needed(const struct run *r)
{
	enum activation most = ACTIVATE_NONE;

	for (size_t i = 0; i < r->f.pins.len; i++) {
		const struct fw_pin *p = &r->f.pins.at[i];
		if (in_phase(r, p) && !fw_holds(&r->f, p) && p->apply > most)
			most = p->apply;
	}
	return most;
}

/* rf_done_fn: does the phase hold now, and is nothing being written any more? */
static int holds_now(struct task *t, void *ctx, struct err *err)
{
	struct run *r = ctx;
	int rc = fw_read(t, &r->f, err);

	return rc ? rc : fw_updating(&r->f) ? 2 : phase_holds(r);
}

/* Waits until the BMC, as last read, says of nothing that it is being written: power must stay while it is. */
static int settle(struct run *r, struct err *err)
{
	int64_t limit = r->b->rf->limits.stall, end = clock_now_ms() + limit;
	const char *what = fw_updating(&r->f);
	struct err one;
	unsigned n = 4;
	int rc = 0;

	while (rc || what) {
		if (rc && (!rf_passing(rc) || clock_now_ms() >= end)) {
			*err = one;
			return rc;
		}
		if (clock_now_ms() >= end)
			return err_set(err, E_TIMEOUT, "%s: %s still says Updating (Status.State below %s) after %lld %s; nothing was reset: wait until it is "
				       "Enabled, then run again", r->b->addr, what, r->b->update_uri, (long long)(limit < 120000 ? limit / 1000 : limit / 60000),
				       limit < 120000 ? "s" : "min");
		op_progress(r->op, -1, "%s is still updating", what ? what : "firmware");
		int slept = rf_pause(r->t, &n, err);
		if (slept)
			return slept;
		rc = fw_read(r->t, &r->f, &one);
		what = rc ? NULL : fw_updating(&r->f);
	}
	return 0;
}

/* Looks until the phase holds (1), for LIMIT ms (0). */
static int await_versions(struct run *r, int64_t limit, struct err *err)
{
	int64_t end = clock_now_ms() + limit;
	unsigned n = 2;

	for (;;) {
		struct err one;
		int rc = holds_now(r->t, r, &one);
		if (rc == 1)
			return 1;
		if (rc < 0 && !rf_passing(rc)) {
			*err = one;
			return rc;
		}
		if (rc == 2 && clock_now_ms() >= end) {
			rc = settle(r, err);
			return rc ? rc : phase_holds(r);
		}
		if (clock_now_ms() >= end) {
			if (rc < 0)
				*err = one;
			return rc < 0 ? rc : 0;
		}
		op_progress(r->op, -1, "reading the inventory back");
		rc = rf_pause(r->t, &n, err);
		if (rc)
			return rc;
	}
}

static int find_system(struct run *r, struct err *err)
{
	return r->system ? 0 : rf_system(r->t, r->b, json_str(r->op->config, "system"), &r->system, NULL, err);
}

/* Remembers, across crashes, that the host was off. */
static int note_power(struct run *r, struct err *err)
{
	enum rf_power p = RF_POWER_ON;
	int rc = find_system(r, err);

	if (rc || json_at(r->note, "was_off"))
		return rc;
	rc = rf_power(r->t, r->b, r->system, &p, err);
	if (rc == 0)
		json_object_set_new(r->note, "was_off", json_boolean(p == RF_POWER_OFF));
	return rc;
}

static int activate(struct run *r, enum activation how, bool again, struct err *err)
{
	bool applied;
	int rc = how == ACTIVATE_BMC_RESET ? 0 : note_power(r, err);

	if (rc == 0 && how == ACTIVATE_AC_CYCLE)
		rc = rf_background_copy(r->t, r->b, r->op, err);
	if (rc == 0)
		rc = fw_journal(r->t, r->op, r->note, how == ACTIVATE_BMC_RESET ? "bmc reset" : how == ACTIVATE_REBOOT ? "reboot" : "ac cycle", err);
	if (rc)
		return rc;
	r->activated = how;
	json_object_clear(r->f.passed);      /* some number their inventory anew when they boot */
	switch (how) {
	case ACTIVATE_BMC_RESET:
		return rf_bmc_reset(r->t, r->b, r->op, err);
	case ACTIVATE_REBOOT:
		return rf_reboot_until(r->t, r->b, r->system, again, holds_now, r, r->op, &applied, err);
	case ACTIVATE_AC_CYCLE:
		return rf_ac_cycle(r->t, r->b, r->system, r->op, err);
	case ACTIVATE_NONE:
		break;
	}
	return 0;
}

/* What a task that ended well had to remark, or "". */
static const char *task_remark(const struct run *r)
{
	const char *key;
	json_t *slot;

	json_object_foreach(json_object_get(r->note, "images"), key, slot)
		if (json_str(slot, "said"))
			return json_str(slot, "said");
	return "";
}

static int not_reached(const struct run *r, struct err *err)
{
	const char *said = task_remark(r);
	const char *way = r->activated == ACTIVATE_BMC_RESET || r->activated == ACTIVATE_REBOOT ? ", and whether this component needs apply: ac_cycle" : "";

	for (size_t i = 0; i < r->f.pins.len; i++) {
		const struct fw_pin *p = &r->f.pins.at[i];
		if (!in_phase(r, p) || fw_holds(&r->f, p))
			continue;
		for (size_t k = 0; k < p->entries.len; k++) {
			const struct fw_entry *e = &r->f.entries.at[p->entries.at[k]];
			if (!e->silent && (!e->version || !version_same(e->version, p->version)))
				return err_set(err, E_INTERNAL, "%s: %s %s%.60s after the update and its activation (%.300s), wanted %s%s%s; check that %s holds it%s",
					       r->b->addr, e->id, e->version ? "still runs another version, " : "shows no version", e->version ? e->version : "",
					       e->path, p->version, *said ? "; its task said: " : "", said, p->image ? p->image : "its image", way);
		}
	}
	return 0;
}

static int phase(struct run *r, int low, int high, bool again, struct err *err)
{
	r->low = low;
	r->high = high;
	r->activated = ACTIVATE_NONE;
	if (phase_holds(r) && !fw_updating(&r->f))
		return 0;
	int rc = settle(r, err);
	if (rc || phase_holds(r))
		return rc;
	rc = send_phase(r, err);
	if (rc == 0)
		rc = settle(r, err);
	enum activation how = rc ? ACTIVATE_NONE : needed(r);
	/* A BMC that updated itself may be on its way down by itself; an activation asked for before a crash may be ending. */
	if (rc == 0 && how != ACTIVATE_NONE && (how == ACTIVATE_BMC_RESET || again)) {
		rc = rf_wait_ready(r->t, r->b, r->op, err);
		if (rc == 0)
			rc = await_versions(r, again ? 10 * 1000 : 2 * 1000, err);
		if (rc == 1)
			return 0;
		if (rf_passing(rc))
			rc = 0;
	}
	if (rc == 0 && how != ACTIVATE_NONE)
		rc = activate(r, how, again, err);
	if (rc)
		return rc;
	rc = await_versions(r, how == ACTIVATE_NONE ? 60 * 1000 : r->b->rf->limits.verify, err);
	return rc == 1 ? 0 : rc ? rc : not_reached(r, err);
}

static int establish(struct run *r, struct err *err)
{
	const char *step = json_str(r->note, "step");
	bool again = step && strcmp(step, "image") != 0;
	int rc = step ? rf_wait_ready(r->t, r->b, r->op, err) : 0;

	if (rc == 0 && again) {      /* killed between power off and on: the machine is to run before its inventory is judged */
		enum rf_power p;
		rc = find_system(r, err);
		if (rc == 0)
			rc = rf_power(r->t, r->b, r->system, &p, err);
		if (rc == 0 && p == RF_POWER_OFF && !json_flag(r->note, "was_off", false))
			rc = rf_power_to(r->t, r->b, r->system, true, r->op, err);
	}
	if (rc == 0)
		rc = fw_read(r->t, &r->f, err);
	if (rc == 0)
		rc = phase(r, 0, 1, again, err);
	if (rc == 0)
		rc = phase(r, 2, 3, again, err);
	if (rc == 0)
		rc = phase(r, 4, 9, again, err);
	if (rc == 0 && json_flag(r->note, "was_off", false))
		rc = rf_power_to(r->t, r->b, r->system, false, r->op, err);
	return rc;
}

static int fw_op_update(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	struct run r = { .t = t, .op = op };
	int rc = rf_op_bmc(op, &r.b, &config, err);

	if (rc)
		return rc;
	fw_init(&r.f, r.b, json_at(config, "components"));
	r.note = json_is_object(op->note) ? json_deep_copy(op->note) : json_object();
	rf_expect(r.b, 1);
	rc = establish(&r, err);
	rf_expect(r.b, -1);
	if (rc == 0)
		op->actual = shaped(&r.f, config);
	json_decref(r.note);
	free(r.system);
	fw_release(&r.f);
	return rc ? rf_op_failed(op, err) : 0;
}

/* --- what it costs, what is the same ----------------------------------------------------------------------------------------- */

/* The glob in "components.GLOB.version" (globs may hold dots). */
static bool glob_of(const char *path, char *out, size_t size)
{
	const char *start = str_has_prefix(path, "components.") ? path + strlen("components.") : path;
	size_t n = strlen(start);

	if (str_has_suffix(start, ".version"))
		n -= strlen(".version");
	else if (start == path)
		return false;
	snprintf(out, size, "%.*s", (int)n, start);
	return true;
}

static void fw_describe(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out)
{
	static const enum effect_class classes[] = { EFFECT_NONE, EFFECT_BMC_RESET, EFFECT_REBOOT, EFFECT_AC_CYCLE };
	int minutes[4] = { 0 };

	(void)actual;
	for (size_t i = 0; i < n; i++) {
		char glob[300];
		if (!glob_of(d[i].path, glob, sizeof(glob)))
			continue;
		struct family f = family_of(glob);
		const char *apply = json_str(json_at(json_at(config, "components"), glob), "apply");
		enum activation how = apply ? activation_named(apply) : f.apply;
		out->bmc_reset |= how == ACTIVATE_BMC_RESET;
		if (classes[how] > out->disruption)
			out->disruption = classes[how];
		if (f.minutes > minutes[how])
			minutes[how] = f.minutes;
		const char *why = family_irreversible(glob);
		if (why && !out->irreversible[0])
			snprintf(out->irreversible, sizeof(out->irreversible), "%s", why);
	}
	/* A BMC's own phase comes before the others; an AC cycle covers the reboots. */
	out->minutes += minutes[ACTIVATE_BMC_RESET] + (minutes[ACTIVATE_AC_CYCLE] ? minutes[ACTIVATE_AC_CYCLE] :
		minutes[ACTIVATE_REBOOT] ? minutes[ACTIVATE_REBOOT] : minutes[ACTIVATE_NONE]);
	out->interrupts_jobs |= out->disruption >= EFFECT_REBOOT;
}

static bool fw_same(const char *path, const json_t *want, const json_t *have)
{
	if (!str_has_suffix(path, "version"))
		return json_same(want, have);
	return json_is_string(want) && json_is_string(have) && version_same(json_string_value(want), json_string_value(have));
}

/* --- offline checks ----------------------------------------------------------------------------------------------------------- */

/* Warns when a real package holds no component of the pinned version. */
static void check_package(struct expand *x, const char *file, const char *glob, const char *version, const char *const *path)
{
	struct fwpkg *p = xcalloc(1, sizeof(*p));
	struct err err;
	int rc = fwpkg_read(file, p, &err);
	autostr struct str has = { 0 };
	bool found = rc == 0 && (version_same(p->version, version) || p->n == 0);

	str_init(&has, 400);
	for (size_t i = 0; rc == 0 && i < p->n && !found; i++) {
		found = version_same(p->at[i].version, version);
		if (i < 8)
			str_addf(&has, "%s%s", i ? ", " : "", p->at[i].version);
	}
	if (rc == E_INPUT)
		x->report(x->report_ctx, "W0301", false, path, NULL, NULL, "%s is a damaged firmware package: %s", file, err.msg);
	else if (rc == 0 && !found)
		x->report(x->report_ctx, "W0302", false, path, NULL, NULL, "\"%s\" is pinned to %s, but the package holds %s", glob, version, has.at);
	free(p);
}

int rf_check_components(struct expand *x, const json_t *components, const char *const *path)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(components) ? json_keys(components, &n) : NULL;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at[8] = { NULL }, *image, *version, *sha;
		size_t k = 0;
		for (; path[k] && k < 4; k++)
			at[k] = path[k];
		at[k++] = keys[i];
		image = json_str(json_at(components, keys[i]), "image");
		version = json_str(json_at(components, keys[i]), "version");
		sha = json_str(json_at(components, keys[i]), "sha256");
		if (version_none(version)) {
			at[k] = "version";
			x->report(x->report_ctx, "E0111", false, at, NULL, NULL, "\"%s\" is no version a component can have", version ? version : "");
			rc = E_INPUT;
		}
		at[k] = "sha256";
		if (sha && (strlen(sha) != 64 || strspn(sha, "0123456789abcdefABCDEF") != 64)) {
			x->report(x->report_ctx, "E0111", false, at, NULL, NULL, "a SHA-256 has 64 hexadecimal digits, this has %zu characters", strlen(sha));
			rc = E_INPUT;
		}
		at[k] = "image";
		if (image && fw_url_has_user(image)) {
			x->report(x->report_ctx, "E0111", false, at, NULL, NULL, "an image's URL must not hold credentials, they would be kept in the state: give "
				  "them as image_username and image_password");
			rc = E_INPUT;
		}
		if (!image || fw_is_url(image))
			continue;
		autofree char *file = file_in(x->dir, image);
		if (file_exists(file))
			check_package(x, file, keys[i], version ? version : "", at);
		else
			x->report(x->report_ctx, "W0303", false, at, NULL, NULL, "there is no file %s yet: nothing can be updated with it", image);
	}
	return rc;
}

static int fw_check(struct expand *x)
{
	static const char *const path[] = { "components", NULL };

	return rf_check_components(x, json_at(x->config, "components"), path);
}

/* --- the type ------------------------------------------------------------------------------------------------------------------ */

static const char *const applies[] = { "none", "bmc_reset", "reboot", "ac_cycle", NULL };

const struct attr rf_component_attrs[] = {
	{ .name = "version", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_ELIDE, .help = "Version every matching component is held to." },
	{ .name = "image", .type = ATTR_STRING, .flags = ATTR_META,
	  .help = "File (relative to the spec) that is uploaded, or URL that the BMC fetches (http, https, ftp, sftp, tftp, scp, nfs, cifs), when the "
		  "version differs." },
	{ .name = "image_username", .type = ATTR_STRING, .flags = ATTR_META, .help = "User the BMC fetches the URL as." },
	{ .name = "image_password", .type = ATTR_STRING, .flags = ATTR_SECRET, .help = "Reference to that user's password: env:NAME or file:PATH." },
	{ .name = "sha256", .type = ATTR_STRING, .flags = ATTR_META, .help = "SHA-256 the image file must have; checked before anything is sent." },
	{ .name = "force", .type = ATTR_BOOL, .flags = ATTR_META, .help = "Ask for ForceUpdate: lets a version go back where the machine allows it." },
	{ .name = "targets", .type = ATTR_LIST, .elem = ATTR_STRING, .flags = ATTR_META,
	  .help = "Redfish targets of the update (inventory ids or paths); without it the image decides." },
	{ .name = "oem_parameters", .type = ATTR_MAP, .elem = ATTR_ANY, .flags = ATTR_META,
	  .help = "Sent beside an uploaded image as the part OemParameters, for services that want one (AMI: ImageType)." },
	{ .name = "apply", .type = ATTR_STRING, .flags = ATTR_META, .values = applies,
	  .help = "What makes a written version run, where the component's kind does not tell." },
	{ 0 },
};

static const struct attr attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_META, .help = "Name of the machine, for people." },
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_META, .help = "Address of its BMC: name, address, with :PORT if not 443." },
	{ .name = "system", .type = ATTR_STRING, .flags = ATTR_META, .help = "Id of the host's ComputerSystem where the BMC has several." },
	{ .name = "access", .type = ATTR_OBJECT, .flags = ATTR_META, .fields = rf_access_attrs, .help = "Overrides of the provider's access to this BMC." },
	{ .name = "components", .type = ATTR_MAP, .elem = ATTR_OBJECT, .fields = rf_component_attrs,
	  .flags = ATTR_REQUIRED | ATTR_ELIDE | ATTR_GLOB_KEYS, .help = "Pins by glob over inventory ids (or names)." },
	{ 0 },
};

const struct resource_type rf_type_firmware = {
	.name = "firmware",
	.help = "Firmware of one machine, held to pinned versions: read from the BMC's inventory, updated in the order BMC, board, GPU tray, network "
		"adapters, each activated as its kind needs and proven by reading the inventory back.",
	.version = 1, .attrs = attrs, .read = fw_op_read, .update = fw_op_update, .check = fw_check, .same = fw_same, .describe = fw_describe, .import_id = rf_import,
};
