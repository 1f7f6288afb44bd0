/* The guard: is a node what layer 1 declared it to be? Only nodes with the label aipc.dev/pool are asked. What the node does not
 * say (no device plugin yet, no feature labels) is a disagreement only where the declaration needs it to be there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/controllers/decide.h"

/* Annotation, optional: the extended resources of the declared MIG layout, a JSON object such as {"nvidia.com/mig-1g.10gb": 56}. */
#define KEY_MIG_RESOURCES "aipc.dev/mig-resources"

struct verdict { const char *reason; char message[300]; };

/* Devices are counted in whole numbers. -1: absent or no such number. */
static int64_t devices(const json_t *resources, const char *name)
{
	const json_t *v = json_at(resources, name);
	const char *text = json_string_value(v);
	char *end;
	if (json_is_integer(v))
		return json_integer_value(v);
	if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
		return -1;
	return strtol(text, &end, 10);
}

static bool check_product(const struct fleet_node *n, struct verdict *v)
{
	const char *declared = node_label(n, "aipc.dev/gpu-product"), *found = node_label(n, "nvidia.com/gpu.product");
	char want[80], have[80];
	if (!declared || !found)
		return true;
	snprintf(want, sizeof(want), "%s", str_has_prefix(declared, "NVIDIA-") ? declared + 7 : declared);
	snprintf(have, sizeof(have), "%s", str_has_prefix(found, "NVIDIA-") ? found + 7 : found);
	char *mig = strstr(have, "-MIG-");           /* the single strategy appends the profile */
	if (mig)
		*mig = '\0';
	/* "H100-SXM5-80GB" is declared where the node says "H100-80GB-HBM3": only the model, up to the first dash, is one word on both. */
	want[strcspn(want, "-")] = '\0';
	have[strcspn(have, "-")] = '\0';
	if (strcmp(want, have) == 0)
		return true;
	v->reason = "GpuProduct";
	snprintf(v->message, sizeof(v->message), "declared GPU %.60s, found %.60s", declared, found);
	return false;
}

static bool check_count(const struct fleet_node *n, struct verdict *v)
{
	const char *declared = node_label(n, "aipc.dev/gpu-count"), *found = node_label(n, "nvidia.com/gpu.count");
	char *end;
	long want = declared ? strtol(declared, &end, 10) : -1;
	v->reason = "GpuCount";
	if (!declared || *end || want < 0)
		return true;
	if (found && strtol(found, &end, 10) != want && *end == '\0') {
		snprintf(v->message, sizeof(v->message), "declared %ld GPUs, the node has %.20s (label nvidia.com/gpu.count)", want, found);
		return false;
	}
	if (node_label(n, "aipc.dev/mig-layout"))
		return true;                         /* whole GPUs are then not what is offered */
	int64_t have = devices(n->allocatable, "nvidia.com/gpu");
	if (have == want)
		return true;
	if (have < 0)
		snprintf(v->message, sizeof(v->message), "declared %ld GPUs, none are allocatable (nvidia.com/gpu is absent)", want);
	else
		snprintf(v->message, sizeof(v->message), "declared %ld GPUs, %lld are allocatable", want, (long long)have);
	return false;
}

static bool check_mig_resources(const struct fleet_node *n, struct verdict *v)
{
	autojson json_t *want = node_note(n, KEY_MIG_RESOURCES);
	const char *key;
	json_t *count;
	json_object_foreach(want, key, count) {
		int64_t have = devices(n->allocatable, key);
		if ((have < 0 ? 0 : have) != json_integer_value(count)) {
			snprintf(v->message, sizeof(v->message), "declared %lld of %.80s, %lld are allocatable", (long long)json_integer_value(count), key,
				 (long long)(have < 0 ? 0 : have));
			return false;
		}
	}
	if (want)
		return true;
	json_object_foreach((json_t *)n->allocatable, key, count) {
		if (str_has_prefix(key, "nvidia.com/mig-") && devices(n->allocatable, key) > 0)
			return true;
	}
	const char *strategy = node_label(n, "nvidia.com/mig.strategy");
	if (strategy && strcmp(strategy, "single") == 0 && devices(n->allocatable, "nvidia.com/gpu") > 0)
		return true;
	snprintf(v->message, sizeof(v->message), "a MIG layout is declared, no MIG instance is allocatable");
	return false;
}

static bool check_mig(const struct fleet_node *n, struct verdict *v)
{
	const char *layout = node_label(n, "aipc.dev/mig-layout"), *config = node_label(n, "nvidia.com/mig.config"), *state = node_label(n, "nvidia.com/mig.config.state");
	v->reason = "MigLayout";
	if (!layout)
		return true;
	if (config && strcmp(config, layout) != 0) {
		snprintf(v->message, sizeof(v->message), "declared MIG layout %.63s, nvidia.com/mig.config says %.63s", layout, config);
		return false;
	}
	if (state && strcmp(state, "success") != 0) {
		snprintf(v->message, sizeof(v->message), "MIG layout %.63s is not in place: nvidia.com/mig.config.state is %.63s", layout, state);
		return false;
	}
	return check_mig_resources(n, v);
}

/* In this order: the first that disagrees is told. */
static bool (*const checks[])(const struct fleet_node *n, struct verdict *v) = { check_product, check_count, check_mig };

static json_t *note_of(const struct fleet *f, const struct fleet_node *n, const struct verdict *v)
{
	const char *policy = word(json_at(policy_of(f, n), "metadata"), "name");
	char since[32];
	json_t *note = json_object();
	clock_stamp(f->now_ms, since);
	json_put_str(note, "reason", v->reason);
	json_put_str(note, "policy", policy);
	json_put_str(note, "since", since);
	return note;
}

static void guard_node(const struct fleet *f, const json_t *spec, const struct fleet_node *n, json_t *out)
{
	autojson json_t *note = node_note(n, KEY_GUARD_NOTE);
	int64_t since = time_parse(json_str(note, "since")), grace = seconds_at(json_at(spec, "guard"), "graceSeconds", 120) * 1000;
	bool tainted = node_taint(n, KEY_GUARD) != NULL, agrees = true;
	struct verdict v = { 0 };
	bool on = json_flag(json_at(spec, "guard"), "enabled", true);
	for (size_t i = 0; on && agrees && i < ARRAY_LEN(checks); i++)
		agrees = checks[i](n, &v);
	if (agrees) {
		if (since >= 0)
			decide_node(out, tainted ? "unguard" : "unsuspect", n, on ? "AsDeclared" : "GuardOff", on ? "the node is what was declared" : "the policy no longer guards");
		return;
	}
	if (tainted)
		return;
	if (since >= 0)
		fleet_due(f, since + grace);
	if (since < 0 && grace > 0) {
		json_put_new(decide_node(out, "suspect", n, v.reason, "%s", v.message), "note", note_of(f, n, &v));
	} else if (grace == 0 || f->now_ms - since >= grace) {
		json_t *d = decide_node(out, json_flag(spec, "dryRun", false) ? "would-guard" : "guard", n, v.reason, "%s", v.message);
		json_put_new(d, "note", since < 0 ? note_of(f, n, &v) : json_ref(note));
	}
}

json_t *guard_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t i = 0; i < f->nodes.len; i++) {
		const struct fleet_node *n = f->nodes.at[i];
		const json_t *policy = policy_of(f, n), *spec = json_at(policy, "spec");
		if (policy && node_label(n, "aipc.dev/pool"))
			guard_node(f, spec, n, out);
	}
	return out;
}

/* --- topologies ------------------------------------------------------------------------------------------------------------ */

/* VALUES: of each node its labels of all levels. */
static json_t *level_status(const struct fleet *f, const struct levels *l, const char *const *values, int level, int64_t *nodes)
{
	struct str path;
	autojson json_t *domains = json_object();
	int64_t missing = 0;
	*nodes = 0;
	str_init(&path, 4096);
	for (size_t i = 0; i < f->nodes.len; i++) {
		const char *const *value = values + i * FLEET_LEVELS;
		bool some = false, all = true;
		str_clear(&path);
		for (int k = 0; k < l->n; k++) {
			some = some || (value[k] && strcmp(l->at[k].key, "kubernetes.io/hostname") != 0);
			all = all && (k > level || value[k]);
		}
		for (int k = 0; all && k <= level; k++)
			str_addf(&path, "/%s", value[k]);
		if (all)
			json_object_set_new(domains, path.at, json_true());
		missing += some && !value[level];
		*nodes += all;
	}
	str_release(&path);
	json_t *o = json_object();
	json_put_str(o, "name", l->at[level].name);
	json_put_str(o, "nodeLabel", l->at[level].key);
	json_put_int(o, "domains", (json_int_t)json_object_size(domains));
	json_put_int(o, "missing", missing);
	return o;
}

json_t *topologies_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t t = 0; t < f->topologies.len; t++) {
		const json_t *meta = json_at(f->topologies.at[t], "metadata");
		struct levels l;
		int64_t nodes = 0;
		json_t *d = json_object(), *list = json_array();
		fleet_levels(f, word(meta, "name"), &l);
		autofree const char **values = xcalloc(f->nodes.len * FLEET_LEVELS + 1, sizeof(*values));
		for (size_t i = 0; i < f->nodes.len; i++)
			for (int k = 0; k < l.n; k++)
				values[i * FLEET_LEVELS + (size_t)k] = node_label(f->nodes.at[i], l.at[k].key);
		for (int i = 0; i < l.n; i++)
			json_array_append_new(list, level_status(f, &l, values, i, &nodes));
		json_put_str(d, "do", "status");
		json_put_str(d, "topology", word(meta, "name"));
		json_put_str(d, "uid", word(meta, "uid"));
		json_put_int(d, "observedGeneration", json_int(meta, "generation", 0));
		json_put_int(d, "nodes", nodes);
		json_put_new(d, "levels", list);
		json_put_str(d, "reason", l.n == 0 ? "NoLevels" : nodes ? "NodesFound" : "NoNodes");
		json_array_append_new(out, d);
	}
	return out;
}
