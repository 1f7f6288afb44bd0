/* What a peer said beforehand that it would not take. */
#include <string.h>

#include "engine/planning.h"

enum { TOLD = 3 };                   /* of one block; what is wrong with one is mostly wrong with all */

static bool is_refused(const struct subject *td)
{
	const struct change *c = td->change;
	return td->refused && c && (c->action == ACT_CREATE || c->action == ACT_UPDATE || c->action == ACT_REPLACE);
}

static void tell_unit(struct making *m, const struct unit *u)
{
	size_t n = 0;
	struct diag *last = NULL;
	for (size_t i = u->first; i < u->first + u->n; i++) {
		const struct subject *td = &m->subjects.at[i];
		if (!is_refused(td) || ++n > TOLD)
			continue;
		last = diag_add(m->d, "E0126", u->res->lr->name_mark, "%s: %s", td->it->address, td->refused);
	}
	if (n > TOLD)
		diag_note(last, (struct mark){ 0 }, "and %zu more object%s of %s", n - TOLD, n - TOLD == 1 ? "" : "s", u->owner);
}

int refused_check(struct making *m, struct err *err)
{
	size_t before = diags_errors(m->d);
	for (size_t i = 0; i < m->spec->units.len; i++)
		tell_unit(m, m->spec->units.at[i]);
	return diags_errors(m->d) > before ? err_set(err, E_INPUT, "%s", "") : 0;
}
