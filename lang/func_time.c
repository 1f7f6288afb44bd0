/* Functions on RFC 3339 times. Leap seconds do not exist here, years run from 0000 to 9999. */
#include "lang/func_util.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define NS 1000000000LL

struct stamp { int64_t sec; int32_t ns; int offset; bool zulu; };        /* sec: UTC, since 1970; offset in minutes */
struct civil { int64_t year; int month, day, hour, minute, second, weekday; };

/* --- calendar --------------------------------------------------------------------------------------------------------- */
/* Days since 1970-01-01 of the proleptic Gregorian calendar, counted in eras of 400 years that start on March 1st. */
static int64_t days_of(int64_t y, int m, int d)
{
	y -= m <= 2;
	int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
	int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static struct civil civil_of(int64_t sec)
{
	int64_t days = (sec >= 0 ? sec : sec - 86399) / 86400, rest = sec - days * 86400;
	struct civil c = { .hour = (int)(rest / 3600), .minute = (int)(rest / 60 % 60), .second = (int)(rest % 60),
			   .weekday = (int)(((days + 4) % 7 + 7) % 7) };
	int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;
	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp < 10 ? mp + 3 : mp - 9);
	c.year = yoe + era * 400 + (c.month <= 2);
	return c;
}

static int days_in(int64_t y, int m)
{
	return m == 2 ? 28 + ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0) : m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

/* --- reading ------------------------------------------------------------------------------------------------------------ */
static bool digits(const char **p, int n, int lo, int hi, int *out)
{
	int v = 0;
	for (int i = 0; i < n; i++, ++*p) {
		if (!isdigit((unsigned char)**p))
			return false;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return v >= lo && v <= hi;
}

static bool sign(const char **p, char c)
{
	return **p == c && *(*p)++;
}

static bool parse(const char *p, struct stamp *t)
{
	int y, mo, d, h, mi, s, oh = 0, om = 0;
	if (!digits(&p, 4, 0, 9999, &y) || !sign(&p, '-') || !digits(&p, 2, 1, 12, &mo) || !sign(&p, '-') ||
	    !digits(&p, 2, 1, days_in(y, mo), &d) || !sign(&p, 'T') || !digits(&p, 2, 0, 23, &h) || !sign(&p, ':') ||
	    !digits(&p, 2, 0, 59, &mi) || !sign(&p, ':') || !digits(&p, 2, 0, 59, &s))
		return false;
	t->ns = 0;
	if (*p == '.') {
		int32_t unit = 100000000;
		if (!isdigit((unsigned char)*++p))
			return false;
		for (; isdigit((unsigned char)*p); p++, unit /= 10)
			t->ns += (*p - '0') * unit;
	}
	t->zulu = *p == 'Z';
	bool minus = *p == '-';
	if (t->zulu)
		p++;
	else if ((!minus && *p != '+') || (p++, !digits(&p, 2, 0, 23, &oh)) || !sign(&p, ':') || !digits(&p, 2, 0, 59, &om))
		return false;
	t->offset = (oh * 60 + om) * (minus ? -1 : 1);
	t->zulu = t->zulu || t->offset == 0;
	t->sec = days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - t->offset * 60;
	return !*p;
}

static int stamp_arg(struct func_call *c, size_t arg, struct stamp *t, struct err *err)
{
	const char *s = c->args[arg]->str.s;
	if (!parse(s, t))
		return func_fail(c, arg, err, "not a time as RFC 3339 writes it, such as \"2026-10-31T14:03:59Z\"");
	return 0;
}

static const struct val *write_stamp(struct func_call *c, const struct stamp *t)
{
	struct civil d = civil_of(t->sec + t->offset * 60);
	char text[80], zone[16] = "Z";
	int off = t->offset < 0 ? -t->offset : t->offset;
	if (!t->zulu)
		snprintf(zone, sizeof(zone), "%c%02d:%02d", t->offset < 0 ? '-' : '+', off / 60, off % 60);
	int n = snprintf(text, sizeof(text), "%04lld-%02d-%02dT%02d:%02d:%02d%s", (long long)d.year, d.month, d.day, d.hour, d.minute, d.second, zone);
	return val_string_nfc(c->arena, text, (size_t)n);
}

/* --- now ----------------------------------------------------------------------------------------------------------------- */
int fn_timestamp(struct func_call *c, const struct val **out, struct err *err)
{
	struct stamp t = { .sec = clock_wall_ms() / 1000, .zulu = true };
	(void)err;
	*out = write_stamp(c, &t);
	return 0;
}

int fn_plantimestamp(struct func_call *c, const struct val **out, struct err *err)
{
	return fn_timestamp(c, out, err);
}

/* --- timeadd, timecmp ------------------------------------------------------------------------------------------------------ */
/* One "1.5h" at *P, in nanoseconds. */
static bool duration_part(const char **p, long double *ns)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "\xce\xbcs", 1e3 }, { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 },
	};
	const char *start = *p;
	long double whole = 0, part = 0, scale = 1;
	for (; isdigit((unsigned char)**p); ++*p)
		whole = whole * 10 + (**p - '0');
	size_t n = (size_t)(*p - start);
	if (**p == '.')
		for (++*p; isdigit((unsigned char)**p); ++*p, n++) {
			part = part * 10 + (**p - '0');
			scale *= 10;
		}
	for (size_t i = 0; n && i < ARRAY_LEN(units); i++) {
		if (str_has_prefix(*p, units[i].name)) {
			*p += strlen(units[i].name);
			*ns = whole * units[i].ns + part * (units[i].ns / scale);
			return true;
		}
	}
	return false;
}

static bool duration(const char *p, int64_t *ns)
{
	bool minus = *p == '-';
	long double sum = 0, part;       /* whole nanoseconds are exact in 64 bits */
	p += *p == '-' || *p == '+';
	if (!strcmp(p, "0")) {
		*ns = 0;
		return true;
	}
	if (!*p)
		return false;
	for (; *p; sum += part)
		if (!duration_part(&p, &part))
			return false;
	if (sum > (long double)INT64_MAX + minus)
		return false;
	*ns = (int64_t)(minus ? -sum : sum);
	return true;
}

int fn_timeadd(struct func_call *c, const struct val **out, struct err *err)
{
	struct stamp t;
	int64_t ns;
	if (stamp_arg(c, 0, &t, err))
		return E_INPUT;
	if (!duration(c->args[1]->str.s, &ns))
		return func_fail(c, 1, err, "not a duration such as \"1h30m\" (units: h, m, s, ms, us, ns)");
	int64_t sum = t.ns + ns % NS;
	t.sec += ns / NS + (sum >= 0 ? sum : sum - NS + 1) / NS;
	int64_t year = civil_of(t.sec + t.offset * 60).year;
	if (year < 0 || year > 9999)
		return func_fail(c, SIZE_MAX, err, "the result is outside the years 0 to 9999");
	*out = write_stamp(c, &t);
	return 0;
}

int fn_timecmp(struct func_call *c, const struct val **out, struct err *err)
{
	struct stamp x, y;
	if (stamp_arg(c, 0, &x, err) || stamp_arg(c, 1, &y, err))
		return E_INPUT;
	int cmp = x.sec != y.sec ? x.sec < y.sec ? -1 : 1 : x.ns < y.ns ? -1 : x.ns > y.ns;
	*out = val_int(c->arena, cmp);
	return 0;
}

/* --- formatdate --------------------------------------------------------------------------------------------------------------- */
static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
				      "November", "December" };
static const char *const weekdays[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };

static bool zone(const struct stamp *t, size_t n, struct str *s)
{
	int off = t->offset < 0 ? -t->offset : t->offset;
	bool colon = n == 1 || n == 5;
	if (n == 1 && t->zulu)
		str_addc(s, 'Z');
	else if (n == 3 && t->zulu)
		str_add(s, "UTC");
	else if (n == 1 || (n >= 3 && n <= 5))
		str_addf(s, "%c%02d%s%02d", t->offset < 0 ? '-' : '+', off / 60, colon ? ":" : "", off % 60);
	else
		return false;
	return true;
}

/* A number with one letter, with a leading zero with two. */
static bool two(struct str *s, size_t n, int v)
{
	if (n <= 2)
		str_addf(s, n == 2 ? "%02d" : "%d", v);
	return n <= 2;
}

static bool name(struct str *s, size_t n, const char *full)
{
	str_addn(s, full, n == 3 ? 3 : strlen(full));
	return n == 3 || n == 4;
}

/* The text of the letter L written N times; false when there is no such sequence. */
static bool letters(struct str *s, char l, size_t n, const struct stamp *t, const struct civil *d)
{
	switch (l) {
	case 'Y':
		str_addf(s, n == 4 ? "%04d" : "%02d", (int)(n == 4 ? d->year : d->year % 100));
		return n == 4 || n == 2;
	case 'M': return n <= 2 ? two(s, n, d->month) : name(s, n, months[d->month - 1]);
	case 'D': return two(s, n, d->day);
	case 'E': return name(s, n, weekdays[d->weekday]);
	case 'h': return two(s, n, d->hour);
	case 'H': return two(s, n, d->hour % 12 ? d->hour % 12 : 12);
	case 'A': str_add(s, d->hour < 12 ? "AM" : "PM"); return n == 2;
	case 'a': str_add(s, d->hour < 12 ? "am" : "pm"); return n == 2;
	case 'm': return two(s, n, d->minute);
	case 's': return two(s, n, d->second);
	case 'Z': return zone(t, n, s);
	default: return false;
	}
}

int fn_formatdate(struct func_call *c, const struct val **out, struct err *err)
{
	struct stamp t;
	autostr struct str s = { 0 };
	const char *p = c->args[0]->str.s;
	str_init(&s, FUNC_TEXT);
	if (stamp_arg(c, 1, &t, err))
		return E_INPUT;
	struct civil d = civil_of(t.sec + t.offset * 60);
	while (*p) {
		size_t n = 1;
		if (*p == '\'') {
			if (*++p == '\'') {
				str_addc(&s, *p++);
				continue;
			}
			for (; *p && (*p != '\'' || p[1] == '\''); p++) {
				p += *p == '\'';
				str_addc(&s, *p);
			}
			if (!*p++)
				return func_fail(c, 0, err, "a quoted part is not closed");
			continue;
		}
		while (p[n] == *p)
			n++;
		if (!isalpha((unsigned char)*p) || (unsigned char)*p >= 0x80)
			str_addn(&s, p, n);
		else if (!letters(&s, *p, n, &t, &d))
			return func_fail(c, 0, err, "\"%.*s\" stands for no part of a time; plain text is put in single quotes", (int)(n > 20 ? 20 : n), p);
		p += n;
	}
	return func_text(c, &s, out, err);
}
