#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/doc_build.h"

/* --- the filter: a tree of steps --------------------------------------------------------------------------------------- */

struct node;
struct step { char *name; size_t len; bool prefix; struct node *to; };
struct node { bool all; VEC(struct step) steps; };
struct doc_filter { struct node root; };
static const struct node everything = { .all = true };

enum { STEPS_MAX = 32 };

static struct node *step_to(struct node *n, const char *name, size_t len, bool prefix)
{
	for (size_t i = 0; i < n->steps.len; i++) {
		const struct step *s = &n->steps.at[i];
		if (s->prefix == prefix && s->len == len && memcmp(s->name, name, len) == 0)
			return s->to;
	}
	vec_push(&n->steps, (struct step){ xstrndup(name, len), len, prefix, xcalloc(1, sizeof(struct node)) });
	return n->steps.at[n->steps.len - 1].to;
}

static void add_path(struct node *n, const char *path)
{
	const char *p = path;
	for (int steps = 0; *p; steps++) {
		bool bracket = *p == '[';
		const char *from = bracket ? p + 1 : p, *end = bracket ? strchr(p, ']') : p + strcspn(p, ".[");
		if (!end || steps >= STEPS_MAX)
			BUG("'%s' is no path of a filter", path);
		bool prefix = bracket && end > from && end[-1] == '*';
		n = step_to(n, from, (size_t)(end - from) - prefix, prefix);
		p = end + bracket;
		p += *p == '.';
	}
	n->all = true;
}

struct doc_filter *doc_filter_new(const char *const *paths)
{
	struct doc_filter *f = xcalloc(1, sizeof(*f));
	f->root.all = !paths;
	for (; paths && *paths; paths++)
		add_path(&f->root, *paths);
	return f;
}

static void drop_steps(struct node *n)
{
	for (size_t i = 0; i < n->steps.len; i++) {
		drop_steps(n->steps.at[i].to);
		free(n->steps.at[i].to);
		free(n->steps.at[i].name);
	}
	vec_free(&n->steps);
}

void doc_filter_free(struct doc_filter *f)
{
	if (f)
		drop_steps(&f->root);
	free(f);
}

/* What to keep of the value under KEY: NULL, nothing. The longest name that fits wins. */
static const struct node *below(const struct node *n, const char *key, size_t len)
{
	const struct step *best = NULL;
	if (!n || n->all)
		return n;
	for (size_t i = 0; i < n->steps.len; i++) {
		const struct step *s = &n->steps.at[i];
		if ((s->prefix ? s->len <= len : s->len == len) && memcmp(s->name, key, s->len) == 0 && (!best || !s->prefix))
			best = s;
	}
	return best ? best->to : NULL;
}

/* --- the reader: one state a byte, with runs of string bytes taken whole -------------------------------------------------- */

enum state { VALUE, FIRST_ITEM, FIRST_KEY, KEY, COLON, AFTER, STRING, WORD };
enum { WORD_MAX = 1024 };

struct frame {
	const struct node *keep;     /* NULL: skipped */
	size_t at;                   /* where it was opened in the build */
	uint32_t count;
	bool map, split;
};

struct doc_reader {
	const struct doc_filter *filter;
	char *split;
	doc_fn *fn; void *arg;
	enum state state;
	VEC(struct frame) stack;
	struct build whole, item, *out;
	const struct node *next;     /* of the value to come */
	bool is_key, keeping;        /* of the string or word being read */
	bool split_next;             /* the value to come is that of SPLIT */
	bool have_key, is_item, odd; /* odd: a byte above 127 in the string */
	unsigned escape;             /* 0; 1 behind a backslash; 2..5 hex digits to come, plus one */
	uint32_t unit, high;         /* of \u; a high surrogate waiting for its other half */
	struct build text, key;
	uint64_t seen;               /* bytes, for messages */
};

struct doc_reader *doc_reader_new(const struct doc_filter *f, const char *split, doc_fn *fn, void *arg)
{
	struct doc_reader *r = xcalloc(1, sizeof(*r));
	*r = (struct doc_reader){ .filter = f, .split = xstrdup(split), .fn = fn, .arg = arg, .out = &r->whole };
	r->next = split ? &everything : &f->root;
	return r;
}

void doc_reader_free(struct doc_reader *r)
{
	if (!r)
		return;
	free(r->split);
	free(r->whole.at);
	free(r->item.at);
	free(r->text.at);
	free(r->key.at);
	vec_free(&r->stack);
	free(r);
}

bool doc_reader_is_item(const struct doc_reader *r) { return r->is_item; }

static struct frame *top(struct doc_reader *r)
{
	return r->stack.len ? &r->stack.at[r->stack.len - 1] : NULL;
}

static int bad(struct doc_reader *r, const char *what, struct err *err)
{
	return err_set(err, E_INPUT, "not JSON near byte %llu: %s", (unsigned long long)r->seen, what);
}

/* Shall the value that begins now be kept? SCALAR: one that holds nothing the filter could name further. Writes its key. */
static bool value_kept(struct doc_reader *r, bool scalar)
{
	struct frame *f = top(r);
	bool keep = r->next && (!scalar || r->next->all);
	if (keep && f && !f->split) {
		if (f->map)
			build_key(r->out, (const char *)r->key.at, r->key.len);
		f->count++;
	}
	return keep;
}

/* A value is complete: hands out a document when it was one. */
static int value_done(struct doc_reader *r, struct err *err)
{
	struct frame *f = top(r);
	r->state = AFTER;
	if (f && !f->split) {
		r->next = f->map ? NULL : f->keep;
		return r->out->full ? err_set(err, E_INPUT, "an object is larger than the limit of %d MiB", DOC_MAX >> 20) : 0;
	}
	if (r->out->full)
		return err_set(err, E_INPUT, "an object is larger than the limit of %d MiB", DOC_MAX >> 20);
	r->is_item = f != NULL;
	r->next = f || !r->split ? &r->filter->root : &everything;
	if (!f)
		r->state = VALUE;
	/* A word or string where the filter wanted something inside: it is there, with nothing of it kept. */
	if (!r->out->len)
		build_type(r->out, DOC_NULL);
	return r->fn(r->arg, build_done(r->out), err);
}

static int open_container(struct doc_reader *r, bool map, struct err *err)
{
	bool split = r->split_next && !map, keep = !r->split_next && value_kept(r, false);
	struct frame f = { .map = map, .split = split, .keep = keep ? r->next : NULL };
	r->split_next = false;
	if (r->stack.len >= DOC_DEPTH_MAX)
		return err_set(err, E_INPUT, "JSON nested deeper than the limit of %d levels", DOC_DEPTH_MAX);
	if (keep)
		f.at = build_open(r->out, map ? DOC_MAP : DOC_LIST);
	if (split)
		r->out = &r->item;
	vec_push(&r->stack, f);
	r->next = split ? &r->filter->root : map ? NULL : f.keep;
	r->state = map ? FIRST_KEY : FIRST_ITEM;
	return 0;
}

static int close_container(struct doc_reader *r, char c, struct err *err)
{
	struct frame *f = top(r);
	if (!f || f->map != (c == '}'))
		return bad(r, "a bracket that closes nothing", err);
	if (f->keep)
		build_close(r->out, f->at, f->count);
	if (f->split)
		r->out = &r->whole;
	r->stack.len--;
	return value_done(r, err);
}

static void begin_string(struct doc_reader *r, bool is_key)
{
	struct frame *f = top(r);
	r->is_key = is_key;
	r->keeping = is_key ? f->keep != NULL : !r->split_next && value_kept(r, true);
	if (!is_key)
		r->split_next = false;
	r->text.len = 0;
	r->text.full = r->odd = false;
	r->high = 0;
	r->escape = 0;
	r->state = STRING;
}

static int end_key(struct doc_reader *r, const char *s, size_t len)
{
	const struct frame *f = top(r);
	r->key.len = 0;
	build_bytes(&r->key, s, len);
	r->next = below(f->keep, s, len);
	r->split_next = r->split && r->stack.len == 1 && len == strlen(r->split) && memcmp(s, r->split, len) == 0;
	r->state = COLON;
	return 0;
}

static void add_rune(struct doc_reader *r, uint32_t c)
{
	char u[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	for (size_t i = n; i-- > 1; c >>= 6)
		u[i] = (char)(0x80 | (c & 0x3F));
	u[0] = (char)(n == 1 ? c : lead[n] | c);
	build_bytes(&r->text, u, n);
}

/* A lone half of a pair shows as U+FFFD. */
static void flush_high(struct doc_reader *r)
{
	if (r->high)
		add_rune(r, 0xFFFD);
	r->high = 0;
}

static void add_unit(struct doc_reader *r, uint32_t u)
{
	if (r->high && u >= 0xDC00 && u < 0xE000) {
		add_rune(r, 0x10000 + ((r->high - 0xD800) << 10) + (u - 0xDC00));
		r->high = 0;
		return;
	}
	flush_high(r);
	if (u >= 0xD800 && u < 0xDC00)
		r->high = u;
	else
		add_rune(r, u >= 0xDC00 && u < 0xE000 ? 0xFFFD : u);
}

static int end_string(struct doc_reader *r, struct err *err)
{
	flush_high(r);
	if (r->text.full)
		return err_set(err, E_INPUT, "a string is larger than the limit of %d MiB", DOC_MAX >> 20);
	const char *s = r->text.at ? (const char *)r->text.at : "";
	size_t len = r->text.len;
	autojson json_t *safe = r->keeping && r->odd ? json_string_safe(s, len) : NULL;
	if (safe) {
		s = json_string_value(safe);
		len = json_string_length(safe);
	}
	if (r->is_key)
		return end_key(r, s, len);
	if (r->keeping)
		build_string(r->out, s, len);
	return value_done(r, err);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static int escaped(struct doc_reader *r, char c, struct err *err)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (r->escape > 1) {
		if (hex(c) < 0)
			return bad(r, "\\u without four hexadecimal digits", err);
		r->unit = r->unit << 4 | (uint32_t)hex(c);
		r->escape = r->escape == 5 ? 0 : r->escape + 1;
		if (!r->escape && r->keeping)
			add_unit(r, r->unit);
		return 0;
	}
	const char *known = c ? strchr(from, c) : NULL;
	if (c == 'u') {
		r->unit = 0;
		r->escape = 2;
		return 0;
	}
	if (!known)
		return bad(r, "an unknown escape", err);
	r->escape = 0;
	if (r->keeping) {
		flush_high(r);
		build_bytes(&r->text, &to[known - from], 1);
	}
	return 0;
}

/* Takes what belongs to the string from P; returns how much, or a negative code. */
static ptrdiff_t string_bytes(struct doc_reader *r, const char *p, size_t n, struct err *err)
{
	int rc;
	size_t i = 0;
	if (r->escape)
		return (rc = escaped(r, *p, err)) ? rc : 1;
	unsigned char any = 0;
	for (; i < n && p[i] != '"' && p[i] != '\\' && (unsigned char)p[i] >= 0x20; i++)
		any |= (unsigned char)p[i];
	r->odd = r->odd || any & 0x80;
	if (i && r->keeping) {
		flush_high(r);
		build_bytes(&r->text, p, i);
	}
	if (r->text.full)
		return err_set(err, E_INPUT, "a string is larger than the limit of %d MiB", DOC_MAX >> 20);
	if (i == n)
		return (ptrdiff_t)i;
	if (p[i] == '\\')
		r->escape = 1;
	else if (p[i] != '"')
		return bad(r, "a control character inside a string", err);
	else if ((rc = end_string(r, err)) != 0)
		return rc;
	return (ptrdiff_t)i + 1;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '+' || c == '-' || c == '.' || c == 'E';
}

static int number(struct doc_reader *r, const char *s, struct err *err)
{
	char *end;
	size_t digits = s[0] == '-';
	if (s[digits] < '0' || s[digits] > '9' || strpbrk(s, "xpni"))
		return bad(r, "an unknown word", err);
	errno = 0;
	long long whole = strtoll(s, &end, 10);
	bool fits = !*end && errno == 0;
	double d = strtod(s, &end);
	if (*end)
		return bad(r, "a malformed number", err);
	if (r->keeping && fits)
		build_int(r->out, whole);
	else if (r->keeping)
		build_real(r->out, d);
	return 0;
}

static int end_word(struct doc_reader *r, struct err *err)
{
	static const struct { const char *text; enum doc_type type; } words[] = {
		{ "true", DOC_TRUE }, { "false", DOC_FALSE }, { "null", DOC_NULL },
	};
	enum doc_type type = DOC_NONE;
	build_bytes(&r->text, "", 1);
	const char *s = (const char *)r->text.at;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(s, words[i].text) == 0)
			type = words[i].type;
	int rc = type == DOC_NONE ? number(r, s, err) : 0;
	if (type != DOC_NONE && r->keeping)
		build_type(r->out, type);
	return rc ? rc : value_done(r, err);
}

static ptrdiff_t word_bytes(struct doc_reader *r, const char *p, size_t n, struct err *err)
{
	size_t i = 0;
	while (i < n && is_word(p[i]))
		i++;
	if (r->text.len + i > WORD_MAX)
		return bad(r, "a word without end", err);
	build_bytes(&r->text, p, i);
	if (i == n)
		return (ptrdiff_t)i;
	int rc = end_word(r, err);
	return rc ? rc : (ptrdiff_t)i;
}

static int begin_value(struct doc_reader *r, char c, struct err *err)
{
	if (c == '{' || c == '[')
		return open_container(r, c == '{', err);
	if (c == '"') {
		begin_string(r, false);
		return 0;
	}
	if (!is_word(c))
		return bad(r, "a value is missing", err);
	begin_string(r, false);
	r->state = WORD;
	build_bytes(&r->text, &c, 1);
	return 0;
}

static int punctuation(struct doc_reader *r, char c, struct err *err)
{
	const struct frame *f = top(r);
	switch (r->state) {
	case VALUE: return begin_value(r, c, err);
	case FIRST_ITEM: return c == ']' ? close_container(r, c, err) : begin_value(r, c, err);
	case FIRST_KEY: case KEY:
		if (c == '}' && r->state == FIRST_KEY)
			return close_container(r, c, err);
		if (c != '"')
			return bad(r, "a key is missing", err);
		begin_string(r, true);
		return 0;
	case COLON:
		r->state = VALUE;
		return c == ':' ? 0 : bad(r, "a colon is missing", err);
	default:
		if (c != ',')
			return c == '}' || c == ']' ? close_container(r, c, err) : bad(r, "a comma is missing", err);
		r->state = f->map ? KEY : VALUE;
		return 0;
	}
}

int doc_reader_feed(struct doc_reader *r, const char *data, size_t len, struct err *err)
{
	for (size_t i = 0; i < len;) {
		char c = data[i];
		ptrdiff_t took = 1;
		if (r->state == STRING) {
			took = string_bytes(r, data + i, len - i, err);
		} else if (r->state == WORD) {
			took = word_bytes(r, data + i, len - i, err);
		} else if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			int rc = punctuation(r, c, err);
			took = rc ? rc : 1;
		}
		if (took < 0)
			return (int)took;
		i += (size_t)took;
		r->seen += (uint64_t)took;
	}
	return 0;
}

int doc_reader_end(struct doc_reader *r, struct err *err)
{
	if (r->state == WORD && !r->stack.len)
		return end_word(r, err);
	return r->stack.len || r->state != VALUE ? bad(r, "it ends in the middle", err) : 0;
}
