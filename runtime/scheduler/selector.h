/* selector - label selectors and node selector terms, with kube-scheduler's meaning.
 *
 * What upstream decides and people get wrong: NotIn holds where the label is absent; an empty label selector matches everything, an
 * absent one nothing; a node selector term without expressions matches nothing; a term with a malformed expression (a key or value that
 * no label can have, Gt of no number) is void alone, the other terms still count.
 */
#ifndef RUNTIME_SCHEDULER_SELECTOR_H
#define RUNTIME_SCHEDULER_SELECTOR_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "runtime/scheduler/intern.h"

struct label { sym key, value; };
struct labels { const struct label *at; uint32_t n; };      /* sorted by key number */

enum req_op { REQ_IN, REQ_NOT_IN, REQ_EXISTS, REQ_ABSENT, REQ_GT, REQ_LT };
struct req { sym key; enum req_op op; uint32_t n; const sym *values; int64_t bound; };    /* values: sorted by number */
struct selector {
	bool nothing;            /* was absent */
	bool bad;                /* malformed: matches nothing, and its owner says so */
	uint32_t n;              /* none and not nothing: everything */
	const struct req *at;
};
struct node_term { bool bad; struct selector labels; struct selector fields; };
struct node_terms { uint32_t n; const struct node_term *at; };

/* Both borrow nothing of J. */
struct labels labels_parse(struct interns *t, struct arena *a, const json_t *j);
struct selector selector_parse(struct interns *t, struct arena *a, const json_t *j);
struct node_terms node_terms_parse(struct interns *t, struct arena *a, const json_t *array);
/* Has S a requirement `KEY in (...)` (or not in)? */
bool selector_asks(const struct selector *s, sym key, bool in);
/* S with one more requirement `KEY in (VALUE)` (or not in). */
struct selector selector_with(struct arena *a, struct selector s, sym key, sym value, bool in);

bool labels_get(const struct labels *l, sym key, sym *value);
bool labels_same(const struct labels *a, const struct labels *b);
bool selector_matches(const struct interns *t, const struct selector *s, const struct labels *l);
bool selector_empty(const struct selector *s);              /* matches everything */
/* NODE_NAME 0: fields are not asked, as of volumes upstream (neither its scheduler nor the kubelet does). */
bool node_terms_match(const struct interns *t, const struct node_terms *terms, const struct labels *labels, sym node_name);

#endif
