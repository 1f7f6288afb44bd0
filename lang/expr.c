#include "lang/expr.h"

#include <string.h>

#include "base/mem.h"

/* --- from YAML --------------------------------------------------------------------------------------------------- */

static bool is_scalar(const struct ynode *n)
{
	return n->is->kind != Y_SEQ && n->is->kind != Y_MAP;
}

static struct origin origin_at(const struct yaml_file *f, const struct ynode *n)
{
	struct origin o = { .file = f, .node = n, .src = &f->src };
	if (is_scalar(n)) {
		o.text = n->is->s;
		o.len = n->is->n;
	}
	return o;
}

static const struct origin *origin_of(struct arena *a, const struct yaml_file *f, const struct ynode *n)
{
	struct origin *o = arena_alloc(a, sizeof(*o));
	*o = origin_at(f, n);
	return o;
}

static struct expr *node_new(struct arena *a, enum expr_kind kind, const struct origin *o)
{
	struct expr *x = arena_alloc(a, sizeof(*x));
	x->kind = kind;
	x->o = o;
	x->height = 1;
	return x;
}

static void take_child(struct expr *x, const struct expr *child)
{
	if (!child)
		return;
	x->varies |= child->varies;
	if (child->height >= x->height)
		x->height = (uint16_t)(child->height + 1);
}

/* N, a member of X: NULL in *OUT for a constant scalar. */
static bool from_member(struct arena *a, const struct yaml_file *f, const struct ynode *n, struct expr *x, struct expr **out, struct diags *d)
{
	static const struct expr leaf = { .height = 1 };
	*out = NULL;
	if (is_scalar(n) && !n->is->live) {
		take_child(x, &leaf);
		return true;
	}
	*out = expr_from_yaml(a, f, n, d);
	take_child(x, *out);
	return *out != NULL;
}

static struct expr *constant(const struct expr *x, const struct ynode *n, struct expr_constant *room)
{
	room->o = origin_at(x->o->file, n);
	room->x = (struct expr){ .kind = X_YAML, .height = 1, .o = &room->o, .yaml = { .node = n } };
	return &room->x;
}

struct expr *expr_item(const struct expr *x, uint32_t i, struct expr_constant *room)
{
	return x->list.at[i] ? x->list.at[i] : constant(x, &yaml_kids(x->o->node)[i], room);
}

struct expr *expr_item_key(const struct expr *x, uint32_t i, struct expr_constant *room)
{
	return x->object.at[i].key ? x->object.at[i].key : constant(x, &yaml_kids(x->o->node)[2 * i], room);
}

struct expr *expr_item_val(const struct expr *x, uint32_t i, struct expr_constant *room)
{
	return x->object.at[i].val ? x->object.at[i].val : constant(x, &yaml_kids(x->o->node)[2 * i + 1], room);
}

static struct expr *from_map(struct arena *a, const struct yaml_file *f, const struct ynode *n, struct diags *d)
{
	struct expr *x = node_new(a, X_OBJECT, origin_of(a, f, n));
	bool ok = true;
	x->object.n = n->is->n;
	x->object.at = arena_array(a, n->is->n ? n->is->n : 1, sizeof(*x->object.at));
	for (uint32_t i = 0; i < n->is->n; i++) {
		struct expr_item *item = &x->object.at[i];
		ok &= from_member(a, f, &yaml_kids(n)[2 * i], x, &item->key, d);
		ok &= from_member(a, f, &yaml_kids(n)[2 * i + 1], x, &item->val, d);
	}
	return ok ? x : NULL;
}

/* `|+` and `>+` ask for the line breaks at the end. */
static bool keeps_breaks(const struct yaml_file *f, const struct ynode *n)
{
	const char *p = f->src.text + n->off;
	return p[1] == '+' || (p[1] && p[2] == '+');
}

/* A block scalar ends with a line break that nobody wrote for its own sake: where there is but one `${...}` before it, it does not make text of it. */
static struct expr *from_text(struct arena *a, const struct yaml_file *f, const struct ynode *n, struct diags *d)
{
	struct expr *x = expr_parse_template(a, origin_of(a, f, n), d);
	bool block = n->is->style == YS_LITERAL || n->is->style == YS_FOLDED, alone = x && x->kind == X_TEMPLATE && x->list.n == 2 && strncmp(n->is->s, "${", 2) == 0;
	const struct expr *end = block && alone ? x->list.at[1] : NULL;
	bool dropped = end && end->kind == X_VALUE && end->off == n->is->n - 1 && n->is->s[n->is->n - 1] == '\n' && !keeps_breaks(f, n);
	return dropped ? x->list.at[0] : x;
}

struct expr *expr_from_yaml(struct arena *a, const struct yaml_file *f, const struct ynode *n, struct diags *d)
{
	if (!n->is->live) {
		struct expr *x = node_new(a, X_YAML, origin_of(a, f, n));
		x->yaml.node = n;
		return x;
	}
	if (n->is->kind == Y_STRING)
		return from_text(a, f, n, d);
	if (n->is->kind == Y_MAP)
		return from_map(a, f, n, d);
	struct expr *x = node_new(a, X_TUPLE, origin_of(a, f, n));
	bool ok = true;
	x->list.n = n->is->n;
	x->list.at = arena_array(a, n->is->n ? n->is->n : 1, sizeof(*x->list.at));
	for (uint32_t i = 0; i < n->is->n; i++)
		ok &= from_member(a, f, &yaml_kids(n)[i], x, &x->list.at[i], d);
	return ok ? x : NULL;
}

/* --- walking ----------------------------------------------------------------------------------------------------- */

static void visit(const struct expr *x, expr_visit_fn *fn, void *ctx, bool certain);

static void visit_call(const struct expr *x, expr_visit_fn *fn, void *ctx, bool certain)
{
	bool lazy = strcmp(x->call.name, "try") == 0 || strcmp(x->call.name, "can") == 0;
	for (uint32_t i = 0; i < x->call.n; i++)
		visit(x->call.args[i], fn, ctx, certain && !lazy);
}

static void visit_members(const struct expr *x, expr_visit_fn *fn, void *ctx, bool certain)
{
	struct expr_constant room;
	for (uint32_t i = 0; x->kind != X_OBJECT && i < x->list.n; i++)
		visit(expr_item(x, i, &room), fn, ctx, certain);
	for (uint32_t i = 0; x->kind == X_OBJECT && i < x->object.n; i++) {
		visit(expr_item_key(x, i, &room), fn, ctx, certain);
		visit(expr_item_val(x, i, &room), fn, ctx, certain);
	}
}

static void visit_loop(const struct expr *x, expr_visit_fn *fn, void *ctx, bool certain)
{
	visit(x->loop.coll, fn, ctx, certain);
	visit(x->loop.key, fn, ctx, certain);
	visit(x->loop.val, fn, ctx, certain);
	visit(x->loop.test, fn, ctx, certain);
}

static void visit(const struct expr *x, expr_visit_fn *fn, void *ctx, bool certain)
{
	if (!x)
		return;
	fn(ctx, x, certain);
	switch ((enum expr_kind)x->kind) {
	case X_VALUE: case X_YAML: case X_REF: case X_SLOT:
		return;
	case X_TEMPLATE: case X_TUPLE: case X_OBJECT:
		visit_members(x, fn, ctx, certain);
		return;
	case X_JOIN: case X_FOR:
		visit_loop(x, fn, ctx, certain);
		return;
	case X_ATTR:
		visit(x->attr.src, fn, ctx, certain);
		return;
	case X_INDEX:
		visit(x->index.src, fn, ctx, certain);
		visit(x->index.key, fn, ctx, certain);
		return;
	case X_SPLAT:
		visit(x->splat.src, fn, ctx, certain);
		visit(x->splat.each, fn, ctx, certain);
		return;
	case X_CALL:
		visit_call(x, fn, ctx, certain);
		return;
	case X_COND:
		visit(x->cond.test, fn, ctx, certain);
		visit(x->cond.yes, fn, ctx, false);
		visit(x->cond.no, fn, ctx, false);
		return;
	case X_UNARY: case X_BINARY:
		visit(x->bin.l, fn, ctx, certain);
		visit(x->bin.r, fn, ctx, certain && x->op != OP_AND && x->op != OP_OR);
		return;
	}
}

void expr_visit(const struct expr *x, expr_visit_fn *fn, void *ctx)
{
	visit(x, fn, ctx, true);
}
