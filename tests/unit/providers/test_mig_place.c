#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "providers/mig/place.h"

static struct arena *arena;
static const struct mig_table *table;

static int setup(void **state)
{
	(void)state;
	json_setup();
	arena = arena_new();
	table = mig_table_load(arena);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const struct mig_product *product(const char *name)
{
	const struct mig_product *p = mig_product_find(table, name);
	if (!p)
		fail_msg("no product %s", name);
	return p;
}

/* "2x1g 1x3g" by profile keys. */
static void counts_of(const struct mig_product *p, const char *text, unsigned out[MIG_MAX_PROFILES])
{
	char key[32];
	unsigned n;
	int used;
	memset(out, 0, sizeof(unsigned) * MIG_MAX_PROFILES);
	for (; sscanf(text, "%ux%31s%n", &n, key, &used) == 2; text += used) {
		bool found = false;
		for (size_t i = 0; i < p->n_profiles; i++)
			if (strcmp(p->profiles[i].key, key) == 0) {
				out[i] += n;
				found = true;
			}
		assert_true(found);
	}
}

/* --- the table ------------------------------------------------------------------------------------------------------------- */

static void every_name_means_one_profile(void **state)
{
	(void)state;
	assert_true(table->n > 20);
	for (size_t i = 0; i < table->n; i++) {
		const struct mig_product *p = &table->products[i];
		assert_ptr_equal(mig_product_find(table, p->name), p);
		for (const char *const *s = p->aliases; *s; s++)
			assert_ptr_equal(mig_product_find(table, *s), p);
		for (const char *const *s = p->pci; *s; s++)
			assert_int_equal(strlen(*s), 4);
		for (size_t k = 0; k < p->n_profiles; k++)
			for (const char *const *s = p->profiles[k].names; *s; s++)
				assert_int_equal(mig_profile_find(p, *s), (int)k);
	}
}

static void names_and_aliases(void **state)
{
	(void)state;
	static const struct { const char *gpu, *product, *profile, *name; } rows[] = {
		{ "H100-SXM5-80GB", "H100-SXM5-80GB", "3g.39gb", "3g.40gb" },
		{ "NVIDIA H100 80GB HBM3", "H100-SXM5-80GB", "7G.79GB", "7g.80gb" },
		{ "nvidia_h200", "H200-SXM5-141GB", "1g.18gb+me", "1g.18gb+me" },
		{ "GB200", "GB200-186GB", "1g.23gb", "1g.24gb" },
		{ "GB200", "GB200-186GB", "7g.186gb", "7g.189gb" },
		{ "a30", "A30", "2g.12gb+me", "2g.12gb+me" },
		{ "NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000-96GB", "1g.24gb-me", "1g.24gb-me" },
		{ "B300", "B300-269GB", "4g.135gb", "4g.135gb" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mig_product *p = product(rows[i].gpu);
		assert_string_equal(p->name, rows[i].product);
		int at = mig_profile_find(p, rows[i].profile);
		assert_true(at >= 0);
		assert_string_equal(p->profiles[at].names[0], rows[i].name);
	}
	assert_null(mig_product_find(table, "H1000"));
	assert_null(mig_product_find(table, ""));
	assert_int_equal(mig_profile_find(product("H100-NVL-94GB"), "1g.5gb"), -1);
}

static void bad_tables_are_refused(void **state)
{
	(void)state;
#define TABLE(profile) "{\"layouts\":{\"l\":{\"compute_slices\":4,\"memory_slices\":4,\"profiles\":[" profile "]}}," \
	"\"products\":[{\"name\":\"X\",\"layout\":\"l\",\"profiles\":{\"1g\":[\"1g.1gb\"]}}]}"
	static const struct { const char *text, *says; } rows[] = {
		{ "{\"products\":[{\"name\":\"X\",\"layout\":\"none\"}]}", "no layout" },
		{ TABLE("{\"key\":\"2g\",\"compute\":1,\"memory\":1,\"max\":1,\"starts\":[0]}"), "2g of X is incomplete" },
		{ TABLE("{\"key\":\"1g\",\"compute\":1,\"memory\":2,\"max\":1,\"starts\":[3]}"), "outside the GPU" },
		{ TABLE("{\"key\":\"1g\",\"compute\":1,\"memory\":2,\"max\":1,\"starts\":[-1]}"), "outside the GPU" },
		{ TABLE("{\"key\":\"1g\",\"compute\":1,\"memory\":1,\"max\":9,\"starts\":[0]}"), "incomplete" },
		{ "{", "the MIG table" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct mig_table t;
		struct err err = { 0 };
		assert_int_equal(mig_table_parse(arena, rows[i].text, strlen(rows[i].text), &t, &err), E_INPUT);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", err.msg, rows[i].says);
	}
}

/* --- what fits ------------------------------------------------------------------------------------------------------------- */

struct census { const struct mig_product *p; bool variants, doubled; unsigned feasible, maximal; };

static bool plain(const struct mig_product *p, size_t i, bool doubled)
{
	return !strpbrk(p->profiles[i].key, "+-") && (doubled || strcmp(p->profiles[i].key, "1g.double") != 0);
}

static bool count_layout(void *ctx, const unsigned *counts)
{
	struct census *c = ctx;
	unsigned more[MIG_MAX_PROFILES];
	bool maximal = true;
	for (size_t i = 0; i < c->p->n_profiles; i++)
		if (counts[i] && !plain(c->p, i, c->doubled))
			return true;
	for (size_t i = 0; i < c->p->n_profiles; i++) {
		memcpy(more, counts, c->p->n_profiles * sizeof(*more));
		more[i]++;
		if (plain(c->p, i, c->doubled) && mig_fits(c->p, more, NULL) == MIG_FITS)
			maximal = false;
	}
	c->feasible++;
	c->maximal += maximal;
	return true;
}

static void numbers_of_layouts(void **state)
{
	(void)state;
	static const struct { const char *gpu; bool doubled; unsigned feasible, maximal; } rows[] = {
		{ "H100-SXM5-80GB", true, 78, 28 }, { "H100-SXM5-80GB", false, 38, 12 }, { "A100-40GB", true, 78, 28 }, { "GB300", false, 38, 12 },
		{ "A30", true, 10, 4 }, { "RTX PRO 6000", true, 10, 4 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mig_product *p = product(rows[i].gpu);
		struct census c = { .p = p, .doubled = rows[i].doubled };
		mig_each_layout(p, count_layout, &c);
		assert_int_equal(c.feasible, rows[i].feasible);
		assert_int_equal(c.maximal, rows[i].maximal);
	}
}

/* The sums and maxima alone decide what fits on an empty GPU; placements agree with them everywhere. */
static bool sums_hold(const struct mig_product *p, const unsigned *c)
{
	unsigned compute = 0, memory = 0, media = 0;
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (c[i] > p->profiles[i].max)
			return false;
		compute += c[i] * p->profiles[i].compute;
		memory += c[i] * p->profiles[i].memory;
		media += p->profiles[i].exclusive ? c[i] : 0;
	}
	return compute <= p->compute_slices && memory <= p->memory_slices && media <= 1;
}

static void each_vector(const struct mig_product *p, size_t i, unsigned *c, size_t *n)
{
	if (i == p->n_profiles) {
		struct mig_instance out[MIG_MAX_SLICES];
		size_t placed = 0, total = 0;
		uint32_t used = 0;
		assert_int_equal(mig_fits(p, c, NULL) == MIG_FITS, sums_hold(p, c));
		if (sums_hold(p, c)) {
			assert_true(mig_place(p, NULL, 0, c, out, &placed));
			for (size_t k = 0; k < placed; k++) {
				const struct mig_profile *q = &p->profiles[out[k].profile];
				uint32_t bits = ((1u << q->memory) - 1) << out[k].start;
				assert_true(q->starts & (1u << out[k].start));
				assert_false(used & bits);
				assert_true(k == 0 || out[k - 1].start < out[k].start);
				used |= bits;
			}
		}
		for (size_t k = 0; k < p->n_profiles && placed; k++)
			total += c[k];
		assert_int_equal(placed, total);
		++*n;
		return;
	}
	unsigned limit = p->n_profiles > 8 && p->profiles[i].max > 2 ? 2 : p->profiles[i].max + 1;
	for (c[i] = 0; c[i] <= limit; c[i]++)
		each_vector(p, i + 1, c, n);
	c[i] = 0;
}

static void sums_and_placements_agree(void **state)
{
	(void)state;
	static const char *const gpus[] = { "H100-SXM5-80GB", "A30", "RTX PRO 6000" };
	for (size_t i = 0; i < ARRAY_LEN(gpus); i++) {
		unsigned c[MIG_MAX_PROFILES] = { 0 };
		size_t n = 0;
		each_vector(product(gpus[i]), 0, c, &n);
		assert_true(n > 100);
	}
}

static void kept_instances_fragment(void **state)
{
	(void)state;
	const struct mig_product *p = product("H100-SXM5-80GB");
	static const struct { struct mig_instance kept[4]; size_t n; const char *more; bool fits; const char *at; } rows[] = {
		{ { { 0, 1 } }, 1, "1x3g", true, "4" },
		{ { { 0, 1 } }, 1, "1x4g", false, "" },               /* 4g begins at 0 only */
		{ { { 0, 0 }, { 0, 4 } }, 2, "1x3g", false, "" },     /* six free, none of them in a row of four */
		{ { { 0, 0 }, { 0, 4 } }, 2, "1x2g", true, "2" },
		{ { { 4, 0 } }, 1, "1x3g", true, "4" },
		{ { { 4, 4 } }, 1, "4x1g", true, "0 1 2 3" },
		{ { { 0, 0 }, { 0, 0 } }, 2, "1x1g", false, "" },     /* the same place twice */
		{ { { 3, 1 } }, 1, "1x1g", false, "" },               /* 2g cannot begin at 1 */
		{ { { 1, 3 } }, 1, "1x1g+me", false, "" },            /* one with the media engines */
		{ { { 99, 0 } }, 1, "1x1g", false, "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned c[MIG_MAX_PROFILES];
		struct mig_instance out[MIG_MAX_SLICES];
		size_t n = 0;
		autostr struct str at;
		str_init(&at, STR_OURS);
		counts_of(p, rows[i].more, c);
		assert_int_equal(mig_place(p, rows[i].kept, rows[i].n, c, out, &n), rows[i].fits);
		for (size_t k = 0; rows[i].fits && k < n; k++)
			str_addf(&at, "%s%u", k ? " " : "", out[k].start);
		assert_string_equal(at.at, rows[i].at);
	}
}

static void nearest_layouts(void **state)
{
	(void)state;
	static const struct { const char *gpu, *want, *fit; const char *near[3]; } rows[] = {
		{ "H100-SXM5-80GB", "7x1g 1x3g", "compute", { "7 x 1g.10gb", "4 x 1g.10gb + 1 x 3g.40gb" } },
		{ "H100-SXM5-80GB", "8x1g", "many", { "7 x 1g.10gb" } },
		{ "H100-SXM5-80GB", "3x3g", "many", { "2 x 3g.40gb" } },
		{ "H100-SXM5-80GB", "2x4g", "many", { "1 x 3g.40gb + 1 x 4g.40gb" } },
		{ "H100-SXM5-80GB", "2x3g 1x1g", "memory", { "2 x 3g.40gb" } },
		{ "H100-SXM5-80GB", "1x7g 1x1g", "compute", { "1 x 7g.80gb", } },
		{ "A30", "1x1g+me 1x2g+me", "exclusive", { NULL } },
		{ "A30", "5x1g", "many", { "4 x 1g.6gb" } },
		{ "RTX PRO 6000", "1x4g 1x1g", "compute", { "1 x 4g.96gb", } },
	};
	static const char *const names[] = { "fits", "many", "exclusive", "compute", "memory", "placement" };
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct mig_product *p = product(rows[i].gpu);
		unsigned c[MIG_MAX_PROFILES], near[3][MIG_MAX_PROFILES], again[3][MIG_MAX_PROFILES];
		counts_of(p, rows[i].want, c);
		assert_string_equal(names[mig_fits(p, c, NULL)], rows[i].fit);
		size_t n = mig_nearest(p, c, near, 3);
		assert_true(n >= 1);
		assert_int_equal(mig_nearest(p, c, again, 3), n);
		assert_memory_equal(near, again, n * sizeof(near[0]));
		for (size_t k = 0; k < n; k++) {
			autostr struct str text;
			str_init(&text, STR_OURS);
			mig_layout_text(p, near[k], &text);
			assert_int_equal(mig_fits(p, near[k], NULL), MIG_FITS);
			if (rows[i].near[k])
				assert_string_equal(text.at, rows[i].near[k]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_means_one_profile),
		cmocka_unit_test(names_and_aliases),
		cmocka_unit_test(bad_tables_are_refused),
		cmocka_unit_test(numbers_of_layouts),
		cmocka_unit_test(sums_and_placements_agree),
		cmocka_unit_test(kept_instances_fragment),
		cmocka_unit_test(nearest_layouts),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
