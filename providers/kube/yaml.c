#include "providers/kube/yaml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/mem.h"

static bool is_word(const char *s)
{
	static const char *const words[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcasecmp(s, words[i]) == 0)
			return true;
	return false;
}

static bool is_plain(const char *s, size_t len)
{
	if (!len || !isalpha((unsigned char)s[0]) || len > 200 || is_word(s))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_-./", s[i]))
			return false;
	return true;
}

/* One code point of valid UTF-8 (jansson holds no other), and how long it is. */
static unsigned decode(const unsigned char *s, size_t *len)
{
	*len = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	unsigned v = *len == 1 ? s[0] : s[0] & (0xffu >> (*len + 1));
	for (size_t i = 1; i < *len; i++)
		v = v << 6 | (s[i] & 0x3f);
	return v;
}

static void write_quoted(const char *s, size_t len, struct str *out)
{
	str_addc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		unsigned c = decode((const unsigned char *)s + i, &n);
		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", (int)c);
		else if (c == '\n')
			str_add(out, "\\n");
		else if (c >= 0x20 && c < 0x7f)
			str_addc(out, (char)c);
		else if (c > 0xffff)
			str_addf(out, "\\U%08X", c);
		else
			str_addf(out, "\\u%04X", c);
	}
	str_addc(out, '"');
}

/* A literal block keeps a text as it is when its lines are printable ASCII, the first begins with no space, and it ends in one
 * newline or none. */
static bool fits_block(const char *s, size_t len)
{
	if (!memchr(s, '\n', len) || s[0] == ' ' || s[0] == '\n' || (len > 1 && s[len - 1] == '\n' && s[len - 2] == '\n'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] != '\n' && ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7e))
			return false;
	return true;
}

static void write_block(const char *s, size_t len, size_t indent, struct str *out)
{
	bool newline = s[len - 1] == '\n';
	str_add(out, newline ? "|\n" : "|-\n");
	for (const char *end = s + len; s < end;) {
		const char *nl = memchr(s, '\n', (size_t)(end - s));
		size_t n = nl ? (size_t)(nl - s) : (size_t)(end - s);
		if (n) {
			str_pad(out, out->len + indent, ' ');
			str_addn(out, s, n);
		}
		str_addc(out, '\n');
		s += n + (nl != NULL);
	}
}

static void write_string(const char *s, size_t len, struct str *out)
{
	if (is_plain(s, len))
		str_addn(out, s, len);
	else
		write_quoted(s, len, out);
}

static unsigned rank(const char *key)
{
	static const char *const first[] = { "apiVersion", "kind", "metadata", "version", "name", "namespace" };
	unsigned i = 0;
	while (i < ARRAY_LEN(first) && strcmp(first[i], key) != 0)
		i++;
	return i;
}

static int by_rank(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;
	return rank(x) != rank(y) ? (rank(x) < rank(y) ? -1 : 1) : strcmp(x, y);
}

static void write_value(const json_t *j, size_t indent, struct str *out);

static void write_map(const json_t *j, size_t indent, bool first_inline, struct str *out)
{
	size_t n;
	autofree const char **keys = json_keys(j, &n);
	qsort(keys, n, sizeof(*keys), by_rank);
	for (size_t i = 0; i < n; i++) {
		if (i || !first_inline)
			str_pad(out, out->len + indent, ' ');
		write_string(keys[i], strlen(keys[i]), out);
		str_addc(out, ':');
		write_value(json_at(j, keys[i]), indent, out);
	}
}

static void write_list(const json_t *j, size_t indent, struct str *out)
{
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *v = json_array_get(j, i);
		str_pad(out, out->len + indent, ' ');
		str_addc(out, '-');
		if (json_object_size(v)) {
			str_addc(out, ' ');
			write_map(v, indent + 2, true, out);
		} else {
			write_value(v, indent, out);
		}
	}
}

/* What stands behind "key:" or "-" at INDENT, up to and with the newline. */
static void write_value(const json_t *j, size_t indent, struct str *out)
{
	if (json_object_size(j)) {
		str_addc(out, '\n');
		write_map(j, indent + 2, false, out);
		return;
	}
	if (json_array_size(j)) {
		str_addc(out, '\n');
		write_list(j, indent + 2, out);
		return;
	}
	str_addc(out, ' ');
	if (json_is_string(j) && fits_block(json_string_value(j), json_string_length(j))) {
		write_block(json_string_value(j), json_string_length(j), indent + 2, out);
		return;
	}
	if (json_is_string(j))
		write_string(json_string_value(j), json_string_length(j), out);
	else
		json_write(j, 0, out);               /* null, true, numbers, {} and [] are written alike in YAML */
	str_addc(out, '\n');
}

void yaml_write(const json_t *j, struct str *out)
{
	if (json_object_size(j)) {
		write_map(j, 0, false, out);
	} else if (json_array_size(j)) {
		write_list(j, 0, out);
	} else {
		if (json_is_string(j))
			write_quoted(json_string_value(j), json_string_length(j), out);
		else
			json_write(j, 0, out);
		str_addc(out, '\n');
	}
}
