/* Data blocks in a plan: when they are read, what waits for them, and what silence costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "tests/unit/scratch.h"

/* --- a made-up world: boxes that exist, and looks at names ---------------------------------------------------------------- */

static struct world {
	char dir[64];
	json_t *objects;             /* boxes, by address */
	struct str log;              /* what was looked at, in order of completion */
	size_t looks, now, most;
	struct loop *loop;
	struct store *store;
	struct diags *d;
	struct engine *e;
} w;

static int box_read(struct task *t, struct op *op, struct err *err)
{
	const json_t *have = json_at(w.objects, op->address);
	op->actual = have ? json_ref(have) : NULL;
	return task_yield(t, err);
}

static int box_write(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)op;
	return err_set(err, E_UNSUPPORTED, "the plan only");
}

static const struct attr box_attrs[] = {
	{ .name = "size", .type = ATTR_ANY, .deflt = "1" },
	{ .name = "id", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ 0 },
};
static const struct resource_type box = {
	.name = "box", .version = 1, .attrs = box_attrs, .read = box_read, .create = box_write, .update = box_write, .destroy = box_write,
};

/* The name tells what comes of it. */
static int look_read(struct task *t, struct op *op, struct err *err)
{
	const char *name = json_str(op->config, "name");
	static const struct { const char *name; int code; } failures[] = {
		{ "silent", E_UNREACHABLE }, { "slow", E_TIMEOUT }, { "locked", E_AUTH }, { "absent", E_NOTFOUND }, { "wrong", E_INPUT },
	};
	assert_null(op->prior);
	assert_null(op->note);
	w.looks++;
	w.most = ++w.now > w.most ? w.now : w.most;
	int rc = task_sleep(t, 2, err);
	w.now--;
	str_addf(&w.log, "%s%s", w.log.len ? " " : "", name);
	for (size_t i = 0; !rc && i < ARRAY_LEN(failures); i++)
		if (strcmp(name, failures[i].name) == 0)
			return err_set(err, failures[i].code, "10.0.0.9: %s", err_name(failures[i].code));
	if (rc || strcmp(name, "nothing") == 0)
		return rc;
	if (strcmp(name, "partly") == 0)
		snprintf(op->incomplete, sizeof(op->incomplete), "50 of 66 entries");
	op->sensitive = strcmp(name, "secret") == 0;
	op->actual = json_pack("{s:s+, s:[s, s]}", "seen", "seen ", name, "parts", "a", "b");
	return 0;
}

static int look_check(struct expand *x)
{
	if (strcmp(json_str(x->config, "name"), "ugly") != 0)
		return 0;
	x->report(x->report_ctx, "E0900", false, (const char *const[]){ "name", NULL }, NULL, NULL, "an ugly name");
	return E_INPUT;
}

static const struct attr look_attrs[] = {
	{ .name = "name", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "What to look at." },
	{ .name = "seen", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ .name = "parts", .type = ATTR_LIST, .elem = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ .name = "never", .type = ATTR_STRING, .flags = ATTR_COMPUTED },
	{ 0 },
};
static const struct resource_type look = { .name = "look", .version = 1, .attrs = look_attrs, .read = look_read, .check = look_check };
static const struct resource_type *const types[] = { &box, NULL }, *const data[] = { &look, NULL };
static const struct provider fake = { .abi = PROVIDER_ABI, .name = "fake", .types = types, .data = data };
static const struct provider *const providers[] = { &fake, NULL };

static int begin(void **unused)
{
	struct err err;
	(void)unused;
	w = (struct world){ .loop = NULL };
	assert_true(scratch(w.dir));
	str_init(&w.log, STR_OURS);
	w.objects = json_object();
	w.loop = loop_new();
	w.d = diags_new();
	autofree char *path = file_join(w.dir, "state.db");
	assert_int_equal(store_open(path, false, &w.store, &err), 0);
	assert_int_equal(store_lock(w.store, "test", &err), 0);
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	engine_close(NULL, w.e);
	store_close(w.store);
	diags_free(w.d);
	loop_free(w.loop);
	json_decref(w.objects);
	str_release(&w.log);
	autofree char *command = xasprintf("rm -rf %s", w.dir);
	return system(command);
}

static int open_spec(const char *text)
{
	struct err err = { 0 };
	struct engine_options o = { .dir = w.dir, .providers = providers, .loop = w.loop };
	autofree char *path = file_join(w.dir, "main.aipc.yaml");
	assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
	engine_close(NULL, w.e);
	w.e = NULL;
	diags_free(w.d);
	w.d = diags_new();
	str_clear(&w.log);
	w.looks = w.most = 0;
	int rc = engine_open(&o, w.d, &w.e, &err);
	assert_int_equal(w.looks, 0);        /* nothing is asked of the world before a plan */
	return rc;
}

struct making_of { const struct plan_options *o; struct plan *p; };

static int make(struct task *t, void *arg, struct err *err)
{
	struct making_of *m = arg;
	return plan_make(t, w.e, w.store, m->o, w.d, &m->p, err);
}

static int try_plan(const struct plan_options *o, struct plan **out)
{
	static const struct plan_options usual = { .refresh = true };
	struct making_of m = { o ? o : &usual, NULL };
	struct err err = { 0 };
	int rc = loop_run(w.loop, make, &m, &err);
	if (rc && !diags_errors(w.d))
		fail_msg("%s", err.msg);
	*out = m.p;
	return rc;
}

/* "create box.a; data.look.x read; ..." with reasons in parentheses, then the codes of diagnostics. */
static char *render(const struct plan *p)
{
	struct str s;
	size_t i;
	json_t *row;
	str_init(&s, STR_OURS);
	for (i = 0; p && i < p->n; i++)
		str_addf(&s, "%s %s%s%s%s; ", action_name(p->changes[i].action), p->changes[i].address, p->changes[i].reason ? " (" : "",
			 p->changes[i].reason ? p->changes[i].reason : "", p->changes[i].reason ? ")" : "");
	json_array_foreach(p ? p->data : NULL, i, row) {
		const char *why = json_str(row, "reason");
		str_addf(&s, "%s %s%s%s%s; ", json_str(row, "state"), json_str(row, "address"), why ? " (" : "", why ? why : "", why ? ")" : "");
	}
	autojson json_t *told = diags_json(w.d);
	json_array_foreach(told, i, row) {
		str_addf(&s, "%s:%d ", json_str(row, "code"), (int)json_int(row, "line", 0));
	}
	while (s.len && strchr(" ;", s.at[s.len - 1]))
		s.at[--s.len] = '\0';
	return str_take(&s);
}

static void settle(const struct plan *p)
{
	struct err err;
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->changes[i];
		if (c->action != ACT_CREATE && c->action != ACT_UPDATE)
			continue;
		autojson json_t *attrs = json_copy((json_t *)c->config), *deps = json_array();
		json_object_set_new(attrs, "id", json_sprintf("id of %s", c->address));
		json_object_set(w.objects, c->address, attrs);
		for (size_t k = 0; k < p->groups[c->group].n_deps; k++)
			json_array_append_new(deps, json_string(p->groups[c->group].deps[k]));
		struct object o = { .address = c->address, .type = c->type, .owner = c->owner, .attrs = attrs, .deps = deps, .schema_version = 1 };
		assert_int_equal(store_put(w.store, &o, NULL, &err), 0);
	}
}

static void expect(const char *spec, const struct plan_options *o, const char *want)
{
	struct plan *p = NULL;
	if (open_spec(spec) == 0)
		(void)try_plan(o, &p);
	autofree char *got = render(p);
	if (strcmp(got, want) != 0) {
		diags_print(w.d, stderr, false);
		fail_msg("%s\ngives  %s\nwanted %s", spec, got, want);
	}
	plan_free(p);
}

/* --- what comes of each ------------------------------------------------------------------------------------------------------ */

static void rows(void **unused)
{
	static const struct { const char *spec, *plan; } all[] = {
		/* Read, whoever refers to it, and also when nobody does. */
		{ "data: { look: { a: { name: x } } }\n", "read data.look.a" },
		{ "data: { look: { a: { name: x } } }\nresource: { box: { b: { size: '${data.look.a.seen}' } } }\n", "create box.b; read data.look.a" },
		{ "data: { look: { a: { name: x } } }\nlocals: { l: '${data.look.a.parts}' }\nresource: { box: { b: { for_each: '${toset(local.l)}', size: '${each.key}' } } }\n",
		  "create box.b[\"a\"]; create box.b[\"b\"]; read data.look.a" },
		{ "data: { look: { a: { count: 2, name: 'x${count.index}' }, b: { for_each: '${toset(data.look.a[*].seen)}', name: '${each.key}' } } }\n",
		  "read data.look.a[0]; read data.look.a[1]; read data.look.b[\"seen x0\"]; read data.look.b[\"seen x1\"]" },
		/* "data" can be the variable of a loop, and part of the same name in another type. */
		{ "data: { look: { a: { name: x } } }\nresource: { box: { a: { size: '${[for data in [{look = 1}] : data.look + length(data.look[*])]}' }, look: {} } }\n",
		  "create box.a; create box.look; read data.look.a" },
		/* Silence costs what depends on it. */
		{ "data: { look: { a: { name: silent } } }\nresource: { box: { b: { size: '${data.look.a.seen}' }, c: { size: '${box.b.id}' }, d: { size: 5 } } }\n",
		  "skip box.b (needs data.look.a, which could not be read); skip box.c (needs box.b, which is left out); create box.d; "
		  "unread data.look.a (10.0.0.9: unreachable); W0181:1" },
		{ "data: { look: { a: { for_each: '${toset([\"slow\", \"x\"])}', name: '${each.key}' } } }\nresource: { box: { b: { depends_on: [data.look.a] } } }\n",
		  "skip box.b (data.look.a comes first, and that could not be read); unread data.look.a[\"slow\"] (10.0.0.9: timeout); read data.look.a[\"x\"]; W0181:1" },
		{ "data: { look: { a: { name: locked }, b: { name: '${data.look.a.seen}' } } }\n",
		  "unread data.look.a (10.0.0.9: auth); unread data.look.b (needs data.look.a, which could not be read); W0181:1" },
		{ "data: { look: { a: { name: partly } } }\n", "unread data.look.a (50 of 66 entries); W0181:1" },
		{ "data: { look: { a: { name: silent } } }\nresource: { box: { b: { for_each: '${toset(data.look.a.parts)}' } } }\n",
		  "skip box.b (needs data.look.a, which could not be read); unread data.look.a (10.0.0.9: unreachable); W0181:1" },
		/* What cannot be is a mistake; all are told. */
		{ "data: { look: { a: { name: absent }, b: { name: wrong }, c: { name: nothing } } }\n", "E0180:1 E0180:1 E0180:1" },
		{ "data: { look: { a: { name: ugly } } }\n", "E0900:1" },
		{ "data: { look: { a: { seen: x, name: y } } }\n", "E0108:1" },
		/* What is to change comes first. */
		{ "resource: { box: { b: {} } }\ndata: { look: { a: { name: x, depends_on: [box.b] } } }\n",
		  "create box.b; deferred data.look.a (box.b comes first, and that is to change)" },
		{ "resource: { box: { b: {}, c: { size: '${data.look.a.seen}' } } }\ndata: { look: { a: { name: '${box.b.id}' } } }\n",
		  "create box.b; defer box.c (needs data.look.a, which is read after an apply); deferred data.look.a (needs what only an apply of box.b can tell)" },
		{ "resource: { box: { b: {} } }\ndata: { look: { a: { for_each: '${toset([box.b.id])}', name: x }, c: { name: y, depends_on: [data.look.a] } } }\n",
		  "create box.b; deferred data.look.a (needs what only an apply of box.b can tell); deferred data.look.c (needs data.look.a, which is read after an apply)" },
		/* Of a check, all of it is a warning. */
		{ "check: { c: { data: { look: { a: { name: absent } } }, assert: [{ condition: '${data.look.a.seen != \"\"}', error: e }] } }\nresource: { box: { b: {} } }\n",
		  "create box.b; unread data.look.a (10.0.0.9: not found); W0180:1" },
		{ "check: { c: { data: { look: { a: { name: x } } }, assert: [{ condition: '${data.look.a.seen == \"y\"}', error: e }] } }\n",
		  "read data.look.a; W0180:1" },
		/* Conditions. */
		{ "data: { look: { a: { name: x, lifecycle: { postcondition: { condition: '${self.seen == \"y\"}', error: e } } } } }\nresource: { box: { b: { size: '${data.look.a.seen}' } } }\n",
		  "E0154:1" },
		{ "data: { look: { a: { name: x, lifecycle: { precondition: { condition: '${1 == 2}', error: e } } } } }\n", "E0153:1" },
		{ "data: { look: { a: { name: x, lifecycle: { postcondition: { condition: '${self.never == null}', error: e } } } } }\n", "read data.look.a" },
		/* What is not to be shown. */
		{ "data: { look: { a: { name: secret } } }\nresource: { box: { b: { size: '${data.look.a.seen}' } } }\n", "E0227:2" },
		{ "data: { look: { a: { name: secret } } }\noutput: { o: { value: '${data.look.a.seen}' } }\n", "E0226:2" },
		{ "data: { look: { a: { name: secret } } }\nresource: { box: { b: { size: '${nonsensitive(length(data.look.a.seen))}' } } }\n", "create box.b; read data.look.a" },
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		expect(all[i].spec, NULL, all[i].plan);
}

static void reads_are_many_at_once_and_each_once(void **unused)
{
	(void)unused;
	expect("data: { look: { a: { count: 3, name: 'a${count.index}' }, b: { count: 3, name: 'b${count.index}' }, c: { name: '${data.look.b[0].seen}' } } }\n",
	       NULL, "read data.look.a[0]; read data.look.a[1]; read data.look.a[2]; read data.look.b[0]; read data.look.b[1]; read data.look.b[2]; read data.look.c");
	assert_int_equal(w.looks, 7);
	assert_int_equal(w.most, 6);
	assert_true(str_has_suffix(w.log.at, " seen b0"));
}

/* After the apply it is read, and what waited goes on; destroy needs none of it. */
static void later_it_is_read(void **unused)
{
	static const char spec[] = "resource: { box: { b: {}, c: { size: '${data.look.a.seen}' } } }\ndata: { look: { a: { name: '${box.b.id}', depends_on: [box.b] } } }\n";
	static const struct plan_options destroy = { .refresh = true, .destroy = true }, trusting = { .refresh = false },
		drift = { .refresh = true, .drift_only = true };
	struct plan *p;
	(void)unused;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(open_spec(spec), 0);
		assert_int_equal(try_plan(NULL, &p), 0);
		assert_int_equal(w.looks, (size_t)i);
		assert_true(p->complete == (i == 1));
		settle(p);
		plan_free(p);
	}
	expect(spec, NULL, "read data.look.a");
	expect(spec, &trusting, "read data.look.a");
	expect(spec, &drift, "read data.look.a");
	assert_int_equal(open_spec(spec), 0);
	assert_int_equal(try_plan(&destroy, &p), 0);
	assert_int_equal(w.looks, 0);
	assert_null(p->data);
	/* c needs b through data that no state remembers. */
	assert_string_equal(p->changes[0].address, "box.b");
	assert_int_equal(p->groups[p->changes[0].group].n_after, 1);
	plan_free(p);
}

static void a_plan_keeps_what_was_read(void **unused)
{
	struct plan *p, *again;
	struct err err;
	(void)unused;
	assert_int_equal(open_spec("data: { look: { a: { name: x }, s: { name: secret } } }\n"), 0);
	assert_int_equal(try_plan(NULL, &p), 0);
	autofree char *text = json_text(p->data);
	assert_string_equal(text, "[{\"address\":\"data.look.a\",\"state\":\"read\",\"type\":\"look\",\"values\":{\"name\":\"x\",\"parts\":[\"a\",\"b\"],\"seen\":\"seen x\"}},"
				  "{\"address\":\"data.look.s\",\"sensitive\":true,\"state\":\"read\",\"type\":\"look\"}]");
	autojson json_t *j = plan_to_json(p);
	assert_int_equal(plan_from_json(j, &again, &err), 0);
	assert_true(json_equal(again->data, p->data));
	plan_free(again);
	json_object_set_new(j, "data", json_array());
	assert_int_equal(plan_from_json(j, &again, &err), E_INPUT);
	plan_free(p);
}

static int give_up(struct task *t, void *arg, struct err *err)
{
	struct plan *p = NULL;
	static const struct plan_options o = { .refresh = true };
	(void)arg;
	(void)task_deadline_in(t, 1);
	int rc = plan_make(t, w.e, w.store, &o, w.d, &p, err);
	plan_free(p);
	return rc;
}

static void a_plan_that_is_given_up_leaves_nothing(void **unused)
{
	struct err err = { 0 };
	(void)unused;
	assert_int_equal(open_spec("data: { look: { a: { count: 50, name: 'x${count.index}' } } }\n"), 0);
	assert_true(loop_run(w.loop, give_up, NULL, &err) != 0 || diags_errors(w.d) + diags_warnings(w.d) > 0);
	assert_int_equal(w.now, 0);
}

static void addresses(void **unused)
{
	static const struct { const char *target; int rc; } all[] = { { "data.look.a", 0 }, { "data.look.*", 0 }, { "data.look.z", E_INPUT } };
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct plan_options o = { .refresh = true, .targets = &all[i].target, .n_targets = 1 };
		struct making_of m = { &o, NULL };
		struct err err = { 0 };
		assert_int_equal(open_spec("data: { look: { a: { name: x } } }\n"), 0);
		assert_int_equal(loop_run(w.loop, make, &m, &err), all[i].rc);
		plan_free(m.p);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	json_setup();
	const struct CMUnitTest tests[] = {
		TEST(rows), TEST(reads_are_many_at_once_and_each_once), TEST(later_it_is_read), TEST(a_plan_keeps_what_was_read),
		TEST(a_plan_that_is_given_up_leaves_nothing), TEST(addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
