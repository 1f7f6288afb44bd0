#include "providers/kube/owned.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { ITEMS_MAX = 2000 };           /* of a list that are told apart */

/* --- entries ------------------------------------------------------------------------------------------------------------------ */

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static const json_t *entries_of(const json_t *object)
{
	return json_at(json_at(object, "metadata"), "managedFields");
}

static const json_t *entry_of(const json_t *object, const char *manager)
{
	const json_t *all = entries_of(object);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *e = json_array_get(all, i);
		const char *sub = json_str(e, "subresource");
		if (is(json_str(e, "manager"), manager) && is(json_str(e, "operation"), "Apply") && (!sub || !sub[0]))
			return e;
	}
	return NULL;
}

const json_t *owned_tree(const json_t *object, const char *manager)
{
	return json_at(entry_of(object, manager), "fieldsV1");
}

const char *owned_time(const json_t *object, const char *manager)
{
	return json_str(entry_of(object, manager), "time");
}

bool owned_shared(const json_t *object, const char *manager)
{
	const json_t *all = entries_of(object), *mine = entry_of(object, manager);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *e = json_array_get(all, i);
		const char *sub = json_str(e, "subresource");
		if (e != mine && (!sub || !sub[0]))
			return true;
	}
	return false;
}

/* --- trees -------------------------------------------------------------------------------------------------------------------- */

static bool is_whole(const json_t *tree)
{
	return tree && json_object_size(tree) == 0;
}

/* What is owned of field KEY; below something that is owned as a whole everything is. */
static const json_t *field_of(const json_t *tree, const char *key)
{
	if (!tree || is_whole(tree))
		return tree;
	autofree char *name = xasprintf("f:%s", key);
	return json_at(tree, name);
}

/* Do the key fields in NAME ('k:{"name":"x"}') say what ITEM says? Of those that ITEM leaves out any will do, but not of all. */
static bool names_item(const char *name, const json_t *item)
{
	autojson json_t *keys = NULL;
	const char *key;
	json_t *v;
	bool any = false;
	if (strncmp(name, "k:", 2) != 0 || json_parse(name + 2, strlen(name + 2), "a key", &keys, NULL) != 0 || !json_is_object(keys))
		return false;
	json_object_foreach(keys, key, v) {
		const json_t *have = json_at(item, key);
		if (have && !json_same(have, v))
			return false;
		any = any || have;
	}
	return any;
}

static bool names_value(const char *name, const json_t *item)
{
	autojson json_t *v = NULL;
	return strncmp(name, "v:", 2) == 0 && json_parse(name + 2, strlen(name + 2), "a value", &v, NULL) == 0 && json_same(v, item);
}

static const json_t *item_of(const json_t *tree, const json_t *item)
{
	const char *name;
	json_t *sub;
	if (!tree || is_whole(tree))
		return tree;
	json_object_foreach((json_t *)tree, name, sub) {
		if (json_is_object(item) ? names_item(name, item) : names_value(name, item))
			return sub;
	}
	return NULL;
}

enum list { LIST_WHOLE, LIST_KEYED, LIST_SET };

static enum list list_kind(const json_t *tree, const char **name)
{
	json_t *sub;
	json_object_foreach((json_t *)tree, *name, sub) {
		if (strncmp(*name, "k:", 2) == 0)
			return LIST_KEYED;
		if (strncmp(*name, "v:", 2) == 0)
			return LIST_SET;
	}
	return LIST_WHOLE;
}

/* --- shape -------------------------------------------------------------------------------------------------------------------- */

/* One place: what is wanted, what is there, what would be there, and what is ours of both. */
struct place { const json_t *want, *live, *dry, *ours, *ours_dry; };
struct shaping { bool dry; int depth; };

static json_t *shape(struct shaping *s, const struct place *p);

/* What of LIVE is OURS and would not be after the write, which leaves us STAY; NULL: nothing. */
static json_t *going(struct shaping *s, const json_t *live, const json_t *ours, const json_t *stay)
{
	const char *key;
	json_t *v, *out = NULL;
	bool map = json_is_object(live) && !is_whole(ours) && s->depth < OWNED_DEPTH;
	if (!ours || (stay && (!map || is_whole(stay))))
		return NULL;
	if (!map)
		return json_ref(live);
	s->depth++;
	json_object_foreach((json_t *)live, key, v) {
		json_t *part = going(s, v, field_of(ours, key), field_of(stay, key));
		if (part && !out)
			out = json_object();
		if (part)
			json_object_set_new(out, key, part);
	}
	s->depth--;
	return out;
}

static json_t *shape_map(struct shaping *s, const struct place *p)
{
	json_t *out = json_object(), *v;
	const char *key;
	json_object_foreach((json_t *)p->want, key, v) {
		struct place sub = { v, json_at(p->live, key), json_at(p->dry, key), field_of(p->ours, key), field_of(p->ours_dry, key) };
		json_t *part = shape(s, &sub);
		if (part)
			json_object_set_new(out, key, part);
	}
	json_object_foreach((json_t *)p->live, key, v) {
		json_t *part = json_at(p->want, key) ? NULL : going(s, v, field_of(p->ours, key), field_of(p->ours_dry, key));
		if (part)
			json_object_set_new(out, key, part);
	}
	return out;
}

/* The item of LIST that ITEM is meant to be: the same value, or the same key fields as NAME has. */
static size_t find_item(const json_t *list, const json_t *item, const json_t *keys, const bool *used)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *have = json_array_get(list, i);
		const char *key;
		json_t *ignored;
		bool same = keys ? json_is_object(have) && json_is_object(item) : json_same(have, item), any = !keys;
		if (used && used[i])
			continue;
		json_object_foreach((json_t *)keys, key, ignored) {
			const json_t *want = json_at(item, key);
			same = same && (!want || json_same(want, json_at(have, key)));
			any = any || want;
		}
		if (same && any)
			return i;
	}
	return SIZE_MAX;
}

static json_t *shape_items(struct shaping *s, const struct place *p, const json_t *keys)
{
	size_t n = json_array_size(p->live);
	autofree bool *used = xcalloc(n + 1, sizeof(*used));
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(p->want); i++) {
		const json_t *want = json_array_get(p->want, i);
		size_t at = find_item(p->live, want, keys, used), dry_at = find_item(p->dry, want, keys, NULL);
		if (at == SIZE_MAX)
			continue;
		const json_t *have = json_array_get(p->live, at);
		struct place sub = { want, have, dry_at == SIZE_MAX ? NULL : json_array_get(p->dry, dry_at), item_of(p->ours, have), NULL };
		sub.ours_dry = item_of(p->ours_dry, have);
		json_t *part = shape(s, &sub);
		used[at] = true;
		if (part)
			json_array_append_new(out, part);
	}
	for (size_t i = 0; i < n; i++) {
		const json_t *have = json_array_get(p->live, i), *ours = used[i] ? NULL : item_of(p->ours, have);
		if (ours && !item_of(p->ours_dry, have))
			json_array_append(out, (json_t *)have);
	}
	return out;
}

static json_t *shape_whole_list(struct shaping *s, const struct place *p)
{
	json_t *out = json_array();
	size_t n = json_array_size(p->live);
	for (size_t i = 0; i < n; i++) {
		struct place sub = { json_array_get(p->want, i), json_array_get(p->live, i), json_array_get(p->dry, i), NULL, NULL };
		bool inside = json_is_object(sub.want) && json_is_object(sub.live) && json_array_size(p->want) == n;
		json_array_append_new(out, inside ? shape_map(s, &sub) : json_ref(sub.live));
	}
	return out;
}

static json_t *shape_list(struct shaping *s, const struct place *p)
{
	const json_t *tree = p->ours_dry && !is_whole(p->ours_dry) ? p->ours_dry : p->ours;
	const char *name = NULL;
	autojson json_t *keys = NULL;
	enum list kind = list_kind(tree, &name);
	if (json_array_size(p->live) > ITEMS_MAX || json_array_size(p->want) > ITEMS_MAX)
		return json_ref(p->live);
	if (kind == LIST_KEYED && (json_parse(name + 2, strlen(name + 2), "a key", &keys, NULL) != 0 || !json_is_object(keys)))
		kind = LIST_WHOLE;
	return kind == LIST_WHOLE ? shape_whole_list(s, p) : shape_items(s, p, keys);
}

static bool is_nothing(const json_t *v)
{
	return json_is_null(v) || (json_is_object(v) && !json_object_size(v)) || (json_is_array(v) && !json_array_size(v));
}

static json_t *shape(struct shaping *s, const struct place *p)
{
	json_t *out;
	/* The write would change nothing here, and take nothing from us: that is what is wanted, whatever it looks like. */
	bool keeps = !p->ours || json_same(p->ours, p->ours_dry) || !json_object_size(p->live);
	if (s->dry && keeps && (p->live ? p->dry && json_same(p->live, p->dry) : !p->dry))
		return json_ref(p->want);
	if (!p->live)
		return is_nothing(p->want) ? json_ref(p->want) : NULL;
	if (s->depth >= OWNED_DEPTH || json_same(p->want, p->live))
		return json_ref(p->live);
	s->depth++;
	if (json_is_object(p->want) && json_is_object(p->live))
		out = shape_map(s, p);
	else if (json_is_array(p->want) && json_is_array(p->live))
		out = shape_list(s, p);
	else
		out = json_ref(p->live);
	s->depth--;
	return out;
}

json_t *owned_shape(const json_t *config, const json_t *live, const json_t *dry, const char *manager)
{
	struct shaping s = { .dry = dry != NULL };
	struct place p = { config, live, dry, owned_tree(live, manager), owned_tree(dry, manager) };
	return json_is_object(config) && json_is_object(live) ? shape_map(&s, &p) : json_ref(live);
}

/* --- owners ------------------------------------------------------------------------------------------------------------------- */

struct step { const char *key; const json_t *item; };
struct looking {
	const json_t *object;
	const char *manager;
	struct step steps[OWNED_DEPTH];
	size_t n;
	int in_list;                 /* lists around this place; of the outermost: is it as wanted? */
	bool list_same;
	json_t *kept, *changed;
};

static bool leads(const json_t *tree, const struct step *steps, size_t n)
{
	for (size_t i = 0; tree && i < n; i++)
		tree = steps[i].item ? item_of(tree, steps[i].item) : field_of(tree, steps[i].key);
	return tree != NULL;
}

static const char *owner_of(const struct looking *l)
{
	const json_t *all = entries_of(l->object);
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *e = json_array_get(all, i);
		if (leads(json_at(e, "fieldsV1"), l->steps, l->n) && json_str(e, "manager"))
			return json_str(e, "manager");
	}
	return NULL;
}

static void tell(struct looking *l, bool same)
{
	autostr struct str path;
	const char *who = leads(owned_tree(l->object, l->manager), l->steps, l->n) ? NULL : owner_of(l);
	json_t *out = same ? l->kept : l->changed;
	str_init(&path, STR_OURS);
	for (size_t i = 0; i < l->n && !l->steps[i].item; i++)
		str_addf(&path, "%s%s", i ? "." : "", l->steps[i].key);
	if (who && !json_at(out, path.at))
		json_put_str(out, path.at, who);
}

static void look(struct looking *l, const json_t *want, const json_t *live, const json_t *got)
{
	const char *key;
	json_t *v;
	bool container = json_object_size(want) || json_array_size(want);
	if (!live)
		return;
	if (l->n == OWNED_DEPTH || !container || json_typeof(want) != json_typeof(live)) {
		tell(l, l->in_list ? l->list_same : json_same(want, got));
		return;
	}
	json_object_foreach((json_t *)want, key, v) {
		l->steps[l->n++] = (struct step){ key, NULL };
		look(l, v, json_at(live, key), json_at(got, key));
		l->n--;
	}
	if (json_is_array(want) && !l->in_list++)
		l->list_same = json_same(want, got);
	/* In a list that is owned as a whole every item leads to the list. */
	for (size_t i = 0; i < json_array_size(want) && i < ITEMS_MAX; i++) {
		const json_t *item = json_array_get(want, i);
		l->steps[l->n++] = (struct step){ NULL, item };
		look(l, item, item, item);
		l->n--;
	}
	l->in_list -= json_is_array(want);
}

void owned_by_others(const json_t *config, const json_t *shape, const json_t *live, const char *manager, json_t *kept, json_t *changed)
{
	struct looking l = { .object = live, .manager = manager, .kept = kept, .changed = changed };
	look(&l, config, live, shape);
}

bool owned_has(const json_t *object, const char *manager, const char *const *keys)
{
	const json_t *tree = owned_tree(object, manager);
	for (; tree && *keys; keys++)
		tree = field_of(tree, *keys);
	return tree != NULL;
}
