/* required - `aipc.required_version` and `aipc.experiments`: looked at before anything else of a folder is. */
#include <stdlib.h>
#include <string.h>

#include "lang/module.h"

enum { MAX_PARTS = 3, MAX_CONSTRAINTS = 20 };

/* "1.2.3-rc1": N parts were written. PRE: what stands behind the dash, or "". */
struct version { long part[MAX_PARTS]; int n; char pre[64]; };

static bool read_version(const char *s, size_t len, struct version *out)
{
	*out = (struct version){ .n = 0 };
	const char *end = s + len;
	if (len && *s == 'v')
		s++;
	for (;;) {
		size_t digits = strspn(s, "0123456789");
		if (!digits || digits > 9 || s + digits > end || out->n == MAX_PARTS)
			return false;
		out->part[out->n++] = strtol(s, NULL, 10);
		s += digits;
		if (s == end || *s != '.')
			break;
		s++;
	}
	if (s < end && *s == '+')
		return true;
	if (s == end)
		return true;
	size_t n = (size_t)(end - s) - 1;
	if (*s != '-' || !n || n >= sizeof(out->pre))
		return false;
	memcpy(out->pre, s + 1, n);
	out->pre[strcspn(out->pre, "+")] = '\0';
	return true;
}

static int cmp(const struct version *a, const struct version *b)
{
	for (int i = 0; i < MAX_PARTS; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	if (!*a->pre != !*b->pre)
		return *a->pre ? -1 : 1;     /* 1.0.0-rc1 comes before 1.0.0 */
	return str_natural_cmp(a->pre, b->pre);
}

/* "~> 1.2": at least 1.2, below 2; "~> 1.2.3": below 1.3. */
static bool near(const struct version *have, const struct version *want)
{
	int fixed = want->n > 1 ? want->n - 1 : 1;
	for (int i = 0; i < fixed; i++)
		if (have->part[i] != want->part[i])
			return false;
	return cmp(have, want) >= 0;
}

static bool holds(const char *op, const struct version *have, const struct version *want)
{
	int c = cmp(have, want);
	switch (op[0]) {
	case '~': return near(have, want);
	case '>': return op[1] ? c >= 0 : c > 0;
	case '<': return op[1] ? c <= 0 : c < 0;
	case '!': return c != 0;
	default: return c == 0;
	}
}

/* One constraint of [S, END): 1 holds, 0 does not, -1 is none. */
static int constraint(const char *s, const char *end, const struct version *have)
{
	static const char *const ops[] = { "~>", ">=", "<=", "!=", "==", ">", "<", "=" };
	const char *op = "=";
	struct version want;
	while (s < end && *s == ' ')
		s++;
	while (end > s && end[-1] == ' ')
		end--;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (strncmp(s, ops[i], strlen(ops[i])) == 0) {
			op = ops[i];
			s += strlen(op);
			break;
		}
	}
	while (s < end && *s == ' ')
		s++;
	if (!read_version(s, (size_t)(end - s), &want))
		return -1;
	return holds(op, have, &want);
}

int version_satisfies(const char *version, const char *constraints)
{
	struct version have;
	int all = 1;
	if (!read_version(version, strlen(version), &have))
		return -1;
	for (int n = 0; n < MAX_CONSTRAINTS; n++) {
		const char *end = strchrnul(constraints, ',');
		int one = constraint(constraints, end, &have);
		if (one < 0)
			return -1;
		all = all && one;
		if (!*end)
			return all;
		constraints = end + 1;
	}
	return -1;
}

static bool check_version(struct lang *l, const struct yaml_file *f, const struct ynode *n)
{
	int ok = n->is->kind == Y_STRING && !n->is->live ? version_satisfies(AIPC_VERSION, n->is->s) : -1;
	if (ok > 0)
		return true;
	if (ok < 0) {
		struct diag *g = diag_add(l->d, "E0171", AT(f, n), "required_version is a plain text such as \">= 0.1, < 2.0\" or \"~> 1.2\"");
		if (n->is->kind == Y_NUMBER)
			diag_hint(g, "write it in quotes");
		diag_note(g, (struct mark){ 0 }, "there are =, !=, >, >=, <, <= and ~>, which lets only the last part grow; commas stand for \"and\"");
		return false;
	}
	struct diag *g = diag_add(l->d, "E0170", AT(f, n), "this needs another version of aipc");
	diag_hint(g, "this one is %s", AIPC_VERSION);
	return false;
}

static bool check_experiments(struct lang *l, const struct yaml_file *f, const struct ynode *n)
{
	if (n->is->kind != Y_SEQ) {
		diag_add(l->d, "E0115", AT(f, n), "experiments is a list of names, this is %s", yaml_kind_name(n));
		return false;
	}
	for (uint32_t i = 0; i < n->is->n; i++)
		diag_hint(diag_add(l->d, "E0172", AT(f, &yaml_kids(n)[i]), "there is no experiment \"%.60s\" in this version",
				   yaml_kids(n)[i].is->kind == Y_STRING ? yaml_kids(n)[i].is->s : ""), "there are none");
	return n->is->n == 0;
}

bool module_meets_requirements(struct module *m, const struct folder *folder)
{
	bool ok = true;
	for (size_t i = 0; i < folder->files.len; i++) {
		const struct yaml_file *f = folder->files.at[i];
		const struct ynode *body = yaml_get(&f->docs[0], "aipc", NULL);
		const struct ynode *version = body ? yaml_get(body, "required_version", NULL) : NULL;
		const struct ynode *experiments = body ? yaml_get(body, "experiments", NULL) : NULL;
		if (version && version->is->kind != Y_NULL)
			ok = check_version(m->l, f, version) && ok;
		if (experiments && experiments->is->kind != Y_NULL && !m->parent)
			ok = check_experiments(m->l, f, experiments) && ok;
	}
	return ok;
}
