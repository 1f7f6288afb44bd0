/* Systems: the host and the HGX baseboard, their processors, BIOS and resets. */
#include <stdio.h>
#include <string.h>

#include "sim/bios.h"
#include "sim/call.h"
#include "sim/firmware.h"
#include "sim/power.h"
#include "sim/types.h"

#define HOST ROOT "/Systems/DGX"
#define HGX ROOT "/Systems/HGX_Baseboard_0"
#define RESETS "On|ForceOff|GracefulShutdown|GracefulRestart|ForceRestart|PowerCycle|ForceOn"
#define BIOS_REGISTRY "BiosAttributeRegistryDGXH100.1.0.0"

static bool is_host(const struct call *c) { return strcmp(c->id[0], "DGX") == 0; }
static bool is_hgx(const struct call *c) { return strcmp(c->id[0], "HGX_Baseboard_0") == 0; }

static json_t *get_systems(struct call *c)
{
	json_t *r = collection(c, "ComputerSystemCollection", "Computer System Collection");

	member(r, HOST);
	member(r, HGX);
	return r;
}

static json_t *boot(struct call *c)
{
	json_t *b = json_pack("{s:o, s:o, s:[s, s, s]}", "BootSourceOverrideTarget@Redfish.AllowableValues",
		words("None|Pxe|Hdd|Cd|UefiHttp|BiosSetup"), "BootSourceOverrideEnabled@Redfish.AllowableValues",
		words("Disabled|Once|Continuous"), "BootOrder", "Boot0001", "Boot0002", "Boot0003");

	put_delta(c, b, "Boot/BootSourceOverrideTarget", json_string("None"));
	put_delta(c, b, "Boot/BootSourceOverrideEnabled", json_string("Disabled"));
	put_delta(c, b, "Boot/BootSourceOverrideMode", json_string("UEFI"));
	return b;
}

static json_t *get_host(struct call *c)
{
	json_t *r = resource(c, TYPE_SYSTEM, "DGX", "DGX H100 Host");
	char serial[24], uuid[37];

	bmc_serial(c->b, serial);
	bmc_uuid(c->b, "host", uuid);
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "SystemType", "Physical", "Manufacturer",
		"NVIDIA", "Model", "DGXH100", "SKU", "DGXH100", "PartNumber", "965-24387-0002-000", "SerialNumber", serial, "UUID", uuid,
		"PowerState", power_word(c->b), "Status", json_pack("{s:s, s:s, s:s}", "Health", "OK", "HealthRollup", "OK", "State",
		power_in_post(c->b, c->now) ? "Starting" : c->b->power == POWER_ON ? "Enabled" : "StandbyOffline")));
	json_object_update_new(r, json_pack("{s:s, s:{s:s}, s:{s:i, s:s}, s:{s:i}, s:o}", "BiosVersion",
		item_version(c->b, (unsigned)firmware_find("HostBIOS_0")), "BootProgress", "LastState",
		power_boot_progress(c->b, c->now), "ProcessorSummary", "Count", 2, "Model", "Intel(R) Xeon(R) Platinum 8480C",
		"MemorySummary", "TotalSystemMemoryGiB", 2048, "Boot", boot(c)));
	put_delta(c, r, "AssetTag", json_string(""));
	put_delta(c, r, "PowerRestorePolicy", json_string("LastState"));
	put_delta(c, r, "LocationIndicatorActive", json_false());
	json_object_update_new(r, json_pack("{s:o, s:o, s:{s:[o], s:[o]}, s:{s:{s:s, s:s, s:o}}}", "Bios", ref(HOST "/Bios"),
		"Processors", ref(HOST "/Processors"), "Links", "Chassis", ref(ROOT "/Chassis/DGX"), "ManagedBy", ref(ROOT "/Managers/BMC"),
		"Actions", "#ComputerSystem.Reset", "target", HOST "/Actions/ComputerSystem.Reset", "@Redfish.ActionInfo",
		HOST "/ResetActionInfo", "ResetType@Redfish.AllowableValues", words(RESETS)));
	return r;
}

static json_t *get_hgx(struct call *c)
{
	json_t *r = resource(c, TYPE_SYSTEM, "HGX_Baseboard_0", "HGX H100 Baseboard");
	char uuid[37];

	bmc_uuid(c->b, "hgx", uuid);
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:{s:i}}", "SystemType", "Physical",
		"Manufacturer", "NVIDIA", "Model", "HGX H100 8-GPU", "SerialNumber", text("15729%08u", c->b->index + 1), "UUID", uuid,
		"PowerState", power_word(c->b), "Status", status_ok(), "ProcessorSummary", "Count", 8));
	json_object_update_new(r, json_pack("{s:o, s:{s:[o], s:[o]}}", "Processors", ref(HGX "/Processors"), "Links", "Chassis",
		ref(ROOT "/Chassis/HGX_Chassis_0"), "ManagedBy", ref(ROOT "/Managers/HGX_BMC_0")));
	return r;
}

static json_t *get_system(struct call *c)
{
	return is_host(c) ? get_host(c) : is_hgx(c) ? get_hgx(c) : NULL;
}

static const struct writable host_writable[] = {
	{ "AssetTag", 's', 0, 63, NULL, NULL },
	{ "LocationIndicatorActive", 'b', 0, 0, NULL, NULL },
	{ "PowerRestorePolicy", 's', 0, 0, "AlwaysOff|AlwaysOn|LastState", NULL },
	{ "Boot/BootSourceOverrideTarget", 's', 0, 0, "None|Pxe|Hdd|Cd|UefiHttp|BiosSetup", NULL },
	{ "Boot/BootSourceOverrideEnabled", 's', 0, 0, "Disabled|Once|Continuous", NULL },
	{ "Boot/BootSourceOverrideMode", 's', 0, 0, "UEFI", NULL },
};

static void patch_system(struct call *c)
{
	patch_properties(c, host_writable, is_host(c) ? ARRAY_LEN(host_writable) : 0);
}

static json_t *get_reset_info(struct call *c)
{
	json_t *r;

	if (!is_host(c))
		return NULL;
	r = resource(c, TYPE_ACTION_INFO, "ResetActionInfo", "Reset Action Info");
	json_object_set_new(r, "Parameters", json_pack("[{s:s, s:b, s:s, s:o}]", "Name", "ResetType", "Required", 1, "DataType",
		"String", "AllowableValues", words(RESETS)));
	return r;
}

static void post_reset(struct call *c)
{
	static const struct { const char *word; enum reset kind; } kinds[] = {
		{ "On", RESET_ON }, { "ForceOn", RESET_FORCE_ON }, { "ForceOff", RESET_FORCE_OFF }, { "GracefulShutdown", RESET_SHUTDOWN },
		{ "GracefulRestart", RESET_RESTART }, { "ForceRestart", RESET_FORCE_RESTART }, { "PowerCycle", RESET_CYCLE },
	};
	static const struct param params[] = { { "ResetType", 's', true, RESETS } };
	const char *word;
	size_t i = 0;

	if (!is_host(c)) {
		fail(c, 404, "ResourceMissingAtURI", NULL, c->path);
		return;
	}
	if (!check_params(c, "ComputerSystem.Reset", params, 1))
		return;
	word = json_str(c->in, "ResetType");
	while (strcmp(kinds[i].word, word) != 0)
		i++;
	if (power_reset(c->b, kinds[i].kind))
		fail(c, 409, "ResourceInUse", NULL);
	else
		reply_empty(c, 204);
}

/* --- processors ---------------------------------------------------------------------------------------------- */

static json_t *get_processors(struct call *c)
{
	json_t *r = collection(c, "ProcessorCollection", "Processor Collection");

	if (is_host(c)) {
		member(r, HOST "/Processors/CPU_0");
		member(r, HOST "/Processors/CPU_1");
		return r;
	}
	for (unsigned i = 1; is_hgx(c) && i <= 8; i++)
		member(r, HGX "/Processors/GPU_SXM_%u", i);
	if (is_hgx(c))
		return r;
	json_decref(r);
	return NULL;
}

static json_t *get_gpu(struct call *c)
{
	char id[32], what[48], uuid[37];
	json_t *r = NULL;

	for (unsigned i = 1; i <= 8 && !r; i++) {
		snprintf(id, sizeof id, "GPU_SXM_%u", i);
		if (strcmp(id, c->id[1]) != 0)
			continue;
		snprintf(what, sizeof what, "HGX_FW_%s", id);
		bmc_uuid(c->b, id, uuid);
		r = resource(c, TYPE_PROCESSOR, id, id);
		json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:s, s:b}", "ProcessorType", "GPU",
			"Manufacturer", "NVIDIA", "Model", "H100 80GB HBM3", "PartNumber", "2330-885-A1", "SerialNumber",
			text("165432300%04u%u", c->b->index + 1, i), "UUID", uuid, "FirmwareVersion",
			item_version(c->b, (unsigned)firmware_find(what)), "Status", status_ok(), "InstructionSet", "OEM",
			"LocationIndicatorActive", 0));
		json_object_update_new(r, json_pack("{s:[{s:s, s:i}], s:{s:o}, s:{s:{s:s, s:b}}}", "ProcessorMemory", "MemoryType", "HBM3",
			"CapacityMiB", 81920, "Links", "Chassis", ref(ROOT "/Chassis/HGX_Chassis_0"), "Oem", "Nvidia", "@odata.type",
			"#NvidiaProcessor.v1_0_0.NvidiaGPU", "MIGModeEnabled", 0));
	}
	return r;
}

static json_t *get_processor(struct call *c)
{
	json_t *r;

	if (is_hgx(c))
		return get_gpu(c);
	if (!is_host(c) || (strcmp(c->id[1], "CPU_0") != 0 && strcmp(c->id[1], "CPU_1") != 0))
		return NULL;
	r = resource(c, TYPE_PROCESSOR, c->id[1], c->id[1]);
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:o, s:{s:o}}", "ProcessorType", "CPU",
		"Manufacturer", "Intel(R) Corporation", "Model", "Intel(R) Xeon(R) Platinum 8480C", "Socket", c->id[1], "TotalCores", 56,
		"TotalThreads", 112, "MaxSpeedMHz", 3800, "Status", status_ok(), "Links", "Chassis", ref(ROOT "/Chassis/DGX")));
	return r;
}

/* --- BIOS ---------------------------------------------------------------------------------------------------- */

static json_t *get_bios(struct call *c)
{
	json_t *r;

	if (!is_host(c))
		return NULL;
	r = resource(c, TYPE_BIOS, "Bios", "BIOS Configuration");
	json_object_update_new(r, json_pack("{s:s, s:o, s:{s:s, s:o, s:o}, s:{s:{s:s}}}", "AttributeRegistry", BIOS_REGISTRY,
		"Attributes", bios_values(c->b), "@Redfish.Settings", "@odata.type", "#Settings.v1_3_5.Settings", "SettingsObject",
		ref(HOST "/Bios/Settings"), "SupportedApplyTimes", words("OnReset"), "Actions", "#Bios.ResetBios", "target",
		HOST "/Bios/Actions/Bios.ResetBios"));
	return r;
}

static json_t *get_settings(struct call *c)
{
	json_t *r;

	if (!is_host(c))
		return NULL;
	r = resource(c, TYPE_BIOS, "Settings", "BIOS Settings");
	json_object_set_new(r, "AttributeRegistry", json_string(BIOS_REGISTRY));
	json_object_set_new(r, "Attributes", c->b->bios_pending ? json_deep_copy(c->b->bios_pending) : json_object());
	return r;
}

static void check_attribute(struct call *c, const char *name, const json_t *value)
{
	const struct bios_attr *a = bios_find(name);
	autofree char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	char prop[160];

	snprintf(prop, sizeof prop, "Attributes/%.140s", name);
	if (!a) {
		complain(c, "PropertyUnknown", prop, name);
		return;
	}
	switch (bios_check(a, value)) {
	case 0:
		break;
	case E_DENIED:
		complain(c, "PropertyNotWritable", prop, name);
		break;
	case E_INPUT:
		complain(c, "PropertyValueTypeError", prop, shown, name);
		break;
	default:
		complain(c, a->type == BIOS_ENUM ? "PropertyValueNotInList" : "PropertyValueOutOfRange", prop, shown, name);
	}
}

/* All or nothing: one wrong attribute refuses the whole request. */
static void patch_settings(struct call *c)
{
	const char *key, *when;
	json_t *value, *attributes = json_object_get(c->in, "Attributes");

	json_object_foreach(c->in, key, value) {
		if (strcmp(key, "Attributes") == 0 || strcmp(key, "@Redfish.SettingsApplyTime") == 0)
			continue;
		if (strchr(key, '@') == NULL)
			complain(c, strcmp(key, "Id") == 0 || strcmp(key, "Name") == 0 || strcmp(key, "AttributeRegistry") == 0 ?
				"PropertyNotWritable" : "PropertyUnknown", key, key);
	}
	value = json_object_get(c->in, "@Redfish.SettingsApplyTime");
	when = json_str(value, "ApplyTime");
	if (value && (!when || strcmp(when, "OnReset") != 0))
		complain(c, "PropertyValueNotInList", "@Redfish.SettingsApplyTime", when ? when : "", "ApplyTime");
	if (attributes && !json_is_object(attributes))
		complain(c, "PropertyValueTypeError", "Attributes", "", "Attributes");
	else if (!c->infos && json_object_size(attributes) == 0)
		complain(c, json_object_size(c->in) ? "NoOperation" : "EmptyJSON", NULL);
	else
		json_object_foreach(attributes, key, value)
			check_attribute(c, key, value);
	if (c->infos) {
		reply_complaints(c, 400);
		return;
	}
	bios_ask(c->b, attributes);
	reply_resource(c);
}

static void post_reset_bios(struct call *c)
{
	json_t *all;
	size_t n;
	const struct bios_attr *a = bios_attrs(&n);

	if (!check_params(c, "Bios.ResetBios", NULL, 0))
		return;
	all = json_object();
	for (size_t i = 0; i < n; i++)
		if (!a[i].read_only)
			json_object_set_new(all, a[i].name, bios_default(&a[i]));
	bios_ask(c->b, all);
	json_decref(all);
	reply_empty(c, 204);
}

const struct route routes_system[] = {
	{ .path = "Systems", .get = get_systems },
	{ .path = "Systems/*", .get = get_system, .patch = patch_system, .priv = PRIV_COMPONENTS },
	{ .path = "Systems/*/ResetActionInfo", .get = get_reset_info },
	{ .path = "Systems/*/Actions/ComputerSystem.Reset", .post = post_reset, .priv = PRIV_COMPONENTS },
	{ .path = "Systems/*/Processors", .get = get_processors },
	{ .path = "Systems/*/Processors/*", .get = get_processor },
	{ .path = "Systems/*/Bios", .get = get_bios },
	{ .path = "Systems/*/Bios/Settings", .get = get_settings, .patch = patch_settings, .priv = PRIV_COMPONENTS,
	  .flags = ROUTE_ETAG_REQUIRED },
	{ .path = "Systems/DGX/Bios/Actions/Bios.ResetBios", .post = post_reset_bios, .priv = PRIV_COMPONENTS,
	  .flags = ROUTE_OPTIONAL_BODY },
	{ 0 },
};
