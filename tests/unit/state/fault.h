/* A file system that fails or dies at the Nth write: a SQLite VFS around the default one. */
#ifndef TESTS_UNIT_STATE_FAULT_H
#define TESTS_UNIT_STATE_FAULT_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum fault_kind { FAULT_FULL, FAULT_IO, FAULT_EXIT };
enum { FAULT_EXIT_CODE = 77 };
static struct { long left; enum fault_kind kind; bool fired; } fault = { .left = -1 };

/* One point; true when it is to fail. Does not return when it is to die. */
static inline bool fault_point(void)
{
	if (fault.left < 0 || fault.left-- > 0)
		return false;
	fault.fired = true;
	if (fault.kind == FAULT_EXIT)
		_exit(FAULT_EXIT_CODE);
	return true;
}

static inline int fault_code(int io)
{
	return fault.kind == FAULT_FULL ? SQLITE_FULL : io;
}

struct fault_file { sqlite3_file base; sqlite3_file *real; };
#define REAL(f) (((struct fault_file *)(f))->real)

static inline int ff_close(sqlite3_file *f) { return REAL(f)->pMethods->xClose(REAL(f)); }
static inline int ff_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) { return REAL(f)->pMethods->xRead(REAL(f), p, n, at); }
static inline int ff_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (!fault_point())
		return REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
	/* Half of it got out. */
	REAL(f)->pMethods->xWrite(REAL(f), p, n / 2, at);
	return fault_code(SQLITE_IOERR_WRITE);
}
static inline int ff_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return fault_point() ? fault_code(SQLITE_IOERR_TRUNCATE) : REAL(f)->pMethods->xTruncate(REAL(f), n);
}
static inline int ff_sync(sqlite3_file *f, int how) { return fault_point() ? fault_code(SQLITE_IOERR_FSYNC) : REAL(f)->pMethods->xSync(REAL(f), how); }
static inline int ff_size(sqlite3_file *f, sqlite3_int64 *n) { return REAL(f)->pMethods->xFileSize(REAL(f), n); }
static inline int ff_lock(sqlite3_file *f, int how) { return REAL(f)->pMethods->xLock(REAL(f), how); }
static inline int ff_unlock(sqlite3_file *f, int how) { return REAL(f)->pMethods->xUnlock(REAL(f), how); }
static inline int ff_reserved(sqlite3_file *f, int *out) { return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out); }
static inline int ff_control(sqlite3_file *f, int op, void *arg) { return REAL(f)->pMethods->xFileControl(REAL(f), op, arg); }
static inline int ff_sector(sqlite3_file *f) { return REAL(f)->pMethods->xSectorSize(REAL(f)); }
static inline int ff_device(sqlite3_file *f) { return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f)); }
static inline int ff_shm_map(sqlite3_file *f, int page, int size, int more, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, more, out);
}
static inline int ff_shm_lock(sqlite3_file *f, int at, int n, int how) { return REAL(f)->pMethods->xShmLock(REAL(f), at, n, how); }
static inline void ff_shm_barrier(sqlite3_file *f) { REAL(f)->pMethods->xShmBarrier(REAL(f)); }
static inline int ff_shm_unmap(sqlite3_file *f, int drop) { return REAL(f)->pMethods->xShmUnmap(REAL(f), drop); }

static const sqlite3_io_methods fault_methods = {
	2, ff_close, ff_read, ff_write, ff_truncate, ff_sync, ff_size, ff_lock, ff_unlock, ff_reserved, ff_control, ff_sector, ff_device,
	ff_shm_map, ff_shm_lock, ff_shm_barrier, ff_shm_unmap, NULL, NULL,
};
static sqlite3_vfs *fault_real;
static sqlite3_vfs fault_vfs;

static inline int fault_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct fault_file *ff = (struct fault_file *)f;
	(void)v;
	ff->real = (sqlite3_file *)(ff + 1);
	ff->base.pMethods = NULL;
	int rc = fault_real->xOpen(fault_real, name, ff->real, flags, out);
	if (rc == SQLITE_OK)
		ff->base.pMethods = &fault_methods;
	return rc;
}

static inline int fault_delete(sqlite3_vfs *v, const char *name, int sync)
{
	(void)v;
	return fault_point() ? fault_code(SQLITE_IOERR_DELETE) : fault_real->xDelete(fault_real, name, sync);
}

static inline void fault_install(void)
{
	fault_real = sqlite3_vfs_find(NULL);
	fault_vfs = *fault_real;
	fault_vfs.zName = "fault";
	fault_vfs.pNext = NULL;
	fault_vfs.szOsFile = fault_real->szOsFile + (int)sizeof(struct fault_file);
	fault_vfs.xOpen = fault_open;
	fault_vfs.xDelete = fault_delete;
	sqlite3_vfs_register(&fault_vfs, 1);
}

#endif
