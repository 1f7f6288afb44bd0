/* expanding - for tests of composites: an expand whose config is JSON text, and what it reported. */
#ifndef TESTS_PROVIDERS_EXPANDING_H
#define TESTS_PROVIDERS_EXPANDING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "engine/provider.h"

/* Every mistake as one line: "E0606 devices.0.profiles: 7 x ...\n"; a wrong key has "!" behind its path. */
struct expanding { struct str reports; json_t *config, *provider; struct expand x; };

__attribute__((format(printf, 7, 8)))
static inline void expanding_report(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			     const char *fmt, ...)
{
	struct str *s = ctx;
	va_list ap;
	str_addf(s, "%s ", code);
	for (size_t i = 0; path && path[i]; i++)
		str_addf(s, "%s%s", i ? "." : "", path[i]);
	str_add(s, key ? "!: " : ": ");
	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
	const char *near_one = near && word ? str_nearest(word, near) : NULL;
	if (near_one)
		str_addf(s, " (did you mean %s)", near_one);
	str_addc(s, '\n');
}

static inline void expanding_init(struct expanding *e, const char *name, const char *config, const char *provider)
{
	struct err err;
	memset(e, 0, sizeof(*e));
	str_init(&e->reports, STR_OURS);
	if (json_parse(config, strlen(config), "the test", &e->config, &err) ||
	    json_parse(provider, strlen(provider), "the test", &e->provider, &err))
		fail_msg("%s in %s", err.msg, config);
	e->x = (struct expand){ .name = name, .address = name, .dir = ".", .config = e->config, .provider = e->provider,
				.report = expanding_report, .report_ctx = &e->reports };
}

static inline void expanding_release(struct expanding *e)
{
	json_decref(e->x.value);
	json_decref(e->config);
	json_decref(e->provider);
	str_release(&e->reports);
}

#endif
