#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/spec.h"

enum { LOGOUT_MS = 10000 };

/* --- the registry ---------------------------------------------------------------------------------------------------- */

static int by_type(const void *x, const void *y)
{
	const struct type_row *a = x, *b = y;
	return strcmp(a->type->name, b->type->name);
}

/* The types of all providers, or DATA types, by name. */
static struct type_row *register_types(struct engine *e, bool data, size_t *n, const char *const **names_out)
{
	VEC(struct type_row) rows = { 0 };
	for (size_t i = 0; i < e->n_slots; i++)
		for (const struct resource_type *const *t = data ? e->slots[i].p->data : e->slots[i].p->types; t && *t; t++)
			vec_push(&rows, (struct type_row){ *t, &e->slots[i] });
	struct type_row *sorted = arena_array(e->arena, rows.len + 1, sizeof(*sorted));
	*n = rows.len;
	if (rows.len) {
		qsort(rows.at, rows.len, sizeof(*rows.at), by_type);
		memcpy(sorted, rows.at, rows.len * sizeof(*rows.at));
	}
	vec_free(&rows);
	const char **names = arena_array(e->arena, *n + 1, sizeof(*names));
	for (size_t i = 0; i < *n; i++) {
		const struct resource_type *t = sorted[i].type;
		names[i] = t->name;
		if ((data || !t->expand) && !t->read)
			BUG("type %s has neither expand nor read", t->name);
		if (i && strcmp(names[i - 1], names[i]) == 0)
			BUG("two types are called %s", names[i]);
	}
	*names_out = names;
	return sorted;
}

static struct engine *engine_new(const struct engine_options *o)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	e->own = *o;
	e->o = &e->own;
	e->arena = arena_new();
	while (o->providers[e->n_slots])
		e->n_slots++;
	e->slots = arena_array(e->arena, e->n_slots + 1, sizeof(*e->slots));
	for (size_t i = 0; i < e->n_slots; i++) {
		e->slots[i].p = o->providers[i];
		e->slots[i].id = o->providers[i]->name;
		if (e->slots[i].p->abi != PROVIDER_ABI)
			BUG("provider %s has another ABI", e->slots[i].p->name);
	}
	e->rows = register_types(e, false, &e->n_rows, &e->type_names);
	e->data_rows = register_types(e, true, &e->n_data_rows, &e->data_names);
	return e;
}

static const struct type_row *find_row(const struct type_row *rows, size_t n, const char *name)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = strcmp(rows[mid].type->name, name);
		if (c == 0)
			return &rows[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct type_row *engine_row(const struct engine *e, const char *name)
{
	return find_row(e->rows, e->n_rows, name);
}

const struct type_row *engine_data_row(const struct engine *e, const char *name)
{
	return find_row(e->data_rows, e->n_data_rows, name);
}

struct provider_slot *slot_find(struct provider_slot *first, const char *id)
{
	while (id && first && strcmp(first->id, id) != 0)
		first = first->next;
	return first;
}

struct provider_slot *slot_get(struct engine *e, struct provider_slot *first, const char *id)
{
	struct provider_slot *s = slot_find(first, id);
	if (s)
		return s;
	s = arena_alloc(e->arena, sizeof(*s));
	*s = (struct provider_slot){ .p = first->p, .id = arena_strdup(e->arena, id), .next = first->next };
	first->next = s;
	return s;
}

const char *slot_name(const struct provider_slot *s)
{
	return strcmp(s->id, s->p->name) == 0 ? NULL : s->id;
}

const struct resource_type *engine_type(const struct engine *e, const char *name)
{
	const struct type_row *row = engine_row(e, name);
	return row ? row->type : NULL;
}

/* --- opening --------------------------------------------------------------------------------------------------------- */

int engine_open(const struct engine_options *o, struct diags *d, struct engine **out, struct err *err)
{
	struct engine *e = engine_new(o);
	int rc = spec_load(e, d, &e->spec, err);
	if (e->spec) {
		const struct lang_output *outputs;
		size_t n;
		for (unsigned i = 0; i < e->spec->n; i++)
			spec_expand(e->spec, &e->spec->res[e->spec->graph.order[i]]);
		twins_check(e->spec);
		spec_create_first(e->spec);
		ties_link(e->spec);
		moves_check(e->spec);
		imports_check(e->spec);
		if (!rc && !diags_errors(d)) {
			rc = lang_outputs(e->spec->lang, &outputs, &n);
			for (size_t i = 0; !rc && i < n; i++)
				e->spec->waits = e->spec->waits || outputs[i].unknown;
			e->spec->waits = e->spec->waits || lang_checks_wait(e->spec->lang);
		}
	}
	if (!rc && diags_errors(d))
		rc = E_INPUT;
	if (rc == E_INPUT && diags_errors(d))
		err_set(err, E_INPUT, "%s", "");
	if (rc || !e->spec) {
		engine_close(NULL, e);
		return rc;
	}
	e->needs_world = e->spec->waits;
	*out = e;
	return 0;
}

static void ignore_report(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
			  const char *word, const char *fmt, ...)
{
	(void)ctx, (void)code, (void)key, (void)path, (void)near, (void)word, (void)fmt;
}

/* The provider that configuration ID ("redfish.eu") is of. */
static struct provider_slot *first_slot(struct engine *e, const char *id)
{
	size_t n = strcspn(id, ".");
	for (size_t i = 0; i < e->n_slots; i++)
		if (strlen(e->slots[i].id) == n && strncmp(e->slots[i].id, id, n) == 0)
			return &e->slots[i];
	return NULL;
}

static int take_configs(struct engine *e, const json_t *providers, struct err *err)
{
	const char *id;
	json_t *given;
	json_object_foreach((json_t *)providers, id, given) {
		struct provider_slot *first = first_slot(e, id), *s = first ? slot_get(e, first, id) : NULL;
		if (s)
			s->config = config_complete(s->p, given, json_at(e->o->ephemeral, id), ignore_report, NULL);
		if (!s || !s->config)
			return err_set(err, E_INPUT, "the saved configuration of provider \"%.100s\" is not valid", id);
	}
	return 0;
}

int engine_open_bare(const struct engine_options *o, const json_t *providers, struct engine **out, struct err *err)
{
	struct engine *e = engine_new(o);
	int rc = take_configs(e, providers, err);
	for (size_t i = 0; !rc && i < e->n_slots; i++) {
		autojson json_t *empty = json_object();
		if (!e->slots[i].config)
			e->slots[i].config = schema_complete(e->slots[i].p->config, empty, ignore_report, NULL);
	}
	if (rc)
		engine_close(NULL, e);
	else
		*out = e;
	return rc;
}

void engine_close(struct task *t, struct engine *e)
{
	if (!e)
		return;
	int64_t deadline = 0;
	if (t) {
		task_shield(t, true);
		deadline = task_deadline_in(t, LOGOUT_MS);
	}
	for (size_t i = 0; i < e->n_slots; i++)
		for (struct provider_slot *s = &e->slots[i]; s; s = s->next) {
			if (s->opened && s->p->close)
				s->p->close(t, s->self);
			json_decref(s->config);
			json_decref(s->ephemeral);
		}
	if (t) {
		task_deadline_restore(t, deadline);
		task_shield(t, false);
	}
	spec_free(e->spec);
	spec_free(e->old);
	arena_free(e->arena);
	free(e);
}

/* --- parts ------------------------------------------------------------------------------------------------------------- */

struct lang *engine_lang(struct engine *e)
{
	return e->spec ? e->spec->lang : NULL;
}

char *engine_state_path(const struct engine *e)
{
	const json_t *settings = e->spec ? lang_settings(e->spec->lang) : NULL;
	const char *path = json_str(json_at(settings, "state"), "path");
	if (!path)
		path = ".aipc/state.db";
	return strcmp(e->o->dir, ".") == 0 ? xstrdup(path) : file_join(e->o->dir, path);
}

void engine_use_store(struct engine *e, struct store *s)
{
	e->store = s;
}

int slot_open(struct engine *e, struct provider_slot *s, void **self, struct err *err)
{
	if (!s->config)
		return err_set(err, E_INPUT, "provider \"%s\" is not configured", s->id);
	if (!s->opened) {
		struct provider_env env = { .loop = e->o->loop, .provider = s->p, .dir = e->o->dir, .config = s->config, .store = e->store };
		struct provider_env *kept = arena_alloc(e->arena, sizeof(*kept));
		*kept = env;
		int rc = s->p->open ? s->p->open(kept, &s->self, err) : 0;
		if (rc)
			return err_wrap(err, "provider \"%s\"", s->id);
		s->opened = true;
	}
	*self = s->self;
	return 0;
}

int engine_provider(struct engine *e, const struct resource_type *type, const char *id, void **self, struct err *err)
{
	const struct type_row *row = engine_row(e, type->name);
	if (!row)
		BUG("type %s is not registered", type->name);
	struct provider_slot *s = slot_find(row->slot, id);
	if (!s || !s->config)
		return err_set(err, E_INPUT, "provider \"%s\" is not configured; it is needed for objects of type %s", id ? id : row->slot->id, type->name);
	return slot_open(e, s, self, err);
}

int engine_graph(struct engine *e, struct str *out, struct err *err)
{
	const struct spec *s = e->spec;
	if (!s)
		return err_set(err, E_UNSUPPORTED, "there is no spec to draw");
	str_add(out, "digraph aipc {\n\trankdir = LR;\n\tnode [shape = box, fontname = \"monospace\"];\n");
	for (size_t i = 0; i < s->n; i++)
		str_addf(out, "\t\"%s\"%s;\n", s->res[i].address, s->res[i].lr->data ? " [style = dashed]" : s->res[i].row->type->expand ? "" : " [style = rounded]");
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->res[i].lr->n_refs; k++)
			str_addf(out, "\t\"%s\" -> \"%s\";\n", s->res[i].address, s->res[s->res[i].lr->refs[k].to->index].address);
	str_add(out, "}\n");
	return 0;
}
