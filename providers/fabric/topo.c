#include "providers/fabric/topo.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

const char *fab_number(struct fab *f, size_t n)
{
	return arena_printf(f->arena, "%zu", n);
}

unsigned fab_add_switch(struct fab *f, const char *name, enum fab_role role, unsigned ports, unsigned group)
{
	vec_push(&f->nodes, (struct fab_node){ .name = name, .role = role, .ports = ports, .group = group });
	return (unsigned)f->nodes.len - 1;
}

void fab_link(struct fab *f, unsigned a, unsigned a_port, unsigned b, unsigned b_port)
{
	vec_push(&f->links, (struct fab_link){ a, b, a_port, b_port });
}

void fab_release(struct fab *f)
{
	vec_free(&f->nodes);
	vec_free(&f->links);
}

size_t fab_count(const struct fab *f, enum fab_role role)
{
	size_t n = 0;
	for (size_t i = 0; i < f->nodes.len; i++)
		n += f->nodes.at[i].role == role;
	return n;
}

const char *fab_group_name(struct fab *f, unsigned group)
{
	return arena_printf(f->arena, "spine-group-%02u", group + 1);
}

bool fab_guid(const char *text, uint64_t *out)
{
	uint64_t v = 0;
	unsigned digits = 0;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	for (; *text; text++) {
		if (*text == ':' && digits && digits < 16)
			continue;
		if (!isxdigit((unsigned char)*text) || ++digits > 16)
			return false;
		v = v << 4 | (uint64_t)(isdigit((unsigned char)*text) ? *text - '0' : tolower((unsigned char)*text) - 'a' + 10);
	}
	*out = v;
	return digits > 0 && v != 0;
}

/* Names go into opensm's files between quotes and into paths of manifests. */
static bool name_ok(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
	return n > 0 && !s[n] && n <= FAB_MAX_NAME;
}

/* The GUIDs of a node: a list, or one text with them separated by spaces, "," or ";" (a column of a CSV file). */
static size_t split_guids(const json_t *v, struct arena *a, const char **out, size_t max)
{
	size_t n = 0;
	if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++, n++)
			if (n < max)
				out[n] = json_is_string(json_array_get(v, i)) ? json_string_value(json_array_get(v, i)) : "(not a text)";
		return n;
	}
	char *copy = arena_strdup(a, json_is_string(v) ? json_string_value(v) : ""), *rest = NULL;
	for (char *s = strtok_r(copy, " ,;\t", &rest); s; s = strtok_r(NULL, " ,;\t", &rest), n++)
		if (n < max)
			out[n] = s;
	return n;
}

static void read_guids(struct fab *f, struct fab_node *node, const json_t *row, const char *const *path)
{
	const char *text[FAB_MAX_RAILS], *column = json_at(row, "guids") && !json_is_null(json_at(row, "guids")) ? "guids" : "ib_guids";
	size_t n = split_guids(json_at(row, column), f->arena, text, FAB_MAX_RAILS);
	if (n == 0)
		return;
	if (n != f->rails) {
		FAB_REPORT(f, "E0704", false, path, NULL, NULL, "%s has %zu GUIDs in %s, the fabric has %u rails: one NIC, one GUID for each",
			   node->name, n, column, f->rails);
		return;
	}
	uint64_t *nics = arena_array(f->arena, n, sizeof(*nics));
	for (size_t i = 0; i < n; i++)
		if (!fab_guid(text[i], &nics[i]))
			FAB_REPORT(f, "E0713", false, path, NULL, NULL, "%s: \"%.40s\" in %s is no GUID of 16 hex digits", node->name, text[i], column);
	node->nics = nics;
}

void fab_read_hosts(struct fab *f, const json_t *list, const char *const *path)
{
	const char *at[4] = { path[0], path[1], NULL, NULL };
	const char **last = path[1] ? &at[2] : &at[1];
	size_t n = json_array_size(list);
	if (n > FAB_MAX_HOSTS) {
		FAB_REPORT(f, "E0718", false, path, NULL, NULL, "%zu hosts; one fabric may have %d", n, FAB_MAX_HOSTS);
		n = 0;
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *row = json_array_get(list, i);
		const char *name = json_is_string(row) ? json_string_value(row) : json_str(row, "name");
		struct fab_node node = { .name = name ? arena_strdup(f->arena, name) : "", .role = FAB_HOST, .ports = f->rails };
		*last = fab_number(f, i);
		if (!name)
			FAB_REPORT(f, "E0719", false, at, NULL, NULL, "host %zu has no \"name\"", i + 1);
		else if (!name_ok(name))
			FAB_REPORT(f, "E0719", false, at, NULL, NULL, "\"%.80s\" cannot name a host: letters, digits, \".\", \"_\" and \"-\", at most %d", name,
				   FAB_MAX_NAME);
		else
			read_guids(f, &node, row, at);
		vec_push(&f->nodes, node);
	}
	f->hosts = (unsigned)f->nodes.len;
}

const unsigned *fab_leaves(struct fab *f)
{
	unsigned *leaves = arena_array(f->arena, (size_t)f->hosts * f->rails + 1, sizeof(*leaves));
	for (size_t i = 0; i < (size_t)f->hosts * f->rails; i++)
		leaves[i] = FAB_NONE;
	for (size_t i = 0; i < f->links.len; i++) {
		struct fab_link l = f->links.at[i];
		if (l.a >= f->hosts && l.b < f->hosts)
			l = (struct fab_link){ l.b, l.a, l.b_port, l.a_port };
		if (l.a < f->hosts && l.a_port >= 1 && l.a_port <= f->rails)
			leaves[(size_t)l.a * f->rails + l.a_port - 1] = l.b;
	}
	return leaves;
}
