/* runtime - what aipc-runtime reads besides node labels: its kinds, the levels of the fabric, the spare pools, the declared MIG resources.
 * Pure. Kinds are those of schemas/crds, label keys those of schemas/handoff.json and schemas/topologies.json.
 */
#ifndef PROVIDERS_KUBE_RUNTIME_H
#define PROVIDERS_KUBE_RUNTIME_H

#include <jansson.h>

/* The CustomResourceDefinitions, a new list. */
json_t *runtime_kinds(void);
/* The presets of label keys by name, a new object. */
json_t *runtime_presets(void);
/* The FabricTopology called default. PRESET: by that preset of label keys; else the levels of preset aipc that are a key of LABELS (label keys
 * that nodes have). NULL: there is no level. */
json_t *runtime_topology(const json_t *presets, const char *preset, const json_t *labels);
/* Names of levels (of PRESET, NULL: of aipc) with their aliases and label keys, and "cluster"; NULL-terminated, to free, the names borrowed. */
const char **runtime_levels(const json_t *presets, const char *preset);
/* The SparePool NAME: spare nodes of pool POOL, MIN_FREE a map from level to number (or NULL). */
json_t *runtime_spares(const char *name, const char *pool, const json_t *min_free);
/* What a node offers to pods under a MIG layout, in mig-parted form, with GPUS GPUs in a node (0: not known): {resource: number}, as the device
 * plugin's STRATEGY ("mixed", "single") names it. NULL: single, and the instances are not all alike. A new object. */
json_t *runtime_mig_resources(const json_t *layout, json_int_t gpus, const char *strategy);

#endif
