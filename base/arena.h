/* arena - memory of one phase (load, plan, one request), freed as a whole.
 *
 * Nothing taken from an arena is freed alone. All memory is zeroed and aligned for any type of its size: types that ask for 16 bytes
 * have sizes that are multiples of 16, all others get 8. Not for memory that grows while it is edited (use vec) or that outlives the phase.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* For one small object: the first block has FIRST bytes instead of a page. */
struct arena *arena_small(size_t first);
void arena_free(struct arena *a);            /* NULL is fine */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
/* The same for types that ask for 8 bytes at most, whatever their size: nothing is lost between small ones. */
void *arena_packed(struct arena *a, size_t n, size_t size);
char *arena_strdup(struct arena *a, const char *s);          /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
size_t arena_size(const struct arena *a);    /* bytes asked of the system */

static inline void arena_autofree(struct arena **a) { arena_free(*a); }
#define autoarena __attribute__((cleanup(arena_autofree)))

#endif
