/* tree - whole folders: what is in them as one hash, and their removal. */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include <stdbool.h>

#include "base/err.h"

enum { TREE_MAX_FILES = 50000, TREE_MAX_DEPTH = 100 };
#define TREE_MAX_BYTES (256ULL << 20)

/* SHA-256, as lower-case hex, over all files and symbolic links under DIR in order of their paths (bytes): kind, path, size and
 * contents (of a link: where it points). Empty folders, modes and times do not count. E_INPUT for what is neither, for a
 * link that can leave DIR, and beyond the limits above. */
int tree_hash(const char *dir, char out[65], struct err *err) MUST_CHECK;
/* May a link at LINK (a path relative to a folder) point to TARGET without any way out of that folder, whatever other such links it
 * meets? Leading ".." no more than LINK is deep, none later, not absolute. */
bool tree_link_stays(const char *link, const char *target);
/* Removes PATH and all under it, without following links; what is not there is success. */
int tree_remove(const char *path, struct err *err) MUST_CHECK;
/* The same where nothing can be done about a failure. */
void tree_discard(const char *path);

#endif
