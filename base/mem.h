/* mem - allocation that cannot fail, and cleanup by scope.
 *
 * Every size that depends on input is capped before it is allocated, so running out of memory is a broken
 * machine: print and abort. `autofree char *s` frees at the end of its scope.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size);                  /* uninitialised; xmalloc(0) is a valid pointer */
void *xcalloc(size_t n, size_t size);        /* zeroed; aborts on overflow */
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);                /* NULL gives NULL */
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static inline void mem_autofree(void *p) { free(*(void **)p); }
#define autofree __attribute__((cleanup(mem_autofree)))

/* vec - a growing array as three struct fields: `VEC(struct mark) marks;`, zero-initialised, or in a zeroed struct.
 * Pointers into it move on push. Free with vec_free. */
#define VEC(type) struct { type *at; size_t len, cap; }
#define vec_push(v, ...) \
	(vec_grow((void **)&(v)->at, &(v)->cap, (v)->len + 1, sizeof(*(v)->at)), (v)->at[(v)->len++] = (__VA_ARGS__))
#define vec_free(v) (free((v)->at), (v)->at = NULL, (v)->len = (v)->cap = 0)
void vec_grow(void **at, size_t *cap, size_t want, size_t size);

#endif
