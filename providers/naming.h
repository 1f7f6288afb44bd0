/* naming - what one instance of a block is called in files, labels and configuration maps. */
#ifndef PROVIDERS_NAMING_H
#define PROVIDERS_NAMING_H

#include "engine/provider.h"

/* The block's name, and under count or for_each the key behind it: "compute", "compute-east", "compute-0". Only letters, digits,
 * ".", "_" and "-"; other bytes of a key become "-", and then
 * eight digits of its hash follow. Yours to free. */
char *instance_name(const struct expand *x);

#endif
