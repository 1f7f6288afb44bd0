#include "providers/mig/gpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t gpus_first(unsigned n)
{
	return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

static bool add_range(long from, long to, uint64_t *set, char *why, size_t size)
{
	if (from < 0 || to > 63 || from > to) {
		if (from > to)
			snprintf(why, size, "the range %ld-%ld runs backwards", from, to);
		else
			snprintf(why, size, "GPU numbers are from 0 to 63");
		return false;
	}
	uint64_t bits = gpus_first((unsigned)to + 1) & ~gpus_first((unsigned)from);
	if (*set & bits) {
		snprintf(why, size, "GPU %d is listed twice", __builtin_ctzll(*set & bits));
		return false;
	}
	*set |= bits;
	return true;
}

/* Digits, at most four; spaces around are skipped. -1 when there are none. */
static long number_at(const char **s)
{
	*s += strspn(*s, " ");
	size_t n = strspn(*s, "0123456789");
	if (!n || n > 4)
		return -1;
	long v = strtol(*s, NULL, 10);
	*s += n;
	*s += strspn(*s, " ");
	return v;
}

static bool parse_text(const char *s, uint64_t *set, char *why, size_t size)
{
	const char *whole = s;
	for (;; s++) {
		long from = number_at(&s), to = from;
		if (*s == '-' && from >= 0) {
			s++;
			to = number_at(&s);
		}
		if (from < 0 || to < 0 || (*s && *s != ',')) {
			snprintf(why, size, "\"%.40s\" is no list of GPUs; write all, or such as \"0-3\" or \"0,2,5-7\"", whole);
			return false;
		}
		if (!add_range(from, to, set, why, size))
			return false;
		if (!*s)
			return true;
	}
}

static bool parse_one(const json_t *v, uint64_t *set, char *why, size_t size)
{
	if (json_is_string(v))
		return parse_text(json_string_value(v), set, why, size);
	double d = json_is_number(v) ? json_number_value(v) : -1;
	if (d < 0 || d > 63 || d != (double)(long)d) {
		snprintf(why, size, "GPU numbers are whole numbers from 0 to 63");
		return false;
	}
	return add_range((long)d, (long)d, set, why, size);
}

bool gpus_parse(const json_t *v, uint64_t *set, bool *all, char *why, size_t size)
{
	uint64_t s = 0;
	*all = json_is_string(v) && strcmp(json_string_value(v), "all") == 0;
	if (*all) {
		*set = UINT64_MAX;
		return true;
	}
	if (!json_is_array(v)) {
		if (!parse_one(v, &s, why, size))
			return false;
	} else {
		for (size_t i = 0; i < json_array_size(v); i++)
			if (!parse_one(json_array_get(v, i), &s, why, size))
				return false;
		if (!s) {
			snprintf(why, size, "an entry needs at least one GPU");
			return false;
		}
	}
	*set = s;
	return true;
}

void gpus_text(uint64_t set, char *out, size_t size)
{
	size_t at = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < 64 && at < size; i++) {
		unsigned from = i;
		if (!(set & (UINT64_C(1) << i)))
			continue;
		while (i < 63 && (set & (UINT64_C(1) << (i + 1))))
			i++;
		int n = snprintf(out + at, size - at, from == i ? "%s%u" : "%s%u-%u", at ? ", " : "", from, i);
		at += n > 0 ? (size_t)n : 0;
	}
}

json_t *gpus_json(uint64_t set)
{
	json_t *list = json_array();
	for (int i = 0; i < 64; i++)
		if (set & (UINT64_C(1) << i))
			json_array_append_new(list, json_integer(i));
	return list;
}
