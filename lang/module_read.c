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
	void (*read)(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body);
};

/* --- blocks ------------------------------------------------------------------------------------------------------ */

/* Of a called module, only what it requires matters. */
static void read_requirements(struct module *m, const struct yaml_file *f, const struct ynode *body)
{
	static const char *const names[] = { "required_version", NULL };
	const struct ynode *key = NULL;
	if (yaml_get(body, "state", &key))
		diag_add(m->l->d, "E0102", AT(f, key), "the state belongs to the spec that is applied, not to a module it calls");
	else
		module_check_keys(m, f, body, "the aipc block of a module", names);
}

static void read_aipc(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "experiments", "required_version", "state", NULL };
	if (!module_is_map(m, f, body, "the aipc block"))
		return;
	if (m->parent) {
		read_requirements(m, f, body);
		return;
	}
	if (m->l->settings.key) {
		struct diag *g = diag_add(m->l->d, "E0103", AT(f, key), "the aipc block is there twice");
		diag_note(g, AT(m->l->settings.file, m->l->settings.key), "the first one is here");
		return;
	}
	module_check_keys(m, f, body, "the aipc block", names);
	m->l->settings.file = f;
	m->l->settings.key = key;
	m->l->settings.x = expr_from_yaml(m->l->arena, f, body, m->l->d);
}

static void read_variables(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!module_is_map(m, f, body, "variable"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i], *v = k + 1;
		if (!module_check_name(m, f, k, "a variable"))
			continue;
		if (v->kind != Y_NULL && !module_is_map(m, f, v, "a variable"))
			continue;
		if (thing_new(m, THING_VAR, "var", f, k, v))
			module_read_variable(m, f, k, v);
	}
}

static void read_locals(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	if (!module_is_map(m, f, body, "locals"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i];
		struct thing *t = module_check_name(m, f, k, "a local") ? thing_new(m, THING_LOCAL, "local", f, k, k + 1) : NULL;
		if (t && !(t->x = expr_from_yaml(m->l->arena, f, k + 1, m->l->d)))
			t->failed = true;
	}
}

static bool read_flag(struct module *m, const struct yaml_file *f, const struct ynode *map, const char *name, bool deflt)
{
	const struct ynode *n = yaml_get(map, name, NULL);
	if (!n || n->kind == Y_NULL)
		return deflt;
	if (n->kind == Y_BOOL)
		return n->b;
	diag_add(m->l->d, "E0115", AT(f, n), "%s is true or false, this is %s", name, yaml_kind_name(n));
	return deflt;
}

static void read_outputs(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "value", "description", "sensitive", NULL };
	(void)key;
	if (!module_is_map(m, f, body, "output"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *k = &body->kids[2 * i], *v = k + 1;
		if (!module_check_name(m, f, k, "an output"))
			continue;
		if (v->kind != Y_MAP) {
			struct diag *g = diag_add(m->l->d, "E0115", AT(f, v), "an output is a map, this is %s", yaml_kind_name(v));
			diag_hint(g, "{ value: ... }");
			continue;
		}
		module_check_keys(m, f, v, "an output", names);
		const struct ynode *value = yaml_get(v, "value", NULL), *text = yaml_get(v, "description", NULL);
		if (!value) {
			diag_add(m->l->d, "E0101", AT(f, k), "the output \"%s\" has no value", k->s);
			continue;
		}
		struct thing *t = thing_new(m, THING_OUTPUT, "output:", f, k, v);
		if (!t)
			continue;
		m->n_outputs++;
		t->sensitive = read_flag(m, f, v, "sensitive", false);
		t->description = text && text->kind == Y_STRING ? text->s : NULL;
		t->x = expr_from_yaml(m->l->arena, f, value, m->l->d);
		t->failed = !t->x;
	}
}

static void read_resource(struct module *m, const struct yaml_file *f, const struct ynode *type, const struct ynode *k)
{
	const struct ynode *v = k + 1;
	if (!module_check_name(m, f, k, "a resource"))
		return;
	if (v->kind != Y_NULL && !module_is_map(m, f, v, "a resource"))
		return;
	struct thing *t = thing_new(m, THING_RESOURCE, type->s, f, k, v);
	if (!t)
		return;
	struct lang_body *r = t->res = arena_alloc(m->l->arena, sizeof(*r));
	*r = (struct lang_body){ .thing = t, .type = type->s, .type_key = type };
	const struct ynode *count_key = NULL, *each_key = NULL;
	for (uint32_t i = 0; v->kind == Y_MAP && i < v->n; i++) {
		const struct ynode *ak = &v->kids[2 * i], *av = ak + 1;
		if (strcmp(ak->s, "count") == 0) {
			r->count = expr_from_yaml(m->l->arena, f, av, m->l->d);
			count_key = ak;
		} else if (strcmp(ak->s, "for_each") == 0) {
			r->for_each = expr_from_yaml(m->l->arena, f, av, m->l->d);
			each_key = ak;
		} else if (strcmp(ak->s, "depends_on") == 0) {
			r->depends_on = module_read_depends_on(m, f, av);
		} else if (strcmp(ak->s, "provider") == 0) {
			module_read_provider_arg(m, f, av, &r->providers);
		} else if (strcmp(ak->s, "lifecycle") == 0) {
			lifecycle_read(m, f, ak, av, r);
		} else if (ak->live) {
			diag_add(m->l->d, "E0104", AT(f, ak), "the name of an attribute cannot be an expression");
		} else {
			struct expr *x = expr_from_yaml(m->l->arena, f, av, m->l->d);
			vec_push(&r->attrs, (struct attribute){ .name = ak->s, .key = ak, .x = x });
		}
	}
	if (count_key && each_key) {
		struct diag *g = diag_add(m->l->d, "E0112", AT(f, each_key), "a resource has count or for_each, not both");
		diag_note(g, AT(f, count_key), "count is here");
	}
}

static void read_resources(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const reserved[] = { "var", "local", "each", "count", "path", "self", "data", "module", "terraform", "aipc", NULL };
	(void)key;
	if (!module_is_map(m, f, body, "resource"))
		return;
	for (uint32_t i = 0; i < body->n; i++) {
		const struct ynode *type = &body->kids[2 * i];
		const char *const *word = reserved;
		while (*word && strcmp(*word, type->s) != 0)
			word++;
		if (*word)
			diag_add(m->l->d, "E0104", AT(f, type), "\"%s\" cannot be a resource type", type->s);
		else if (module_check_name(m, f, type, "a resource type") && module_is_map(m, f, type + 1, "the resources of one type"))
			for (uint32_t j = 0; j < type[1].n; j++)
				read_resource(m, f, type, &type[1].kids[2 * j]);
	}
}

static const struct block blocks[] = {
	{ "aipc", read_aipc },
	{ "check", module_read_checks },
	{ "data", NULL },
	{ "import", module_read_import },
	{ "locals", read_locals },
	{ "module", module_read_calls },
	{ "moved", module_read_moved },
	{ "output", read_outputs },
	{ "provider", module_read_providers },
	{ "removed", module_read_removed },
	{ "resource", read_resources },
	{ "variable", read_variables },
};

static void read_block(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
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
			blocks[i].read(m, f, key, body);
			return;
		}
		struct diag *g = diag_add(m->l->d, "E0114", AT(f, key), "\"%s\" blocks are not supported by this version", key->s);
		diag_note(g, (struct mark){ 0 }, "there are: aipc, check, import, locals, module, moved, output, provider, removed, resource, variable");
		return;
	}
	names[n] = NULL;
	struct diag *g = diag_add(m->l->d, "E0101", AT(f, key), "\"%.60s\" is not a block", key->s);
	diag_suggest(g, key->s, names);
	if (!str_nearest(key->s, names))
		diag_note(g, (struct mark){ 0 }, "there are: aipc, check, import, locals, module, moved, output, provider, removed, resource, variable");
}

/* --- files --------------------------------------------------------------------------------------------------------- */

/* The files of a folder are read and parsed once, whoever calls it. */
static void parse_file(struct module *m, struct folder *to, const char *dir, const char *name)
{
	struct lang *l = m->l;
	struct err err = { 0 };
	autofree char *path = file_join(dir, name);
	char *text = NULL;
	size_t len = 0;
	struct source src = { .path = strcmp(m->dir, ".") == 0 ? arena_strdup(l->arena, name) : arena_printf(l->arena, "%s/%s", m->dir, name) };
	if (file_read(path, MAX_TEXT - l->text_read, &text, &len, &err)) {
		struct source *keep = arena_alloc(l->arena, sizeof(*keep));
		*keep = src;
		diag_add(l->d, "E0411", (struct mark){ .src = keep }, "%s", err.msg);
		to->broken = true;
		return;
	}
	vec_push(&l->texts, text);
	l->text_read += len;
	src.text = text;
	src.len = len;
	struct yaml_file *f;
	if (!yaml_parse(l->arena, &src, false, l->d, &f))
		to->broken = true;
	else if (f->n_docs)
		vec_push(&to->files, f);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void parse_folder(struct module *m, struct folder *to, const char *dir, struct err *err)
{
	VEC(char *) names = { 0 };
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
	else if (names.len + m->l->files_read > MAX_FILES)
		err_set(err, E_INPUT, "there are more than %d *.aipc.yaml files, with those of '%s'", MAX_FILES, dir);
	for (size_t i = 0; i < names.len; i++) {
		if (!err->code)
			parse_file(m, to, dir, names.at[i]);
		free(names.at[i]);
	}
	m->l->files_read += (unsigned)names.len;
	vec_free(&names);
}

static struct folder *folder_of(struct module *m, struct err *err)
{
	struct lang *l = m->l;
	struct folder *f;
	HASH_FIND_STR(l->folders, m->real, f);
	if (f)
		return f;
	autofree char *dir = strcmp(m->dir, ".") == 0 ? xstrdup(l->dir) : file_join(l->dir, m->dir);
	f = arena_alloc(l->arena, sizeof(*f));
	f->real = m->real;
	HASH_ADD_KEYPTR(hh, l->folders, f->real, strlen(f->real), f);
	parse_folder(m, f, dir, err);
	return f;
}

static void read_blocks(struct module *m, const struct yaml_file *f)
{
	const struct ynode *root = &f->docs[0];
	if (root->kind == Y_NULL)
		return;
	if (root->kind != Y_MAP) {
		diag_add(m->l->d, "E0101", AT(f, root), "a spec is a map of blocks, this is %s", yaml_kind_name(root));
		return;
	}
	for (uint32_t i = 0; i < root->n; i++)
		read_block(m, f, &root->kids[2 * i], &root->kids[2 * i + 1]);
}

void module_read(struct module *m, struct err *err)
{
	const struct diag_trail *before = diags_trail(m->l->d, m->parent ? &m->trail : NULL);
	const struct folder *folder = m->folder = folder_of(m, err);
	bool meets = !err->code && module_meets_requirements(m, folder);
	for (size_t i = 0; meets && i < folder->files.len; i++)
		read_blocks(m, folder->files.at[i]);
	module_load_calls(m);
	diags_trail(m->l->d, before);
}
