/* bench/plan - a plan that finds nothing to do, for 1,000, 10,000 and 100,000 objects of one for_each.
 *
 * Each figure is of a process of its own that does what `aipc plan` does: loads the spec, opens the state, refreshes, compares.
 * Where terraform is on PATH, it does the same work beside it (1,000 and 10,000 objects; the second takes some minutes).
 * Lines: bench NAME FIGURE VALUE UNIT. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/engine.h"
#include "providers/all.h"

enum { REPEATS = 3 };

static const struct provider *const registry[] = { &provider_core, NULL };

struct figure { double cpu_s, wall_s, rss_mib; int status; };
struct job { const char *dir; bool fill; };

static _Noreturn void die(const char *what, const struct err *err)
{
	fprintf(stderr, "bench/plan: %s: %s\n", what, err->msg);
	_exit(1);
}

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- what is measured --------------------------------------------------------------------------------------------------------- */

struct work { struct engine *e; struct store *s; struct diags *d; struct plan *p; };

static int plan_body(struct task *t, void *arg, struct err *err)
{
	struct work *w = arg;
	struct plan_options o = { .refresh = true };
	int rc = plan_make(t, w->e, w->s, &o, w->d, &w->p, err);
	engine_close(t, w->e);
	return rc;
}

/* What an apply leaves in the state. */
static void fill(struct store *s, const struct plan *p)
{
	struct err err;
	autojson json_t *deps = json_array();
	for (size_t i = 0; i < p->n; i++) {
		const struct change *c = &p->changes[i];
		autojson json_t *attrs = json_copy((json_t *)c->config);
		json_object_set(attrs, "output", json_object_get(attrs, "input"));
		struct object o = { .address = c->address, .type = c->type, .owner = c->owner, .schema_version = 1, .attrs = attrs, .deps = deps };
		if (store_put(s, &o, NULL, &err))
			die("store_put", &err);
	}
}

static int run_job(const struct job *job)
{
	struct err err = { 0 };
	struct work w = { .d = diags_new() };
	struct loop *loop = loop_new();
	struct engine_options o = { .dir = job->dir, .providers = registry, .loop = loop };
	autofree char *state = file_join(job->dir, "state.db");
	if (engine_open(&o, w.d, &w.e, &err)) {
		diags_print(w.d, stderr, false);
		die("engine_open", &err);
	}
	if (store_open(state, !job->fill, &w.s, &err) || (job->fill && store_lock(w.s, "bench", &err)))
		die("store", &err);
	if (loop_run(loop, plan_body, &w, &err))
		die("plan", &err);
	bool work = plan_has_work(w.p);
	if (job->fill)
		fill(w.s, w.p);
	plan_free(w.p);
	store_close(w.s);
	return job->fill ? 0 : work;
}

static struct figure in_child(const struct job *job, const char *const argv[])
{
	struct rusage u;
	struct figure f;
	int status;
	double start = now_s();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		if (job)
			_exit(run_job(job));
		if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) < 0) {
		perror("bench/plan");
		exit(1);
	}
	f.wall_s = now_s() - start;
	f.cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	f.rss_mib = (double)u.ru_maxrss / 1024;
	f.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return f;
}

/* --- the specs ------------------------------------------------------------------------------------------------------------------ */

static void write_file(const char *dir, const char *name, const char *text)
{
	struct err err;
	autofree char *path = file_join(dir, name);
	if (file_write(path, text, strlen(text), 0600, &err))
		die("file_write", &err);
}

static char *new_dir(void)
{
	char *dir = xstrdup(access("/dev/shm", W_OK) == 0 ? "/dev/shm/aipc-bench-XXXXXX" : "/tmp/aipc-bench-XXXXXX");
	if (!mkdtemp(dir)) {
		perror("bench/plan: mkdtemp");
		exit(1);
	}
	return dir;
}

static void drop_dir(char *dir)
{
	const char *argv[] = { "rm", "-rf", dir, NULL };
	in_child(NULL, argv);
	free(dir);
}

static struct figure aipc_plan(unsigned n)
{
	static const char spec[] =
		"locals:\n"
		"  nodes: '${{ for i in range(%u) : format(\"node-%%05d\", i) => i }}'\n"
		"resource:\n"
		"  aipc_data:\n"
		"    node:\n"
		"      for_each: '${local.nodes}'\n"
		"      input: { name: '${each.key}', idx: '${each.value}', pool: 'pool-${each.value %% 16}', rev: a }\n";
	char *dir = new_dir();
	char text[1024];
	struct figure best = { .cpu_s = INFINITY };
	snprintf(text, sizeof(text), spec, n);
	write_file(dir, "main.aipc.yaml", text);
	if (in_child(&(struct job){ dir, true }, NULL).status)
		exit(1);
	for (int i = 0; i < REPEATS; i++) {
		struct figure f = in_child(&(struct job){ dir, false }, NULL);
		if (f.status) {
			fprintf(stderr, "bench/plan: the second plan of %u objects is not empty\n", n);
			exit(1);
		}
		if (f.cpu_s < best.cpu_s)
			best = f;
	}
	drop_dir(dir);
	return best;
}

/* The state of an apply of N objects, written down instead of applied: Terraform's own apply of 10,000 takes over twenty
 * minutes. That its plan then finds nothing to do proves it true. */
static void terraform_state(const char *dir, unsigned n)
{
	static const char head[] =
		"{\"version\": 4, \"terraform_version\": \"1.0.0\", \"serial\": 1, \"lineage\": \"00000000-0000-4000-8000-000000000000\",\n"
		"\"outputs\": {}, \"resources\": [{\"mode\": \"managed\", \"type\": \"terraform_data\", \"name\": \"node\",\n"
		"\"provider\": \"provider[\\\"terraform.io/builtin/terraform\\\"]\", \"instances\": [";
	static const char type[] = "[\"object\", {\"idx\": \"number\", \"name\": \"string\", \"pool\": \"string\", \"rev\": \"string\"}]";
	struct str out;
	str_init(&out, 64 << 20);
	str_add(&out, head);
	for (unsigned i = 0; i < n; i++) {
		char value[256];
		snprintf(value, sizeof(value), "{\"value\": {\"idx\": %u, \"name\": \"node-%05u\", \"pool\": \"pool-%u\", \"rev\": \"a\"}, \"type\": %s}",
			 i, i, i % 16, type);
		str_addf(&out, "%s\n{\"index_key\": \"node-%05u\", \"schema_version\": 0, \"sensitive_attributes\": [], \"attributes\": {\n"
			 "\"id\": \"00000000-0000-4000-8000-%012u\", \"input\": %s, \"output\": %s, \"triggers_replace\": null}}",
			 i ? "," : "", i, i, value, value);
	}
	str_add(&out, "]}], \"check_results\": null}\n");
	write_file(dir, "terraform.tfstate", out.at);
	str_release(&out);
}

static bool terraform_plan(unsigned n, struct figure *out)
{
	static const char spec[] =
		"locals {\n"
		"  ids   = flatten([for a in range(ceil(%u / 500)) : [for b in range(500) : a * 500 + b if a * 500 + b < %u]])\n"
		"  nodes = { for i in local.ids : format(\"node-%%05d\", i) => i }\n"
		"}\n"
		"resource \"terraform_data\" \"node\" {\n"
		"  for_each = local.nodes\n"
		"  input    = { name = each.key, idx = each.value, pool = \"pool-${each.value %% 16}\", rev = \"a\" }\n"
		"}\n";
	char *dir = new_dir();
	char text[1024], chdir_to[128];
	snprintf(text, sizeof(text), spec, n, n);
	snprintf(chdir_to, sizeof(chdir_to), "-chdir=%s", dir);
	write_file(dir, "main.tf", text);
	const char *init[] = { "terraform", chdir_to, "init", "-input=false", NULL };
	const char *plan[] = { "terraform", chdir_to, "plan", "-detailed-exitcode", "-input=false", NULL };
	setenv("CHECKPOINT_DISABLE", "1", 1);
	bool ok = in_child(NULL, init).status == 0;
	if (ok) {
		terraform_state(dir, n);
		*out = in_child(NULL, plan);
		ok = out->status == 0;
	}
	drop_dir(dir);
	return ok;
}

static void print(const char *name, const char *figure, double value, const char *unit)
{
	printf("bench %s %s %.3g %s\n", name, figure, value, unit);
	fflush(stdout);
}

int main(void)
{
	static const unsigned sizes[] = { 1000, 10000, 100000 };
	struct figure f[ARRAY_LEN(sizes)], tf;
	char name[64];
	json_setup();
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		f[i] = aipc_plan(sizes[i]);
		snprintf(name, sizeof(name), "plan_nochange_%u", sizes[i]);
		print(name, "cpu_s", f[i].cpu_s, "s");
		print(name, "wall_s", f[i].wall_s, "s");
		print(name, "rss_peak", f[i].rss_mib, "MiB");
		if (i)
			print(name, "growth_exponent", log(f[i].cpu_s / f[i - 1].cpu_s) / log((double)sizes[i] / sizes[i - 1]), "-");
	}
	const char *version[] = { "terraform", "version", NULL };
	if (in_child(NULL, version).status) {
		fprintf(stderr, "bench/plan: no terraform on PATH; nothing to compare with\n");
		return 0;
	}
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "plan_nochange_%u", sizes[i]);
		if (!terraform_plan(sizes[i], &tf)) {
			fprintf(stderr, "bench/plan: terraform failed on %u objects\n", sizes[i]);
			return 1;
		}
		print(name, "terraform_cpu_s", tf.cpu_s, "s");
		print(name, "terraform_wall_s", tf.wall_s, "s");
		print(name, "terraform_wall_ratio", tf.wall_s / f[i].wall_s, "x");
	}
	return 0;
}
