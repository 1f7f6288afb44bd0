#include "runtime/scheduler/selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"

/* --- labels ------------------------------------------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
	const struct label *x = a, *y = b;
	return x->key < y->key ? -1 : x->key > y->key;
}

struct labels labels_parse(struct interns *t, struct arena *a, const json_t *j)
{
	size_t n = json_object_size(j), i = 0;
	struct label *at = n ? arena_array(a, n, sizeof(*at)) : NULL;
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)j, key, value)
		if (json_is_string(value))
			at[i++] = (struct label){ intern(t, key), intern(t, json_string_value(value)) };
	if (i)
		qsort(at, i, sizeof(*at), by_key);
	return (struct labels){ at, (uint32_t)i };
}

bool labels_get(const struct labels *l, sym key, sym *value)
{
	uint32_t lo = 0, hi = l->n;
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;
		if (l->at[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == l->n || l->at[lo].key != key)
		return false;
	*value = l->at[lo].value;
	return true;
}

bool labels_same(const struct labels *a, const struct labels *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof(*a->at)) == 0);
}

/* --- what a label may look like (apimachinery validation) ------------------------------------------------------------ */

static bool name_like(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.", s[i]))
			return false;
	return n > 0 && n <= 63 && isalnum((unsigned char)s[0]) && isalnum((unsigned char)s[n - 1]);
}

static bool good_value(const char *s)
{
	return !*s || name_like(s, strlen(s));
}

static bool dns_like(const char *s, size_t n)
{
	char before = '.';
	for (size_t i = 0; i < n; i++) {
		char c = s[i];
		if (!islower((unsigned char)c) && !isdigit((unsigned char)c) && c != '-' && c != '.')
			return false;
		if ((c == '.' || before == '.') && (before == '-' || !isalnum((unsigned char)(c == '.' ? before : c))))
			return false;
		before = c;
	}
	return n > 0 && n <= 253 && isalnum((unsigned char)before);
}

static bool good_key(const char *s)
{
	const char *slash = strchr(s, '/');
	if (slash && !dns_like(s, (size_t)(slash - s)))
		return false;
	return name_like(slash ? slash + 1 : s, strlen(slash ? slash + 1 : s));
}

/* --- parsing ---------------------------------------------------------------------------------------------------------- */

static bool parse_number(const char *s, int64_t *out)
{
	char *end;
	if (!isdigit((unsigned char)*s) && *s != '-' && *s != '+')
		return false;
	errno = 0;
	long long n = strtoll(s, &end, 10);
	*out = n;
	return *end == '\0' && end != s && errno == 0 && isdigit((unsigned char)end[-1]);
}

static int by_number(const void *a, const void *b)
{
	sym x = *(const sym *)a, y = *(const sym *)b;
	return x < y ? -1 : x > y;
}

static bool parse_op(const char *s, enum req_op *op)
{
	static const char *const names[] = { "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt" };
	for (size_t i = 0; s && i < ARRAY_LEN(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*op = (enum req_op)i;
			return true;
		}
	}
	return false;
}

/* One expression; false when no label could ever satisfy its form. NODE: Gt and Lt are allowed. */
static bool parse_req(struct interns *t, struct arena *a, const json_t *j, bool node, struct req *out)
{
	const char *key = json_str(j, "key");
	const json_t *values = json_at(j, "values");
	size_t n = json_array_size(values);
	struct req r = { 0 };
	if (!key || !good_key(key) || !parse_op(json_str(j, "operator"), &r.op))
		return false;
	bool many = r.op == REQ_IN || r.op == REQ_NOT_IN, number = r.op == REQ_GT || r.op == REQ_LT;
	if ((many && n == 0) || (!many && !number && n != 0) || (number && (n != 1 || !node)))
		return false;
	sym *syms = arena_array(a, n ? n : 1, sizeof(*syms));
	for (size_t i = 0; i < n; i++) {
		const char *v = json_string_value(json_array_get(values, i));
		if (!v || !good_value(v) || (number && !parse_number(v, &r.bound)))
			return false;
		syms[i] = intern(t, v);
	}
	if (n > 1)
		qsort(syms, n, sizeof(*syms), by_number);
	r.key = intern(t, key);
	r.n = (uint32_t)n;
	r.values = syms;
	*out = r;
	return true;
}

struct selector selector_parse(struct interns *t, struct arena *a, const json_t *j)
{
	if (!json_is_object(j))
		return (struct selector){ .nothing = true, .bad = j && !json_is_null(j) };
	const json_t *equal = json_at(j, "matchLabels"), *exprs = json_at(j, "matchExpressions");
	size_t n = json_object_size(equal) + json_array_size(exprs), i = 0, k;
	struct req *at = arena_array(a, n ? n : 1, sizeof(*at));
	const char *key;
	json_t *value;
	bool ok = true;
	json_object_foreach((json_t *)equal, key, value) {
		sym *v = arena_alloc(a, sizeof(*v));
		ok = ok && good_key(key) && json_is_string(value) && good_value(json_string_value(value));
		*v = intern(t, json_string_value(value));
		at[i++] = (struct req){ intern(t, key), REQ_IN, 1, v, 0 };
	}
	json_array_foreach(exprs, k, value)
		ok = ok && parse_req(t, a, value, false, &at[i++]);
	return (struct selector){ .bad = !ok, .n = ok ? (uint32_t)n : 0, .at = at };
}

/* matchFields: In and NotIn of exactly one value; the only field of a node is its name. */
static bool parse_field(struct interns *t, struct arena *a, const json_t *j, struct req *out)
{
	const char *key = json_str(j, "key"), *v = json_string_value(json_array_get(json_at(j, "values"), 0));
	enum req_op op;
	if (!key || !v || json_array_size(json_at(j, "values")) != 1 || !parse_op(json_str(j, "operator"), &op) || op > REQ_NOT_IN)
		return false;
	sym *value = arena_alloc(a, sizeof(*value));
	*value = intern(t, v);
	*out = (struct req){ intern(t, key), op, 1, value, 0 };
	return true;
}

static struct node_term parse_term(struct interns *t, struct arena *a, const json_t *exprs, const json_t *fields)
{
	size_t n = json_array_size(exprs), m = json_array_size(fields), k;
	struct req *at = arena_array(a, n + m, sizeof(*at));
	json_t *j;
	bool ok = true;
	json_array_foreach(exprs, k, j)
		ok = ok && parse_req(t, a, j, true, &at[k]);
	json_array_foreach(fields, k, j)
		ok = ok && parse_field(t, a, j, &at[n + k]);
	return (struct node_term){ !ok, { .n = (uint32_t)n, .at = at }, { .n = (uint32_t)m, .at = at + n } };
}

struct node_terms node_terms_parse(struct interns *t, struct arena *a, const json_t *array)
{
	size_t n = json_array_size(array), k, i = 0;
	struct node_term *at = arena_array(a, n ? n : 1, sizeof(*at));
	json_t *j;
	json_array_foreach(array, k, j) {
		const json_t *exprs = json_at(j, "matchExpressions"), *fields = json_at(j, "matchFields");
		if (json_array_size(exprs) || json_array_size(fields))
			at[i++] = parse_term(t, a, exprs, fields);
	}
	return (struct node_terms){ (uint32_t)i, at };
}

bool selector_asks(const struct selector *s, sym key, bool in)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->at[i].key == key && s->at[i].op == (in ? REQ_IN : REQ_NOT_IN))
			return true;
	return false;
}

struct selector selector_with(struct arena *a, struct selector s, sym key, sym value, bool in)
{
	if (s.nothing || s.bad)
		return s;
	struct req *at = arena_array(a, s.n + 1, sizeof(*at));
	sym *v = arena_alloc(a, sizeof(*v));
	if (s.n)
		memcpy(at, s.at, s.n * sizeof(*at));
	*v = value;
	at[s.n] = (struct req){ key, in ? REQ_IN : REQ_NOT_IN, 1, v, 0 };
	return (struct selector){ .n = s.n + 1, .at = at };
}

/* --- matching ----------------------------------------------------------------------------------------------------------- */

static bool has_value(const struct req *r, sym v)
{
	return r->n && bsearch(&v, r->values, r->n, sizeof(v), by_number);
}

static bool req_matches(const struct interns *t, const struct req *r, bool has, sym value)
{
	int64_t n;
	switch (r->op) {
	case REQ_IN: return has && has_value(r, value);
	case REQ_NOT_IN: return !has || !has_value(r, value);
	case REQ_EXISTS: return has;
	case REQ_ABSENT: return !has;
	case REQ_GT: return has && parse_number(intern_text(t, value), &n) && n > r->bound;
	case REQ_LT: return has && parse_number(intern_text(t, value), &n) && n < r->bound;
	}
	return false;
}

bool selector_matches(const struct interns *t, const struct selector *s, const struct labels *l)
{
	if (s->nothing || s->bad)
		return false;
	for (uint32_t i = 0; i < s->n; i++) {
		sym value = 0;
		bool has = labels_get(l, s->at[i].key, &value);
		if (!req_matches(t, &s->at[i], has, value))
			return false;
	}
	return true;
}

bool selector_empty(const struct selector *s)
{
	return !s->nothing && !s->bad && s->n == 0;
}

static bool fields_match(const struct interns *t, const struct selector *s, sym node_name)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct req *r = &s->at[i];
		sym have = strcmp(intern_text(t, r->key), "metadata.name") == 0 ? node_name : 0;
		if ((r->values[0] == have) != (r->op == REQ_IN))
			return false;
	}
	return true;
}

bool node_terms_match(const struct interns *t, const struct node_terms *terms, const struct labels *labels, sym node_name)
{
	for (uint32_t i = 0; i < terms->n; i++) {
		const struct node_term *term = &terms->at[i];
		if (!term->bad && selector_matches(t, &term->labels, labels) && (!node_name || fields_match(t, &term->fields, node_name)))
			return true;
	}
	return false;
}
