#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"
#include "base/str.h"
#include "kube/cache_internal.h"

enum { INDEXES_MAX = 8 };

/* The objects under one key of an index. `back` says which of an object's places it is, to find it again when it moves. */
struct bucket {
	VEC(struct kube_object *) objects;
	VEC(uint32_t) back;
	UT_hash_handle hh;
	char key[];
};
struct place { struct bucket *bucket; uint32_t at; uint8_t index; };

struct entry {
	struct kube_object object;   /* first: an entry is its object */
	uint64_t seen;               /* the list that last had it */
	VEC(struct place) places;
	UT_hash_handle hh;
	char key[];                  /* "ns/name" */
};

struct index { char *name; kube_index_fn *fn; void *arg; struct bucket *buckets; };

struct kube_store {
	kube_changed_fn *changed; void *arg;
	struct entry *all;
	struct index index[INDEXES_MAX];
	unsigned n_index;
	uint64_t list;               /* number of the list under way or done */
	size_t bytes;
};

struct kube_store *kube_store_new(kube_changed_fn *changed, void *arg)
{
	struct kube_store *s = xcalloc(1, sizeof(*s));
	s->changed = changed;
	s->arg = arg;
	return s;
}

unsigned kube_store_index(struct kube_store *s, const char *name, kube_index_fn *fn, void *arg)
{
	if (s->n_index == INDEXES_MAX || s->all)
		BUG("index '%s': too many, or too late", name);
	s->index[s->n_index] = (struct index){ xstrdup(name), fn, arg, NULL };
	return s->n_index++;
}

/* --- indexes ------------------------------------------------------------------------------------------------------------ */

struct emitting { struct kube_store *s; struct entry *e; uint8_t index; };

static void emit(void *into, const char *key)
{
	struct emitting *m = into;
	struct index *x = &m->s->index[m->index];
	struct bucket *b;
	HASH_FIND_STR(x->buckets, key, b);
	if (!b) {
		size_t len = strlen(key);
		b = xcalloc(1, sizeof(*b) + len + 1);
		memcpy(b->key, key, len);
		HASH_ADD_STR(x->buckets, key, b);
	}
	/* The same key twice is one place. */
	if (b->objects.len && b->objects.at[b->objects.len - 1] == &m->e->object)
		return;
	vec_push(&b->back, (uint32_t)m->e->places.len);
	vec_push(&b->objects, &m->e->object);
	vec_push(&m->e->places, (struct place){ b, (uint32_t)(b->objects.len - 1), m->index });
}

static void index_add(struct kube_store *s, struct entry *e)
{
	for (unsigned i = 0; i < s->n_index; i++)
		s->index[i].fn(s->index[i].arg, &e->object, emit, &(struct emitting){ s, e, (uint8_t)i });
}

static void index_remove(struct kube_store *s, struct entry *e)
{
	for (size_t i = 0; i < e->places.len; i++) {
		struct place *p = &e->places.at[i];
		struct bucket *b = p->bucket;
		size_t last = b->objects.len - 1;
		b->objects.at[p->at] = b->objects.at[last];
		b->back.at[p->at] = b->back.at[last];
		struct entry *moved = (struct entry *)b->objects.at[p->at];
		moved->places.at[b->back.at[p->at]].at = p->at;
		b->objects.len = b->back.len = last;
		if (last == 0) {
			HASH_DEL(s->index[p->index].buckets, b);
			vec_free(&b->objects);
			vec_free(&b->back);
			free(b);
		}
	}
	e->places.len = 0;
}

struct kube_object *const *kube_store_find(const struct kube_store *s, unsigned index, const char *key, size_t *n)
{
	struct bucket *b;
	HASH_FIND_STR(s->index[index].buckets, key, b);
	*n = b ? b->objects.len : 0;
	return b ? b->objects.at : NULL;
}

void kube_index_namespace(void *arg, const struct kube_object *o, kube_emit_fn *fn, void *into)
{
	(void)arg;
	fn(into, o->ns);
}

void kube_index_label(void *arg, const struct kube_object *o, kube_emit_fn *fn, void *into)
{
	const char *value = doc_str(doc_path(kube_object_at(o), "metadata", "labels", (const char *)arg, NULL));
	if (value)
		fn(into, value);
}

/* --- objects ------------------------------------------------------------------------------------------------------------- */

static int object_of(struct doc *doc, struct kube_object *o, struct err *err)
{
	doc_val meta = doc_at(doc_root(doc), "metadata");
	const char *ns = doc_str_at(meta, "namespace"), *uid = doc_str_at(meta, "uid");
	*o = (struct kube_object){ .ns = ns ? ns : "", .name = doc_str_at(meta, "name"), .uid = uid ? uid : "", .version = doc_str_at(meta, "resourceVersion"),
				   .deleting = doc_str_at(meta, "deletionTimestamp") != NULL, .doc = doc };
	return o->name && o->name[0] && o->version ? 0 : err_set(err, E_INTERNAL, "an object without metadata.name or resourceVersion");
}

static struct entry *entry_at(const struct kube_store *s, const char *ns, const char *name)
{
	struct entry *e;
	char small[320];
	size_t a = ns ? strlen(ns) : 0, b = strlen(name);
	autofree char *large = a + b + 2 > sizeof(small) ? xmalloc(a + b + 2) : NULL;
	char *key = large ? large : small;
	if (a)
		memcpy(key, ns, a);
	key[a] = '/';
	memcpy(key + a + 1, name, b + 1);
	HASH_FIND(hh, s->all, key, a + b + 1, e);
	return e;
}

static void tell(const struct kube_store *s, enum kube_change what, const struct kube_object *old, struct kube_object *now)
{
	if (s->changed)
		s->changed(s->arg, what, old, now);
}

static void add(struct kube_store *s, const struct kube_object *o)
{
	size_t a = strlen(o->ns), b = strlen(o->name);
	struct entry *e = xcalloc(1, sizeof(*e) + a + b + 2);
	e->object = *o;
	e->seen = s->list;
	memcpy(e->key, o->ns, a);
	e->key[a] = '/';
	memcpy(e->key + a + 1, o->name, b);
	HASH_ADD(hh, s->all, key, a + b + 1, e);
	index_add(s, e);
	s->bytes += doc_size(o->doc) + sizeof(*e) + a + b + 2;
	tell(s, KUBE_ADDED, NULL, &e->object);
}

static void update(struct kube_store *s, struct entry *e, const struct kube_object *o)
{
	struct kube_object old = e->object;
	void *user = old.user;
	if (strcmp(old.version, o->version) == 0) {
		doc_free(o->doc);
		return;
	}
	index_remove(s, e);
	e->object = *o;
	e->object.user = user;
	index_add(s, e);
	s->bytes += doc_size(o->doc) - doc_size(old.doc);
	tell(s, KUBE_UPDATED, &old, &e->object);
	doc_free(old.doc);
}

static void forget(struct kube_store *s, struct entry *e, struct kube_object *last)
{
	index_remove(s, e);
	HASH_DEL(s->all, e);
	s->bytes -= doc_size(e->object.doc) + sizeof(*e) + strlen(e->key) + 1;
	if (last)
		last->user = e->object.user;
	tell(s, KUBE_DELETED, &e->object, last);
	doc_free(e->object.doc);
	vec_free(&e->places);
	free(e);
}

int kube_store_put(struct kube_store *s, struct doc *doc, struct err *err)
{
	struct kube_object o;
	int rc = object_of(doc, &o, err);
	if (rc) {
		doc_free(doc);
		return rc;
	}
	struct entry *e = entry_at(s, o.ns, o.name);
	if (e && strcmp(e->object.uid, o.uid) != 0) {
		forget(s, e, NULL);
		e = NULL;
	}
	if (e) {
		e->seen = s->list;
		update(s, e, &o);
	} else {
		add(s, &o);
	}
	return 0;
}

int kube_store_drop(struct kube_store *s, struct doc *doc, struct err *err)
{
	struct kube_object o;
	int rc = object_of(doc, &o, err);
	struct entry *e = rc ? NULL : entry_at(s, o.ns, o.name);
	if (e)
		forget(s, e, strcmp(e->object.uid, o.uid) == 0 ? &o : NULL);
	doc_free(doc);
	return rc;
}

void kube_store_begin(struct kube_store *s) { s->list++; }

void kube_store_swept(struct kube_store *s)
{
	struct entry *e, *next;
	HASH_ITER(hh, s->all, e, next)
		if (e->seen != s->list)
			forget(s, e, NULL);
}

struct kube_object *kube_store_get(const struct kube_store *s, const char *ns, const char *name)
{
	struct entry *e = entry_at(s, ns, name);
	return e ? &e->object : NULL;
}

struct kube_object *kube_store_next(const struct kube_object *o, const struct kube_store *s)
{
	struct entry *e = o ? ((const struct entry *)o)->hh.next : s->all;
	return e ? &e->object : NULL;
}

size_t kube_store_count(const struct kube_store *s) { return HASH_COUNT(s->all); }
size_t kube_store_bytes(const struct kube_store *s) { return s->bytes; }

void kube_store_free(struct kube_store *s)
{
	struct entry *e, *next;
	if (!s)
		return;
	s->changed = NULL;
	HASH_ITER(hh, s->all, e, next)
		forget(s, e, NULL);
	for (unsigned i = 0; i < s->n_index; i++)
		free(s->index[i].name);
	free(s);
}
