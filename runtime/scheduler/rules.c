#include "runtime/scheduler/rules.h"

#include <stdlib.h>
#include <string.h>

int rules_read(const struct rules_opts *o, struct engine_rules *out, struct err *err)
{
	*out = engine_default_rules;
	out->aging = o->aging;
	out->strict = o->strict;
	if (o->reserve_after && strcmp(o->reserve_after, "never") == 0)
		out->reserve_after_ms = -1;
	else if (o->reserve_after && strcmp(o->reserve_after, "0") == 0)
		out->reserve_after_ms = 0;
	else if (o->reserve_after && (out->reserve_after_ms = span_ms(o->reserve_after)) == 0)
		return err_set(err, E_INPUT, "--reserve-after wants a time as 90s, 5m or 1h30m, 0, or never; not \"%.60s\"", o->reserve_after);
	if (o->moves && (!*o->moves || strlen(o->moves) > 5 || strspn(o->moves, "0123456789") != strlen(o->moves)))
		return err_set(err, E_INPUT, "--moves wants a number of pods from 0 (none) to 99999, not \"%.60s\"", o->moves);
	out->moves = o->moves ? strtol(o->moves, NULL, 10) : 0;
	if (o->strict && o->reserve_after && out->reserve_after_ms)
		return err_set(err, E_INPUT, "--strict-order keeps room from the start: leave out --reserve-after");
	out->reserve_after_ms = o->strict ? 0 : out->reserve_after_ms;
	return 0;
}
