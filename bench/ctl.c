/* bench/ctl - the controllers alone: what one change costs, what a round costs at 1,000 and 10,000 nodes.
 *
 * The objects are there as JSON, as the controller holds them; a round puts them into a fleet by reference and asks every decision. One node in a
 * hundred is fenced, nine in ten run a pod of a gang of 16, one in fifty is a spare.
 * Lines: bench NAME FIGURE VALUE UNIT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "kube/doc.h"
#include "runtime/controllers/decide.h"

enum { RACK = 18, LEAF = 72, SPINE = 576, GANG = 16, ROUNDS = 5 };

/* Processor time: others share the machine. */
static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void line(size_t nodes, const char *figure, double value, const char *unit)
{
	printf("bench ctl-%zu %s %.3f %s\n", nodes, figure, value, unit);
}

static json_t *parsed(const char *text)
{
	json_t *j = NULL;
	struct err err = { 0 };
	if (json_parse(text, strlen(text), "bench", &j, &err))
		BUG("%s: %s", err.msg, text);
	return j;
}

#define COND(type, status) "{\"type\":\"" type "\",\"status\":\"" status "\",\"reason\":\"Fine\",\"message\":\"as it should be\",\"lastTransitionTime\":\"2026-11-25T08:00:00Z\"}"

static json_t *node(size_t i)
{
	static const char taints[] = "\"taints\":[{\"key\":\"aipc.dev/unhealthy\",\"value\":\"XidRebootNode\",\"effect\":\"NoSchedule\"}]";
	static const char note[] = "\"aipc.dev/fence\":\"{\\\"reason\\\":\\\"XidRebootNode\\\",\\\"since\\\":\\\"2026-11-25T09:00:00Z\\\",\\\"policy\\\":\\\"p\\\",\\\"until\\\":\\\"reboot\\\",\\\"boot\\\":\\\"b\\\"}\"";
	bool fenced = i % 100 == 7;
	autofree char *text = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"gpu-%05zu\",\"uid\":\"u%zu\",\"resourceVersion\":\"%zu\",\"labels\":{"
		"\"kubernetes.io/hostname\":\"gpu-%05zu\",\"kubernetes.io/arch\":\"amd64\",\"kubernetes.io/os\":\"linux\",\"aipc.dev/pool\":\"train\",\"aipc.dev/fabric\":\"f\","
		"\"aipc.dev/spine-group\":\"s%zu\",\"aipc.dev/leaf\":\"l%zu\",\"aipc.dev/nvlink-domain\":\"n%zu\",\"aipc.dev/gpu-count\":\"8\",\"nvidia.com/gpu.count\":\"8\"%s},"
		"\"annotations\":{%s}},\"spec\":{%s},\"status\":{\"nodeInfo\":{\"bootID\":\"b\"},\"allocatable\":{\"cpu\":\"192\",\"memory\":\"2Ti\",\"nvidia.com/gpu\":\"8\",\"pods\":\"110\"},"
		"\"conditions\":[" COND("Ready", "True") "," COND("MemoryPressure", "False") "," COND("DiskPressure", "False") "," COND("PIDPressure", "False") "," COND("KernelDeadlock", "False") "]}}",
		i, i, i, i, i / SPINE, i / LEAF, i / RACK, i % 50 == 3 ? ",\"aipc.dev/spare\":\"true\"" : "", fenced ? note : "", fenced ? taints : "");
	return parsed(text);
}

static json_t *pod(size_t i, size_t gang, size_t rank)
{
	autofree char *text = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"g%zu-%zu\",\"namespace\":\"default\",\"uid\":\"p%zu\",\"labels\":{\"aipc.dev/gang\":\"g%zu\"},"
		"\"annotations\":{\"aipc.dev/rank\":\"%zu\"}},\"spec\":{\"nodeName\":\"gpu-%05zu\",\"containers\":[{\"resources\":{\"requests\":{\"nvidia.com/gpu\":\"8\"}}}]},"
		"\"status\":{\"phase\":\"Running\"}}", gang, rank, i, gang, rank, i);
	return parsed(text);
}

static json_t *objects(size_t nodes)
{
	json_t *all = json_array();
	size_t running = 0;
	for (size_t i = 0; i < nodes; i++) {
		json_array_append_new(all, node(i));
		if (i % 50 == 3 || i % 10 == 9)
			continue;
		json_array_append_new(all, pod(i, running / GANG, running % GANG));
		running++;
	}
	for (size_t g = 0; g <= running / GANG; g++) {
		autofree char *text = xasprintf("{\"apiVersion\":\"aipc.dev/v1alpha1\",\"kind\":\"Gang\",\"metadata\":{\"name\":\"g%zu\",\"namespace\":\"default\",\"uid\":\"g%zu\"},"
			"\"spec\":{\"min\":16,\"required\":\"spine-group\",\"slices\":[{\"size\":8,\"level\":\"leaf\"}]}}", g, g);
		json_array_append_new(all, parsed(text));
	}
	json_array_append_new(all, parsed("{\"apiVersion\":\"aipc.dev/v1alpha1\",\"kind\":\"SparePool\",\"metadata\":{\"name\":\"s\"},\"spec\":{\"minFree\":[{\"level\":\"leaf\",\"nodes\":1}]}}"));
	json_array_append_new(all, parsed("{\"apiVersion\":\"aipc.dev/v1alpha1\",\"kind\":\"FabricTopology\",\"metadata\":{\"name\":\"default\"},\"spec\":{\"preset\":\"aipc\"}}"));
	json_array_append_new(all, parsed("{\"apiVersion\":\"aipc.dev/v1alpha1\",\"kind\":\"NodeHealthPolicy\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"blastRadius\":{\"limits\":["
					  "{\"level\":\"cluster\",\"percent\":10},{\"level\":\"leaf\",\"percent\":25}]}}}"));
	return all;
}

static double one_change_us(size_t nodes)
{
	autojson json_t *j = node(7);
	struct doc *d = doc_from_json(j);
	double began = now_s();
	for (size_t i = 0; i < nodes; i++)
		json_decref(doc_to_json(doc_root(d)));
	double took = now_s() - began;
	doc_free(d);
	return took / (double)nodes * 1e6;
}

static const struct { const char *name; json_t *(*decide)(const struct fleet *f); } parts[] = {
	{ "policies", undo_decide }, { "health", health_decide }, { "guard", guard_decide }, { "marks", marks_decide }, { "swap", swap_decide }, { "pools", pools_decide },
	{ "topologies", topologies_decide },
};

static double rounds(size_t nodes)
{
	autojson json_t *all = objects(nodes);
	double took[ARRAY_LEN(parts) + 1] = { 0 }, sum = 0;
	size_t decisions = 0, k;
	json_t *o;
	for (int r = 0; r < ROUNDS; r++) {
		struct err err = { 0 };
		double began = now_s();
		struct fleet *f = fleet_new(time_parse("2026-11-25T12:00:00Z"));
		json_array_foreach(all, k, o) {
			if (fleet_add(f, o, &err))
				BUG("%s", err.msg);
		}
		fleet_settle(f);
		took[0] += now_s() - began;
		for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
			began = now_s();
			json_t *d = parts[i].decide(f);
			decisions += json_array_size(d);
			json_decref(d);
			took[i + 1] += now_s() - began;
		}
		fleet_free(f);
	}
	line(nodes, "fleet", took[0] / ROUNDS * 1e3, "ms");
	for (size_t i = 0; i <= ARRAY_LEN(parts); i++) {
		if (i)
			line(nodes, parts[i - 1].name, took[i] / ROUNDS * 1e3, "ms");
		sum += took[i] / ROUNDS;
	}
	line(nodes, "decisions", (double)decisions / ROUNDS, "decisions");
	line(nodes, "round", sum * 1e3, "ms");
	return sum;
}

int main(void)
{
	json_setup();
	line(1, "change", one_change_us(20000), "us");
	double small = rounds(1000), large = rounds(10000);
	printf("bench ctl growth %.2f x\n", large / small);
	return 0;
}
