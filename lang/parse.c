#include "lang/parse.h"

#include <stdarg.h>
#include <string.h>

#include <utf8proc.h>

#include "base/mem.h"

static struct expr *parse_term(struct parser *p);
static struct expr *parse_steps(struct parser *p, struct expr *x);

/* --- places ------------------------------------------------------------------------------------------------------ */

struct mark origin_mark(const struct origin *o, uint32_t off, uint32_t len)
{
	if (o->file)
		return yaml_mark_in(o->file, o->node, off, len);
	struct mark m = { .src = o->src, .line = 1, .col = 1, .len = 1 };
	for (uint32_t i = 0; i < off && i < o->len; i++) {
		if (o->text[i] == '\n') {
			m.line++;
			m.col = 1;
		} else if (((unsigned char)o->text[i] & 0xc0) != 0x80) {
			m.col++;
		}
	}
	uint32_t n = 0;
	for (uint32_t i = off; i < off + len && i < o->len && o->text[i] != '\n'; i++)
		n += ((unsigned char)o->text[i] & 0xc0) != 0x80;
	m.len = n ? n : 1;
	return m;
}

struct mark expr_mark(const struct expr *x)
{
	if (x->o->file && x->len == 0)
		return yaml_mark(x->o->file, x->o->node);
	return origin_mark(x->o, x->off, x->len);
}

struct diag *parse_diag(struct parser *p, uint32_t off, uint32_t len, const char *code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	autostr struct str s;
	str_init(&s, 4096);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	return diag_add(p->d, code, origin_mark(p->o, off, len), "%s", s.at);
}

void *parse_fail(struct parser *p, uint32_t off, uint32_t len, const char *code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	autostr struct str s;
	str_init(&s, 4096);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	diag_add(p->d, code, origin_mark(p->o, off, len), "%s", s.at);
	return NULL;
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

struct expr *parse_node(struct parser *p, enum expr_kind kind, uint32_t off)
{
	struct expr *x = arena_alloc(p->arena, sizeof(*x));
	x->kind = kind;
	x->off = off;
	x->o = p->o;
	x->height = 1;
	return x;
}

struct expr *parse_done(struct parser *p, struct expr *x, const struct expr *a, const struct expr *b)
{
	uint16_t h = a ? a->height : 0;
	if (b && b->height > h)
		h = b->height;
	if (h >= x->height)
		x->height = (uint16_t)(h + 1);
	x->varies |= (a && a->varies) || (b && b->varies);
	x->len = p->pos - x->off;
	if (x->height > EXPR_HEIGHT)
		return parse_fail(p, x->off, 1, "E0203", "this expression is too long: more than %d steps or operators in a row", EXPR_HEIGHT);
	return x;
}

bool parse_deeper(struct parser *p)
{
	if (++p->depth <= EXPR_DEPTH)
		return true;
	parse_fail(p, p->pos, 1, "E0203", "this expression is nested more than %d levels deep", EXPR_DEPTH);
	return false;
}

/* --- characters -------------------------------------------------------------------------------------------------- */

static char at(const struct parser *p, uint32_t i)
{
	return i < p->len ? p->s[i] : '\0';
}

static bool looking(const struct parser *p, const char *token)
{
	size_t n = strlen(token);
	return p->len - p->pos >= n && memcmp(p->s + p->pos, token, n) == 0;
}

void parse_skip(struct parser *p)
{
	while (p->pos < p->len) {
		char c = p->s[p->pos];
		if (c == ' ' || c == '\t' || (!p->lines && (c == '\n' || c == '\r'))) {
			p->pos++;
		} else if (c == '#' || (c == '/' && at(p, p->pos + 1) == '/')) {
			while (p->pos < p->len && p->s[p->pos] != '\n')
				p->pos++;
		} else if (c == '/' && at(p, p->pos + 1) == '*') {
			const char *end = memmem(p->s + p->pos + 2, p->len - p->pos - 2, "*/", 2);
			if (!end)
				return;
			p->pos = (uint32_t)(end - p->s) + 2;
		} else {
			return;
		}
	}
}

bool parse_take(struct parser *p, const char *token)
{
	parse_skip(p);
	if (!looking(p, token))
		return false;
	p->pos += (uint32_t)strlen(token);
	return true;
}

static uint32_t ident_char(const struct parser *p, uint32_t i, bool first)
{
	unsigned char c = (unsigned char)at(p, i);
	if ((c | 32) >= 'a' && (c | 32) <= 'z')
		return 1;
	if (c == '_' || (!first && ((c >= '0' && c <= '9') || c == '-')))
		return 1;
	if (c < 0x80)
		return 0;
	utf8proc_int32_t cp;
	utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p->s + i, p->len - i, &cp);
	if (n <= 0)
		return 0;
	switch (utf8proc_category(cp)) {
	case UTF8PROC_CATEGORY_LU: case UTF8PROC_CATEGORY_LL: case UTF8PROC_CATEGORY_LT: case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO: case UTF8PROC_CATEGORY_NL:
		return (uint32_t)n;
	case UTF8PROC_CATEGORY_MN: case UTF8PROC_CATEGORY_MC: case UTF8PROC_CATEGORY_ND: case UTF8PROC_CATEGORY_PC:
		return first ? 0 : (uint32_t)n;
	default:
		return 0;
	}
}

uint32_t parse_ident_len(const struct parser *p, uint32_t from)
{
	uint32_t n = ident_char(p, from, true), step = n;
	while (step) {
		step = ident_char(p, from + n, false);
		n += step;
	}
	return n;
}

bool parse_is_word(const struct parser *p, uint32_t from, const char *word)
{
	uint32_t n = parse_ident_len(p, from);
	return n == strlen(word) && memcmp(p->s + from, word, n) == 0;
}

/* What stands at the current place, for "X is not expected here". */
static void *unexpected(struct parser *p, const char *wanted)
{
	parse_skip(p);
	uint32_t n = parse_ident_len(p, p->pos);
	if (p->pos >= p->len)
		return parse_fail(p, p->len ? p->len - 1 : 0, 1, "E0201", "the expression ends here, but %s is missing", wanted);
	if (p->s[p->pos] == '\n' || p->s[p->pos] == '\r')
		return parse_fail(p, p->pos, 1, "E0201", "the line ends here, but %s is missing", wanted);
	if (looking(p, "/*"))
		return parse_fail(p, p->pos, 2, "E0201", "this comment is never closed");
	if (looking(p, "&") || looking(p, "|"))
		return parse_fail(p, p->pos, 1, "E0201", "there is no operator \"%c\"; \"and\" is &&, \"or\" is ||", p->s[p->pos]);
	if (looking(p, "'"))
		return parse_fail(p, p->pos, 1, "E0201", "strings inside an expression stand in double quotes");
	if (n == 0)
		for (n = 1; p->pos + n < p->len && ((unsigned char)p->s[p->pos + n] & 0xc0) == 0x80; n++)
			;
	return parse_fail(p, p->pos, n, "E0201", "\"%.*s\" cannot stand here; %s is wanted", (int)(n > 40 ? 40 : n), p->s + p->pos, wanted);
}

/* --- literals ---------------------------------------------------------------------------------------------------- */

static uint32_t digits_at(const struct parser *p, uint32_t i)
{
	uint32_t n = 0;
	while (at(p, i + n) >= '0' && at(p, i + n) <= '9')
		n++;
	return n;
}

static struct expr *parse_number(struct parser *p)
{
	struct expr *x = parse_node(p, X_VALUE, p->pos);
	uint32_t n = digits_at(p, p->pos);
	if (at(p, p->pos + n) == '.' && digits_at(p, p->pos + n + 1))
		n += 1 + digits_at(p, p->pos + n + 1);
	if ((at(p, p->pos + n) | 32) == 'e') {
		uint32_t sign = at(p, p->pos + n + 1) == '+' || at(p, p->pos + n + 1) == '-';
		uint32_t e = digits_at(p, p->pos + n + 1 + sign);
		if (e)
			n += 1 + sign + e;
	}
	if (ident_char(p, p->pos + n, true))
		return parse_fail(p, p->pos, n + parse_ident_len(p, p->pos + n), "E0201", "this is no number; a text must stand in quotes");
	x->val = val_number_text(p->arena, p->s + p->pos, n);
	if (!x->val)
		return parse_fail(p, p->pos, n, "E0204", "this number is too large");
	p->pos += n;
	return parse_done(p, x, NULL, NULL);
}

static struct expr *parse_heredoc(struct parser *p)
{
	uint32_t from = p->pos;
	p->pos += 2;
	bool flush = at(p, p->pos) == '-';
	p->pos += flush;
	uint32_t marker = p->pos, n = parse_ident_len(p, p->pos);
	p->pos += n;
	if (at(p, p->pos) == '\r')
		p->pos++;
	if (n == 0 || at(p, p->pos) != '\n')
		return parse_fail(p, from, 2, "E0201", "behind << stands a word and then the line ends, as in <<EOT");
	p->pos++;
	return parse_template(p, END_HEREDOC, p->s + marker, n, flush, from);
}

/* --- loops ------------------------------------------------------------------------------------------------------- */

bool parse_bind(struct parser *p, uint32_t from, uint32_t len, uint16_t *slot)
{
	if (p->n_bound >= EXPR_SLOTS) {
		parse_fail(p, from, len ? len : 1, "E0203", "more than %d loops stand in one another", EXPR_SLOTS / 2);
		return false;
	}
	vec_grow((void **)&p->bound, &p->bound_cap, (size_t)p->n_bound + 1, sizeof(*p->bound));
	*slot = p->n_bound;
	p->bound[p->n_bound++] = (struct bound){ p->s + from, len };
	return true;
}

/* Does NAME already mean something where it is to be bound? */
static bool hides(const struct parser *p, const char *name, uint32_t len)
{
	static const char *const roots[] = { "var", "local", "each", "count", "path", "module", "data", "self", NULL };
	for (const char *const *r = roots; *r; r++)
		if (strlen(*r) == len && memcmp(*r, name, len) == 0)
			return true;
	for (uint16_t i = 0; i < p->n_bound; i++)
		if (p->bound[i].len == len && memcmp(p->bound[i].name, name, len) == 0)
			return true;
	return false;
}

bool parse_for_intro(struct parser *p, struct expr *x)
{
	uint32_t name[2], len[2] = { 0, 0 };
	int n = 0;
	do {
		parse_skip(p);
		name[n] = p->pos;
		len[n] = parse_ident_len(p, p->pos);
		if (!len[n])
			return unexpected(p, "the name of a loop variable");
		p->pos += len[n++];
	} while (n < 2 && parse_take(p, ","));
	parse_skip(p);
	if (!parse_is_word(p, p->pos, "in"))
		return unexpected(p, "the word \"in\"");
	p->pos += 2;
	x->loop.coll = parse_expr(p);
	if (!x->loop.coll)
		return false;
	for (int i = n; i-- > 0;)
		if (hides(p, p->s + name[i], len[i]))
			x->shadows = name[i] - x->off < UINT16_MAX ? (uint16_t)(name[i] - x->off) : UINT16_MAX;
	x->key_slot = UINT16_MAX;
	if (n == 2 && !parse_bind(p, name[0], len[0], &x->key_slot))
		return false;
	return parse_bind(p, name[n - 1], len[n - 1], &x->val_slot);
}

/* Behind `[for` or `{for`. */
static struct expr *parse_for(struct parser *p, struct expr *x, bool object)
{
	uint16_t bound = p->n_bound;
	x->kind = X_FOR;
	if (!parse_for_intro(p, x))
		return NULL;
	if (!parse_take(p, ":"))
		return unexpected(p, "\":\" behind the list of the loop");
	x->loop.val = parse_expr(p);
	if (!x->loop.val)
		return NULL;
	if (object) {
		x->loop.key = x->loop.val;
		if (!parse_take(p, "=>"))
			return unexpected(p, "\"=>\" between key and value of the new object");
		if (!(x->loop.val = parse_expr(p)))
			return NULL;
		x->group = parse_take(p, "...");
	} else if (parse_skip(p), looking(p, "=>")) {
		return parse_fail(p, p->pos, 2, "E0201", "\"=>\" makes an object: the loop must then stand in braces, {for ...}");
	}
	parse_skip(p);
	if (parse_is_word(p, p->pos, "if")) {
		p->pos += 2;
		if (!(x->loop.test = parse_expr(p)))
			return NULL;
	}
	if (!parse_take(p, object ? "}" : "]"))
		return unexpected(p, object ? "\"}\"" : "\"]\"");
	p->n_bound = bound;
	if (!parse_done(p, x, x->loop.key, x->loop.test))
		return NULL;
	return parse_done(p, x, x->loop.coll, x->loop.val);
}

/* --- lists, objects, calls ---------------------------------------------------------------------------------------- */

struct exprs { VEC(struct expr *) v; };

static struct expr **keep(struct parser *p, struct exprs *list)
{
	struct expr **copy = arena_array(p->arena, list->v.len ? list->v.len : 1, sizeof(*copy));
	if (list->v.len)
		memcpy(copy, list->v.at, list->v.len * sizeof(*copy));
	return copy;
}

/* Expressions with commas up to CLOSE; *SPREAD (may be NULL) when `...` stood behind the last. */
static bool parse_members(struct parser *p, struct expr *x, const char *close, struct exprs *list, bool *spread)
{
	while (!parse_take(p, close)) {
		struct expr *e = parse_expr(p);
		if (!e || !parse_done(p, x, e, NULL))
			return false;
		vec_push(&list->v, e);
		if (spread && parse_take(p, "...")) {
			*spread = true;
			parse_take(p, ",");
			if (parse_take(p, close))
				break;
			return unexpected(p, "\")\" behind the last argument");
		}
		if (!parse_take(p, ",")) {
			if (parse_take(p, close))
				break;
			return unexpected(p, *close == ')' ? "\",\" or \")\"" : "\",\" or \"]\"");
		}
	}
	return true;
}

static struct expr *parse_tuple(struct parser *p)
{
	struct expr *x = parse_node(p, X_TUPLE, p->pos++);
	parse_skip(p);
	if (parse_is_word(p, p->pos, "for")) {
		p->pos += 3;
		return parse_for(p, x, false);
	}
	struct exprs list = { 0 };
	bool ok = parse_members(p, x, "]", &list, NULL);
	x->list.at = keep(p, &list);
	x->list.n = (uint32_t)list.v.len;
	vec_free(&list.v);
	return ok ? parse_done(p, x, NULL, NULL) : NULL;
}

static struct expr *parse_call(struct parser *p, uint32_t from, uint32_t name_len)
{
	struct expr *x = parse_node(p, X_CALL, from);
	struct exprs list = { 0 };
	x->call.name = arena_strndup(p->arena, p->s + from, name_len);
	parse_take(p, "(");
	bool ok = parse_members(p, x, ")", &list, &x->group);
	x->call.args = keep(p, &list);
	x->call.n = (uint32_t)list.v.len;
	vec_free(&list.v);
	return ok ? parse_done(p, x, NULL, NULL) : NULL;
}

static void skip_lines(struct parser *p)
{
	do
		parse_skip(p);
	while (p->pos < p->len && (p->s[p->pos] == '\n' || p->s[p->pos] == '\r') && p->pos++ < p->len);
}

static bool is_key_end(struct parser *p, uint32_t from)
{
	uint32_t keep_pos = p->pos;
	p->pos = from;
	parse_skip(p);
	bool yes = (at(p, p->pos) == '=' && at(p, p->pos + 1) != '=') || (at(p, p->pos) == ':' && at(p, p->pos + 1) != ':');
	p->pos = keep_pos;
	return yes;
}

static struct expr *parse_key(struct parser *p)
{
	uint32_t n = parse_ident_len(p, p->pos);
	if (n && is_key_end(p, p->pos + n)) {
		struct expr *x = parse_node(p, X_VALUE, p->pos);
		x->val = val_stringn(p->arena, p->s + p->pos, n);
		p->pos += n;
		return parse_done(p, x, NULL, NULL);
	}
	struct expr *x = parse_expr(p);
	const struct expr *root = x;
	while (root && (root->kind == X_ATTR || root->kind == X_INDEX))
		root = root->kind == X_ATTR ? root->attr.src : root->index.src;
	if (root && root != x && (root->kind == X_REF || root->kind == X_SLOT) && n)
		return parse_fail(p, x->off, x->len, "E0201", "a key that is a reference must stand in parentheses");
	return x;
}

static bool parse_item(struct parser *p, struct expr *x, struct expr_item *item)
{
	item->key = parse_key(p);
	if (!item->key)
		return false;
	if (!parse_take(p, "=") && !parse_take(p, ":"))
		return unexpected(p, "\"=\" or \":\" and a value");
	item->val = parse_expr(p);
	return item->val && parse_done(p, x, item->key, item->val);
}

static struct expr *parse_items(struct parser *p, struct expr *x)
{
	VEC(struct expr_item) items = { 0 };
	bool ok = true;
	p->lines = true;
	for (;;) {
		skip_lines(p);
		if (parse_take(p, "}"))
			break;
		struct expr_item item;
		ok = parse_item(p, x, &item);
		if (!ok)
			break;
		vec_push(&items, item);
		parse_skip(p);
		if (looking(p, "\n") || looking(p, "\r") || parse_take(p, ","))
			continue;
		if (!looking(p, "}")) {
			ok = unexpected(p, "\",\", a new line or \"}\"");
			break;
		}
	}
	x->object.at = arena_array(p->arena, items.len ? items.len : 1, sizeof(*x->object.at));
	if (items.len)
		memcpy(x->object.at, items.at, items.len * sizeof(*items.at));
	x->object.n = (uint32_t)items.len;
	vec_free(&items);
	return ok ? parse_done(p, x, NULL, NULL) : NULL;
}

static struct expr *parse_object(struct parser *p)
{
	struct expr *x = parse_node(p, X_OBJECT, p->pos++);
	bool lines = p->lines;
	p->lines = false;
	parse_skip(p);
	if (parse_is_word(p, p->pos, "for")) {
		p->pos += 3;
		x = parse_for(p, x, true);
	} else {
		x = parse_items(p, x);
	}
	p->lines = lines;
	return x;
}

/* --- terms ------------------------------------------------------------------------------------------------------- */

static struct expr *parse_name(struct parser *p, uint32_t n)
{
	uint32_t from = p->pos;
	struct expr *x = parse_node(p, X_REF, from);
	p->pos += n;
	while (looking(p, "::") && parse_ident_len(p, p->pos + 2))
		p->pos += 2 + parse_ident_len(p, p->pos + 2);
	n = p->pos - from;
	bool lines = p->lines;
	parse_skip(p);
	if (at(p, p->pos) == '(') {
		p->lines = false;
		x = parse_call(p, from, n);
		p->lines = lines;
		return x;
	}
	p->pos = from + n;
	for (int i = p->n_bound - 1; i >= 0; i--) {
		if (p->bound[i].len == n && memcmp(p->bound[i].name, p->s + from, n) == 0) {
			x->kind = X_SLOT;
			x->val_slot = (uint16_t)i;
			return parse_done(p, x, NULL, NULL);
		}
	}
	static const struct { const char *word; const struct val *val; } literals[] = {
		{ "true", &val_true }, { "false", &val_false }, { "null", &val_null_dynamic },
	};
	for (size_t i = 0; i < ARRAY_LEN(literals); i++) {
		if (parse_is_word(p, from, literals[i].word)) {
			x->kind = X_VALUE;
			x->val = literals[i].val;
			return parse_done(p, x, NULL, NULL);
		}
	}
	x->name = arena_strndup(p->arena, p->s + from, n);
	x->varies = strcmp(x->name, "each") == 0 || strcmp(x->name, "count") == 0;
	return parse_done(p, x, NULL, NULL);
}

static struct expr *parse_parens(struct parser *p)
{
	uint32_t from = p->pos++;
	bool lines = p->lines;
	p->lines = false;
	struct expr *x = parse_expr(p);
	if (x && !parse_take(p, ")"))
		x = unexpected(p, "\")\"");
	p->lines = lines;
	if (x) {
		x->off = from;
		x->len = p->pos - from;
	}
	return x;
}

static struct expr *parse_primary(struct parser *p)
{
	parse_skip(p);
	char c = at(p, p->pos);
	uint32_t n = parse_ident_len(p, p->pos);
	if (n)
		return parse_name(p, n);
	if (c >= '0' && c <= '9')
		return parse_number(p);
	if (c == '"') {
		p->pos++;
		return parse_template(p, END_QUOTE, NULL, 0, false, p->pos - 1);
	}
	if (c == '(')
		return parse_parens(p);
	if (looking(p, "<<"))
		return parse_heredoc(p);
	if (c != '[' && c != '{')
		return unexpected(p, "a value");
	bool lines = p->lines;
	p->lines = false;
	struct expr *x = c == '[' ? parse_tuple(p) : parse_object(p);
	p->lines = lines;
	return x;
}

/* `.0` and `.0.1` behind X. */
static struct expr *parse_legacy_index(struct parser *p, struct expr *x)
{
	struct expr *y = parse_node(p, X_INDEX, x->off), *key = parse_node(p, X_VALUE, p->pos);
	uint32_t n = digits_at(p, p->pos);
	key->val = val_number_text(p->arena, p->s + p->pos, n);
	if (!key->val)
		return parse_fail(p, p->pos, n, "E0204", "this number is too large");
	p->pos += n;
	parse_done(p, key, NULL, NULL);
	y->index.src = x;
	y->index.key = key;
	return parse_done(p, y, x, key);
}

static struct expr *parse_attr(struct parser *p, struct expr *x, uint32_t n)
{
	if (x->kind == X_REF && strcmp(x->name, "data") == 0) {
		/* `data.TYPE` is one word, so that data.TYPE.NAME is a reference of two like all others. */
		struct expr *root = parse_node(p, X_REF, x->off);
		root->name = arena_printf(p->arena, "data.%.*s", (int)n, p->s + p->pos);
		p->pos += n;
		return parse_done(p, root, NULL, NULL);
	}
	struct expr *y = parse_node(p, X_ATTR, x->off);
	y->attr.src = x;
	y->attr.name = arena_strndup(p->arena, p->s + p->pos, n);
	p->pos += n;
	return parse_done(p, y, x, NULL);
}

/* One `.name` or `.0`; the dot has been taken. */
static struct expr *parse_dot(struct parser *p, struct expr *x)
{
	parse_skip(p);
	uint32_t n = parse_ident_len(p, p->pos);
	if (n)
		return parse_attr(p, x, n);
	if (digits_at(p, p->pos))
		return parse_legacy_index(p, x);
	return unexpected(p, "the name of an attribute");
}

static bool at_dot(struct parser *p)
{
	parse_skip(p);
	return at(p, p->pos) == '.' && !(at(p, p->pos + 1) == '.' && at(p, p->pos + 2) == '.');
}

static struct expr *parse_splat(struct parser *p, struct expr *src, bool full)
{
	struct expr *x = parse_node(p, X_SPLAT, src->off), *each = parse_node(p, X_SLOT, p->pos);
	uint16_t bound = p->n_bound;
	if (!parse_bind(p, p->pos, 0, &x->val_slot) || !parse_deeper(p))
		return NULL;
	each->val_slot = x->val_slot;
	if (full) {
		each = parse_steps(p, each);
	} else {
		while (each && at_dot(p)) {
			p->pos++;
			if (parse_skip(p), at(p, p->pos) == '*')
				return parse_fail(p, p->pos, 1, "E0201", "behind \".*\" cannot stand another one; write [*]");
			each = parse_dot(p, each);
		}
	}
	p->depth--;
	p->n_bound = bound;
	if (!each)
		return NULL;
	x->splat.src = src;
	x->splat.each = each;
	return parse_done(p, x, src, each);
}

static struct expr *parse_bracket(struct parser *p, struct expr *src)
{
	bool lines = p->lines;
	p->lines = false;
	parse_skip(p);
	if (at(p, p->pos) == '*') {
		p->pos++;
		struct expr *x = parse_take(p, "]") ? src : unexpected(p, "\"]\"");
		p->lines = lines;
		return x ? parse_splat(p, src, true) : NULL;
	}
	struct expr *x = parse_node(p, X_INDEX, src->off);
	x->index.src = src;
	x->index.key = parse_expr(p);
	if (x->index.key && !parse_take(p, "]"))
		x->index.key = unexpected(p, "\"]\"");
	p->lines = lines;
	return x->index.key ? parse_done(p, x, src, x->index.key) : NULL;
}

static struct expr *parse_steps(struct parser *p, struct expr *x)
{
	while (x) {
		uint32_t end = p->pos;
		if (at_dot(p)) {
			p->pos++;
			parse_skip(p);
			if (at(p, p->pos) == '*') {
				p->pos++;
				x = parse_splat(p, x, false);
			} else {
				x = parse_dot(p, x);
			}
		} else if (at(p, p->pos) == '[') {
			p->pos++;
			x = parse_bracket(p, x);
		} else {
			p->pos = end;
			break;
		}
	}
	return x;
}

static struct expr *parse_term(struct parser *p)
{
	parse_skip(p);
	char c = at(p, p->pos);
	if (c != '-' && !(c == '!' && at(p, p->pos + 1) != '='))
		return parse_steps(p, parse_primary(p));
	struct expr *x = parse_node(p, X_UNARY, p->pos++);
	x->op = c == '-' ? OP_NEG : OP_NOT;
	if (!parse_deeper(p))
		return NULL;
	x->bin.l = parse_term(p);
	p->depth--;
	return x->bin.l ? parse_done(p, x, x->bin.l, NULL) : NULL;
}

/* --- operators --------------------------------------------------------------------------------------------------- */

static bool find_operator(const struct parser *p, enum expr_op *op, int *level, uint32_t *len)
{
	static const struct { const char *text; enum expr_op op; int level; } table[] = {
		{ "||", OP_OR, 1 }, { "&&", OP_AND, 2 }, { "==", OP_EQ, 3 }, { "!=", OP_NE, 3 }, { "<=", OP_LE, 4 }, { ">=", OP_GE, 4 },
		{ "<", OP_LT, 4 }, { ">", OP_GT, 4 }, { "+", OP_ADD, 5 }, { "-", OP_SUB, 5 }, { "*", OP_MUL, 6 }, { "/", OP_DIV, 6 },
		{ "%", OP_MOD, 6 },
	};
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (looking(p, table[i].text)) {
			*op = table[i].op;
			*level = table[i].level;
			*len = (uint32_t)strlen(table[i].text);
			return true;
		}
	}
	return false;
}

/* Operators that bind at least as tightly as LEVEL; recursion only into tighter ones. */
static struct expr *parse_operators(struct parser *p, int level)
{
	struct expr *x = parse_term(p);
	while (x) {
		enum expr_op op;
		int found;
		uint32_t n, end = p->pos;
		parse_skip(p);
		if (!find_operator(p, &op, &found, &n) || found < level) {
			p->pos = end;
			break;
		}
		p->pos += n;
		struct expr *y = parse_node(p, X_BINARY, x->off), *r = parse_operators(p, found + 1);
		if (!r)
			return NULL;
		y->op = (uint8_t)op;
		y->bin.l = x;
		y->bin.r = r;
		x = parse_done(p, y, x, r);
	}
	return x;
}

struct expr *parse_expr(struct parser *p)
{
	if (!parse_deeper(p))
		return NULL;
	struct expr *x = parse_operators(p, 1);
	uint32_t end = p->pos;
	if (x && parse_take(p, "?")) {
		struct expr *y = parse_node(p, X_COND, x->off);
		y->cond.test = x;
		y->cond.yes = parse_expr(p);
		if (!y->cond.yes)
			return NULL;
		if (!parse_take(p, ":"))
			return unexpected(p, "\":\" and the value for the other case");
		y->cond.no = parse_expr(p);
		if (!y->cond.no || !parse_done(p, y, y->cond.yes, y->cond.no))
			return NULL;
		x = parse_done(p, y, x, NULL);
	} else {
		p->pos = end;
	}
	p->depth--;
	return x;
}

struct expr *expr_parse(struct arena *a, const struct origin *o, struct diags *d)
{
	struct parser p = { .arena = a, .o = o, .d = d, .s = o->text, .len = o->len };
	struct expr *x = parse_expr(&p);
	parse_skip(&p);
	if (x && p.pos < p.len)
		x = unexpected(&p, "an operator or the end");
	free(p.bound);
	return x;
}
