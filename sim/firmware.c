#include "sim/firmware.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "sim/bios.h"

/* The components of a DGX H100: HGX baseboard, then host side. `id` takes the number. */
static const struct {
	const char *id, *erot;
	unsigned first, count;
	const char *version, *related;
	enum activation act;
	unsigned seconds;
} kinds[] = {
	{ "HGX_0", "", 0, 0, "1.5.0", "Chassis/HGX_Chassis_0", ACT_NEVER, 0 },
	{ "HGX_FW_BMC_%u", "HGX_ERoT_BMC_%u", 0, 1, "1.5.0", "Managers/HGX_BMC_0", ACT_AC_CYCLE, 180 },
	{ "HGX_FW_FPGA_%u", "HGX_ERoT_FPGA_%u", 0, 1, "1.5.0", "Chassis/HGX_Chassis_0", ACT_AC_CYCLE, 120 },
	{ "HGX_FW_GPU_SXM_%u", "HGX_ERoT_GPU_SXM_%u", 1, 8, "1.5.0", "Systems/HGX_Baseboard_0/Processors/GPU_SXM_%u", ACT_AC_CYCLE, 240 },
	{ "HGX_FW_NVSwitch_%u", "HGX_ERoT_NVSwitch_%u", 0, 4, "1.5.0", "Chassis/HGX_Chassis_0", ACT_AC_CYCLE, 200 },
	{ "HGX_FW_PCIeRetimer_%u", "", 0, 8, "1.5.0", "Chassis/HGX_Chassis_0", ACT_AC_CYCLE, 60 },
	{ "HGX_FW_PCIeSwitch_%u", "HGX_ERoT_PCIeSwitch_%u", 0, 1, "1.5.0", "Chassis/HGX_Chassis_0", ACT_AC_CYCLE, 60 },
	{ "HGX_FW_CPLD_%u", "", 0, 1, "1.5.0", "Chassis/HGX_Chassis_0", ACT_AC_CYCLE, 150 },
	{ "HGX_FW_ERoT_BMC_%u", "HGX_ERoT_BMC_%u", 0, 1, "1.5.0", "Chassis/HGX_ERoT_BMC_%u", ACT_AC_CYCLE, 90 },
	{ "HGX_FW_ERoT_FPGA_%u", "HGX_ERoT_FPGA_%u", 0, 1, "1.5.0", "Chassis/HGX_ERoT_FPGA_%u", ACT_AC_CYCLE, 90 },
	{ "HGX_FW_ERoT_GPU_SXM_%u", "HGX_ERoT_GPU_SXM_%u", 1, 8, "1.5.0", "Chassis/HGX_ERoT_GPU_SXM_%u", ACT_AC_CYCLE, 90 },
	{ "HGX_FW_ERoT_NVSwitch_%u", "HGX_ERoT_NVSwitch_%u", 0, 4, "1.5.0", "Chassis/HGX_ERoT_NVSwitch_%u", ACT_AC_CYCLE, 90 },
	{ "HGX_FW_ERoT_PCIeSwitch_%u", "HGX_ERoT_PCIeSwitch_%u", 0, 1, "1.5.0", "Chassis/HGX_ERoT_PCIeSwitch_%u", ACT_AC_CYCLE, 90 },
	{ "HGX_InfoROM_GPU_SXM_%u", "", 1, 8, "G520.0200.00.05", "Systems/HGX_Baseboard_0/Processors/GPU_SXM_%u", ACT_NEVER, 0 },
	{ "HGX_PCIeSwitchConfig_%u", "", 0, 1, "01151024", "Chassis/HGX_Chassis_0", ACT_NEVER, 0 },
	{ "HostBMC_%u", "ERoT_BMC_%u", 0, 1, "24.05.1", "Managers/BMC", ACT_BMC_RESET, 240 },
	{ "HostBIOS_%u", "ERoT_BIOS_%u", 0, 1, "1.1.3", "Systems/DGX", ACT_HOST_RESET, 180 },
	{ "EROT_BIOS_%u", "ERoT_BIOS_%u", 0, 1, "00.04.0026.0000_n00", "Chassis/ERoT_BIOS_%u", ACT_AC_CYCLE, 90 },
	{ "EROT_BMC_%u", "ERoT_BMC_%u", 0, 1, "00.04.0026.0000_n00", "Chassis/ERoT_BMC_%u", ACT_AC_CYCLE, 90 },
	{ "CPLDMB_%u", "", 0, 1, "0.2.1.7", "Chassis/DGX", ACT_AC_CYCLE, 150 },
	{ "CPLDMID_%u", "", 0, 1, "0.2.1.1", "Chassis/DGX", ACT_AC_CYCLE, 150 },
	{ "PSU_%u", "", 0, 6, "0202.0200.0200", "Chassis/DGX", ACT_NOW, 90 },
	{ "PCIeSwitch_%u", "", 0, 2, "1.0.7", "Chassis/DGX", ACT_AC_CYCLE, 60 },
	{ "PCIeRetimer_%u", "", 0, 1, "1.30.0", "Chassis/DGX", ACT_AC_CYCLE, 60 },
	{ "CX7_%u", "", 0, 2, "28.38.1900", "Chassis/DGX", ACT_HOST_RESET, 120 },
};

static struct component table[128];
static unsigned table_len;

static void put(char *out, size_t size, const char *pattern, unsigned number)
{
	const char *at = strstr(pattern, "%u");

	if (at)
		snprintf(out, size, "%.*s%u%s", (int)(at - pattern), pattern, number, at + 2);
	else
		snprintf(out, size, "%s", pattern);
}

static void build_table(void)
{
	static char related[128][64];

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (unsigned i = 0; i < (kinds[k].count ? kinds[k].count : 1); i++) {
			struct component *c = &table[table_len];

			if (table_len >= ARRAY_LEN(table))
				BUG("the profile has more than %zu components", ARRAY_LEN(table));
			put(c->id, sizeof c->id, kinds[k].id, kinds[k].first + i);
			put(c->erot, sizeof c->erot, kinds[k].erot, kinds[k].first + i);
			put(related[table_len], sizeof related[0], kinds[k].related, kinds[k].first + i);
			c->related = related[table_len];
			c->version = kinds[k].version;
			c->act = kinds[k].act;
			c->seconds = kinds[k].seconds;
			table_len++;
		}
	}
}

unsigned firmware_count(void)
{
	if (!table_len)
		build_table();
	return table_len;
}

const struct component *firmware_at(unsigned i)
{
	if (i >= firmware_count())
		BUG("component %u of %u", i, table_len);
	return &table[i];
}

int firmware_find(const char *id)
{
	for (unsigned i = 0; i < firmware_count(); i++)
		if (strcmp(table[i].id, id) == 0)
			return (int)i;
	return -1;
}

const char *item_version(const struct bmc *b, unsigned i)
{
	return b->items && b->items[i].version ? b->items[i].version : firmware_at(i)->version;
}

const char *item_staged(const struct bmc *b, unsigned i)
{
	return b->items ? b->items[i].staged : NULL;
}

static struct item *item_own(struct bmc *b, unsigned i)
{
	if (!b->items)
		b->items = xcalloc(firmware_count(), sizeof *b->items);
	return &b->items[i];
}

void item_set_version(struct bmc *b, unsigned i, const char *version)
{
	struct item *it = item_own(b, i);
	char *copy = xstrdup(version);

	free(it->version);
	it->version = copy;
}

void item_stage(struct bmc *b, unsigned i, const char *version, int64_t now)
{
	struct item *it = item_own(b, i);

	free(it->staged);
	it->staged = xstrdup(version);
	it->copied = firmware_at(i)->erot[0] ? now + T_BACKGROUND_COPY * 1000 : 0;
}

void items_activate(struct bmc *b, enum activation what, int64_t now)
{
	for (unsigned i = 0; b->items && i < firmware_count(); i++) {
		struct item *it = &b->items[i];

		if (!it->staged || firmware_at(i)->act != what)
			continue;
		if (what == ACT_AC_CYCLE && it->copied > now) {
			/* mains went in the middle of the copy: it begins again */
			it->copied = now + (T_AC_CYCLE + T_BACKGROUND_COPY) * 1000;
			continue;
		}
		free(it->version);
		it->version = it->staged;
		it->staged = NULL;
	}
}

bool erot_copying(const struct bmc *b, const char *chassis, int64_t now)
{
	for (unsigned i = 0; b->items && i < firmware_count(); i++)
		if (b->items[i].copied > now && strcmp(firmware_at(i)->erot, chassis) == 0)
			return true;
	return false;
}

static bool version_ok(const char *v)
{
	size_t n = strlen(v);

	if (n < 1 || n > 31)
		return false;
	for (; *v; v++)
		if (*v < ' ' || *v > '~')
			return false;
	return true;
}

static bool components_ok(const json_t *components)
{
	const char *key;
	json_t *value;

	if (!json_is_object(components) || json_object_size(components) == 0 || json_object_size(components) > 200)
		return false;
	json_object_foreach((json_t *)(uintptr_t)components, key, value)
		if (!json_is_string(value) || !version_ok(json_string_value(value)))
			return false;
	return true;
}

void image_read(const char *head, size_t len, struct image *out)
{
	static const char mark[] = "aipc-sim-firmware:";
	const char *at = memmem(head, len, mark, sizeof mark - 1), *end;
	const char *component, *version, *signature;
	autojson json_t *j = NULL;
	json_t *components;

	*out = (struct image){ 0 };
	if (!at || (at != head && at[-1] != '\n'))
		return;
	at += sizeof mark - 1;
	end = memchr(at, '\n', len - (size_t)(at - head));
	if (!end)
		end = head + len;
	if (json_parse(at, (size_t)(end - at), "image", &j, NULL) || !json_is_object(j))
		return;
	component = json_str(j, "component");
	version = json_str(j, "version");
	signature = json_str(j, "signature");
	components = component && version ? json_pack("{s:s}", component, version) : json_ref(json_at(j, "components"));
	if (!components_ok(components) || (signature && strcmp(signature, "invalid") == 0)) {
		json_decref(components);
		return;
	}
	out->valid = true;
	out->components = components;
}

void image_release(struct image *img)
{
	json_decref(img->components);
	*img = (struct image){ 0 };
}

const char *image_version(const struct image *img, unsigned i)
{
	const char *key, *found = NULL;
	size_t longest = 0;
	json_t *value;

	if (!img->components || firmware_at(i)->act == ACT_NEVER)
		return NULL;
	json_object_foreach(img->components, key, value) {
		if (strlen(key) >= longest && str_glob(key, firmware_at(i)->id)) {
			longest = strlen(key);
			found = json_string_value(value);
		}
	}
	return found;
}
