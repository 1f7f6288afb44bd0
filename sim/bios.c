#include "sim/bios.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ONOFF "Disabled|Enabled"

static const struct bios_attr attrs[] = {
	{ "AcsControl", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "PCIe ACS Control" },
	{ "AssetTagText", BIOS_STRING, "none", NULL, 0, 32, false, false, "Asset Tag" },
	{ "BootMode", BIOS_ENUM, "Uefi", "Uefi|LegacyBoot", 0, 0, false, false, "Boot Mode" },
	{ "CStates", BIOS_ENUM, "Disabled", ONOFF, 0, 0, false, false, "CPU C-States" },
	{ "EnergyPerfBias", BIOS_ENUM, "Performance", "Performance|Balanced|PowerSaving", 0, 0, false, false, "Energy Performance Bias" },
	{ "HyperThreading", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Hyper-Threading" },
	{ "IOMMU", BIOS_ENUM, "Enabled", "Disabled|Enabled|Passthrough", 0, 0, false, false, "IOMMU" },
	{ "MemoryEncryption", BIOS_ENUM, "Disabled", ONOFF, 0, 0, false, false, "Total Memory Encryption" },
	{ "MmioHighSizeGiB", BIOS_INT, "1024", NULL, 64, 4096, false, false, "MMIO High Size in GiB" },
	{ "NumaPerSocket", BIOS_INT, "1", NULL, 1, 4, false, false, "NUMA Nodes per Socket" },
	{ "NumLock", BIOS_BOOL, "true", NULL, 0, 0, false, true, "NumLock at Boot" },
	{ "PcieRelaxedOrdering", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "PCIe Relaxed Ordering" },
	{ "PcieResizableBar", BIOS_BOOL, "true", NULL, 0, 0, false, false, "PCIe Resizable BAR" },
	{ "PostTimeoutSeconds", BIOS_INT, "5", NULL, 0, 300, false, false, "Setup Prompt Timeout" },
	{ "PxeBoot", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Network Boot" },
	{ "QuietBoot", BIOS_BOOL, "false", NULL, 0, 0, false, false, "Quiet Boot" },
	{ "SRIOV", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "SR-IOV Support" },
	{ "SecureBoot", BIOS_ENUM, "Disabled", ONOFF, 0, 0, false, false, "Secure Boot" },
	{ "SerialConsole", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Serial Console Redirection" },
	{ "SystemSku", BIOS_STRING, "DGXH100", NULL, 0, 32, true, false, "System SKU" },
	{ "TPM", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Trusted Platform Module" },
	{ "TurboMode", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Turbo Mode" },
	{ "TxtSupport", BIOS_ENUM, "Disabled", ONOFF, 0, 0, false, false, "Trusted Execution" },
	{ "VTd", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "Directed I/O Virtualisation" },
	{ "Virtualization", BIOS_ENUM, "Enabled", ONOFF, 0, 0, false, false, "CPU Virtualisation" },
	{ "WatchdogMinutes", BIOS_INT, "0", NULL, 0, 60, false, false, "Boot Watchdog in Minutes" },
};

const struct bios_attr *bios_attrs(size_t *n)
{
	*n = ARRAY_LEN(attrs);
	return attrs;
}

const struct bios_attr *bios_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		if (strcmp(attrs[i].name, name) == 0)
			return &attrs[i];
	return NULL;
}

static bool listed(const char *values, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = values; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
		if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == '\0'))
			return n > 0;
	return false;
}

int bios_check(const struct bios_attr *a, const json_t *value)
{
	json_int_t n;

	if (a->read_only)
		return E_DENIED;
	switch (a->type) {
	case BIOS_BOOL:
		return json_is_boolean(value) ? 0 : E_INPUT;
	case BIOS_INT:
		if (!json_is_integer(value))
			return E_INPUT;
		n = json_integer_value(value);
		return n >= a->min && n <= a->max ? 0 : E_CONFLICT;
	case BIOS_ENUM:
		if (!json_is_string(value))
			return E_INPUT;
		return listed(a->values, json_string_value(value)) ? 0 : E_CONFLICT;
	case BIOS_STRING:
		if (!json_is_string(value))
			return E_INPUT;
		n = (json_int_t)json_string_length(value);
		return n >= a->min && n <= a->max ? 0 : E_CONFLICT;
	}
	return E_INPUT;
}

json_t *bios_default(const struct bios_attr *a)
{
	if (a->type == BIOS_BOOL)
		return json_boolean(strcmp(a->deflt, "true") == 0);
	if (a->type == BIOS_INT)
		return json_integer(strtoll(a->deflt, NULL, 10));
	return json_string(a->deflt);
}

json_t *bios_values(const struct bmc *b)
{
	json_t *all = json_object();

	for (size_t i = 0; i < ARRAY_LEN(attrs); i++) {
		const json_t *own = json_at(b->bios, attrs[i].name);

		json_object_set_new(all, attrs[i].name, own ? json_ref(own) : bios_default(&attrs[i]));
	}
	return all;
}

void bios_set(struct bmc *b, const char *name, const json_t *value)
{
	if (!b->bios)
		b->bios = json_object();
	json_object_set_new(b->bios, name, json_ref(value));
}

void bios_ask(struct bmc *b, const json_t *values)
{
	const char *key;
	json_t *value;

	if (!b->bios_pending)
		b->bios_pending = json_object();
	json_object_foreach((json_t *)(uintptr_t)values, key, value) {
		if (bios_find(key)->no_reset)
			bios_set(b, key, value);
		else
			json_object_set(b->bios_pending, key, value);
	}
	if (json_object_size(b->bios_pending) == 0) {
		json_decref(b->bios_pending);
		b->bios_pending = NULL;
	}
}

void bios_apply(struct bmc *b)
{
	const char *key;
	json_t *value;

	if (!b->bios_pending)
		return;
	json_object_foreach(b->bios_pending, key, value)
		bios_set(b, key, value);
	json_decref(b->bios_pending);
	b->bios_pending = NULL;
	b->bios_applied++;
}

static json_t *enum_values(const char *values)
{
	json_t *list = json_array();

	while (values) {
		const char *bar = strchr(values, '|');
		size_t n = bar ? (size_t)(bar - values) : strlen(values);
		json_t *name = json_stringn(values, n);

		json_array_append_new(list, json_pack("{s:O, s:o}", "ValueName", name, "ValueDisplayName", name));
		values = bar ? bar + 1 : NULL;
	}
	return list;
}

static json_t *registry_entry(const struct bios_attr *a, int order)
{
	static const char *const types[] = { "Enumeration", "Integer", "Boolean", "String" };
	json_t *e = json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:i, s:b}", "AttributeName", a->name, "DisplayName", a->display,
		"Type", types[a->type], "ReadOnly", a->read_only, "ResetRequired", !a->no_reset, "DefaultValue", bios_default(a),
		"DisplayOrder", order, "Immutable", a->read_only);

	if (a->type == BIOS_ENUM)
		json_object_set_new(e, "Value", enum_values(a->values));
	if (a->type == BIOS_INT) {
		json_object_set_new(e, "LowerBound", json_integer(a->min));
		json_object_set_new(e, "UpperBound", json_integer(a->max));
		json_object_set_new(e, "ScalarIncrement", json_integer(1));
	}
	if (a->type == BIOS_STRING) {
		json_object_set_new(e, "MinLength", json_integer(a->min));
		json_object_set_new(e, "MaxLength", json_integer(a->max));
	}
	return e;
}

json_t *bios_registry(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(attrs); i++)
		json_array_append_new(list, registry_entry(&attrs[i], (int)i + 1));
	return list;
}
