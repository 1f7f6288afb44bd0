#include <string.h>

#include "base/str.h"
#include "engine/planning.h"

/* A pattern for str_glob() in which brackets that hold a key (["a"], [0]) mean themselves. */
static char *glob_of(const char *pattern)
{
	struct str s;
	str_init(&s, STR_OURS);
	for (const char *p = pattern; *p; p++) {
		size_t digits = *p == '[' ? strspn(p + 1, "0123456789") : 0;
		if (*p == '[' && (p[1] == '"' || (digits && p[1 + digits] == ']')))
			str_add(&s, "[[]");
		else
			str_addc(&s, *p);
	}
	return str_take(&s);
}

bool target_matches(const char *pattern, const char *address, const char *owner)
{
	autofree char *base = address_base(address);
	if (strcmp(pattern, address) == 0 || strcmp(pattern, owner) == 0 || strcmp(pattern, base) == 0)
		return true;
	if (str_has_prefix(pattern, "module.") && (address_within(address, pattern) || address_within(base, pattern)))
		return true;
	autofree char *glob = glob_of(pattern);
	return str_glob(glob, address) || str_glob(glob, owner);
}
