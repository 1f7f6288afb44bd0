#include "sim/control.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "sim/bios.h"
#include "sim/fault.h"
#include "sim/firmware.h"
#include "sim/power.h"
#include "sim/update.h"

static json_t *address(const struct bmc *b)
{
	char ip[INET_ADDRSTRLEN], both[32];
	struct in_addr at = bmc_addr(b);

	inet_ntop(AF_INET, &at, ip, sizeof ip);
	snprintf(both, sizeof both, "%s:%u", ip, b->fleet->port);
	return json_string(both);
}

static uint64_t requests(const struct bmc *b)
{
	uint64_t n = 0;

	for (size_t i = 0; i < b->requests.len; i++)
		n += b->requests.at[i].count;
	return n;
}

static json_t *list(struct fleet *f)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < f->n; i++) {
		struct bmc *b = &f->bmcs[i];
		char name[16];

		bmc_settle(b);
		bmc_name(b, name);
		json_array_append_new(all, json_pack("{s:s, s:o, s:s, s:I, s:i, s:b}", "name", name, "bmc", address(b), "power",
			power_word(b), "requests", (json_int_t)requests(b), "sessions_open", (int)b->sessions.len, "away", bmc_away(b)));
	}
	return json_pack("{s:o}", "bmcs", all);
}

static json_t *request_counts(const struct bmc *b)
{
	json_t *o = json_object();
	const char *method, *path;
	unsigned count;

	for (size_t i = 0; bmc_counted(b, i, &method, &path, &count); i++) {
		autofree char *key = xasprintf("%s %s", method, path);
		autojson json_t *safe = json_string_safe(key, strlen(key));

		json_object_set_new(o, json_string_value(safe), json_integer(count));
	}
	return o;
}

static json_t *firmware(const struct bmc *b, bool staged)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < firmware_count(); i++) {
		const char *v = staged ? item_staged(b, i) : item_version(b, i);

		if (v)
			json_object_set_new(o, firmware_at(i)->id, json_string(v));
	}
	return o;
}

static json_t *images(const struct bmc *b)
{
	json_t *all = json_array();

	for (size_t i = 0; i < b->images.len; i++) {
		const struct image_seen *s = &b->images.at[i];

		json_array_append_new(all, json_pack("{s:s, s:I, s:i, s:o}", "sha256", s->sha256, "size", (json_int_t)s->size, "count",
			(int)s->count, "path", json_string_safe(s->path, strlen(s->path))));
	}
	return all;
}

static json_t *tasks(const struct bmc *b)
{
	static const char *const states[] = { "New", "Running", "Pending", "Completed", "Exception", "Cancelled" };
	json_t *all = json_array();

	for (size_t i = 0; i < b->tasks.len; i++) {
		const struct sim_task *t = &b->tasks.at[i];

		json_array_append_new(all, json_pack("{s:i, s:s, s:i}", "id", (int)t->id, "state", states[t->state], "percent",
			(int)task_percent(b, t, fleet_now(b->fleet))));
	}
	return all;
}

static json_t *rack_name(const struct bmc *b)
{
	char rack[16];

	snprintf(rack, sizeof rack, "rack-%02u", b->index / SIM_RACK + 1);
	return json_string(rack);
}

static json_t *one(struct bmc *b)
{
	char name[16], serial[24];
	json_t *o;

	bmc_name(b, name);
	bmc_serial(b, serial);
	o = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:b}", "name", name, "bmc", address(b), "rack", rack_name(b),
		"serial", serial, "power", power_word(b), "boot_progress", power_boot_progress(b, fleet_now(b->fleet)), "away", bmc_away(b));
	json_object_update_new(o, json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:b}", "resets", (int)b->resets, "bmc_resets",
		(int)b->bmc_resets, "ac_cycles", (int)b->ac_cycles, "bios_applied", (int)b->bios_applied, "sessions_open",
		(int)b->sessions.len, "sessions_created", (int)b->sessions_created, "updating", b->update != NULL));
	json_object_update_new(o, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "requests", request_counts(b), "images", images(b),
		"firmware", firmware(b, false), "staged", firmware(b, true), "bios", bios_values(b), "bios_pending",
		b->bios_pending ? json_ref(b->bios_pending) : json_object(), "tasks", tasks(b)));
	return o;
}

static json_int_t rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long long all, resident = 0;

	if (f && fscanf(f, "%llu %llu", &all, &resident) != 2)
		resident = 0;
	if (f)
		fclose(f);
	return (json_int_t)(resident * (unsigned long long)sysconf(_SC_PAGESIZE) / 1024);
}

static json_t *totals(struct fleet *f)
{
	json_int_t sum[8] = { 0 };

	for (unsigned i = 0; i < f->n; i++) {
		struct bmc *b = &f->bmcs[i];

		bmc_settle(b);
		sum[0] += (json_int_t)b->sessions.len;
		sum[1] += b->sessions_created;
		for (size_t k = 0; k < b->images.len; k++)
			sum[2] += b->images.at[k].count;
		sum[3] += b->resets;
		sum[4] += b->bmc_resets;
		sum[5] += b->ac_cycles;
		sum[6] += b->bios_applied;
		sum[7] += b->update != NULL;
	}
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "bmcs", (int)f->n, "requests",
		(json_int_t)f->requests, "sessions_open", sum[0], "sessions_created", sum[1], "images", sum[2], "resets", sum[3],
		"bmc_resets", sum[4], "ac_cycles", sum[5], "bios_applied", sum[6], "updating", sum[7], "seconds",
		(json_int_t)(fleet_now(f) / 1000), "rss_kib", rss_kib());
}

/* --- commands ------------------------------------------------------------------------------------------------ */

static int check_change(const json_t *in, struct err *err)
{
	const char *key, *power = json_str(in, "power");
	const json_t *fw = json_at(in, "firmware"), *bios = json_at(in, "bios");
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)in, key, v)
		if (strcmp(key, "firmware") != 0 && strcmp(key, "bios") != 0 && strcmp(key, "power") != 0)
			return err_set(err, E_INPUT, "\"%.40s\" cannot be changed", key);
	if (json_at(in, "power") && (!power || (strcmp(power, "On") != 0 && strcmp(power, "Off") != 0)))
		return err_set(err, E_INPUT, "\"power\" is \"On\" or \"Off\"");
	if ((fw && !json_is_object(fw)) || (bios && !json_is_object(bios)))
		return err_set(err, E_INPUT, "\"firmware\" and \"bios\" are objects");
	json_object_foreach((json_t *)(uintptr_t)fw, key, v)
		if (firmware_find(key) < 0 || !json_is_string(v) || json_string_length(v) > 64)
			return err_set(err, E_INPUT, "no version can be set for \"%.40s\"", key);
	json_object_foreach((json_t *)(uintptr_t)bios, key, v)
		if (!bios_find(key) || (bios_check(bios_find(key), v) && bios_check(bios_find(key), v) != E_DENIED))
			return err_set(err, E_INPUT, "the BIOS takes no such \"%.40s\"", key);
	return 0;
}

static int change(struct bmc *b, const json_t *in, struct err *err)
{
	const char *key, *power = json_str(in, "power");
	json_t *v;

	if (check_change(in, err))
		return E_INPUT;
	json_object_foreach((json_t *)(uintptr_t)json_at(in, "firmware"), key, v)
		item_set_version(b, (unsigned)firmware_find(key), json_string_value(v));
	json_object_foreach((json_t *)(uintptr_t)json_at(in, "bios"), key, v)
		bios_set(b, key, v);
	if (power)
		power_force(b, strcmp(power, "On") == 0);
	return 0;
}

static int set_faults(struct fleet *f, const json_t *in, struct err *err)
{
	struct fault_plan *plan;
	int rc = fault_plan_read(in, f->n, &plan, err);

	if (rc)
		return rc;
	fault_plan_free(f->faults);
	f->faults = plan;
	return 0;
}

static int skip(struct fleet *f, const json_t *in, struct err *err)
{
	double s = json_num(in, "advance_s", -1);

	if (!(s >= 0 && s <= 366 * 86400.0))
		return err_set(err, E_INPUT, "\"advance_s\" is a number of seconds, at most a year");
	fleet_skip(f, (int64_t)(s * 1000));
	return 0;
}

static int refuse(char **out, int status, const char *why)
{
	autojson json_t *j = json_pack("{s:o}", "error", json_string_safe(why, strlen(why)));

	*out = json_text(j);
	return status;
}

static int command(struct fleet *f, struct bmc *b, const char *path, const char *body, size_t len, char **out, bool *stop)
{
	autojson json_t *in = NULL;
	struct err err = { 0 };
	int rc = 0;

	if (strcmp(path, "/v1/stop") == 0)
		*stop = true;
	else if (json_parse(body ? body : "", len, "request", &in, &err) || !json_is_object(in))
		return refuse(out, 400, err.msg[0] ? err.msg : "the body is no JSON object");
	else if (b)
		rc = change(b, in, &err);
	else if (strcmp(path, "/v1/faults") == 0)
		rc = set_faults(f, in, &err);
	else if (strcmp(path, "/v1/time") == 0)
		rc = skip(f, in, &err);
	else
		return refuse(out, strcmp(path, "/v1/totals") == 0 || strcmp(path, "/v1/bmcs") == 0 ? 405 : 404, "no such command");
	if (rc)
		return refuse(out, 400, err.msg);
	*out = xstrdup("{\"done\":true}");
	return 200;
}

int control_handle(struct fleet *f, const char *method, const char *path, const char *body, size_t len, char **out, bool *stop)
{
	autojson json_t *j = NULL;
	struct bmc *b = NULL;

	if (str_has_prefix(path, "/v1/bmcs/")) {
		b = fleet_named(f, path + strlen("/v1/bmcs/"));
		if (!b)
			return refuse(out, 404, "no such BMC");
		bmc_settle(b);
	}
	if (strcmp(method, "POST") == 0)
		return command(f, b, path, body, len, out, stop);
	if (strcmp(method, "GET") != 0)
		return refuse(out, 405, "only GET and POST");
	if (b)
		j = one(b);
	else if (strcmp(path, "/v1/bmcs") == 0)
		j = list(f);
	else if (strcmp(path, "/v1/totals") == 0)
		j = totals(f);
	if (!j)
		return refuse(out, 404, "no such page");
	*out = json_text(j);
	return 200;
}
