/* progress - an apply as it happens: live lines on a terminal, one time-stamped line an event elsewhere. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/cli.h"
#include "engine/apply.h"

struct progress;

struct progress *progress_new(struct cli *c, size_t total);
void progress_note(void *ctx, const struct apply_note *n);   /* ctx is the struct progress */
void progress_line(struct progress *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned progress_running(const struct progress *p);
void progress_free(struct progress *p);                      /* clears the live lines; NULL is fine */

#endif
