#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "engine/after.h"
#include "engine/diff.h"
#include "engine/planning.h"

enum { FORMAT = 1, ID_LEN = 12 };
#define MAX_FILE ((size_t)1 << 30)

struct plan *plan_new(void)
{
	struct arena *a = arena_new();
	struct plan *p = arena_alloc(a, sizeof(*p));
	p->arena = a;
	return p;
}

void change_release(struct change *c)
{
	for (size_t i = 0; i < c->n_attrs; i++)
		attr_change_release((struct attr_change *)&c->attrs[i]);
	json_decref((json_t *)c->config);
	json_decref((json_t *)c->actual);
	json_decref((json_t *)c->prior);
}

void plan_free(struct plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		change_release(&p->changes[i]);
	json_decref((json_t *)p->providers);
	json_decref((json_t *)p->ephemeral);
	json_decref((json_t *)p->data);
	json_decref((json_t *)p->conditions);
	after_free(p->after);
	arena_free(p->arena);
}

/* --- writing ----------------------------------------------------------------------------------------------------------------
 *
 * A member is left out where the plan has NULL, 0 or an empty list, so that JSON null is only ever a value. */

static void put_text(json_t *j, const char *key, const char *text)
{
	if (text && *text)
		json_put_str(j, key, text);
}

static void put_value(json_t *j, const char *key, const json_t *v)
{
	if (v)
		json_object_set_new(j, key, json_ref(v));
}

static void put_number(json_t *j, const char *key, int64_t n)
{
	if (n)
		json_put_int(j, key, n);
}

static void put_indices(json_t *j, const char *key, const unsigned *at, size_t n)
{
	if (!n)
		return;
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_integer(at[i]));
	json_put_new(j, key, list);
}

static void put_cause(json_t *j, unsigned cause)
{
	if (!cause)
		return;
	json_t *list = json_array();
	if (cause & CAUSE_SPEC)
		json_array_append_new(list, json_string("spec"));
	if (cause & CAUSE_DRIFT)
		json_array_append_new(list, json_string("drift"));
	json_put_new(j, "cause", list);
}

const char *const disruption_words[] = { "none", "bmc_reset", "reboot", "ac_cycle" };

static void put_effect(json_t *j, const struct effect *e)
{
	json_t *o = json_object();
	if (e->disruption)
		json_put_str(o, "disruption", disruption_words[e->disruption]);
	put_number(o, "minutes", e->minutes);
	if (e->interrupts_jobs)
		json_put_new(o, "interrupts_jobs", json_true());
	if (e->bmc_reset)
		json_put_new(o, "bmc_reset", json_true());
	put_text(o, "irreversible", e->irreversible);
	if (json_object_size(o))
		json_put_new(j, "effect", o);
	else
		json_decref(o);
}

static json_t *attr_json(const struct attr_change *c)
{
	json_t *j = json_object();
	json_put_str(j, "path", c->path);
	json_put_str(j, "shown", c->shown);
	put_value(j, "before", c->before);
	put_value(j, "after", c->after);
	put_value(j, "was", c->was);
	put_text(j, "by", c->by);
	put_cause(j, c->cause);
	return j;
}

static json_t *change_json(const struct change *c)
{
	json_t *j = json_object();
	json_put_str(j, "address", c->address);
	json_put_str(j, "type", c->type);
	json_put_str(j, "owner", c->owner);
	put_text(j, "node", c->node);
	put_text(j, "provider", c->provider);
	json_put_str(j, "action", action_name(c->action));
	put_cause(j, c->cause);
	if (c->n_attrs) {
		json_t *list = json_array();
		for (size_t i = 0; i < c->n_attrs; i++)
			json_array_append_new(list, attr_json(&c->attrs[i]));
		json_put_new(j, "attrs", list);
	}
	put_value(j, "config", c->config);
	put_value(j, "actual", c->actual);
	put_value(j, "prior", c->prior);
	put_number(j, "version", c->version);
	if (c->silent)
		json_put_new(j, "silent", json_true());
	if (c->protect)
		json_put_new(j, "protect", json_true());
	put_effect(j, &c->effect);
	put_text(j, "reason", c->reason);
	json_put_int(j, "group", c->group);
	put_number(j, "wave", c->wave);
	put_indices(j, "after", c->after, c->n_after);
	return j;
}

static json_t *group_json(const struct group *g)
{
	json_t *j = json_object();
	json_put_str(j, "owner", g->owner);
	if (g->removes)
		json_put_new(j, "removes", json_true());
	put_indices(j, "after", g->after, g->n_after);
	if (g->n_deps) {
		json_t *list = json_array();
		for (size_t i = 0; i < g->n_deps; i++)
			json_array_append_new(list, json_string(g->deps[i]));
		json_put_new(j, "deps", list);
	}
	put_number(j, "canary", g->canary);
	put_number(j, "max_unavailable", g->max_unavailable);
	put_number(j, "soak_s", g->soak_s);
	put_number(j, "waves", g->waves);
	json_put_int(j, "objects", (int64_t)g->objects);
	put_number(j, "nodes", (int64_t)g->nodes);
	return j;
}

static json_t *outputs_json(const struct plan *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->n_outputs; i++) {
		const struct output_change *o = &p->outputs[i];
		json_t *j = json_object();
		json_put_str(j, "name", o->name);
		json_put_new(j, "sensitive", json_boolean(o->sensitive));
		put_text(j, "before", o->before);
		put_text(j, "after", o->after);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *output_values_json(const struct plan *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->n_output_values; i++) {
		const struct stored_output *o = &p->output_values[i];
		json_t *j = json_object();
		json_put_str(j, "name", o->name);
		json_put_new(j, "sensitive", json_boolean(o->sensitive));
		put_text(j, "text", o->text);
		json_array_append_new(list, j);
	}
	return list;
}

#define COUNTED(x) { #x, offsetof(struct plan_counts, x) }
const struct counted plan_counted[] = {
	COUNTED(objects), COUNTED(create), COUNTED(update), COUNTED(replace), COUNTED(record), COUNTED(remove), COUNTED(forget),
	COUNTED(defer), COUNTED(skip), COUNTED(block), COUNTED(drift), COUNTED(bmcs_silent), { 0 },
};

static json_t *moves_json(const struct plan *p)
{
	json_t *list = json_array();
	for (size_t i = 0; i < p->n_moves; i++) {
		json_t *j = json_object();
		json_put_str(j, "from", p->moves[i].from);
		json_put_str(j, "to", p->moves[i].to);
		json_put_str(j, "owner", p->moves[i].owner);
		json_put_int(j, "version", p->moves[i].version);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *counts_json(const struct plan_counts *c)
{
	json_t *j = json_object();
	for (const struct counted *n = plan_counted; n->name; n++)
		json_put_int(j, n->name, (int64_t)*(const size_t *)(const void *)((const char *)c + n->offset));
	return j;
}

static json_t *contents(const struct plan *p)
{
	json_t *j = json_object(), *changes = json_array(), *groups = json_array();
	for (size_t i = 0; i < p->n; i++)
		json_array_append_new(changes, change_json(&p->changes[i]));
	for (size_t i = 0; i < p->n_groups; i++)
		json_array_append_new(groups, group_json(&p->groups[i]));
	json_put_int(j, "format_version", FORMAT);
	json_put_str(j, "spec_hash", p->spec_hash);
	json_put_int(j, "serial", p->serial);
	json_put_str(j, "state_path", p->state_path);
	json_put_new(j, "destroy", json_boolean(p->destroy));
	json_put_new(j, "complete", json_boolean(p->complete));
	json_put_new(j, "counts", counts_json(&p->counts));
	json_put_new(j, "changes", changes);
	json_put_new(j, "groups", groups);
	if (p->n_moves)
		json_put_new(j, "moves", moves_json(p));
	if (p->data)
		json_put_new(j, "data", json_ref(p->data));
	put_value(j, "conditions", p->conditions);
	json_put_new(j, "outputs", outputs_json(p));
	json_put_new(j, "output_values", output_values_json(p));
	json_put_new(j, "providers", p->providers ? json_ref(p->providers) : json_object());
	if (p->ephemeral)
		json_put_new(j, "ephemeral", json_ref(p->ephemeral));
	return j;
}

void plan_seal(struct plan *p)
{
	autojson json_t *j = contents(p);
	char hash[65];
	json_hash(j, hash);
	memcpy(p->id, hash, ID_LEN);
	p->id[ID_LEN] = '\0';
}

json_t *plan_to_json(const struct plan *p)
{
	json_t *j = contents(p);
	json_put_str(j, "id", p->id);
	return j;
}

int plan_save(const struct plan *p, const char *path, struct err *err)
{
	struct str text;
	autojson json_t *j = plan_to_json(p);
	str_init(&text, MAX_FILE);
	json_write(j, 0, &text);
	str_addc(&text, '\n');
	int rc = str_full(&text) ? err_set(err, E_INPUT, "the plan is larger than %zu MiB", MAX_FILE >> 20)
				 : file_write(path, text.at, text.len, 0600, err);
	str_release(&text);
	return rc;
}
