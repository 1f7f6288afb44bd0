/* Objects that the spec calls otherwise than the state does: `moved` blocks, and count that comes or goes. */
#include <string.h>

#include "engine/planning.h"

struct rule { char *key; const struct lang_move *m; bool told; UT_hash_handle hh; };
struct spot { const char *address; UT_hash_handle hh; };

/* --- addresses --------------------------------------------------------------------------------------------------------- */

/* Behind a name or key of an address: the end of the step that begins at P. */
static const char *step_end(const char *p)
{
	if (*p != '[')
		return p + strcspn(p, ".[");
	if (p[1] != '"')
		return p + strcspn(p, "]") + (strchr(p, ']') != NULL);
	for (p += 2; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 + (p[1] == ']') : p;
}

static struct rule *find_rule(struct rule *all, const char *module, const char *from, size_t n)
{
	struct rule *r = NULL;
	autofree char *key = xasprintf("%s|%.*s", module, (int)n, from);
	HASH_FIND_STR(all, key, r);
	return r;
}

/* The rule for REST of an address in MODULE: the longest one. *LEN: of what it matches. */
static struct rule *match_in(struct rule *all, const char *module, const char *rest, size_t *len)
{
	struct rule *best = NULL;
	for (const char *p = rest; *p; ) {
		p = step_end(*p == '.' ? p + 1 : p);
		struct rule *r = find_rule(all, module, rest, (size_t)(p - rest));
		if (r && !(r->m->single && *p == '['))
			best = r, *len = (size_t)(p - rest);
	}
	return best;
}

/* The rule for ADDRESS, which may be relative to any of the modules it is in. *AT: where what it matches begins. */
static struct rule *match(struct rule *all, const char *address, size_t *at, size_t *len)
{
	struct str module;
	const char *p = address;
	str_init(&module, STR_OURS);
	struct rule *r = match_in(all, "", address, len);
	*at = 0;
	while (!r && str_has_prefix(p, "module.")) {
		const char *end = step_end(p + 7);
		str_addf(&module, "%s%.*s", module.len ? "." : "", (int)(end - p), p);
		p = *end == '[' ? step_end(end) : end;
		if (*p != '.')
			break;
		*at = (size_t)(++p - address);
		r = match_in(all, module.at, p, len);
	}
	str_release(&module);
	return r;
}

static char *moved_text(const struct rule *r, const char *address, size_t at, size_t len)
{
	return xasprintf("%.*s%s%s", (int)at, address, r->m->to, address + at + len);
}

/* ADDRESS after all moves; NULL: it stays. Chains end, because circles were refused; a bound all the same. */
static char *follow(struct rule *all, const char *address)
{
	char *now = NULL;
	size_t at, len;
	for (size_t i = 0, n = HASH_COUNT(all); i < n; i++) {
		struct rule *r = match(all, now ? now : address, &at, &len);
		if (!r)
			break;
		char *next = moved_text(r, now ? now : address, at, len);
		free(now);
		now = next;
	}
	return now;
}

/* --- count that comes or goes ---------------------------------------------------------------------------------------------- */

struct named { const struct resource *r; UT_hash_handle hh; };

static struct named *name_resources(const struct spec *s)
{
	struct named *all = NULL, *x = NULL;
	for (size_t i = 0; i < s->n; i++) {
		HASH_FIND_STR(all, s->res[i].address, x);
		if (x || s->res[i].lr->kind == LANG_EACH)
			continue;
		x = xcalloc(1, sizeof(*x));
		x->r = &s->res[i];
		HASH_ADD_KEYPTR(hh, all, s->res[i].address, strlen(s->res[i].address), x);
	}
	return all;
}

static void free_named(struct named *x)
{
	struct named *next, *first = x;
	HASH_CLEAR(hh, first);
	for (; x; x = next) {
		next = x->hh.next;
		free(x);
	}
}

/* `X` is `X[0]` once it has count, and the other way round. */
static char *counted(struct named *named, const char *address)
{
	const char *p = address;
	while (str_has_prefix(p, "module.")) {
		p = step_end(p + 7);
		p = *p == '[' ? step_end(p) : p;
		if (*p != '.')
			return NULL;
		p++;
	}
	const char *end = step_end(p);
	if (*end != '.')
		return NULL;
	end = step_end(end + 1);
	bool zero = strncmp(end, "[0]", 3) == 0, bare = *end != '[';
	if (!zero && !bare)
		return NULL;
	autofree char *base = address_base(address);
	struct named *x = NULL;
	HASH_FIND_STR(named, base, x);
	if (!x || x->r->lr->kind != (zero ? LANG_SINGLE : LANG_INDEX))
		return NULL;
	return xasprintf("%.*s%s%s", (int)(end - address), address, zero ? "" : "[0]", zero ? end + 3 : end);
}

/* --- priors ------------------------------------------------------------------------------------------------------------------ */

struct going { struct prior *p; char *to; };

static const char *new_owner(struct making *m, const struct prior *p, const char *to)
{
	size_t n = strlen(p->owner), k = strlen(p->address), t = strlen(to);
	bool composite = strncmp(p->address, p->owner, n) == 0 && p->address[n] == '.';
	/* The parts of a composite keep their label and key. */
	if (composite && t > k - n && strcmp(to + t - (k - n), p->address + n) == 0)
		return arena_strndup(m->p->arena, to, t - (k - n));
	if (composite)
		return p->owner;
	autofree char *base = address_base(to);
	return arena_strdup(m->p->arena, base);
}

static struct spot *spot_of(struct spot **all, const char *address, bool add)
{
	struct spot *s = NULL;
	HASH_FIND_STR(*all, address, s);
	if (s || !add)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->address = address;
	HASH_ADD_KEYPTR(hh, *all, s->address, strlen(s->address), s);
	return NULL;
}

static void free_spots(struct spot *s)
{
	struct spot *next, *first = s;
	HASH_CLEAR(hh, first);
	for (; s; s = next) {
		next = s->hh.next;
		free(s);
	}
}

static void tell_taken(struct making *m, struct rule *rules, const struct going *g)
{
	size_t at, len;
	struct rule *r = match(rules, g->p->address, &at, &len);
	struct mark where = r ? r->m->to_at : (struct mark){ 0 };
	struct diag *d = diag_add(m->d, "W0161", where, "%s cannot be moved to %s: the state has an object there", g->p->address, g->to);
	diag_note(d, (struct mark){ 0 }, "it stays where it is, so it goes unless a block with its address remains");
}

/* Who finds its place taken stays, which may take the place of another. */
static void settle_moves(struct making *m, struct rule *rules, struct going *all, size_t n, bool tell)
{
	bool again = true;
	while (again) {
		struct spot *taken = NULL;
		again = false;
		for (size_t i = 0; i < m->priors.len; i++)
			spot_of(&taken, m->priors.at[i].address, true);
		for (size_t i = 0; i < n; i++) {
			struct spot *s = all[i].to ? spot_of(&taken, all[i].p->address, false) : NULL;
			if (s) {
				HASH_DEL(taken, s);
				free(s);
			}
		}
		for (size_t i = 0; i < n; i++) {
			if (!all[i].to || !spot_of(&taken, all[i].to, true))
				continue;
			if (tell)
				tell_taken(m, rules, &all[i]);
			free(all[i].to);
			all[i].to = NULL;
			again = true;
		}
		free_spots(taken);
	}
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct prior *)a)->address, ((const struct prior *)b)->address);
}

static int by_to(const void *a, const void *b)
{
	return str_natural_cmp(((const struct move *)a)->to, ((const struct move *)b)->to);
}

static void take_moves(struct making *m, struct going *all, size_t n)
{
	struct plan *p = m->p;
	struct move *moves = arena_array(p->arena, p->n_moves + n + 1, sizeof(*moves));
	if (p->n_moves)
		memcpy(moves, p->moves, p->n_moves * sizeof(*moves));
	for (size_t i = 0; i < n; i++) {
		struct prior *x = all[i].p;
		if (!all[i].to)
			continue;
		const char *to = arena_strdup(p->arena, all[i].to), *owner = new_owner(m, x, to);
		moves[p->n_moves++] = (struct move){ x->address, to, owner, x->version };
		x->address = to;
		x->owner = owner;
		free(all[i].to);
	}
	p->moves = moves;
	if (p->n_moves)
		qsort(moves, p->n_moves, sizeof(*moves), by_to);
	if (m->priors.len)
		qsort(m->priors.at, m->priors.len, sizeof(*m->priors.at), by_address);
}

static void run_moves(struct making *m, struct rule *rules, bool by_count)
{
	bool any = false;
	struct named *named = by_count ? name_resources(m->spec) : NULL;
	struct going *all = xcalloc(m->priors.len + 1, sizeof(*all));
	for (size_t i = 0; i < m->priors.len; i++) {
		struct prior *p = &m->priors.at[i];
		all[i].p = p;
		all[i].to = by_count ? counted(named, p->address) : follow(rules, p->address);
		if (all[i].to && strcmp(all[i].to, p->address) == 0) {
			free(all[i].to);
			all[i].to = NULL;
		}
		any = any || all[i].to;
	}
	free_named(named);
	if (any) {
		settle_moves(m, rules, all, m->priors.len, !by_count);
		take_moves(m, all, m->priors.len);
	}
	free(all);
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

static struct rule *rules_of(const struct lang_move *list, size_t n)
{
	struct rule *all = NULL;
	for (size_t i = 0; i < n; i++) {
		if (find_rule(all, list[i].module, list[i].from, strlen(list[i].from)))
			continue;
		struct rule *r = xcalloc(1, sizeof(*r));
		r->key = xasprintf("%s|%s", list[i].module, list[i].from);
		r->m = &list[i];
		HASH_ADD_KEYPTR(hh, all, r->key, strlen(r->key), r);
	}
	return all;
}

static void free_rules(struct rule *r)
{
	struct rule *next, *first = r;
	HASH_CLEAR(hh, first);
	for (; r; r = next) {
		next = r->hh.next;
		free(r->key);
		free(r);
	}
}

void moves_apply(struct making *m)
{
	size_t n;
	const struct lang_move *list = lang_moves(m->spec->lang, &n);
	struct rule *rules = rules_of(list, n);
	bool any_count = false;
	if (n)
		run_moves(m, rules, false);
	for (size_t i = 0; i < m->spec->n; i++)
		any_count = any_count || m->spec->res[i].lr->kind != LANG_EACH;
	if (any_count && m->priors.len)
		run_moves(m, rules, true);
	free_rules(rules);
}

static void still_there(struct spec *s, struct rule *rules, const char *address)
{
	size_t at, len;
	struct rule *r = match(rules, address, &at, &len);
	if (!r || r->told)
		return;
	r->told = true;
	struct diag *g = diag_add(s->d, "E0161", r->m->from_at, "%s is still in the spec, so it cannot have moved", address);
	diag_hint(g, "remove one of the two");
}

void moves_check(struct spec *s)
{
	size_t n;
	const struct lang_move *list = lang_moves(s->lang, &n);
	struct rule *rules = rules_of(list, n);
	for (size_t i = 0; rules && i < s->items.len; i++)
		still_there(s, rules, s->items.at[i]->address);
	free_rules(rules);
	const struct lang_removed *gone = lang_removed(s->lang, &n);
	for (size_t i = 0; i < n; i++) {
		bool told = false;
		for (size_t k = 0; k < s->items.len && !told; k++) {
			const char *address = s->items.at[k]->address;
			told = removed_matches(&gone[i], address);
			if (told)
				diag_hint(diag_add(s->d, "E0162", gone[i].at, "%s is still in the spec, so it is not removed", address),
					  "remove one of the two");
		}
	}
}

bool removed_matches(const struct lang_removed *r, const char *address)
{
	const char *p = address, *want = r->module;
	/* Step by step through the modules, whatever their keys. */
	while (*want) {
		const char *we = step_end(want + 7), *pe;
		if (!str_has_prefix(p, "module."))
			return false;
		pe = step_end(p + 7);
		if (pe - p != we - want || strncmp(p, want, (size_t)(pe - p)) != 0)
			return false;
		p = *pe == '[' ? step_end(pe) : pe;
		if (*p != '.')
			return false;
		p++;
		want = *we == '.' ? we + 1 : we;
	}
	return address_within(p, r->from);
}
