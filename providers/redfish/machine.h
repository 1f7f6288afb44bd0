/* machine - the host behind a BMC and the BMC itself: finding them, power, restarts, waiting for them to come back.
 *
 * The world is read before every step: no stored step is trusted. A request whose reply was lost is not repeated before the
 * state has been read again.
 */
#ifndef PROVIDERS_REDFISH_MACHINE_H
#define PROVIDERS_REDFISH_MACHINE_H

#include "providers/redfish/tree.h"

/* The host's ComputerSystem: WANT (its Id) or, when NULL, the one that is no GPU baseboard or DPU, has a power state and a
 * reset. E_INPUT naming the Ids when several could be meant. *PATH and *OUT are yours; either may be NULL. */
int rf_system(struct task *t, struct rf_bmc *b, const char *want, char **path, json_t **out, struct err *err) MUST_CHECK;

enum rf_power { RF_POWER_UNKNOWN, RF_POWER_OFF, RF_POWER_ON, RF_POWER_CHANGING };
enum rf_power rf_power_of(const json_t *system);
/* Reads PowerState. E_INTERNAL when the machine does not say. */
int rf_power(struct task *t, struct rf_bmc *b, const char *system, enum rf_power *out, struct err *err) MUST_CHECK;
/* Brings the host to ON or off and waits until that is seen; graceful first, then force. OP (may be NULL) gets progress. */
int rf_power_to(struct task *t, struct rf_bmc *b, const char *system, bool on, struct op *op, struct err *err) MUST_CHECK;

/* Where the boot stands: BOOT_UNKNOWN on machines without BootProgress. */
enum rf_boot { BOOT_UNKNOWN, BOOT_RUNNING, BOOT_DONE };
enum rf_boot rf_boot_of(const json_t *system);

/* Sends one restart of the host: KIND graceful or forced as the machine offers it (off and on where neither is). */
int rf_restart(struct task *t, struct rf_bmc *b, const char *system, bool force, struct op *op, struct err *err) MUST_CHECK;

/* Restarts the host (powers it on when it is off), graceful first, and waits until DONE says that what the restart is for has
 * come about (1), or fails (negative); 2: not yet, but something visibly works on it, so that the end of the boot says nothing.
 * Without any sign of a restart within limits.graceful it is forced, once. *APPLIED false: the host booted and DONE still says
 * 0. SENT: a restart was asked for already (resume): look first. */
typedef int rf_done_fn(struct task *t, void *ctx, struct err *err);
int rf_reboot_until(struct task *t, struct rf_bmc *b, const char *system, bool sent, rf_done_fn *done, void *ctx, struct op *op,
		    bool *applied, struct err *err) MUST_CHECK;

/* Waits until root, Systems, Managers and UpdateService answer well three times in a row. E_UNREACHABLE after the limit. */
int rf_wait_ready(struct task *t, struct rf_bmc *b, struct op *op, struct err *err) MUST_CHECK;
/* Resets the BMC and waits until it is back. E_UNSUPPORTED where it offers no reset. */
int rf_bmc_reset(struct task *t, struct rf_bmc *b, struct op *op, struct err *err) MUST_CHECK;
/* Waits until the BMC was seen away, or has forgotten our session (b->logins is no longer LOGINS), for at most a minute. Not seeing
 * it is no failure. */
int rf_await_gone(struct task *t, struct rf_bmc *b, unsigned logins, struct err *err) MUST_CHECK;
/* Host off, mains (or the nearest the machine offers) off and on, BMC back, host on. In this order of choice: an auxiliary power cycle of the
 * vendor's (NVIDIA, HPE), Dell's extended chassis reset, FullPowerCycle of the system or a chassis, the BIOS attribute PowerCycleRequest (Dell),
 * PowerCycle of a chassis; where nothing is offered, half a minute without power. */
int rf_ac_cycle(struct task *t, struct rf_bmc *b, const char *system, struct op *op, struct err *err) MUST_CHECK;
/* Writes one BIOS attribute of the host at SYSTEM and restarts it until that holds. E_NOTFOUND: its BIOS has no such attribute (or shows none). */
int rf_bios_set(struct task *t, struct rf_bmc *b, const char *system, const char *name, const char *value, struct op *op, struct err *err) MUST_CHECK;
/* Waits until every ERoT has copied its firmware to its second slot. Machines without ERoTs: at once. */
int rf_background_copy(struct task *t, struct rf_bmc *b, struct op *op, struct err *err) MUST_CHECK;

/* A growing pause between looks at the world: 0.5 s to 10 s. */
int rf_pause(struct task *t, unsigned *n, struct err *err) MUST_CHECK;
/* Is ERR of a kind that a machine in transition gives (unreachable, timeout, busy, server error, 404, bad JSON)? */
bool rf_passing(int code);

#endif
