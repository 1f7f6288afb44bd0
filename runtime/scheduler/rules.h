/* rules - the options that order the queue, of the scheduler and of simulate alike. */
#ifndef RUNTIME_SCHEDULER_RULES_H
#define RUNTIME_SCHEDULER_RULES_H

#include "base/opts.h"
#include "runtime/scheduler/place.h"

struct rules_opts { const char *reserve_after; bool strict; unsigned aging; const char *moves; };

#define RULES_OPTS(type, member) \
	{ 0, "reserve-after", "TIME", "keep room for who has waited so long: 5m (default; simulate: never), 0, never", OPT_TEXT, offsetof(type, member.reserve_after), NULL }, \
	{ 0, "strict-order", NULL, "nobody is placed before who comes first, even into room that one cannot use", OPT_FLAG, offsetof(type, member.strict), NULL }, \
	{ 0, "aging", "POINTS", "priority that an hour of waiting counts for, a day's at most (default: none)", OPT_COUNT, offsetof(type, member.aging), NULL }, \
	{ 0, "moves", "N", "most pods on the way at once to open a domain for a group (default 0: none)", OPT_TEXT, offsetof(type, member.moves), NULL }

/* E_INPUT: reserve_after is no time, or moves no number. */
int rules_read(const struct rules_opts *o, struct engine_rules *out, struct err *err) MUST_CHECK;

#endif
