#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

static struct {
	enum log_level level;
	bool json;
} conf = { LOG_WARN, false };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_init(enum log_level level, bool json)
{
	conf.level = level;
	conf.json = json;
}

bool log_on(enum log_level level)
{
	return level <= conf.level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[2048], when[32];
	if (!log_on(level))
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clock_stamp(clock_wall_ms(), when);
	if (!conf.json) {
		fprintf(stderr, "%s %s: %s\n", when, level_names[level], text);
		return;
	}
	autojson json_t *j = json_object();
	json_put_str(j, "time", when);
	json_put_str(j, "level", level_names[level]);
	json_put_str(j, "message", text);
	autofree char *line = json_text(j);
	fprintf(stderr, "%s\n", line);
}
