/* shape - are the fields that decide about a pod, node or group of the types that the API has them in?
 *
 * An API server stores nothing else; a file written by hand may hold anything. A field of another type reads as absent, and a pod
 * without the toleration or the selector that somebody wrote may run where it must not: so it is said. Fields that are absent or null are
 * fine, fields that nobody here reads are not looked at, and quantities are read elsewhere (quantity.h).
 */
#ifndef RUNTIME_SCHEDULER_SHAPE_H
#define RUNTIME_SCHEDULER_SHAPE_H

#include <jansson.h>

#include "base/arena.h"

/* What is wrong with the first field that is: "spec.tolerations[2].key is no string", in A; NULL: nothing. */
const char *shape_of_pod(struct arena *a, const json_t *pod);
const char *shape_of_node(struct arena *a, const json_t *node);
const char *shape_of_gang(struct arena *a, const json_t *gang);
const char *shape_of_pod_group(struct arena *a, const json_t *group);      /* upstream's or coscheduling's */

#endif
