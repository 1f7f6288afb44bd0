/* firmware - the components of a machine and the images that update them.
 *
 * An image is any file whose first 4 KiB hold one line
 *
 *     aipc-sim-firmware: {"component": "HGX_FW_*", "version": "1.6.0"}
 *
 * or, for a bundle, {"components": {"HGX_FW_GPU_SXM_*": "1.6.0", "HGX_FW_ERoT_*": "2.0"}}; the rest of the file is
 * ballast of any size. Component names are shell globs over the ids of FirmwareInventory; of several that match, the
 * longest wins. Versions are 1 to 31 printable characters. With "signature": "invalid" the image is refused as one
 * whose signature is wrong; so is a file without such a line.
 */
#ifndef SIM_FIRMWARE_H
#define SIM_FIRMWARE_H

#include "sim/model.h"

/* What makes a written version run. */
enum activation { ACT_NOW, ACT_BMC_RESET, ACT_HOST_RESET, ACT_AC_CYCLE, ACT_NEVER };

struct component {
	char id[32];
	char erot[32];               /* chassis of the ERoT that keeps its second copy, "" for none */
	const char *version;         /* as delivered */
	const char *related;         /* resource it belongs to, below /redfish/v1 */
	enum activation act;
	unsigned seconds;            /* to transfer and install */
};

unsigned firmware_count(void);
const struct component *firmware_at(unsigned i);
int firmware_find(const char *id);                   /* index, or -1 */

const char *item_version(const struct bmc *b, unsigned i);
const char *item_staged(const struct bmc *b, unsigned i);            /* NULL: nothing staged */
void item_set_version(struct bmc *b, unsigned i, const char *version);
void item_stage(struct bmc *b, unsigned i, const char *version, int64_t now);
/* Lets every staged component that WHAT activates run its new version. One whose background copy has not ended starts
 * from its old copy and stays staged. */
void items_activate(struct bmc *b, enum activation what, int64_t now);
/* Does the ERoT of that chassis still copy? */
bool erot_copying(const struct bmc *b, const char *chassis, int64_t now);

enum { FIRMWARE_HEAD = 4096 };

struct image {
	bool valid;                  /* a known format with a good signature */
	json_t *components;          /* glob -> version */
};
void image_read(const char *head, size_t len, struct image *out);
void image_release(struct image *img);
/* The version the image has for component I, or NULL. */
const char *image_version(const struct image *img, unsigned i);

#endif
