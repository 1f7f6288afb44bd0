/* Any bytes as the one file of a spec: loaded, its resources expanded, its outputs and its names evaluated. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/eval_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/aipc-fuzz-XXXXXX";
static char *path;
static FILE *null;

static void leave(void)
{
	unlink(path);
	rmdir(dir);
	free(path);
	fclose(null);
}

static void start(void)
{
	json_setup();
	null = fopen("/dev/null", "w");
	if (!null || !mkdtemp(dir))
		abort();
	path = file_join(dir, "main.aipc.yaml");
	atexit(leave);
}

static void look(struct lang *l, struct diags *d)
{
	size_t n;
	const struct lang_resource *r = lang_resources(l, &n);
	const struct lang_block *blocks;
	const struct lang_output *out;
	size_t n_blocks, n_out;
	for (size_t i = 0; i < n; i++)
		if (lang_expand(l, &r[i], NULL, NULL, &blocks, &n_blocks) && diags_errors(d) == 0)
			abort();
	if (lang_outputs(l, &out, &n_out) && diags_errors(d) == 0)
		abort();
	struct eval_text *t = eval_text_new(l);
	const char *const *names = eval_text_names(t);
	for (size_t i = 0; names[i] && i < 20; i++) {
		struct diags *own = diags_new();
		if (!eval_text_run(t, names[i], strlen(names[i]), "name", own) && diags_errors(own) == 0)
			abort();
		diags_free(own);
	}
	eval_text_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lang *l = NULL;
	struct err err = { 0 };
	if (!null)
		start();
	FILE *f = size <= 20000 ? fopen(path, "w") : NULL;
	if (!f)
		return 0;
	fwrite(data, 1, size, f);
	fclose(f);
	struct diags *d = diags_new();
	int rc = lang_load(dir, NULL, 0, d, &l, &err);
	if (rc && !err.msg[0] && diags_errors(d) == 0)
		abort();
	if (rc == 0)
		look(l, d);
	lang_free(l);
	diags_print(d, null, true);
	diags_free(d);
	return 0;
}
