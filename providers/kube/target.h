/* target - where a provider configuration writes: a folder of manifests, or one live cluster.
 *
 * mode: apply is a cluster: kubeconfig and context say which (kubeconfig: in-cluster is the pod's service account; neither: as kubectl
 * finds it). Without mode a kubeconfig or a context means apply, nothing means files.
 *
 * An API server that does not answer costs a plan one wait: what is asked within SILENT_MS after that fails at once with the same
 * words. In an apply it is waited for up to PATIENCE_MS, so that a restart of the API server is lived through; what had been sent is
 * sent again, for server-side apply of the same fields twice is once.
 */
#ifndef PROVIDERS_KUBE_TARGET_H
#define PROVIDERS_KUBE_TARGET_H

#include "engine/provider.h"
#include "kube/client.h"

enum { SILENT_MS = 15000, PATIENCE_MS = 60000, ESTABLISH_MS = 60000, GONE_MS = 120000 };

struct target {                  /* the self of the provider */
	const char *dir;             /* of the spec */
	struct loop *loop;
	const json_t *config;
	bool live;
	struct kube *client;         /* NULL: not opened */
	int64_t silent_until;
	struct err silent;
	char cluster[64];            /* what thing_cluster found; "": not asked yet, or not to be told */
	bool cluster_asked;
	struct gate asking;          /* one operation asks, the others wait for its answer */
};

extern const struct attr target_attrs[];
/* Does this provider configuration mean a live cluster? CONFIG may be NULL: no. */
bool target_is_live(const json_t *config);
int target_open(const struct provider_env *env, void **self, struct err *err) MUST_CHECK;
void target_close(struct task *t, void *self);
/* Does it say which cluster, also when it writes files now? Then what was applied there can still be taken back. */
bool target_has_cluster(const struct target *g);
/* The namespace of objects that name none. */
const char *target_namespace(const struct target *g);
/* "https://10.0.0.1:6443", for messages. */
const char *target_server(const struct target *g);

/* One object of the cluster, as one operation sees it. */
struct thing {
	struct target *g;
	struct op *op;
	const struct kube_type *type;
	const char *ns, *name;       /* ns NULL for what has none */
	bool force;
};
struct kube_ref thing_ref(const struct thing *x);
/* Opens the client when it is not open yet. Types of the spec's own objects only: E_NOTFOUND when the server has no such kind. */
int target_client(struct target *g, struct err *err) MUST_CHECK;
/* Is the server the cluster that the spec (cluster_uid) and the state (attribute cluster) mean? A cluster is known by the uid of its namespace
 * kube-system, which is as old as it is. E_INPUT: it is another one; nothing may be read from it or done there then. Who may not read that
 * namespace is not held up, unless the spec asks for a cluster. */
int thing_cluster(struct task *t, struct thing *x, struct err *err) MUST_CHECK;
/* The cluster to record for LIVE: the server's; where that cannot be told, what the state says of this very object; NULL: nobody knows. */
const char *thing_cluster_of(const struct thing *x, const json_t *live);
int thing_type(struct task *t, struct thing *x, const char *api_version, const char *kind, struct err *err) MUST_CHECK;
/* *OUT NULL: it is not there. */
int thing_get(struct task *t, struct thing *x, json_t **out, struct err *err) MUST_CHECK;
/* The objects of X's type that SELECT takes, a new list. */
int thing_list(struct task *t, struct thing *x, const struct kube_select *select, json_t **out, struct err *err) MUST_CHECK;
/* Server-side apply of BODY; E_CONFLICT for fields of others says which, whose they are and what to do. */
int thing_apply(struct task *t, struct thing *x, const json_t *body, bool dry_run, bool force, json_t **out, struct err *err) MUST_CHECK;
int thing_merge(struct task *t, struct thing *x, const json_t *patch, struct err *err) MUST_CHECK;
/* Deletes this very object and waits until it is gone; E_TIMEOUT names the finalizers that hold it. */
int thing_delete(struct task *t, struct thing *x, const char *uid, struct err *err) MUST_CHECK;
/* Waits until the kinds of the CustomResourceDefinition X are served, and forgets what was known of kinds. */
int thing_establish(struct task *t, struct thing *x, struct err *err) MUST_CHECK;

/* Would an error with this code come again whenever the same is asked of the same server? */
bool target_final(int code);

#endif
