/* block_lifecycle - `lifecycle` of a resource: read, and evaluated for each instance. */
#include <string.h>

#include "lang/module.h"

enum { MAX_PATHS = 10000 };

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static struct expr *read_trigger(struct module *m, const struct yaml_file *f, const struct ynode *n)
{
	struct lang *l = m->l;
	const char *root, *name;
	if (n->is->kind != Y_STRING) {
		diag_add(l->d, "E0115", AT(f, n), "replace_triggered_by holds references such as TYPE.NAME or TYPE.NAME.ATTRIBUTE, this is %s",
			 yaml_kind_name(n));
		return NULL;
	}
	struct origin *o = arena_alloc(l->arena, sizeof(*o));
	*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->is->s, .len = n->is->n };
	struct expr *x = n->is->live ? expr_from_yaml(l->arena, f, n, l->d) : expr_parse(l->arena, o, l->d);
	const struct expr *base = x;
	while (base && !expr_reference(base, &root, &name) && (base->kind == X_INDEX || base->kind == X_ATTR))
		base = base->kind == X_INDEX ? base->index.src : base->attr.src;
	if (!x)
		return NULL;
	static const char *const others[] = { "var", "local", "module", "data", "each", "count", "path", "self", NULL };
	bool resource = base && expr_reference(base, &root, &name);
	for (const char *const *w = others; resource && *w; w++)
		resource = strcmp(root, *w) != 0 && !str_has_prefix(root, "data.");
	if (resource)
		return x;
	struct diag *g = diag_add(l->d, "E0151", expr_mark(x), "only resources and their attributes can trigger a replacement");
	diag_hint(g, "TYPE.NAME, TYPE.NAME[KEY] or TYPE.NAME.ATTRIBUTE");
	diag_note(g, (struct mark){ 0 }, "to be replaced when another value changes, keep it in an aipc_data and refer to that");
	return NULL;
}

static void read_triggers(struct module *m, const struct yaml_file *f, const struct ynode *v, struct lifecycle *life)
{
	if (v->is->kind != Y_SEQ) {
		diag_add(m->l->d, "E0115", AT(f, v), "replace_triggered_by is a list of references, this is %s", yaml_kind_name(v));
		return;
	}
	for (uint32_t i = 0; i < v->is->n; i++) {
		struct expr *x = read_trigger(m, f, &yaml_kids(v)[i]);
		if (x)
			vec_push(&life->triggers, x);
	}
}

void lifecycle_read(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body, struct lang_body *r)
{
	static const char *const names[] = { "create_before_destroy", "ignore_changes", "postcondition", "precondition", "prevent_destroy",
					     "replace_triggered_by", NULL }, *const of_data[] = { "postcondition", "precondition", NULL };
	if (!module_is_map(m, f, body, "lifecycle"))
		return;
	if (!module_check_keys(m, f, body, r->data ? "lifecycle of data, which is only read," : "lifecycle", r->data ? of_data : names) && r->data)
		return;
	struct lifecycle *life = r->life = arena_alloc(m->l->arena, sizeof(*life));
	life->key = key;
	const struct { const char *name; struct expr **to; } exprs[] = {
		{ "create_before_destroy", &life->create_first }, { "ignore_changes", &life->ignore }, { "prevent_destroy", &life->prevent },
	};
	for (size_t i = 0; i < ARRAY_LEN(exprs); i++) {
		const struct ynode *v = yaml_get(body, exprs[i].name, NULL);
		*exprs[i].to = v ? expr_from_yaml(m->l->arena, f, v, m->l->d) : NULL;
	}
	const struct ynode *v;
	if ((v = yaml_get(body, "replace_triggered_by", NULL)))
		read_triggers(m, f, v, life);
	if ((v = yaml_get(body, "precondition", NULL)))
		condition_read(m, f, v, "a precondition", &life->pre);
	if ((v = yaml_get(body, "postcondition", NULL)))
		condition_read(m, f, v, "a postcondition", &life->post);
}

void lifecycle_free(struct lifecycle *life)
{
	vec_free(&life->triggers);
	vec_free(&life->pre);
	vec_free(&life->post);
}

/* --- paths of attributes -------------------------------------------------------------------------------------------------- */

/* `a.b["c"][0]` as "a.b.c.0"; NULL when TEXT is no such path. */
static const char *plain_path(struct arena *a, const char *text)
{
	autostr struct str out;
	const char *p = text;
	str_init(&out, 4096);
	for (bool first = true; *p || first; first = false) {
		if (!first && *p == '.')
			p++;
		else if (!first && *p != '[')
			return NULL;
		size_t n;
		if (*p == '[' && p[1] == '"') {
			n = strcspn(p += 2, "\"");
			if (!n || p[n] != '"' || p[n + 1] != ']')
				return NULL;
			str_addf(&out, "%s%.*s", out.len ? "." : "", (int)n, p);
			p += n + 2;
			continue;
		}
		bool index = *p == '[';
		n = index ? strspn(++p, "0123456789") : strcspn(p, ".[");
		if (!n || (index && p[n] != ']'))
			return NULL;
		str_addf(&out, "%s%.*s", out.len ? "." : "", (int)n, p);
		p += n + index;
	}
	return str_full(&out) ? NULL : arena_strndup(a, out.at, out.len);
}

/* --- one instance ------------------------------------------------------------------------------------------------------------ */

struct living { struct lang *l; struct lang_body *r; struct lang_life *out; bool ok, unknown; };

static bool told(struct living *x, const struct expr *e, const struct val *v, const char *wants)
{
	eval_tell(diag_add(x->l->d, "E0152", expr_mark(e), "%s", wants), e, "this", v);
	return x->ok = false;
}

/* The value of E as a bool; OUT stays when it is null or not known. */
static bool truth(struct living *x, struct expr *e, const char *name, signed char *out)
{
	const struct val *v = e ? eval_run(x->l->e, e) : NULL, *b;
	struct err err;
	char wants[80];
	snprintf(wants, sizeof(wants), "%s is true or false", name);
	if (!e)
		return false;
	if (!v)
		return x->ok = false;
	if (!val_known(v)) {
		x->unknown = x->unknown || !val_is_null(v);
		return false;
	}
	if (eval_sensitive(x->l->e, v))
		return told(x, e, v, eval_sensitive(x->l->e, v) & MARK_EPHEMERAL ? "what lifecycle says cannot be ephemeral: it is stored" :
			    "what lifecycle says cannot be sensitive: it shows in the plan");
	if (val_convert(x->l->arena, v, &type_bool, &b, &err))
		return told(x, e, v, wants);
	*out = b->b ? 1 : -1;
	return true;
}

static void ignore(struct living *x)
{
	struct expr *e = x->r->life->ignore;
	static const char wants[] = "ignore_changes is all, or a list of paths such as input or components[\"BMC\"].version";
	const struct val *v = e ? eval_run(x->l->e, e) : NULL;
	if (!v || val_is_null(v)) {
		x->ok = x->ok && (v || !e);
		return;
	}
	if (!val_known_deep(v)) {
		x->unknown = true;
		return;
	}
	if (val_kind(v) == T_STRING && strcmp(v->str.s, "all") == 0) {
		x->out->ignore_all = true;
		return;
	}
	if ((val_kind(v) != T_TUPLE && val_kind(v) != T_LIST && val_kind(v) != T_SET) || val_len(v) > MAX_PATHS || val_sensitive_deep(v)) {
		told(x, e, v, wants);
		return;
	}
	const char **paths = arena_array(x->l->arena, val_len(v) + 1, sizeof(*paths));
	for (size_t i = 0; i < val_len(v); i++) {
		const struct val *one = v->seq.at[i];
		struct expr_constant room;
		const struct expr *at = e->kind == X_TUPLE && i < e->list.n ? expr_item(e, (uint32_t)i, &room) : e;
		bool text = val_kind(one) == T_STRING && val_known(one);
		if (text && strcmp(one->str.s, "all") == 0)
			x->out->ignore_all = true;
		else if (!text || !(paths[x->out->n_ignore++] = plain_path(x->l->arena, one->str.s)))
			told(x, at, one, wants);
	}
	x->out->ignore = paths;
}

/* The address and the attribute that E names: `TYPE.NAME[KEY].a.b`. */
static bool trigger(struct living *x, struct expr *e, struct lang_trigger *out)
{
	struct lang *l = x->l;
	const struct expr *steps[64];
	const char *root, *name;
	size_t n = 0;
	const struct expr *b = e;
	for (; !expr_reference(b, &root, &name); b = b->kind == X_INDEX ? b->index.src : b->attr.src) {
		if (n == ARRAY_LEN(steps))
			return false;
		steps[n++] = b;
	}
	struct thing *t = module_find(l->scope->m, root, name);
	if (!t || t->kind != THING_RESOURCE)
		return false;                /* told when references were checked */
	autostr struct str address, path;
	str_init(&address, STR_OURS);
	str_init(&path, STR_OURS);
	str_addf(&address, "%s%s%s.%s", l->scope->address, l->scope->parent ? "." : "", root, name);
	bool repeated = t->res->count || t->res->for_each;
	*out = (struct lang_trigger){ .at = expr_mark(e), .whole = repeated };
	while (n--) {
		const struct expr *s = steps[n];
		const struct val *key = s->kind == X_INDEX ? eval_run(l->e, s->index.key) : NULL, *text = NULL;
		struct err err;
		if (s->kind == X_INDEX && (!key || val_convert(l->arena, key, &type_string, &text, &err) || !val_known(text)))
			return told(x, s, key ? key : &val_null_dynamic, "the key of a resource that triggers a replacement must be known");
		if (out->whole && s->kind == X_INDEX) {
			lang_add_key(&address, t->res->count ? LANG_INDEX : LANG_EACH, text->str.s);
			out->whole = false;
		} else if (out->whole) {
			diag_hint(diag_add(l->d, "E0151", expr_mark(e), "%s.%s has several instances: say which one", root, name), "%s.%s[KEY]", root, name);
			return x->ok = false;
		} else {
			str_addf(&path, "%s%s", path.len ? "." : "", s->kind == X_INDEX ? text->str.s : s->attr.name);
		}
	}
	out->address = arena_strndup(l->arena, address.at, address.len);
	out->path = path.len ? arena_strndup(l->arena, path.at, path.len) : NULL;
	return true;
}

static void triggers(struct living *x)
{
	const struct lifecycle *life = x->r->life;
	struct lang_trigger *all = arena_array(x->l->arena, life->triggers.len + 1, sizeof(*all));
	for (size_t i = 0; i < life->triggers.len; i++)
		x->out->n_triggers += trigger(x, life->triggers.at[i], &all[x->out->n_triggers]);
	x->out->triggers = all;
}

/* `module.a.TYPE.NAME["k"]`, without keys of modules; yours to free. */
static char *full_address(const struct lang_body *r, const struct lang_instance *in)
{
	struct str s;
	const char *path = r->thing->module->path;
	str_init(&s, STR_OURS);
	str_addf(&s, "%s%s%s", path, *path ? "." : "", r->thing->id);
	lang_add_key(&s, in->kind, in->key);
	return str_take(&s);
}

bool lifecycle_of(struct lang *l, struct lang_body *r, struct lang_instance *in)
{
	struct lifecycle *life = r->life;
	if (!life)
		return true;
	struct lang_life *out = arena_alloc(l->arena, sizeof(*out));
	struct living x = { l, r, out, true, false };
	signed char create_first = 0;
	truth(&x, life->prevent, "prevent_destroy", &out->protect);
	truth(&x, life->create_first, "create_before_destroy", &create_first);
	out->create_first = create_first > 0;
	ignore(&x);
	triggers(&x);
	char what[256];
	snprintf(what, sizeof(what), "a precondition of %.130s%s%.60s%s is not met", r->thing->id, in->key ? "[" : "", in->key ? in->key : "",
		 in->key ? "]" : "");
	autofree char *about = full_address(r, in);
	l->about = about;
	for (size_t i = 0; i < life->pre.len; i++) {
		enum verdict v = condition_check(l, &life->pre.at[i], "E0153", what);
		x.ok = x.ok && (v == VERDICT_HOLDS || v == VERDICT_UNKNOWN);
		x.unknown = x.unknown || v == VERDICT_UNKNOWN;
	}
	l->about = NULL;
	out->each_key = l->each_key;
	out->each_value = l->each_value;
	out->count_index = l->count_index;
	out->postconditions = life->post.len > 0;
	in->life = out;
	in->unknown = in->unknown || x.unknown;
	return x.ok;
}

/* --- postconditions ------------------------------------------------------------------------------------------------------------ */

struct after { struct lang *l; const struct lang_resource *r; size_t block; const struct lang_instance *in; const json_t *self; int rc; bool unknown; };

static void check_after(void *arg)
{
	struct after *a = arg;
	struct lang *l = a->l;
	struct lang_body *r = a->r->body;
	struct scope *s = r->thing->module->scopes.at[a->block];
	module_prepare(l, s, &r->thing->deps);
	struct scope *before = module_enter(l, s);
	char what[256];
	snprintf(what, sizeof(what), "a postcondition of %.130s%s%.60s%s is not met", r->thing->id, a->in->key ? "[" : "",
		 a->in->key ? a->in->key : "", a->in->key ? "]" : "");
	l->each_key = a->in->life->each_key;
	l->each_value = a->in->life->each_value;
	l->count_index = a->in->life->count_index;
	l->self = a->self ? val_from_json(l->arena, a->self) : &val_unknown_dynamic;
	autofree char *about = full_address(r, a->in);
	l->about = about;
	for (size_t i = 0; i < r->life->post.len; i++) {
		enum verdict v = condition_check(l, &r->life->post.at[i], "E0154", what);
		if (v == VERDICT_FAILS || v == VERDICT_BROKEN)
			a->rc = E_INPUT;
		a->unknown = a->unknown || v == VERDICT_UNKNOWN;
	}
	l->about = NULL;
	l->self = l->each_key = l->each_value = l->count_index = NULL;
	module_enter(l, before);
}

int lang_postconditions(struct lang *l, const struct lang_resource *r, size_t block, const struct lang_instance *in, const json_t *self,
			bool *unknown)
{
	struct after a = { l, r, block, in, self, 0, false };
	if (in->life && in->life->postconditions)
		stack_run(l->stack, check_after, &a);
	*unknown = a.unknown;
	return a.rc;
}
