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
	if (!key)
		return str_take(&s);
	bool quoted = key[1] == '"';
	size_t around = quoted ? 4 : 2, len = strlen(key);
	len = len > around ? len - around : 0;
	key += quoted ? 2 : 1;
	bool changed = len == 0;
	str_addc(&s, '-');
	for (size_t i = 0; i < len; i++) {
		bool good = isalnum((unsigned char)key[i]) || strchr("._-", key[i]);
		str_addc(&s, good ? key[i] : '-');
		changed = changed || !good;
	}
	/* Keys that would look alike stay apart. */
	if (changed) {
		char hex[65];
		str_sha256(key, len, hex);
		str_addf(&s, "%s%.8s", len ? "-" : "", hex);
	}
	return str_take(&s);
}
