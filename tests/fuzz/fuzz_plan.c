/* Any bytes as a saved plan: read (what is well formed but for its id gets the id of its contents, as anybody can give it), shown in
 * all its forms, written again, which must give the same plan, and made ready to be run, with the conditions it took along. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/show.h"
#include "engine/planning.h"
#include "providers/all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool ready;

/* Nothing of a plan may speak to the terminal that shows it. */
static void check_text(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++)
		if ((*p < 0x20 && *p != '\n') || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0))
			abort();
}

static void show(struct plan *p)
{
	struct err err;
	struct engine *e = NULL;
	struct cli c = { .width = 80, .dir = "." };
	struct engine_options eo = { .dir = ".", .providers = providers_all };
	if (engine_open_bare(&eo, p->providers, &e, &err))
		e = NULL;
	for (int i = 0; i < 4; i++) {
		struct show_plan how = { .engine = i & 1 ? e : NULL, .verbose = i & 2, .saved = "p", .command = "apply" };
		char *text = NULL;
		size_t len;
		c.out = c.err = open_memstream(&text, &len);
		show_plan_text(&c, p, &how);
		fclose(c.out);
		check_text(text);
		free(text);
	}
	if (e && plan_ready(e, p, &err) && !err.msg[0])
		abort();
	engine_close(NULL, e);
}

static void same_again(const struct plan *p)
{
	struct err err;
	struct plan *again = NULL;
	autojson json_t *j = plan_to_json(p);
	if (plan_from_json(j, &again, &err) || strcmp(again->id, p->id) != 0)
		abort();
	autojson json_t *k = plan_to_json(again);
	if (!json_equal(j, k))
		abort();
	plan_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	autojson json_t *j = NULL;
	struct plan *p = NULL;
	if (!ready)
		json_setup();
	ready = true;
	if (json_parse((const char *)data, size, "p", &j, &err))
		return 0;
	if (plan_from_json(j, &p, &err)) {
		if (!err.msg[0])
			abort();
		if (plan_read(j, &p, &err))
			return 0;
		plan_seal(p);
	}
	same_again(p);
	show(p);
	plan_free(p);
	return 0;
}
