/* Labels, annotations and taints of one node of a live cluster. Nodes join by themselves: none is ever made or deleted here. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "providers/kube/live.h"
#include "providers/kube/owned.h"
#include "providers/kube/target.h"

enum { TAINT_TRIES = 8 };

static bool is(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static const json_t *meta_of(const json_t *object)
{
	return json_at(object, "metadata");
}

/* --- the object that is applied ----------------------------------------------------------------------------------------------- */

static char *text_of(const json_t *v)
{
	return json_is_string(v) ? xstrdup(json_string_value(v)) : json_text(v);
}

/* WANT as texts, and what aipc owns there of old but neither WANT nor PRIOR speaks of: that is of another spec, and stays. */
static void put_texts(json_t *meta, const char *what, const json_t *want, const json_t *prior, const json_t *live)
{
	json_t *out = json_object(), *v;
	const char *key;
	json_object_foreach((json_t *)want, key, v) {
		autofree char *text = text_of(v);
		json_put_str(out, key, text);
	}
	json_object_foreach((json_t *)json_at(meta_of(live), what), key, v) {
		const char *const keys[] = { "metadata", what, key, NULL };
		if (!json_at(want, key) && !json_at(prior, key) && owned_has(live, KUBE_MANAGER, keys))
			json_object_set(out, key, v);
	}
	if (json_object_size(out))
		json_put_new(meta, what, out);
	else
		json_decref(out);
}

/* With the uid of the node that was read, so that none can come into being by it. */
static json_t *body_of(const struct op *op, const json_t *config, const json_t *live)
{
	json_t *meta = json_object();
	json_put_str(meta, "name", json_str(meta_of(live), "name"));
	json_put_str(meta, "uid", json_str(meta_of(live), "uid"));
	put_texts(meta, "labels", json_at(config, "labels"), json_at(op->prior, "labels"), live);
	put_texts(meta, "annotations", json_at(config, "annotations"), json_at(op->prior, "annotations"), live);
	return json_pack("{s:s,s:s,s:o}", "apiVersion", "v1", "kind", "Node", "metadata", meta);
}

/* What of the labels or annotations is ours, as the configuration writes it where it says the same. */
static json_t *texts_of(const json_t *config, const json_t *prior, const json_t *body, const json_t *shape, const char *what)
{
	const json_t *want = json_at(config, what), *sent = json_at(meta_of(body), what);
	json_t *out = json_object(), *v;
	const char *key;
	json_object_foreach((json_t *)json_at(meta_of(shape), what), key, v) {
		if (json_at(want, key))
			json_object_set(out, key, json_same(json_at(sent, key), v) ? (json_t *)json_at(want, key) : v);
		else if (json_at(json_at(prior, what), key) || !json_at(sent, key))
			json_object_set(out, key, v);
	}
	return out;
}

/* --- taints --------------------------------------------------------------------------------------------------------------------
 *
 * The list of taints is one field to server-side apply: who applies one taint owns them all. So ours are put into the list as it is,
 * and only when nobody changed the node since it was read. */

static const json_t *taint_find(const json_t *list, const json_t *like)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *t = json_array_get(list, i);
		if (is(json_str(t, "key"), json_str(like, "key")) && is(json_str(t, "effect"), json_str(like, "effect")))
			return t;
	}
	return NULL;
}

static json_t *taint_plain(const json_t *t)
{
	json_t *out = json_object();
	json_put_str(out, "key", json_str(t, "key"));
	json_put_str(out, "value", json_str(t, "value") ? json_str(t, "value") : "");
	json_put_str(out, "effect", json_str(t, "effect"));
	return out;
}

/* Ours, of those that are there: wanted ones first, then those that are to go. */
static json_t *taints_of(const json_t *want, const json_t *prior, const json_t *live)
{
	const json_t *there = json_at(json_at(live, "spec"), "taints"), *from[] = { want, prior };
	json_t *out = json_array();
	for (size_t k = 0; k < ARRAY_LEN(from); k++) {
		for (size_t i = 0; i < json_array_size(from[k]); i++) {
			const json_t *t = json_array_get(from[k], i), *have = taint_find(there, t);
			if (have && !taint_find(out, t))
				json_array_append_new(out, taint_plain(have));
		}
	}
	return out;
}

/* The whole list as it is to be; NULL: it is so already. */
static json_t *taints_wanted(const json_t *want, const json_t *prior, const json_t *live)
{
	const json_t *there = json_at(json_at(live, "spec"), "taints");
	json_t *out = json_array();
	for (size_t i = 0; i < json_array_size(there); i++) {
		const json_t *t = json_array_get(there, i), *ours = taint_find(want, t);
		autojson json_t *plain = taint_plain(t);
		if (ours && json_same(ours, plain))
			json_array_append(out, (json_t *)t);
		else if (ours)
			json_array_append(out, (json_t *)ours);
		else if (!taint_find(prior, t))
			json_array_append(out, (json_t *)t);
	}
	for (size_t i = 0; i < json_array_size(want); i++)
		if (!taint_find(there, json_array_get(want, i)))
			json_array_append(out, json_array_get(want, i));
	if (json_same(out, there) || (!there && !json_array_size(out))) {
		json_decref(out);
		return NULL;
	}
	return out;
}

static int write_taints(struct task *t, struct thing *x, const json_t *want, const json_t *prior, struct err *err)
{
	int rc = 0;
	for (int i = 0; i < TAINT_TRIES; i++) {
		autojson json_t *live = NULL;
		rc = thing_get(t, x, &live, err);
		if (rc || !live)
			return rc;
		json_t *list = taints_wanted(want, prior, live);
		if (!list)
			return 0;
		autojson json_t *patch = json_pack("{s:{s:s,s:s},s:{s:o}}", "metadata", "uid", json_str(meta_of(live), "uid"), "resourceVersion",
						   json_str(meta_of(live), "resourceVersion"), "spec", "taints", list);
		rc = thing_merge(t, x, patch, err);
		if (rc != E_CONFLICT)
			return rc;
	}
	return rc;
}

/* --- read, write, remove ------------------------------------------------------------------------------------------------------ */

static int thing_of(struct task *t, struct thing *x, struct op *op, const json_t *config, struct err *err)
{
	*x = (struct thing){ .g = op->self, .op = op, .type = &kube_nodes, .name = json_str(config, "node") };
	x->force = json_flag(config, "force", json_flag(x->g->config, "force", false));
	if (!x->name)
		return err_set(err, E_INPUT, "%s names no node", op->address);
	if (!target_has_cluster(x->g))
		return err_set(err, E_UNSUPPORTED, "node %s was labelled in a cluster, and provider kube now writes files: with kubeconfig or context the labels can be "
			       "taken back there, a removed block with destroy: false forgets them", x->name);
	int rc = target_client(x->g, err);
	return rc ? rc : thing_cluster(t, x, err);
}

static json_t *node_actual(const struct thing *x, const json_t *config, const json_t *body, const json_t *shape, const json_t *live)
{
	json_t *out = json_object();
	json_put_str(out, "node", json_str(config, "node"));
	json_put_new(out, "labels", texts_of(config, x->op->prior, body, shape, "labels"));
	json_put_new(out, "annotations", texts_of(config, x->op->prior, body, shape, "annotations"));
	json_put_new(out, "taints", taints_of(json_at(config, "taints"), json_at(x->op->prior, "taints"), live));
	json_put_new(out, "other_content", json_false());
	json_put_str(out, "uid", json_str(meta_of(live), "uid"));
	if (thing_cluster_of(x, live))
		json_put_str(out, "cluster", thing_cluster_of(x, live));
	return out;
}

/* The node that the state remembers, where the spec now names another one: it is let go first. */
static int read_other(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *live = NULL;
	int rc = thing_of(t, &x, op, op->prior, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || !live)
		return rc;
	autojson json_t *body = body_of(op, op->prior, live), *shape = owned_shape(body, live, NULL, KUBE_MANAGER);
	op->actual = node_actual(&x, op->prior, body, shape, live);
	json_put_new(op->actual, "taken_by", json_object());
	op->elsewhere = true;
	snprintf(op->remark, sizeof(op->remark), "it was node %.200s", x.name);
	return 0;
}

static int read_node(struct task *t, struct op *op, struct err *err)
{
	const json_t *config = op->config ? op->config : op->prior;
	struct thing x;
	autojson json_t *live = NULL, *dry = NULL;
	if (op->planning && json_str(op->prior, "node") && !is(json_str(op->prior, "node"), json_str(config, "node"))) {
		int found = read_other(t, op, err);
		if (found || op->actual)
			return found;
	}
	int rc = thing_of(t, &x, op, config, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || (!live && !op->config))
		return rc;
	if (!live)
		return err_set(err, E_NOTFOUND, "node %s is not in the cluster %s; aipc labels nodes, it does not make them", x.name, target_server(x.g));
	autojson json_t *body = body_of(op, config, live);
	if (op->config)
		rc = live_settle(t, &x, body, live, &dry, err);
	if (rc)
		return rc;
	autojson json_t *shape = owned_shape(body, live, dry, KUBE_MANAGER), *taken = live_taken(op, body, live, shape, "metadata.", "");
	op->actual = node_actual(&x, config, body, shape, live);
	json_object_set(op->actual, "taken_by", taken);
	return 0;
}

int live_node_read(struct task *t, struct op *op, struct err *err)
{
	return live_refused(op, read_node(t, op, err), err);
}

static int apply(struct task *t, struct thing *x, const json_t *config, json_t **body, json_t **answer, struct err *err)
{
	autojson json_t *live = NULL;
	int rc = thing_get(t, x, &live, err);
	if (rc)
		return rc;
	if (!live)
		return err_set(err, E_NOTFOUND, "node %s is not in the cluster %s any more", x->name, target_server(x->g));
	*body = body_of(x->op, config, live);
	rc = op_journal(t, x->op, true, "apply", NULL, err);
	if (!rc)
		rc = thing_apply(t, x, *body, false, x->force, answer, err);
	return rc ? rc : write_taints(t, x, json_at(config, "taints"), json_at(x->op->prior, "taints"), err);
}

int live_node_write(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *body = NULL, *answer = NULL, *live = NULL;
	int rc = thing_of(t, &x, op, op->config, err);
	if (!rc)
		rc = apply(t, &x, op->config, &body, &answer, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || !live)
		return rc;
	autojson json_t *shape = owned_shape(body, live, answer, KUBE_MANAGER);
	op->actual = node_actual(&x, op->config, body, shape, live);
	json_put_new(op->actual, "taken_by", json_object());
	return 0;
}

int live_node_remove(struct task *t, struct op *op, struct err *err)
{
	struct thing x;
	autojson json_t *live = NULL, *body = NULL, *answer = NULL, *nothing = json_object();
	int rc = thing_of(t, &x, op, op->prior, err);
	if (!rc)
		rc = thing_get(t, &x, &live, err);
	if (rc || !live)
		return rc;
	const char *uid = json_str(op->prior, "uid");
	if (uid && !is(uid, json_str(meta_of(live), "uid"))) {
		op_progress(op, -1, "node %s is another one by now: left as it is", x.name);
		return 0;
	}
	return apply(t, &x, nothing, &body, &answer, err);
}

/* --- offline ------------------------------------------------------------------------------------------------------------------ */

int live_node_import(const char *id, const json_t *config, json_t **prior, struct err *err)
{
	if (id[0] && !is(id, json_str(config, "node")))
		return err_set(err, E_INPUT, "the id \"%.200s\" is not the node of the spec, %s", id, json_str(config, "node"));
	*prior = json_object();
	return 0;
}
