/* data - what the data types of this provider share: texts and numbers of Redfish resources as attributes. */
#ifndef PROVIDERS_REDFISH_DATA_H
#define PROVIDERS_REDFISH_DATA_H

#include "base/mem.h"
#include "providers/redfish/conn.h"

/* A value of a Redfish resource that becomes the attribute NAME: PATH has at most two steps. */
struct rf_column { const char *name, *path[2]; };
/* V as the type wants it (a number written as text is a number, a text written as number a text); null where it cannot be, and of NULL. */
json_t *rf_told(const json_t *v, enum attr_type type);
/* Puts each column of FROM into TO, as the attribute of that name in ATTRS wants it. */
void rf_put_columns(json_t *to, const json_t *from, const struct attr *attrs, const struct rf_column *c, size_t n);
/* Returns RC, but of E_NOTFOUND E_INTERNAL: a BMC in transition says 404 of what it has, and a link that leads nowhere is its fault: no mistake
 * of the block. */
int rf_data_failed(int rc, struct err *err);

#define ASKED_ATTRS \
	{ .name = "bmc", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Address of its BMC: name, address, with :PORT if not 443." }, \
	{ .name = "access", .type = ATTR_OBJECT, .fields = rf_access_attrs, .help = "Overrides of the provider's access to this BMC." }
#define TOLD(NAME, TYPE, HELP) { .name = NAME, .type = TYPE, .flags = ATTR_COMPUTED, .help = HELP }

#endif
