#include "providers/mig/layout.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "providers/mig/gpus.h"
#include "providers/mig/place.h"
#include "providers/naming.h"

static const struct attr placement_attrs[] = {
	{ .name = "profile", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Profile of the instance." },
	{ .name = "start", .type = ATTR_INT, .flags = ATTR_REQUIRED, .help = "First memory slice of the instance.", .min = 0, .max = 15 },
	{ 0 }
};
static const struct attr device_attrs[] = {
	{ .name = "gpus", .type = ATTR_ANY, .flags = ATTR_REQUIRED,
	  .help = "Which GPUs of a node: all, a list such as \"0-3\" or \"0,2,5-7\", or numbers." },
	{ .name = "profiles", .type = ATTR_MAP, .elem = ATTR_ANY,
	  .help = "Instances of each profile on each of these GPUs; {} leaves MIG off." },
	{ .name = "placements", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = placement_attrs,
	  .help = "Where instances must begin; those not named here go where they fit." },
	{ 0 }
};
const struct attr mig_layout_attrs[] = {
	{ .name = "gpu", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "GPU product, such as H100-SXM5-80GB." },
	{ .name = "gpu_count", .type = ATTR_INT, .help = "GPUs of a node; without it, as many as the entries name.", .min = 1, .max = MIG_MAX_GPUS },
	{ .name = "devices", .type = ATTR_LIST, .flags = ATTR_REQUIRED, .elem = ATTR_OBJECT, .fields = device_attrs,
	  .help = "One entry for each group of GPUs that are divided alike." },
	{ 0 }
};

struct entry {
	uint64_t gpus;                                       /* bit N: GPU N; all bits for "all" */
	bool all;
	unsigned counts[MIG_MAX_PROFILES];
	struct mig_instance fixed[MIG_MAX_SLICES]; size_t n_fixed;
	struct mig_instance rest[MIG_MAX_SLICES]; size_t n_rest;
};
struct layout {
	struct expand *x;
	struct arena *a;
	const struct mig_product *p;
	struct entry *entries; size_t n;
	int mistakes;
};

#define REPORT(l, code, key, path, near, word, ...) \
	((l)->mistakes++, (l)->x->report((l)->x->report_ctx, code, key, path, near, word, __VA_ARGS__))

/* "an H100-SXM5-80GB", "a B200-180GB" */
static const char *a_product(struct layout *l)
{
	return arena_printf(l->a, "%s %s", strchr("AHR", l->p->name[0]) ? "an" : "a", l->p->name);
}

static const char *number(struct layout *l, size_t n)
{
	return arena_printf(l->a, "%zu", n);
}

/* ", nearest that fit: 7 x 1g.10gb, or 4 x 1g.10gb + 1 x 3g.40gb" */
static const char *nearest_text(struct layout *l, const unsigned *want)
{
	unsigned rows[3][MIG_MAX_PROFILES];
	size_t n = mig_nearest(l->p, want, rows, ARRAY_LEN(rows));
	autostr struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; i < n; i++) {
		str_add(&s, i ? ", or " : "; nearest that fit: ");
		mig_layout_text(l->p, rows[i], &s);
	}
	return arena_strdup(l->a, s.at);
}

/* --- profiles and counts ----------------------------------------------------------------------------------------------- */

/* "1c.3g.40gb": a compute instance inside a GPU instance. */
static const char *gpu_instance_part(const char *name)
{
	size_t n = strspn(name, "0123456789");
	return n && strncmp(name + n, "c.", 2) == 0 ? name + n + 2 : NULL;
}

static int find_profile(struct layout *l, const char *name, bool key, const char *const *path)
{
	int at = mig_profile_find(l->p, name);
	const char *inner = gpu_instance_part(name);
	if (at >= 0)
		return at;
	if (inner && mig_profile_find(l->p, inner) >= 0) {
		REPORT(l, "E0602", key, path, NULL, NULL, "\"%s\" is a compute instance inside a GPU instance; a layout lists GPU instances: \"%s\"",
		       name, inner);
		return -1;
	}
	const char *const *names = mig_profile_names(l->a, l->p);
	autostr struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; names[i]; i++)
		str_addf(&s, "%s%s", i ? ", " : "", names[i]);
	REPORT(l, "E0602", key, path, names, name, "%s has no MIG profile \"%.40s\"; it has %s", l->p->name, name, s.at);
	return -1;
}

static void read_counts(struct layout *l, size_t at, const json_t *profiles)
{
	size_t n;
	autofree const char **keys = json_keys(profiles, &n);
	const char *seen[MIG_MAX_PROFILES] = { 0 };
	for (size_t i = 0; i < n; i++) {
		const char *path[] = { "devices", number(l, at), "profiles", keys[i], NULL };
		int profile = find_profile(l, keys[i], true, path);
		if (profile < 0)
			continue;
		if (seen[profile]) {
			REPORT(l, "E0603", true, path, NULL, NULL, "\"%s\" and \"%s\" are the same profile", seen[profile], keys[i]);
			continue;
		}
		seen[profile] = keys[i];
		const json_t *v = json_at(profiles, keys[i]);
		double d = json_is_number(v) ? json_number_value(v) : -1;
		if (json_is_string(v)) {
			const char *s = json_string_value(v);
			d = s[0] && strlen(s) < 6 && s[strspn(s, "0123456789")] == '\0' ? atof(s) : -1;
		}
		if (d < 0 || d > 1e6 || d != (double)(long)d)
			REPORT(l, "E0604", false, path, NULL, NULL, "the number of instances of %s must be a whole number from 0 to %u", keys[i],
			       l->p->profiles[profile].max);
		else
			l->entries[at].counts[profile] = (unsigned)d;
	}
}

static void report_too_many(struct layout *l, size_t at, const struct entry *e, unsigned profile, const char *key)
{
	const struct mig_profile *p = &l->p->profiles[profile];
	const char *path[] = { "devices", number(l, at), "profiles", key, NULL };
	if (p->exclusive && e->counts[profile] > 1)
		REPORT(l, "E0605", false, path, NULL, NULL, "%u x %s: only one instance of %s can have the media engines%s", e->counts[profile],
		       p->names[0], a_product(l), nearest_text(l, e->counts));
	else
		REPORT(l, "E0605", false, path, NULL, NULL, "%u x %s: %s takes at most %u%s", e->counts[profile], p->names[0],
		       a_product(l), p->max, nearest_text(l, e->counts));
}

/* The name under which the spec wrote PROFILE, for the place of a message. */
static const char *written_name(struct layout *l, const json_t *profiles, unsigned profile)
{
	const char *key;
	json_t *v;
	json_object_foreach((json_t *)profiles, key, v)
		if (mig_profile_find(l->p, key) == (int)profile)
			return key;
	return NULL;
}

static bool check_sums(struct layout *l, size_t at, const struct entry *e, const json_t *profiles)
{
	const char *path[] = { "devices", number(l, at), profiles ? "profiles" : "placements", NULL };
	autostr struct str text;
	str_init(&text, STR_OURS);
	mig_layout_text(l->p, e->counts, &text);
	unsigned profile = 0, compute = 0, memory = 0;
	for (size_t i = 0; i < l->p->n_profiles; i++) {
		compute += e->counts[i] * l->p->profiles[i].compute;
		memory += e->counts[i] * l->p->profiles[i].memory;
	}
	switch (mig_fits(l->p, e->counts, &profile)) {
	case MIG_FITS:
		return true;
	case MIG_TOO_MANY:
		report_too_many(l, at, e, profile, written_name(l, profiles, profile));
		return false;
	case MIG_EXCLUSIVE:
		REPORT(l, "E0605", false, path, NULL, NULL, "%s: only one instance of %s can have the media engines%s", text.at, a_product(l),
		       nearest_text(l, e->counts));
		return false;
	case MIG_COMPUTE:
		REPORT(l, "E0606", false, path, NULL, NULL, "%s needs %u compute slices, %s has %u%s", text.at, compute, a_product(l),
		       l->p->compute_slices, nearest_text(l, e->counts));
		return false;
	case MIG_MEMORY:
		REPORT(l, "E0607", false, path, NULL, NULL, "%s needs %u memory slices, %s has %u%s", text.at, memory, a_product(l),
		       l->p->memory_slices, nearest_text(l, e->counts));
		return false;
	case MIG_PLACEMENT:
		REPORT(l, "E0609", false, path, NULL, NULL, "%s has enough slices on %s but no arrangement of them%s", text.at, a_product(l),
		       nearest_text(l, e->counts));
		return false;
	}
	return false;
}

/* --- placements ---------------------------------------------------------------------------------------------------------- */

static bool read_placement(struct layout *l, size_t at, size_t i, const json_t *row)
{
	struct entry *e = &l->entries[at];
	const char *path[] = { "devices", number(l, at), "placements", number(l, i), "profile", NULL };
	const char *start_path[] = { path[0], path[1], path[2], path[3], "start", NULL };
	const char *name = json_str(row, "profile");
	json_int_t start = json_int(row, "start", -1);
	int found = name ? find_profile(l, name, false, path) : -1;
	if (found < 0)
		return false;
	const struct mig_profile *p = &l->p->profiles[found];
	if (start < 0 || start >= MIG_MAX_SLICES || !(p->starts & (1u << start))) {
		autostr struct str s;
		str_init(&s, STR_OURS);
		for (unsigned k = 0, n = 0; k < MIG_MAX_SLICES; k++)
			if (p->starts & (1u << k))
				str_addf(&s, "%s%u", n++ ? ", " : "", k);
		REPORT(l, "E0608", false, start_path, NULL, NULL, "%s cannot begin at memory slice %lld; it can at %s", p->names[0], (long long)start,
		       s.at);
		return false;
	}
	for (size_t k = 0; k < e->n_fixed; k++) {
		const struct mig_profile *q = &l->p->profiles[e->fixed[k].profile];
		if ((unsigned)start < e->fixed[k].start + q->memory && e->fixed[k].start < (unsigned)start + p->memory) {
			REPORT(l, "E0609", false, start_path, NULL, NULL, "%s at slice %lld overlaps %s at slice %u", p->names[0], (long long)start,
			       q->names[0], e->fixed[k].start);
			return false;
		}
	}
	e->fixed[e->n_fixed++] = (struct mig_instance){ (unsigned)found, (unsigned)start };   /* no overlap: at most one a slice */
	return true;
}

/* Reads placements; where the entry has no counts, they are the counts. */
static bool read_placements(struct layout *l, size_t at, const json_t *list, bool counted)
{
	struct entry *e = &l->entries[at];
	unsigned placed[MIG_MAX_PROFILES] = { 0 };
	bool good = true;
	for (size_t i = 0; i < json_array_size(list); i++)
		good = read_placement(l, at, i, json_array_get(list, i)) && good;
	for (size_t i = 0; i < e->n_fixed; i++)
		placed[e->fixed[i].profile]++;
	for (size_t i = 0; good && i < l->p->n_profiles; i++) {
		const char *path[] = { "devices", number(l, at), "placements", NULL };
		if (!counted)
			e->counts[i] = placed[i];
		if (placed[i] > e->counts[i]) {
			REPORT(l, "E0610", false, path, NULL, NULL, "%u placements of %s, but the entry has %u of it", placed[i],
			       l->p->profiles[i].names[0], e->counts[i]);
			good = false;
		}
	}
	return good;
}

static void place_entry(struct layout *l, size_t at)
{
	struct entry *e = &l->entries[at];
	unsigned rest[MIG_MAX_PROFILES];
	memcpy(rest, e->counts, sizeof(rest));
	for (size_t i = 0; i < e->n_fixed; i++)
		rest[e->fixed[i].profile]--;
	if (mig_place(l->p, e->fixed, e->n_fixed, rest, e->rest, &e->n_rest))
		return;
	const char *path[] = { "devices", number(l, at), "placements", NULL };
	autostr struct str s;
	str_init(&s, STR_OURS);
	mig_layout_text(l->p, rest, &s);
	REPORT(l, "E0609", false, path, NULL, NULL, "these placements leave no room for %s", s.at);
}

static void read_entry(struct layout *l, size_t at, const json_t *row)
{
	struct entry *e = &l->entries[at];
	const json_t *profiles = json_at(row, "profiles"), *placements = json_at(row, "placements");
	const char *path[] = { "devices", number(l, at), "gpus", NULL };
	char why[160];
	if (!gpus_parse(json_at(row, "gpus"), &e->gpus, &e->all, why, sizeof(why)))
		REPORT(l, "E0611", false, path, NULL, NULL, "%s", why);
	if (!l->p)
		return;
	int before = l->mistakes;
	read_counts(l, at, profiles);
	bool good = read_placements(l, at, placements, profiles != NULL);
	if (l->mistakes == before && good && check_sums(l, at, e, profiles))
		place_entry(l, at);
}

/* --- which GPUs ----------------------------------------------------------------------------------------------------------- */

static void check_gpus(struct layout *l)
{
	json_int_t declared = json_int(l->x->config, "gpu_count", 0);
	uint64_t seen = 0, wanted;
	bool all = false;
	for (size_t i = 0; i < l->n; i++) {
		const char *path[] = { "devices", number(l, i), "gpus", NULL };
		uint64_t twice = seen & l->entries[i].gpus;
		uint64_t beyond = declared && !l->entries[i].all ? l->entries[i].gpus & ~gpus_first((unsigned)declared) : 0;
		char text[200];
		if (!l->entries[i].gpus)
			return;                 /* malformed, and reported */
		seen |= l->entries[i].gpus;
		all |= l->entries[i].all;
		gpus_text(twice, text, sizeof(text));
		if (twice && all)
			REPORT(l, "E0612", false, path, NULL, NULL, "\"all\" and another entry name the same GPUs");
		else if (twice)
			REPORT(l, "E0612", false, path, NULL, NULL, "GPU %s is in an earlier entry too", text);
		gpus_text(beyond, text, sizeof(text));
		if (beyond)
			REPORT(l, "E0614", false, path, NULL, NULL, "there is no GPU %s: gpu_count is %lld, numbers begin at 0", text, (long long)declared);
	}
	wanted = declared ? gpus_first((unsigned)declared) : seen ? gpus_first(64 - (unsigned)__builtin_clzll(seen)) : 0;
	if (wanted & ~seen) {
		const char *path[] = { "devices", NULL };
		char text[200];
		gpus_text(wanted & ~seen, text, sizeof(text));
		REPORT(l, "E0613", true, path, NULL, NULL, "GPU %s is in no entry; an entry with profiles: {} leaves MIG off", text);
	}
}

/* --- value ----------------------------------------------------------------------------------------------------------------- */

static json_t *counts_json(const struct mig_product *p, const unsigned *counts)
{
	json_t *o = json_object();
	for (size_t i = 0; i < p->n_profiles; i++)
		if (counts[i])
			json_put_int(o, p->profiles[i].names[0], counts[i]);
	return o;
}

static bool has_instances(const struct entry *e)
{
	return e->n_fixed + e->n_rest > 0;
}

static json_t *config_json(const struct layout *l, const struct entry *e)
{
	json_t *o = json_object();
	json_put_new(o, "devices", e->all ? json_string("all") : gpus_json(e->gpus));
	json_put_new(o, "mig-enabled", json_boolean(has_instances(e)));
	if (has_instances(e))
		json_put_new(o, "mig-devices", counts_json(l->p, e->counts));
	return o;
}

static json_t *placed_json(const struct layout *l, const struct entry *e)
{
	json_t *list = json_array();
	for (unsigned start = 0; start < l->p->memory_slices; start++) {
		for (size_t i = 0; i < e->n_fixed + e->n_rest; i++) {
			const struct mig_instance *m = i < e->n_fixed ? &e->fixed[i] : &e->rest[i - e->n_fixed];
			const struct mig_profile *p = &l->p->profiles[m->profile];
			if (m->start == start)
				json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "profile", p->names[0], "start", (int)start, "size",
								      (int)p->memory));
		}
	}
	return list;
}

/* The device plugin's name: "+" is not allowed in a resource name. */
static void add_resource(json_t *o, const char *profile, unsigned n)
{
	autofree char *name = xasprintf("nvidia.com/%s%s", profile ? "mig-" : "gpu", profile ? profile : "");
	for (char *s = name; *s; s++)
		if (*s == '+')
			*s = '.';
	json_put_int(o, name, json_int(o, name, 0) + n);
}

static json_t *resources_json(const struct layout *l, unsigned gpus)
{
	json_t *o = json_object();
	for (size_t i = 0; i < l->n && gpus; i++) {
		const struct entry *e = &l->entries[i];
		unsigned n = e->all ? gpus : (unsigned)__builtin_popcountll(e->gpus);
		for (size_t k = 0; k < l->p->n_profiles; k++)
			if (e->counts[k])
				add_resource(o, l->p->profiles[k].names[0], n * e->counts[k]);
		if (!has_instances(e))
			add_resource(o, NULL, n);
	}
	return o;
}

static json_t *value_json(const struct layout *l)
{
	json_t *config = json_array(), *layouts = json_array(), *v = json_object();
	uint64_t seen = 0;
	bool all = false;
	for (size_t i = 0; i < l->n; i++) {
		const struct entry *e = &l->entries[i];
		seen |= e->gpus;
		all |= e->all;
		json_array_append_new(config, config_json(l, e));
		json_t *row = json_object();
		json_put_new(row, "gpus", e->all ? json_string("all") : gpus_json(e->gpus));
		json_put_new(row, "profiles", counts_json(l->p, e->counts));
		json_put_new(row, "placements", placed_json(l, e));
		json_array_append_new(layouts, row);
	}
	unsigned gpus = (unsigned)json_int(l->x->config, "gpu_count", all ? 0 : __builtin_popcountll(seen));
	autofree char *name = instance_name(l->x);
	json_put_str(v, "name", name);
	json_put_str(v, "product", l->p->name);
	json_put_str(v, "driver", l->p->driver);
	json_put_new(v, "config", config);
	json_put_new(v, "layouts", layouts);
	json_put_new(v, "resources", resources_json(l, gpus));
	if (gpus)
		json_put_int(v, "gpus", gpus);
	return v;
}

int mig_layout_expand(struct expand *x)
{
	autoarena struct arena *a = arena_new();
	const struct mig_table *t = mig_table_load(a);
	const json_t *devices = json_at(x->config, "devices");
	const char *gpu = json_str(x->config, "gpu");
	struct layout l = { .x = x, .a = a, .n = json_array_size(devices) };
	const char *path[] = { "gpu", NULL };
	l.p = gpu ? mig_product_find(t, gpu) : NULL;
	l.entries = arena_array(a, l.n + 1, sizeof(*l.entries));
	if (!l.p)
		REPORT(&l, "E0601", false, path, mig_product_names(a, t), gpu ? gpu : "", "the MIG table of %s has no GPU \"%.60s\"", t->date,
		       gpu ? gpu : "");
	for (size_t i = 0; i < l.n; i++)
		read_entry(&l, i, json_array_get(devices, i));
	if (l.n)
		check_gpus(&l);
	if (l.mistakes)
		return E_INPUT;
	x->value = value_json(&l);
	return 0;
}
