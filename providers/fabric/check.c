#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "providers/fabric/topo.h"

/* Where a message about a link points: the link, where links are written out; else the generator. */
static const char *const *at_link(struct fab *f, size_t i)
{
	const char **path = arena_array(f->arena, 3, sizeof(*path));
	path[0] = f->explicit_links ? "links" : "fat_tree";
	path[1] = f->explicit_links ? fab_number(f, i) : NULL;
	return path;
}

/* --- one link a port ------------------------------------------------------------------------------------------------------ */

struct used { uint64_t port; size_t link; };

static int by_port(const void *a, const void *b)
{
	const struct used *x = a, *y = b;
	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	return x->link < y->link ? -1 : x->link > y->link;
}

static void check_ports(struct fab *f)
{
	size_t n = f->links.len * 2;
	autofree struct used *all = xcalloc(n + 1, sizeof(*all));
	for (size_t i = 0; i < f->links.len; i++) {
		const struct fab_link *l = &f->links.at[i];
		all[2 * i] = (struct used){ (uint64_t)l->a << 16 | l->a_port, i };
		all[2 * i + 1] = (struct used){ (uint64_t)l->b << 16 | l->b_port, i };
	}
	qsort(all, n, sizeof(*all), by_port);
	for (size_t i = 0; i < n; i++) {
		const struct fab_node *node = &f->nodes.at[all[i].port >> 16];
		unsigned port = (unsigned)(all[i].port & 0xffff);
		if (port < 1 || port > node->ports)
			FAB_REPORT(f, node->role == FAB_LEAF ? "E0702" : "E0703", false, at_link(f, all[i].link), NULL, NULL,
				   "%s has ports 1 to %u; there is no port %u", node->name, node->ports, port);
		if (i && all[i].port == all[i - 1].port)
			FAB_REPORT(f, "E0706", false, at_link(f, all[i].link), NULL, NULL, "port %s/%u has a link already (link %zu)", node->name, port,
				   all[i - 1].link + 1);
	}
}

/* --- levels of written-out links ------------------------------------------------------------------------------------------ */

/* Distance from the nearest host: leaves 1, spines 2, cores 3. Breadth first over the links, a level a pass. */
static void find_levels(struct fab *f)
{
	unsigned *far = arena_array(f->arena, f->nodes.len + 1, sizeof(*far)), level = 0;
	for (size_t i = f->hosts; i < f->nodes.len; i++)
		far[i] = FAB_NONE;
	for (bool more = true; more; level++) {
		more = false;
		for (size_t i = 0; i < f->links.len; i++) {
			const struct fab_link *l = &f->links.at[i];
			if (far[l->a] == level && far[l->b] == FAB_NONE)
				far[l->b] = level + 1, more = true;
			if (far[l->b] == level && far[l->a] == FAB_NONE)
				far[l->a] = level + 1, more = true;
		}
		if (level > 3 && more) {
			FAB_REPORT(f, "E0718", false, FAB_PATH("links"), NULL, NULL, "some switches are more than 3 levels above the hosts");
			return;
		}
	}
	f->levels = 1;
	for (size_t i = f->hosts; i < f->nodes.len; i++) {
		struct fab_node *n = &f->nodes.at[i];
		if (far[i] == FAB_NONE) {
			FAB_REPORT(f, "E0722", false, FAB_PATH("switches", fab_number(f, i - f->hosts)), NULL, NULL, "no host can reach switch %s", n->name);
			continue;
		}
		n->role = far[i] == 1 ? FAB_LEAF : far[i] == 2 ? FAB_SPINE : FAB_CORE;
		f->levels = far[i] > f->levels ? far[i] : f->levels;
	}
}

static unsigned root_of(unsigned *up, unsigned i)
{
	while (up[i] != i)
		i = up[i] = up[up[i]];
	return i;
}

/* A spine group: leaves and spines that are linked without a core between them, numbered by their first switch. */
static void find_groups(struct fab *f)
{
	unsigned *up = arena_array(f->arena, f->nodes.len + 1, sizeof(*up)), *number = arena_array(f->arena, f->nodes.len + 1, sizeof(*number));
	for (unsigned i = 0; i < f->nodes.len; i++)
		up[i] = i;
	for (size_t i = 0; i < f->links.len; i++) {
		const struct fab_link *l = &f->links.at[i];
		unsigned a = root_of(up, l->a), b = root_of(up, l->b);
		if (l->a < f->hosts || l->b < f->hosts || f->nodes.at[l->a].role == FAB_CORE || f->nodes.at[l->b].role == FAB_CORE)
			continue;
		up[a > b ? a : b] = a > b ? b : a;
	}
	for (unsigned i = f->hosts; i < f->nodes.len; i++) {
		if (f->nodes.at[i].role == FAB_CORE)
			continue;
		unsigned root = root_of(up, i);
		if (!number[root])
			number[root] = ++f->groups;
		f->nodes.at[i].group = number[root] - 1;
	}
}

/* --- ratio, spread, rails ---------------------------------------------------------------------------------------------------- */

static int by_ends(const void *a, const void *b)
{
	const struct fab_link *x = a, *y = b;
	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

/* The links again with the lower end as A (fewer steps from a host), sorted by both ends. */
static struct fab_link *upwards(struct fab *f)
{
	struct fab_link *up = xcalloc(f->links.len + 1, sizeof(*up));
	for (size_t i = 0; i < f->links.len; i++) {
		up[i] = f->links.at[i];
		if (f->nodes.at[up[i].a].role > f->nodes.at[up[i].b].role)
			up[i] = (struct fab_link){ up[i].b, up[i].a, up[i].b_port, up[i].a_port };
	}
	qsort(up, f->links.len, sizeof(*up), by_ends);
	return up;
}

static void check_spread(struct fab *f, const struct fab_link *up)
{
	for (size_t i = 0; i < f->links.len;) {
		size_t least = SIZE_MAX, most = 0, end = i;
		unsigned a = up[i].a, few = 0, many = 0;
		while (end < f->links.len && up[end].a == a) {
			size_t run = end;
			while (run < f->links.len && up[run].a == a && up[run].b == up[end].b)
				run++;
			if (run - end < least)
				least = run - end, few = up[end].b;
			if (run - end > most)
				most = run - end, many = up[end].b;
			end = run;
		}
		if (a >= f->hosts && least != most)
			FAB_REPORT(f, "E0710", false, at_link(f, 0), NULL, NULL, "%s has %zu links to %s but %zu to %s: uplinks must be even",
				   f->nodes.at[a].name, most, f->nodes.at[many].name, least, f->nodes.at[few].name);
		i = end;
	}
}

static void check_ratio(struct fab *f, double ratio)
{
	for (size_t i = f->hosts; i < f->nodes.len && ratio > 0; i++) {
		const struct fab_node *n = &f->nodes.at[i];
		if (n->role == FAB_LEAF && f->levels > 1 && n->down > n->up * ratio + 1e-9)
			FAB_REPORT(f, "E0705", false, FAB_PATH("oversubscription"), NULL, NULL,
				   "%s has %u ports down and %u up; oversubscription is declared %.3g to 1", n->name, n->down, n->up, ratio);
	}
}

static void check_rails(struct fab *f)
{
	unsigned *nic_of = arena_array(f->arena, f->nodes.len + 1, sizeof(*nic_of));
	for (size_t i = 0; i < f->links.len && f->rails > 1; i++) {
		struct fab_link l = f->links.at[i];
		if (l.b < f->hosts)
			l = (struct fab_link){ l.b, l.a, l.b_port, l.a_port };
		if (l.a >= f->hosts)
			continue;
		if (nic_of[l.b] && nic_of[l.b] != l.a_port)
			FAB_REPORT(f, "E0721", false, at_link(f, i), NULL, NULL, "%s is the leaf of rail %u, but this is NIC %u of %s (rail %u)",
				   f->nodes.at[l.b].name, nic_of[l.b] - 1, l.a_port, f->nodes.at[l.a].name, l.a_port - 1);
		else
			nic_of[l.b] = l.a_port;
	}
}

/* Names of a generated fabric: a host may not be called as a switch, nor twice. */
static void check_names(struct fab *f)
{
	autojson json_t *seen = json_object();
	for (size_t i = 0; i < f->nodes.len; i++) {
		if (json_at(seen, f->nodes.at[i].name)) {
			size_t host = i < f->hosts ? i : (size_t)json_int(seen, f->nodes.at[i].name, 0);
			FAB_REPORT(f, "E0708", false, FAB_PATH("fat_tree", "hosts", fab_number(f, host)), NULL, NULL, "\"%s\" is there twice%s",
				   f->nodes.at[i].name, i < f->hosts ? "" : ": a switch has this name");
		}
		json_put_int(seen, f->nodes.at[i].name, (json_int_t)i);
	}
}

void fab_check(struct fab *f, double ratio)
{
	if (f->explicit_links)
		find_levels(f);
	else
		check_names(f);
	check_ports(f);
	if (f->mistakes)
		return;
	if (f->explicit_links)
		find_groups(f);
	struct fab_link *up = upwards(f);
	for (size_t i = 0; i < f->links.len; i++) {
		f->nodes.at[up[i].a].up++;
		f->nodes.at[up[i].b].down++;
	}
	check_spread(f, up);
	check_ratio(f, ratio);
	check_rails(f);
	free(up);
}
