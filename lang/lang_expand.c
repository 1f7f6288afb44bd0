/* lang_expand - one resource to its instances. */
#include <stdlib.h>
#include <string.h>

#include "lang/module.h"

/* --- count and for_each ---------------------------------------------------------------------------------------------- */

void lang_add_key(struct str *out, enum lang_key kind, const char *key)
{
	if (kind == LANG_INDEX)
		str_addf(out, "[%s]", key);
	if (kind != LANG_EACH)
		return;
	str_add(out, "[\"");
	for (const unsigned char *p = (const unsigned char *)key; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(out, '\\'), str_addc(out, (char)*p);
		else if (*p == '\n')
			str_add(out, "\\n");
		else if (*p == '\t')
			str_add(out, "\\t");
		else if (*p < 0x20 || *p == 0x7f)
			str_addf(out, "\\u%04x", *p);
		else
			str_addc(out, (char)*p);
	}
	str_add(out, "\"]");
}

struct repeating { struct lang *l; struct repeat *r; bool (*body)(void *ctx, enum lang_key kind, const char *key); void *ctx; };

/* The value of count or for_each: NULL failed; *LATER: not known yet. */
static const struct val *meta(struct repeating *x, struct expr *e, const char *name, bool *later)
{
	const struct val *v = eval_run(x->l->e, e);
	if (!v)
		return NULL;
	if (val_is_null(v)) {
		eval_fail(x->l->e, e, "E0228", "%s cannot be null", name);
		return NULL;
	}
	if (eval_sensitive(x->l->e, v) & MARK_EPHEMERAL) {
		struct diag *g = eval_fail(x->l->e, e, "E0231", "%s cannot be ephemeral: which objects there are is stored", name);
		if (g)
			diag_hint(g, "ephemeralasnull() takes such values away");
		return NULL;
	}
	if (eval_sensitive(x->l->e, v)) {
		struct diag *g = eval_fail(x->l->e, e, "E0228", "%s cannot be sensitive: it would show in addresses", name);
		if (g)
			diag_hint(g, "nonsensitive() says that it may be shown");
		return NULL;
	}
	if (!val_known(v)) {
		*later = true;
		x->r->deferred = true;
		x->r->deferred_at = expr_mark(e);
	}
	return v;
}

static bool by_count(struct repeating *x)
{
	struct expr *e = x->r->count;
	struct lang *l = x->l;
	const struct val *num;
	struct err err;
	bool later = false, ok = true;
	int64_t n;
	const struct val *v = meta(x, e, "count", &later);
	if (!v || later)
		return v != NULL;
	if (val_convert(l->arena, v, &type_number, &num, &err) || !val_to_int64(num, &n) || n < 0 || n > MAX_INSTANCES) {
		eval_tell(eval_fail(l->e, e, "E0228", "count is a whole number from 0 to %d", MAX_INSTANCES), e, "this", v);
		return false;
	}
	for (int64_t i = 0; i < n && (ok || i < 3); i++) {
		l->count_index = val_int(l->arena, i);
		ok &= x->body(x->ctx, LANG_INDEX, arena_printf(l->arena, "%lld", (long long)i));
	}
	l->count_index = NULL;
	return ok;
}

static bool bad_for_each(struct repeating *x, const struct val *v)
{
	struct diag *g = eval_fail(x->l->e, x->r->for_each, "E0228", "for_each takes a map or a set of strings");
	eval_tell(g, x->r->for_each, "this", v);
	if (g && (val_kind(v) == T_TUPLE || val_kind(v) == T_LIST))
		diag_hint(g, "toset() makes a set of a list of strings");
	return false;
}

static bool by_each(struct repeating *x)
{
	struct lang *l = x->l;
	bool later = false, ok = true;
	const struct val *v = meta(x, x->r->for_each, "for_each", &later);
	if (!v || later)
		return v != NULL;
	enum type_kind kind = val_kind(v);
	/* A set of what is not known yet has members of no type. */
	bool texts = kind == T_SET && (!val_len(v) || v->type->elem->kind == T_STRING || v->type->elem->kind == T_DYNAMIC);
	if (kind != T_MAP && kind != T_OBJECT && !texts)
		return bad_for_each(x, v);
	if (val_len(v) > MAX_INSTANCES) {
		eval_fail(l->e, x->r->for_each, "E0228", "for_each has more than %d elements", MAX_INSTANCES);
		return false;
	}
	for (size_t i = 0; i < val_len(v) && (ok || i < 3); i++) {
		if (kind == T_SET) {
			l->each_key = l->each_value = v->seq.at[i];
			if (val_is_null(l->each_key) || (val_known(l->each_key) && (val_kind(l->each_key) != T_STRING ||
									     strlen(l->each_key->str.s) != l->each_key->str.len)))
				return bad_for_each(x, v);
			if (!val_known(l->each_key)) {
				x->r->deferred = true;
				x->r->deferred_at = expr_mark(x->r->for_each);
				break;
			}
		} else {
			l->each_key = val_string(l->arena, v->map.at[i].key);
			l->each_value = v->map.at[i].val;
		}
		ok &= x->body(x->ctx, LANG_EACH, l->each_key->str.s);
	}
	l->each_key = l->each_value = NULL;
	return ok;
}

bool module_repeat(struct lang *l, struct repeat *r, bool (*body)(void *ctx, enum lang_key kind, const char *key), void *ctx)
{
	struct repeating x = { l, r, body, ctx };
	l->e->quiet = 0;
	r->kind = r->count ? LANG_INDEX : r->for_each ? LANG_EACH : LANG_SINGLE;
	return r->count ? by_count(&x) : r->for_each ? by_each(&x) : body(ctx, LANG_SINGLE, NULL);
}

/* --- instances --------------------------------------------------------------------------------------------------------- */

struct expansion {
	struct lang *l;
	struct lang_body *r;
	bool (*sensitive_ok)(void *ctx, const char *attr);
	void *ctx;
	bool waits;                  /* rules of what it refers to cannot be told yet */
};

/* Evaluates one attribute into config. False after a report. */
static bool attribute(struct expansion *x, struct attribute *a, struct lang_instance *in)
{
	struct lang *l = x->l;
	json_t *j = a->json;
	if (!a->x)
		return false;
	if (j) {
		json_incref(j);
	} else {
		bool unknown = false;
		unsigned marks = 0;
		const struct val *v = eval_run(l->e, a->x);
		if (!v || !eval_check_size(l->e, a->x, v))
			return false;
		j = val_to_json(v, &unknown, &marks);
		if (marks & MARK_EPHEMERAL) {
			struct mark at = expr_mark(a->x);
			autofree char *names = condition_marked(l, a->x, MARK_EPHEMERAL, &at);
			struct diag *g = diag_add(l->d, "E0231", at, "\"%s\" takes no ephemeral value: it would be stored%s%s", a->name,
						  names ? "; " : "", names ? names : "");
			diag_hint(g, "such values may stand in the configuration of providers, in conditions, and in what is ephemeral itself");
			json_decref(j);
			return false;
		}
		if (marks && !(x->sensitive_ok && x->sensitive_ok(x->ctx, a->name))) {
			struct diag *g = diag_add(l->d, "E0227", expr_mark(a->x), "\"%s\" takes no sensitive value: it would be shown and stored", a->name);
			diag_hint(g, "give a reference such as env:NAME or file:PATH");
			json_decref(j);
			return false;
		}
		if (unknown)
			in->unknown = true;
		else if (!a->x->varies)
			a->json = json_incref(j);
	}
	json_object_set_new_nocheck(in->config, a->name, j);
	return true;
}

/* One instance; false when an attribute failed (all are tried). */
static bool instance(struct expansion *x, enum lang_key kind, const char *key)
{
	struct lang_instance in = { .kind = kind, .key = key, .config = json_object(), .unknown = x->waits };
	const char **keys;
	bool ok = module_choose(x->l, &x->r->providers, &keys);
	in.provider_keys = keys;
	for (size_t i = 0; i < x->r->attrs.len; i++)
		ok &= attribute(x, &x->r->attrs.at[i], &in);
	ok = lifecycle_of(x->l, x->r, &in) && ok;
	vec_push(&x->r->instances, in);
	return ok;
}

static bool add_instance(void *ctx, enum lang_key kind, const char *key)
{
	return instance(ctx, kind, key);
}

/* What does not vary with each or count was computed once, but for another instance of the module. */
static void forget_constants(struct lang_body *r)
{
	for (size_t i = 0; i < r->attrs.len; i++) {
		json_decref(r->attrs.at[i].json);
		r->attrs.at[i].json = NULL;
	}
}

static void expand_in(struct expansion *x, struct scope *s)
{
	struct lang_body *r = x->r;
	struct repeat rep = { .count = r->count, .for_each = r->for_each };
	size_t first = r->instances.len;
	module_prepare(x->l, s, &r->thing->deps);
	struct scope *before = module_enter(x->l, s);
	forget_constants(r);
	bool ok = module_repeat(x->l, &rep, add_instance, x);
	module_enter(x->l, before);
	if (!ok)
		r->rc = E_INPUT;
	if (!ok || rep.deferred) {
		for (size_t i = first; i < r->instances.len; i++)
			json_decref(r->instances.at[i].config);
		r->instances.len = first;
	}
	struct lang_block b = { .module = s->address, .kind = rep.kind, .n = r->instances.len - first };
	if (rep.deferred) {
		struct mark *at = arena_alloc(x->l->arena, sizeof(*at));
		*at = rep.deferred_at;
		b.deferred = at;
	}
	vec_push(&r->first, first);
	vec_push(&r->blocks, b);
}

static void expand(void *arg)
{
	struct expansion *x = arg;
	struct lang_body *r = x->r;
	struct module *m = r->thing->module;
	r->expanded = true;
	module_list(x->l, m);
	x->waits = !module_check_late(x->l, &r->thing->late);
	for (size_t i = 0; i < m->scopes.len; i++)
		expand_in(x, m->scopes.at[i]);
	for (size_t i = 0; i < r->blocks.len; i++)
		r->blocks.at[i].at = r->instances.len ? r->instances.at + r->first.at[i] : NULL;
	for (size_t i = 0; i < m->waiting.len; i++)
		vec_push(&r->blocks, m->waiting.at[i]);
	/* A call that failed was told; nothing in it has instances. */
	for (struct module *up = m; up->parent; up = up->parent)
		for (size_t i = 0; i < up->parent->scopes.len; i++)
			if (up->parent->scopes.at[i]->cells[up->call->slot].state == CELL_FAILED)
				r->rc = E_INPUT;
}

int lang_expand(struct lang *l, const struct lang_resource *r, bool (*sensitive_ok)(void *ctx, const char *attr), void *ctx,
		const struct lang_block **out, size_t *n)
{
	struct expansion x = { l, r->body, sensitive_ok, ctx, false };
	if (!r->body->expanded)
		stack_run(l->stack, expand, &x);
	*out = r->body->blocks.at;
	*n = r->body->blocks.len;
	return r->body->rc;
}
