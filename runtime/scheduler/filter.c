#include "runtime/scheduler/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "runtime/scheduler/attach.h"
#include "runtime/scheduler/between.h"

struct filter {
	const struct model *m;
	const struct pod *p;
	struct between *between;         /* counted when first asked for; NULL: other pods do not matter */
	bool counted, class_reason;
	char pod_reason[512];            /* empty: none */
	char reason[512];
};

static const char *say(struct filter *f, const char *text)
{
	snprintf(f->reason, sizeof(f->reason), "%s", text);
	return f->reason;
}

/* --- the pod alone ------------------------------------------------------------------------------------------------------- */

/* Whoever asks has no node: it may also stand for its class, and have got one meanwhile. */
static bool in_use(const struct model *m, sym claim)
{
	for (size_t i = 0; i < m->pods.len; i++) {
		const struct pod *q = m->pods.at[i];
		for (uint32_t k = 0; q->node && k < q->n_claims; k++)
			if (q->claims[k] == claim)
				return true;
	}
	return false;
}

static void judge_claim(struct filter *f, uint32_t at)
{
	const struct pod *p = f->p;
	sym key = p->claims[at];
	const struct volume_claim *c = model_claim(f->m, key);
	const char *name = intern_text(f->m->names, key), *why = NULL;
	if (!c)
		why = "is not there";
	else if (c->lost)
		why = "has lost its volume";
	else if (c->terminating)
		why = "is being deleted";
	else if (at >= p->n_claims - p->n_own && (!c->controller || strcmp(intern_text(f->m->names, c->controller), p->uid) != 0))
		why = "has the name of an ephemeral volume's, but was not made for this pod";
	else if (!c->bound)
		why = "is not bound, and binding it to a node (WaitForFirstConsumer) is not done by this scheduler";
	else if (!model_volume(f->m, c->volume))
		why = "is bound to a volume that is not there";
	else if (c->single_pod && in_use(f->m, key))
		why = "is ReadWriteOncePod and another pod uses it";
	if (why && !f->pod_reason[0])
		snprintf(f->pod_reason, sizeof(f->pod_reason), "volume claim %.250s %s", name, why);
}

static void judge_pod(struct filter *f)
{
	const struct pod *p = f->p;
	if (p->n_gates) {
		snprintf(f->pod_reason, sizeof(f->pod_reason), "scheduling gate %.200s%s", p->gates[0], p->n_gates > 1 ? " and others" : "");
	} else if (p->terminating) {
		snprintf(f->pod_reason, sizeof(f->pod_reason), "the pod is being deleted");
	} else if (p->refused) {
		snprintf(f->pod_reason, sizeof(f->pod_reason), "%.400s", p->refused);
	}
}

struct filter *filter_open(const struct model *m, const struct pod *p)
{
	struct filter *f = xcalloc(1, sizeof(*f));
	f->m = m;
	f->p = p;
	for (uint32_t i = 0; i < p->n_claims; i++)
		judge_claim(f, i);
	f->class_reason = f->pod_reason[0] != '\0';
	judge_pod(f);
	return f;
}

void filter_close(struct filter *f)
{
	if (f)
		between_close(f->between);
	free(f);
}

const char *filter_pod_reason(const struct filter *f)
{
	return f->pod_reason[0] ? f->pod_reason : NULL;
}

bool filter_class_refused(const struct filter *f)
{
	return f->class_reason;
}

bool filter_is_dynamic(struct filter *f)
{
	if (!f->counted)
		f->between = between_open(f->m, f->p);
	f->counted = true;
	return f->between != NULL;
}

const char *filter_node_between(struct filter *f, const struct node *n)
{
	return filter_is_dynamic(f) ? between_judge(f->between, n) : NULL;
}

/* --- the node's own objects -------------------------------------------------------------------------------------------------- */

bool pod_tolerates(const struct pod *p, const struct taint *t)
{
	for (uint32_t i = 0; i < p->n_tolerations; i++) {
		const struct toleration *o = &p->tolerations[i];
		if (!o->never && (o->any_effect || o->effect == t->effect) && (o->any_key || o->key == t->key) && (o->any_value || o->value == t->value))
			return true;
	}
	return false;
}

const struct taint *pod_repelled(const struct pod *p, const struct node *n)
{
	for (uint32_t i = 0; i < n->n_taints; i++) {
		const struct taint *t = &n->taints[i];
		if ((t->effect == TAINT_NO_SCHEDULE || t->effect == TAINT_NO_EXECUTE) && !pod_tolerates(p, t))
			return t;
	}
	return NULL;
}

bool pod_wants_node(const struct model *m, const struct pod *p, const struct node *n)
{
	for (uint32_t i = 0; i < p->node_labels.n; i++) {
		sym value;
		if (!labels_get(&n->labels, p->node_labels.at[i].key, &value) || value != p->node_labels.at[i].value)
			return false;
	}
	return !p->has_node_terms || node_terms_match(m->names, &p->node_terms, &n->labels, n->name);
}

/* A zone or region label of the volume that the node contradicts (values are joined by "__"; an empty one says nothing). */
static bool zone_conflict(const struct model *m, const struct volume *v, const struct node *n)
{
	static const char *const keys[][2] = {
		{ "failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone" },
		{ "failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region" },
		{ "topology.kubernetes.io/zone", NULL }, { "topology.kubernetes.io/region", NULL },
	};
	bool node_has_any = false;
	sym have, want;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		node_has_any = node_has_any || labels_get(&n->labels, intern_find(m->names, keys[i][0]), &have);
	for (size_t i = 0; node_has_any && i < ARRAY_LEN(keys); i++) {
		if (!labels_get(&v->labels, intern_find(m->names, keys[i][0]), &want) || !*intern_text(m->names, want))
			continue;
		if (!labels_get(&n->labels, intern_find(m->names, keys[i][0]), &have) &&
		    !(keys[i][1] && labels_get(&n->labels, intern_find(m->names, keys[i][1]), &have)))
			return true;
		const char *text = intern_text(m->names, have), *set = intern_text(m->names, want);
		size_t len = strlen(text);
		bool found = false;
		for (const char *s = set; s && !found; s = strstr(s, "__") ? strstr(s, "__") + 2 : NULL)
			found = strncmp(s, text, len) == 0 && (s[len] == '\0' || strncmp(s + len, "__", 2) == 0);
		if (!found)
			return true;
	}
	return false;
}

static const char *judge_volumes(struct filter *f, const struct node *n)
{
	for (uint32_t i = 0; i < f->p->n_claims; i++) {
		const struct volume_claim *c = model_claim(f->m, f->p->claims[i]);
		const struct volume *v = c ? model_volume(f->m, c->volume) : NULL;
		if (v && v->has_terms && !node_terms_match(f->m->names, &v->terms, &n->labels, 0))
			return say(f, "a volume of the pod cannot be attached there (node affinity of the volume)");
		/* Labels of volumes that are made for a pod are not asked (upstream's VolumeZone). */
		if (v && i < f->p->n_claims - f->p->n_own && zone_conflict(f->m, v, n))
			return say(f, "a volume of the pod is in another zone");
	}
	return NULL;
}

static const char *judge_taint(struct filter *f, const struct taint *t)
{
	static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute", "" };
	const char *value = intern_text(f->m->names, t->value);
	snprintf(f->reason, sizeof(f->reason), "taint %.200s%s%.80s:%s is not tolerated", intern_text(f->m->names, t->key), *value ? "=" : "",
		 value, effects[t->effect]);
	return f->reason;
}

static const char *judge_features(struct filter *f, const struct node *n)
{
	unsigned lacks = f->p->features & ~n->features;
	if (!lacks)
		return NULL;
	snprintf(f->reason, sizeof(f->reason), "node does not declare the feature %s", node_feature_name(lacks));
	return f->reason;
}

static bool is_shut(const struct filter *f, const struct node *n)
{
	const struct taint bare = { f->m->k.unschedulable, 0, TAINT_NO_SCHEDULE };
	return n->cordoned && !pod_tolerates(f->p, &bare);
}

const char *filter_node_static(struct filter *f, const struct node *n)
{
	if (is_shut(f, n))
		return say(f, "node is cordoned");
	const struct taint *t = pod_repelled(f->p, n);
	if (t)
		return judge_taint(f, t);
	if (!pod_wants_node(f->m, f->p, n))
		return say(f, "node does not match the pod's node selector or affinity");
	const char *why = judge_features(f, n);
	return why ? why : judge_volumes(f, n);
}

/* --- what is left on the node ---------------------------------------------------------------------------------------------------- */

static bool ports_collide(const struct model *m, const struct port *a, const struct port *b)
{
	return a->number == b->number && a->protocol == b->protocol && (a->ip == b->ip || a->ip == m->k.any_ip || b->ip == m->k.any_ip);
}

static bool disks_collide(const struct disk *a, const struct disk *b)
{
	return a->id == b->id && (a->never_shared || !(a->read_only && b->read_only));
}

static const char *judge_neighbours(struct filter *f, const struct node *n, bool ports)
{
	const struct pod *p = f->p;
	for (size_t i = 0; i < n->pods.len; i++) {
		const struct pod *q = n->pods.at[i];
		for (uint32_t a = 0; ports && a < p->n_ports; a++)
			for (uint32_t b = 0; b < q->n_ports; b++)
				if (ports_collide(f->m, &p->ports[a], &q->ports[b])) {
					snprintf(f->reason, sizeof(f->reason), "host port %lld is taken by %.250s", (long long)p->ports[a].number, q->key);
					return f->reason;
				}
		for (uint32_t a = 0; !ports && a < p->n_disks; a++)
			for (uint32_t b = 0; b < q->n_disks; b++)
				if (disks_collide(&p->disks[a], &q->disks[b])) {
					snprintf(f->reason, sizeof(f->reason), "a disk of the pod is in use by %.250s", q->key);
					return f->reason;
				}
	}
	return NULL;
}

static const char *lacks(struct filter *f, const struct amount *want, int64_t free_now)
{
	bool milli = want->res == f->m->k.cpu;
	snprintf(f->reason, sizeof(f->reason), "insufficient %.200s: asks for %lld%s, %lld%s free", intern_text(f->m->names, want->res),
		 (long long)want->n, milli ? "m" : "", (long long)(free_now > 0 ? free_now : 0), milli ? "m" : "");
	return f->reason;
}

/* The division of what is free by what is wanted, over all resources. */
static int64_t divide(struct filter *f, const struct node *n, const char **why)
{
	int64_t room = n->max_pods - (int64_t)n->pods.len;
	if (room <= 0) {
		snprintf(f->reason, sizeof(f->reason), "too many pods: %lld of %lld", (long long)n->pods.len, (long long)n->max_pods);
		*why = f->reason;
		return 0;
	}
	for (uint32_t i = 0, k = 0; i < f->p->wants.n; i++) {
		const struct amount *want = &f->p->wants.at[i];
		while (k < n->has.n && n->has.at[k].res < want->res)
			k++;
		int64_t have = k < n->has.n && n->has.at[k].res == want->res ? node_free_at(n, k) : 0;
		if (have < want->n) {
			*why = lacks(f, want, have);
			return 0;
		}
		if (have / want->n < room)
			room = have / want->n;
	}
	return room;
}

static const char *judge_attached(struct filter *f, const struct node *n)
{
	const char *driver = attach_exceeded(f->m, f->p, n);
	if (driver)
		snprintf(f->reason, sizeof(f->reason), "as many volumes of %.200s are attached as may be", driver);
	return driver ? f->reason : NULL;
}

int64_t filter_room(struct filter *f, const struct node *n, const char **why)
{
	if (f->p->n_ports && (*why = judge_neighbours(f, n, true)))
		return 0;
	int64_t room = divide(f, n, why);
	if (room && f->p->n_disks && (*why = judge_neighbours(f, n, false)))
		return 0;
	if (room && f->p->n_claims && (*why = judge_attached(f, n)))
		return 0;
	return room > 1 && (f->p->n_ports || f->p->n_disks) ? 1 : room;
}

const char *filter_node(struct filter *f, const struct node *n)
{
	const char *why = filter_pod_reason(f);
	if (!why)
		why = filter_node_static(f, n);
	if (!why && filter_room(f, n, &why) > 0)
		why = filter_node_between(f, n);
	return why;
}

/* What comes and goes with the node's state, not with what it is for. */
static bool passes(const struct filter *f, const struct taint *t)
{
	const char *key = intern_text(f->m->names, t->key);
	return str_has_prefix(key, "node.kubernetes.io/") || str_has_prefix(key, "node.cloudprovider.kubernetes.io/") || str_has_prefix(key, "aipc.dev/");
}

const char *filter_node_lasting(struct filter *f, const struct node *n)
{
	const struct taint *passing = NULL;
	const char *why = filter_pod_reason(f);
	for (uint32_t i = 0; !why && i < n->n_taints; i++) {
		const struct taint *t = &n->taints[i];
		if ((t->effect != TAINT_NO_SCHEDULE && t->effect != TAINT_NO_EXECUTE) || pod_tolerates(f->p, t))
			continue;
		if (passes(f, t))
			passing = passing ? passing : t;
		else
			why = judge_taint(f, t);
	}
	if (!why && !pod_wants_node(f->m, f->p, n))
		why = say(f, "node does not match the pod's node selector or affinity");
	if (!why)
		why = judge_features(f, n);
	if (!why)
		why = judge_volumes(f, n);
	if (!why && filter_room(f, n, &why) > 0)
		why = filter_node_between(f, n);
	if (!why && is_shut(f, n))
		why = say(f, "node is cordoned");
	return !why && passing ? judge_taint(f, passing) : why;
}
