/* lang_odd - numbers that lose their spelling when they are read. */
#include <string.h>

#include "lang/module.h"

struct odd_walk {
	struct lang *l;
	const struct yaml_file *file;
	lang_odd_number_fn *each;
	void *ctx;
	const char *path[YAML_DEPTH + 2];
	size_t depth;
};

static void number(struct odd_walk *w, const struct ynode *n)
{
	enum { SHOWN = 40 };
	const struct val *v = val_number_text(w->l->arena, n->is->s, n->is->n);
	struct str read, written;
	if (!v)
		return;
	str_init(&read, STR_OURS);
	str_init(&written, STR_OURS);
	val_number_write(v, &read);
	/* Only a text of other digits (0x10) is longer in the file; it is ASCII as any number. */
	bool radix = n->end - n->off != n->is->n;
	if (radix)
		str_addn(&written, w->file->src.text + n->off, n->end - n->off);
	else
		str_addn(&written, n->is->s, n->is->n);
	if (strcmp(written.at, read.at) != 0 && written.len <= SHOWN)
		w->each(w->ctx, w->path, written.at, read.at);
	str_release(&read);
	str_release(&written);
}

static void walk(struct odd_walk *w, const struct ynode *n);

static void step(struct odd_walk *w, const char *name, const struct ynode *n)
{
	if (w->depth + 1 >= ARRAY_LEN(w->path))
		return;
	w->path[w->depth++] = name;
	w->path[w->depth] = NULL;
	walk(w, n);
	w->path[--w->depth] = NULL;
}

/* As deep as YAML goes: at most YAML_DEPTH. */
static void walk(struct odd_walk *w, const struct ynode *n)
{
	char index[16];
	switch (n->is->kind) {
	case Y_NUMBER:
		number(w, n);
		break;
	case Y_MAP:
		for (uint32_t i = 0; i < n->is->n; i++)
			step(w, yaml_kids(n)[2 * i].is->s, &yaml_kids(n)[2 * i + 1]);
		break;
	case Y_SEQ:
		for (uint32_t i = 0; i < n->is->n; i++) {
			snprintf(index, sizeof(index), "%u", i);
			step(w, index, &yaml_kids(n)[i]);
		}
		break;
	default:
		break;
	}
}

void lang_odd_numbers(struct lang *l, const struct lang_resource *r, lang_odd_number_fn *each, void *ctx)
{
	const struct thing *t = r->body->thing;
	struct odd_walk w = { .l = l, .file = t->file, .each = each, .ctx = ctx };
	walk(&w, t->body);
}
