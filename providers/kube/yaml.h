/* yaml - JSON values as block-style YAML that every YAML 1.1 and 1.2 reader understands alike. Byte-stable.
 *
 * Keys: apiVersion, kind, metadata, version, name, namespace first, then by bytes. Strings are plain only where no reader can
 * take them for something else (they begin with a letter, hold letters, digits, "_", "-", ".", "/" only, and are no word such as
 * yes, off, null); texts of several lines are literal blocks where those can hold them; everything else is double-quoted ASCII.
 */
#ifndef PROVIDERS_KUBE_YAML_H
#define PROVIDERS_KUBE_YAML_H

#include <jansson.h>

#include "base/str.h"

void yaml_write(const json_t *j, struct str *out);           /* a whole document, ending in a newline */

#endif
