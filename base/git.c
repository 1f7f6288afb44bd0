#include "base/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <git2.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tree.h"

enum { MAX_RECEIVED_MIB = 512 };

/* --- in the child: talking to the repository ----------------------------------------------------------------------------- */

struct fetching { const struct git_want *w; bool asked, too_large; char tls[200]; };

static int on_progress(const git_indexer_progress *p, void *ctx)
{
	struct fetching *f = ctx;
	f->too_large = p->received_bytes > (size_t)MAX_RECEIVED_MIB << 20;
	return f->too_large ? -1 : 0;
}

static int on_certificate(git_cert *cert, int valid, const char *host, void *ctx)
{
	struct fetching *f = ctx;
	if (valid)
		return 0;
	snprintf(f->tls, sizeof(f->tls), "the %s of %.100s is not trusted", cert->cert_type == GIT_CERT_HOSTKEY_LIBSSH2 ? "host key" : "certificate", host);
	return -1;
}

static int on_credentials(git_credential **out, const char *url, const char *user, unsigned allowed, void *ctx)
{
	struct fetching *f = ctx;
	(void)url;
	if (f->asked || !(allowed & (GIT_CREDENTIAL_SSH_KEY | GIT_CREDENTIAL_USERNAME)))
		return GIT_EAUTH;
	if (allowed & GIT_CREDENTIAL_USERNAME)
		return git_credential_username_new(out, user ? user : "git");
	f->asked = true;
	return git_credential_ssh_key_from_agent(out, user ? user : "git");
}

static int failed(int rc, const struct fetching *f, struct err *err)
{
	const git_error *e = git_error_last();
	const char *why = e && e->message ? e->message : "no reason given";
	if (f->too_large)
		return err_set(err, E_INPUT, "the repository is larger than %d MiB", MAX_RECEIVED_MIB);
	if (f->tls[0])
		return err_set(err, E_DENIED, "%s", f->tls);
	if (rc == GIT_EAUTH || (e && e->klass == GIT_ERROR_SSH && strstr(why, "auth")))
		return err_set(err, E_AUTH, "the server wants credentials, or refused those of the ssh agent");
	if (rc == GIT_ECERTIFICATE)
		return err_set(err, E_DENIED, "the certificate is not trusted: %.300s", why);
	return err_set(err, E_UNREACHABLE, "%.400s", why);
}

/* What REF is in the clone: a tag, a branch, or a commit's full name. */
static int find_commit(git_repository *repo, const struct git_want *w, git_commit **out, struct err *err)
{
	static const char *const places[] = { "refs/tags/", "refs/remotes/origin/", "refs/heads/" };
	const char *name = w->commit ? w->commit : w->ref;
	git_object *found = NULL;
	bool hex = name && strlen(name) == 40 && strspn(name, "0123456789abcdef") == 40;
	for (size_t i = 0; name && !hex && !found && i < ARRAY_LEN(places); i++) {
		autofree char *spec = xasprintf("%s%s^{commit}", places[i], name);
		if (git_revparse_single(&found, repo, spec) != 0)
			found = NULL;
	}
	if (!found && (hex || !name)) {
		autofree char *spec = xasprintf("%s^{commit}", name ? name : "HEAD");
		if (git_revparse_single(&found, repo, spec) != 0)
			found = NULL;
	}
	if (!found && w->commit)
		return err_set(err, E_NOTFOUND, "the repository has no commit %s any more", w->commit);
	if (!found)
		return name ? err_set(err, E_NOTFOUND, "the repository has no tag, branch or commit \"%.200s\"", name)
			    : err_set(err, E_NOTFOUND, "the repository has no default branch");
	*out = (git_commit *)found;
	return 0;
}

/* --- in the child: writing files ------------------------------------------------------------------------------------------- */

struct writing { git_repository *repo; const char *dir; unsigned files; unsigned long long bytes; };

static bool good_name(const char *name)
{
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcasecmp(name, ".git") != 0 && !strchr(name, '/') && !strchr(name, '\\');
}

static int write_blob(struct writing *w, const git_tree_entry *e, const char *rel, struct err *err)
{
	autofree char *path = file_join(w->dir, rel);
	git_blob *blob = NULL;
	if (git_blob_lookup(&blob, w->repo, git_tree_entry_id(e)) != 0)
		return err_set(err, E_INPUT, "\"%.200s\" is missing in the repository", rel);
	size_t len = (size_t)git_blob_rawsize(blob);
	const char *data = git_blob_rawcontent(blob);
	w->bytes += len;
	int rc = 0;
	if (++w->files > TREE_MAX_FILES || w->bytes > TREE_MAX_BYTES) {
		rc = err_set(err, E_INPUT, "the commit has more than %d files or %llu MiB", TREE_MAX_FILES, TREE_MAX_BYTES >> 20);
	} else if (git_tree_entry_filemode(e) == GIT_FILEMODE_LINK) {
		autofree char *target = xstrndup(data, len);
		if (strlen(target) != len || !tree_link_stays(rel, target))
			rc = err_set(err, E_INPUT, "the link \"%.200s\" leads out of the repository", rel);
		else if (symlink(target, path) != 0)
			rc = err_errno(err, "cannot write '%s'", path);
	} else {
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, git_tree_entry_filemode(e) == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644);
		for (ssize_t n = 0; fd >= 0 && len; data += n, len -= (size_t)n)
			if ((n = write(fd, data, len)) < 0)
				break;
		if (fd < 0 || len || close(fd) != 0)
			rc = err_errno(err, "cannot write '%s'", path);
	}
	git_blob_free(blob);
	return rc;
}

static int write_tree(struct writing *w, const git_tree *tree, const char *rel, int depth, struct err *err)
{
	int rc = depth > TREE_MAX_DEPTH ? err_set(err, E_INPUT, "the commit is more than %d folders deep", TREE_MAX_DEPTH) : 0;
	for (size_t i = 0; !rc && i < git_tree_entrycount(tree); i++) {
		const git_tree_entry *e = git_tree_entry_byindex(tree, i);
		const char *name = git_tree_entry_name(e);
		autofree char *sub = xasprintf("%s%s%s", rel, *rel ? "/" : "", name);
		if (!good_name(name)) {
			rc = err_set(err, E_INPUT, "the repository has a file of the name \"%.100s\"", sub);
		} else if (git_tree_entry_type(e) == GIT_OBJECT_BLOB) {
			rc = write_blob(w, e, sub, err);
		} else if (git_tree_entry_type(e) == GIT_OBJECT_TREE) {
			git_tree *kid = NULL;
			autofree char *path = file_join(w->dir, sub);
			if (git_tree_lookup(&kid, w->repo, git_tree_entry_id(e)) != 0)
				rc = err_set(err, E_INPUT, "\"%.200s\" is missing in the repository", sub);
			else if (mkdir(path, 0755) != 0)
				rc = err_errno(err, "cannot make '%s'", path);
			else
				rc = write_tree(w, kid, sub, depth + 1, err);
			git_tree_free(kid);
		}                            /* else a submodule: it stays out */
	}
	return rc;
}

static int write_commit(git_repository *repo, git_commit *c, const char *dir, struct err *err)
{
	struct writing w = { .repo = repo, .dir = dir };
	git_tree *tree = NULL;
	if (git_commit_tree(&tree, c) != 0)
		return err_set(err, E_INPUT, "the commit has no tree");
	int rc = file_mkdirs(dir, err);
	if (!rc)
		rc = write_tree(&w, tree, "", 0, err);
	git_tree_free(tree);
	return rc;
}

static int fetch(const struct git_want *w, const char *clone, char commit[41], struct err *err)
{
	struct fetching f = { .w = w };
	git_clone_options o;
	git_repository *repo = NULL;
	git_commit *c = NULL;
	git_libgit2_init();
	git_clone_options_init(&o, GIT_CLONE_OPTIONS_VERSION);
	o.bare = 1;
	o.fetch_opts.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_ALL;
	o.fetch_opts.callbacks.transfer_progress = on_progress;
	o.fetch_opts.callbacks.certificate_check = on_certificate;
	o.fetch_opts.callbacks.credentials = on_credentials;
	o.fetch_opts.callbacks.payload = &f;
	int rc = git_clone(&repo, w->url, clone, &o);
	if (rc)
		return failed(rc, &f, err);
	rc = find_commit(repo, w, &c, err);
	if (!rc)
		rc = write_commit(repo, c, w->dir, err);
	if (!rc)
		git_oid_tostr(commit, 41, git_commit_id(c));
	git_commit_free(c);
	git_repository_free(repo);
	git_libgit2_shutdown();
	return rc;
}

/* --- the child, from outside -------------------------------------------------------------------------------------------------- */

struct answer { int rc; char commit[41]; struct err err; };

static _Noreturn void child(const struct git_want *w, const char *clone, int out)
{
	struct answer a = { 0 };
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	a.rc = fetch(w, clone, a.commit, &a.err);
	const char *p = (const char *)&a;
	for (size_t left = sizeof(a); left; ) {
		ssize_t n = write(out, p, left);
		if (n <= 0)
			_exit(1);
		p += n;
		left -= (size_t)n;
	}
	_exit(0);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int hear(int fd, unsigned timeout_s, struct answer *a, struct err *err)
{
	int64_t end = now_ms() + (int64_t)timeout_s * 1000;
	size_t got = 0;
	while (got < sizeof(*a)) {
		int64_t left = end - now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (left <= 0)
			return err_set(err, E_TIMEOUT, "no end after %u s", timeout_s);
		int ready = poll(&p, 1, (int)left);
		if (ready < 0 && errno != EINTR)
			return err_errno(err, "cannot wait");
		ssize_t n = ready > 0 ? read(fd, (char *)a + got, sizeof(*a) - got) : 0;
		if (ready > 0 && n <= 0)
			return err_set(err, E_INTERNAL, "the process that fetches ended without an answer");
		got += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int git_fetch(const struct git_want *w, char commit[41], struct err *err)
{
	autofree char *clone = xasprintf("%s.git", w->dir);
	struct answer a = { 0 };
	int fds[2], status;
	if (pipe2(fds, O_CLOEXEC) != 0)
		return err_errno(err, "cannot make a pipe");
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_errno(err, "cannot start a process");
	}
	if (pid == 0) {
		close(fds[0]);
		child(w, clone, fds[1]);
	}
	close(fds[1]);
	int rc = hear(fds[0], w->timeout_s, &a, err);
	close(fds[0]);
	if (rc)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc && a.rc) {
		rc = a.rc;
		*err = a.err;
	}
	tree_discard(clone);
	if (rc)
		tree_discard(w->dir);
	else
		memcpy(commit, a.commit, 41);
	return rc;
}
