/* show - plans as text for people: identical changes are one line, effects on machines are said, 80 columns. */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "cli/cli.h"
#include "engine/engine.h"

struct show_plan {
	const struct engine *engine;         /* for the effect of single attributes; may be NULL */
	bool verbose;                        /* every object with its attributes */
	const char *saved;                   /* file it was saved in, or NULL */
	const char *command;                 /* "apply" or "destroy": what to type next */
};
void show_plan_text(struct cli *c, const struct plan *p, const struct show_plan *o);
/* One JSON value as people read it: strings bare, texts of several lines as their number of lines, nothing as "(none)". */
void show_value(const json_t *v, size_t max, struct str *out);

#endif
