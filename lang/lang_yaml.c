/* lang_yaml - YAML as plain JSON, without expressions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "lang/diag_internal.h"
#include "lang/lang.h"
#include "lang/yaml.h"

static json_t *number(const char *s)
{
	char *end;
	errno = 0;
	long long i = strtoll(s, &end, 10);
	if (*end == '\0' && errno == 0)
		return json_integer(i);
	double d = strtod(s, NULL);
	if (d > -9e15 && d < 9e15 && d == (double)(long long)d)
		return json_integer((json_int_t)d);
	json_t *j = json_real(d);
	return j ? j : json_string_safe(s, strlen(s));     /* beyond what a double holds */
}

static json_t *to_json(const struct ynode *n)
{
	json_t *j;
	switch ((enum ykind)n->is->kind) {
	case Y_NULL: return json_null();
	case Y_BOOL: return json_boolean(n->is->b);
	case Y_NUMBER: return number(n->is->s);
	case Y_STRING: return json_string_safe(n->is->s, n->is->n);
	case Y_SEQ:
		j = json_array();
		for (uint32_t i = 0; i < n->is->n; i++)
			json_array_append_new(j, to_json(&yaml_kids(n)[i]));
		return j;
	case Y_MAP: break;
	}
	j = json_object();
	for (uint32_t i = 0; i < n->is->n; i++)
		json_object_setn_new(j, yaml_kids(n)[2 * i].is->s, yaml_kids(n)[2 * i].is->n, to_json(&yaml_kids(n)[2 * i + 1]));
	return j;
}

int lang_yaml_to_json(const char *text, size_t len, const char *what, bool multi, json_t **out, struct err *err)
{
	autoarena struct arena *a = arena_new();
	struct diags *d = diags_new();
	struct source src = { what, text, len };
	struct yaml_file *f;
	int rc = 0;
	if (!yaml_parse(a, &src, multi, d, &f)) {
		struct diags_view v;
		diags_sorted(d, &v);
		rc = err_set(err, E_INPUT, "%s:%u:%u: %s", what, v.at[0]->at.line, v.at[0]->at.col, v.at[0]->summary);
		free(v.at);
	} else if (multi) {
		*out = json_array();
		for (size_t i = 0; i < f->n_docs; i++)
			json_array_append_new(*out, to_json(&f->docs[i]));
	} else {
		*out = f->n_docs ? to_json(&f->docs[0]) : json_null();
	}
	diags_free(d);
	return rc;
}
