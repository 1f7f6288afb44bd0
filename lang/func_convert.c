/* Functions that change or ask for the type, the mark or the state of a value. */
#include "lang/func_util.h"

static int to_type(struct func_call *c, const struct type *t, const struct val **out, struct err *err)
{
	int rc = val_convert(c->arena, c->args[0], t, out, err);
	c->bad_arg = 0;
	return rc;
}

int fn_tobool(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, &type_bool, out, err);
}

int fn_tonumber(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, &type_number, out, err);
}

int fn_tostring(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, &type_string, out, err);
}

int fn_tolist(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, type_list(c->arena, &type_dynamic), out, err);
}

int fn_toset(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, type_set(c->arena, &type_dynamic), out, err);
}

int fn_tomap(struct func_call *c, const struct val **out, struct err *err)
{
	return to_type(c, type_map(c->arena, &type_dynamic), out, err);
}

int fn_sensitive(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = val_mark(c->arena, c->args[0], c->args[0]->marks | MARK_SENSITIVE);
	return 0;
}

int fn_nonsensitive(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = val_mark(c->arena, c->args[0], c->args[0]->marks & ~(unsigned)MARK_SENSITIVE);
	return 0;
}

int fn_issensitive(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	bool is = c->args[0]->marks & MARK_SENSITIVE;
	*out = val_mark(c->arena, c->args[0]->state == VAL_UNKNOWN && !is ? val_unknown(c->arena, &type_bool) : val_bool(is),
			c->args[0]->marks & MARK_EPHEMERAL);
	return 0;
}

/* V without what is ephemeral in it: null of its type there. */
static const struct val *lasting(struct arena *a, const struct val *v)
{
	unsigned marks = val_sensitive_deep(v);
	if (!(marks & MARK_EPHEMERAL))
		return v;
	if (v->marks & MARK_EPHEMERAL)
		return val_mark(a, val_null(a, v->type), v->marks & ~(unsigned)MARK_EPHEMERAL);
	struct val *copy = arena_alloc(a, sizeof(*copy));
	size_t n = val_len(v);
	*copy = *v;
	if (val_kind(v) == T_MAP || val_kind(v) == T_OBJECT) {
		struct val_entry *at = arena_array(a, n, sizeof(*at));
		for (size_t i = 0; i < n; i++)
			at[i] = (struct val_entry){ v->map.at[i].key, lasting(a, v->map.at[i].val) };
		copy->map.at = at;
	} else {
		const struct val **at = arena_array(a, n, sizeof(*at));
		for (size_t i = 0; i < n; i++)
			at[i] = lasting(a, v->seq.at[i]);
		copy->seq.at = at;
	}
	return copy;
}

int fn_ephemeralasnull(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = lasting(c->arena, c->args[0]);
	return 0;
}
