#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "runtime/builtin.h"
#include "runtime/controllers/decide.h"
#include "runtime/controllers/xid.h"

enum action { ACT_IGNORE, ACT_WATCH, ACT_FENCE };

/* What a policy says about one type of condition, read once for all nodes. */
struct rule { const char *type, *status; enum action action; int64_t for_s; };
struct rules { struct rule *at; size_t len, cap; };

/* The worst that is known of a node. UNTIL: what must happen before the fence can go: "sign" (it is gone), "reboot", "repair". */
struct finding {
	enum action action;
	int weight;                  /* among equal actions the heavier one is told and fenced first */
	const char *until;
	char reason[64], message[400];
};

/* What each bucket of the Xid catalogue means here: the policy's key, its default, the reason, what clears it, its weight. */
static const struct bucket { const char *bucket, *key, *deflt, *reason, *until; int weight; } rows[] = {
	{ "restart_app", "restartApp", "Ignore", "XidRestartApplication", "sign", 1 },
	{ "unknown", "unknown", "Watch", "XidUnknown", "repair", 2 },
	{ "workflow", "workflow", "Fence", "XidProcedure", "reboot", 4 },
	{ "contact_support", "contactSupport", "Fence", "XidContactSupport", "repair", 5 },
	{ "reset_gpu", "resetGpu", "Fence", "XidResetGpu", "reboot", 6 },
	{ "reboot_node", "rebootNode", "Fence", "XidRebootNode", "reboot", 7 },
};

static enum action action_of(const char *text)
{
	return strcmp(text, "Fence") == 0 ? ACT_FENCE : strcmp(text, "Watch") == 0 ? ACT_WATCH : ACT_IGNORE;
}

static void stamp_put(json_t *obj, const char *key, int64_t ms)
{
	char text[32];
	clock_stamp(ms, text);
	json_put_str(obj, key, text);
}

const json_t *policy_of(const struct fleet *f, const struct fleet_node *n)
{
	(void)f;
	return n->policy;
}

int64_t seconds_at(const json_t *obj, const char *key, int64_t deflt)
{
	enum { MOST = 10 * 366 * 86400 };
	int64_t n = json_int(obj, key, deflt);
	return n < 0 ? 0 : n > MOST ? MOST : n;
}

json_t *decide_node(json_t *out, const char *what, const struct fleet_node *n, const char *reason, const char *fmt, ...)
{
	char message[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	json_t *d = json_object();
	json_put_str(d, "do", what);
	json_put_str(d, "node", n->name);
	json_put_str(d, "uid", n->uid);
	json_put_str(d, "version", n->version);
	json_put_str(d, "reason", reason);
	json_put_str(d, "message", message);
	json_array_append_new(out, d);
	return d;
}

/* --- findings ------------------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 6, 7)))
static void found(struct finding *worst, enum action action, int weight, const char *until, const char *reason, const char *fmt, ...)
{
	va_list ap;
	if (action < worst->action || (action == worst->action && weight <= worst->weight) || action == ACT_IGNORE)
		return;
	worst->action = action;
	worst->weight = weight;
	worst->until = until;
	snprintf(worst->reason, sizeof(worst->reason), "%s", reason);
	va_start(ap, fmt);
	vsnprintf(worst->message, sizeof(worst->message), fmt, ap);
	va_end(ap);
}

/* For how long the condition has been as it is; -1: nobody says. */
static int64_t age_s(const struct fleet *f, const json_t *c)
{
	int64_t since = time_parse(json_str(c, "lastTransitionTime"));
	return since < 0 ? -1 : since > f->now_ms ? 0 : (f->now_ms - since) / 1000;
}

/* Decisions come out otherwise once the condition has been so for LIMIT seconds. */
static void due_at_age(const struct fleet *f, const json_t *c, int64_t limit)
{
	int64_t since = time_parse(json_str(c, "lastTransitionTime"));
	if (since >= 0)
		fleet_due(f, since + limit * 1000);
}

static void find_not_ready(const struct fleet *f, const json_t *spec, const json_t *c, struct finding *worst)
{
	int64_t age = age_s(f, c), limit = seconds_at(spec, "notReadySeconds", 300);
	if (strcmp(word(c, "status"), "True") == 0)
		return;
	if (age < limit) {
		due_at_age(f, c, limit);
		return;
	}
	found(worst, ACT_FENCE, 3, "sign", "NotReady", "not ready for %lld s (%.100s)", (long long)age, word(c, "reason"));
}

/* A reason must be one word: what a condition is called may hold anything. */
static void as_reason(const char *type, char *out, size_t size)
{
	size_t n = 0;
	for (; *type && n + 1 < size; type++)
		if ((*type >= 'A' && *type <= 'Z') || (*type >= 'a' && *type <= 'z') || (n && *type >= '0' && *type <= '9'))
			out[n++] = *type;
	snprintf(out + n, size - n, "%s", n ? "" : "Condition");
}

static void read_rules(const json_t *list, struct rules *out)
{
	size_t i;
	json_t *r;
	json_array_foreach(list, i, r) {
		const char *status = json_str(r, "status"), *action = json_str(r, "action");
		vec_push(out, (struct rule){ word(r, "type"), status ? status : "True", action_of(action ? action : "Fence"), seconds_at(r, "forSeconds", 0) });
	}
}

static void find_condition(const struct fleet *f, const struct rules *rules, const json_t *c, struct finding *worst)
{
	const char *type = word(c, "type"), *status = word(c, "status");
	char reason[48];
	for (size_t i = 0; i < rules->len; i++) {
		const struct rule *rule = &rules->at[i];
		if (strcmp(rule->status, status) != 0 || !str_glob(rule->type, type))
			continue;
		if (rule->for_s > 0 && age_s(f, c) < rule->for_s) {
			due_at_age(f, c, rule->for_s);
			return;
		}
		as_reason(type, reason, sizeof(reason));
		found(worst, rule->action, 3, "sign", reason, "condition %.60s is %s: %.200s", word(c, "type"), word(c, "status"), word(c, "message"));
		return;          /* the first rule that fits decides */
	}
}

static void find_xid(const json_t *policy, const struct fleet_node *n, int code, const char *tail, struct finding *worst)
{
	const json_t *xid = json_at(json_at(policy, "spec"), "xid");
	const char *product = node_label(n, "aipc.dev/gpu-product"), *override = NULL;
	struct xid_verdict v;
	size_t i;
	json_t *o;
	xid_judge(code, product ? product : node_label(n, "nvidia.com/gpu.product"), tail, &v);
	json_array_foreach(json_at(xid, "overrides"), i, o) {
		if (json_int(o, "code", 0) == code)
			override = json_str(o, "action");
	}
	if (!override && strcmp(v.bucket, "ignore") == 0)
		return;
	const struct bucket *row = &rows[1];
	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].bucket, v.bucket) == 0)
			row = &rows[i];
	const char *action = override ? override : json_str(xid, row->key);
	found(worst, action_of(action ? action : row->deflt), row->weight, row->until, row->reason, "Xid %s", v.why);
}

/* The annotation: CODE or CODE@TIME, separated by commas. Entries up to AFTER no longer count; one without a time always does. */
static void find_annotated(const json_t *policy, const struct fleet_node *n, int64_t after, struct finding *worst)
{
	const char *p = json_str(n->notes, KEY_XID);
	for (int k = 0; p && *p && k < 64; k++) {
		size_t len = strcspn(p, ",");
		char entry[64], *at, *end;
		snprintf(entry, sizeof(entry), "%.*s", (int)(len < 63 ? len : 63), p + strspn(p, " "));
		p += len;
		p += *p == ',';
		at = strchr(entry, '@');
		if (at)
			*at++ = '\0';
		unsigned long code = strtoul(entry, &end, 10);
		int64_t when = at ? time_parse(at) : INT64_MAX;
		if (end == entry || *end || code < 1 || code > 100000 || when < 0)
			found(worst, ACT_WATCH, 9, "sign", "BadAnnotation", "annotation " KEY_XID " has \"%.60s\"; it takes CODE or CODE@TIME", entry);
		else if (when > after)
			find_xid(policy, n, (int)code, NULL, worst);
	}
}

static int64_t event_time(const json_t *e)
{
	static const char *const keys[] = { "lastTimestamp", "eventTime", "deprecatedLastTimestamp" };
	int64_t t = time_parse(json_str(json_at(e, "series"), "lastObservedTime"));
	for (size_t i = 0; t < 0 && i < ARRAY_LEN(keys); i++)
		t = time_parse(json_str(e, keys[i]));
	return t < 0 ? time_parse(json_str(json_at(e, "metadata"), "creationTimestamp")) : t;
}

static void find_events(const struct fleet *f, const json_t *policy, const struct fleet_node *n, int64_t after, struct finding *worst)
{
	int64_t window = seconds_at(json_at(json_at(policy, "spec"), "xid"), "windowSeconds", 3600) * 1000;
	for (size_t i = 0; i < n->events.len; i++) {
		const json_t *e = n->events.at[i];
		const char *text = json_str(e, "message"), *from = json_str(json_at(e, "source"), "component");
		int64_t when = event_time(e);
		int code;
		from = from && *from ? from : json_str(e, "reportingController");
		from = from && *from ? from : json_str(e, "reportingComponent");
		/* Our own events name Xids too. */
		if ((from && (str_has_prefix(from, "aipc-") || str_has_prefix(from, "aipc.dev/"))) || when <= after || when < f->now_ms - window)
			continue;
		fleet_due(f, when + window + 1);
		text = text ? text : word(e, "note");
		for (int k = 0; k < 64 && xid_scan(&text, &code); k++)
			find_xid(policy, n, code, text, worst);
	}
}

/* The policy's rules for conditions; those of the built-in list where it has none. */
static void rules_of(const json_t *policy, struct rules *out)
{
	static json_t *defaults;
	const json_t *own = json_at(json_at(policy, "spec"), "conditions");
	if (!defaults)
		defaults = builtin_json("conditions.json");
	read_rules(own ? own : json_at(defaults, "conditions"), out);
}

static void examine(const struct fleet *f, const json_t *policy, const struct rules *rules, const struct fleet_node *n, int64_t after, struct finding *worst)
{
	const json_t *spec = json_at(policy, "spec");
	size_t i;
	json_t *c;
	*worst = (struct finding){ .until = "sign" };
	json_array_foreach(n->conditions, i, c) {
		if (strcmp(word(c, "type"), "Ready") == 0)
			find_not_ready(f, spec, c, worst);
		else
			find_condition(f, rules, c, worst);
	}
	find_annotated(policy, n, after, worst);
	find_events(f, policy, n, after, worst);
}

/* --- one node ------------------------------------------------------------------------------------------------------------- */

struct candidate { const struct fleet_node *n; struct finding f; };
/* One limit of the blast radius, with the nodes of each domain and how many of them are fenced, by path. */
struct limit { const char *name; int level; int64_t percent; json_t *total, *fenced; };
struct ruling {
	const struct fleet *f;
	const json_t *policy;
	VEC(const struct fleet_node *) ruled;
	VEC(struct candidate) wanted;
	struct rules rules;
	struct levels levels;
	VEC(struct limit) limits;
	json_t *out;
	int64_t fenced, held;
};

/* Has what the fence waited for happened? Positive evidence only. */
static bool released(const struct fleet_node *n, const json_t *note)
{
	const char *until = word(note, "until"), *boot = word(note, "boot");
	int64_t repaired = time_parse(json_str(n->notes, KEY_REPAIRED)), since = time_parse(json_str(note, "since"));
	if (strcmp(until, "sign") == 0 || (repaired >= 0 && repaired >= since))
		return true;
	return strcmp(until, "reboot") == 0 && *boot && *n->boot && strcmp(boot, n->boot) != 0;
}

static void decide_fenced(struct ruling *r, const struct fleet_node *n, const json_t *note)
{
	int64_t now = r->f->now_ms, since = time_parse(json_str(note, "since")), clear = time_parse(json_str(note, "clear"));
	bool free_ = released(n, note);
	struct finding worst;
	examine(r->f, r->policy, &r->rules, n, !free_ ? since : clear >= 0 ? clear : now, &worst);
	autojson json_t *next = json_deep_copy(note);
	if (!free_ || worst.action == ACT_FENCE) {
		if (clear >= 0) {
			json_object_del(next, "clear");
			json_put_new(decide_node(r->out, "note", n, "Relapsed", "bad again before the fence was lifted"), "note", json_ref(next));
		}
		return;
	}
	int64_t wait = seconds_at(json_at(r->policy, "spec"), "recoverSeconds", 300);
	if (clear >= 0 || wait == 0) {
		if (now - (clear >= 0 ? clear : now) < wait * 1000) {
			fleet_due(r->f, clear + wait * 1000);
			return;
		}
		autojson json_t *after = json_object();
		stamp_put(after, "cleared", now);
		json_put_new(decide_node(r->out, "lift", n, "Recovered", "nothing wrong for %lld s; was fenced for %.60s", (long long)wait, word(note, "reason")), "note", json_ref(after));
		return;
	}
	stamp_put(next, "clear", now);
	json_put_new(decide_node(r->out, "note", n, "Recovering", "nothing wrong; the fence is lifted in %lld s", (long long)wait), "note", json_ref(next));
}

static void decide_node_health(struct ruling *r, const struct fleet_node *n)
{
	autojson json_t *note = node_note(n, KEY_FENCE);
	if (node_taint(n, KEY_UNHEALTHY)) {
		r->fenced++;
		if (json_str(note, "since"))
			decide_fenced(r, n, note);
		return;
	}
	int64_t cleared = time_parse(json_str(note, "cleared")), repaired = time_parse(json_str(n->notes, KEY_REPAIRED));
	struct candidate c = { .n = n };
	examine(r->f, r->policy, &r->rules, n, repaired > cleared ? repaired : cleared, &c.f);
	if (c.f.action == ACT_FENCE)
		vec_push(&r->wanted, c);
	else if (c.f.action == ACT_WATCH)
		decide_node(r->out, "watch", n, c.f.reason, "%s", c.f.message);
}

/* --- the blast radius ------------------------------------------------------------------------------------------------------ */

static int by_weight(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;
	return p->f.weight != q->f.weight ? (p->f.weight > q->f.weight ? -1 : 1) : str_natural_cmp(p->n->name, q->n->name);
}

static void count(json_t *counts, const char *path)
{
	if (path)
		json_put_int(counts, path, json_int(counts, path, 0) + 1);
}

/* A node without the labels of a level is in no domain of it. */
static void count_fenced(struct ruling *r, const struct fleet_node *n)
{
	for (size_t i = 0; i < r->limits.len; i++)
		if (r->limits.at[i].level >= -1)
			count(r->limits.at[i].fenced, fleet_domain(r->f, &r->levels, n, r->limits.at[i].level));
}

static void read_limits(struct ruling *r)
{
	autojson json_t *deflt = json_pack("[{s:s,s:i}]", "level", "cluster", "percent", 10);
	const json_t *limits = json_at(json_at(json_at(r->policy, "spec"), "blastRadius"), "limits");
	size_t i;
	json_t *l;
	json_array_foreach(limits ? limits : deflt, i, l) {
		struct limit limit = { word(l, "level"), levels_find(&r->levels, json_str(l, "level")), json_int(l, "percent", 0), json_object(), json_object() };
		limit.name = arena_strdup(r->f->a, limit.name);
		vec_push(&r->limits, limit);
		for (size_t k = 0; limit.level >= -1 && k < r->ruled.len; k++)
			count(limit.total, fleet_domain(r->f, &r->levels, r->ruled.at[k], limit.level));
	}
	for (size_t k = 0; k < r->ruled.len; k++)
		if (node_taint(r->ruled.at[k], KEY_UNHEALTHY))
			count_fenced(r, r->ruled.at[k]);
}

static bool domain_full(const struct limit *l, const char *domain)
{
	if (!domain)
		return false;
	int64_t percent = l->percent < 0 ? 0 : l->percent > 100 ? 100 : l->percent, allowed = json_int(l->total, domain, 0) * percent / 100;
	if (percent > 0 && allowed == 0)
		allowed = 1;
	return json_int(l->fenced, domain, 0) + 1 > allowed;
}

static bool held_back(struct ruling *r, const struct candidate *c)
{
	for (size_t i = 0; i < r->limits.len; i++) {
		const struct limit *l = &r->limits.at[i];
		/* A level that does not exist protects nothing that we can count: then nothing is fenced, and it is said. */
		const char *domain = l->level == -2 ? NULL : fleet_domain(r->f, &r->levels, c->n, l->level);
		if (l->level != -2 && !domain_full(l, domain))
			continue;
		json_t *d = l->level == -2 ? decide_node(r->out, "hold", c->n, "UnknownLevel", "not fenced for %s: the limit names the level \"%.60s\", which is not there",
							 c->f.message, l->name)
					   : decide_node(r->out, "hold", c->n, "BlastRadius", "not fenced for %s: %lld %% of %.200s is the limit and reached", c->f.message,
							 (long long)l->percent, domain);
		json_put_str(d, "level", l->name);
		json_put_str(d, "domain", domain);
		r->held++;
		return true;
	}
	return false;
}

static void fence(struct ruling *r, const struct candidate *c)
{
	const json_t *spec = json_at(r->policy, "spec");
	bool dry = json_flag(spec, "dryRun", false);
	const char *effect = json_str(spec, "effect");
	json_t *d = decide_node(r->out, dry ? "would-fence" : "fence", c->n, c->f.reason, "%s", c->f.message), *note = json_object();
	json_put_str(note, "reason", c->f.reason);
	json_put_str(note, "policy", word(json_at(r->policy, "metadata"), "name"));
	json_put_str(note, "until", c->f.until);
	json_put_str(note, "boot", c->n->boot);
	stamp_put(note, "since", r->f->now_ms);
	json_put_str(d, "effect", effect ? effect : "NoSchedule");
	json_put_new(d, "note", note);
	r->fenced += !dry;
}

static void rule(struct ruling *r)
{
	const json_t *meta = json_at(r->policy, "metadata"), *radius = json_at(json_at(r->policy, "spec"), "blastRadius");
	const char *topology = json_str(radius, "topology");
	fleet_levels(r->f, topology ? topology : "default", &r->levels);
	read_limits(r);
	rules_of(r->policy, &r->rules);
	for (size_t i = 0; i < r->ruled.len; i++)
		decide_node_health(r, r->ruled.at[i]);
	if (r->wanted.len)
		qsort(r->wanted.at, r->wanted.len, sizeof(*r->wanted.at), by_weight);
	for (size_t i = 0; i < r->wanted.len; i++) {
		if (held_back(r, &r->wanted.at[i]))
			continue;
		fence(r, &r->wanted.at[i]);
		count_fenced(r, r->wanted.at[i].n);
	}
	json_t *d = json_object();
	json_put_str(d, "do", "status");
	json_put_str(d, "policy", word(meta, "name"));
	json_put_str(d, "uid", word(meta, "uid"));
	json_put_int(d, "observedGeneration", json_int(meta, "generation", 0));
	json_put_int(d, "nodes", (json_int_t)r->ruled.len);
	json_put_int(d, "fenced", r->fenced);
	json_put_int(d, "held", r->held);
	json_put_str(d, "reason", r->held ? "BlastRadius" : "WithinLimits");
	json_array_append_new(r->out, d);
}

json_t *health_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t p = 0; p < f->policies.len; p++) {
		struct ruling r = { .f = f, .policy = f->policies.at[p], .out = out };
		for (size_t i = 0; i < f->nodes.len; i++)
			if (policy_of(f, f->nodes.at[i]) == r.policy)
				vec_push(&r.ruled, f->nodes.at[i]);
		rule(&r);
		for (size_t i = 0; i < r.limits.len; i++) {
			json_decref(r.limits.at[i].total);
			json_decref(r.limits.at[i].fenced);
		}
		vec_free(&r.limits);
		vec_free(&r.rules);
		vec_free(&r.ruled);
		vec_free(&r.wanted);
	}
	return out;
}
