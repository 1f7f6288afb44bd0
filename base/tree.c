#include "base/tree.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "base/str.h"

bool tree_link_stays(const char *link, const char *target)
{
	size_t depth = 0;
	bool down = false;
	for (const char *p = link; *p; p++)
		depth += *p == '/';
	if (*target == '/' || !*target)
		return false;
	while (*target) {
		size_t n = strcspn(target, "/");
		bool up = n == 2 && target[0] == '.' && target[1] == '.', here = n == 1 && target[0] == '.';
		if (up && (down || depth-- == 0))
			return false;
		down = down || (!up && !here && n);
		target += n + (target[n] == '/');
	}
	return true;
}

/* --- hashing ---------------------------------------------------------------------------------------------------------- */

struct walk { const char *dir; VEC(char *) paths; unsigned long long bytes; EVP_MD_CTX *md; };

static int by_path(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *below(const struct walk *w, const char *rel)
{
	return *rel ? xasprintf("%s/%s", w->dir, rel) : xstrdup(w->dir);
}

static int list(struct walk *w, const char *rel, int depth, struct err *err)
{
	autofree char *path = below(w, rel);
	DIR *d = opendir(path);
	int rc = 0;
	if (!d)
		return err_errno(err, "cannot read the folder '%s'", path);
	if (depth > TREE_MAX_DEPTH)
		rc = err_set(err, E_INPUT, "'%s' is more than %d folders deep", w->dir, TREE_MAX_DEPTH);
	for (struct dirent *e; !rc && (e = readdir(d)) != NULL; ) {
		struct stat st;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		char *sub = xasprintf("%s%s%s", rel, *rel ? "/" : "", e->d_name);
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
			rc = err_errno(err, "cannot look at '%s/%s'", w->dir, sub);
		} else if (S_ISDIR(st.st_mode)) {
			rc = list(w, sub, depth + 1, err);
		} else if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) {
			vec_push(&w->paths, sub);
			sub = NULL;
			if (w->paths.len > TREE_MAX_FILES)
				rc = err_set(err, E_INPUT, "'%s' has more than %d files", w->dir, TREE_MAX_FILES);
		} else {
			rc = err_set(err, E_INPUT, "'%s/%s' is neither a file nor a folder", w->dir, sub);
		}
		free(sub);
	}
	closedir(d);
	return rc;
}

static int add_link(struct walk *w, const char *rel, const char *path, struct err *err)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return err_errno(err, "cannot read the link '%s'", path);
	target[n] = '\0';
	if (!tree_link_stays(rel, target))
		return err_set(err, E_INPUT, "the link '%s' leads out of its folder", path);
	EVP_DigestUpdate(w->md, target, (size_t)n);
	return 0;
}

static int add_file(struct walk *w, const char *rel, struct err *err)
{
	static char buf[1 << 16];
	autofree char *path = below(w, rel), *head = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	bool link = fd < 0 && errno == ELOOP;
	if (fd < 0 && !link)
		return err_errno(err, "cannot open '%s'", path);
	if ((link ? lstat(path, &st) : fstat(fd, &st)) != 0)
		rc = err_errno(err, "cannot look at '%s'", path);
	w->bytes += rc ? 0 : (unsigned long long)st.st_size;
	if (!rc && w->bytes > TREE_MAX_BYTES)
		rc = err_set(err, E_INPUT, "'%s' holds more than %llu MiB", w->dir, TREE_MAX_BYTES >> 20);
	if (!rc) {
		head = xasprintf("%s %s", link ? "link" : "file", rel);
		EVP_DigestUpdate(w->md, head, strlen(head) + 1);
		uint64_t size = htobe64((uint64_t)st.st_size);
	EVP_DigestUpdate(w->md, &size, sizeof(size));
	}
	if (!rc && link)
		rc = add_link(w, rel, path, err);
	for (ssize_t n = 1; !rc && !link && n > 0; ) {
		n = read(fd, buf, sizeof(buf));
		if (n < 0)
			rc = err_errno(err, "cannot read '%s'", path);
		else
			EVP_DigestUpdate(w->md, buf, (size_t)n);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int tree_hash(const char *dir, char out[65], struct err *err)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct walk w = { .dir = dir, .md = EVP_MD_CTX_new() };
	if (!w.md || EVP_DigestInit_ex(w.md, EVP_sha256(), NULL) != 1)
		BUG("no SHA-256");
	int rc = list(&w, "", 0, err);
	if (w.paths.len)
		qsort(w.paths.at, w.paths.len, sizeof(*w.paths.at), by_path);
	for (size_t i = 0; i < w.paths.len; i++) {
		if (!rc)
			rc = add_file(&w, w.paths.at[i], err);
		free(w.paths.at[i]);
	}
	vec_free(&w.paths);
	EVP_DigestFinal_ex(w.md, md, NULL);
	EVP_MD_CTX_free(w.md);
	for (size_t i = 0; !rc && i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
	return rc;
}

/* --- removing ----------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *w)
{
	(void)st, (void)kind, (void)w;
	return remove(path);
}

int tree_remove(const char *path, struct err *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
		return err_errno(err, "cannot remove '%s'", path);
	return 0;
}

void tree_discard(const char *path)
{
	struct err ignored;
	if (tree_remove(path, &ignored))
		return;
}
