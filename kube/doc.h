/* doc - a JSON value in one allocation, immutable and small; and the reader that makes them from a stream.
 *
 * The caches hold a hundred thousand objects, of which their users need a few fields. The reader takes bytes in pieces of any
 * size and keeps only what a `struct doc_filter` names; what is not named is skipped without being built (a document that is a mere word
 * or string where parts were named is null). A doc costs its strings, a byte or two
 * for each, nine bytes for each list and map, and a header. Numbers are kept as int64 where they are integers that fit, else as double.
 * A duplicate key keeps the first (a hostile object cannot show two faces). Invalid UTF-8 and lone surrogates become U+FFFD; a NUL in a string ends
 * what doc_str shows of it.
 *
 * Caps (E_INPUT): 512 levels, 8 MiB for one doc, 2^20 docs kept at a time is the caller's affair.
 */
#ifndef KUBE_DOC_H
#define KUBE_DOC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { DOC_DEPTH_MAX = 512, DOC_MAX = 8 << 20 };

/* --- values ------------------------------------------------------------------------------------------------------ */
/* A place inside a doc, valid as long as it; NULL means absent and is accepted by every reader below. */
typedef const unsigned char *doc_val;
struct doc;

enum doc_type { DOC_NONE, DOC_NULL, DOC_FALSE, DOC_TRUE, DOC_INT, DOC_REAL, DOC_STRING, DOC_LIST, DOC_MAP };

doc_val doc_root(const struct doc *d);               /* NULL for NULL */
size_t doc_size(const struct doc *d);                /* bytes, header included */
void doc_free(struct doc *d);
struct doc *doc_from_json(const json_t *j);          /* for tests and `simulate` */
struct doc *doc_copy(doc_val v);                      /* the value at V as a doc of its own; NULL gives NULL */
json_t *doc_to_json(doc_val v);                      /* a new reference; NULL gives null */
bool doc_same(doc_val a, doc_val b);                 /* same bytes: same fields in the same order */

enum doc_type doc_type(doc_val v);
doc_val doc_at(doc_val map, const char *key);        /* NULL when absent or no map */
doc_val doc_path(doc_val v, ...) __attribute__((sentinel));   /* keys, ended by NULL: doc_path(v, "spec", "nodeName", NULL) */
const char *doc_str(doc_val v);                      /* NULL unless a string; terminated */
const char *doc_str_at(doc_val map, const char *key);
int64_t doc_int(doc_val v, int64_t deflt);           /* of integers, and doubles without a fraction */
double doc_num(doc_val v, double deflt);
bool doc_flag(doc_val v, bool deflt);
size_t doc_count(doc_val v);                         /* of a list or map; 0 else */
/* for (doc_val i = doc_first(v); i; i = doc_next(v, i)): the items of a list, or the values of a map with doc_key(i). */
doc_val doc_first(doc_val container);
doc_val doc_next(doc_val container, doc_val item);
const char *doc_key(doc_val container, doc_val item);    /* of an item of a map; NULL in a list */

/* --- what to keep ---------------------------------------------------------------------------------------------- */
struct doc_filter;
/* PATHS (NULL-terminated) name subtrees: "spec.nodeName", "spec.containers.resources" (lists are looked through: the rest of
 * the path holds for each item). A step in brackets may hold dots, and may end in a star: "metadata.annotations[aipc.dev/star]" where
 * star is '*'. "" or PATHS NULL keep everything. A path of more than 32 steps or with a bracket left open is a BUG. */
struct doc_filter *doc_filter_new(const char *const *paths);
void doc_filter_free(struct doc_filter *f);

/* --- the reader -------------------------------------------------------------------------------------------------- */
struct doc_reader;
/* Called for each document, which is now yours. Non-zero stops the reader: doc_reader_feed returns that. */
typedef int doc_fn(void *arg, struct doc *d, struct err *err);
/* Reads a sequence of JSON documents (with or without white space between them). F is borrowed. SPLIT: name of a top-level list
 * whose items are documents of their own ("items"); what else the enclosing document holds comes as one last document,
 * without that list. NULL: none. */
struct doc_reader *doc_reader_new(const struct doc_filter *f, const char *split, doc_fn *fn, void *arg);
void doc_reader_free(struct doc_reader *r);
int doc_reader_feed(struct doc_reader *r, const char *data, size_t len, struct err *err) MUST_CHECK;
/* At the end of input: E_INPUT when a document was cut. */
int doc_reader_end(struct doc_reader *r, struct err *err) MUST_CHECK;
/* Was the last document handed out an item of SPLIT? For use within FN. */
bool doc_reader_is_item(const struct doc_reader *r);

#endif
