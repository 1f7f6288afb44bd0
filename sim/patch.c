#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"

enum { MAX_LEAVES = 500, MAX_DEPTH = 8 };

struct patch {
	struct call *c;
	const struct writable *rows;
	size_t n;
	const json_t *shown;         /* the resource as GET shows it */
	VEC(struct { const struct writable *row; const json_t *value; }) good;
	unsigned bad, annotations;
};

static const struct writable *row_of(const struct patch *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->rows[i].path, path) == 0)
			return &p->rows[i];
	return NULL;
}

static bool shown_at(const struct patch *p, const char *path)
{
	const json_t *at = p->shown;
	char step[128];

	while (at && *path) {
		size_t n = strcspn(path, "/");

		if (n >= sizeof step)
			return false;
		memcpy(step, path, n);
		step[n] = '\0';
		at = json_at(at, step);
		path += n + (path[n] == '/');
	}
	return at != NULL;
}

static void value_text(const json_t *value, char out[80])
{
	autofree char *s = json_is_string(value) ? xstrdup(json_string_value(value)) : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(out, 80, "%.76s", s ? s : "null");
}

/* Is VALUE one the property takes? Complains when not. */
static bool value_ok(struct call *c, const struct writable *row, const json_t *value)
{
	char shown[80], limit[24];
	int64_t n;

	value_text(value, shown);
	if (row->type == 'n' && json_is_null(value))
		return true;
	if (row->type == 'b' ? !json_is_boolean(value) : row->type == 'i' ? !json_is_integer(value) : !json_is_string(value)) {
		complain(c, "PropertyValueTypeError", row->path, shown, row->path);
		return false;
	}
	if (row->type == 'b')
		return true;
	if (row->values) {
		if (word_in(row->values, json_string_value(value)))
			return true;
		complain(c, "PropertyValueNotInList", row->path, shown, row->path);
		return false;
	}
	n = row->type == 'i' ? json_integer_value(value) : (int64_t)json_string_length(value);
	if (n >= row->min && n <= row->max)
		return true;
	snprintf(limit, sizeof limit, "%lld", (long long)(n < row->min ? row->min : row->max));
	if (row->type == 'i')
		complain(c, "PropertyValueOutOfRange", row->path, shown, row->path);
	else
		complain(c, n < row->min ? "StringValueTooShort" : "StringValueTooLong", row->path, shown, limit);
	return false;
}

static void gather(struct patch *p, const char *path, const json_t *value, int depth)
{
	const struct writable *row = row_of(p, path);
	const char *leaf = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *key;
	json_t *sub;

	if (strchr(leaf, '@')) {
		p->annotations++;
		return;
	}
	if (!row && json_is_object(value) && json_object_size(value) && depth < MAX_DEPTH) {
		json_object_foreach((json_t *)(uintptr_t)value, key, sub) {
			char deeper[256];

			if ((size_t)snprintf(deeper, sizeof deeper, "%s%s%s", path, *path ? "/" : "", key) < sizeof deeper)
				gather(p, deeper, sub, depth + 1);
		}
		return;
	}
	if (p->good.len + p->bad >= MAX_LEAVES)
		return;
	if (row && value_ok(p->c, row, value)) {
		vec_push(&p->good, (__typeof__(*p->good.at)){ row, value });
		return;
	}
	p->bad++;
	if (!row)
		complain(p->c, shown_at(p, path) ? "PropertyNotWritable" : "PropertyUnknown", path, path);
}

void patch_properties(struct call *c, const struct writable *rows, size_t n)
{
	autojson json_t *shown = c->route->get(c);
	struct patch p = { .c = c, .rows = rows, .n = n, .shown = shown };

	if (json_object_size(c->in))
		gather(&p, "", c->in, 0);
	if (p.good.len == 0) {
		if (p.bad == 0)
			complain(c, json_object_size(c->in) ? "NoOperation" : "EmptyJSON", NULL);
		reply_complaints(c, 400);
	} else {
		for (size_t i = 0; i < p.good.len && c->rp->status == 0; i++) {
			if (p.good.at[i].row->set)
				p.good.at[i].row->set(c, p.good.at[i].value);
			else
				bmc_set_delta(c->b, c->path, p.good.at[i].row->path, p.good.at[i].value);
		}
		if (c->rp->status == 0)
			reply_resource(c);
	}
	vec_free(&p.good);
}

/* Messages gathered, at the resource and each beside its property. */
static void annotate(json_t *body, const json_t *infos)
{
	size_t i;
	json_t *m;

	json_object_set_new(body, "@Message.ExtendedInfo", json_ref(infos));
	json_array_foreach((json_t *)(uintptr_t)infos, i, m) {
		const char *related = json_string_value(json_array_get(json_object_get(m, "RelatedProperties"), 0));
		char prop[128], key[192];
		json_t *list;

		if (!related)
			continue;
		snprintf(prop, sizeof prop, "%.*s", (int)strcspn(related + 2, "/"), related + 2);
		snprintf(key, sizeof key, "%s@Message.ExtendedInfo", prop);
		list = json_object_get(body, key);
		if (!list) {
			list = json_array();
			json_object_set_new(body, key, list);
		}
		json_array_append(list, m);
	}
}

void reply_resource(struct call *c)
{
	json_t *body = c->route->get(c);

	if (!body) {                         /* the change removed it */
		reply_empty(c, 204);
		return;
	}
	if (c->infos)
		annotate(body, c->infos);
	reply_json(c, 200, body);
}

static bool param_type_ok(const json_t *v, char type)
{
	switch (type) {
	case 's': return json_is_string(v);
	case 'b': return json_is_boolean(v);
	case 'o': return json_is_object(v);
	case 'i': return json_is_integer(v);
	default: break;
	}
	if (!json_is_array(v))
		return false;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (!json_is_string(json_array_get(v, i)))
			return false;
	return true;
}

bool check_params(struct call *c, const char *action, const struct param *params, size_t n)
{
	const char *key;
	json_t *value;
	char shown[80];

	json_object_foreach(c->in, key, value) {
		size_t i = 0;

		while (i < n && strcmp(params[i].name, key) != 0)
			i++;
		value_text(value, shown);
		if (i == n)
			complain(c, "ActionParameterUnknown", NULL, action, key);
		else if (!param_type_ok(value, params[i].type))
			complain(c, "ActionParameterValueTypeError", NULL, shown, key, action);
		else if (params[i].values && !word_in(params[i].values, json_string_value(value)))
			complain(c, "ActionParameterValueNotInList", NULL, shown, key, action);
	}
	for (size_t i = 0; i < n; i++)
		if (params[i].required && !json_object_get(c->in, params[i].name))
			complain(c, "ActionParameterMissing", NULL, action, params[i].name);
	if (c->infos)
		reply_complaints(c, 400);
	return !c->infos;
}
