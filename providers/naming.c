#include "providers/naming.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

char *instance_name(const struct expand *x)
{
	const char *key = strchr(x->address, '[');
	struct str s;
	str_init(&s, STR_OURS);
	str_add(&s, x->name);
	for (; key && *key; key++) {
		if (isalnum((unsigned char)*key) || strchr("._", *key))
			str_addc(&s, *key);
		else if (s.at[s.len - 1] != '-' && key[1] && !(key[0] == '"' && key[1] == ']'))
			str_addc(&s, '-');
	}
	return str_take(&s);
}
