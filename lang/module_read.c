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
	/* KEY and BODY of the block in its file. */
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
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i], *v = k + 1;
		if (!module_check_name(m, f, k, "a variable"))
			continue;
		if (v->is->kind != Y_NULL && !module_is_map(m, f, v, "a variable"))
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
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i];
		struct thing *t = module_check_name(m, f, k, "a local") ? thing_new(m, THING_LOCAL, "local", f, k, k + 1) : NULL;
		if (t && !(t->x = expr_from_yaml(m->l->arena, f, k + 1, m->l->d)))
			t->failed = true;
	}
}

static bool read_flag(struct module *m, const struct yaml_file *f, const struct ynode *map, const char *name, bool deflt)
{
	const struct ynode *n = yaml_get(map, name, NULL);
	if (!n || n->is->kind == Y_NULL)
		return deflt;
	if (n->is->kind == Y_BOOL)
		return n->is->b;
	diag_add(m->l->d, "E0115", AT(f, n), "%s is true or false, this is %s", name, yaml_kind_name(n));
	return deflt;
}

static void read_outputs(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	static const char *const names[] = { "value", "depends_on", "description", "ephemeral", "precondition", "sensitive", NULL };
	(void)key;
	if (!module_is_map(m, f, body, "output"))
		return;
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *k = &yaml_kids(body)[2 * i], *v = k + 1;
		if (!module_check_name(m, f, k, "an output"))
			continue;
		if (v->is->kind != Y_MAP) {
			struct diag *g = diag_add(m->l->d, "E0115", AT(f, v), "an output is a map, this is %s", yaml_kind_name(v));
			diag_hint(g, "{ value: ... }");
			continue;
		}
		module_check_keys(m, f, v, "an output", names);
		const struct ynode *value = yaml_get(v, "value", NULL), *text = yaml_get(v, "description", NULL);
		if (!value) {
			diag_add(m->l->d, "E0101", AT(f, k), "the output \"%s\" has no value", k->is->s);
			continue;
		}
		struct thing *t = thing_new(m, THING_OUTPUT, "output:", f, k, v);
		if (!t)
			continue;
		m->n_outputs++;
		t->sensitive = read_flag(m, f, v, "sensitive", false);
		t->ephemeral = read_flag(m, f, v, "ephemeral", false);
		if (t->ephemeral && !m->parent)
			diag_add(m->l->d, "E0231", AT(f, yaml_get(v, "ephemeral", NULL)),
				 "an output of the spec itself is stored, so it cannot be ephemeral; those of called modules can");
		t->description = text && text->is->kind == Y_STRING ? text->is->s : NULL;
		t->x = expr_from_yaml(m->l->arena, f, value, m->l->d);
		t->failed = !t->x;
		const struct ynode *pre = yaml_get(v, "precondition", NULL), *after = yaml_get(v, "depends_on", NULL);
		if (pre)
			condition_read(m, f, pre, "a precondition", &t->rules);
		if (after)
			t->depends_on = module_read_depends_on(m, f, after);
	}
}

/* Of what a block is, and where: resources and data differ in little. */
struct stands { bool data; const struct ynode *check; const char *what; };

static void read_argument(struct module *m, const struct yaml_file *f, struct lang_body *r, const struct ynode *key)
{
	const struct ynode *v = key + 1;
	if (strcmp(key->is->s, "count") == 0) {
		r->count = expr_from_yaml(m->l->arena, f, v, m->l->d);
	} else if (strcmp(key->is->s, "for_each") == 0) {
		r->for_each = expr_from_yaml(m->l->arena, f, v, m->l->d);
	} else if (strcmp(key->is->s, "depends_on") == 0) {
		r->depends_on = module_read_depends_on(m, f, v);
	} else if (strcmp(key->is->s, "provider") == 0) {
		module_read_provider_arg(m, f, v, &r->providers);
	} else if (strcmp(key->is->s, "lifecycle") == 0) {
		lifecycle_read(m, f, key, v, r);
	} else if (key->is->live) {
		diag_add(m->l->d, "E0104", AT(f, key), "the name of an attribute cannot be an expression");
	} else {
		struct expr *x = expr_from_yaml(m->l->arena, f, v, m->l->d);
		vec_push(&r->attrs, (struct attribute){ .name = key->is->s, .key = key, .x = x });
	}
}

static void read_resource(struct module *m, const struct yaml_file *f, const struct ynode *type, const struct ynode *k, const struct stands *in)
{
	const struct ynode *v = k + 1, *count_key = NULL, *each_key = NULL;
	if (!module_check_name(m, f, k, in->what))
		return;
	if (v->is->kind != Y_NULL && !module_is_map(m, f, v, in->what))
		return;
	struct thing *t = thing_new(m, THING_RESOURCE, in->data ? arena_printf(m->l->arena, "data.%s", type->is->s) : type->is->s, f, k, v);
	if (!t)
		return;
	struct lang_body *r = t->res = arena_alloc(m->l->arena, sizeof(*r));
	*r = (struct lang_body){ .thing = t, .type = type->is->s, .type_key = type, .data = in->data, .check = in->check };
	for (uint32_t i = 0; v->is->kind == Y_MAP && i < v->is->n; i++)
		read_argument(m, f, r, &yaml_kids(v)[2 * i]);
	if (v->is->kind == Y_MAP && yaml_get(v, "count", &count_key) && yaml_get(v, "for_each", &each_key)) {
		struct diag *g = diag_add(m->l->d, "E0112", AT(f, each_key), "%s has count or for_each, not both", in->what);
		diag_note(g, AT(f, count_key), "count is here");
	}
}

void module_read_typed(struct module *m, const struct yaml_file *f, const struct ynode *body, bool data, const struct ynode *check)
{
	static const char *const reserved[] = { "var", "local", "each", "count", "path", "self", "data", "module", "terraform", "aipc", NULL };
	const struct stands in = { data, check, data ? "a data block" : "a resource" };
	if (!module_is_map(m, f, body, data ? "data" : "resource"))
		return;
	for (uint32_t i = 0; i < body->is->n; i++) {
		const struct ynode *type = &yaml_kids(body)[2 * i];
		const char *const *word = reserved;
		while (!data && *word && strcmp(*word, type->is->s) != 0)
			word++;
		if (!data && *word)
			diag_add(m->l->d, "E0104", AT(f, type), "\"%s\" cannot be a resource type", type->is->s);
		else if (module_check_name(m, f, type, data ? "a data type" : "a resource type") &&
			 module_is_map(m, f, type + 1, data ? "the data blocks of one type" : "the resources of one type"))
			for (uint32_t j = 0; j < type[1].is->n; j++)
				read_resource(m, f, type, &yaml_kids(&type[1])[2 * j], &in);
	}
}

static void read_resources(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	module_read_typed(m, f, body, false, NULL);
}

static void read_data(struct module *m, const struct yaml_file *f, const struct ynode *key, const struct ynode *body)
{
	(void)key;
	module_read_typed(m, f, body, true, NULL);
}

static const struct block blocks[] = {
	{ "aipc", read_aipc },
	{ "check", module_read_checks },
	{ "data", read_data },
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
	struct str all;
	str_init(&all, 400);
	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		names[i] = blocks[i].name;
		str_addf(&all, "%s%s", i ? ", " : "", names[i]);
		if (strcmp(blocks[i].name, key->is->s) == 0) {
			blocks[i].read(m, f, key, body);
			str_release(&all);
			return;
		}
	}
	names[ARRAY_LEN(blocks)] = NULL;
	struct diag *g = diag_add(m->l->d, "E0101", AT(f, key), "\"%.60s\" is not a block", key->is->s);
	diag_suggest(g, key->is->s, names);
	if (!str_nearest(key->is->s, names))
		diag_note(g, (struct mark){ 0 }, "there are: %s", all.at);
	str_release(&all);
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
	if (root->is->kind == Y_NULL)
		return;
	if (root->is->kind != Y_MAP) {
		diag_add(m->l->d, "E0101", AT(f, root), "a spec is a map of blocks, this is %s", yaml_kind_name(root));
		return;
	}
	for (uint32_t i = 0; i < root->is->n; i++)
		read_block(m, f, &yaml_kids(root)[2 * i], &yaml_kids(root)[2 * i + 1]);
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
