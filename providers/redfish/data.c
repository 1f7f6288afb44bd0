/* Data types: what a machine's BMC tells of it, without holding it to anything. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "providers/redfish/data.h"
#include "providers/redfish/inventory.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/types.h"

/* --- columns ------------------------------------------------------------------------------------------------------------ */

/* V as a whole number or any; null where it is none: BMCs write numbers as strings, and the other way round. */
static json_t *as_number(const json_t *v, bool whole)
{
	const char *s = json_string_value(v);
	char *end = NULL;
	double x = s ? strtod(s, &end) : json_number_value(v);

	if ((s && (end == s || *end || !isdigit((unsigned char)end[-1]))) || (!s && !json_is_number(v)) || !(x > -9e15 && x < 9e15))
		return json_null();
	bool fits = x == (double)(long long)x;
	return fits ? json_integer((json_int_t)x) : whole ? json_null() : json_real(x);
}

json_t *rf_told(const json_t *v, enum attr_type type)
{
	autofree char *text = NULL;

	if (type == ATTR_INT || type == ATTR_NUMBER)
		return as_number(v, type == ATTR_INT);
	if (json_is_string(v))
		return json_ref(v);
	if (!json_is_number(v) && !json_is_boolean(v))
		return json_null();
	text = json_text(v);
	return json_string(text);
}

void rf_put_columns(json_t *to, const json_t *from, const struct attr *attrs, const struct rf_column *c, size_t n)
{
	for (; n; n--, c++) {
		const json_t *v = c->path[1] ? json_path(from, c->path[0], c->path[1], NULL) : json_at(from, c->path[0]);
		const struct attr *a = attrs;
		while (a->name && strcmp(a->name, c->name) != 0)
			a++;
		json_put_new(to, c->name, rf_told(v, a->type));
	}
}

int rf_data_failed(int rc, struct err *err)
{
	struct err why = *err;

	return rc == E_NOTFOUND ? err_set(err, E_INTERNAL, "%s", why.msg) : rc;
}

/* --- redfish_system -------------------------------------------------------------------------------------------------- */

static const struct attr system_attrs[] = {
	ASKED_ATTRS,
	{ .name = "system", .type = ATTR_STRING, .help = "Id of the host's ComputerSystem where the BMC has several." },
	TOLD("id", ATTR_STRING, "Id of the ComputerSystem."),
	TOLD("name", ATTR_STRING, "Its name in the BMC."),
	TOLD("manufacturer", ATTR_STRING, "Who made it."),
	TOLD("model", ATTR_STRING, "Its model."),
	TOLD("sku", ATTR_STRING, "Its SKU."),
	TOLD("part_number", ATTR_STRING, "Its part number."),
	TOLD("serial", ATTR_STRING, "Its serial number."),
	TOLD("asset_tag", ATTR_STRING, "The tag its owner gave it."),
	TOLD("uuid", ATTR_STRING, "Its UUID (SMBIOS)."),
	TOLD("host_name", ATTR_STRING, "What the host calls itself, where the BMC knows."),
	TOLD("bios_version", ATTR_STRING, "Version of its BIOS."),
	TOLD("bmc_version", ATTR_STRING, "Firmware version of the BMC that manages it."),
	TOLD("power", ATTR_STRING, "On, Off, PoweringOn, PoweringOff or Paused."),
	TOLD("boot_state", ATTR_STRING, "Where the boot stands (BootProgress.LastState)."),
	TOLD("health", ATTR_STRING, "OK, Warning or Critical, with all that is in it (HealthRollup)."),
	TOLD("state", ATTR_STRING, "Enabled, Starting, StandbyOffline, ..."),
	TOLD("processors", ATTR_INT, "Number of its processors."),
	TOLD("processor_model", ATTR_STRING, "Their model."),
	TOLD("memory_gib", ATTR_NUMBER, "Its memory in GiB."),
	{ 0 },
};

static const struct rf_column system_columns[] = {
	{ "id", { "Id" } }, { "name", { "Name" } }, { "manufacturer", { "Manufacturer" } }, { "model", { "Model" } }, { "sku", { "SKU" } },
	{ "part_number", { "PartNumber" } }, { "serial", { "SerialNumber" } }, { "asset_tag", { "AssetTag" } }, { "uuid", { "UUID" } },
	{ "host_name", { "HostName" } }, { "bios_version", { "BiosVersion" } }, { "power", { "PowerState" } },
	{ "boot_state", { "BootProgress", "LastState" } }, { "state", { "Status", "State" } }, { "processors", { "ProcessorSummary", "Count" } },
	{ "processor_model", { "ProcessorSummary", "Model" } }, { "memory_gib", { "MemorySummary", "TotalSystemMemoryGiB" } },
};

/* The first of the managers that SYSTEM links to (where it links to none: of all) that names a version; none does: null. */
static int put_bmc_version(struct task *t, struct rf_bmc *b, const json_t *system, json_t *to, struct err *err)
{
	const json_t *managers = json_path(system, "Links", "ManagedBy", NULL);
	autolinks struct rf_links all = { 0 };
	size_t n = json_array_size(managers);
	struct err one;

	json_put_new(to, "bmc_version", json_null());
	int rc = n ? 0 : rf_members(t, b, b->managers_uri, 0, &all, &one);
	for (size_t i = 0; rc == 0 && i < (n ? n : all.at.len) && i < 4; i++) {
		autojson json_t *j = NULL;
		autojson json_t *version = NULL;
		rc = n ? rf_follow(t, b, json_array_get(managers, i), "manager", &j, NULL, &one) : rf_get(t, b, all.at.at[i], 0, &j, NULL, &one);
		version = rc ? NULL : rf_told(json_at(j, "FirmwareVersion"), ATTR_STRING);
		if (json_is_string(version)) {
			json_put_new(to, "bmc_version", json_ref(version));
			break;
		}
		if (rf_passing(rc) && rc != E_UNREACHABLE && rc != E_TIMEOUT)
			rc = 0;
	}
	if (rf_passing(rc) && rc != E_UNREACHABLE && rc != E_TIMEOUT)
		rc = 0;
	if (rc)
		*err = one;
	return rc;
}

static int read_system(struct task *t, struct op *op, struct err *err)
{
	autojson json_t *j = NULL;
	struct rf_bmc *b;
	const json_t *config;
	int rc = rf_op_bmc(op, &b, &config, err);
	if (rc == 0)
		rc = rf_system(t, b, json_str(config, "system"), NULL, &j, err);
	if (rc)
		return rf_data_failed(rc, err);
	autojson json_t *out = json_object();
	rf_put_columns(out, j, system_attrs, system_columns, ARRAY_LEN(system_columns));
	const json_t *status = json_at(j, "Status");
	const char *health = json_str(status, "HealthRollup") ? json_str(status, "HealthRollup") : json_str(status, "Health");
	if (health)
		json_put_str(out, "health", health);
	else
		json_put_new(out, "health", json_null());
	rc = put_bmc_version(t, b, j, out, err);
	if (rc == 0)
		op->actual = json_ref(out);
	return rc;
}

const struct resource_type rf_data_system = {
	.name = "redfish_system",
	.help = "One host as its BMC describes it: model, serial number, versions, power and health.",
	.version = 1, .attrs = system_attrs, .read = read_system,
};

/* --- redfish_firmware ------------------------------------------------------------------------------------------------- */

static const struct attr firmware_attrs[] = {
	ASKED_ATTRS,
	{ .name = "components", .type = ATTR_LIST, .elem = ATTR_STRING, .deflt = "[\"*\"]",
	  .help = "Globs over inventory ids (or names): what to read. Each entry costs the BMC a request." },
	{ .name = "versions", .type = ATTR_MAP, .elem = ATTR_STRING, .flags = ATTR_COMPUTED,
	  .help = "Version of each component by its inventory id; null where it names none." },
	{ 0 },
};

static int read_firmware(struct task *t, struct op *op, struct err *err)
{
	autojson json_t *pins = json_object();
	struct rf_bmc *b;
	const json_t *config;
	int rc = rf_op_bmc(op, &b, &config, err);
	if (rc)
		return rc;
	const json_t *globs = json_at(config, "components");
	for (size_t i = 0; i < json_array_size(globs); i++)
		json_put_new(pins, json_string_value(json_array_get(globs, i)), json_object());
	autofw struct fw f;
	fw_init(&f, b, pins);
	rc = fw_read(t, &f, err);
	if (rc)
		return rf_data_failed(rc, err);
	json_t *versions = json_object();
	for (size_t i = 0; i < f.entries.len; i++) {
		const struct fw_entry *e = &f.entries.at[i];
		char id[256];
		rf_last_segment(e->path, id, sizeof(id));    /* several may share a name */
		json_put_new(versions, id, e->version ? json_string(e->version) : json_null());
	}
	memcpy(op->incomplete, f.incomplete, sizeof(op->incomplete));
	op->actual = json_pack("{s:o}", "versions", versions);
	return 0;
}

const struct resource_type rf_data_firmware = {
	.name = "redfish_firmware",
	.help = "Versions in the firmware inventory of one BMC.",
	.version = 1, .attrs = firmware_attrs, .read = read_firmware,
};
