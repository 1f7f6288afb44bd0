#include "cli/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/say.h"
#include "base/str.h"
#include "cli/show_rows.h"

enum { MAX_LEFT_OUT = 10, MAX_REMARKS = 3, MIN_TABLE = 72 /* columns: less is no table */ };

struct shower {
	struct cli *c;
	const struct plan *p;
	const struct show_plan *o;
	struct arena *arena;
};

void show_value(const json_t *v, size_t max, struct str *out)
{
	if (!v || json_is_null(v)) {
		str_add(out, "(none)");
		return;
	}
	autofree char *text = json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
	size_t lines = 0;
	for (const char *s = text; (s = strchr(s, '\n')); s++)
		lines++;
	if (lines) {
		str_addf(out, "(%zu line%s)", lines, PLURAL(lines));
		return;
	}
	str_tame(text, "");
	bool cut = str_columns(text, strlen(text)) > max;
	str_addn(out, text, str_within(text, cut ? max - 2 : max));
	str_add(out, cut ? ".." : "");
}

/* TEXT without what would speak to the terminal: a plan file comes from outside. */
static const char *plain(struct shower *s, const char *text)
{
	char *copy = arena_strdup(s->arena, text);
	str_tame(copy, "");
	return copy;
}

static int columns(const char *text)
{
	return (int)str_columns(text, strlen(text));
}

/* TEXT, or what MOST columns hold of it, which ends in ".." then. */
static const char *cut(struct shower *s, const char *text, int most)
{
	return columns(text) <= most ? text : arena_printf(s->arena, "%.*s..", (int)str_within(text, (size_t)(most - 2)), text);
}

/* "OLD -> NEW" in ROOM columns: the longer one is cut, or each to half of it, so that what is shown of either is never taken for all. */
static const char *cut_change(struct shower *s, const char *text, int room)
{
	static const char arrow[] = " -> ";
	const char *at = strstr(text, arrow);
	if (columns(text) <= room || !at || room < 16)
		return cut(s, text, room);
	const char *old = arena_printf(s->arena, "%.*s", (int)(at - text), text), *new = at + sizeof(arrow) - 1;
	int both = room - (int)sizeof(arrow) + 1, half = both / 2, o = columns(old), n = columns(new);
	o = n <= half ? both - n : o <= half ? o : half;
	return arena_printf(s->arena, "%s%s%s", cut(s, old, o), arrow, cut(s, new, both - (columns(old) < o ? columns(old) : o)));
}

/* LEFT, then RIGHT ending at the last column, on one line. */
static void line(struct shower *s, char symbol, const char *left, const char *right)
{
	static const char symbols[] = "+-~?!<";
	static const enum paint paints[] = { P_GREEN, P_RED, P_YELLOW, P_CYAN, P_YELLOW, P_CYAN };
	left = plain(s, left);
	const char *at = strchr(symbols, symbol);
	bool color = s->c->color_out && at;
	int width = s->c->width - 2, gap = width - 4 - columns(left) - columns(right);
	/* "<=" is how data that is read later is written. */
	fprintf(s->c->out, symbol == '<' ? " %s%c=%s %s%s%s" : "  %s%c%s %s%s%s", color ? paint(true, paints[at - symbols]) : "", symbol, paint(color, P_RESET),
		paint(s->c->color_out, P_BOLD), left, paint(s->c->color_out, P_RESET));
	if (right[0])
		fprintf(s->c->out, "%*s%s", gap > 1 ? gap : 1, "", right);
	fputc('\n', s->c->out);
}

/* Wraps TEXT behind INDENT spaces. */
static void wrapped(struct shower *s, int indent, const char *text)
{
	fprintf(s->c->out, "%*s", indent, "");
	say_wrap(s->c->out, plain(s, text), (size_t)indent, (size_t)indent, (size_t)s->c->width - 1);
}

static void print_rows(struct shower *s, const struct row *rows, size_t n)
{
	int wide = s->c->width - 80, title_w = 21 + wide / 3, what_w = 33 + wide - wide / 3;
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		char count[24];
		snprintf(count, sizeof(count), "%zu", r->count);
		const char *name = plain(s, r->title), *does = plain(s, r->what);
		if (s->c->width < MIN_TABLE) {
			wrapped(s, 6, arena_printf(s->arena, "%s: %s  %s%s%s", name, does, count, r->tail[0] ? "  " : "", plain(s, r->tail)));
			continue;
		}
		/* What is too long for its column takes from its neighbour, then it is cut. */
		int room = title_w + what_w;
		name = cut(s, name, room - 26);
		does = cut_change(s, does, room - columns(name) - 1);
		int title = columns(name), what = columns(does), title_col = title >= title_w ? title + 1 : title_w;
		if (title_col + what > room)
			title_col = room - what;
		fprintf(s->c->out, "      %s%*s%s%*s %4s%s%s\n", name, title_col - title, "", does, room - title_col - what, "", count,
			r->tail[0] ? "  " : "", plain(s, r->tail));
	}
}

/* --- one owner ---------------------------------------------------------------------------------------------------- */

static char symbol_of(const struct plan *p, size_t from, size_t to)
{
	bool add = false, gone = false, other = false;
	for (size_t i = from; i < to; i++) {
		add = add || p->changes[i].action == ACT_CREATE;
		gone = gone || p->changes[i].action == ACT_DELETE || p->changes[i].action == ACT_FORGET;
		other = other || p->changes[i].action == ACT_UPDATE || p->changes[i].action == ACT_RECORD || p->changes[i].action == ACT_REPLACE;
	}
	return other || (add && gone) ? '~' : add ? '+' : '-';
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_nodes(const struct plan *p, size_t from, size_t to, bool (*counts)(const struct change *))
{
	VEC(const char *) nodes = { 0 };
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		if (p->changes[i].node && counts(&p->changes[i]))
			vec_push(&nodes, p->changes[i].node);
	if (nodes.len)
		qsort(nodes.at, nodes.len, sizeof(char *), by_text);
	for (size_t i = 0; i < nodes.len; i++)
		n += i == 0 || strcmp(nodes.at[i], nodes.at[i - 1]) != 0;
	vec_free(&nodes);
	return n;
}

static bool is_work(const struct change *ch)
{
	return ch->action >= ACT_CREATE && ch->action <= ACT_FORGET;
}

static bool has_drift(const struct change *ch)
{
	return is_work(ch) && (ch->cause & CAUSE_DRIFT);
}

static void print_objects(struct shower *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct change *ch = &s->p->changes[i];
		if (!is_work(ch))
			continue;
		fprintf(s->c->out, "      %s %s\n", action_name(ch->action), plain(s, ch->address));
		for (size_t k = 0; k < ch->n_attrs; k++) {
			struct str text;
			str_init(&text, STR_OURS);
			str_addf(&text, "%s: ", ch->attrs[k].shown[0] ? ch->attrs[k].shown : ch->attrs[k].path);
			if (ch->action != ACT_CREATE) {
				show_value(ch->attrs[k].before, 200, &text);
				str_add(&text, " -> ");
			}
			show_value(ch->attrs[k].after, 200, &text);
			if (ch->attrs[k].cause == CAUSE_DRIFT)
				str_addf(&text, "  (changed outside aipc%s%s)", ch->attrs[k].by ? " by " : "", ch->attrs[k].by ? ch->attrs[k].by : "");
			wrapped(s, 10, text.at);
			str_release(&text);
		}
	}
}

/* What a provider has to say of a change. */
static void print_remarks(struct shower *s, size_t from, size_t to)
{
	size_t n = 0;
	for (size_t i = from; i < to; i++) {
		const struct change *ch = &s->p->changes[i];
		if ((ch->action != ACT_CREATE && ch->action != ACT_UPDATE) || !ch->reason || (++n > MAX_REMARKS && !s->o->verbose))
			continue;
		wrapped(s, 6, strcmp(ch->address, ch->owner) == 0 ? ch->reason : arena_printf(s->arena, "%s: %s", ch->address, ch->reason));
	}
	if (n > MAX_REMARKS && !s->o->verbose)
		fprintf(s->c->out, "      and %zu more like that (--verbose shows them)\n", n - MAX_REMARKS);
}

static void print_owner(struct shower *s, size_t from, size_t to)
{
	const struct plan *p = s->p;
	const struct change *first = &p->changes[from];
	const struct group *g = first->group < p->n_groups ? &p->groups[first->group] : NULL;
	size_t work = 0, nodes = count_nodes(p, from, to, is_work), n;
	for (size_t i = from; i < to; i++)
		work += is_work(&p->changes[i]);
	if (!work)
		return;
	const char *right = "";
	if (nodes && g)
		right = arena_printf(s->arena, "%zu of %zu node%s", nodes, g->nodes, PLURAL(g->nodes));
	else if (work > 1 || strcmp(first->address, first->owner) != 0)
		right = arena_printf(s->arena, "%zu object%s", work, PLURAL(work));
	const struct row *rows = rows_make(s->arena, p, from, to, ROWS_SPEC, s->o->engine, &n);
	if (n) {
		line(s, symbol_of(p, from, to), first->owner, right);
		if (s->o->verbose)
			print_objects(s, from, to);
		else
			print_rows(s, rows, n);
		print_remarks(s, from, to);
	}
	size_t spec_rows = n;
	rows = rows_make(s->arena, p, from, to, ROWS_DRIFT, s->o->engine, &n);
	if (n) {
		size_t drifted = count_nodes(p, from, to, has_drift);
		line(s, '!', first->owner, drifted ? arena_printf(s->arena, "drift on %zu node%s", drifted, PLURAL(drifted)) : "drift");
		if (!s->o->verbose)
			print_rows(s, rows, n);
		else if (!spec_rows)
			print_objects(s, from, to);
		wrapped(s, 6, "changed outside aipc since the last apply; apply puts it back");
	}
}

/* --- moves ----------------------------------------------------------------------------------------------------------- */

/* One line for a resource: what its objects were called is said once. */
static void print_moves(struct shower *s)
{
	for (size_t i = 0, j; i < s->p->n_moves; i = j) {
		const struct move *m = &s->p->moves[i];
		for (j = i + 1; j < s->p->n_moves && strcmp(s->p->moves[j].owner, m->owner) == 0 && !s->o->verbose; j++)
			;
		line(s, '>', j - i > 1 ? m->owner : m->to, j - i > 1 ? arena_printf(s->arena, "%zu objects moved", j - i) : "moved");
		wrapped(s, 6, arena_printf(s->arena, "from %s%s", m->from, j - i > 1 ? " and others (--verbose shows all)" : ""));
	}
}

/* --- left out ------------------------------------------------------------------------------------------------------ */

struct left_out { const char *name, *owner, *reason; bool node, silent; };

/* Consequences ("X comes first, and that is left out") behind the reason itself. */
static bool is_consequence(const char *reason)
{
	return str_has_suffix(reason, "and that is left out");
}

static int by_machine(const void *x, const void *y)
{
	const struct left_out *a = x, *b = y;
	int c = str_natural_cmp(a->owner, b->owner);
	if (!c)
		c = str_natural_cmp(a->name, b->name);
	if (!c)
		c = (int)is_consequence(a->reason) - (int)is_consequence(b->reason);
	return c ? c : strcmp(a->reason, b->reason);
}

/* One entry a machine (or an object without one), with the first of its reasons, and ENDING behind it where that is not silence. */
static void print_left_out(struct shower *s, enum action action, char symbol, const char *word, const char *ending)
{
	VEC(struct left_out) all = { 0 };
	size_t shown = 0, more = 0;
	for (size_t i = 0; i < s->p->n; i++) {
		const struct change *ch = &s->p->changes[i];
		if (ch->action == action)
			vec_push(&all, (struct left_out){ ch->node ? ch->node : ch->address, ch->owner, ch->reason ? ch->reason : "", ch->node != NULL, ch->silent });
	}
	if (all.len)
		qsort(all.at, all.len, sizeof(struct left_out), by_machine);
	for (size_t i = 0; i < all.len; i++) {
		const struct left_out *l = &all.at[i];
		if (i && strcmp(l->name, l[-1].name) == 0 && strcmp(l->owner, l[-1].owner) == 0)
			continue;
		if (shown == MAX_LEFT_OUT && !s->o->verbose) {
			more++;
			continue;
		}
		shown++;
		line(s, symbol, l->node ? arena_printf(s->arena, "%s node %s", l->owner, l->name) : l->name, word);
		wrapped(s, 6, arena_printf(s->arena, "%s%s %s", l->reason, str_has_suffix(l->reason, "?") ? "" : ".",
					   l->silent ? "Left out; rerun when back." : ending));
	}
	if (more)
		fprintf(s->c->out, "  ? and %zu more (--verbose shows them)\n", more);
	vec_free(&all);
}

/* --- data ----------------------------------------------------------------------------------------------------------- */

static void print_data(struct shower *s)
{
	size_t i;
	const json_t *row;
	json_array_foreach(s->p->data, i, row) {
		const char *state = json_str(row, "state"), *why = json_str(row, "reason");
		if (!state || strcmp(state, "read") == 0)
			continue;
		bool later = strcmp(state, "deferred") == 0;
		line(s, later ? '<' : '?', json_str(row, "address"), later ? "read after an apply" : "not read");
		if (why)
			wrapped(s, 6, arena_printf(s->arena, "%s.", why));
	}
}

/* --- effects --------------------------------------------------------------------------------------------------------- */

struct effects {
	size_t reboots, ac_cycles, bmc_resets, irreversible;
	bool jobs;
	long minutes;
	int longest;
	const struct change *longest_of;
};

/* Minutes of the slowest machine of each wave, summed: machines of one wave run beside each other. Changes are sorted by
 * owner, and a machine's operations run one after another, so minutes add up per node within a wave. */
struct node_time { const char *node; unsigned group, wave; long minutes; };

static int by_wave(const void *x, const void *y)
{
	const struct node_time *a = x, *b = y;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->wave != b->wave)
		return a->wave < b->wave ? -1 : 1;
	return strcmp(a->node, b->node);
}

static long total_minutes(const struct plan *p)
{
	VEC(struct node_time) times = { 0 };
	long total = 0, slowest = 0;
	for (size_t i = 0; i < p->n; i++)
		if (is_work(&p->changes[i]) && p->changes[i].effect.minutes)
			vec_push(&times, (struct node_time){ p->changes[i].node ? p->changes[i].node : p->changes[i].address,
				p->changes[i].group, p->changes[i].wave, p->changes[i].effect.minutes });
	if (times.len)
		qsort(times.at, times.len, sizeof(struct node_time), by_wave);
	for (size_t i = 0, j; i < times.len; i = j) {
		const struct node_time *t = &times.at[i];
		long sum = 0;
		for (j = i; j < times.len && by_wave(t, &times.at[j]) == 0; j++)
			sum += times.at[j].minutes;
		slowest = sum > slowest ? sum : slowest;
		if (j == times.len || times.at[j].wave != t->wave || times.at[j].group != t->group) {
			total += slowest;
			slowest = 0;
		}
	}
	vec_free(&times);
	return total;
}

static void sum_effects(const struct plan *p, struct effects *e)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct change *ch = &p->changes[i];
		if (!is_work(ch))
			continue;
		e->reboots += ch->effect.disruption == EFFECT_REBOOT;
		e->ac_cycles += ch->effect.disruption == EFFECT_AC_CYCLE;
		e->bmc_resets += ch->effect.disruption == EFFECT_BMC_RESET || ch->effect.bmc_reset;
		e->irreversible += ch->effect.irreversible[0] != '\0';
		e->jobs = e->jobs || ch->effect.interrupts_jobs;
		if (ch->effect.minutes > e->longest) {
			e->longest = ch->effect.minutes;
			e->longest_of = ch;
		}
	}
	e->minutes = total_minutes(p);
}

static void print_waves(struct shower *s)
{
	for (size_t i = 0; i < s->p->n_groups; i++) {
		const struct group *g = &s->p->groups[i];
		if (!g->waves)
			continue;
		autostr struct str text;
		str_init(&text, STR_OURS);
		str_addf(&text, "%u wave%s of %s:", g->waves, PLURAL(g->waves), g->owner);
		if (g->canary)
			str_addf(&text, " %u canary%s", g->canary, g->waves > 1 ? ", then" : "");
		if (g->max_unavailable && (!g->canary || g->waves > 1))
			str_addf(&text, " at most %u at once", g->max_unavailable);
		if (g->soak_s) {
			char t[32];
			text_seconds(g->soak_s, t);
			str_addf(&text, ", %s between waves", t);
		}
		wrapped(s, 2, text.at);
	}
}

/* Each reason that something cannot be undone once, with the number of machines. */
static void print_irreversible(struct shower *s)
{
	VEC(const char *) reasons = { 0 };
	for (size_t i = 0; i < s->p->n; i++)
		if (is_work(&s->p->changes[i]) && s->p->changes[i].effect.irreversible[0])
			vec_push(&reasons, arena_printf(s->arena, "%s (%s)", s->p->changes[i].type, s->p->changes[i].effect.irreversible));
	if (reasons.len)
		qsort(reasons.at, reasons.len, sizeof(char *), by_text);
	for (size_t i = 0, j; i < reasons.len; i = j) {
		for (j = i; j < reasons.len && strcmp(reasons.at[i], reasons.at[j]) == 0; j++)
			;
		wrapped(s, 2, arena_printf(s->arena, "cannot be undone: %s on %zu node%s", reasons.at[i], j - i, PLURAL(j - i)));
	}
	vec_free(&reasons);
}

static void print_effects(struct shower *s)
{
	struct effects e = { 0 };
	sum_effects(s->p, &e);
	if (!e.reboots && !e.ac_cycles && !e.bmc_resets && !e.minutes)
		return;
	fprintf(s->c->out, "\n%sEffect on running machines%s\n", paint(s->c->color_out, P_BOLD), paint(s->c->color_out, P_RESET));
	wrapped(s, 2, arena_printf(s->arena, "reboots %zu   AC cycles %zu   BMC resets %zu   jobs interrupted: %s", e.reboots, e.ac_cycles,
		e.bmc_resets, e.jobs ? "unknown" : "none expected"));
	if (e.jobs)
		wrapped(s, 2, "(aipc sees no cluster here: drain what runs on these machines first)");
	print_waves(s);
	if (e.minutes) {
		char total[32], longest[32];
		text_minutes(e.minutes, total);
		text_minutes(e.longest, longest);
		wrapped(s, 2, arena_printf(s->arena, "about %s; longest step: %s, %s a node", total, e.longest_of->type, longest));
	}
	print_irreversible(s);
}

/* --- the whole ----------------------------------------------------------------------------------------------------- */

static void print_outputs(struct shower *s)
{
	if (s->p->n_outputs)
		fputs("\nOutputs\n", s->c->out);
	for (size_t i = 0; i < s->p->n_outputs; i++) {
		const struct output_change *o = &s->p->outputs[i];
		const char *before = o->sensitive ? "(sensitive)" : o->before ? o->before : "(none)";
		const char *after = o->sensitive ? "(sensitive)" : o->after ? o->after : s->p->destroy ? "(gone)" : "(gone, or known after apply)";
		fputc(' ', s->c->out);
		int most = s->c->width < 70 ? s->c->width - 10 : 60;
		say_wrap(s->c->out, plain(s, arena_printf(s->arena, "%s: %s -> %s", o->name, cut(s, before, most), cut(s, after, most))), 6, 1, (size_t)s->c->width);
	}
}

static void print_nothing(struct shower *s)
{
	const struct plan_counts *n = &s->p->counts;
	size_t left = n->skip + n->defer + n->block, matching = n->objects > left ? n->objects - left : 0;
	if (!left)
		fprintf(s->c->out, "No changes. %zu object%s match%s the spec.\n", matching, PLURAL(matching), matching == 1 ? "es" : "");
	else
		fprintf(s->c->out, "\nNo changes in what could be planned: %zu object%s match%s the spec, %zu left out.\n", matching,
			PLURAL(matching), matching == 1 ? "es" : "", left);
}

/* WORD as it may be pasted into a shell. */
static const char *pasted(struct shower *s, const char *word)
{
	if (!strpbrk(word, " '\"$&;()<>|*?[]#~`\\!{}"))
		return word;
	autostr struct str text;
	str_init(&text, STR_OURS);
	for (; *word; word++)
		str_addf(&text, *word == '\'' ? "'\\%c'" : "%c", *word);
	return arena_printf(s->arena, "'%s'", text.at);
}

/* On one line where there is room. */
static void next_step(struct shower *s, const char *run, const char *details)
{
	fprintf(s->c->out, "%s%s%s\n", run, (int)(strlen(run) + strlen(details)) + 3 < s->c->width ? "   " : "\n", details);
}

static void print_summary(struct shower *s)
{
	const struct plan_counts *n = &s->p->counts;
	fprintf(s->c->out, "\n%sPlan %.6s:%s %zu to add, %zu to change, %zu to replace, %zu to delete", paint(s->c->color_out, P_BOLD),
		s->p->id, paint(s->c->color_out, P_RESET), n->create, n->update, n->replace, n->remove);
	if (s->p->n_moves)
		fprintf(s->c->out, ", %zu to move", s->p->n_moves);
	if (n->record)
		fprintf(s->c->out, ", %zu to record", n->record);
	if (n->forget)
		fprintf(s->c->out, ", %zu to forget", n->forget);
	if (n->skip)
		fprintf(s->c->out, ", %zu left out", n->skip);
	if (n->block)
		fprintf(s->c->out, ", %zu blocked", n->block);
	if (n->defer)
		fprintf(s->c->out, ", %zu deferred", n->defer);
	fputs(".\n", s->c->out);
	const char *saved = s->o->saved ? pasted(s, s->o->saved) : NULL;
	if (saved)
		next_step(s, arena_printf(s->arena, "Run exactly this with  aipc apply %s", saved), arena_printf(s->arena, "Details:  aipc show %s", saved));
	else if (s->o->command)
		next_step(s, arena_printf(s->arena, "Run it with  aipc %s", s->o->command), "Details:  aipc plan --verbose");
}

void show_plan_text(struct cli *c, const struct plan *p, const struct show_plan *o)
{
	autoarena struct arena *arena = arena_new();
	struct shower s = { c, p, o, arena };
	print_moves(&s);
	for (size_t i = 0, j; i < p->n; i = j) {
		for (j = i; j < p->n && strcmp(p->changes[j].owner, p->changes[i].owner) == 0; j++)
			;
		print_owner(&s, i, j);
	}
	print_data(&s);
	print_left_out(&s, ACT_SKIP, '?', "not planned", "Left out.");
	print_left_out(&s, ACT_BLOCK, '!', "blocked", "Nothing is done to it.");
	print_left_out(&s, ACT_DEFER, '?', "deferred", "Plan again after this apply.");
	if (!plan_has_work(p)) {
		print_nothing(&s);
		return;
	}
	print_effects(&s);
	print_outputs(&s);
	print_summary(&s);
}
