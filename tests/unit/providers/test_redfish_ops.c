/* Firmware, BIOS and power on a scripted BMC: whatever breaks and wherever we are killed, it ends as asked and each image is
 * sent once. */
#include "test_redfish_world.h"

struct job {
	const struct resource_type *type;
	struct world *w;
	json_t *config, *note, *actual;
	char incomplete[160];
	bool read_only;
};

static int run_job(struct task *t, void *arg, struct err *err)
{
	struct job *j = arg;
	struct rf *rf = rf_new(j->w);
	struct op op = { .address = "x", .self = rf, .config = j->config, .note = j->note };
	int rc = j->read_only ? j->type->read(t, &op, err) : j->type->update(t, &op, err);

	json_decref(j->actual);
	j->actual = op.actual;
	snprintf(j->incomplete, sizeof(j->incomplete), "%s", op.incomplete);
	rf_drop(rf);
	return rc;
}

static int do_job(struct job *j, struct err *err)
{
	memset(err, 0, sizeof(*err));
	journal_calls = 0;
	return run_in_loop(run_job, j, err);
}

static char dir[64], image_a[96], image_b[96];

static void write_images(void)
{
	struct err err;

	strcpy(dir, "/tmp/aipc-redfish-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(image_a, sizeof(image_a), "%s/a.img", dir);
	snprintf(image_b, sizeof(image_b), "%s/b.img", dir);
	const char *a = "HostBMC_0=2.0\n", *b = "HGX_FW_GPU_SXM_1=2.0\nHGX_FW_GPU_SXM_2=2.0\nCX7_0=2.0\n";
	assert_int_equal(file_write(image_a, a, strlen(a), 0644, &err), 0);
	assert_int_equal(file_write(image_b, b, strlen(b), 0644, &err), 0);
}

static int ops_setup(void **state)
{
	world_setup(state);
	write_images();
	return 0;
}

static int ops_teardown(void **state)
{
	(void)state;
	unlink(image_a);
	unlink(image_b);
	rmdir(dir);
	json_decref(journal);
	return 0;
}

/* Pins on the GPU tray alone, or on all of it. */
static json_t *pins(bool all)
{
	json_t *c = json_pack("{s:{s:s, s:s}}", "HGX_FW_GPU_*", "version", "2.0", "image", image_b);

	if (all) {
		json_object_set_new(c, "HostBMC_0", json_pack("{s:s, s:s}", "version", "2.0", "image", image_a));
		json_object_set_new(c, "CX7_*", json_pack("{s:s, s:s}", "version", "2.0", "image", image_b));
	}
	return json_pack("{s:s, s:s, s:o}", "node", "gpu-0001", "bmc", "10.0.0.1", "components", c);
}

static void forget_journal(struct job *j)
{
	json_decref(journal);
	journal = NULL;
	json_decref(j->note);
	j->note = NULL;
}

static void job_release(struct job *j)
{
	json_decref(j->config);
	json_decref(j->note);
	json_decref(j->actual);
}

static void expect_ok(int rc, const struct err *err, const struct world *w)
{
	if (rc)
		fail_msg("%d %s\n%s", rc, err->msg, w->requests);
}

static void reads_versions_in_the_shape_of_the_config(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(true), .read_only = true };
	struct err err;

	(void)state;
	world_init(&w);
	strcpy(w.version[2], "1.5");
	expect_ok(do_job(&j, &err), &err, &w);
	assert_string_equal(json_str(json_at(json_at(j.actual, "components"), "HGX_FW_GPU_*"), "version"), "1.0, 1.5");
	assert_string_equal(json_str(json_at(json_at(j.actual, "components"), "HostBMC_0"), "version"), "1.0");
	assert_string_equal(json_str(j.actual, "node"), "gpu-0001");
	assert_null(strstr(w.requests, "FirmwareInventory/HGX_0"));
	/* one GET an entry, nothing else of the inventory */
	json_object_set_new(json_object_get(j.config, "components"), "HGX_FW_GPUS_*", json_pack("{s:s}", "version", "1"));
	assert_int_equal(do_job(&j, &err), E_INPUT);
	assert_non_null(strstr(err.msg, "gpu-0001"));
	assert_non_null(strstr(err.msg, "HGX_FW_GPU_SXM_1"));
	job_release(&j);
	world_release(&w);
}

static void updates_everything_in_order(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(true) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	expect_ok(do_job(&j, &err), &err, &w);
	for (size_t i = 0; i < COMPONENTS; i++)
		assert_string_equal(w.version[i], "2.0");
	assert_int_equal(w.uploads, 2);
	assert_int_equal(w.bmc_resets, 1);
	assert_int_equal(w.ac_cycles, 1);
	assert_true(w.on);
	assert_string_equal(json_str(json_at(json_at(j.actual, "components"), "HGX_FW_GPU_*"), "version"), "2.0");
	/* again: nothing to do, nothing sent */
	expect_ok(do_job(&j, &err), &err, &w);
	assert_int_equal(w.uploads, 2);
	job_release(&j);
	world_release(&w);
}

/* Kills the operation at every request (before and after it acted) and at every journal entry, then resumes. */
static void killed_anywhere_it_sends_each_image_once(void **state)
{
	(void)state;
	for (int mode = 0; mode < 3; mode++) {
		for (int at = 1; at < 2000; at++) {
			struct world w;
			struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(at % 7 == 0) };
			struct err err;
			world_init(&w);
			forget_journal(&j);
			w.cancel_at = mode < 2 ? at : 0;
			w.cancel_after = mode == 1;
			journal_break_at = mode == 2 ? at : 0;
			int rc = do_job(&j, &err);
			bool fired = rc == E_CANCELED;
			journal_break_at = 0;
			w.cancel_at = 0;
			if (fired) {
				j.note = journal;
				journal = NULL;
				rc = do_job(&j, &err);
			}
			if (rc)
				fail_msg("mode %d at %d: %s\n%s", mode, at, err.msg, w.requests);
			if (w.uploads != (at % 7 == 0 ? 2 : 1))
				fail_msg("mode %d at %d: %d uploads\n%s", mode, at, w.uploads, w.requests);
			assert_string_equal(w.version[1], "2.0");
			assert_true(w.on);
			job_release(&j);
			world_release(&w);
			if (!fired && at % 7)
				break;
		}
	}
}

static void survives_what_goes_wrong(void **state)
{
	static const struct { const char *name; struct fault fault; } cases[] = {
		{ "upload reply lost", { F_DROP_AFTER, "POST", "*upload*", 0, 1, 0, 0, NULL } },
		{ "upload never arrived", { F_DROP_BEFORE, "POST", "*upload*", 0, 1, 0, 0, NULL } },
		{ "upload refused connection", { F_REFUSED, "POST", "*upload*", 0, 1, 0, 0, NULL } },
		{ "upload 503", { F_STATUS, "POST", "*upload*", 0, 2, 503, 5000, NULL } },
		{ "upload 500 before acting", { F_STATUS, "POST", "*upload*", 0, 1, 500, 0, NULL } },
		{ "upload 401", { F_STATUS, "POST", "*upload*", 0, 1, 401, 0, NULL } },
		{ "task 503", { F_STATUS, "GET", "*Tasks/*", 2, 4, 503, 2000, NULL } },
		{ "task connection drops", { F_DROP_BEFORE, "GET", "*Tasks/*", 2, 5, 0, 0, NULL } },
		{ "inventory 503", { F_STATUS, "GET", "*FirmwareInventory*", 1, 3, 503, 1000, NULL } },
		{ "inventory drops", { F_DROP_AFTER, "GET", "*FirmwareInventory*", 0, 2, 0, 0, NULL } },
		{ "AC reply lost", { F_DROP_AFTER, "POST", "*AuxPowerReset*", 0, 1, 0, 0, NULL } },
		{ "AC never arrived", { F_DROP_BEFORE, "POST", "*AuxPowerReset*", 0, 1, 0, 0, NULL } },
		{ "power off reply lost", { F_DROP_AFTER, "POST", "*ComputerSystem.Reset*", 0, 1, 0, 0, NULL } },
		{ "power 409", { F_STATUS, "POST", "*ComputerSystem.Reset*", 0, 2, 409, 0, NULL } },
		{ "garbage JSON", { F_BODY, "GET", "*Systems/Host", 1, 1, 200, 0, "{\"PowerState\":" } },
		{ "chassis missing", { F_STATUS, "GET", "*Chassis/HGX_ERoT_1", 0, 1, 404, 0, NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.faults[w.n_faults++] = cases[i].fault;
		int rc = do_job(&j, &err);
		if (strstr(cases[i].name, "AC never")) {         /* not seen to act: the inventory says so, and so do we */
			assert_int_equal(rc, E_INTERNAL);
		} else if (rc || w.uploads != 1 || strcmp(w.version[1], "2.0") != 0) {
			fail_msg("%s: %d %s (%d uploads, runs %s)\n%s", cases[i].name, rc, err.msg, w.uploads, w.version[1], w.requests);
		}
		job_release(&j);
		world_release(&w);
	}
}

static void a_lost_task_is_judged_by_the_inventory(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.loses_task = true;
	expect_ok(do_job(&j, &err), &err, &w);
	assert_int_equal(w.uploads, 1);
	assert_string_equal(w.version[2], "2.0");
	job_release(&j);
	world_release(&w);
}

static void a_rejected_image_says_why_and_touches_nothing(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.rejects_image = true;
	assert_int_equal(do_job(&j, &err), E_INTERNAL);
	assert_non_null(strstr(err.msg, "Image signature is invalid"));
	assert_non_null(strstr(err.msg, "gpu-0001"));
	assert_int_equal(w.uploads, 1);
	assert_int_equal(w.ac_cycles + w.resets + w.bmc_resets, 0);
	job_release(&j);
	world_release(&w);
}

static void without_a_task_list_a_lost_reply_is_never_guessed(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.lists_no_tasks = true;
	w.faults[w.n_faults++] = (struct fault){ F_DROP_BEFORE, "POST", "*upload*", 0, 1, 0, 0, NULL };
	assert_int_equal(do_job(&j, &err), E_INTERNAL);
	assert_non_null(strstr(err.msg, "cannot tell"));
	assert_int_equal(w.uploads, 0);
	job_release(&j);
	world_release(&w);
}

/* A task that never ends leaves the operation open: the next run finds it, or its end, and sends nothing again. */
static void a_task_that_hangs_is_taken_up_again(void **state)
{
	(void)state;
	for (int monitor = 0; monitor < 2; monitor++) {
		struct world w;
		struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.task_never_ends = !monitor;
		w.monitors_only = monitor;
		assert_int_equal(do_job(&j, &err), E_TIMEOUT);
		assert_non_null(strstr(err.msg, monitor ? "no progress for 30 min;" : "no progress for 30 min at 100 %"));
		assert_non_null(strstr(err.msg, monitor ? "TaskMonitors/0" : "Tasks/0"));
		assert_int_equal(w.ac_cycles, 0);
		w.task_never_ends = w.monitors_only = false;
		j.note = journal;
		journal = NULL;
		expect_ok(do_job(&j, &err), &err, &w);
		assert_int_equal(w.uploads, 1);
		assert_string_equal(w.version[1], "2.0");
		job_release(&j);
		world_release(&w);
	}
}

/* lose_mains() asserts that nothing was being written. */
static void power_stays_while_the_inventory_says_updating(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.updating = 1200 * 1000;
	expect_ok(do_job(&j, &err), &err, &w);
	assert_int_equal(w.uploads, 1);
	assert_int_equal(w.ac_cycles, 1);
	job_release(&j);
	j = (struct job){ .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	strcpy(w.version[1], "1.0");
	w.updating = 90000 * 1000;
	assert_int_equal(do_job(&j, &err), E_TIMEOUT);
	assert_non_null(strstr(err.msg, "still says Updating"));
	assert_int_equal(w.ac_cycles, 1);
	job_release(&j);
	world_release(&w);
}

static void another_update_is_waited_for_however_it_is_told(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.update_busy_400 = true;
	expect_ok(do_job(&j, &err), &err, &w);
	assert_int_equal(w.uploads, 1);
	assert_int_equal(w.refused_busy, 4);
	job_release(&j);
	world_release(&w);
}

static void ac_cycles_as_dell_offers_them(void **state)
{
	(void)state;
	for (int bios = 0; bios < 2; bios++) {
		struct world w;
		struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.mains = bios ? AC_BIOS : AC_DELL;
		json_object_set_new(w.bios, "PowerCycleRequest", json_string("None"));
		w.bios_job = bios ? JOB_GOOD : JOB_NONE;
		expect_ok(do_job(&j, &err), &err, &w);
		assert_int_equal(w.uploads, 1);
		assert_int_equal(w.ac_cycles, 1);
		assert_string_equal(w.version[2], "2.0");
		assert_string_equal(json_str(w.bios, "PowerCycleRequest"), "None");
		assert_true(w.on);
		job_release(&j);
		world_release(&w);
	}
}

/* As above with Dell's ways of an AC cycle: whatever is under way when we are killed, it ends with one image and the new version. */
static void killed_in_an_ac_cycle_of_dell(void **state)
{
	(void)state;
	for (int mode = 0; mode < 6; mode++)
		for (int at = 1; at < 2000; at += 3) {
			struct world w;
			struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
			struct err err;
			world_init(&w);
			forget_journal(&j);
			w.mains = mode >= 3 ? AC_BIOS : AC_DELL;
			w.bios_job = mode >= 3 ? JOB_GOOD : JOB_NONE;
			json_object_set_new(w.bios, "PowerCycleRequest", json_string("None"));
			w.cancel_at = mode % 3 < 2 ? at : 0;
			w.cancel_after = mode % 3 == 1;
			journal_break_at = mode % 3 == 2 ? at : 0;
			int rc = do_job(&j, &err);
			bool fired = rc == E_CANCELED;
			journal_break_at = w.cancel_at = 0;
			if (fired) {
				j.note = journal;
				journal = NULL;
				rc = do_job(&j, &err);
			}
			if (rc || w.uploads != 1 || strcmp(w.version[1], "2.0") != 0 || !w.on)
				fail_msg("mode %d at %d: %d %s, %d uploads, runs %s\n%s", mode, at, rc, err.msg, w.uploads, w.version[1], w.requests);
			job_release(&j);
			world_release(&w);
			if (!fired)
				break;
		}
}

static void a_wrong_sha256_sends_nothing(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	json_put_str(json_object_get(json_object_get(j.config, "components"), "HGX_FW_GPU_*"), "sha256",
		     "0000000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(do_job(&j, &err), E_INPUT);
	assert_int_equal(w.uploads, 0);
	job_release(&j);
	world_release(&w);
}

static void a_host_that_was_off_is_off_again(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_firmware, .w = &w, .config = pins(false) };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.on = false;
	expect_ok(do_job(&j, &err), &err, &w);
	assert_string_equal(w.version[1], "2.0");
	assert_false(w.on);
	job_release(&j);
	world_release(&w);
}

/* --- BIOS -------------------------------------------------------------------------------------------------------------- */

static json_t *bios_config(const char *attrs)
{
	return json_pack("{s:s, s:s, s:o}", "node", "gpu-0001", "bmc", "10.0.0.1", "attributes", json_loads(attrs, 0, NULL));
}

static void bios_is_written_once_and_applied_by_one_restart(void **state)
{
	static const struct { const char *name; bool required, never, weak, no_progress, ignores_graceful; int patches, resets; } cases[] = {
		{ "plain", false, false, false, false, false, 1, 1 },
		{ "428 without If-Match", true, false, false, false, false, 1, 1 },
		{ "weak tag shown, strong wanted", true, false, true, false, false, 2, 1 },
		{ "stale tags", false, true, false, false, false, 2, 1 },
		{ "no BootProgress", false, false, false, true, false, 1, 1 },
		{ "ignores graceful", false, false, false, false, true, 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct job j = { .type = &rf_type_bios, .w = &w, .config = bios_config("{\"SecureBoot\":\"enabled\",\"NumaPerSocket\":\"2\"}") };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.etag_required = cases[i].required;
		w.etag_never_matches = cases[i].never;
		w.etag_weak_only = cases[i].weak;
		w.no_boot_progress = cases[i].no_progress;
		w.ignores_graceful = cases[i].ignores_graceful;
		int rc = do_job(&j, &err);
		if (rc || w.patches != cases[i].patches || w.resets != cases[i].resets)
			fail_msg("%s: %d %s, %d patches, %d resets\n%s", cases[i].name, rc, err.msg, w.patches, w.resets, w.requests);
		assert_string_equal(json_str(w.bios, "SecureBoot"), "Enabled");
		assert_int_equal(json_int(w.bios, "NumaPerSocket", 0), 2);
		autofree char *text = json_text(json_at(j.actual, "attributes"));
		assert_string_equal(text, "{\"NumaPerSocket\":\"2\",\"SecureBoot\":\"enabled\"}");
		expect_ok(do_job(&j, &err), &err, &w);
		assert_int_equal(w.resets, cases[i].resets);
		job_release(&j);
		world_release(&w);
	}
}

static void bios_jobs_are_followed(void **state)
{
	static const struct { const char *name; int job, rc, resets; int64_t late; const char *says; } cases[] = {
		{ "scheduled, then applied", JOB_GOOD, 0, 1, 0, NULL },
		{ "the BMC learns late", JOB_GOOD, 0, 1, 60 * 1000, NULL },
		{ "late without a job", JOB_NONE, 0, 1, 60 * 1000, NULL },
		{ "refused by the queue", JOB_REFUSED, E_INPUT, 0, 0, "Lifecycle is locked" },
		{ "fails in POST", JOB_FAILS, E_INTERNAL, 1, 0, "Not applied in POST" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct job j = { .type = &rf_type_bios, .w = &w, .config = bios_config("{\"SecureBoot\":\"Enabled\"}") };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.bios_job = cases[i].job;
		w.bios_late = cases[i].late;
		int rc = do_job(&j, &err);
		if (rc != cases[i].rc || w.resets != cases[i].resets || (rc && !strstr(err.msg, cases[i].says)))
			fail_msg("%s: %d %s, %d resets\n%s", cases[i].name, rc, err.msg, w.resets, w.requests);
		assert_int_equal(w.patches, 1);
		job_release(&j);
		world_release(&w);
	}
}

static void bios_pending_already_needs_only_the_restart(void **state)
{
	struct world w;
	struct job j = { .type = &rf_type_bios, .w = &w, .config = bios_config("{\"SecureBoot\":\"Enabled\"}") };
	struct err err;

	(void)state;
	world_init(&w);
	forget_journal(&j);
	w.pending = json_pack("{s:s}", "SecureBoot", "Enabled");
	expect_ok(do_job(&j, &err), &err, &w);
	assert_int_equal(w.patches, 0);
	assert_int_equal(w.resets, 1);
	job_release(&j);
	world_release(&w);
}

static void bios_mistakes_are_told_before_anything_is_written(void **state)
{
	static const struct { const char *attrs, *says; } cases[] = {
		{ "{\"SecureBot\":\"Enabled\"}", "did you mean \"SecureBoot\"" }, { "{\"SecureBoot\":\"Enable\"}", "did you mean \"Enabled\"" },
		{ "{\"NumaPerSocket\":9}", "from 1 to 4" }, { "{\"Quiet\":true}", "read-only" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int reading = 0; reading < 2; reading++) {
			struct world w;
			struct job j = { .type = &rf_type_bios, .w = &w, .config = bios_config(cases[i].attrs), .read_only = reading };
			struct err err;
			world_init(&w);
			forget_journal(&j);
			assert_int_equal(do_job(&j, &err), E_INPUT);
			if (!strstr(err.msg, cases[i].says))
				fail_msg("%s", err.msg);
			assert_int_equal(w.patches + w.resets, 0);
			job_release(&j);
			world_release(&w);
		}
}

static void bios_killed_anywhere_restarts_once(void **state)
{
	(void)state;
	for (int mode = 0; mode < 6; mode++)
		for (int at = 1; at < 500; at++) {
			struct world w;
			struct job j = { .type = &rf_type_bios, .w = &w, .config = bios_config("{\"SecureBoot\":\"Enabled\"}") };
			struct err err;
			world_init(&w);
			forget_journal(&j);
			w.bios_job = mode >= 3 ? JOB_GOOD : JOB_NONE;
			w.cancel_at = mode % 3 < 2 ? at : 0;
			w.cancel_after = mode % 3 == 1;
			journal_break_at = mode % 3 == 2 ? at : 0;
			int rc = do_job(&j, &err);
			bool fired = rc == E_CANCELED;
			journal_break_at = w.cancel_at = 0;
			if (fired) {
				j.note = journal;
				journal = NULL;
				rc = do_job(&j, &err);
			}
			if (rc || w.resets != 1 || strcmp(json_str(w.bios, "SecureBoot"), "Enabled") != 0)
				fail_msg("mode %d at %d: %d %s, %d resets\n%s", mode, at, rc, err.msg, w.resets, w.requests);
			job_release(&j);
			world_release(&w);
			if (!fired)
				break;
		}
}

/* --- power ------------------------------------------------------------------------------------------------------------- */

static void power_goes_where_it_shall(void **state)
{
	static const struct { const char *name; bool on, want, ignores; struct fault fault; } cases[] = {
		{ "on", false, true, false, { 0 } },
		{ "off", true, false, false, { 0 } },
		{ "off by force", true, false, true, { 0 } },
		{ "nothing to do", true, true, false, { 0 } },
		{ "409 for a while", false, true, false, { F_STATUS, "POST", "*Reset*", 0, 4, 409, 0, NULL } },
		{ "503", false, true, false, { F_STATUS, "POST", "*Reset*", 0, 2, 503, 7000, NULL } },
		{ "reply lost", false, true, false, { F_DROP_AFTER, "POST", "*Reset*", 0, 1, 0, 0, NULL } },
		{ "request lost", false, true, false, { F_DROP_BEFORE, "POST", "*Reset*", 0, 1, 0, 0, NULL } },
		{ "in POST", true, false, false, { F_STATUS, "POST", "*Reset*", 0, 1, 400, 0,
		  "{\"error\":{\"@Message.ExtendedInfo\":[{\"MessageId\":\"iLO.2.8.InvalidOperationForSystemState\"}]}}" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct job j = { .type = &rf_type_power, .w = &w, .config = json_pack("{s:s, s:s}", "bmc", "10.0.0.1", "state", cases[i].want ? "On" : "Off") };
		struct err err;
		world_init(&w);
		forget_journal(&j);
		w.on = cases[i].on;
		w.ignores_graceful = cases[i].ignores;
		if (cases[i].fault.count)
			w.faults[w.n_faults++] = cases[i].fault;
		int rc = do_job(&j, &err);
		if (rc || w.on != cases[i].want)
			fail_msg("%s: %d %s\n%s", cases[i].name, rc, err.msg, w.requests);
		assert_string_equal(json_str(j.actual, "state"), cases[i].want ? "On" : "Off");
		if (cases[i].on == cases[i].want)
			assert_null(strstr(w.requests, "Reset\n"));
		job_release(&j);
		world_release(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_versions_in_the_shape_of_the_config),
		cmocka_unit_test(updates_everything_in_order),
		cmocka_unit_test(killed_anywhere_it_sends_each_image_once),
		cmocka_unit_test(survives_what_goes_wrong),
		cmocka_unit_test(a_lost_task_is_judged_by_the_inventory),
		cmocka_unit_test(a_rejected_image_says_why_and_touches_nothing),
		cmocka_unit_test(without_a_task_list_a_lost_reply_is_never_guessed),
		cmocka_unit_test(a_task_that_hangs_is_taken_up_again),
		cmocka_unit_test(power_stays_while_the_inventory_says_updating),
		cmocka_unit_test(another_update_is_waited_for_however_it_is_told),
		cmocka_unit_test(ac_cycles_as_dell_offers_them),
		cmocka_unit_test(killed_in_an_ac_cycle_of_dell),
		cmocka_unit_test(bios_jobs_are_followed),
		cmocka_unit_test(a_wrong_sha256_sends_nothing),
		cmocka_unit_test(a_host_that_was_off_is_off_again),
		cmocka_unit_test(bios_is_written_once_and_applied_by_one_restart),
		cmocka_unit_test(bios_pending_already_needs_only_the_restart),
		cmocka_unit_test(bios_mistakes_are_told_before_anything_is_written),
		cmocka_unit_test(bios_killed_anywhere_restarts_once),
		cmocka_unit_test(power_goes_where_it_shall),
	};

	return cmocka_run_group_tests(tests, ops_setup, ops_teardown);
}
