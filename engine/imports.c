/* What `import` blocks take over. */
#include <string.h>

#include "engine/planning.h"

static bool is_of(const struct lang_import *i, const struct item *it)
{
	return strcmp(i->to, it->address) == 0 || (it->label && strcmp(i->to, it->unit->owner) == 0);
}

/* Each import must name something, and an id must mean something to its type. */
void imports_check(struct spec *s)
{
	size_t n;
	const struct lang_import *all = lang_imports(s->lang, &n);
	for (size_t i = 0; i < n; i++) {
		const struct item *found = NULL;
		for (size_t k = 0; k < s->items.len && !found; k++)
			found = is_of(&all[i], s->items.at[k]) ? s->items.at[k] : NULL;
		bool waits = false;
		for (size_t k = 0; k < s->units.len && !found; k++)
			waits = waits || (s->units.at[k]->deferred && strcmp(s->units.at[k]->owner, all[i].to) == 0);
		for (size_t k = 0; k < s->n && !found; k++)
			waits = waits || (s->res[k].deferred && address_within(all[i].to, s->res[k].address));
		if (!found && !waits)
			diag_hint(diag_add(s->d, "E0164", all[i].at, "there is no object %s in the spec", all[i].to), "declare it as a resource");
		else if (found && all[i].id && !found->row->type->import_id)
			diag_hint(diag_add(s->d, "E0164", all[i].at, "objects of type %s are found by their configuration, not by an id",
					   found->row->type->name), "leave the id out");
	}
}

struct wanted { const char *to; const struct lang_import *i; UT_hash_handle hh; };

void imports_mark(struct making *m)
{
	size_t n;
	const struct lang_import *all = lang_imports(m->spec->lang, &n);
	struct wanted *by_to = NULL, *w = NULL, *next;
	for (size_t i = 0; i < n; i++) {
		HASH_FIND_STR(by_to, all[i].to, w);
		if (w)
			continue;
		w = xcalloc(1, sizeof(*w));
		w->to = all[i].to;
		w->i = &all[i];
		HASH_ADD_KEYPTR(hh, by_to, w->to, strlen(w->to), w);
	}
	for (size_t i = 0; n && i < m->spec->items.len && i < m->subjects.len; i++) {
		struct subject *td = &m->subjects.at[i];
		HASH_FIND_STR(by_to, td->it->address, w);
		if (!w && td->it->label)
			HASH_FIND_STR(by_to, td->it->unit->owner, w);
		td->imported = td->imported || w;
		td->import_id = w ? w->i->id : td->import_id;
		td->import_at = w ? w->i->at : td->import_at;
	}
	w = by_to;
	HASH_CLEAR(hh, by_to);
	for (; w; w = next) {
		next = w->hh.next;
		free(w);
	}
}

void imports_missing(struct making *m)
{
	for (size_t i = 0; i < m->subjects.len; i++) {
		const struct subject *td = &m->subjects.at[i];
		if (!td->imported || td->prior || td->actual || td->skip || td->out || td->it->reason || !td->judged)
			continue;
		if (td->change && td->change->action == ACT_CREATE)
			diag_hint(diag_add(m->d, "E0164", td->import_at, "there is nothing at %s that could be imported", td->it->address),
				  "without the import it is made");
	}
}
