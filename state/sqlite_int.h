/* sqlite_int - what the files of the SQLite store share.
 *
 * The store runs on the loop thread: calls are short (one commit is one fsync of the write-ahead log).
 *
 * What protects the data: the file is made beside its place and renamed, so a short or empty file is damage and never a
 * beginning; WAL with synchronous=FULL; the header is looked at before SQLite may write anything; every object and operation
 * carries a checksum over its columns and the number of objects is kept, so flipped bytes and lost rows are noticed by any
 * reader; store_lock() checks the whole structure before anything is changed.
 */
#ifndef STATE_SQLITE_INT_H
#define STATE_SQLITE_INT_H

#include <sqlite3.h>

#include "base/arena.h"
#include "state/store.h"

enum {
	SQ_APPLICATION = 0x41495043,         /* "AIPC" at offset 68 of the file */
	SQ_MAX_TEXT = 64 << 20,              /* bytes of one object's attributes, at most */
	SQ_BUSY_MS = 5000,                   /* how long a write waits for another process's short write */
};

/* One step of the upgrade: from version FROM to FROM + 1. */
struct sq_upgrade { int from; const char *sql; };
struct sq_format {
	int version;                         /* what this program reads and writes */
	const struct sq_upgrade *steps; size_t n;
};

enum sq_id {
	SQ_SERIAL, SQ_VERSION_OF, SQ_PUT, SQ_BURY, SQ_DELETE, SQ_ONE,
	SQ_RUN_PLAN, SQ_RUN_STALE, SQ_RUN_BEGIN, SQ_RUN_END, SQ_RUN_LAST,
	SQ_OP_BEGIN, SQ_OP_NOTE, SQ_OP_END,
	SQ_NOTE_PUT, SQ_NOTE_DROP, SQ_OUTPUT_CLEAR, SQ_OUTPUT_PUT,
	SQ_BEGIN, SQ_COMMIT, SQ_ROLLBACK,
	SQ_COUNT
};

struct store {
	char *path;                          /* as given: for messages */
	char *real;                          /* resolved */
	bool read_only;
	bool damaged;                        /* seen by some call: nothing is written any more, also not by closing */
	const struct sq_format *format;
	sqlite3 *db;                         /* NULL: there is no file yet */
	sqlite3_stmt *cached[SQ_COUNT];
	int lock;                            /* descriptor of the lock file, -1: not held */
	struct arena *strings;               /* of the last store_object() or run_last() */
};

/* store_open() with another format: for testing upgrades. */
int sq_open(const char *path, bool read_only, const struct sq_format *format, struct store **out, struct err *err) MUST_CHECK;

/* --- sqlite_db.c: statements, transactions, failures ---------------------------------------------------------- */
/* The failure of the last call on the database, as a sentence about the file. WHAT: "read the objects of". */
int sq_fail(struct store *s, const char *what, struct err *err);
int sq_damaged(struct store *s, const char *how, struct err *err);
int sq_exec(struct store *s, const char *sql, const char *what, struct err *err) MUST_CHECK;
int sq_pragma(struct store *s, const char *name, int64_t *out, struct err *err) MUST_CHECK;
/* A cached statement, reset and without bindings; NULL after a failure. */
sqlite3_stmt *sq_stmt(struct store *s, enum sq_id id, struct err *err);
/* A statement of one's own, to be finalized: for iteration that may nest. */
sqlite3_stmt *sq_query(struct store *s, const char *sql, struct err *err);
/* Runs a bound cached statement that gives no rows, and resets it. */
int sq_run(struct store *s, sqlite3_stmt *st, const char *what, struct err *err) MUST_CHECK;
/* Makes sure that there is a database to write to; LOCKED: only the holder of the lock may (a breach is a bug). */
int sq_writable(struct store *s, bool locked, struct err *err) MUST_CHECK;
/* sq_begin(); ...; return sq_end(s, rc, err): commits when RC is 0, else rolls back and returns RC. */
int sq_begin(struct store *s, struct err *err) MUST_CHECK;
int sq_end(struct store *s, int rc, struct err *err) MUST_CHECK;

void sq_text(sqlite3_stmt *st, int i, const char *text);               /* NULL binds NULL; borrowed until reset */
/* Canonical text of J (NULL: *OUT NULL), proven to read back; E_INPUT when it could not (too long, a NUL inside). */
int sq_json_text(const json_t *j, const char *what, char **out, struct err *err) MUST_CHECK;
const char *sq_column(sqlite3_stmt *st, int i);                        /* NULL for NULL */
/* FNV-1a over texts and numbers, each with its length; not against malice but against torn and flipped bytes. */
uint64_t sq_sum_text(uint64_t h, const char *text);
uint64_t sq_sum_int(uint64_t h, int64_t n);
#define SQ_SUM_START 14695981039346656037u

/* --- sqlite_file.c ----------------------------------------------------------------------------------------------- */
int sq_file_open(struct store *s, struct err *err) MUST_CHECK;         /* leaves s->db NULL when there is no file */
int sq_file_create(struct store *s, struct err *err) MUST_CHECK;       /* and opens it; the lock must be held */
void sq_file_close(struct store *s);

/* --- sqlite_lock.c ------------------------------------------------------------------------------------------------ */
int sq_lock(struct store *s, const char *command, struct err *err) MUST_CHECK;
void sq_unlock(struct store *s);

/* --- sqlite_object.c ---------------------------------------------------------------------------------------------- */
/* Inside a transaction. */
int sq_object_write(struct store *s, const struct object *o, int64_t *version, struct err *err) MUST_CHECK;
int sq_object_drop(struct store *s, const char *address, struct err *err) MUST_CHECK;
int sq_objects_move(struct store *s, const struct store_move *m, size_t n, struct err *err) MUST_CHECK;

#endif
