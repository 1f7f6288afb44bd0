/* yaml_internal - what the parts of yaml share. */
#ifndef LANG_YAML_INTERNAL_H
#define LANG_YAML_INTERNAL_H

#include "lang/yaml.h"

/* Checks that the text is UTF-8 without characters that YAML or a terminal trips over, and finds the lines. False after a diagnostic. */
bool yaml_scan_text(struct arena *a, struct yaml_file *f, struct diags *d);
/* A scalar on its way into the tree. */
struct yscalar { const char *s; uint32_t n; enum ykind kind; enum ystyle style; bool b; };
/* A hexadecimal digit is less than two decimal ones. */
enum { YAML_RADIX_DIGITS = 2000, YAML_RADIX_ROOM = 2 * YAML_RADIX_DIGITS + 2 };
/* Sets kind, number text (in ROOM where it is another one) and bool of a plain scalar by the core schema. False: an infinity or NaN. */
bool yaml_resolve(struct yscalar *x, char room[YAML_RADIX_ROOM]);

#endif
