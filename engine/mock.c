#include "engine/mock.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/spec.h"

/* A type as tests see it; COPY is what the engine is given, so that an operation's type leads back here. */
struct mocked {
	struct resource_type copy;
	const struct resource_type *real;
	struct house *house;
	bool data;
};
struct house {                   /* a provider */
	struct provider copy;
	const struct provider *real;
	struct mock *m;
	struct mocked *types; size_t n;
};
struct opened { struct house *house; void *self; };      /* what open gives */
struct rule { bool by_type, data; char *name; json_t *attrs; };
struct mock {
	struct arena *arena;
	struct house *houses; size_t n;
	const struct provider **list;
	json_t *world;               /* objects by address */
	json_t *told;                /* what rules say, by "data " or "" and address: kept for the caller of foretold */
	VEC(struct rule) rules;
};

/* --- rules ------------------------------------------------------------------------------------------------------------------ */

static bool applies(const struct rule *r, bool data, const char *type, const char *address)
{
	if (r->by_type)
		return r->data == data && strcmp(r->name, type) == 0;
	return address_within(address, r->name) || str_glob(r->name, address);
}

/* What all rules say together about one thing; kept until rules change. */
static const json_t *told(struct mock *m, bool data, const char *type, const char *address)
{
	json_t *all = json_object_get(m->told, address);
	if (all)
		return json_object_size(all) ? all : NULL;
	all = json_object();
	for (size_t i = 0; i < m->rules.len; i++)
		if (applies(&m->rules.at[i], data, type, address))
			json_object_update(all, m->rules.at[i].attrs);
	json_put_new(m->told, address, all);
	return json_object_size(all) ? all : NULL;
}

static struct mocked *find_type(const struct mock *m, bool data, const char *name)
{
	for (size_t i = 0; i < m->n; i++)
		for (size_t k = 0; k < m->houses[i].n; k++) {
			struct mocked *t = &m->houses[i].types[k];
			if (t->data == data && strcmp(t->real->name, name) == 0)
				return t;
		}
	return NULL;
}

static int check_attrs(const struct resource_type *type, const json_t *attrs, bool computed, struct err *err)
{
	const char *key;
	const json_t *v;
	VEC(const char *) names = { 0 };
	int rc = 0;
	for (const struct attr *a = type->attrs; a->name; a++)
		if (!computed || a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED))
			vec_push(&names, a->name);
	vec_push(&names, NULL);
	json_object_foreach((json_t *)attrs, key, v) {
		const struct attr *a = attr_find(type->attrs, key);
		const char *near = str_nearest(key, names.at);
		if (!a && !rc)
			rc = err_set(err, E_INPUT, near ? "%s has no attribute \"%.60s\"; did you mean \"%s\"?" : "%s has no attribute \"%.60s\"", type->name, key, near);
		else if (computed && a && !(a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)) && !rc)
			rc = err_set(err, E_INPUT, "\"%.60s\" of %s comes from the spec, not from the world", key, type->name);
	}
	vec_free(&names);
	return rc;
}

static void add_rule(struct mock *m, struct rule r, const char *name, const json_t *attrs)
{
	r.name = xstrdup(name);
	r.attrs = json_ref(attrs);
	vec_push(&m->rules, r);
	json_object_clear(m->told);
}

int mock_of_type(struct mock *m, bool data, const char *type, const json_t *attrs, struct err *err)
{
	const struct mocked *t = find_type(m, data, type);
	VEC(const char *) names = { 0 };
	for (size_t i = 0; !t && i < m->n; i++)
		for (size_t k = 0; k < m->houses[i].n; k++)
			if (m->houses[i].types[k].data == data)
				vec_push(&names, m->houses[i].types[k].real->name);
	vec_push(&names, NULL);
	const char *near = t ? NULL : str_nearest(type, names.at);
	vec_free(&names);
	if (!t)
		return err_set(err, E_INPUT, near ? "\"%.60s\" is not a %s type; did you mean \"%s\"?" : "\"%.60s\" is not a %s type", type, data ? "data" : "resource", near);
	if (t->real->expand)
		return err_set(err, E_INPUT, "%s is expanded into other objects: say what those tell", type);
	int rc = check_attrs(t->real, attrs, true, err);
	if (!rc)
		add_rule(m, (struct rule){ .by_type = true, .data = data }, type, attrs);
	return rc;
}

/* The type that ADDRESS is of, when it is that of a block: [module.NAME.]... [data.]TYPE.NAME. */
static const struct mocked *type_of(const struct mock *m, const char *address)
{
	autofree char *base = address_base(address);
	char *last = strrchr(base, '.');
	if (!last)
		return NULL;
	*last = '\0';
	char *type = strrchr(base, '.');
	type = type ? type + 1 : base;
	bool data = type - base >= 5 && strncmp(type - 5, "data.", 5) == 0;
	return find_type(m, data, type);
}

int mock_of_address(struct mock *m, const char *address, const json_t *attrs, struct err *err)
{
	const struct mocked *t = type_of(m, address);
	int rc = t && !t->real->expand ? check_attrs(t->real, attrs, true, err) : 0;
	if (!rc)
		add_rule(m, (struct rule){ 0 }, address, attrs);
	return rc;
}

int mock_put(struct mock *m, const char *address, const json_t *attrs, struct err *err)
{
	const struct mocked *t = type_of(m, address);
	if (t && t->data)
		return err_set(err, E_INPUT, "%s is data: say under override what it tells", address);
	int rc = t && !t->real->expand ? check_attrs(t->real, attrs, false, err) : 0;
	if (!rc)
		json_object_set(m->world, address, (json_t *)attrs);
	return rc;
}

size_t mock_rules(const struct mock *m)
{
	return m->rules.len;
}

void mock_forget(struct mock *m, size_t n)
{
	while (m->rules.len > n) {
		struct rule *r = &m->rules.at[--m->rules.len];
		free(r->name);
		json_decref(r->attrs);
	}
	json_object_clear(m->told);
}

const json_t *mock_foretold(void *ctx, const struct resource_type *type, const char *address)
{
	return told(ctx, false, type->name, address);
}

/* --- what a made-up world computes ------------------------------------------------------------------------------------------------ */

static json_t *made_up(const struct attr *a, const char *address)
{
	autofree char *seed = xasprintf("%s.%s", address, a->name);
	char hex[65];
	switch (a->type) {
	case ATTR_STRING:
		str_sha256(seed, strlen(seed), hex);
		return json_stringn(hex, 8);
	case ATTR_INT: case ATTR_NUMBER: return json_integer(0);
	case ATTR_BOOL: return json_false();
	case ATTR_LIST: return json_array();
	case ATTR_MAP: case ATTR_OBJECT: return json_object();
	default: return json_null();
	}
}

/* Into ACTUAL: what is computed and not there. GIVEN (may be NULL) wins over what is. */
static void compute(const struct mocked *t, const char *address, const json_t *given, json_t *actual)
{
	for (const struct attr *a = t->real->attrs; a && a->name; a++) {
		const json_t *v = json_at(given, a->name);
		if (!(a->flags & (ATTR_COMPUTED | ATTR_OPTIONAL_COMPUTED)))
			continue;
		if ((a->flags & ATTR_OPTIONAL_COMPUTED) && json_object_get(actual, a->name))
			continue;
		if (v)
			json_object_set(actual, a->name, (json_t *)v);
		else if (!json_object_get(actual, a->name))
			json_object_set_new(actual, a->name, made_up(a, address));
	}
}

/* --- operations ----------------------------------------------------------------------------------------------------------------------- */

static struct mocked *mocked_of(const struct op *op)
{
	return (struct mocked *)(void *)((char *)(uintptr_t)op->type - offsetof(struct mocked, copy));
}

static int with_real_self(struct task *t, struct op *op, op_fn *fn, struct err *err)
{
	void *own = op->self;
	op->self = ((struct opened *)own)->self;
	int rc = fn(t, op, err);
	op->self = own;
	return rc;
}

static int mock_read(struct task *t, struct op *op, struct err *err)
{
	const struct mocked *x = mocked_of(op);
	struct mock *m = x->house->m;
	const json_t *have = json_at(m->world, op->address);
	(void)t, (void)err;
	op->actual = have ? json_deep_copy(have) : NULL;
	return 0;
}

static int mock_read_data(struct task *t, struct op *op, struct err *err)
{
	const struct mocked *x = mocked_of(op);
	const json_t *given = told(x->house->m, true, x->real->name, op->address);
	if (!given && x->house->real->local)
		return with_real_self(t, op, x->real->read, err);
	op->actual = json_object();
	compute(x, op->address, given, op->actual);
	return 0;
}

static int put(struct task *t, struct op *op, op_fn *real, struct err *err)
{
	const struct mocked *x = mocked_of(op);
	struct mock *m = x->house->m;
	if (x->house->real->local && real) {
		int rc = with_real_self(t, op, real, err);
		if (rc)
			return rc;
	} else {
		op->actual = json_copy((json_t *)op->config);
		for (const struct attr *a = x->real->attrs; op->prior && a->name; a++)
			if (a->flags & ATTR_COMPUTED && !json_object_get(op->actual, a->name) && json_at(op->prior, a->name))
				json_object_set(op->actual, a->name, (json_t *)json_at(op->prior, a->name));
	}
	compute(x, op->address, told(m, false, x->real->name, op->address), op->actual);
	json_object_set_new(m->world, op->address, json_deep_copy(op->actual));
	return 0;
}

static int mock_create(struct task *t, struct op *op, struct err *err)
{
	return put(t, op, mocked_of(op)->real->create, err);
}

static int mock_update(struct task *t, struct op *op, struct err *err)
{
	return put(t, op, mocked_of(op)->real->update, err);
}

static int mock_destroy(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	json_object_del(mocked_of(op)->house->m->world, op->address);
	op->actual = NULL;
	return 0;
}

/* --- providers ------------------------------------------------------------------------------------------------------------------------- */

static struct house *house_of(const struct provider_env *env)
{
	return (struct house *)(void *)((char *)(uintptr_t)env->provider - offsetof(struct house, copy));
}

static int open_house(const struct provider_env *env, void **self, struct err *err)
{
	struct house *h = house_of(env);
	struct opened *o = xcalloc(1, sizeof(*o));
	o->house = h;
	int rc = h->real->local && h->real->open ? h->real->open(env, &o->self, err) : 0;
	if (rc)
		free(o);
	else
		*self = o;
	return rc;
}

static void close_house(struct task *t, void *self)
{
	struct opened *o = self;
	if (o && o->house->real->local && o->house->real->close)
		o->house->real->close(t, o->self);
	free(o);
}

static void mock_one(struct mocked *x, const struct resource_type *real, struct house *h, bool data)
{
	*x = (struct mocked){ .copy = *real, .real = real, .house = h, .data = data };
	x->copy.read = real->read ? data ? mock_read_data : mock_read : NULL;
	x->copy.create = real->create ? mock_create : NULL;
	x->copy.update = real->update ? mock_update : NULL;
	x->copy.destroy = real->destroy ? mock_destroy : NULL;
}

static size_t count(const struct resource_type *const *types)
{
	size_t n = 0;
	while (types && types[n])
		n++;
	return n;
}

static void build(struct mock *m, struct house *h, const struct provider *real)
{
	size_t n = count(real->types), n_data = count(real->data);
	const struct resource_type **lists[2];
	*h = (struct house){ .copy = *real, .real = real, .m = m, .n = n + n_data };
	h->types = arena_array(m->arena, h->n + 1, sizeof(*h->types));
	for (int d = 0; d < 2; d++) {
		size_t many = d ? n_data : n;
		lists[d] = arena_array(m->arena, many + 1, sizeof(**lists));
		for (size_t i = 0; i < many; i++) {
			struct mocked *x = &h->types[d ? n + i : i];
			mock_one(x, d ? real->data[i] : real->types[i], h, d);
			lists[d][i] = &x->copy;
		}
		lists[d][many] = NULL;
	}
	h->copy.types = lists[0];
	h->copy.data = lists[1];
	h->copy.open = open_house;
	h->copy.close = close_house;
}

struct mock *mock_new(const struct provider *const *real)
{
	struct mock *m = xcalloc(1, sizeof(*m));
	m->arena = arena_new();
	m->world = json_object();
	m->told = json_object();
	while (real[m->n])
		m->n++;
	m->houses = arena_array(m->arena, m->n + 1, sizeof(*m->houses));
	m->list = arena_array(m->arena, m->n + 1, sizeof(*m->list));
	for (size_t i = 0; i < m->n; i++) {
		build(m, &m->houses[i], real[i]);
		m->list[i] = &m->houses[i].copy;
	}
	m->list[m->n] = NULL;
	return m;
}

void mock_free(struct mock *m)
{
	if (!m)
		return;
	mock_forget(m, 0);
	vec_free(&m->rules);
	json_decref(m->world);
	json_decref(m->told);
	arena_free(m->arena);
	free(m);
}

const struct provider *const *mock_providers(const struct mock *m)
{
	return m->list;
}
