/* source - where a module is when it is no folder beside the spec: a folder of a git repository, pinned by the lock file.
 *
 * `git::https://HOST/REPO.git//FOLDER?ref=v1.2.0`; https, http, ssh or file. `ref` is a tag, a branch or a commit, by default the
 * default branch; `depth` is taken and changes nothing (whole histories are fetched). A user's name may stand in the address, a
 * password may not: it would be stored.
 *
 * aipc.lock.yaml, beside the spec and committed with it, holds for each repository and ref the commit and the hash of its files
 * (base/tree.h); `.aipc/modules/KEY/` holds the files. `aipc init` writes both; everything else only reads them, checks the files
 * against the hash once a run, and never talks to a repository.
 */
#ifndef LANG_SOURCE_H
#define LANG_SOURCE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct source_git {
	char *url, *sub, *ref;       /* sub: "" or "a/b"; ref NULL: none */
	char *key;                   /* "git::URL?ref=REF": what is pinned */
	char *dir;                   /* ".aipc/modules/HASH", relative to the spec's folder */
};
bool source_is_git(const char *text);
int source_parse(const char *text, struct source_git *out, struct err *err) MUST_CHECK;
void source_release(struct source_git *s);

#define LOCK_FILE "aipc.lock.yaml"
/* {KEY: {"commit": ..., "hash": ...}}; {} when DIR has no lock file. E_INPUT says where and what is wrong with it. */
int lock_read(const char *dir, json_t **out, struct err *err) MUST_CHECK;
/* Removes the file when LOCK is empty. */
int lock_write(const char *dir, const json_t *lock, struct err *err) MUST_CHECK;

#endif
