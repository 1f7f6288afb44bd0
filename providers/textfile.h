/* textfile - a primitive whose object is one small file below the folder of the spec; shared by providers that write files.
 *
 * Paths are relative to DIR (provider_env.dir) or absolute; none may have a ".." step. Reading and writing run on the worker
 * pool, so that slow disks do not hold up the loop. Files are at most TEXTFILE_MAX bytes.
 */
#ifndef PROVIDERS_TEXTFILE_H
#define PROVIDERS_TEXTFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/task.h"

#define TEXTFILE_MAX ((size_t)256 << 20)

/* Is PATH one that may be written: not empty, no ".." step, no control characters? */
bool textfile_path_ok(const char *path);
/* *TEXT is terminated and yours; NULL when there is no such file (which is no error). */
int textfile_read(struct task *t, const char *dir, const char *path, char **text, size_t *len, struct err *err) MUST_CHECK;
/* Makes missing folders, then replaces the whole file at once (mode 0644). */
int textfile_write(struct task *t, const char *dir, const char *path, const char *text, size_t len, struct err *err) MUST_CHECK;
/* Removes the file; not there is success. */
int textfile_remove(struct task *t, const char *dir, const char *path, struct err *err) MUST_CHECK;

#endif
