/* What `lifecycle` makes of the changes that were found: attributes that are not ours, replacements that others trigger, objects
 * that are protected. */
#include <string.h>

#include "base/json.h"
#include "engine/diff.h"
#include "engine/planning.h"
#include "lang/carry.h"

/* --- attributes that are left as they are ---------------------------------------------------------------------------- */

static bool leads_to(const char *path, const char *attr)
{
	size_t n = strlen(path);
	return strncmp(attr, path, n) == 0 && (!attr[n] || attr[n] == '.');
}

/* Paths into a composite begin with the label of its object: "firmware.components.BMC". */
static const char *path_in(const struct item *it, const char *path)
{
	if (!it->label)
		return path;
	size_t n = strlen(it->label);
	if (strncmp(path, it->label, n) != 0 || (path[n] && path[n] != '.'))
		return NULL;
	return path[n] ? path + n + 1 : path + n;
}

/* The member of TO that PATH leads to becomes what it is in FROM; not there: goes. Both are objects; TO is changed. */
static void keep_path(json_t *to, const json_t *from, const char *path)
{
	autofree char *copy = xstrdup(path);
	char *rest = copy;
	json_t *into = to;
	const json_t *old = from;
	while (json_is_object(into) && *rest) {
		/* Keys may hold dots themselves: the longest one that is there is meant. */
		size_t n = strlen(rest);
		char *key = NULL;
		while (!key && n) {
			key = xstrndup(rest, n);
			if (!json_object_get(into, key) && !json_at(old, key)) {
				free(key);
				key = NULL;
				while (n && rest[--n] != '.')
					;
			}
		}
		autofree char *name = key;
		if (!name)
			return;
		rest += n + (rest[n] == '.');
		json_t *have = json_object_get(old, name), *want = json_object_get(into, name);
		if (*rest && json_is_object(want) && json_is_object(have)) {
			json_t *own = json_copy(want);
			json_object_set_new(into, name, own);
			into = own;
			old = have;
			continue;
		}
		if (!have)
			json_object_del(into, name);
		else if (have != want)
			json_object_set(into, name, have);
		return;
	}
}

static void keep_all(const struct resource_type *type, json_t *to, const json_t *from)
{
	for (const struct attr *a = type->attrs; a && a->name; a++)
		if (!(a->flags & (ATTR_META | ATTR_SECRET | ATTR_STATUS)) && (!(a->flags & ATTR_COMPUTED) || (a->flags & ATTR_OPTIONAL_COMPUTED)))
			keep_path(to, from, a->name);
}

json_t *lifecycle_want(const struct subject *td)
{
	const struct lang_life *life = td->it->life;
	json_t *want = td->it->config;
	if (!life || !td->actual || (!life->ignore_all && !life->n_ignore))
		return json_ref(want);
	json_t *own = json_copy(want);
	if (life->ignore_all)
		keep_all(td->it->row->type, own, td->actual);
	for (size_t i = 0; i < life->n_ignore; i++) {
		const char *path = path_in(td->it, life->ignore[i]);
		if (path && *path)
			keep_path(own, td->actual, path);
		else if (path)
			keep_all(td->it->row->type, own, td->actual);
	}
	return own;
}

bool lifecycle_ignores(const struct subject *td, const char *attr)
{
	const struct lang_life *life = td->it->life;
	if (!life)
		return false;
	for (size_t i = 0; i < life->n_ignore; i++) {
		const char *path = path_in(td->it, life->ignore[i]);
		if (path && (!*path || leads_to(path, attr)))
			return true;
	}
	return life->ignore_all;
}

/* --- protection ----------------------------------------------------------------------------------------------------------- */

bool lifecycle_protects(const struct subject *td)
{
	signed char said = td->it->life ? td->it->life->protect : 0;
	return said > 0 || (said == 0 && td->prior && td->prior->protected);
}

static const char lift[] = "set lifecycle.prevent_destroy to false in its block and apply that first";

/* What must not happen to the object becomes a row that says so. */
void lifecycle_guard(struct making *m, struct subject *td)
{
	struct change *c = td->change;
	bool is = td->prior && td->prior->protected, wanted = lifecycle_protects(td);
	if (!c || !is_operation(c))
		return;
	c->protect = wanted;
	bool loses = c->action == ACT_REPLACE || (is_removal(c) && !td->gone && !td->let_go);
	if (loses && is && !wanted && c->action == ACT_REPLACE) {
		change_hold(c, ACT_RECORD, "unprotect first; plan again after it");
		return;
	}
	if (loses && (is || wanted)) {
		const char *what = c->action == ACT_REPLACE ? "be replaced" : c->action == ACT_FORGET ? "be forgotten" : "be removed";
		change_hold(c, ACT_BLOCK, arena_printf(m->p->arena, "it would %s, and it is protected (prevent_destroy); %s", what, lift));
		return;
	}
	const struct resource *r = td->it->unit->res;
	if (c->action == ACT_REPLACE && r && r->create_first)
		change_hold(c, ACT_BLOCK, arena_printf(m->p->arena, "create_before_destroy%s%s asks for a second object beside it, but objects of type %s have their "
						       "address as identity: there cannot be two", r->create_first_for ? " of " : "",
						       r->create_first_for ? r->create_first_for->address : "", td->it->row->type->name));
}

/* Of a unit whose first protected object is TD, and MORE of them. */
static void tell_protected(struct making *m, const struct subject *td, size_t more)
{
	static const char *const path[] = { "lifecycle", "prevent_destroy", NULL };
	const struct resource *r = td->it->unit->res;
	struct mark at = r ? lang_mark(r->lr, false, path) : (struct mark){ 0 };
	struct diag *g = diag_add(m->d, "E0156", at, "%s would be removed, and it is protected (prevent_destroy)", td->it->address);
	if (more)
		diag_note(g, (struct mark){ 0 }, "so are %zu more of %s", more, td->it->unit->owner);
	bool lifted = td->it->life && td->it->life->protect < 0;
	diag_note(g, (struct mark){ 0 }, "%s; or name with --target what is to go", lifted ? "it is false now, but the state has it as protected: apply first" : lift);
}

int lifecycle_destroy(struct making *m, struct err *err)
{
	const struct subject *first = NULL;
	size_t n = 0;
	for (size_t i = 0; m->o->destroy && i < m->subjects.len; i++) {
		const struct subject *td = &m->subjects.at[i];
		if (!td->change || td->change->action != ACT_BLOCK)
			continue;
		if (first && first->it->unit != td->it->unit) {
			tell_protected(m, first, n - 1);
			first = NULL;
			n = 0;
		}
		first = first ? first : td;
		n++;
	}
	if (first)
		tell_protected(m, first, n - 1);
	return first ? err_set(err, E_INPUT, "%s", "") : 0;
}

/* --- replacements that others trigger ----------------------------------------------------------------------------------------- */

struct place { const char *address; const struct subject *td; const struct unit *unit; UT_hash_handle hh; };

static void add_place(struct place **all, const char *address, const struct subject *td, const struct unit *u)
{
	struct place *p = NULL;
	HASH_FIND_STR(*all, address, p);
	if (p)
		return;
	p = xcalloc(1, sizeof(*p));
	*p = (struct place){ .address = address, .td = td, .unit = u };
	HASH_ADD_KEYPTR(hh, *all, p->address, strlen(p->address), p);
}

static void index_places(struct making *m, struct place **all)
{
	for (size_t i = 0; i < m->spec->items.len; i++)
		add_place(all, m->spec->items.at[i]->address, &m->subjects.at[i], NULL);
	for (size_t i = 0; i < m->spec->units.len; i++)
		add_place(all, m->spec->units.at[i]->owner, NULL, m->spec->units.at[i]);
}

static void free_places(struct place *p)
{
	struct place *next, *first = p;
	HASH_CLEAR(hh, first);
	for (; p; p = next) {
		next = p->hh.next;
		free(p);
	}
}

static bool fires(const struct subject *td, const char *path)
{
	const struct change *c = td->change;
	if (!c)
		return false;
	if (!path)
		return c->action == ACT_UPDATE || c->action == ACT_REPLACE;
	for (size_t i = 0; (c->action == ACT_UPDATE || c->action == ACT_REPLACE || c->action == ACT_CREATE) && i < c->n_attrs; i++)
		if (leads_to(path, c->attrs[i].path) || leads_to(c->attrs[i].path, path))
			return true;
	return false;
}

static const char *fired_in(const struct making *m, const struct unit *u, const char *path)
{
	for (size_t i = u->first; i < u->first + u->n; i++) {
		const struct subject *td = &m->subjects.at[i];
		const char *in = path && td->it->label ? path_in(td->it, path) : path;
		if ((in || !path) && fires(td, in && *in ? in : NULL))
			return td->it->address;
	}
	return NULL;
}

/* The address of what changes and so replaces the object; NULL: nothing. */
static const char *fired(struct making *m, struct place *all, const struct lang_trigger *t)
{
	struct place *p = NULL;
	HASH_FIND_STR(all, t->address, p);
	if (p && p->td)
		return fires(p->td, t->path) ? p->td->it->address : NULL;
	if (p)
		return fired_in(m, p->unit, t->path);
	if (!t->whole)
		return NULL;
	/* All instances of a composite: each is a unit of its own. */
	autofree char *base = address_base(t->address);
	for (size_t i = 0; i < m->spec->units.len; i++) {
		const struct unit *u = m->spec->units.at[i];
		if (u->res && strcmp(u->res->address, base) == 0 && address_within(u->owner, t->address)) {
			const char *hit = fired_in(m, u, t->path);
			if (hit)
				return hit;
		}
	}
	return NULL;
}

static void replace(struct making *m, struct subject *td, const char *because)
{
	const struct resource_type *type = td->it->row->type;
	if (!td->prior || !td->actual || !type->create || !type->destroy || (td->change && td->change->action != ACT_UPDATE && td->change->action != ACT_RECORD))
		return;
	if (!td->change)
		subject_change(m, td, ACT_REPLACE, CAUSE_SPEC);
	td->change->action = ACT_REPLACE;
	if (!td->change->config)
		td->change->config = json_ref(td->want ? td->want : td->it->config);
	td->change->cause |= CAUSE_SPEC;
	td->change->reason = arena_printf(m->p->arena, "%s changes", because);
	lifecycle_guard(m, td);
}

/* In the order of the graph, so that a replacement can trigger the next. */
void lifecycle_triggers(struct making *m)
{
	const struct spec *s = m->spec;
	struct place *all = NULL;
	if (m->o->destroy || m->o->drift_only)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		const struct resource *r = &s->res[s->graph.order[i]];
		for (size_t k = r->first_unit; k < r->first_unit + r->n_units; k++) {
			const struct unit *u = s->units.at[k];
			for (size_t j = u->first; j < u->first + u->n; j++) {
				struct subject *td = &m->subjects.at[j];
				const struct lang_life *life = td->it->life;
				const char *hit = NULL;
				if (!life || !life->n_triggers || td->out)
					continue;
				if (!all)
					index_places(m, &all);
				for (size_t x = 0; !hit && x < life->n_triggers; x++)
					hit = fired(m, all, &life->triggers[x]);
				if (hit)
					replace(m, td, hit);
			}
		}
	}
	free_places(all);
}

/* --- postconditions ------------------------------------------------------------------------------------------------------------ */

static bool check_instance(struct making *m, struct resource *r, size_t block, struct instance *in)
{
	bool unknown = false;
	if (!in->li->life || !in->li->life->postconditions || in->failed || r->lr->data)      /* data: told when it was read */
		return true;
	if (in->item && m->subjects.at[in->item->index].out)
		return true;
	autojson json_t *self = spec_instance_value(m->spec, r, in);
	autojson json_t *kept = carry_instance(m, r, in);
	lang_carry_self(m->spec->lang, kept);
	bool ok = lang_postconditions(m->spec->lang, r->lr, block, in->li, self == lang_unknown() ? NULL : self, &unknown) == 0;
	lang_carry_self(m->spec->lang, NULL);
	if (unknown)
		vec_push(&m->open, (struct open_condition){ r, block, in });
	return ok;
}

int lifecycle_check(void *arg, struct err *err)
{
	struct making *m = arg;
	bool ok = true;
	carry_begin(m);
	for (size_t i = 0; i < m->spec->n; i++) {
		struct resource *r = &m->spec->res[i];
		for (size_t b = 0; b < r->n_blocks; b++)
			for (size_t k = 0; k < r->blocks[b].n; k++)
				ok &= check_instance(m, r, b, &r->blocks[b].instances[k]);
	}
	return ok ? 0 : err_set(err, E_INPUT, "%s", "");
}
