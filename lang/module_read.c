/* module_read - the files of a folder, block by block. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "lang/module.h"

enum { MAX_FILES = 10000, MAX_TEXT = 64 << 20 };

struct block {
	const char *name;
	/* KEY and BODY of the block in its file; NULL: known, but not part of this version. */
	void (*read)(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
};

/* --- helpers ----------------------------------------------------------------------------------------------------- */

struct thing *module_find(struct lang *l, const char *root, const char *name)
{
	char id[1024];
	struct thing *t = NULL;
	int n = snprintf(id, sizeof(id), "%s.%s", root, name);
	if (n > 0 && (size_t)n < sizeof(id))
		HASH_FIND(hh, l->things, id, (unsigned)n, t);
	return t;
}

bool module_check_keys(struct lang *l, const struct yaml_file *f, const struct ynode *map, const char *what, const char *const *names)
{
	bool ok = true;
	for (uint32_t i = 0; i < map->n; i++) {
		const char *const *n = names;
		while (*n && strcmp(*n, map->kids[2 * i].s) != 0)
			n++;
		if (*n)
			continue;
		struct diag *g = diag_add(l->d, "E0102", AT(f, &map->kids[2 * i]), "%s has no key \"%.60s\"", what, map->kids[2 * i].s);
		diag_suggest(g, map->kids[2 * i].s, names);
		ok = false;
	}
	return ok;
}

static bool is_map(struct lang *l, const struct yaml_file *f, const struct ynode *n, const char *what)
{
	if (n->kind == Y_MAP)
		return true;
	if (n->kind != Y_NULL)
		diag_add(l->d, "E0115", AT(f, n), "%s is a map, this is %s", what, yaml_kind_name(n));
	return false;
}

static bool check_name(struct lang *l, const struct yaml_file *f, const struct ynode *key, const char *what)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	if (key->n > 0 && key->n <= 200 && strspn(key->s, letters) == key->n && key->s[0] != '-')
		return true;
	struct diag *g = diag_add(l->d, "E0104", AT(f, key), "this cannot be the name of %s", what);
	diag_hint(g, key->n > 200 ? "at most 200 characters" : "letters, digits, _ and -");
	return false;
}

static struct thing *thing_new(struct lang *l, enum thing_kind kind, const char *root, const struct yaml_file *f, const struct ynode *key,
			       const struct ynode *body)
{
	struct thing *old = module_find(l, root, key->s);
	if (old) {
		struct diag *g = diag_add(l->d, "E0103", AT(f, key), "%s.%s is there twice", root, key->s);
		diag_note(g, AT(old->file, old->key), "the first one is here");
		return NULL;
	}
	struct thing *t = arena_alloc(l->arena, sizeof(*t));
	t->id = arena_printf(l->arena, "%s.%s", root, key->s);
	t->name = key->s;
	t->kind = kind;
	t->file = f;
	t->key = key;
	t->body = body;
	HASH_ADD_KEYPTR(hh, l->things, t->id, strlen(t->id), t);
	vec_push(&l->order, t);
	return t;
}

/* --- blocks ------------------------------------------------------------------------------------------------------ */

static void read_aipc(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "required_version", "state", NULL };
	if (!is_map(l, f, body, "the aipc block"))
		return;
	if (l->settings.key) {
		struct diag *g = diag_add(l->d, "E0103", AT(f, key), "the aipc block is there twice");
		diag_note(g, AT(l->settings.file, l->settings.key), "the first one is here");
		return;
	}
	module_check_keys(l, f, body, "the aipc block", names);
	l->settings.file = f;
	l->settings.key = key;
	l->settings.x = expr_from_yaml(l->arena, f, body, l->d);
}

static void read_variables(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!is_map(l, f, body, "variable"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i], *v = k + 1;
		if (!check_name(l, f, k, "a variable"))
			continue;
		if (v->kind != Y_NULL && !is_map(l, f, v, "a variable"))
			continue;
		if (thing_new(l, THING_VAR, "var", f, k, v))
			module_read_variable(l, f, k, v);
	}
}

static void read_locals(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!is_map(l, f, body, "locals"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i];
		struct thing *t = check_name(l, f, k, "a local") ? thing_new(l, THING_LOCAL, "local", f, k, k + 1) : NULL;
		if (t && !(t->x = expr_from_yaml(l->arena, f, k + 1, l->d)))
			t->state = THING_FAILED;
	}
}

static void read_providers(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!is_map(l, f, body, "provider"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i];
		struct provider_block p = { .name = k->s, .file = f, .key = k };
		if (k[1].kind != Y_NULL && !is_map(l, f, &k[1], "the configuration of a provider"))
			continue;
		bool twice = false;
		for (size_t j = 0; j < l->providers.len; j++) {
			if (strcmp(l->providers.at[j].name, k->s) == 0) {
				struct diag *g = diag_add(l->d, "E0103", AT(f, k), "provider \"%.60s\" is there twice", k->s);
				diag_note(g, AT(l->providers.at[j].file, l->providers.at[j].key), "the first one is here");
				twice = true;
			}
		}
		p.x = k[1].kind == Y_MAP ? expr_from_yaml(l->arena, f, k + 1, l->d) : NULL;
		if (!twice)
			vec_push(&l->providers, p);
	}
}

static bool read_flag(struct lang *l, const struct yaml_file *f, const struct ynode *map, const char *name, bool deflt)
{
	const struct ynode *n = yaml_get(map, name, NULL);
	if (!n || n->kind == Y_NULL)
		return deflt;
	if (n->kind == Y_BOOL)
		return n->b;
	diag_add(l->d, "E0115", AT(f, n), "%s is true or false, this is %s", name, yaml_kind_name(n));
	return deflt;
}

static void read_outputs(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "value", "description", "sensitive", NULL };
	(void)key;
	if (!is_map(l, f, body, "output"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i], *v = k + 1;
		struct output_block o = { .name = k->s, .file = f, .key = k };
		if (!check_name(l, f, k, "an output"))
			continue;
		for (size_t j = 0; j < l->outputs.len; j++) {
			if (strcmp(l->outputs.at[j].name, k->s) == 0) {
				struct diag *g = diag_add(l->d, "E0103", AT(f, k), "the output \"%s\" is there twice", k->s);
				diag_note(g, AT(l->outputs.at[j].file, l->outputs.at[j].key), "the first one is here");
			}
		}
		if (v->kind != Y_MAP) {
			struct diag *g = diag_add(l->d, "E0115", AT(f, v), "an output is a map, this is %s", yaml_kind_name(v));
			diag_hint(g, "{ value: ... }");
			continue;
		}
		module_check_keys(l, f, v, "an output", names);
		const struct ynode *value = yaml_get(v, "value", NULL), *text = yaml_get(v, "description", NULL);
		if (!value) {
			diag_add(l->d, "E0101", AT(f, k), "the output \"%s\" has no value", k->s);
			continue;
		}
		o.sensitive = read_flag(l, f, v, "sensitive", false);
		o.description = text && text->kind == Y_STRING ? text->s : NULL;
		o.x = expr_from_yaml(l->arena, f, value, l->d);
		vec_push(&l->outputs, o);
	}
}

static void read_lifecycle(struct lang *l, const struct yaml_file *f, const struct ynode *key)
{
	struct diag *g = diag_add(l->d, "E0114", AT(f, key), "\"%s\" is not supported by this version", key->s);
	diag_hint(g, "leave it out");
}

static void read_depends_on(struct lang *l, const struct yaml_file *f, const struct ynode *v, struct lang_body *r)
{
	if (v->kind != Y_SEQ) {
		diag_add(l->d, "E0115", AT(f, v), "depends_on is a list of addresses such as TYPE.NAME, this is %s", yaml_kind_name(v));
		return;
	}
	struct expr *x = arena_alloc(l->arena, sizeof(*x));
	x->kind = X_TUPLE;
	x->height = 1;
	x->list.at = arena_array(l->arena, v->n ? v->n : 1, sizeof(*x->list.at));
	for (uint32_t i = 0; i < v->n; i++) {
		const struct ynode *n = &v->kids[i];
		if (n->kind != Y_STRING || n->live) {
			struct diag *g = diag_add(l->d, "E0115", AT(f, n), "depends_on holds addresses such as \"TYPE.NAME\"");
			if (n->live)
				diag_hint(g, "without ${}");
			continue;
		}
		struct origin *o = arena_alloc(l->arena, sizeof(*o));
		*o = (struct origin){ .file = f, .node = n, .src = &f->src, .text = n->s, .len = n->n };
		struct expr *ref = expr_parse(l->arena, o, l->d);
		const char *root, *name;
		const struct expr *base = ref;
		while (base && !expr_reference(base, &root, &name) && base->kind == X_INDEX)
			base = base->index.src;
		if (ref && !expr_reference(base, &root, &name)) {
			diag_add(l->d, "E0115", AT(f, n), "this is not the address of a resource; it looks like TYPE.NAME");
			ref = NULL;
		}
		if (ref)
			x->list.at[x->list.n++] = (struct expr *)base;
	}
	r->depends_on = x;
}

static void read_resource(struct lang *l, const struct yaml_file *f, const struct ynode *type, const struct ynode *k)
{
	const struct ynode *v = k + 1;
	if (!check_name(l, f, k, "a resource"))
		return;
	if (v->kind != Y_NULL && !is_map(l, f, v, "a resource"))
		return;
	struct thing *t = thing_new(l, THING_RESOURCE, type->s, f, k, v);
	if (!t)
		return;
	struct lang_body *r = t->res = arena_alloc(l->arena, sizeof(*r));
	*r = (struct lang_body){ .thing = t, .type = type->s, .type_key = type };
	const struct ynode *count_key = NULL, *each_key = NULL;
	for (uint32_t i = 0; v->kind == Y_MAP && i < v->n; i++) {
		const struct ynode *ak = &v->kids[2 * i], *av = ak + 1;
		if (strcmp(ak->s, "count") == 0) {
			r->count = expr_from_yaml(l->arena, f, av, l->d);
			count_key = ak;
		} else if (strcmp(ak->s, "for_each") == 0) {
			r->for_each = expr_from_yaml(l->arena, f, av, l->d);
			each_key = ak;
		} else if (strcmp(ak->s, "depends_on") == 0) {
			read_depends_on(l, f, av, r);
		} else if (strcmp(ak->s, "lifecycle") == 0 || strcmp(ak->s, "provider") == 0) {
			read_lifecycle(l, f, ak);
		} else if (ak->live) {
			diag_add(l->d, "E0104", AT(f, ak), "the name of an attribute cannot be an expression");
		} else {
			struct expr *x = expr_from_yaml(l->arena, f, av, l->d);
			vec_push(&r->attrs, (struct attribute){ .name = ak->s, .key = ak, .x = x });
		}
	}
	if (count_key && each_key) {
		struct diag *g = diag_add(l->d, "E0112", AT(f, each_key), "a resource has count or for_each, not both");
		diag_note(g, AT(f, count_key), "count is here");
	}
}

static void read_resources(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const reserved[] = { "var", "local", "each", "count", "path", "self", "data", "module", "terraform", "aipc", NULL };
	(void)key;
	if (!is_map(l, f, body, "resource"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *type = &body->kids[2 * i];
		const char *const *word = reserved;
		while (*word && strcmp(*word, type->s) != 0)
			word++;
		if (*word)
			diag_add(l->d, "E0104", AT(f, type), "\"%s\" cannot be a resource type", type->s);
		else if (check_name(l, f, type, "a resource type") && is_map(l, f, type + 1, "the resources of one type"))
			for (uint32_t j = 0; j < type[1].n; j++)
				read_resource(l, f, type, &type[1].kids[2 * j]);
	}
}

static const struct block blocks[] = {
	{ "aipc", read_aipc },
	{ "check", NULL },
	{ "data", NULL },
	{ "import", NULL },
	{ "locals", read_locals },
	{ "module", NULL },
	{ "moved", NULL },
	{ "output", read_outputs },
	{ "provider", read_providers },
	{ "removed", NULL },
	{ "resource", read_resources },
	{ "variable", read_variables },
};

static void read_block(struct lang *l, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	const char *names[ARRAY_LEN(blocks) + 1];
	size_t n = 0;
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		if (strcmp(blocks[i].name, key->s) != 0) {
			if (blocks[i].read)
				names[n++] = blocks[i].name;
			continue;
		}
		if (blocks[i].read) {
			blocks[i].read(l, f, key, body);
			return;
		}
		struct diag *g = diag_add(l->d, "E0114", AT(f, key), "\"%s\" blocks are not supported by this version", key->s);
		diag_note(g, (struct mark){ 0 }, "there are: aipc, locals, output, provider, resource, variable");
		return;
	}
	names[n] = NULL;
	struct diag *g = diag_add(l->d, "E0101", AT(f, key), "\"%.60s\" is not a block", key->s);
	diag_suggest(g, key->s, names);
	if (!str_nearest(key->s, names))
		diag_note(g, (struct mark){ 0 }, "there are: aipc, locals, output, provider, resource, variable");
}

/* --- files --------------------------------------------------------------------------------------------------------- */

static void read_file(struct lang *l, const char *dir, const char *name, size_t *total)
{
	struct err err = { 0 };
	autofree char *path = file_join(dir, name);
	char *text = NULL;
	size_t len = 0;
	struct source src = { .path = arena_strdup(l->arena, name) };
	if (file_read(path, MAX_TEXT - *total, &text, &len, &err)) {
		struct source *keep = arena_alloc(l->arena, sizeof(*keep));
		*keep = src;
		diag_add(l->d, "E0411", (struct mark){ .src = keep }, "%s", err.msg);
		return;
	}
	vec_push(&l->texts, text);
	*total += len;
	src.text = text;
	src.len = len;
	struct yaml_file *f;
	if (!yaml_parse(l->arena, &src, false, l->d, &f) || f->n_docs == 0)
		return;
	vec_push(&l->files, f);
	const struct ynode *root = &f->docs[0];
	if (root->kind == Y_NULL)
		return;
	if (root->kind != Y_MAP) {
		diag_add(l->d, "E0101", AT(f, root), "a spec is a map of blocks, this is %s", yaml_kind_name(root));
		return;
	}
	for (uint32_t i = 0; i < root->n; i++)
		read_block(l, f, &root->kids[2 * i], &root->kids[2 * i + 1]);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void module_read(struct lang *l, const char *dir, struct err *err)
{
	VEC(char *) names = { 0 };
	size_t total = 0;
	DIR *d = opendir(dir);
	if (!d) {
		err_errno(err, "cannot read the folder '%s'", dir);
		return;
	}
	for (struct dirent *entry; (entry = readdir(d)) != NULL; )
		if (str_has_suffix(entry->d_name, ".aipc.yaml") && entry->d_name[0] != '.')
			vec_push(&names, xstrdup(entry->d_name));
	closedir(d);
	if (names.len)
		qsort(names.at, names.len, sizeof(*names.at), by_name);
	if (names.len == 0)
		err_set(err, E_NOTFOUND, "there is no *.aipc.yaml file in '%s'", dir);
	else if (names.len > MAX_FILES)
		err_set(err, E_INPUT, "there are more than %d *.aipc.yaml files in '%s'", MAX_FILES, dir);
	for (size_t i = 0; i < names.len; i++) {
		if (!err->code)
			read_file(l, dir, names.at[i], &total);
		free(names.at[i]);
	}
	vec_free(&names);
}
