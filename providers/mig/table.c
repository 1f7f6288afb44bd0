#include "providers/mig/table.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"
#include "schemas/data.h"

static const char *const *strings(struct arena *a, const json_t *list)
{
	size_t n = json_array_size(list), used = 0;
	const char **out = arena_array(a, n + 1, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));
		if (s)
			out[used++] = arena_strdup(a, s);
	}
	return out;
}

/* Groups of exclusive profiles are numbered by first appearance within a layout. */
static unsigned exclusive_number(const json_t *profiles, size_t at)
{
	const char *want = json_str(json_array_get(profiles, at), "exclusive");
	if (!want)
		return 0;
	for (size_t i = 0; i <= at; i++) {
		const char *s = json_str(json_array_get(profiles, i), "exclusive");
		if (s && strcmp(s, want) == 0)
			return (unsigned)i + 1;
	}
	return 0;
}

static int parse_profile(struct arena *a, const json_t *profiles, size_t i, const json_t *product, unsigned slices,
			 struct mig_profile *out, struct err *err)
{
	const json_t *row = json_array_get(profiles, i);
	const char *key = json_str(row, "key"), *name = json_str(product, "name");
	if (!key)
		return err_set(err, E_INPUT, "profile %zu of the layout of %s has no key", i, name);
	out->key = arena_strdup(a, key);
	out->names = strings(a, json_at(json_at(product, "profiles"), key));
	out->gi = (unsigned)json_int(row, "gi", 0);
	out->smi = (unsigned)json_int(row, "smi", 0);
	out->compute = (unsigned)json_int(row, "compute", 0);
	out->memory = (unsigned)json_int(row, "memory", 0);
	out->max = (unsigned)json_int(row, "max", 0);
	out->sms = (unsigned)json_int(json_at(product, "sms"), key, 0);
	out->exclusive = exclusive_number(profiles, i);
	const json_t *starts = json_at(row, "starts");
	for (size_t k = 0; k < json_array_size(starts); k++) {
		json_int_t at = json_integer_value(json_array_get(starts, k));
		if (at < 0 || at + out->memory > slices)
			return err_set(err, E_INPUT, "a start of profile %s of %s is outside the GPU", key, name);
		out->starts |= 1u << at;
	}
	if (!out->names[0] || !out->compute || !out->memory || !out->max || !out->starts || out->max > slices)
		return err_set(err, E_INPUT, "profile %s of %s is incomplete", key, name);
	return 0;
}

static int parse_product(struct arena *a, const json_t *layouts, const json_t *row, struct mig_product *out, struct err *err)
{
	const char *name = json_str(row, "name"), *layout = json_str(row, "layout");
	const json_t *shape = layout ? json_at(layouts, layout) : NULL, *profiles = json_at(shape, "profiles");
	if (!name || !shape)
		return err_set(err, E_INPUT, "a product has no name or no layout");
	out->name = arena_strdup(a, name);
	out->aliases = strings(a, json_at(row, "aliases"));
	out->pci = strings(a, json_at(row, "pci"));
	out->driver = arena_strdup(a, json_str(row, "driver"));
	out->compute_slices = (unsigned)json_int(shape, "compute_slices", 0);
	out->memory_slices = (unsigned)json_int(shape, "memory_slices", 0);
	out->n_profiles = json_array_size(profiles);
	if (out->n_profiles > MIG_MAX_PROFILES || out->memory_slices > MIG_MAX_SLICES || !out->memory_slices)
		return err_set(err, E_INPUT, "layout %s is larger than this build understands", layout);
	for (size_t i = 0; i < out->n_profiles; i++) {
		int rc = parse_profile(a, profiles, i, row, out->memory_slices, &out->profiles[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

int mig_table_parse(struct arena *a, const char *text, size_t len, struct mig_table *out, struct err *err)
{
	autojson json_t *j = NULL;
	int rc = json_parse(text, len, "the MIG table", &j, err);
	if (rc)
		return rc;
	const json_t *rows = json_at(j, "products"), *layouts = json_at(j, "layouts");
	size_t n = json_array_size(rows);
	struct mig_product *products = arena_array(a, n + 1, sizeof(*products));
	for (size_t i = 0; i < n; i++) {
		rc = parse_product(a, layouts, json_array_get(rows, i), &products[i], err);
		if (rc)
			return err_wrap(err, "the MIG table");
	}
	const char *date = json_str(j, "date");
	*out = (struct mig_table){ products, n, arena_strdup(a, date ? date : "") };
	return 0;
}

const struct mig_table *mig_table_load(struct arena *a)
{
	size_t len = 0;
	const char *text = data_file("mig.json", &len);
	struct mig_table *t = arena_alloc(a, sizeof(*t));
	struct err err = { 0 };
	if (!text || mig_table_parse(a, text, len, t, &err))
		BUG("schemas/mig.json: %s", err.msg);
	return t;
}

/* Lower case, "_" and space as "-", no "nvidia-" in front: how product names are compared. */
static void normal(const char *name, char out[80])
{
	size_t n = 0;
	for (; *name == ' '; name++)
		;
	for (; *name && n < 79; name++)
		out[n++] = *name == ' ' || *name == '_' ? '-' : (char)tolower((unsigned char)*name);
	out[n] = '\0';
	if (str_has_prefix(out, "nvidia-"))
		memmove(out, out + 7, n - 7 + 1);
}

const struct mig_product *mig_product_find(const struct mig_table *t, const char *name)
{
	char want[80], have[80];
	normal(name, want);
	for (size_t i = 0; i < t->n; i++) {
		normal(t->products[i].name, have);
		if (strcmp(want, have) == 0)
			return &t->products[i];
		for (const char *const *s = t->products[i].aliases; *s; s++) {
			normal(*s, have);
			if (strcmp(want, have) == 0)
				return &t->products[i];
		}
	}
	return NULL;
}

int mig_profile_find(const struct mig_product *p, const char *name)
{
	for (size_t i = 0; i < p->n_profiles; i++)
		for (const char *const *s = p->profiles[i].names; *s; s++)
			if (strcasecmp(*s, name) == 0)
				return (int)i;
	return -1;
}

const char *const *mig_product_names(struct arena *a, const struct mig_table *t)
{
	VEC(const char *) v = { 0 };
	for (size_t i = 0; i < t->n; i++)
		vec_push(&v, t->products[i].name);
	for (size_t i = 0; i < t->n; i++)
		for (const char *const *s = t->products[i].aliases; *s; s++)
			vec_push(&v, *s);
	const char **out = arena_array(a, v.len + 1, sizeof(*out));
	if (v.len)
		memcpy(out, v.at, v.len * sizeof(*out));
	vec_free(&v);
	return out;
}

const char *const *mig_profile_names(struct arena *a, const struct mig_product *p)
{
	const char **out = arena_array(a, p->n_profiles + 1, sizeof(*out));
	for (size_t i = 0; i < p->n_profiles; i++)
		out[i] = p->profiles[i].names[0];
	return out;
}
