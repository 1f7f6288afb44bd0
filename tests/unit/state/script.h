/* What the tests of the store share: a folder of their own, a script of calls that touches every table, and a digest of all that
 * a store holds. */
#ifndef TESTS_UNIT_STATE_SCRIPT_H
#define TESTS_UNIT_STATE_SCRIPT_H

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

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "state/store.h"
#include "tests/unit/scratch.h"

static char dir[64];

static inline char *at(const char *name)
{
	static char buf[4][256];
	static unsigned i;
	char *p = buf[i++ % 4];
	snprintf(p, sizeof(buf[0]), "%s/%s", dir, name);
	return p;
}

/* Runs LINE with ARG as $1. */
static inline void shell(const char *command, const char *arg)
{
	autofree char *line = xasprintf("set -- '%s'; %s", arg, command);
	assert_int_equal(system(line), 0);
}

static inline int setup(void **unused)
{
	(void)unused;
	return scratch(dir) ? chmod(dir, 0755) : -1;
}

static inline int teardown(void **unused)
{
	(void)unused;
	shell("chmod -R u+w $1", dir);
	shell("rm -rf $1", dir);
	return 0;
}

static inline struct store *opened(const char *path, bool read_only)
{
	struct store *s = NULL;
	struct err err = { 0 };
	if (store_open(path, read_only, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static inline struct store *locked(const char *path)
{
	struct store *s = opened(path, false);
	struct err err = { 0 };
	if (store_lock(s, "test", &err))
		fail_msg("%s", err.msg);
	return s;
}

static inline json_t *parsed(const char *text)
{
	json_t *j = NULL;
	struct err err;
	assert_int_equal(json_parse(text, strlen(text), "test", &j, &err), 0);
	return j;
}

static inline int put_text(struct store *s, const char *address, const char *attrs, int64_t *version, struct err *err)
{
	autojson json_t *a = parsed(attrs), *d = parsed("[\"pool.a\"]");
	struct object o = { .address = address, .type = "power", .owner = "pool.train", .schema_version = 2, .attrs = a, .deps = d };
	return store_put(s, &o, version, err);
}

/* --- the digest ---------------------------------------------------------------------------------------------------- */
static inline int digest_object(void *ctx, const struct object *o)
{
	autofree char *attrs = json_text(o->attrs), *deps = json_text(o->deps);
	str_addf(ctx, "%s %s %s %d %s %s v%lld s%d\n", o->address, o->type, o->owner, o->schema_version, attrs, deps, (long long)o->version,
		 (int)o->status);
	return 0;
}

static inline int digest_op(void *ctx, const struct op_row *op)
{
	autofree char *config = op->config ? json_text(op->config) : NULL, *note = op->note ? json_text(op->note) : NULL;
	str_addf(ctx, "op %lld %s %s %d %s %s\n", (long long)op->id, op->address, op->action, (int)op->state, config ? config : "-",
		 note ? note : "-");
	return 0;
}

static inline int digest_note(void *ctx, const char *key, const char *value)
{
	str_addf(ctx, "note %s=%s\n", key, value);
	return 0;
}

static inline int digest_output(void *ctx, const struct stored_output *o)
{
	str_addf(ctx, "out %s=%s%s\n", o->name, o->text ? o->text : "-", o->sensitive ? " sensitive" : "");
	return 0;
}

/* All that S holds as text, yours; NULL with ERR when it cannot be read. */
static inline char *digest(struct store *s, struct err *err)
{
	struct str out;
	struct run run = { 0 };
	str_init(&out, STR_OURS);
	if (store_objects(s, digest_object, &out, err) || store_open_ops(s, digest_op, &out, err) ||
	    store_notes(s, "redfish", digest_note, &out, err) || store_outputs(s, digest_output, &out, err) || run_last(s, &run, err)) {
		str_release(&out);
		return NULL;
	}
	str_addf(&out, "run %lld %s\n", (long long)run.id, run.status ? run.status : "-");
	return str_take(&out);
}

/* --- the script ------------------------------------------------------------------------------------------------------ */
enum { SCRIPT_STEPS = 14 };

static inline int script_op(struct store *s, int step, struct err *err)
{
	autojson json_t *config = parsed("{\"state\":\"On\",\"n\":12345678901234567}"), *note = parsed("{\"step\":\"sent\",\"task\":\"/t/1\"}");
	struct op_row op = { .run = 1, .address = "a[\"n-1\"]", .type = "power", .owner = "pool.train", .action = "update", .config = config };
	struct object o = { .address = "a[\"n-1\"]", .type = "power", .owner = "pool.train", .schema_version = 1, .attrs = config };
	int64_t id;
	switch (step) {
	case 4: case 8: return op_begin(s, &op, &id, err);
	case 5: case 9: return op_note(s, step == 5 ? 1 : 2, OP_SENT, note, err);
	case 6: return op_done(s, 1, o.address, &o, err);
	default: return op_failed(s, 2, "the BMC said no", NULL, err);
	}
}

static inline int script_step(struct store *s, int step, struct err *err)
{
	static const struct stored_output outs[] = { { "ip", "\"10.0.0.1\"", false }, { "token", NULL, true } };
	int64_t id;
	switch (step) {
	case 0: return run_begin(s, "apply", "0123456789ab", NULL, 0, &id, err);
	case 1: return put_text(s, "a[\"n-1\"]", "{\"x\":1.5,\"y\":\"z\"}", NULL, err);
	case 2: return put_text(s, "b", "{\"list\":[1,2,{\"k\":null}]}", NULL, err);
	case 3: return store_note_put(s, "redfish", "session", "/redfish/v1/x", err);
	case 7: return store_delete(s, "b", err);
	case 11: return put_text(s, "b", "{}", NULL, err);
	case 12: return store_outputs_put(s, outs, 2, err);
	case 13: return run_end(s, 1, "done", err);
	default: return script_op(s, step, err);
	}
}

/* Digests after 0, 1, ... steps of an undisturbed run. */
static inline void script_digests(char *want[SCRIPT_STEPS + 1])
{
	struct err err;
	struct store *s = locked(at("clean.db"));
	for (int i = 0;; i++) {
		want[i] = digest(s, &err);
		assert_non_null(want[i]);
		if (i == SCRIPT_STEPS)
			break;
		if (script_step(s, i, &err))
			fail_msg("step %d: %s", i, err.msg);
	}
	store_close(s);
}

static inline void script_digests_free(char *want[SCRIPT_STEPS + 1])
{
	for (int i = 0; i <= SCRIPT_STEPS; i++)
		free(want[i]);
}

#endif
