#include "providers/redfish/tree.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { MEMBERS_MAX = 20000, PAGES_MAX = 1000, ACTION_DEPTH = 4, GET_AGAIN = 2, REDIRECTS_MAX = 3 };

/* --- one resource -------------------------------------------------------------------------------------------------- */

/* Is there data in BODY besides an error? */
static bool has_data(const json_t *body)
{
	return json_is_object(body) && (json_str(body, "@odata.id") || json_str(body, "@odata.type") || json_str(body, "Id") ||
		json_at(body, "Members"));
}

/* Reads PATH once. *AGAIN: what came is of the kind that another try often mends (5xx, JSON that is none). */
static int get_one(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, json_t **out, char **etag, bool *again, struct err *err)
{
	struct rf_request rq = { .method = "GET", .path = path, .flags = flags };
	autoreply struct rf_reply r = { 0 };
	autofree char *what = NULL, *moved = NULL;
	int rc = rf_send(t, b, &rq, &r, err);

	for (unsigned n = 0; rc == 0 && r.status / 100 == 3 && r.location && n < REDIRECTS_MAX; n++) {
		free(moved);         /* on this BMC: a location is a path here */
		rq.path = moved = xstrdup(r.location);
		rf_reply_release(&r);
		rc = rf_send(t, b, &rq, &r, err);
	}
	if (rc)
		return rc;
	what = xasprintf("GET %s", path);
	*again = r.status >= 500 || (rf_good(&r) && !json_is_object(r.json));
	if ((!rf_good(&r) && !has_data(r.json)) || r.status == 401)
		return rf_refused(b, &r, what, err);
	if (json_at(r.json, "error") && !has_data(r.json) && json_object_size(r.json) <= 2)
		return rf_refused(b, &r, what, err);
	if (!json_is_object(r.json)) {
		autostr struct str begin = { 0 };
		str_init(&begin, 400);
		rf_add_text(&begin, r.text ? r.text : "");
		return err_set(err, E_INTERNAL, "%s answers %s with what is no JSON object%s%.80s%s; if it stays so, reset the BMC", b->addr, what,
			       begin.len ? " (\"" : "", begin.at, begin.len ? "\")" : "");
	}
	*out = r.json;
	r.json = NULL;
	if (etag) {
		*etag = r.etag;
		r.etag = NULL;
	}
	return 0;
}

static int get_once(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, json_t **out, char **etag, struct err *err)
{
	bool again = false;
	int rc = get_one(t, b, path, flags, out, etag, &again, err);

	for (unsigned n = 0; rc && again && !(flags & RF_ONCE) && n < GET_AGAIN; n++) {
		int slept = task_sleep(t, 300 << n, err);
		if (slept)
			return slept;
		again = false;
		rc = get_one(t, b, path, flags, out, etag, &again, err);
	}
	return rc;
}

/* PATH with the standard's capitals in its well-known segments; NULL when it has them. */
static char *recased(const char *path)
{
	static const char *const words[] = { "Systems", "Managers", "Chassis", "Bios", "Settings", "UpdateService", "FirmwareInventory",
		"SoftwareInventory", "RegistryStore", "SessionService", "Sessions", "TaskService", "Tasks", "TaskMonitors", "Registries", "Actions", "Oem",
		"Processors", "Storage", "SecureBoot", "Self", "SD", "Pending", "AccountService" };
	autostr struct str out = { 0 };
	bool changed = false;

	str_init(&out, 1100);
	while (*path) {
		size_t n = strcspn(path, "/");
		const char *word = NULL;
		for (size_t i = 0; i < ARRAY_LEN(words) && !word; i++)
			if (strlen(words[i]) == n && strncasecmp(words[i], path, n) == 0)
				word = words[i];
		changed |= word && strncmp(word, path, n) != 0;
		str_addn(&out, word ? word : path, n);
		path += n;
		if (*path)
			str_addc(&out, *path++);
	}
	return changed ? str_take(&out) : NULL;
}

static char *other_slash(const char *path)
{
	size_t n = strlen(path);

	if (strchr(path, '?') || n < 2)
		return NULL;
	return path[n - 1] == '/' ? xstrndup(path, n - 1) : xasprintf("%s/", path);
}

int rf_get(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, json_t **out, char **etag, struct err *err)
{
	int rc = get_once(t, b, path, flags, out, etag, err);

	if (rc != E_NOTFOUND)
		return rc;
	autofree char *cased = recased(path);
	autofree char *slash = other_slash(path);
	autofree char *both = cased ? other_slash(cased) : NULL;
	const char *const others[] = { cased, slash, both };
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct err second;
		int rc2 = others[i] ? get_once(t, b, others[i], flags, out, etag, &second) : E_NOTFOUND;
		if (rc2 == 0)
			return 0;
		if (rc2 != E_NOTFOUND) {
			*err = second;
			return rc2;
		}
	}
	return rc;
}

int rf_follow(struct task *t, struct rf_bmc *b, const json_t *link, const char *what, json_t **out, char **path, struct err *err)
{
	const char *text = json_is_string(link) ? json_string_value(link) : json_str(link, "@odata.id");
	char *at = rf_path(text);
	int rc;

	if (!at)
		return err_set(err, E_NOTFOUND, "%s names no %s", b->addr, what);
	rc = rf_get(t, b, at, 0, out, NULL, err);
	if (rc == 0 && path)
		*path = at;
	else
		free(at);
	return rc;
}

/* --- collections --------------------------------------------------------------------------------------------------- */

void rf_links_release(struct rf_links *l)
{
	for (size_t i = 0; i < l->at.len; i++)
		free(l->at.at[i]);
	vec_free(&l->at);
}

void rf_last_segment(const char *path, char *out, size_t size)
{
	size_t n = strlen(path), at, k = 0;

	while (n && path[n - 1] == '/')
		n--;
	for (at = n; at && path[at - 1] != '/'; at--)
		;
	for (; at < n && k + 1 < size; at++) {
		unsigned byte;
		if (path[at] == '%' && at + 2 < n && isxdigit((unsigned char)path[at + 1]) && sscanf(path + at + 1, "%2x", &byte) == 1) {
			out[k++] = (char)byte;
			at += 2;
		} else {
			out[k++] = path[at];
		}
	}
	out[k] = '\0';
}

struct walked { json_t *seen; size_t in_page_repeats; };

/* Adds one page's members; a repeat within the page is a member listed twice, one across pages an overlap. */
static void add_page(struct rf_links *l, struct walked *w, const json_t *members, unsigned page)
{
	for (size_t i = 0; i < json_array_size(members) && l->at.len < MEMBERS_MAX; i++) {
		const json_t *m = json_array_get(members, i);
		char *path = rf_path(json_is_string(m) ? json_string_value(m) : json_str(m, "@odata.id"));
		size_t n = path ? strlen(path) : 0;
		if (!path) {
			l->incomplete = true;
			continue;
		}
		if (n > 1 && path[n - 1] == '/')
			path[n - 1] = '\0';
		const json_t *before = json_object_get(w->seen, path);
		if (before) {
			w->in_page_repeats += json_integer_value(before) == (json_int_t)page;
			free(path);
			continue;
		}
		json_object_set_new(w->seen, path, json_integer(page));
		vec_push(&l->at, path);
	}
}

/* LINK as a path, read from the page PAGE: "?$skip=50" and "Members?page=2" are relative to it (RFC 3986, 5.2). Services that
 * leave the first slash out of "redfish/v1/..." mean an absolute path. */
static char *link_from(const char *page, const char *link)
{
	size_t keep = strcspn(page, "?");

	if (!link || !*link || strchr("/#", *link) || strstr(link, "://") || strncasecmp(link, "redfish/", 8) == 0)
		return rf_path(link);
	if (*link != '?')
		while (keep && page[keep - 1] != '/')
			keep--;
	autofree char *whole = xasprintf("%.*s%s", (int)keep, page, link);
	return rf_path(whole);
}

static char *next_page(const char *page, const json_t *j)
{
	const json_t *next = json_at(j, "Members@odata.nextLink");

	if (!next)
		next = json_at(j, "@odata.nextLink");
	return link_from(page, json_is_object(next) ? json_str(next, "@odata.id") : json_string_value(next));
}

/* Services that cut a collection short and name no next page often know $skip even so. NULL: all are there, or asking brought nothing new. */
static char *skip_to(const char *path, const struct rf_links *l, const struct walked *w, size_t before)
{
	size_t seen = l->at.len + w->in_page_repeats;

	if (l->at.len == before || seen >= l->expected)
		return NULL;
	return xasprintf("%s%c$skip=%zu", path, strchr(path, '?') ? '&' : '?', seen);
}

int rf_members(struct task *t, struct rf_bmc *b, const char *path, unsigned flags, struct rf_links *out, struct err *err)
{
	autojson json_t *pages = json_object();
	autojson json_t *seen = json_object();
	struct walked w = { seen, 0 };
	struct rf_links l = { .expected = 0 };
	char *at = xstrdup(path);
	int rc = 0;

	for (unsigned page = 0; at && page < PAGES_MAX && !json_object_get(pages, at); page++) {
		autojson json_t *j = NULL;
		struct err page_err;
		size_t before = l.at.len;
		rc = rf_get(t, b, at, flags, &j, NULL, &page_err);
		if (rc && (page == 0 || rc == E_CANCELED || rc == E_TIMEOUT || rc == E_UNREACHABLE)) {
			*err = page_err;
			break;
		}
		autofree char *here = at;
		json_object_set_new(pages, here, json_true());
		at = NULL;
		if (rc) {
			l.incomplete = true;
			rc = 0;
			break;
		}
		const json_t *members = json_at(j, "Members");
		if (!members && page == 0)
			l.incomplete = true;
		add_page(&l, &w, members, page);
		int64_t count = json_int(j, "Members@odata.count", 0);
		if (count > 0 && count <= MEMBERS_MAX && (size_t)count > l.expected)
			l.expected = (size_t)count;
		at = next_page(here, j);
		if (!at)
			at = skip_to(path, &l, &w, before);
	}
	free(at);
	if (rc) {
		rf_links_release(&l);
		return rc;
	}
	if (l.at.len + w.in_page_repeats < l.expected)
		l.incomplete = true;
	*out = l;
	return 0;
}

/* --- PATCH and the ETag ladder -------------------------------------------------------------------------------------- */

/* `W/"x"`, `x` and `""x""` as `"x"`; NULL when it is that already. */
static char *strong_form(const char *etag)
{
	const char *start = etag, *end;

	if (strncasecmp(start, "W/", 2) == 0)
		start += 2;
	end = start + strlen(start);
	while (*start == '"')
		start++;
	while (end > start && end[-1] == '"')
		end--;
	char *strong = xasprintf("\"%.*s\"", (int)(end - start), start);
	if (strcmp(strong, etag) != 0)
		return strong;
	free(strong);
	return NULL;
}

static bool etag_trouble(const struct rf_reply *r)
{
	return r->status == 412 || r->status == 428;
}

static int patch_once(struct task *t, struct rf_bmc *b, const char *path, const json_t *body, const char *etag, struct rf_reply *out,
		      struct err *err)
{
	struct rf_request rq = { .method = "PATCH", .path = path, .body = body, .if_match = etag };

	rf_reply_release(out);
	return rf_send(t, b, &rq, out, err);
}

int rf_patch(struct task *t, struct rf_bmc *b, const char *path, const json_t *body, const char *etag, struct rf_reply *out, struct err *err)
{
	autofree char *strong = etag ? strong_form(etag) : NULL;
	autofree char *fresh = NULL;
	autofree char *what = xasprintf("PATCH %s", path);
	const char *first = etag ? etag : b->quirk.if_match;
	int rc = patch_once(t, b, path, body, first, out, err);

	if (rc == 0 && etag_trouble(out) && strong)
		rc = patch_once(t, b, path, body, strong, out, err);
	if (rc == 0 && etag_trouble(out) && first)
		rc = patch_once(t, b, path, body, NULL, out, err);
	if (rc == 0 && etag_trouble(out)) {
		autojson json_t *now = NULL;
		rc = rf_get(t, b, path, 0, &now, &fresh, err);
		if (rc == 0)
			rc = patch_once(t, b, path, body, fresh ? fresh : "*", out, err);
	}
	if (rc == 0 && etag_trouble(out) && b->quirk.if_match)
		rc = patch_once(t, b, path, body, b->quirk.if_match, out, err);
	if (rc == 0 && !rf_good(out))
		rc = rf_refused(b, out, what, err);
	if (rc)
		rf_reply_release(out);
	return rc;
}

/* --- actions ----------------------------------------------------------------------------------------------------------- */

void rf_action_release(struct rf_action *a)
{
	free(a->target);
	json_decref(a->allowed);
	*a = (struct rf_action){ 0 };
}

static const json_t *find_action(const json_t *actions, const char *name, unsigned depth)
{
	size_t n = 0;
	autofree const char **keys = json_is_object(actions) ? json_keys(actions, &n) : NULL;

	for (size_t i = 0; i < n; i++)
		if (keys[i][0] == '#' && str_has_suffix(keys[i], name) && json_is_object(json_at(actions, keys[i])))
			return json_at(actions, keys[i]);
	for (size_t i = 0; i < n && depth; i++) {
		const json_t *found = keys[i][0] != '#' ? find_action(json_at(actions, keys[i]), name, depth - 1) : NULL;
		if (found)
			return found;
	}
	return NULL;
}

static json_t *allowed_of_info(const json_t *info, const char *parameter)
{
	const json_t *params = json_at(info, "Parameters");

	for (size_t i = 0; i < json_array_size(params); i++) {
		const json_t *p = json_array_get(params, i);
		const char *name = json_str(p, "Name");
		if (name && strcmp(name, parameter) == 0 && json_is_array(json_at(p, "AllowableValues")))
			return json_ref(json_at(p, "AllowableValues"));
	}
	return NULL;
}

int rf_action_find(struct task *t, struct rf_bmc *b, const json_t *resource, const char *name, const char *parameter,
		   struct rf_action *out, struct err *err)
{
	const json_t *a = find_action(json_at(resource, "Actions"), name, ACTION_DEPTH);
	autofree char *key = xasprintf("%s@Redfish.AllowableValues", parameter);

	*out = (struct rf_action){ 0 };
	if (!a)
		a = find_action(json_path(resource, "Oem", NULL), name, ACTION_DEPTH);
	out->target = rf_path(json_str(a, "target"));
	if (!out->target)
		return 0;
	if (json_array_size(json_at(a, key))) {
		out->allowed = json_ref(json_at(a, key));
		return 0;
	}
	autofree char *info_path = rf_path(json_is_object(json_at(a, "@Redfish.ActionInfo")) ?
		json_str(json_at(a, "@Redfish.ActionInfo"), "@odata.id") : json_str(a, "@Redfish.ActionInfo"));
	autojson json_t *info = NULL;
	struct err ignored;
	int rc = info_path ? rf_get(t, b, info_path, 0, &info, NULL, &ignored) : 0;
	if (rc == E_CANCELED || rc == E_UNREACHABLE || rc == E_TIMEOUT) {
		*err = ignored;
		rf_action_release(out);
		return rc;
	}
	out->allowed = allowed_of_info(info, parameter);
	return 0;
}

bool rf_action_allows(const struct rf_action *a, const char *word)
{
	for (size_t i = 0; i < json_array_size(a->allowed); i++) {
		const char *w = json_string_value(json_array_get(a->allowed, i));
		if (w && strcmp(w, word) == 0)
			return true;
	}
	return a->target && !json_array_size(a->allowed);
}

int rf_action_do(struct task *t, struct rf_bmc *b, const struct rf_action *a, const char *parameter, const char *word, struct rf_reply *out,
		 struct err *err)
{
	autojson json_t *body = json_object();
	struct rf_request rq = { .method = "POST", .path = a->target, .body = body, .flags = RF_ONCE };

	json_put_str(body, parameter, word);
	return rf_send(t, b, &rq, out, err);
}
