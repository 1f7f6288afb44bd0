/* What the store promises on a healthy machine, and what it says about files that are not its own. */
#include "tests/unit/state/script.h"

#include <fcntl.h>
#include <grp.h>

#include "state/sqlite_int.h"

static int count(void *ctx, const struct object *o)
{
	(void)o;
	++*(int *)ctx;
	return 0;
}

static void a_missing_file_is_empty_and_stays_missing(void **unused)
{
	(void)unused;
	for (int read_only = 0; read_only < 2; read_only++) {
		struct err err;
		struct store *s = opened(at("none/state.db"), read_only);
		int n = 0;
		int64_t serial = 7;
		struct object o = { .address = "x" };
		assert_int_equal(store_objects(s, count, &n, &err), 0);
		assert_int_equal(n, 0);
		assert_int_equal(store_serial(s, &serial, &err), 0);
		assert_int_equal(serial, 0);
		assert_int_equal(store_object(s, "a", &o, &err), 0);
		assert_null(o.address);
		store_close(s);
		assert_false(file_exists(at("none")));
	}
}

static void everything_comes_back(void **unused)
{
	(void)unused;
	struct err err;
	char *want[SCRIPT_STEPS + 1];
	script_digests(want);
	assert_string_equal(want[SCRIPT_STEPS],
			    "a[\"n-1\"] power pool.train 1 {\"n\":12345678901234567,\"state\":\"On\"} [] v2 s0\n"
			    "b power pool.train 2 {} [\"pool.a\"] v2 s0\n"
			    "note session=/redfish/v1/x\n"
			    "out ip=\"10.0.0.1\"\nout token=- sensitive\n"
			    "run 1 done\n");
	struct stat st;
	assert_int_equal(stat(at("clean.db"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	for (int read_only = 0; read_only < 2; read_only++) {
		struct store *s = opened(at("clean.db"), read_only);
		autofree char *got = digest(s, &err);
		assert_string_equal(got, want[SCRIPT_STEPS]);
		store_close(s);
	}
	assert_false(file_exists(at("clean.db-wal")));
	assert_true(file_exists(at("clean.db.lock")));
	script_digests_free(want);
}

static void versions_grow_and_survive_deletion(void **unused)
{
	(void)unused;
	struct err err;
	int64_t v = 0;
	struct store *s = locked(at("v.db"));
	assert_int_equal(put_text(s, "a", "{}", &v, &err), 0);
	assert_int_equal(v, 1);
	assert_int_equal(put_text(s, "a", "{\"x\":1}", &v, &err), 0);
	assert_int_equal(v, 2);
	assert_int_equal(store_delete(s, "a", &err), 0);
	assert_int_equal(store_delete(s, "a", &err), 0);
	assert_int_equal(put_text(s, "a", "{}", &v, &err), 0);
	assert_int_equal(v, 3);
	struct object o;
	assert_int_equal(store_object(s, "a", &o, &err), 0);
	assert_string_equal(o.address, "a");
	assert_int_equal(o.version, 3);
	json_decref(o.attrs);
	json_decref(o.deps);
	store_close(s);
}

static int stop_at_b(void *ctx, const struct object *o)
{
	str_addf(ctx, "%s ", o->address);
	return strcmp(o->address, "b") == 0 ? E_CANCELED : 0;
}

static void objects_come_sorted_by_bytes_until_told_to_stop(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = locked(at("o.db"));
	const char *const names[] = { "b", "a\xc3\xa9", "c", "a", "B", "a[\"10\"]", "a[\"9\"]" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(put_text(s, names[i], "{}", NULL, &err), 0);
	autostr struct str seen;
	str_init(&seen, STR_OURS);
	assert_int_equal(store_objects(s, stop_at_b, &seen, &err), E_CANCELED);
	assert_string_equal(seen.at, "B a a[\"10\"] a[\"9\"] a\xc3\xa9 b ");
	store_close(s);
}

static void a_plan_runs_once(void **unused)
{
	(void)unused;
	struct err err;
	int64_t id, serial;
	struct run run;
	struct store *s = locked(at("r.db"));
	assert_int_equal(run_begin(s, "apply", "7f3a9c000000", NULL, 0, &id, &err), 0);
	assert_int_equal(run_begin(s, "apply", "7f3a9c000000", NULL, 0, &id, &err), E_CONFLICT);
	assert_non_null(strstr(err.msg, "7f3a9c000000"));
	assert_int_equal(run_begin(s, "apply", NULL, NULL, 0, &id, &err), 0);
	assert_int_equal(run_begin(s, "apply", NULL, NULL, 0, &id, &err), 0);
	assert_int_equal(store_serial(s, &serial, &err), 0);
	assert_int_equal(serial, id);
	assert_int_equal(run_last(s, &run, &err), 0);
	assert_int_equal(run.id, id);
	assert_string_equal(run.status, "running");
	assert_null(run.plan_id);
	store_close(s);
}

static void an_operation_ends_once(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = locked(at("e.db"));
	for (int i = 0; i < 7; i++)
		assert_int_equal(script_step(s, i, &err), 0);
	assert_int_equal(op_done(s, 1, "b", NULL, &err), E_CONFLICT);
	assert_int_equal(op_note(s, 1, OP_SENT, NULL, &err), E_CONFLICT);
	assert_int_equal(op_failed(s, 99, "x", NULL, &err), E_CONFLICT);
	struct object o;
	assert_int_equal(store_object(s, "b", &o, &err), 0);
	assert_non_null(o.address);          /* the refused op_done() deleted nothing */
	json_decref(o.attrs);
	json_decref(o.deps);
	store_close(s);
}

static void what_could_not_be_read_back_is_not_written(void **unused)
{
	(void)unused;
	struct err err;
	struct store *s = locked(at("n.db"));
	autojson json_t *bad = json_object();
	json_object_set_new(bad, "x", json_stringn("a\0b", 3));
	struct object o = { .address = "a", .type = "t", .owner = "a", .attrs = bad };
	assert_int_equal(store_put(s, &o, NULL, &err), E_INPUT);
	int n = 0;
	assert_int_equal(store_objects(s, count, &n, &err), 0);
	assert_int_equal(n, 0);
	store_close(s);
}

/* --- the lock ------------------------------------------------------------------------------------------------------- */
static void the_lock_names_its_holder_and_dies_with_it(void **unused)
{
	(void)unused;
	struct err err;
	int ready[2], end[2];
	char c = 0;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(end), 0);
	assert_int_equal(symlink(at("l.db"), at("other-name.db")), 0);
	store_close(locked(at("l.db")));
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		int rc = store_open(at("l.db"), false, &s, &err) || store_lock(s, "aipc apply train.plan", &err) ||
			 put_text(s, "a", "{}", NULL, &err);
		if (write(ready[1], &c, 1) != 1 || read(end[0], &c, 1) != 1)
			rc = 1;
		_exit(rc);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	struct store *s = opened(at("other-name.db"), false);
	assert_int_equal(store_lock(s, "aipc apply", &err), E_BUSY);
	autofree char *process = xasprintf("process %d", (int)pid);
	assert_non_null(strstr(err.msg, "aipc apply train.plan"));
	assert_non_null(strstr(err.msg, process));
	int n = 0;                                           /* readers do not care */
	assert_int_equal(store_objects(s, count, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(write(end[1], &c, 1), 1);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(store_lock(s, "aipc apply", &err), 0);
	store_close(s);
}

static void a_store_made_meanwhile_is_seen_under_the_lock(void **unused)
{
	(void)unused;
	struct err err;
	int n = 0;
	struct store *early = opened(at("new/folder/m.db"), false), *s = locked(at("new/folder/m.db"));
	assert_int_equal(put_text(s, "a", "{}", NULL, &err), 0);
	store_close(s);
	assert_int_equal(store_lock(early, "test", &err), 0);
	assert_int_equal(store_objects(early, count, &n, &err), 0);
	assert_int_equal(n, 1);
	store_close(early);
}

/* --- reading where nothing can be written ------------------------------------------------------------------------------ */
static char *listing(const char *path)
{
	autofree char *cmd = xasprintf("cd %s && ls -A && cat $(ls -A) | sha256sum", path);
	FILE *f = popen(cmd, "r");
	char buf[1024];
	size_t n = fread(buf, 1, sizeof(buf) - 1, f);
	buf[n] = '\0';
	pclose(f);
	return xstrdup(buf);
}

/* Leaves PATH as a killed writer does: with its last commits in the log. */
static void killed_after(const char *path, int steps)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		struct err err;
		int rc = store_open(path, false, &s, &err) || store_lock(s, "test", &err);
		for (int i = 0; rc == 0 && i < steps; i++)
			rc = script_step(s, i, &err);
		_exit(rc ? 1 : 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static char *digest_as_nobody(const char *path)
{
	int out[2], status;
	char buf[4096];
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s = NULL;
		struct err err = { 0 };
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
			_exit(3);
		char *text = store_open(path, true, &s, &err) ? NULL : digest(s, &err);
		dprintf(out[1], "%s", text ? text : err.msg);
		free(text);
		store_close(s);
		_exit(0);
	}
	close(out[1]);
	size_t n = 0;
	ssize_t got;
	while ((got = read(out[0], buf + n, sizeof(buf) - 1 - n)) > 0)
		n += (size_t)got;
	buf[n] = '\0';
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return xstrdup(buf);
}

static void reading_works_without_any_right_to_write(void **unused)
{
	(void)unused;
	static const char *const cases[] = { "closed", "killed", "killed, log only" };
	char *want[SCRIPT_STEPS + 1];
	script_digests(want);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(mkdir(at("ro"), 0755), 0);
		killed_after(at("ro/s.db"), 9);
		if (i == 0)
			store_close(opened(at("ro/s.db"), false));
		if (i == 2)
			unlink(at("ro/s.db-shm"));
		shell("chmod 444 $1/*", at("ro"));
		shell("chmod 555 $1", at("ro"));
		autofree char *before = listing(at("ro")), *got = digest_as_nobody(at("ro/s.db")), *after = listing(at("ro"));
		if (strcmp(got, want[9]) != 0)
			fail_msg("%s: %s", cases[i], got);
		assert_string_equal(after, before);
		shell("chmod 755 $1", at("ro"));
		shell("rm -r $1", at("ro"));
	}
	script_digests_free(want);
}

static void a_reader_changes_nothing_where_it_could(void **unused)
{
	(void)unused;
	struct err err;
	assert_int_equal(mkdir(at("rw"), 0755), 0);
	killed_after(at("rw/s.db"), 9);
	unsigned long long size;
	char sum[65], sum2[65], wal[65], wal2[65];
	assert_int_equal(file_sha256(at("rw/s.db"), sum, &size, &err), 0);
	assert_int_equal(file_sha256(at("rw/s.db-wal"), wal, &size, &err), 0);
	struct store *s = opened(at("rw/s.db"), true);
	autofree char *got = digest(s, &err);
	assert_non_null(got);
	assert_int_equal(store_note_put(s, "redfish", "k", "v", &err), 0);
	assert_int_equal(store_lock(s, "test", &err), E_DENIED);
	store_close(s);
	assert_int_equal(file_sha256(at("rw/s.db"), sum2, &size, &err), 0);
	assert_int_equal(file_sha256(at("rw/s.db-wal"), wal2, &size, &err), 0);
	assert_string_equal(sum, sum2);
	assert_string_equal(wal, wal2);
}

static void a_read_only_folder_is_said_before_anything_starts(void **unused)
{
	(void)unused;
	store_close(locked(at("clean.db")));
	char *want[SCRIPT_STEPS + 1];
	script_digests(want);
	script_digests_free(want);
	int out[2], status;
	char buf[2048] = "";
	assert_int_equal(pipe(out), 0);
	shell("chmod 644 $1/clean.db", dir);
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s = NULL, *none = NULL;
		struct err a = { 0 }, b = { 0 };
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
			_exit(3);
		chmod(dir, 0555);
		int rc = store_open(at("clean.db"), false, &s, &a);
		int rc2 = store_open(at("sub/new.db"), false, &none, &b) ? 1 : store_lock(none, "x", &b);
		dprintf(out[1], "%s\n%s\n", a.msg, b.msg);
		_exit(rc == E_DENIED && rc2 == E_DENIED ? 0 : 1);
	}
	close(out[1]);
	assert_true(read(out[0], buf, sizeof(buf) - 1) > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("%s", buf);
	assert_non_null(strstr(buf, "clean.db: the file or its folder is read-only"));
	assert_non_null(strstr(buf, "sub/new.db"));
}

/* --- moves ----------------------------------------------------------------------------------------------------------- */
static void moves_happen_with_the_run_or_not_at_all(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct store *s = locked(at("m.db"));
	struct object o;
	int64_t run;
	assert_int_equal(put_text(s, "a", "{\"x\":1}", NULL, &err), 0);
	assert_int_equal(put_text(s, "b", "{\"x\":2}", NULL, &err), 0);
	const struct store_move swap[] = { { "a", "b", "new" }, { "b", "a", "new" } };
	const struct store_move gone[] = { { "a", "c", "new" }, { "none", "d", "new" } }, taken[] = { { "a", "b", "new" } };
	assert_int_equal(run_begin(s, "apply", "p", gone, 2, &run, &err), E_CONFLICT);
	assert_non_null(strstr(err.msg, "no object none"));
	assert_int_equal(run_begin(s, "apply", "p", taken, 1, &run, &err), E_CONFLICT);
	assert_int_equal(store_object(s, "a", &o, &err), 0);
	assert_int_equal(json_int(o.attrs, "x", 0), 1);
	json_decref(o.attrs);
	json_decref(o.deps);
	assert_int_equal(run_begin(s, "apply", "p", swap, 2, &run, &err), 0);
	assert_int_equal(store_object(s, "a", &o, &err), 0);
	assert_int_equal(json_int(o.attrs, "x", 0), 2);
	assert_string_equal(o.owner, "new");
	assert_int_equal(o.version, 2);
	json_decref(o.attrs);
	json_decref(o.deps);
	store_close(s);
}

/* --- upgrades ----------------------------------------------------------------------------------------------------------- */
static const struct sq_upgrade steps_ok[] = {
	{ 3, "ALTER TABLE note ADD COLUMN extra TEXT" }, { 4, "UPDATE note SET value = 'upgraded'" },
};
static const struct sq_upgrade steps_bad[] = {
	{ 3, "UPDATE note SET value = 'half'" }, { 4, "UPDATE nowhere SET x = 1" },
};
static const struct sq_format format_1 = { 1, NULL, 0 }, format_5 = { 5, steps_ok, 2 }, format_bad = { 5, steps_bad, 2 },
	format_gap = { 5, steps_ok + 1, 1 };

static int see_provider(void *ctx, const struct op_row *op)
{
	*(const char **)ctx = op->provider ? xstrdup(op->provider) : NULL;
	return 0;
}

static void an_older_state_is_upgraded_wholly_or_not(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct store *s = locked(at("u.db"));
	assert_int_equal(store_note_put(s, "redfish", "k", "old", &err), 0);
	assert_int_equal(put_text(s, "a", "{}", NULL, &err), 0);
	store_close(s);

	assert_int_equal(sq_open(at("u.db"), false, &format_gap, &s, &err), E_UNSUPPORTED);
	assert_true(sq_open(at("u.db"), false, &format_bad, &s, &err) < 0);
	s = opened(at("u.db"), true);
	autofree char *before = digest(s, &err);
	assert_non_null(strstr(before, "note k=old"));
	store_close(s);

	assert_int_equal(sq_open(at("u.db"), true, &format_5, &s, &err), 0);         /* a reader: in memory only */
	autofree char *seen = digest(s, &err);
	assert_non_null(strstr(seen, "note k=upgraded"));
	store_close(s);
	store_close(opened(at("u.db"), true));

	assert_int_equal(sq_open(at("u.db"), false, &format_5, &s, &err), 0);
	assert_int_equal(store_lock(s, "test", &err), 0);
	autofree char *after = digest(s, &err);
	assert_non_null(strstr(after, "note k=upgraded"));
	store_close(s);

	for (int read_only = 0; read_only < 2; read_only++) {
		assert_int_equal(store_open(at("u.db"), read_only, &s, &err), E_UNSUPPORTED);
		assert_non_null(strstr(err.msg, "newer aipc (format 5"));
	}
}

/* Format 2 remembers which configuration of its provider an object was made with. */
static void a_state_of_format_1_takes_the_providers_of_objects(void **unused)
{
	(void)unused;
	struct err err = { 0 };
	struct store *s;
	int64_t run, op;
	struct object back;
	assert_int_equal(sq_open(at("one.db"), false, &format_1, &s, &err), 0);
	assert_int_equal(store_lock(s, "test", &err), 0);
	assert_int_equal(run_begin(s, "apply", NULL, NULL, 0, &run, &err), 0);
	store_close(s);

	s = locked(at("one.db"));
	autojson json_t *attrs = json_object();
	struct object o = { .address = "a.b", .type = "a", .owner = "a.b", .provider = "p.eu", .schema_version = 1, .attrs = attrs };
	struct op_row row = { .run = run, .address = "a.b", .type = "a", .owner = "a.b", .action = "delete", .provider = "p.by[\"k\"]" };
	assert_int_equal(store_put(s, &o, NULL, &err), 0);
	assert_int_equal(op_begin(s, &row, &op, &err), 0);
	store_close(s);

	s = locked(at("one.db"));
	assert_int_equal(store_object(s, "a.b", &back, &err), 0);
	assert_string_equal(back.provider, "p.eu");
	json_decref(back.attrs);
	json_decref(back.deps);
	const char *seen = NULL;
	assert_int_equal(store_open_ops(s, see_provider, &seen, &err), 0);
	assert_string_equal(seen, "p.by[\"k\"]");
	free((char *)seen);
	o.provider = NULL;
	assert_int_equal(store_put(s, &o, NULL, &err), 0);
	assert_int_equal(store_object(s, "a.b", &back, &err), 0);
	assert_null(back.provider);
	json_decref(back.attrs);
	json_decref(back.deps);
	store_close(s);
}

/* --- files that are not a state -------------------------------------------------------------------------------------------- */
static void other_files_are_refused_and_left_alone(void **unused)
{
	(void)unused;
	static const struct { const char *make, *says; int code; } cases[] = {
		{ "mkdir $1", "is a folder", E_INPUT },
		{ "mkfifo $1", "a special file", E_INPUT },
		{ "ln -s /nowhere/at/all $1", "a link to something that is not there", E_NOTFOUND },
		{ ": > $1", "it is empty", E_IO },
		{ "printf xy > $1", "it has 2 bytes", E_IO },
		{ "printf '{\"version\": 4}%1000s' > $1", "damaged", E_IO },
		{ "head -c 5000 /dev/zero > $1", "damaged", E_IO },
		{ "python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute(\"create table t(x)\"); c.commit()' $1",
		  "another program", E_INPUT },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct store *s;
		struct err err = { 0 };
		char *path = at("odd");
		shell(cases[i].make, path);
		for (int read_only = 0; read_only < 2; read_only++) {
			autofree char *before = i > 2 ? listing(dir) : NULL;
			int rc = store_open(path, read_only, &s, &err);
			if (rc != cases[i].code || !strstr(err.msg, cases[i].says) || !strstr(err.msg, path))
				fail_msg("%s: %d %s", cases[i].make, rc, err.msg);
			autofree char *after = i > 2 ? listing(dir) : NULL;
			if (before)
				assert_string_equal(before, after);
		}
		shell("rm -rf $1", path);
	}
}

static void an_odd_name_is_only_a_name(void **unused)
{
	(void)unused;
	struct err err;
	int n = 0;
	struct store *s = locked(at("a?b#c%41 \xc3\xa9.db"));
	assert_int_equal(put_text(s, "a", "{}", NULL, &err), 0);
	store_close(s);
	assert_true(file_exists(at("a?b#c%41 \xc3\xa9.db")));
	s = opened(at("a?b#c%41 \xc3\xa9.db"), true);
	assert_int_equal(store_objects(s, count, &n, &err), 0);
	assert_int_equal(n, 1);
	store_close(s);
}

int main(void)
{
	json_setup();
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_missing_file_is_empty_and_stays_missing), T(everything_comes_back), T(versions_grow_and_survive_deletion),
		T(objects_come_sorted_by_bytes_until_told_to_stop), T(a_plan_runs_once), T(an_operation_ends_once),
		T(what_could_not_be_read_back_is_not_written), T(the_lock_names_its_holder_and_dies_with_it),
		T(a_store_made_meanwhile_is_seen_under_the_lock), T(reading_works_without_any_right_to_write),
		T(a_reader_changes_nothing_where_it_could), T(a_read_only_folder_is_said_before_anything_starts),
		T(moves_happen_with_the_run_or_not_at_all), T(an_older_state_is_upgraded_wholly_or_not), T(a_state_of_format_1_takes_the_providers_of_objects),
		T(other_files_are_refused_and_left_alone), T(an_odd_name_is_only_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
