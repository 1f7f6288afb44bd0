#include "kube/doc.h"

#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/doc_build.h"

/* The bytes of a value: a type, then
 *   INT, REAL  8 bytes, native
 *   STRING     4 bytes of length, the bytes, a NUL
 *   LIST, MAP  4 bytes of length behind the header, 4 of count, the items; in a map each behind its key: 1 byte of length (255: as a
 *              4-byte length follows), the bytes, a NUL. An item of a map is addressed by its value; its key lies before it.
 * To find a key from its value, a map's item is preceded by the distance to the key: 4 bytes. */
enum { HEAD = 9, KEY_BACK = 4 };

struct doc { size_t len; unsigned char at[]; };

static uint32_t u32_at(const unsigned char *p)
{
	uint32_t n;
	memcpy(&n, p, 4);
	return n;
}

doc_val doc_root(const struct doc *d) { return d ? d->at : NULL; }
size_t doc_size(const struct doc *d) { return d ? sizeof(*d) + d->len : 0; }
void doc_free(struct doc *d) { free(d); }

/* Bytes of the value at V. */
static size_t extent(doc_val v)
{
	switch ((enum doc_type)*v) {
	case DOC_INT: case DOC_REAL: return 9;
	case DOC_STRING: return 1 + 4 + u32_at(v + 1) + 1;
	case DOC_LIST: case DOC_MAP: return HEAD + u32_at(v + 1);
	default: return 1;
	}
}

struct doc *doc_copy(doc_val v)
{
	size_t n = v ? extent(v) : 0;
	struct doc *d = v ? xmalloc(sizeof(*d) + n) : NULL;
	if (d) {
		d->len = n;
		memcpy(d->at, v, n);
	}
	return d;
}

enum doc_type doc_type(doc_val v) { return v ? (enum doc_type)*v : DOC_NONE; }

size_t doc_count(doc_val v)
{
	return doc_type(v) == DOC_LIST || doc_type(v) == DOC_MAP ? u32_at(v + 5) : 0;
}

/* The item that begins at P inside C: for a map, behind its key. */
static doc_val item_at(doc_val c, const unsigned char *p)
{
	if (p >= c + HEAD + u32_at(c + 1))
		return NULL;
	return *c == DOC_LIST ? p : p + strlen((const char *)p) + 1 + KEY_BACK;
}

doc_val doc_first(doc_val c)
{
	return doc_count(c) ? item_at(c, c + HEAD) : NULL;
}

doc_val doc_next(doc_val c, doc_val item)
{
	return item_at(c, item + extent(item));
}

const char *doc_key(doc_val c, doc_val item)
{
	return doc_type(c) == DOC_MAP ? (const char *)(item - u32_at(item - KEY_BACK)) : NULL;
}

doc_val doc_at(doc_val map, const char *key)
{
	if (doc_type(map) != DOC_MAP)
		return NULL;
	for (doc_val i = doc_first(map); i; i = doc_next(map, i))
		if (strcmp(doc_key(map, i), key) == 0)
			return i;
	return NULL;
}

doc_val doc_path(doc_val v, ...)
{
	va_list ap;
	va_start(ap, v);
	for (const char *key; v && (key = va_arg(ap, const char *));)
		v = doc_at(v, key);
	va_end(ap);
	return v;
}

const char *doc_str(doc_val v) { return doc_type(v) == DOC_STRING ? (const char *)v + 5 : NULL; }
const char *doc_str_at(doc_val map, const char *key) { return doc_str(doc_at(map, key)); }

static double real_at(doc_val v)
{
	double d;
	memcpy(&d, v + 1, 8);
	return d;
}

int64_t doc_int(doc_val v, int64_t deflt)
{
	int64_t n;
	if (doc_type(v) == DOC_REAL) {
		double d = real_at(v);
		return d >= -9.2e18 && d <= 9.2e18 && d == (double)(int64_t)d ? (int64_t)d : deflt;
	}
	if (doc_type(v) != DOC_INT)
		return deflt;
	memcpy(&n, v + 1, 8);
	return n;
}

double doc_num(doc_val v, double deflt)
{
	return doc_type(v) == DOC_REAL ? real_at(v) : doc_type(v) == DOC_INT ? (double)doc_int(v, 0) : deflt;
}

bool doc_flag(doc_val v, bool deflt)
{
	return doc_type(v) == DOC_TRUE || (doc_type(v) != DOC_FALSE && deflt);
}

bool doc_same(doc_val a, doc_val b)
{
	return a && b ? extent(a) == extent(b) && memcmp(a, b, extent(a)) == 0 : a == b;
}

json_t *doc_to_json(doc_val v)
{
	json_t *j;
	switch (doc_type(v)) {
	case DOC_FALSE: return json_false();
	case DOC_TRUE: return json_true();
	case DOC_INT: return json_integer(doc_int(v, 0));
	case DOC_REAL: return json_real(real_at(v));
	case DOC_STRING: return json_string_safe(doc_str(v), u32_at(v + 1));
	case DOC_LIST:
		j = json_array();
		for (doc_val i = doc_first(v); i; i = doc_next(v, i))
			json_array_append_new(j, doc_to_json(i));
		return j;
	case DOC_MAP:
		j = json_object();
		for (doc_val i = doc_first(v); i; i = doc_next(v, i))
			if (!json_object_get(j, doc_key(v, i)))
				json_object_set_new(j, doc_key(v, i), doc_to_json(i));
		return j;
	default: return json_null();
	}
}

/* --- building ------------------------------------------------------------------------------------------------------- */

void build_bytes(struct build *b, const void *data, size_t n)
{
	if (b->len + n > DOC_MAX)
		b->full = true;
	if (b->full)
		return;
	vec_grow((void **)&b->at, &b->cap, b->len + n + 1, 1);
	memcpy(b->at + b->len, data, n);
	b->len += n;
}

void build_type(struct build *b, enum doc_type type)
{
	unsigned char c = (unsigned char)type;
	build_bytes(b, &c, 1);
}

void build_int(struct build *b, int64_t n)
{
	build_type(b, DOC_INT);
	build_bytes(b, &n, 8);
}

void build_real(struct build *b, double d)
{
	build_type(b, DOC_REAL);
	build_bytes(b, &d, 8);
}

void build_string(struct build *b, const char *s, size_t n)
{
	uint32_t len = (uint32_t)n;
	build_type(b, DOC_STRING);
	build_bytes(b, &len, 4);
	build_bytes(b, s, n);
	build_bytes(b, "", 1);
}

void build_key(struct build *b, const char *key, size_t n)
{
	const char *nul = memchr(key, '\0', n);
	size_t len = nul ? (size_t)(nul - key) : n;
	uint32_t back = (uint32_t)(len + 1 + KEY_BACK);
	build_bytes(b, key, len);
	build_bytes(b, "", 1);
	build_bytes(b, &back, 4);
}

size_t build_open(struct build *b, enum doc_type type)
{
	size_t at = b->len;
	build_type(b, type);
	build_bytes(b, "\0\0\0\0\0\0\0\0", 8);
	return at;
}

void build_close(struct build *b, size_t at, uint32_t count)
{
	if (b->full)
		return;
	uint32_t len = (uint32_t)(b->len - at - HEAD);
	memcpy(b->at + at + 1, &len, 4);
	memcpy(b->at + at + 5, &count, 4);
}

struct doc *build_done(struct build *b)
{
	struct doc *d = xmalloc(sizeof(*d) + b->len);
	d->len = b->len;
	memcpy(d->at, b->at, b->len);
	b->len = 0;
	return d;
}

static void from_json(struct build *b, const json_t *j)
{
	const char *key;
	json_t *item;
	size_t i, at;
	switch (j ? json_typeof(j) : JSON_NULL) {
	case JSON_NULL: build_type(b, DOC_NULL); break;
	case JSON_FALSE: build_type(b, DOC_FALSE); break;
	case JSON_TRUE: build_type(b, DOC_TRUE); break;
	case JSON_INTEGER: build_int(b, json_integer_value(j)); break;
	case JSON_REAL: build_real(b, json_real_value(j)); break;
	case JSON_STRING: build_string(b, json_string_value(j), json_string_length(j)); break;
	case JSON_ARRAY:
		at = build_open(b, DOC_LIST);
		json_array_foreach((json_t *)j, i, item)
			from_json(b, item);
		build_close(b, at, (uint32_t)json_array_size(j));
		break;
	case JSON_OBJECT:
		at = build_open(b, DOC_MAP);
		json_object_foreach((json_t *)j, key, item) {
			build_key(b, key, strlen(key));
			from_json(b, item);
		}
		build_close(b, at, (uint32_t)json_object_size(j));
		break;
	}
}

struct doc *doc_from_json(const json_t *j)
{
	struct build b = { 0 };
	from_json(&b, j);
	struct doc *d = b.full ? NULL : build_done(&b);
	free(b.at);
	return d;
}
