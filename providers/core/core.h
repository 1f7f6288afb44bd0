/* core - what the parts of this provider share. What open gives them is the folder of the spec. */
#ifndef PROVIDERS_CORE_CORE_H
#define PROVIDERS_CORE_CORE_H

#include "engine/provider.h"

extern const struct resource_type core_data_file;

#endif
