#include "state/sqlite_int.h"

int store_note_put(struct store *s, const char *provider, const char *key, const char *value, struct err *err)
{
	struct err ignored;
	if (s->read_only)
		return 0;
	if (!s->db) {
		/* Making the store needs its lock; when someone else has it, this hint is not worth waiting for. */
		bool ours = s->lock < 0;
		if (ours && sq_lock(s, "aipc", &ignored))
			return 0;
		int rc = sq_writable(s, false, err);
		if (ours)
			sq_unlock(s);
		if (rc)
			return rc;
	}
	int rc = sq_writable(s, false, err);
	sqlite3_stmt *st = rc ? NULL : sq_stmt(s, value ? SQ_NOTE_PUT : SQ_NOTE_DROP, err);
	if (!st)
		return err->code;
	sq_text(st, 1, provider);
	sq_text(st, 2, key);
	sq_text(st, 3, value);
	return sq_run(s, st, "write a note to", err);
}

int store_notes(struct store *s, const char *provider, int (*each)(void *ctx, const char *key, const char *value), void *ctx,
		struct err *err)
{
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_query(s, "SELECT key, value FROM note WHERE provider = ?1 ORDER BY key", err);
	if (!st)
		return err->code;
	sq_text(st, 1, provider);
	int step, rc = 0;
	while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE) {
		const char *key = step == SQLITE_ROW ? sq_column(st, 0) : NULL, *value = step == SQLITE_ROW ? sq_column(st, 1) : NULL;
		rc = step != SQLITE_ROW ? sq_fail(s, "read the notes of", err)
		     : key && value	? each(ctx, key, value)
					: sq_damaged(s, "a column of a note is missing", err);
	}
	sqlite3_finalize(st);
	return rc;
}

static int output_put(struct store *s, const struct stored_output *o, struct err *err)
{
	sqlite3_stmt *st = sq_stmt(s, SQ_OUTPUT_PUT, err);
	if (!st)
		return err->code;
	sq_text(st, 1, o->name);
	sq_text(st, 2, o->sensitive ? NULL : o->text);
	sqlite3_bind_int(st, 3, o->sensitive);
	return sq_run(s, st, "write the outputs to", err);
}

int store_outputs_put(struct store *s, const struct stored_output *o, size_t n, struct err *err)
{
	int rc = sq_writable(s, true, err);
	if (rc || (rc = sq_begin(s, err)))
		return rc;
	sqlite3_stmt *st = sq_stmt(s, SQ_OUTPUT_CLEAR, err);
	rc = st ? sq_run(s, st, "write the outputs to", err) : err->code;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = output_put(s, &o[i], err);
	return sq_end(s, rc, err);
}

int store_outputs(struct store *s, int (*each)(void *ctx, const struct stored_output *o), void *ctx, struct err *err)
{
	if (!s->db)
		return 0;
	sqlite3_stmt *st = sq_query(s, "SELECT name, text, sensitive FROM output ORDER BY name", err);
	if (!st)
		return err->code;
	int step, rc = 0;
	while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE) {
		if (step != SQLITE_ROW) {
			rc = sq_fail(s, "read the outputs of", err);
			break;
		}
		struct stored_output o = { sq_column(st, 0), sq_column(st, 1), sqlite3_column_int(st, 2) != 0 };
		rc = o.name ? each(ctx, &o) : sq_damaged(s, "the name of an output is missing", err);
	}
	sqlite3_finalize(st);
	return rc;
}
