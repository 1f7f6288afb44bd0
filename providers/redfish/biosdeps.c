/* What one BIOS attribute may be depends on others: the Dependencies of an attribute registry. */
#include "providers/redfish/biosattr.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { DEPENDENCIES_MAX = 20000, TERMS_MAX = 64 };

struct scene {                       /* what attributes are, or are to be */
	const json_t *attrs;         /* of the Bios resource */
	const json_t *want;          /* real name -> value that is to be; NULL: as it is now */
	const json_t *registry;
};

static const json_t *list_of(const json_t *registry, const char *name)
{
	return json_path(registry, "RegistryEntries", name, NULL);
}

/* The registry's own entry of attribute NAME, or NULL. */
static const json_t *entry_of(const json_t *registry, const char *name)
{
	const json_t *list = list_of(registry, "Attributes");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *one = json_str(json_array_get(list, i), "AttributeName");
		if (one && strcmp(one, name) == 0)
			return json_array_get(list, i);
	}
	return NULL;
}

/* Member KEY of ENTRY, whatever its capitals ("Readonly"). */
static const json_t *member(const json_t *entry, const char *key)
{
	const char *one;
	json_t *value;

	if (json_at(entry, key))
		return json_at(entry, key);
	json_object_foreach((json_t *)(uintptr_t)entry, one, value)
		if (strcasecmp(one, key) == 0)
			return value;
	return NULL;
}

static const json_t *value_in(const struct scene *s, const char *attribute, const char *property)
{
	if (property && strcasecmp(property, "CurrentValue") != 0)
		return member(entry_of(s->registry, attribute), property);
	const char *wanted = s->want ? bios_name(s->want, attribute) : NULL, *real = bios_name(s->attrs, attribute);
	return wanted ? json_at(s->want, wanted) : real ? bios_value(s->attrs, real) : NULL;
}

static const struct { const char *word, *says; int sign[2]; bool equal; } conditions[] = {
	{ "EQU", "is", { 0, 0 }, true }, { "NEQ", "is not", { 0, 0 }, false }, { "GTR", "is above", { 1, 1 }, true }, { "GEQ", "is at least", { 0, 1 }, true },
	{ "LSS", "is below", { -1, -1 }, true }, { "LEQ", "is at most", { -1, 0 }, true },
};

/* Number of the term's condition; -1: none that is known. */
static int condition_of(const json_t *term)
{
	const char *word = json_str(term, "MapFromCondition");

	for (size_t i = 0; i < ARRAY_LEN(conditions); i++)
		if (word && strcasecmp(word, conditions[i].word) == 0)
			return (int)i;
	return -1;
}

static bool term_holds(const struct scene *s, const json_t *term)
{
	const char *attribute = json_str(term, "MapFromAttribute");
	const json_t *want = json_at(term, "MapFromValue");
	const json_t *have = attribute ? value_in(s, attribute, json_str(term, "MapFromProperty")) : NULL;
	int c = condition_of(term), sign;
	double x, y;

	if (c < 0 || !have || !want)
		return false;        /* what is not known makes nothing read-only */
	if (c < 2)
		return bios_same(have, want) == conditions[c].equal;
	if (!bios_number(have, &x) || !bios_number(want, &y))
		return false;
	sign = (x > y) - (x < y);
	return sign == conditions[c].sign[0] || sign == conditions[c].sign[1];
}

/* Terms join from left to right, each with the one before by its MapTerms. */
static bool holds(const struct scene *s, const json_t *dependency)
{
	const json_t *terms = json_at(dependency, "MapFrom");
	bool all = false;

	for (size_t i = 0; i < json_array_size(terms) && i < TERMS_MAX; i++) {
		const json_t *term = json_array_get(terms, i);
		const char *join = json_str(term, "MapTerms");
		bool one = term_holds(s, term);
		all = i == 0 ? one : join && strcasecmp(join, "OR") == 0 ? all || one : all && one;
	}
	return all;
}

/* "SMT is "Disabled" and Cores is above 4" */
static void say_terms(const json_t *dependency, struct str *out)
{
	const json_t *terms = json_at(dependency, "MapFrom");

	for (size_t i = 0; i < json_array_size(terms) && i < 4; i++) {
		const json_t *term = json_array_get(terms, i), *value = json_at(term, "MapFromValue");
		const char *join = json_str(term, "MapTerms"), *property = json_str(term, "MapFromProperty"), *name = json_str(term, "MapFromAttribute");
		int c = condition_of(term);
		if (i)
			str_add(out, join && strcasecmp(join, "OR") == 0 ? " or " : " and ");
		if (property && strcasecmp(property, "CurrentValue") != 0)
			str_addf(out, "%.40s of ", property);
		str_addf(out, "%.100s %s ", name ? name : "?", c < 0 ? "is" : conditions[c].says);
		json_write(value, 0, out);
	}
}

/* Does the dependency say something of the attribute NAME (as the machine has it)? Its inner part, or NULL. */
static const json_t *about(const json_t *row, const char *name)
{
	const json_t *d = json_at(row, "Dependency");
	const char *to = json_str(d, "MapToAttribute") ? json_str(d, "MapToAttribute") : json_str(row, "DependencyFor");

	return to && json_str(d, "MapToProperty") && bios_name_same(name, to) ? d : NULL;
}

static void note(json_t *entry, const char *key, const json_t *dependency)
{
	autostr struct str words = { 0 };

	str_init(&words, 300);
	say_terms(dependency, &words);
	json_put_str(entry, key, words.at);
}

/* One dependency of the attribute of ENTRY, which is to be WANT. */
static void apply(json_t *entry, const json_t *d, const json_t *want)
{
	static const struct { const char *property, *because; } flags[] = {
		{ "ReadOnly", BIOS_LOCKED }, { "GrayOut", BIOS_IDLE }, { "Hidden", BIOS_IDLE },
	};
	static const char *const bounds[] = { "LowerBound", "UpperBound", "MinLength", "MaxLength" };
	const char *property = json_str(d, "MapToProperty");
	const json_t *value = json_at(d, "MapToValue");

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		if (strcasecmp(property, flags[i].property) != 0)
			continue;
		if (json_is_true(value) || bios_same(value, json_true()))
			note(entry, flags[i].because, d);
		else
			json_object_del(entry, flags[i].because);
		if (i == 0)
			json_object_set_new(entry, "ReadOnly", json_boolean(json_at(entry, BIOS_LOCKED) != NULL));
	}
	for (size_t i = 0; i < ARRAY_LEN(bounds); i++)
		if (strcasecmp(property, bounds[i]) == 0 && json_is_number(value))
			json_object_set_new(entry, bounds[i], json_ref(value));
	if (strcasecmp(property, "CurrentValue") == 0 && !bios_same(value, want))
		note(entry, BIOS_IDLE, d);
}

/* ENTRY as it is once all that is wanted holds. */
static json_t *effective(const struct scene *then, const json_t *entry, const char *name)
{
	const json_t *rows = list_of(then->registry, "Dependencies");
	struct scene now = { then->attrs, NULL, then->registry };
	json_t *out = json_deep_copy(entry);
	bool locked_now = false, decided = false;

	if (json_is_true(member(entry, "ReadOnly")))
		json_object_set_new(out, "ReadOnly", json_true());
	for (size_t i = 0; i < json_array_size(rows) && i < DEPENDENCIES_MAX; i++) {
		const json_t *d = about(json_array_get(rows, i), name);
		bool locks = d && strcasecmp(json_str(d, "MapToProperty"), "ReadOnly") == 0;
		if (!d)
			continue;
		locked_now |= locks && holds(&now, d);
		if (!holds(then, d))
			continue;
		decided |= locks;
		apply(out, d, json_at(then->want, name));
	}
	/* A registry that shows the present state: read-only by a value that is about to change. */
	if (locked_now && !decided)
		json_object_set_new(out, "ReadOnly", json_false());
	return out;
}

json_t *bios_entries(const json_t *registry, const json_t *attrs, const json_t *want, const json_t *differ)
{
	const json_t *list = list_of(registry, "Attributes");
	struct scene then = { attrs, want, registry };
	json_t *out = json_object();

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);
		const char *name = json_str(e, "AttributeName");
		const char *real = name ? bios_name(differ, name) : NULL;
		if (real)
			json_object_set_new(out, real, effective(&then, e, real));
	}
	return out;
}
