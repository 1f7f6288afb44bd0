/* err - how a failure travels.
 *
 * A function that can fail returns 0, or a negative enum err_code that a caller can act on, and fills the
 * caller's struct err. The lowest function says what failed and on which object; each layer above may put
 * at most one noun phrase in front (err_wrap). Only cli/ and the controllers print. Out-parameters are
 * written only on success. Mistakes in a spec are not errs but diagnostics (lang/diag.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum err_code {
	E_INPUT = -1,        /* what was given is wrong; trying again cannot help */
	E_NOTFOUND = -2,     /* the named thing is not there (positive knowledge) */
	E_CONFLICT = -3,     /* someone else changed it first: re-read, then decide */
	E_AUTH = -4,         /* credentials refused */
	E_DENIED = -5,       /* credentials good, action not allowed; or the peer's certificate is not trusted */
	E_TIMEOUT = -6,      /* a deadline passed; what had been sent may still take effect */
	E_UNREACHABLE = -7,  /* no connection, or it broke; see struct http_response.sent for what that means */
	E_IO = -8,           /* local file or database */
	E_UNSUPPORTED = -9,  /* the peer, or this build, cannot do it */
	E_BUSY = -10,        /* try later: a lock is held, the service says so */
	E_CANCELED = -11,    /* the task was cancelled */
	E_INTERNAL = -12,    /* the peer broke its own contract; our own breaches are BUG() */
};

struct err {
	int code;            /* 0 or an enum err_code */
	char msg[1024];      /* one sentence without a full stop, UTF-8, cut at the end when too long; a control character is '?' */
};

/* Sets CODE and the message; returns CODE, so that `return err_set(err, E_INPUT, ...)` reads well. ERR may be NULL. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int err_vset(struct err *err, int code, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
/* E_NOTFOUND, E_DENIED, E_BUSY, or E_IO, from errno, with its text behind the message. Returns the code. */
int err_errno(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Puts "PHRASE: " in front of the message; returns the code that is in ERR. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "input", "not found", ...: stable words for --json. */
const char *err_name(int code);

/* A breach of our own contracts: prints file, line and message, then aborts. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define MUST_CHECK __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
