/* module_inputs - values for variables that come from outside: flags, the environment, files.
 *
 * An excerpt must not show a secret. Where a flag or the environment gives a sensitive variable, its text is never an excerpt; where a
 * file gives one, or gives a name that is not declared (and may be a secret's, misspelled), or cannot be read as YAML, its
 * diagnostics have places and no excerpts.
 */
#include <stdlib.h>
#include <string.h>

#include "lang/diag_internal.h"
#include "lang/func.h"
#include "lang/module.h"

/* One value for one variable. */
struct given {
	const struct lang_input *in;
	const char *name;
	const struct ynode *node;            /* in a file; NULL: IN->text */
	struct mark name_at, at;             /* of a file */
};
struct givens { struct given *at; size_t len, cap; bool broken; };

/* --- files ---------------------------------------------------------------------------------------------------------- */

static struct source *source_new(struct lang *l, const char *path, const char *text, size_t len)
{
	struct source *src = arena_alloc(l->arena, sizeof(*src));
	*src = (struct source){ arena_strdup(l->arena, path), text, len };
	return src;
}

/* What is said of OLD, without words of the file but keys: an alias or a tag may be a secret that was not quoted. */
static const char *bare_summary(const struct diag *old)
{
	if (strcmp(old->code, "E0403") == 0)
		return "a value that begins with * is an alias, and this one cannot be used; quote it when it is text";
	if (strcmp(old->code, "E0407") == 0)
		return "a value that begins with ! has a tag, and this one is not known; quote it when it is text";
	return old->summary;
}

/* M, without an excerpt. */
static struct mark at_bare(struct mark m, const struct source *bare)
{
	m.src = bare;
	return m;
}

/* What FROM holds, told without excerpts. */
static void tell(struct lang *l, const struct diags *from, const struct source *bare)
{
	struct diags_view v;
	diags_sorted(from, &v);
	for (size_t i = 0; i < v.n; i++) {
		const struct diag *old = v.at[i];
		struct diag *g = diag_add(l->d, old->code, at_bare(old->at, bare), "%s", bare_summary(old));
		if (old->hint)
			diag_hint(g, "%s", old->hint);
		for (size_t k = 0; k < old->notes.len; k++)
			diag_note(g, old->notes.at[k].at, "%s", old->notes.at[k].text);
	}
	free(v.at);
}

/* May lines of a file with the names of MAP be shown? */
static bool may_show(struct lang *l, const struct ynode *map)
{
	for (uint32_t i = 0; i < map->is->n; i++) {
		const struct thing *t = module_find(l->root, "var", yaml_kids(map)[2 * i].is->s);
		if (!t || t->sensitive)
			return false;
	}
	return true;
}

static void add_file(struct lang *l, const struct lang_input *in, struct givens *out)
{
	struct source *bare = source_new(l, in->origin, NULL, 0);
	struct source *src = source_new(l, in->origin, arena_strndup(l->arena, in->text, in->len), in->len);
	struct diags *d = diags_new();
	struct yaml_file *f;
	bool ok = yaml_parse(l->arena, src, false, d, &f);
	tell(l, d, bare);
	diags_free(d);
	const struct ynode *map = ok && f->n_docs ? &f->docs[0] : NULL;
	if (map && map->is->kind != Y_MAP && map->is->kind != Y_NULL) {
		diag_add(l->d, "E0115", at_bare(AT(f, map), bare), "a file of values is a map of variables' names to values, this is %s",
			 yaml_kind_name(map));
		ok = false;
	}
	out->broken |= !ok;
	if (!ok || !map || map->is->kind == Y_NULL)
		return;
	bool show = may_show(l, map);
	for (uint32_t i = 0; i < map->is->n; i++) {
		const struct ynode *key = &yaml_kids(map)[2 * i];
		struct given g = { in, key->is->s, key + 1, AT(f, key), AT(f, key + 1) };
		if (!show)
			g.name_at.src = g.at.src = bare;
		vec_push(out, g);
	}
}

/* --- values --------------------------------------------------------------------------------------------------------- */

/* As an expression whose mistakes are told without its text. */
static const struct val *read_secret(struct lang *l, const struct thing *t, const struct origin *o)
{
	struct diags *told = l->d, *kept_back = diags_new();
	l->d = l->e->d = kept_back;
	struct expr *x = expr_parse(l->arena, o, l->d);
	const struct val *v = x ? eval_run(l->e, x) : NULL;
	l->d = l->e->d = told;
	diags_free(kept_back);
	if (!v)
		diag_add(l->d, "E0302", (struct mark){ .src = o->src }, "the value of \"%s\" is no expression that can be read; it is sensitive and not shown", t->name);
	return v;
}

/* The text of a flag or of the environment as a value; NULL after a report. */
static const struct val *read_text(struct lang *l, struct thing *t, const struct lang_input *in, const struct source *src)
{
	if (t->literal)
		return val_string(l->arena, in->text);
	const struct val *v = func_json_value(l->arena, in->text, in->len);
	if (v)
		return v;
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .src = src, .text = arena_strndup(l->arena, in->text, in->len), .len = (uint32_t)in->len };
	if (t->sensitive)
		return read_secret(l, t, o);
	struct expr *x = expr_parse(l->arena, o, l->d);
	return x ? eval_run(l->e, x) : NULL;
}

static void take(struct lang *l, struct thing *t, const struct given *g)
{
	struct cell *c = &l->top->cells[t->slot];
	const struct val *v;
	if (g->node) {
		t->arg_at = g->at;
		v = eval_yaml(l->e, g->node, true);
	} else {
		bool show = !t->sensitive;
		t->arg_at = (struct mark){ .src = source_new(l, g->in->origin, show ? arena_strndup(l->arena, g->in->text, g->in->len) : NULL, show ? g->in->len : 0) };
		v = read_text(l, t, g->in, t->arg_at.src);
	}
	if (v && val_is_null(v) && !t->nullable && t->deflt)
		c->val = t->deflt;
	else
		c->val = v ? module_fit(l, t, v, t->arg_at) : NULL;
	c->state = c->val ? CELL_DONE : CELL_FAILED;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

static void report_unknown(struct lang *l, const struct given *g)
{
	VEC(const char *) names = { 0 };
	if (g->in->from == LANG_ENVIRONMENT)
		return;                      /* it may serve several specs */
	for (size_t i = 0; i < l->root->order.len; i++)
		if (l->root->order.at[i]->kind == THING_VAR)
			vec_push(&names, l->root->order.at[i]->name);
	vec_push(&names, NULL);
	struct mark at = g->node ? g->name_at : (struct mark){ .src = source_new(l, g->in->origin, NULL, 0) };
	struct diag *d = diag_add(l->d, g->node ? "W0304" : "E0304", at, "there is no variable \"%.60s\"", g->name);
	diag_suggest(d, g->name, names.at);
	vec_free(&names);
}

static const char *origin_of(struct lang *l, const struct given *g)
{
	return g->node ? arena_printf(l->arena, "%s:%u:%u", g->in->origin, g->at.line, g->at.col) : arena_strdup(l->arena, g->in->origin);
}

/* The given value of each variable, by slot: the last of its name. The origins of the others are kept. */
static const struct given **choose(struct lang *l, const struct givens *all)
{
	const struct given **last = arena_array(l->arena, l->root->order.len + 1, sizeof(*last));
	for (size_t i = 0; i < all->len; i++) {
		const struct given *g = &all->at[i];
		struct thing *t = module_find(l->root, "var", g->name);
		if (!t) {
			report_unknown(l, g);
			continue;
		}
		if (last[t->slot])
			vec_push(&t->passed_over, t->given);
		last[t->slot] = g;
		t->given = origin_of(l, g);
	}
	return last;
}

static void report_missing(struct lang *l, struct thing *t, bool broken)
{
	t->failed = true;
	if (broken)
		return;                      /* the file that could not be read may have it */
	struct diag *g = diag_add(l->d, "E0301", AT(t->file, t->key), "variable \"%s\" has no value", t->name);
	diag_hint(g, "give -var %s=VALUE, set AIPC_VAR_%s, or write a default", t->name, t->name);
}

void module_take_inputs(struct lang *l, const struct lang_input *in, size_t n)
{
	eval_resolve_fn *resolve = l->e->resolve;
	struct givens all = { 0 };
	l->e->resolve = module_constant;
	for (size_t i = 0; i < n; i++) {
		if (in[i].from == LANG_FILE)
			add_file(l, &in[i], &all);
		else
			vec_push(&all, (struct given){ .in = &in[i], .name = in[i].name });
	}
	const struct given **last = choose(l, &all);
	for (size_t i = 0; i < l->root->order.len; i++) {
		struct thing *t = l->root->order.at[i];
		if (t->kind != THING_VAR || t->failed)
			continue;
		if (last[t->slot] && t->x) {
			struct mark at = expr_mark(t->x);
			vec_push(&t->passed_over, arena_printf(l->arena, "default %s:%u:%u", at.src->path, at.line, at.col));
		}
		if (last[t->slot])
			take(l, t, last[t->slot]);
		else if (!t->required)
			l->top->cells[t->slot] = (struct cell){ .state = CELL_DONE, .val = t->deflt };
		else
			report_missing(l, t, all.broken);
	}
	l->e->resolve = resolve;
	vec_free(&all);
}
