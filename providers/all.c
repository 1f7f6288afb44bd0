#include "providers/all.h"

const struct provider *const providers_all[] = {
	&provider_core,
	&provider_fabric,
	&provider_kube,
	&provider_mig,
	&provider_redfish,
	NULL,
};
