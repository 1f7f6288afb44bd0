/* What an API server and a kubeconfig may hold. The first byte says how: 'y' a kubeconfig's YAML; else JSON for the streaming reader, its
 * value the size of the pieces. The reader must say the same whatever the pieces are, with a filter refuse what it refuses without,
 * and read whatever jansson reads as jansson does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/config_internal.h"
#include "kube/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen { json_t *all; struct doc_reader *r; };

static void look(doc_val v, unsigned *budget)
{
	char key[2] = "x";
	if (!*budget)
		return;
	--*budget;
	(void)!doc_str(v);
	(void)doc_int(v, 0);
	(void)doc_num(v, 0);
	(void)doc_flag(v, false);
	if (doc_at(v, key) && doc_type(v) != DOC_MAP)
		abort();
	size_t n = 0;
	for (doc_val i = doc_first(v); i; i = doc_next(v, i), n++) {
		if ((doc_type(v) == DOC_MAP) != (doc_key(v, i) != NULL))
			abort();
		look(i, budget);
		if (!*budget)
			return;
	}
	if (n != doc_count(v))
		abort();
}

static int note(void *arg, struct doc *d, struct err *err)
{
	struct seen *s = arg;
	unsigned budget = 2000;
	(void)err;
	look(doc_root(d), &budget);
	struct doc *copy = doc_copy(doc_root(d));
	if (!doc_same(doc_root(copy), doc_root(d)))
		abort();
	doc_free(copy);
	json_array_append_new(s->all, doc_to_json(doc_root(d)));
	doc_free(d);
	return json_array_size(s->all) > 10000;
}

static int read_json(const char *text, size_t len, size_t step, const char *const *keep, const char *split, json_t **out)
{
	struct doc_filter *f = doc_filter_new(keep);
	struct seen s = { json_array(), NULL };
	struct err err;
	int rc = 0;
	s.r = doc_reader_new(f, split, note, &s);
	for (size_t i = 0; i < len && rc == 0; i += step)
		rc = doc_reader_feed(s.r, text + i, i + step > len ? len - i : step, &err);
	if (rc == 0)
		rc = doc_reader_end(s.r, &err);
	doc_reader_free(s.r);
	doc_filter_free(f);
	*out = s.all;
	return rc;
}

static void check_json(const char *text, size_t len, size_t step)
{
	static const char *const keep[] = { "metadata.name", "metadata.annotations[aipc.dev/*]", "spec", "a.b", NULL };
	static const char *const splits[] = { NULL, "items" };
	/* To jansson a NUL behind a value is its end. */
	autojson json_t *theirs = memchr(text, '\0', len) ? NULL : json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
		autojson json_t *whole = NULL, *pieces = NULL, *kept = NULL;
		int rc = read_json(text, len, len + 1, NULL, splits[i], &whole), again = read_json(text, len, step, NULL, splits[i], &pieces);
		if (rc != again || !json_same(whole, pieces))
			abort();
		if (read_json(text, len, step, keep, splits[i], &kept) == 0 && rc == E_INPUT && len < DOC_MAX / 2)
			abort();
		if (theirs && !splits[i] && len < DOC_DEPTH_MAX && (rc || json_array_size(whole) != 1 || !json_same(json_array_get(whole, 0), theirs)))
			abort();
	}
	if (theirs) {
		struct doc *d = doc_from_json(theirs);
		autojson json_t *back = doc_to_json(doc_root(d));
		if (!json_same(back, theirs))
			abort();
		doc_free(d);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct err err;
	if (!ready)
		json_setup();
	ready = true;
	if (!size)
		return 0;
	char *text = xmalloc(size);
	memcpy(text, data + 1, size - 1);
	if (data[0] == 'y') {
		json_t *j = NULL;
		if (kube_yaml_read(text, size - 1, "f", &j, &err) == 0)
			json_decref(j);
	} else {
		check_json(text, size - 1, 1 + data[0] % 64);
	}
	free(text);
	return 0;
}
