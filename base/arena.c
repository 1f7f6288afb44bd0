#include "base/arena.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

enum { FIRST_BLOCK = 4096, LAST_BLOCK = 1 << 20, WIDEST = _Alignof(max_align_t) };

struct block {
	struct block *next;
	size_t cap, used;
	max_align_t data[];
};

struct arena {
	struct block *head;   /* the block being filled; full ones behind it */
	size_t total, first;
};

struct arena *arena_new(void)
{
	return arena_small(FIRST_BLOCK);
}

struct arena *arena_small(size_t first)
{
	struct arena *a = xcalloc(1, sizeof(*a));
	a->first = first;
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct block *b = a->head, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *block_new(struct arena *a, size_t want)
{
	size_t cap = a->head ? a->head->cap * 2 : a->first;
	if (cap > LAST_BLOCK)
		cap = LAST_BLOCK;
	if (cap < want)
		cap = want;
	struct block *b = xcalloc(1, sizeof(*b) + cap);
	b->cap = cap;
	a->total += sizeof(*b) + cap;
	/* A block of its own size goes behind the head, so that the head's free rest stays in use. */
	if (a->head && want == cap && a->head->cap - a->head->used > 256) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

static void *take(struct arena *a, size_t size, size_t align)
{
	enum { LEAST = 8 };
	if (size > SIZE_MAX - 2 * WIDEST)
		BUG("arena_alloc of %zu bytes", size);
	size = (size + LEAST - 1) / LEAST * LEAST;
	struct block *b = a->head;
	size_t at = b ? (b->used + align - 1) / align * align : 0;
	if (!b || at > b->cap || b->cap - at < size) {
		b = block_new(a, size);
		at = 0;
	}
	b->used = at + size;
	return (char *)b->data + at;
}

void *arena_alloc(struct arena *a, size_t size)
{
	return take(a, size, size % WIDEST ? WIDEST / 2 : WIDEST);
}

static size_t bytes_of(size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size)
		BUG("an array of %zu x %zu bytes", n, size);
	return n * size;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	return arena_alloc(a, bytes_of(n, size));
}

void *arena_packed(struct arena *a, size_t n, size_t size)
{
	return take(a, bytes_of(n, size), WIDEST / 2);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	n = strnlen(s, n);
	char *p = arena_alloc(a, n + 1);
	memcpy(p, s, n);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

size_t arena_size(const struct arena *a)
{
	return a->total;
}
