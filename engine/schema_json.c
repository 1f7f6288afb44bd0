#include "engine/schema.h"

#include "base/json.h"

static json_t *properties(const struct attr *attrs);

/* A schema that also takes what a spec may hold in place of a value: a string with an expression, or TEXT's pattern. */
static json_t *or_expression(json_t *schema, const char *pattern)
{
	json_t *any = json_array();
	json_array_append_new(any, schema);
	json_array_append_new(any, json_pack("{s:s, s:s}", "type", "string", "pattern", pattern));
	return json_pack("{s:o}", "anyOf", any);
}

static json_t *number_schema(const struct attr *a, const char *type)
{
	json_t *j = json_pack("{s:s}", "type", type);
	if (a->min < a->max) {
		json_object_set_new(j, "minimum", json_real(a->min));
		json_object_set_new(j, "maximum", json_real(a->max));
	}
	return or_expression(j, "^-?[0-9][0-9.eE+-]*$|[$%]\\{");
}

static json_t *string_schema(const struct attr *a)
{
	if (a->flags & ATTR_SECRET)
		return json_pack("{s:s, s:s}", "type", "string", "pattern", "^(env|file):|[$%]\\{");
	if (!a->values)
		return json_pack("{s:[s,s,s]}", "type", "string", "number", "boolean");
	json_t *values = json_array();
	for (const char *const *v = a->values; *v; v++)
		json_array_append_new(values, json_string(*v));
	return or_expression(json_pack("{s:o}", "enum", values), "[$%]\\{");
}

static json_t *object_schema(const struct attr *fields)
{
	return fields ? properties(fields) : json_pack("{s:s}", "type", "object");
}

static json_t *value_schema(const struct attr *a, enum attr_type type)
{
	switch (type) {
	case ATTR_BOOL: return or_expression(json_pack("{s:s}", "type", "boolean"), "^(true|false)$|[$%]\\{");
	case ATTR_INT: return number_schema(a, "integer");
	case ATTR_NUMBER: return number_schema(a, "number");
	case ATTR_STRING: return string_schema(a);
	case ATTR_LIST: return or_expression(json_pack("{s:s, s:o}", "type", "array", "items", value_schema(a, a->elem)), "[$%]\\{");
	case ATTR_MAP:
		return or_expression(json_pack("{s:s, s:o}", "type", "object", "additionalProperties", value_schema(a, a->elem)),
				     "[$%]\\{");
	case ATTR_OBJECT: return or_expression(object_schema(a->fields), "[$%]\\{");
	default: return json_object();
	}
}

static json_t *attribute(const struct attr *a)
{
	json_t *j = value_schema(a, a->type);
	if (a->help)
		json_put_str(j, "description", a->help);
	if (a->deflt)
		json_put_new(j, "default", json_loads(a->deflt, JSON_DECODE_ANY, NULL));
	if ((a->flags & ATTR_COMPUTED) && !(a->flags & ATTR_OPTIONAL_COMPUTED))
		json_put_new(j, "readOnly", json_true());
	return j;
}

static json_t *properties(const struct attr *attrs)
{
	json_t *props = json_object(), *required = json_array();
	for (const struct attr *a = attrs; a && a->name; a++) {
		json_object_set_new(props, a->name, attribute(a));
		if (a->flags & ATTR_REQUIRED)
			json_array_append_new(required, json_string(a->name));
	}
	json_t *j = json_pack("{s:s, s:o, s:b}", "type", "object", "properties", props, "additionalProperties", 0);
	if (json_array_size(required))
		json_object_set(j, "required", required);
	json_decref(required);
	return j;
}

json_t *schema_to_json(const struct attr *attrs)
{
	json_t *j = properties(attrs);
	json_put_str(j, "$schema", "http://json-schema.org/draft-07/schema#");
	return j;
}
