/* fwpkg - the header of a PLDM firmware package (DMTF DSP0267 1.0 to 1.3), read offline.
 *
 * Only names and versions are taken: they let `plan` say before anything is sent that a file does not hold the pinned version.
 * Input is hostile: every length is checked against the header's own size (at most 64 KiB) and what is there.
 */
#ifndef PROVIDERS_REDFISH_FWPKG_H
#define PROVIDERS_REDFISH_FWPKG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { FWPKG_COMPONENTS = 256, FWPKG_HEADER_MAX = 65535 };

struct fwpkg {
	int revision;                        /* header format, 1 to 4 */
	char version[256];                   /* of the package */
	size_t n;
	struct { uint16_t classification, id; char version[256]; } at[FWPKG_COMPONENTS];
};

/* Does it begin with a package identifier? */
bool fwpkg_is(const void *data, size_t len);
/* Reads the header from the first LEN bytes of the file. E_UNSUPPORTED: no such package; E_INPUT: one, but broken (says how). */
int fwpkg_parse(const void *data, size_t len, struct fwpkg *out, struct err *err) MUST_CHECK;
/* The same from a file. */
int fwpkg_read(const char *path, struct fwpkg *out, struct err *err) MUST_CHECK;

#endif
