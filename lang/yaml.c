#include "lang/yaml.h"

#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "lang/yaml_internal.h"

struct frame {
	yaml_mark_t at;
	uint8_t kind;
	bool flow;
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
	struct { const char *p; size_t line, column; } at;   /* of seek_mark() */
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

/* The text at M. Marks come in order, so a long line is walked once. */
static const char *seek_mark(struct build *b, yaml_mark_t m)
{
	const struct yaml_file *f = b->f;
	const char *stop = f->src.text + f->src.len;
	if (!b->at.p || b->at.line != m.line || b->at.column > m.column) {
		b->at.p = f->src.text + f->lines[m.line];
		b->at.line = m.line;
		b->at.column = 0;
	}
	for (; b->at.p < stop && b->at.column < m.column; b->at.column++)
		for (b->at.p++; b->at.p < stop && ((unsigned char)*b->at.p & 0xc0) == 0x80; b->at.p++)
			;
	return b->at.p;
}

/* Bytes of [P, STOP) before the first of SET: the text need not be terminated. */
static size_t span_to(const char *p, const char *stop, const char *set)
{
	const char *q = p;
	while (q < stop && !strchr(set, *q))
		q++;
	return (size_t)(q - p);
}

/* The place of what stands behind the anchor and the tag that begin at M; M when that is nothing before END. */
static yaml_mark_t behind_properties(struct build *b, yaml_mark_t m, yaml_mark_t end)
{
	const char *p = seek_mark(b, m), *stop = b->f->src.text + b->f->src.len;
	yaml_mark_t at = m;
	bool property = false;
	while (p < stop && (at.line < end.line || (at.line == end.line && at.column < end.column))) {
		if (*p == '\n' || *p == '\r') {
			p += p[0] == '\r' && p + 1 < stop && p[1] == '\n' ? 2 : 1;
			at.line++;
			at.column = 0;
			property = false;
			continue;
		}
		bool blank = *p == ' ' || *p == '\t';
		if (!blank && !property && *p != '&' && *p != '!' && *p != '#')
			return at;
		property = !blank;
		if (*p == '#') {             /* a comment behind them */
			p += span_to(p, stop, "\r\n");
			continue;
		}
		for (p++, at.column++; p < stop && ((unsigned char)*p & 0xc0) == 0x80; p++)
			;
	}
	return m;
}

static void place(struct ynode *n, yaml_mark_t from, yaml_mark_t to)
{
	n->line = (uint32_t)from.line + 1;
	n->col = (uint32_t)from.column + 1;
	n->down = to.line > from.line ? (uint32_t)(to.line - from.line) : 0;
	n->len = n->down ? (uint32_t)to.column + 1 : to.column > from.column && to.line == from.line ? (uint32_t)(to.column - from.column) : 1;
}

/* Text packed without the arena's alignment. */
static const char *keep_text(struct build *b, const char *s, size_t n)
{
	enum { CHUNK = 16384 };
	char *p;
	if (n + 1 > CHUNK / 4)
		return arena_strndup(b->arena, s, n);
	if (n + 1 > b->chunk_left) {
		b->chunk = arena_alloc(b->arena, CHUNK);
		b->chunk_left = CHUNK;
	}
	p = b->chunk;
	memcpy(p, s, n);
	b->chunk += n + 1;
	b->chunk_left -= n + 1;
	return p;
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

static int by_text(const void *pa, const void *pb)
{
	const struct ynode *a = *(struct ynode *const *)pa, *b = *(struct ynode *const *)pb;
	uint32_t n = a->n < b->n ? a->n : b->n;
	int c = memcmp(a->s, b->s, n);
	if (!c)
		c = (a->n > b->n) - (a->n < b->n);
	return c ? c : (a > b) - (a < b);
}

static bool same_text(const struct ynode *a, const struct ynode *b)
{
	return a->n == b->n && memcmp(a->s, b->s, a->n) == 0;
}

static bool report_twice(struct build *b, const struct ynode *first, const struct ynode *again)
{
	if (again->live)                            /* a template: what it gives is not known here */
		return true;
	struct diag *g = diag_add(b->d, "E0402", yaml_mark(b->f, again), "the key \"%.60s\" is given twice in one map", again->s);
	diag_note(g, yaml_mark(b->f, first), "the first one is here");
	return false;
}

static bool check_keys(struct build *b, const struct ynode *map)
{
	enum { FEW = 12 };
	bool ok = true;
	if (map->n <= FEW) {
		for (uint32_t i = 1; i < map->n; i++)
			for (uint32_t k = 0; k < i; k++)
				if (same_text(&map->kids[2 * i], &map->kids[2 * k])) {
					ok &= report_twice(b, &map->kids[2 * k], &map->kids[2 * i]);
					break;
				}
		return ok;
	}
	autofree struct ynode **keys = xcalloc(map->n, sizeof(*keys));
	for (uint32_t i = 0; i < map->n; i++)
		keys[i] = &map->kids[2 * i];
	qsort(keys, map->n, sizeof(*keys), by_text);
	for (uint32_t i = 1; i < map->n; i++)
		if (same_text(keys[i], keys[i - 1]))
			ok &= report_twice(b, keys[i - 1], keys[i]);
	return ok;
}

static bool is_key_place(const struct build *b)
{
	const struct frame *top = b->frames.len ? &b->frames.at[b->frames.len - 1] : NULL;
	return top && top->kind == Y_MAP && (b->nodes.len - top->start) % 2 == 0;
}

static bool check_key(struct build *b, struct ynode *n)
{
	if (n->kind == Y_SEQ || n->kind == Y_MAP) {
		struct diag *g = diag_add(b->d, "E0408", yaml_mark(b->f, n), "a key must be a string, not %s", yaml_kind_name(n));
		if (n->kind == Y_MAP)
			diag_hint(g, "quote it when it is to be a ${...} expression");
		return false;
	}
	if (n->kind == Y_NULL && n->n == 0) {
		diag_add(b->d, "E0408", yaml_mark(b->f, n), "a key is missing here");
		return false;
	}
	if (n->style == YS_PLAIN && n->n == 2 && memcmp(n->s, "<<", 2) == 0) {
		struct diag *g = diag_add(b->d, "E0406", yaml_mark(b->f, n), "merge keys are no part of YAML 1.2");
		diag_hint(g, "use \"${merge(...)}\", or quote the key");
		return false;
	}
	n->kind = Y_STRING;
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
	const char *p = seek_mark(b, m), *stop = b->f->src.text + b->f->src.len;
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

static bool is_live(const char *s, size_t len)
{
	const char *end = s + len;
	for (const char *p = s; p < end && (p = memchr(p, '{', (size_t)(end - p))); p++)
		if (p > s && (p[-1] == '$' || p[-1] == '%'))
			return true;
	return false;
}

static bool on_scalar(struct build *b, const yaml_event_t *ev)
{
	static const uint8_t styles[] = { [YAML_SINGLE_QUOTED_SCALAR_STYLE] = YS_SINGLE, [YAML_DOUBLE_QUOTED_SCALAR_STYLE] = YS_DOUBLE,
					  [YAML_LITERAL_SCALAR_STYLE] = YS_LITERAL, [YAML_FOLDED_SCALAR_STYLE] = YS_FOLDED,
					  [YAML_PLAIN_SCALAR_STYLE] = YS_PLAIN };
	const char *s = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct ynode n = { .n = (uint32_t)len };
	bool named = ev->data.scalar.anchor || ev->data.scalar.tag;
	place(&n, within(b, named ? behind_properties(b, ev->start_mark, ev->end_mark) : ev->start_mark), within(b, ev->end_mark));
	n.style = styles[ev->data.scalar.style];
	n.kind = Y_STRING;
	char tag = tag_of(ev);
	if (!tag)
		return bad_tag(b, ev->start_mark, ev->data.scalar.tag);
	n.s = keep_text(b, s, len);
	n.live = is_live(s, len);
	if (tag == 'p' && !yaml_resolve(b->arena, &n)) {
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
	struct frame fr = { .at = anchor || tag ? behind_properties(b, ev->start_mark, (yaml_mark_t){ .line = SIZE_MAX }) : ev->start_mark, .flow = flow, .kind = kind,
			    .start = b->nodes.len, .counted = b->count };
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

static bool on_end(struct build *b, const yaml_event_t *ev)
{
	struct frame fr = b->frames.at[--b->frames.len];
	size_t len = b->nodes.len - fr.start;
	struct ynode n = { .kind = fr.kind, .style = YS_PLAIN, .n = (uint32_t)(fr.kind == Y_MAP ? len / 2 : len) };
	const struct ynode *key = fr.kind == Y_MAP && len ? &b->nodes.at[fr.start] : NULL;
	place(&n, within(b, fr.at), within(b, fr.flow ? ev->end_mark : fr.at));
	if (!fr.flow && key && key->line == n.line && key->col == n.col && !key->down)
		n.len = key->len;
	n.kids = arena_array(b->arena, len, sizeof(*n.kids));
	if (len)
		memcpy(n.kids, &b->nodes.at[fr.start], len * sizeof(*n.kids));
	for (size_t i = 0; i < len; i++)
		n.live |= n.kids[i].live;
	b->nodes.len = fr.start;
	bool ok = fr.kind != Y_MAP || check_keys(b, &n);
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
		struct ynode part = { .kind = Y_MAP, .n = (uint32_t)((end - start) / 2) };
		if (b->frames.at[i].kind != Y_MAP || part.n == 0)
			continue;
		part.kids = &b->nodes.at[start];
		check_keys(b, &part);
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
	if (!n || n->kind != Y_MAP)
		return NULL;
	for (uint32_t i = 0; i < n->n; i++) {
		if (n->kids[2 * i].n == len && memcmp(n->kids[2 * i].s, key, len) == 0) {
			if (key_node)
				*key_node = &n->kids[2 * i];
			return &n->kids[2 * i + 1];
		}
	}
	return NULL;
}

const char *yaml_kind_name(const struct ynode *n)
{
	static const char *const names[] = { "null", "a bool", "a number", "a string", "a list", "a map" };
	return names[n->kind];
}
