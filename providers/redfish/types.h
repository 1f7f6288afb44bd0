/* types - the resource types of this provider and what they share. */
#ifndef PROVIDERS_REDFISH_TYPES_H
#define PROVIDERS_REDFISH_TYPES_H

#include "providers/redfish/conn.h"

extern const struct resource_type rf_type_bios, rf_type_firmware, rf_type_firmware_pin, rf_type_gpu_node_pool, rf_type_power;
extern const struct resource_type rf_data_firmware, rf_data_gpus, rf_data_system;

extern const struct attr rf_access_attrs[];          /* of `access`: overrides of the provider's configuration */
extern const struct attr rf_component_attrs[];       /* of one pinned component */

/* The BMC of OP's object and the configuration to go by (prior when there is none). */
int rf_op_bmc(struct op *op, struct rf_bmc **b, const json_t **config, struct err *err) MUST_CHECK;
/* Puts the node's name in front of ERR. Returns its code. */
int rf_op_failed(const struct op *op, struct err *err);

/* Offline checks of `components`; PATH is the way to them in the block, NULL-terminated, at most 4 steps. Returns 0 or E_INPUT. */
int rf_check_components(struct expand *x, const json_t *components, const char *const *path);

/* Import of what is found by its BMC: the id is the BMC's address. */
int rf_import(const char *id, const json_t *config, json_t **prior, struct err *err) MUST_CHECK;

#endif
