/* yamlencode and yamldecode, by libyaml.
 *
 * Reading resolves plain scalars as users of the language know it: YAML 1.1 for booleans (also in keys), decimal numbers
 * with leading zeros, no binary or base-60 numbers, dates as RFC 3339. One document, at most YAML_DEPTH deep and YAML_NODES
 * nodes, where a node that an alias repeats counts each time.
 */
#include "lang/func_util.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/mem.h"

enum { YAML_DEPTH = 200, YAML_NODES = 1000000 };

struct anchor { char *name; const struct val *v; size_t nodes; };
struct reader {
	struct func_call *c;
	struct err *err;
	yaml_parser_t parser;
	yaml_event_t event;                  /* the one being looked at */
	size_t nodes;
	VEC(struct anchor) anchors;
};

static const struct val *read_node(struct reader *r, int depth);

static const struct val *refuse(struct reader *r, const char *why)
{
	func_blame(r->c, 0, r->err, "not YAML: %s (line %zu, column %zu)", why, r->event.start_mark.line + 1, r->event.start_mark.column + 1);
	return NULL;
}

static bool next(struct reader *r)
{
	yaml_event_delete(&r->event);
	if (yaml_parser_parse(&r->parser, &r->event))
		return true;
	func_blame(r->c, 0, r->err, "not YAML: %s (line %zu, column %zu)", r->parser.problem ? r->parser.problem : "broken text",
		  r->parser.problem_mark.line + 1, r->parser.problem_mark.column + 1);
	return false;
}

/* --- plain scalars ---------------------------------------------------------------------------------------------------------- */
static bool one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

static size_t count(const char *s, const char *set)
{
	return strspn(s, set);
}

/* [-+]? ( digits [. digits*] | . digits ) ( [eE] [-+]? digits )? */
static bool is_number(const char *s)
{
	static const char dec[] = "0123456789";
	s += *s == '-' || *s == '+';
	size_t whole = count(s, dec), part = 0;
	s += whole;
	if (*s == '.') {
		part = count(++s, dec);
		s += part;
	}
	if (!whole && !part)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		size_t exp = count(s, dec);
		if (!exp)
			return false;
		s += exp;
	}
	return !*s;
}

static const struct val *in_base(struct reader *r, const char *s, int base)
{
	struct num_temp t;
	num_temp(&t);
	return mpfr_set_str(t.n, s, base, MPFR_RNDN) ? NULL : val_big(r->c->arena, t.n);
}

/* A date or time as RFC 3339 without fractions, when S is one; else false. */
static bool timestamp(const char *s, char out[64])
{
	int y, mo, d, h = 0, mi = 0, se = 0, n = 0;
	char sep = 0;
	if (strlen(s) > 40 || count(s, "0123456789") != 4 || sscanf(s, "%4d-%2d-%2d%n", &y, &mo, &d, &n) != 3 || mo < 1 || mo > 12 || d < 1 || d > 31)
		return false;
	const char *zone = "Z", *p = s + n;
	if (*p) {
		if (!strchr("Tt ", *p) || sscanf(p, "%c%2d:%2d:%2d%n", &sep, &h, &mi, &se, &n) != 4 || h > 23 || mi > 59 || se > 59)
			return false;
		p += n;
		p += *p == '.' ? 1 + count(p + 1, "0123456789") : 0;
		bool offset = (*p == '+' || *p == '-') && strlen(p) == 6 && p[3] == ':' && count(p + 1, "0123456789") == 2 && count(p + 4, "0123456789") == 2;
		if (sep == ' ' ? *p != '\0' : strcmp(p, "Z") != 0 && !offset)
			return false;
		zone = offset ? p : "Z";
	}
	snprintf(out, 64, "%04d-%02d-%02dT%02d:%02d:%02d%.6s", y, mo, d, h, mi, se, zone);
	return true;
}

static const struct val *plain(struct reader *r, const char *s, size_t len)
{
	static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL };
	static const char *const no[] = { "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL };
	static const char *const null[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const odd[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };
	const struct val *v = NULL;
	char date[64];
	if (one_of(s, yes) || one_of(s, no))
		return val_bool(one_of(s, yes));
	if (one_of(s, null))
		return &val_null_dynamic;
	if (one_of(s, odd))
		return refuse(r, "infinity and not-a-number are no values here");
	if (is_number(s)) {
		v = val_number_text(r->c->arena, s, len);
		return v ? v : refuse(r, "a number beyond the limits");
	}
	if (s[0] == '0' && s[1] == 'x' && s[2] && !s[2 + count(s + 2, "0123456789abcdefABCDEF")] && len < 1000)
		v = in_base(r, s + 2, 16);
	else if (s[0] == '0' && s[1] == 'o' && s[2] && !s[2 + count(s + 2, "01234567")] && len < 1000)
		v = in_base(r, s + 2, 8);
	else if (timestamp(s, date))
		v = val_string(r->c->arena, date);
	return v ? v : val_stringn(r->c->arena, s, len);
}

#define YAML_BINARY_TAG "tag:yaml.org,2002:binary"

static bool is_base64(const char *s, size_t len)
{
	autostr struct str bytes = { 0 };
	str_init(&bytes, FUNC_TEXT);
	return func_base64_bytes(s, len, &bytes);
}

static const struct val *tagged(struct reader *r, const char *tag, const char *s, size_t len, bool quoted)
{
	static const struct { const char *tag; const struct type *type; } known[] = {
		{ YAML_STR_TAG, &type_string }, { YAML_INT_TAG, &type_number }, { YAML_FLOAT_TAG, &type_number }, { YAML_BOOL_TAG, &type_bool },
		{ YAML_NULL_TAG, NULL }, { YAML_BINARY_TAG, &type_string }, { "!", &type_string },
	};
	const struct val *v;
	char date[64];
	if (!strcmp(tag, YAML_TIMESTAMP_TAG))
		return timestamp(s, date) ? val_string(r->c->arena, date) : refuse(r, "the text does not fit its tag");
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(tag, known[i].tag) != 0)
			continue;
		if (!known[i].type)
			return &val_null_dynamic;                                    /* whatever the text is */
		if (!strcmp(tag, YAML_BINARY_TAG) && !is_base64(s, len))
			return refuse(r, "the text does not fit its tag");
		if (known[i].type == &type_string)
			return val_stringn(r->c->arena, s, len);
		v = plain(r, s, len);
		if (v && (val_is_null(v) || val_convert(r->c->arena, v, known[i].type, &v, NULL)))
			return refuse(r, "the text does not fit its tag");
		return quoted && v ? val_stringn(r->c->arena, s, len) : v;
	}
	return refuse(r, "an unknown tag");
}

static const struct val *scalar(struct reader *r)
{
	const char *s = (const char *)r->event.data.scalar.value, *tag = (const char *)r->event.data.scalar.tag;
	size_t len = r->event.data.scalar.length;
	if (tag)
		return tagged(r, tag, s, len, r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE);
	if (r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return val_stringn(r->c->arena, s, len);
	return plain(r, s, len);
}

/* --- collections ---------------------------------------------------------------------------------------------------------------- */
static const struct val *sequence(struct reader *r, int depth)
{
	VEC(const struct val *) at = { 0 };
	const struct val *v = NULL;
	bool ok;
	while ((ok = next(r)) && r->event.type != YAML_SEQUENCE_END_EVENT) {
		v = read_node(r, depth + 1);
		if (!v)
			break;
		vec_push(&at, v);
	}
	v = ok && r->event.type == YAML_SEQUENCE_END_EVENT && (v || !at.len) ? val_tuple(r->c->arena, at.at, at.len) : NULL;
	vec_free(&at);
	return v;
}

struct members { VEC(struct val_entry) own; VEC(const struct val *) merged; };

/* The value of a merge key: a mapping or a list of them; the first one that has a key wins, and own keys win over all. */
static bool merge(struct reader *r, struct members *m, const struct val *v)
{
	size_t n = val_kind(v) == T_TUPLE ? val_len(v) : 1;
	for (size_t i = 0; i < n; i++) {
		const struct val *one = val_kind(v) == T_TUPLE ? v->seq.at[i] : v;
		if (!func_is_map(one))
			return refuse(r, "only mappings can be merged with <<"), false;
		vec_push(&m->merged, one);
	}
	return true;
}

static bool member(struct reader *r, struct members *m, int depth)
{
	bool plain_key = r->event.type == YAML_SCALAR_EVENT && !r->event.data.scalar.tag && r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	bool merges = plain_key && !strcmp((const char *)r->event.data.scalar.value, "<<");
	const struct val *key = read_node(r, depth + 1), *v;
	if (!key)
		return false;
	if (val_is_null(key) || val_kind(key) > T_STRING || val_convert(r->c->arena, key, &type_string, &key, NULL) || strlen(key->str.s) != key->str.len)
		return refuse(r, "a key must be a string, number or bool"), false;
	v = next(r) ? read_node(r, depth + 1) : NULL;
	if (!v)
		return false;
	if (merges)
		return merge(r, m, v);
	vec_push(&m->own, (struct val_entry){ key->str.s, v });
	return true;
}

static const struct val *finish(struct reader *r, struct members *m)
{
	if (!m->merged.len)
		return val_object(r->c->arena, m->own.at, m->own.len);
	VEC(struct val_entry) all = { 0 };
	for (size_t i = m->merged.len; i-- > 0;)
		for (size_t k = 0; k < m->merged.at[i]->map.len; k++)
			vec_push(&all, m->merged.at[i]->map.at[k]);
	for (size_t i = 0; i < m->own.len; i++)
		vec_push(&all, m->own.at[i]);
	const struct val *v = val_object(r->c->arena, all.at, all.len);
	vec_free(&all);
	return v;
}

static const struct val *mapping(struct reader *r, int depth)
{
	struct members m = { 0 };
	bool ok;
	while ((ok = next(r)) && r->event.type != YAML_MAPPING_END_EVENT)
		if (!member(r, &m, depth)) {
			ok = false;
			break;
		}
	const struct val *v = ok ? finish(r, &m) : NULL;
	vec_free(&m.own);
	vec_free(&m.merged);
	return v;
}

static const struct val *alias(struct reader *r)
{
	for (size_t i = r->anchors.len; i-- > 0;) {
		const struct anchor *a = &r->anchors.at[i];
		if (strcmp(a->name, (const char *)r->event.data.alias.anchor) != 0)
			continue;
		r->nodes += a->nodes;
		return r->nodes > YAML_NODES ? refuse(r, "too many nodes") : a->v;
	}
	return refuse(r, "an alias of nothing above it");
}

static const struct val *read_node(struct reader *r, int depth)
{
	const struct val *v;
	const unsigned char *name = r->event.type == YAML_SCALAR_EVENT ? r->event.data.scalar.anchor :
				    r->event.type == YAML_SEQUENCE_START_EVENT ? r->event.data.sequence_start.anchor :
				    r->event.type == YAML_MAPPING_START_EVENT ? r->event.data.mapping_start.anchor : NULL;
	const unsigned char *tag = r->event.type == YAML_SEQUENCE_START_EVENT ? r->event.data.sequence_start.tag :
				   r->event.type == YAML_MAPPING_START_EVENT ? r->event.data.mapping_start.tag : NULL;
	size_t before = r->nodes++;
	if (depth > YAML_DEPTH || r->nodes > YAML_NODES)
		return refuse(r, depth > YAML_DEPTH ? "nested too deep (200)" : "too many nodes");
	if (r->event.type == YAML_ALIAS_EVENT)
		return alias(r);
	if (tag && strcmp((const char *)tag, YAML_SEQ_TAG) != 0 && strcmp((const char *)tag, YAML_MAP_TAG) != 0)
		return refuse(r, "an unknown tag");
	autofree char *keep = name ? xstrdup((const char *)name) : NULL;
	v = r->event.type == YAML_SCALAR_EVENT ? scalar(r) : r->event.type == YAML_SEQUENCE_START_EVENT ? sequence(r, depth) : mapping(r, depth);
	if (v && keep) {
		vec_push(&r->anchors, (struct anchor){ keep, v, r->nodes - before });
		keep = NULL;
	}
	return v;
}

static const struct val *document(struct reader *r)
{
	if (!next(r) || !next(r))
		return NULL;
	if (r->event.type == YAML_STREAM_END_EVENT)
		return refuse(r, "there is no document");
	const struct val *v = next(r) ? read_node(r, 0) : NULL;
	if (!v || !next(r) || !next(r))
		return NULL;
	return r->event.type == YAML_STREAM_END_EVENT ? v : refuse(r, "only one document is allowed");
}

int fn_yamldecode(struct func_call *c, const struct val **out, struct err *err)
{
	struct reader r = { .c = c, .err = err };
	if (!yaml_parser_initialize(&r.parser))
		BUG("yaml_parser_initialize");
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)c->args[0]->str.s, c->args[0]->str.len);
	const struct val *v = document(&r);
	yaml_event_delete(&r.event);
	yaml_parser_delete(&r.parser);
	for (size_t i = 0; i < r.anchors.len; i++)
		free(r.anchors.at[i].name);
	vec_free(&r.anchors);
	if (!v)
		return E_INPUT;
	*out = v;
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------------------------- */
static int write_handler(void *data, unsigned char *text, size_t n)
{
	str_addn(data, (const char *)text, n);
	return !str_full(data);
}

static bool emit_scalar(yaml_emitter_t *e, const char *s, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t ev;
	return yaml_scalar_event_initialize(&ev, NULL, NULL, (const unsigned char *)s, (int)len, style == YAML_PLAIN_SCALAR_STYLE,
					    style != YAML_PLAIN_SCALAR_STYLE, style) && yaml_emitter_emit(e, &ev);
}

static bool emit_string(yaml_emitter_t *e, const char *s, size_t len)
{
	return emit_scalar(e, s, len, memchr(s, '\n', len) ? YAML_LITERAL_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* The frames of emit() and what it calls stand on the stack once per level of a value, so what is large stays out of them. */
#define OUTLINE __attribute__((noinline)) static bool

OUTLINE emit_start(yaml_emitter_t *e, bool map, bool empty)
{
	yaml_event_t ev;
	int ok = map ? yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE) :
		       yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE);
	return ok && yaml_emitter_emit(e, &ev);
}

OUTLINE emit_end(yaml_emitter_t *e, bool map)
{
	yaml_event_t ev;
	return (map ? yaml_mapping_end_event_initialize(&ev) : yaml_sequence_end_event_initialize(&ev)) && yaml_emitter_emit(e, &ev);
}

OUTLINE emit_primitive(yaml_emitter_t *e, const struct val *v)
{
	autostr struct str n = { 0 };
	if (val_is_null(v))
		return emit_scalar(e, "null", 4, YAML_PLAIN_SCALAR_STYLE);
	if (val_kind(v) == T_STRING)
		return emit_string(e, v->str.s, v->str.len);
	if (val_kind(v) == T_BOOL)
		return emit_scalar(e, v->b ? "true" : "false", v->b ? 4 : 5, YAML_PLAIN_SCALAR_STYLE);
	str_init(&n, FUNC_TEXT);
	val_number_write(v, &n);
	return emit_scalar(e, n.at, n.len, YAML_PLAIN_SCALAR_STYLE);
}

OUTLINE emit_key(yaml_emitter_t *e, const char *key)
{
	return emit_string(e, key, strlen(key));
}

static bool emit(yaml_emitter_t *e, const struct val *v)
{
	bool map = func_is_map(v);
	if (!map && !func_is_seq(v))
		return emit_primitive(e, v);
	bool ok = emit_start(e, map, !val_len(v));
	for (size_t i = 0, n = val_len(v); ok && i < n; i++)
		ok = map ? emit_key(e, v->map.at[i].key) && emit(e, v->map.at[i].val) : emit(e, v->seq.at[i]);
	return ok && emit_end(e, map);
}

int fn_yamlencode(struct func_call *c, const struct val **out, struct err *err)
{
	yaml_emitter_t e;
	yaml_event_t ev;
	autostr struct str s = { 0 };
	const struct val *v = c->args[0];
	if (func_unknown(c, &type_string, out))
		return 0;
	if (!yaml_emitter_initialize(&e))
		BUG("yaml_emitter_initialize");
	str_init(&s, FUNC_TEXT);
	yaml_emitter_set_output(&e, write_handler, &s);
	yaml_emitter_set_unicode(&e, 1);
	yaml_emitter_set_indent(&e, 2);
	yaml_emitter_set_width(&e, 80);
	bool ok = yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING) && yaml_emitter_emit(&e, &ev) &&
		  yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1) && yaml_emitter_emit(&e, &ev) && emit(&e, v) &&
		  yaml_document_end_event_initialize(&ev, 1) && yaml_emitter_emit(&e, &ev) && yaml_emitter_flush(&e);
	yaml_emitter_delete(&e);
	if (!ok)
		return func_fail(c, SIZE_MAX, err, "the result is longer than %d bytes or cannot be written", FUNC_TEXT);
	/* A plain scalar alone ends with the end of the document, whatever this version of the library thinks of it. */
	if (!func_is_seq(v) && !func_is_map(v) && !(val_known(v) && val_kind(v) == T_STRING) && !str_has_suffix(s.at, "\n...\n"))
		str_add(&s, str_has_suffix(s.at, "\n") ? "...\n" : "\n...\n");
	return func_text(c, &s, out, err);
}
