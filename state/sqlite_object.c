#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "state/sqlite_int.h"

/* attrs and deps as text. */
static uint64_t sum_of(const struct object *o, const char *attrs, const char *deps)
{
	uint64_t h = SQ_SUM_START;
	h = sq_sum_text(h, o->address);
	h = sq_sum_text(h, o->type);
	h = sq_sum_text(h, o->owner);
	h = sq_sum_int(h, o->schema_version);
	h = sq_sum_text(h, attrs);
	h = sq_sum_text(h, deps);
	h = sq_sum_int(h, o->version);
	h = sq_sum_int(h, o->status);
	h = o->provider ? sq_sum_text(h, o->provider) : h;
	return o->protected ? sq_sum_int(h, 1) : h;
}

/* The array of dependencies repeats from object to object of one owner: it is parsed once for a run of equal texts. */
struct deps { char *text; json_t *parsed; };

static void deps_release(struct deps *d)
{
	free(d->text);
	json_decref(d->parsed);
	*d = (struct deps){ 0 };
}

static bool are_deps(const json_t *j)
{
	const json_t *v;
	size_t i;
	json_array_foreach(j, i, v) {
		if (!json_is_string(v))
			return false;
	}
	return json_is_array(j);
}

static int damaged_at(struct store *s, const char *address, const char *how, struct err *err)
{
	autofree char *text = xasprintf("object %.200s: %s", address ? address : "without address", how);
	return sq_damaged(s, text, err);
}

/* The current row of ST. Strings are the row's; o->attrs is new, o->deps is D's. */
static int row_read(struct store *s, sqlite3_stmt *st, struct deps *d, struct object *o, struct err *err)
{
	const char *attrs = sq_column(st, 4), *deps = sq_column(st, 5);
	struct err e;
	*o = (struct object){
		.address = sq_column(st, 0), .type = sq_column(st, 1), .owner = sq_column(st, 2),
		.schema_version = sqlite3_column_int(st, 3), .version = sqlite3_column_int64(st, 6),
		.status = (enum object_status)sqlite3_column_int(st, 7), .provider = sq_column(st, 9),
		.protected = sqlite3_column_int(st, 10) != 0,
	};
	if (!o->address || !o->type || !o->owner || !attrs || !deps || o->status > OBJ_PARTIAL)
		return damaged_at(s, o->address, "a column is missing", err);
	if (sum_of(o, attrs, deps) != (uint64_t)sqlite3_column_int64(st, 8))
		return damaged_at(s, o->address, "its checksum is wrong", err);
	if (!d->text || strcmp(d->text, deps) != 0) {
		json_t *parsed;
		if (json_parse(deps, strlen(deps), "deps", &parsed, &e))
			return damaged_at(s, o->address, e.msg, err);
		if (!are_deps(parsed)) {
			json_decref(parsed);
			return damaged_at(s, o->address, "its dependencies are no list of addresses", err);
		}
		deps_release(d);
		*d = (struct deps){ xstrdup(deps), parsed };
	}
	if (json_parse(attrs, strlen(attrs), "attrs", &o->attrs, &e))
		return damaged_at(s, o->address, e.msg, err);
	if (!json_is_object(o->attrs)) {
		json_decref(o->attrs);
		return damaged_at(s, o->address, "its attributes are no map", err);
	}
	o->deps = d->parsed;
	return 0;
}

/* Runs EACH over the rows of ST; *SEEN counts them. */
static int each_row(struct store *s, sqlite3_stmt *st, int (*each)(void *ctx, const struct object *o), void *ctx, int64_t *seen,
		    struct err *err)
{
	struct deps deps = { 0 };
	int step, rc = 0;
	while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE) {
		struct object o;
		rc = step == SQLITE_ROW ? row_read(s, st, &deps, &o, err) : sq_fail(s, "read the objects of", err);
		if (rc == 0) {
			rc = each(ctx, &o);
			json_decref(o.attrs);
			++*seen;
		}
	}
	deps_release(&deps);
	return rc;
}

int store_objects(struct store *s, int (*each)(void *ctx, const struct object *o), void *ctx, struct err *err)
{
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_query(s, "SELECT address, type, owner, schema_version, attrs, deps, version, status, sum, provider, protected"
				    " FROM object ORDER BY address", err);
	sqlite3_stmt *count = sq_query(s, "SELECT objects FROM meta", err);
	int64_t seen = 0, want = 0;
	int rc = st && count ? 0 : err->code;
	/* Holding this row open keeps one snapshot for both statements. */
	if (rc == 0)
		rc = sqlite3_step(count) == SQLITE_ROW ? 0 : sq_fail(s, "read the objects of", err);
	if (rc == 0) {
		want = sqlite3_column_int64(count, 0);
		rc = each_row(s, st, each, ctx, &seen, err);
		if (rc == 0 && seen != want)
			rc = sq_damaged(s, "objects are missing", err);
	}
	sqlite3_finalize(st);
	sqlite3_finalize(count);
	return rc;
}

int store_object(struct store *s, const char *address, struct object *out, struct err *err)
{
	if (!s->db) {
		memset(out, 0, sizeof(*out));
		return 0;
	}
	sqlite3_stmt *st = sq_stmt(s, SQ_ONE, err);
	if (!st)
		return err->code;
	sq_text(st, 1, address);
	struct object o = { 0 };
	struct deps deps = { 0 };
	int rc = 0, step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		rc = row_read(s, st, &deps, &o, err);
	else if (step != SQLITE_DONE)
		rc = sq_fail(s, "read an object of", err);
	if (rc == 0) {
		arena_free(s->strings);
		s->strings = arena_new();
		o.address = arena_strdup(s->strings, o.address);
		o.type = arena_strdup(s->strings, o.type);
		o.owner = arena_strdup(s->strings, o.owner);
		o.provider = arena_strdup(s->strings, o.provider);
		json_incref(o.deps);
		*out = o;
	}
	deps_release(&deps);
	sqlite3_reset(st);
	return rc;
}

static int next_version(struct store *s, const char *address, int64_t *out, struct err *err)
{
	sqlite3_stmt *st = sq_stmt(s, SQ_VERSION_OF, err);
	if (!st)
		return err->code;
	sq_text(st, 1, address);
	int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : sq_fail(s, "read an object of", err);
	int64_t last = rc ? 0 : sqlite3_column_int64(st, 0);
	if (rc == 0 && (last < 0 || last == INT64_MAX))
		rc = damaged_at(s, address, "its version is none", err);
	if (rc == 0)
		*out = last + 1;
	sqlite3_reset(st);
	return rc;
}

int sq_object_write(struct store *s, const struct object *given, int64_t *version, struct err *err)
{
	struct object o = *given;
	autofree char *attrs = NULL, *deps = NULL;
	autojson json_t *none = o.deps ? NULL : json_array();
	int rc = next_version(s, o.address, &o.version, err);
	if (rc || (rc = sq_json_text(o.attrs, o.address, &attrs, err)) ||
	    (rc = sq_json_text(o.deps ? o.deps : none, o.address, &deps, err)))
		return rc;
	sqlite3_stmt *st = sq_stmt(s, SQ_PUT, err);
	if (!st)
		return err->code;
	sq_text(st, 1, o.address);
	sq_text(st, 2, o.type);
	sq_text(st, 3, o.owner);
	sqlite3_bind_int(st, 4, o.schema_version);
	sq_text(st, 5, attrs);
	sq_text(st, 6, deps);
	sqlite3_bind_int64(st, 7, o.version);
	sqlite3_bind_int(st, 8, (int)o.status);
	sqlite3_bind_int64(st, 9, (int64_t)sum_of(&o, attrs, deps));
	sq_text(st, 10, o.provider);
	sqlite3_bind_int(st, 11, o.protected);
	rc = sq_run(s, st, "write an object to", err);
	if (rc == 0 && version)
		*version = o.version;
	return rc;
}

int sq_object_drop(struct store *s, const char *address, struct err *err)
{
	/* The version is remembered: an object made again under this address must not look like the one of an old plan. */
	static const enum sq_id steps[] = { SQ_BURY, SQ_DELETE };
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(steps); i++) {
		sqlite3_stmt *st = sq_stmt(s, steps[i], err);
		if (!st)
			return err->code;
		sq_text(st, 1, address);
		rc = sq_run(s, st, "delete an object of", err);
	}
	return rc;
}

/* --- moves ----------------------------------------------------------------------------------------------------------- */
static int take_out(struct store *s, const struct store_move *m, struct object *o, struct err *err)
{
	int rc = store_object(s, m->from, o, err);
	if (rc == 0 && !o->address)
		rc = err_set(err, E_CONFLICT, "the state has no object %.200s, which the plan moves; make a new plan", m->from);
	/* Its strings are the store's until the next call. */
	o->type = rc ? NULL : xstrdup(o->type);
	o->provider = rc || !o->provider ? NULL : xstrdup(o->provider);
	return rc ? rc : sq_object_drop(s, m->from, err);
}

static int put_in(struct store *s, const struct store_move *m, struct object *o, struct err *err)
{
	struct object there;
	int rc = store_object(s, m->to, &there, err);
	if (rc)
		return rc;
	if (there.address) {
		json_decref(there.attrs);
		json_decref(there.deps);
		return err_set(err, E_CONFLICT, "the state has an object %.200s already, where the plan moves one; make a new plan", m->to);
	}
	o->address = m->to;
	o->owner = m->owner;
	return sq_object_write(s, o, NULL, err);
}

int sq_objects_move(struct store *s, const struct store_move *m, size_t n, struct err *err)
{
	struct object *o = xcalloc(n + 1, sizeof(*o));
	int rc = 0;
	size_t out = 0;
	for (; rc == 0 && out < n; out++)
		rc = take_out(s, &m[out], &o[out], err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = put_in(s, &m[i], &o[i], err);
	for (size_t i = 0; i < out; i++) {
		free((char *)o[i].type);
		free((char *)o[i].provider);
		json_decref(o[i].attrs);
		json_decref(o[i].deps);
	}
	free(o);
	return rc;
}

int store_put(struct store *s, const struct object *o, int64_t *version, struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	return sq_end(s, sq_object_write(s, o, version, err), err);
}

int store_delete(struct store *s, const char *address, struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	return sq_end(s, sq_object_drop(s, address, err), err);
}
