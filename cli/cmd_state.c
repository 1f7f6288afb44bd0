#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/show.h"
#include "cli/state_show.h"
#include "cli/work.h"

static const char *const status_names[] = { [OBJ_OK] = "ok", [OBJ_NONCONFORMING] = "nonconforming", [OBJ_PARTIAL] = "partial" };

static json_t *object_json(const struct object *o, bool whole)
{
	json_t *j = json_object();
	json_put_str(j, "address", o->address);
	json_put_str(j, "type", o->type);
	json_put_str(j, "owner", o->owner);
	json_put_str(j, "status", status_names[o->status]);
	json_put_int(j, "version", o->version);
	if (o->provider)
		json_put_str(j, "provider", o->provider);
	if (o->protected)
		json_put_new(j, "protected", json_true());
	if (whole) {
		json_put_new(j, "attributes", json_ref(o->attrs));
		json_put_new(j, "dependencies", json_ref(o->deps));
	}
	return j;
}

/* --- list --------------------------------------------------------------------------------------------------------- */

struct listing {
	struct cli *c;
	const char *glob;
	size_t n;
};

static int list_one(void *ctx, const struct object *o)
{
	struct listing *l = ctx;
	if (l->glob && !str_glob(l->glob, o->address))
		return 0;
	if (l->c->json) {
		autojson json_t *j = object_json(o, false);
		autofree char *text = json_text(j);
		fprintf(l->c->out, "%s%s", l->n ? "," : "[", text);
	} else if (o->status == OBJ_OK) {
		fprintf(l->c->out, "%s\n", o->address);
	} else {
		fprintf(l->c->out, "%s  (%s)\n", o->address, status_names[o->status]);
	}
	l->n++;
	return 0;
}

static int state_list(struct cli *c, struct store *s, struct err *err)
{
	struct listing l = { .c = c, .glob = c->n_args > 1 ? c->args[1] : NULL };
	int rc = store_objects(s, list_one, &l, err);
	if (!rc && c->json)
		fputs(l.n ? "]\n" : "[]\n", c->out);
	return rc;
}

/* --- show --------------------------------------------------------------------------------------------------------- */

struct nearest { const char *word; char *best; unsigned least; size_t below; };

static int look_near(void *ctx, const struct object *o)
{
	struct nearest *n = ctx;
	unsigned d = str_distance(n->word, o->address);
	size_t len = strlen(n->word);
	n->below += str_has_prefix(o->address, n->word) && (o->address[len] == '.' || o->address[len] == '[');
	if (d < n->least) {
		free(n->best);
		n->best = xstrdup(o->address);
		n->least = d;
	}
	return 0;
}

static int no_object(struct store *s, const char *address, struct err *err)
{
	struct nearest n = { address, NULL, 8, 0 };
	int rc = store_objects(s, look_near, &n, err);
	if (!rc && n.below)
		rc = err_set(err, E_NOTFOUND, "%.200s is not one object but %zu; aipc state list '%.200s*' prints %s", address, n.below, address,
			     n.below == 1 ? "it" : "them");
	else if (!rc && n.best)
		rc = err_set(err, E_NOTFOUND, "the state has no object %.200s; did you mean %.200s?", address, n.best);
	else if (!rc)
		rc = err_set(err, E_NOTFOUND, "the state has no object %.200s; aipc state list prints all", address);
	free(n.best);
	return rc;
}

static void print_attrs(struct cli *c, const json_t *j, int depth)
{
	size_t n;
	autofree const char **keys = json_keys(j, &n);
	for (size_t i = 0; i < n; i++) {
		const json_t *v = json_at(j, keys[i]);
		if (json_is_object(v) && json_object_size(v)) {
			fprintf(c->out, "%*s%s:\n", depth, "", keys[i]);
			print_attrs(c, v, depth + 2);
			continue;
		}
		struct str text;
		str_init(&text, STR_OURS);
		show_value(v, 200, &text);
		fprintf(c->out, "%*s%s: %s\n", depth, "", keys[i], text.at);
		str_release(&text);
	}
}

int state_show_object(struct cli *c, struct store *s, const char *address, struct err *err)
{
	struct object o = { 0 };
	int rc = store_object(s, address, &o, err);
	if (rc)
		return rc;
	if (!o.address)
		return no_object(s, address, err);
	if (c->json) {
		autojson json_t *j = object_json(&o, true);
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
	} else {
		fprintf(c->out, "%s\n  type %s, status %s, version %lld%s\n", o.address, o.type, status_names[o.status], (long long)o.version,
			o.protected ? ", protected" : "");
		if (o.provider)
			fprintf(c->out, "  made with provider %s\n", o.provider);
		print_attrs(c, o.attrs, 2);
	}
	json_decref(o.attrs);
	json_decref(o.deps);
	return 0;
}

static int state_show(struct cli *c, struct store *s, struct err *err)
{
	return state_show_object(c, s, c->args[1], err);
}

/* --- the command -------------------------------------------------------------------------------------------------- */

static int state_run(struct cli *c)
{
	bool list = strcmp(c->args[0], "list") == 0, show = strcmp(c->args[0], "show") == 0;
	struct store *s = NULL;
	struct err err = { 0 };
	if (!list && !show)
		return cli_usage(c, "state has list and show, not \"%.60s\"", c->args[0]);
	if (show && c->n_args < 2)
		return cli_usage(c, "state show wants the ADDRESS of an object; aipc state list prints all");
	int rc = work_open_state(c, &s, &err);
	if (!rc)
		rc = list ? state_list(c, s, &err) : state_show(c, s, &err);
	store_close(s);
	return rc ? cli_fail(c, &err) : EXIT_OK;
}

const struct command cmd_state = {
	.name = "state", .args = "list [GLOB] | show ADDRESS", .brief = "look into the state",
	.about = "list prints the addresses of all objects in the state, or of those that match GLOB. show prints one object with its attributes "
		 "as they were last read back.",
	.examples = { { "aipc state list", "all objects" }, { "aipc state list '*gpu-0001*'", "those of one machine" },
		      { "aipc state show 'gpu_node_pool.train.bios[\"gpu-0001\"]'", "one object" } },
	.min = 1, .max = 2, .group = GROUP_READ, .json = true, .run = state_run,
};
