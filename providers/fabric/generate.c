#include <string.h>

#include "base/json.h"
#include "providers/fabric/topo.h"

/* A fat tree in numbers. Units of hosts (scalable units) have one leaf per rail; a pod is the units that share one group of
 * spines; with two levels everything is one pod. */
struct shape {
	unsigned rails, leaf_radix, spine_radix, hosts;
	unsigned unit, units;            /* hosts of a full unit; how many units */
	unsigned uplinks;                /* of a leaf */
	unsigned spines, per_spine;      /* of a pod; cables from a leaf to each of them */
	unsigned levels, pod, pods;      /* units of a pod; pods */
	unsigned spine_down, spine_up, cores;
	double ratio;
};

static unsigned ceil_div(unsigned a, unsigned b)
{
	return (a + b - 1) / b;
}

static unsigned given(const json_t *t, const char *name)
{
	return (unsigned)json_int(t, name, 0);
}

/* Leaf: how many hosts, how many uplinks. */
static bool shape_leaf(struct fab *f, const json_t *t, struct shape *s)
{
	unsigned fits = 0;
	while (fits + 1 + (unsigned)((fits + 1) / s->ratio + 0.999999) <= s->leaf_radix)
		fits++;
	if (fits == 0) {
		FAB_REPORT(f, "E0702", false, FAB_PATH("fat_tree", "leaf_radix"), NULL, NULL, "with %.3g ports down for each up, a leaf of %u ports has room "
			   "for no host", s->ratio, s->leaf_radix);
		return false;
	}
	s->unit = given(t, "scalable_unit");
	if (!s->unit)
		s->unit = s->hosts < fits ? s->hosts : fits;
	s->units = ceil_div(s->hosts, s->unit);
	s->spines = given(t, "spines");
	s->uplinks = given(t, "uplinks");
	if (!s->uplinks) {
		s->uplinks = (unsigned)(s->unit / s->ratio + 0.999999);
		if (s->spines)
			s->uplinks = ceil_div(s->uplinks, s->spines) * s->spines;
	} else if (s->unit > s->uplinks * s->ratio + 1e-9) {
		FAB_REPORT(f, "E0705", false, FAB_PATH("fat_tree", "uplinks"), NULL, NULL,
			   "a leaf has %u ports down and %u up, %.3g to 1; oversubscription is declared %.3g to 1: it needs %u uplinks", s->unit, s->uplinks,
			   (double)s->unit / s->uplinks, s->ratio, (unsigned)(s->unit / s->ratio + 0.999999));
		return false;
	}
	if (s->unit + s->uplinks > s->leaf_radix) {
		FAB_REPORT(f, "E0702", false, FAB_PATH("fat_tree", given(t, "scalable_unit") ? "scalable_unit" : "leaf_radix"), NULL, NULL,
			   "a leaf needs %u ports down and %u up, it has %u; at this ratio a scalable unit can have %u hosts", s->unit, s->uplinks,
			   s->leaf_radix, fits);
		return false;
	}
	if (s->spines && s->uplinks % s->spines) {
		unsigned low = s->uplinks / s->spines * s->spines;
		FAB_REPORT(f, "E0710", false, FAB_PATH("fat_tree", "uplinks"), NULL, NULL,
			   "%u uplinks cannot be spread evenly over %u spines; %u or %u can", s->uplinks, s->spines, low ? low : s->spines, low + s->spines);
		return false;
	}
	return true;
}

/* The fewest spines that take CABLES uplinks of each of LEAVES leaves evenly; 0 when none do. */
static unsigned fewest_spines(unsigned leaves, unsigned cables, unsigned radix)
{
	for (unsigned n = 1; n <= cables; n++)
		if (cables % n == 0 && (uint64_t)leaves * (cables / n) <= radix)
			return n;
	return 0;
}

static bool shape_two(struct fab *f, struct shape *s)
{
	unsigned leaves = s->rails * s->units, fewest = fewest_spines(leaves, s->uplinks, s->spine_radix);
	if (!s->spines && fewest)
		s->spines = fewest;
	if (s->spines && (uint64_t)leaves * (s->uplinks / s->spines) <= s->spine_radix) {
		s->per_spine = s->uplinks / s->spines;
		s->pod = s->units;
		s->pods = 1;
		s->spine_down = leaves * s->per_spine;
		return true;
	}
	if (fewest)
		FAB_REPORT(f, "E0703", false, FAB_PATH("fat_tree", "spines"), NULL, NULL,
			   "%u leaves with %u cables to each of %u spines need %u ports on a spine, it has %u; %u spines would do", leaves,
			   s->uplinks / s->spines, s->spines, leaves * (s->uplinks / s->spines), s->spine_radix, fewest);
	else
		FAB_REPORT(f, "E0718", false, FAB_PATH("fat_tree", "levels"), NULL, NULL,
			   "%u leaves do not fit two levels: a spine has %u ports; leave levels out or set it to 3", leaves, s->spine_radix);
	return false;
}

/* The fewest cores that take every spine's uplinks evenly; 0 when none do. */
static unsigned fewest_cores(const struct shape *s)
{
	unsigned cables = s->spines * s->spine_up;
	for (unsigned n = 1; n <= cables; n++)
		if (cables % n == 0 && (uint64_t)s->pods * (cables / n) <= s->spine_radix)
			return n;
	return 0;
}

static bool shape_cores(struct fab *f, const json_t *t, struct shape *s)
{
	unsigned cables = s->spines * s->spine_up, fewest = fewest_cores(s);
	s->cores = given(t, "cores");
	if (!s->cores)
		s->cores = fewest;
	if (!s->cores || !fewest) {
		FAB_REPORT(f, "E0718", false, FAB_PATH("fat_tree"), NULL, NULL,
			   "%u hosts need %u pods of %u hosts, and a core has only %u ports: this does not fit three levels", s->hosts, s->pods,
			   s->pod * s->unit, s->spine_radix);
		return false;
	}
	if (cables % s->cores) {
		FAB_REPORT(f, "E0710", false, FAB_PATH("fat_tree", "cores"), NULL, NULL,
			   "%u uplinks of a spine group cannot be spread evenly over %u cores; %u cores would do", cables, s->cores, fewest);
		return false;
	}
	if ((uint64_t)s->pods * (cables / s->cores) > s->spine_radix) {
		FAB_REPORT(f, "E0703", false, FAB_PATH("fat_tree", "cores"), NULL, NULL,
			   "%u spine groups with %u cables to each core need %u ports on a core, it has %u; %u cores would do", s->pods, cables / s->cores,
			   s->pods * (cables / s->cores), s->spine_radix, fewest);
		return false;
	}
	return true;
}

static bool shape_three(struct fab *f, const json_t *t, struct shape *s)
{
	if (!s->spines)
		s->spines = s->uplinks;
	s->per_spine = s->uplinks / s->spines;
	unsigned each = s->rails * s->per_spine, most = s->spine_radix / 2 / each;
	s->pod = given(t, "pod");
	if (!s->pod)
		s->pod = most < s->units ? most : s->units;
	if (s->pod == 0 || s->pod > most) {
		FAB_REPORT(f, "E0703", false, FAB_PATH("fat_tree", given(t, "pod") ? "pod" : "spines"), NULL, NULL,
			   "a spine has %u ports, half of them down: room for %u scalable units with %u leaves and %u cables from each leaf", s->spine_radix,
			   most, s->rails, s->per_spine);
		return false;
	}
	s->pods = ceil_div(s->units, s->pod);
	s->spine_down = s->pod * each;
	s->spine_up = s->spine_down;
	return shape_cores(f, t, s);
}

static bool shape_of(struct fab *f, const json_t *t, struct shape *s)
{
	*s = (struct shape){ .rails = f->rails, .hosts = f->hosts, .leaf_radix = (unsigned)json_int(t, "leaf_radix", 64),
			      .ratio = json_num(t, "oversubscription", 1) };
	s->spine_radix = given(t, "spine_radix") ? given(t, "spine_radix") : s->leaf_radix;
	if (s->ratio < 1e-3)
		s->ratio = 1;
	if (!shape_leaf(f, t, s))
		return false;
	s->levels = given(t, "levels");
	if (!s->levels)
		s->levels = (uint64_t)s->rails * s->units > s->spine_radix ? 3 : 2;
	if (!(s->levels == 2 ? shape_two(f, s) : shape_three(f, t, s)))
		return false;
	uint64_t leaves = (uint64_t)s->units * s->rails, switches = leaves + (uint64_t)s->pods * s->spines + s->cores;
	if (switches > FAB_MAX_SWITCHES || leaves * (s->unit + s->uplinks) + (uint64_t)s->pods * s->spines * s->spine_up > FAB_MAX_LINKS) {
		FAB_REPORT(f, "E0718", false, FAB_PATH("fat_tree"), NULL, NULL, "%llu switches; one fabric may have %d, and %d links",
			   (unsigned long long)switches, FAB_MAX_SWITCHES, FAB_MAX_LINKS);
		return false;
	}
	return true;
}

static unsigned width_of(unsigned n)
{
	unsigned w = 2;
	for (unsigned limit = 100; n >= limit; limit *= 10)
		w++;
	return w;
}

static unsigned add_row(struct fab *f, const char *what, unsigned n, unsigned per_group, enum fab_role role, unsigned ports)
{
	unsigned first = (unsigned)f->nodes.len, width = width_of(n);
	for (unsigned i = 0; i < n; i++)
		fab_add_switch(f, arena_printf(f->arena, "%s-%0*u", what, (int)width, i + 1), role, ports, per_group ? i / per_group : 0);
	return first;
}

/* Ports of a leaf: hosts of the unit first, then the cables to each spine in turn. Ports of a spine: the leaves of its pod in
 * turn, then cores. Uplink I of spine J of a pod goes to core (J * uplinks + I) mod cores. */
static void cable(struct fab *f, const struct shape *s, unsigned leaf0, unsigned spine0, unsigned core0)
{
	for (unsigned h = 0; h < s->hosts; h++)
		for (unsigned r = 0; r < s->rails; r++)
			fab_link(f, h, r + 1, leaf0 + h / s->unit * s->rails + r, h % s->unit + 1);
	for (unsigned l = 0; l < s->units * s->rails; l++) {
		unsigned pod = l / (s->pod * s->rails), in_pod = l % (s->pod * s->rails);
		for (unsigned j = 0; j < s->spines; j++)
			for (unsigned k = 0; k < s->per_spine; k++)
				fab_link(f, leaf0 + l, s->unit + j * s->per_spine + k + 1, spine0 + pod * s->spines + j, in_pod * s->per_spine + k + 1);
	}
	unsigned each = s->cores ? s->spines * s->spine_up / s->cores : 0;
	for (unsigned p = 0; p < s->pods && s->cores; p++)
		for (unsigned j = 0; j < s->spines; j++)
			for (unsigned i = 0; i < s->spine_up; i++) {
				unsigned n = j * s->spine_up + i;
				fab_link(f, spine0 + p * s->spines + j, s->spine_down + i + 1, core0 + n % s->cores, p * each + n / s->cores + 1);
			}
}

void fab_generate(struct fab *f, const json_t *t)
{
	struct shape s;
	f->rails = given(t, "rails");
	fab_read_hosts(f, json_at(t, "hosts"), FAB_PATH("fat_tree", "hosts"));
	if (f->hosts == 0 && !f->mistakes)
		FAB_REPORT(f, "E0718", false, FAB_PATH("fat_tree", "hosts"), NULL, NULL, "a fabric needs at least one host");
	if (f->mistakes || !shape_of(f, t, &s))
		return;
	unsigned leaf0 = add_row(f, "leaf", s.units * s.rails, s.pod * s.rails, FAB_LEAF, s.leaf_radix);
	unsigned spine0 = add_row(f, "spine", s.pods * s.spines, s.spines, FAB_SPINE, s.spine_radix);
	unsigned core0 = add_row(f, "core", s.cores, 0, FAB_CORE, s.spine_radix);
	f->levels = s.levels;
	f->groups = s.pods;
	cable(f, &s, leaf0, spine0, core0);
}
