/* A state file as it may be after any damage or malice. An input that begins as a database does is the file; any other is lines of rows,
 * columns parted by tabs, put into tables without constraints, with right checksums where a row's first word has no `!` before it:
 * `object`, `operation`, `run`, `note`, `output`, `gone`, `meta` (a lone `~` is NULL, digits are a number). It is read in all ways,
 * then, opened for writing, changed. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/sqlite_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The columns in the order of a line; SUM stands last and is made here. */
static const struct table { const char *name, *columns[15]; } tables[] = {
	{ "object", { "address", "type", "owner", "schema_version", "attrs", "deps", "version", "status", "provider", "protected" } },
	{ "operation", { "run", "address", "type", "owner", "action", "deps", "state", "config", "prior", "note", "message", "started", "ended", "provider", "protected" } },
	{ "run", { "command", "plan_id", "status", "started", "ended" } },
	{ "note", { "provider", "key", "value" } },
	{ "output", { "name", "text", "sensitive" } },
	{ "gone", { "address", "version" } },
	{ "meta", { "objects" } },
};

static char *dir, *path;

static void wipe(void)
{
	static const char *const behind[] = { "", "-wal", "-shm", "-journal", ".lock", ".new", ".new-wal", ".new-shm", ".new-journal" };
	for (size_t i = 0; i < ARRAY_LEN(behind); i++) {
		autofree char *file = xasprintf("%s%s", path, behind[i]);
		unlink(file);
	}
}

static void leave(void)
{
	wipe();
	rmdir(dir);
	free(dir);
	free(path);
}

static void start(void)
{
	json_setup();
	/* In memory where that is possible: a store waits for its disk. */
	dir = xasprintf("%s/aipc-fuzzXXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	path = file_join(dir, "state.db");
	setenv("TMPDIR", dir, 1);
	atexit(leave);
}

/* --- a state of rows ---------------------------------------------------------------------------------------------------- */

static void run_sql(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		abort();
}

static void make_tables(sqlite3 *db)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		autostr struct str sql;
		str_init(&sql, STR_OURS);
		str_addf(&sql, "CREATE TABLE %s (id INTEGER PRIMARY KEY, sum", tables[i].name);
		for (size_t k = 0; k < ARRAY_LEN(tables[i].columns) && tables[i].columns[k]; k++)
			str_addf(&sql, ", %s", tables[i].columns[k]);
		str_add(&sql, ")");
		run_sql(db, sql.at);
	}
	run_sql(db, "CREATE UNIQUE INDEX a ON object (address); CREATE UNIQUE INDEX g ON gone (address);"
		    "CREATE UNIQUE INDEX n ON note (provider, key); CREATE UNIQUE INDEX o ON output (name)");
}

static void bind_field(sqlite3_stmt *st, int i, char *text)
{
	size_t digits = strspn(text, "0123456789");
	if (!text[0] || strcmp(text, "~") == 0)
		sqlite3_bind_null(st, i);
	else if (digits < 19 && !text[digits])
		sqlite3_bind_int64(st, i, strtoll(text, NULL, 10));
	else
		sqlite3_bind_text(st, i, text, -1, SQLITE_TRANSIENT);
}

static void add_row(sqlite3 *db, const struct table *t, char *fields)
{
	autostr struct str sql;
	str_init(&sql, STR_OURS);
	str_addf(&sql, "INSERT OR IGNORE INTO %s VALUES (NULL, 0", t->name);
	int n = 0;
	for (; (size_t)n < ARRAY_LEN(t->columns) && t->columns[n]; n++)
		str_addf(&sql, ", ?%d", n + 1);
	str_add(&sql, ")");
	sqlite3_stmt *st = NULL;
	if (sqlite3_prepare_v2(db, sql.at, -1, &st, NULL) != SQLITE_OK)
		abort();
	char *rest = fields;
	for (int i = 1; i <= n && rest; i++)
		bind_field(st, i, strsep(&rest, "\t"));
	sqlite3_step(st);
	sqlite3_finalize(st);
}

/* As sqlite_object.c and sqlite_journal.c do it. */
static int64_t sum_of(sqlite3_stmt *st, const char *kinds)
{
	uint64_t h = SQ_SUM_START;
	for (int i = 0; kinds[i]; i++) {
		const char *text = (const char *)sqlite3_column_text(st, i);
		if (kinds[i] == 't' || (kinds[i] == 'o' && text))
			h = sq_sum_text(h, text);
		else if (kinds[i] == 'i' || (kinds[i] == 'p' && sqlite3_column_int(st, i)))
			h = sq_sum_int(h, kinds[i] == 'p' ? 1 : sqlite3_column_int64(st, i));
	}
	return (int64_t)h;
}

static void add_sum(sqlite3 *db, const char *table, const char *columns, const char *kinds)
{
	autofree char *ask = xasprintf("SELECT %s FROM %s WHERE id = last_insert_rowid()", columns, table);
	autofree char *set = xasprintf("UPDATE %s SET sum = ?1 WHERE id = last_insert_rowid()", table);
	sqlite3_stmt *st = NULL, *up = NULL;
	if (sqlite3_prepare_v2(db, ask, -1, &st, NULL) != SQLITE_OK || sqlite3_prepare_v2(db, set, -1, &up, NULL) != SQLITE_OK)
		abort();
	if (sqlite3_step(st) == SQLITE_ROW) {
		sqlite3_bind_int64(up, 1, sum_of(st, kinds));
		sqlite3_step(up);
	}
	sqlite3_finalize(st);
	sqlite3_finalize(up);
}

static void add_line(sqlite3 *db, char *line)
{
	bool right = line[0] != '!';
	char *rest = right ? line : line + 1, *name = strsep(&rest, "\t");
	for (size_t i = 0; rest && i < ARRAY_LEN(tables); i++) {
		if (strcmp(tables[i].name, name) != 0)
			continue;
		add_row(db, &tables[i], rest);
		if (right && i == 0)
			add_sum(db, name, "address, type, owner, schema_version, attrs, deps, version, status, provider, protected", "tttittiiop");
		else if (right && i == 1)
			add_sum(db, name, "run, address, type, owner, action, deps, config, prior, provider, protected", "itttttttop");
	}
}

static void make_rows(char *text)
{
	sqlite3 *db = NULL;
	if (sqlite3_open(path, &db) != SQLITE_OK)
		abort();
	autofree char *head = xasprintf("PRAGMA page_size = 1024; PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL; PRAGMA application_id = %d;"
					"PRAGMA user_version = 3; BEGIN", SQ_APPLICATION);
	run_sql(db, head);
	make_tables(db);
	for (char *line, *rest = text; (line = strsep(&rest, "\n")) != NULL; )
		if (line[0])
			add_line(db, line);
	run_sql(db, "INSERT INTO meta (objects) SELECT count(*) FROM object WHERE NOT EXISTS (SELECT 1 FROM meta); COMMIT");
	sqlite3_close(db);
}

/* --- reading and writing -------------------------------------------------------------------------------------------------- */

static size_t touched;

static void touch(const char *text)
{
	touched += strlen(text);             /* what the store hands out is a text where store.h does not say that it may be NULL */
}

static int see_object(void *ctx, const struct object *o)
{
	char *address = ctx;
	touch(o->address);
	touch(o->type);
	touch(o->owner);
	if (!json_is_object(o->attrs) || !json_is_array(o->deps) || o->status > OBJ_PARTIAL)
		abort();
	if (!address[0] && strlen(o->address) < 200)
		strcpy(address, o->address);
	return 0;
}

static int see_op(void *ctx, const struct op_row *op)
{
	touch(op->address);
	touch(op->type);
	touch(op->owner);
	touch(op->action);
	touch(op->deps);
	if ((op->config && !json_is_object(op->config)) || (op->prior && !json_is_object(op->prior)) || op->state > OP_FAILED)
		abort();
	*(int64_t *)ctx = op->id;
	return 0;
}

static int see_note(void *ctx, const char *key, const char *value)
{
	(void)ctx;
	touch(key);
	touch(value);
	return 0;
}

static int see_output(void *ctx, const struct stored_output *o)
{
	(void)ctx;
	touch(o->name);
	return 0;
}

static void told(int rc, const struct err *err)
{
	if (rc && !err->msg[0])
		abort();
}

static void read_all(struct store *s, char address[256], int64_t *op)
{
	struct err err = { 0 };
	struct object o = { 0 };
	struct run run;
	int64_t serial;
	told(store_serial(s, &serial, &err), &err);
	told(store_objects(s, see_object, address, &err), &err);
	int rc = store_object(s, address, &o, &err);
	told(rc, &err);
	if (!rc && o.address) {
		json_decref(o.attrs);
		json_decref(o.deps);
	}
	told(store_open_ops(s, see_op, op, &err), &err);
	rc = run_last(s, &run, &err);
	told(rc, &err);
	if (!rc && run.id) {
		touch(run.command);
		touch(run.status);
		touch(run.started);
	}
	told(store_notes(s, "redfish", see_note, NULL, &err), &err);
	told(store_outputs(s, see_output, NULL, &err), &err);
}

static void change(struct store *s, const char *address, int64_t op)
{
	struct err err = { 0 };
	int64_t id, version;
	autojson json_t *attrs = json_pack("{s:i}", "a", 1);
	struct object o = { .address = address[0] ? address : "t.a", .type = "t", .owner = "t.a", .attrs = attrs };
	struct store_move m = { o.address, "t.moved", "t.moved" };
	struct op_row row = { .address = o.address, .type = "t", .owner = "t.a", .action = "update", .config = attrs };
	struct stored_output out = { "x", "1", false };
	if (store_lock(s, "fuzz", &err)) {
		told(1, &err);
		return;
	}
	told(store_put(s, &o, &version, &err), &err);
	int rc = run_begin(s, "apply", "p1", &m, 1, &id, &err);
	told(rc, &err);
	row.run = id = rc ? 1 : id;
	told(op_begin(s, &row, &row.id, &err), &err);
	told(op_note(s, op, OP_SENT, attrs, &err), &err);
	told(op_done(s, op, o.address, &o, &err), &err);
	told(op_failed(s, row.id, "no", NULL, &err), &err);
	told(run_end(s, id, "done", &err), &err);
	told(store_note_put(s, "redfish", "k", "v", &err), &err);
	told(store_outputs_put(s, &out, 1, &err), &err);
	told(store_delete(s, "t.moved", &err), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	char address[256] = "";
	int64_t op = 0;
	if (!path)
		start();
	if (size > 200000)
		return 0;
	if (size >= 15 && memcmp(data, "SQLite format 3", 15) == 0) {
		if (file_write(path, (const char *)data, size, 0600, &err))
			abort();
	} else {
		autofree char *text = xstrndup((const char *)data, size);
		make_rows(text);
	}
	for (int writing = 0; writing < 2; writing++) {
		struct store *s = NULL;
		int rc = store_open(path, !writing, &s, &err);
		told(rc, &err);
		if (rc)
			continue;
		read_all(s, address, &op);
		if (writing)
			change(s, address, op);
		store_close(s);
	}
	wipe();
	return 0;
}
