#include "state/sqlite_int.h"

#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const char *const sql_of[SQ_COUNT] = {
	[SQ_SERIAL] = "SELECT coalesce(max(id), 0) FROM run",
	[SQ_VERSION_OF] = "SELECT coalesce(max(v), 0) FROM (SELECT version AS v FROM object WHERE address = ?1"
			  " UNION ALL SELECT version FROM gone WHERE address = ?1)",
	[SQ_PUT] = "INSERT INTO object (address, type, owner, schema_version, attrs, deps, version, status, sum, provider, protected)"
		   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (address) DO UPDATE SET type = excluded.type,"
		   " owner = excluded.owner, schema_version = excluded.schema_version, attrs = excluded.attrs,"
		   " deps = excluded.deps, version = excluded.version, status = excluded.status, sum = excluded.sum,"
		   " provider = excluded.provider, protected = excluded.protected",
	[SQ_BURY] = "INSERT INTO gone (address, version) SELECT address, version FROM object WHERE address = ?1"
		    " ON CONFLICT (address) DO UPDATE SET version = excluded.version",
	[SQ_DELETE] = "DELETE FROM object WHERE address = ?1",
	[SQ_ONE] = "SELECT address, type, owner, schema_version, attrs, deps, version, status, sum, provider, protected FROM object WHERE address = ?1",
	[SQ_RUN_PLAN] = "SELECT id, started FROM run WHERE plan_id = ?1",
	[SQ_RUN_STALE] = "UPDATE run SET status = 'interrupted', ended = ?1 WHERE status = 'running'",
	[SQ_RUN_BEGIN] = "INSERT INTO run (command, plan_id, status, started) VALUES (?1, ?2, 'running', ?3)",
	[SQ_RUN_END] = "UPDATE run SET status = ?2, ended = ?3 WHERE id = ?1",
	[SQ_RUN_LAST] = "SELECT id, command, plan_id, status, started, ended FROM run ORDER BY id DESC LIMIT 1",
	[SQ_OP_BEGIN] = "INSERT INTO operation (run, address, type, owner, action, deps, state, config, prior, note, sum, started, provider, protected)"
			" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
	[SQ_OP_NOTE] = "UPDATE operation SET state = ?2, note = coalesce(?3, note) WHERE id = ?1 AND state < 3",
	/* What an ended operation was to establish is in the object now: the history keeps only what happened. */
	[SQ_OP_END] = "UPDATE operation SET state = ?2, message = ?3, ended = ?4, config = NULL, prior = NULL"
		      " WHERE id = ?1 AND state < 3",
	[SQ_NOTE_PUT] = "INSERT INTO note (provider, key, value) VALUES (?1, ?2, ?3)"
			" ON CONFLICT (provider, key) DO UPDATE SET value = excluded.value",
	[SQ_NOTE_DROP] = "DELETE FROM note WHERE provider = ?1 AND key = ?2",
	[SQ_OUTPUT_CLEAR] = "DELETE FROM output",
	[SQ_OUTPUT_PUT] = "INSERT INTO output (name, text, sensitive) VALUES (?1, ?2, ?3)",
	[SQ_BEGIN] = "BEGIN IMMEDIATE",
	[SQ_COMMIT] = "COMMIT",
	[SQ_ROLLBACK] = "ROLLBACK",
};

int sq_damaged(struct store *s, const char *how, struct err *err)
{
	s->damaged = true;
	if (s->db)
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return err_set(err, E_IO, "the state %s is damaged (%s); nothing was written to it: restore it from a backup, or move it away "
		       "to start with an empty state", s->path, how);
}

static int fail_io(struct store *s, const char *what, int e, struct err *err)
{
	if (e == ENOSPC || e == EDQUOT)
		return err_set(err, E_IO, "cannot %s the state %s: the disk is full; free some space and run the command again", what, s->path);
	return err_set(err, E_IO, "cannot %s the state %s: %s", what, s->path, e ? strerror(e) : sqlite3_errmsg(s->db));
}

int sq_fail(struct store *s, const char *what, struct err *err)
{
	int e = sqlite3_system_errno(s->db);
	switch (sqlite3_errcode(s->db)) {
	case SQLITE_CORRUPT: case SQLITE_NOTADB: case SQLITE_SCHEMA:
		return sq_damaged(s, sqlite3_errmsg(s->db), err);
	case SQLITE_FULL:
		return fail_io(s, what, ENOSPC, err);
	case SQLITE_READONLY: case SQLITE_PERM: case SQLITE_AUTH:
		return err_set(err, E_DENIED, "cannot %s the state %s: the file or its folder is read-only; make both writable for this user",
			       what, s->path);
	case SQLITE_BUSY: case SQLITE_LOCKED:
		return err_set(err, E_BUSY, "cannot %s the state %s: another process is writing to it; try again", what, s->path);
	case SQLITE_CANTOPEN:
		if (e == EACCES || e == EPERM || e == EROFS)
			return err_set(err, E_DENIED, "cannot %s the state %s: %s; make the file and its folder accessible for this user",
				       what, s->path, strerror(e));
		return fail_io(s, what, e, err);
	case SQLITE_TOOBIG:
		return err_set(err, E_INPUT, "cannot %s the state %s: an entry is larger than %d MiB", what, s->path, SQ_MAX_TEXT >> 20);
	case SQLITE_CONSTRAINT:
		return err_set(err, E_INPUT, "cannot %s the state %s: %s", what, s->path, sqlite3_errmsg(s->db));
	case SQLITE_NOMEM:
		BUG("out of memory in the store");
	case SQLITE_IOERR:
		return fail_io(s, what, e, err);
	default:
		/* A table or column is missing: the file is not as we wrote it. */
		return sq_damaged(s, sqlite3_errmsg(s->db), err);
	}
}

int sq_exec(struct store *s, const char *sql, const char *what, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : sq_fail(s, what, err);
}

int sq_pragma(struct store *s, const char *name, int64_t *out, struct err *err)
{
	autofree char *sql = xasprintf("PRAGMA %s", name);
	sqlite3_stmt *st = sq_query(s, sql, err);
	if (!st)
		return err->code;
	int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : sq_fail(s, "read", err);
	if (rc == 0)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc;
}

sqlite3_stmt *sq_query(struct store *s, const char *sql, struct err *err)
{
	sqlite3_stmt *st;
	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK)
		return st;
	(void)sq_fail(s, "read", err);
	return NULL;
}

sqlite3_stmt *sq_stmt(struct store *s, enum sq_id id, struct err *err)
{
	sqlite3_stmt **st = &s->cached[id];
	if (!*st && sqlite3_prepare_v3(s->db, sql_of[id], -1, SQLITE_PREPARE_PERSISTENT, st, NULL) != SQLITE_OK) {
		(void)sq_fail(s, "read", err);
		return NULL;
	}
	sqlite3_reset(*st);
	sqlite3_clear_bindings(*st);
	return *st;
}

int sq_run(struct store *s, sqlite3_stmt *st, const char *what, struct err *err)
{
	int rc = sqlite3_step(st) == SQLITE_DONE ? 0 : sq_fail(s, what, err);
	sqlite3_reset(st);
	return rc;
}

int sq_writable(struct store *s, bool locked, struct err *err)
{
	if (s->read_only)
		return err_set(err, E_DENIED, "the state %s was opened for reading only", s->path);
	if (locked && s->lock < 0)
		BUG("a change of the state without store_lock()");
	if (s->damaged)
		return sq_damaged(s, "as found before", err);
	return s->db ? 0 : sq_file_create(s, err);
}

static int simple(struct store *s, enum sq_id id, struct err *err)
{
	sqlite3_stmt *st = sq_stmt(s, id, err);
	return st ? sq_run(s, st, "write", err) : err->code;
}

int sq_begin(struct store *s, struct err *err)
{
	return simple(s, SQ_BEGIN, err);
}

int sq_end(struct store *s, int rc, struct err *err)
{
	struct err ignored;
	if (rc == 0)
		rc = simple(s, SQ_COMMIT, err);
	/* SQLite may have rolled back by itself (disk full). */
	if (rc && !sqlite3_get_autocommit(s->db) && simple(s, SQ_ROLLBACK, &ignored))
		s->damaged = true;
	return rc;
}

void sq_text(sqlite3_stmt *st, int i, const char *text)
{
	if (text)
		sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

int sq_json_text(const json_t *j, const char *what, char **out, struct err *err)
{
	if (!j) {
		*out = NULL;
		return 0;
	}
	char *text = json_text(j);
	size_t len = strlen(text);
	autojson json_t *back = NULL;
	int rc = len > SQ_MAX_TEXT ? err_set(err, E_INPUT, "%s take more than %d MiB", what, SQ_MAX_TEXT >> 20)
				   : json_parse(text, len, what, &back, err);
	if (rc)
		free(text);
	else
		*out = text;
	return rc;
}

const char *sq_column(sqlite3_stmt *st, int i)
{
	return (const char *)sqlite3_column_text(st, i);
}

static uint64_t sum_bytes(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 1099511628211u;
	return h;
}

uint64_t sq_sum_int(uint64_t h, int64_t n)
{
	return sum_bytes(h, &n, sizeof(n));
}

uint64_t sq_sum_text(uint64_t h, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	return sum_bytes(sq_sum_int(h, text ? (int64_t)n : -1), text, n);
}
