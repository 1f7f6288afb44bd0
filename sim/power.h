/* power - the host's power, its POST, the BMC's own reset and the AC cycle.
 *
 *   Off -> PoweringOn 5 s -> On, POST 3 min (BootProgress), OS about 40 s later
 *   PoweringOff: 2 s forced, 30 s graceful. A restart keeps PowerState On and runs POST again.
 * At the end of POST the pending BIOS settings and the firmware that waits for a host reset take effect.
 * A BMC reset: every connection is dropped for 90 s, sessions are lost, tasks kept, an update under way fails, and the
 * firmware that waits for a BMC reset takes effect. An AC cycle is all of it, for 120 s, and activates the rest; the host
 * comes back as PowerRestorePolicy says.
 */
#ifndef SIM_POWER_H
#define SIM_POWER_H

#include "sim/model.h"

enum reset { RESET_ON, RESET_FORCE_ON, RESET_FORCE_OFF, RESET_SHUTDOWN, RESET_RESTART, RESET_FORCE_RESTART, RESET_CYCLE };

/* Starts it. E_CONFLICT when the host is in that state already or in the middle of a change. */
int power_reset(struct bmc *b, enum reset kind);
void power_bmc_reset(struct bmc *b, int64_t delay_ms);
/* Mains off and on. FORCE: whatever the host does; else E_DENIED unless the host is off. */
int power_ac_cycle(struct bmc *b, bool force, int64_t delay_ms);
/* Redfish words. */
const char *power_word(const struct bmc *b);         /* On, Off, PoweringOn, PoweringOff */
const char *power_boot_progress(const struct bmc *b, int64_t now);
bool power_in_post(const struct bmc *b, int64_t now);
/* Sets the state at once, behind everyone's back. */
void power_force(struct bmc *b, bool on);

/* For bmc_settle(): when the next transition is due (INT64_MAX: none), and playing it. */
int64_t power_due(const struct bmc *b);
void power_play(struct bmc *b, int64_t now);

#endif
