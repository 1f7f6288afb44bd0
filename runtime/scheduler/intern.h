/* intern - texts as small numbers: equal texts have equal numbers, so labels are compared without touching memory.
 *
 * A number stays valid as long as its table; texts are never dropped. 0 is the empty text.
 */
#ifndef RUNTIME_SCHEDULER_INTERN_H
#define RUNTIME_SCHEDULER_INTERN_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t sym;

struct interns;

struct interns *interns_new(void);
void interns_free(struct interns *t);                      /* NULL is fine */
sym intern(struct interns *t, const char *text);           /* NULL is the empty text */
/* The number of TEXT when it has one, else UINT32_MAX, which no text has. */
sym intern_find(const struct interns *t, const char *text);
/* Bytes that the texts take. */
size_t interns_size(const struct interns *t);
const char *intern_text(const struct interns *t, sym s);

#endif
