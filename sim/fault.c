#include "sim/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/update.h"

enum kind { LATENCY, STATUS, DROP, BLACK_HOLE, BAD_JSON, GARBAGE, WRONG_ETAG, LOST_TASK, RESET_MID_UPDATE, STALL, KINDS };

static const char *const kinds[KINDS] = { "latency", "status", "drop", "black_hole", "bad_json", "garbage", "wrong_etag",
	"lost_task", "reset_mid_update", "stall" };

struct fault {
	enum kind kind;
	char *bmc, *method, *path;
	uint32_t skip, count;        /* count 0: no limit */
	double probability;
	int64_t ms;
	int status, retry_after;
	enum fault_drop when;
	bool accept;
	uint32_t *seen;              /* matches by BMC; NULL until the first */
};

struct fault_plan {
	VEC(struct fault) faults;
	unsigned n_bmcs;
};

static int read_kind(const json_t *j, struct fault *f, const char *where, struct err *err)
{
	const char *kind = json_str(j, "fault"), *near;

	for (unsigned i = 0; kind && i < KINDS; i++) {
		if (strcmp(kinds[i], kind) == 0) {
			f->kind = i;
			return 0;
		}
	}
	if (!kind)
		return err_set(err, E_INPUT, "%s has no \"fault\"", where);
	const char *names[KINDS + 1] = { NULL };
	memcpy(names, kinds, sizeof kinds);
	near = str_nearest(kind, names);
	return err_set(err, E_INPUT, "%s: no fault is called \"%.40s\"%s%s%s", where, kind, near ? "; did you mean \"" : "",
		near ? near : "", near ? "\"?" : "");
}

static int check_keys(const json_t *j, const char *where, struct err *err)
{
	static const char *const known[] = { "fault", "bmc", "method", "path", "skip", "count", "probability", "ms", "status",
		"retry_after", "when", "accept", NULL };
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)j, key, value) {
		size_t i = 0;

		while (known[i] && strcmp(known[i], key) != 0)
			i++;
		if (!known[i])
			return err_set(err, E_INPUT, "%s: \"%.40s\" is not a member of a fault", where, key);
	}
	return 0;
}

static int read_when(const char *when, struct fault *f, const char *where, struct err *err)
{
	static const char *const words[] = { NULL, "before", "after", "body" };

	f->when = DROP_BEFORE;
	if (!when)
		return 0;
	for (unsigned i = 1; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i], when) == 0) {
			f->when = i;
			return 0;
		}
	}
	return err_set(err, E_INPUT, "%s: \"when\" is \"before\", \"after\" or \"body\"", where);
}

/* A whole number within bounds. */
static int read_number(const json_t *j, const char *key, int64_t deflt, int64_t min, int64_t max, int64_t *out,
	const char *where, struct err *err)
{
	const json_t *v = json_at(j, key);

	*out = deflt;
	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return err_set(err, E_INPUT, "%s: \"%s\" is a whole number from %lld to %lld", where, key, (long long)min, (long long)max);
	*out = json_integer_value(v);
	return 0;
}

static int read_fault(const json_t *j, size_t index, struct fault *f, struct err *err)
{
	const char *bmc = json_str(j, "bmc"), *method = json_str(j, "method"), *path = json_str(j, "path");
	int64_t skip, count, status, retry;
	char where[32];
	int rc;

	snprintf(where, sizeof where, "fault %zu", index + 1);
	if (!json_is_object(j))
		return err_set(err, E_INPUT, "%s is not an object", where);
	rc = check_keys(j, where, err);
	if (!rc)
		rc = read_kind(j, f, where, err);
	if (!rc)
		rc = read_when(json_str(j, "when"), f, where, err);
	if (!rc)
		rc = read_number(j, "skip", 0, 0, 1000000, &skip, where, err);
	if (!rc)
		rc = read_number(j, "count", 0, 1, 1000000, &count, where, err);
	if (!rc)
		rc = read_number(j, "ms", 1000, 0, 3600000, &f->ms, where, err);
	if (!rc)
		rc = read_number(j, "status", 503, 400, 599, &status, where, err);
	if (!rc)
		rc = read_number(j, "retry_after", -1, 0, 86400, &retry, where, err);
	if (rc)
		return rc;
	f->probability = json_num(j, "probability", 1);
	if (!(f->probability >= 0 && f->probability <= 1))
		return err_set(err, E_INPUT, "%s: \"probability\" is from 0 to 1", where);
	f->skip = (uint32_t)skip;
	f->count = (uint32_t)count;
	f->status = (int)status;
	f->retry_after = (int)retry;
	f->accept = json_flag(j, "accept", true);
	f->bmc = xstrdup(bmc ? bmc : "*");
	f->method = xstrdup(method ? method : "*");
	f->path = xstrdup(path ? path : "*");
	return 0;
}

int fault_plan_read(const json_t *j, unsigned n_bmcs, struct fault_plan **out, struct err *err)
{
	const json_t *list = json_at(j, "faults");
	struct fault_plan *p;

	if (!json_is_array(list) || json_object_size(j) != 1)
		return err_set(err, E_INPUT, "a fault plan is {\"faults\": [...]}");
	if (json_array_size(list) > FAULT_MAX)
		return err_set(err, E_INPUT, "a fault plan has at most %d faults", FAULT_MAX);
	p = xcalloc(1, sizeof *p);
	p->n_bmcs = n_bmcs;
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct fault f = { 0 };

		if (read_fault(json_array_get(list, i), i, &f, err)) {
			fault_plan_free(p);
			return E_INPUT;
		}
		vec_push(&p->faults, f);
	}
	*out = p;
	return 0;
}

void fault_plan_free(struct fault_plan *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->faults.len; i++) {
		struct fault *f = &p->faults.at[i];

		free(f->bmc);
		free(f->method);
		free(f->path);
		free(f->seen);
	}
	vec_free(&p->faults);
	free(p);
}

/* Counts a match and says whether this one is hit. */
static bool strikes(struct fleet *fl, struct fault_plan *p, struct fault *f, const struct bmc *b)
{
	uint32_t seen;

	if (!f->seen)
		f->seen = xcalloc(p->n_bmcs ? p->n_bmcs : 1, sizeof *f->seen);
	seen = f->seen[b->index];
	if (seen < UINT32_MAX)
		f->seen[b->index]++;
	if (seen < f->skip || (f->count && seen - f->skip >= f->count))
		return false;
	return f->probability >= 1 || (double)(fleet_random(fl) >> 11) / 9007199254740992.0 < f->probability;
}

static void apply(const struct fault *f, struct fault_hit *out)
{
	switch (f->kind) {
	case LATENCY:
		out->latency_ms = f->ms;
		break;
	case STATUS:
		out->status = f->status;
		out->retry_after = f->retry_after;
		break;
	case DROP:
		out->drop = f->when;
		break;
	case BLACK_HOLE:
		out->black_hole = true;
		break;
	case BAD_JSON:
		out->bad_json = true;
		break;
	case GARBAGE:
		out->garbage = true;
		break;
	default:
		out->wrong_etag = true;
		break;
	}
}

void fault_request(struct fleet *fl, const struct bmc *b, const char *method, const char *path, struct fault_hit *out)
{
	bool done[KINDS] = { false };
	char name[16];

	*out = (struct fault_hit){ .retry_after = -1 };
	if (!fl->faults)
		return;
	bmc_name(b, name);
	for (size_t i = 0; i < fl->faults->faults.len; i++) {
		struct fault *f = &fl->faults->faults.at[i];

		if (f->kind >= LOST_TASK || done[f->kind] || (f->kind == BLACK_HOLE && !f->accept))
			continue;
		if (!str_glob(f->bmc, name) || !str_glob(f->method, method) || !str_glob(f->path, path))
			continue;
		done[f->kind] = strikes(fl, fl->faults, f, b);
		if (done[f->kind])
			apply(f, out);
	}
}

static bool struck_by(struct fleet *fl, const struct bmc *b, enum kind kind, bool accept)
{
	char name[16];

	if (!fl->faults)
		return false;
	bmc_name(b, name);
	for (size_t i = 0; i < fl->faults->faults.len; i++) {
		struct fault *f = &fl->faults->faults.at[i];

		if (f->kind == kind && f->accept == accept && str_glob(f->bmc, name) && strikes(fl, fl->faults, f, b))
			return true;
	}
	return false;
}

bool fault_accepts(struct fleet *f, const struct bmc *b)
{
	return !struck_by(f, b, BLACK_HOLE, false);
}

void fault_update(struct fleet *f, const struct bmc *b, struct update *u)
{
	u->lose_task = struck_by(f, b, LOST_TASK, true);
	u->reset = struck_by(f, b, RESET_MID_UPDATE, true);
	u->stalled = struck_by(f, b, STALL, true);
}
