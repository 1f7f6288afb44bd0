#include "providers/kube/live.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/kube/contents.h"
#include "providers/kube/owned.h"
#include "providers/kube/target.h"

static bool is(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

static const json_t *meta_of(const json_t *object)
{
	return json_at(object, "metadata");
}

static bool is_crd(const json_t *object)
{
	const char *api = json_str(object, "apiVersion");
	return is(json_str(object, "kind"), "CustomResourceDefinition") && api && str_has_prefix(api, "apiextensions.k8s.io/");
}

static bool is_namespace(const json_t *object)
{
	return is(json_str(object, "kind"), "Namespace") && is(json_str(object, "apiVersion"), "v1");
}

/* "aipc.dev/Gang" of an apiVersion and a kind; core kinds begin with "/". */
static char *kind_key(const char *api, const char *kind)
{
	const char *slash = api ? strchr(api, '/') : NULL;
	return xasprintf("kind %.*s/%s", slash ? (int)(slash - api) : 0, api ? api : "", kind ? kind : "");
}

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

/* Is this an answer that only says that the server cannot tell yet? */
static bool cannot_be_asked(struct thing *x, const struct err *err)
{
	autofree char *space = xasprintf("namespace %s", x->ns ? x->ns : "");
	const char *from = err->code == E_NOTFOUND && x->ns ? op_given(x->op, space) : NULL;
	if (from)
		snprintf(x->op->remark, sizeof(x->op->remark), "not checked by the API server: its namespace comes with %.150s, which goes first", from);
	else if (strstr(err->msg, "does not support dry run"))
		snprintf(x->op->remark, sizeof(x->op->remark), "not checked by the API server: a webhook there does not support dry runs");
	else
		return false;
	return true;
}

int live_ask(struct task *t, struct thing *x, const json_t *body, json_t **dry, struct err *err)
{
	struct err e = { 0 };
	bool planning = x->op->planning;
	*dry = NULL;
	int rc = thing_apply(t, x, body, true, !planning || x->force, dry, &e);
	if (!rc)
		return 0;
	/* For drift the answer only tells other spellings of the same from changes. */
	if (!planning && rc != E_CANCELED)
		return 0;
	if (rc != E_CONFLICT && cannot_be_asked(x, &e))
		return 0;
	if (target_final(rc)) {
		snprintf(x->op->refused, sizeof(x->op->refused), "%.590s", e.msg);
		return 0;
	}
	*err = e;
	return rc;
}

/* Is LIVE as BODY wants it, at first sight, and still ours? */
static bool as_wanted(const struct op *op, const json_t *body, const json_t *live)
{
	autojson json_t *shape = owned_shape(body, live, NULL, KUBE_MANAGER), *kept = json_object(), *changed = json_object();
	if (!json_same(shape, body))
		return false;
	if (op->prior)
		owned_by_others(body, shape, live, KUBE_MANAGER, kept, changed);
	return !json_object_size(kept) && !json_object_size(changed);
}

int live_settle(struct task *t, struct thing *x, const json_t *body, const json_t *live, json_t **dry, struct err *err)
{
	*dry = NULL;
	return as_wanted(x->op, body, live) ? 0 : live_ask(t, x, body, dry, err);
}

/* "metadata.labels.x" as it is called in the configuration: CUT is cut off, PUT stands in front. */
static void rename_paths(const json_t *from, const char *cut, const char *put, json_t *to)
{
	const char *path;
	json_t *who;
	json_object_foreach((json_t *)from, path, who) {
		autofree char *shown = xasprintf("%s%s", put, str_has_prefix(path, cut) ? path + strlen(cut) : path);
		json_object_set(to, shown, who);
	}
}

json_t *live_taken(struct op *op, const json_t *body, const json_t *live, const json_t *shape, const char *cut, const char *put)
{
	autojson json_t *kept = json_object(), *changed = json_object();
	json_t *taken = json_object();
	owned_by_others(body, shape, live, KUBE_MANAGER, kept, changed);
	/* Of an object that is not ours yet nothing was taken. */
	if (op->prior)
		rename_paths(kept, cut, put, taken);
	if (json_object_size(changed)) {
		op->by = op->by ? op->by : json_object();
		rename_paths(changed, cut, put, op->by);
	}
	return taken;
}

/* --- manifests: the object ---------------------------------------------------------------------------------------------------- */

/* What the object says, or where it was put as the state remembers; NULL: the provider says. */
static const char *namespace_of(const json_t *config)
{
	const char *own = json_str(meta_of(json_at(config, "object")), "namespace");
	return own ? own : json_str(config, "namespace");
}

/* X and *BODY of what CONFIG wants. The body says its namespace; *BODY is new. */
static int thing_of(struct task *t, struct thing *x, struct op *op, const json_t *config, json_t **body, struct err *err)
{
	const json_t *object = json_at(config, "object");
	const char *api = json_str(object, "apiVersion"), *kind = json_str(object, "kind"), *ns = namespace_of(config);
	*x = (struct thing){ .g = op->self, .op = op, .name = json_str(meta_of(object), "name") };
	x->force = json_flag(config, "force", json_flag(x->g->config, "force", false));
	if (!api || !kind || !x->name)
		return err_set(err, E_INPUT, "%s is no Kubernetes object with apiVersion, kind and metadata.name", op->address);
	if (!target_has_cluster(x->g))
		return err_set(err, E_UNSUPPORTED, "%s %s was applied to a cluster, and provider kube now writes files: with kubeconfig or context it can be taken "
			       "back there, a removed block with destroy: false forgets it", kind, x->name);
	int rc = target_client(x->g, err);
	if (!rc)
		rc = thing_cluster(t, x, err);
	if (!rc)
		rc = thing_type(t, x, api, kind, err);
	if (rc)
		return rc;
	x->ns = x->type->namespaced ? ns ? ns : target_namespace(x->g) : NULL;
	*body = json_deep_copy(object);
	if (x->ns)
		json_put_str(json_object_get(*body, "metadata"), "namespace", x->ns);
	return 0;
}

/* The object as it is recorded: SHAPE without the namespace that we filled in. */
static json_t *manifest_actual(const struct thing *x, const json_t *config, const json_t *live, json_t *shape, bool made)
{
	if (!json_at(meta_of(json_at(config, "object")), "namespace"))
		json_object_del(json_object_get(shape, "metadata"), "namespace");
	json_t *out = json_object();
	json_put_new(out, "object", shape);
	json_put_str(out, "uid", json_str(meta_of(live), "uid"));
	if (thing_cluster_of(x, live))
		json_put_str(out, "cluster", thing_cluster_of(x, live));
	if (json_str(meta_of(live), "namespace"))
		json_put_str(out, "namespace", json_str(meta_of(live), "namespace"));
	json_put_new(out, "made", json_boolean(made));
	return out;
}

/* The server has no such kind. */
static int kind_missing(struct op *op, const json_t *object, const struct err *err)
{
	autofree char *key = kind_key(json_str(object, "apiVersion"), json_str(object, "kind"));
	const char *from = op_given(op, key);
	if (op->planning && from)
		snprintf(op->remark, sizeof(op->remark), "not checked by the API server: its kind comes with %.150s, which goes first", from);
	else if (op->planning)
		snprintf(op->refused, sizeof(op->refused), "%.400s, and no CustomResourceDefinition of this spec makes it", err->msg);
	return 0;
}

/* Is what the state remembers under this address another object than the spec's? Versions of an API show the same objects. */
static bool is_other(const struct target *g, const json_t *prior, const json_t *config)
{
	const json_t *a = json_at(prior, "object"), *b = json_at(config, "object");
	autofree char *one = kind_key(json_str(a, "apiVersion"), json_str(a, "kind")), *two = kind_key(json_str(b, "apiVersion"), json_str(b, "kind"));
	const char *was = json_str(prior, "namespace"), *ns = namespace_of(config), *name = json_str(meta_of(a), "name");
	if (!a || !is(one, two) || !is(name, json_str(meta_of(b), "name")))
		return a != NULL;
	return was && g->client && !is(was, ns ? ns : target_namespace(g));
}

/* The object that the state remembers, where the spec now wants another one: it is removed first. */
static int read_other(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *body = NULL, *live = NULL;
	int rc = thing_of(t, &x, op, op->prior, &body, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc == E_NOTFOUND || (!rc && !live))
		return 0;
	if (rc)
		return rc;
	op->actual = manifest_actual(&x, op->prior, live, owned_shape(body, live, NULL, KUBE_MANAGER), json_flag(op->prior, "made", false));
	json_put_new(op->actual, "taken_by", json_object());
	op->elsewhere = true;
	snprintf(op->remark, sizeof(op->remark), "it was %.40s %.100s%s%.100s", x.type->kind, x.ns ? x.ns : "", x.ns ? "/" : "", x.name);
	return 0;
}

static int read_manifest(struct task *t, struct op *op, struct err *err)
{
	const json_t *config = op->config ? op->config : op->prior;
	if (op->planning && op->prior && is_other(op->self, op->prior, config)) {
		int found = read_other(t, op, err);
		if (found || op->actual)
			return found;
	}
	struct thing x;
	autojson json_t *body = NULL, *live = NULL, *dry = NULL;
	int rc = thing_of(t, &x, op, config, &body, err);
	if (rc == E_NOTFOUND)
		return kind_missing(op, json_at(config, "object"), err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || (!live && !op->planning))
		return rc;
	if (!live)
		return live_ask(t, &x, body, &dry, err);
	if (op->config)
		rc = live_settle(t, &x, body, live, &dry, err);
	if (rc)
		return rc;
	json_t *shape = owned_shape(body, live, dry, KUBE_MANAGER);
	autojson json_t *taken = live_taken(op, body, live, shape, "", "object.");
	op->actual = manifest_actual(&x, config, live, shape, json_flag(op->prior, "made", false));
	json_object_set(op->actual, "taken_by", taken);
	return 0;
}

int live_refused(struct op *op, int rc, struct err *err)
{
	if (rc != E_INPUT || !op->planning)
		return rc;
	snprintf(op->refused, sizeof(op->refused), "%.590s", err->msg);
	return 0;
}

int live_manifest_read(struct task *t, struct op *op, struct err *err)
{
	return live_refused(op, read_manifest(t, op, err), err);
}

/* --- manifests: write and remove ------------------------------------------------------------------------------------------------- */

/* Applies BODY, journalled before. ABSENT: the object was not there before (as a run that was killed saw it, if there was one). */
static int apply(struct task *t, struct thing *x, const json_t *body, bool absent, json_t **out, struct err *err)
{
	autojson json_t *note = json_pack("{s:b}", "absent", absent);
	int rc = op_journal(t, x->op, true, "apply", note, err);
	return rc ? rc : thing_apply(t, x, body, false, x->force, out, err);
}

int live_manifest_write(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *body = NULL, *before = NULL, *answer = NULL, *live = NULL;
	int rc = thing_of(t, &x, op, op->config, &body, err);
	if (!rc)
		rc = thing_get(t, &x, &before, err);
	if (rc)
		return rc;
	bool absent = op->note ? json_flag(op->note, "absent", false) : !before;
	rc = apply(t, &x, body, absent, &answer, err);
	if (!rc && is_crd(body))
		rc = thing_establish(t, &x, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || !live)
		return rc;
	const char *uid = json_str(meta_of(live), "uid"), *old = json_str(op->prior, "uid");
	bool made = old && is(uid, old) ? json_flag(op->prior, "made", false) : absent && !owned_shared(answer, KUBE_MANAGER);
	op->actual = manifest_actual(&x, op->config, live, owned_shape(body, live, answer, KUBE_MANAGER), made);
	json_put_new(op->actual, "taken_by", json_object());
	return 0;
}

/* What is left of an object when nothing of it is ours. */
static json_t *bare(const json_t *live)
{
	json_t *j = json_object(), *meta = json_object();
	json_put_str(j, "apiVersion", json_str(live, "apiVersion"));
	json_put_str(j, "kind", json_str(live, "kind"));
	json_put_str(meta, "name", json_str(meta_of(live), "name"));
	json_put_str(meta, "uid", json_str(meta_of(live), "uid"));
	if (json_str(meta_of(live), "namespace"))
		json_put_str(meta, "namespace", json_str(meta_of(live), "namespace"));
	json_put_new(j, "metadata", meta);
	return j;
}

static int give_up(struct task *t, struct thing *x, const json_t *live, struct err *err)
{
	autojson json_t *body = bare(live), *answer = NULL;
	op_progress(x->op, -1, "%s %s was there before: only what aipc set is taken back", x->type->kind, x->name);
	return apply(t, x, body, false, &answer, err);
}

static int delete_made(struct task *t, struct thing *x, const json_t *live, struct err *err)
{
	int rc = is_crd(live) ? contents_of_kind(t, x, live, err) : is_namespace(live) ? contents_of_namespace(t, x, err) : 0;
	if (!rc)
		rc = op_journal(t, x->op, true, "delete", NULL, err);
	return rc ? rc : thing_delete(t, x, json_str(meta_of(live), "uid"), err);
}

/* Of an object without any field but its name, such as a plain Namespace, nobody can own anything. */
static bool names_only(const json_t *object)
{
	const json_t *meta = meta_of(object);
	return json_object_size(object) == 3 && json_object_size(meta) == 1u + (json_at(meta, "namespace") != NULL);
}

int live_manifest_remove(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *body = NULL, *live = NULL;
	int rc = thing_of(t, &x, op, op->prior, &body, err);
	if (rc)
		return rc == E_NOTFOUND ? 0 : rc;
	rc = thing_get(t, &x, &live, err);
	if (rc || !live)
		return rc;
	const char *uid = json_str(meta_of(live), "uid"), *ours = json_str(op->prior, "uid");
	if (!uid || (ours && !is(uid, ours)))
		op_progress(op, -1, "%s %s is another object by now: left as it is", x.type->kind, x.name);
	else if (!owned_tree(live, KUBE_MANAGER) && !names_only(json_at(op->prior, "object")))
		op_progress(op, -1, "aipc owns nothing of %s %s any more: left as it is", x.type->kind, x.name);
	else if (ours && json_flag(op->prior, "made", false))
		return delete_made(t, &x, live, err);
	else
		return give_up(t, &x, live, err);
	return 0;
}

/* --- manifests: offline ------------------------------------------------------------------------------------------------------- */

#define COMPLAIN(x, code, path, ...) ((x)->report((x)->report_ctx, code, false, path, NULL, NULL, __VA_ARGS__), E_INPUT)
#define PATH(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* A secret would rest in the state and in plans. */
static bool holds_secret(const json_t *object)
{
	return is(json_str(object, "kind"), "Secret") && is(json_str(object, "apiVersion"), "v1") &&
	       (json_object_size(json_at(object, "data")) || json_object_size(json_at(object, "stringData")));
}

int live_manifest_check(struct expand *x)
{
	const json_t *object = json_at(x->config, "object"), *meta = meta_of(object);
	const char *api = json_str(object, "apiVersion"), *kind = json_str(object, "kind"), *name = json_str(meta, "name");
	if (!api || !kind || !name || !name[0])
		return COMPLAIN(x, "E0812", PATH("object"), "an object that is applied needs apiVersion, kind and metadata.name");
	if (is(kind, "Node") && is(api, "v1"))
		return COMPLAIN(x, "E0812", PATH("object"), "nodes join by themselves: write labels, annotations and taints of a node with node_labels");
	if (is(kind, "List") || str_has_suffix(kind, "List"))
		return COMPLAIN(x, "E0812", PATH("object"), "%.60s holds several objects: write one manifest for each", kind);
	if (json_at(meta, "managedFields") || json_at(meta, "resourceVersion"))
		return COMPLAIN(x, "E0812", PATH("object", "metadata"), "managedFields and resourceVersion are the cluster's to write: leave them out");
	if (holds_secret(object))
		return COMPLAIN(x, "E0813", PATH("object"), "the values of Secret %.100s would rest in the state and in saved plans; make it in the cluster, from "
				"where the secret lives", name);
	return 0;
}

void live_manifest_ties(const json_t *config, const json_t *provider, tie_fn *say, void *ctx)
{
	const json_t *object = json_at(config, "object"), *names = json_at(json_at(object, "spec"), "names");
	const char *api = json_str(object, "apiVersion"), *kind = json_str(object, "kind"), *name = json_str(meta_of(object), "name");
	const char *ns = json_str(meta_of(object), "namespace"), *deflt = json_str(provider, "namespace");
	if (json_str(config, "path") || !api || !kind || !name)
		return;
	autofree char *type = kind_key(api, kind), *space = xasprintf("namespace %s", ns ? ns : deflt ? deflt : ""), *made = NULL;
	autofree char *self = xasprintf("%s %s%s%s", type + 5 + (type[5] == '/'), ns ? ns : "", ns ? "/" : "", name);
	say(ctx, TIE_IS, self);
	if (is_crd(object)) {
		made = xasprintf("kind %s/%s", json_str(json_at(object, "spec"), "group"), json_str(names, "kind"));
		say(ctx, TIE_GIVES, made);
	} else if (is_namespace(object)) {
		made = xasprintf("namespace %s", name);
		say(ctx, TIE_GIVES, made);
	} else {
		say(ctx, TIE_NEEDS, type);
		say(ctx, TIE_NEEDS, space);
	}
}

int live_manifest_import(const char *id, const json_t *config, json_t **prior, struct err *err)
{
	const json_t *meta = meta_of(json_at(config, "object"));
	const char *name = json_str(meta, "name"), *ns = json_str(meta, "namespace");
	autofree char *full = xasprintf("%s/%s", ns ? ns : "", name ? name : "");
	if (id[0] && !is(id, full) && !is(id, name))
		return err_set(err, E_INPUT, "the id \"%.200s\" is not the object of the spec, %s", id, ns ? full : name ? name : "which has no name");
	*prior = json_object();
	return 0;
}
