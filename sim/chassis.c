/* Chassis: the machine, its BMC board with the AC cycle, the HGX baseboard, and the roots of trust. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/call.h"
#include "sim/firmware.h"
#include "sim/power.h"
#include "sim/types.h"

#define AUX_RESETS "AuxPowerCycle|AuxPowerCycleForce"

static const struct { const char *id, *name, *type, *model; } boards[] = {
	{ "DGX", "DGX H100", "RackMount", "DGXH100" },
	{ "BMC_0", "BMC Board", "Module", "P4764" },
	{ "HGX_Chassis_0", "HGX H100 Baseboard", "Module", "HGX H100 8-GPU" },
};

/* Is it a root of trust? Every erot of a component is a chassis, once. */
static bool is_erot(const char *id)
{
	for (unsigned i = 0; *id && i < firmware_count(); i++)
		if (strcmp(firmware_at(i)->erot, id) == 0)
			return true;
	return false;
}

static json_t *get_collection(struct call *c)
{
	json_t *r = collection(c, "ChassisCollection", "Chassis Collection");

	for (size_t i = 0; i < ARRAY_LEN(boards); i++)
		member(r, ROOT "/Chassis/%s", boards[i].id);
	for (unsigned i = 0; i < firmware_count(); i++) {
		const char *erot = firmware_at(i)->erot;
		bool seen = !*erot;

		for (unsigned k = 0; k < i && !seen; k++)
			seen = strcmp(firmware_at(k)->erot, erot) == 0;
		if (!seen)
			member(r, ROOT "/Chassis/%s", erot);
	}
	return r;
}

static json_t *get_erot(struct call *c)
{
	json_t *r = resource(c, TYPE_CHASSIS, c->id[0], c->id[0]);
	bool hgx = str_has_prefix(c->id[0], "HGX_");

	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:o, s:o, s:{s:o, s:[o]}}", "ChassisType", "Component", "Manufacturer",
		"NVIDIA", "Model", "ERoT", "SerialNumber", text("0x%016llX", (unsigned long long)bmc_hash(c->b, c->id[0])), "Status",
		status_ok(), "Links", "ContainedBy", ref(ROOT "/Chassis/%s", hgx ? "HGX_Chassis_0" : "DGX"), "ManagedBy",
		ref(ROOT "/Managers/%s", hgx ? "HGX_BMC_0" : "BMC")));
	json_object_set_new(r, "Oem", json_pack("{s:{s:s, s:b, s:s, s:b}}", "Nvidia", "@odata.type", "#NvidiaChassis.v1_0_0.NvidiaRoTChassis",
		"AutomaticBackgroundCopyEnabled", 1,
		"BackgroundCopyStatus", erot_copying(c->b, c->id[0], c->now) ? "InProgress" : "Completed", "InbandUpdatePolicyEnabled", 1));
	return r;
}

static void put_links(const struct call *c, json_t *r, size_t board)
{
	json_t *links = json_object(), *inside = json_array();

	json_object_set_new(links, "ManagedBy", json_pack("[o]", ref(ROOT "/Managers/%s", board == 2 ? "HGX_BMC_0" : "BMC")));
	if (board == 0)
		json_object_set_new(links, "ComputerSystems", json_pack("[o]", ref(ROOT "/Systems/DGX")));
	if (board == 2)
		json_object_set_new(links, "ComputerSystems", json_pack("[o]", ref(ROOT "/Systems/HGX_Baseboard_0")));
	if (board != 0)
		json_object_set_new(links, "ContainedBy", ref(ROOT "/Chassis/DGX"));
	if (board == 0) {
		json_array_append_new(inside, ref(ROOT "/Chassis/BMC_0"));
		json_array_append_new(inside, ref(ROOT "/Chassis/HGX_Chassis_0"));
		json_object_set(links, "Contains", inside);
	}
	json_decref(inside);
	json_object_set_new(r, "Links", links);
	(void)c;
}

static void put_actions(json_t *r, size_t board)
{
	if (board == 0)
		json_object_set_new(r, "Actions", json_pack("{s:{s:s, s:s, s:o}}", "#Chassis.Reset", "target",
			ROOT "/Chassis/DGX/Actions/Chassis.Reset", "@Redfish.ActionInfo", ROOT "/Chassis/DGX/ResetActionInfo",
			"ResetType@Redfish.AllowableValues", words("PowerCycle")));
	if (board == 1)
		json_object_set_new(r, "Actions", json_pack("{s:{s:{s:s, s:s}}}", "Oem", "#NvidiaChassis.AuxPowerReset", "target",
			ROOT "/Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset", "@Redfish.ActionInfo",
			ROOT "/Chassis/BMC_0/Oem/Nvidia/AuxPowerResetActionInfo"));
}

static json_t *get_chassis(struct call *c)
{
	char serial[24];
	size_t i = 0;
	json_t *r;

	if (is_erot(c->id[0]))
		return get_erot(c);
	while (i < ARRAY_LEN(boards) && strcmp(boards[i].id, c->id[0]) != 0)
		i++;
	if (i == ARRAY_LEN(boards))
		return NULL;
	bmc_serial(c->b, serial);
	r = resource(c, TYPE_CHASSIS, boards[i].id, boards[i].name);
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:o, s:s, s:o}", "ChassisType", boards[i].type, "Manufacturer", "NVIDIA",
		"Model", boards[i].model, "SerialNumber", i == 0 ? json_string(serial) : text("%s-%zu", serial, i), "PowerState",
		power_word(c->b), "Status", status_ok()));
	if (i == 0) {
		put_delta(c, r, "AssetTag", json_string(""));
		put_delta(c, r, "LocationIndicatorActive", json_false());
	}
	put_links(c, r, i);
	put_actions(r, i);
	return r;
}

static const struct writable writable[] = {
	{ "AssetTag", 's', 0, 63, NULL, NULL },
	{ "LocationIndicatorActive", 'b', 0, 0, NULL, NULL },
};

static void patch_chassis(struct call *c)
{
	patch_properties(c, writable, strcmp(c->id[0], "DGX") == 0 ? ARRAY_LEN(writable) : 0);
}

static json_t *action_info(struct call *c, const char *id, const char *values, bool required)
{
	json_t *r = resource(c, TYPE_ACTION_INFO, id, "Reset Action Info");

	json_object_set_new(r, "Parameters", json_pack("[{s:s, s:b, s:s, s:o}]", "Name", "ResetType", "Required", required, "DataType",
		"String", "AllowableValues", words(values)));
	return r;
}

static json_t *get_aux_info(struct call *c) { return action_info(c, "AuxPowerResetActionInfo", AUX_RESETS, true); }
static json_t *get_reset_info(struct call *c) { return action_info(c, "ResetActionInfo", "PowerCycle", true); }

static void post_aux_reset(struct call *c)
{
	static const struct param params[] = { { "ResetType", 's', true, AUX_RESETS } };

	if (!check_params(c, "NvidiaChassis.AuxPowerReset", params, 1))
		return;
	if (power_ac_cycle(c->b, strcmp(json_str(c->in, "ResetType"), "AuxPowerCycleForce") == 0, 1000))
		fail(c, 400, "ChassisPowerStateOffRequired", NULL, "DGX");
	else
		reply_empty(c, 204);
}

static void post_reset(struct call *c)
{
	static const struct param params[] = { { "ResetType", 's', true, "PowerCycle" } };

	if (!check_params(c, "Chassis.Reset", params, 1))
		return;
	if (power_ac_cycle(c->b, true, 1000))
		fail(c, 409, "ResourceInUse", NULL);
	else
		reply_empty(c, 204);
}

const struct route routes_chassis[] = {
	{ .path = "Chassis", .get = get_collection },
	{ .path = "Chassis/*", .get = get_chassis, .patch = patch_chassis, .priv = PRIV_COMPONENTS },
	{ .path = "Chassis/DGX/ResetActionInfo", .get = get_reset_info },
	{ .path = "Chassis/DGX/Actions/Chassis.Reset", .post = post_reset, .priv = PRIV_COMPONENTS },
	{ .path = "Chassis/BMC_0/Oem/Nvidia/AuxPowerResetActionInfo", .get = get_aux_info },
	{ .path = "Chassis/BMC_0/Actions/Oem/NvidiaChassis.AuxPowerReset", .post = post_aux_reset, .priv = PRIV_COMPONENTS },
	{ 0 },
};
