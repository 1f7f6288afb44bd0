/* module_call - `module` blocks: where the module is, what is passed into it, and that calls end somewhere. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "lang/module.h"
#include "lang/source.h"

/* Keys of a call that are no inputs. A variable of such a name could not be given. */
static const char *const reserved[] = { "source", "version", "count", "for_each", "depends_on", "providers", "lifecycle", "locals", NULL };

static bool is_reserved(const char *name)
{
	const char *const *word = reserved;
	while (*word && strcmp(*word, name) != 0)
		word++;
	return *word != NULL;
}

struct module *module_new(struct lang *l, struct module *parent, struct thing *call, const char *dir)
{
	struct module *m = arena_alloc(l->arena, sizeof(*m));
	m->l = l;
	m->parent = parent;
	m->call = call;
	m->dir = arena_strdup(l->arena, dir);
	m->path = !parent ? "" : arena_printf(l->arena, "%s%smodule.%s", parent->path, parent->parent ? "." : "", call->name);
	m->depth = parent ? parent->depth + 1 : 0;
	if (parent)
		m->trail = (struct diag_trail){ parent->parent ? &parent->trail : NULL, arena_printf(l->arena, "called as %s", m->path),
						AT(call->file, call->key) };
	vec_push(&l->modules, m);
	return m;
}

/* --- reading a block ------------------------------------------------------------------------------------------------ */

static void read_key(struct module *m, struct thing *t, const struct ynode *k)
{
	struct lang *l = m->l;
	struct call *c = t->call;
	const struct ynode *v = k + 1;
	if (strcmp(k->is->s, "source") == 0) {
		c->source = v;
	} else if (strcmp(k->is->s, "count") == 0) {
		c->count = expr_from_yaml(l->arena, t->file, v, l->d);
	} else if (strcmp(k->is->s, "for_each") == 0) {
		c->for_each = expr_from_yaml(l->arena, t->file, v, l->d);
	} else if (strcmp(k->is->s, "depends_on") == 0) {
		c->depends_on = module_read_depends_on(m, t->file, v);
	} else if (strcmp(k->is->s, "providers") == 0) {
		module_read_passes(m, t, v);
	} else if (strcmp(k->is->s, "version") == 0) {
		struct diag *g = diag_add(l->d, "E0132", AT(t->file, k), "versions of modules are named in the source");
		diag_hint(g, "git::https://HOST/REPO.git?ref=v1.2.0");
	} else if (is_reserved(k->is->s)) {
		diag_add(l->d, "E0114", AT(t->file, k), "\"%s\" is not supported by this version", k->is->s);
	} else if (k->is->live) {
		diag_add(l->d, "E0104", AT(t->file, k), "the name of an input cannot be an expression");
	} else {
		vec_push(&c->inputs, (struct input){ .name = k->is->s, .key = k, .x = expr_from_yaml(l->arena, t->file, v, l->d) });
	}
}

void module_read_calls(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	struct lang *l = m->l;
	(void)key;
	if (!module_is_map(m, f, body, "module"))
		return;
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i], *v = k + 1, *count, *each;
		if (!module_check_name(m, f, k, "a module"))
			continue;
		if (v->is->kind != Y_MAP) {
			struct diag *g = diag_add(l->d, "E0115", AT(f, v), "a module is a map with its source and inputs, this is %s", yaml_kind_name(v));
			diag_hint(g, "{ source: ./FOLDER }");
			continue;
		}
		struct thing *t = thing_new(m, THING_MODULE, "module", f, k, v);
		if (!t)
			continue;
		t->call = arena_alloc(l->arena, sizeof(*t->call));
		for (uint32_t n = 0; n < v->is->n; n++)
			read_key(m, t, &yaml_kids(v)[2 * n]);
		if (yaml_get(v, "count", &count) && yaml_get(v, "for_each", &each)) {
			struct diag *g = diag_add(l->d, "E0112", AT(f, each), "a module has count or for_each, not both");
			diag_note(g, AT(f, count), "count is here");
		}
	}
}

/* --- sources ---------------------------------------------------------------------------------------------------------- */

/* BASE/REL without "." and, as far as it goes, without ".."; relative to the spec's folder. */
static char *tidy(const char *base, const char *rel)
{
	autofree char *whole = rel[0] == '/' ? xstrdup(rel) : xasprintf("%s/%s", base, rel);
	VEC(char *) parts = { 0 };
	struct str out;
	bool absolute = whole[0] == '/';
	char *save = NULL;
	for (char *p = strtok_r(whole, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		if (strcmp(p, ".") == 0)
			continue;
		bool up = strcmp(p, "..") == 0;
		if (up && parts.len && strcmp(parts.at[parts.len - 1], "..") != 0)
			parts.len--;
		else if (!up || !absolute)
			vec_push(&parts, p);
	}
	str_init(&out, STR_OURS);
	for (size_t i = 0; i < parts.len; i++)
		str_addf(&out, "%s%s", i || absolute ? "/" : "", parts.at[i]);
	if (!parts.len)
		str_add(&out, absolute ? "/" : ".");
	vec_free(&parts);
	return str_take(&out);
}

static bool is_local(const char *source)
{
	return strcmp(source, ".") == 0 || strcmp(source, "..") == 0 || str_has_prefix(source, "./") || str_has_prefix(source, "../");
}

/* The folder that T's source names, relative to the spec's; NULL after a report. Yours to free. */
static char *find_source(struct module *m, struct thing *t)
{
	struct diags *d = m->l->d;
	const struct ynode *source = t->call->source;
	struct diag *g;
	if (!source) {
		g = diag_add(d, "E0101", AT(t->file, t->key), "the module \"%s\" has no source", t->name);
		diag_hint(g, "source: ./FOLDER");
		return NULL;
	}
	if (source->is->kind != Y_STRING || source->is->live || !source->is->n) {
		g = diag_add(d, "E0132", AT(t->file, source), "a source is a plain text: modules are read before anything is evaluated");
		if (source->is->kind != Y_STRING)
			diag_hint(g, "this is %s", yaml_kind_name(source));
		return NULL;
	}
	t->call->package = m->package;
	if (source_is_git(source->is->s))
		return module_find_git(m, t);
	if (is_local(source->is->s))
		return tidy(m->dir, source->is->s);
	g = diag_add(d, "E0132", AT(t->file, source), "this is not a source of a module");
	diag_hint(g, "a folder is written ./NAME, a repository git::https://HOST/REPO.git");
	return NULL;
}

/* --- loading ------------------------------------------------------------------------------------------------------------ */

static void report_circle(struct module *m, const struct thing *t, const struct module *again)
{
	autostr struct str chain;
	str_init(&chain, STR_OURS);
	struct diag *g = diag_add(m->l->d, "E0133", AT(t->file, t->call->source), "a module cannot contain itself: %s is %s again",
				  t->id, again->parent ? again->path : "the spec itself");
	diag_hint(g, "count and for_each do not end it: modules are read before anything is evaluated");
}

/* May T be read as a module of M at REAL? */
static bool may_load(struct module *m, struct thing *t, const char *real)
{
	for (const struct module *up = m; up; up = up->parent) {
		if (strcmp(up->real, real) == 0) {
			report_circle(m, t, up);
			return false;
		}
	}
	if (m->depth >= MAX_MODULE_DEPTH) {
		diag_add(m->l->d, "E0134", AT(t->file, t->key), "modules are called more than %d deep", MAX_MODULE_DEPTH);
		return false;
	}
	if (m->l->modules.len >= MAX_MODULES) {
		diag_add(m->l->d, "E0134", AT(t->file, t->key), "the spec calls more than %d modules", MAX_MODULES);
		return false;
	}
	return true;
}

static void check_inputs(struct thing *t)
{
	struct module *to = t->call->to;
	struct diags *d = to->l->d;
	VEC(const char *) names = { 0 };
	for (size_t i = 0; i < to->order.len; i++)
		if (to->order.at[i]->kind == THING_VAR)
			vec_push(&names, to->order.at[i]->name);
	vec_push(&names, NULL);
	for (size_t i = 0; i < t->call->inputs.len; i++) {
		struct input *in = &t->call->inputs.at[i];
		struct thing *var = module_find(to, "var", in->name);
		if (!var && to->folder->broken)
			continue;
		if (!var) {
			struct diag *g = diag_add(d, "E0135", AT(t->file, in->key), "the module has no variable \"%.60s\"", in->name);
			diag_suggest(g, in->name, names.at);
			diag_note(g, (struct mark){ 0 }, "it is in %s", to->dir);
			continue;
		}
		var->arg = in->x;
		var->failed = var->failed || !in->x;
		var->arg_at = AT(t->file, &in->key[1]);
		in->used = true;
	}
	vec_free(&names);
	for (size_t i = 0; i < to->order.len; i++) {
		struct thing *var = to->order.at[i];
		if (var->kind != THING_VAR)
			continue;
		if (is_reserved(var->name)) {
			const struct diag_trail *before = diags_trail(d, &to->trail);
			diag_add(d, "E0104", AT(var->file, var->key), "a variable of a module cannot be called \"%s\": in a call that means something else",
				 var->name);
			diags_trail(d, before);
		} else if (var->required && !var->arg && !var->failed) {
			struct diag *g = diag_add(d, "E0136", AT(t->file, t->key), "the module \"%s\" needs a value for \"%s\"", t->name, var->name);
			diag_note(g, AT(var->file, var->key), "it has no default");
			var->failed = true;
		}
	}
}

static void load_call(struct module *m, struct thing *t)
{
	struct err err = { 0 };
	autofree char *dir = find_source(m, t);
	if (!dir)
		return;
	autofree char *path = strcmp(dir, ".") == 0 ? xstrdup(m->l->dir) : file_join(m->l->dir, dir);
	autofree char *real = realpath(path, NULL);
	if (!real) {
		struct diag *g = diag_add(m->l->d, "E0132", AT(t->file, t->call->source), "there is no folder \"%.200s\"", dir);
		diag_hint(g, "a source is relative to the folder of this file");
		return;
	}
	if (t->call->package && !module_stays_inside(m, t->call->package, real)) {
		diag_add(m->l->d, "E0132", AT(t->file, t->call->source), "the module \"%s\" would be outside of its repository", t->name);
		return;
	}
	if (!may_load(m, t, real))
		return;
	struct module *to = module_new(m->l, m, t, dir);
	to->real = arena_strdup(m->l->arena, real);
	to->package = t->call->package;
	module_read(to, &err);
	if (err.code) {
		diag_add(m->l->d, "E0132", AT(t->file, t->call->source), "%s", err.msg);
		return;
	}
	t->call->to = to;
	check_inputs(t);
}

void module_load_calls(struct module *m)
{
	size_t n = m->order.len;
	for (size_t i = 0; i < n; i++) {
		struct thing *t = m->order.at[i];
		if (t->kind != THING_MODULE)
			continue;
		load_call(m, t);
		t->failed = !t->call->to;
	}
}
