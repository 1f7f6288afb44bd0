#include "sim/power.h"

#include <string.h>

#include "sim/bios.h"
#include "sim/event.h"
#include "sim/firmware.h"
#include "sim/update.h"

#define HOST "/redfish/v1/Systems/DGX"

static void host_goes(struct bmc *b, enum power power, enum host_next next, int64_t now, int64_t seconds)
{
	b->power = power;
	b->host_next = next;
	b->host_due = next == HOST_STAYS ? 0 : now + seconds * 1000;
}

static void begin_post(struct bmc *b, int64_t now)
{
	b->post_start = now;
	host_goes(b, POWER_ON, HOST_POSTED, now, T_POST);
}

static bool changing(const struct bmc *b)
{
	return b->power == POWER_POWERING_ON || b->power == POWER_POWERING_OFF || b->host_next == HOST_RESTARTS ||
		(b->power == POWER_OFF && b->host_next != HOST_STAYS);
}

int power_reset(struct bmc *b, enum reset kind)
{
	int64_t now = fleet_now(b->fleet);
	bool on = b->power == POWER_ON;

	if (kind == RESET_FORCE_OFF && b->power != POWER_OFF) {
		host_goes(b, POWER_POWERING_OFF, HOST_TURNS_OFF, now, T_FORCE_OFF);
		return 0;
	}
	if (changing(b))
		return E_CONFLICT;
	if ((kind == RESET_ON || kind == RESET_FORCE_ON) == on)
		return E_CONFLICT;
	switch (kind) {
	case RESET_ON:
	case RESET_FORCE_ON:
		host_goes(b, POWER_POWERING_ON, HOST_IS_ON, now, T_POWER_ON);
		break;
	case RESET_FORCE_OFF:
		break;
	case RESET_SHUTDOWN:
		host_goes(b, POWER_POWERING_OFF, HOST_TURNS_OFF, now, power_in_post(b, now) ? T_FORCE_OFF : T_SHUTDOWN);
		break;
	case RESET_RESTART:
		b->resets++;
		host_goes(b, POWER_ON, HOST_RESTARTS, now, T_RESTART);
		break;
	case RESET_FORCE_RESTART:
		b->resets++;
		begin_post(b, now);
		break;
	case RESET_CYCLE:
		b->resets++;
		host_goes(b, POWER_POWERING_OFF, HOST_TURNS_OFF_AND_ON, now, T_FORCE_OFF);
		break;
	}
	return 0;
}

void power_bmc_reset(struct bmc *b, int64_t delay_ms)
{
	int64_t at = fleet_now(b->fleet) + delay_ms;

	if (!b->reset_at || b->reset_at > at)
		b->reset_at = at;
}

int power_ac_cycle(struct bmc *b, bool force, int64_t delay_ms)
{
	if (!force && b->power != POWER_OFF)
		return E_DENIED;
	b->ac_lost = true;
	power_bmc_reset(b, delay_ms);
	return 0;
}

const char *power_word(const struct bmc *b)
{
	static const char *const words[] = { "Off", "PoweringOn", "On", "PoweringOff" };

	return words[b->power];
}

bool power_in_post(const struct bmc *b, int64_t now)
{
	return b->power == POWER_ON && now - b->post_start < T_POST * 1000;
}

const char *power_boot_progress(const struct bmc *b, int64_t now)
{
	static const struct { int64_t until; const char *word; } stages[] = {
		{ 15, "PrimaryProcessorInitializationStarted" }, { 30, "BusInitializationStarted" },
		{ 90, "MemoryInitializationStarted" }, { 110, "SecondaryProcessorInitializationStarted" },
		{ 165, "PCIResourceConfigStarted" }, { T_POST, "SystemHardwareInitializationComplete" },
		{ T_POST + T_OS_BOOT, "OSBootStarted" },
	};

	if (b->power != POWER_ON)
		return "None";
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		if (now - b->post_start < stages[i].until * 1000)
			return stages[i].word;
	return "OSRunning";
}

void power_force(struct bmc *b, bool on)
{
	host_goes(b, on ? POWER_ON : POWER_OFF, HOST_STAYS, 0, 0);
	b->post_start = fleet_now(b->fleet) - (T_POST + T_OS_BOOT) * INT64_C(1000);
}

static void host_play(struct bmc *b, int64_t now)
{
	enum host_next next = b->host_next;

	b->host_next = HOST_STAYS;
	b->host_due = 0;
	switch (next) {
	case HOST_STAYS:
		break;
	case HOST_TURNS_OFF:
		b->power = POWER_OFF;
		event_emit(b, EVENT_POWERED_OFF, HOST, HOST);
		break;
	case HOST_TURNS_OFF_AND_ON:
		host_goes(b, POWER_OFF, HOST_POWERS_ON, now, T_OFF_PAUSE);
		break;
	case HOST_POWERS_ON:
		host_goes(b, POWER_POWERING_ON, HOST_IS_ON, now, T_POWER_ON);
		break;
	case HOST_IS_ON:
		event_emit(b, EVENT_POWERED_ON, HOST, HOST);
		begin_post(b, now);
		break;
	case HOST_RESTARTS:
		begin_post(b, now);
		break;
	case HOST_POSTED:
		items_activate(b, ACT_HOST_RESET, now);
		bios_apply(b);
		break;
	}
}

/* The BMC goes down: by its own reset, or because mains goes. */
static void go_away(struct bmc *b, int64_t now)
{
	b->reset_at = 0;
	b->sessions.len = 0;
	update_interrupt(b, now);
	if (b->ac_lost) {
		b->ac_cycles++;
		b->was_on = b->power == POWER_ON || b->power == POWER_POWERING_ON;
		host_goes(b, POWER_OFF, HOST_STAYS, now, 0);
		items_activate(b, ACT_AC_CYCLE, now);
		items_activate(b, ACT_BMC_RESET, now);
		b->back_at = now + T_AC_CYCLE * 1000;
	} else {
		b->bmc_resets++;
		items_activate(b, ACT_BMC_RESET, now);
		b->back_at = now + T_BMC_RESET * 1000;
	}
}

static void come_back(struct bmc *b, int64_t now)
{
	const json_t *policy = bmc_delta(b, HOST, "PowerRestorePolicy");
	const char *word = policy ? json_string_value(policy) : "LastState";

	b->back_at = 0;
	if (!b->ac_lost)
		return;
	b->ac_lost = false;
	if (strcmp(word, "AlwaysOn") == 0 || (strcmp(word, "LastState") == 0 && b->was_on))
		host_goes(b, POWER_POWERING_ON, HOST_IS_ON, now, T_POWER_ON);
}

int64_t power_due(const struct bmc *b)
{
	int64_t due = INT64_MAX;

	if (b->host_next != HOST_STAYS)
		due = b->host_due;
	if (b->back_at && b->back_at < due)
		due = b->back_at;
	if (b->reset_at && b->reset_at < due)
		due = b->reset_at;
	return due;
}

void power_play(struct bmc *b, int64_t now)
{
	if (b->host_next != HOST_STAYS && b->host_due <= now)
		host_play(b, now);
	else if (b->back_at && b->back_at <= now)
		come_back(b, now);
	else if (b->reset_at && b->reset_at <= now)
		go_away(b, now);
}
