/* ephemeral - configurations of providers with values that are never stored: a plan has their names only. */
#include <string.h>

#include "base/json.h"
#include "engine/spec.h"

/* A secret attribute takes references only; an ephemeral one may be the text itself. The schema checks a reference in its place, and the
 * text follows it behind a mark that no reference has. */
static const char literal[] = "value:", checked_as[] = "env:EPHEMERAL";

static bool is_reference(const char *s)
{
	return str_has_prefix(s, "env:") || str_has_prefix(s, "file:");
}

json_t *config_complete(const struct provider *p, const json_t *config, const json_t *names, schema_report_fn *report, void *ctx)
{
	autojson json_t *given = json_copy((json_t *)config);
	size_t i;
	json_t *name;
	json_array_foreach((json_t *)names, i, name) {
		const struct attr *a = attr_find(p->config, json_string_value(name));
		const char *s = a ? json_str(config, a->name) : NULL;
		if (s && (a->flags & ATTR_SECRET) && !is_reference(s))
			json_put_str(given, a->name, checked_as);
	}
	json_t *done = schema_complete(p->config, given, report, ctx);
	json_array_foreach((json_t *)names, i, name) {
		const char *n = json_string_value(name), *s = done ? json_str(done, n) : NULL;
		if (!s || strcmp(s, checked_as) != 0)
			continue;
		const char *v = json_str(config, n);
		autofree char *kept = xasprintf("%s%s", str_has_prefix(v, literal) ? "" : literal, v);
		json_put_str(done, n, kept);
	}
	return done;
}

json_t *config_stored(const json_t *config, const json_t *names)
{
	json_t *out = json_copy((json_t *)config), *name;
	size_t i;
	json_array_foreach((json_t *)names, i, name) {
		json_object_del(out, json_string_value(name));
	}
	return out;
}

static const struct lang_provider *find(const struct lang_provider *all, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(all[i].id, id) == 0 && !all[i].failed)
			return &all[i];
	return NULL;
}

static void quiet(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
		  const char *fmt, ...)
{
	(void)ctx, (void)code, (void)key, (void)path, (void)near, (void)word, (void)fmt;
}

static const struct provider *provider_of(const struct engine_options *o, const char *name)
{
	for (size_t i = 0; o->providers[i]; i++)
		if (strcmp(o->providers[i]->name, name) == 0)
			return o->providers[i];
	return NULL;
}

/* The values called NAMES of configuration ID, as the spec gives them now, into TO. */
static int fill(const struct engine_options *o, const struct lang_provider *c, const char *id, const json_t *names, json_t *to, struct err *err)
{
	const struct provider *p = c ? provider_of(o, c->name) : NULL;
	autojson json_t *now = p ? config_complete(p, c->config, names, quiet, NULL) : NULL, *rest = now ? config_stored(now, names) : NULL;
	size_t i;
	json_t *name;
	if (!rest || !json_equal(rest, to))
		return err_set(err, E_CONFLICT, "the plan needs ephemeral values of provider.%.100s again, and the spec configures it otherwise than when the "
			       "plan was made: plan again, or give the same variables", id);
	json_array_foreach((json_t *)names, i, name) {
		json_t *v = json_object_get(now, json_string_value(name));
		if (v)
			json_object_set(to, json_string_value(name), v);
	}
	return 0;
}

int engine_ephemeral(const struct engine_options *o, const struct plan *p, struct diags *d, json_t **out, struct err *err)
{
	struct lang *l = NULL;
	const struct lang_provider *all;
	const char *id;
	json_t *names;
	size_t n;
	int rc = lang_load(o->dir, o->inputs, o->n_inputs, d, &l, err);
	autojson json_t *made = json_deep_copy(p->providers);
	if (!rc)
		lang_providers(l, &all, &n);
	if (!rc && diags_errors(d))
		rc = err_set(err, E_INPUT, "%s", "");
	json_object_foreach((json_t *)p->ephemeral, id, names) {
		if (!rc)
			rc = fill(o, find(all, n, id), id, names, json_object_get(made, id), err);
	}
	lang_free(l);
	if (!rc)
		*out = json_incref(made);
	return rc;
}
