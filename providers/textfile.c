#include "providers/textfile.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

/* One file operation, for the worker pool. */
struct work { char *path; const char *text; size_t len; char *got; };

bool textfile_path_ok(const char *path)
{
	if (!path[0] || strlen(path) > 4000)
		return false;
	for (const char *s = path; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return false;
	for (const char *s = path; s; s = strchr(s, '/')) {
		s += *s == '/';
		size_t n = strcspn(s, "/");
		if (n == 2 && memcmp(s, "..", 2) == 0)
			return false;
	}
	return path[strlen(path) - 1] != '/';
}

static int run(struct task *t, const char *dir, const char *path, int (*fn)(void *arg, struct err *err), struct work *w, struct err *err)
{
	if (!textfile_path_ok(path))
		return err_set(err, E_INPUT, "\"%.200s\" is no path of a file that may be written (no \"..\" in it)", path);
	w->path = file_join(dir, path);
	int rc = task_work(t, fn, w, err);
	free(w->path);
	return rc;
}

static int read_work(void *arg, struct err *err)
{
	struct work *w = arg;
	int rc = file_read(w->path, TEXTFILE_MAX, &w->got, &w->len, err);
	return rc == E_NOTFOUND ? 0 : rc;
}

static int write_work(void *arg, struct err *err)
{
	struct work *w = arg;
	autofree char *folder = xstrdup(w->path);
	char *slash = strrchr(folder, '/');
	if (slash && slash != folder) {
		*slash = '\0';
		int rc = file_mkdirs(folder, err);
		if (rc)
			return rc;
	}
	return file_write(w->path, w->text, w->len, 0644, err);
}

static int remove_work(void *arg, struct err *err)
{
	return file_remove(((struct work *)arg)->path, err);
}

int textfile_read(struct task *t, const char *dir, const char *path, char **text, size_t *len, struct err *err)
{
	struct work w = { 0 };
	int rc = run(t, dir, path, read_work, &w, err);
	if (rc) {
		free(w.got);
		return rc;
	}
	*text = w.got;
	*len = w.len;
	return 0;
}

int textfile_write(struct task *t, const char *dir, const char *path, const char *text, size_t len, struct err *err)
{
	struct work w = { .text = text, .len = len };
	return run(t, dir, path, write_work, &w, err);
}

int textfile_remove(struct task *t, const char *dir, const char *path, struct err *err)
{
	struct work w = { 0 };
	return run(t, dir, path, remove_work, &w, err);
}
