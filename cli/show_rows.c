#include "cli/show_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/show.h"

enum { MAX_SHOWN = 28, MAX_VALUES = 5 };

/* One attribute change of one object, before merging. */
struct cell {
	const char *title, *what, *tail;
	const struct attr_change *attr;
};
struct cells { VEC(struct cell) at; };

static const char *tail_of(const struct change *ch, const struct attr_change *ac, const struct engine *e)
{
	static const char *const names[] = {
		[EFFECT_NONE] = "", [EFFECT_BMC_RESET] = "BMC reset", [EFFECT_REBOOT] = "reboot", [EFFECT_AC_CYCLE] = "AC cycle",
	};
	const struct resource_type *type = e ? engine_type(e, ch->type) : NULL;
	struct effect effect = ch->effect;
	if (type && type->describe && ac) {
		struct difference d = { ac->path, ac->before, ac->after };
		memset(&effect, 0, sizeof(effect));
		type->describe(ch->config, ch->actual, &d, 1, &effect);
	}
	return names[effect.disruption];
}

/* "node_labels" reads better as "label" in front of a label's name. */
static const char *short_type(const char *type)
{
	static const char *const names[][2] = { { "node_labels", "label" }, { "opensm_file", "file" } };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(type, names[i][0]) == 0)
			return names[i][1];
	return type;
}

static const char *text_change(struct arena *a, const struct attr_change *ac)
{
	struct str s;
	str_init(&s, STR_OURS);
	show_value(ac->before, MAX_SHOWN, &s);
	str_add(&s, " -> ");
	show_value(ac->after, MAX_SHOWN, &s);
	if (ac->by)
		str_addf(&s, " (by %.40s)", ac->by);
	const char *p = arena_strdup(a, s.at);
	str_release(&s);
	return p;
}

static void add_whole(struct arena *a, struct cells *out, const struct change *ch, const char *what)
{
	(void)a;
	vec_push(&out->at, (struct cell){ short_type(ch->type), what, tail_of(ch, NULL, NULL), NULL });
}

static void add_change(struct arena *a, struct cells *out, const struct change *ch, enum row_part part, const struct engine *e)
{
	switch (ch->action) {
	case ACT_CREATE:
		if ((part == ROWS_DRIFT) == ((ch->cause & CAUSE_DRIFT) != 0))
			add_whole(a, out, ch, part == ROWS_DRIFT ? "gone, will be made again" : "new");
		return;
	case ACT_DELETE:
		if (part == ROWS_SPEC)
			add_whole(a, out, ch, "delete");
		return;
	case ACT_RECORD:
		if (part == ROWS_SPEC)
			add_whole(a, out, ch, ch->reason ? ch->reason : "recorded");
		return;
	case ACT_FORGET:
		if (part == ROWS_SPEC)
			add_whole(a, out, ch, "forget (stays as it is)");
		return;
	case ACT_UPDATE: case ACT_REPLACE:
		break;
	default:
		return;
	}
	if (ch->action == ACT_REPLACE && ch->reason && part == ROWS_SPEC)
		add_whole(a, out, ch, arena_printf(a, "replace: %s", ch->reason));
	for (size_t i = 0; i < ch->n_attrs; i++) {
		const struct attr_change *ac = &ch->attrs[i];
		bool drift = ac->cause == CAUSE_DRIFT;
		if (drift != (part == ROWS_DRIFT))
			continue;
		const char *what = text_change(a, ac);
		if (ch->action == ACT_REPLACE)
			what = arena_printf(a, "%s (replace)", what);
		const char *title = ac->shown[0] ? arena_printf(a, "%s %s", short_type(ch->type), ac->shown) : short_type(ch->type);
		vec_push(&out->at, (struct cell){ title, what, tail_of(ch, ac, e), ac });
	}
}

static int by_title(const void *x, const void *y)
{
	const struct cell *a = x, *b = y;
	int c = str_natural_cmp(a->title, b->title);
	if (!c)
		c = strcmp(a->what, b->what);
	return c ? c : strcmp(a->tail, b->tail);
}

/* Merges cells FROM..TO, all of one title. Too many different values become one row. */
static size_t merge_title(struct arena *a, const struct cell *at, size_t from, size_t to, struct row *rows)
{
	size_t n = 0;
	for (size_t i = from, j; i < to; i = j, n++) {
		for (j = i; j < to && strcmp(at[j].what, at[i].what) == 0 && strcmp(at[j].tail, at[i].tail) == 0; j++)
			;
		rows[n] = (struct row){ at[i].title, at[i].what, at[i].tail, j - i };
	}
	if (n > MAX_VALUES) {
		rows[0].what = arena_printf(a, "(%zu different values)", n);
		rows[0].count = to - from;
		return 1;
	}
	return n;
}

const struct row *rows_make(struct arena *a, const struct plan *p, size_t from, size_t to, enum row_part part,
			    const struct engine *e, size_t *n)
{
	struct cells cells = { 0 };
	for (size_t i = from; i < to; i++)
		add_change(a, &cells, &p->changes[i], part, e);
	if (cells.at.len)
		qsort(cells.at.at, cells.at.len, sizeof(struct cell), by_title);
	struct row *rows = arena_array(a, cells.at.len, sizeof(*rows));
	*n = 0;
	for (size_t i = 0, j; i < cells.at.len; i = j) {
		for (j = i; j < cells.at.len && strcmp(cells.at.at[j].title, cells.at.at[i].title) == 0; j++)
			;
		*n += merge_title(a, cells.at.at, i, j, rows + *n);
	}
	vec_free(&cells.at);
	return rows;
}
