/* twins - two objects of the spec that would each write the same thing in the world, and undo one another for ever. */
#include <string.h>

#include <uthash.h>

#include "base/json.h"
#include "engine/spec.h"

struct twin { char *id; const struct item *item; UT_hash_handle hh; };

struct naming { const struct item *it; char *id; };

static void keep_tie(void *ctx, enum tie tie, const char *key)
{
	struct naming *n = ctx;
	if (tie == TIE_IS && !n->id)
		n->id = tie_key(n->it, key);
}

/* What its ties say it is; else the type and the values of the attributes that say what in the world it is; NULL when the type has
 * none, or they are not known. */
static char *identity(const struct item *it)
{
	struct str s;
	struct naming tied = { .it = it };
	bool any = false;
	if (it->row->type->ties && it->config)
		it->row->type->ties(it->config, it->slot->config, keep_tie, &tied);
	if (tied.id)
		return tied.id;
	str_init(&s, STR_OURS);
	str_add(&s, it->row->type->name);
	for (const struct attr *a = it->row->type->attrs; it->config && a && a->name; a++) {
		const char *text = a->flags & ATTR_IDENTITY ? json_str(it->config, a->name) : NULL;
		if (text)
			str_addf(&s, " %s=%s", a->name, text);
		any = any || text;
	}
	char *id = any ? xstrdup(s.at) : NULL;
	str_release(&s);
	return id;
}

static void tell(struct spec *s, const struct item *first, const struct item *second, const char *id)
{
	const struct lang_resource *a = first->unit->res->lr, *b = second->unit->res->lr;
	const char *plain = strchr(id, TIE_MARK);
	struct diag *g = diag_add(s->d, "E0125", b->name_mark, "%s and %s would both write %s", first->address, second->address, plain ? plain + 1 : id);
	diag_note(g, a->name_mark, "the first one is here");
	diag_hint(g, "give each a place of its own");
}

void twins_check(struct spec *s)
{
	struct twin *seen = NULL, *t, *next;
	const struct unit *told = NULL;
	for (size_t i = 0; i < s->items.len; i++) {
		const struct item *it = s->items.at[i];
		char *id = identity(it);
		if (!id)
			continue;
		HASH_FIND_STR(seen, id, t);
		if (!t) {
			t = xcalloc(1, sizeof(*t));
			*t = (struct twin){ .id = id, .item = it };
			HASH_ADD_KEYPTR(hh, seen, t->id, strlen(t->id), t);
			continue;
		}
		/* Blocks that share a folder share all files in it: told once a block. */
		if (told != it->unit)
			tell(s, t->item, it, id);
		told = it->unit;
		free(id);
	}
	t = seen;
	HASH_CLEAR(hh, seen);
	for (; t; t = next) {
		next = t->hh.next;
		free(t->id);
		free(t);
	}
}
