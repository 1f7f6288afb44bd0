/* cluster - the cluster block: which labels each node carries, and the manifests of a cluster. Pure: no world, no state.
 *
 * Mistakes (all of one run are reported, through expand.report):
 *   E0801 a pool that is none (it needs name and nodes)      E0802 a node name that is no DNS-1123 name
 *   E0803 a value that no label can hold                     E0804 a node that is in two pools, or twice in one
 *   E0806 two MIG layouts under one name                     E0807 an unknown preset
 *   E0808 a fabric that is none                              E0809 a MIG layout for another number of GPUs than the pool has
 *   E0810 a folder outside, or a malformed path              E0811 a malformed namespace or name
 *   E0814 spares at a level that there is none of           E0815 a pool with spare settings and no spare
 *   E0816 a MIG layout that strategy single does not allow
 *   W0801 a value that was shortened to 63 characters        W0802 nodes of a pool that are not in the fabric
 *   W0803 a MIG layout for another GPU product than the pool's
 */
#ifndef PROVIDERS_KUBE_CLUSTER_H
#define PROVIDERS_KUBE_CLUSTER_H

#include "engine/provider.h"

extern const struct attr cluster_attrs[], taint_attrs[];
/* *OBJECTS (new): a list of {type, label, key, node (may be null), config} to be added; *VALUE (new): the block's value,
 * {name, folder, nodes: [names], mig_configs: [names]}. */
int cluster_build(struct expand *x, json_t **objects, json_t **value);

#endif
