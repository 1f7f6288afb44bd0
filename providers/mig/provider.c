#include "providers/all.h"
#include "providers/mig/layout.h"

static const struct resource_type mig_layout = {
	.name = "mig_layout",
	.help = "How the GPUs of a node are divided into MIG instances. Checked against a table of what each product can do; given to "
		"gpu_node_pool.mig, from where cluster labels the nodes and writes the mig-parted configuration.",
	.version = 1,
	.attrs = mig_layout_attrs,
	.expand = mig_layout_expand,
};
static const struct resource_type *const types[] = { &mig_layout, NULL };

const struct provider provider_mig = {
	.abi = PROVIDER_ABI,
	.name = "mig",
	.help = "MIG layouts of NVIDIA GPUs.",
	.types = types,
};
