/* Any bytes as a YAML file: read, every place looked up, and turned to JSON. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "lang/lang.h"
#include "lang/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct yaml_file *f, const struct ynode *n, unsigned *budget)
{
	if (*budget == 0)
		return;
	--*budget;
	struct mark m = yaml_mark(f, n);
	if (m.line == 0 || m.line > f->n_lines || m.col == 0 || m.len == 0)
		abort();
	uint32_t kids = n->is->kind == Y_SEQ ? n->is->n : n->is->kind == Y_MAP ? 2 * n->is->n : 0;
	for (uint32_t i = 0; i < kids; i++)
		look(f, &yaml_kids(n)[i], budget);
	if (n->is->kind == Y_SEQ || n->is->kind == Y_MAP)
		return;
	for (uint32_t i = 0; i <= n->is->n && i < 40; i++) {
		m = yaml_mark_in(f, n, i, 3);
		if (m.line == 0 || m.line > f->n_lines || m.col == 0 || m.len == 0 || m.len > f->src.len + 1)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	if (!null) {
		json_setup();
		null = fopen("/dev/null", "w");
	}
	struct arena *a = arena_new();
	struct diags *d = diags_new();
	struct source src = { "f", (const char *)data, size };
	struct yaml_file *f;
	unsigned budget = 2000;
	if (yaml_parse(a, &src, true, d, &f))
		for (size_t i = 0; i < f->n_docs; i++)
			look(f, &f->docs[i], &budget);
	else if (diags_errors(d) == 0)
		abort();
	diags_print(d, null, true);
	json_decref(diags_json(d));
	diags_free(d);
	arena_free(a);
	json_t *j = NULL;
	struct err err;
	if (lang_yaml_to_json((const char *)data, size, "f", size & 1, &j, &err) == 0)
		json_decref(j);
	return 0;
}
