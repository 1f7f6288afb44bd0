#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/mem.h"

static void fd_autoclose(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define autofd __attribute__((cleanup(fd_autoclose)))

static int open_regular(const char *path, struct stat *st, int *out, struct err *err)
{
	/* O_NONBLOCK: a named pipe must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, "cannot open %s", path);
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode)) {
		*out = fd;
		return 0;
	}
	close(fd);
	return err_set(err, E_INPUT, "%s is not a regular file", path);
}

int file_read(const char *path, size_t max, char **text, size_t *len, struct err *err)
{
	struct stat st;
	autofd int fd = -1;
	int rc = open_regular(path, &st, &fd, err);
	if (rc)
		return rc;
	if ((unsigned long long)st.st_size > max)
		return err_set(err, E_INPUT, "%s is larger than the limit of %zu MiB", path, max >> 20);
	size_t cap = (size_t)st.st_size, n = 0;
	char *buf = xmalloc(cap + 1);
	while (n < cap) {
		ssize_t got = read(fd, buf + n, cap - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(buf);
			return err_errno(err, "cannot read %s", path);
		}
		if (got == 0)
			break;
		n += (size_t)got;
	}
	buf[n] = '\0';
	*text = buf;
	*len = n;
	return 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
	autofree char *dir = xstrdup(path);
	char *slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	autofd int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Some file systems refuse to sync a folder (EINVAL): then the rename is as durable as they make it. */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		return err_errno(err, "cannot sync the folder of %s", path);
	return 0;
}

static int write_all(int fd, const char *p, size_t len)
{
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* May a new file take the place of PATH? A link as /dev/stdout leads to what a process has open, which may be a regular file. */
static int replaceable(const char *path, struct err *err)
{
	static const char proc[] = "/proc/";
	char to[sizeof(proc) - 1];
	struct stat st;
	bool there = stat(path, &st) == 0;
	if (there && S_ISDIR(st.st_mode))
		return err_set(err, E_INPUT, "cannot write %s: it is a folder", path);
	bool open_file = readlink(path, to, sizeof(to)) == (ssize_t)sizeof(to) && memcmp(to, proc, sizeof(to)) == 0;
	if (open_file || (there && !S_ISREG(st.st_mode)))
		return err_set(err, E_INPUT, "cannot write %s: it is no regular file that could be replaced", path);
	return 0;
}

int file_write(const char *path, const void *data, size_t len, unsigned mode, struct err *err)
{
	int rc = replaceable(path, err);
	if (rc)
		return rc;
	autofree char *tmp = xasprintf("%s.tmp.%ld", path, (long)getpid());
	/* In a folder that others may write to, what stands there already is not ours: it is taken away, never opened. */
	unlink(tmp);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return err_errno(err, "cannot write %s", path);
	int failed = write_all(fd, data, len) != 0 || fsync(fd) != 0;
	int saved = errno;
	if (close(fd) != 0 && !failed) {
		failed = 1;
		saved = errno;
	}
	if (!failed && rename(tmp, path) != 0) {
		failed = 1;
		saved = errno;
	}
	if (failed) {
		unlink(tmp);
		errno = saved;
		return err_errno(err, "cannot write %s", path);
	}
	return sync_folder_of(path, err);
}

int file_remove(const char *path, struct err *err)
{
	if (unlink(path) != 0)
		return errno == ENOENT ? 0 : err_errno(err, "cannot remove %s", path);
	return sync_folder_of(path, err);
}

int file_mkdirs(const char *path, struct err *err)
{
	autofree char *p = xstrdup(path);
	for (char *s = p + 1;; s++) {
		if (*s != '/' && *s != '\0')
			continue;
		char was = *s;
		*s = '\0';
		if (mkdir(p, 0755) != 0 && errno != EEXIST)
			return err_errno(err, "cannot make the folder %s", p);
		*s = was;
		if (!was)
			break;
	}
	struct stat st;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(err, E_INPUT, "%s is not a folder", path);
	return 0;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

int file_sha256(const char *path, char out[65], unsigned long long *size, struct err *err)
{
	struct stat st;
	autofd int fd = -1;
	int rc = open_regular(path, &st, &fd, err);
	if (rc)
		return rc;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1)
		BUG("SHA-256 is not available");
	char buf[65536];
	ssize_t n;
	*size = 0;
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		EVP_DigestUpdate(md, buf, (size_t)n);
		*size += (unsigned long long)n;
	}
	unsigned char sum[32];
	EVP_DigestFinal_ex(md, sum, NULL);
	EVP_MD_CTX_free(md);
	if (n < 0)
		return err_errno(err, "cannot read %s", path);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(out + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

char *file_join(const char *dir, const char *name)
{
	return name[0] == '/' || !dir[0] ? xstrdup(name) : xasprintf("%s/%s", dir, name);
}
