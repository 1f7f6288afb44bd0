#include "runtime/controllers/xid.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "runtime/builtin.h"
#include "runtime/command.h"

/* NVML field 230 by number, as Xid 154 prints it ("... to 0x2 (Node Reboot Required)"). */
static const char *const recovery[] = { "None", "GPU_RESET", "NODE_REBOOT", "DRAIN_P2P", "DRAIN_AND_RESET", "RECOVER_IMEX" };

/* Buckets of the catalogue that a policy does not tell apart. */
static const struct { const char *from, *to; } same[] = {
	{ "check_mechanical", "contact_support" }, { "update_software", "contact_support" }, { "check_uvm", "contact_support" }, { "no_bucket", "unknown" },
};

static const char *const buckets[] = { "ignore", "restart_app", "reset_gpu", "reboot_node", "workflow", "contact_support", "unknown" };

static const char *canonical(const char *bucket)
{
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		if (strcmp(same[i].from, bucket) == 0)
			bucket = same[i].to;
	for (size_t i = 0; i < ARRAY_LEN(buckets); i++)
		if (strcmp(buckets[i], bucket) == 0)
			return buckets[i];
	return "unknown";
}

static const char *bucket_of(const json_t *catalogue, int code)
{
	const char *key;
	json_t *list, *item;
	size_t i;
	json_object_foreach(json_object_get(catalogue, "buckets"), key, list) {
		json_array_foreach(list, i, item) {
			if (json_integer_value(item) == code)
				return canonical(key);
		}
	}
	return "unknown";
}

/* Is PRODUCT in the list of LIST[code]? -1: nothing is said about the code. */
static int listed(const json_t *catalogue, const char *list, const char *code, const char *product)
{
	const json_t *names = json_at(json_at(catalogue, list), code);
	size_t i;
	json_t *name;
	if (!names || !product)
		return -1;
	json_array_foreach(names, i, name) {
		if (strstr(product, json_string_value(name)))
			return 1;
	}
	return 0;
}

static const char *recovery_bucket(const json_t *catalogue, const char *tail)
{
	const char *to = tail ? strstr(tail, " to 0x") : NULL;
	unsigned long n = to ? strtoul(to + 6, NULL, 16) : ARRAY_LEN(recovery);
	return n < ARRAY_LEN(recovery) ? canonical(json_str(json_at(catalogue, "recovery_actions"), recovery[n])) : NULL;
}

void xid_judge(int code, const char *product, const char *tail, struct xid_verdict *out)
{
	static json_t *catalogue;
	char key[16];
	if (!catalogue)
		catalogue = builtin_json("xid.json");
	snprintf(key, sizeof(key), "%d", code);
	const char *meaning = json_str(json_at(catalogue, "meaning"), key);
	*out = (struct xid_verdict){ .code = code, .bucket = bucket_of(catalogue, code) };
	if (listed(catalogue, "only_on", key, product) == 0 || listed(catalogue, "not_on", key, product) == 1)
		out->bucket = "unknown";
	const char *action = code == 154 ? recovery_bucket(catalogue, tail) : NULL;
	if (action)
		out->bucket = action;
	snprintf(out->why, sizeof(out->why), "%d%s%s", code, meaning ? ": " : "", meaning ? meaning : "");
}

bool xid_scan(const char **text, int *code)
{
	for (const char *p = *text; (p = strstr(p, "Xid")) != NULL; p += 3) {
		const char *q = p + 3;
		if (p > *text && isalnum((unsigned char)p[-1]))
			continue;
		q += strspn(q, " ");
		if (*q == '(') {
			q += strcspn(q, ")");
			q += *q == ')';
		}
		q += strspn(q, " :=");
		if (!isdigit((unsigned char)*q))
			continue;
		char *end;
		unsigned long n = strtoul(q, &end, 10);
		if (n < 1 || n > 100000)
			continue;
		*code = (int)n;
		*text = end;
		return true;
	}
	return false;
}

static int xid_run(struct rt *rt)
{
	static const char *const what[] = { "nothing to do", "restart the application", "reset the GPU", "reboot the node", "follow a procedure", "contact support",
					    "the catalogue does not say" };
	char *end;
	unsigned long code = strtoul(rt->args[0], &end, 10);
	if (*end || end == rt->args[0] || rt->args[0][0] == '-' || code < 1 || code > 100000)
		return rt_usage(rt, "an Xid is a number from 1 to 100000, not \"%.60s\"", rt->args[0]);
	struct xid_verdict v;
	xid_judge((int)code, rt->n_args > 1 ? rt->args[1] : NULL, NULL, &v);
	autojson json_t *file = builtin_json("xid.json");
	const char *procedure = json_str(json_at(file, "procedure"), rt->args[0]);
	size_t i = 0;
	while (strcmp(buckets[i], v.bucket) != 0)
		i++;
	fprintf(rt->out, "Xid %s\n  calls for   %s (%s)\n%s%s%s  catalogue   %s\n", v.why, what[i], v.bucket, procedure ? "  procedure   " : "",
		procedure ? procedure : "", procedure ? "\n" : "", json_str(file, "date"));
	return EXIT_OK;
}

extern const struct command cmd_xid;
const struct command cmd_xid = {
	.name = "xid", .args = "CODE [PRODUCT]", .brief = "what a GPU error code calls for",
	.about = "Looks the code up in the catalogue that the controllers judge by. PRODUCT\n(such as H100-SXM5-80GB) matters for codes that not every GPU has.",
	.examples = { { "aipc-runtime xid 79", "GPU has fallen off the bus: reboot the node" } },
	.min = 1, .max = 2, .run = xid_run,
};
