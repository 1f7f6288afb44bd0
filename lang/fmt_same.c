/* fmt_same - the proof of the formatter: two files hold the same values. */
#include <string.h>

#include "lang/expr.h"
#include "lang/fmt_internal.h"

static bool same(const struct expr *x, const struct expr *y);

static bool same_node(const struct ynode *x, const struct ynode *y)
{
	if (x->is->kind != y->is->kind || x->is->n != y->is->n)
		return false;
	if (x->is->kind != Y_SEQ && x->is->kind != Y_MAP)
		return x->is->b == y->is->b && (x->is->kind == Y_NULL || x->is->kind == Y_BOOL || memcmp(x->is->s, y->is->s, x->is->n) == 0);
	uint32_t n = x->is->kind == Y_MAP ? 2 * x->is->n : x->is->n;
	for (uint32_t i = 0; i < n; i++)
		if (!same_node(&yaml_kids(x)[i], &yaml_kids(y)[i]))
			return false;
	return true;
}

static bool same_name(const char *x, const char *y)
{
	return x == y || (x && y && strcmp(x, y) == 0);
}

static bool same_list(struct expr *const *x, struct expr *const *y, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!same(x[i], y[i]))
			return false;
	return true;
}

static bool same_value(const struct val *x, const struct val *y)
{
	if (!type_same(x->type, y->type) || x->state != y->state)
		return false;
	return x->state != VAL_KNOWN || x->type->kind == T_DYNAMIC || val_cmp(x, y) == 0;
}

static bool same_object(const struct expr *x, const struct expr *y)
{
	if (x->object.n != y->object.n)
		return false;
	struct expr_constant p, q;
	for (uint32_t i = 0; i < x->object.n; i++)
		if (!same(expr_item_key(x, i, &p), expr_item_key(y, i, &q)) || !same(expr_item_val(x, i, &p), expr_item_val(y, i, &q)))
			return false;
	return true;
}

static bool same_items(const struct expr *x, const struct expr *y)
{
	struct expr_constant p, q;
	for (uint32_t i = 0; i < x->list.n && i < y->list.n; i++)
		if (!same(expr_item(x, i, &p), expr_item(y, i, &q)))
			return false;
	return x->list.n == y->list.n;
}

static bool same(const struct expr *x, const struct expr *y)
{
	if (!x || !y || x == y)
		return x == y;
	if (x->kind != y->kind || x->op != y->op || x->group != y->group || x->key_slot != y->key_slot || x->val_slot != y->val_slot)
		return false;
	switch ((enum expr_kind)x->kind) {
	case X_VALUE: return same_value(x->val, y->val);
	case X_YAML: return same_node(x->yaml.node, y->yaml.node);
	case X_TEMPLATE: case X_TUPLE: return same_items(x, y);
	case X_REF: return same_name(x->name, y->name);
	case X_SLOT: return true;
	case X_ATTR: return same_name(x->attr.name, y->attr.name) && same(x->attr.src, y->attr.src);
	case X_INDEX: return same(x->index.src, y->index.src) && same(x->index.key, y->index.key);
	case X_SPLAT: return same(x->splat.src, y->splat.src) && same(x->splat.each, y->splat.each);
	case X_CALL: return same_name(x->call.name, y->call.name) && x->call.n == y->call.n && same_list(x->call.args, y->call.args, x->call.n);
	case X_COND: return same(x->cond.test, y->cond.test) && same(x->cond.yes, y->cond.yes) && same(x->cond.no, y->cond.no);
	case X_UNARY: return same(x->bin.l, y->bin.l);
	case X_BINARY: return same(x->bin.l, y->bin.l) && same(x->bin.r, y->bin.r);
	case X_JOIN: case X_FOR: return same(x->loop.coll, y->loop.coll) && same(x->loop.key, y->loop.key) && same(x->loop.val, y->loop.val)
					&& same(x->loop.test, y->loop.test);
	case X_OBJECT: return same_object(x, y);
	}
	return false;
}

bool fmt_readable(struct arena *a, const struct yaml_file *f, struct diags *d)
{
	return f->n_docs == 0 || expr_from_yaml(a, f, &f->docs[0], d) != NULL;
}

bool fmt_same(struct arena *a, const struct yaml_file *x, const struct yaml_file *y, struct diags *d)
{
	if (x->n_docs != y->n_docs || x->n_docs == 0)
		return x->n_docs == y->n_docs;
	const struct expr *p = expr_from_yaml(a, x, &x->docs[0], d), *q = expr_from_yaml(a, y, &y->docs[0], d);
	return p && q && same(p, q);
}
