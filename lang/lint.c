#include "lang/lint.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lang/lint_internal.h"

/* --- reporting ----------------------------------------------------------------------------------------------------------- */

static bool line_silences(const struct yaml_file *f, uint32_t line, const char *code, bool alone)
{
	static const char word[] = "aipc-lint: ignore ";
	if (line == 0 || line > f->n_lines)
		return false;
	const char *s = f->src.text + f->lines[line - 1], *end = f->src.text + (line < f->n_lines ? f->lines[line] : f->src.len);
	const char *hash = memchr(s, '#', (size_t)(end - s));
	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	if (!hash || (alone && hash != s))
		return false;
	const char *at = memmem(hash, (size_t)(end - hash), word, strlen(word));
	if (!at)
		return false;
	for (at += strlen(word); at + strlen(code) <= end && (isalnum((unsigned char)*at) || *at == ',' || *at == ' '); at++)
		if (strncmp(at, code, strlen(code)) == 0)
			return true;
	return false;
}

struct diag *lint_add(struct lang *l, const struct yaml_file *f, struct mark at, const char *code, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	if (line_silences(f, at.line, code, false) || (at.line > 1 && line_silences(f, at.line - 1, code, true)))
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return diag_add(l->d, code, at, "%s", text);
}

/* --- what nothing uses --------------------------------------------------------------------------------------------------- */

/* Blocks are looked at as they are written: a folder that is called often is there once. */
struct seen { const struct ynode *key; bool used; UT_hash_handle hh; };

static void mark_used(struct seen **seen, const struct ynode *key)
{
	struct seen *s;
	HASH_FIND_PTR(*seen, &key, s);
	if (s)
		s->used = true;
}

static void use(struct seen **seen, const struct thing *by, const struct deps *deps)
{
	for (size_t i = 0; i < deps->len; i++)
		if (!by || deps->at[i].to->key != by->key)
			mark_used(seen, deps->at[i].to->key);
}

static void collect(struct lang *l, struct seen **seen)
{
	for (size_t i = 0; i < l->order.len; i++) {
		const struct thing *t = l->order.at[i];
		struct seen *s;
		HASH_FIND_PTR(*seen, &t->key, s);
		if (s || (t->kind != THING_VAR && t->kind != THING_LOCAL && t->kind != THING_OUTPUT))
			continue;
		s = arena_alloc(l->arena, sizeof(*s));
		s->key = t->key;
		HASH_ADD_PTR(*seen, key, s);
	}
	for (size_t i = 0; i < l->order.len; i++) {
		const struct thing *t = l->order.at[i];
		use(seen, t, &t->deps);
		use(seen, t, &t->waits);
		use(seen, t, &t->rule_deps);
	}
	for (size_t i = 0; i < l->providers.len; i++)
		use(seen, NULL, &l->providers.at[i]->deps);
}

/* A module that lies outside the spec's folder, or came from a repository, has other callers too. */
static bool own(const struct module *m)
{
	return !m->package && strncmp(m->dir, "..", 2) != 0;
}

static void tell_unused(struct lang *l, const struct thing *t)
{
	struct mark at = AT(t->file, t->key);
	struct diag *g = NULL;
	if (t->kind == THING_VAR)
		g = lint_add(l, t->file, at, "W0901", "nothing uses the variable \"%s\"", t->name);
	else if (t->kind == THING_LOCAL)
		g = lint_add(l, t->file, at, "W0902", "nothing uses the local \"%s\"", t->name);
	else if (t->module->parent && own(t->module))
		g = lint_add(l, t->file, at, "W0903", "no call of this module uses the output \"%s\"", t->name);
	if (g)
		diag_hint(g, "remove it, or use it");
}

static void unused(struct lang *l)
{
	struct seen *seen = NULL, *s, *next;
	collect(l, &seen);
	for (size_t i = 0; i < l->order.len; i++) {
		const struct thing *t = l->order.at[i];
		HASH_FIND_PTR(seen, &t->key, s);
		if (!s || s->used || t->failed)
			continue;
		s->used = true;
		tell_unused(l, t);
	}
	HASH_ITER(hh, seen, s, next)
		HASH_DEL(seen, s);
}

/* --- values as they are written ------------------------------------------------------------------------------------------- */

static bool sounds_secret(const char *name)
{
	static const char *const words[] = { "password", "passwd", "secret", "token", "private_key", "api_key", "apikey", NULL };
	for (const char *const *w = words; *w; w++)
		if (strcasestr(name, *w))
			return true;
	return false;
}

/* A name such as password with a text that is neither an expression nor a reference, nor an empty default. */
static void secret(struct lang *l, const struct yaml_file *f, const char *name, const struct ynode *v)
{
	if (!sounds_secret(name) || v->is->kind != Y_STRING || v->is->live || v->is->n == 0)
		return;
	for (const char *const *p = (const char *const[]){ "env:", "file:", "exec:", NULL }; *p; p++)
		if (strncmp(v->is->s, *p, strlen(*p)) == 0)
			return;
	struct diag *g = lint_add(l, f, AT(f, v), "W0907", "\"%s\" looks like a secret that is written down", name);
	if (g)
		diag_hint(g, "give a reference, env:NAME or file:PATH");
}

static int by_text(const void *a, const void *b)
{
	const struct ynode *x = *(const struct ynode *const *)a, *y = *(const struct ynode *const *)b;
	int c = strcmp(x->is->s, y->is->s);
	return c ? c : x < y ? -1 : x > y;
}

/* The same name twice in a list of texts. */
static void repeats(struct lang *l, const struct yaml_file *f, const struct ynode *list)
{
	autofree const struct ynode **at = xcalloc(list->is->n + 1, sizeof(*at));
	size_t n = 0;
	for (uint32_t i = 0; i < list->is->n; i++)
		if (yaml_kids(list)[i].is->kind == Y_STRING && !yaml_kids(list)[i].is->live)
			at[n++] = &yaml_kids(list)[i];
	qsort(at, n, sizeof(*at), by_text);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(at[i]->is->s, at[i - 1]->is->s) != 0)
			continue;
		struct diag *g = lint_add(l, f, AT(f, at[i]), "W0908", "\"%.60s\" is in this list twice", at[i]->is->s);
		if (g)
			diag_note(g, AT(f, at[i - 1]), "it is here too");
	}
}

/* As deep as YAML goes. */
static void written(struct lang *l, const struct yaml_file *f, const char *name, const struct ynode *v)
{
	secret(l, f, name, v);
	if (v->is->kind == Y_SEQ) {
		repeats(l, f, v);
		for (uint32_t i = 0; i < v->is->n; i++)
			written(l, f, "", &yaml_kids(v)[i]);
	} else if (v->is->kind == Y_MAP) {
		for (uint32_t i = 0; i < v->is->n; i++)
			written(l, f, yaml_kids(v)[2 * i].is->s, &yaml_kids(v)[2 * i + 1]);
	}
}

/* --- blocks --------------------------------------------------------------------------------------------------------------- */

static const struct expr *inside(const struct expr *x)
{
	while (x && x->kind == X_TEMPLATE && x->list.n == 1)
		x = x->list.at[0];
	return x;
}

static void counted(struct module *m, const struct thing *t, const struct expr *count)
{
	const struct expr *x = inside(count);
	if (!x || x->kind != X_CALL || strcmp(x->call.name, "length") != 0)
		return;
	struct diag *g = lint_add(m->l, t->file, expr_mark(x), "W0906",
				  "one more or one less in the middle renumbers all that follow, and each of them changes");
	if (g)
		diag_hint(g, "for_each over the names keeps each with its own");
}

static void one_thing(struct module *m, struct thing *t)
{
	lint_expr(m, t->x);
	for (size_t i = 0; i < t->rules.len; i++) {
		lint_expr(m, t->rules.at[i].condition);
		lint_expr(m, t->rules.at[i].error);
	}
	if (t->kind == THING_VAR) {
		const struct ynode *deflt = yaml_get(t->body, "default", NULL);
		if (deflt)
			written(m->l, t->file, t->name, deflt);
		return;
	}
	if (t->kind != THING_OUTPUT && t->body)
		written(m->l, t->file, t->kind == THING_LOCAL ? t->name : "", t->body);
	if (t->res) {
		lint_expr(m, t->res->count);
		lint_expr(m, t->res->for_each);
		counted(m, t, t->res->count);
		for (size_t i = 0; i < t->res->attrs.len; i++)
			lint_expr(m, t->res->attrs.at[i].x);
	}
	if (t->call) {
		lint_expr(m, t->call->count);
		lint_expr(m, t->call->for_each);
		counted(m, t, t->call->count);
		for (size_t i = 0; i < t->call->inputs.len; i++)
			lint_expr(m, t->call->inputs.at[i].x);
	}
}

void lang_lint(struct lang *l)
{
	unused(l);
	/* Repeats, of folders that are called often, are dropped by the diags. */
	for (size_t i = 0; i < l->order.len; i++)
		if (!l->order.at[i]->module->package)
			one_thing(l->order.at[i]->module, l->order.at[i]);
}
