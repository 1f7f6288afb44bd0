#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/planning.h"

enum { FORMAT = 1, MAX_DEPTH = 200 };
#define MAX_FILE ((size_t)1 << 30)

/* A plan file comes from outside: every member is checked before anything uses it. The first thing wrong is remembered. */
struct reading {
	struct plan *p;
	const char *wrong;
};

static const json_t *need(struct reading *r, const json_t *j, const char *key, json_type type)
{
	const json_t *v = json_at(j, key);
	bool boolean = type == JSON_TRUE && json_is_boolean(v);
	if (v && (boolean || json_typeof(v) == type))
		return v;
	if (!r->wrong)
		r->wrong = key;
	return NULL;
}

static const char *need_text(struct reading *r, const json_t *j, const char *key)
{
	const char *s = json_string_value(need(r, j, key, JSON_STRING));
	return arena_strdup(r->p->arena, s ? s : "");
}

static const char *text(struct reading *r, const json_t *j, const char *key)
{
	return json_at(j, key) ? need_text(r, j, key) : NULL;
}

static int64_t number(struct reading *r, const json_t *j, const char *key, int64_t max)
{
	if (!json_at(j, key))
		return 0;
	int64_t n = json_integer_value(need(r, j, key, JSON_INTEGER));
	if ((n < 0 || n > max) && !r->wrong)
		r->wrong = key;
	return n < 0 || n > max ? 0 : n;
}

static const json_t *value(struct reading *r, const json_t *j, const char *key, bool object)
{
	const json_t *v = json_at(j, key);
	if (!v)
		return NULL;
	if (object && !json_is_object(v)) {
		r->wrong = key;
		return NULL;
	}
	return json_ref(v);
}

static unsigned *indices(struct reading *r, const json_t *j, const char *key, size_t limit, size_t *n)
{
	*n = 0;
	if (!json_at(j, key))
		return NULL;
	const json_t *list = need(r, j, key, JSON_ARRAY), *v;
	size_t i;
	unsigned *at = arena_array(r->p->arena, json_array_size(list) + 1, sizeof(*at));
	json_array_foreach(list, i, v) {
		json_int_t k = json_is_integer(v) ? json_integer_value(v) : -1;
		if (k < 0 || (size_t)k >= limit) {
			r->wrong = key;
			return NULL;
		}
		at[i] = (unsigned)k;
	}
	*n = json_array_size(list);
	return at;
}

static int word(struct reading *r, const json_t *j, const char *key, const char *const *words, size_t n)
{
	const char *s = json_string_value(need(r, j, key, JSON_STRING));
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(words[i], s) == 0)
			return (int)i;
	if (!r->wrong)
		r->wrong = key;
	return 0;
}

static unsigned cause(struct reading *r, const json_t *j)
{
	static const char *const words[] = { "", "spec", "drift" };
	unsigned bits = 0;
	const json_t *list = json_at(j, "cause"), *v;
	size_t i;
	json_array_foreach(list, i, v) {
		const char *s = json_string_value(v);
		unsigned bit = s && strcmp(s, words[1]) == 0 ? CAUSE_SPEC : s && strcmp(s, words[2]) == 0 ? CAUSE_DRIFT : 0;
		if (!bit)
			r->wrong = "cause";
		bits |= bit;
	}
	return bits;
}

/* --- parts ------------------------------------------------------------------------------------------------------------------- */

static void read_attrs(struct reading *r, const json_t *j, struct change *c)
{
	const json_t *list = json_at(j, "attrs"), *v;
	size_t i;
	struct attr_change *at = arena_array(r->p->arena, json_array_size(list) + 1, sizeof(*at));
	json_array_foreach(list, i, v) {
		at[i].path = need_text(r, v, "path");
		at[i].shown = need_text(r, v, "shown");
		at[i].before = value(r, v, "before", false);
		at[i].after = value(r, v, "after", false);
		at[i].was = value(r, v, "was", false);
		at[i].by = text(r, v, "by");
		at[i].cause = cause(r, v);
	}
	c->attrs = at;
	c->n_attrs = json_array_size(list);
}

static void read_effect(struct reading *r, const json_t *j, struct effect *e)
{
	if (!j)
		return;
	if (json_at(j, "disruption"))
		e->disruption = (enum effect_class)word(r, j, "disruption", disruption_words, EFFECT_AC_CYCLE + 1);
	e->minutes = (int)number(r, j, "minutes", 1000000);
	e->interrupts_jobs = json_flag(j, "interrupts_jobs", false);
	e->bmc_reset = json_flag(j, "bmc_reset", false);
	const char *why = json_str(j, "irreversible");
	if (why) {
		size_t n = strnlen(why, sizeof(e->irreversible) - 1);
		memcpy(e->irreversible, why, n);
		e->irreversible[n] = '\0';
	}
}

static void read_change(struct reading *r, const json_t *j, struct change *c, size_t n, size_t n_groups)
{
	const char *words[ACT_BLOCK + 1];
	for (int i = 0; i <= ACT_BLOCK; i++)
		words[i] = action_name((enum action)i);
	c->address = need_text(r, j, "address");
	c->type = need_text(r, j, "type");
	c->owner = need_text(r, j, "owner");
	c->node = text(r, j, "node");
	c->provider = text(r, j, "provider");
	c->action = (enum action)word(r, j, "action", words, ARRAY_LEN(words));
	c->cause = cause(r, j);
	read_attrs(r, j, c);
	c->config = value(r, j, "config", true);
	c->actual = value(r, j, "actual", true);
	c->prior = value(r, j, "prior", true);
	c->version = number(r, j, "version", INT64_MAX);
	c->silent = json_flag(j, "silent", false);
	c->protect = json_flag(j, "protect", false);
	read_effect(r, json_at(j, "effect"), &c->effect);
	c->reason = text(r, j, "reason");
	c->group = (unsigned)number(r, j, "group", n_groups ? (int64_t)n_groups - 1 : 0);
	c->wave = (unsigned)number(r, j, "wave", UINT32_MAX);
	c->after = indices(r, j, "after", n, &c->n_after);
	bool makes = c->action == ACT_CREATE || c->action == ACT_UPDATE || c->action == ACT_REPLACE;
	if ((c->action == ACT_NONE || (makes && !c->config) || !n_groups) && !r->wrong)
		r->wrong = "action";
}

static void read_group(struct reading *r, const json_t *j, struct group *g, size_t n_groups)
{
	const json_t *deps = json_at(j, "deps"), *v;
	size_t i;
	g->owner = need_text(r, j, "owner");
	g->removes = json_flag(j, "removes", false);
	g->after = indices(r, j, "after", n_groups, &g->n_after);
	const char **list = arena_array(r->p->arena, json_array_size(deps) + 1, sizeof(*list));
	json_array_foreach(deps, i, v) {
		list[i] = arena_strdup(r->p->arena, json_is_string(v) ? json_string_value(v) : "");
		if (!json_is_string(v))
			r->wrong = "deps";
	}
	g->deps = list;
	g->n_deps = json_array_size(deps);
	g->canary = (unsigned)number(r, j, "canary", UINT32_MAX);
	g->max_unavailable = (unsigned)number(r, j, "max_unavailable", UINT32_MAX);
	g->soak_s = (unsigned)number(r, j, "soak_s", UINT32_MAX);
	g->waves = (unsigned)number(r, j, "waves", UINT32_MAX);
	g->objects = (size_t)number(r, j, "objects", INT64_MAX);
	g->nodes = (size_t)number(r, j, "nodes", INT64_MAX);
}

static void read_outputs(struct reading *r, const json_t *j)
{
	struct plan *p = r->p;
	const json_t *changes = need(r, j, "outputs", JSON_ARRAY), *values = need(r, j, "output_values", JSON_ARRAY), *v;
	size_t i;
	p->outputs = arena_array(p->arena, json_array_size(changes) + 1, sizeof(*p->outputs));
	p->output_values = arena_array(p->arena, json_array_size(values) + 1, sizeof(*p->output_values));
	json_array_foreach(changes, i, v) {
		p->outputs[i] = (struct output_change){ need_text(r, v, "name"), json_flag(v, "sensitive", false),
							text(r, v, "before"), text(r, v, "after") };
	}
	json_array_foreach(values, i, v) {
		p->output_values[i] = (struct stored_output){ need_text(r, v, "name"), text(r, v, "text"),
							      json_flag(v, "sensitive", false) };
	}
	p->n_outputs = json_array_size(changes);
	p->n_output_values = json_array_size(values);
}

static void read_moves(struct reading *r, const json_t *j)
{
	const json_t *list = json_at(j, "moves") ? need(r, j, "moves", JSON_ARRAY) : NULL, *v;
	size_t i;
	struct move *moves = arena_array(r->p->arena, json_array_size(list) + 1, sizeof(*moves));
	json_array_foreach(list, i, v) {
		moves[i] = (struct move){ need_text(r, v, "from"), need_text(r, v, "to"), need_text(r, v, "owner"), number(r, v, "version", INT64_MAX) };
	}
	r->p->moves = moves;
	r->p->n_moves = json_array_size(list);
}

static void read_counts(struct reading *r, const json_t *j)
{
	for (const struct counted *n = plan_counted; n->name; n++)
		*(size_t *)(void *)((char *)&r->p->counts + n->offset) = (size_t)number(r, j, n->name, INT64_MAX);
}

/* Apply waits for what `after` names: a ring there would wait for ever. */
static bool after_is_acyclic(const struct plan *p)
{
	struct dag changes, groups;
	dag_init(&changes, (unsigned)p->n);
	dag_init(&groups, (unsigned)p->n_groups);
	for (unsigned i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->changes[i].n_after; k++)
			dag_edge(&changes, i, p->changes[i].after[k]);
	for (unsigned i = 0; i < p->n_groups; i++)
		for (size_t k = 0; k < p->groups[i].n_after; k++)
			dag_edge(&groups, i, p->groups[i].after[k]);
	bool ok = dag_order(&changes, NULL, NULL) && dag_order(&groups, NULL, NULL);
	dag_release(&changes);
	dag_release(&groups);
	return ok;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

static bool too_deep(const json_t *j, int depth)
{
	const char *key;
	const json_t *v;
	if (depth > MAX_DEPTH)
		return true;
	json_object_foreach((json_t *)j, key, v) {
		if (too_deep(v, depth + 1))
			return true;
	}
	for (size_t i = 0; i < json_array_size(j); i++)
		if (too_deep(json_array_get(j, i), depth + 1))
			return true;
	return false;
}

/* Arrays of names, for configurations that the plan has. */
static void read_ephemeral(struct reading *r, const json_t *j)
{
	const json_t *all = json_at(j, "ephemeral") ? need(r, j, "ephemeral", JSON_OBJECT) : NULL;
	const char *id;
	json_t *names, *name;
	size_t i;
	json_object_foreach((json_t *)all, id, names) {
		bool good = json_is_array(names) && json_is_object(json_at(r->p->providers, id));
		json_array_foreach(names, i, name) {
			good = good && json_is_string(name);
		}
		if (!good)
			r->wrong = "ephemeral";
	}
	r->p->ephemeral = all ? json_ref(all) : NULL;
}

/* What was asked of data blocks; told as it is, so that much must hold. */
static void read_data(struct reading *r, const json_t *j)
{
	const json_t *all = json_at(j, "data") ? need(r, j, "data", JSON_ARRAY) : NULL, *row;
	size_t i;
	json_array_foreach(all, i, row) {
		need(r, row, "address", JSON_STRING);
		need(r, row, "state", JSON_STRING);
	}
	r->p->data = all ? json_ref(all) : NULL;
}

static void read_plan(struct reading *r, const json_t *j)
{
	struct plan *p = r->p;
	const json_t *changes = need(r, j, "changes", JSON_ARRAY), *groups = need(r, j, "groups", JSON_ARRAY);
	const json_t *id = need(r, j, "id", JSON_STRING), *hash = need(r, j, "spec_hash", JSON_STRING), *v;
	size_t i;
	if (id && json_string_length(id) < sizeof(p->id))
		memcpy(p->id, json_string_value(id), json_string_length(id));
	if (hash && json_string_length(hash) < sizeof(p->spec_hash))
		memcpy(p->spec_hash, json_string_value(hash), json_string_length(hash));
	p->serial = number(r, j, "serial", INT64_MAX);
	p->state_path = need_text(r, j, "state_path");
	p->destroy = json_is_true(need(r, j, "destroy", JSON_TRUE));
	p->complete = json_is_true(need(r, j, "complete", JSON_TRUE));
	read_counts(r, need(r, j, "counts", JSON_OBJECT));
	p->n_groups = json_array_size(groups);
	p->groups = arena_array(p->arena, p->n_groups + 1, sizeof(*p->groups));
	json_array_foreach(groups, i, v) {
		read_group(r, v, &p->groups[i], p->n_groups);
	}
	p->n = json_array_size(changes);
	p->changes = arena_array(p->arena, p->n + 1, sizeof(*p->changes));
	json_array_foreach(changes, i, v) {
		read_change(r, v, &p->changes[i], p->n, p->n_groups);
	}
	read_moves(r, j);
	read_outputs(r, j);
	const json_t *providers = need(r, j, "providers", JSON_OBJECT);
	p->providers = providers ? json_ref(providers) : NULL;
	read_ephemeral(r, j);
	read_data(r, j);
	const json_t *conditions = json_at(j, "conditions") ? need(r, j, "conditions", JSON_OBJECT) : NULL;
	p->conditions = conditions ? json_ref(conditions) : NULL;
	if (!r->wrong && !after_is_acyclic(p))
		r->wrong = "after";
}

int plan_read(const json_t *j, struct plan **out, struct err *err)
{
	if (!json_is_object(j) || !json_at(j, "format_version"))
		return err_set(err, E_INPUT, "this is not a plan of aipc");
	if (json_int(j, "format_version", -1) != FORMAT)
		return err_set(err, E_UNSUPPORTED, "the plan has format %d and this aipc reads format %d: plan again",
			       (int)json_int(j, "format_version", -1), FORMAT);
	if (too_deep(j, 0))
		return err_set(err, E_INPUT, "the plan is damaged: it is nested deeper than %d levels", MAX_DEPTH);
	struct reading r = { .p = plan_new() };
	read_plan(&r, j);
	if (!r.wrong) {
		*out = r.p;
		return 0;
	}
	plan_free(r.p);
	return err_set(err, E_INPUT, "the plan is damaged (at \"%s\"): plan again", r.wrong);
}

int plan_from_json(const json_t *j, struct plan **out, struct err *err)
{
	struct plan *p;
	char id[sizeof(p->id)];
	int rc = plan_read(j, &p, err);
	if (rc)
		return rc;
	memcpy(id, p->id, sizeof(id));
	plan_seal(p);
	if (strcmp(id, p->id) == 0) {
		*out = p;
		return 0;
	}
	plan_free(p);
	return err_set(err, E_INPUT, "the plan was changed after it was made (its contents do not match its id): plan again");
}

int plan_load(const char *path, struct plan **out, struct err *err)
{
	autojson json_t *j = NULL;
	int rc = json_read(path, MAX_FILE, &j, err);
	if (rc)
		return rc == E_INPUT ? err_wrap(err, "no saved plan (aipc plan -o FILE writes one)") : rc;
	rc = plan_from_json(j, out, err);
	return rc ? err_wrap(err, "%s", path) : 0;
}
