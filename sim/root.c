/* The service root, the OData documents and the registries. */
#include <string.h>

#include "base/str.h"
#include "sim/bios.h"
#include "sim/call.h"
#include "sim/types.h"

#define BIOS_REGISTRY "BiosAttributeRegistryDGXH100.1.0.0"

static json_t *get_root(struct call *c)
{
	char uuid[37];
	json_t *r = resource(c, TYPE_SERVICE_ROOT, "RootService", "Root Service");
	json_t *features = json_pack("{s:b, s:b, s:b, s:b, s:b}", "ExcerptQuery", 0, "FilterQuery", 0, "OnlyMemberQuery", 0,
		"SelectQuery", 0, "TopSkipQuery", 1);

	bmc_uuid(c->b, "service", uuid);
	json_object_set_new(features, "ExpandQuery", json_pack("{s:b, s:b, s:b, s:b}", "ExpandAll", 0, "Levels", 0, "Links", 0,
		"NoLinks", 0));
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:s, s:o}", "RedfishVersion", "1.18.0", "UUID", uuid, "Vendor", "NVIDIA",
		"Product", "DGXH100", "ProtocolFeaturesSupported", features));
	json_object_update_new(r, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o}}", "Systems", ref(ROOT "/Systems"),
		"Managers", ref(ROOT "/Managers"), "Chassis", ref(ROOT "/Chassis"), "UpdateService", ref(ROOT "/UpdateService"), "Tasks",
		ref(ROOT "/TaskService"), "SessionService", ref(ROOT "/SessionService"), "AccountService", ref(ROOT "/AccountService"),
		"EventService", ref(ROOT "/EventService"), "Registries", ref(ROOT "/Registries"), "Links", "Sessions",
		ref(ROOT "/SessionService/Sessions")));
	return r;
}

static json_t *get_versions(struct call *c)
{
	(void)c;
	return json_pack("{s:s}", "v1", "/redfish/v1/");
}

static json_t *get_odata(struct call *c)
{
	static const char *const names[] = { "Systems", "Managers", "Chassis", "UpdateService", "TaskService", "SessionService",
		"AccountService", "EventService", "Registries", "SessionService/Sessions" };
	json_t *value = json_pack("[{s:s, s:s, s:s}]", "name", "Service", "kind", "Singleton", "url", ROOT "/");

	(void)c;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		json_array_append_new(value, json_pack("{s:s, s:s, s:o}", "name", strchr(names[i], '/') ? "Sessions" : names[i], "kind",
			"Singleton", "url", text(ROOT "/%s", names[i])));
	return json_pack("{s:s, s:o}", "@odata.context", ROOT "/$metadata", "value", value);
}

/* A schema and the namespaces of it that are used here. */
static void metadata_reference(struct str *s, const char *name, const char *version)
{
	str_addf(s, "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/%s_v1.xml\">\n    <edmx:Include Namespace=\"%s\"/>\n",
		name, name);
	if (version)
		str_addf(s, "    <edmx:Include Namespace=\"%s.%s\"/>\n", name, version);
	str_add(s, "  </edmx:Reference>\n");
}

static json_t *get_metadata(struct call *c)
{
	static const char *const collections[] = { "ComputerSystemCollection", "ProcessorCollection", "ManagerCollection",
		"ChassisCollection", "SoftwareInventoryCollection", "TaskCollection", "SessionCollection", "ManagerAccountCollection",
		"RoleCollection", "EventDestinationCollection", "MessageRegistryFileCollection", "EthernetInterfaceCollection", "Resource" };
	autostr struct str s;

	str_init(&s, STR_OURS);
	str_add(&s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<edmx:Edmx xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\" Version=\"4.0\">\n");
#define REFERENCE(type, version) metadata_reference(&s, #type, version);
	SIM_TYPES(REFERENCE)
#undef REFERENCE
	for (size_t i = 0; i < ARRAY_LEN(collections); i++)
		metadata_reference(&s, collections[i], NULL);
	str_add(&s, "  <edmx:Reference Uri=\"http://redfish.dmtf.org/schemas/v1/RedfishExtensions_v1.xml\">\n"
		"    <edmx:Include Namespace=\"RedfishExtensions.v1_0_0\" Alias=\"Redfish\"/>\n  </edmx:Reference>\n"
		"  <edmx:DataServices>\n    <Schema xmlns=\"http://docs.oasis-open.org/odata/ns/edm\" Namespace=\"Service\">\n"
		"      <EntityContainer Name=\"Service\" Extends=\"ServiceRoot.v1_17_0.ServiceContainer\"/>\n"
		"    </Schema>\n  </edmx:DataServices>\n</edmx:Edmx>\n");
	c->rp->status = 200;
	c->rp->len = s.len;
	c->rp->body = str_take(&s);
	reply_header(c->rp, "Content-Type", "application/xml;charset=utf-8");
	reply_header(c->rp, "Allow", "GET, HEAD");
	return NULL;
}

/* --- registries --------------------------------------------------------------------------------------------- */

static const struct { const char *id, *prefix, *name; } registries[] = {
	{ "Base.1.22.1", "Base.1.22", "Base" },
	{ "TaskEvent.1.0.5", "TaskEvent.1.0", "Task Event" },
	{ "Update.1.3.0", "Update.1.3", "Update" },
	{ "ResourceEvent.1.4.3", "ResourceEvent.1.4", "Resource Event" },
};

static json_t *get_registries(struct call *c)
{
	json_t *r = collection(c, "MessageRegistryFileCollection", "Registry File Collection");

	for (size_t i = 0; i < ARRAY_LEN(registries); i++)
		member(r, ROOT "/Registries/%s", registries[i].id);
	member(r, ROOT "/Registries/" BIOS_REGISTRY);
	return r;
}

static json_t *registry_file(struct call *c, const char *id, const char *registry, const char *name, json_t *location)
{
	json_t *r = resource(c, TYPE_REGISTRY_FILE, id, name);

	json_object_update_new(r, json_pack("{s:o, s:s, s:[s], s:[o]}", "Description", text("%s Registry File Locations", name),
		"Registry", registry, "Languages", "en", "Location", location));
	return r;
}

static json_t *get_registry(struct call *c)
{
	if (strcmp(c->id[0], BIOS_REGISTRY) == 0)
		return registry_file(c, BIOS_REGISTRY, BIOS_REGISTRY, "BIOS Attribute Registry", json_pack("{s:s, s:s}", "Language", "en",
			"Uri", ROOT "/Registries/" BIOS_REGISTRY "/Registry"));
	for (size_t i = 0; i < ARRAY_LEN(registries); i++)
		if (strcmp(c->id[0], registries[i].id) == 0)
			return registry_file(c, registries[i].id, registries[i].prefix, registries[i].name, json_pack("{s:s, s:o}", "Language",
				"en", "PublicationUri", text("https://redfish.dmtf.org/registries/%s.json", registries[i].id)));
	return NULL;
}

static json_t *get_bios_registry(struct call *c)
{
	json_t *r;

	if (strcmp(c->id[0], BIOS_REGISTRY) != 0)
		return NULL;
	r = resource(c, TYPE_ATTRIBUTE_REGISTRY, BIOS_REGISTRY, "DGX H100 BIOS Attribute Registry");
	json_object_update_new(r, json_pack("{s:s, s:s, s:s, s:[{s:s, s:s}], s:{s:o, s:[]}}", "Language", "en", "OwningEntity", "aipc",
		"RegistryVersion", "1.0.0", "SupportedSystems", "ProductName", "DGXH100", "SystemId", "DGX", "RegistryEntries",
		"Attributes", bios_registry(), "Dependencies"));
	return r;
}

const struct route routes_root[] = {
	{ .path = "", .get = get_root, .flags = ROUTE_PUBLIC },
	{ .path = ".versions", .get = get_versions, .flags = ROUTE_PUBLIC },
	{ .path = "odata", .get = get_odata, .flags = ROUTE_PUBLIC },
	{ .path = "$metadata", .get = get_metadata, .flags = ROUTE_PUBLIC },
	{ .path = "Registries", .get = get_registries },
	{ .path = "Registries/*", .get = get_registry },
	{ .path = "Registries/*/Registry", .get = get_bios_registry },
	{ 0 },
};
