/* The functions of libgit2 that aipc calls; see base/lazylib.h. */
#include <git2.h>

#include "base/lazylib.h"

static struct lazylib git2 = { "libgit2.so.1.5", "libgit2-1.5", NULL };

#define FORWARD(type, name, params, args) \
	type name params { LAZYLIB_FN(&git2, name); return fn args; }
#define FORWARD_VOID(name, params, args) \
	void name params { LAZYLIB_FN(&git2, name); fn args; }

FORWARD(int, git_libgit2_init, (void), ())
FORWARD(int, git_libgit2_shutdown, (void), ())
FORWARD(const git_error *, git_error_last, (void), ())

FORWARD(int, git_clone_options_init, (git_clone_options *o, unsigned version), (o, version))
FORWARD(int, git_clone, (git_repository **out, const char *url, const char *path, const git_clone_options *o), (out, url, path, o))
FORWARD(int, git_credential_ssh_key_from_agent, (git_credential **out, const char *user), (out, user))
FORWARD(int, git_credential_username_new, (git_credential **out, const char *user), (out, user))
FORWARD_VOID(git_repository_free, (git_repository *r), (r))

FORWARD(int, git_revparse_single, (git_object **out, git_repository *r, const char *spec), (out, r, spec))
FORWARD(char *, git_oid_tostr, (char *out, size_t n, const git_oid *id), (out, n, id))
FORWARD(const git_oid *, git_commit_id, (const git_commit *c), (c))
FORWARD(int, git_commit_tree, (git_tree **out, const git_commit *c), (out, c))
FORWARD_VOID(git_commit_free, (git_commit *c), (c))

FORWARD(int, git_tree_lookup, (git_tree **out, git_repository *r, const git_oid *id), (out, r, id))
FORWARD(size_t, git_tree_entrycount, (const git_tree *t), (t))
FORWARD(const git_tree_entry *, git_tree_entry_byindex, (const git_tree *t, size_t i), (t, i))
FORWARD(const char *, git_tree_entry_name, (const git_tree_entry *e), (e))
FORWARD(git_object_t, git_tree_entry_type, (const git_tree_entry *e), (e))
FORWARD(git_filemode_t, git_tree_entry_filemode, (const git_tree_entry *e), (e))
FORWARD(const git_oid *, git_tree_entry_id, (const git_tree_entry *e), (e))
FORWARD_VOID(git_tree_free, (git_tree *t), (t))

FORWARD(int, git_blob_lookup, (git_blob **out, git_repository *r, const git_oid *id), (out, r, id))
FORWARD(git_object_size_t, git_blob_rawsize, (const git_blob *b), (b))
FORWARD(const void *, git_blob_rawcontent, (const git_blob *b), (b))
FORWARD_VOID(git_blob_free, (git_blob *b), (b))
