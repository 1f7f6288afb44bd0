#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "engine/spec.h"

enum { MAX_STEPS = 100 };

/* What an address names: an instance of a block, or an object that a composite made. */
struct found {
	const struct resource *r;
	const struct block *b;
	const struct instance *in;
	const struct item *made;
	size_t len;                  /* of its address */
};

static bool begins(const char *text, const char *address, struct found *f)
{
	size_t n = strlen(address);
	if (n <= f->len || !address_within(text, address))
		return false;
	f->len = n;
	return true;
}

static struct found find(const struct spec *s, const char *text)
{
	struct found f = { 0 };
	for (size_t i = 0; i < s->n; i++) {
		const struct resource *r = &s->res[i];
		for (size_t k = 0; k < r->n_blocks; k++)
			for (size_t n = 0; n < r->blocks[k].n; n++)
				if (begins(text, r->blocks[k].instances[n].address, &f)) {
					f.r = r;
					f.b = &r->blocks[k];
					f.in = &r->blocks[k].instances[n];
				}
	}
	for (size_t i = 0; i < s->items.len; i++)
		if (s->items.at[i]->unit->res->row->type->expand && begins(text, s->items.at[i]->address, &f))
			f.made = s->items.at[i];
	return f;
}

static int not_found(const struct spec *s, const char *text, struct err *err)
{
	const char *best = NULL;
	unsigned least = 8;
	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->res[i].n; k++) {
			unsigned d = str_distance(text, s->res[i].instances[k].address);
			if (d < least) {
				least = d;
				best = s->res[i].instances[k].address;
			}
		}
	return best ? err_set(err, E_NOTFOUND, "the spec has no %.200s; did you mean %.200s?", text, best)
		    : err_set(err, E_NOTFOUND, "the spec has no %.200s", text);
}

/* ".a.b[0]["k"]" as steps; false when it is none. */
static bool read_path(struct arena *a, const char *p, const char **steps)
{
	size_t n = 0;
	while (*p && n < MAX_STEPS) {
		if (*p == '.') {
			size_t len = strcspn(p + 1, ".[");
			if (!len)
				return false;
			steps[n++] = arena_strndup(a, p + 1, len);
			p += 1 + len;
			continue;
		}
		const char *end = *p == '[' ? strchr(p, ']') : NULL;
		if (*p == '[' && p[1] == '"') {
			end = p + 2 + strcspn(p + 2, "\"");
			if (*end != '"' || end[1] != ']')
				return false;
			steps[n++] = arena_strndup(a, p + 2, (size_t)(end - p) - 2);
			p = end + 2;
		} else if (end && end > p + 1) {
			steps[n++] = arena_strndup(a, p + 1, (size_t)(end - p) - 1);
			p = end + 1;
		} else {
			return false;
		}
	}
	steps[n] = NULL;
	return !*p;
}

static const json_t *value_at(const json_t *j, const char *const *steps)
{
	for (; j && *steps; steps++)
		j = json_is_array(j) ? json_array_get(j, strtoul(*steps, NULL, 10)) : json_at(j, *steps);
	return j;
}

static json_t *one(const struct spec *s, const struct found *f, const char *path, const char *const *steps)
{
	const json_t *config = f->made ? f->made->config : f->in->config, *v = value_at(config, steps);
	json_t *j;
	if (f->made) {
		struct mark at = f->made->unit->res->lr->name_mark;
		j = json_object();
		json_put_str(j, "how", "made");
		json_put_str(j, "by", f->made->unit->owner);
		json_put_str(j, "file", at.src->path);
		json_put_int(j, "line", at.line);
		json_put_int(j, "column", at.col);
	} else {
		const struct lang_instance *li = &f->b->lb->at[f->in - f->b->instances];
		const struct attr *a = attr_find(f->r->row->type->attrs, steps[0]);
		j = lang_explain(s->lang, f->r->lr, f->b->lb, li, steps);
		if (!json_at(j, "file"))
			json_put_str(j, "how", v ? "type default" : a && (a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)) ? "computed" : "not set");
	}
	json_put_str(j, "path", path);
	if (v && v != lang_unknown())
		json_put_new(j, "value", json_ref(v));
	return j;
}

int engine_explain(struct engine *e, const char *address, json_t **out, struct err *err)
{
	const struct spec *s = e->spec;
	const char *steps[MAX_STEPS + 1];
	struct found f = find(s, address);
	if (!f.len)
		return not_found(s, address, err);
	const char *rest = address + f.len;
	if (!read_path(s->arena, rest, steps))
		return err_set(err, E_INPUT, "\"%.200s\" does not name an attribute; it looks like .NAME.NAME[0]", rest);
	const struct resource_type *type = f.made ? f.made->row->type : f.r->row->type;
	if (steps[0] && !attr_find(type->attrs, steps[0]))
		return err_set(err, E_NOTFOUND, "%s has no attribute \"%.100s\"", type->name, steps[0]);
	json_t *list = json_array();
	if (steps[0]) {
		json_array_append_new(list, one(s, &f, *rest == '.' ? rest + 1 : rest, steps));
	} else {
		size_t n;
		autofree const char **keys = json_keys(f.made ? f.made->config : f.in->config, &n);
		for (size_t i = 0; i < n; i++) {
			const char *only[] = { keys[i], NULL };
			json_array_append_new(list, one(s, &f, keys[i], only));
		}
	}
	autofree char *name = xstrndup(address, f.len);
	*out = json_object();
	json_put_str(*out, "address", name);
	json_put_str(*out, "type", type->name);
	json_put_new(*out, "attributes", list);
	return 0;
}
