/* Data types: what a machine's BMC tells of it, without holding it to anything. */
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "providers/redfish/inventory.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/types.h"

enum { GPUS_MAX = 256 };

/* A text of a Redfish resource that becomes an attribute: PATH has at most two steps. */
struct column { const char *name, *path[2]; };

static void put_columns(json_t *to, const json_t *from, const struct column *c, size_t n)
{
	for (; n; n--, c++) {
		const json_t *v = c->path[1] ? json_path(from, c->path[0], c->path[1], NULL) : json_at(from, c->path[0]);
		json_put_new(to, c->name, v && !json_is_object(v) && !json_is_array(v) ? json_ref(v) : json_null());
	}
}

#define ASKED_ATTRS \
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Address of its BMC: name, address, with :PORT if not 443." }, \
	{ .name = "access", .type = ATTR_OBJECT, .fields = rf_access_attrs, .help = "Overrides of the provider's access to this BMC." }
#define TOLD(NAME, TYPE, HELP) { .name = NAME, .type = TYPE, .flags = ATTR_COMPUTED, .help = HELP }

/* A BMC in transition says 404 of what it has, and a link that leads nowhere is its fault too: no mistake of the block. */
static int failed(int rc, struct err *err)
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

static const struct column system_columns[] = {
	{ "id", { "Id" } }, { "name", { "Name" } }, { "manufacturer", { "Manufacturer" } }, { "model", { "Model" } }, { "sku", { "SKU" } },
	{ "part_number", { "PartNumber" } }, { "serial", { "SerialNumber" } }, { "asset_tag", { "AssetTag" } }, { "uuid", { "UUID" } },
	{ "host_name", { "HostName" } }, { "bios_version", { "BiosVersion" } }, { "power", { "PowerState" } },
	{ "boot_state", { "BootProgress", "LastState" } }, { "state", { "Status", "State" } }, { "processors", { "ProcessorSummary", "Count" } },
	{ "processor_model", { "ProcessorSummary", "Model" } }, { "memory_gib", { "MemorySummary", "TotalSystemMemoryGiB" } },
};

/* The first of the managers that SYSTEM links to and that names a version; not there: null. */
static int put_bmc_version(struct task *t, struct rf_bmc *b, const json_t *system, json_t *to, struct err *err)
{
	const json_t *managers = json_path(system, "Links", "ManagedBy", NULL);
	json_put_new(to, "bmc_version", json_null());
	for (size_t i = 0; i < json_array_size(managers) && i < 4; i++) {
		autojson json_t *j = NULL;
		int rc = rf_follow(t, b, json_array_get(managers, i), "manager", &j, NULL, err);
		if (rc && rc != E_NOTFOUND)
			return rc;
		if (rc || !json_str(j, "FirmwareVersion"))
			continue;
		json_put_str(to, "bmc_version", json_str(j, "FirmwareVersion"));
		break;
	}
	return 0;
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
		return failed(rc, err);
	autojson json_t *out = json_object();
	put_columns(out, j, system_columns, ARRAY_LEN(system_columns));
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
		return failed(rc, err);
	json_t *versions = json_object();
	for (size_t i = 0; i < f.entries.len; i++) {
		const struct fw_entry *e = &f.entries.at[i];
		json_put_new(versions, e->id, e->version ? json_string(e->version) : json_null());
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

/* --- redfish_gpus ------------------------------------------------------------------------------------------------------- */

static const struct attr gpu_attrs[] = {
	TOLD("id", ATTR_STRING, "Id of the processor."),
	TOLD("system", ATTR_STRING, "Id of the system it is listed in."),
	TOLD("name", ATTR_STRING, "Its name in the BMC."),
	TOLD("manufacturer", ATTR_STRING, "Who made it."),
	TOLD("model", ATTR_STRING, "Its model."),
	TOLD("part_number", ATTR_STRING, "Its part number."),
	TOLD("serial", ATTR_STRING, "Its serial number."),
	TOLD("uuid", ATTR_STRING, "Its UUID."),
	TOLD("firmware_version", ATTR_STRING, "Version of its firmware."),
	TOLD("health", ATTR_STRING, "OK, Warning or Critical."),
	TOLD("state", ATTR_STRING, "Enabled, Disabled, ..."),
	TOLD("memory_mib", ATTR_INT, "Its memory in MiB, where the BMC says."),
	{ 0 },
};

static const struct attr gpus_attrs[] = {
	ASKED_ATTRS,
	{ .name = "gpus", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = gpu_attrs, .flags = ATTR_COMPUTED, .help = "Its GPUs, by system and id." },
	{ 0 },
};

static const struct column gpu_columns[] = {
	{ "id", { "Id" } }, { "name", { "Name" } }, { "manufacturer", { "Manufacturer" } }, { "model", { "Model" } }, { "part_number", { "PartNumber" } },
	{ "serial", { "SerialNumber" } }, { "uuid", { "UUID" } }, { "firmware_version", { "FirmwareVersion" } }, { "health", { "Status", "Health" } },
	{ "state", { "Status", "State" } },
};

static void put_memory(json_t *to, const json_t *processor)
{
	const json_t *parts = json_at(processor, "ProcessorMemory"), *total = json_path(processor, "MemorySummary", "TotalMemorySizeMiB", NULL);
	json_int_t sum = json_integer_value(total);
	for (size_t i = 0; !sum && i < json_array_size(parts); i++)
		sum += json_is_true(json_at(json_array_get(parts, i), "IntegratedMemory")) ? 0
			: json_integer_value(json_at(json_array_get(parts, i), "CapacityMiB"));
	json_put_new(to, "memory_mib", sum > 0 ? json_integer(sum) : json_null());
}

static int add_gpu(struct task *t, struct rf_bmc *b, const char *path, const char *system, json_t *gpus, struct err *err)
{
	autojson json_t *j = NULL;
	int rc = rf_get(t, b, path, 0, &j, NULL, err);
	const char *type = json_str(j, "ProcessorType"), *state = json_str(json_at(j, "Status"), "State");
	if (rc || !type || strcasecmp(type, "GPU") != 0 || (state && strcasecmp(state, "Absent") == 0))
		return rc;
	if (json_array_size(gpus) == GPUS_MAX)
		return err_set(err, E_UNSUPPORTED, "%s lists more than %d GPUs", b->addr, GPUS_MAX);
	json_t *gpu = json_object();
	put_columns(gpu, j, gpu_columns, ARRAY_LEN(gpu_columns));
	json_put_str(gpu, "system", system);
	put_memory(gpu, j);
	json_array_append_new(gpus, gpu);
	return 0;
}

/* A system without processors has no GPUs; that cannot be told of one that does not answer. */
static int add_gpus(struct task *t, struct rf_bmc *b, const char *system, json_t *gpus, struct err *err)
{
	autojson json_t *j = NULL;
	autolinks struct rf_links links = { 0 };
	char id[128];
	int rc = rf_get(t, b, system, 0, &j, NULL, err);
	if (rc)
		return rc;
	autofree char *path = rf_path(json_str(json_at(j, "Processors"), "@odata.id"));
	rf_last_segment(system, id, sizeof(id));
	rc = path ? rf_members(t, b, path, 0, &links, err) : 0;
	if (rc == E_NOTFOUND)
		return 0;
	if (rc == 0 && links.incomplete)
		return err_set(err, E_INTERNAL, "%s does not list all processors of %s", b->addr, id);
	for (size_t i = 0; rc == 0 && i < links.at.len; i++)
		rc = add_gpu(t, b, links.at.at[i], id, gpus, err);
	return rc;
}

static int by_place(const void *x, const void *y)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	int c = str_natural_cmp(json_str(a, "system"), json_str(b, "system"));
	const char *i = json_str(a, "id"), *k = json_str(b, "id");
	return c ? c : str_natural_cmp(i ? i : "", k ? k : "");
}

static json_t *sorted(const json_t *gpus)
{
	json_t *at[GPUS_MAX], *out = json_array();
	size_t n = json_array_size(gpus);
	for (size_t i = 0; i < n; i++)
		at[i] = json_array_get(gpus, i);
	if (n)
		qsort(at, n, sizeof(*at), by_place);
	for (size_t i = 0; i < n; i++)
		json_array_append(out, at[i]);
	return out;
}

static int read_gpus(struct task *t, struct op *op, struct err *err)
{
	autojson json_t *gpus = json_array();
	autolinks struct rf_links systems = { 0 };
	struct rf_bmc *b;
	const json_t *config;
	int rc = rf_op_bmc(op, &b, &config, err);
	if (rc == 0)
		rc = rf_connect(t, b, err);
	if (rc == 0)
		rc = rf_members(t, b, b->systems_uri, 0, &systems, err);
	if (rc == 0 && systems.incomplete)
		rc = err_set(err, E_INTERNAL, "%s does not list all its systems", b->addr);
	for (size_t i = 0; rc == 0 && i < systems.at.len; i++)
		rc = add_gpus(t, b, systems.at.at[i], gpus, err);
	if (rc)
		return failed(rc, err);
	op->actual = json_pack("{s:o}", "gpus", sorted(gpus));
	return 0;
}

const struct resource_type rf_data_gpus = {
	.name = "redfish_gpus",
	.help = "The GPUs of one machine as its BMC lists them, in all its systems.",
	.version = 1, .attrs = gpus_attrs, .read = read_gpus,
};
