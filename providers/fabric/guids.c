#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "providers/fabric/topo.h"

/* An assigned GUID: the vendor part (24 bits) of the base, then 36 bits of a hash of the base and the object's name, so that it
 * stays the same when others come and go; the last digit is 1 for a NIC's port and 8 for a switch. */
static uint64_t derive(uint64_t base, const char *name, unsigned nic)
{
	char hex[65], head[11] = { 0 };
	autostr struct str s;
	str_init(&s, STR_OURS);
	str_addf(&s, "%016llx/%s/%u", (unsigned long long)base, name, nic);
	str_sha256(s.at, s.len, hex);
	memcpy(head, hex, 9);
	return (base & UINT64_C(0xffffff0000000000)) | strtoull(head, NULL, 16) << 4 | (nic ? 1 : 8);
}

static void assign(struct fab *f, uint64_t base)
{
	for (size_t i = 0; i < f->nodes.len; i++) {
		struct fab_node *n = &f->nodes.at[i];
		if (n->role != FAB_HOST && !n->guid)
			n->guid = derive(base, n->name, 0);
		if (n->role != FAB_HOST || n->nics)
			continue;
		uint64_t *nics = arena_array(f->arena, f->rails, sizeof(*nics));
		for (unsigned k = 0; k < f->rails; k++)
			nics[k] = derive(base, n->name, k + 1);
		n->nics = nics;
	}
}

static void read_switch_guids(struct fab *f, const json_t *map)
{
	size_t n;
	autofree const char **keys = json_keys(map, &n);
	const char **names = arena_array(f->arena, f->nodes.len - f->hosts + 1, sizeof(*names));
	for (size_t i = f->hosts; i < f->nodes.len; i++)
		names[i - f->hosts] = f->nodes.at[i].name;
	for (size_t i = f->hosts; i < f->nodes.len; i++) {
		const char *text = json_str(map, f->nodes.at[i].name);
		if (text && !fab_guid(text, &f->nodes.at[i].guid))
			FAB_REPORT(f, "E0713", false, FAB_PATH("switch_guids", f->nodes.at[i].name), NULL, NULL, "\"%.40s\" is no GUID of 16 hex digits", text);
	}
	json_t *known = json_object();
	for (size_t i = 0; names[i]; i++)
		json_object_set_new(known, names[i], json_true());
	for (size_t i = 0; i < n; i++)
		if (!json_at(known, keys[i]))
			FAB_REPORT(f, "E0711", true, FAB_PATH("switch_guids", keys[i]), names, keys[i], "there is no switch \"%.80s\"", keys[i]);
	json_decref(known);
}

struct owned { uint64_t guid; unsigned node, nic; };

static int by_guid(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	if (x->guid != y->guid)
		return x->guid < y->guid ? -1 : 1;
	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	return x->nic < y->nic ? -1 : x->nic > y->nic;
}

static const char *owner_text(struct fab *f, const struct owned *o)
{
	return o->nic ? arena_printf(f->arena, "%s/%u", f->nodes.at[o->node].name, o->nic) : f->nodes.at[o->node].name;
}

static void check_twice(struct fab *f)
{
	VEC(struct owned) all = { 0 };
	for (unsigned i = 0; i < f->nodes.len; i++) {
		const struct fab_node *n = &f->nodes.at[i];
		if (n->guid)
			vec_push(&all, (struct owned){ n->guid, i, 0 });
		for (unsigned k = 0; n->nics && k < f->rails; k++)
			vec_push(&all, (struct owned){ n->nics[k], i, k + 1 });
	}
	if (all.len)
		qsort(all.at, all.len, sizeof(*all.at), by_guid);
	for (size_t i = 1; i < all.len; i++) {
		if (all.at[i].guid != all.at[i - 1].guid || !all.at[i].guid)
			continue;
		const char *const *path = f->explicit_links ? FAB_PATH(all.at[i].nic ? "hosts" : "switches") : FAB_PATH("fat_tree", "hosts");
		FAB_REPORT(f, "E0709", false, path, NULL, NULL, "%s and %s have the same GUID 0x%016llx", owner_text(f, &all.at[i - 1]),
			   owner_text(f, &all.at[i]), (unsigned long long)all.at[i].guid);
	}
	vec_free(&all);
}

void fab_assign_guids(struct fab *f, const json_t *config)
{
	const char *base = json_str(config, "guid_base");
	uint64_t number;
	read_switch_guids(f, json_at(config, "switch_guids"));
	if (base && !fab_guid(base, &number))
		FAB_REPORT(f, "E0713", false, FAB_PATH("guid_base"), NULL, NULL, "\"%.40s\" is no GUID of 16 hex digits", base);
	else if (base)
		assign(f, number);
	check_twice(f);
}
