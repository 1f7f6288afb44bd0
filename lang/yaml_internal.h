/* yaml_internal - what the parts of yaml share. */
#ifndef LANG_YAML_INTERNAL_H
#define LANG_YAML_INTERNAL_H

#include "lang/yaml.h"

/* Checks that the text is UTF-8 without characters that YAML or a terminal trips over, and finds the lines. False after a diagnostic. */
bool yaml_scan_text(struct arena *a, struct yaml_file *f, struct diags *d);
/* Sets kind, number text and bool of a plain scalar by the core schema. False: an infinity or NaN. */
bool yaml_resolve(struct arena *a, struct ynode *n);

#endif
