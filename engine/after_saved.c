/* The conditions that a saved plan took along: told without the spec. */
#include <string.h>

#include "base/json.h"
#include "engine/after_int.h"
#include "engine/spec.h"
#include "lang/carry.h"

/* An object that the plan makes or changes. */
struct coming {
	const char *address;
	const struct change *change;
	json_t *value;               /* once it came; NULL: not yet */
	struct { size_t *at; size_t len, cap; } wanted;      /* conditions of others that look at it */
	size_t own;                  /* 1 + the condition of it; 0: none */
	size_t n_own;
	UT_hash_handle hh;
};
struct waiting { size_t left; bool told; };
struct saved {
	const struct plan *p;
	struct engine *e;
	struct lang_carried *c;
	struct coming *all;
	struct waiting *waiting;     /* by condition */
	struct { char **at; size_t len, cap; } broken;       /* resources that do not meet one */
};

static struct coming *find(const struct saved *s, const char *address)
{
	struct coming *x = NULL;
	HASH_FIND_STR(s->all, address, x);
	return x;
}

static json_t *object_now(void *ctx, const char *address)
{
	const struct coming *x = find(ctx, address);
	return json_ref(x && x->value ? x->value : lang_unknown());
}

/* --- making it ------------------------------------------------------------------------------------------------------------------- */

struct noting { struct saved *s; size_t i; };

static void note_need(void *ctx, const char *address)
{
	struct noting *n = ctx;
	struct coming *x = find(n->s, address);
	struct lang_carried_one one = lang_carried_at(n->s->c, n->i);
	if (!x || (one.self && strcmp(one.self, address) == 0) || (x->wanted.len && x->wanted.at[x->wanted.len - 1] == n->i))
		return;
	vec_push(&x->wanted, n->i);
	n->s->waiting[n->i].left++;
}

/* Conditions of one object stand one behind the other. */
static void note_own(struct saved *s, size_t i)
{
	struct lang_carried_one one = lang_carried_at(s->c, i);
	struct coming *x = one.self ? find(s, one.self) : NULL;
	if (!x)
		return;
	if (x->own && x->own + x->n_own != i + 1)
		return;
	x->own = x->own ? x->own : i + 1;
	x->n_own++;
}

static void add_changes(struct saved *s)
{
	for (size_t i = 0; i < s->p->n; i++) {
		const struct change *c = &s->p->changes[i];
		if ((c->action != ACT_CREATE && c->action != ACT_UPDATE && c->action != ACT_REPLACE) || find(s, c->address))
			continue;
		struct coming *x = xcalloc(1, sizeof(*x));
		x->address = c->address;
		x->change = c;
		HASH_ADD_KEYPTR(hh, s->all, x->address, strlen(x->address), x);
	}
}

int saved_new(struct engine *e, const struct plan *p, struct saved **out, struct err *err)
{
	struct saved *s = xcalloc(1, sizeof(*s));
	s->p = p;
	s->e = e;
	int rc = lang_carried_load(p->conditions, e->o->dir, object_now, s, &s->c, err);
	if (rc) {
		saved_free(s);
		return rc;
	}
	add_changes(s);
	s->waiting = xcalloc(lang_carried_count(s->c) + 1, sizeof(*s->waiting));
	for (size_t i = 0; i < lang_carried_count(s->c); i++) {
		struct noting n = { s, i };
		struct lang_carried_one one = lang_carried_at(s->c, i);
		note_own(s, i);
		if (!one.why && !one.check && !one.output)
			lang_carried_needs(s->c, i, note_need, &n);
	}
	*out = s;
	return 0;
}

void saved_free(struct saved *s)
{
	if (!s)
		return;
	struct coming *x = s->all, *next;
	HASH_CLEAR(hh, s->all);
	for (; x; x = next) {
		next = x->hh.next;
		json_decref(x->value);
		vec_free(&x->wanted);
		free(x);
	}
	for (size_t i = 0; i < s->broken.len; i++)
		free(s->broken.at[i]);
	vec_free(&s->broken);
	lang_carried_free(s->c);
	free(s->waiting);
	free(s);
}

/* --- telling ------------------------------------------------------------------------------------------------------------------------- */

static bool holds(struct saved *s, size_t i, struct diags *d)
{
	struct lang_carried_one one = lang_carried_at(s->c, i);
	enum lang_told told = s->waiting[i].told ? TOLD_HOLDS : lang_carried_tell(s->c, i, d);
	s->waiting[i].told = s->waiting[i].told || told != TOLD_UNKNOWN;
	if (told == TOLD_FAILS)
		vec_push(&s->broken, address_base(one.self ? one.self : one.address));
	return told != TOLD_FAILS;
}

bool saved_came(struct saved *s, const char *address, const json_t *attrs, struct diags *d, size_t *others)
{
	struct coming *x = find(s, address);
	const struct resource_type *type = x ? engine_type(s->e, x->change->type) : NULL;
	bool ok = true;
	*others = 0;
	if (!type || x->value)
		return true;
	x->value = type_value(type, x->change->config, attrs);
	for (size_t k = 0; x->own && k < x->n_own; k++)
		ok = holds(s, x->own - 1 + k, d) && ok;
	for (size_t k = 0; k < x->wanted.len; k++) {
		size_t i = x->wanted.at[k];
		struct lang_carried_one one = lang_carried_at(s->c, i);
		if (--s->waiting[i].left == 0 && !(one.self && find(s, one.self)))
			*others += !holds(s, i, d);
	}
	return ok;
}

const char *saved_forbids(const struct saved *s, const char *address)
{
	const struct coming *x = s->broken.len ? find(s, address) : NULL;
	const struct group *g = x ? &s->p->groups[x->change->group] : NULL;
	for (size_t i = 0; g && i < g->n_deps; i++)
		for (size_t k = 0; k < s->broken.len; k++)
			if (strcmp(g->deps[i], s->broken.at[k]) == 0)
				return s->broken.at[k];
	return NULL;
}

size_t saved_end(struct saved *s, struct diags *d, size_t *warned, bool *waits)
{
	size_t unmet = 0;
	*warned = 0;
	*waits = false;
	for (size_t i = 0; i < lang_carried_count(s->c); i++) {
		struct lang_carried_one one = lang_carried_at(s->c, i);
		if (s->waiting[i].told)
			continue;
		enum lang_told told = one.check || one.output ? lang_carried_tell(s->c, i, d) : TOLD_UNKNOWN;
		unmet += told == TOLD_FAILS && one.output;
		*warned += told == TOLD_FAILS && one.check;
		*waits = *waits || told == TOLD_UNKNOWN;
	}
	return unmet;
}
