/* module_provider - `provider` blocks: configurations by alias and for_each, which one a resource uses, and how they get into modules. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lang/module.h"

/* --- references ---------------------------------------------------------------------------------------------------------- */

/* X is NAME, NAME.ALIAS or NAME.ALIAS[KEY]. */
static bool is_provider(struct expr *x, struct provider_ref *out)
{
	const char *root, *name;
	*out = (struct provider_ref){ .x = x };
	if (x->kind == X_REF) {
		out->name = x->name;
		return true;
	}
	if (!expr_reference(x, &root, &name)) {
		if (x->kind != X_INDEX)
			return false;
		out->key = x->index.key;
		x = x->index.src;
	}
	if (!expr_reference(x, &root, &name))
		return false;
	out->name = root;
	out->alias = name;
	return true;
}

static bool read_ref(struct module *m, const struct yaml_file *f, const struct ynode *n, struct provider_ref *out)
{
	struct lang *l = m->l;
	struct expr *x = NULL;
	if (n->is->kind == Y_STRING && n->is->live) {
		x = expr_from_yaml(l->arena, f, n, l->d);
	} else if (n->is->kind == Y_STRING) {
		struct origin *o = arena_alloc(l->arena, sizeof(*o));
		*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->is->s, .len = n->is->n };
		x = expr_parse(l->arena, o, l->d);
	}
	if (x && is_provider(x, out))
		return true;
	if (x || n->is->kind != Y_STRING) {
		struct diag *g = diag_add(l->d, "E0150", AT(f, n), "this names no configuration of a provider");
		diag_hint(g, "it looks like NAME, NAME.ALIAS or NAME.ALIAS[KEY]");
	}
	return false;
}

void module_read_provider_arg(struct module *m, const struct yaml_file *f, const struct ynode *v, struct provider_refs *out)
{
	for (uint32_t i = 0; i < (v->is->kind == Y_SEQ ? v->is->n : 1); i++) {
		struct provider_ref ref;
		const struct ynode *n = v->is->kind == Y_SEQ ? &yaml_kids(v)[i] : v;
		if (!read_ref(m, f, n, &ref))
			continue;
		ref.node = n;
		for (size_t k = 0; k < out->len; k++)
			if (strcmp(out->at[k].name, ref.name) == 0)
				diag_add(m->l->d, "E0103", AT(f, n), "provider \"%.60s\" is there twice", ref.name);
		vec_push(out, ref);
	}
}

void module_read_passes(struct module *m, struct thing *t, const struct ynode *v)
{
	if (!module_is_map(m, t->file, v, "providers"))
		return;
	for (uint32_t i = 0; i < v->is->n; i++) {
		const struct ynode *k = &yaml_kids(v)[2 * i];
		struct pass p = { .node = k };
		const char *dot = strchr(k->is->s, '.');
		p.name = dot ? arena_strndup(m->l->arena, k->is->s, (size_t)(dot - k->is->s)) : k->is->s;
		p.alias = dot ? dot + 1 : NULL;
		if (read_ref(m, t->file, k + 1, &p.to))
			vec_push(&t->call->passes, p);
	}
}

/* --- blocks -------------------------------------------------------------------------------------------------------------- */

static bool is_there(struct module *m, const struct yaml_file *f, const struct provider_block *p)
{
	for (size_t i = 0; i < m->l->providers.len; i++) {
		const struct provider_block *old = m->l->providers.at[i];
		if (strcmp(old->name, p->name) != 0 || strcmp(old->alias ? old->alias : "", p->alias ? p->alias : "") != 0)
			continue;
		struct diag *g = diag_add(m->l->d, "E0103", AT(f, p->key), "provider \"%.60s%s%.60s\" is there twice", p->name, p->alias ? "." : "",
					  p->alias ? p->alias : "");
		diag_note(g, AT(old->file, old->key), "the first one is here");
		if (!p->alias)
			diag_hint(g, "further ones need an alias");
		return true;
	}
	return false;
}

static void read_body(struct module *m, const struct yaml_file *f, struct provider_block *p, const struct ynode *body)
{
	struct lang *l = m->l;
	for (uint32_t i = 0; body->is->kind == Y_MAP && i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i], *v = k + 1;
		if (strcmp(k->is->s, "alias") == 0) {
			if (v->is->kind == Y_STRING && !v->is->live && module_check_name(m, f, v, "a configuration"))
				p->alias = v->is->s;
			else if (v->is->kind != Y_STRING || v->is->live)
				diag_add(l->d, "E0115", AT(f, v), "an alias is a plain name");
		} else if (strcmp(k->is->s, "for_each") == 0) {
			p->for_each = expr_from_yaml(l->arena, f, v, l->d);
			p->each_key = k;
		} else if (k->is->live) {
			diag_add(l->d, "E0104", AT(f, k), "the name of an attribute cannot be an expression");
		} else {
			struct expr *x = expr_from_yaml(l->arena, f, v, l->d);
			p->failed = p->failed || !x;
			vec_push(&p->attrs, (struct attribute){ .name = k->is->s, .key = k, .x = x });
		}
	}
}

static void read_one(struct module *m, const struct yaml_file *f, const struct ynode *k, const struct ynode *key, const struct ynode *body)
{
	if (body->is->kind != Y_NULL && !module_is_map(m, f, body, "the configuration of a provider"))
		return;
	struct provider_block *p = arena_alloc(m->l->arena, sizeof(*p));
	*p = (struct provider_block){ .name = k->is->s, .file = f, .key = key };
	read_body(m, f, p, body);
	if (p->for_each && !p->alias)
		diag_hint(diag_add(m->l->d, "E0112", AT(f, p->each_key), "for_each makes several configurations, and those need an alias"),
			  "they are used as %s.ALIAS[KEY]", k->is->s);
	if (is_there(m, f, p))
		vec_free(&p->attrs);
	else
		vec_push(&m->l->providers, p);
}

void module_read_providers(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	if (!module_is_map(m, f, body, "provider"))
		return;
	if (m->parent) {
		struct diag *g = diag_add(m->l->d, "E0131", AT(f, key), "a module that is called configures no providers");
		diag_hint(g, "configure them in the spec that calls it, and pass them by providers");
		return;
	}
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i], *v = k + 1;
		for (uint32_t n = 0; v->is->kind == Y_SEQ && n < v->is->n; n++)
			read_one(m, f, k, &yaml_kids(v)[n], &yaml_kids(v)[n]);
		if (v->is->kind != Y_SEQ)
			read_one(m, f, k, k, v);
	}
}

/* --- values ----------------------------------------------------------------------------------------------------------------- */

struct making { struct lang *l; struct provider_block *p; bool ok; };

static bool make_one(void *ctx, enum lang_key kind, const char *key)
{
	struct making *x = ctx;
	struct lang *l = x->l;
	struct lang_provider made = { .name = x->p->name, .alias = x->p->alias, .at = AT(x->p->file, x->p->key), .config = json_object() };
	(void)kind;
	made.key = key ? arena_strdup(l->arena, key) : NULL;
	autostr struct str id;
	str_init(&id, STR_OURS);
	str_addf(&id, "%s%s%s", made.name, made.alias ? "." : "", made.alias ? made.alias : "");
	lang_add_key(&id, kind, key);
	made.id = arena_strndup(l->arena, id.at, id.len);
	bool ok = true;
	struct lang_ephemeral *names = NULL;
	size_t n = 0;
	for (size_t i = 0; i < x->p->attrs.len; i++) {
		struct attribute *a = &x->p->attrs.at[i];
		const struct val *v = a->x ? eval_run(l->e, a->x) : NULL;
		unsigned marks = 0;
		if (v && eval_check_size(l->e, a->x, v))
			json_object_set_new_nocheck(made.config, a->name, val_to_json(v, NULL, &marks));
		else
			ok = false;
		if (marks & MARK_EPHEMERAL) {
			if (!n)
				made.ephemeral = names = arena_array(l->arena, x->p->attrs.len + 1, sizeof(*names));
			names[n++] = (struct lang_ephemeral){ a->name, expr_mark(a->x) };
		}
	}
	made.failed = !ok;
	vec_push(&l->configs, made);
	return true;
}

static int by_config(const void *a, const void *b)
{
	return strcmp(((const struct lang_provider *)a)->id, ((const struct lang_provider *)b)->id);
}

static void make_all(void *arg)
{
	struct lang *l = arg;
	for (size_t i = 0; i < l->providers.len; i++) {
		struct provider_block *p = l->providers.at[i];
		struct making x = { .l = l, .p = p };
		struct repeat r = { .for_each = p->for_each };
		module_prepare(l, l->top, &p->deps);
		struct scope *before = module_enter(l, l->top);
		if (!module_repeat(l, &r, make_one, &x))
			p->failed = true;
		if (r.deferred)
			diag_add(l->d, "E0228", r.deferred_at, "for_each of a provider must be known before anything is made");
		module_enter(l, before);
	}
	if (l->configs.len)
		qsort(l->configs.at, l->configs.len, sizeof(*l->configs.at), by_config);
}

void lang_providers(struct lang *l, const struct lang_provider **out, size_t *n)
{
	if (!l->configured)
		stack_run(l->stack, make_all, l);
	l->configured = true;
	*out = l->configs.at;
	*n = l->configs.len;
}

/* --- which one ----------------------------------------------------------------------------------------------------------------- */

/* The text of KEY where it stands now; NULL after a report. */
static const char *key_text(struct lang *l, struct expr *x)
{
	struct err err;
	const struct val *v = eval_run(l->e, x), *s;
	if (!v)
		return NULL;
	if (val_is_null(v) || val_convert(l->arena, v, &type_string, &s, &err) || !val_known(s) || eval_sensitive(l->e, v)) {
		diag_add(l->d, "E0150", expr_mark(x), val_known(v) ? "the key of a configuration is a string that may be shown"
								     : "which configuration is used must be known before anything is made");
		return NULL;
	}
	return s->str.s;
}

bool module_choose(struct lang *l, const struct provider_refs *refs, const char ***out)
{
	bool ok = true;
	*out = refs->len ? arena_array(l->arena, refs->len, sizeof(**out)) : NULL;
	for (size_t i = 0; i < refs->len; i++)
		if (refs->at[i].key && !((*out)[i] = key_text(l, refs->at[i].key)))
			ok = false;
	return ok;
}

bool module_choose_passed(struct lang *l, struct call *c, const char ***out)
{
	bool ok = true;
	*out = c->passes.len ? arena_array(l->arena, c->passes.len, sizeof(**out)) : NULL;
	for (size_t i = 0; i < c->passes.len; i++)
		if (c->passes.at[i].to.key && !((*out)[i] = key_text(l, c->passes.at[i].to.key)))
			ok = false;
	return ok;
}

static bool same_alias(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static bool no_config(struct lang *l, struct mark at, const char *name, const char *alias, const char *key, const struct provider_block *block)
{
	VEC(const char *) names = { 0 };
	autofree char *want = xasprintf("%s%s%s", name, alias ? "." : "", alias ? alias : "");
	struct diag *g;
	for (size_t i = 0; i < l->configs.len; i++)
		if (!l->configs.at[i].key)
			vec_push(&names, l->configs.at[i].id);
	vec_push(&names, NULL);
	if (block && block->for_each && !key)
		diag_hint(diag_add(l->d, "E0150", at, "%s are several configurations", want), "name one: %s[KEY]", want);
	else if (block && !block->for_each)
		diag_add(l->d, "E0150", at, "%s is one configuration: it has no for_each, so no key", want);
	else if (block)
		diag_add(l->d, "E0150", at, "%s has no configuration \"%.100s\"", want, key);
	else {
		g = diag_add(l->d, "E0150", at, "there is no configuration %s", want);
		diag_suggest(g, want, names.at);
	}
	vec_free(&names);
	return false;
}

/* The configuration NAME.ALIAS[KEY] as S sees it; SIZE_MAX: the default one, without a block. */
static bool resolve(struct lang *l, const struct scope *s, struct mark at, const char *name, const char *alias, const char *key, size_t *out)
{
	const struct provider_block *block = NULL;
	for (; s->parent; s = s->parent) {
		const struct call *c = s->m->call->call;
		const struct pass *p = NULL;
		for (size_t i = 0; i < c->passes.len && !p; i++) {
			p = &c->passes.at[i];
			if (strcmp(p->name, name) != 0 || !same_alias(p->alias, alias))
				p = NULL;
		}
		if (!p && alias) {
			struct diag *g = diag_add(l->d, "E0150", at, "this module was given no configuration %s.%s", name, alias);
			diag_hint(g, "providers: { %s.%s: ... } in its call gives one", name, alias);
			return false;
		}
		if (!p)
			continue;                  /* the default is what the caller's is */
		if (key) {
			diag_add(l->d, "E0150", at, "a module is given one configuration %s%s%s: it has no key", name, alias ? "." : "", alias ? alias : "");
			return false;
		}
		name = p->to.name;
		alias = p->to.alias;
		key = p->to.key ? s->passed[p - c->passes.at] : NULL;
		at = expr_mark(p->to.x);
	}
	for (size_t i = 0; i < l->configs.len; i++) {
		const struct lang_provider *c = &l->configs.at[i];
		if (strcmp(c->name, name) == 0 && same_alias(c->alias, alias) && same_alias(c->key, key) && !c->key == !key) {
			*out = i;
			return true;
		}
	}
	for (size_t i = 0; i < l->providers.len; i++)
		if (strcmp(l->providers.at[i]->name, name) == 0 && same_alias(l->providers.at[i]->alias, alias))
			block = l->providers.at[i];
	*out = SIZE_MAX;
	return (!alias && !key) || no_config(l, at, name, alias, key, block);
}

bool lang_provider_for(struct lang *l, const struct lang_resource *r, const struct lang_block *block, const struct lang_instance *in, const char *name,
		       size_t *out)
{
	const struct provider_refs *refs = &r->body->providers;
	struct module *m = r->body->thing->module;
	const struct scope *s = m->scopes.at[block - r->body->blocks.at];
	for (size_t i = 0; i < refs->len; i++) {
		const struct provider_ref *p = &refs->at[i];
		if (strcmp(p->name, name) == 0)
			return resolve(l, s, expr_mark(p->x), name, p->alias, in->provider_keys ? in->provider_keys[i] : NULL, out);
	}
	return resolve(l, s, r->name_mark, name, NULL, NULL, out);
}

const char *const *lang_provider_args(struct lang *l, const struct lang_resource *r, struct mark *at)
{
	const struct provider_refs *refs = &r->body->providers;
	const char **names = arena_array(l->arena, refs->len + 1, sizeof(*names));
	for (size_t i = 0; i < refs->len; i++)
		names[i] = refs->at[i].name;
	if (refs->len)
		*at = expr_mark(refs->at[0].x);
	return names;
}
