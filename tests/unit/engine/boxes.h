/* A made-up world for the tests of apply: boxes with a size, scripted to misbehave. The world may live in a file, so that a
 * process that dies leaves it behind. */
#ifndef TESTS_UNIT_ENGINE_BOXES_H
#define TESTS_UNIT_ENGINE_BOXES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "engine/apply.h"
#include "tests/unit/state/fault.h"
#include "tests/unit/scratch.h"

static struct {
	char dir[64];
	json_t *boxes;               /* {address: {"size": n}} */
	json_t *sends;               /* {address: how often something was sent} */
	json_t *faults;              /* {address: how it misbehaves} */
	bool in_file;                /* boxes and sends are in DIR/world */
	unsigned now, most;          /* operations at once */
	struct str log;              /* events */
	bool progress;               /* log it */
	bool drain;
	const char *drain_at;        /* set drain when this object starts, or "(soak)" */
	struct loop *loop;
} w;

static inline char *in_dir(const char *name)
{
	static char buf[4][256];
	static unsigned i;
	char *p = buf[i++ % 4];
	snprintf(p, sizeof(buf[0]), "%s/%s", w.dir, name);
	return p;
}

static inline void world_load(void)
{
	autojson json_t *j = NULL;
	struct err err;
	if (!w.in_file || !file_exists(in_dir("world")))
		return;
	if (json_read(in_dir("world"), 1 << 20, &j, &err))
		fail_msg("%s", err.msg);
	json_decref(w.boxes);
	json_decref(w.sends);
	w.boxes = json_ref(json_at(j, "boxes"));
	w.sends = json_ref(json_at(j, "sends"));
}

static inline void world_save(void)
{
	if (!w.in_file)
		return;
	autojson json_t *j = json_pack("{s:O,s:O}", "boxes", w.boxes, "sends", w.sends);
	autofree char *text = json_text(j);
	struct err err;
	assert_int_equal(file_write(in_dir("world"), text, strlen(text), 0600, &err), 0);
}

static inline const char *fault_of(const struct op *op)
{
	const char *f = json_str(w.faults, op->address);
	return f ? f : "";
}

/* What the world is asked to do: SIZE 0 removes. It can tell afterwards that it was asked. */
static inline void send_to_world(const struct op *op, int64_t size)
{
	fault_point();
	json_put_int(w.sends, op->address, json_int(w.sends, op->address, 0) + 1);
	if (size)
		json_put_new(w.boxes, op->address, json_pack("{s:I,s:s}", "size", (json_int_t)size, "health", "OK"));
	else
		json_object_del(w.boxes, op->address);
	world_save();
	fault_point();
}

static inline int box_do(struct task *t, struct op *op, int64_t size, struct err *err)
{
	const char *f = fault_of(op);
	const json_t *have = json_at(w.boxes, op->address);
	bool reached = size ? have && json_int(have, "size", 0) == size : !have;
	autojson json_t *note = json_pack("{s:I}", "size", (json_int_t)size);
	int rc = 0;
	fault_point();
	if (strcmp(f, "refuses") == 0)
		return err_set(err, E_DENIED, "the box said no");
	if (strcmp(f, "silent") == 0)
		return err_set(err, E_UNREACHABLE, "no answer");
	if (!op->note && (rc = op_journal(t, op, false, "looked", note, err)))
		return rc;
	fault_point();
	/* Only what the world does not show was not sent. */
	if (!reached) {
		if ((rc = op_journal(t, op, true, "sent", note, err)))
			return rc;
		send_to_world(op, strcmp(f, "stubborn") == 0 ? 1 : size);
	}
	op_progress(op, 50, "half of %s", op->address);
	if ((rc = task_sleep(t, strcmp(f, "slow") == 0 ? 100 * 60000 : 60000, err)))
		return rc;
	fault_point();
	if (strcmp(f, "lost") == 0)
		return err_set(err, E_UNREACHABLE, "the connection broke");
	have = json_at(w.boxes, op->address);
	op->actual = have && strcmp(f, "vanishes") ? json_ref(have) : NULL;
	if (strcmp(f, "half") == 0)
		return err_set(err, E_INTERNAL, "the box broke half-way");
	if (strcmp(f, "stays") == 0)
		op->actual = json_pack("{s:i}", "size", 1);
	return 0;
}

static inline int box_op(struct task *t, struct op *op, int64_t size, struct err *err)
{
	w.now++;
	w.most = w.now > w.most ? w.now : w.most;
	int rc = box_do(t, op, size, err);
	w.now--;
	return rc;
}

static inline int box_set(struct task *t, struct op *op, struct err *err)
{
	return box_op(t, op, json_int(op->config, "size", 0), err);
}

static inline int box_remove(struct task *t, struct op *op, struct err *err)
{
	return box_op(t, op, 0, err);
}

static inline int box_read(struct task *t, struct op *op, struct err *err)
{
	(void)t, (void)err;
	const json_t *have = json_at(w.boxes, op->address);
	op->actual = have ? json_ref(have) : NULL;
	return 0;
}

static const struct attr box_attrs[] = {
	{ .name = "size", .type = ATTR_INT },
	{ .name = "image", .type = ATTR_STRING, .flags = ATTR_META },
	{ .name = "password", .type = ATTR_STRING, .flags = ATTR_SECRET },
	{ .name = "health", .type = ATTR_STRING, .flags = ATTR_STATUS | ATTR_COMPUTED },
	{ 0 },
};
static const struct resource_type box = {
	.name = "box", .version = 3, .attrs = box_attrs, .read = box_read, .create = box_set, .update = box_set, .destroy = box_remove,
};
/* Exists by nature: no create, no destroy. */
static const struct resource_type rock = { .name = "rock", .version = 1, .attrs = box_attrs, .read = box_read, .update = box_set };
static const struct resource_type *const box_types[] = { &box, &rock, NULL };
static const struct provider boxes = { .abi = PROVIDER_ABI, .name = "boxes", .types = box_types };
static const struct resource_type *const rock_types[] = { &rock, NULL };
static const struct provider rocks = { .abi = PROVIDER_ABI, .name = "boxes", .types = rock_types };

/* --- events ------------------------------------------------------------------------------------------------------------ */
static inline void on_note(void *ctx, const struct apply_note *n)
{
	static const char *const names[] = { "resuming", "wave", "soak", "start", "progress", "done", "failed", "open", "unmet", "kept" };
	(void)ctx;
	if (n->event == EV_PROGRESS && !w.progress)
		return;
	if (n->event == EV_START && w.drain_at && strcmp(n->address, w.drain_at) == 0)
		w.drain = true;
	if (n->event == EV_SOAK && w.drain_at && strcmp("(soak)", w.drain_at) == 0)
		w.drain = true;
	str_add(&w.log, names[n->event]);
	if (n->event == EV_WAVE || n->event == EV_SOAK)
		str_addf(&w.log, " %s %u/%u", n->group, n->wave, n->waves);
	else
		str_addf(&w.log, " %s", n->address);
	if (n->event == EV_SOAK)
		str_addf(&w.log, " %lld", (long long)n->seconds);
	if (n->event == EV_PROGRESS)
		str_addf(&w.log, " %d%%", n->percent);
	if (n->text)
		str_addf(&w.log, ": %s", n->text);
	str_add(&w.log, "\n");
}

/* --- plans ---------------------------------------------------------------------------------------------------------------- */
/* "ADDRESS:ACTION SIZE gGROUP wWAVE <AFTER ..." and "=OWNER <GROUP wWAVES sSOAK". Numbers of changes and groups count from 0.
 * ACTION is + ~ / - f (forget) ? (skip). */
static inline void plan_group(struct plan *p, const char *line)
{
	struct group *g = &p->groups[p->n_groups++];
	unsigned *after = arena_array(p->arena, 8, sizeof(*after));
	autofree char *copy = xstrdup(line + 1);
	g->after = after;
	for (char *save = NULL, *s = strtok_r(copy, " ", &save); s; s = strtok_r(NULL, " ", &save)) {
		if (!g->owner)
			g->owner = arena_strdup(p->arena, s);
		else if (*s == '<')
			after[g->n_after++] = (unsigned)atoi(s + 1);
		else if (*s == 'w')
			g->waves = (unsigned)atoi(s + 1);
		else
			g->soak_s = (unsigned)atoi(s + 1);
	}
}

static inline void plan_change(struct plan *p, const char *line)
{
	static const struct { char c; enum action a; } actions[] = {
		{ '+', ACT_CREATE }, { '~', ACT_UPDATE }, { '/', ACT_REPLACE }, { '-', ACT_DELETE }, { 'f', ACT_FORGET }, { '?', ACT_SKIP },
	};
	struct change *c = &p->changes[p->n++];
	unsigned *after = arena_array(p->arena, 8, sizeof(*after));
	autofree char *copy = xstrdup(line);
	char *save = NULL, *name = strtok_r(copy, ":", &save), kind = *strtok_r(NULL, " ", &save);
	int size = atoi(strtok_r(NULL, " ", &save));
	*c = (struct change){ .address = arena_strdup(p->arena, name), .type = *name == 'r' ? "rock" : "box", .after = after };
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (actions[i].c == kind)
			c->action = actions[i].a;
	for (char *s; (s = strtok_r(NULL, " ", &save));)
		if (*s == 'g')
			c->group = (unsigned)atoi(s + 1);
		else if (*s == 'w')
			c->wave = (unsigned)atoi(s + 1), c->node = c->address;
		else
			after[c->n_after++] = (unsigned)atoi(s + 1);
	if (size)
		c->config = json_pack("{s:i,s:s,s:s}", "size", size, "image", "i.bin", "password", "env:PW");
}

static inline struct plan *plan_of(const char *text)
{
	struct plan *p = xcalloc(1, sizeof(*p));
	autofree char *copy = xstrdup(text);
	size_t lines = 1;
	for (const char *s = text; *s; s++)
		lines += *s == '\n';
	p->arena = arena_new();
	p->changes = arena_array(p->arena, lines, sizeof(*p->changes));
	p->groups = arena_array(p->arena, lines + 1, sizeof(*p->groups));
	for (char *save = NULL, *s = strtok_r(copy, "\n", &save); s; s = strtok_r(NULL, "\n", &save))
		if (*s == '=')
			plan_group(p, s);
		else
			plan_change(p, s);
	if (!p->n_groups)
		p->groups[p->n_groups++].owner = "g";
	for (size_t i = 0; i < p->n; i++)
		p->changes[i].owner = p->groups[p->changes[i].group].owner;
	return p;
}

/* What is in the state already is prior; its version is what the plan read. */
static inline void plan_meet(struct plan *p, struct store *s)
{
	for (size_t i = 0; i < p->n; i++) {
		struct object o;
		struct err err;
		assert_int_equal(store_object(s, p->changes[i].address, &o, &err), 0);
		if (!o.address)
			continue;
		json_decref((json_t *)p->changes[i].prior);
		p->changes[i].prior = o.attrs;
		p->changes[i].version = o.version;
		json_decref(o.deps);
	}
}

static inline void plan_drop(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		json_decref((json_t *)p->changes[i].config);
		json_decref((json_t *)p->changes[i].prior);
	}
	arena_free(p->arena);
	free(p);
}

/* --- running -------------------------------------------------------------------------------------------------------------- */
struct running {
	struct store *s;
	const struct plan *p;        /* NULL: resume */
	const struct provider *provider;
	struct apply_options o;
	struct apply_result out;
	int64_t cancel_after;        /* ms; 0: never */
	int rc;
};

static inline int run_inner(struct task *t, void *arg, struct err *err)
{
	struct running *r = arg;
	const struct provider *const providers[] = { r->provider ? r->provider : &boxes, NULL };
	struct engine_options eo = { .dir = ".", .providers = providers, .loop = w.loop };
	struct engine *e;
	int rc = engine_open_bare(&eo, NULL, &e, err);
	assert_int_equal(rc, 0);
	r->o.note = on_note;
	r->o.drain = &w.drain;
	rc = r->p ? apply_run(t, e, r->s, r->p, &r->o, &r->out, err) : apply_resume(t, e, r->s, &r->o, &r->out, err);
	engine_close(t, e);
	return r->rc = rc;
}

static inline int run_outer(struct task *t, void *arg, struct err *err)
{
	struct running *r = arg;
	struct scope *s = scope_open(t, 0);
	struct err ignored;
	assert_int_equal(scope_spawn(t, s, "run", run_inner, r, err), 0);
	if (r->cancel_after) {
		assert_int_equal(task_sleep(t, r->cancel_after, &ignored), 0);
		scope_cancel(s);
	}
	return scope_join(t, s, err);
}

static inline int running_go(struct running *r, struct err *err)
{
	*err = (struct err){ 0 };
	w.loop = loop_new();
	int rc = loop_run(w.loop, run_outer, r, err);
	loop_free(w.loop);
	return rc;
}

static inline struct store *store_here(void)
{
	struct store *s = NULL;
	struct err err = { 0 };
	if (store_open(in_dir("state.db"), false, &s, &err) || store_lock(s, "test", &err))
		fail_msg("%s", err.msg);
	return s;
}

static inline int add_object(void *ctx, const struct object *o)
{
	str_addf(ctx, "%s=%lld%s%s ", o->address, (long long)json_int(o->attrs, "size", -1), o->status == OBJ_NONCONFORMING ? "!" : "",
		 o->status == OBJ_PARTIAL ? "?" : "");
	return 0;
}

static inline int add_open(void *ctx, const struct op_row *op)
{
	str_addf(ctx, "(%s %s %s) ", op->action, op->address, op->state == OP_SENT ? "sent" : "intent");
	return 0;
}

/* "a=2 b=1! (update c sent) " */
static inline char *state_text(struct store *s)
{
	struct str out;
	struct err err;
	str_init(&out, STR_OURS);
	assert_int_equal(store_objects(s, add_object, &out, &err), 0);
	assert_int_equal(store_open_ops(s, add_open, &out, &err), 0);
	return str_take(&out);
}

static inline int boxes_setup(void **unused)
{
	(void)unused;
	memset(&w, 0, sizeof(w));
	if (!scratch(w.dir))
		return -1;
	w.boxes = json_object();
	w.sends = json_object();
	w.faults = json_object();
	str_init(&w.log, STR_OURS);
	clock_simulate(1, 1790000000000);
	return 0;
}

static inline int boxes_teardown(void **unused)
{
	(void)unused;
	json_decref(w.boxes);
	json_decref(w.sends);
	json_decref(w.faults);
	str_release(&w.log);
	clock_real();
	autofree char *line = xasprintf("rm -rf %s", w.dir);
	return system(line);
}

/* Boxes "a b c" of size 1, in the world and in the state. */
static inline void seed(struct store *s, const char *names)
{
	autofree char *copy = xstrdup(names);
	struct err err;
	for (char *save = NULL, *n = strtok_r(copy, " ", &save); n; n = strtok_r(NULL, " ", &save)) {
		autojson json_t *attrs = json_pack("{s:i,s:s}", "size", 1, "image", "old.bin");
		struct object o = { .address = n, .type = *n == 'r' ? "rock" : "box", .owner = "g", .schema_version = 3, .attrs = attrs };
		assert_int_equal(store_put(s, &o, NULL, &err), 0);
		json_put_new(w.boxes, n, json_pack("{s:i}", "size", 1));
	}
	world_save();
}

#endif
