/* gpu_node_pool and firmware_pin - the composites people write. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "providers/redfish/types.h"

enum { NODES_MAX = 100000 };

/* --- firmware_pin -------------------------------------------------------------------------------------------------------------- */

static int pin_expand(struct expand *x)
{
	static const char *const path[] = { "components", NULL };
	int rc = rf_check_components(x, json_at(x->config, "components"), path);

	if (rc)
		return rc;
	x->value = json_object();
	json_put_str(x->value, "name", x->name);
	return 0;
}

static const struct attr pin_attrs[] = {
	{ .name = "components", .type = ATTR_MAP, .elem = ATTR_OBJECT, .fields = rf_component_attrs,
	  .flags = ATTR_REQUIRED | ATTR_ELIDE | ATTR_GLOB_KEYS, .help = "Pins by glob over inventory ids (or names)." },
	{ 0 },
};

const struct resource_type rf_type_firmware_pin = {
	.name = "firmware_pin",
	.help = "A named set of firmware versions with the images that bring them, for pools to refer to.",
	.version = 1, .attrs = pin_attrs, .expand = pin_expand,
};

/* --- one pool --------------------------------------------------------------------------------------------------------------------- */

struct pool {
	struct expand *x;
	const json_t *nodes, *components, *bios;
	const char *power, *baseline, *mig;
	json_t *names, *bmcs;        /* seen: name -> index */
	json_t *out;                 /* nodes with their facts */
	char *name;                  /* of this instance, as labels say it */
	bool bad;
};

static void complain(struct pool *p, const char *code, size_t i, const char *column, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
static void complain(struct pool *p, const char *code, size_t i, const char *column, const char *fmt, ...)
{
	char index[24], text[600];
	const char *path[] = { "nodes", index, column, NULL };
	va_list ap;

	snprintf(index, sizeof(index), "%zu", i);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	p->x->report(p->x->report_ctx, code, false, path, NULL, NULL, "%s", text);
	p->bad = true;
}

/* Columns that override the provider's access, and what they become. */
static const struct { const char *column, *key; enum attr_type type; } overrides[] = {
	{ "bmc_username", "username", ATTR_STRING }, { "bmc_password", "password", ATTR_STRING }, { "bmc_ca_file", "ca_file", ATTR_STRING },
	{ "bmc_pin", "pin", ATTR_STRING }, { "bmc_port", "port", ATTR_INT }, { "bmc_insecure", "insecure", ATTR_BOOL },
};

static json_t *access_of(struct pool *p, size_t i, const json_t *node)
{
	json_t *out = NULL;

	for (size_t k = 0; k < ARRAY_LEN(overrides); k++) {
		const json_t *v = json_at(node, overrides[k].column);
		const char *s = json_string_value(v);
		json_t *value = v ? json_ref(v) : NULL;
		if (!v || json_is_null(v) || (s && !*s)) {
			json_decref(value);
			continue;
		}
		if (s && overrides[k].type == ATTR_INT && strspn(s, "0123456789") == strlen(s)) {
			json_decref(value);
			value = json_integer(strtol(s, NULL, 10));
		} else if (s && overrides[k].type == ATTR_BOOL && (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)) {
			json_decref(value);
			value = json_boolean(strcmp(s, "true") == 0);
		}
		bool fits = overrides[k].type == ATTR_INT ? json_is_integer(value) && json_integer_value(value) > 0 && json_integer_value(value) < 65536 :
			overrides[k].type == ATTR_BOOL ? json_is_boolean(value) : json_is_string(value);
		if (!fits)
			complain(p, "E0110", i, overrides[k].column, "%s must be %s", overrides[k].column, overrides[k].type == ATTR_INT ?
				 "a port number" : overrides[k].type == ATTR_BOOL ? "true or false" : "a string");
		else if (strcmp(overrides[k].key, "password") == 0 && strncmp(s, "env:", 4) != 0 && strncmp(s, "file:", 5) != 0)
			complain(p, "E0111", i, overrides[k].column, "a password is given as a reference: env:NAME or file:PATH");
		else {
			if (!out)
				out = json_object();
			json_object_set(out, overrides[k].key, value);
		}
		json_decref(value);
	}
	return out;
}

static const char *required(struct pool *p, size_t i, const json_t *node, const char *column)
{
	const json_t *v = json_at(node, column);
	const char *s = json_string_value(v);

	if (!v || json_is_null(v))
		complain(p, "E0109", i, NULL, "node %zu has no %s", i + 1, column);
	else if (!s)
		complain(p, "E0110", i, column, "%s must be a string", column);
	else if (!*s)
		complain(p, "E0111", i, column, "node %zu has an empty %s", i + 1, column);
	else
		return s;
	return NULL;
}

static void once(struct pool *p, json_t *seen, size_t i, const char *column, const char *value)
{
	const json_t *first = json_object_get(seen, value);

	if (first)
		complain(p, "E0111", i, column, "%s \"%.200s\" is also that of node %lld", column, value, (long long)json_integer_value(first) + 1);
	else
		json_object_set_new(seen, value, json_integer((json_int_t)i));
}

/* NAME, or NAME-KEY for an instance of count or for_each: a valid label value (Kubernetes: at most 63 of [A-Za-z0-9._-], ends
 * alphanumeric). What had to be changed or cut for that is told apart by a digest. */
static char *instance_name(const struct expand *x)
{
	autofree char *block = xasprintf("gpu_node_pool.%s[", x->name);
	const char *tail = x->address ? strstr(x->address, block) : NULL;
	char plain[400], sha[65];
	size_t n = 0;
	bool changed = false;

	if (!tail)
		return xstrdup(x->name);
	tail += strlen(block);
	size_t left = strlen(tail);
	left -= left && tail[left - 1] == ']';
	if (left >= 2 && *tail == '"' && tail[left - 1] == '"') {
		tail++;
		left -= 2;
	}
	n = (size_t)snprintf(plain, sizeof(plain), "%.200s-", x->name);
	for (size_t i = 0; i < left && n + 1 < sizeof(plain); i++) {
		bool good = isalnum((unsigned char)tail[i]) || (i + 1 < left && strchr("._-", tail[i]));
		plain[n++] = good ? tail[i] : '-';
		changed |= !good;
	}
	plain[n] = '\0';
	if (!changed && n <= 63)
		return xstrdup(plain);
	str_sha256(x->address, strlen(x->address), sha);
	return xasprintf("%.54s-%.8s", plain, sha);
}

/* The node with what the pool declares about it. */
static void put_facts(struct pool *p, const json_t *node)
{
	json_t *n = json_object();
	const char *key;
	json_t *value;
	const json_t *gpu = json_at(p->x->config, "gpu");

	json_object_foreach((json_t *)(uintptr_t)node, key, value)
		if (!str_has_prefix(key, "bmc_"))
			json_object_set(n, key, value);
	json_put_str(n, "pool", p->name);
	if (json_is_object(gpu)) {
		json_object_set_new(n, "gpu", json_ref(gpu));
		json_object_set_new(n, "gpu_product", json_ref(json_at(gpu, "product")));
		json_object_set_new(n, "gpu_count", json_ref(json_at(gpu, "count")));
	}
	if (p->baseline)
		json_put_str(n, "firmware_baseline", p->baseline);
	if (p->mig)
		json_put_str(n, "mig_layout", p->mig);
	json_array_append_new(p->out, n);
}

static json_t *primitive(const json_t *node, const json_t *access)
{
	json_t *c = json_pack("{s:s, s:s}", "node", json_str(node, "name"), "bmc", json_str(node, "bmc"));
	const char *system = json_str(node, "system");

	if (system && *system)
		json_put_str(c, "system", system);
	if (access)
		json_object_set_new(c, "access", json_ref(access));
	return c;
}

/* Power on comes first, so that the rest finds a running machine; power off comes last. */
static void add_primitives(struct pool *p, const json_t *node, const json_t *access)
{
	const char *name = json_str(node, "name");
	long order[4];
	unsigned n = 0;
	long power = -1, firmware = -1, bios = -1;
	json_t *c;

	if (p->components && json_object_size(p->components)) {
		c = primitive(node, access);
		json_object_set_new(c, "components", json_ref(p->components));
		firmware = expand_add(p->x, "firmware", "firmware", name, name, c);
	}
	if (p->bios && json_object_size(p->bios)) {
		c = primitive(node, access);
		json_object_set_new(c, "attributes", json_ref(p->bios));
		bios = expand_add(p->x, "bios", "bios", name, name, c);
	}
	if (p->power) {
		c = primitive(node, access);
		json_put_str(c, "state", p->power);
		power = expand_add(p->x, "power", "power", name, name, c);
	}
	bool on_first = p->power && strcmp(p->power, "On") == 0;
	if (power >= 0 && on_first)
		order[n++] = power;
	if (firmware >= 0)
		order[n++] = firmware;
	if (bios >= 0)
		order[n++] = bios;
	if (power >= 0 && !on_first)
		order[n++] = power;
	for (unsigned i = 1; i < n; i++)
		expand_after(p->x, (unsigned)order[i], (unsigned)order[i - 1]);
}

static bool scalar(const json_t *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_boolean(v) || json_is_null(v);
}

static void check_columns(struct pool *p, size_t i, const json_t *node)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)node, key, value)
		if (!scalar(value) && strcmp(key, "guids") != 0 && strcmp(key, "labels") != 0)
			complain(p, "E0110", i, key, "column %.100s must be a string, a number or true or false", key);
}

static void check_node(struct pool *p, size_t i, const json_t *node)
{
	if (!json_is_object(node)) {
		complain(p, "E0110", i, NULL, "a node is an object with name and bmc");
		return;
	}
	const char *name = required(p, i, node, "name"), *bmc = required(p, i, node, "bmc");
	if (name)
		once(p, p->names, i, "name", name);
	/* Several hosts behind one BMC are told apart by system. */
	autofree char *place = bmc ? xasprintf("%s%s%s", bmc, json_str(node, "system") ? " " : "", json_str(node, "system") ? json_str(node, "system") : "") : NULL;
	if (bmc)
		once(p, p->bmcs, i, "bmc", place);
	check_columns(p, i, node);
}

static void report_at(struct expand *x, const char *code, const char *a, const char *b, const char *text)
{
	const char *path[] = { a, b, NULL };

	x->report(x->report_ctx, code, false, path, NULL, NULL, "%s", text);
}

/* "10m", "90s", "1h", "30" (seconds); -1: none of these. */
static long seconds_of(const char *s)
{
	char *end;
	long n = isdigit((unsigned char)*s) ? strtol(s, &end, 10) : -1;

	if (n < 0 || n > 10000000 || (*end && end[1]))
		return -1;
	switch (*end) {
	case '\0': case 's': return n;
	case 'm': return n * 60;
	case 'h': return n * 3600;
	case 'd': return n * 86400;
	}
	return -1;
}

/* "5%" of N (at least 1), or a number; -1: neither. */
static long share_of(const char *s, size_t n)
{
	char *end;
	long v = isdigit((unsigned char)*s) ? strtol(s, &end, 10) : -1;

	if (v < 1 || v > NODES_MAX)
		return -1;
	if (strcmp(end, "%") == 0) {
		if (v > 100)
			return -1;
		v = (long)(n * (size_t)v / 100);
		return v ? v : 1;
	}
	return *end ? -1 : v;
}

static bool rollout(struct pool *p, size_t nodes)
{
	const json_t *r = json_at(p->x->config, "rollout");
	const char *most = json_str(r, "max_unavailable"), *soak = json_str(r, "soak");
	long m = most ? share_of(most, nodes) : 0, s = soak ? seconds_of(soak) : 0;

	if (!json_is_object(r))
		return true;
	if (m < 0)
		report_at(p->x, "E0111", "rollout", "max_unavailable", "max_unavailable is a number of nodes from 1, or a share such as \"5%\"");
	if (s < 0)
		report_at(p->x, "E0111", "rollout", "soak", "soak is a time such as \"90s\", \"10m\" or \"1h\"");
	if (m < 0 || s < 0)
		return false;
	expand_rollout(p->x, (unsigned)json_int(r, "canary", 0), (unsigned)m, (unsigned)s);
	return true;
}

/* `firmware` is a firmware_pin's value, or {components} written here; `mig` a mig_layout's value. */
static bool references(struct pool *p)
{
	const json_t *fw = json_at(p->x->config, "firmware"), *mig = json_at(p->x->config, "mig");
	static const char *const inline_path[] = { "firmware", "components", NULL };

	if (fw && !json_is_null(fw)) {
		p->components = json_at(fw, "components");
		p->baseline = json_str(fw, "name");
		if (!json_is_object(p->components)) {
			report_at(p->x, "E0110", "firmware", NULL, "firmware is a firmware_pin (\"${firmware_pin.NAME}\") or has components");
			return false;
		}
		if (!p->baseline && rf_check_components(p->x, p->components, inline_path))
			return false;
	}
	if (mig && !json_is_null(mig)) {
		p->mig = json_is_string(mig) ? json_string_value(mig) : json_str(mig, "name");
		if (!p->mig) {
			report_at(p->x, "E0110", "mig", NULL, "mig is a mig_layout (\"${mig_layout.NAME}\")");
			return false;
		}
	}
	p->bios = json_at(p->x->config, "bios");
	p->power = json_str(p->x->config, "power");
	return true;
}

static int pool_nodes(struct pool *p)
{
	size_t n = json_array_size(p->nodes);

	if (n > NODES_MAX) {
		report_at(p->x, "E0111", "nodes", NULL, "a pool has at most 100,000 nodes");
		return E_INPUT;
	}
	for (size_t i = 0; i < n; i++)
		check_node(p, i, json_array_get(p->nodes, i));
	for (size_t i = 0; i < n && !p->bad; i++) {
		const json_t *node = json_array_get(p->nodes, i);
		autojson json_t *access = access_of(p, i, node);
		if (p->bad)
			break;
		put_facts(p, node);
		add_primitives(p, node, access);
	}
	return p->bad ? E_INPUT : 0;
}

static int pool_expand(struct expand *x)
{
	struct pool p = { .x = x, .nodes = json_at(x->config, "nodes"), .names = json_object(), .bmcs = json_object(), .out = json_array() };
	p.name = instance_name(x);
	bool good = references(&p);

	good &= rollout(&p, json_array_size(p.nodes));
	int rc = good ? pool_nodes(&p) : E_INPUT;
	if (rc == 0) {
		x->value = json_object();
		json_put_str(x->value, "name", p.name);
		json_object_set(x->value, "nodes", p.out);
	}
	free(p.name);
	json_decref(p.names);
	json_decref(p.bmcs);
	json_decref(p.out);
	return rc;
}

static const struct attr gpu_attrs[] = {
	{ .name = "product", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "GPU product, as the labels are to say it." },
	{ .name = "count", .type = ATTR_INT, .flags = ATTR_REQUIRED, .min = 1, .max = 64, .help = "GPUs in one node." },
	{ 0 },
};
static const struct attr rollout_attrs[] = {
	{ .name = "canary", .type = ATTR_INT, .min = 0, .max = NODES_MAX, .help = "So many machines go first, alone." },
	{ .name = "max_unavailable", .type = ATTR_STRING, .help = "At most so many machines at once: a number, or a share such as \"5%\"." },
	{ .name = "soak", .type = ATTR_STRING, .help = "Pause between waves: \"90s\", \"10m\", \"1h\"." },
	{ 0 },
};
static const struct attr spare_attrs[] = {
	{ .name = "nodes", .type = ATTR_LIST, .elem = ATTR_STRING, .help = "Patterns of names of nodes that are kept as warm spares; a column spare says it node by node." },
	{ .name = "min_free", .type = ATTR_MAP, .elem = ATTR_INT, .help = "How many should be free in each domain of a level of the fabric (leaf: 1), or in all (cluster: 4)." },
	{ 0 },
};
static const char *const powers[] = { "On", "Off", NULL };
static const struct attr pool_attrs[] = {
	{ .name = "nodes", .type = ATTR_LIST, .elem = ATTR_ANY, .flags = ATTR_REQUIRED,
	  .help = "The machines: objects with name and bmc, and rack, serial, power_feed, nvlink_domain, guids or any further column; bmc_username, "
		  "bmc_password (a reference), bmc_ca_file, bmc_pin, bmc_port, bmc_insecure and system say what is different for one machine." },
	{ .name = "gpu", .type = ATTR_OBJECT, .fields = gpu_attrs, .help = "The GPUs of each node." },
	{ .name = "firmware", .type = ATTR_ANY, .help = "A firmware_pin, or components written here." },
	{ .name = "mig", .type = ATTR_ANY, .help = "A mig_layout." },
	{ .name = "bios", .type = ATTR_MAP, .elem = ATTR_ANY, .help = "BIOS attributes of every node." },
	{ .name = "power", .type = ATTR_STRING, .values = powers, .help = "On or Off." },
	{ .name = "spare", .type = ATTR_OBJECT, .fields = spare_attrs, .help = "Warm spares: nodes that the cluster keeps free to replace failed ones." },
	{ .name = "rollout", .type = ATTR_OBJECT, .fields = rollout_attrs, .help = "How disruptive changes go over the pool." },
	{ 0 },
};

const struct resource_type rf_type_gpu_node_pool = {
	.name = "gpu_node_pool",
	.help = "Machines of one kind, held to one firmware set, one BIOS configuration and one power state. Its nodes are what fabrics and clusters "
		"refer to.",
	.version = 1, .attrs = pool_attrs, .expand = pool_expand,
};
