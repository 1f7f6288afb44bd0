/* The data type redfish_gpus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "providers/redfish/data.h"
#include "providers/redfish/machine.h"
#include "providers/redfish/types.h"

enum { GPUS_MAX = 256, DEVICES_MAX = 512, FUNCTIONS_MAX = 8, CHASSIS_MAX = 64 };

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

static const struct rf_column gpu_columns[] = {
	{ "id", { "Id" } }, { "name", { "Name" } }, { "manufacturer", { "Manufacturer" } }, { "model", { "Model" } }, { "part_number", { "PartNumber" } },
	{ "serial", { "SerialNumber" } }, { "uuid", { "UUID" } }, { "firmware_version", { "FirmwareVersion" } }, { "health", { "Status", "Health" } },
	{ "state", { "Status", "State" } },
};

struct walk {
	struct task *t;
	struct rf_bmc *b;
	json_t *gpus, *seen;         /* seen: paths of PCIe devices looked at */
	unsigned devices;            /* of those, the number read */
	char *incomplete; size_t size;       /* what could not be known, of the operation */
};

static void missing(struct walk *w, const char *path, const struct err *why)
{
	char id[64];

	rf_last_segment(path, id, sizeof(id));
	if (!w->incomplete[0])
		snprintf(w->incomplete, w->size, "%.60s could not be read: %.80s", id, why->msg);
}

/* Reads PATH. 1: it is not there or cannot be read, which is noted (a dangling link is not: they are normal). */
static int read_one(struct walk *w, const char *path, json_t **out, struct err *err)
{
	struct err one;
	int rc = rf_get(w->t, w->b, path, 0, out, NULL, &one);

	if (rc == E_INTERNAL || rc == E_INPUT || rc == E_UNSUPPORTED)
		missing(w, path, &one);
	else if (rc && rc != E_NOTFOUND)
		*err = one;
	return rc == E_NOTFOUND || rc == E_INTERNAL || rc == E_INPUT || rc == E_UNSUPPORTED ? 1 : rc;
}

static int64_t whole(const json_t *v)
{
	autojson json_t *n = rf_told(v, ATTR_INT);

	return json_integer_value(n);
}

static void put_memory(json_t *to, const json_t *processor)
{
	const json_t *parts = json_at(processor, "ProcessorMemory");
	int64_t sum = whole(json_path(processor, "MemorySummary", "TotalMemorySizeMiB", NULL));

	for (size_t i = 0; !sum && i < json_array_size(parts); i++)
		sum += json_is_true(json_at(json_array_get(parts, i), "IntegratedMemory")) ? 0 : whole(json_at(json_array_get(parts, i), "CapacityMiB"));
	json_put_new(to, "memory_mib", sum > 0 ? json_integer(sum) : json_null());
}

static bool absent(const json_t *j)
{
	const char *state = json_str(json_at(j, "Status"), "State");

	return state && strcasecmp(state, "Absent") == 0;
}

static int add(struct walk *w, const json_t *j, const char *system, struct err *err)
{
	if (json_array_size(w->gpus) == GPUS_MAX)
		return err_set(err, E_UNSUPPORTED, "%s lists more than %d GPUs", w->b->addr, GPUS_MAX);
	json_t *gpu = json_object();
	rf_put_columns(gpu, j, gpu_attrs, gpu_columns, ARRAY_LEN(gpu_columns));
	json_put_str(gpu, "system", system);
	put_memory(gpu, j);
	json_array_append_new(w->gpus, gpu);
	return 0;
}

/* --- as processors ---------------------------------------------------------------------------------------------------------- */

/* Who makes GPUs: in a resource's words, as a PCI vendor, and whether all of its display and accelerator functions are such. */
static const struct { const char *word; unsigned vendor; bool accelerators; } makers[] = {
	{ "nvidia", 0x10de, true }, { "advanced micro", 0x1002, true }, { "amd", 0x1002, true }, { "habana", 0x1da3, true }, { "intel", 0x8086, false },
};

/* Number of the maker that TEXT names; -1: none. */
static int maker_of(const char *text)
{
	for (size_t i = 0; text && i < ARRAY_LEN(makers); i++)
		if (strcasestr(text, makers[i].word))
			return (int)i;
	return -1;
}

static bool is_gpu(const json_t *processor)
{
	const char *type = json_str(processor, "ProcessorType");

	return type && (strcasecmp(type, "GPU") == 0 ||
		(strcasecmp(type, "Accelerator") == 0 && (maker_of(json_str(processor, "Manufacturer")) >= 0 || maker_of(json_str(processor, "Model")) >= 0)));
}

/* A system without processors has no GPUs among them; that cannot be told of one that does not answer. */
static int add_processors(struct walk *w, const json_t *system, const char *id, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	autofree char *path = rf_path(json_str(json_at(system, "Processors"), "@odata.id"));
	int rc = path ? rf_members(w->t, w->b, path, 0, &links, err) : 0;

	if (rc == E_NOTFOUND)
		return 0;
	if (rc == 0 && links.incomplete && !w->incomplete[0])
		snprintf(w->incomplete, w->size, "%.60s lists %zu processors, maybe more", id, links.at.len);
	for (size_t i = 0; rc == 0 && i < links.at.len; i++) {
		autojson json_t *j = NULL;
		rc = read_one(w, links.at.at[i], &j, err);
		if (rc == 0 && is_gpu(j) && !absent(j))
			rc = add(w, j, id, err);
		rc = rc == 1 ? 0 : rc;
	}
	return rc;
}

/* --- as PCIe devices --------------------------------------------------------------------------------------------------------- */

/* "0x10DE", "10de" as a number; 0: none. */
static unsigned hex_of(const char *text)
{
	return text ? (unsigned)strtoul(text, NULL, 16) : 0;
}

/* Is this function of a device a GPU's? By its class and who made it (a management controller's display is neither's). */
static bool gpu_function(const json_t *f, const json_t *device)
{
	const char *class = json_str(f, "DeviceClass");
	unsigned code = hex_of(json_str(f, "ClassCode")), vendor = hex_of(json_str(f, "VendorId"));
	bool accelerator = (class && strcasecmp(class, "ProcessingAccelerators") == 0) || code >> 16 == 0x12;
	bool display = (class && strcasecmp(class, "DisplayController") == 0) || code >> 16 == 0x03;
	int maker = maker_of(json_str(device, "Manufacturer"));

	for (size_t i = 0; vendor && i < ARRAY_LEN(makers); i++)
		if (makers[i].vendor == vendor)
			maker = (int)i;
	for (size_t i = 0; vendor && maker >= 0 && makers[maker].vendor != vendor; i++)
		maker = -1;
	return maker >= 0 && (display || (accelerator && makers[maker].accelerators));
}

/* The links in MEMBER of OWNER: an array of them, or the collection it names. */
static int links_in(struct walk *w, const json_t *member, struct rf_links *out, struct err *err)
{
	autofree char *path = rf_path(json_str(member, "@odata.id"));

	for (size_t i = 0; i < json_array_size(member) && i < DEVICES_MAX; i++) {
		char *one = rf_path(json_str(json_array_get(member, i), "@odata.id"));
		if (one)
			vec_push(&out->at, one);
	}
	int rc = path ? rf_members(w->t, w->b, path, 0, out, err) : 0;
	return rc == E_NOTFOUND || rc == E_INTERNAL ? 0 : rc;
}

/* *IS: the device is a GPU, by any of its functions, or by the vendor's own word for it (Supermicro). */
static int judge(struct walk *w, const json_t *device, bool *is, struct err *err)
{
	autolinks struct rf_links links = { 0 };
	const json_t *functions = json_at(device, "PCIeFunctions") ? json_at(device, "PCIeFunctions") : json_path(device, "Links", "PCIeFunctions", NULL);
	const char *made = json_str(device, "Manufacturer");

	*is = json_is_object(json_path(device, "Oem", "Supermicro", "GPUDevice", NULL));
	if (*is || absent(device) || (made && *made && maker_of(made) < 0))
		return 0;
	int rc = links_in(w, functions, &links, err);
	for (size_t i = 0; rc == 0 && !*is && i < links.at.len && i < FUNCTIONS_MAX; i++) {
		autojson json_t *f = NULL;
		rc = read_one(w, links.at.at[i], &f, err);
		*is = rc == 0 && gpu_function(f, device);
		rc = rc == 1 ? 0 : rc;
	}
	return rc;
}

static int add_devices(struct walk *w, const json_t *owner, const char *system, struct err *err)
{
	const json_t *at[] = { json_at(owner, "PCIeDevices"), json_path(owner, "Links", "PCIeDevices", NULL) };
	autolinks struct rf_links links = { 0 };
	int rc = 0;

	for (size_t k = 0; rc == 0 && k < ARRAY_LEN(at) && !links.at.len; k++)
		rc = links_in(w, at[k], &links, err);
	for (size_t i = 0; rc == 0 && i < links.at.len; i++) {
		autojson json_t *j = NULL;
		bool is = false;
		if (json_object_get(w->seen, links.at.at[i]) || w->devices >= DEVICES_MAX)
			continue;
		json_object_set_new(w->seen, links.at.at[i], json_true());
		w->devices++;
		rc = read_one(w, links.at.at[i], &j, err);
		if (rc == 0)
			rc = judge(w, j, &is, err);
		if (rc == 0 && is)
			rc = add(w, j, system, err);
		rc = rc == 1 ? 0 : rc;
	}
	return rc;
}

/* Of the system and of the chassis it is in. */
static int add_cards(struct walk *w, const json_t *system, const char *id, struct err *err)
{
	const json_t *chassis = json_path(system, "Links", "Chassis", NULL);
	int rc = add_devices(w, system, id, err);

	for (size_t i = 0; rc == 0 && i < json_array_size(chassis) && i < CHASSIS_MAX; i++) {
		autofree char *path = rf_path(json_str(json_array_get(chassis, i), "@odata.id"));
		autojson json_t *c = NULL;
		rc = path ? read_one(w, path, &c, err) : 1;
		if (rc == 0)
			rc = add_devices(w, c, id, err);
		rc = rc == 1 ? 0 : rc;
	}
	return rc;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------- */

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

/* Each system once for processors; where no system has a GPU among them, once more for PCIe devices. A member that is not there is passed over,
 * unless none is. */
static int walk_systems(struct walk *w, struct err *err)
{
	autolinks struct rf_links systems = { 0 };
	size_t found = 0;
	int rc = rf_connect(w->t, w->b, err);

	if (rc == 0)
		rc = rf_members(w->t, w->b, w->b->systems_uri, 0, &systems, err);
	if (rc == 0 && systems.incomplete && !w->incomplete[0])
		snprintf(w->incomplete, w->size, "%zu systems are listed, maybe more", systems.at.len);
	for (unsigned cards = 0; rc == 0 && cards < 2 && !json_array_size(w->gpus); cards++)
		for (size_t i = 0; rc == 0 && i < systems.at.len; i++) {
			autojson json_t *j = NULL;
			char id[128];
			rf_last_segment(systems.at.at[i], id, sizeof(id));
			rc = read_one(w, systems.at.at[i], &j, err);
			found += rc == 0;
			if (rc == 0)
				rc = cards ? add_cards(w, j, id, err) : add_processors(w, j, id, err);
			rc = rc == 1 ? 0 : rc;
		}
	if (rc == 0 && !found)
		return err_set(err, E_INTERNAL, "%s lists no system that could be read (%s)%s%s", w->b->addr, w->b->systems_uri, w->incomplete[0] ? ": " : "",
			       w->incomplete);
	return rc;
}

static int read_gpus(struct task *t, struct op *op, struct err *err)
{
	autojson json_t *gpus = json_array();
	autojson json_t *seen = json_object();
	struct walk w = { .t = t, .gpus = gpus, .seen = seen, .incomplete = op->incomplete, .size = sizeof(op->incomplete) };
	const json_t *config;
	int rc = rf_op_bmc(op, &w.b, &config, err);

	if (rc == 0)
		rc = walk_systems(&w, err);
	if (rc)
		return rf_data_failed(rc, err);
	op->actual = json_pack("{s:o}", "gpus", sorted(gpus));
	return 0;
}

const struct resource_type rf_data_gpus = {
	.name = "redfish_gpus",
	.help = "The GPUs of one machine as its BMC lists them: the processors of all its systems that are GPUs, or where there are none, its PCIe devices.",
	.version = 1, .attrs = gpus_attrs, .read = read_gpus,
};
