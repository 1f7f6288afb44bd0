/* control - what tests ask the simulator about itself, and do behind everyone's back. Plain HTTP, JSON.
 *
 *   GET  /v1/bmcs           {"bmcs": [{"name", "bmc", "power", "requests", "sessions_open", "away"}]}
 *   GET  /v1/bmcs/NAME      {"name", "bmc", "rack", "serial", "power", "boot_progress", "away", "resets", "bmc_resets",
 *                           "ac_cycles", "bios_applied", "sessions_open", "sessions_created",
 *                           "requests": {"GET /redfish/v1": n}, "images": [{"sha256", "size", "count", "path"}],
 *                           "firmware": {ID: version}, "staged": {ID: version}, "bios": {NAME: value}, "bios_pending": {},
 *                           "tasks": [{"id", "state", "percent"}], "updating": bool}
 *                           `images` are those an update was begun with, not those refused (503, 400); `path`: "multipart",
 *                           "push" or the URI it was fetched from.
 *   GET  /v1/totals         {"bmcs", "requests", "sessions_open", "sessions_created", "images", "resets", "bmc_resets",
 *                           "ac_cycles", "bios_applied", "updating", "seconds", "rss_kib"}
 *   POST /v1/faults         replaces the fault plan (sim/fault.h)
 *   POST /v1/time           {"advance_s": N} skips N seconds, at most a year
 *   POST /v1/bmcs/NAME      {"firmware": {ID: version}, "bios": {NAME: value}, "power": "On"|"Off"}: at once, all or nothing
 *   POST /v1/stop           ends the process
 * Errors are {"error": TEXT} with 400, 404 or 405.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "sim/model.h"

/* Answers one request: the HTTP status, *OUT the JSON text (free). *STOP is set by /v1/stop. */
int control_handle(struct fleet *f, const char *method, const char *path, const char *body, size_t len, char **out, bool *stop);

#endif
