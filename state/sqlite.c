/* The SQLite store: open, lock, close. See sqlite_int.h for what protects the data. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "state/sqlite_int.h"

/* The next format adds one row here, { 3, "ALTER TABLE ..." }, and moves the number; the schema in sqlite_file.c stays that of
 * version 1 plus these steps. */
static const struct sq_upgrade steps[] = {
	{ 1, "ALTER TABLE object ADD COLUMN provider TEXT; ALTER TABLE operation ADD COLUMN provider TEXT;" },
	{ 2, "ALTER TABLE object ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;"
	     "ALTER TABLE operation ADD COLUMN protected INTEGER NOT NULL DEFAULT 0;" },
};
static const struct sq_format current = { .version = 3, .steps = steps, .n = ARRAY_LEN(steps) };

/* The real place, so that two names of one file have one lock. What is not there yet keeps its name in the real folder. */
static char *resolve(const char *path)
{
	char *real = realpath(path, NULL);
	if (real)
		return real;
	const char *slash = strrchr(path, '/');
	autofree char *dir = slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");
	autofree char *real_dir = realpath(dir, NULL);
	return real_dir ? file_join(real_dir, slash ? slash + 1 : path) : xstrdup(path);
}

int sq_open(const char *path, bool read_only, const struct sq_format *format, struct store **out, struct err *err)
{
	struct stat st;
	if (!*path || strlen(path) > 4000)
		return err_set(err, E_INPUT, "the state has no usable path");
	if (stat(path, &st) != 0 && lstat(path, &st) == 0)
		return err_set(err, E_NOTFOUND, "the state %s is a link to something that is not there", path);
	struct store *s = xcalloc(1, sizeof(*s));
	*s = (struct store){ .path = xstrdup(path), .real = resolve(path), .read_only = read_only, .format = format, .lock = -1 };
	int rc = sq_file_open(s, err);
	if (rc)
		store_close(s);
	else
		*out = s;
	return rc;
}

int store_open(const char *path, bool read_only, struct store **out, struct err *err)
{
	return sq_open(path, read_only, &current, out, err);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sq_file_close(s);
	sq_unlock(s);
	arena_free(s->strings);
	free(s->path);
	free(s->real);
	free(s);
}

/* The whole structure, before the first change: a reader notices what it reads, a writer must not build on anything else. */
static int check_all(struct store *s, struct err *err)
{
	sqlite3_stmt *st = sq_query(s, "PRAGMA quick_check(1)", err);
	if (!st)
		return err->code;
	int rc = sqlite3_step(st) == SQLITE_ROW ? 0 : sq_fail(s, "read", err);
	if (rc == 0 && strcmp(sq_column(st, 0), "ok") != 0)
		rc = sq_damaged(s, sq_column(st, 0), err);
	sqlite3_finalize(st);
	return rc ? rc : sq_exec(s, "PRAGMA journal_mode = WAL", "open", err);
}

int store_lock(struct store *s, const char *command, struct err *err)
{
	if (s->lock >= 0)
		return 0;
	if (s->read_only)
		return err_set(err, E_DENIED, "the state %s was opened for reading only", s->path);
	bool fresh = !s->db;
	int rc = sq_lock(s, command, err);
	/* Another process may have made the file, or its folder, since. */
	if (rc == 0 && fresh) {
		char *real = resolve(s->path);
		free(s->real);
		s->real = real;
		rc = sq_file_open(s, err);
	}
	if (rc == 0 && s->db)
		rc = check_all(s, err);
	if (rc)
		sq_unlock(s);
	return rc;
}
