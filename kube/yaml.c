#include <string.h>
#include <yaml.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/config_internal.h"

enum { DEPTH_MAX = 32, NODES_MAX = 200000 };

struct reader { yaml_parser_t parser; unsigned nodes; const char *what; };

static int value(struct reader *r, const yaml_event_t *e, int depth, json_t **out, struct err *err);

static int fail(const struct reader *r, const yaml_mark_t *m, const char *text, struct err *err)
{
	return err_set(err, E_INPUT, "%s:%zu: %s", r->what, m->line + 1, text);
}

static int next(struct reader *r, yaml_event_t *e, struct err *err)
{
	if (!yaml_parser_parse(&r->parser, e))
		return fail(r, &r->parser.problem_mark, r->parser.problem ? r->parser.problem : "not YAML", err);
	if (++r->nodes > NODES_MAX) {
		yaml_event_delete(e);
		return err_set(err, E_INPUT, "%s is too large", r->what);
	}
	return 0;
}

/* Plain scalars by the core rules, as far as a kubeconfig has them: null and booleans; numbers stay text. */
static json_t *scalar(const yaml_event_t *e)
{
	static const struct { const char *text; int is; } words[] = {
		{ "", 0 }, { "~", 0 }, { "null", 0 }, { "Null", 0 }, { "NULL", 0 }, { "true", 1 }, { "True", 1 }, { "TRUE", 1 },
		{ "false", 2 }, { "False", 2 }, { "FALSE", 2 },
	};
	const char *s = (const char *)e->data.scalar.value;
	if (e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (strcmp(s, words[i].text) == 0)
				return words[i].is == 0 ? json_null() : json_boolean(words[i].is == 1);
	return json_string_safe(s, e->data.scalar.length);
}

static int list(struct reader *r, int depth, json_t *into, struct err *err)
{
	for (;;) {
		yaml_event_t e;
		json_t *item = NULL;
		int rc = next(r, &e, err);
		if (rc)
			return rc;
		bool end = e.type == YAML_SEQUENCE_END_EVENT;
		rc = end ? 0 : value(r, &e, depth, &item, err);
		yaml_event_delete(&e);
		if (rc || end)
			return rc;
		json_array_append_new(into, item);
	}
}

static int map(struct reader *r, int depth, json_t *into, struct err *err)
{
	for (;;) {
		yaml_event_t key, e;
		json_t *item = NULL;
		int rc = next(r, &key, err);
		if (rc)
			return rc;
		bool end = key.type == YAML_MAPPING_END_EVENT;
		if (!end && key.type != YAML_SCALAR_EVENT)
			rc = fail(r, &key.start_mark, "a key must be text", err);
		else if (!end && json_object_get(into, (const char *)key.data.scalar.value))
			rc = fail(r, &key.start_mark, "a key that is there already", err);
		if (!end && rc == 0 && (rc = next(r, &e, err)) == 0) {
			rc = value(r, &e, depth, &item, err);
			yaml_event_delete(&e);
		}
		if (item)
			json_object_set_new(into, (const char *)key.data.scalar.value, item);
		yaml_event_delete(&key);
		if (rc || end)
			return rc;
	}
}

static int value(struct reader *r, const yaml_event_t *e, int depth, json_t **out, struct err *err)
{
	autojson json_t *made = NULL;
	int rc = 0;
	if (depth > DEPTH_MAX)
		return fail(r, &e->start_mark, "nested too deeply", err);
	switch (e->type) {
	case YAML_SCALAR_EVENT: made = scalar(e); break;
	case YAML_SEQUENCE_START_EVENT: rc = list(r, depth + 1, made = json_array(), err); break;
	case YAML_MAPPING_START_EVENT: rc = map(r, depth + 1, made = json_object(), err); break;
	case YAML_ALIAS_EVENT: return fail(r, &e->start_mark, "an alias is not supported here", err);
	default: made = json_null(); break;
	}
	if (rc == 0)
		*out = json_incref(made);
	return rc;
}

static int document(struct reader *r, json_t **out, struct err *err)
{
	for (;;) {
		yaml_event_t e;
		int rc = next(r, &e, err);
		if (rc)
			return rc;
		yaml_event_type_t type = e.type;
		if (type == YAML_STREAM_END_EVENT)
			*out = json_null();
		else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT)
			rc = value(r, &e, 0, out, err);
		yaml_event_delete(&e);
		if (rc || (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_START_EVENT))
			return rc;
	}
}

int kube_yaml_read(const char *text, size_t len, const char *what, json_t **out, struct err *err)
{
	struct reader r = { .what = what };
	if (!yaml_parser_initialize(&r.parser))
		abort();
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	int rc = document(&r, out, err);
	yaml_parser_delete(&r.parser);
	return rc;
}
