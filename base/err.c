#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int err_vset(struct err *err, int code, const char *fmt, va_list ap)
{
	if (err) {
		err->code = code;
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		str_tame(err->msg, "\n\t");
	}
	return code;
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return code;
}

static int code_of_errno(int e)
{
	switch (e) {
	case ENOENT: case ENOTDIR: return E_NOTFOUND;
	case EACCES: case EPERM: case EROFS: return E_DENIED;
	case EAGAIN: case EBUSY: return E_BUSY;
	default: return E_IO;
	}
}

int err_errno(struct err *err, const char *fmt, ...)
{
	int e = errno, code = code_of_errno(e);
	char text[768];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, code, "%s: %s", text, strerror(e));
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char phrase[256], old[sizeof(err->msg)];
	va_list ap;
	if (!err)
		return E_INTERNAL;
	va_start(ap, fmt);
	vsnprintf(phrase, sizeof(phrase), fmt, ap);
	va_end(ap);
	memcpy(old, err->msg, sizeof(old));
	int len = snprintf(err->msg, sizeof(err->msg), "%s: ", phrase);
	size_t room = sizeof(err->msg) - (size_t)len - 1;
	size_t n = strnlen(old, room);
	memcpy(err->msg + len, old, n);
	err->msg[(size_t)len + n] = '\0';
	return err->code;
}

const char *err_name(int code)
{
	static const char *const names[] = {
		"ok", "input", "not found", "conflict", "auth", "denied", "timeout",
		"unreachable", "io", "unsupported", "busy", "canceled", "internal",
	};
	size_t i = (size_t)-code;
	return code <= 0 && i < ARRAY_LEN(names) ? names[i] : "unknown";
}

void bug_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	fprintf(stderr, "%s:%d: this is a bug in aipc: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}
