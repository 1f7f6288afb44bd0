#include "lang/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <yaml.h>

#include "base/mem.h"
#include "lang/yaml_internal.h"

enum { SHORT_TEXT = 24, SHORT_TEXTS = 2048 };

struct frame {
	uint32_t off;
	uint8_t kind;
	bool flow, live;
	size_t start;                /* first member on the stack of nodes */
	size_t counted;              /* nodes before it */
	const char *anchor;
};
struct anchor { const char *name; struct ynode node; size_t weight, order; bool open; };

struct build {
	struct arena *arena;
	struct yaml_file *f;
	struct diags *d;
	VEC(struct ynode) nodes;     /* finished nodes whose parents are open */
	VEC(struct frame) frames;
	VEC(struct anchor) anchors;
	VEC(struct ynode) docs;
	size_t count, aliased;       /* nodes with aliases unfolded; of these, from aliases */
	char *chunk; size_t chunk_left;
	struct { size_t index; uint32_t off; } at;           /* of offset(): the character there is the INDEXth */
	const struct ybody *shorts[SHORT_TEXTS];             /* short texts that were kept last, by hash */
	char room[YAML_RADIX_ROOM];                          /* of yaml_resolve() */
	bool multi;
};

/* The scanner counts a line more at the end of a file without a last line break. */
static yaml_mark_t within(const struct build *b, yaml_mark_t m)
{
	const struct yaml_file *f = b->f;
	if (m.line < f->n_lines)
		return m;
	m.line = f->n_lines - 1;
	m.column = 0;
	for (size_t i = f->lines[m.line]; i < f->src.len; i++)
		m.column += ((unsigned char)f->src.text[i] & 0xc0) != 0x80;
	return m;
}

static struct mark at_yaml(const struct build *b, yaml_mark_t m, uint32_t len)
{
	m = within(b, m);
	return (struct mark){ .src = &b->f->src, .line = (uint32_t)m.line + 1, .col = (uint32_t)m.column + 1, .len = len };
}

/* The place of M in the text. Marks come nearly in order, so that all is walked once. */
static uint32_t offset(struct build *b, yaml_mark_t m)
{
	const char *start = b->f->src.text, *stop = start + b->f->src.len, *p = start + b->at.off;
	for (; b->at.index < m.index && p < stop; b->at.index++)
		for (p++; p < stop && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	for (; b->at.index > m.index && p > start; b->at.index--)
		for (p--; p > start && ((unsigned char)*p & 0xc0) == 0x80; p--)
			;
	b->at.off = (uint32_t)(p - start);
	return b->at.off;
}

/* Bytes of [P, STOP) before the first of SET: the text need not be terminated. */
static size_t span_to(const char *p, const char *stop, const char *set)
{
	const char *q = p;
	while (q < stop && !strchr(set, *q))
		q++;
	return (size_t)(q - p);
}

/* The place of what stands behind the anchor and the tag that begin at FROM; FROM when that is nothing before END. */
static uint32_t behind_properties(const struct build *b, uint32_t from, uint32_t end)
{
	const char *text = b->f->src.text, *p = text + from, *stop = text + end;
	bool property = false;
	while (p < stop) {
		bool blank = *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r';
		if (!blank && !property && *p != '&' && *p != '!' && *p != '#')
			return (uint32_t)(p - text);
		property = !blank;
		p += *p == '#' ? span_to(p, stop, "\r\n") : 1;      /* a comment behind them */
	}
	return from;
}

static bool is_live(const char *s, size_t len)
{
	const char *end = s + len;
	for (const char *p = s; p < end && (p = memchr(p, '{', (size_t)(end - p))); p++)
		if (p > s && (p[-1] == '$' || p[-1] == '%'))
			return true;
	return false;
}

/* X as what nodes refer to: packed without the arena's alignment, and short ones once. */
static const struct ybody *keep(struct build *b, const struct yscalar *x)
{
	enum { CHUNK = 16384, ALIGN = _Alignof(struct ybody) };
	size_t size = (sizeof(struct ybody) + x->n + ALIGN) / ALIGN * ALIGN;
	const struct ybody **slot = NULL, *old = NULL;
	if (x->n <= SHORT_TEXT) {
		uint64_t h = (uint64_t)x->kind << 8 | (uint64_t)x->style << 4 | x->b;
		for (uint32_t i = 0; i < x->n; i++)
			h = (h ^ (unsigned char)x->s[i]) * 0x100000001b3ull;
		slot = &b->shorts[(h ^ h >> 32) % SHORT_TEXTS];
		old = *slot;
	}
	if (old && old->n == x->n && old->kind == x->kind && old->style == x->style && old->b == x->b && memcmp(old->s, x->s, x->n) == 0)
		return old;
	if (size > b->chunk_left && size <= CHUNK / 4) {
		b->chunk = arena_packed(b->arena, 1, CHUNK);
		b->chunk_left = CHUNK;
	}
	struct ybody *is = size > CHUNK / 4 ? arena_packed(b->arena, 1, size) : (void *)b->chunk;
	if (size <= CHUNK / 4) {
		b->chunk += size;
		b->chunk_left -= size;
	}
	*is = (struct ybody){ .n = x->n, .kind = (uint8_t)x->kind, .style = (uint8_t)x->style, .b = x->b, .live = is_live(x->s, x->n) };
	memcpy(is->s, x->s, x->n);
	if (slot)
		*slot = is;
	return is;
}

/* EV stands for N nodes more. */
static bool count_nodes(struct build *b, size_t n, const yaml_event_t *ev)
{
	bool alias = ev->type == YAML_ALIAS_EVENT;
	b->count += n;
	b->aliased += alias ? n : 0;
	if (b->aliased > YAML_ALIASED) {
		struct mark at = at_yaml(b, ev->start_mark, alias ? (uint32_t)strlen((const char *)ev->data.alias.anchor) + 1 : 1);
		diag_add(b->d, "E0404", at, "the aliases of this file stand for more than %d nodes", YAML_ALIASED);
		return false;
	}
	if (b->count - b->aliased <= YAML_NODES)
		return true;
	struct diag *g = diag_add(b->d, "E0404", at_yaml(b, ev->start_mark, 1), "the file holds more than %d nodes", YAML_NODES);
	diag_hint(g, "split it into several files");
	return false;
}

/* --- anchors ----------------------------------------------------------------------------------------------------- */

static struct anchor *anchor_find(struct build *b, const char *name)
{
	for (size_t i = b->anchors.len; i > 0; i--)
		if (strcmp(b->anchors.at[i - 1].name, name) == 0)
			return &b->anchors.at[i - 1];
	return NULL;
}

static bool anchor_open(struct build *b, const char *name, yaml_mark_t m)
{
	enum { MAX_ANCHORS = 1000 };
	struct anchor *old = anchor_find(b, name);
	if (old) {
		old->open = true;
		return true;
	}
	if (b->anchors.len >= MAX_ANCHORS) {
		diag_add(b->d, "E0404", at_yaml(b, m, 1), "the file holds more than %d anchors", MAX_ANCHORS);
		return false;
	}
	vec_push(&b->anchors, (struct anchor){ .name = name, .open = true });
	return true;
}

static void anchor_close(struct build *b, const char *name, const struct ynode *n, size_t weight)
{
	struct anchor *a = name ? anchor_find(b, name) : NULL;
	if (!a)
		return;
	a->node = *n;
	a->weight = weight;
	a->open = false;
}

/* --- maps -------------------------------------------------------------------------------------------------------- */

static int by_text(const void *pa, const void *pb, void *kids)
{
	const struct ynode *a = (const struct ynode *)kids + 2 * (size_t)*(const uint32_t *)pa, *b = (const struct ynode *)kids + 2 * (size_t)*(const uint32_t *)pb;
	uint32_t n = a->is->n < b->is->n ? a->is->n : b->is->n;
	int c = memcmp(a->is->s, b->is->s, n);
	if (!c)
		c = (a->is->n > b->is->n) - (a->is->n < b->is->n);
	return c ? c : (a > b) - (a < b);
}

static bool same_text(const struct ynode *a, const struct ynode *b)
{
	return a->is == b->is || (a->is->n == b->is->n && memcmp(a->is->s, b->is->s, a->is->n) == 0);
}

static bool report_twice(struct build *b, const struct ynode *first, const struct ynode *again)
{
	if (again->is->live)                            /* a template: what it gives is not known here */
		return true;
	struct diag *g = diag_add(b->d, "E0402", yaml_mark(b->f, again), "the key \"%.60s\" is given twice in one map", again->is->s);
	diag_note(g, yaml_mark(b->f, first), "the first one is here");
	return false;
}

/* KIDS: N keys and values in turn. */
static bool check_keys(struct build *b, struct ynode *kids, uint32_t n)
{
	enum { FEW = 12 };
	bool ok = true;
	if (n <= FEW) {
		for (uint32_t i = 1; i < n; i++)
			for (uint32_t k = 0; k < i; k++)
				if (same_text(&kids[2 * i], &kids[2 * k])) {
					ok &= report_twice(b, &kids[2 * k], &kids[2 * i]);
					break;
				}
		return ok;
	}
	autofree uint32_t *keys = xcalloc(n, sizeof(*keys));
	for (uint32_t i = 0; i < n; i++)
		keys[i] = i;
	qsort_r(keys, n, sizeof(*keys), by_text, kids);
	for (uint32_t i = 1; i < n; i++)
		if (same_text(&kids[2 * (size_t)keys[i]], &kids[2 * (size_t)keys[i - 1]]))
			ok &= report_twice(b, &kids[2 * (size_t)keys[i - 1]], &kids[2 * (size_t)keys[i]]);
	return ok;
}

static bool is_key_place(const struct build *b)
{
	const struct frame *top = b->frames.len ? &b->frames.at[b->frames.len - 1] : NULL;
	return top && top->kind == Y_MAP && (b->nodes.len - top->start) % 2 == 0;
}

static bool check_key(struct build *b, struct ynode *n)
{
	if (n->is->kind == Y_SEQ || n->is->kind == Y_MAP) {
		struct diag *g = diag_add(b->d, "E0408", yaml_mark(b->f, n), "a key must be a string, not %s", yaml_kind_name(n));
		if (n->is->kind == Y_MAP)
			diag_hint(g, "quote it when it is to be a ${...} expression");
		return false;
	}
	if (n->is->kind == Y_NULL && n->is->n == 0) {
		diag_add(b->d, "E0408", yaml_mark(b->f, n), "a key is missing here");
		return false;
	}
	if (n->is->style == YS_PLAIN && n->is->n == 2 && memcmp(n->is->s, "<<", 2) == 0) {
		struct diag *g = diag_add(b->d, "E0406", yaml_mark(b->f, n), "merge keys are no part of YAML 1.2");
		diag_hint(g, "use \"${merge(...)}\", or quote the key");
		return false;
	}
	if (n->is->kind != Y_STRING)                 /* an alias of what was no key */
		n->is = keep(b, &(struct yscalar){ n->is->s, n->is->n, Y_STRING, n->is->style, false });
	return true;
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

/* Hands a finished node to its parent. */
static bool deliver(struct build *b, struct ynode *n)
{
	if (b->frames.len == 0) {
		vec_push(&b->docs, *n);
		return true;
	}
	if (is_key_place(b) && !check_key(b, n))
		return false;
	vec_push(&b->nodes, *n);
	b->frames.at[b->frames.len - 1].live |= n->is->live;
	return true;
}

/* By the tag of a scalar: 'p' as a plain one, 's' a string, 0 unknown. */
static char tag_of(const yaml_event_t *ev)
{
	const char *tag = (const char *)ev->data.scalar.tag;
	static const char core[] = "tag:yaml.org,2002:";
	if (!tag)
		return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 'p' : 's';
	if (strcmp(tag, "!") == 0)
		return 's';
	if (strncmp(tag, core, sizeof(core) - 1) != 0)
		return 0;
	tag += sizeof(core) - 1;
	if (strcmp(tag, "str") == 0)
		return 's';
	return strcmp(tag, "int") == 0 || strcmp(tag, "float") == 0 || strcmp(tag, "bool") == 0 || strcmp(tag, "null") == 0 ? 'p' : 0;
}

static bool bad_tag(struct build *b, yaml_mark_t m, const void *tag)
{
	const char *p = b->f->src.text + offset(b, m), *stop = b->f->src.text + b->f->src.len;
	while (p < stop && *p == '&') {              /* an anchor before it */
		size_t n = span_to(p, stop, " \t\r\n");
		while (p + n < stop && (p[n] == ' ' || p[n] == '\t'))
			n++;
		m.column += n;
		p += n;
	}
	struct diag *g = diag_add(b->d, "E0407", at_yaml(b, m, (uint32_t)span_to(p, stop, " \t\r\n,]}")), "the tag \"%.60s\" is not known", (const char *)tag);
	diag_hint(g, "a spec has no use for YAML tags");
	return false;
}

static bool on_scalar(struct build *b, const yaml_event_t *ev)
{
	static const uint8_t styles[] = { [YAML_SINGLE_QUOTED_SCALAR_STYLE] = YS_SINGLE, [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YS_DOUBLE,
					  [YAML_LITERAL_SCALAR_STYLE] = YS_LITERAL, [YAML_FOLDED_SCALAR_STYLE] = YS_FOLDED,
					  [YAML_PLAIN_SCALAR_STYLE] = YS_PLAIN };
	struct yscalar x = { (const char *)ev->data.scalar.value, (uint32_t)ev->data.scalar.length, Y_STRING, styles[ev->data.scalar.style], false };
	struct ynode n = { .off = offset(b, ev->start_mark) };
	n.end = offset(b, ev->end_mark);
	if (ev->data.scalar.anchor || ev->data.scalar.tag)
		n.off = behind_properties(b, n.off, n.end);
	char tag = tag_of(ev);
	if (!tag)
		return bad_tag(b, ev->start_mark, ev->data.scalar.tag);
	bool odd = tag == 'p' && !yaml_resolve(&x, b->room);
	if (is_key_place(b) && !ev->data.scalar.anchor && !(x.kind == Y_NULL && x.n == 0)) {
		x.kind = Y_STRING;
		x.b = false;
	}
	n.is = keep(b, &x);
	if (odd) {
		diag_add(b->d, "E0410", yaml_mark(b->f, &n), "infinity and NaN are not numbers here");
		return false;
	}
	if (ev->data.scalar.anchor) {
		const char *name = arena_strdup(b->arena, (const char *)ev->data.scalar.anchor);
		if (!anchor_open(b, name, ev->start_mark))
			return false;
		anchor_close(b, name, &n, 1);
	}
	return count_nodes(b, 1, ev) && deliver(b, &n);
}

static bool on_start(struct build *b, const yaml_event_t *ev, enum ykind kind)
{
	const yaml_char_t *anchor = kind == Y_SEQ ? ev->data.sequence_start.anchor : ev->data.mapping_start.anchor;
	const yaml_char_t *tag = kind == Y_SEQ ? ev->data.sequence_start.tag : ev->data.mapping_start.tag;
	bool flow = kind == Y_SEQ ? ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE : ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	struct frame fr = { .off = offset(b, ev->start_mark), .flow = flow, .kind = kind, .start = b->nodes.len, .counted = b->count };
	if (anchor || tag)
		fr.off = behind_properties(b, fr.off, (uint32_t)b->f->src.len);
	if (b->frames.len >= YAML_DEPTH) {
		diag_add(b->d, "E0404", at_yaml(b, ev->start_mark, 1), "this is nested more than %d levels deep", YAML_DEPTH);
		return false;
	}
	if (tag && strcmp((const char *)tag, kind == Y_SEQ ? YAML_SEQ_TAG : YAML_MAP_TAG) != 0 && strcmp((const char *)tag, "!") != 0)
		return bad_tag(b, ev->start_mark, tag);
	if (anchor) {
		fr.anchor = arena_strdup(b->arena, (const char *)anchor);
		if (!anchor_open(b, fr.anchor, ev->start_mark))
			return false;
	}
	vec_push(&b->frames, fr);
	return count_nodes(b, 1, ev);
}

static bool is_one_line(const char *p, const char *stop)
{
	return span_to(p, stop, "\r\n") == (size_t)(stop - p);
}

/* Memory of whole pages in [FROM, TO) goes back to the system: nothing reads there any more before it writes. */
static void give_back(void *from, void *to)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = ((uintptr_t)from + page - 1) / page * page, stop = (uintptr_t)to / page * page;
	if (start < stop)
		madvise((void *)start, stop - start, MADV_DONTNEED);
}

/* The nodes on the stack from START on become KIDS. Of very many, the last ones first, so that there are never two copies of all. */
static void take_kids(struct build *b, struct ynode *kids, size_t start)
{
	enum { MANY = 65536 };
	size_t len = b->nodes.len - start;
	struct ynode *from = len ? b->nodes.at + start : NULL;
	while (len > MANY) {
		size_t rest = len - MANY;
		memcpy(kids + rest, from + rest, MANY * sizeof(*kids));
		give_back(from + rest, from + len);
		len = rest;
	}
	if (len)
		memcpy(kids, from, len * sizeof(*kids));
	b->nodes.len = start;
}

static bool on_end(struct build *b, const yaml_event_t *ev)
{
	struct frame fr = b->frames.at[--b->frames.len];
	size_t len = b->nodes.len - fr.start;
	struct ynode n = { .off = fr.off, .end = fr.flow ? offset(b, ev->end_mark) : fr.off };
	const struct ynode *key = fr.kind == Y_MAP && len ? &b->nodes.at[fr.start] : NULL;
	if (!fr.flow && key && key->off == n.off && is_one_line(b->f->src.text + key->off, b->f->src.text + key->end))
		n.end = key->end;
	struct ybody *is = arena_packed(b->arena, 1, sizeof(*is) + len * sizeof(n));
	*is = (struct ybody){ .n = (uint32_t)(fr.kind == Y_MAP ? len / 2 : len), .kind = fr.kind, .style = YS_PLAIN, .live = fr.live };
	n.is = is;
	take_kids(b, yaml_kids(&n), fr.start);
	bool ok = fr.kind != Y_MAP || check_keys(b, yaml_kids(&n), is->n);
	anchor_close(b, fr.anchor, &n, b->count - fr.counted);
	return deliver(b, &n) && ok;
}

static bool on_alias(struct build *b, const yaml_event_t *ev)
{
	const char *name = (const char *)ev->data.alias.anchor;
	struct anchor *a = anchor_find(b, name);
	if (!a || a->open) {
		diag_add(b->d, "E0403", at_yaml(b, ev->start_mark, (uint32_t)strlen(name) + 1), a ? "the alias *%.60s stands inside what it stands for" : "there is no anchor &%.60s before this alias", name);
		return false;
	}
	struct ynode n = a->node;
	return count_nodes(b, a->weight, ev) && deliver(b, &n);
}

static bool on_document(struct build *b, const yaml_event_t *ev)
{
	b->anchors.len = 0;
	if (b->multi || b->docs.len == 0)
		return true;
	uint32_t len = ev->end_mark.line == ev->start_mark.line ? (uint32_t)(ev->end_mark.column - ev->start_mark.column) : 1;
	diag_add(b->d, "E0409", at_yaml(b, ev->start_mark, len ? len : 1), "a file holds one document; a second one starts here");
	return false;
}

static bool on_event(struct build *b, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT: return on_document(b, ev);
	case YAML_SCALAR_EVENT: return on_scalar(b, ev);
	case YAML_SEQUENCE_START_EVENT: return on_start(b, ev, Y_SEQ);
	case YAML_MAPPING_START_EVENT: return on_start(b, ev, Y_MAP);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: return on_end(b, ev);
	case YAML_ALIAS_EVENT: return on_alias(b, ev);
	default: return true;
	}
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

/* The character at a place, for better words than the scanner has. */
static char char_at(const struct build *b, const struct mark *m)
{
	const struct yaml_file *f = b->f;
	if (m->line == 0 || m->line > f->n_lines)
		return '\0';
	const char *p = f->src.text + f->lines[m->line - 1], *end = f->src.text + f->src.len;
	for (uint32_t i = 1; i < m->col && p < end && *p != '\n'; i++)
		p++;
	return p < end ? *p : '\0';
}

static bool inside_expression(const struct build *b, const struct mark *m)
{
	const struct yaml_file *f = b->f;
	if (m->line == 0 || m->line > f->n_lines)
		return false;
	const char *p = f->src.text + f->lines[m->line - 1];
	size_t len = m->line < f->n_lines ? f->lines[m->line] - f->lines[m->line - 1] : f->src.len - f->lines[m->line - 1];
	return memmem(p, len, "\"${", 3) || memmem(p, len, "${", 2);
}

static void report_syntax(struct build *b, const yaml_parser_t *p)
{
	yaml_mark_t where = p->problem_mark;
	struct mark at = at_yaml(b, where, 1);
	char c = char_at(b, &at);
	struct diag *g;
	if (c == '\t') {
		g = diag_add(b->d, "E0401", at, "a tab cannot indent YAML");
		diag_hint(g, "use spaces");
		return;
	}
	g = diag_add(b->d, "E0401", at, "this is not YAML: %s", p->problem ? p->problem : "the text cannot be read");
	if (c == '@' || c == '`')
		diag_hint(g, "a value cannot start with %c; quote it", c);
	else if (inside_expression(b, &at))
		diag_hint(g, "in '...' an expression can hold \" as it is; in \"...\" it is \\\"");
	if (p->context && p->context_mark.line != where.line)
		diag_note(g, at_yaml(b, p->context_mark, 1), "%s", p->context);
}

/* Keys given twice so far in the maps that are still open, told beside the mistake that stops the reading. */
static void check_open_maps(struct build *b)
{
	for (size_t i = 0; i < b->frames.len; i++) {
		size_t start = b->frames.at[i].start, end = i + 1 < b->frames.len ? b->frames.at[i + 1].start : b->nodes.len;
		if (b->frames.at[i].kind == Y_MAP && end > start)
			check_keys(b, b->nodes.at + start, (uint32_t)((end - start) / 2));
	}
}

static bool read_events(struct build *b, yaml_parser_t *p)
{
	bool ok = true, end = false;
	while (ok && !end) {
		yaml_event_t ev;
		if (!yaml_parser_parse(p, &ev)) {
			if (p->error == YAML_MEMORY_ERROR)
				abort();
			report_syntax(b, p);
			check_open_maps(b);
			return false;
		}
		end = ev.type == YAML_STREAM_END_EVENT;
		size_t before = diags_errors(b->d);
		if (!on_event(b, &ev))
			/* Keys given twice are told all; after anything else the rest makes no sense. */
			ok = diags_errors(b->d) > before && (ev.type == YAML_MAPPING_END_EVENT);
		yaml_event_delete(&ev);
	}
	return ok;
}

bool yaml_parse(struct arena *a, const struct source *src, bool multi, struct diags *d, struct yaml_file **out)
{
	struct yaml_file *f = arena_alloc(a, sizeof(*f));
	struct build b = { .arena = a, .f = f, .d = d, .multi = multi };
	size_t before = diags_errors(d);
	f->arena = a;
	f->seen = arena_alloc(a, sizeof(*f->seen));
	f->src = *src;
	*out = f;
	if (src->len >= 2 && (memcmp(src->text, "\xff\xfe", 2) == 0 || memcmp(src->text, "\xfe\xff", 2) == 0)) {
		f->src.text = NULL;
		diag_add(d, "E0405", (struct mark){ .src = &f->src }, "the file is UTF-16 text; save it as UTF-8");
		return false;
	}
	if (src->len >= 3 && memcmp(src->text, "\xef\xbb\xbf", 3) == 0) {
		f->src.text += 3;
		f->src.len -= 3;
	}
	if (!yaml_scan_text(a, f, d))
		return false;
	yaml_parser_t p;
	if (!yaml_parser_initialize(&p))
		abort();
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)f->src.text, f->src.len);
	bool ok = read_events(&b, &p);
	yaml_parser_delete(&p);
	f->n_docs = b.docs.len;
	f->docs = arena_array(a, b.docs.len, sizeof(*f->docs));
	if (b.docs.len)
		memcpy(f->docs, b.docs.at, b.docs.len * sizeof(*f->docs));
	vec_free(&b.nodes);
	vec_free(&b.frames);
	vec_free(&b.anchors);
	vec_free(&b.docs);
	return ok && diags_errors(d) == before;
}

const struct ynode *yaml_get(const struct ynode *n, const char *key, const struct ynode **key_node)
{
	size_t len = strlen(key);
	if (!n || n->is->kind != Y_MAP)
		return NULL;
	const struct ynode *kids = yaml_kids(n);
	for (uint32_t i = 0; i < n->is->n; i++, kids += 2) {
		if (kids->is->n == len && memcmp(kids->is->s, key, len) == 0) {
			if (key_node)
				*key_node = kids;
			return kids + 1;
		}
	}
	return NULL;
}

const char *yaml_kind_name(const struct ynode *n)
{
	static const char *const names[] = { "null", "a bool", "a number", "a string", "a list", "a map" };
	return names[n->is->kind];
}
