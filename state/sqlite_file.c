/* The file of the store: how it is made, looked at before anything else, upgraded, and closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/sqlite_int.h"

/* Runs and operations are never deleted, so their ids grow. */
static const char schema[] =
	"CREATE TABLE meta (one INTEGER PRIMARY KEY CHECK (one = 1), objects INTEGER NOT NULL) STRICT;"
	"INSERT INTO meta VALUES (1, 0);"
	"CREATE TABLE object (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE, type TEXT NOT NULL, owner TEXT NOT NULL,"
	" schema_version INTEGER NOT NULL, attrs TEXT NOT NULL, deps TEXT NOT NULL, version INTEGER NOT NULL,"
	" status INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;"
	"CREATE TRIGGER object_added AFTER INSERT ON object BEGIN UPDATE meta SET objects = objects + 1; END;"
	"CREATE TRIGGER object_gone AFTER DELETE ON object BEGIN UPDATE meta SET objects = objects - 1; END;"
	"CREATE TABLE gone (address TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;"
	"CREATE TABLE run (id INTEGER PRIMARY KEY, command TEXT NOT NULL, plan_id TEXT UNIQUE, status TEXT NOT NULL,"
	" started TEXT NOT NULL, ended TEXT) STRICT;"
	"CREATE TABLE operation (id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run (id),"
	" address TEXT NOT NULL, type TEXT NOT NULL, owner TEXT NOT NULL, action TEXT NOT NULL, deps TEXT NOT NULL,"
	" state INTEGER NOT NULL, config TEXT, prior TEXT, note TEXT, sum INTEGER NOT NULL, message TEXT,"
	" started TEXT NOT NULL, ended TEXT) STRICT;"
	"CREATE INDEX operation_open ON operation (id) WHERE state < 3;"
	"CREATE TABLE note (provider TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (provider, key)) STRICT;"
	"CREATE TABLE output (name TEXT PRIMARY KEY, text TEXT, sensitive INTEGER NOT NULL) STRICT;";

static char *beside(const struct store *s, const char *suffix)
{
	return xasprintf("%s%s", s->real, suffix);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

/* --- connecting --------------------------------------------------------------------------------------------------- */
static int connect_to(struct store *s, const char *file, const char *query, int flags, struct err *err)
{
	autostr struct str uri;
	str_init(&uri, STR_OURS);
	str_add(&uri, "file:");
	for (const char *p = file; *p; p++)
		if (strchr("%?#", *p))
			str_addf(&uri, "%%%02x", (unsigned char)*p);
		else
			str_addc(&uri, *p);
	str_addf(&uri, "?%s", query);
	int rc = sqlite3_open_v2(uri.at, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return s->db ? sq_fail(s, "open", err) : err_set(err, E_IO, "cannot open the state %s", s->path);
	sqlite3_busy_timeout(s->db, SQ_BUSY_MS);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, SQ_MAX_TEXT + 4096);
	/* The schema in the file is data from outside: it may not reach further than its own tables. */
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	return 0;
}

static void disconnect(struct store *s)
{
	for (size_t i = 0; i < SQ_COUNT; i++) {
		sqlite3_finalize(s->cached[i]);
		s->cached[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

void sq_file_close(struct store *s)
{
	autofree char *wal = beside(s, "-wal");
	struct stat st;
	/* A reader leaves what a killed writer left in the log where it is: moving it into the file is a write. */
	if (s->db && (s->damaged || (s->read_only && stat(wal, &st) == 0 && st.st_size > 0)))
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	disconnect(s);
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int newer(struct store *s, int64_t version, struct err *err)
{
	s->damaged = true;
	return err_set(err, E_UNSUPPORTED, "the state %s was written by a newer aipc (format %lld, this one knows up to %d): use that version",
		       s->path, (long long)version, s->format->version);
}

/* Looks at the first bytes through SQLite's own descriptor (closing another one would drop SQLite's locks), before any
 * call that lets it recover a journal. */
static int check_header(struct store *s, struct err *err)
{
	sqlite3_file *f = NULL;
	sqlite3_int64 size = 0;
	unsigned char h[100] = { 0 };
	autofree char *how = NULL;
	if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &f) != SQLITE_OK || !f || !f->pMethods ||
	    f->pMethods->xFileSize(f, &size) != SQLITE_OK)
		return sq_fail(s, "read", err);
	if (size < (sqlite3_int64)sizeof(h)) {
		how = xasprintf("it has %lld bytes", (long long)size);
		return sq_damaged(s, size ? how : "it is empty", err);
	}
	if (f->pMethods->xRead(f, h, sizeof(h), 0) != SQLITE_OK)
		return err_set(err, E_IO, "cannot read the state %s", s->path);
	if (memcmp(h, "SQLite format 3", 16) != 0)
		return sq_damaged(s, "its first bytes are not those of a state, or it is another program's", err);
	if (be32(h + 68) != SQ_APPLICATION) {
		s->damaged = true;
		return err_set(err, E_INPUT, "%s is a database of another program, not a state of aipc: it was left alone; name another file in "
			       "aipc.state.path", s->path);
	}
	return be32(h + 60) > (uint32_t)s->format->version ? newer(s, be32(h + 60), err) : 0;
}

/* --- making ------------------------------------------------------------------------------------------------------- */
static int sync_path(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_CLOEXEC);
	int rc = fd < 0 || (fsync(fd) != 0 && errno != EINVAL) ? err_errno(err, "cannot sync %s", path) : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int to_wal(struct store *s, struct err *err)
{
	sqlite3_stmt *st = sq_query(s, "PRAGMA journal_mode = WAL", err);
	if (!st)
		return err->code;
	int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : sq_fail(s, "write", err);
	if (rc == 0 && strcmp(sq_column(st, 0), "wal") != 0)
		rc = err_set(err, E_UNSUPPORTED, "the file system of the state %s cannot share memory (mmap): put the state on a local disk",
			     s->path);
	sqlite3_finalize(st);
	return rc;
}

static int upgrade_steps(struct store *s, int64_t version, struct err *err)
{
	for (; version < s->format->version; version++) {
		const struct sq_upgrade *step = s->format->steps;
		while (step < s->format->steps + s->format->n && step->from != version)
			step++;
		if (step == s->format->steps + s->format->n)
			return err_set(err, E_UNSUPPORTED, "the state %s has format %lld, which this aipc cannot upgrade any more", s->path,
				       (long long)version);
		autofree char *mark = xasprintf("PRAGMA user_version = %lld", (long long)version + 1);
		int rc = sq_exec(s, step->sql, "upgrade", err);
		if (rc == 0)
			rc = sq_exec(s, mark, "upgrade", err);
		if (rc)
			return rc;
	}
	return 0;
}

static int fill(struct store *s, struct err *err)
{
	autofree char *head = xasprintf("PRAGMA application_id = %d; PRAGMA user_version = 1", SQ_APPLICATION);
	int rc = to_wal(s, err);
	if (rc == 0)
		rc = sq_exec(s, "BEGIN IMMEDIATE", "make", err);
	if (rc == 0)
		rc = sq_exec(s, head, "make", err);
	if (rc == 0)
		rc = sq_exec(s, schema, "make", err);
	if (rc == 0)
		rc = upgrade_steps(s, 1, err);
	return rc ? rc : sq_exec(s, "COMMIT", "make", err);
}

static void remove_new(const struct store *s)
{
	static const char *const suffixes[] = { ".new", ".new-wal", ".new-shm", ".new-journal" };
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		autofree char *path = beside(s, suffixes[i]);
		unlink(path);
	}
}

static int make_new(struct store *s, const char *path, struct err *err)
{
	int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, "cannot make the state %s", s->path);
	close(fd);
	int rc = connect_to(s, path, "mode=rw", SQLITE_OPEN_READWRITE, err);
	if (rc == 0)
		rc = fill(s, err);
	/* All of it must be in the one file that is renamed; closing would not say that it could not. */
	if (rc == 0 && sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
		rc = sq_fail(s, "make", err);
	disconnect(s);
	return rc ? rc : sync_path(path, O_RDWR, err);
}

int sq_file_create(struct store *s, struct err *err)
{
	autofree char *path = beside(s, ".new"), *dir = folder_of(s->real);
	remove_new(s);
	int rc = file_exists(s->real) ? 0 : make_new(s, path, err);
	if (rc == 0 && !file_exists(s->real))
		rc = rename(path, s->real) == 0 ? sync_path(dir, O_RDONLY | O_DIRECTORY, err)
						: err_errno(err, "cannot make the state %s", s->path);
	if (rc) {
		remove_new(s);
		return rc;
	}
	return sq_file_open(s, err);
}

/* --- upgrading ---------------------------------------------------------------------------------------------------- */
static int upgrade_in_place(struct store *s, struct err *err)
{
	int64_t version;
	int rc = sq_begin(s, err);
	if (rc)
		return rc;
	rc = sq_pragma(s, "user_version", &version, err);
	return sq_end(s, rc ? rc : upgrade_steps(s, version, err), err);
}

/* A reader of an older state upgrades a copy in memory. */
static int upgrade_in_memory(struct store *s, struct err *err)
{
	sqlite3 *from = s->db;
	memset(s->cached, 0, sizeof(s->cached));
	s->db = NULL;
	int rc = connect_to(s, ":memory:", "mode=memory", SQLITE_OPEN_READWRITE, err);
	sqlite3_backup *b = rc ? NULL : sqlite3_backup_init(s->db, "main", from, "main");
	if (rc == 0 && (!b || sqlite3_backup_step(b, -1) != SQLITE_DONE))
		rc = sq_fail(s, "copy", err);
	if (b)
		sqlite3_backup_finish(b);
	sqlite3_db_config(from, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(from);
	return rc ? rc : upgrade_in_place(s, err);
}

static int check_version(struct store *s, struct err *err)
{
	int64_t version;
	int rc = sq_pragma(s, "user_version", &version, err);
	if (rc || version == s->format->version)
		return rc;
	if (version > s->format->version)
		return newer(s, version, err);
	if (version < 1)
		return sq_damaged(s, "its format number is not one of aipc", err);
	if (s->read_only)
		return upgrade_in_memory(s, err);
	bool ours = s->lock < 0;
	rc = ours ? sq_lock(s, "aipc (upgrade of the state)", err) : 0;
	if (rc == 0)
		rc = upgrade_in_place(s, err);
	if (ours)
		sq_unlock(s);
	return rc;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */
static int first_read(struct store *s, struct err *err)
{
	int rc = check_header(s, err);
	int64_t ignored;
	if (rc == 0)
		rc = sq_exec(s, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;"
			     "PRAGMA cell_size_check = ON; PRAGMA wal_autocheckpoint = 4000", "open", err);
	if (rc == 0 && s->read_only)
		rc = sq_exec(s, "PRAGMA query_only = ON", "open", err);
	return rc ? rc : sq_pragma(s, "schema_version", &ignored, err);
}

static int copy_file(const char *from, const char *to, struct err *err)
{
	char buf[1 << 16];
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc = 0;
	ssize_t n = -1;
	if (in < 0 || out < 0)
		rc = err_errno(err, "cannot copy %s to %s", from, to);
	while (rc == 0 && (n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, (size_t)n) != n)
			rc = err_errno(err, "cannot copy %s to %s", from, to);
	if (rc == 0 && n < 0)
		rc = err_errno(err, "cannot copy %s to %s", from, to);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

/* A log that nobody can take up in place (read-only folder, no shared memory file): read a copy of both. */
static int open_copy(struct store *s, struct err *err)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	const char *tmp = getenv("TMPDIR");
	autofree char *dir = xasprintf("%s/aipc-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return err_errno(err, "cannot copy the state %s for reading", s->path);
	autofree char *copy = file_join(dir, "state.db");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < 2; i++) {
		autofree char *from = beside(s, suffixes[i]), *to = xasprintf("%s%s", copy, suffixes[i]);
		rc = copy_file(from, to, err);
	}
	if (rc == 0)
		rc = connect_to(s, copy, "mode=rw", SQLITE_OPEN_READWRITE, err);
	if (rc == 0)
		rc = first_read(s, err);
	/* The connection keeps its files open; nobody else is to find them. */
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		autofree char *path = xasprintf("%s%s", copy, suffixes[i]);
		unlink(path);
	}
	rmdir(dir);
	return rc;
}

/* Reading where this user cannot write. Without a log nobody is writing: the file is taken as it lies. */
static int open_frozen(struct store *s, struct err *err)
{
	autofree char *wal = beside(s, "-wal");
	bool logged = file_exists(wal);
	int rc = connect_to(s, s->real, logged ? "mode=ro" : "immutable=1", SQLITE_OPEN_READONLY, err);
	if (rc == 0)
		rc = first_read(s, err);
	if (rc == 0 || !logged || s->damaged || !s->db)
		return rc;
	int code = sqlite3_errcode(s->db);
	if (code != SQLITE_CANTOPEN && code != SQLITE_READONLY)
		return rc;
	disconnect(s);
	return open_copy(s, err);
}

int sq_file_open(struct store *s, struct err *err)
{
	struct stat st;
	if (stat(s->real, &st) != 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot open the state %s", s->path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, E_INPUT, "the state %s is %s, not a file: name a file in aipc.state.path", s->path,
			       S_ISDIR(st.st_mode) ? "a folder" : "a special file");
	autofree char *dir = folder_of(s->real);
	if (euidaccess(s->real, R_OK) != 0)
		return err_errno(err, "cannot read the state %s", s->path);
	int no = euidaccess(s->real, W_OK) || euidaccess(dir, W_OK);
	if (no && !s->read_only) {
		(void)err_errno(err, "cannot write to the state %s", s->path);
		return err_set(err, E_DENIED, "cannot write to the state %s: the file or its folder is read-only; make both writable for this user",
			       s->path);
	}
	int rc = no ? open_frozen(s, err) : connect_to(s, s->real, "mode=rw", SQLITE_OPEN_READWRITE, err);
	if (rc == 0 && !no)
		rc = first_read(s, err);
	if (rc == 0)
		rc = check_version(s, err);
	if (rc)
		sq_file_close(s);
	return rc;
}
