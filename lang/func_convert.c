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
	*out = val_mark(c->arena, c->args[0], true);
	return 0;
}

int fn_nonsensitive(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = val_mark(c->arena, c->args[0], false);
	return 0;
}

int fn_issensitive(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = c->args[0]->state == VAL_UNKNOWN && !c->args[0]->sensitive ? val_unknown(c->arena, &type_bool) : val_bool(c->args[0]->sensitive);
	return 0;
}

/* Nothing here is ephemeral, so every value stays as it is. */
int fn_ephemeralasnull(struct func_call *c, const struct val **out, struct err *err)
{
	(void)err;
	*out = c->args[0];
	return 0;
}
