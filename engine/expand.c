#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "base/json.h"
#include "engine/spec.h"

enum { MAX_REPORTS = 100 };

/* --- reporting ----------------------------------------------------------------------------------------------------------- */

/* Mistakes of one resource. What all instances share is told once, with the first instance it was met in. */
struct reporter {
	struct spec *s;
	const struct resource *r;
	const char *instance;        /* its address, when there are several */
	const struct lang_block *lb;
	const struct lang_instance *li;
	struct { char *text; } told[MAX_REPORTS];
	size_t n;
};

static bool told_before(struct reporter *rp, struct mark at, const char *code, const char *text)
{
	autofree char *all = xasprintf("%u:%u %s %s", at.line, at.col, code, text);
	if (rp->n == MAX_REPORTS)
		return true;
	for (size_t i = 0; i < rp->n; i++)
		if (strcmp(rp->told[i].text, all) == 0)
			return true;
	rp->told[rp->n++].text = all;
	all = NULL;
	return false;
}

static struct diag *tell(struct reporter *rp, struct mark at, const char *code, const char *text)
{
	if (told_before(rp, at, code, text))
		return NULL;
	struct diag *g = diag_add(rp->s->d, code, at, "%s", text);
	if (rp->instance)
		diag_note(g, (struct mark){ 0 }, "in %s", rp->instance);
	return g;
}

static void report_in_body(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void report_in_body(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
			   const char *word, const char *fmt, ...)
{
	struct reporter *rp = ctx;
	char text[800];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct diag *g = tell(rp, lang_mark(rp->r->lr, key, path), code, text);
	if (g && near && word)
		diag_suggest(g, word, near);
}

/* Mistakes in what a composite made: there is no place for them but the block itself. */
struct made_report { struct reporter *rp; const char *address; };

static void report_made(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void report_made(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
			const char *word, const char *fmt, ...)
{
	struct made_report *m = ctx;
	struct str where;
	char text[600], all[1000];
	va_list ap;
	(void)key;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_init(&where, 200);
	for (; *path; path++)
		str_addf(&where, ".%.60s", *path);
	snprintf(all, sizeof(all), "%.120s%s: %s", m->address, where.at, text);
	str_release(&where);
	struct diag *g = tell(m->rp, m->rp->r->lr->name_mark, code, all);
	if (g && near && word)
		diag_suggest(g, word, near);
}

/* --- items --------------------------------------------------------------------------------------------------------------- */

static struct unit *add_unit(struct spec *s, struct resource *r, const char *owner)
{
	struct unit *u = arena_alloc(s->arena, sizeof(*u));
	u->index = s->units.len;
	u->owner = owner;
	u->res = r;
	u->first = s->items.len;
	vec_push(&s->units, u);
	r->n_units++;
	return u;
}

static struct item *add_item(struct spec *s, struct unit *u, const struct type_row *row, struct provider_slot *slot, const char *address, json_t *config)
{
	struct item *it = arena_alloc(s->arena, sizeof(*it));
	it->index = s->items.len;
	it->address = address;
	it->row = row;
	it->slot = slot;
	it->unit = u;
	it->config = config;
	vec_push(&s->items, it);
	u->n++;
	return it;
}

/* The configuration that the instance at hand uses for what ROW's provider makes; NULL after a report. */
static struct provider_slot *slot_for(struct reporter *rp, const struct type_row *row)
{
	struct spec *s = rp->s;
	size_t i = SIZE_MAX;
	if (!lang_provider_for(s->lang, rp->r->lr, rp->lb, rp->li, row->slot->p->name, &i))
		return NULL;
	struct provider_slot *slot = i == SIZE_MAX ? row->slot : s->slots[i];
	if (slot && !slot->config && !slot->block && (row->slot->p != rp->r->row->slot->p)) {
		char text[200];
		snprintf(text, sizeof(text), "this needs provider \"%.60s\", and that is not configured", slot->p->name);
		tell(rp, rp->r->lr->name_mark, "E0106", text);
		slot = NULL;
	}
	return slot;
}

/* --- composites ------------------------------------------------------------------------------------------------------------ */

struct known { const char *address; UT_hash_handle hh; };
struct expansion {
	struct spec *s;
	struct reporter *rp;
	struct instance *in;
	struct unit *unit;
	struct known *known;
	bool failed;
};

static const char *made_address(struct expansion *x, const char *label, const char *key)
{
	struct str a;
	str_init(&a, STR_OURS);
	str_addf(&a, "%s.%s", x->in->address, label);
	if (key)
		lang_add_key(&a, LANG_EACH, key);
	const char *copy = arena_strndup(x->s->arena, a.at, a.len);
	str_release(&a);
	return copy;
}

static void check_unique(struct expansion *x, const char *address)
{
	struct known *k;
	HASH_FIND_STR(x->known, address, k);
	if (k) {
		char text[300];
		snprintf(text, sizeof(text), "%.200s is there twice", address);
		tell(x->rp, x->rp->r->lr->name_mark, "E0121", text);
		x->failed = true;
		return;
	}
	k = xcalloc(1, sizeof(*k));
	k->address = address;
	HASH_ADD_KEYPTR(hh, x->known, address, strlen(address), k);
}

unsigned expand_add(struct expand *x, const char *type, const char *label, const char *key, const char *node, json_t *config)
{
	struct expansion *to = x->into;
	const struct type_row *row = engine_row(to->s->e, type);
	if (!row || row->type->expand)
		BUG("%s expands into \"%s\", which is no primitive type", x->address, type);
	struct provider_slot *slot = slot_for(to->rp, row);
	to->failed = to->failed || !slot;
	if (slot)
		slot->used = true;
	const char *address = made_address(to, label, key);
	struct made_report m = { to->rp, address };
	json_t *done = schema_complete(row->type->attrs, config, report_made, &m);
	json_decref(config);
	to->failed = to->failed || !done;
	check_unique(to, address);
	struct item *it = add_item(to->s, to->unit, row, slot ? slot : row->slot, address, done);
	it->node = arena_strdup(to->s->arena, node);
	it->label = arena_strdup(to->s->arena, label);
	it->life = to->in->li->life;
	return (unsigned)(it->index - to->unit->first);
}

void expand_after(struct expand *x, unsigned later, unsigned earlier)
{
	struct unit *u = x->into->unit;
	if (later >= u->n || earlier >= u->n || later == earlier)
		BUG("%s orders %u after %u of %zu", x->address, later, earlier, u->n);
	vec_push(&u->edges, (struct dag_edge){ later, earlier });
}

void expand_rollout(struct expand *x, unsigned canary, unsigned max_unavailable, unsigned soak_s)
{
	struct unit *u = x->into->unit;
	u->canary = canary;
	u->max_unavailable = max_unavailable;
	u->soak_s = soak_s;
}

static void forget_known(struct expansion *x)
{
	struct known *k = x->known, *next;
	HASH_CLEAR(hh, x->known);
	for (; k; k = next) {
		next = k->hh.next;
		free(k);
	}
}

static struct expand expand_of(struct spec *s, struct reporter *rp, const struct instance *in, const struct provider_slot *slot,
			       struct expansion *into)
{
	return (struct expand){
		.name = rp->r->lr->name, .address = in->address, .dir = s->e->o->dir, .config = in->config,
		.provider = slot->config, .into = into, .report = report_in_body, .report_ctx = rp,
	};
}

static void expand_composite(struct spec *s, struct reporter *rp, struct resource *r, struct instance *in)
{
	struct unit *u = in->unit = add_unit(s, r, in->address);
	if (in->unknown) {
		u->deferred = true;
		u->reason = r->reason;
		return;
	}
	size_t errors = diags_errors(s->d);
	struct expansion into = { .s = s, .rp = rp, .in = in, .unit = u };
	struct provider_slot *slot = slot_for(rp, r->row);
	struct expand x = expand_of(s, rp, in, slot ? slot : r->row->slot, &into);
	int rc = r->row->type->check ? r->row->type->check(&x) : 0;
	if (!rc)
		rc = r->row->type->expand(&x);
	forget_known(&into);
	in->extra = x.value;
	if (rc && diags_errors(s->d) == errors && rp->n == 0)
		tell(rp, r->lr->name_mark, "E0122", "this cannot be expanded");
	in->failed = rc || into.failed || diags_errors(s->d) > errors;
}

/* --- instances --------------------------------------------------------------------------------------------------------------- */

static void expand_primitive(struct spec *s, struct reporter *rp, struct resource *r, struct instance *in)
{
	struct unit *u = s->units.at[r->first_unit];
	struct provider_slot *slot = slot_for(rp, r->row);
	if (!slot) {
		in->failed = true;
		slot = r->row->slot;
	}
	slot->used = true;
	if (!in->unknown && r->row->type->check) {
		size_t errors = diags_errors(s->d);
		struct expand x = expand_of(s, rp, in, slot, NULL);
		in->failed = in->failed || r->row->type->check(&x) || diags_errors(s->d) > errors;
		json_decref(x.value);
	}
	in->item = add_item(s, u, r->row, slot, in->address, in->unknown ? NULL : json_ref(in->config));
	in->item->life = in->li->life;
	if (in->unknown)
		in->item->reason = r->reason;
}

/* What DATA asks is known, or will be: it is read when a plan is made (data.c). */
static void expand_data(struct spec *s, struct reporter *rp, struct resource *r, struct instance *in, size_t block)
{
	struct provider_slot *slot = slot_for(rp, r->row);
	in->failed = !slot;
	if (slot)
		slot->used = true;
	if (slot && !in->unknown && r->row->type->check) {
		size_t errors = diags_errors(s->d);
		struct expand x = expand_of(s, rp, in, slot, NULL);
		in->failed = r->row->type->check(&x) || diags_errors(s->d) > errors;
		json_decref(x.value);
	}
	if (in->failed)
		return;
	in->asking = arena_alloc(s->arena, sizeof(*in->asking));
	*in->asking = (struct asking){ .res = r, .in = in, .block = block, .slot = slot };
	vec_push(&s->asked, in->asking);
}

static bool takes_sensitive(void *ctx, const char *name)
{
	const struct resource *r = ctx;
	const struct attr *a = attr_find(r->row->type->attrs, name);
	return a && (a->flags & ATTR_SECRET);
}

enum wait { WAIT_UNREAD, WAIT_LEFT_OUT, WAIT_DATA, WAIT_APPLY };

static enum wait wait_for(const struct resource *to)
{
	return to->unread ? to->lr->data ? WAIT_UNREAD : WAIT_LEFT_OUT : to->lr->data ? WAIT_DATA : WAIT_APPLY;
}

/* What R waits for, as a clause: the resources it refers to whose values are not wholly known; those that no apply will tell alone,
 * where there are such. */
static const char *waiting_reason(struct spec *s, struct resource *r)
{
	enum { SHOWN = 3 };
	static const char *const before[] = { "needs ", "needs ", "needs ", "needs what only an apply of " },
		*const behind[] = { ", which could not be read", ", which is left out", ", which is read after an apply", " can tell" };
	struct str text;
	size_t n = 0;
	enum wait worst = WAIT_APPLY;
	str_init(&text, STR_OURS);
	for (int all = 0; all < 2; all++) {
		for (size_t i = 0; i < r->lr->n_refs; i++) {
			const struct resource *to = &s->res[r->lr->refs[i].to->index];
			if (!to->value_unknown)
				continue;
			if (!all)
				worst = wait_for(to) < worst ? wait_for(to) : worst;
			else if (wait_for(to) == worst && n++ < SHOWN)
				str_addf(&text, "%s%s", n > 1 ? ", " : before[worst], to->address);
		}
	}
	r->unread = r->unread || worst <= WAIT_LEFT_OUT;
	if (n > SHOWN)
		str_addf(&text, " and %zu more", n - SHOWN);
	str_add(&text, n ? behind[worst] : "needs a value that is not known before an apply");
	const char *copy = arena_strndup(s->arena, text.at, text.len);
	str_release(&text);
	return copy;
}

static const char *instance_address(struct spec *s, const struct resource *r, const struct lang_block *lb, const struct lang_instance *li)
{
	struct str a;
	if (li->kind == LANG_SINGLE && !*lb->module)
		return r->address;
	str_init(&a, STR_OURS);
	autofree char *base = address_in(lb->module, r->lr);
	str_add(&a, base);
	lang_add_key(&a, li->kind, li->key);
	const char *copy = arena_strndup(s->arena, a.at, a.len);
	str_release(&a);
	return copy;
}

/* A version 1.10 without quotes is the number 1.1: told before anyone pins a machine to it. */
static void report_odd_number(void *ctx, const char *const *path, const char *written, const char *read)
{
	struct reporter *rp = ctx;
	if (schema_type_at(rp->r->row->type->attrs, path) != ATTR_STRING)
		return;
	autofree char *text = xasprintf("this is the number %.60s, and text is needed here", read);
	struct diag *g = tell(rp, lang_mark(rp->r->lr, false, path), "E0124", text);
	if (g)
		diag_hint(g, "write it in quotes: \"%s\"", written);
}

/* What `lifecycle` names must be there to be ignored, and the type must allow what it asks for. */
static void check_life(struct reporter *rp, const struct resource *r, const struct lang_life *life)
{
	const struct resource_type *type = r->row->type;
	VEC(const char *) names = { 0 };
	for (const struct attr *a = type->attrs; a->name; a++)
		vec_push(&names, a->name);
	vec_push(&names, NULL);
	for (size_t i = 0; i < life->n_ignore; i++) {
		char index[24], text[300];
		size_t n = strcspn(life->ignore[i], ".");
		autofree char *first = xstrndup(life->ignore[i], n);
		if (attr_find(type->attrs, first))
			continue;
		snprintf(index, sizeof(index), "%zu", i);
		snprintf(text, sizeof(text), "%.60s has no attribute \"%.60s\" to ignore", type->name, first);
		struct diag *g = tell(rp, lang_mark(r->lr, false, (const char *const[]){ "lifecycle", "ignore_changes", index, NULL }), "E0152", text);
		if (g)
			diag_suggest(g, first, names.at);
	}
	vec_free(&names);
	if (life->n_triggers && (!type->create || !type->destroy)) {
		char text[200];
		snprintf(text, sizeof(text), "objects of type %.60s are changed in place and cannot be replaced", type->name);
		tell(rp, life->triggers[0].at, "E0151", text);
	}
}

static void expand_instance(struct spec *s, struct reporter *rp, struct resource *r, const struct lang_block *lb, struct instance *in,
			    const struct lang_instance *li)
{
	rp->lb = lb;
	rp->li = li;
	in->li = li;
	in->key = li->key;
	in->address = instance_address(s, r, lb, li);
	in->unknown = li->unknown;
	rp->instance = li->kind == LANG_SINGLE ? NULL : in->address;
	in->config = schema_complete(r->row->type->attrs, li->config, report_in_body, rp);
	in->failed = !in->config;
	if (in->unknown && !r->reason)
		r->reason = waiting_reason(s, r);
	r->waits = r->waits || in->unknown;
	r->create_first = r->create_first || (li->life && li->life->create_first);
	if (li->life && !r->row->type->expand)
		check_life(rp, r, li->life);
	if (in->failed)
		return;
	if (r->lr->data)
		expand_data(s, rp, r, in, (size_t)(lb - r->blocks[0].lb));
	else if (r->row->type->expand)
		expand_composite(s, rp, r, in);
	else
		expand_primitive(s, rp, r, in);
}

static bool too_many(struct spec *s, const struct resource *r)
{
	if (s->items.len + s->asked.len <= MAX_ITEMS)
		return false;
	diag_add(s->d, "E0123", r->lr->name_mark, "the spec describes more than %d objects", MAX_ITEMS);
	return true;
}

static size_t take_blocks(struct spec *s, struct resource *r, const struct lang_block *lb, size_t n)
{
	size_t total = 0;
	r->blocks = arena_array(s->arena, n + 1, sizeof(*r->blocks));
	r->n_blocks = n;
	for (size_t i = 0; i < n; i++) {
		r->blocks[i].lb = &lb[i];
		total += lb[i].n;
		if (lb[i].deferred)
			r->deferred = r->waits = true;
	}
	if (r->deferred)
		r->reason = waiting_reason(s, r);
	return total;
}

void spec_expand(struct spec *s, struct resource *r)
{
	const struct lang_block *lb;
	size_t n;
	r->first_unit = s->units.len;
	if (!r->row || lang_expand(s->lang, r->lr, takes_sensitive, r, &lb, &n))
		return;
	r->expanded = true;
	struct reporter *rp = xcalloc(1, sizeof(*rp));
	*rp = (struct reporter){ .s = s, .r = r };
	r->instances = arena_array(s->arena, take_blocks(s, r, lb, n) + 1, sizeof(*r->instances));
	if (!r->row->type->expand && !r->lr->data)
		add_unit(s, r, r->address);
	lang_odd_numbers(s->lang, r->lr, report_odd_number, rp);
	for (size_t i = 0; i < n && !too_many(s, r); i++) {
		struct block *b = &r->blocks[i];
		b->instances = r->instances + r->n;
		lang_about(s->lang, r->lr, &lb[i]);
		for (; b->n < lb[i].n && !too_many(s, r); b->n++)
			expand_instance(s, rp, r, &lb[i], &r->instances[r->n++], &lb[i].at[b->n]);
	}
	lang_about(s->lang, NULL, NULL);
	s->waits = s->waits || r->waits || r->lr->data;
	for (size_t i = 0; i < rp->n; i++)
		free(rp->told[i].text);
	free(rp);
}
