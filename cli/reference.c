#include "cli/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/provider.h"
#include "providers/all.h"
#include "schemas/data.h"

enum { MAX_TYPES = 256 };

/* Resource types, then data types, each by name. */
struct listed { const struct resource_type *type; bool data; };

static int by_name(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	return x->data != y->data ? (int)x->data - (int)y->data : strcmp(x->type->name, y->type->name);
}

static size_t all_types(struct listed *out)
{
	size_t n = 0;
	for (const struct provider *const *p = providers_all; *p; p++) {
		for (const struct resource_type *const *t = (*p)->types; t && *t && n < MAX_TYPES; t++)
			out[n++] = (struct listed){ *t, false };
		for (const struct resource_type *const *t = (*p)->data; t && *t && n < MAX_TYPES; t++)
			out[n++] = (struct listed){ *t, true };
	}
	qsort(out, n, sizeof(*out), by_name);
	return n;
}

/* As references begin: "firmware", "data.local_file". */
static const char *name_of(const struct listed *l, char out[128])
{
	snprintf(out, 128, "%s%.100s", l->data ? "data." : "", l->type->name);
	return out;
}

static const char *type_word(enum attr_type t)
{
	static const char *const words[] = { "any", "bool", "integer", "number", "string", "list", "map", "object" };
	return words[t];
}

static void describe_type(const struct attr *a, struct str *out)
{
	str_add(out, type_word(a->type));
	if (a->type == ATTR_LIST || a->type == ATTR_MAP)
		str_addf(out, " of %s", a->fields ? "objects" : type_word(a->elem));
	for (const char *const *v = a->values; v && *v; v++)
		str_addf(out, "%s`%s`", v == a->values ? ": " : ", ", *v);
	if (a->min < a->max)
		str_addf(out, ", %g to %g", a->min, a->max);
}

static void print_attrs(FILE *to, const struct attr *attrs, const char *prefix)
{
	for (const struct attr *a = attrs; a && a->name; a++) {
		struct str type, path;
		str_init(&type, STR_OURS);
		str_init(&path, STR_OURS);
		describe_type(a, &type);
		str_addf(&path, "%s%s", prefix, a->name);
		const char *need = a->flags & ATTR_REQUIRED ? "required" : a->flags & ATTR_COMPUTED ? "computed" : "optional";
		fprintf(to, "| `%s` | %s | %s%s%s%s | %s |\n", path.at, type.at, need, a->deflt ? ", default `" : "", a->deflt ? a->deflt : "",
			a->deflt ? "`" : "", a->help ? a->help : "");
		if (a->fields) {
			str_add(&path, a->type == ATTR_LIST ? "[]." : a->type == ATTR_MAP ? ".*." : ".");
			print_attrs(to, a->fields, path.at);
		}
		str_release(&type);
		str_release(&path);
	}
}

static void print_table(FILE *to, const struct attr *attrs)
{
	fputs("\n| attribute | type | | meaning |\n|---|---|---|---|\n", to);
	print_attrs(to, attrs, "");
}

void reference_markdown(FILE *to)
{
	struct listed types[MAX_TYPES];
	size_t n = all_types(types);
	char name[128];
	fputs("# Resource types, data types and providers\n\nPrinted from the attribute tables by `make golden`. A composite type expands into primitive objects, "
	      "which are what plans, state and drift speak of; both can be written in a spec. Data types are read by `data` blocks.\n", to);
	for (size_t i = 0; i < n; i++) {
		const struct resource_type *t = types[i].type;
		fprintf(to, "\n## %s\n\n%s\n\n", name_of(&types[i], name), t->help);
		if (types[i].data)
			fputs("Data: what is computed is read when a plan is made.\n", to);
		else
			fprintf(to, "%s, schema version %d.\n", t->expand ? "Composite" : "Primitive", t->version);
		print_table(to, t->attrs);
	}
	for (const struct provider *const *p = providers_all; *p; p++) {
		if (!(*p)->config)
			continue;
		fprintf(to, "\n## provider %s\n\n%s\n", (*p)->name, (*p)->help);
		print_table(to, (*p)->config);
	}
}

void reference_types(FILE *to)
{
	struct listed types[MAX_TYPES];
	size_t n = all_types(types);
	char name[128];
	for (size_t i = 0; i < n; i++)
		fprintf(to, "%s\n", name_of(&types[i], name));
}

int reference_schema(struct cli *c, const char *name)
{
	struct listed types[MAX_TYPES];
	size_t n = all_types(types);
	char own[128];
	for (size_t i = 0; i < n; i++) {
		if (strcmp(name_of(&types[i], own), name) != 0)
			continue;
		autojson json_t *j = schema_to_json(types[i].type->attrs);
		json_put_str(j, "title", name);
		json_put_str(j, "description", types[i].type->help);
		struct str text;
		str_init(&text, STR_OURS);
		json_write(j, 2, &text);
		fprintf(c->out, "%s\n", text.at);
		str_release(&text);
		return EXIT_OK;
	}
	return cli_usage(c, "there is no type \"%.60s\"; aipc docs types lists them", name);
}

/* What every resource takes beside its type's attributes: "#/definitions/resource_meta" has them, of data data_meta. */
static json_t *with_meta(const struct resource_type *type, const json_t *meta)
{
	json_t *j = schema_to_json(type->attrs);
	json_object_del(j, "$schema");
	json_object_update_missing(json_object_get(j, "properties"), (json_t *)meta);
	return json_pack("{s:s, s:{s:[o, {s:s}]}}", "description", type->help, "additionalProperties", "anyOf", j, "type", "null");
}

/* One configuration, or a list of them, told apart by alias. */
static json_t *configurations(const struct provider *p)
{
	json_t *one = schema_to_json(p->config), *keys = json_object_get(one, "properties");
	json_object_del(one, "$schema");
	json_put_new(keys, "alias", json_pack("{s:s, s:s}", "type", "string", "description", "Resources name it: NAME.ALIAS."));
	json_put_new(keys, "for_each", json_pack("{s:s}", "$ref", "#/definitions/for_each"));
	json_put_str(one, "description", p->help);
	json_t *list = json_pack("{s:s, s:O}", "type", "array", "items", one);
	return json_pack("{s:[o, o]}", "anyOf", one, list);
}

json_t *reference_language(void)
{
	struct listed types[MAX_TYPES];
	size_t n = all_types(types), len;
	const char *text = data_file("language.json", &len);
	json_t *j = json_loadb(text, len, 0, NULL), *blocks = json_object_get(j, "properties"), *definitions = json_object_get(j, "definitions");
	json_t *resources = json_object_get(json_object_get(blocks, "resource"), "properties");
	json_t *data = json_object_get(json_object_get(definitions, "data_types"), "properties");
	json_t *providers = json_object_get(json_object_get(blocks, "provider"), "properties");
	const json_t *meta = json_object_get(definitions, "resource_meta"), *data_meta = json_object_get(definitions, "data_meta");
	if (!resources || !data || !providers || !meta || !data_meta)
		BUG("schemas/language.json lacks a part");
	for (size_t i = 0; i < n; i++)
		json_put_new(types[i].data ? data : resources, types[i].type->name, with_meta(types[i].type, types[i].data ? data_meta : meta));
	for (const struct provider *const *p = providers_all; *p; p++) {
		json_put_new(providers, (*p)->name, configurations(*p));
	}
	json_object_del(definitions, "resource_meta");
	json_object_del(definitions, "data_meta");
	return j;
}

/* What a made-up world may say of T: its computed attributes, none of them required. */
static json_t *computed_schema(const struct resource_type *t)
{
	autojson json_t *all = schema_to_json(t->attrs);
	json_t *properties = json_object();
	for (const struct attr *a = t->attrs; a->name; a++) {
		json_t *one = json_object_get(json_object_get(all, "properties"), a->name);
		if (!(a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)))
			continue;
		json_object_del(one, "readOnly");
		json_object_set(properties, a->name, one);
	}
	return json_pack("{s:s, s:s, s:b, s:o}", "type", "object", "description", t->help, "additionalProperties", 0, "properties", properties);
}

json_t *reference_tests(void)
{
	struct listed types[MAX_TYPES];
	size_t n = all_types(types), len;
	const char *text = data_file("test.json", &len);
	json_t *j = json_loadb(text, len, 0, NULL), *mock = json_object_get(json_object_get(j, "definitions"), "mock");
	json_t *resources = json_object_get(json_object_get(json_object_get(mock, "properties"), "resource"), "properties");
	json_t *data = json_object_get(json_object_get(json_object_get(mock, "properties"), "data"), "properties");
	if (!resources || !data)
		BUG("schemas/test.json lacks a part");
	for (size_t i = 0; i < n; i++)
		if (!types[i].type->expand)
			json_put_new(types[i].data ? data : resources, types[i].type->name, computed_schema(types[i].type));
	return j;
}
