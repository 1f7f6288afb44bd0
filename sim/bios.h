/* bios - the BIOS attributes of the profile: their types and bounds, what a BMC has, what it was asked for.
 *
 * Settings asked for take effect at the end of the next POST (power.c calls bios_apply).
 */
#ifndef SIM_BIOS_H
#define SIM_BIOS_H

#include "sim/model.h"

enum bios_type { BIOS_ENUM, BIOS_INT, BIOS_BOOL, BIOS_STRING };

struct bios_attr {
	const char *name;
	enum bios_type type;
	const char *deflt;           /* as text */
	const char *values;          /* BIOS_ENUM: "Disabled|Enabled" */
	int64_t min, max;            /* BIOS_INT: value; BIOS_STRING: length */
	bool read_only;
	bool no_reset;               /* takes effect at once */
	const char *display;
};

const struct bios_attr *bios_attrs(size_t *n);
const struct bios_attr *bios_find(const char *name);
/* Is VALUE one the attribute takes? 0, E_INPUT (wrong type), E_DENIED (read-only), E_CONFLICT (out of range or list). */
int bios_check(const struct bios_attr *a, const json_t *value);
/* All present values: a new object. */
json_t *bios_values(const struct bmc *b);
json_t *bios_default(const struct bios_attr *a);             /* new */
/* Sets one present value (checked before). */
void bios_set(struct bmc *b, const char *name, const json_t *value);
/* Asks for a set of values (checked before), merged into what is pending. */
void bios_ask(struct bmc *b, const json_t *values);
void bios_apply(struct bmc *b);
/* The AttributeRegistry resource's RegistryEntries: new. */
json_t *bios_registry(void);

#endif
