#include "engine/spec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/json.h"

/* --- provider blocks --------------------------------------------------------------------------------------------------- */

struct block_report { struct diags *d; const struct provider_slot *slot; };

static void report_block(void *ctx, const char *code, bool key, const char *const *path, const char *const *near, const char *word,
			const char *fmt, ...) __attribute__((format(printf, 7, 8)));
static void report_block(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
			 const char *word, const char *fmt, ...)
{
	const struct block_report *b = ctx;
	struct str where;
	char text[600];
	va_list ap;
	(void)key;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	str_init(&where, 300);
	for (; *path; path++)
		str_addf(&where, ".%.60s", *path);
	struct diag *g = diag_add(b->d, code, b->slot->at, "provider.%s%s: %s", b->slot->id, where.at, text);
	str_release(&where);
	if (near && word)
		diag_suggest(g, word, near);
}

static void suppress(void *ctx, const char *code, bool key, const char *const *path, const char *const *near,
		     const char *word, const char *fmt, ...)
{
	(void)ctx, (void)code, (void)key, (void)path, (void)near, (void)word, (void)fmt;
}

static struct provider_slot *provider_of(struct spec *s, const struct lang_provider *c)
{
	struct engine *e = s->e;
	autofree const char **known = xcalloc(e->n_slots + 1, sizeof(*known));
	for (size_t i = 0; i < e->n_slots; i++) {
		known[i] = e->slots[i].p->name;
		if (strcmp(known[i], c->name) == 0)
			return slot_get(e, &e->slots[i], c->id);
	}
	struct diag *g = diag_add(s->d, "E0105", c->at, "there is no provider \"%s\"", c->name);
	diag_suggest(g, c->name, known);
	return NULL;
}

/* Providers without a block are completed from nothing; whether that is enough matters only where they are used. */
static void complete_provider(struct spec *s, struct provider_slot *slot, const json_t *config)
{
	struct block_report b = { s->d, slot };
	if (!slot->config)
		slot->config = config_complete(slot->p, config, slot->ephemeral, slot->block || slot->used ? report_block : suppress, &b);
}

/* Only what is needed to talk to the world may be ephemeral: the rest would come to be stored. */
static void note_ephemeral(struct spec *s, struct provider_slot *slot, const struct lang_provider *c)
{
	json_decref(slot->ephemeral);
	slot->ephemeral = c->ephemeral ? json_array() : NULL;
	for (const struct lang_ephemeral *n = c->ephemeral; n && n->name; n++) {
		const struct attr *a = attr_find(slot->p->config, n->name);
		json_array_append_new(slot->ephemeral, json_string(n->name));
		if (a && !(a->flags & (ATTR_SECRET | ATTR_ACCESS)))
			diag_add(s->d, "E0231", n->at, "\"%s\" of provider %s takes no ephemeral value: it shapes what is stored", n->name, slot->p->name);
	}
}

static void configure_providers(struct spec *s)
{
	const struct lang_provider *c;
	autojson json_t *nothing = json_object();
	size_t n;
	lang_providers(s->lang, &c, &n);
	s->slots = arena_array(s->arena, n + 1, sizeof(struct provider_slot *));
	for (size_t i = 0; i < n; i++) {
		struct provider_slot *slot = s->slots[i] = provider_of(s, &c[i]);
		if (!slot)
			continue;
		slot->block = true;
		slot->at = c[i].at;
		note_ephemeral(s, slot, &c[i]);
		if (!c[i].failed)
			complete_provider(s, slot, c[i].config);
	}
	for (size_t i = 0; i < s->e->n_slots; i++)
		if (!s->e->slots[i].block)
			complete_provider(s, &s->e->slots[i], nothing);
}

/* Does the `provider` argument of R name what there is, and what its type has to do with? */
static void check_provider_args(struct spec *s, const struct resource *r)
{
	struct mark at = { 0 };
	const char *own = r->row->slot->p->name;
	for (const char *const *name = lang_provider_args(s->lang, r->lr, &at); *name; name++) {
		bool known = false;
		for (size_t i = 0; i < s->e->n_slots; i++)
			known = known || strcmp(s->e->slots[i].id, *name) == 0;
		if (known && (r->row->type->expand || strcmp(*name, own) == 0))
			continue;
		lang_about(s->lang, r->lr, NULL);
		diag_hint(diag_add(s->d, "E0150", at, known ? "\"%.60s\" is not the provider of %s" : "there is no provider \"%.60s\"", *name, r->lr->type),
			  "the provider of %s is %s", r->lr->type, own);
		lang_about(s->lang, NULL, NULL);
	}
}

/* --- resources --------------------------------------------------------------------------------------------------------- */

static void check_type(struct spec *s, struct resource *r)
{
	struct engine *e = s->e;
	r->row = r->lr->data ? engine_data_row(e, r->lr->type) : engine_row(e, r->lr->type);
	autofree char *address = address_in(r->lr->module, r->lr);
	r->address = arena_strdup(s->arena, address);
	if (!r->row) {
		lang_about(s->lang, r->lr, NULL);
		bool other = (r->lr->data ? engine_row(e, r->lr->type) : engine_data_row(e, r->lr->type)) != NULL;
		struct diag *g = diag_add(s->d, "E0107", r->lr->type_mark, "\"%s\" is not a %s type", r->lr->type, r->lr->data ? "data" : "resource");
		if (other)
			diag_hint(g, r->lr->data ? "it is one of resources: write it under resource" : "it is one of data: write it under data");
		else
			diag_suggest(g, r->lr->type, r->lr->data ? e->data_names : e->type_names);
		lang_about(s->lang, NULL, NULL);
		return;
	}
	if (!r->row->slot->used && !r->row->slot->block)
		r->row->slot->at = r->lr->type_mark;
	r->row->slot->used = true;
	check_provider_args(s, r);
}

static struct mark ref_mark(const struct resource *from, const struct resource *to)
{
	for (size_t i = 0; i < from->lr->n_refs; i++)
		if (from->lr->refs[i].to == to->lr)
			return from->lr->refs[i].at;
	return from->lr->name_mark;
}

static void report_cycle(void *ctx, const unsigned *chain, size_t len)
{
	enum { SHOWN = 50 };
	struct spec *s = ctx;
	const struct resource *first = &s->res[chain[0]], *second = &s->res[chain[1 % len]];
	struct diag *g;
	if (len == 1) {
		diag_add(s->d, "E0120", ref_mark(first, first), "%s refers to itself", first->address);
		return;
	}
	g = diag_add(s->d, "E0120", ref_mark(first, second), "these %zu resources wait for each other, so none can be first", len);
	for (size_t i = 0; i < len && i < SHOWN; i++) {
		const struct resource *from = &s->res[chain[i]], *to = &s->res[chain[(i + 1) % len]];
		diag_note(g, ref_mark(from, to), "%s refers to %s", from->address, to->address);
	}
	if (len > SHOWN)
		diag_note(g, (struct mark){ 0 }, "and %zu more", len - SHOWN);
}

static void order_resources(struct spec *s)
{
	dag_init(&s->graph, (unsigned)s->n);
	for (unsigned i = 0; i < s->n; i++)
		for (size_t k = 0; k < s->res[i].lr->n_refs; k++)
			dag_edge(&s->graph, i, s->res[i].lr->refs[k].to->index);
	dag_order(&s->graph, report_cycle, s);
}

void spec_create_first(struct spec *s)
{
	for (unsigned i = s->n; i-- > 0; ) {
		const struct resource *r = &s->res[s->graph.order[i]];
		for (size_t k = 0; r->create_first && k < r->lr->n_refs; k++) {
			struct resource *need = &s->res[r->lr->refs[k].to->index];
			if (need->create_first)
				continue;
			need->create_first = true;
			need->create_first_for = r->create_first_for ? r->create_first_for : r;
		}
	}
}

int spec_load(struct engine *e, struct diags *d, struct spec **out, struct err *err)
{
	struct lang *lang = NULL;
	size_t n;
	int rc = lang_load(e->o->dir, e->o->inputs, e->o->n_inputs, d, &lang, err);
	if (!lang)
		return rc;
	struct spec *s = xcalloc(1, sizeof(*s));
	s->e = e;
	s->lang = lang;
	s->d = d;
	s->arena = arena_new();
	const struct lang_resource *lr = lang_resources(lang, &n);
	s->n = n;
	s->res = arena_array(s->arena, n + 1, sizeof(*s->res));
	for (size_t i = 0; i < n; i++)
		s->res[i].lr = &lr[i];
	for (size_t i = 0; i < n; i++)
		check_type(s, &s->res[i]);
	configure_providers(s);
	order_resources(s);
	lang_on_value(lang, spec_value, s);
	*out = s;
	return rc;
}

void spec_free(struct spec *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++) {
		struct resource *r = &s->res[i];
		for (size_t k = 0; k < r->n; k++) {
			json_decref(r->instances[k].config);
			json_decref(r->instances[k].extra);
		}
		for (size_t k = 0; k < r->n_blocks; k++)
			json_decref(r->blocks[k].value);
	}
	for (size_t i = 0; i < s->items.len; i++)
		json_decref(s->items.at[i]->config);
	for (size_t i = 0; i < s->asked.len; i++)
		json_decref(s->asked.at[i]->value);
	vec_free(&s->asked);
	for (size_t i = 0; i < s->units.len; i++)
		vec_free(&s->units.at[i]->edges), vec_free(&s->units.at[i]->earlier);
	ties_free(s);
	vec_free(&s->items);
	vec_free(&s->units);
	dag_release(&s->graph);
	lang_free(s->lang);
	arena_free(s->arena);
	free(s);
}

void spec_hash(const struct spec *s, char out[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	struct str text;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (!ctx || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		BUG("no SHA-256");
	str_init(&text, STR_OURS);
	for (size_t i = 0; i < s->items.len; i++) {
		const struct item *it = s->items.at[i];
		str_clear(&text);
		str_addf(&text, "%s %s ", it->address, it->row->type->name);
		json_write(it->config, 0, &text);
		str_addc(&text, '\n');
		EVP_DigestUpdate(ctx, text.at, text.len);
	}
	EVP_DigestFinal_ex(ctx, md, NULL);
	EVP_MD_CTX_free(ctx);
	str_release(&text);
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}
