/* data - the dated data files of schemas/, linked into the program so that one binary is all there is to install. */
#ifndef SCHEMAS_DATA_H
#define SCHEMAS_DATA_H

#include <stddef.h>

/* The bytes of schemas/NAME (such as "mig.json"), terminated, or NULL when no such file is built in. */
const char *data_file(const char *name, size_t *len);

#endif
