#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "engine/dag.h"
#include "engine/planning.h"

/* Edges as "later<earlier" pairs of letters: "ba" says that b waits for a. */
static void build(struct dag *g, unsigned n, const char *pairs)
{
	dag_init(g, n);
	for (; pairs[0]; pairs += pairs[2] ? 3 : 2)
		dag_edge(g, (unsigned)(pairs[0] - 'a'), (unsigned)(pairs[1] - 'a'));
}

static void tell(void *ctx, const unsigned *chain, size_t len)
{
	struct str *out = ctx;
	str_addc(out, '[');
	for (size_t i = 0; i < len; i++)
		str_addc(out, (char)('a' + chain[i]));
	str_addc(out, ']');
}

static const struct { unsigned n; const char *edges, *order; } orders[] = {
	{ 0, "", "" },
	{ 3, "", "abc" },
	{ 3, "ab bc", "cba" },
	{ 4, "da db dc ba ca", "abcd" },
	{ 3, "ab ab ab", "bac" },
	{ 1, "aa", "[a]a" },
	{ 3, "ab bc ca", "[abc]cba" },
	{ 4, "ab ba cd dc", "[ab]ba[cd]dc" },
	{ 5, "ab bc cb de", "[bc]cbaed" },
};

static void orders_and_tells_cycles(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct dag g;
		struct str out;
		str_init(&out, STR_OURS);
		build(&g, orders[i].n, orders[i].edges);
		bool ok = dag_order(&g, tell, &out);
		assert_int_equal(ok, strchr(out.at, '[') == NULL);
		/* Cycles are told while ordering; the order itself follows. */
		struct str told;
		str_init(&told, STR_OURS);
		str_add(&told, out.at);
		for (unsigned k = 0; k < g.n; k++)
			str_addc(&told, (char)('a' + g.order[k]));
		struct str want;
		str_init(&want, STR_OURS);
		for (const char *p = orders[i].order; *p; p++)
			if (*p == '[')
				for (; ; p++) {
					str_addc(&want, *p);
					if (*p == ']')
						break;
				}
		for (const char *p = orders[i].order; *p; p++) {
			if (*p == '[')
				p = strchr(p, ']');
			else
				str_addc(&want, *p);
		}
		assert_string_equal(told.at, want.at);
		str_release(&want);
		str_release(&told);
		str_release(&out);
		dag_release(&g);
	}
}

static void long_chains_need_no_stack(void **unused)
{
	(void)unused;
	enum { N = 300000 };
	struct dag g;
	dag_init(&g, N);
	for (unsigned i = 0; i + 1 < N; i++)
		dag_edge(&g, i, i + 1);
	assert_true(dag_order(&g, NULL, NULL));
	assert_int_equal(g.order[0], N - 1);
	assert_int_equal(g.pos[0], N - 1);
	dag_release(&g);
}

static const struct { unsigned n; const char *edges, *real, *out; } resolved[] = {
	{ 3, "ba cb", "abc", "a: b:a c:b" },
	{ 3, "ba cb", "ac", "a: c:a" },
	{ 4, "ba cb dc", "ad", "a: d:a" },
	{ 5, "ca cb dc ec", "abde", "a: b: d:ab e:ab" },
	{ 4, "ba ca db dc", "ad", "a: d:a" },
	{ 3, "ab ba cb", "ac", "a: c:" },
};

static void sees_through_what_is_not_real(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(resolved); i++) {
		autoarena struct arena *a = arena_new();
		struct dag g;
		struct dag_list lists[8] = { 0 };
		bool real[8] = { 0 };
		struct str out;
		str_init(&out, STR_OURS);
		for (const char *p = resolved[i].real; *p; p++)
			real[*p - 'a'] = true;
		build(&g, resolved[i].n, resolved[i].edges);
		dag_order(&g, NULL, NULL);
		dag_resolve(&g, real, a, lists);
		for (unsigned v = 0; v < g.n; v++) {
			if (!real[v])
				continue;
			str_addf(&out, "%s%c:", out.len ? " " : "", 'a' + (char)v);
			for (size_t k = 0; k < lists[v].n; k++)
				str_addc(&out, (char)('a' + lists[v].at[k]));
		}
		assert_string_equal(out.at, resolved[i].out);
		str_release(&out);
		dag_release(&g);
	}
}

/* N wait for N others through one thing that is not real: near 2 N edges, not N * N, and the order still holds. */
static void a_wide_joint_stays_linear(void **unused)
{
	(void)unused;
	enum { N = 5000 };
	autoarena struct arena *a = arena_new();
	struct dag g;
	dag_init(&g, 2 * N + 1);
	bool *real = xcalloc(2 * N + 1, sizeof(*real));
	struct dag_list *lists = xcalloc(2 * N + 1, sizeof(*lists));
	for (unsigned i = 0; i < N; i++) {
		dag_edge(&g, 2 * N, i);
		dag_edge(&g, N + i, 2 * N);
	}
	for (unsigned i = 0; i < 2 * N; i++)
		real[i] = true;
	assert_true(dag_order(&g, NULL, NULL));
	dag_resolve(&g, real, a, lists);
	size_t edges = 0;
	for (unsigned i = N; i < 2 * N; i++)
		edges += lists[i].n;
	assert_int_equal(edges, N + N - 1);
	assert_int_equal(lists[N].n, N);
	assert_int_equal(lists[N + 1].n, 1);
	assert_int_equal(lists[N + 1].at[0], N);
	free(real);
	free(lists);
	dag_release(&g);
}

static const struct { const char *pattern, *address, *owner; bool hit; } targets[] = {
	{ "pool.a", "pool.a.bios[\"n1\"]", "pool.a", true },
	{ "pool.a", "pool.ab.bios[\"n1\"]", "pool.ab", false },
	{ "pool.a.bios[\"n1\"]", "pool.a.bios[\"n1\"]", "pool.a", true },
	{ "pool.a.bios[\"n1\"]", "pool.a.bios[\"n11\"]", "pool.a", false },
	{ "pool.a.bios[\"n*\"]", "pool.a.bios[\"n11\"]", "pool.a", true },
	{ "*.bios[\"n1\"]", "pool.a.bios[\"n1\"]", "pool.a", true },
	{ "pool.a", "pool.a[\"k\"].bios[\"n1\"]", "pool.a[\"k\"]", true },
	{ "pool.*", "pool.a.bios[\"n1\"]", "pool.a", true },
	{ "d.x[0]", "d.x[0]", "d.x", true },
	{ "d.*[0]", "d.x[0]", "d.x", true },
	{ "d.*[0]", "d.x[10]", "d.x", false },
	{ "d.x[\"[1-2]\"]", "d.x[\"1\"]", "d.x", true },
	{ "d.y", "d.x[0]", "d.x", false },
	{ "module.a", "module.a.d.x[0]", "module.a.d.x", true },
	{ "module.a", "module.a[\"k\"].d.x[0]", "module.a.d.x", true },
	{ "module.a", "module.ab.d.x", "module.ab.d.x", false },
	{ "module.a[\"k\"]", "module.a[\"k\"].module.b[0].d.x", "module.a.module.b.d.x", true },
	{ "module.a[\"k\"]", "module.a[\"kk\"].d.x", "module.a.d.x", false },
	{ "module.a[1]", "module.a[10].d.x", "module.a.d.x", false },
	{ "module.a.module.b", "module.a[\"k\"].module.b[0].d.x", "module.a.module.b.d.x", true },
	{ "module.a.d.x", "module.a[\"k\"].d.x[\"y\"]", "module.a.d.x", true },
	{ "module.*.d.x", "module.a.d.x", "module.a.d.x", true },
	{ "d.x", "module.a.d.x", "module.a.d.x", false },
};

static void targets_are_globs_with_literal_keys(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		assert_int_equal(target_matches(targets[i].pattern, targets[i].address, targets[i].owner), targets[i].hit);
}

static void addresses_are_one_line_and_unambiguous(void **unused)
{
	(void)unused;
	struct str s;
	str_init(&s, STR_OURS);
	lang_add_key(&s, LANG_EACH, "a\"b\\c\nd\x01");
	lang_add_key(&s, LANG_INDEX, "7");
	lang_add_key(&s, LANG_SINGLE, NULL);
	assert_string_equal(s.at, "[\"a\\\"b\\\\c\\nd\\u0001\"][7]");
	str_release(&s);
	static const char *const bases[][2] = {
		{ "pool.a", "pool.a" }, { "pool.a[\"x.y\"].bios[\"n\"]", "pool.a" }, { "pool.a.bios", "pool.a" }, { "pool", "pool" },
		{ "d.x[0]", "d.x" },
		{ "module.a[\"x.\\\"]y\"].module.b[0].pool.p[\"k\"].bios[\"n\"]", "module.a.module.b.pool.p" },
		{ "module.a.pool.p", "module.a.pool.p" }, { "module.a", "module.a" }, { "module.a[0]", "module.a" }, { "module.a[", "module.a" },
	};
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		autofree char *base = address_base(bases[i][0]);
		assert_string_equal(base, bases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_and_tells_cycles),
		cmocka_unit_test(long_chains_need_no_stack),
		cmocka_unit_test(sees_through_what_is_not_real),
		cmocka_unit_test(a_wide_joint_stays_linear),
		cmocka_unit_test(targets_are_globs_with_literal_keys),
		cmocka_unit_test(addresses_are_one_line_and_unambiguous),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
