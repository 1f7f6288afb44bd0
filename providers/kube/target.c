#include "providers/kube/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"

enum { PAUSE_MS = 500, POLL_MS = 200, TOLD = 3 };

static const char *const modes[] = { "apply", "files", NULL };
const struct attr target_attrs[] = {
	{ .name = "manifests", .type = ATTR_STRING, .deflt = "\"manifests\"", .help = "Folder for the manifests (mode files)." },
	{ .name = "mode", .type = ATTR_STRING, .values = modes,
	  .help = "files: manifests in a folder, for GitOps; apply: server-side apply to a live cluster. By default apply where kubeconfig or context is given, "
		  "else files." },
	{ .name = "kubeconfig", .type = ATTR_STRING,
	  .help = "The kubeconfig of the cluster, relative to the folder of the spec; in-cluster: the service account of the pod. Without it as kubectl finds it: "
		  "KUBECONFIG, then ~/.kube/config, then the service account." },
	{ .name = "context", .type = ATTR_STRING, .help = "Context of the kubeconfig; its current one by default." },
	{ .name = "namespace", .type = ATTR_STRING, .help = "Namespace of objects that name none; that of the context by default." },
	{ .name = "cluster_uid", .type = ATTR_STRING,
	  .help = "The cluster that is meant: uid of its namespace kube-system. Anything else is refused. Without it the cluster that the state knows is meant; "
		  "give it to apply to another one what was applied there." },
	{ .name = "force", .type = ATTR_BOOL, .deflt = "false",
	  .help = "Take fields that another manager owns. Without it such a conflict is told, with the field and the manager, and nothing is written." },
	{ 0 }
};

bool target_is_live(const json_t *config)
{
	const char *mode = json_str(config, "mode");
	return mode ? strcmp(mode, "apply") == 0 : json_str(config, "kubeconfig") || json_str(config, "context");
}

bool target_final(int code)
{
	return code == E_INPUT || code == E_DENIED || code == E_NOTFOUND || code == E_UNSUPPORTED;
}

/* --- open and close ----------------------------------------------------------------------------------------------------------- */

static char *config_path(const struct target *g)
{
	const char *path = json_str(g->config, "kubeconfig"), *home = getenv("HOME");
	if (!path || strcmp(path, "in-cluster") == 0)
		return xstrdup(path);
	if (strncmp(path, "~/", 2) == 0 && home)
		return file_join(home, path + 2);
	return file_join(g->dir, path);
}

int target_client(struct target *g, struct err *err)
{
	struct kube_config *config = NULL;
	if (g->client)
		return 0;
	autofree char *path = config_path(g);
	int rc = kube_config_load(path, json_str(g->config, "context"), &config, err);
	if (rc)
		return rc;
	g->client = kube_new(g->loop, config, &(struct kube_options){ .request_ms = 30000 });
	return 0;
}

int target_open(const struct provider_env *env, void **self, struct err *err)
{
	struct target *g = xcalloc(1, sizeof(*g));
	g->dir = env->dir;
	g->loop = env->loop;
	g->config = env->config;
	g->live = target_is_live(env->config);
	int rc = g->live ? target_client(g, err) : 0;
	if (rc)
		free(g);
	else
		*self = g;
	return rc;
}

void target_close(struct task *t, void *self)
{
	struct target *g = self;
	(void)t;
	if (!g)
		return;
	kube_free(g->client);
	free(g);
}

bool target_has_cluster(const struct target *g)
{
	return g->live || json_str(g->config, "kubeconfig") || json_str(g->config, "context");
}

const char *target_namespace(const struct target *g)
{
	const char *ns = json_str(g->config, "namespace");
	return ns ? ns : kube_config_namespace(kube_config_of(g->client));
}

const char *target_server(const struct target *g)
{
	return kube_config_server(kube_config_of(g->client));
}

struct kube_ref thing_ref(const struct thing *x)
{
	return (struct kube_ref){ x->type, x->type->namespaced ? x->ns : NULL, x->name, NULL };
}

/* --- patience ----------------------------------------------------------------------------------------------------------------- */

static bool is_silence(int rc)
{
	return rc == E_UNREACHABLE || rc == E_TIMEOUT;
}

/* How one request of an operation goes on. */
struct trying { struct task *t; struct thing *x; int64_t began; };

static int before(const struct trying *a, struct err *err)
{
	const struct target *g = a->x->g;
	if (g->silent_until <= clock_now_ms())
		return 0;
	*err = g->silent;
	return g->silent.code;
}

/* Is a request that ended with *RC to be sent again? An apply waits for the server; a plan does not, and remembers. To the engine a silent
 * peer is a machine that does not answer; here it is one server for all, so in a plan it is busy. */
static bool again(struct trying *a, int *rc, struct err *err)
{
	struct target *g = a->x->g;
	if (!is_silence(*rc)) {
		if (*rc != E_CANCELED)
			g->silent_until = 0;
		return false;
	}
	bool writing = a->x->op->engine != NULL;
	if (writing && clock_now_ms() - a->began < PATIENCE_MS && !task_cancelled(a->t)) {
		op_progress(a->x->op, -1, "the API server %s does not answer; still trying", target_server(g));
		struct err ignored;
		if (task_sleep(a->t, PAUSE_MS, &ignored) == 0)
			return true;
	}
	err_wrap(err, "the API server %s", target_server(g));
	if (!writing)
		*rc = err->code = E_BUSY;
	g->silent = *err;
	g->silent_until = clock_now_ms() + SILENT_MS;
	return false;
}

/* --- requests ----------------------------------------------------------------------------------------------------------------- */

int thing_type(struct task *t, struct thing *x, const char *api_version, const char *kind, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_type_find(t, x->g->client, api_version, kind, &x->type, err);
	} while (again(&a, &rc, err));
	return rc;
}

/* The uid of kube-system, once. */
static int ask_cluster(struct task *t, struct thing *x, struct err *err)
{
	struct target *g = x->g;
	struct thing system = { .g = g, .op = x->op, .type = &kube_namespaces, .name = "kube-system" };
	autojson json_t *j = NULL;
	if (g->cluster_asked)
		return 0;
	int rc = gate_enter(t, &g->asking, err);
	if (rc)
		return rc;
	if (!g->cluster_asked) {
		rc = thing_get(t, &system, &j, err);
		rc = rc == E_DENIED || rc == E_NOTFOUND ? 0 : rc;
		const char *uid = json_str(json_at(j, "metadata"), "uid");
		snprintf(g->cluster, sizeof(g->cluster), "%s", uid ? uid : "");
		g->cluster_asked = rc == 0;
	}
	gate_leave(&g->asking);
	return rc;
}

const char *thing_cluster_of(const struct thing *x, const json_t *live)
{
	const char *was = json_str(x->op->prior, "uid"), *is = json_str(json_at(live, "metadata"), "uid");
	if (*x->g->cluster)
		return x->g->cluster;
	return was && is && strcmp(was, is) == 0 ? json_str(x->op->prior, "cluster") : NULL;
}

int thing_cluster(struct task *t, struct thing *x, struct err *err)
{
	const char *wanted = json_str(x->g->config, "cluster_uid"), *was = json_str(x->op->prior, "cluster");
	int rc = ask_cluster(t, x, err);
	const char *is = x->g->cluster;
	if (rc)
		return rc;
	if (wanted && !*is)
		return err_set(err, E_INPUT, "provider kube wants the cluster %.64s (cluster_uid), and this account may not read the namespace kube-system of %s, by whose "
			       "uid a cluster is known", wanted, target_server(x->g));
	if (wanted && strcmp(wanted, is) != 0)
		return err_set(err, E_INPUT, "%s is the cluster %s, and provider kube wants %.64s (cluster_uid): is it the right kubeconfig, the right context?",
			       target_server(x->g), is, wanted);
	if (!wanted && was && *is && strcmp(was, is) != 0)
		return err_set(err, E_INPUT, "it was applied to the cluster %.64s, and %s is the cluster %s: is it the right kubeconfig, the right context? If that "
			       "cluster is gone, cluster_uid: %s in provider kube has it applied here", was, target_server(x->g), is, is);
	return 0;
}

int thing_get(struct task *t, struct thing *x, json_t **out, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	struct kube_ref r = thing_ref(x);
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_get(t, x->g->client, &r, out, NULL, err);
	} while (again(&a, &rc, err));
	if (rc == E_NOTFOUND)
		*out = NULL;
	return rc == E_NOTFOUND ? 0 : rc;
}

int thing_list(struct task *t, struct thing *x, const struct kube_select *select, json_t **out, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_list(t, x->g->client, x->type, select, out, NULL, err);
	} while (again(&a, &rc, err));
	return rc;
}

/* "metadata.labels.a/b (of kubectl-edit), ..." */
static void conflict_text(const struct kube_fail *why, struct str *out)
{
	for (unsigned i = 0; i < why->n_causes && i < TOLD; i++) {
		char manager[128];
		const char *field = why->causes[i].field;
		kube_fail_manager(&why->causes[i], manager);
		str_addf(out, "%s%s (of %s)", i ? ", " : "", field + (field[0] == '.'), manager[0] ? manager : "another manager");
	}
	if (why->causes_in_all > TOLD)
		str_addf(out, " and %u more", why->causes_in_all - TOLD);
}

static int told_conflict(const struct thing *x, const struct kube_fail *why, struct err *err)
{
	autostr struct str fields;
	str_init(&fields, 500);
	if (!why->n_causes || strcmp(why->causes[0].reason, "FieldManagerConflict") != 0)
		return err->code;
	conflict_text(why, &fields);
	return err_set(err, E_CONFLICT, "%s %s: others own %s; force: true (here or in provider kube) takes them over, leaving them out of the spec "
		       "gives them up", x->type->kind, x->name, fields.at);
}

int thing_apply(struct task *t, struct thing *x, const json_t *body, bool dry_run, bool force, json_t **out, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	struct kube_write w = { .dry_run = dry_run, .force = force, .strict = true };
	struct kube_ref r = thing_ref(x);
	struct kube_fail why;
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_apply(t, x->g->client, &r, body, &w, out, &why, err);
	} while (again(&a, &rc, err));
	return rc == E_CONFLICT ? told_conflict(x, &why, err) : rc;
}

int thing_merge(struct task *t, struct thing *x, const json_t *patch, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	struct kube_ref r = thing_ref(x);
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_patch(t, x->g->client, &r, KUBE_MERGE, patch, NULL, NULL, NULL, err);
	} while (again(&a, &rc, err));
	return rc;
}

static int still_there(const struct thing *x, const json_t *live, struct err *err)
{
	const json_t *holds = json_at(json_at(live, "metadata"), "finalizers"), *inner = json_at(json_at(live, "spec"), "finalizers");
	holds = json_array_size(holds) ? holds : inner;      /* those of a namespace are in its spec */
	autofree char *text = json_array_size(holds) ? json_text(holds) : NULL;
	return err_set(err, E_TIMEOUT, "%s %s is being deleted, but still there after %d s%s%s", x->type->kind, x->name, GONE_MS / 1000,
		       text ? "; its finalizers hold it: " : "", text ? text : "");
}

int thing_delete(struct task *t, struct thing *x, const char *uid, struct err *err)
{
	struct trying a = { t, x, clock_now_ms() };
	struct kube_ref r = thing_ref(x);
	struct kube_delete o = { .uid = uid, .propagation = "Background" };
	int rc;
	do {
		rc = before(&a, err);
		if (rc)
			return rc;
		rc = kube_delete(t, x->g->client, &r, &o, NULL, err);
	} while (again(&a, &rc, err));
	int64_t until = clock_now_ms() + GONE_MS;
	while (rc == 0) {
		autojson json_t *live = NULL;
		rc = thing_get(t, x, &live, err);
		const char *now = json_str(json_at(live, "metadata"), "uid");
		if (rc || !now || strcmp(now, uid) != 0)
			return rc;
		if (clock_now_ms() > until)
			return still_there(x, live, err);
		rc = task_sleep(t, POLL_MS, err);
	}
	return rc == E_NOTFOUND ? 0 : rc;
}

/* --- kinds -------------------------------------------------------------------------------------------------------------------- */

static const json_t *condition(const json_t *crd, const char *type)
{
	const json_t *all = json_at(json_at(crd, "status"), "conditions");
	for (size_t i = 0; i < json_array_size(all); i++) {
		const char *name = json_str(json_array_get(all, i), "type");
		if (name && strcmp(name, type) == 0)
			return json_array_get(all, i);
	}
	return NULL;
}

static bool says(const json_t *crd, const char *type, const char *status)
{
	const char *s = json_str(condition(crd, type), "status");
	return s && strcmp(s, status) == 0;
}

/* Are all versions of CRD that are to be served in what the server lists? */
static int all_served(struct task *t, struct thing *x, const json_t *crd, bool *out, struct err *err)
{
	const json_t *spec = json_at(crd, "spec"), *versions = json_at(spec, "versions");
	const char *group = json_str(spec, "group"), *plural = json_str(json_at(spec, "names"), "plural");
	int rc = 0;
	*out = true;
	kube_forget_types(x->g->client);
	for (size_t i = 0; rc == 0 && *out && i < json_array_size(versions); i++) {
		const json_t *v = json_array_get(versions, i);
		if (json_flag(v, "served", false) && json_str(v, "name"))
			rc = kube_served(t, x->g->client, group ? group : "", json_str(v, "name"), plural, out, err);
	}
	return rc;
}

int thing_establish(struct task *t, struct thing *x, struct err *err)
{
	int64_t until = clock_now_ms() + ESTABLISH_MS;
	for (;;) {
		autojson json_t *crd = NULL;
		bool served = false;
		int rc = thing_get(t, x, &crd, err);
		if (rc == 0 && !crd)
			rc = err_set(err, E_NOTFOUND, "%s %s is gone", x->type->kind, x->name);
		if (rc == 0 && says(crd, "NamesAccepted", "False"))
			rc = err_set(err, E_CONFLICT, "the API server does not accept the names of %s: %s", x->name, json_str(condition(crd, "NamesAccepted"), "message"));
		if (rc == 0 && says(crd, "Established", "True"))
			rc = all_served(t, x, crd, &served, err);
		if (rc || served)
			return rc;
		if (clock_now_ms() > until)
			return err_set(err, E_TIMEOUT, "%s is not served by the API server after %d s", x->name, ESTABLISH_MS / 1000);
		rc = task_sleep(t, POLL_MS, err);
		if (rc)
			return rc;
	}
}
