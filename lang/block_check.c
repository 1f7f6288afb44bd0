/* block_check - `check` blocks: assertions that warn, and never stop anything. */
#include <string.h>

#include "lang/module.h"

static bool is_twice(struct module *m, const struct yaml_file *f, const struct ynode *key)
{
	for (size_t i = 0; i < m->l->checks.len; i++) {
		const struct check_block *c = &m->l->checks.at[i];
		if (c->m != m || strcmp(c->key->is->s, key->is->s) != 0)
			continue;
		struct diag *g = diag_add(m->l->d, "E0103", AT(f, key), "check \"%.60s\" is there twice", key->is->s);
		diag_note(g, AT(c->file, c->key), "the first one is here");
		return true;
	}
	return false;
}

static void read_check(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *v)
{
	static const char *const names[] = { "assert", "data", NULL };
	struct check_block c = { .m = m, .file = f, .key = key };
	if (!module_check_name(m, f, key, "a check") || is_twice(m, f, key))
		return;
	if (v->is->kind != Y_MAP) {
		diag_hint(diag_add(m->l->d, "E0115", AT(f, v), "a check is a map, this is %s", yaml_kind_name(v)), "{ assert: [{ condition, error_message }] }");
		return;
	}
	module_check_keys(m, f, v, "a check", names);
	const struct ynode *list = yaml_get(v, "assert", NULL), *data = yaml_get(v, "data", NULL);
	if (data)
		module_read_typed(m, f, data, true, key);
	if (list)
		condition_read(m, f, list, "an assertion", &c.rules);
	else
		diag_add(m->l->d, "E0101", AT(f, key), "the check \"%s\" asserts nothing", key->is->s);
	vec_push(&m->l->checks, c);
}

void module_read_checks(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!module_is_map(m, f, body, "check"))
		return;
	for (uint32_t i = 0; i < body->is->n; i++)
		read_check(m, f, &yaml_kids(body)[2 * i], &yaml_kids(body)[2 * i + 1]);
}

static void check_in(struct lang *l, struct check_block *c, struct scope *s)
{
	char what[120];
	snprintf(what, sizeof(what), "check \"%.60s\" does not hold", c->key->is->s);
	module_prepare(l, s, &c->deps);
	struct scope *before = module_enter(l, s);
	autofree char *about = xasprintf("%s%scheck.%s", c->m->path, *c->m->path ? "." : "", c->key->is->s);
	l->about = about;
	for (size_t i = 0; i < c->rules.len; i++) {
		enum verdict v = condition_warn(l, &c->rules.at[i], "W0180", what);
		l->checks_wait = l->checks_wait || v == VERDICT_UNKNOWN;
		l->checks_failed += v == VERDICT_FAILS || v == VERDICT_BROKEN;
	}
	l->about = NULL;
	module_enter(l, before);
}

void checks_evaluate(struct lang *l)
{
	for (size_t i = 0; i < l->checks.len; i++) {
		struct check_block *c = &l->checks.at[i];
		module_list(l, c->m);
		for (size_t k = 0; k < c->m->scopes.len; k++)
			check_in(l, c, c->m->scopes.at[k]);
	}
}

bool lang_checks_wait(const struct lang *l)
{
	return l->checks_wait;
}

size_t lang_checks_failed(const struct lang *l)
{
	return l->checks_failed;
}

bool lang_has_checks(const struct lang *l)
{
	return l->checks.len > 0;
}

void checks_free(struct lang *l)
{
	for (size_t i = 0; i < l->checks.len; i++) {
		vec_free(&l->checks.at[i].rules);
		vec_free(&l->checks.at[i].deps);
	}
	vec_free(&l->checks);
}
