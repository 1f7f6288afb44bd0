/* again - what was evaluated from resources is forgotten when they changed, and evaluated again on demand. */
#include <string.h>

#include "lang/module.h"

static bool reaches(const struct thing *t, const bool *changed)
{
	for (size_t i = 0; i < t->reach.len; i++)
		if (changed[t->reach.at[i].to->res->pub->index])
			return true;
	return false;
}

/* The instances of a call stay; which of their outputs were evaluated is looked at again. */
static void forget_outputs(const struct thing *t, struct kids *k)
{
	memset(k->ready, 0, t->call->to->order.len);
	k->n_ready = 0;
	k->value = NULL;
}

static void forget(const struct thing *t, struct cell *c, const bool *changed)
{
	if (t->kind == THING_MODULE) {
		if (c->kids)
			forget_outputs(t, c->kids);
	} else if (t->kind == THING_RESOURCE) {
		if (changed[t->res->pub->index])
			*c = (struct cell){ 0 };
	} else if (reaches(t, changed)) {
		/* A variable of the spec itself was given from outside; only its rules can reach resources. */
		if (t->kind == THING_VAR && !t->module->parent)
			c->ruled = false;
		else
			*c = (struct cell){ 0 };
	}
}

void lang_again(struct lang *l, const bool *changed)
{
	for (size_t i = 0; i < l->modules.len; i++) {
		const struct module *m = l->modules.at[i];
		for (size_t s = 0; s < m->scopes.len; s++)
			for (size_t k = 0; k < m->order.len; k++)
				forget(m->order.at[k], &m->scopes.at[s]->cells[k], changed);
	}
	for (size_t i = 0; i < l->order.len; i++)
		l->order.at[i]->rules_wait = false;
	l->out.len = 0;
	l->out_done = l->checks_wait = false;
	l->out_rc = 0;
	l->checks_failed = 0;
	l->again = true;
}

struct diags *lang_tell_to(struct lang *l, struct diags *d)
{
	struct diags *before = l->d;
	l->d = l->e->d = d;
	return before;
}
