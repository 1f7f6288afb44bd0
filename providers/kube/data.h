/* data - the data types of this provider. */
#ifndef PROVIDERS_KUBE_DATA_H
#define PROVIDERS_KUBE_DATA_H

#include "engine/provider.h"

extern const struct resource_type kube_data_object, kube_data_objects;

#endif
