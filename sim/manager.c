/* Managers: the host's BMC and the one of the HGX baseboard. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "sim/call.h"
#include "sim/firmware.h"
#include "sim/power.h"
#include "sim/types.h"

#define BMC ROOT "/Managers/BMC"

static bool is_bmc(const struct call *c) { return strcmp(c->id[0], "BMC") == 0; }
static bool is_hgx(const struct call *c) { return strcmp(c->id[0], "HGX_BMC_0") == 0; }

static json_t *get_managers(struct call *c)
{
	json_t *r = collection(c, "ManagerCollection", "Manager Collection");

	member(r, BMC);
	member(r, ROOT "/Managers/HGX_BMC_0");
	return r;
}

static json_t *get_manager(struct call *c)
{
	bool host = is_bmc(c);
	char uuid[37];
	json_t *r;

	if (!host && !is_hgx(c))
		return NULL;
	bmc_uuid(c->b, c->id[0], uuid);
	r = resource(c, TYPE_MANAGER, c->id[0], host ? "DGX H100 BMC" : "HGX BMC");
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "ManagerType", host ? "BMC" : "Service",
		"Manufacturer", "NVIDIA", "Model", host ? "DGX H100 BMC" : "HGX H100 BMC", "UUID", uuid, "PowerState", "On",
		"FirmwareVersion", item_version(c->b, (unsigned)firmware_find(host ? "HostBMC_0" : "HGX_FW_BMC_0")), "Status", status_ok()));
	json_object_update_new(r, json_pack("{s:{s:{s:o, s:s, s:o}}}", "Actions", "#Manager.Reset", "target",
		text(ROOT "/Managers/%s/Actions/Manager.Reset", c->id[0]), "@Redfish.ActionInfo",
		host ? BMC "/ResetActionInfo" : ROOT "/Managers/HGX_BMC_0/ResetActionInfo", "ResetType@Redfish.AllowableValues",
		words("ForceRestart|GracefulRestart")));
	json_object_set_new(r, "Links", json_pack("{s:[o], s:[o]}", "ManagerForServers", ref(ROOT "/Systems/%s",
		host ? "DGX" : "HGX_Baseboard_0"), "ManagerForChassis", ref(ROOT "/Chassis/%s", host ? "DGX" : "HGX_Chassis_0")));
	put_date(c, r, "DateTime", c->now);
	if (host) {
		json_object_set_new(r, "DateTimeLocalOffset", json_string("+00:00"));
		json_object_set_new(r, "NetworkProtocol", ref(BMC "/NetworkProtocol"));
		json_object_set_new(r, "EthernetInterfaces", ref(BMC "/EthernetInterfaces"));
	}
	return r;
}

static json_t *get_reset_info(struct call *c)
{
	json_t *r;

	if (!is_bmc(c) && !is_hgx(c))
		return NULL;
	r = resource(c, TYPE_ACTION_INFO, "ResetActionInfo", "Reset Action Info");
	json_object_set_new(r, "Parameters", json_pack("[{s:s, s:b, s:s, s:o}]", "Name", "ResetType", "Required", 0, "DataType",
		"String", "AllowableValues", words("ForceRestart|GracefulRestart")));
	return r;
}

static void post_reset(struct call *c)
{
	static const struct param params[] = { { "ResetType", 's', false, "ForceRestart|GracefulRestart" } };

	if (!is_bmc(c) && !is_hgx(c)) {
		fail(c, 404, "ResourceMissingAtURI", NULL, c->path);
		return;
	}
	if (!check_params(c, "Manager.Reset", params, 1))
		return;
	if (is_bmc(c))
		power_bmc_reset(c->b, 1000);
	reply_empty(c, 204);
}

static json_t *get_network(struct call *c)
{
	char name[16];
	json_t *r;

	if (!is_bmc(c))
		return NULL;
	bmc_name(c->b, name);
	r = resource(c, TYPE_NETWORK_PROTOCOL, "NetworkProtocol", "Manager Network Protocol");
	json_object_update_new(r, json_pack("{s:o, s:o, s:{s:b, s:i}, s:{s:b, s:n}, s:{s:b}, s:o}", "HostName", text("%s-bmc", name),
		"FQDN", text("%s-bmc.sim", name), "HTTPS", "ProtocolEnabled", 1, "Port", (int)c->b->fleet->port, "HTTP", "ProtocolEnabled", 0,
		"Port", "SSDP", "ProtocolEnabled", 0, "Status", status_ok()));
	return r;
}

static json_t *get_interfaces(struct call *c)
{
	json_t *r;

	if (!is_bmc(c))
		return NULL;
	r = collection(c, "EthernetInterfaceCollection", "Ethernet Interface Collection");
	member(r, BMC "/EthernetInterfaces/eth0");
	return r;
}

static json_t *get_interface(struct call *c)
{
	uint64_t mac = bmc_hash(c->b, "mac");
	char address[INET_ADDRSTRLEN];
	struct in_addr at = bmc_addr(c->b);
	json_t *r;

	if (!is_bmc(c) || strcmp(c->id[1], "eth0") != 0)
		return NULL;
	inet_ntop(AF_INET, &at, address, sizeof address);
	r = resource(c, TYPE_ETHERNET, "eth0", "Manager Ethernet Interface");
	json_object_update_new(r, json_pack("{s:b, s:s, s:i, s:b, s:o, s:o, s:[{s:s, s:s, s:s, s:s}]}", "InterfaceEnabled", 1,
		"LinkStatus", "LinkUp", "SpeedMbps", 1000, "FullDuplex", 1, "MACAddress", text("5C:FF:35:%02X:%02X:%02X",
		(unsigned)mac & 255, (unsigned)(mac >> 8) & 255, (unsigned)(mac >> 16) & 255), "Status", status_ok(), "IPv4Addresses",
		"Address", address, "SubnetMask", "255.0.0.0", "AddressOrigin", "Static", "Gateway", "127.0.0.1"));
	return r;
}

const struct route routes_manager[] = {
	{ .path = "Managers", .get = get_managers },
	{ .path = "Managers/*", .get = get_manager },
	{ .path = "Managers/*/ResetActionInfo", .get = get_reset_info },
	{ .path = "Managers/*/Actions/Manager.Reset", .post = post_reset, .priv = PRIV_MANAGER, .flags = ROUTE_OPTIONAL_BODY },
	{ .path = "Managers/*/NetworkProtocol", .get = get_network },
	{ .path = "Managers/*/EthernetInterfaces", .get = get_interfaces },
	{ .path = "Managers/*/EthernetInterfaces/*", .get = get_interface },
	{ 0 },
};
