/* yaml_resolve - what a plain scalar is, by the core schema of YAML 1.2 (section 10.3.2). */
#include <string.h>

#include "base/str.h"
#include "lang/yaml_internal.h"

static bool is_one_of(const char *s, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == n && memcmp(s, *words, n) == 0)
			return true;
	return false;
}

static size_t count_digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? over all of S. */
static bool is_decimal(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	size_t whole = count_digits(s), part = 0;
	s += whole;
	if (*s == '.') {
		part = count_digits(s + 1);
		s += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		if (*s == '-' || *s == '+')
			s++;
		size_t n = count_digits(s);
		if (n == 0)
			return false;
		s += n;
	}
	return *s == '\0';
}

/* The decimal digits of S in BASE 8 or 16 (S: digits only), by long arithmetic, into OUT; how many. */
static uint32_t to_decimal(const char *s, unsigned base, char out[YAML_RADIX_ROOM])
{
	uint32_t n = 1;
	out[0] = 0;
	for (; *s; s++) {
		unsigned carry = (unsigned)(*s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10);
		for (uint32_t i = 0; i < n; i++) {
			unsigned x = (unsigned)out[i] * base + carry;
			out[i] = (char)(x % 10);
			carry = x / 10;
		}
		for (; carry; carry /= 10)
			out[n++] = (char)(carry % 10);
	}
	for (uint32_t i = 0; i < n - 1 - i; i++) {
		char c = out[i];
		out[i] = out[n - 1 - i];
		out[n - 1 - i] = c;
	}
	for (uint32_t i = 0; i < n; i++)
		out[i] = (char)(out[i] + '0');
	out[n] = '\0';
	return n;
}

bool yaml_resolve(struct yscalar *x, char room[YAML_RADIX_ROOM])
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const odd[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };
	const char *s = x->s;
	if (x->n && !strchr("~nNtTfF.+-0123456789", s[0]))   /* most words, at no cost */
		return true;
	if (strlen(s) != x->n || x->n > 100000)
		return true;
	if (is_one_of(s, x->n, nulls)) {
		x->kind = Y_NULL;
	} else if (is_one_of(s, x->n, trues) || is_one_of(s, x->n, falses)) {
		x->kind = Y_BOOL;
		x->b = (s[0] | 32) == 't';
	} else if (is_one_of(s, x->n, odd)) {
		return false;
	} else if (s[0] == '0' && s[1] == 'o' && s[2] && strspn(s + 2, "01234567") == x->n - 2 && x->n < YAML_RADIX_DIGITS) {
		x->kind = Y_NUMBER;
	} else if (s[0] == '0' && s[1] == 'x' && s[2] && strspn(s + 2, "0123456789abcdefABCDEF") == x->n - 2 && x->n < YAML_RADIX_DIGITS) {
		x->kind = Y_NUMBER;
	} else if ((s[0] <= '9' || s[0] == '.') && is_decimal(s)) {
		x->kind = Y_NUMBER;
		return true;
	}
	if (x->kind == Y_NUMBER) {
		x->n = to_decimal(s + 2, s[1] == 'o' ? 8 : 16, room);
		x->s = room;
	}
	return true;
}
