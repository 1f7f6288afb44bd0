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

/* The decimal digits of S in BASE 8 or 16 (S: digits only), by long arithmetic: any length. */
static const char *to_decimal(struct arena *a, const char *s, unsigned base)
{
	size_t len = strlen(s), cap = len * 2 + 2, n = 1;
	unsigned char *digits = arena_alloc(a, cap);
	for (; *s; s++) {
		unsigned carry = (unsigned)(*s <= '9' ? *s - '0' : (*s | 32) - 'a' + 10);
		for (size_t i = 0; i < n; i++) {
			unsigned x = digits[i] * base + carry;
			digits[i] = (unsigned char)(x % 10);
			carry = x / 10;
		}
		for (; carry; carry /= 10)
			digits[n++] = (unsigned char)(carry % 10);
	}
	char *out = arena_alloc(a, n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = (char)('0' + digits[n - 1 - i]);
	return out;
}

bool yaml_resolve(struct arena *a, struct ynode *n)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	static const char *const odd[] = { ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN", NULL };
	enum { MAX_RADIX_DIGITS = 2000 };
	const char *s = n->s;
	if (n->n && !strchr("~nNtTfF.+-0123456789", s[0]))   /* most words, at no cost */
		return true;
	if (strlen(s) != n->n || n->n > 100000)
		return true;
	if (is_one_of(s, n->n, nulls)) {
		n->kind = Y_NULL;
	} else if (is_one_of(s, n->n, trues) || is_one_of(s, n->n, falses)) {
		n->kind = Y_BOOL;
		n->b = (s[0] | 32) == 't';
	} else if (is_one_of(s, n->n, odd)) {
		return false;
	} else if (s[0] == '0' && s[1] == 'o' && s[2] && strspn(s + 2, "01234567") == n->n - 2 && n->n < MAX_RADIX_DIGITS) {
		n->kind = Y_NUMBER;
	} else if (s[0] == '0' && s[1] == 'x' && s[2] && strspn(s + 2, "0123456789abcdefABCDEF") == n->n - 2 && n->n < MAX_RADIX_DIGITS) {
		n->kind = Y_NUMBER;
	} else if ((s[0] <= '9' || s[0] == '.') && is_decimal(s)) {
		n->kind = Y_NUMBER;
		return true;
	}
	if (n->kind == Y_NUMBER) {
		n->s = to_decimal(a, s + 2, s[1] == 'o' ? 8 : 16);
		n->n = (uint32_t)strlen(n->s);
	}
	return true;
}
