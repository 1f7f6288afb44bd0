/* fmt_expr - the spaces between the tokens of expressions inside a template. */
#include <ctype.h>
#include <string.h>

#include "lang/fmt_internal.h"
#include "lang/parse.h"

enum { MAX_NESTING = 500 };
enum token { K_NONE, K_WORD, K_KEYWORD, K_NUMBER, K_STRING, K_BINARY, K_UNARY, K_DOT, K_COMMA, K_OPEN, K_CLOSE, K_QUESTION, K_COLON,
	     K_KEYCOLON, K_DOTS, K_SCOPE, K_STAR, K_TILDE, K_HEREDOC, K_COMMENT };

/* One open bracket, or the `${` / `%{` itself. */
struct frame { char open; bool loop, first; unsigned questions; };

struct spacer {
	const char *s;
	uint32_t len, pos;
	struct fmt_edits *out;
	struct parser words;                 /* for parse_ident_len() */
	VEC(struct frame) frames;
	unsigned depth;
	bool lost;
	/* of the sequence at hand */
	enum token prev;
	uint32_t prev_end;
};

static void text(struct spacer *p, bool quoted);

static char at(const struct spacer *p, uint32_t i)
{
	return i < p->len ? p->s[i] : '\0';
}

static bool looking(const struct spacer *p, const char *token)
{
	size_t n = strlen(token);
	return p->len - p->pos >= n && memcmp(p->s + p->pos, token, n) == 0;
}

static struct frame *top(struct spacer *p)
{
	return &p->frames.at[p->frames.len - 1];
}

/* --- tokens ------------------------------------------------------------------------------------------------------ */

static void skip_number(struct spacer *p)
{
	bool index = p->prev == K_DOT;
	while (isdigit((unsigned char)at(p, p->pos)))
		p->pos++;
	if (!index && at(p, p->pos) == '.' && isdigit((unsigned char)at(p, p->pos + 1)))
		for (p->pos++; isdigit((unsigned char)at(p, p->pos)); p->pos++)
			;
	char e = at(p, p->pos), sign = at(p, p->pos + 1);
	uint32_t n = e == 'e' || e == 'E' ? 1 + (sign == '+' || sign == '-') : 0;
	if (n && isdigit((unsigned char)at(p, p->pos + n)))
		for (p->pos += n; isdigit((unsigned char)at(p, p->pos)); p->pos++)
			;
}

/* `<<WORD` to the end of the line that holds WORD alone. */
static void skip_heredoc(struct spacer *p)
{
	p->pos += 2 + (at(p, p->pos + 2) == '-');
	uint32_t word = p->pos, n = parse_ident_len(&p->words, p->pos);
	const char *line = memchr(p->s + word, '\n', p->len - word);
	while (n && line) {
		uint32_t i = (uint32_t)(line - p->s) + 1, from;
		while (at(p, i) == ' ' || at(p, i) == '\t')
			i++;
		from = i;
		const char *stop = memchr(p->s + i, '\n', p->len - i);
		uint32_t end = stop ? (uint32_t)(stop - p->s) : p->len;
		for (i = from + n; i < end && (p->s[i] == ' ' || p->s[i] == '\t' || p->s[i] == '\r'); i++)
			;
		if (end - from >= n && memcmp(p->s + from, p->s + word, n) == 0 && i == end) {
			p->pos = from + n;
			return;
		}
		line = stop;
	}
	p->lost = true;
}

static enum token take(struct spacer *p, uint32_t n, enum token kind)
{
	p->pos += n;
	return kind;
}

static bool operand(enum token k)
{
	return k == K_WORD || k == K_NUMBER || k == K_STRING || k == K_CLOSE || k == K_STAR || k == K_HEREDOC;
}

static enum token colon(struct spacer *p)
{
	struct frame *f = top(p);
	p->pos++;
	if (f->questions) {
		f->questions--;
		return K_COLON;
	}
	if (f->loop) {
		f->loop = false;
		return K_COLON;
	}
	return f->open == '{' ? K_KEYCOLON : K_COLON;
}

static enum token word(struct spacer *p, uint32_t n)
{
	static const struct { const char *word; bool intro; } keywords[] = { { "for", true }, { "in", false }, { "if", false } };
	struct frame *f = top(p);
	bool after_dot = p->prev == K_DOT, fresh = p->prev == K_NONE || (p->prev == K_OPEN && f->first);
	for (size_t i = 0; i < ARRAY_LEN(keywords) && !after_dot; i++) {
		if (n != strlen(keywords[i].word) || memcmp(p->s + p->pos, keywords[i].word, n) != 0)
			continue;
		bool directive = f->open == '%';
		if (keywords[i].intro && fresh && (directive || f->open == '[' || f->open == '{'))
			f->loop = !directive;
		else if (keywords[i].intro || !(directive || f->open == '[' || f->open == '{') || (fresh && !directive))
			continue;
		else if (!operand(p->prev) && p->prev != K_DOTS && !(directive && p->prev == K_NONE))
			continue;
		return take(p, n, K_KEYWORD);
	}
	return take(p, n, K_WORD);
}

static enum token bracket(struct spacer *p, char c)
{
	if (c == '(' || c == '[' || c == '{') {
		if (p->frames.len >= MAX_NESTING)
			p->lost = true;
		else
			vec_push(&p->frames, (struct frame){ .open = c, .first = true });
		return take(p, 1, K_OPEN);
	}
	char want = c == ')' ? '(' : c == ']' ? '[' : '{';
	if (top(p)->open != want)
		p->lost = true;
	else
		p->frames.len--;
	return take(p, 1, K_CLOSE);
}

static enum token quoted(struct spacer *p)
{
	enum token prev = p->prev;
	uint32_t end = p->prev_end;
	p->pos++;
	text(p, true);
	p->prev = prev;
	p->prev_end = end;
	return K_STRING;
}

static enum token comment(struct spacer *p)
{
	const char *from = p->s + p->pos, *end = from[0] == '/' && at(p, p->pos + 1) == '*' ? memmem(from + 2, p->len - p->pos - 2, "*/", 2) : NULL;
	if (end) {
		p->pos = (uint32_t)(end - p->s) + 2;
		return K_COMMENT;
	}
	end = memchr(from, '\n', p->len - p->pos);
	p->pos = end ? (uint32_t)(end - p->s) : p->len;
	return K_COMMENT;
}

static enum token next_token(struct spacer *p)
{
	static const struct { const char *text; enum token kind; } fixed[] = {
		{ "...", K_DOTS }, { "::", K_SCOPE }, { "=>", K_BINARY }, { "==", K_BINARY }, { "!=", K_BINARY }, { "<=", K_BINARY }, { ">=", K_BINARY },
		{ "&&", K_BINARY }, { "||", K_BINARY }, { "=", K_BINARY }, { "<", K_BINARY }, { ">", K_BINARY }, { "+", K_BINARY }, { "/", K_BINARY },
		{ "%", K_BINARY }, { "!", K_UNARY }, { ".", K_DOT }, { ",", K_COMMA }, { "~", K_TILDE },
	};
	char c = at(p, p->pos);
	uint32_t n = parse_ident_len(&p->words, p->pos);
	if (n)
		return word(p, n);
	if (isdigit((unsigned char)c)) {
		skip_number(p);
		return K_NUMBER;
	}
	if (c == '"')
		return quoted(p);
	if (c == '#' || looking(p, "//") || looking(p, "/*"))
		return comment(p);
	if (looking(p, "<<")) {
		skip_heredoc(p);
		return K_HEREDOC;
	}
	if (strchr("()[]{}", c) && c)
		return bracket(p, c);
	if (c == ':' && at(p, p->pos + 1) != ':')
		return colon(p);
	if (c == '?') {
		top(p)->questions++;
		return take(p, 1, K_QUESTION);
	}
	if (c == '-')
		return take(p, 1, operand(p->prev) ? K_BINARY : K_UNARY);
	if (c == '*')
		return take(p, 1, p->prev == K_DOT || (p->prev == K_OPEN && at(p, p->pos + 1) == ']') ? K_STAR : K_BINARY);
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		if (looking(p, fixed[i].text))
			return take(p, (uint32_t)strlen(fixed[i].text), fixed[i].kind);
	p->lost = true;
	p->pos++;
	return K_NONE;
}

/* --- spaces ------------------------------------------------------------------------------------------------------- */

static void want_spaces(struct spacer *p, uint32_t from, uint32_t to, uint32_t n)
{
	if (to - from == n && (n == 0 || p->s[from] == ' '))
		return;
	vec_push(p->out, (struct fmt_edit){ from, to - from, n });
}

/* Spaces between two tokens on one line; HAVE is how many there are. */
static uint32_t spaces(const struct spacer *p, enum token cur, char first, uint32_t have)
{
	enum token prev = p->prev;
	char last = p->s[p->prev_end - 1];
	if (cur == K_COMMENT || prev == K_COMMENT || cur == K_TILDE || prev == K_TILDE)
		return have ? have : cur == K_COMMENT;
	if (prev == K_UNARY)
		return cur == K_UNARY ? have > 0 : 0;
	if (prev == K_DOT || cur == K_DOT || prev == K_SCOPE || cur == K_SCOPE || cur == K_COMMA || cur == K_DOTS || cur == K_KEYCOLON)
		return prev == K_NUMBER && cur == K_DOT ? have : 0;
	if (cur == K_STAR || (prev == K_OPEN && cur == K_CLOSE))
		return 0;
	if (prev == K_OPEN)
		return last == '{';
	if (cur == K_CLOSE)
		return first == '}' ? 1 : 0;
	if (cur == K_OPEN && first == '(')
		return prev != K_WORD && prev != K_CLOSE;
	if (cur == K_OPEN && first == '[')
		return !operand(prev);
	return 1;
}

/* White space from FROM to the token CUR that starts at TO. */
static void gap(struct spacer *p, uint32_t from, uint32_t to, enum token cur, char first, bool opening)
{
	const char *line = memchr(p->s + from, '\n', to - from);
	if (line) {                          /* the break stays, and what indents the next line; spaces before it go */
		uint32_t end = (uint32_t)(line - p->s), e = end;
		if (e > from && p->s[e - 1] == '\r')
			e--;
		if (e > from)
			want_spaces(p, from, e, 0);
		return;
	}
	if (opening) {
		want_spaces(p, from, to, top(p)->open == '%' || p->s[from - 1] == '~');
		return;
	}
	want_spaces(p, from, to, spaces(p, cur, first, to - from));
}

static void skip_space(struct spacer *p)
{
	while (p->pos < p->len && strchr(" \t\r\n", p->s[p->pos]) && p->s[p->pos])
		p->pos++;
}

/* From behind `${` or `%{` to behind its `}`. */
static void sequence(struct spacer *p, char sign)
{
	size_t base = p->frames.len;
	bool opening = true;
	vec_push(&p->frames, (struct frame){ .open = sign });
	p->prev = K_NONE;
	if (at(p, p->pos) == '~')
		p->pos++;
	while (!p->lost) {
		uint32_t from = p->pos;
		skip_space(p);
		if (p->pos >= p->len) {
			p->lost = true;
			break;
		}
		uint32_t to = p->pos;
		char c = p->s[to];
		bool end = p->frames.len == base + 1 && (c == '}' || (c == '~' && at(p, to + 1) == '}'));
		if (end) {
			if (!memchr(p->s + from, '\n', to - from) && p->prev != K_COMMENT)
				want_spaces(p, from, to, sign == '%' || c == '~');
			p->pos += c == '~' ? 2 : 1;
			break;
		}
		/* Edits inside a string come behind the one before it. */
		size_t slot = p->out->len;
		bool was_first = p->frames.len > base + 1 && top(p)->first && p->prev == K_OPEN;
		enum token prev = p->prev;
		enum token cur = next_token(p);
		if (p->lost)
			break;
		size_t inner = p->out->len - slot;
		gap(p, from, to, cur, c, opening);
		if (inner && p->out->len > slot + inner) {
			struct fmt_edit e = p->out->at[p->out->len - 1];
			memmove(&p->out->at[slot + 1], &p->out->at[slot], inner * sizeof(e));
			p->out->at[slot] = e;
		}
		if (was_first && cur != K_OPEN && cur != K_CLOSE)
			top(p)->first = false;
		p->prev = cur == K_COMMENT && prev == K_NONE ? K_COMMENT : cur;
		p->prev_end = p->pos;
		opening = false;
	}
	if (p->frames.len > base)
		p->frames.len = base;
}

/* A template's text up to its end, or behind the quote that closes it. */
static void text(struct spacer *p, bool quote)
{
	if (++p->depth > MAX_NESTING)
		p->lost = true;
	while (!p->lost && p->pos < p->len) {
		char c = p->s[p->pos], n = at(p, p->pos + 1);
		bool sign = c == '$' || c == '%';
		if (quote && c == '"') {
			p->pos++;
			p->depth--;
			return;
		}
		if (quote && c == '\\') {
			p->pos += 2;
		} else if (sign && n == '{') {
			p->pos += 2;
			sequence(p, c);
		} else if (sign && n == c && at(p, p->pos + 2) == '{') {
			p->pos += 3;
		} else {
			p->pos++;
		}
	}
	p->lost |= quote;
	p->depth--;
}

void fmt_template(const char *s, size_t len, struct fmt_edits *out)
{
	size_t before = out->len;
	struct spacer p = { .s = s, .len = (uint32_t)len, .out = out, .words = { .s = s, .len = (uint32_t)len } };
	text(&p, false);
	if (p.lost)
		out->len = before;
	vec_free(&p.frames);
}

void fmt_apply(const char *s, size_t len, const struct fmt_edits *edits, struct str *out)
{
	size_t from = 0;
	for (size_t i = 0; i < edits->len; i++) {
		const struct fmt_edit *e = &edits->at[i];
		str_addn(out, s + from, e->at - from);
		for (uint32_t k = 0; k < e->ins; k++)
			str_addc(out, ' ');
		from = e->at + e->del;
	}
	str_addn(out, s + from, len - from);
}
