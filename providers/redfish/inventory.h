/* inventory - the firmware of one machine as its BMC lists it, held against pins by glob. */
#ifndef PROVIDERS_REDFISH_INVENTORY_H
#define PROVIDERS_REDFISH_INVENTORY_H

#include "providers/redfish/tree.h"

struct fw_entry {
	char *id, *path;
	char *version;               /* NULL: could not be read, or it says none */
	bool updating;               /* Status.State Updating */
	bool silent;                 /* read well, names no version and never did while we looked: nothing is there to pin */
};
struct fw_pin {                      /* one entry of `components`; borrows the configuration */
	const char *glob;
	const json_t *want;          /* {version, image, ...} */
	const char *version, *image;
	struct family family;
	enum activation apply;
	VEC(size_t) entries;         /* indices into entries */
};
struct fw {
	struct rf_bmc *b;
	VEC(struct fw_entry) entries;
	VEC(struct fw_pin) pins;
	char incomplete[160];        /* what could not be known, or "" */
	bool service_updating;       /* the UpdateService itself says Updating */
	json_t *spoke;               /* paths of entries that named a version in any reading */
	json_t *passed;              /* paths of entries whose Id and Name no pin means: not read again */
};

void fw_init(struct fw *f, struct rf_bmc *b, const json_t *components);
void fw_release(struct fw *f);
#define autofw __attribute__((cleanup(fw_release)))
/* Reads the entries the pins match (by Id, else by Name), replacing what was known. E_INPUT: a pin matches nothing (names near
 * ids); E_UNSUPPORTED: no update service. Entries that cannot be read are said in f->incomplete, unless a pin has no other. */
int fw_read(struct task *t, struct fw *f, struct err *err) MUST_CHECK;
/* Do all entries of the pin run its version? An entry that could not be read does not; one that never named a version
 * ("Not Present", "-*", null) does not count beside others that do. Rows of versions that do not run (iDRAC's `Previous-`)
 * are pinned by no glob but their own. */
bool fw_holds(const struct fw *f, const struct fw_pin *p);
/* What of it is still being written (Status.State Updating), borrowed: an entry's id, or "UpdateService"; NULL: nothing says so. */
const char *fw_updating(const struct fw *f);
/* The versions of a pin's entries: "1.5.0", or "1.5.0, 1.6.0". */
void fw_shown(const struct fw *f, const struct fw_pin *p, struct str *out);

#endif
