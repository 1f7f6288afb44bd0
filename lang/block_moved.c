/* block_moved - `moved`, `removed` and `import` blocks: what objects were called, what is let go, what is taken over. */
#include <string.h>

#include "lang/module.h"

enum { MAX_MOVES = 100000, MAX_STEPS = 200 };

/* --- addresses ---------------------------------------------------------------------------------------------------------- */

struct address { const char *text; const char *type; bool keyed; struct mark at; };

static const struct expr *inner(const struct expr *x)
{
	return x->kind == X_ATTR ? x->attr.src : x->kind == X_INDEX ? x->index.src : NULL;
}

static bool bad_address(struct lang *l, struct mark at)
{
	struct diag *g = diag_add(l->d, "E0160", at, "this is not the address of an object");
	diag_note(g, (struct mark){ 0 }, "it looks like TYPE.NAME, TYPE.NAME[KEY] or module.NAME.TYPE.NAME, as aipc state list prints it");
	return false;
}

static bool add_step_key(struct lang *l, const struct expr *x, struct str *out)
{
	const struct val *key = eval_run(l->e, x->index.key), *text;
	struct err err;
	if (!key)
		return false;
	bool number = val_kind(key) == T_NUMBER;
	if (val_convert(l->arena, key, &type_string, &text, &err) || !val_known(text) || eval_sensitive(l->e, text)) {
		eval_tell(diag_add(l->d, "E0160", expr_mark(x->index.key), "a key in an address is a known string or number"), x->index.key, "this", key);
		return false;
	}
	lang_add_key(out, number ? LANG_INDEX : LANG_EACH, text->str.s);
	return true;
}

/* The address that X spells, in the form of the state. */
static bool address_of(struct lang *l, const struct expr *x, struct address *out)
{
	const struct expr *steps[MAX_STEPS], *b = x;
	size_t n = 0, names = 0;
	bool module = false;
	for (; b && b->kind != X_REF; b = inner(b)) {
		if (n == MAX_STEPS)
			return bad_address(l, expr_mark(x));
		steps[n++] = b;
	}
	if (!b || !n)
		return bad_address(l, expr_mark(x));
	autostr struct str s;
	str_init(&s, STR_OURS);
	const char *word = b->name;
	*out = (struct address){ .at = expr_mark(x) };
	str_add(&s, word);
	/* Names come in pairs: module.NAME ..., then TYPE.NAME; behind that, the parts of a composite. */
	module = strcmp(word, "module") == 0;
	out->type = module ? "module" : word;
	names = 1;
	while (n--) {
		const struct expr *e = steps[n];
		if (e->kind == X_INDEX && names == 1)
			return bad_address(l, expr_mark(x));
		if (e->kind == X_INDEX) {
			if (out->keyed || !add_step_key(l, e, &s))
				return out->keyed ? bad_address(l, expr_mark(x)) : false;
			out->keyed = true;
			continue;
		}
		word = e->attr.name;
		str_addf(&s, ".%s", word);
		out->keyed = false;
		names++;
		if (module && names == 3) {
			module = strcmp(word, "module") == 0;
			out->type = module ? "module" : word;
			names = 1;
		}
	}
	static const char *const others[] = { "var", "local", "data", "each", "count", "path", "self", "output", NULL };
	for (const char *const *o = others; *o; o++)
		if (strcmp(out->type, *o) == 0 || str_has_prefix(out->type, "data."))
			return bad_address(l, expr_mark(x));
	if (names < 2)
		return bad_address(l, expr_mark(x));
	out->text = arena_strndup(l->arena, s.at, s.len);
	return true;
}

static struct expr *parse_address(struct module *m, const struct yaml_file *f, const struct ynode *n)
{
	struct lang *l = m->l;
	if (n->is->kind != Y_STRING || n->is->live) {
		struct diag *g = diag_add(l->d, "E0160", AT(f, n), "an address is a plain string, this is %s", n->is->kind == Y_STRING ? "a template" : yaml_kind_name(n));
		if (n->is->live)
			diag_hint(g, "write it without ${}");
		return NULL;
	}
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->is->s, .len = n->is->n };
	return expr_parse(l->arena, o, l->d);
}

/* --- reading ---------------------------------------------------------------------------------------------------------------- */

/* Calls READ for each entry: the block is one map or a list of them. */
static void each_entry(struct module *m, const struct yaml_file *f, const struct ynode *body, const char *what,
		       void (*read)(struct module *m, const struct yaml_file *f, const struct ynode *n))
{
	bool one = body->is->kind == Y_MAP;
	if (body->is->kind == Y_NULL)
		return;
	if (!one && body->is->kind != Y_SEQ) {
		diag_add(m->l->d, "E0115", AT(f, body), "%s is a list of maps, this is %s", what, yaml_kind_name(body));
		return;
	}
	for (uint32_t i = 0; i < (one ? 1 : body->is->n); i++) {
		const struct ynode *n = one ? body : &yaml_kids(body)[i];
		if (n->is->kind == Y_MAP)
			read(m, f, n);
		else
			diag_add(m->l->d, "E0115", AT(f, n), "%s is a map, this is %s", what, yaml_kind_name(n));
	}
}

static const struct ynode *need(struct module *m, const struct yaml_file *f, const struct ynode *n, const char *what, const char *key)
{
	const struct ynode *v = yaml_get(n, key, NULL);
	if (!v)
		diag_add(m->l->d, "E0101", AT(f, n), "%s needs \"%s\"", what, key);
	return v;
}

static bool read_address(struct module *m, const struct yaml_file *f, const struct ynode *n, struct address *out)
{
	struct expr *x = n ? parse_address(m, f, n) : NULL;
	return x && address_of(m->l, x, out);
}

static void read_move(struct module *m, const struct yaml_file *f, const struct ynode *n)
{
	static const char *const names[] = { "from", "to", NULL };
	struct lang *l = m->l;
	struct address from, to;
	module_check_keys(m, f, n, "moved", names);
	const struct ynode *a = need(m, f, n, "moved", "from"), *b = need(m, f, n, "moved", "to");
	bool ok = read_address(m, f, a, &from);
	if (!read_address(m, f, b, &to) || !ok)
		return;
	if (strcmp(from.type, to.type) != 0) {
		struct diag *g = diag_add(l->d, "E0160", to.at, "an object of type %s cannot become one of type %s", from.type, to.type);
		diag_note(g, from.at, "it was this");
		return;
	}
	if (strcmp(from.text, to.text) == 0) {
		diag_add(l->d, "E0160", to.at, "this moves %s to where it is", from.text);
		return;
	}
	if (l->moves.len < MAX_MOVES)
		vec_push(&l->moves, (struct lang_move){ .module = m->path, .from = from.text, .to = to.text, .from_at = from.at, .to_at = to.at,
						       .single = !from.keyed && to.keyed });
}

void module_read_moved(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	each_entry(m, f, body, "moved", read_move);
}

static void read_removed(struct module *m, const struct yaml_file *f, const struct ynode *n)
{
	static const char *const names[] = { "from", "lifecycle", NULL }, *const life_names[] = { "destroy", NULL };
	struct address from;
	module_check_keys(m, f, n, "removed", names);
	const struct ynode *life = yaml_get(n, "lifecycle", NULL);
	bool destroy = true;
	if (life && module_is_map(m, f, life, "lifecycle")) {
		const struct ynode *d = yaml_get(life, "destroy", NULL);
		module_check_keys(m, f, life, "lifecycle of removed", life_names);
		if (d && d->is->kind != Y_BOOL)
			diag_add(m->l->d, "E0115", AT(f, d), "destroy is true or false, this is %s", yaml_kind_name(d));
		destroy = !d || d->is->kind != Y_BOOL || d->is->b;
	}
	if (read_address(m, f, need(m, f, n, "removed", "from"), &from) && m->l->removed.len < MAX_MOVES)
		vec_push(&m->l->removed, (struct lang_removed){ .module = m->path, .from = from.text, .at = from.at, .destroy = destroy });
}

void module_read_removed(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	each_entry(m, f, body, "removed", read_removed);
}

static void read_import(struct module *m, const struct yaml_file *f, const struct ynode *n)
{
	static const char *const names[] = { "for_each", "id", "to", NULL };
	struct lang *l = m->l;
	module_check_keys(m, f, n, "import", names);
	const struct ynode *to = need(m, f, n, "import", "to"), *id = yaml_get(n, "id", NULL), *each = yaml_get(n, "for_each", NULL);
	struct import_block b = { .to = to ? parse_address(m, f, to) : NULL, .id = id ? expr_from_yaml(l->arena, f, id, l->d) : NULL,
				  .for_each = each ? expr_from_yaml(l->arena, f, each, l->d) : NULL };
	if (b.to && (b.id || !id) && (b.for_each || !each))
		vec_push(&l->import_blocks, b);
}

void module_read_import(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	if (m->parent) {
		struct diag *g = diag_add(m->l->d, "E0131", AT(f, key), "a module that is called imports nothing");
		diag_hint(g, "import in the spec that calls it, to module.NAME...");
		return;
	}
	each_entry(m, f, body, "import", read_import);
}

/* --- mistakes between blocks --------------------------------------------------------------------------------------------------- */

struct end { char *key; const struct lang_move *m; UT_hash_handle hh; };

static struct end *end_of(struct end **all, const char *module, const char *address, const struct lang_move *m)
{
	struct end *e;
	autofree char *key = xasprintf("%s|%s", module, address);
	HASH_FIND_STR(*all, key, e);
	if (e || !m)
		return e;
	e = xcalloc(1, sizeof(*e));
	e->key = key;
	key = NULL;
	e->m = m;
	HASH_ADD_KEYPTR(hh, *all, e->key, strlen(e->key), e);
	return NULL;
}

static void free_ends(struct end *e)
{
	struct end *next, *first = e;
	HASH_CLEAR(hh, first);
	for (; e; e = next) {
		next = e->hh.next;
		free(e->key);
		free(e);
	}
}

/* Does following the moves from M lead back to it? */
static void check_circle(struct lang *l, struct end **froms, const struct lang_move *m, size_t *budget)
{
	const struct lang_move *at = m;
	for (size_t steps = 0; steps <= l->moves.len && *budget; steps++, --*budget) {
		struct end *e = end_of(froms, at->module, at->to, NULL);
		if (!e)
			return;
		at = e->m;
		if (at < m)
			return;              /* told with that one */
		if (at != m)
			continue;
		struct diag *g = diag_add(l->d, "E0161", m->from_at, "these moves lead in a circle, so nothing can be where it should");
		for (at = end_of(froms, m->module, m->to, NULL)->m; at != m; at = end_of(froms, at->module, at->to, NULL)->m)
			diag_note(g, at->from_at, "%s goes to %s", at->from, at->to);
		return;
	}
}

void moved_check(struct lang *l)
{
	struct end *froms = NULL, *tos = NULL, *old;
	size_t budget = 10000000;
	for (size_t i = 0; i < l->moves.len; i++) {
		const struct lang_move *m = &l->moves.at[i];
		if ((old = end_of(&froms, m->module, m->from, m)))
			diag_note(diag_add(l->d, "E0161", m->from_at, "%s is moved twice", m->from), old->m->from_at, "the first time here, to %s", old->m->to);
		if ((old = end_of(&tos, m->module, m->to, m)))
			diag_note(diag_add(l->d, "E0161", m->to_at, "two objects move to %s", m->to), old->m->to_at, "%s does too", old->m->from);
	}
	for (size_t i = 0; i < l->moves.len; i++)
		check_circle(l, &froms, &l->moves.at[i], &budget);
	free_ends(froms);
	free_ends(tos);
}

const struct lang_move *lang_moves(struct lang *l, size_t *n)
{
	*n = l->moves.len;
	return l->moves.at;
}

const struct lang_removed *lang_removed(struct lang *l, size_t *n)
{
	*n = l->removed.len;
	return l->removed.at;
}

/* --- imports -------------------------------------------------------------------------------------------------------------------- */

struct importing { struct lang *l; struct import_block *b; };

static bool one_import(void *ctx, enum lang_key kind, const char *key)
{
	struct importing *x = ctx;
	struct lang *l = x->l;
	struct address to;
	const struct val *v = NULL, *text = NULL;
	struct err err;
	(void)kind, (void)key;
	if (!address_of(l, x->b->to, &to))
		return false;
	if (x->b->id) {
		v = eval_run(l->e, x->b->id);
		if (!v)
			return false;
		if (val_convert(l->arena, v, &type_string, &text, &err) || !val_known(text) || eval_sensitive(l->e, text)) {
			eval_tell(diag_add(l->d, "E0164", expr_mark(x->b->id), "the id of an import is a known string that may be shown"), x->b->id, "this", v);
			return false;
		}
	}
	vec_push(&l->imports, (struct lang_import){ .to = to.text, .id = text ? text->str.s : NULL, .at = to.at });
	return true;
}

void imports_evaluate(struct lang *l)
{
	for (size_t i = 0; i < l->import_blocks.len; i++) {
		struct import_block *b = &l->import_blocks.at[i];
		struct importing x = { l, b };
		struct repeat r = { .for_each = b->for_each };
		module_prepare(l, l->top, &b->deps);
		struct scope *before = module_enter(l, l->top);
		module_repeat(l, &r, one_import, &x);
		module_enter(l, before);
		if (r.deferred)
			diag_add(l->d, "E0164", r.deferred_at, "what is imported must be known");
	}
}

const struct lang_import *lang_imports(struct lang *l, size_t *n)
{
	*n = l->imports.len;
	return l->imports.at;
}
