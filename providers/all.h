/* all - the registry: every provider of this build, sorted by name, NULL-terminated. */
#ifndef PROVIDERS_ALL_H
#define PROVIDERS_ALL_H

#include "engine/provider.h"

extern const struct provider provider_core, provider_fabric, provider_kube, provider_mig, provider_redfish;
extern const struct provider *const providers_all[];

#endif
