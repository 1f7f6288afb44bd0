#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/scheduler/model.h"
#include "runtime/scheduler/resources.h"

struct reader { struct model *m; struct pod *p; const json_t *spec; };

/* Keeps the first reason. */
static void refuse(struct reader *r, const char *why)
{
	if (!r->p->refused)
		r->p->refused = why;
}

static sym sym_of(struct reader *r, const json_t *j, const char *key)
{
	return intern(r->m->names, json_str(j, key));
}

/* --- tolerations, ports, disks ---------------------------------------------------------------------------------------- */

static void read_tolerations(struct reader *r)
{
	const json_t *array = json_at(r->spec, "tolerations");
	struct toleration *at = arena_array(r->m->arena, json_array_size(array) + 1, sizeof(*at));
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j) {
		static const char *const effects[] = { "NoSchedule", "PreferNoSchedule", "NoExecute" };
		const char *op = json_str(j, "operator"), *effect = json_str(j, "effect"), *key = json_str(j, "key");
		struct toleration *t = &at[i];
		t->key = intern(r->m->names, key);
		t->value = sym_of(r, j, "value");
		t->any_key = !key || !*key;
		t->any_value = op && strcmp(op, "Exists") == 0;
		t->never = op && *op && !t->any_value && strcmp(op, "Equal") != 0;
		t->any_effect = !effect || !*effect;
		t->effect = TAINT_OTHER;
		for (size_t e = 0; effect && e < ARRAY_LEN(effects); e++)
			if (strcmp(effect, effects[e]) == 0)
				t->effect = (enum taint_effect)e;
	}
	r->p->tolerations = at;
	r->p->n_tolerations = (uint32_t)json_array_size(array);
}

/* Ports of containers and sidecars; plain init containers have ended when they would matter. */
static void read_ports(struct reader *r)
{
	static const char *const lists[] = { "containers", "initContainers" };
	bool host = json_flag(r->spec, "hostNetwork", false);
	VEC(struct port) ports = { 0 };
	for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
		size_t i, k;
		json_t *c, *j;
		json_array_foreach(json_at(r->spec, lists[l]), i, c) {
			const char *policy = json_str(c, "restartPolicy");
			if (l == 1 && !(policy && strcmp(policy, "Always") == 0))
				continue;
			json_array_foreach(json_at(c, "ports"), k, j) {
				const char *ip = json_str(j, "hostIP"), *protocol = json_str(j, "protocol");
				int64_t n = json_int(j, "hostPort", 0);
				if (n == 0 && host)
					n = json_int(j, "containerPort", 0);
				if (n > 0)
					vec_push(&ports, (struct port){ ip && *ip ? intern(r->m->names, ip) : r->m->k.any_ip,
									protocol && *protocol ? intern(r->m->names, protocol) : r->m->k.tcp, n });
			}
		}
	}
	struct port *at = arena_array(r->m->arena, ports.len + 1, sizeof(*at));
	if (ports.len)
		memcpy(at, ports.at, ports.len * sizeof(*at));
	r->p->ports = at;
	r->p->n_ports = (uint32_t)ports.len;
	vec_free(&ports);
}

struct disk_list { struct disk *at; size_t len, cap; };

static void push_disk(struct reader *r, struct disk_list *l, const json_t *volume, bool never_shared, const char *kind, const char *a,
		      const char *b, const char *c)
{
	autofree char *text = xasprintf("%s %s %s %s", kind, a ? a : "", b ? b : "", c ? c : "");
	vec_push(l, (struct disk){ intern(r->m->names, text), json_flag(volume, "readOnly", false), never_shared });
}

static void read_disk(struct reader *r, struct disk_list *l, const json_t *volume)
{
	const json_t *v;
	size_t i;
	json_t *monitor;
	if ((v = json_at(volume, "gcePersistentDisk")))
		push_disk(r, l, v, false, "gce", json_str(v, "pdName"), NULL, NULL);
	if ((v = json_at(volume, "awsElasticBlockStore")))
		push_disk(r, l, v, true, "aws", json_str(v, "volumeID"), NULL, NULL);
	if ((v = json_at(volume, "iscsi")))
		push_disk(r, l, v, false, "iscsi", json_str(v, "iqn"), NULL, NULL);
	if ((v = json_at(volume, "rbd")))
		json_array_foreach(json_at(v, "monitors"), i, monitor)
			push_disk(r, l, v, false, "rbd", json_string_value(monitor), json_str(v, "pool") ? json_str(v, "pool") : "rbd",
				  json_str(v, "image"));
}

static void read_volumes(struct reader *r)
{
	struct disk_list disks = { 0 };
	VEC(sym) claims = { 0 };
	VEC(sym) own = { 0 };
	const char *ns = intern_text(r->m->names, r->p->ns), *name = r->p->name;
	size_t i;
	json_t *j;
	json_array_foreach(json_at(r->spec, "volumes"), i, j) {
		const char *claim = json_str(json_at(j, "persistentVolumeClaim"), "claimName");
		autofree char *key = NULL;
		if (claim)
			key = xasprintf("%s/%s", ns, claim);
		else if (json_is_object(json_at(j, "ephemeral")))
			key = xasprintf("%s/%s-%s", ns, name, json_str(j, "name") ? json_str(j, "name") : "");
		if (claim)
			vec_push(&claims, intern(r->m->names, key));
		else if (key)
			vec_push(&own, intern(r->m->names, key));
		read_disk(r, &disks, j);
	}
	struct disk *disk_at = arena_array(r->m->arena, disks.len + 1, sizeof(*disk_at));
	sym *claim_at = arena_array(r->m->arena, claims.len + own.len + 1, sizeof(*claim_at));
	if (disks.len)
		memcpy(disk_at, disks.at, disks.len * sizeof(*disk_at));
	if (claims.len)
		memcpy(claim_at, claims.at, claims.len * sizeof(*claim_at));
	if (own.len)
		memcpy(claim_at + claims.len, own.at, own.len * sizeof(*claim_at));
	r->p->disks = disk_at;
	r->p->n_disks = (uint32_t)disks.len;
	r->p->claims = claim_at;
	r->p->n_claims = (uint32_t)(claims.len + own.len);
	r->p->n_own = (uint32_t)own.len;
	vec_free(&disks);
	vec_free(&claims);
	vec_free(&own);
}

/* --- affinity and spread --------------------------------------------------------------------------------------------------- */

/* matchLabelKeys and mismatchLabelKeys, which an API server merges into the selector when the pod is made. For affinity that is all: of a STORED pod
 * it counts what the labels were then. For topology spread the scheduler asks for what they are now as well. */
static struct selector merge_keys(struct reader *r, struct selector s, const json_t *keys, bool in, bool stored)
{
	size_t i;
	json_t *j;
	json_array_foreach(keys, i, j) {
		sym value, key = intern(r->m->names, json_string_value(j));
		if (labels_get(&r->p->labels, key, &value) && !(stored && selector_asks(&s, key, in)))
			s = selector_with(r->m->arena, s, key, value, in);
	}
	return s;
}

static void read_term(struct reader *r, const json_t *j, struct pod_term *t)
{
	const json_t *ns = json_at(j, "namespaces");
	size_t n = json_array_size(ns), i;
	sym *at = arena_array(r->m->arena, n + 1, sizeof(*at));
	json_t *name;
	t->topology = sym_of(r, j, "topologyKey");
	t->pods = selector_parse(r->m->names, r->m->arena, json_at(j, "labelSelector"));
	t->namespaces = selector_parse(r->m->names, r->m->arena, json_at(j, "namespaceSelector"));
	t->pods = merge_keys(r, t->pods, json_at(j, "matchLabelKeys"), true, true);
	t->pods = merge_keys(r, t->pods, json_at(j, "mismatchLabelKeys"), false, true);
	json_array_foreach(ns, i, name)
		at[i] = intern(r->m->names, json_string_value(name));
	if (n == 0 && t->namespaces.nothing)
		at[n++] = r->p->ns;
	t->ns = at;
	t->n_ns = (uint32_t)n;
	if (t->pods.bad || t->namespaces.bad)
		refuse(r, "a label selector of its pod affinity is malformed");
}

static const struct pod_term *read_terms(struct reader *r, const char *kind, uint32_t *n)
{
	const json_t *array = json_path(r->spec, "affinity", kind, "requiredDuringSchedulingIgnoredDuringExecution", NULL);
	struct pod_term *at = arena_array(r->m->arena, json_array_size(array) + 1, sizeof(*at));
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j)
		read_term(r, j, &at[i]);
	*n = (uint32_t)json_array_size(array);
	return at;
}

static void read_spreads(struct reader *r)
{
	const json_t *array = json_at(r->spec, "topologySpreadConstraints");
	struct spread *at = arena_array(r->m->arena, json_array_size(array) + 1, sizeof(*at));
	uint32_t n = 0;
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j) {
		const char *when = json_str(j, "whenUnsatisfiable"), *affinity = json_str(j, "nodeAffinityPolicy"), *taints = json_str(j, "nodeTaintsPolicy");
		if (when && strcmp(when, "DoNotSchedule") != 0)
			continue;
		struct spread *s = &at[n++];
		s->topology = sym_of(r, j, "topologyKey");
		s->max_skew = json_int(j, "maxSkew", 1);
		s->min_domains = json_int(j, "minDomains", 1);
		s->honor_affinity = !affinity || strcmp(affinity, "Honor") == 0;
		s->honor_taints = taints && strcmp(taints, "Honor") == 0;
		s->pods = selector_parse(r->m->names, r->m->arena, json_at(j, "labelSelector"));
		s->pods = merge_keys(r, s->pods, json_at(j, "matchLabelKeys"), true, false);
		if (s->pods.bad)
			refuse(r, "a label selector of its topology spread is malformed");
	}
	r->p->spreads = at;
	r->p->n_spreads = n;
}

static void read_node_wishes(struct reader *r)
{
	const json_t *required = json_path(r->spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", NULL);
	r->p->node_labels = labels_parse(r->m->names, r->m->arena, json_at(r->spec, "nodeSelector"));
	r->p->has_node_terms = json_is_object(required);
	r->p->node_terms = node_terms_parse(r->m->names, r->m->arena, json_at(required, "nodeSelectorTerms"));
}

/* --- what only some kubelets can do ------------------------------------------------------------------------------------ */

static bool restarts_all(const json_t *containers)
{
	size_t i, k;
	json_t *c, *rule;
	json_array_foreach(containers, i, c)
		json_array_foreach(json_at(c, "restartPolicyRules"), k, rule)
			if (json_str(rule, "action") && strcmp(json_str(rule, "action"), "RestartAllContainers") == 0)
				return true;
	return false;
}

static void read_features(struct reader *r)
{
	if (restarts_all(json_at(r->spec, "containers")) || restarts_all(json_at(r->spec, "initContainers")))
		r->p->features |= FEATURE_RESTART_ALL;
	if (json_flag(r->spec, "hostNetwork", false) && !json_flag(r->spec, "hostUsers", true))
		r->p->features |= FEATURE_HOST_NETWORK_USERNS;
}

/* --- groups ------------------------------------------------------------------------------------------------------------------ */

static void read_group(struct reader *r, const json_t *meta)
{
	const json_t *labels = json_at(meta, "labels"), *notes = json_at(meta, "annotations");
	const struct { const char *name; enum group_dialect dialect; } rows[] = {
		{ json_str(notes, "aipc.dev/gang"), GROUP_OURS },
		{ json_str(labels, "aipc.dev/gang"), GROUP_OURS },
		{ json_str(json_at(r->spec, "schedulingGroup"), "podGroupName"), GROUP_UPSTREAM },
		{ json_str(labels, "scheduling.x-k8s.io/pod-group"), GROUP_COSCHEDULING },
		{ json_str(labels, "kueue.x-k8s.io/pod-group-name"), GROUP_KUEUE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) && !r->p->dialect; i++) {
		if (rows[i].name && *rows[i].name) {
			r->p->dialect = rows[i].dialect;
			r->p->group_name = intern(r->m->names, rows[i].name);
		}
	}
	r->p->plan = arena_strdup(r->m->arena, json_str(notes, "aipc.dev/plan"));
}

/* The rank: what a controller wrote down, else the number at the end of the name. */
static int64_t read_rank(const json_t *meta, const char *name)
{
	static const char *const keys[] = {
		"aipc.dev/rank", "batch.kubernetes.io/job-completion-index", "apps.kubernetes.io/pod-index",
		"leaderworkerset.sigs.k8s.io/worker-index", "training.kubeflow.org/replica-index",
	};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *text = json_str(json_at(meta, "annotations"), keys[i]);
		if (!text)
			text = json_str(json_at(meta, "labels"), keys[i]);
		if (text && *text && strlen(text) <= 9 && strspn(text, "0123456789") == strlen(text))
			return atoll(text);
	}
	size_t n = strlen(name), digits = 0;
	while (digits < n && digits < 9 && strchr("0123456789", name[n - digits - 1]))
		digits++;
	return digits && digits < n && name[n - digits - 1] == '-' ? atoll(name + n - digits) : INT64_MAX;
}

/* --- moves ------------------------------------------------------------------------------------------------------------------ */

/* Will somebody make another pod like it when it goes, and not for the same node? */
static bool made_again(const json_t *meta)
{
	size_t i;
	json_t *owner;
	json_array_foreach(json_at(meta, "ownerReferences"), i, owner) {
		const char *kind = json_str(owner, "kind");
		if (json_flag(owner, "controller", false))
			return kind && strcmp(kind, "DaemonSet") != 0 && strcmp(kind, "Node") != 0;
	}
	return false;
}

/* A volume that is made with the pod and for it: the next pod's is another one, which nobody has bound. */
static bool has_own_volume(const json_t *spec)
{
	size_t i;
	json_t *volume;
	json_array_foreach(json_at(spec, "volumes"), i, volume)
		if (json_is_object(json_at(volume, "ephemeral")))
			return true;
	return false;
}

static bool read_movable(const struct reader *r, const json_t *meta)
{
	const json_t *notes = json_at(meta, "annotations");
	const char *says = json_str(notes, "aipc.dev/movable");
	return says && strcmp(says, "true") == 0 && !json_at(notes, "kubernetes.io/config.mirror") && !r->p->dialect && made_again(meta) && !has_own_volume(r->spec);
}

/* --- the rest ------------------------------------------------------------------------------------------------------------------ */

int64_t time_ms(const char *text)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	return end ? (int64_t)timegm(&tm) * 1000 : 0;
}

int64_t span_ms(const char *text)
{
	static const struct { char unit; int64_t ms; } units[] = { { 'd', 86400000 }, { 'h', 3600000 }, { 'm', 60000 }, { 's', 1000 } };
	const int64_t most = (int64_t)3650 * 86400000;
	int64_t sum = 0;
	size_t next = 0;
	while (text && *text) {
		size_t digits = strspn(text, "0123456789");
		if (!digits || digits > 9)
			return 0;
		int64_t n = atoll(text);
		text += digits;
		if (!*text && !next)
			return n * 1000 < most ? n * 1000 : 0;
		while (next < ARRAY_LEN(units) && units[next].unit != *text)
			next++;
		if (next == ARRAY_LEN(units))
			return 0;
		sum += n * units[next++].ms;
		text++;
	}
	return sum < most ? sum : 0;
}

static void read_priority(struct reader *r)
{
	const char *class = json_str(r->spec, "priorityClassName"), *policy = json_str(r->spec, "preemptionPolicy");
	const json_t *value = json_at(r->spec, "priority");
	sym name = intern(r->m->names, class);
	r->p->never_preempts = policy && strcmp(policy, "Never") == 0;
	r->p->priority = json_is_integer(value) ? json_integer_value(value) : INT64_MIN;
	for (size_t i = 0; r->p->priority == INT64_MIN && i < r->m->priorities.len; i++) {
		const struct priority_class *c = &r->m->priorities.at[i];
		if (class && *class ? c->name == name : c->is_default) {
			r->p->priority = c->value;
			r->p->never_preempts = policy ? r->p->never_preempts : c->never_preempts;
		}
	}
	if (r->p->priority == INT64_MIN)
		r->p->priority = class && strcmp(class, "system-node-critical") == 0 ? 2000001000 :
				 class && strcmp(class, "system-cluster-critical") == 0 ? 2000000000 : 0;
	r->p->own_priority = r->p->priority;
}

static void read_gates(struct reader *r)
{
	const json_t *array = json_at(r->spec, "schedulingGates");
	const char **at = arena_array(r->m->arena, json_array_size(array) + 1, sizeof(*at));
	size_t i;
	json_t *j;
	json_array_foreach(array, i, j)
		at[i] = arena_strdup(r->m->arena, json_str(j, "name") ? json_str(j, "name") : "");
	r->p->gates = at;
	r->p->n_gates = (uint32_t)json_array_size(array);
}

/* Pods with the same text ask the same of a node and its devices. */
static sym class_text(struct reader *r)
{
	autojson json_t *j = json_object();
	static const char *const parts[] = { "nodeSelector", "tolerations" };
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (json_at(r->spec, parts[i]))
			json_put_new(j, parts[i], json_ref(json_at(r->spec, parts[i])));
	const json_t *affinity = json_path(r->spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", NULL);
	if (affinity)
		json_put_new(j, "affinity", json_ref(affinity));
	autostr struct str s;
	str_init(&s, STR_OURS);
	json_write(j, 0, &s);
	for (uint32_t i = 0; i < r->p->wants.n; i++)
		str_addf(&s, " %u=%lld", r->p->wants.at[i].res, (long long)r->p->wants.at[i].n);
	for (uint32_t i = 0; i < r->p->n_ports; i++)
		str_addf(&s, " p%u.%u.%lld", r->p->ports[i].ip, r->p->ports[i].protocol, (long long)r->p->ports[i].number);
	for (uint32_t i = 0; i < r->p->n_disks; i++)
		str_addf(&s, " d%u.%d", r->p->disks[i].id, r->p->disks[i].read_only);
	for (uint32_t i = 0; i < r->p->n_claims; i++)
		str_addf(&s, " c%u", r->p->claims[i]);
	if (r->p->n_own)
		str_addf(&s, " o%u.%s", r->p->n_own, r->p->uid);
	if (r->p->features)
		str_addf(&s, " f%u", r->p->features);
	return intern(r->m->names, s.at);
}

/* What was said before about why it waits, and whether it runs. */
static void read_status(struct reader *r, const json_t *status)
{
	const json_t *conditions = json_at(status, "conditions");
	const char *phase = json_str(status, "phase");
	size_t i;
	json_t *j;
	json_array_foreach(conditions, i, j) {
		const char *type = json_str(j, "type"), *value = json_str(j, "status");
		if (!type || !value || strcmp(type, "PodScheduled") != 0 || strcmp(value, "False") != 0)
			continue;
		r->p->said_reason = arena_strdup(r->m->arena, json_str(j, "reason") ? json_str(j, "reason") : "");
		r->p->said_message = arena_strdup(r->m->arena, json_str(j, "message") ? json_str(j, "message") : "");
	}
	r->p->started = (phase && strcmp(phase, "Pending") != 0 && *phase) || json_str(status, "startTime");
	r->p->since_ms = time_ms(json_str(status, "startTime"));
	r->p->running = phase && strcmp(phase, "Running") == 0;
	r->p->nominated = arena_strdup(r->m->arena, json_str(status, "nominatedNodeName"));
	int64_t seconds = json_int(r->spec, "activeDeadlineSeconds", 0);
	r->p->deadline_ms = seconds > 0 && seconds < 1000000000 ? seconds * 1000 : 0;
}

static void read_spec(struct reader *r, const json_t *j)
{
	const char *why = resources_of_pod(r->m, j, false, &r->p->wants);
	if (why)
		refuse(r, why);
	resources_of_pod(r->m, j, true, &r->p->uses);
	if (json_is_object(json_at(r->spec, "workloadRef")))
		refuse(r, "it names a Workload of scheduling.k8s.io/v1alpha1, which is not read; use a PodGroup of v1alpha2 or v1beta1, or a Gang");
	if (json_array_size(json_at(r->spec, "resourceClaims")))
		refuse(r, "it uses resource claims (DRA), which this scheduler cannot allocate");
	for (uint32_t i = 0; i < r->p->wants.n; i++)
		if (str_has_prefix(intern_text(r->m->names, r->p->wants.at[i].res), "deviceclass.resource.kubernetes.io/"))
			refuse(r, "it asks for a device class (DRA), which this scheduler cannot allocate");
	read_node_wishes(r);
	read_tolerations(r);
	read_ports(r);
	read_volumes(r);
	read_features(r);
	r->p->near = read_terms(r, "podAffinity", &r->p->n_near);
	r->p->apart = read_terms(r, "podAntiAffinity", &r->p->n_apart);
	read_spreads(r);
	read_priority(r);
	read_gates(r);
}

struct pod *pod_parse(struct model *m, const json_t *j)
{
	const json_t *meta = json_at(j, "metadata");
	const char *name = json_str(meta, "name"), *ns = json_str(meta, "namespace"), *scheduler = json_str(json_at(j, "spec"), "schedulerName");
	if (!name || !*name)
		return NULL;
	struct pod *p = arena_alloc(m->arena, sizeof(*p));
	struct reader r = { m, p, json_at(j, "spec") };
	p->ns = intern(m->names, ns && *ns ? ns : "default");
	p->refs = 1;
	p->name = arena_strdup(m->arena, name);
	p->key = arena_printf(m->arena, "%s/%s", intern_text(m->names, p->ns), name);
	p->uid = arena_strdup(m->arena, json_str(meta, "uid") ? json_str(meta, "uid") : "");
	p->scheduler = intern(m->names, scheduler && *scheduler ? scheduler : "default-scheduler");
	p->labels = labels_parse(m->names, m->arena, json_at(meta, "labels"));
	p->terminating = p->deleted = json_is_string(json_at(meta, "deletionTimestamp"));
	p->created_ms = time_ms(json_str(meta, "creationTimestamp"));
	p->runtime_ms = span_ms(json_str(json_at(meta, "annotations"), "aipc.dev/expected-runtime"));
	p->checkpoint_ms = time_ms(json_str(json_at(meta, "annotations"), "aipc.dev/last-checkpoint"));
	m->newest_ms = p->created_ms > m->newest_ms ? p->created_ms : m->newest_ms;
	m->newest_ms = p->checkpoint_ms > m->newest_ms ? p->checkpoint_ms : m->newest_ms;
	p->rank = read_rank(meta, name);
	p->node_name = intern(m->names, json_str(r.spec, "nodeName"));
	read_spec(&r, j);
	read_group(&r, meta);
	p->wishes = json_ref(json_at(meta, "annotations"));
	read_status(&r, json_at(j, "status"));
	p->movable = read_movable(&r, meta);
	if (!p->node_name || p->movable)
		p->class_key = class_text(&r);
	return p;
}
