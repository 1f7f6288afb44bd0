/* doc_build - writing the bytes of a doc, for doc.c and reader.c. */
#ifndef KUBE_DOC_BUILD_H
#define KUBE_DOC_BUILD_H

#include "kube/doc.h"

/* Zero-initialise; free(at). An addition beyond DOC_MAX adds nothing more and marks it full. */
struct build { unsigned char *at; size_t len, cap; bool full; };

void build_bytes(struct build *b, const void *data, size_t n);
void build_type(struct build *b, enum doc_type type);        /* DOC_NULL, DOC_FALSE, DOC_TRUE are whole values */
void build_int(struct build *b, int64_t n);
void build_real(struct build *b, double d);
void build_string(struct build *b, const char *s, size_t n);
void build_key(struct build *b, const char *key, size_t n);  /* before each value of a map */
size_t build_open(struct build *b, enum doc_type type);      /* DOC_LIST, DOC_MAP; returns what build_close takes */
void build_close(struct build *b, size_t at, uint32_t count);
struct doc *build_done(struct build *b);                     /* a copy of exact size; B is empty again. Not when full */

#endif
