#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "state/sqlite_int.h"

static const char *now(char stamp[32])
{
	clock_stamp(clock_wall_ms(), stamp);
	return stamp;
}

int store_serial(struct store *s, int64_t *out, struct err *err)
{
	*out = 0;
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_stmt(s, SQ_SERIAL, err);
	if (!st)
		return err->code;
	int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : sq_fail(s, "read", err);
	if (rc == 0)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return rc;
}

/* --- runs -------------------------------------------------------------------------------------------------------- */
static int plan_unused(struct store *s, const char *plan_id, struct err *err)
{
	sqlite3_stmt *st = plan_id ? sq_stmt(s, SQ_RUN_PLAN, err) : NULL;
	if (!st)
		return plan_id ? err->code : 0;
	sq_text(st, 1, plan_id);
	int rc = 0, step = sqlite3_step(st);
	const char *started = step == SQLITE_ROW ? sq_column(st, 1) : NULL;
	if (step == SQLITE_ROW)
		rc = err_set(err, E_CONFLICT, "plan %s was already run (run %lld, started %s); a plan runs once: make a new one", plan_id,
			     (long long)sqlite3_column_int64(st, 0), started ? started : "at an unknown time");
	else if (step != SQLITE_DONE)
		rc = sq_fail(s, "read the runs of", err);
	sqlite3_reset(st);
	return rc;
}

static int run_insert(struct store *s, const char *command, const char *plan_id, struct err *err)
{
	char stamp[32];
	/* The lock is ours: whoever left a run "running" is dead. */
	sqlite3_stmt *st = sq_stmt(s, SQ_RUN_STALE, err);
	if (!st)
		return err->code;
	sq_text(st, 1, now(stamp));
	int rc = sq_run(s, st, "write a run to", err);
	if (rc == 0 && !(st = sq_stmt(s, SQ_RUN_BEGIN, err)))
		rc = err->code;
	if (rc)
		return rc;
	sq_text(st, 1, command);
	sq_text(st, 2, plan_id);
	sq_text(st, 3, stamp);
	return sq_run(s, st, "write a run to", err);
}

int run_begin(struct store *s, const char *command, const char *plan_id, const struct store_move *moves, size_t n, int64_t *id,
	      struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	rc = plan_unused(s, plan_id, err);
	if (rc == 0)
		rc = run_insert(s, command, plan_id, err);
	int64_t row = sqlite3_last_insert_rowid(s->db);
	if (rc == 0)
		rc = sq_objects_move(s, moves, n, err);
	rc = sq_end(s, rc, err);
	if (rc == 0)
		*id = row;
	return rc;
}

int run_end(struct store *s, int64_t id, const char *status, struct err *err)
{
	char stamp[32];
	int rc = sq_writable(s, true, err);
	sqlite3_stmt *st = rc ? NULL : sq_stmt(s, SQ_RUN_END, err);
	if (!st)
		return err->code;
	sqlite3_bind_int64(st, 1, id);
	sq_text(st, 2, status);
	sq_text(st, 3, now(stamp));
	return sq_run(s, st, "write a run to", err);
}

int run_last(struct store *s, struct run *out, struct err *err)
{
	memset(out, 0, sizeof(*out));
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_stmt(s, SQ_RUN_LAST, err);
	if (!st)
		return err->code;
	int rc = 0, step = sqlite3_step(st);
	if (step == SQLITE_ROW && (!sq_column(st, 1) || !sq_column(st, 3) || !sq_column(st, 4))) {
		rc = sq_damaged(s, "a column of a run is missing", err);
	} else if (step == SQLITE_ROW) {
		arena_free(s->strings);
		s->strings = arena_new();
		*out = (struct run){
			.id = sqlite3_column_int64(st, 0),
			.command = arena_strdup(s->strings, sq_column(st, 1)),
			.plan_id = arena_strdup(s->strings, sq_column(st, 2)),
			.status = arena_strdup(s->strings, sq_column(st, 3)),
			.started = arena_strdup(s->strings, sq_column(st, 4)),
			.ended = arena_strdup(s->strings, sq_column(st, 5)),
		};
	} else if (step != SQLITE_DONE) {
		rc = sq_fail(s, "read the runs of", err);
	}
	sqlite3_reset(st);
	return rc;
}

/* --- operations --------------------------------------------------------------------------------------------------- */
/* What never changes while the operation is open. */
static uint64_t op_sum(const struct op_row *op, const char *config, const char *prior)
{
	uint64_t h = sq_sum_int(SQ_SUM_START, op->run);
	h = sq_sum_text(h, op->address);
	h = sq_sum_text(h, op->type);
	h = sq_sum_text(h, op->owner);
	h = sq_sum_text(h, op->action);
	h = sq_sum_text(h, op->deps);
	h = sq_sum_text(h, config);
	h = sq_sum_text(h, prior);
	h = op->provider ? sq_sum_text(h, op->provider) : h;
	return op->protected ? sq_sum_int(h, 1) : h;
}

int op_begin(struct store *s, const struct op_row *given, int64_t *id, struct err *err)
{
	struct op_row op = *given;
	char stamp[32];
	autofree char *config = NULL, *prior = NULL, *note = NULL;
	if (!op.deps)
		op.deps = "[]";
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_json_text(op.config, op.address, &config, err)) || (rc = sq_json_text(op.prior, op.address, &prior, err)) ||
	    (rc = sq_json_text(op.note, op.address, &note, err)))
		return rc;
	sqlite3_stmt *st = sq_stmt(s, SQ_OP_BEGIN, err);
	if (!st)
		return err->code;
	sqlite3_bind_int64(st, 1, op.run);
	sq_text(st, 2, op.address);
	sq_text(st, 3, op.type);
	sq_text(st, 4, op.owner);
	sq_text(st, 5, op.action);
	sq_text(st, 6, op.deps);
	sqlite3_bind_int(st, 7, (int)op.state);
	sq_text(st, 8, config);
	sq_text(st, 9, prior);
	sq_text(st, 10, note);
	sqlite3_bind_int64(st, 11, (int64_t)op_sum(&op, config, prior));
	sq_text(st, 12, now(stamp));
	sq_text(st, 13, op.provider);
	sqlite3_bind_int(st, 14, op.protected);
	rc = sq_run(s, st, "write the journal of", err);
	if (rc == 0)
		*id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static int changed_one(struct store *s, int64_t id, struct err *err)
{
	return sqlite3_changes(s->db) == 1
		       ? 0
		       : err_set(err, E_CONFLICT, "operation %lld of the state %s is not open", (long long)id, s->path);
}

int op_note(struct store *s, int64_t id, enum op_state state, const json_t *note, struct err *err)
{
	autofree char *text = NULL;
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_json_text(note, "the note of an operation", &text, err)))
		return rc;
	sqlite3_stmt *st = sq_stmt(s, SQ_OP_NOTE, err);
	if (!st)
		return err->code;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int(st, 2, (int)state);
	sq_text(st, 3, text);
	rc = sq_run(s, st, "write the journal of", err);
	return rc ? rc : changed_one(s, id, err);
}

static int op_close(struct store *s, int64_t id, enum op_state state, const char *message, struct err *err)
{
	char stamp[32];
	sqlite3_stmt *st = sq_stmt(s, SQ_OP_END, err);
	if (!st)
		return err->code;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int(st, 2, (int)state);
	sq_text(st, 3, message);
	sq_text(st, 4, now(stamp));
	int rc = sq_run(s, st, "write the journal of", err);
	return rc ? rc : changed_one(s, id, err);
}

int op_done(struct store *s, int64_t id, const char *address, const struct object *obj, struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	rc = obj ? sq_object_write(s, obj, NULL, err) : sq_object_drop(s, address, err);
	if (rc == 0)
		rc = op_close(s, id, OP_DONE, NULL, err);
	return sq_end(s, rc, err);
}

int op_failed(struct store *s, int64_t id, const char *message, const struct object *obj, struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	if (obj)
		rc = sq_object_write(s, obj, NULL, err);
	if (rc == 0)
		rc = op_close(s, id, OP_FAILED, message, err);
	return sq_end(s, rc, err);
}

static int parse_column(struct store *s, sqlite3_stmt *st, int i, json_t **out, struct err *err)
{
	const char *text = sq_column(st, i);
	struct err e;
	if (text && json_parse(text, strlen(text), "the journal", out, &e))
		return sq_damaged(s, e.msg, err);
	return 0;
}

/* Of CONFIG and PRIOR, which are maps of attributes. */
static int parse_attrs(struct store *s, sqlite3_stmt *st, int i, json_t **out, struct err *err)
{
	int rc = parse_column(s, st, i, out, err);
	return rc || !*out || json_is_object(*out) ? rc : sq_damaged(s, "the attributes of an operation of the journal are no map", err);
}

static int op_read(struct store *s, sqlite3_stmt *st, struct op_row *op, struct err *err)
{
	*op = (struct op_row){
		.id = sqlite3_column_int64(st, 0), .run = sqlite3_column_int64(st, 1), .address = sq_column(st, 2),
		.type = sq_column(st, 3), .owner = sq_column(st, 4), .action = sq_column(st, 5), .deps = sq_column(st, 6),
		.state = (enum op_state)sqlite3_column_int(st, 7), .provider = sq_column(st, 12),
		.protected = sqlite3_column_int(st, 13) != 0,
	};
	if (!op->address || !op->type || !op->owner || !op->action || !op->deps || op->state > OP_FAILED ||
	    op_sum(op, sq_column(st, 8), sq_column(st, 9)) != (uint64_t)sqlite3_column_int64(st, 11))
		return sq_damaged(s, "an operation of the journal has a wrong checksum", err);
	int rc = parse_attrs(s, st, 8, &op->config, err);
	if (rc == 0)
		rc = parse_attrs(s, st, 9, &op->prior, err);
	return rc ? rc : parse_column(s, st, 10, &op->note, err);
}

int store_open_ops(struct store *s, int (*each)(void *ctx, const struct op_row *op), void *ctx, struct err *err)
{
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_query(s, "SELECT id, run, address, type, owner, action, deps, state, config, prior, note, sum, provider, protected"
				    " FROM operation WHERE state < 3 ORDER BY id", err);
	if (!st)
		return err->code;
	int step, rc = 0;
	while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE) {
		struct op_row op = { 0 };
		rc = step == SQLITE_ROW ? op_read(s, st, &op, err) : sq_fail(s, "read the journal of", err);
		if (rc == 0)
			rc = each(ctx, &op);
		json_decref(op.config);
		json_decref(op.prior);
		json_decref(op.note);
	}
	sqlite3_finalize(st);
	return rc;
}
