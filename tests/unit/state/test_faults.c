/* The store when the disk is full, fails, or the process dies at any write; and files cut or flipped at any byte. */
#include "tests/unit/state/script.h"

#include <fcntl.h>

#include "tests/unit/state/fault.h"

static char *want[SCRIPT_STEPS + 1];

static int begin(void **unused)
{
	if (setup(unused))
		return -1;
	script_digests(want);
	return 0;
}

static int finish(void **unused)
{
	script_digests_free(want);
	return teardown(unused);
}

static void wipe(const char *name)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".new", ".new-wal", ".new-shm" };
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		autofree char *path = xasprintf("%s/%s%s", dir, name, suffixes[i]);
		unlink(path);
	}
}

/* Runs the script from step FROM; *DONE counts the steps that returned 0. */
static int script_run(struct store *s, int *done, struct err *err)
{
	int rc = 0;
	while (rc == 0 && *done < SCRIPT_STEPS) {
		rc = script_step(s, *done, err);
		*done += rc == 0;
	}
	return rc;
}

static void assert_is(const char *path, int done, int next, const char *what, long n)
{
	struct err err = { 0 };
	struct store *s = NULL;
	char *got = store_open(path, true, &s, &err) ? NULL : digest(s, &err);
	if (!got)
		fail_msg("%s %ld: %s", what, n, err.msg);
	if (strcmp(got, want[done]) != 0 && strcmp(got, want[next]) != 0)
		fail_msg("%s %ld: after %d steps there is\n%s", what, n, done, got);
	free(got);
	store_close(s);
}

/* Every write fails once. What was reported done is there, and the rest can be done afterwards. */
static void a_failing_disk_loses_nothing(enum fault_kind kind)
{
	for (long n = 0;; n++) {
		struct err err = { 0 };
		struct store *s = NULL;
		int done = 0;
		wipe("s.db");
		fault.left = n;
		fault.kind = kind;
		fault.fired = false;
		int rc = store_open(at("s.db"), false, &s, &err);
		if (rc == 0)
			rc = store_lock(s, "test", &err);
		if (rc == 0)
			rc = script_run(s, &done, &err);
		bool fired = fault.fired;
		fault.left = -1;
		if (rc) {
			assert_true(fired);
			assert_non_null(strstr(err.msg, "s.db"));
			if (kind == FAULT_FULL && !strstr(err.msg, "disk is full"))
				fail_msg("write %ld: %s", n, err.msg);
		}
		/* The same open store goes on once there is room again. */
		int again = done, was = done;
		if (rc && kind == FAULT_FULL && script_run(s, &again, &err))
			fail_msg("write %ld, step %d: %s", n, again, err.msg);
		store_close(s);
		if (rc && kind == FAULT_FULL)
			was = SCRIPT_STEPS;
		assert_is(at("s.db"), was, was < SCRIPT_STEPS ? was + 1 : was, "write", n);
		if (!fired)
			break;
	}
}

static void a_full_disk_loses_nothing(void **unused)
{
	(void)unused;
	a_failing_disk_loses_nothing(FAULT_FULL);
}

static void a_broken_disk_loses_nothing(void **unused)
{
	(void)unused;
	a_failing_disk_loses_nothing(FAULT_IO);
}

static void dying_at_any_write_loses_nothing(void **unused)
{
	(void)unused;
	for (long n = 0;; n++) {
		int steps[2], status, done = 0;
		char c;
		wipe("s.db");
		assert_int_equal(pipe(steps), 0);
		pid_t pid = fork();
		if (pid == 0) {
			struct err err;
			struct store *s = NULL;
			fault.left = n;
			fault.kind = FAULT_EXIT;
			int rc = store_open(at("s.db"), false, &s, &err) || store_lock(s, "test", &err);
			for (int i = 0; rc == 0 && i < SCRIPT_STEPS; i++)
				rc = script_step(s, i, &err) || write(steps[1], "x", 1) != 1;
			store_close(s);
			_exit(rc);
		}
		close(steps[1]);
		while (read(steps[0], &c, 1) == 1)
			done++;
		close(steps[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		/* Reading first, then the lock of the dead is free and the rest can be done. */
		assert_is(at("s.db"), done, done < SCRIPT_STEPS ? done + 1 : done, "death", n);
		store_close(locked(at("s.db")));
		assert_is(at("s.db"), done, done < SCRIPT_STEPS ? done + 1 : done, "death, lock", n);
		if (WEXITSTATUS(status) != FAULT_EXIT_CODE) {
			assert_int_equal(WEXITSTATUS(status), 0);
			break;
		}
	}
}

/* --- cut and flipped files ------------------------------------------------------------------------------------------------- */
static char *slurped(const char *path, size_t *len)
{
	char *text;
	struct err err;
	if (file_read(path, 1 << 24, &text, len, &err))
		fail_msg("%s", err.msg);
	return text;
}

static void spill(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* Reads PATH both ways; *OK: all was read, else there is a clear error. The text is yours. */
static char *try_read(const char *path, bool lock, bool *ok)
{
	struct store *s = NULL;
	struct err err = { 0 };
	int rc = store_open(path, !lock, &s, &err);
	if (rc == 0 && lock)
		rc = store_lock(s, "test", &err);
	char *text = rc ? NULL : digest(s, &err);
	store_close(s);
	*ok = text != NULL;
	if (!text)
		assert_non_null(strstr(err.msg, path));
	return text;
}

/* How many steps, at least LEAST, lead to TEXT; -1: none do. (Two of them may.) */
static int steps_of(const char *text, int least)
{
	for (int i = least; i <= SCRIPT_STEPS; i++)
		if (strcmp(text, want[i]) == 0)
			return i;
	return -1;
}

static void a_cut_log_is_a_whole_number_of_steps(void **unused)
{
	(void)unused;
	size_t db_len, wal_len;
	int status, last = 0;
	pid_t pid = fork();
	if (pid == 0) {
		int done = 0;
		struct err err;
		struct store *s = locked(at("s.db"));
		_exit(script_run(s, &done, &err) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	autofree char *db = slurped(at("s.db"), &db_len), *wal = slurped(at("s.db-wal"), &wal_len);
	for (size_t len = 0;; len += len + 331 < wal_len ? 331 : wal_len - len) {
		for (int lock = 0; lock < 2; lock++) {
			bool ok;
			wipe("t.db");
			spill(at("t.db"), db, db_len);
			spill(at("t.db-wal"), wal, len);
			autofree char *text = try_read(at("t.db"), lock, &ok);
			assert_true(ok);
			int steps = steps_of(text, last);
			if (steps < 0)
				fail_msg("log cut at %zu of %zu: after %d steps there is\n%s", len, wal_len, last, text);
			last = steps;
		}
		if (len == wal_len)
			break;
	}
	assert_int_equal(last, SCRIPT_STEPS);
}

static void make_closed(const char *path)
{
	int done = 0;
	struct err err;
	struct store *s = locked(path);
	assert_int_equal(script_run(s, &done, &err), 0);
	for (int i = 0; i < 60; i++) {
		char name[32], attrs[600];
		snprintf(name, sizeof(name), "node-%03d", i);
		snprintf(attrs, sizeof(attrs), "{\"n\":%d,\"pad\":\"%0*d\"}", i, i == 7 ? 500 : 80, i);
		assert_int_equal(put_text(s, name, attrs, NULL, &err), 0);
	}
	store_close(s);
}

static void a_cut_file_is_never_taken_for_less(void **unused)
{
	(void)unused;
	size_t len;
	make_closed(at("s.db"));
	autofree char *db = slurped(at("s.db"), &len);
	for (size_t cut = 0; cut < len; cut += 509)
		for (int lock = 0; lock < 2; lock++) {
			bool ok;
			size_t after;
			wipe("t.db");
			spill(at("t.db"), db, cut);
			autofree char *text = try_read(at("t.db"), lock, &ok);
			if (ok)
				fail_msg("cut at %zu of %zu:\n%s", cut, len, text);
			autofree char *left = slurped(at("t.db"), &after);
			assert_int_equal(after, cut);
			assert_memory_equal(left, db, cut);
		}
}

static int only_objects(void *ctx, const struct object *o)
{
	return digest_object(ctx, o);
}

static void a_flipped_byte_is_noticed_or_harmless(void **unused)
{
	(void)unused;
	size_t len, noticed = 0;
	struct err err;
	make_closed(at("s.db"));
	autofree char *db = slurped(at("s.db"), &len);
	autostr struct str before;
	str_init(&before, STR_OURS);
	struct store *s = opened(at("s.db"), true);
	assert_int_equal(store_objects(s, only_objects, &before, &err), 0);
	store_close(s);
	for (size_t i = 0; i < len; i += 23) {
		autostr struct str after;
		str_init(&after, STR_OURS);
		wipe("t.db");
		db[i] = (char)(db[i] ^ (1 << (i % 8)));
		spill(at("t.db"), db, len);
		s = NULL;
		int rc = store_open(at("t.db"), true, &s, &err);
		if (rc == 0)
			rc = store_objects(s, only_objects, &after, &err);
		store_close(s);
		noticed += rc != 0;
		if (rc == 0 && strcmp(before.at, after.at) != 0)
			fail_msg("byte %zu of %zu: other objects", i, len);
		db[i] = (char)(db[i] ^ (1 << (i % 8)));
	}
	assert_true(noticed > 50);
}

int main(void)
{
	json_setup();
	fault_install();
#define T(f) cmocka_unit_test_setup_teardown(f, begin, finish)
	const struct CMUnitTest tests[] = {
		T(a_full_disk_loses_nothing), T(a_broken_disk_loses_nothing), T(dying_at_any_write_loses_nothing),
		T(a_cut_log_is_a_whole_number_of_steps), T(a_cut_file_is_never_taken_for_less), T(a_flipped_byte_is_noticed_or_harmless),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
