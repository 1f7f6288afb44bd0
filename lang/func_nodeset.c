/* nodeset: "gpu-[001-064,070]" to the list of names, and a list of names to such a text. */
#include "lang/func_util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NODES_MAX = 1000000, NAME_MAX_LEN = 255 };

struct set { struct func_call *c; struct err *err; VEC(const struct val *) names; };

static int refuse(struct set *s, const char *why)
{
	return func_fail(s->c, 0, s->err, "not a node set such as \"gpu-[001-064,070]\": %s", why);
}

/* --- to a list ------------------------------------------------------------------------------------------------------------- */
/* "12" or "001-064" at *P: from, to and the width they are padded to. */
static bool read_range(const char **p, unsigned long *from, unsigned long *to, unsigned *width)
{
	size_t n = strspn(*p, "0123456789"), k = n;
	if (!n || n > 9)
		return false;
	*from = *to = strtoul(*p, NULL, 10);
	*width = **p == '0' && n > 1 ? (unsigned)n : 0;
	*p += n;
	if (**p == '-') {
		k = strspn(++*p, "0123456789");
		if (!k || k > 9)
			return false;
		*to = strtoul(*p, NULL, 10);
		*p += k;
	}
	return *to >= *from && (!*width || k == n);
}

/* Names of PREFIX (chosen so far) and the rest of the pattern P up to END; brackets nest nowhere, several multiply. */
static int expand(struct set *s, const char *prefix, const char *p, const char *end)
{
	const char *open = memchr(p, '[', (size_t)(end - p)), *close = open ? memchr(open, ']', (size_t)(end - open)) : NULL;
	if (strlen(prefix) + (size_t)(end - p) > NAME_MAX_LEN)
		return refuse(s, "a name is longer than 255 bytes");
	if (!open) {
		if (memchr(p, ']', (size_t)(end - p)))
			return refuse(s, "a ] without its [");
		autofree char *name = xasprintf("%s%.*s", prefix, (int)(end - p), p);
		if (!*name || s->names.len >= NODES_MAX)
			return refuse(s, *name ? "more than 1,000,000 names" : "an empty name");
		vec_push(&s->names, val_string(s->c->arena, name));
		return 0;
	}
	if (!close)
		return refuse(s, "a [ is not closed");
	for (const char *q = open + 1; q < close;) {
		unsigned long from, to;
		unsigned width;
		if (!read_range(&q, &from, &to, &width) || (*q != ',' && q != close) || (*q == ',' && q + 1 == close))
			return refuse(s, "a range is two numbers of one width, the smaller first");
		for (unsigned long i = from; i <= to; i++) {
			autofree char *more = xasprintf("%s%.*s%0*lu", prefix, (int)(open - p), p, (int)width, i);
			int rc = expand(s, more, close + 1, end);
			if (rc)
				return rc;
		}
		q += *q == ',';
	}
	return close == open + 1 ? refuse(s, "empty brackets") : 0;
}

static int to_list(struct set *s, const char *text)
{
	int rc = 0;
	for (const char *p = text; !rc && *p;) {
		const char *end = p;
		int depth = 0;
		for (; *end && (*end != ',' || depth); end++)
			depth += *end == '[' ? 1 : *end == ']' ? -1 : 0;
		const char *from = p, *to = end;
		while (from < to && isspace((unsigned char)*from))
			from++;
		while (to > from && isspace((unsigned char)to[-1]))
			to--;
		rc = expand(s, "", from, to);
		p = end + (*end == ',');
		if (*end == ',' && !*p)
			rc = refuse(s, "an empty name");
	}
	return rc;
}

/* --- to text ---------------------------------------------------------------------------------------------------------------- */
/* A name as PREFIX, last number, rest. DIGITS 0: no number that can be folded. */
struct node { const char *name; size_t prefix, digits; unsigned long number; const char *rest; };

static struct node split(const char *name)
{
	struct node n = { .name = name };
	size_t end = strlen(name);
	while (end && !isdigit((unsigned char)name[end - 1]))
		end--;
	n.prefix = end;
	while (n.prefix && isdigit((unsigned char)name[n.prefix - 1]))
		n.prefix--;
	n.digits = end - n.prefix;
	if (n.digits > 9) {
		n.prefix = end - 9;
		n.digits = 9;
	}
	n.rest = name + end;
	n.number = n.digits ? strtoul(name + n.prefix, NULL, 10) : 0;
	return n;
}

/* The width that the number must be padded to: 0 for "7" and "12", which need none. */
static size_t padding(const struct node *n)
{
	return n->digits > 1 && n->name[n->prefix] == '0' ? n->digits : 0;
}

static int group_cmp(const struct node *x, const struct node *y)
{
	size_t n = x->prefix < y->prefix ? x->prefix : y->prefix;
	int c = memcmp(x->name, y->name, n);
	if (!c)
		c = x->prefix < y->prefix ? -1 : x->prefix > y->prefix;
	if (!c)
		c = strcmp(x->rest, y->rest);
	return c ? c : (!x->digits) - (!y->digits);
}

static int node_cmp(const void *x, const void *y)
{
	const struct node *p = x, *q = y;
	int c = group_cmp(p, q);
	if (!c)
		c = p->number < q->number ? -1 : p->number > q->number;
	return c ? c : p->digits < q->digits ? -1 : p->digits > q->digits;
}

/* Does Q follow P in one range: the next number, written with the same padding? */
static bool follows(const struct node *p, const struct node *q)
{
	return q->number == p->number + 1 && (padding(p) || padding(q) ? p->digits == q->digits : true);
}

static void fold_group(const struct node *at, size_t n, struct str *out)
{
	str_add(out, out->len ? "," : "");
	str_addn(out, at[0].name, at[0].prefix);
	if (n > 1)
		str_addc(out, '[');
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && follows(&at[k - 1], &at[k]); k++)
			;
		str_add(out, i ? "," : "");
		str_addn(out, at[i].name + at[i].prefix, at[i].digits);
		if (k > i + 1) {
			str_addc(out, '-');
			str_addn(out, at[k - 1].name + at[k - 1].prefix, at[k - 1].digits);
		}
	}
	str_add(out, n > 1 ? "]" : "");
	str_add(out, at[0].rest);
}

static int to_text(struct set *s, const struct val *list, struct str *out)
{
	struct node *at = arena_array(s->c->arena, list->seq.len, sizeof(*at));
	size_t n = 0;
	for (size_t i = 0; i < list->seq.len; i++) {
		const struct val *v = list->seq.at[i];
		if (val_is_null(v) || !v->str.len || strlen(v->str.s) != v->str.len || strpbrk(v->str.s, "[], \t\n"))
			return func_fail(s->c, 0, s->err, "element %zu is not a name", i);
		at[i] = split(v->str.s);
	}
	if (list->seq.len > 1)
		qsort(at, list->seq.len, sizeof(*at), node_cmp);
	for (size_t i = 0; i < list->seq.len; i++)
		if (!n || node_cmp(&at[n - 1], &at[i]))
			at[n++] = at[i];
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && !group_cmp(&at[i], &at[k]); k++)
			;
		fold_group(at + i, k - i, out);
	}
	return 0;
}

int fn_nodeset(struct func_call *c, const struct val **out, struct err *err)
{
	struct set s = { .c = c, .err = err };
	const struct val *list;
	autostr struct str text = { 0 };
	str_init(&text, FUNC_TEXT);
	if (func_unknown(c, &type_dynamic, out))
		return 0;
	if (val_kind(c->args[0]) == T_STRING) {
		if (strlen(c->args[0]->str.s) != c->args[0]->str.len)
			return func_fail(c, 0, err, "a name cannot hold a NUL character");
		int rc = to_list(&s, c->args[0]->str.s);
		if (!rc)
			*out = func_strings(c, s.names.at, s.names.len);
		vec_free(&s.names);
		return rc;
	}
	if (val_convert(c->arena, c->args[0], type_list(c->arena, &type_string), &list, err))
		return func_fail(c, 0, err, "a text such as \"gpu-[001-064]\" or a list of names is required, have %s", func_type_name(c, c->args[0]));
	int rc = to_text(&s, list, &text);
	return rc ? rc : func_text(c, &text, out, err);
}
