/* What a saved plan says of objects that its conditions refer to: those that are to come, and what is known of the others. */
#include <string.h>

#include "base/json.h"
#include "engine/planning.h"
#include "lang/carry.h"

static bool is_coming(const struct change *c)
{
	return c && (c->action == ACT_CREATE || c->action == ACT_UPDATE || c->action == ACT_REPLACE);
}

/* Is all of J known? What is not is one marker, wherever it stands. */
static bool is_known(const json_t *j)
{
	const char *key;
	json_t *v;
	bool known = j != lang_unknown() && !lang_sensitive_in(j);
	json_object_foreach((json_t *)j, key, v) {
		known = known && is_known(v);
	}
	for (size_t i = 0; known && i < json_array_size(j); i++)
		known = is_known(json_array_get(j, i));
	return known;
}

static json_t *needs_of(const struct making *m, const struct unit *u)
{
	json_t *list = json_array();
	for (size_t i = 0; u && i < u->n; i++)
		if (is_coming(m->subjects.at[u->first + i].change))
			json_array_append_new(list, json_string(m->subjects.at[u->first + i].it->address));
	return list;
}

json_t *carry_instance(struct making *m, struct resource *r, const struct instance *in)
{
	json_t *j = json_object();
	if (in->li->kind == LANG_EACH)
		json_put_str(j, "key", in->key);
	if (in->item && is_coming(m->subjects.at[in->item->index].change)) {
		json_put_str(j, "address", in->address);
		return j;
	}
	autojson json_t *value = spec_instance_value(m->spec, r, in), *needs = needs_of(m, in->unit);
	if (!is_known(value))
		return j;
	json_put_new(j, "value", json_ref(value));
	if (json_array_size(needs))
		json_object_set(j, "needs", needs);
	return j;
}

static json_t *instances(void *ctx, const struct lang_resource *lr, size_t block)
{
	struct making *m = ctx;
	struct resource *r = &m->spec->res[lr->index];
	const struct block *b = r->expanded && block < r->n_blocks ? &r->blocks[block] : NULL;
	if (!b || b->lb->deferred)
		return NULL;
	json_t *list = json_array();
	for (size_t i = 0; i < b->n; i++)
		json_array_append_new(list, carry_instance(m, r, &b->instances[i]));
	return list;
}

void carry_begin(struct making *m)
{
	lang_carry_begin(m->spec->lang, instances, m);
}
