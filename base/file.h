/* file - whole files, read with a cap and written so that a crash leaves the old or the new one, never half. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Reads PATH, at most MAX bytes (E_INPUT beyond, or when it is not a regular file); *TEXT is terminated and yours. */
int file_read(const char *path, size_t max, char **text, size_t *len, struct err *err) MUST_CHECK;
/* Writes a new file beside PATH, syncs it, renames it over PATH and syncs the folder. MODE as for open(2). What is there and is no file
 * (E_INPUT: a folder, a device, a pipe, or a link to one) stays: /dev/stdout and /dev/null are not to be replaced. */
int file_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err) MUST_CHECK;
/* Removes PATH and syncs the folder; a file that is not there is success. */
int file_remove(const char *path, struct err *err) MUST_CHECK;
/* Makes PATH and what is missing above it (mode 0755); an existing folder is success. */
int file_mkdirs(const char *path, struct err *err) MUST_CHECK;
bool file_exists(const char *path);
/* SHA-256 of a file's bytes, streamed, as lower-case hex, and its size. */
int file_sha256(const char *path, char out[65], unsigned long long *size, struct err *err) MUST_CHECK;
/* DIR/NAME, or NAME alone where it is absolute; yours to free. */
char *file_join(const char *dir, const char *name);

#endif
