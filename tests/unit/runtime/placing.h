/* placing - small clusters that are decided once, and what became of them. */
#ifndef TESTS_UNIT_RUNTIME_PLACING_H
#define TESTS_UNIT_RUNTIME_PLACING_H

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "runtime/scheduler/place.h"
#include "tests/unit/runtime/fixture.h"

struct world { struct model *m; struct engine *e; json_t *items; };

static inline void world_init(struct world *w)
{
	*w = (struct world){ .items = json_array() };
}

/* FMT may hold ' for ". */
static inline void add(struct world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void add(struct world *w, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	json_array_append_new(w->items, fixture_v(fmt, ap));
	va_end(ap);
}

/* SPINES x LEAVES x HOSTS nodes s0-l0-h0 with 8 GPUs. */
static inline void fabric(struct world *w, int spines, int leaves, int hosts)
{
	for (int s = 0; s < spines; s++)
		for (int l = 0; l < leaves; l++)
			for (int h = 0; h < hosts; h++)
				add(w, "{'apiVersion':'v1','kind':'Node','metadata':{'name':'s%d-l%d-h%02d','labels':{'aipc.dev/spine-group':'s%d','aipc.dev/leaf':'s%d-l%d'}},"
				       "'status':{'allocatable':{'cpu':'64','memory':'512Gi','pods':'110','nvidia.com/gpu':'8'}}}", s, l, h, s, s, l);
}

static inline void pod(struct world *w, const char *name, int gpus, const char *meta, const char *spec)
{
	add(w, "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'%s','namespace':'default'%s},'spec':{'containers':[{'name':'c','resources':"
	       "{'requests':{'cpu':'1','nvidia.com/gpu':'%d'}}}]%s}}", name, meta, gpus, spec);
}

static inline void members(struct world *w, const char *gang, int n, int gpus)
{
	char name[64], meta[200];
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s-%d", gang, i);
		snprintf(meta, sizeof(meta), ",'labels':{'aipc.dev/gang':'%s'}", gang);
		pod(w, name, gpus, meta, "");
	}
}

static inline void gang(struct world *w, const char *name, const char *spec)
{
	add(w, "{'apiVersion':'aipc.dev/v1alpha1','kind':'Gang','metadata':{'name':'%s','namespace':'default'},'spec':{%s}}", name, spec);
}

static inline bool everyone(const struct pod *p, void *arg)
{
	(void)p;
	(void)arg;
	return true;
}

static inline void decide_with(struct world *w, const struct engine_rules *rules)
{
	struct err err;
	autojson json_t *list = json_object();
	json_put_str(list, "apiVersion", "v1");
	json_put_str(list, "kind", "List");
	json_put_new(list, "items", w->items);
	w->m = model_new();
	assert_int_equal(model_add(w->m, list, &err), 0);
	model_settle(w->m);
	assert_int_equal(w->m->notes.len, 0);
	w->e = engine_new(w->m, everyone, NULL);
	engine_set_rules(w->e, rules);
	engine_run(w->e);
}

static inline void decide(struct world *w)
{
	decide_with(w, &engine_default_rules);
}

static inline void world_release(struct world *w)
{
	engine_free(w->e);
	model_free(w->m);
}

/* The node of default/NAME; "" when it has none. */
static inline const char *at(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->m->pods.len; i++)
		if (strcmp(w->m->pods.at[i]->key + strlen("default/"), name) == 0)
			return w->m->pods.at[i]->node ? w->m->pods.at[i]->node->text : "";
	fail_msg("no pod %s", name);
	return NULL;
}

static inline int placed(const struct world *w, const char *prefix)
{
	int n = 0;
	for (size_t i = 0; i < w->m->pods.len; i++)
		n += strncmp(w->m->pods.at[i]->key + strlen("default/"), prefix, strlen(prefix)) == 0 && w->m->pods.at[i]->node;
	return n;
}

/* Are all pods PREFIX0..N-1 below one domain whose node names start with the first LEN bytes of the first's? */
static inline bool together(const struct world *w, const char *prefix, int from, int to, size_t len)
{
	char name[64], first[64];
	snprintf(name, sizeof(name), "%s-%d", prefix, from);
	snprintf(first, sizeof(first), "%s", at(w, name));
	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "%s-%d", prefix, i);
		if (strncmp(at(w, name), first, len) != 0 || !first[0])
			return false;
	}
	return true;
}

static inline bool said(const struct world *w, const char *pod_name, const char *text)
{
	size_t n;
	const struct pending *rows = engine_pending(w->e, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; strcmp(rows[i].pod->key + strlen("default/"), pod_name) == 0 && k < rows[i].reasons.len; k++)
			if (strstr(rows[i].reasons.at[k], text))
				return true;
	return false;
}

static inline void resident(struct world *w, const char *name, int gpus, int priority, const char *node, const char *meta)
{
	char spec[200];
	snprintf(spec, sizeof(spec), ",'nodeName':'%s','priority':%d", node, priority);
	pod(w, name, gpus, meta, spec);
}

#endif
