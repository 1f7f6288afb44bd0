/* cache_internal - the store of a cache (store.c) as cache.c drives it. */
#ifndef KUBE_CACHE_INTERNAL_H
#define KUBE_CACHE_INTERNAL_H

#include "kube/cache.h"

struct kube_store;

struct kube_store *kube_store_new(kube_changed_fn *changed, void *arg);
void kube_store_free(struct kube_store *s);
unsigned kube_store_index(struct kube_store *s, const char *name, kube_index_fn *fn, void *arg);
/* Takes DOC, an object's; tells what it changed. E_INTERNAL when it has no name or version. */
int kube_store_put(struct kube_store *s, struct doc *doc, struct err *err) MUST_CHECK;
/* The object of DOC (taken) is gone. */
int kube_store_drop(struct kube_store *s, struct doc *doc, struct err *err) MUST_CHECK;
/* A list from the start: what is not put until kube_store_swept is gone then. Begun again, it starts over. */
void kube_store_begin(struct kube_store *s);
void kube_store_swept(struct kube_store *s);
struct kube_object *kube_store_get(const struct kube_store *s, const char *ns, const char *name);
struct kube_object *kube_store_next(const struct kube_object *o, const struct kube_store *s);
struct kube_object *const *kube_store_find(const struct kube_store *s, unsigned index, const char *key, size_t *n);
size_t kube_store_count(const struct kube_store *s);
size_t kube_store_bytes(const struct kube_store *s);

#endif
