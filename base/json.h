/* json - jansson with our habits.
 *
 * Call json_setup() once at start: out of memory then aborts, so constructors never return NULL for want of memory.
 * Text from outside is parsed with a size cap, duplicate keys refused and depth limited (jansson's 2048).
 * Text we write is canonical: keys sorted by bytes, no spaces, shortest digits that read back as the same double,
 * so equal values have equal bytes.
 * Ownership is jansson's: functions with _new steal what they are given, getters borrow.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

void json_setup(void);

static inline void json_autodecref(json_t **j) { json_decref(*j); }
#define autojson __attribute__((cleanup(json_autodecref)))

/* Parses TEXT. WHAT names it in the error ("reply of 10.0.0.1"). Any JSON value is accepted at the top. */
int json_parse(const char *text, size_t len, const char *what, json_t **out, struct err *err) MUST_CHECK;
/* Reads a whole file of at most MAX bytes. */
int json_read(const char *path, size_t max, json_t **out, struct err *err) MUST_CHECK;
/* The same; "-" is standard input, which may be a pipe. */
int json_read_input(const char *path, size_t max, json_t **out, struct err *err) MUST_CHECK;
/* Canonical text, appended. INDENT 0: one line; else pretty with that many spaces. */
void json_write(const json_t *j, int indent, struct str *out);
char *json_text(const json_t *j);                           /* canonical, one line; yours to free */
void json_hash(const json_t *j, char out[65]);              /* SHA-256 of the canonical text */
bool json_same(const json_t *a, const json_t *b);           /* deep; 1 equals 1.0; NULL equals NULL only */

/* Getters on const objects: the value when it is there and of that type, else the default. OBJ may be NULL or no object. */
const json_t *json_at(const json_t *obj, const char *key);
const char *json_str(const json_t *obj, const char *key);             /* NULL when absent or no string */
int64_t json_int(const json_t *obj, const char *key, int64_t deflt);  /* integers, and doubles without a fraction */
double json_num(const json_t *obj, const char *key, double deflt);
bool json_flag(const json_t *obj, const char *key, bool deflt);
/* Follows steps, each an object key or an array index in digits, ended by NULL (keys may hold dots, so the steps are
 * arguments): json_path(j, "Links", "Chassis", "0", "@odata.id", NULL). NULL when any step is missing. */
const json_t *json_path(const json_t *j, ...) __attribute__((sentinel));
/* A reference of one's own to a borrowed const value (jansson counts references on const data too). */
json_t *json_ref(const json_t *j);
/* OBJ[key] = a new string / integer / ...; text is checked UTF-8: what is not becomes U+FFFD. */
void json_put_str(json_t *obj, const char *key, const char *text);    /* NULL puts null */
void json_put_int(json_t *obj, const char *key, int64_t n);
void json_put_new(json_t *obj, const char *key, json_t *value);       /* steals */
json_t *json_string_safe(const char *text, size_t len);
/* The keys of OBJ, sorted by bytes: a calloc'd array to free, the keys borrowed. */
const char **json_keys(const json_t *obj, size_t *n);

#endif
