/* state_show - one object of the state, for `state show` and `show ADDRESS`. */
#ifndef CLI_STATE_SHOW_H
#define CLI_STATE_SHOW_H

#include "cli/cli.h"
#include "state/store.h"

/* E_NOTFOUND names the nearest address. */
int state_show_object(struct cli *c, struct store *s, const char *address, struct err *err) MUST_CHECK;

#endif
