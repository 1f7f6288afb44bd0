/* The attribute tables of mig, fabric and kube against their schemas' rules and against blocks as people write them. */
#include "tests/unit/providers/expanding.h"

#include "base/mem.h"
#include "providers/all.h"

static const struct provider *const tested[] = { &provider_fabric, &provider_kube, &provider_mig };

static void check_attrs(const struct attr *attrs, const char *where)
{
	for (const struct attr *a = attrs; a && a->name; a++) {
		json_t *j = NULL;
		struct err err;
		if (!a->help || a->help[strlen(a->help) - 1] != '.')
			fail_msg("%s.%s has no help that is a sentence", where, a->name);
		if (a->deflt && json_parse(a->deflt, strlen(a->deflt), a->name, &j, &err))
			fail_msg("the default of %s.%s: %s", where, a->name, err.msg);
		json_decref(j);
		check_attrs(a->fields, a->name);
	}
}

static void tables_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tested); i++) {
		const struct provider *p = tested[i];
		assert_int_equal(p->abi, PROVIDER_ABI);
		check_attrs(p->config, p->name);
		for (size_t k = 0; p->types[k]; k++) {
			const struct resource_type *t = p->types[k];
			assert_true(k == 0 || strcmp(p->types[k - 1]->name, t->name) < 0);
			assert_true((t->expand != NULL) != (t->read != NULL));
			assert_true(t->help && t->version == 1);
			check_attrs(t->attrs, t->name);
		}
	}
}

/* Data types of all providers: read, and nothing that would change the world; everything that is told is computed. */
static void data_tables_are_whole(void **state)
{
	size_t n = 0;
	(void)state;
	for (size_t i = 0; providers_all[i]; i++) {
		for (size_t k = 0; providers_all[i]->data && providers_all[i]->data[k]; k++, n++) {
			const struct resource_type *t = providers_all[i]->data[k];
			bool told = false;
			assert_true(k == 0 || strcmp(providers_all[i]->data[k - 1]->name, t->name) < 0);
			assert_true(t->read && t->help && t->version == 1);
			assert_true(!t->expand && !t->create && !t->update && !t->destroy && !t->import_id && !t->upgrade && !t->describe && !t->same);
			for (const struct attr *a = t->attrs; a->name; a++)
				told = told || a->flags & ATTR_COMPUTED;
			assert_true(told);
			check_attrs(t->attrs, t->name);
		}
	}
	assert_true(n >= 4);
}

static void blocks_complete(void **state)
{
	(void)state;
	static const struct { const char *type, *config, *says, *whole; } rows[] = {
		{ "mig_layout", "{\"gpu\":\"A30\",\"devices\":[{\"gpus\":\"0-3\",\"profiles\":{\"1g.6gb\":4}},{\"gpus\":[4],\"profiles\":{}}]}", "",
		  "{\"devices\":[{\"gpus\":\"0-3\",\"profiles\":{\"1g.6gb\":4}},{\"gpus\":[4],\"profiles\":{}}],\"gpu\":\"A30\"}" },
		{ "ib_fabric", "{\"fat_tree\":{\"rails\":8,\"spines\":\"4\",\"hosts\":[{\"name\":\"a\"}]},\"partitions\":{\"t\":{\"pkey\":16,\"members\":[\"a\"]}}}", "",
		  "{\"default_ipoib\":true,\"fat_tree\":{\"hosts\":[{\"name\":\"a\"}],\"leaf_radix\":64,\"oversubscription\":1,\"rails\":8,\"spines\":4},"
		  "\"partitions\":{\"t\":{\"index0\":false,\"ipoib\":false,\"members\":[\"a\"],\"membership\":\"full\",\"pkey\":16}}}" },
		{ "cluster", "{\"pools\":[{\"name\":\"p\"}]}", "",
		  "{\"mig_config_name\":\"aipc-mig-config\",\"mig_strategy\":\"mixed\",\"namespace\":\"gpu-operator\",\"pools\":[{\"name\":\"p\"}],\"runtime\":true}" },
		{ "ib_fabric", "{\"fat_tree\":{\"rails\":8,\"spins\":4,\"hosts\":[]}}", "E0108 fat_tree.spins!", NULL },
		{ "mig_layout", "{\"gpu\":\"A30\"}", "E0109 ", NULL },
		{ "ib_fabric", "{\"fat_tree\":{\"rails\":0,\"hosts\":[]}}", "E0111 fat_tree.rails", NULL },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct expanding e;
		json_t *done = NULL;
		expanding_init(&e, "x", rows[i].config, "{}");
		for (size_t k = 0; k < ARRAY_LEN(tested); k++)
			for (size_t n = 0; tested[k]->types[n]; n++)
				if (strcmp(tested[k]->types[n]->name, rows[i].type) == 0)
					done = schema_complete(tested[k]->types[n]->attrs, e.config, expanding_report, &e.reports);
		assert_int_equal(done != NULL, rows[i].whole != NULL);
		if (!str_has_prefix(e.reports.at, rows[i].says) || (rows[i].whole && e.reports.len))
			fail_msg("%s: %s", rows[i].config, e.reports.at);
		if (done) {
			autofree char *text = json_text(done);
			assert_string_equal(text, rows[i].whole);
		}
		json_decref(done);
		expanding_release(&e);
	}
}

static int setup(void **state)
{
	(void)state;
	json_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tables_are_whole), cmocka_unit_test(data_tables_are_whole), cmocka_unit_test(blocks_complete) };
	return cmocka_run_group_tests(tests, setup, NULL);
}
