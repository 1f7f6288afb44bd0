#include "runtime/scheduler/attach.h"
#include "runtime/scheduler/model_internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/shape.h"

enum { MAX_LIST_DEPTH = 8, MAX_NOTES = 1000 };

void model_note(struct model *m, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m->notes.len < MAX_NOTES)
		vec_push(&m->notes, xstrdup(text));
}

struct model *model_new(void)
{
	struct model *m = xcalloc(1, sizeof(*m));
	struct interns *t = m->names = interns_new();
	m->arena = arena_new();
	m->node_of = map_new();
	m->namespaces = map_new();
	m->claims = map_new();
	m->volumes = map_new();
	m->attach = attach_new();
	m->k = (struct well_known){ intern(t, "cpu"), intern(t, "memory"), intern(t, "ephemeral-storage"), intern(t, "pods"),
				    intern(t, "node.kubernetes.io/unschedulable"), intern(t, "0.0.0.0"), intern(t, "TCP") };
	return m;
}

void node_free_memory(struct node *n)
{
	vec_free(&n->pods);
	if (n->arena) {                  /* else all of it is in the model's */
		arena_free(n->arena);
		free(n);
	}
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->nodes.len; i++)
		node_free_memory(m->nodes.at[i]);
	for (size_t i = 0; i < m->pods.len; i++)
		pod_unref(m->pods.at[i]);
	for (size_t i = 0; i < m->groups.len; i++)
		json_decref((json_t *)m->groups.at[i]);
	for (size_t i = 0; i < m->notes.len; i++)
		free(m->notes.at[i]);
	vec_free(&m->nodes);
	vec_free(&m->pods);
	vec_free(&m->apart);
	vec_free(&m->notes);
	vec_free(&m->device_resources);
	vec_free(&m->priorities);
	vec_free(&m->budgets);
	vec_free(&m->groups);
	vec_free(&m->changes);
	vec_free(&m->levels);
	arena_free(m->budget_arena);
	map_free(m->node_of);
	map_free(m->namespaces);
	map_free(m->claims);
	map_free(m->volumes);
	attach_free(m->attach);
	interns_free(m->names);
	arena_free(m->arena);
	free(m);
}

/* --- objects --------------------------------------------------------------------------------------------------------- */

static void add_node(struct model *m, const json_t *j)
{
	struct node *n = node_parse(m, j);
	if (!n) {
		model_note(m, "a Node without a name is left out");
	} else if (map_get(m->node_of, n->name)) {
		model_note(m, "node %s is there twice; the first counts", n->text);
	} else {
		const char *odd = shape_of_node(m->arena, j);
		if (odd)
			model_note(m, "node %s: its %s", n->text, odd);
		map_put(m->node_of, n->name, n);
		vec_push(&m->nodes, n);
	}
}

static void add_pod(struct model *m, const json_t *j)
{
	const char *phase = json_str(json_at(j, "status"), "phase");
	if (phase && (strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0))
		return;
	struct pod *p = pod_parse(m, j);
	const char *odd = p ? shape_of_pod(m->arena, j) : NULL;
	if (!p) {
		model_note(m, "a Pod without a name is left out");
		return;
	}
	vec_push(&m->pods, p);
	if (odd && p->node_name)
		model_note(m, "pod %s: its %s", p->key, odd);
	else if (odd)
		p->refused = arena_printf(m->arena, "its %s", odd);
}

void model_add_namespace(struct model *m, const json_t *j)
{
	struct labels *l = arena_alloc(m->arena, sizeof(*l));
	*l = labels_parse(m->names, m->arena, json_path(j, "metadata", "labels", NULL));
	map_put(m->namespaces, intern(m->names, json_str(json_at(j, "metadata"), "name")), l);
}

void model_add_claim(struct model *m, const json_t *j)
{
	const json_t *meta = json_at(j, "metadata"), *spec = json_at(j, "spec");
	const char *ns = json_str(meta, "namespace"), *phase = json_str(json_at(j, "status"), "phase");
	struct volume_claim *c = arena_alloc(m->arena, sizeof(*c));
	autofree char *key = xasprintf("%s/%s", ns && *ns ? ns : "default", json_str(meta, "name") ? json_str(meta, "name") : "");
	size_t i;
	json_t *mode, *owner;
	c->key = intern(m->names, key);
	json_array_foreach(json_at(meta, "ownerReferences"), i, owner)
		if (json_flag(owner, "controller", false) && !c->controller)
			c->controller = intern(m->names, json_str(owner, "uid"));
	c->volume = intern(m->names, json_str(spec, "volumeName"));
	c->bound = c->volume && json_is_string(json_path(meta, "annotations", "pv.kubernetes.io/bind-completed", NULL));
	c->lost = phase && strcmp(phase, "Lost") == 0;
	c->terminating = json_is_string(json_at(meta, "deletionTimestamp"));
	json_array_foreach(json_at(spec, "accessModes"), i, mode)
		c->single_pod = c->single_pod || strcmp(json_string_value(mode) ? json_string_value(mode) : "", "ReadWriteOncePod") == 0;
	const char *old_class = json_str(json_at(meta, "annotations"), "volume.beta.kubernetes.io/storage-class");
	c->storage_class = intern(m->names, old_class ? old_class : json_str(spec, "storageClassName"));
	autofree char *own = xasprintf("-/%s", key);
	c->own_handle = intern(m->names, own);
	map_put(m->claims, c->key, c);
}

void model_add_volume(struct model *m, const json_t *j)
{
	const json_t *required = json_path(j, "spec", "nodeAffinity", "required", NULL), *csi = json_path(j, "spec", "csi", NULL);
	const char *driver = json_str(csi, "driver"), *handle = json_str(csi, "volumeHandle");
	struct volume *v = arena_alloc(m->arena, sizeof(*v));
	v->name = intern(m->names, json_str(json_at(j, "metadata"), "name"));
	if (driver && *driver && handle && *handle) {
		autofree char *id = xasprintf("%s/%s", driver, handle);
		v->driver = intern(m->names, driver);
		v->handle = intern(m->names, id);
	}
	v->has_terms = json_is_object(required);
	v->terms = node_terms_parse(m->names, m->arena, json_at(required, "nodeSelectorTerms"));
	v->labels = labels_parse(m->names, m->arena, json_path(j, "metadata", "labels", NULL));
	map_put(m->volumes, v->name, v);
}

static void add_attach(struct model *m, const json_t *j)
{
	attach_put(m, json_str(j, "kind"), j);
}

static void add_priority(struct model *m, const json_t *j)
{
	const char *policy = json_str(j, "preemptionPolicy");
	vec_push(&m->priorities, (struct priority_class){ intern(m->names, json_str(json_at(j, "metadata"), "name")), json_int(j, "value", 0),
							    policy && strcmp(policy, "Never") == 0, json_flag(j, "globalDefault", false) });
}

static void add_device_class(struct model *m, const json_t *j)
{
	const char *res = json_str(json_at(j, "spec"), "extendedResourceName");
	if (res && *res)
		vec_push(&m->device_resources, intern(m->names, res));
}

void model_add_budget(struct model *m, const json_t *j)
{
	const char *ns = json_str(json_at(j, "metadata"), "namespace");
	vec_push(&m->budgets, (struct budget){ intern(m->names, ns && *ns ? ns : "default"),
					       selector_parse(m->names, m->arena, json_at(json_at(j, "spec"), "selector")),
					       json_int(json_at(j, "status"), "disruptionsAllowed", 0) });
}

static void add_kept(struct model *m, const json_t *j)
{
	vec_push(&m->groups, json_ref(j));
}

/* In two passes: what others refer to while they are read comes first. */
static const struct kind { const char *group, *kind; int pass; void (*add)(struct model *m, const json_t *j); } kinds[] = {
	{ "scheduling.k8s.io", "PriorityClass", 0, add_priority },
	{ "", "Node", 1, add_node },
	{ "", "Pod", 1, add_pod },
	{ "", "Namespace", 1, model_add_namespace },
	{ "", "PersistentVolumeClaim", 1, model_add_claim },
	{ "", "PersistentVolume", 1, model_add_volume },
	{ "storage.k8s.io", "CSINode", 1, add_attach },
	{ "storage.k8s.io", "VolumeAttachment", 1, add_attach },
	{ "storage.k8s.io", "StorageClass", 1, add_attach },
	{ "policy", "PodDisruptionBudget", 1, model_add_budget },
	{ "resource.k8s.io", "DeviceClass", 1, add_device_class },
	{ "scheduling.k8s.io", "PodGroup", 1, add_kept },
	{ "scheduling.x-k8s.io", "PodGroup", 1, add_kept },
	{ "aipc.dev", "Gang", 1, add_kept },
	{ "aipc.dev", "FabricTopology", 1, add_kept },
	{ "aipc.dev", "SparePool", 1, add_kept },
};

static bool of_group(const char *version, const char *group)
{
	size_t n = strlen(group);
	return n ? strncmp(version, group, n) == 0 && version[n] == '/' : !strchr(version, '/');
}

static int add_pass(struct model *m, const json_t *j, int pass, int depth, struct err *err)
{
	const char *kind = json_str(j, "kind"), *version = json_str(j, "apiVersion");
	const json_t *items = json_at(j, "items");
	size_t i;
	json_t *item;
	if (!json_is_object(j))
		return err_set(err, E_INPUT, "a Kubernetes object is expected, not %s", json_is_array(j) ? "a list of the file's own" : "a plain value");
	if (!kind)
		return err_set(err, E_INPUT, "an object without a kind; every object needs one, as kubectl get -o json prints it");
	if (items && !json_is_array(items) && !json_is_null(items) && strcmp(kind, "List") == 0)
		return err_set(err, E_INPUT, "the items of this List are no list");
	if (json_is_array(items) && str_has_suffix(kind, "List")) {
		if (depth >= MAX_LIST_DEPTH)
			return err_set(err, E_INPUT, "Lists are nested deeper than %d", MAX_LIST_DEPTH);
		json_array_foreach(items, i, item) {
			int rc = add_pass(m, item, pass, depth + 1, err);
			if (rc)
				return err_wrap(err, "items[%zu]", i);
		}
		return 0;
	}
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (kinds[k].pass == pass && strcmp(kinds[k].kind, kind) == 0 && of_group(version ? version : "v1", kinds[k].group))
			kinds[k].add(m, j);
	return 0;
}

int model_add(struct model *m, const json_t *j, struct err *err)
{
	int rc = add_pass(m, j, 0, 0, err);
	return rc ? rc : add_pass(m, j, 1, 0, err);
}

/* --- looking up --------------------------------------------------------------------------------------------------------- */

struct node *model_node(const struct model *m, sym name)
{
	return map_get(m->node_of, name);
}

const struct labels *model_namespace(const struct model *m, sym ns)
{
	return map_get(m->namespaces, ns);
}

const struct volume_claim *model_claim(const struct model *m, sym key)
{
	return map_get(m->claims, key);
}

const struct volume *model_volume(const struct model *m, sym name)
{
	return map_get(m->volumes, name);
}

int64_t node_free_at(const struct node *n, uint32_t i)
{
	__int128 f = (__int128)n->has.at[i].n - n->used[i];
	return f < INT64_MIN ? INT64_MIN : (int64_t)f;
}

static bool position(const struct amounts *a, sym res, uint32_t *at)
{
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->at[i].res == res) {
			*at = i;
			return true;
		}
	}
	return false;
}

int64_t node_free(const struct node *n, sym res)
{
	uint32_t i;
	return position(&n->has, res, &i) ? node_free_at(n, i) : 0;
}

/* --- what runs where ------------------------------------------------------------------------------------------------------ */

void node_count(struct node *n, const struct amounts *a, int sign)
{
	for (uint32_t i = 0, k = 0; i < a->n; i++) {
		while (k < n->has.n && n->has.at[k].res < a->at[i].res)
			k++;
		if (k < n->has.n && n->has.at[k].res == a->at[i].res)
			n->used[k] += (__int128)sign * a->at[i].n;
	}
}

static void note_move(struct model *m, const struct pod *p, const struct node *n, int sign)
{
	m->version++;
	if (m->stale)
		return;
	vec_push(&m->changes, n->index);
	if (m->moved)
		m->moved(m->moved_arg, p, n->index, sign);
}

void model_bind(struct model *m, struct pod *p, struct node *n)
{
	p->node = n;
	p->slot = (uint32_t)n->pods.len;
	vec_push(&n->pods, p);
	node_count(n, &p->uses, 1);
	if (p->n_apart) {
		p->apart_slot = (uint32_t)m->apart.len;
		vec_push(&m->apart, p);
	}
	note_move(m, p, n, 1);
}

void model_unbind(struct model *m, struct pod *p)
{
	struct node *n = p->node;
	struct pod *last = n->pods.at[--n->pods.len];
	n->pods.at[p->slot] = last;
	last->slot = p->slot;
	node_count(n, &p->uses, -1);
	if (p->n_apart) {
		last = m->apart.at[--m->apart.len];
		m->apart.at[p->apart_slot] = last;
		last->apart_slot = p->apart_slot;
	}
	p->node = NULL;
	m->promised -= p->promised;
	p->promised = false;
	note_move(m, p, n, -1);
}

void model_promise(struct model *m, struct pod *p, struct node *n)
{
	model_bind(m, p, n);
	p->promised = true;
	m->promised++;
}

struct pod **model_ending(const struct model *m, size_t *n)
{
	struct pod **at = xcalloc(m->pods.len + 1, sizeof(struct pod *));
	*n = 0;
	for (size_t i = 0; i < m->pods.len; i++)
		if (m->pods.at[i]->terminating && m->pods.at[i]->node)
			at[(*n)++] = m->pods.at[i];
	return at;
}

void model_take_out(struct model *m, struct pod **pods, struct node **nodes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		nodes[i] = pods[i]->node;
		if (nodes[i])
			model_unbind(m, pods[i]);
	}
}

void model_put_back(struct model *m, struct pod **pods, struct node **nodes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nodes[i])
			model_bind(m, pods[i], nodes[i]);
}

int model_by_node_name(const void *a, const void *b)
{
	return str_natural_cmp((*(struct node *const *)a)->text, (*(struct node *const *)b)->text);
}

static int by_pod_key(const void *a, const void *b)
{
	return strcmp((*(struct pod *const *)a)->key, (*(struct pod *const *)b)->key);
}

static void drop_doubles(struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->pods.len; i++) {
		if (n && strcmp(m->pods.at[n - 1]->key, m->pods.at[i]->key) == 0) {
			model_note(m, "pod %s is there twice; one counts", m->pods.at[i]->key);
			pod_unref(m->pods.at[i]);
		} else {
			m->pods.at[n++] = m->pods.at[i];
		}
	}
	m->pods.len = n;
}

static bool pool_selects(const struct model *m, const json_t *pool, const struct node *n)
{
	const json_t *pick = json_path(pool, "spec", "nodeSelector", NULL);
	const char *key;
	json_t *value;
	sym have;
	if (strcmp(json_str(pool, "kind"), "SparePool") != 0 || json_object_size(pick) == 0)
		return false;
	json_object_foreach((json_t *)pick, key, value)
		if (!labels_get(&n->labels, intern_find(m->names, key), &have) || !json_is_string(value) ||
		    strcmp(intern_text(m->names, have), json_string_value(value)) != 0)
			return false;
	return true;
}

bool model_is_spare(const struct model *m, const struct node *n)
{
	sym value;
	bool spare = labels_get(&n->labels, intern_find(m->names, "aipc.dev/spare"), &value) && strcmp(intern_text(m->names, value), "true") == 0;
	for (size_t i = 0; !spare && i < m->groups.len; i++)
		spare = pool_selects(m, m->groups.at[i], n);
	return spare;
}

void model_refuse_devices(struct model *m, struct pod *p)
{
	for (size_t d = 0; d < m->device_resources.len; d++)
		for (uint32_t r = 0; r < p->wants.n && !p->refused; r++)
			if (p->wants.at[r].res == m->device_resources.at[d])
				p->refused = arena_printf(p->arena ? p->arena : m->arena, "a DeviceClass owns %s (DRA), which this scheduler cannot allocate",
							  intern_text(m->names, p->wants.at[r].res));
	p->own_refused = p->refused;
}

void pod_forget_group(struct pod *p)
{
	p->group = NULL;
	p->refused = p->own_refused;
	p->priority = p->own_priority;
	p->extra = false;
}

struct pod *pod_ref(struct pod *p)
{
	p->refs++;
	return p;
}

void pod_unref(struct pod *p)
{
	if (!p || --p->refs)
		return;
	json_decref((json_t *)p->wishes);
	arena_free(p->arena);            /* and P with it */
}

/* Do they ask for labels of namespaces? */
static bool asks_namespaces(const struct pod_term *terms, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (terms[i].namespaces.n)
			return true;
	return false;
}

/* In a cluster every namespace has an object; a file may lack them, and then a selector of namespaces finds none. */
static void note_namespaces(struct model *m)
{
	for (size_t i = 0; i < m->pods.len; i++) {
		const struct pod *p = m->pods.at[i];
		if (model_namespace(m, p->ns) || !(asks_namespaces(p->near, p->n_near) || asks_namespaces(p->apart, p->n_apart)))
			continue;
		model_note(m, "pod %s selects namespaces by their labels, but Namespace %s is not there; kubectl get namespaces adds them", p->key, intern_text(m->names, p->ns));
		return;
	}
}

void model_settle(struct model *m)
{
	if (m->nodes.len)
		qsort(m->nodes.at, m->nodes.len, sizeof(*m->nodes.at), model_by_node_name);
	if (m->pods.len)
		qsort(m->pods.at, m->pods.len, sizeof(*m->pods.at), by_pod_key);
	drop_doubles(m);
	for (size_t i = 0; i < m->nodes.len; i++) {
		m->nodes.at[i]->index = (uint32_t)i;
		m->nodes.at[i]->spare = model_is_spare(m, m->nodes.at[i]);
	}
	for (size_t i = 0; i < m->pods.len; i++) {
		struct pod *p = m->pods.at[i];
		struct node *n = p->node_name ? model_node(m, p->node_name) : NULL;
		model_refuse_devices(m, p);
		if (n && !p->node)
			model_bind(m, p, n);
	}
	note_namespaces(m);
}
