/* Any bytes as a file of values, as AIPC_VAR_ variables of every type, and as --var: read and fitted to a spec's variables. What is given
 * for a sensitive variable is in no diagnostic. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char spec[] =
	"variable:\n"
	"  s: { type: string, default: x }\n"
	"  n: { type: number, default: 1, validation: { condition: '${var.n < 100}', error: 'n is ${var.n}' } }\n"
	"  b: { type: bool, nullable: false, default: true }\n"
	"  any: { default: null }\n"
	"  list: { type: list(number), default: [] }\n"
	"  set: { type: set(string), default: [] }\n"
	"  map: { type: map(any), default: {} }\n"
	"  tuple: { type: 'tuple([string, number])', default: [a, 1] }\n"
	"  object: { type: 'object({ a = string, b = optional(number, 2), c = optional(list(object({ d = optional(bool) })), []) })', default: { a: x } }\n"
	"  secret: { default: x, sensitive: true }\n"
	"  secrets: { type: list(string), default: [], sensitive: true }\n"
	"output:\n"
	"  all: { value: '${[var.s, var.n, var.b, var.any, var.list, var.set, var.map, var.tuple, var.object]}' }\n"
	"  hidden: { value: '${[var.secret, var.secrets]}', sensitive: true }\n";
static const char *const names[] = { "s", "n", "b", "any", "list", "set", "map", "tuple", "object" };
static const char token[] = "hunter2swordfish";          /* stands in what is given for sensitive variables */

static char dir[] = "/tmp/aipc-fuzzXXXXXX";
static char *path;

static void leave(void)
{
	unlink(path);
	rmdir(dir);
	free(path);
}

static void start(void)
{
	struct err err;
	json_setup();
	if (!mkdtemp(dir))
		abort();
	path = file_join(dir, "main.aipc.yaml");
	if (file_write(path, spec, sizeof(spec) - 1, 0600, &err))
		abort();
	atexit(leave);
}

static void load(const struct lang_input *in, size_t n, bool secret)
{
	struct lang *l = NULL;
	struct err err = { 0 };
	char *told = NULL;
	size_t len, n_out;
	const struct lang_output *out;
	FILE *f = open_memstream(&told, &len);
	struct diags *d = diags_new();
	int rc = lang_load(dir, in, n, d, &l, &err);
	if (rc && !err.msg[0] && diags_errors(d) == 0)
		abort();
	if (rc == 0 && lang_outputs(l, &out, &n_out) && diags_errors(d) == 0)
		abort();
	diags_print(d, f, true);
	json_t *j = diags_json(d);
	autofree char *text = json_text(j);
	fputs(text, f);
	fclose(f);
	if (secret && strstr(told, token))
		abort();
	json_decref(j);
	free(told);
	lang_free(l);
	diags_free(d);
}

static struct lang_input given(enum lang_input_from from, const char *name, const char *text)
{
	return (struct lang_input){ .from = from, .name = name, .text = text, .len = strlen(text), .origin = from == LANG_FLAG ? "--var" : "AIPC_VAR" };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!path)
		start();
	if (size > 20000)
		return 0;
	/* Of a file the length counts; the environment and flags give texts. */
	autofree char *file = xmalloc(size ? size : 1), *text = xstrndup((const char *)data, size);
	memcpy(file, data, size);
	load(&(struct lang_input){ .from = LANG_FILE, .text = file, .len = size, .origin = "v.yaml" }, 1, false);
	struct lang_input all[2 * ARRAY_LEN(names)];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		all[i] = given(LANG_ENVIRONMENT, names[i], text);
		all[ARRAY_LEN(names) + i] = given(LANG_FLAG, names[i], text);
	}
	load(all, ARRAY_LEN(all), false);
	autofree char *before = xasprintf("%s%s", token, text), *behind = xasprintf("%s%s", text, token), *quoted = xasprintf("[\"%s\", %s", token, text);
	struct lang_input secrets[] = { given(LANG_ENVIRONMENT, "secret", before), given(LANG_FLAG, "secrets", quoted) };
	load(secrets, 2, true);
	secrets[0] = given(LANG_FLAG, "secret", quoted);
	secrets[1] = given(LANG_ENVIRONMENT, "secrets", behind);
	load(secrets, 2, true);
	/* A file whose keys are all sensitive or unknown shows nothing of itself. */
	autofree char *map = xasprintf("secret: %s%s\n", token, text);
	load(&(struct lang_input){ .from = LANG_FILE, .text = map, .len = strlen(map), .origin = "v.yaml" }, 1, !strchr(text, '\n') && !strchr(text, '\r'));
	return 0;
}
