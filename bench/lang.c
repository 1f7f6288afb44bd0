/* bench/lang - the language alone: a `for` over 100,000 elements, a for_each with 100,000 instances, 1,000 calls of a module with
 * 100,000 instances together, 10 MB of YAML; and the whole load of a spec whose locals are a fleet, or as dense as YAML can be.
 *
 * Each figure is of a process of its own; _x2 is the same work of twice the size, growth the ratio of both (2 is linear).
 * Lines: bench NAME FIGURE VALUE UNIT. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "lang/eval_text.h"
#include "lang/yaml.h"

struct figure { double cpu_s, bytes; int status; };

static double cpu_s(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double rss_bytes(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss * 1024;
}

static bool one_for(size_t n, const void *arg, struct figure *f)
{
	(void)arg;
	struct diags *d = diags_new();
	struct lang *l;
	struct err err;
	char text[300];
	if (lang_bare(".", d, &l, &err))
		return false;
	struct eval_text *t = eval_text_new(l);
	int len = snprintf(text, sizeof(text), "length({for i, n in range(%zu) : format(\"gpu-%%06d\", i) => {index = n, name = \"n${n}\"} if n %% 3 != 1})", n);
	double before = cpu_s();
	const struct val *v = eval_text_run(t, text, (size_t)len, "bench", d);
	f->cpu_s = cpu_s() - before;
	return v && val_to_double(v) > (double)n / 2;
}

static bool one_for_each(size_t n, const void *arg, struct figure *f)
{
	(void)arg;
	char dir[] = "/tmp/aipc-bench-XXXXXX";
	struct diags *d = diags_new();
	struct lang *l;
	struct err err;
	const struct lang_block *blocks;
	size_t n_blocks, n_res;
	autostr struct str spec;
	str_init(&spec, STR_OURS);
	str_addf(&spec, "locals:\n  nodes: \"${{for i in range(%zu) : format(\\\"gpu-%%06d\\\", i) => i}}\"\n"
		 "resource:\n  thing:\n    all:\n      for_each: ${local.nodes}\n      name: node-${each.key}\n      slot: ${each.value %% 8}\n", n);
	if (!mkdtemp(dir))
		return false;
	autofree char *path = file_join(dir, "main.aipc.yaml");
	if (file_write(path, spec.at, spec.len, 0600, &err))
		return false;
	double before = cpu_s();
	bool ok = lang_load(dir, NULL, 0, d, &l, &err) == 0 &&
		lang_expand(l, lang_resources(l, &n_res), NULL, NULL, &blocks, &n_blocks) == 0 && n_blocks == 1 && blocks[0].n == n;
	f->cpu_s = cpu_s() - before;
	unlink(path);
	rmdir(dir);
	return ok;
}

/* N instances in a module that is called for each of N / 100 racks, and what the modules give back. */
static bool modules_in(const char *dir, size_t n, struct figure *f)
{
	struct diags *d = diags_new();
	struct lang *l;
	struct err err;
	const struct lang_block *blocks;
	const struct lang_output *outputs;
	size_t n_blocks, n_res, n_outputs;
	double before = cpu_s(), room = rss_bytes();
	bool ok = lang_load(dir, NULL, 0, d, &l, &err) == 0 &&
		lang_expand(l, lang_resources(l, &n_res), NULL, NULL, &blocks, &n_blocks) == 0 && n_blocks == n / 100 && blocks[0].n == 100 &&
		lang_outputs(l, &outputs, &n_outputs) == 0 && n_outputs == 1 && !outputs[0].unknown;
	f->cpu_s = cpu_s() - before;
	f->bytes = (rss_bytes() - room) / (double)n;
	return ok;
}

static bool one_modules(size_t n, const void *arg, struct figure *f)
{
	(void)arg;
	char dir[] = "/tmp/aipc-bench-XXXXXX", text[600];
	static const char rack[] = "variable:\n  rack: { type: string, validation: { condition: '${startswith(var.rack, \"rack-\")}', error: no } }\n"
		"resource:\n  thing:\n    all:\n      for_each: '${{for i in range(100) : \"${var.rack}-${i}\" => i}}'\n"
		"      name: node-${each.key}\n      slot: ${each.value % 8}\noutput:\n  rack: { value: '${upper(var.rack)}' }\n";
	struct err err;
	int len = snprintf(text, sizeof(text), "module:\n  racks:\n    source: ./rack\n    for_each: '${toset([for i in range(%zu) : format(\"rack-%%05d\", i)])}'\n"
			   "    rack: ${each.key}\noutput:\n  racks: { value: '${length(toset([for m in module.racks : m.rack]))}' }\n", n / 100);
	if (!mkdtemp(dir))
		return false;
	autofree char *sub = file_join(dir, "rack"), *main_file = file_join(dir, "main.aipc.yaml"), *rack_file = file_join(sub, "main.aipc.yaml");
	bool ok = file_mkdirs(sub, &err) == 0 && file_write(main_file, text, (size_t)len, 0600, &err) == 0 &&
		file_write(rack_file, rack, sizeof(rack) - 1, 0600, &err) == 0 && modules_in(dir, n, f);
	unlink(rack_file);
	unlink(main_file);
	rmdir(sub);
	rmdir(dir);
	return ok;
}

/* N bytes of the YAML that fleets are described by. */
static bool one_yaml(size_t n, const void *arg, struct figure *f)
{
	(void)arg;
	struct diags *d = diags_new();
	struct arena *a = arena_new();
	struct yaml_file *y;
	autostr struct str s;
	str_init(&s, STR_OURS);
	for (size_t i = 0; s.len < n; i++)
		str_addf(&s, "node-%06zu:\n  bmc: 10.%zu.%zu.%zu\n  gpus: 8\n  labels: {rack: r%02zu, pool: train}\n  firmware: [bmc, hgx]\n", i, i >> 16 & 255,
			 i >> 8 & 255, i & 255, i % 64);
	struct source src = { "bench", s.at, s.len };
	double before = cpu_s(), room = rss_bytes();
	bool ok = yaml_parse(a, &src, false, d, &y);
	f->cpu_s = cpu_s() - before;
	f->bytes = (rss_bytes() - room) / (double)s.len;
	return ok;
}

/* Locals as YAML that is nothing but EVERY. What repeats is the usual case of a dense file; NEVER: all are different, as no real file is. */
struct shape { const char *before, *every, *after; bool never; };

/* Written without holding it, so that the peak of this process is the load's. */
static bool write_shape(const char *path, const struct shape *s, size_t n, size_t *len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	FILE *out = fopen(path, "w");
	if (!out)
		return false;
	fputs(s->before, out);
	for (size_t i = 0; (size_t)ftell(out) < n; i++) {
		size_t rest = i * 2654435761u % 7311616;         /* 52 to the fourth: each four letters once */
		for (const char *p = s->every; *p; p++) {
			bool letter = s->never && *p == '?';
			fputc(letter ? letters[rest % 52] : *p, out);
			rest = letter ? rest / 52 : rest;
		}
	}
	fputs(s->after, out);
	*len = (size_t)ftell(out);
	return fclose(out) == 0;
}

static bool write_fleet(const char *path, size_t n, size_t *len)
{
	FILE *out = fopen(path, "w");
	if (!out)
		return false;
	fputs("locals:\n  fleet:\n", out);
	for (size_t i = 0; (size_t)ftell(out) < n; i++)
		fprintf(out, "    node-%06zu:\n      bmc: 10.%zu.%zu.%zu\n      gpus: 8\n      labels: {rack: r%02zu, pool: train}\n      firmware: [bmc, hgx]\n",
			i, i >> 16 & 255, i >> 8 & 255, i & 255, i % 64);
	*len = (size_t)ftell(out);
	return fclose(out) == 0;
}

/* N bytes of spec, loaded with all values as `aipc validate` does it. */
static bool one_load(size_t n, const void *arg, struct figure *f)
{
	struct diags *d = diags_new();
	struct lang *l;
	struct err err;
	const struct lang_output *outputs;
	size_t len = 0, n_outputs;
	autofree char *dir = xasprintf("/tmp/aipc-bench-%d", (int)getpid()), *path = file_join(dir, "main.aipc.yaml");
	if (mkdir(dir, 0700) != 0)
		return false;
	bool ok = arg ? write_shape(path, arg, n, &len) : write_fleet(path, n, &len);
	double before = cpu_s(), room = rss_bytes();
	ok = ok && lang_load(dir, NULL, 0, d, &l, &err) == 0 && lang_outputs(l, &outputs, &n_outputs) == 0;
	f->cpu_s = cpu_s() - before;
	f->bytes = (rss_bytes() - room) / (double)len;
	unlink(path);
	rmdir(dir);
	return ok;
}

/* The best of three, each in a process of its own. */
static struct figure measure(bool (*work)(size_t n, const void *arg, struct figure *f), size_t n, const void *arg)
{
	struct figure best = { 1e9, 0, 1 };
	for (int i = 0; i < 3; i++) {
		struct figure f = { 0, 0, 1 };
		int fd[2], status;
		if (pipe(fd) != 0)
			return f;
		pid_t pid = fork();
		if (pid == 0) {
			f.status = work(n, arg, &f) ? 0 : 1;
			_exit(write(fd[1], &f, sizeof(f)) == sizeof(f) ? 0 : 1);
		}
		close(fd[1]);
		bool got = read(fd[0], &f, sizeof(f)) == sizeof(f);
		close(fd[0]);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status || !got || f.status)
			return f;
		best = f.cpu_s < best.cpu_s ? f : best;
	}
	return best;
}

int main(void)
{
	static const struct shape dashes = { "locals:\n  l:\n", "  - 1\n", "", false }, ones = { "locals:\n  l: [", "1,", "]\n", false },
		sets = { "locals:\n  l: [", "{a,b,c,d},", "]\n", false }, pairs = { "locals:\n  l: [", "a: ,", "]\n", false },
		empties = { "locals:\n  l: [", "[],", "]\n", false }, other_sets = { "locals:\n  l: [", "{?,0?,1?,2?},", "]\n", true },
		brackets = { "locals:\n  l: [", "[[[[[[[[[[[[[[[[[[[[????]]]]]]]]]]]]]]]]]]]],", "]\n", true };
	static const struct { const char *name; bool (*work)(size_t n, const void *arg, struct figure *f); size_t n; const char *memory; /* unit of bytes per N */ const void *arg; } benches[] = {
		{ "lang_for_100k", one_for, 100000, NULL, NULL }, { "lang_for_each_100k", one_for_each, 100000, NULL, NULL },
		{ "lang_modules_100k", one_modules, 100000, "bytes", NULL }, { "lang_yaml_10mb", one_yaml, 10000000, "ratio", NULL },
		{ "lang_load_fleet_10mb", one_load, 10000000, "ratio", NULL }, { "lang_load_dashes_2mb", one_load, 2000000, "ratio", &dashes },
		{ "lang_load_ones_2mb", one_load, 2000000, "ratio", &ones }, { "lang_load_sets_2mb", one_load, 2000000, "ratio", &sets },
		{ "lang_load_pairs_2mb", one_load, 2000000, "ratio", &pairs }, { "lang_load_empties_2mb", one_load, 2000000, "ratio", &empties },
		{ "lang_load_other_sets_2mb", one_load, 2000000, "ratio", &other_sets }, { "lang_load_brackets_2mb", one_load, 2000000, "ratio", &brackets },
	};
	int bad = 0;
	json_setup();
	for (size_t i = 0; i < ARRAY_LEN(benches); i++) {
		struct figure x = measure(benches[i].work, benches[i].n, benches[i].arg), y = measure(benches[i].work, 2 * benches[i].n, benches[i].arg);
		if (x.status || y.status) {
			fprintf(stderr, "bench/lang: %s failed\n", benches[i].name);
			bad = 1;
			continue;
		}
		printf("bench %s cpu %.3f s\nbench %s cpu_x2 %.3f s\nbench %s growth %.2f ratio\n", benches[i].name, x.cpu_s, benches[i].name, y.cpu_s,
		       benches[i].name, y.cpu_s / x.cpu_s);
		if (benches[i].memory)
			printf("bench %s memory_per_input %.1f %s\nbench %s memory_per_input_x2 %.1f %s\n", benches[i].name, x.bytes, benches[i].memory,
			       benches[i].name, y.bytes, benches[i].memory);
	}
	return bad;
}
