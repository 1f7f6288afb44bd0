#include "runtime/scheduler/quantity.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

typedef unsigned __int128 u128;

/* A decimal number as it is read: DIGITS * 10^SCALE, and whether non-zero digits beyond the 19th were dropped. */
struct decimal { u128 digits; int scale, seen; bool more; };

static const char *read_digits(const char *s, struct decimal *d, bool fraction)
{
	for (; isdigit((unsigned char)*s); s++) {
		d->seen = 1;
		if (d->digits < (u128)1000000000000000000) {
			d->digits = d->digits * 10 + (unsigned)(*s - '0');
			d->scale -= fraction;
		} else {
			d->more = d->more || *s != '0';
			d->scale += !fraction;
		}
	}
	return s;
}

/* The suffix as a power of two or of ten. */
static bool read_suffix(const char *s, int *two, int *ten)
{
	static const struct { const char *text; int two, ten; } rows[] = {
		{ "", 0, 0 }, { "n", 0, -9 }, { "u", 0, -6 }, { "m", 0, -3 }, { "k", 0, 3 }, { "M", 0, 6 }, { "G", 0, 9 }, { "T", 0, 12 },
		{ "P", 0, 15 }, { "E", 0, 18 }, { "Ki", 10, 0 }, { "Mi", 20, 0 }, { "Gi", 30, 0 }, { "Ti", 40, 0 }, { "Pi", 50, 0 }, { "Ei", 60, 0 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(s, rows[i].text) == 0) {
			*two = rows[i].two;
			*ten = rows[i].ten;
			return true;
		}
	}
	if (*s != 'e' && *s != 'E')
		return false;
	s++;
	bool minus = *s == '-';
	s += *s == '-' || *s == '+';
	if (!isdigit((unsigned char)*s))
		return false;
	int n = 0;
	for (; isdigit((unsigned char)*s); s++)
		n = n < 100000 ? n * 10 + (*s - '0') : n;
	*two = 0;
	*ten = minus ? -n : n;
	return *s == '\0';
}

/* DIGITS * 2^TWO * 10^TEN, rounded up; held at NANO_MAX + 1, which says "too big". */
static u128 scaled(u128 digits, int two, int ten, bool more)
{
	u128 v = digits << two;                            /* below 10^19 * 2^60: fits */
	for (; ten > 0 && v && v <= (u128)NANO_MAX; ten--)
		v *= 10;
	u128 div = 1;
	for (; ten < 0 && div <= v; ten++)
		div *= 10;
	u128 out = v / div;
	if (v % div || (v && ten < 0) || more)
		out++;
	return out > (u128)NANO_MAX ? (u128)NANO_MAX + 1 : out;
}

enum quantity_result quantity_parse(const char *text, nano_t *out)
{
	struct decimal d = { 0 };
	int two, ten;
	const char *s = text;
	bool minus = *s == '-';
	s += *s == '-' || *s == '+';
	s = read_digits(s, &d, false);
	if (*s == '.')
		s = read_digits(s + 1, &d, true);
	if (!d.seen || !read_suffix(s, &two, &ten))
		return QUANTITY_BAD;
	u128 v = scaled(d.digits, two, ten + d.scale + 9, d.more);
	enum quantity_result r = v > (u128)NANO_MAX ? QUANTITY_SATURATED : QUANTITY_OK;
	nano_t n = r == QUANTITY_OK ? (nano_t)v : NANO_MAX;
	*out = minus ? -n : n;
	return r;
}

enum quantity_result quantity_json(const json_t *j, nano_t *out)
{
	if (json_is_string(j))
		return quantity_parse(json_string_value(j), out);
	if (!json_is_number(j))
		return QUANTITY_BAD;
	/* The digits that were written: 0.1 is no hair more than a tenth, which would round up. */
	autostr struct str s;
	str_init(&s, STR_OURS);
	json_write(j, 0, &s);
	return quantity_parse(s.at, out);
}

int64_t quantity_units(nano_t n, nano_t unit)
{
	nano_t q = n / unit + (n > 0 && n % unit != 0);
	return q > INT64_MAX ? INT64_MAX : q < INT64_MIN ? INT64_MIN : (int64_t)q;
}
