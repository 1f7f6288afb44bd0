/* contents - what would go with a kind or a namespace, and is not ours to remove. */
#ifndef PROVIDERS_KUBE_CONTENTS_H
#define PROVIDERS_KUBE_CONTENTS_H

#include "providers/kube/target.h"

/* 0 when nothing of anyone else is left: X is the CustomResourceDefinition CRD, or a namespace. Else E_CONFLICT, with how many there are and the
 * first. Objects that belong to others (ownerReferences) are told of with those; events, and what every namespace has by itself, are nobody's. What
 * may not be listed is an error: unknown is not empty. */
int contents_of_kind(struct task *t, struct thing *x, const json_t *crd, struct err *err) MUST_CHECK;
int contents_of_namespace(struct task *t, struct thing *x, struct err *err) MUST_CHECK;

#endif
