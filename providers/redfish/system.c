/* Which ComputerSystem is the host. */
#include "providers/redfish/machine.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { SYSTEMS_MAX = 64 };

struct candidate { char *path; json_t *json; char id[128]; int score; };

static void candidate_release(struct candidate *c)
{
	free(c->path);
	json_decref(c->json);
}

/* How much it looks like a host that can be driven. 0: not at all. */
static int score_of(const json_t *j, const char *id)
{
	const char *type = json_str(j, "SystemType");
	int score = 1;

	if (quirk_not_host(id))
		return 0;
	if (type && (strcmp(type, "OS") == 0 || strcmp(type, "Virtual") == 0 || strcmp(type, "DPU") == 0 || strcmp(type, "VirtuallyPartitioned") == 0))
		return 0;
	score += json_str(j, "PowerState") ? 4 : 0;
	score += json_path(j, "Actions", "#ComputerSystem.Reset", NULL) ? 4 : 0;
	score += json_str(json_at(j, "Bios"), "@odata.id") ? 2 : 0;
	return score;
}

static bool is_wanted(const struct candidate *c, const char *want)
{
	char last[128];

	rf_last_segment(c->path, last, sizeof(last));
	return strcasecmp(c->id, want) == 0 || strcasecmp(last, want) == 0;
}

static void list_ids(const struct candidate *c, size_t n, struct str *out)
{
	for (size_t i = 0; i < n && i < 8; i++)
		str_addf(out, "%s%s", i ? ", " : "", c[i].id);
}

static int choose(const struct rf_bmc *b, struct candidate *c, size_t n, const char *want, size_t *chosen, struct err *err)
{
	autostr struct str ids = { 0 };
	int best = -1;
	size_t ties = 0;

	str_init(&ids, 600);
	list_ids(c, n, &ids);
	for (size_t i = 0; i < n; i++) {
		int score = want ? (is_wanted(&c[i], want) ? 1 : -1) : c[i].score;
		if (score > best) {
			best = score;
			*chosen = i;
			ties = 1;
		} else if (score == best && score >= 0) {
			ties++;
		}
	}
	if (want && best < 0)
		return err_set(err, E_INPUT, "%s has no system \"%s\"; it has: %s", b->addr, want, ids.at);
	if (ties > 1 && !want)
		return err_set(err, E_INPUT, "%s manages several systems (%s): say which one with system: \"%s\"", b->addr, ids.at, c[*chosen].id);
	return 0;
}

static int read_all(struct task *t, struct rf_bmc *b, const struct rf_links *links, bool hosts_only, struct candidate *c, size_t *n, struct err *err)
{
	struct err why = { 0 };      /* of the first that could not be read */

	for (size_t i = 0; i < links->at.len && *n < SYSTEMS_MAX; i++) {
		char last[128];
		rf_last_segment(links->at.at[i], last, sizeof(last));
		if (hosts_only && links->at.len > 1 && quirk_not_host(last))
			continue;            /* a baseboard may take minutes to say that its host is off */
		struct candidate x = { .path = xstrdup(links->at.at[i]) };
		struct err one;
		int rc = rf_get(t, b, x.path, 0, &x.json, NULL, &one);
		if (rc) {
			free(x.path);
			if (!rf_passing(rc) || rc == E_UNREACHABLE || rc == E_TIMEOUT) {
				*err = one;
				return rc;
			}
			if (!why.code)
				why = one;
			continue;
		}
		rf_last_segment(x.path, x.id, sizeof(x.id));
		if (json_str(x.json, "Id") && strlen(json_str(x.json, "Id")) < sizeof(x.id))
			snprintf(x.id, sizeof(x.id), "%s", json_str(x.json, "Id"));
		x.score = score_of(x.json, x.id);
		c[(*n)++] = x;
	}
	if (!*n && why.code)
		return err_set(err, E_INTERNAL, "no system could be read: %.900s", why.msg);
	if (!*n)
		return err_set(err, links->incomplete || links->at.len ? E_INTERNAL : E_UNSUPPORTED, "%s lists no %s (%s)", b->addr,
			       links->at.len ? "system that could be read" : "systems: nothing there to drive", b->systems_uri);
	return 0;
}

int rf_system(struct task *t, struct rf_bmc *b, const char *want, char **path, json_t **out, struct err *err)
{
	struct candidate c[SYSTEMS_MAX];
	autolinks struct rf_links links = { 0 };
	size_t n = 0, chosen = 0;
	int rc;

	if (!want && b->system) {
		rc = out ? rf_get(t, b, b->system, 0, out, NULL, err) : 0;
		if (rc == 0 && path)
			*path = xstrdup(b->system);
		return rc;
	}
	rc = rf_connect(t, b, err);
	if (rc)
		return rc;
	rc = rf_members(t, b, b->systems_uri, 0, &links, err);
	if (rc == 0)
		rc = read_all(t, b, &links, !want, c, &n, err);
	if (rc == 0)
		rc = choose(b, c, n, want, &chosen, err);
	if (rc == 0) {
		if (!want && !b->system)
			b->system = xstrdup(c[chosen].path);
		if (path)
			*path = xstrdup(c[chosen].path);
		if (out)
			*out = json_ref(c[chosen].json);
	}
	for (size_t i = 0; i < n; i++)
		candidate_release(&c[i]);
	return rc;
}
