/* biosattr - BIOS attributes as machines name, type and describe them (pure, but for fetching the registry).
 *
 * Names match exactly, else without what vendors add (`#00F7`, blanks, capitals) where that is unambiguous. Values are brought
 * to the type of the attribute registry (DMTF AttributeRegistry v1), or, where a machine has none, of the present value.
 */
#ifndef PROVIDERS_REDFISH_BIOSATTR_H
#define PROVIDERS_REDFISH_BIOSATTR_H

#include "providers/redfish/tree.h"

/* The machine's own name for NAME, borrowed from ATTRS; NULL when there is none. */
const char *bios_name(const json_t *attrs, const char *name);
bool bios_name_same(const char *a, const char *b);           /* exactly, or without what vendors add */
/* The present value: of an object (Cray) its current value. Borrowed; NULL when absent. */
const json_t *bios_value(const json_t *attrs, const char *name);
/* Equal in meaning: numbers as text equal their numbers, true equals "true". */
bool bios_same(const json_t *a, const json_t *b);
/* V as a number, of text too. */
bool bios_number(const json_t *v, double *out);
/* The machine's attribute registry; {} when it has none. BIOS is the Bios resource. */
int bios_registry(struct task *t, struct rf_bmc *b, const json_t *bios, json_t **out, struct err *err) MUST_CHECK;
/* The registry's entries for the attributes in DIFFER, by real name, as they are once all of WANT (real name -> value) holds: what the
 * registry's Dependencies say of them is applied, over ATTRS (the present attributes). Under BIOS_LOCKED an entry names the condition that
 * makes it read-only, under BIOS_IDLE one that grays it out, hides it or sets it to another value (the standard lets it be written even so). */
json_t *bios_entries(const json_t *registry, const json_t *attrs, const json_t *want, const json_t *differ);
#define BIOS_LOCKED "@locked"
#define BIOS_IDLE "@idle"
/* WANT as the machine wants it written. ENTRY: of bios_entries(), or NULL; HAVE: the present value, or NULL. E_INPUT: read-only (says by
 * what), out of bounds, not among the values (names the near one). */
int bios_coerce(const char *name, const json_t *entry, const json_t *want, const json_t *have, json_t **out, struct err *err) MUST_CHECK;
/* Do these name the same registry, whatever the way of writing versions? 0: no; more is nearer. */
int bios_registry_match(const char *named, const char *listed);

#endif
