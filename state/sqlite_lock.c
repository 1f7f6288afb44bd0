/* The lock of the store: a lock of the operating system on PATH.lock, which ends with its holder however that ends. The file
 * says who holds it; it is never removed, because removing a locked file lets two in. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "state/sqlite_int.h"

enum { HOLDER_MAX = 4096, HOLDER_TRIES = 5 };

static json_t *holder_read(int fd)
{
	char text[HOLDER_MAX];
	json_t *j;
	struct err ignored;
	ssize_t n = pread(fd, text, sizeof(text), 0);
	char *end = n > 0 ? memchr(text, '\n', (size_t)n) : NULL;
	return end && json_parse(text, (size_t)(end - text), "the lock file", &j, &ignored) == 0 ? j : NULL;
}

static void this_host(char name[256])
{
	if (gethostname(name, 256) != 0)
		strcpy(name, "unknown");
	name[255] = '\0';
}

/* Does the note name a process of this machine that has ended? Then the real holder is about to write its own. */
static bool holder_gone(const json_t *j)
{
	char host[256];
	this_host(host);
	const char *at = json_str(j, "host");
	return at && strcmp(at, host) == 0 && kill((pid_t)json_int(j, "pid", 0), 0) != 0 && errno == ESRCH;
}

static int busy(struct store *s, int fd, struct err *err)
{
	autojson json_t *j = NULL;
	for (int i = 0; i < HOLDER_TRIES; i++) {
		json_decref(j);
		j = holder_read(fd);
		if (j && !holder_gone(j))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	}
	const char *user = json_str(j, "user"), *host = json_str(j, "host"), *command = json_str(j, "command"), *since = json_str(j, "since");
	if (!user || !host || !command || !since)
		return err_set(err, E_BUSY, "the state %s is in use by another process; try again when it has ended", s->path);
	return err_set(err, E_BUSY, "the state %s is in use: \"%s\" by %s on %s, process %lld, since %s; try again when it has ended", s->path,
		       command, user, host, (long long)json_int(j, "pid", 0), since);
}

static void holder_write(int fd, const char *command)
{
	char host[256], stamp[32];
	struct passwd *pw = getpwuid(geteuid());
	autofree char *uid = xasprintf("user %u", (unsigned)geteuid());
	autojson json_t *j = json_object();
	this_host(host);
	clock_stamp(clock_wall_ms(), stamp);
	json_put_str(j, "user", pw ? pw->pw_name : uid);
	json_put_str(j, "host", host);
	json_put_int(j, "pid", getpid());
	autofree char *cut = xstrndup(command, strnlen(command, 1024));
	json_put_str(j, "command", cut);
	json_put_str(j, "since", stamp);
	autofree char *text = json_text(j), *line = xasprintf("%s\n", text);
	/* Only a courtesy to whoever meets the lock: failing to write it is no failure. */
	if (pwrite(fd, line, strlen(line), 0) == (ssize_t)strlen(line) && ftruncate(fd, (off_t)strlen(line)) != 0)
		errno = 0;
}

int sq_lock(struct store *s, const char *command, struct err *err)
{
	autofree char *path = xasprintf("%s.lock", s->real);
	char *slash = strrchr(path, '/');
	if (slash && slash > path) {
		autofree char *dir = xstrndup(path, (size_t)(slash - path));
		int rc = file_mkdirs(dir, err);
		if (rc)
			return err_wrap(err, "the folder of the state %s", s->path);
	}
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(err, "cannot lock the state %s with the file %s", s->path, path);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_OFD_SETLK, &l) == 0) {
		holder_write(fd, command);
		s->lock = fd;
		return 0;
	}
	int rc;
	if (errno == EAGAIN || errno == EACCES)
		rc = busy(s, fd, err);
	else
		rc = err_errno(err, "cannot lock the state %s: its file system has no locks; put the state on a local disk", s->path);
	close(fd);
	return rc;
}

void sq_unlock(struct store *s)
{
	if (s->lock >= 0) {
		if (ftruncate(s->lock, 0) != 0)
			errno = 0;
		close(s->lock);
	}
	s->lock = -1;
}
