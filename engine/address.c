#include <string.h>

#include "base/str.h"
#include "engine/spec.h"

/* Behind a key that begins at P (["a.b"], [0]), if there is one. */
static const char *skip_key(const char *p)
{
	if (*p != '[')
		return p;
	if (p[1] != '"')
		return p + strcspn(p, "]") + (strchr(p, ']') != NULL);
	for (p += 2; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 + (p[1] == ']') : p;
}

static const char *skip_name(const char *p)
{
	return p + strcspn(p, ".[");
}

char *address_base(const char *address)
{
	struct str s;
	const char *p = address;
	str_init(&s, STR_OURS);
	while (str_has_prefix(p, "module.")) {
		const char *end = skip_name(p + 7);
		str_addn(&s, p, (size_t)(end - p));
		p = skip_key(end);
		if (*p != '.')
			return str_take(&s);
		str_addc(&s, *p++);
	}
	if (str_has_prefix(p, "data.")) {
		str_add(&s, "data.");
		p += 5;
	}
	const char *dot = strchr(p, '.');
	str_addn(&s, p, dot ? (size_t)(skip_name(dot + 1) - p) : strlen(p));
	return str_take(&s);
}

char *address_in(const char *module, const struct lang_resource *lr)
{
	return xasprintf("%s%s%s%s.%s", module, *module ? "." : "", lr->data ? "data." : "", lr->type, lr->name);
}

bool address_within(const char *address, const char *prefix)
{
	size_t n = strlen(prefix);
	return strncmp(address, prefix, n) == 0 && (!address[n] || address[n] == '.' || address[n] == '[');
}
