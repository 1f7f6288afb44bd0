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
	for (uint32_t i = 0; i < map->is->n; i++) {
		const char *const *n = names;
		while (*n && strcmp(*n, yaml_kids(map)[2 * i].is->s) != 0)
			n++;
		if (*n)
			continue;
		struct diag *g = diag_add(m->l->d, "E0102", AT(f, &yaml_kids(map)[2 * i]), "%s has no key \"%.60s\"", what, yaml_kids(map)[2 * i].is->s);
		diag_suggest(g, yaml_kids(map)[2 * i].is->s, names);
		ok = false;
	}
	return ok;
}

bool module_is_map(struct module *m, const struct yaml_file *f, const struct ynode *n, const char *what)
{
	if (n->is->kind == Y_MAP)
		return true;
	if (n->is->kind != Y_NULL)
		diag_add(m->l->d, "E0115", AT(f, n), "%s is a map, this is %s", what, yaml_kind_name(n));
	return false;
}

bool module_check_name(struct module *m, const struct yaml_file *f, const struct ynode *key, const char *what)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	if (key->is->n > 0 && key->is->n <= 200 && strspn(key->is->s, letters) == key->is->n && key->is->s[0] != '-')
		return true;
	struct diag *g = diag_add(m->l->d, "E0104", AT(f, key), "this cannot be the name of %s", what);
	diag_hint(g, key->is->n > 200 ? "at most 200 characters" : "letters, digits, _ and -");
	return false;
}

struct thing *thing_new(struct module *m, enum thing_kind kind, const char *root, const struct yaml_file *f, const struct ynode *key,
			       const struct ynode *body)
{
	struct thing *old = module_find(m, root, key->is->s);
	if (old) {
		struct diag *g = diag_add(m->l->d, "E0103", AT(f, key), kind == THING_OUTPUT ? "the output \"%s%s\" is there twice" : "%s.%s is there twice",
				  kind == THING_OUTPUT ? "" : root, key->is->s);
		diag_note(g, AT(old->file, old->key), "the first one is here");
		return NULL;
	}
	struct thing *t = arena_alloc(m->l->arena, sizeof(*t));
	t->id = arena_printf(m->l->arena, "%s.%s", root, key->is->s);
	t->name = key->is->s;
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
	if (v->is->kind != Y_SEQ) {
		diag_add(m->l->d, "E0115", AT(f, v), "depends_on is a list of addresses such as TYPE.NAME or module.NAME, this is %s", yaml_kind_name(v));
		return NULL;
	}
	struct expr *x = arena_alloc(m->l->arena, sizeof(*x));
	x->kind = X_TUPLE;
	x->height = 1;
	x->list.at = arena_array(m->l->arena, v->is->n ? v->is->n : 1, sizeof(*x->list.at));
	for (uint32_t i = 0; i < v->is->n; i++) {
		const struct ynode *n = &yaml_kids(v)[i];
		if (n->is->kind != Y_STRING || n->is->live) {
			struct diag *g = diag_add(m->l->d, "E0115", AT(f, n), "depends_on holds addresses such as \"TYPE.NAME\"");
			if (n->is->live)
				diag_hint(g, "without ${}");
			continue;
		}
		struct origin *o = arena_alloc(m->l->arena, sizeof(*o));
		*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->is->s, .len = n->is->n };
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
