#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/mem.h"

static char empty[1];

void str_init(struct str *s, size_t max)
{
	*s = (struct str){ .at = empty, .max = max };
}

void str_release(struct str *s)
{
	if (s->at != empty)
		free(s->at);
	str_init(s, s->max);
}

void str_clear(struct str *s)
{
	s->len = 0;
	s->full = false;
	if (s->at != empty)
		s->at[0] = '\0';
}

char *str_take(struct str *s)
{
	char *p = s->at == empty ? xstrdup("") : s->at;
	str_init(s, s->max);
	return p;
}

/* Room for N more bytes and the terminator, or false with the builder marked full. */
static bool reserve(struct str *s, size_t n)
{
	if (s->full || n > s->max - s->len) {
		s->full = true;
		return false;
	}
	if (s->len + n + 1 > s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		if (cap < s->len + n + 1)
			cap = s->len + n + 1;
		s->at = xrealloc(s->at == empty ? NULL : s->at, cap);
		s->cap = cap;
	}
	return true;
}

void str_addn(struct str *s, const char *text, size_t n)
{
	if (!reserve(s, n))
		return;
	memcpy(s->at + s->len, text, n);
	s->len += n;
	s->at[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
	str_addn(s, &c, 1);
}

void str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0 && reserve(s, (size_t)n)) {
		vsnprintf(s->at + s->len, (size_t)n + 1, fmt, again);
		s->len += (size_t)n;
	}
	va_end(again);
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void str_pad(struct str *s, size_t col, char c)
{
	while (s->len < col && !s->full)
		str_addc(s, c);
}

bool str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* One bracket expression at P (behind the '['): sets *HIT, returns the byte behind ']' or NULL when it never closes. */
static const char *match_class(const char *p, unsigned char c, bool *hit)
{
	bool negate = *p == '!' || *p == '^', found = false, first = true;
	if (negate)
		p++;
	for (; *p && (first || *p != ']'); first = false) {
		unsigned char lo = (unsigned char)*p++, hi = lo;
		if (p[0] == '-' && p[1] && p[1] != ']') {
			hi = (unsigned char)p[1];
			p += 2;
		}
		if (c >= lo && c <= hi)
			found = true;
	}
	*hit = found != negate;
	return *p == ']' ? p + 1 : NULL;
}

bool str_glob(const char *pattern, const char *text)
{
	const char *p = pattern, *t = text, *star = NULL, *from = NULL;
	while (*t) {
		bool hit = false;
		const char *next = p + 1;
		if (*p == '*') {
			star = next;
			from = t;
			p = next;
			continue;
		}
		if (*p == '?')
			hit = true;
		else if (*p == '[' && (next = match_class(p + 1, (unsigned char)*t, &hit)) == NULL)
			next = p + 1, hit = *t == '[';
		else if (*p && *p != '[')
			hit = *p == *t;
		if (hit) {
			p = next;
			t++;
		} else if (star) {
			p = star;
			t = ++from;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return *p == '\0';
}

unsigned str_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t n = strlen(a), m = strlen(b);
	if (n > MAX || m > MAX)
		return 1000;
	unsigned d[MAX + 1][MAX + 1];
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *str_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned least = (unsigned)strlen(word) / 3 + 1;
	for (; *names; names++) {
		unsigned d = strcasecmp(word, *names) == 0 ? 0 : str_distance(word, *names);
		if (d < least || (d == least && !best)) {
			least = d;
			best = *names;
		}
	}
	return best;
}

int str_natural_cmp(const char *a, const char *b)
{
	const char *x = a, *y = b;
	while (*x && *y) {
		if (isdigit((unsigned char)*x) && isdigit((unsigned char)*y)) {
			while (*x == '0') x++;
			while (*y == '0') y++;
			size_t n = strspn(x, "0123456789"), m = strspn(y, "0123456789");
			int c = n != m ? (n < m ? -1 : 1) : memcmp(x, y, n);
			if (c)
				return c;
			x += n;
			y += m;
		} else if (*x != *y) {
			return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
		} else {
			x++, y++;
		}
	}
	return *x ? 1 : *y ? -1 : strcmp(a, b);
}

void str_sha256(const void *data, size_t len, char out[65])
{
	unsigned char md[SHA256_DIGEST_LENGTH];
	SHA256(data, len, md);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(out + 2 * i, 3, "%02x", md[i]);
}

void str_tame(char *text, const char *keep)
{
	char *to = text;
	for (const unsigned char *s = (const unsigned char *)text; *s; s++) {
		bool c1 = s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0;
		bool c0 = (*s < 0x20 && !strchr(keep, *s)) || *s == 0x7f;
		*to++ = c0 || c1 ? '?' : (char)*s;
		s += c1;
	}
	*to = '\0';
}

static bool begins(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

size_t str_columns(const char *text, size_t n)
{
	size_t columns = 0;
	for (size_t i = 0; i < n; i++)
		columns += begins(text[i]);
	return columns;
}

size_t str_within(const char *text, size_t columns)
{
	size_t n = 0, at = 0;
	for (; text[at] && (n < columns || !begins(text[at])); at++)
		n += begins(text[at]);
	return at;
}
