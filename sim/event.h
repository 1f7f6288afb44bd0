/* event - what a BMC tells its subscribers: tasks that start and end, power that changes, test events.
 *
 * An event is made when the BMC is settled past its cause; fleet.on_event gets one Event payload for each subscription
 * whose filters (RegistryPrefixes, MessageIds, both empty: all) take it.
 */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include "sim/model.h"

enum event_kind { EVENT_TASK_STARTED, EVENT_TASK_COMPLETED, EVENT_TASK_ABORTED, EVENT_POWERED_ON, EVENT_POWERED_OFF, EVENT_TEST };

/* ARG fills %1 of the message; ORIGIN is the path the event is about. */
void event_emit(struct bmc *b, enum event_kind kind, const char *arg, const char *origin);

#endif
