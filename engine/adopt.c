/* adopt - `aipc import`: what is in the world already is read and written into the state. */
#include <string.h>

#include "base/json.h"
#include "engine/record.h"
#include "engine/spec.h"

static const struct item *find_item(const struct spec *s, const char *address)
{
	for (size_t i = 0; i < s->items.len; i++)
		if (strcmp(s->items.at[i]->address, address) == 0)
			return s->items.at[i];
	return NULL;
}

/* The type that ADDRESS, TYPE.NAME or TYPE.NAME[KEY], names where the spec has no such object. */
static const struct type_row *row_of(struct engine *e, const char *address, struct err *err)
{
	size_t n = strcspn(address, ".[");
	autofree char *type = xstrndup(address, n), *base = address_base(address);
	const struct type_row *row = engine_row(e, type);
	const char *near = str_nearest(type, e->type_names);
	if (str_has_prefix(address, "module."))
		err_set(err, E_NOTFOUND, "the spec has no object %s: what belongs to a module is declared there before it is imported", address);
	else if (address[n] != '.' || !address[n + 1] || strcmp(type, "data") == 0)
		err_set(err, E_INPUT, "\"%.200s\" is no address: it looks like TYPE.NAME or TYPE.NAME[\"KEY\"]", address);
	else if (!row)
		err_set(err, E_INPUT, "\"%.60s\" is not a resource type%s%s%s", type, near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
	else if (row->type->expand || str_has_prefix(address + strlen(base), "."))
		err_set(err, E_INPUT, "%s is not one object, or a part of what the spec does not declare: declare it, then import its objects by their "
			"addresses or with an import block", address);
	else
		return row;
	return NULL;
}

static json_t *deps_of(const struct spec *s, const struct item *it)
{
	json_t *deps = json_array();
	const struct lang_resource *lr = it && it->unit->res ? it->unit->res->lr : NULL;
	for (size_t i = 0; lr && i < lr->n_refs; i++)
		json_array_append_new(deps, json_string(s->res[lr->refs[i].to->index].address));
	return deps;
}

static int read_it(struct task *t, struct engine *e, struct provider_slot *slot, const struct resource_type *type, struct op *op, const char *id,
		   json_t **prior, struct err *err)
{
	int rc = slot ? slot_open(e, slot, &op->self, err) : err_set(err, E_INPUT, "its provider is not configured");
	if (!rc && type->import_id)
		rc = type->import_id(id, op->config, prior, err);
	else if (!rc && (!op->config || *id))
		rc = err_set(err, E_INPUT, "objects of type %s are found by their configuration: declare %s in the spec, and give no id", type->name, op->address);
	op->prior = *prior;
	if (!rc)
		rc = type->read(t, op, err);
	if (!rc && !op->actual)
		rc = err_set(err, E_NOTFOUND, "there is nothing at %s that could be imported", op->address);
	if (!rc && op->incomplete[0])
		rc = err_set(err, E_INTERNAL, "not all of %s could be read: %s", op->address, op->incomplete);
	return rc;
}

struct began { const char *address, *action; int64_t run; };

static int find_op(void *ctx, const struct op_row *op)
{
	struct began *b = ctx;
	if (!b->action && strcmp(op->address, b->address) == 0)
		*b = (struct began){ b->address, strcmp(op->action, "create") == 0 ? "create" : strcmp(op->action, "delete") == 0 ? "delete" : "change", op->run };
	return 0;
}

/* An operation that began and did not end may still make the object, and apply is to look at it first. */
static int is_quiet(struct store *s, const char *address, struct err *err)
{
	struct began b = { .address = address };
	int rc = store_open_ops(s, find_op, &b, err);
	if (rc || !b.action)
		return rc;
	return err_set(err, E_CONFLICT, "run %lld began to %s %s and did not end; aipc apply looks first at what came of it", (long long)b.run, b.action, address);
}

static int is_absent(struct store *s, const char *address, struct err *err)
{
	struct object old = { 0 };
	int rc = is_quiet(s, address, err);
	if (!rc)
		rc = store_object(s, address, &old, err);
	if (rc || !old.address)
		return rc;
	json_decref(old.attrs);
	json_decref(old.deps);
	return err_set(err, E_CONFLICT, "the state has %s already", address);
}

int engine_import(struct task *t, struct engine *e, struct store *s, const char *address, const char *id, struct imported *out, struct err *err)
{
	const struct item *it = find_item(e->spec, address);
	const struct type_row *row = it ? it->row : row_of(e, address, err);
	if (!row)
		return err->code;
	if (it && !it->config)
		return err_set(err, E_INPUT, "%s waits for values that only an apply can tell", address);
	int rc = is_absent(s, address, err);
	struct provider_slot *slot = it ? it->slot : row->slot;
	struct op op = { .address = address, .config = it ? it->config : NULL };
	autojson json_t *prior = NULL, *deps = deps_of(e->spec, it);
	if (!rc)
		rc = read_it(t, e, slot, row->type, &op, id ? id : "", &prior, err);
	autofree char *base = address_base(address);
	int64_t run = 0;
	json_t *attrs = rc ? NULL : record_attrs(row->type, op.config ? op.config : prior, op.actual);
	struct object obj = { .address = address, .type = row->type->name, .owner = it ? it->unit->owner : base, .schema_version = row->type->version,
			      .provider = slot ? slot_name(slot) : NULL, .attrs = attrs, .deps = deps, .status = OBJ_OK,
			      .protected = it && it->life && it->life->protect > 0 };
	if (!rc)
		rc = run_begin(s, "import", NULL, NULL, 0, &run, err);
	if (!rc)
		rc = store_put(s, &obj, NULL, err);
	if (!rc)
		rc = run_end(s, run, "done", err);
	json_decref(op.actual);
	if (rc)
		json_decref(attrs);
	else
		*out = (struct imported){ .type = row->type, .attrs = attrs, .declared = it != NULL };
	return rc;
}
