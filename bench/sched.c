/* bench/sched - the scheduler's engine alone: single pods and gangs on 1,000, 10,000 and 50,000 nodes.
 *
 * Objects are read before the clock starts; what is measured is deciding, with every decision made in the model. Steps count node
 * divisions and comparisons of two nodes, so their growth with the number of nodes needs no clock.
 * Lines: bench NAME FIGURE VALUE UNIT. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "runtime/scheduler/place.h"

enum { RACK = 18, RACKS_A_LEAF = 4, LEAVES_A_SPINE = 8, GPUS = 8, MAX_PODS = 50000, GANG = 16, MAX_GANGS = 500 };

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void print(unsigned nodes, const char *figure, double value, const char *unit)
{
	printf("bench sched_%u %s %.4g %s\n", nodes, figure, value, unit);
	fflush(stdout);
}

static void add(struct model *m, char *text)
{
	struct err err;
	autojson json_t *j = NULL;
	if (json_parse(text, strlen(text), "object", &j, &err) || model_add(m, j, &err)) {
		fprintf(stderr, "bench/sched: %s\n", err.msg);
		exit(1);
	}
	free(text);
}

static void add_nodes(struct model *m, unsigned nodes)
{
	for (unsigned i = 0; i < nodes; i++) {
		unsigned rack = i / RACK, leaf = rack / RACKS_A_LEAF;
		add(m, xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"gpu-%05u\",\"labels\":{\"aipc.dev/spine-group\":\"s%u\",\"aipc.dev/leaf\":\"l%u\","
				 "\"aipc.dev/nvlink-domain\":\"r%u\"}},\"status\":{\"allocatable\":{\"cpu\":\"192\",\"memory\":\"2Ti\",\"pods\":\"110\",\"nvidia.com/gpu\":\"%d\"}}}",
				 i, leaf / LEAVES_A_SPINE, leaf, rack, GPUS));
	}
}

static void add_pod(struct model *m, unsigned i, const char *labels, int gpus)
{
	add(m, xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"namespace\":\"default\",\"name\":\"p-%u\",\"labels\":{%s}},\"spec\":{\"containers\":"
			 "[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"4\",\"memory\":\"64Gi\",\"nvidia.com/gpu\":\"%d\"}}}]}}", i, labels, gpus));
}

static bool everyone(const struct pod *p, void *arg)
{
	(void)p;
	(void)arg;
	return true;
}

/* Steps of one decision. */
static double singles(unsigned nodes)
{
	struct model *m = model_new();
	unsigned pods = nodes * GPUS < MAX_PODS ? nodes * GPUS : MAX_PODS;
	add_nodes(m, nodes);
	for (unsigned i = 0; i < pods; i++)
		add_pod(m, i, "", 1);
	model_settle(m);
	struct engine *e = engine_new(m, everyone, NULL);
	double start = now_s();
	engine_place_pod(e, m->pods.at[0]);          /* the class is counted over all nodes once */
	print(nodes, "first_decision", (now_s() - start) * 1e6, "us");
	uint64_t before = engine_steps(e);
	start = now_s();
	for (unsigned i = 1; i < pods; i++)
		if (!engine_place_pod(e, m->pods.at[i]))
			exit(fprintf(stderr, "bench/sched: pod %u has no node\n", i));
	double took = now_s() - start, steps = (double)(engine_steps(e) - before) / (pods - 1);
	print(nodes, "pod_decisions", (pods - 1) / took, "pods/s");
	print(nodes, "steps_per_decision", steps, "steps");
	engine_free(e);
	model_free(m);
	return steps;
}

static void gangs(unsigned nodes)
{
	struct model *m = model_new();
	unsigned n = nodes / GANG * 3 / 4 < MAX_GANGS ? nodes / GANG * 3 / 4 : MAX_GANGS;
	add_nodes(m, nodes);
	for (unsigned g = 0; g < n; g++) {
		autofree char *label = xasprintf("\"aipc.dev/gang\":\"g%u\"", g);
		add(m, xasprintf("{\"apiVersion\":\"aipc.dev/v1alpha1\",\"kind\":\"Gang\",\"metadata\":{\"namespace\":\"default\",\"name\":\"g%u\"},"
				 "\"spec\":{\"min\":%d,\"required\":\"aipc.dev/leaf\"}}", g, GANG));
		for (unsigned i = 0; i < GANG; i++)
			add_pod(m, g * GANG + i, label, GPUS);
	}
	model_settle(m);
	struct engine *e = engine_new(m, everyone, NULL);
	double start = now_s();
	size_t pending;
	engine_run(e);
	double took = now_s() - start;
	engine_pending(e, &pending);
	print(nodes, "gangs_of_16", took / n * 1e6, "us/gang");
	print(nodes, "gang_pods_pending", (double)pending, "pods");
	engine_free(e);
	model_free(m);
}

int main(void)
{
	static const unsigned sizes[] = { 1000, 10000, 50000 };
	double steps[ARRAY_LEN(sizes)];
	json_setup();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		steps[i] = singles(sizes[i]);
		/* At most 1 says: no more than logarithmic. */
		if (i)
			print(sizes[i], "steps_growth_over_log", steps[i] / steps[0] / (log(sizes[i]) / log(sizes[0])), "x");
		gangs(sizes[i]);
	}
	return 0;
}
