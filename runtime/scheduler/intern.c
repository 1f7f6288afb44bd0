#include "runtime/scheduler/intern.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"

struct interns {
	struct arena *arena;
	VEC(const char *) texts;
	sym *slots;              /* number + 1; 0: free */
	size_t n_slots;          /* a power of two, at least twice the texts */
};

static uint64_t hash(const char *s)
{
	uint64_t h = 14695981039346656037u;   /* FNV-1a */
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h ^ h >> 29;
}

static size_t slot_of(const struct interns *t, const char *text)
{
	size_t i = hash(text) & (t->n_slots - 1);
	while (t->slots[i] && strcmp(t->texts.at[t->slots[i] - 1], text) != 0)
		i = (i + 1) & (t->n_slots - 1);
	return i;
}

static void grow(struct interns *t)
{
	free(t->slots);
	t->n_slots *= 2;
	t->slots = xcalloc(t->n_slots, sizeof(*t->slots));
	for (size_t i = 0; i < t->texts.len; i++)
		t->slots[slot_of(t, t->texts.at[i])] = (sym)i + 1;
}

struct interns *interns_new(void)
{
	struct interns *t = xcalloc(1, sizeof(*t));
	t->arena = arena_new();
	t->n_slots = 1024;
	t->slots = xcalloc(t->n_slots, sizeof(*t->slots));
	intern(t, "");
	return t;
}

void interns_free(struct interns *t)
{
	if (!t)
		return;
	arena_free(t->arena);
	vec_free(&t->texts);
	free(t->slots);
	free(t);
}

sym intern(struct interns *t, const char *text)
{
	size_t i = slot_of(t, text ? text : "");
	if (t->slots[i])
		return t->slots[i] - 1;
	if (t->texts.len * 2 >= t->n_slots) {
		grow(t);
		i = slot_of(t, text ? text : "");
	}
	vec_push(&t->texts, arena_strdup(t->arena, text ? text : ""));
	t->slots[i] = (sym)t->texts.len;
	return t->slots[i] - 1;
}

sym intern_find(const struct interns *t, const char *text)
{
	size_t i = slot_of(t, text ? text : "");
	return t->slots[i] ? t->slots[i] - 1 : UINT32_MAX;
}

const char *intern_text(const struct interns *t, sym s)
{
	return t->texts.at[s];
}

size_t interns_size(const struct interns *t)
{
	return arena_size(t->arena) + t->texts.cap * sizeof(*t->texts.at) + t->n_slots * sizeof(*t->slots);
}
