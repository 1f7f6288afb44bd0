#include "providers/redfish/quirks.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "schemas/data.h"

static const json_t *table(void)
{
	static json_t *loaded;

	if (!loaded) {
		struct err err;
		size_t len;
		const char *text = data_file("quirks.json", &len);
		if (!text || json_parse(text, len, "quirks.json", &loaded, &err))
			BUG("quirks.json: %s", text ? err.msg : "not built in");
	}
	return loaded;
}

static bool glob_nocase(const char *pattern, const char *text)
{
	char p[128], s[256];

	snprintf(p, sizeof(p), "%s", pattern);
	snprintf(s, sizeof(s), "%s", text ? text : "");
	for (char *c = p; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (char *c = s; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return str_glob(p, s);
}

static bool row_matches(const json_t *match, const char *vendor, const char *product, const char *redfish)
{
	const char *v = json_str(match, "vendor"), *p = json_str(match, "product"), *r = json_str(match, "redfish");

	return (!v || glob_nocase(v, vendor)) && (!p || glob_nocase(p, product)) && (!r || glob_nocase(r, redfish));
}

struct quirk quirk_for(const char *vendor, const char *product, const char *redfish)
{
	struct quirk q = { 0 };
	const json_t *rows = json_at(table(), "platforms");

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		if (!row_matches(json_at(row, "match"), vendor, product, redfish))
			continue;
		q = (struct quirk){
			.name = json_str(row, "name"),
			.if_match = json_str(row, "if_match"),
			.settings = json_str(row, "settings"),
			.update_delay_s = (int)json_int(row, "update_delay_s", 0),
			.multipart_oem = json_flag(row, "multipart_oem", false),
			.restart_by_off_on = json_flag(row, "restart_by_off_on", false),
		};
	}
	return q;
}

bool quirk_id_is(const char *message_id, const char *name)
{
	if (!message_id)
		return false;
	const char *dot = strrchr(message_id, '.');
	return strcasecmp(dot ? dot + 1 : message_id, name) == 0;
}

static const json_t *row_of(const char *list, const char *message_id)
{
	const json_t *rows = json_at(table(), list);

	for (size_t i = 0; message_id && i < json_array_size(rows); i++) {
		const char *id = json_str(json_array_get(rows, i), "id");
		if (id && quirk_id_is(message_id, id))
			return json_array_get(rows, i);
	}
	return NULL;
}

bool quirk_not_ready(const char *message_id, int *seconds_arg)
{
	const json_t *row = row_of("not_ready", message_id);

	if (row && seconds_arg)
		*seconds_arg = (int)json_int(row, "seconds_arg", 0);
	return row != NULL;
}

bool quirk_session_full(const char *message_id)
{
	return row_of("session_full", message_id) != NULL;
}

const char *quirk_unavailable(const char *message_id)
{
	return json_str(row_of("unavailable", message_id), "hint");
}

static bool matches_any(const json_t *globs, const char *text)
{
	for (size_t i = 0; i < json_array_size(globs); i++) {
		const char *g = json_string_value(json_array_get(globs, i));
		if (g && str_glob(g, text))
			return true;
	}
	return false;
}

bool quirk_update_runs(const char *said)
{
	const json_t *texts = json_at(table(), "update_runs");

	for (size_t i = 0; i < json_array_size(texts); i++) {
		const char *text = json_str(json_array_get(texts, i), "text");
		if (text && strcasestr(said, text))
			return true;
	}
	return false;
}

bool quirk_not_running(const char *inventory_id)
{
	return matches_any(json_at(table(), "not_running"), inventory_id);
}

bool quirk_not_host(const char *system_id)
{
	return matches_any(json_at(table(), "not_host_systems"), system_id);
}

enum activation activation_named(const char *word)
{
	static const char *const words[] = { "none", "bmc_reset", "reboot", "ac_cycle" };

	for (size_t i = 0; word && i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return (enum activation)i;
	return ACTIVATE_REBOOT;
}

static struct family family_row(const json_t *row)
{
	return (struct family){
		.name = json_str(row, "name"),
		.order = (int)json_int(row, "order", 2),
		.apply = activation_named(json_str(row, "apply")),
		.minutes = (int)json_int(row, "minutes", 10),
		.irreversible = json_str(row, "irreversible"),
	};
}

struct family family_of(const char *id)
{
	const json_t *rows = json_at(table(), "families");

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (matches_any(json_at(json_array_get(rows, i), "ids"), id))
			return family_row(json_array_get(rows, i));
	return (struct family){ .name = "firmware", .order = 2, .apply = ACTIVATE_REBOOT, .minutes = 10 };
}

const char *family_irreversible(const char *pattern)
{
	static const char *const samples[] = { "HGX_FW_ERoT_GPU_SXM_1", "HGX_FW_ERoT_BMC_0", "EROT_BIOS_0", "FW_ERoT_BMC_0" };
	const char *why = family_of(pattern).irreversible;

	for (size_t i = 0; !why && i < ARRAY_LEN(samples); i++)
		if (str_glob(pattern, samples[i]))
			why = family_of(samples[i]).irreversible;
	return why;
}

bool version_none(const char *v)
{
	const json_t *words = json_path(table(), "versions", "none", NULL);

	if (!v)
		return true;
	for (size_t i = 0; i < json_array_size(words); i++)
		if (strcasecmp(json_string_value(json_array_get(words, i)), v) == 0)
			return true;
	return false;
}

/* The part of V that tells: behind `NAME=`, `Ver `, a known prefix, a `v`. */
static const char *version_core(const char *v)
{
	const json_t *prefixes = json_path(table(), "versions", "prefixes", NULL);
	const char *at;

	while (isspace((unsigned char)*v))
		v++;
	at = strrchr(v, '=');
	if (at && isalnum((unsigned char)at[1]))
		v = at + 1;
	at = strstr(v, " Ver ");
	if (at && at[5])
		v = at + 5;
	for (size_t i = 0; i < json_array_size(prefixes); i++) {
		const char *p = json_string_value(json_array_get(prefixes, i));
		size_t n = strlen(p);
		if (strncasecmp(v, p, n) == 0 && isdigit((unsigned char)v[n])) {
			v += n;
			break;
		}
	}
	if ((*v == 'v' || *v == 'V') && isdigit((unsigned char)v[1]))
		v++;
	return v;
}

/* "0x00 0x0b 0x03" as "0.11.3"; false when V is no such row of bytes. */
static bool hex_bytes(const char *v, struct str *out)
{
	unsigned byte;
	int used;

	if (strncasecmp(v, "0x", 2) != 0 || !strchr(v, ' '))
		return false;
	while (*v) {
		if (sscanf(v, "0x%2x%n", &byte, &used) != 1)
			return false;
		str_addf(out, "%s%u", out->len ? "." : "", byte);
		for (v += used; *v == ' '; v++)
			;
	}
	return true;
}

/* Lower case, digits without leading zeros, ends trimmed. */
static void version_normal(const char *v, struct str *out)
{
	if (hex_bytes(v, out))
		return;
	str_clear(out);
	for (v = version_core(v); *v; v++) {
		bool in_digits = out->len && isdigit((unsigned char)out->at[out->len - 1]);
		if (*v == '0' && !in_digits && isdigit((unsigned char)v[1]))
			continue;
		str_addc(out, (char)tolower((unsigned char)*v));
	}
	while (out->len && isspace((unsigned char)out->at[out->len - 1]))
		out->at[--out->len] = '\0';
}

/* Length of V (normal form) without a date at its end: " (03/01/2023)" (HPE's BIOS), " may 24 2023" (iLO). */
static size_t undated(const char *v)
{
	static const char *const months = "janfebmaraprmayjunjulaugsepoctnovdec";
	size_t n = strlen(v);
	const char *open = strrchr(v, '('), *month;
	char word[4];
	unsigned day, year;
	int used = 0;

	if (open && open > v && v[n - 1] == ')' && strspn(open + 1, "0123456789/-.") == strlen(open + 1) - 1)
		return (size_t)(open - v) - (open[-1] == ' ');
	for (const char *at = strchr(v, ' '); at; at = strchr(at + 1, ' '))
		if (sscanf(at, " %3[a-z] %2u %4u%n", word, &day, &year, &used) == 3 && !at[used] && strlen(word) == 3 &&
		    (month = strstr(months, word)) && (month - months) % 3 == 0)
			return (size_t)(at - v);
	return n;
}

bool version_same(const char *a, const char *b)
{
	if (!a || !b)
		return false;
	autostr struct str x = { 0 }, y = { 0 };
	str_init(&x, STR_OURS);
	str_init(&y, STR_OURS);
	version_normal(a, &x);
	version_normal(b, &y);
	if (x.len && strcmp(x.at, y.at) == 0)
		return true;
	size_t n = undated(x.at), m = undated(y.at);
	return n && n == m && (n < x.len) != (m < y.len) && memcmp(x.at, y.at, n) == 0;
}
