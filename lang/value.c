#include "lang/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"
#include "lang/num.h"

const struct val val_true = { .type = &type_bool, .b = true }, val_false = { .type = &type_bool },
		 val_null_dynamic = { .type = &type_dynamic, .state = VAL_NULL },
		 val_unknown_dynamic = { .type = &type_dynamic, .state = VAL_UNKNOWN };

/* What is read and what functions make stays far below (EVAL_TEXT, FUNC_ELEMS, YAML_NODES). */
static uint32_t length(size_t n)
{
	if (n > UINT32_MAX)
		BUG("a value of %zu bytes or members", n);
	return (uint32_t)n;
}

/* --- making: strings ------------------------------------------------------------------------------------------ */
const struct val *val_bool(bool b)
{
	return b ? &val_true : &val_false;
}

const struct val *val_string_of(struct arena *a, const char *s, size_t len)
{
	struct val *v = arena_packed(a, 1, sizeof(*v));
	v->type = &type_string;
	v->str.s = s;
	v->str.len = length(len);
	return v;
}

const struct val *val_string_nfc(struct arena *a, const char *s, size_t len)
{
	char *copy = arena_alloc(a, len + 1);
	if (len)
		memcpy(copy, s, len);
	return val_string_of(a, copy, len);
}

bool val_is_ascii(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static void add_valid_utf8(struct str *out, const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		utf8proc_int32_t c;
		utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(len - i), &c);
		if (n > 0)
			str_addn(out, s + i, (size_t)n);
		else
			str_add(out, "\xef\xbf\xbd");
		i += n > 0 ? (size_t)n : 1;
	}
}

const struct val *val_stringn(struct arena *a, const char *s, size_t len)
{
	if (val_is_ascii(s, len))
		return val_string_nfc(a, s, len);
	autostr struct str valid;
	str_init(&valid, SIZE_MAX / 2);
	add_valid_utf8(&valid, s, len);
	utf8proc_uint8_t *nfc = NULL;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)valid.at, (utf8proc_ssize_t)valid.len, &nfc,
					  UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	const struct val *v = n < 0 ? val_string_nfc(a, valid.at, valid.len) : val_string_nfc(a, (char *)nfc, (size_t)n);
	free(nfc);
	return v;
}

const struct val *val_string(struct arena *a, const char *s)
{
	return val_stringn(a, s, strlen(s));
}

/* --- making: the rest ------------------------------------------------------------------------------------------ */
static struct val *val_new(struct arena *a, const struct type *t, enum val_state state)
{
	struct val *v = arena_packed(a, 1, sizeof(*v));
	v->type = t;
	v->state = state;
	return v;
}

const struct val *val_null(struct arena *a, const struct type *t)
{
	return t->kind == T_DYNAMIC ? &val_null_dynamic : val_new(a, t, VAL_NULL);
}

const struct val *val_unknown(struct arena *a, const struct type *t)
{
	return t->kind == T_DYNAMIC ? &val_unknown_dynamic : val_new(a, t, VAL_UNKNOWN);
}

static struct val *seq_of(struct arena *a, const struct type *t, const struct val *const *at, size_t n)
{
	struct val *v = val_new(a, t, VAL_KNOWN);
	v->seq.at = at;
	v->seq.len = length(n);
	return v;
}

static const struct val **copy_members(struct arena *a, const struct val *const *at, size_t n)
{
	const struct val **copy = arena_packed(a, n, sizeof(*copy));
	if (n)
		memcpy(copy, at, n * sizeof(*copy));
	return copy;
}

const struct val *val_tuple_of(struct arena *a, const struct type *t, const struct val *const *at, size_t n)
{
	struct type *own = t ? NULL : arena_packed(a, 1, sizeof(*own));
	struct val *v = seq_of(a, t ? t : own, at, n);
	if (own)
		*own = (struct type){ .kind = T_TUPLE, .of_value = true, .of = v, .n = v->seq.len };
	return v;
}

const struct val *val_tuple(struct arena *a, const struct val *const *at, size_t n)
{
	return val_tuple_of(a, NULL, copy_members(a, at, n), n);
}

const struct val *val_list(struct arena *a, const struct type *elem, const struct val *const *at, size_t n)
{
	return seq_of(a, type_list(a, elem), copy_members(a, at, n), n);
}

static int by_value(const void *x, const void *y)
{
	return val_cmp(*(const struct val *const *)x, *(const struct val *const *)y);
}

/* Marks cannot be told apart inside a set, so one marked member marks the set. */
const struct val *val_set(struct arena *a, const struct type *elem, const struct val *const *at, size_t n)
{
	const struct val **m = copy_members(a, at, n);
	struct val *v = seq_of(a, type_set(a, elem), m, n);
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		unsigned marks = val_sensitive_deep(m[i]);
		v->marks |= (uint8_t)marks;
		if (marks)
			m[i] = val_unmark_deep(a, m[i]);
	}
	if (n > 1)
		qsort(m, n, sizeof(*m), by_value);
	for (size_t i = 0; i < n; i++)
		if (!len || val_cmp(m[len - 1], m[i]) || !val_known_deep(m[i]))
			m[len++] = m[i];
	v->seq.len = (uint32_t)len;
	return v;
}

static int by_key(const void *x, const void *y, void *entries)
{
	const struct val_entry *at = entries;
	uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
	int c = strcmp(at[i].key, at[k].key);
	return c ? c : (i > k) - (i < k);
}

static bool in_order(const struct val_entry *at, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (strcmp(at[i - 1].key, at[i].key) >= 0)
			return false;
	return true;
}

static void sort_few(struct val_entry *at, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct val_entry e = at[i];
		size_t k = i;
		for (; k > 0 && strcmp(at[k - 1].key, e.key) > 0; k--)
			at[k] = at[k - 1];
		at[k] = e;
	}
}

/* By numbers of entries, which are half of their pointers: a map may be as large as what there is memory for. */
static void sort_many(struct val_entry *at, size_t n)
{
	autofree uint32_t *from = xcalloc(n, sizeof(*from));
	for (uint32_t i = 0; i < n; i++)
		from[i] = i;
	qsort_r(from, n, sizeof(*from), by_key, at);
	for (uint32_t i = 0; i < n; i++) {
		struct val_entry first = at[i];
		uint32_t k = i;
		for (uint32_t next = from[k]; next != i; k = next, next = from[k]) {
			at[k] = at[next];
			from[k] = k;
		}
		at[k] = first;
		from[k] = k;
	}
}

size_t val_sort_entries(struct val_entry *at, size_t n)
{
	enum { FEW = 16 };
	if (in_order(at, n))
		return n;
	if (n <= FEW)
		sort_few(at, n);
	else
		sort_many(at, length(n));
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || strcmp(at[i].key, at[i + 1].key) != 0)
			at[len++] = at[i];
	return len;
}

static struct val *entries_of(struct arena *a, const struct type *t, struct val_entry *at, size_t n)
{
	struct val *v = val_new(a, t, VAL_KNOWN);
	v->map.at = at;
	v->map.len = length(val_sort_entries(at, n));
	return v;
}

static struct val_entry *copy_entries(struct arena *a, const struct val_entry *at, size_t n)
{
	struct val_entry *copy = arena_packed(a, n, sizeof(*copy));
	if (n)
		memcpy(copy, at, n * sizeof(*copy));
	return copy;
}

const struct val *val_map(struct arena *a, const struct type *elem, const struct val_entry *at, size_t n)
{
	return entries_of(a, type_map(a, elem), copy_entries(a, at, n), n);
}

const struct val *val_object_of(struct arena *a, const struct type *t, struct val_entry *at, size_t n)
{
	struct type *own = t ? NULL : arena_packed(a, 1, sizeof(*own));
	struct val *v = entries_of(a, t ? t : own, at, n);
	if (own)
		*own = (struct type){ .kind = T_OBJECT, .of_value = true, .of = v, .n = v->map.len };
	return v;
}

const struct val *val_object(struct arena *a, const struct val_entry *at, size_t n)
{
	return val_object_of(a, NULL, copy_entries(a, at, n), n);
}

const struct val *val_mark(struct arena *a, const struct val *v, unsigned marks)
{
	if (v->marks == marks)
		return v;
	struct val *copy = arena_packed(a, 1, sizeof(*copy));
	*copy = *v;
	copy->marks = (uint8_t)marks;
	return copy;
}

static bool is_seq(const struct val *v)
{
	enum type_kind k = val_kind(v);
	return val_known(v) && (k == T_LIST || k == T_SET || k == T_TUPLE);
}

static bool is_map(const struct val *v)
{
	return val_known(v) && (val_kind(v) == T_MAP || val_kind(v) == T_OBJECT);
}

const struct val *val_unmark_deep(struct arena *a, const struct val *v)
{
	if (!val_sensitive_deep(v))
		return v;
	struct val *copy = arena_packed(a, 1, sizeof(*copy));
	*copy = *v;
	copy->marks = 0;
	if (is_seq(v)) {
		const struct val **at = arena_array(a, v->seq.len, sizeof(*at));
		for (size_t i = 0; i < v->seq.len; i++)
			at[i] = val_unmark_deep(a, v->seq.at[i]);
		copy->seq.at = at;
	} else if (is_map(v)) {
		struct val_entry *at = arena_array(a, v->map.len, sizeof(*at));
		for (size_t i = 0; i < v->map.len; i++)
			at[i] = (struct val_entry){ v->map.at[i].key, val_unmark_deep(a, v->map.at[i].val) };
		copy->map.at = at;
	}
	return copy;
}

/* --- asking -------------------------------------------------------------------------------------------------- */
bool val_known_deep(const struct val *v)
{
	if (v->state == VAL_UNKNOWN)
		return false;
	if (is_seq(v)) {
		for (size_t i = 0; i < v->seq.len; i++)
			if (!val_known_deep(v->seq.at[i]))
				return false;
	} else if (is_map(v)) {
		for (size_t i = 0; i < v->map.len; i++)
			if (!val_known_deep(v->map.at[i].val))
				return false;
	}
	return true;
}

bool val_open_set(const struct val *v)
{
	return val_known(v) && val_kind(v) == T_SET && v->seq.len > 1 && !val_known_deep(v);
}

unsigned val_sensitive_deep(const struct val *v)
{
	unsigned marks = v->marks, all = MARK_SENSITIVE | MARK_EPHEMERAL;
	if (is_seq(v)) {
		for (size_t i = 0; i < v->seq.len && marks != all; i++)
			marks |= val_sensitive_deep(v->seq.at[i]);
	} else if (is_map(v)) {
		for (size_t i = 0; i < v->map.len && marks != all; i++)
			marks |= val_sensitive_deep(v->map.at[i].val);
	}
	return marks;
}

size_t val_len(const struct val *v)
{
	return is_seq(v) ? v->seq.len : is_map(v) ? v->map.len : 0;
}

const struct val *val_get(const struct val *v, const char *key)
{
	if (!is_map(v))
		return NULL;
	for (size_t lo = 0, hi = v->map.len; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(key, v->map.at[mid].key);
		if (!c)
			return v->map.at[mid].val;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

/* --- comparing ------------------------------------------------------------------------------------------------- */
static int string_cmp(const struct val *x, const struct val *y)
{
	size_t n = x->str.len < y->str.len ? x->str.len : y->str.len;
	int c = n ? memcmp(x->str.s, y->str.s, n) : 0;
	return c ? c : x->str.len < y->str.len ? -1 : x->str.len > y->str.len;
}

static int exact_cmp(const struct val *x, const struct val *y);

static int members_cmp(const struct val *x, const struct val *y)
{
	size_t nx = val_len(x), ny = val_len(y);
	bool map = is_map(x);
	for (size_t i = 0; i < nx && i < ny; i++) {
		int c = map ? strcmp(x->map.at[i].key, y->map.at[i].key) : 0;
		if (!c)
			c = map ? exact_cmp(x->map.at[i].val, y->map.at[i].val) : exact_cmp(x->seq.at[i], y->seq.at[i]);
		if (c)
			return c;
	}
	return nx < ny ? -1 : nx > ny;
}

/* --- the order of lists, tuples, maps and objects in a set -------------------------------------------------------------------- */
/* Terraform's: by a text such as <1;"a";> that members are written as, numbers with ten digits. Here without writing it. */
static int text_cmp(const struct val *x, const struct val *y);

/* The character at S[0..LEN) as it stands between quotes (Go's %q), or the quote that ends the text. None begins like another. */
static void quoted_char(const char *s, size_t len, char out[16])
{
	static const char plain[] = "\a\b\f\n\r\t\v\\\"", letter[] = "abfnrtv\\\"";
	utf8proc_int32_t cp = '"';
	utf8proc_ssize_t n = len ? utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)len, &cp) : 1;
	const char *esc = len && *s ? strchr(plain, *s) : NULL;
	utf8proc_category_t k = n > 0 ? utf8proc_category(cp) : UTF8PROC_CATEGORY_CN;
	bool shown = (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_SO) || cp == ' ' || !len;
	if (esc)
		snprintf(out, 16, "\\%c", letter[esc - plain]);
	else if (shown)
		snprintf(out, 16, "%.*s", (int)n, len ? s : "\"");
	else if (n <= 0 || cp < ' ' || cp == 0x7f)
		snprintf(out, 16, "\\x%02x", (unsigned)(unsigned char)*s);
	else
		snprintf(out, 16, cp < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)cp);
}

static int quoted_cmp(const char *s, size_t n, const char *t, size_t m)
{
	char a[16], b[16];
	size_t i = 0;
	while (i < n && i < m && s[i] == t[i])
		i++;
	if (i == n && i == m)
		return 0;
	while (i && ((i < n && ((unsigned char)s[i] & 0xc0) == 0x80) || (i < m && ((unsigned char)t[i] & 0xc0) == 0x80)))
		i--;
	quoted_char(s + i, n - i, a);
	quoted_char(t + i, m - i, b);
	return strcmp(a, b);
}

/* V as %.10g and the semicolon that follows it in the text. */
static const char *digits_of(const struct val *v, char out[64])
{
	const int64_t short_of = 10000000000;        /* whole numbers below have all their digits; mpfr takes a microsecond for each */
	struct num_temp t;
	if (v->form != NUM_INT || v->i >= short_of || v->i <= -short_of) {
		mpfr_snprintf(out, 64, "%.10Rg;", num_temp_of(&t, v));
		return out;
	}
	char *p = out + 63;
	uint64_t n = v->i < 0 ? (uint64_t)-v->i : (uint64_t)v->i;
	*p = '\0';
	*--p = ';';
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	if (v->i < 0)
		*--p = '-';
	return p;
}

static int digits_cmp(const struct val *x, const struct val *y)
{
	char a[64], b[64];
	return num_cmp(x, y) == 0 ? 0 : strcmp(digits_of(x, a), digits_of(y, b));
}

/* The one that ends first: its closing bracket against what the other goes on with. */
static int end_cmp(const struct val *longer, size_t n, bool map)
{
	enum type_kind k = map ? T_STRING : val_kind(longer->seq.at[n]);
	bool shorter_first = !map && (k == T_MAP || val_is_null(longer->seq.at[n]));
	return shorter_first ? -1 : 1;
}

static int parts_cmp(const struct val *x, const struct val *y)
{
	bool map = val_kind(x) == T_MAP || val_kind(x) == T_OBJECT;
	size_t n = val_len(x), m = val_len(y);
	for (size_t i = 0; i < n && i < m; i++) {
		int c = 0;
		if (map)
			c = quoted_cmp(x->map.at[i].key, strlen(x->map.at[i].key), y->map.at[i].key, strlen(y->map.at[i].key));
		if (!c)
			c = map ? text_cmp(x->map.at[i].val, y->map.at[i].val) : text_cmp(x->seq.at[i], y->seq.at[i]);
		if (c)
			return c;
	}
	return n == m ? 0 : n < m ? end_cmp(y, n, map) : -end_cmp(x, m, map);
}

static int text_cmp(const struct val *x, const struct val *y)
{
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->state != VAL_KNOWN || x == y || val_kind(x) != val_kind(y))
		return 0;
	switch (val_kind(x)) {
	case T_BOOL: return (int)x->b - (int)y->b;
	case T_NUMBER: return digits_cmp(x, y);
	case T_STRING: return quoted_cmp(x->str.s, x->str.len, y->str.s, y->str.len);
	default: return parts_cmp(x, y);
	}
}

static int exact_cmp(const struct val *x, const struct val *y)
{
	if (x->state != y->state)
		return x->state < y->state ? -1 : 1;
	if (x->state != VAL_KNOWN || x == y)
		return 0;
	if (val_kind(x) != val_kind(y))
		return val_kind(x) < val_kind(y) ? -1 : 1;
	switch (val_kind(x)) {
	case T_BOOL: return (int)x->b - (int)y->b;
	case T_NUMBER: return num_cmp(x, y);
	case T_STRING: return string_cmp(x, y);
	default: return members_cmp(x, y);
	}
}

int val_cmp(const struct val *x, const struct val *y)
{
	int c = 0;
	if (val_known(x) && val_known(y) && val_kind(x) == val_kind(y) && val_kind(x) >= T_LIST)
		c = text_cmp(x, y);
	return c ? c : exact_cmp(x, y);
}

enum truth { NO, YES, MAYBE };

static enum truth same_value(const struct val *x, const struct val *y);

static enum truth same_members(const struct val *x, const struct val *y)
{
	enum truth all = YES;
	bool map = is_map(x);
	size_t n = val_len(x);
	if (n != val_len(y))
		return NO;
	for (size_t i = 0; i < n; i++) {
		if (map && strcmp(x->map.at[i].key, y->map.at[i].key) != 0)
			return NO;
		enum truth t = map ? same_value(x->map.at[i].val, y->map.at[i].val) : same_value(x->seq.at[i], y->seq.at[i]);
		if (t == NO)
			return NO;
		if (t == MAYBE)
			all = MAYBE;
	}
	return all;
}

static enum truth same_value(const struct val *x, const struct val *y)
{
	if (x->state == VAL_UNKNOWN || y->state == VAL_UNKNOWN)
		return MAYBE;
	if (x->state != y->state)
		return NO;
	if (x->state == VAL_NULL || x == y)
		return YES;
	if (val_kind(x) != val_kind(y))
		return NO;
	switch (val_kind(x)) {
	case T_BOOL: return x->b == y->b ? YES : NO;
	case T_NUMBER: return num_cmp(x, y) ? NO : YES;
	case T_STRING: return string_cmp(x, y) ? NO : YES;
	case T_SET: return val_known_deep(x) && val_known_deep(y) ? same_members(x, y) : MAYBE;
	default: return same_members(x, y);
	}
}

const struct val *val_equal(struct arena *a, const struct val *x, const struct val *y)
{
	bool null = x->state == VAL_NULL || y->state == VAL_NULL;
	bool both = x->state == VAL_UNKNOWN && y->state == VAL_UNKNOWN;        /* they may be null, whatever the types */
	if (!null && !both && !type_same(x->type, y->type)) {
		/* Types may turn out to be the same only where something of any type is unknown. */
		bool open = (type_is_dynamic(x->type) && !val_known_deep(x)) || (type_is_dynamic(y->type) && !val_known_deep(y));
		if (!open)
			return &val_false;
	}
	enum truth t = same_value(x, y);
	return t == MAYBE ? val_unknown(a, &type_bool) : val_bool(t == YES);
}

/* --- describing ------------------------------------------------------------------------------------------------ */
static void describe_string(const struct val *v, struct str *out)
{
	enum { SHOWN = 48 };
	size_t n = v->str.len;
	bool cut = n > SHOWN;
	if (cut)
		for (n = SHOWN; n && ((unsigned char)v->str.s[n] & 0xc0) == 0x80;)
			n--;
	str_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)v->str.s[i];
		if (c == '\n' || c == '\t')
			str_add(out, c == '\n' ? "\\n" : "\\t");
		else if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else
			str_addc(out, c < ' ' || c == 0x7f ? '?' : (char)c);
	}
	str_add(out, cut ? "...\"" : "\"");
}

static void describe_members(const struct val *v, struct str *out)
{
	static const char *const names[] = { [T_LIST] = "list", [T_SET] = "set", [T_MAP] = "map", [T_TUPLE] = "tuple",
					     [T_OBJECT] = "object" };
	enum type_kind k = val_kind(v);
	size_t n = val_len(v);
	if (k == T_TUPLE || k == T_OBJECT)
		str_addf(out, "%s with %zu %s%s", names[k], n, k == T_TUPLE ? "element" : "attribute", n == 1 ? "" : "s");
	else if (v->type->elem->kind >= T_BOOL && v->type->elem->kind <= T_STRING)
		str_addf(out, "%s of %zu %s%s", names[k], n,
			 v->type->elem->kind == T_BOOL ? "bool" : v->type->elem->kind == T_NUMBER ? "number" : "string", n == 1 ? "" : "s");
	else
		str_addf(out, "%s of %zu element%s", names[k], n, n == 1 ? "" : "s");
}

void val_describe(const struct val *v, struct str *out)
{
	if (v->marks) {
		str_add(out, v->marks & MARK_SENSITIVE ? "(sensitive)" : "(ephemeral)");
	} else if (!val_known(v)) {
		str_add(out, val_is_null(v) ? "null" : "unknown");
	} else if (val_kind(v) == T_BOOL) {
		str_add(out, v->b ? "true" : "false");
	} else if (val_kind(v) == T_STRING) {
		describe_string(v, out);
	} else if (val_kind(v) == T_NUMBER) {
		autostr struct str text;
		str_init(&text, STR_OURS);
		val_number_write(v, &text);
		str_addn(out, text.at, text.len > 56 ? 56 : text.len);
		str_add(out, text.len > 56 ? "..." : "");
	} else {
		describe_members(v, out);
	}
}
