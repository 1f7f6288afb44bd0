/* client - one Kubernetes API server: discovery and the verbs. Watching is kube/cache.h.
 *
 * All requests share one HTTP/2 connection (HTTP/1.1 where the server has no other). Objects are jansson values as the server
 * wrote them; an answer of a foreign shape (HTML, a cut body, another kind) is E_INTERNAL, never a crash. A reply may be 64 MiB.
 *
 * Trying again: 429, and 503 with Retry-After, up to KUBE_TRIES times in all, after what Retry-After says (at most 30 s) or a growing jittered
 * pause; 504 and 503 without Retry-After only where the request may be repeated (all but POST); 401 once with a fresh credential. A request that provably never
 * reached the server is repeated for `patience_ms`; a GET, an apply and a delete with a uid also when the connection broke under it, and then three times
 * at once, without patience: servers send their clients elsewhere now and then. So E_NOTFOUND and E_CONFLICT of a delete may mean that
 * it was heard the first time. The task's deadline ends it all.
 *
 * Errors by what the server said:
 *   E_INPUT 400, 413, 422   E_AUTH 401   E_DENIED 403   E_NOTFOUND 404   E_UNSUPPORTED 405, 406, 415
 *   E_CONFLICT 409 (exists already, another resourceVersion or uid, fields another manager owns), 410 (too old)
 *   E_BUSY 429, 503   E_TIMEOUT 504   E_INTERNAL other 5xx, foreign shapes   E_UNREACHABLE, E_TIMEOUT, E_CANCELED as http_do
 * The message is "VERB RESOURCE NAMESPACE/NAME: the server's message". struct kube_fail has the parts.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/http.h"
#include "base/task.h"
#include "kube/config.h"

enum { KUBE_TRIES = 6, KUBE_CAUSES = 16 };
#define KUBE_MANAGER "aipc"      /* field manager, unless another is given */

struct kube;

struct kube_options {
	const char *user_agent;      /* NULL: "aipc/VERSION" */
	int64_t patience_ms;         /* how long an unreachable server is waited for; 0: not at all */
	int64_t request_ms;          /* limit of one attempt; 0: 60 s */
	unsigned streams;            /* requests at once, watches included; 0: 200. More wait in order */
};
/* Takes the configuration over. No request is sent. */
struct kube *kube_new(struct loop *l, struct kube_config *config, const struct kube_options *o);
void kube_free(struct kube *k);                      /* no request may be under way; NULL is fine */
const struct kube_config *kube_config_of(const struct kube *k);

/* --- resources ------------------------------------------------------------------------------------------------- */
enum kube_verbs {
	KUBE_CAN_GET = 1, KUBE_CAN_LIST = 2, KUBE_CAN_WATCH = 4, KUBE_CAN_CREATE = 8, KUBE_CAN_UPDATE = 16, KUBE_CAN_PATCH = 32,
	KUBE_CAN_DELETE = 64, KUBE_HAS_STATUS = 128,
};
/* Plain data: write your own as constants for what you know, or find them by discovery. */
struct kube_type {
	const char *group;           /* "" for core */
	const char *version;         /* "v1" */
	const char *kind;            /* "Pod" */
	const char *plural;          /* "pods" */
	bool namespaced;
	unsigned verbs;              /* enum kube_verbs; 0 where not known (constants) */
};
extern const struct kube_type kube_pods, kube_nodes, kube_namespaces, kube_configmaps, kube_secrets, kube_services, kube_leases,
	kube_events, kube_crds, kube_priority_classes, kube_pdbs, kube_pvcs, kube_pvs, kube_storage_classes, kube_csinodes,
	kube_resource_claims, kube_device_classes;

/* The resource of an object's apiVersion and kind ("apps/v1", "Deployment"), by discovery; E_NOTFOUND when the server has none (after
 * looking again, at most once in 10 s). *OUT lives as long as K. */
int kube_type_find(struct task *t, struct kube *k, const char *api_version, const char *kind, const struct kube_type **out, struct err *err) MUST_CHECK;
/* Is GROUP/VERSION served, and does it have PLURAL? PLURAL may be NULL. False with rc 0 is knowledge; an error is none. */
int kube_served(struct task *t, struct kube *k, const char *group, const char *version, const char *plural, bool *out, struct err *err) MUST_CHECK;
void kube_forget_types(struct kube *k);              /* discovery starts anew at the next question (after CRDs were made) */
/* {"gitVersion": "v1.36.3", ...} */
int kube_version(struct task *t, struct kube *k, json_t **out, struct err *err) MUST_CHECK;

/* --- one object ------------------------------------------------------------------------------------------------ */
struct kube_ref {
	const struct kube_type *type;
	const char *ns;              /* NULL for what has no namespace */
	const char *name;
	const char *sub;             /* subresource such as "status"; NULL: the object */
};

struct kube_cause { char reason[48], field[160], message[256]; };
/* What a Status object said. Plain data; for a conflict of server-side apply one cause for each field: reason
 * "FieldManagerConflict", field ".spec.replicas", manager in message as the server says it, and by itself from kube_fail_manager. */
struct kube_fail {
	int status;                  /* HTTP; 0: no answer */
	char reason[64];             /* "AlreadyExists", "Conflict", "Invalid", "Expired", ...; "" when it was no Status */
	char message[512];           /* the server's, cut */
	int64_t retry_after_ms;      /* -1: not said */
	bool sent;                   /* the server may have acted on it */
	unsigned n_causes;           /* kept, of `causes_in_all` */
	unsigned causes_in_all;
	struct kube_cause causes[KUBE_CAUSES];
};
/* The manager named by a FieldManagerConflict cause ("kubectl"), copied into OUT; "" when it is none. */
void kube_fail_manager(const struct kube_cause *c, char out[128]);

/* How to write. Zeroed is the default. */
struct kube_write {
	bool dry_run;                /* dryRun=All: admitted, validated and answered, never stored */
	bool force;                  /* server-side apply: take fields from other managers */
	bool strict;                 /* fieldValidation=Strict: unknown fields are errors */
	const char *manager;         /* NULL: KUBE_MANAGER */
};

/* In all of these OUT (a new reference) and WHY may be NULL. WHY is filled on failure. */
int kube_get(struct task *t, struct kube *k, const struct kube_ref *r, json_t **out, struct kube_fail *why, struct err *err) MUST_CHECK;
/* R's name may be NULL where the object has generateName. */
int kube_create(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
		struct kube_fail *why, struct err *err) MUST_CHECK;
/* PUT: whole object; with its metadata.resourceVersion it is a compare-and-swap. */
int kube_update(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
		struct kube_fail *why, struct err *err) MUST_CHECK;
enum kube_patch_type { KUBE_MERGE, KUBE_STRATEGIC, KUBE_JSON };      /* RFC 7396, Kubernetes' own (not for custom resources), RFC 6902 */
int kube_patch(struct task *t, struct kube *k, const struct kube_ref *r, enum kube_patch_type how, const json_t *patch,
	       const struct kube_write *w, json_t **out, struct kube_fail *why, struct err *err) MUST_CHECK;
/* Server-side apply. OBJECT must have apiVersion, kind, metadata.name and no managedFields. */
int kube_apply(struct task *t, struct kube *k, const struct kube_ref *r, const json_t *object, const struct kube_write *w, json_t **out,
	       struct kube_fail *why, struct err *err) MUST_CHECK;

struct kube_delete {
	const char *uid;             /* only this very object; E_CONFLICT otherwise */
	const char *resource_version;
	const char *propagation;     /* "Background", "Foreground", "Orphan"; NULL: the server's choice */
	int64_t grace_s;             /* 0: the object's own; -1: none, at once */
	bool dry_run;
};
/* Gone already is E_NOTFOUND. Success means asked for: finalizers and grace may keep the object for a while. O NULL: no conditions. */
int kube_delete(struct task *t, struct kube *k, const struct kube_ref *r, const struct kube_delete *o, struct kube_fail *why, struct err *err) MUST_CHECK;
/* Eviction of a pod: E_BUSY when a disruption budget forbids it now (never tried again here). UID may be NULL; GRACE_S as above. */
int kube_evict(struct task *t, struct kube *k, const char *ns, const char *pod, const char *uid, int64_t grace_s, struct kube_fail *why,
	       struct err *err) MUST_CHECK;
/* Binds a pod to NODE; UID (may be NULL) is a precondition. ANNOTATIONS (an object or NULL) are merged into the pod's by the
 * server in the same transaction. E_CONFLICT: bound already, another uid, or being deleted. */
int kube_bind(struct task *t, struct kube *k, const char *ns, const char *pod, const char *uid, const char *node, const json_t *annotations,
	      struct kube_fail *why, struct err *err) MUST_CHECK;

/* --- many objects ---------------------------------------------------------------------------------------------- */
struct kube_select {
	const char *ns;              /* NULL: all */
	const char *labels, *fields; /* selectors as kubectl takes them; NULL: none */
	unsigned limit;              /* a page; 0: 500 */
};
/* All pages as one array of whole objects (apiVersion and kind filled in), for small lists; at most 100,000 objects (E_INPUT
 * beyond). A list that expires between pages is begun again, twice at most; one whose pages have no end (a page that names itself as the
 * next, a hundred empty ones) is E_INTERNAL. */
int kube_list(struct task *t, struct kube *k, const struct kube_type *type, const struct kube_select *s, json_t **out, struct kube_fail *why,
	      struct err *err) MUST_CHECK;

/* --- for the modules of kube/ ---------------------------------------------------------------------------------- */
struct kube_call {
	const char *method;
	const char *path;            /* behind the server's address, with query */
	const char *content_type;    /* of BODY */
	const char *body; size_t len;
	const char *what;            /* for messages: "get pods default/a" */
	bool once;                   /* no second try for 429, 503, 504 */
	bool repeatable;             /* the same again has the same end: sent again even when nobody knows whether it arrived, as a GET is */
	bool streaming;              /* no time limit but the stall; `sink` as in http_request */
	int64_t stall_ms;
	int (*sink)(void *arg, const char *data, size_t len); void *sink_arg;
	bool (*sink_wanted)(void *arg, int status); /* whether the body of a reply with this status goes to the sink */
};
int kube_do(struct task *t, struct kube *k, const struct kube_call *c, struct http_response *out, struct kube_fail *why, struct err *err) MUST_CHECK;
/* The path of R, or of the collection when its name is NULL; yours to free. */
char *kube_path(const struct kube_ref *r);
/* Appends "?KEY=VALUE" or "&KEY=VALUE", percent-encoded, to the path in S. */
struct str;
void kube_query(struct str *s, const char *key, const char *value);

#endif
