/* What must be undone when a policy goes, and what people see on a node of what was done to it. */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "runtime/controllers/act.h"
#include "runtime/controllers/decide.h"

static bool of_policy(const json_t *note, const char *policy)
{
	return note && strcmp(word(note, "policy"), policy) == 0;
}

/* Takes off N what the policy that goes has put there. A node that another policy rules stays as it is: that one decides from now on. Returns
 * the number of things that are still there. */
static int undo_node(const struct fleet_node *n, const char *policy, bool last, json_t *out)
{
	autojson json_t *fence = node_note(n, KEY_FENCE), *guard = node_note(n, KEY_GUARD_NOTE);
	int left = 0;
	if (node_taint(n, KEY_UNHEALTHY) && of_policy(fence, policy)) {
		decide_node(out, "lift", n, "PolicyDeleted", "the policy %.100s is deleted and no other rules the node", policy);
		left++;
	}
	if (guard && (of_policy(guard, policy) || (last && !json_str(guard, "policy")))) {
		decide_node(out, node_taint(n, KEY_GUARD) ? "unguard" : "unsuspect", n, "PolicyDeleted", "the policy %.100s is deleted and no other rules the node", policy);
		left++;
	}
	return left;
}

static json_t *about_policy(json_t *out, const char *what, const json_t *policy, const char *reason, const char *message)
{
	json_t *d = json_object();
	json_put_str(d, "do", what);
	json_put_str(d, "policy", word(json_at(policy, "metadata"), "name"));
	json_put_str(d, "uid", word(json_at(policy, "metadata"), "uid"));
	json_put_str(d, "reason", reason);
	json_put_str(d, "message", message);
	json_array_append_new(out, d);
	return d;
}

static bool holds(const json_t *policy)
{
	size_t i;
	json_t *f;
	json_array_foreach(json_at(json_at(policy, "metadata"), "finalizers"), i, f) {
		if (json_is_string(f) && strcmp(json_string_value(f), CTL_FINALIZER) == 0)
			return true;
	}
	return false;
}

json_t *undo_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t p = 0; p < f->policies.len; p++) {
		const json_t *policy = f->policies.at[p], *meta = json_at(policy, "metadata");
		bool going = json_str(meta, "deletionTimestamp") != NULL;
		int left = 0;
		if (!going && !holds(policy))
			about_policy(out, "hold-end", policy, "Ruling", "the policy rules nodes: before it goes, what it did to them is undone");
		for (size_t i = 0; going && holds(policy) && i < f->nodes.len; i++)
			if (!policy_of(f, f->nodes.at[i]))
				left += undo_node(f->nodes.at[i], word(meta, "name"), f->policies.len == 1, out);
		if (going && holds(policy) && !left)
			about_policy(out, "release", policy, "PolicyDeleted", "nothing of the policy is left on any node");
	}
	return out;
}

/* --- marks ---------------------------------------------------------------------------------------------------------------- */

static const struct mark { const char *type, *taint, *note, *free_; } marks[] = {
	{ "AipcFenced", KEY_UNHEALTHY, KEY_FENCE, "no fence of aipc" },
	{ "AipcGuarded", KEY_GUARD, KEY_GUARD_NOTE, "the node is what was declared" },
};

static const json_t *condition_of(const struct fleet_node *n, const char *type)
{
	size_t i;
	json_t *c;
	json_array_foreach(n->conditions, i, c) {
		if (strcmp(word(c, "type"), type) == 0)
			return c;
	}
	return NULL;
}

/* The condition that N should have by what is on it; NULL: it has it, or needs none (it never was marked). */
static json_t *mark_of(const struct fleet_node *n, const struct mark *m)
{
	const json_t *have = condition_of(n, m->type), *taint = node_taint(n, m->taint);
	autojson json_t *note = taint ? node_note(n, m->note) : NULL;
	const char *status = taint && note ? "True" : "False", *reason = taint && note && *word(taint, "value") ? word(taint, "value") : "Free";
	if (have ? strcmp(word(have, "status"), status) == 0 && strcmp(word(have, "reason"), reason) == 0 : strcmp(status, "False") == 0)
		return NULL;
	autofree char *message = note ? xasprintf("since %.40s%s%.100s", word(note, "since"), json_str(note, "policy") ? " by the policy " : "", word(note, "policy")) : xstrdup(m->free_);
	return json_pack("{s:s,s:s,s:s,s:s}", "type", m->type, "status", status, "reason", reason, "message", message);
}

static void decide_mark(json_t *out, const struct fleet_node *n, json_t *list)
{
	autostr struct str text;
	size_t i;
	json_t *c;
	str_init(&text, STR_OURS);
	json_array_foreach(list, i, c) {
		str_addf(&text, "%s%s is %s (%.80s)", i ? ", " : "", word(c, "type"), word(c, "status"), word(c, "reason"));
	}
	json_put_new(decide_node(out, "mark", n, "Marking", "condition %s", text.at), "conditions", json_ref(list));
}

json_t *marks_decide(const struct fleet *f)
{
	json_t *out = json_array();
	for (size_t i = 0; i < f->nodes.len; i++) {
		autojson json_t *list = json_array();
		for (size_t k = 0; k < ARRAY_LEN(marks); k++) {
			json_t *c = mark_of(f->nodes.at[i], &marks[k]);
			if (c)
				json_array_append_new(list, c);
		}
		if (json_array_size(list))
			decide_mark(out, f->nodes.at[i], list);
	}
	return out;
}
