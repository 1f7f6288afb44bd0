/* eval_operand - what the parts of a failing expression were, for the `values` of diagnostics in JSON. */
#include <string.h>

#include "base/json.h"
#include "lang/eval.h"

enum { MAX_MEMBERS = 500, MAX_LEVELS = 50, MAX_VALUE_TEXT = 4096, MAX_EXPRESSION = 400 };

/* Is V small enough to be told? BUDGET: members that may still come. */
static bool is_small(const struct val *v, size_t *budget, int levels)
{
	if (!val_known(v) || val_is_null(v) || val_kind(v) < T_STRING)
		return true;
	if (val_kind(v) == T_STRING)
		return v->str.len <= MAX_VALUE_TEXT;
	size_t n = val_len(v);
	bool map = val_kind(v) == T_MAP || val_kind(v) == T_OBJECT;
	if (n > *budget || levels == 0)
		return false;
	*budget -= n;
	for (size_t i = 0; i < n; i++)
		if (!is_small(map ? v->map.at[i].val : v->seq.at[i], budget, levels - 1))
			return false;
	return true;
}

static void put_type(json_t *j, const struct type *t)
{
	autostr struct str s;
	str_init(&s, MAX_VALUE_TEXT);
	type_write_json(t, &s);
	json_t *type = str_full(&s) ? NULL : json_loads(s.at, JSON_DECODE_ANY, NULL);
	if (type)
		json_put_new(j, "type", type);
}

static void put_value(json_t *j, const struct val *v)
{
	size_t budget = MAX_MEMBERS;
	if (!is_small(v, &budget, MAX_LEVELS))
		return;
	bool unknown = false;
	unsigned marks = 0;
	json_t *value = val_to_json(v, &unknown, &marks);
	if (marks)
		json_put_new(j, marks & MARK_SENSITIVE ? "sensitive" : "ephemeral", json_true());
	else if (unknown)
		json_put_new(j, "unknown", json_true());
	else
		json_put_new(j, "value", json_incref(value));
	json_decref(value);
}

void eval_operand_named(struct diag *g, const char *text, size_t len, const struct val *v)
{
	if (!g || !v)
		return;
	autostr struct str s, shown;
	json_t *j = json_object();
	str_init(&s, MAX_EXPRESSION + 8);
	str_init(&shown, MAX_VALUE_TEXT);
	if (text) {
		size_t n = len > MAX_EXPRESSION ? MAX_EXPRESSION : len;
		while (n && n < len && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		str_addn(&s, text, n);
		str_add(&s, n < len ? "..." : "");
		json_put_new(j, "expression", json_string_safe(s.at, s.len));
	}
	val_describe(v, &shown);
	json_put_str(j, "shown", shown.at);
	put_type(j, v->type);
	put_value(j, v);
	diag_value(g, j);
}

void eval_operand(struct diag *g, const struct expr *x, const struct val *v)
{
	bool text = x && x->len && x->o->text;
	eval_operand_named(g, text ? x->o->text + x->off : NULL, text ? x->len : 0, v);
}

void eval_tell(struct diag *g, const struct expr *x, const char *what, const struct val *v)
{
	const struct ynode *n = x->kind == X_YAML ? x->yaml.node : NULL;
	if (g && n && n->is->kind == Y_STRING && strpbrk(n->is->s, ".(=<>!&|?["))
		diag_hint(g, "an expression stands in ${...}");
	eval_note_value(g, what, v);
	eval_operand(g, x, v);
}
