#include "providers/redfish/biosattr.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { REGISTRIES_MAX = 300 };

/* NAME without vendors' additions. */
static void plain_name(const char *name, char out[256])
{
	size_t k = 0;

	for (; *name && *name != '#' && k < 255; name++)
		if (*name != ' ' && *name != '_')
			out[k++] = (char)tolower((unsigned char)*name);
	out[k] = '\0';
}

bool bios_name_same(const char *a, const char *b)
{
	char x[256], y[256];

	if (strcmp(a, b) == 0)
		return true;
	plain_name(a, x);
	plain_name(b, y);
	return strcmp(x, y) == 0;
}

const char *bios_name(const json_t *attrs, const char *name)
{
	char want[256], one[256];
	const char *key, *found = NULL;
	json_t *value;

	if (json_object_get(attrs, name))
		return json_object_iter_key(json_object_iter_at((json_t *)(uintptr_t)attrs, name));
	plain_name(name, want);
	json_object_foreach((json_t *)(uintptr_t)attrs, key, value) {
		plain_name(key, one);
		if (strcmp(want, one) != 0)
			continue;
		if (found)
			return NULL;
		found = key;
	}
	return found;
}

/* How much KEY sounds like the present value. */
static int present_rank(const char *key)
{
	return strcasecmp(key, "CurrentValue") == 0 || strcasecmp(key, "current_value") == 0 ? 3 : strcasestr(key, "current") ? 2 :
		strcasecmp(key, "Value") == 0 ? 1 : 0;
}

const json_t *bios_value(const json_t *attrs, const char *name)
{
	const json_t *v = json_object_get(attrs, name), *best = NULL;
	const char *key;
	json_t *member;
	int rank = 0;

	if (!json_is_object(v))
		return v;
	json_object_foreach((json_t *)(uintptr_t)v, key, member)
		if (present_rank(key) > rank) {
			rank = present_rank(key);
			best = member;
		}
	return best ? best : v;
}

static void as_text(const json_t *v, struct str *out)
{
	if (json_is_string(v))
		str_add(out, json_string_value(v));
	else
		json_write(v, 0, out);
}

bool bios_number(const json_t *v, double *out)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_number(v)) {
		*out = json_number_value(v);
		return true;
	}
	if (!s || !*s || isspace((unsigned char)*s))
		return false;
	*out = strtod(s, &end);
	return *end == '\0' && strspn(s, "0123456789.-") == strlen(s);
}

bool bios_same(const json_t *a, const json_t *b)
{
	double x, y;
	autostr struct str s = { 0 }, u = { 0 };
	bool same;

	if (!a || !b || json_is_null(a) || json_is_null(b))
		return json_same(a, b);
	if ((json_is_number(a) || json_is_number(b)) && bios_number(a, &x) && bios_number(b, &y))
		return x == y;
	str_init(&s, STR_OURS);
	str_init(&u, STR_OURS);
	as_text(a, &s);
	as_text(b, &u);
	same = json_is_boolean(a) || json_is_boolean(b) ? strcasecmp(s.at, u.at) == 0 : strcmp(s.at, u.at) == 0;
	return same;
}

/* --- the registry ------------------------------------------------------------------------------------------------------------- */

/* "BiosAttributeRegistryP89.v1_0_0" and "BiosAttributeRegistryP89.1.0.0.json" to "biosattributeregistryp89.1.0.0". */
static void registry_plain(const char *name, char out[256])
{
	size_t k = 0;

	for (; *name && k < 255; name++) {
		if (*name == '.' && (name[1] == 'v' || name[1] == 'V') && isdigit((unsigned char)name[2])) {
			out[k++] = '.';
			name++;
		} else {
			out[k++] = *name == '_' ? '.' : (char)tolower((unsigned char)*name);
		}
	}
	out[k] = '\0';
	if (k > 5 && strcmp(out + k - 5, ".json") == 0)
		out[k - 5] = '\0';
}

int bios_registry_match(const char *named, const char *listed)
{
	char a[256], b[256];

	registry_plain(named ? named : "", a);
	registry_plain(listed, b);
	if (*a && strcmp(a, b) == 0)
		return 4;
	a[strcspn(a, ".")] = '\0';
	b[strcspn(b, ".")] = '\0';
	if (*a && strcmp(a, b) == 0)
		return 3;
	if (*a && (str_has_prefix(a, b) || str_has_prefix(b, a)))
		return 2;
	return strstr(b, "bios") && strstr(b, "attributeregistry") ? 1 : 0;
}

/* URI of the registry's own file, English if it has languages. */
static char *registry_uri(const json_t *file)
{
	const json_t *places = json_at(file, "Location");
	char *first = NULL;

	for (size_t i = 0; i < json_array_size(places); i++) {
		const json_t *place = json_array_get(places, i);
		const json_t *uri = json_at(place, "Uri");
		const char *older = json_str(uri, "extref");         /* HPE, before Redfish 1.0 */
		char *path = rf_path(older ? older : json_is_object(uri) ? json_str(uri, "@odata.id") : json_string_value(uri));
		const char *language = json_str(place, "Language");
		if (path && language && strncasecmp(language, "en", 2) == 0) {
			free(first);
			return path;
		}
		if (!first)
			first = path;
		else
			free(path);
	}
	return first;
}

static bool stops(int rc)
{
	return rc == E_CANCELED || rc == E_UNREACHABLE || rc == E_TIMEOUT || rc == E_AUTH;
}

/* The link of the registry in the collection that comes nearest, or NULL. */
static const char *nearest_registry(const struct rf_links *links, const char *named)
{
	const char *best = NULL;
	int rank = 0;

	for (size_t i = 0; i < links->at.len && i < REGISTRIES_MAX; i++) {
		char id[256];
		rf_last_segment(links->at.at[i], id, sizeof(id));
		int r = bios_registry_match(named, id);
		if (r > rank) {
			rank = r;
			best = links->at.at[i];
		}
	}
	return best;
}

int bios_registry(struct task *t, struct rf_bmc *b, const json_t *bios, json_t **out, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	autojson json_t *file = NULL;
	json_t *registry = NULL;
	const char *named = json_str(bios, "AttributeRegistry"), *best;
	struct err one;
	int rc = rf_connect(t, b, &one);

	if (rc == 0)
		rc = rf_members(t, b, b->registries_uri, 0, &links, &one);
	best = rc ? NULL : nearest_registry(&links, named);
	rc = best ? rf_get(t, b, best, 0, &file, NULL, &one) : rc;
	autofree char *uri = file ? registry_uri(file) : NULL;
	if (rc == 0 && json_path(file, "RegistryEntries", NULL))
		registry = json_ref(file);
	else if (rc == 0 && uri)
		rc = rf_get(t, b, uri, RF_SLOW, &registry, NULL, &one);
	if (stops(rc)) {
		*err = one;
		return rc;
	}
	*out = registry ? registry : json_object();
	return 0;
}

/* --- values ---------------------------------------------------------------------------------------------------------------------- */

static int not_in_list(const char *name, const json_t *values, const char *word, struct err *err)
{
	size_t n = json_array_size(values), k = 0;
	autofree const char **names = xcalloc(n + 1, sizeof(*names));
	autostr struct str list = { 0 };

	str_init(&list, 300);
	for (size_t i = 0; i < n; i++) {
		const char *v = json_str(json_array_get(values, i), "ValueName");
		if (v) {
			names[k++] = v;
			str_addf(&list, "%s%s", list.len ? ", " : "", v);
		}
	}
	const char *near = str_nearest(word, names);
	return err_set(err, E_INPUT, "BIOS attribute %s cannot be \"%.100s\"%s%s%s; it can be: %s%s", name, word, near ? ", did you mean \"" : "",
		       near ? near : "", near ? "\"" : "", list.at, str_full(&list) ? ", ..." : "");
}

static int coerce_enum(const char *name, const json_t *entry, const char *word, json_t **out, struct err *err)
{
	const json_t *values = json_at(entry, "Value");
	const char *loose = NULL;

	for (size_t i = 0; i < json_array_size(values); i++) {
		const json_t *v = json_array_get(values, i);
		const char *n = json_str(v, "ValueName"), *shown = json_str(v, "ValueDisplayName");
		if (n && strcmp(n, word) == 0) {
			*out = json_string(n);
			return 0;
		}
		if (n && !loose && (strcasecmp(n, word) == 0 || (shown && strcasecmp(shown, word) == 0)))
			loose = n;
	}
	if (loose || !json_array_size(values)) {
		*out = json_string(loose ? loose : word);
		return 0;
	}
	return not_in_list(name, values, word, err);
}

static int coerce_integer(const char *name, const json_t *entry, const json_t *want, json_t **out, struct err *err)
{
	double x, low = json_num(entry, "LowerBound", -9e15), high = json_num(entry, "UpperBound", 9e15);
	autostr struct str word = { 0 };

	str_init(&word, 100);
	as_text(want, &word);
	if (!bios_number(want, &x) || x != (double)(long long)x)
		return err_set(err, E_INPUT, "BIOS attribute %s is a whole number, not \"%s\"", name, word.at);
	if (x < low || x > high)
		return err_set(err, E_INPUT, "BIOS attribute %s is %s, but must be from %.0f to %.0f", name, word.at, low, high);
	*out = json_integer((json_int_t)x);
	return 0;
}

static int coerce_string(const char *name, const json_t *entry, const char *word, json_t **out, struct err *err)
{
	int64_t low = json_int(entry, "MinLength", 0), high = json_int(entry, "MaxLength", 1 << 20);
	int64_t n = (int64_t)strlen(word);

	if (n < low || (high > 0 && n > high))
		return err_set(err, E_INPUT, "BIOS attribute %s has %lld characters, but must have %lld to %lld", name, (long long)n, (long long)low,
			       (long long)high);
	*out = json_string(word);
	return 0;
}

/* -1: it is no truth value. */
static int truth(const json_t *v)
{
	const char *s = json_string_value(v);

	if (json_is_boolean(v))
		return json_is_true(v);
	return !s ? -1 : strcasecmp(s, "true") == 0 ? 1 : strcasecmp(s, "false") == 0 ? 0 : -1;
}

/* Without a registry: as the present value is. */
static json_t *like(const json_t *want, const json_t *have, const char *word)
{
	double x;

	if (json_is_boolean(have) && truth(want) >= 0)
		return json_boolean(truth(want));
	if (json_is_integer(have) && bios_number(want, &x) && x == (double)(long long)x)
		return json_integer((json_int_t)x);
	if (json_is_string(have) && !json_is_string(want))
		return json_string(word);
	return json_ref(want);
}

int bios_coerce(const char *name, const json_t *entry, const json_t *want, const json_t *have, json_t **out, struct err *err)
{
	const char *type = json_str(entry, "Type");
	autostr struct str word = { 0 };

	str_init(&word, STR_OURS);
	as_text(want, &word);
	if (json_is_object(want) || json_is_array(want) || json_is_null(want))
		return err_set(err, E_INPUT, "BIOS attribute %s must be a string, a number or true or false", name);
	if (json_str(entry, BIOS_LOCKED))
		return err_set(err, E_INPUT, "BIOS attribute %s is read-only while %s: let that change too, or leave %s out", name,
			       json_str(entry, BIOS_LOCKED), name);
	if (json_flag(entry, "ReadOnly", false) || json_flag(entry, "Immutable", false))
		return err_set(err, E_INPUT, "BIOS attribute %s is read-only on this machine", name);
	if (!type) {
		*out = like(want, have, word.at);
		return 0;
	}
	if (strcasecmp(type, "Integer") == 0)
		return coerce_integer(name, entry, want, out, err);
	if (strcasecmp(type, "Enumeration") == 0)
		return coerce_enum(name, entry, word.at, out, err);
	if (strcasecmp(type, "Boolean") == 0) {
		if (truth(want) < 0)
			return err_set(err, E_INPUT, "BIOS attribute %s is true or false, not \"%.100s\"", name, word.at);
		*out = json_boolean(truth(want));
		return 0;
	}
	return coerce_string(name, entry, word.at, out, err);
}
