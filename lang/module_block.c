/* module_block - pieces that blocks of several kinds are made of. */
#include <string.h>

#include "lang/module.h"

struct thing *module_find(struct module *m, const char *root, const char *name)
{
	char id[1024];
	struct thing *t = NULL;
	int n = snprintf(id, sizeof(id), "%s.%s", root, name);
	if (n > 0 && (size_t)n < sizeof(id))
		HASH_FIND(hh, m->things, id, (unsigned)n, t);
	return t;
}

bool module_check_keys(struct module *m, const struct yaml_file *f, const struct ynode *map, const char *what, const char *const *names)
{
	bool ok = true;
	for (uint32_t i = 0; i < map->n; i++) {
		const char *const *n = names;
		while (*n && strcmp(*n, map->kids[2 * i].s) != 0)
			n++;
		if (*n)
			continue;
		struct diag *g = diag_add(m->l->d, "E0102", AT(f, &map->kids[2 * i]), "%s has no key \"%.60s\"", what, map->kids[2 * i].s);
		diag_suggest(g, map->kids[2 * i].s, names);
		ok = false;
	}
	return ok;
}

bool module_is_map(struct module *m, const struct yaml_file *f, const struct ynode *n, const char *what)
{
	if (n->kind == Y_MAP)
		return true;
	if (n->kind != Y_NULL)
		diag_add(m->l->d, "E0115", AT(f, n), "%s is a map, this is %s", what, yaml_kind_name(n));
	return false;
}

bool module_check_name(struct module *m, const struct yaml_file *f, const struct ynode *key, const char *what)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	if (key->n > 0 && key->n <= 200 && strspn(key->s, letters) == key->n && key->s[0] != '-')
		return true;
	struct diag *g = diag_add(m->l->d, "E0104", AT(f, key), "this cannot be the name of %s", what);
	diag_hint(g, key->n > 200 ? "at most 200 characters" : "letters, digits, _ and -");
	return false;
}

struct thing *thing_new(struct module *m, enum thing_kind kind, const char *root, const struct yaml_file *f, const struct ynode *key,
			       const struct ynode *body)
{
	struct thing *old = module_find(m, root, key->s);
	if (old) {
		struct diag *g = diag_add(m->l->d, "E0103", AT(f, key), kind == THING_OUTPUT ? "the output \"%s%s\" is there twice" : "%s.%s is there twice",
				  kind == THING_OUTPUT ? "" : root, key->s);
		diag_note(g, AT(old->file, old->key), "the first one is here");
		return NULL;
	}
	struct thing *t = arena_alloc(m->l->arena, sizeof(*t));
	t->id = arena_printf(m->l->arena, "%s.%s", root, key->s);
	t->name = key->s;
	t->kind = kind;
	t->module = m;
	t->slot = (unsigned)m->order.len;
	t->file = f;
	t->key = key;
	t->body = body;
	HASH_ADD_KEYPTR(hh, m->things, t->id, strlen(t->id), t);
	vec_push(&m->order, t);
	vec_push(&m->l->order, t);
	return t;
}

struct expr *module_read_depends_on(struct module *m, const struct yaml_file *f, const struct ynode *v)
{
	if (v->kind != Y_SEQ) {
		diag_add(m->l->d, "E0115", AT(f, v), "depends_on is a list of addresses such as TYPE.NAME or module.NAME, this is %s", yaml_kind_name(v));
		return NULL;
	}
	struct expr *x = arena_alloc(m->l->arena, sizeof(*x));
	x->kind = X_TUPLE;
	x->height = 1;
	x->list.at = arena_array(m->l->arena, v->n ? v->n : 1, sizeof(*x->list.at));
	for (uint32_t i = 0; i < v->n; i++) {
		const struct ynode *n = &v->kids[i];
		if (n->kind != Y_STRING || n->live) {
			struct diag *g = diag_add(m->l->d, "E0115", AT(f, n), "depends_on holds addresses such as \"TYPE.NAME\"");
			if (n->live)
				diag_hint(g, "without ${}");
			continue;
		}
		struct origin *o = arena_alloc(m->l->arena, sizeof(*o));
		*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->s, .len = n->n };
		struct expr *ref = expr_parse(m->l->arena, o, m->l->d);
		const char *root, *name;
		const struct expr *base = ref;
		while (base && !expr_reference(base, &root, &name) && base->kind == X_INDEX)
			base = base->index.src;
		if (ref && !expr_reference(base, &root, &name)) {
			diag_add(m->l->d, "E0115", AT(f, n), "this is not the address of a resource or module; it looks like TYPE.NAME or module.NAME");
			ref = NULL;
		}
		if (ref)
			x->list.at[x->list.n++] = (struct expr *)base;
	}
	return x;
}
