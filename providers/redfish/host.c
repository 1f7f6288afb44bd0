/* power - the type: the host on or off. */
#include <string.h>

#include "providers/redfish/machine.h"
#include "providers/redfish/types.h"

static int read_state(struct task *t, struct op *op, struct rf_bmc *b, const json_t *config, struct err *err)
{
	autojson json_t *system = NULL;
	autofree char *path = NULL;
	int rc = rf_system(t, b, json_str(config, "system"), &path, &system, err);

	if (rc)
		return rc;
	const char *state = json_str(system, "PowerState");
	if (!state || !*state)
		return err_set(err, E_INTERNAL, "%s does not tell the power state of %s", b->addr, path);
	op->actual = json_deep_copy(config);
	json_put_str(op->actual, "state", rf_power_of(system) == RF_POWER_ON ? "On" : rf_power_of(system) == RF_POWER_OFF ? "Off" : state);
	return 0;
}

static int power_op_read(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	struct rf_bmc *b;
	int rc = rf_op_bmc(op, &b, &config, err);

	if (rc == 0)
		rc = read_state(t, op, b, config, err);
	return rc ? rf_op_failed(op, err) : 0;
}

static int power_op_update(struct task *t, struct op *op, struct err *err)
{
	const json_t *config;
	struct rf_bmc *b;
	autofree char *path = NULL;
	enum rf_power now = RF_POWER_UNKNOWN;
	int rc = rf_op_bmc(op, &b, &config, err);

	if (rc)
		return rc;
	bool on = strcmp(json_str(config, "state"), "On") == 0;
	rc = rf_system(t, b, json_str(config, "system"), &path, NULL, err);
	if (rc == 0)
		rc = rf_power(t, b, path, &now, err);
	if (rc == 0 && now != (on ? RF_POWER_ON : RF_POWER_OFF)) {
		autojson json_t *note = json_pack("{s:s, s:b}", "step", "power", "on", on);
		rc = op_journal(t, op, true, "power", note, err);
		if (rc == 0)
			rc = rf_power_to(t, b, path, on, op, err);
	}
	if (rc == 0)
		rc = read_state(t, op, b, config, err);
	return rc ? rf_op_failed(op, err) : 0;
}

static void describe(const json_t *config, const json_t *actual, const struct difference *d, size_t n, struct effect *out)
{
	const char *state = json_str(config, "state");

	(void)actual, (void)d;
	if (!n || !state)
		return;
	out->minutes = 5;
	if (strcmp(state, "Off") == 0) {
		out->disruption = EFFECT_REBOOT;
		out->interrupts_jobs = true;
	}
}

static const char *const states[] = { "On", "Off", NULL };
static const struct attr attrs[] = {
	{ .name = "node", .type = ATTR_STRING, .flags = ATTR_META, .help = "Name of the machine, for people." },
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_META, .help = "Address of its BMC: name, address, with :PORT if not 443." },
	{ .name = "system", .type = ATTR_STRING, .flags = ATTR_META, .help = "Id of the host's ComputerSystem where the BMC has several." },
	{ .name = "access", .type = ATTR_OBJECT, .flags = ATTR_META, .fields = rf_access_attrs, .help = "Overrides of the provider's access to this BMC." },
	{ .name = "state", .type = ATTR_STRING, .flags = ATTR_REQUIRED | ATTR_ELIDE, .values = states, .help = "On or Off (graceful shutdown first)." },
	{ 0 },
};

const struct resource_type rf_type_power = {
	.name = "power",
	.help = "Power of one host: on, or off by a graceful shutdown and, when that does not come about in time, by force.",
	.version = 1, .attrs = attrs, .read = power_op_read, .update = power_op_update, .describe = describe, .import_id = rf_import,
};
