#include "runtime/scheduler/attach.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

struct limit { sym driver; int64_t count; };
struct attached { sym name, node, attacher, volume; };      /* a VolumeAttachment; VOLUME is a PersistentVolume's name */
struct on_node { VEC(struct limit) limits; VEC(struct attached *) attached; };

struct attach {
	struct map *on_node, *attachments, *classes;         /* by names; of a class its provisioner */
	VEC(struct on_node *) nodes;
};

struct attach *attach_new(void)
{
	struct attach *a = xcalloc(1, sizeof(*a));
	a->on_node = map_new();
	a->attachments = map_new();
	a->classes = map_new();
	return a;
}

void attach_free(struct attach *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->nodes.len; i++) {
		for (size_t k = 0; k < a->nodes.at[i]->attached.len; k++)
			free(a->nodes.at[i]->attached.at[k]);
		vec_free(&a->nodes.at[i]->limits);
		vec_free(&a->nodes.at[i]->attached);
		free(a->nodes.at[i]);
	}
	vec_free(&a->nodes);
	map_free(a->on_node);
	map_free(a->attachments);
	map_free(a->classes);
	free(a);
}

static struct on_node *node_of(struct attach *a, sym node)
{
	struct on_node *o = map_get(a->on_node, node);
	if (o)
		return o;
	o = xcalloc(1, sizeof(*o));
	vec_push(&a->nodes, o);
	map_put(a->on_node, node, o);
	return o;
}

/* --- the objects --------------------------------------------------------------------------------------------------------- */

static sym put_limits(struct model *m, sym name, const json_t *j)
{
	struct on_node *o = node_of(m->attach, name);
	size_t i;
	json_t *d;
	o->limits.len = 0;
	json_array_foreach(json_at(json_at(j, "spec"), "drivers"), i, d) {
		const json_t *count = json_at(json_at(d, "allocatable"), "count");
		if (json_is_integer(count))
			vec_push(&o->limits, (struct limit){ intern(m->names, json_str(d, "name")), json_integer_value(count) });
	}
	return name;
}

static sym drop_attached(struct model *m, sym name)
{
	struct attached *at = map_get(m->attach->attachments, name);
	if (!at)
		return 0;
	struct on_node *o = node_of(m->attach, at->node);
	sym node = at->node;
	for (size_t i = 0; i < o->attached.len; i++)
		if (o->attached.at[i] == at)
			o->attached.at[i--] = o->attached.at[--o->attached.len];
	map_put(m->attach->attachments, name, NULL);
	free(at);
	return node;
}

static sym put_attached(struct model *m, sym name, const json_t *j)
{
	const json_t *spec = json_at(j, "spec");
	sym before = drop_attached(m, name), node = intern(m->names, json_str(spec, "nodeName"));
	if (!node)
		return 0;
	struct attached *at = xcalloc(1, sizeof(*at));
	at->name = name;
	at->node = node;
	at->attacher = intern(m->names, json_str(spec, "attacher"));
	at->volume = intern(m->names, json_str(json_at(spec, "source"), "persistentVolumeName"));
	vec_push(&node_of(m->attach, node)->attached, at);
	map_put(m->attach->attachments, name, at);
	return before && before != node ? 0 : node;
}

static sym put_class(struct model *m, sym name, const json_t *j)
{
	const char *provisioner = json_str(j, "provisioner");
	bool counted = provisioner && *provisioner && strncmp(provisioner, "kubernetes.io/", strlen("kubernetes.io/")) != 0;
	map_put(m->attach->classes, name, counted ? (void *)(uintptr_t)intern(m->names, provisioner) : NULL);
	return 0;
}

static sym drop_limits(struct model *m, sym name)
{
	node_of(m->attach, name)->limits.len = 0;
	return name;
}

static sym drop_class(struct model *m, sym name)
{
	map_put(m->attach->classes, name, NULL);
	return 0;
}

static const struct kind { const char *kind; sym (*put)(struct model *m, sym name, const json_t *j); sym (*drop)(struct model *m, sym name); } kinds[] = {
	{ "CSINode", put_limits, drop_limits }, { "VolumeAttachment", put_attached, drop_attached }, { "StorageClass", put_class, drop_class },
};

static const struct kind *kind_called(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

bool attach_reads(const char *kind)
{
	return kind_called(kind) != NULL;
}

sym attach_put(struct model *m, const char *kind, const json_t *j)
{
	const struct kind *k = kind_called(kind);
	sym name = intern(m->names, json_str(json_at(j, "metadata"), "name"));
	return k && name ? k->put(m, name, j) : 0;
}

sym attach_drop(struct model *m, const char *kind, const char *name)
{
	const struct kind *k = kind_called(kind);
	return k ? k->drop(m, intern(m->names, name)) : 0;
}

/* --- counting ------------------------------------------------------------------------------------------------------------ */

struct use { sym driver, id; };
struct uses { struct use *at; size_t len, cap; };

static void add_use(struct uses *u, sym driver, sym id)
{
	for (size_t i = 0; i < u->len; i++)
		if (u->at[i].id == id)
			return;
	vec_push(u, (struct use){ driver, id });
}

static void add_claims(const struct model *m, const struct pod *p, struct uses *u)
{
	for (uint32_t i = 0; i < p->n_claims; i++) {
		const struct volume_claim *c = model_claim(m, p->claims[i]);
		const struct volume *v = c && c->volume ? model_volume(m, c->volume) : NULL;
		sym provisioner = c && !v ? (sym)(uintptr_t)map_get(m->attach->classes, c->storage_class) : 0;
		if (v && v->driver && v->handle)
			add_use(u, v->driver, v->handle);
		else if (provisioner)
			add_use(u, provisioner, c->own_handle);
	}
}

static bool among_first(const struct uses *u, size_t n, sym id)
{
	for (size_t i = 0; i < n; i++)
		if (u->at[i].id == id)
			return true;
	return false;
}

/* How many of U are DRIVER's and not among the first N of WITHOUT. */
static int64_t count_driver(const struct uses *u, sym driver, const struct uses *without, size_t n_without)
{
	int64_t n = 0;
	for (size_t i = 0; i < u->len; i++)
		n += u->at[i].driver == driver && !among_first(without, n_without, u->at[i].id);
	return n;
}

/* Volumes that are attached, though no pod here uses them. The attacher counts as the driver. */
static void add_attached(const struct model *m, const struct on_node *o, struct uses *u)
{
	for (size_t i = 0; i < o->attached.len; i++) {
		const struct attached *at = o->attached.at[i];
		const struct volume *v = at->volume ? model_volume(m, at->volume) : NULL;
		if (!v || !v->driver || !at->attacher)
			continue;
		sym id = v->handle;
		if (at->attacher != v->driver) {
			autofree char *text = xasprintf("%s/%s", intern_text(m->names, at->attacher), strchr(intern_text(m->names, v->handle), '/') + 1);
			id = intern(m->names, text);
		}
		add_use(u, at->attacher, id);
	}
}

const char *attach_exceeded(const struct model *m, const struct pod *p, const struct node *n)
{
	const struct on_node *o = p->n_claims ? map_get(m->attach->on_node, n->name) : NULL;
	struct uses wanted = { 0 }, used = { 0 };
	const char *full = NULL;
	if (!o || !o->limits.len)
		return NULL;
	add_claims(m, p, &wanted);
	if (wanted.len) {
		for (size_t i = 0; i < n->pods.len; i++)
			add_claims(m, n->pods.at[i], &used);
		size_t by_pods = used.len;
		add_attached(m, o, &used);
		for (size_t i = 0; i < o->limits.len && !full; i++) {
			int64_t more = count_driver(&wanted, o->limits.at[i].driver, &used, by_pods);
			if (more && count_driver(&used, o->limits.at[i].driver, NULL, 0) + more > o->limits.at[i].count)
				full = intern_text(m->names, o->limits.at[i].driver);
		}
	}
	vec_free(&wanted);
	vec_free(&used);
	return full;
}
