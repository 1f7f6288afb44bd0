/* quirks - what schemas/quirks.json says about machines, message ids, versions and component families.
 *
 * The file is data with a source in each row; this reads it once and answers questions. Everything returned is borrowed
 * from the table, which lives as long as the program's first quirks_load() (one table, constant).
 */
#ifndef PROVIDERS_REDFISH_QUIRKS_H
#define PROVIDERS_REDFISH_QUIRKS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/json.h"
#include "engine/provider.h"

/* What is different on one platform. Zeroed: nothing. */
struct quirk {
	const char *name;            /* row's name, or NULL */
	const char *if_match;        /* send this where a PATCH has no ETag ("*"), or NULL */
	const char *settings;        /* last segment of the BIOS settings object where no link names it, or NULL */
	int update_delay_s;          /* pause between two images */
	bool multipart_oem;          /* UpdateParameters must hold an Oem object */
	bool restart_by_off_on;      /* ForceRestart hangs: ForceOff, then On */
};
/* The last row that matches (later rows are narrower). Strings may be NULL. */
struct quirk quirk_for(const char *vendor, const char *product, const char *redfish);

/* MessageIds are compared by their last part ("Base.1.8.GeneralError" is "GeneralError"), so registry versions do not matter. */
bool quirk_id_is(const char *message_id, const char *name);
bool quirk_not_ready(const char *message_id, int *seconds_arg);     /* arg number (from 1) that holds seconds, or 0 */
bool quirk_session_full(const char *message_id);
const char *quirk_unavailable(const char *message_id);      /* why retrying does not help now, or NULL */
bool quirk_update_runs(const char *said);                   /* words that say that another update is under way */
bool quirk_not_running(const char *inventory_id);                   /* a row of the inventory about a version that does not run */
bool quirk_not_host(const char *system_id);                          /* a system that is no host (GPU baseboard, DPU) */

enum activation { ACTIVATE_NONE, ACTIVATE_BMC_RESET, ACTIVATE_REBOOT, ACTIVATE_AC_CYCLE };
struct family {
	const char *name;
	int order;                   /* 1 BMC, 2 board, 3 GPU tray, 4 network adapters */
	enum activation apply;
	int minutes;
	const char *irreversible;    /* or NULL */
};
/* Family of an inventory id, or of a pattern over ids. What no row knows is board firmware that wants a reboot. */
struct family family_of(const char *id);
/* Does PATTERN cover ids of a family that cannot go back? Its reason, or NULL. */
const char *family_irreversible(const char *pattern);
/* "none", "bmc_reset", "reboot", "ac_cycle"; ACTIVATE_REBOOT for anything else. */
enum activation activation_named(const char *word);

/* The same version, whatever the platform's way of writing it: prefixes (`GB200Nvl-`), leading zeros, `NAME=`, `Ver `,
 * hex bytes, a date behind it that only one of them names. Never an order. */
bool version_same(const char *a, const char *b);
bool version_none(const char *v);                            /* NULL, "", "Not Present", "-*": no version at all */

#endif
