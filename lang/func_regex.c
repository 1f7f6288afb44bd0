/* Regular expressions: the syntax of RE2, matched by pcre2 with limits on time and depth.
 *
 * The pattern is checked and rewritten first, so that what RE2 lacks (look-around, back references, possessive and nested
 * repetition, counts above 1000, verbs) is an error here too, and what means another thing in pcre2 (\s, \v, \Z...) means RE2's.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "lang/func_util.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { PATTERN_MAX = 64 << 10, MATCH_LIMIT = 5000000, DEPTH_LIMIT = 100000, HEAP_KIB = 64 << 10, GROUPS_MAX = 1000, COUNT_MAX = 1000 };

/* --- from RE2 to pcre2 --------------------------------------------------------------------------------------------- */
struct rewrite { const char *p, *end; struct str *out; const char *bad; bool in_class; };

static bool refuse(struct rewrite *r, const char *why)
{
	r->bad = why;
	return false;
}

static void copy(struct rewrite *r, size_t n)
{
	n = n < (size_t)(r->end - r->p) ? n : (size_t)(r->end - r->p);
	str_addn(r->out, r->p, n);
	r->p += n;
}

static void literal(struct str *out, char c)
{
	if (ispunct((unsigned char)c))
		str_addc(out, '\\');
	str_addc(out, c);
}

static bool property(struct rewrite *r)
{
	if (r->p + 2 < r->end && r->p[2] == '{') {
		const char *close = memchr(r->p, '}', (size_t)(r->end - r->p));
		if (!close)
			return refuse(r, "a character class name is not closed");
		copy(r, (size_t)(close + 1 - r->p));
	} else {
		copy(r, 3);
	}
	return true;
}

static bool escape(struct rewrite *r)
{
	char c = r->p + 1 < r->end ? r->p[1] : 0;
	if (r->p + 1 >= r->end)
		return refuse(r, "a backslash at the end");
	if (c == 'Q') {
		for (r->p += 2; r->p < r->end && !(r->p[0] == '\\' && r->p + 1 < r->end && r->p[1] == 'E'); r->p++)
			literal(r->out, *r->p);
		r->p += r->p < r->end ? 2 : 0;
		return true;
	}
	if (c == 's' || c == 'v' || (c == 'S' && !r->in_class)) {
		str_add(r->out, c == 'v' ? "\\x0b" : r->in_class ? "\\t\\n\\f\\r " : c == 's' ? "[\\t\\n\\f\\r ]" : "[^\\t\\n\\f\\r ]");
		r->p += 2;
		return true;
	}
	if (c == 'p' || c == 'P')
		return property(r);
	if (r->in_class ? strchr("bBAz", c) != NULL : false)
		return refuse(r, "this escape cannot stand in [...]");
	if (strchr("afnrtdDsSwWbBAzx", c) || ispunct((unsigned char)c)) {
		copy(r, 2);
		return true;
	}
	if (c == '0' || (c >= '1' && c <= '7' && r->p + 2 < r->end && r->p[2] >= '0' && r->p[2] <= '7')) {
		unsigned code = 0;
		for (r->p++; r->p < r->end && *r->p >= '0' && *r->p <= '7' && code < 64; r->p++)
			code = code * 8 + (unsigned)(*r->p - '0');
		str_addf(r->out, "\\x{%x}", code);
		return true;
	}
	return refuse(r, isdigit((unsigned char)c) ? "back references are not supported" : "an unknown escape");
}

static bool group(struct rewrite *r)
{
	const char *p = r->p + 2;
	if (p[-1] == '*')
		return refuse(r, "nothing stands before the *");
	if (p[-1] != '?')
		return copy(r, 1), true;
	if (str_has_prefix(p, "P<") || (*p == '<' && p[1] != '=' && p[1] != '!')) {
		p += *p == 'P' ? 2 : 1;
		size_t n = strspn(p, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		if (!n || p[n] != '>')
			return refuse(r, "a group name holds letters, digits and _, up to a >");
		return copy(r, (size_t)(p + n + 1 - r->p)), true;
	}
	size_t flags = strspn(p, "imsU-");
	if (p[flags] == ':' || (flags && p[flags] == ')'))
		return copy(r, flags + 2 + (p[flags] == ':')), true;
	return refuse(r, "look-around and other (?...) groups are not supported");
}

/* A bracket expression up to its end. */
static bool bracket(struct rewrite *r)
{
	bool first = true;
	r->in_class = true;
	copy(r, 1);
	if (r->p < r->end && *r->p == '^')
		copy(r, 1);
	for (; r->p < r->end && (first || *r->p != ']'); first = false) {
		if (*r->p == '\\') {
			if (!escape(r))
				return false;
		} else if (*r->p == '[' && r->p + 1 < r->end && r->p[1] == ':') {
			const char *close = memmem(r->p + 2, (size_t)(r->end - r->p - 2), ":]", 2);
			if (close)
				copy(r, (size_t)(close + 2 - r->p));
			else
				str_add(r->out, "\\["), r->p++;
		} else if (*r->p == '[') {
			str_add(r->out, "\\["), r->p++;
		} else {
			copy(r, 1);
		}
	}
	if (r->p >= r->end)
		return refuse(r, "a [ is not closed");
	r->in_class = false;
	copy(r, 1);
	return true;
}

/* The length of {n}, {n,} or {n,m} at P; 0 when it is none. *BIG: a count is above RE2's limit. */
static size_t count_len(const char *p, const char *end, bool *big)
{
	unsigned long n[2] = { 0, 0 };
	const char *start = p;
	if (p >= end || *p++ != '{' || p >= end || !isdigit((unsigned char)*p))
		return 0;
	for (int i = 0; i < 2; i++) {
		for (; p < end && isdigit((unsigned char)*p); p++)
			n[i] = n[i] > 100000 ? n[i] : n[i] * 10 + (unsigned long)(*p - '0');
		if (i == 0 && p < end && *p == ',')
			p++;
		else
			break;
	}
	*big = n[0] > COUNT_MAX || n[1] > COUNT_MAX;
	return p < end && *p == '}' ? (size_t)(p + 1 - start) : 0;
}

static size_t repetition(const struct rewrite *r, bool *big)
{
	*big = false;
	return strchr("*+?", *r->p) ? 1 : count_len(r->p, r->end, big);
}

/* `^`, `\b` and the like in front of a repetition, which PCRE2 takes of a group alone. */
static bool repeated_assertion(struct rewrite *r)
{
	bool escaped = *r->p == '\\' && r->p + 1 < r->end && r->p[1] && strchr("bBAz", r->p[1]), big;
	size_t len = *r->p == '^' || *r->p == '$' ? 1 : escaped ? 2 : 0;
	struct rewrite behind = *r;
	behind.p += len;
	if (!len || behind.p >= r->end || !*behind.p || !repetition(&behind, &big))
		return false;
	str_add(r->out, "(?:");
	copy(r, len);
	str_addc(r->out, ')');
	return true;
}

static bool rewrite(struct rewrite *r)
{
	bool repeated = false, big, ok = true;
	while (ok && r->p < r->end) {
		size_t n = *r->p ? repetition(r, &big) : 0;
		if (n) {
			if (big)
				return refuse(r, "a repetition count above 1000");
			if (repeated)
				return refuse(r, "a repetition of a repetition");
			copy(r, n);
			if (r->p < r->end && *r->p == '?')
				copy(r, 1);
			repeated = true;
			continue;
		}
		repeated = false;
		if (repeated_assertion(r))
			continue;
		if (*r->p == '\\')
			ok = escape(r);
		else if (*r->p == '[')
			ok = bracket(r);
		else if (*r->p == '(' && r->p + 1 < r->end)
			ok = group(r);
		else
			copy(r, 1);
	}
	return ok;
}

/* --- compiling ------------------------------------------------------------------------------------------------------- */
struct regex {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	uint32_t groups;
	uint64_t work, may_work;     /* counted and allowed, in units of which UNITS are a step of the language */
	size_t at, char_work;        /* where matching stood in the text, in bytes; units/64 for a byte passed there */
};
enum { UNITS = 8 };

/* Called before each item of the pattern that is tried: between two calls pcre2 goes over the text in one direction only. Its own limits
 * do not count that, nor what the matches before took. */
static int on_item(pcre2_callout_block *b, void *data)
{
	struct regex *re = data;
	size_t moved = b->current_position > re->at ? b->current_position - re->at : re->at - b->current_position;
	re->at = b->current_position;
	re->work += 1 + moved * re->char_work / 64;
	return re->work > re->may_work ? PCRE2_ERROR_CALLOUT : 0;
}

static void regex_release(struct regex *re)
{
	pcre2_match_data_free(re->match);
	pcre2_match_context_free(re->limits);
	pcre2_code_free(re->code);
}
#define autoregex __attribute__((cleanup(regex_release)))

static int regex_init(struct func_call *c, size_t arg, const char *pattern, size_t len, struct regex *re, struct err *err)
{
	autostr struct str text = { 0 };
	struct rewrite r = { .p = pattern, .end = pattern + len, .out = &text };
	int code;
	PCRE2_SIZE at;
	*re = (struct regex){ 0 };
	str_init(&text, 8u * PATTERN_MAX);
	if (len > PATTERN_MAX)
		return func_fail(c, arg, err, "a regular expression has at most %d bytes", PATTERN_MAX);
	if (!rewrite(&r))
		return func_fail(c, arg, err, "not a regular expression: %s (at byte %zu)", r.bad, (size_t)(r.p - pattern));
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
	pcre2_set_parens_nest_limit(cc, 250);
	re->code = pcre2_compile((PCRE2_SPTR)text.at, text.len, PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_UTF_CHECK |
				 PCRE2_AUTO_CALLOUT, &code, &at, cc);
	pcre2_compile_context_free(cc);
	if (!re->code) {
		char why[120] = "";
		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		return func_fail(c, arg, err, "not a regular expression: %s", why);
	}
	pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->groups);
	if (re->groups > GROUPS_MAX)
		return func_fail(c, arg, err, "a regular expression has at most %d groups", GROUPS_MAX);
	re->limits = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(re->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(re->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(re->limits, HEAP_KIB);
	pcre2_set_callout(re->limits, on_item, re);
	re->match = pcre2_match_data_create_from_pattern(re->code, NULL);
	size_t size = 0;
	pcre2_pattern_info(re->code, PCRE2_INFO_SIZE, &size);
	re->char_work = 1 + size / 64;           /* a class of many characters is gone through for each of the text */
	re->may_work = c->may_work * UNITS;
	return 0;
}

/* The name of group G, or NULL. */
static const char *group_name(const struct regex *re, uint32_t g)
{
	uint32_t count = 0, size = 0;
	PCRE2_SPTR table = NULL;
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
	for (; count--; table += size)
		if ((uint32_t)(table[0] << 8 | table[1]) == g)
			return (const char *)table + 2;
	return NULL;
}

/* Matches at or behind FROM: 1 with the places in *OV, 0 for none, or an error. An empty match that touches the end of
 * the one before (AFTER) does not count. */
static int regex_next(struct func_call *c, struct regex *re, const struct val *s, size_t from, size_t after, const PCRE2_SIZE **ov, struct err *err)
{
	for (;;) {
		int rc = pcre2_match(re->code, (PCRE2_SPTR)s->str.s, s->str.len, from, PCRE2_NO_UTF_CHECK, re->match, re->limits);
		c->work = re->work / UNITS;
		if (rc == PCRE2_ERROR_NOMATCH)
			return 0;
		if (rc < 0)
			return func_fail(c, SIZE_MAX, err, "matching takes too long: the regular expression backtracks too much on this text");
		*ov = pcre2_get_ovector_pointer(re->match);
		if ((*ov)[0] != (*ov)[1] || (*ov)[1] != after)
			return 1;
		if (from >= s->str.len)
			return 0;
		for (from++; from < s->str.len && ((unsigned char)s->str.s[from] & 0xc0) == 0x80;)
			from++;
	}
}

/* --- regex, regexall ---------------------------------------------------------------------------------------------------- */
static const struct val *capture(struct func_call *c, const struct val *s, const PCRE2_SIZE *ov, uint32_t g)
{
	if (ov[2 * g] == PCRE2_UNSET)
		return val_null(c->arena, &type_string);
	return val_stringn(c->arena, s->str.s + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
}

static int check_names(struct func_call *c, const struct regex *re, bool *named, struct err *err)
{
	uint32_t names = 0;
	pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &names);
	if (names && names != re->groups)
		return func_fail(c, 0, err, "either all groups have names or none has");
	*named = names != 0;
	return 0;
}

static const struct val *captures(struct func_call *c, const struct regex *re, bool named, const struct val *s, const PCRE2_SIZE *ov)
{
	if (!re->groups)
		return capture(c, s, ov, 0);
	const struct val **at = arena_array(c->arena, re->groups, sizeof(*at));
	struct val_entry *e = arena_array(c->arena, named ? re->groups : 0, sizeof(*e));
	for (uint32_t g = 1; g <= re->groups; g++) {
		at[g - 1] = capture(c, s, ov, g);
		if (named)
			e[g - 1] = (struct val_entry){ arena_strdup(c->arena, group_name(re, g)), at[g - 1] };
	}
	return named ? val_object(c->arena, e, re->groups) : val_tuple(c->arena, at, re->groups);
}

/* The type of what captures() gives. */
static const struct type *match_type(struct func_call *c, const struct regex *re, bool named)
{
	const struct type **items = arena_array(c->arena, re->groups, sizeof(*items));
	struct type_field *fields = arena_array(c->arena, re->groups, sizeof(*fields));
	if (!re->groups)
		return &type_string;
	for (uint32_t g = 1; g <= re->groups; g++) {
		items[g - 1] = &type_string;
		fields[g - 1] = (struct type_field){ .name = named ? arena_strdup(c->arena, group_name(re, g)) : "", .type = &type_string };
	}
	return named ? type_object(c->arena, fields, re->groups) : type_tuple(c->arena, items, re->groups);
}

int fn_regex(struct func_call *c, const struct val **out, struct err *err)
{
	autoregex struct regex re;
	const struct val *pattern = c->args[0], *s = c->args[1];
	const PCRE2_SIZE *ov;
	bool named = false;
	if (regex_init(c, 0, pattern->str.s, pattern->str.len, &re, err) || check_names(c, &re, &named, err))
		return E_INPUT;
	int rc = regex_next(c, &re, s, 0, SIZE_MAX, &ov, err);
	if (rc == 0)
		return func_fail(c, 1, err, "the text does not match the regular expression");
	if (rc > 0)
		*out = captures(c, &re, named, s, ov);
	return rc < 0 ? rc : 0;
}

int fn_regexall(struct func_call *c, const struct val **out, struct err *err)
{
	autoregex struct regex re;
	const struct val *pattern = c->args[0], *s = c->args[1];
	const struct type *elem = NULL;
	const PCRE2_SIZE *ov;
	VEC(const struct val *) all = { 0 };
	bool named = false;
	int rc = 1;
	if (regex_init(c, 0, pattern->str.s, pattern->str.len, &re, err) || check_names(c, &re, &named, err))
		return E_INPUT;
	for (size_t at = 0, after = SIZE_MAX; rc > 0; at = after = rc > 0 ? ov[1] : 0) {
		rc = regex_next(c, &re, s, at, after, &ov, err);
		if (rc > 0 && all.len >= FUNC_ELEMS)
			rc = func_fail(c, SIZE_MAX, err, "more than %d matches", FUNC_ELEMS);
		if (rc > 0)
			vec_push(&all, captures(c, &re, named, s, ov));
	}
	if (rc == 0)
		elem = match_type(c, &re, named);
	if (rc == 0)
		*out = val_list(c->arena, elem, all.at, all.len);
	vec_free(&all);
	return rc;
}

/* --- replace --------------------------------------------------------------------------------------------------------------- */
static uint32_t group_number(const struct regex *re, const char *name, size_t len)
{
	if (len && strspn(name, "0123456789") >= len)
		return len > 6 ? UINT32_MAX : (uint32_t)strtoul(name, NULL, 10);
	for (uint32_t g = 1; g <= re->groups; g++) {
		const char *n = group_name(re, g);
		if (n && strlen(n) == len && !memcmp(n, name, len))
			return g;
	}
	return UINT32_MAX;
}

/* The length of the name behind a dollar sign at P ("1x", "{a}" without its braces), 0 when there is none. */
static size_t reference(const char *p, const char *end, const char **name, size_t *len)
{
	const char *q = p, *stop;
	if (p < end && *p == '{') {
		stop = memchr(p, '}', (size_t)(end - p));
		*name = p + 1;
		*len = stop ? (size_t)(stop - p - 1) : 0;
		return *len && strspn(p + 1, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == *len ? *len + 2 : 0;
	}
	while (q < end && (isalnum((unsigned char)*q) || *q == '_'))
		q++;
	*name = p;
	return *len = (size_t)(q - p);
}

static void expand(const struct regex *re, const struct val *with, const struct val *s, const PCRE2_SIZE *ov, struct str *out)
{
	const char *p = with->str.s, *end = p + with->str.len, *name;
	while (p < end) {
		size_t len, n;
		if (*p != '$') {
			const char *dollar = memchr(p, '$', (size_t)(end - p));
			n = (size_t)((dollar ? dollar : end) - p);
			str_addn(out, p, n);
			p += n;
		} else if (p + 1 < end && p[1] == '$') {
			str_addc(out, '$');
			p += 2;
		} else if ((n = reference(p + 1, end, &name, &len))) {
			uint32_t g = group_number(re, name, len);
			if (g <= re->groups && ov[2 * g] != PCRE2_UNSET)
				str_addn(out, s->str.s + ov[2 * g], ov[2 * g + 1] - ov[2 * g]);
			p += n + 1;
		} else {
			str_addc(out, *p++);
		}
	}
}

int func_regex_replace(struct func_call *c, const struct val *s, const char *pattern, size_t len, const struct val *with,
		       const struct val **out, struct err *err)
{
	autoregex struct regex re;
	autostr struct str text = { 0 };
	const PCRE2_SIZE *ov;
	size_t done = 0, after = SIZE_MAX;
	int rc;
	str_init(&text, FUNC_TEXT);
	if (regex_init(c, 1, pattern, len, &re, err))
		return E_INPUT;
	while ((rc = regex_next(c, &re, s, done, after, &ov, err)) > 0) {
		str_addn(&text, s->str.s + done, ov[0] - done);
		expand(&re, with, s, ov, &text);
		done = after = ov[1];
	}
	if (rc < 0)
		return rc;
	str_addn(&text, s->str.s + done, s->str.len - done);
	return func_text(c, &text, out, err);
}
