#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "providers/fabric/topo.h"
#include "providers/naming.h"

static const struct attr fat_tree_attrs[] = {
	{ .name = "rails", .type = ATTR_INT, .flags = ATTR_REQUIRED, .min = 1, .max = FAB_MAX_RAILS,
	  .help = "NICs of each host; NIC i of every host of a scalable unit goes to that unit's leaf of rail i." },
	{ .name = "hosts", .type = ATTR_LIST, .flags = ATTR_REQUIRED, .elem = ATTR_ANY,
	  .help = "Nodes in cabling order: objects with name, and guids (a list, or text with spaces between) where they are known." },
	{ .name = "leaf_radix", .type = ATTR_INT, .deflt = "64", .min = 2, .max = FAB_MAX_PORTS, .help = "Ports of a leaf switch." },
	{ .name = "spine_radix", .type = ATTR_INT, .min = 2, .max = FAB_MAX_PORTS, .help = "Ports of a spine or core switch; those of a leaf by default." },
	{ .name = "spines", .type = ATTR_INT, .min = 1, .max = 4096,
	  .help = "Spine switches, of each spine group where there are three levels; the fewest that fit by default." },
	{ .name = "cores", .type = ATTR_INT, .min = 1, .max = 16384, .help = "Core switches of three levels; the fewest that fit by default." },
	{ .name = "uplinks", .type = ATTR_INT, .min = 1, .max = FAB_MAX_PORTS, .help = "Cables from a leaf to spines; what the ratio asks for by default." },
	{ .name = "oversubscription", .type = ATTR_NUMBER, .deflt = "1", .min = 0.01, .max = 100, .help = "Ports down for each port up of a leaf." },
	{ .name = "scalable_unit", .type = ATTR_INT, .min = 1, .max = FAB_MAX_PORTS,
	  .help = "Hosts that share leaves; as many as fit, at most all hosts, by default. Set it before the fabric is to grow." },
	{ .name = "pod", .type = ATTR_INT, .min = 1, .max = 1024, .help = "Scalable units that share a spine group where there are three levels." },
	{ .name = "levels", .type = ATTR_INT, .min = 2, .max = 3, .help = "Levels of switches; as few as fit by default." },
	{ 0 }
};
static const struct attr switch_attrs[] = {
	{ .name = "name", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "Name of the switch." },
	{ .name = "guid", .type = ATTR_STRING, .help = "Its node GUID." },
	{ .name = "ports", .type = ATTR_INT, .deflt = "64", .min = 1, .max = FAB_MAX_PORTS, .help = "Number of ports." },
	{ 0 }
};
static const struct attr link_attrs[] = {
	{ .name = "a", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "NAME/PORT; a host's port is its NIC, from 1." },
	{ .name = "b", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "The other end." },
	{ 0 }
};
static const char *const memberships[] = { "full", "limited", NULL };
static const struct attr partition_attrs[] = {
	{ .name = "pkey", .type = ATTR_ANY, .flags = ATTR_REQUIRED, .help = "15-bit P_Key, 0x1 to 0x7ffe." },
	{ .name = "members", .type = ATTR_LIST, .flags = ATTR_REQUIRED, .elem = ATTR_STRING,
	  .help = "Host name patterns (\"gpu-00*\", \"gpu-00*/1\" for one NIC) and GUIDs (\"0x...\")." },
	{ .name = "membership", .type = ATTR_STRING, .deflt = "\"full\"", .values = memberships, .help = "Of the members." },
	{ .name = "ipoib", .type = ATTR_BOOL, .deflt = "false", .help = "Make the multicast group that IP over InfiniBand needs." },
	{ .name = "index0", .type = ATTR_BOOL, .deflt = "false", .help = "Put the key at index 0 of the members' tables." },
	{ .name = "rate", .type = ATTR_INT, .min = 0, .max = 31, .help = "opensm's number of the group's rate." },
	{ .name = "mtu", .type = ATTR_INT, .min = 1, .max = 5, .help = "opensm's number of the group's MTU (4: 2048, 5: 4096)." },
	{ .name = "sl", .type = ATTR_INT, .min = 0, .max = 15, .help = "Service level." },
	{ 0 }
};
const struct attr ib_fabric_attrs[] = {
	{ .name = "fat_tree", .type = ATTR_OBJECT, .fields = fat_tree_attrs, .help = "Generates a rail-optimised fat tree; or write `links`." },
	{ .name = "links", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = link_attrs, .help = "Every cable, written out." },
	{ .name = "switches", .type = ATTR_LIST, .elem = ATTR_OBJECT, .fields = switch_attrs, .help = "The switches that `links` names." },
	{ .name = "hosts", .type = ATTR_LIST, .elem = ATTR_ANY, .help = "The hosts that `links` names, as in fat_tree.hosts." },
	{ .name = "rails", .type = ATTR_INT, .min = 1, .max = FAB_MAX_RAILS, .help = "With `links`: NICs of each host. A leaf then holds one rail only." },
	{ .name = "oversubscription", .type = ATTR_NUMBER, .min = 0.01, .max = 100, .help = "With `links`: the most ports down for each port up of a leaf." },
	{ .name = "guid_base", .type = ATTR_STRING,
	  .help = "For fabrics whose GUIDs are assigned, such as simulated or virtual ones: GUIDs not given are made from this one's vendor part and "
		  "the object's name. Leave it out where hardware brings its own." },
	{ .name = "switch_guids", .type = ATTR_MAP, .elem = ATTR_STRING, .help = "Node GUIDs of switches by name (\"spine-01\")." },
	{ .name = "partitions", .type = ATTR_MAP, .elem = ATTR_OBJECT, .fields = partition_attrs, .help = "Partitions by name." },
	{ .name = "default_membership", .type = ATTR_STRING, .values = memberships,
	  .help = "How hosts are in the default partition 0x7fff; limited where there are partitions, else full." },
	{ .name = "default_ipoib", .type = ATTR_BOOL, .deflt = "true", .help = "IP over InfiniBand on the default partition." },
	{ 0 }
};

static json_t *node_value(struct fab *f, const unsigned *leaves)
{
	json_t *o = json_object(), *leafs = json_array();
	for (unsigned k = 0; k < f->rails; k++)
		json_array_append_new(leafs, leaves[k] == FAB_NONE ? json_null() : json_string(f->nodes.at[leaves[k]].name));
	for (unsigned k = 0; k < f->rails; k++) {
		if (leaves[k] == FAB_NONE)
			continue;
		json_put_str(o, "leaf", f->nodes.at[leaves[k]].name);
		json_put_str(o, "spine_group", fab_group_name(f, f->nodes.at[leaves[k]].group));
		break;
	}
	json_put_int(o, "rails", f->rails);
	json_put_new(o, "leafs", leafs);
	return o;
}

static json_t *value_of(struct fab *f, json_t *partitions)
{
	json_t *v = json_object(), *nodes = json_object();
	const unsigned *leaves = fab_leaves(f);
	for (size_t i = 0; i < f->hosts; i++)
		json_put_new(nodes, f->nodes.at[i].name, node_value(f, leaves + i * f->rails));
	autofree char *name = instance_name(f->x);
	json_put_str(v, "name", name);
	json_put_new(v, "nodes", nodes);
	json_put_int(v, "rail_count", f->rails);
	json_put_int(v, "level_count", f->levels);
	json_put_int(v, "spine_groups", f->groups);
	json_put_int(v, "host_count", f->hosts);
	json_put_int(v, "leaf_count", (json_int_t)fab_count(f, FAB_LEAF));
	json_put_int(v, "spine_count", (json_int_t)fab_count(f, FAB_SPINE));
	json_put_int(v, "core_count", (json_int_t)fab_count(f, FAB_CORE));
	json_put_int(v, "switch_count", (json_int_t)(f->nodes.len - f->hosts));
	json_put_int(v, "link_count", (json_int_t)f->links.len);
	json_put_new(v, "partition_members", partitions);
	return v;
}

static void put_text(json_t *files, const char *name, const struct str *s)
{
	json_put_new(files, name, json_stringn(s->at, s->len));
}

static json_t *texts_of(struct fab *f, const struct str *partitions)
{
	json_t *files = json_object();
	autostr struct str map, roots;
	str_init(&map, STR_OURS);
	str_init(&roots, STR_OURS);
	fab_name_map(f, &map);
	put_text(files, "node-name-map", &map);
	put_text(files, "partitions.conf", partitions);
	if (fab_root_guids(f, &roots))
		put_text(files, "root_guids.conf", &roots);
	else
		f->x->report(f->x->report_ctx, "W0702", false, FAB_PATH(f->explicit_links ? "switches" : "fat_tree"), NULL, NULL,
			     "root_guids.conf is left out: the GUIDs of the top switches are not known; give them in %s",
			     f->explicit_links ? "switches" : "switch_guids");
	return files;
}

void fab_make(struct fab *f, const json_t *config)
{
	const json_t *tree = json_at(config, "fat_tree"), *links = json_at(config, "links");
	bool generated = json_is_object(tree), written = json_is_array(links);
	double ratio = generated ? json_num(tree, "oversubscription", 1) : json_num(config, "oversubscription", 0);
	if (generated == written) {
		FAB_REPORT(f, "E0701", true, generated ? FAB_PATH("links") : FAB_PATH(NULL), NULL, NULL,
			   "an ib_fabric has either fat_tree (generated) or links (written out)%s", generated ? ", not both" : "; this one has neither");
		return;
	}
	if (generated)
		fab_generate(f, tree);
	else
		fab_explicit(f, config);
	if (!f->mistakes)
		fab_check(f, ratio);
	if (!f->mistakes)
		fab_assign_guids(f, config);
}

int fab_build(struct expand *x, json_t **files, json_t **value)
{
	autoarena struct arena *a = arena_new();
	struct fab f = { .x = x, .arena = a, .rails = 1 };
	autostr struct str text;
	json_t *members = NULL;
	str_init(&text, STR_OURS);
	fab_make(&f, x->config);
	if (!f.mistakes)
		fab_partitions(&f, x->config, &text, &members);
	if (!f.mistakes) {
		*files = texts_of(&f, &text);
		*value = value_of(&f, members);
	} else {
		json_decref(members);
	}
	fab_release(&f);
	return f.mistakes ? E_INPUT : 0;
}
