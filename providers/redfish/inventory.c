#include "providers/redfish/inventory.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "providers/redfish/data.h"

enum { NEAR_IDS = 8 };

void fw_init(struct fw *f, struct rf_bmc *b, const json_t *components)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(components) ? json_keys(components, &n) : NULL;

	memset(f, 0, sizeof(*f));
	f->b = b;
	f->spoke = json_object();
	f->passed = json_object();
	for (size_t i = 0; i < n; i++) {
		const json_t *want = json_at(components, keys[i]);
		const char *apply = json_str(want, "apply");
		struct fw_pin p = { .glob = keys[i], .want = want, .version = json_str(want, "version"), .image = json_str(want, "image"),
			.family = family_of(keys[i]) };
		p.apply = apply ? activation_named(apply) : p.family.apply;
		vec_push(&f->pins, p);
	}
}

static void entry_release(struct fw_entry *e)
{
	free(e->id);
	free(e->path);
	free(e->version);
}

static void drop_entries(struct fw *f)
{
	for (size_t i = 0; i < f->entries.len; i++)
		entry_release(&f->entries.at[i]);
	vec_free(&f->entries);
	for (size_t i = 0; i < f->pins.len; i++)
		f->pins.at[i].entries.len = 0;
	f->incomplete[0] = '\0';
	f->service_updating = false;
}

void fw_release(struct fw *f)
{
	drop_entries(f);
	for (size_t i = 0; i < f->pins.len; i++)
		vec_free(&f->pins.at[i].entries);
	vec_free(&f->pins);
	json_decref(f->spoke);
	json_decref(f->passed);
}

static bool pinned(const struct fw *f, const char *id)
{
	for (size_t i = 0; i < f->pins.len; i++)
		if (str_glob(f->pins.at[i].glob, id))
			return true;
	return false;
}

/* Does the pin mean this entry? A row of what does not run is meant only by a glob that begins as its id does. */
static bool meant(const char *glob, const char *as, const char *segment)
{
	if (!str_glob(glob, as))
		return false;
	return !quirk_not_running(segment) || strncasecmp(glob, segment, 4) == 0;
}

static bool absent(const json_t *j)
{
	const char *state = json_str(json_at(j, "Status"), "State");

	return state && strcasecmp(state, "Absent") == 0;
}

static bool updating(const json_t *j)
{
	const char *state = json_str(json_at(j, "Status"), "State");

	return state && strcasecmp(state, "Updating") == 0;
}

/* Reads one entry and gives it to the pins that want it. 0 also when it could not be read. */
static int read_entry(struct task *t, struct fw *f, const char *path, bool by_segment, struct err *why, struct err *err)
{
	autojson json_t *j = NULL;
	struct err one;
	char id[256];
	struct fw_entry e = { 0 };
	int rc = rf_get(t, f->b, path, RF_SLOW, &j, NULL, &one);

	rf_last_segment(path, id, sizeof(id));
	if (rc == E_CANCELED || rc == E_UNREACHABLE || rc == E_TIMEOUT || rc == E_AUTH || rc == E_DENIED) {
		*err = one;
		return rc;
	}
	if (rc) {
		*why = one;
		if (!f->incomplete[0])
			snprintf(f->incomplete, sizeof(f->incomplete), "%.60s could not be read: %.70s", id, one.msg);
	}
	if (rc == 0 && absent(j))
		return 0;
	const char *name = json_str(j, "Name"), *own = json_str(j, "Id");
	const char *as = by_segment ? id : own && pinned(f, own) ? own : name && pinned(f, name) ? name : own ? own : id;
	autojson json_t *told = rf_told(json_at(j, "Version"), ATTR_STRING);
	const char *version = json_string_value(told);
	e = (struct fw_entry){ .id = xstrdup(as), .path = xstrdup(path), .version = version_none(version) ? NULL : xstrdup(version) };
	e.updating = updating(j);
	if (e.version)
		json_object_set_new(f->spoke, path, json_true());
	e.silent = rc == 0 && !e.version && !e.updating && !json_object_get(f->spoke, path);
	bool any = false;
	for (size_t i = 0; i < f->pins.len; i++)
		if (meant(f->pins.at[i].glob, as, id) || (!by_segment && name && meant(f->pins.at[i].glob, name, id))) {
			vec_push(&f->pins.at[i].entries, f->entries.len);
			any = true;
		}
	if (any || by_segment) {
		vec_push(&f->entries, e);
		return 0;
	}
	if (rc == 0)
		json_object_set_new(f->passed, path, json_true());
	entry_release(&e);
	return 0;
}

static bool pins_without(const struct fw *f)
{
	for (size_t i = 0; i < f->pins.len; i++)
		if (!f->pins.at[i].entries.len)
			return true;
	return false;
}

struct near { char id[256]; unsigned distance; };

/* Ids like GLOB, nearest first, to name in the error. */
static void near_ids(const struct rf_links *links, const char *glob, struct str *out)
{
	struct near best[NEAR_IDS];
	size_t n = 0;

	for (size_t i = 0; i < links->at.len; i++) {
		struct near x;
		rf_last_segment(links->at.at[i], x.id, sizeof(x.id));
		char a[65], b[65];
		snprintf(a, sizeof(a), "%.64s", glob);
		snprintf(b, sizeof(b), "%.64s", x.id);
		x.distance = strcasecmp(a, b) == 0 ? 0 : str_distance(a, b);
		size_t at = n < NEAR_IDS ? n++ : NEAR_IDS - 1;
		if (n == NEAR_IDS && at == NEAR_IDS - 1 && i >= NEAR_IDS && best[at].distance <= x.distance)
			continue;
		for (; at && best[at - 1].distance > x.distance; at--)
			best[at] = best[at - 1];
		best[at] = x;
	}
	for (size_t i = 0; i < n && i < 5; i++)
		str_addf(out, "%s%s", i ? ", " : "", best[i].id);
}

static int no_match(const struct fw *f, const struct fw_pin *p, const struct rf_links *links, struct err *err)
{
	autostr struct str ids = { 0 };

	if (f->incomplete[0])
		return err_set(err, E_INTERNAL, "%s: cannot tell whether it has \"%s\": %s", f->b->addr, p->glob, f->incomplete);
	str_init(&ids, 700);
	near_ids(links, p->glob, &ids);
	return err_set(err, E_INPUT, "%s has no firmware \"%s\" in its inventory of %zu (%s/FirmwareInventory)%s%s", f->b->addr, p->glob, links->at.len,
		       f->b->update_uri, ids.len ? "; near: " : "", ids.at);
}

static int list(struct task *t, struct fw *f, struct rf_links *links, struct err *err)
{
	autojson json_t *service = NULL;
	autofree char *path = NULL;
	int rc = rf_connect(t, f->b, err);

	if (rc == 0)
		rc = rf_get(t, f->b, f->b->update_uri, 0, &service, NULL, err);
	if (rc == E_NOTFOUND)
		return err_set(err, E_UNSUPPORTED, "%s has no UpdateService (%s is not there): its firmware can be neither read nor updated over Redfish",
			       f->b->addr, f->b->update_uri);
	if (rc)
		return rc;
	f->service_updating = updating(service);
	path = rf_path(json_str(json_at(service, "FirmwareInventory"), "@odata.id"));
	if (!path)
		path = xasprintf("%s/FirmwareInventory", f->b->update_uri);
	rc = rf_members(t, f->b, path, RF_SLOW, links, err);
	if (rc == E_NOTFOUND)
		return err_set(err, E_UNSUPPORTED, "%s lists no firmware (%s is not there)", f->b->addr, path);
	if (rc == 0 && links->incomplete && links->expected > links->at.len)
		snprintf(f->incomplete, sizeof(f->incomplete), "inventory lists %zu of %zu", links->at.len, links->expected);
	else if (rc == 0 && links->incomplete)
		snprintf(f->incomplete, sizeof(f->incomplete), "inventory lists %zu, maybe more", links->at.len);
	return rc;
}

int fw_read(struct task *t, struct fw *f, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	struct err why = { 0 };
	int rc;

	drop_entries(f);
	rc = list(t, f, &links, err);
	for (size_t i = 0; rc == 0 && i < links.at.len; i++) {
		char id[256];
		rf_last_segment(links.at.at[i], id, sizeof(id));
		if (pinned(f, id))
			rc = read_entry(t, f, links.at.at[i], true, &why, err);
	}
	/* A pin without entry may mean an Id or Name that the URI does not show: of several entries, perhaps. */
	bool by_name = pins_without(f);
	for (size_t i = 0; rc == 0 && by_name && i < links.at.len; i++) {
		char id[256];
		rf_last_segment(links.at.at[i], id, sizeof(id));
		if (!pinned(f, id) && !json_object_get(f->passed, links.at.at[i]))
			rc = read_entry(t, f, links.at.at[i], false, &why, err);
	}
	if (rc)
		return rc;
	for (size_t i = 0; i < f->pins.len; i++) {
		const struct fw_pin *p = &f->pins.at[i];
		bool any = false;
		for (size_t k = 0; k < p->entries.len; k++)
			any |= f->entries.at[p->entries.at[k]].version != NULL;
		if (!p->entries.len)
			return no_match(f, p, &links, err);
		if (!any && why.code) {
			*err = why;
			return why.code;
		}
		if (!any)
			return err_set(err, E_INTERNAL, "%s shows no version for \"%s\"", f->b->addr, p->glob);
	}
	return 0;
}

bool fw_holds(const struct fw *f, const struct fw_pin *p)
{
	bool any = false;

	for (size_t i = 0; i < p->entries.len; i++) {
		const struct fw_entry *e = &f->entries.at[p->entries.at[i]];
		if (!e->silent && (!e->version || !version_same(e->version, p->version)))
			return false;
		any |= e->version != NULL;
	}
	return any;
}

const char *fw_updating(const struct fw *f)
{
	for (size_t i = 0; i < f->entries.len; i++)
		if (f->entries.at[i].updating)
			return f->entries.at[i].id;
	return f->service_updating ? "UpdateService" : NULL;
}

static int by_nature(const void *a, const void *b)
{
	return str_natural_cmp(*(const char *const *)a, *(const char *const *)b);
}

void fw_shown(const struct fw *f, const struct fw_pin *p, struct str *out)
{
	VEC(const char *) v = { 0 };

	for (size_t i = 0; i < p->entries.len; i++) {
		const char *one = f->entries.at[p->entries.at[i]].version;
		bool known = !one;
		for (size_t k = 0; k < v.len && !known; k++)
			known = version_same(v.at[k], one);
		if (!known)
			vec_push(&v, one);
	}
	if (v.len)
		qsort(v.at, v.len, sizeof(*v.at), by_nature);
	for (size_t i = 0; i < v.len; i++)
		str_addf(out, "%s%s", i ? ", " : "", v.at[i]);
	vec_free(&v);
}
