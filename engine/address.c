#include <string.h>

#include "base/str.h"
#include "engine/spec.h"

/* ["KEY"] with the escapes of JSON, so that an address is one line and unambiguous whatever the key holds. */
static void add_quoted(struct str *out, const char *key)
{
	str_add(out, "[\"");
	for (const unsigned char *p = (const unsigned char *)key; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(out, '\\'), str_addc(out, (char)*p);
		else if (*p == '\n')
			str_add(out, "\\n");
		else if (*p == '\t')
			str_add(out, "\\t");
		else if (*p < 0x20 || *p == 0x7f)
			str_addf(out, "\\u%04x", *p);
		else
			str_addc(out, (char)*p);
	}
	str_add(out, "\"]");
}

void address_add_key(struct str *out, enum lang_key kind, const char *key)
{
	if (kind == LANG_INDEX)
		str_addf(out, "[%s]", key);
	else if (kind == LANG_EACH)
		add_quoted(out, key);
}

char *address_base(const char *address)
{
	const char *dot = strchr(address, '.');
	return xstrndup(address, dot ? (size_t)(dot + 1 - address) + strcspn(dot + 1, ".[") : strlen(address));
}
