/* fixture - JSON written in a test: FMT may hold ' for ". */
#ifndef TESTS_UNIT_RUNTIME_FIXTURE_H
#define TESTS_UNIT_RUNTIME_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"

static inline json_t *fixture_v(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));
static inline json_t *fixture_v(const char *fmt, va_list ap)
{
	struct err err;
	json_t *j = NULL;
	autostr struct str s;
	str_init(&s, STR_OURS);
	str_vaddf(&s, fmt, ap);
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] == '\'')
			s.at[i] = '"';
	if (json_parse(s.at, s.len, "fixture", &j, &err))
		fail_msg("%s in %s", err.msg, s.at);
	return j;
}

static inline json_t *fixture(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static inline json_t *fixture(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	json_t *j = fixture_v(fmt, ap);
	va_end(ap);
	return j;
}

#endif
