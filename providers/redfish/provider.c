/* redfish - bare-metal machines through their BMCs (DMTF Redfish). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "providers/all.h"
#include "providers/redfish/types.h"

enum { LOGOUTS_AT_ONCE = 256 };

int rf_op_bmc(struct op *op, struct rf_bmc **b, const json_t **config, struct err *err)
{
	const json_t *c = op->config ? op->config : op->prior;
	const char *addr = json_str(c, "bmc");

	if (!addr)
		return err_set(err, E_INPUT, "%s has no bmc", op->address);
	*config = c;
	return rf_bmc_at(op->self, addr, json_at(c, "access"), b, err);
}

int rf_import(const char *id, const json_t *config, json_t **prior, struct err *err)
{
	const char *addr = json_str(config, "bmc");

	if (!addr && !*id)
		return err_set(err, E_INPUT, "the id of such an object is the address of its BMC");
	if (addr && *id && strcmp(addr, id) != 0)
		return err_set(err, E_INPUT, "the id names the BMC %.200s, and the spec %.200s", id, addr);
	*prior = json_object();
	json_put_str(*prior, "bmc", addr ? addr : id);
	return 0;
}

int rf_op_failed(const struct op *op, struct err *err)
{
	const json_t *c = op->config ? op->config : op->prior;
	const char *node = json_str(c, "node");

	return node && *node ? err_wrap(err, "%s", node) : err->code;
}

static int perform_http(struct task *t, void *ctx, const struct http_request *rq, struct http_response *rs, struct err *err)
{
	struct rf *rf = ctx;

	if (!rf->http)
		rf->http = http_new(rf->loop, &(struct http_options){ .per_host = 1 });
	return http_do(t, rf->http, rq, rs, err);
}

/* "30s", "20m", "2h" in ms; DEFLT when absent. -1: none of these. */
static int64_t time_of(const json_t *config, const char *key, int64_t deflt)
{
	const char *s = json_str(config, key);
	char *end;

	if (!s)
		return deflt;
	double n = strtod(s, &end);
	if (end == s || !(n > 0) || n > 1e6 || (*end && end[1]))
		return -1;
	return (int64_t)(n * (*end == 'h' ? 3600e3 : *end == 'm' ? 60e3 : *end == 's' || !*end ? 1e3 : -1e9));
}

static int read_limits(const json_t *config, struct rf_limits *l, struct err *err)
{
	const struct { const char *key; int64_t *at, deflt; } rows[] = {
		{ "connect_timeout", &l->connect, 8000 }, { "read_timeout", &l->read, 60000 }, { "inventory_timeout", &l->inventory, 300000 },
		{ "busy_timeout", &l->budget, 180000 }, { "graceful_timeout", &l->graceful, 300000 }, { "boot_timeout", &l->boot, 1200000 },
		{ "stall_timeout", &l->stall, 1800000 }, { "lost_task_timeout", &l->lost_task, 600000 }, { "verify_timeout", &l->verify, 600000 },
		{ "copy_timeout", &l->copy, 1800000 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		*rows[i].at = time_of(config, rows[i].key, rows[i].deflt);
		if (*rows[i].at <= 0)
			return err_set(err, E_INPUT, "provider redfish: %s is a time such as \"30s\" or \"20m\", not \"%s\"", rows[i].key,
				       json_str(config, rows[i].key));
	}
	return 0;
}

static int rf_open(const struct provider_env *env, void **self, struct err *err)
{
	struct rf_limits limits;
	int rc = read_limits(env->config, &limits, err);

	if (rc)
		return rc;
	struct rf *rf = xcalloc(1, sizeof(*rf));
	rf->loop = env->loop;
	rf->dir = xstrdup(env->dir);
	rf->config = json_ref(env->config);
	rf->store = env->store;
	rf->limits = limits;
	rf->transport.perform = perform_http;
	rf->transport.ctx = rf;
	*self = rf;
	return 0;
}

static int log_out(struct task *t, void *arg, struct err *err)
{
	(void)err;
	rf_logout(t, arg);
	return 0;
}

static void rf_close(struct task *t, void *self)
{
	struct rf *rf = self;
	struct rf_bmc *b, *next;
	struct err ignored;

	if (!rf)
		return;
	struct scope *s = t ? scope_open(t, LOGOUTS_AT_ONCE) : NULL;
	for (b = rf->bmcs; s && b; b = b->hh.next)
		if (b->token && scope_spawn(t, s, b->addr, log_out, b, &ignored))
			break;
	if (s)
		(void)scope_join(t, s, &ignored);
	HASH_ITER(hh, rf->bmcs, b, next) {
		HASH_DEL(rf->bmcs, b);
		rf_bmc_free(b);
	}
	http_free(rf->http);
	json_decref(rf->config);
	json_decref(rf->stale);
	free(rf->dir);
	free(rf);
}

#define ACCESS_ATTRS \
	{ .name = "username", .type = ATTR_STRING, .flags = ATTR_ACCESS, .help = "User of the BMCs." }, \
	{ .name = "password", .type = ATTR_STRING, .flags = ATTR_SECRET, .help = "Reference to the password: env:NAME or file:PATH." }, \
	{ .name = "ca_file", .type = ATTR_STRING, .flags = ATTR_ACCESS, .help = "PEM file of the CAs that sign the BMCs' certificates." }, \
	{ .name = "pin", .type = ATTR_STRING, .flags = ATTR_ACCESS, .help = "The one key to trust instead: sha256//BASE64 of its SPKI." }, \
	{ .name = "insecure", .type = ATTR_BOOL, .help = "Trust any certificate, and allow http:// addresses. For labs only." }, \
	{ .name = "port", .type = ATTR_INT, .min = 1, .max = 65535, .help = "TCP port where the address names none; 443 by default." }

const struct attr rf_access_attrs[] = { ACCESS_ATTRS, { 0 } };

#define TIME(NAME, HELP) { .name = NAME, .type = ATTR_STRING, .flags = ATTR_META, .help = HELP }
static const struct attr config_attrs[] = {
	ACCESS_ATTRS,
	TIME("connect_timeout", "Time for a connection to a BMC; 8s by default."),
	TIME("read_timeout", "Time for one reply; 60s by default."),
	TIME("inventory_timeout", "Time for the slow lists (firmware inventory); 300s by default."),
	TIME("busy_timeout", "How long a BMC may say that it is busy; 180s by default."),
	TIME("graceful_timeout", "Patience with a graceful shutdown or restart before force; 5m by default."),
	TIME("boot_timeout", "Time for a BMC or a host to come back; 20m by default."),
	TIME("stall_timeout", "A task that shows no progress for so long has failed; 30m by default."),
	TIME("lost_task_timeout", "Time an update whose task was lost gets to end, when nothing else tells; 10m by default."),
	TIME("verify_timeout", "Time for an activated version to show in the inventory; 10m by default."),
	TIME("copy_timeout", "Time for the roots of trust to copy their firmware; 30m by default."),
	{ 0 },
};

static const struct resource_type *const types[] = {
	&rf_type_bios, &rf_type_firmware, &rf_type_firmware_pin, &rf_type_gpu_node_pool, &rf_type_power, NULL,
}, *const data[] = { &rf_data_firmware, &rf_data_gpus, &rf_data_system, NULL };

const struct provider provider_redfish = {
	.abi = PROVIDER_ABI, .name = "redfish",
	.help = "Bare-metal machines through their BMCs, over Redfish: firmware, BIOS, power.",
	.config = config_attrs, .types = types, .data = data, .open = rf_open, .close = rf_close,
};
