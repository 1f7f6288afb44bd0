/* log - what the program tells its operator while it works: text or JSON lines on stderr.
 *
 * For cli/, runtime/ and the simulator; base/ and providers log at debug level only, never errors (those are
 * returned). A log line never holds a credential, a header's value or a request body.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_init(enum log_level level, bool json);      /* default: LOG_WARN, text */
bool log_on(enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) do { if (log_on(LOG_DEBUG)) log_line(LOG_DEBUG, __VA_ARGS__); } while (0)

#endif
