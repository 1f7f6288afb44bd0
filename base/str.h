/* str - the one string builder, with a mandatory cap.
 *
 * `struct str s; str_init(&s, cap);` then add. The text is never NULL and always terminated. An addition that
 * would pass the cap adds nothing and marks the builder full: check once at the end with str_full(). Text from
 * a network or a file gets the cap its reader allows; text of our own making uses STR_OURS.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define STR_OURS ((size_t)1 << 30)   /* cap for text that we make ourselves: a breach is a bug in practice */

struct str {
	char *at;        /* terminated; owned */
	size_t len;      /* without the terminator */
	size_t cap;      /* allocated */
	size_t max;      /* the cap on len */
	bool full;       /* an addition was refused */
};

void str_init(struct str *s, size_t max);
void str_release(struct str *s);
void str_clear(struct str *s);                       /* empty again, memory kept */
char *str_take(struct str *s);                       /* the text is yours (free); the builder is empty again */
void str_add(struct str *s, const char *text);
void str_addn(struct str *s, const char *text, size_t n);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_vaddf(struct str *s, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
void str_pad(struct str *s, size_t col, char c);     /* fills with C until len is COL */
static inline bool str_full(const struct str *s) { return s->full; }

#define autostr __attribute__((cleanup(str_release)))

/* Does TEXT match the shell glob PATTERN (`*`, `?`, `[a-z]`, `[!a]`; no path rules, bytes)? Linear in practice:
 * at most one backtrack point. */
bool str_glob(const char *pattern, const char *text);
bool str_has_prefix(const char *s, const char *prefix);
bool str_has_suffix(const char *s, const char *suffix);
/* Damerau-Levenshtein distance, for "did you mean"; strings over 64 bytes give 1000. */
unsigned str_distance(const char *a, const char *b);
/* The nearest of NAMES (NULL-terminated) to WORD when it is near enough to be a typing mistake, else NULL. */
const char *str_nearest(const char *word, const char *const *names);
/* Compares as people sort: digits by value ("gpu-2" < "gpu-10"). For display and stable order; 0 only when equal bytes. */
int str_natural_cmp(const char *a, const char *b);
/* What comes from outside must not speak to a terminal: control characters of TEXT but those in KEEP (C1 in UTF-8 too) become '?', in place. */
void str_tame(char *text, const char *keep);
/* Columns that the first N bytes of TEXT take: one a code point of UTF-8. */
size_t str_columns(const char *text, size_t n);
/* Bytes of the first COLUMNS of TEXT, or of all of it: never half of a character. */
size_t str_within(const char *text, size_t columns);
/* Lower-case hex SHA-256 of DATA into OUT (65 bytes). */
void str_sha256(const void *data, size_t len, char out[65]);

#endif
