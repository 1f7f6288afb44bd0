#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/json.h"
#include "base/str.h"
#include "providers/fabric/topo.h"

/* Names to nodes, in the fabric's arena. */
struct named { const char *name; unsigned node; UT_hash_handle hh; };

/* The one that has NAME already, or NULL when it was added. */
static struct named *add_name(struct fab *f, struct named **all, const char *name, unsigned node)
{
	struct named *have = NULL;
	HASH_FIND_STR(*all, name, have);
	if (have)
		return have;
	have = arena_alloc(f->arena, sizeof(*have));
	have->name = name;
	have->node = node;
	HASH_ADD_KEYPTR(hh, *all, have->name, strlen(have->name), have);
	return NULL;
}

static void read_switches(struct fab *f, const json_t *list)
{
	size_t n = json_array_size(list);
	if (n > FAB_MAX_SWITCHES) {
		FAB_REPORT(f, "E0718", false, FAB_PATH("switches"), NULL, NULL, "%zu switches; one fabric may have %d", n, FAB_MAX_SWITCHES);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(list, i);
		const char *name = json_str(row, "name"), *guid = json_str(row, "guid");
		size_t good = name ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") : 0;
		if (!name || !good || name[good] || good > FAB_MAX_NAME)
			FAB_REPORT(f, "E0719", false, FAB_PATH("switches", fab_number(f, i), "name"), NULL, NULL,
				   "\"%.80s\" cannot name a switch: letters, digits, \".\", \"_\" and \"-\", at most %d", name ? name : "", FAB_MAX_NAME);
		unsigned at = fab_add_switch(f, arena_strdup(f->arena, name ? name : ""), FAB_SPINE, (unsigned)json_int(row, "ports", 64), 0);
		if (guid && !fab_guid(guid, &f->nodes.at[at].guid))
			FAB_REPORT(f, "E0713", false, FAB_PATH("switches", fab_number(f, i), "guid"), NULL, NULL, "\"%.40s\" is no GUID of 16 hex digits",
				   guid);
	}
}

static const char *const *all_names(struct fab *f)
{
	const char **out = arena_array(f->arena, f->nodes.len + 1, sizeof(*out));
	for (size_t i = 0; i < f->nodes.len; i++)
		out[i] = f->nodes.at[i].name;
	return out;
}

/* "gpu-0001/1": node and port. */
static bool read_end(struct fab *f, struct named *names, size_t link, const char *end, const char *text, unsigned *node, unsigned *port)
{
	const char *const *path = FAB_PATH("links", fab_number(f, link), end);
	const char *slash = text ? strrchr(text, '/') : NULL;
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;
	if (!slash || slash == text || !digits || slash[1 + digits] || digits > 3) {
		FAB_REPORT(f, "E0712", false, path, NULL, NULL, "\"%.80s\" is no end of a link; write NAME/PORT, such as leaf-01/3", text ? text : "");
		return false;
	}
	char *name = arena_strndup(f->arena, text, (size_t)(slash - text));
	struct named *have = NULL;
	HASH_FIND_STR(names, name, have);
	if (!have) {
		FAB_REPORT(f, "E0711", false, path, all_names(f), name, "there is no host or switch \"%.80s\"", name);
		return false;
	}
	*node = have->node;
	*port = (unsigned)atoi(slash + 1);
	unsigned most = f->nodes.at[have->node].ports;
	if (*port >= 1 && *port <= most)
		return true;
	if (have->node < f->hosts)
		FAB_REPORT(f, "E0704", false, path, NULL, NULL, "%s has NICs 1 to %u, one for each rail; there is no NIC %u", name, most, *port);
	else
		FAB_REPORT(f, "E0712", false, path, NULL, NULL, "%s has ports 1 to %u; there is no port %u", name, most, *port);
	return false;
}

static void read_links(struct fab *f, struct named *names, const json_t *list)
{
	size_t n = json_array_size(list);
	if (n > FAB_MAX_LINKS) {
		FAB_REPORT(f, "E0718", false, FAB_PATH("links"), NULL, NULL, "%zu links; one fabric may have %d", n, FAB_MAX_LINKS);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(list, i);
		unsigned a, ap, b, bp;
		bool good = read_end(f, names, i, "a", json_str(row, "a"), &a, &ap);
		good = read_end(f, names, i, "b", json_str(row, "b"), &b, &bp) && good;
		if (!good)
			continue;
		if (a == b)
			FAB_REPORT(f, "E0707", false, FAB_PATH("links", fab_number(f, i)), NULL, NULL, "%s is linked with itself", f->nodes.at[a].name);
		else if (a < f->hosts && b < f->hosts)
			FAB_REPORT(f, "E0707", false, FAB_PATH("links", fab_number(f, i)), NULL, NULL, "%s and %s are both hosts: one end must be a switch",
				   f->nodes.at[a].name, f->nodes.at[b].name);
		else
			fab_link(f, a, ap, b, bp);
	}
}

void fab_explicit(struct fab *f, const json_t *config)
{
	struct named *names = NULL;
	f->explicit_links = true;
	f->rails = (unsigned)json_int(config, "rails", 1);
	fab_read_hosts(f, json_at(config, "hosts"), FAB_PATH("hosts"));
	read_switches(f, json_at(config, "switches"));
	for (size_t i = 0; i < f->nodes.len; i++) {
		size_t at = i < f->hosts ? i : i - f->hosts;
		if (add_name(f, &names, f->nodes.at[i].name, (unsigned)i))
			FAB_REPORT(f, "E0708", false, FAB_PATH(i < f->hosts ? "hosts" : "switches", fab_number(f, at)), NULL, NULL,
				   "\"%s\" is there twice", f->nodes.at[i].name);
	}
	if (!f->mistakes)
		read_links(f, names, json_at(config, "links"));
	HASH_CLEAR(hh, names);
}
