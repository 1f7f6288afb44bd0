#include "base/metrics.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

const double metrics_seconds[16] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300 };

struct series {
	char *values[METRICS_LABELS];
	double n;                    /* value, or sum of observations */
	uint64_t count, buckets[METRICS_BUCKETS];
};

struct family {
	const struct metric *def;
	size_t n_labels;
	VEC(struct series *) series; /* sorted by label values */
};

struct metrics { VEC(struct family) families; };

struct metrics *metrics_new(void)
{
	return xcalloc(1, sizeof(struct metrics));
}

static void series_free(struct series *s)
{
	for (size_t i = 0; i < METRICS_LABELS; i++)
		free(s->values[i]);
	free(s);
}

static void family_clear(struct family *f)
{
	for (size_t i = 0; i < f->series.len; i++)
		series_free(f->series.at[i]);
	f->series.len = 0;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->families.len; i++) {
		family_clear(&m->families.at[i]);
		vec_free(&m->families.at[i].series);
	}
	vec_free(&m->families);
	free(m);
}

/* --- registration ------------------------------------------------------------------------------------------------------ */

static bool good_name(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	return s[0] && strchr(letters, s[0]) && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") == strlen(s);
}

static size_t check_family(const struct metric *d)
{
	size_t n = 0;
	if (!good_name(d->name) || (d->kind == METRIC_COUNTER && str_has_suffix(d->name, "_total")))
		BUG("metric name \"%s\"", d->name);
	if (d->unit && (strlen(d->name) <= strlen(d->unit) + 1 || !str_has_suffix(d->name, d->unit) || d->name[strlen(d->name) - strlen(d->unit) - 1] != '_'))
		BUG("metric %s does not end with its unit", d->name);
	for (; n < METRICS_LABELS && d->labels[n]; n++)
		if (!good_name(d->labels[n]) || str_has_prefix(d->labels[n], "__") || strcmp(d->labels[n], "le") == 0)
			BUG("metric %s: label \"%s\"", d->name, d->labels[n]);
	if (d->n_bounds > METRICS_BUCKETS)
		BUG("metric %s: more than %d buckets", d->name, METRICS_BUCKETS);
	for (size_t i = 1; i < d->n_bounds; i++)
		if (!(d->bounds[i - 1] < d->bounds[i]))
			BUG("metric %s: bounds do not rise", d->name);
	return n;
}

static struct family *find(const struct metrics *m, const struct metric *d)
{
	for (size_t i = 0; i < m->families.len; i++)
		if (m->families.at[i].def == d)
			return &m->families.at[i];
	return NULL;
}

static struct family *family_of(const struct metrics *m, const struct metric *d)
{
	struct family *f = find(m, d);
	if (!f)
		BUG("metric %s is not registered", d->name);
	return f;
}

static int compare(const struct series *s, const char *const *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int c = strcmp(s->values[i], values[i]);
		if (c)
			return c;
	}
	return 0;
}

/* The first place whose series is not before VALUES. */
static size_t place(const struct family *f, const char *const *values)
{
	size_t lo = 0, hi = f->series.len;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (compare(f->series.at[mid], values, f->n_labels) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct series *insert(struct family *f, size_t at, const char *const *values)
{
	struct series *s = xcalloc(1, sizeof(*s));
	for (size_t i = 0; i < f->n_labels; i++)
		s->values[i] = xstrdup(values[i]);
	vec_push(&f->series, s);
	memmove(f->series.at + at + 1, f->series.at + at, (f->series.len - 1 - at) * sizeof(*f->series.at));
	f->series.at[at] = s;
	return s;
}

static struct series *series_of(struct family *f, const char *const *values)
{
	static const char *const other[METRICS_LABELS] = { "other", "other", "other", "other" };
	size_t at = place(f, values), max = f->def->max_series ? f->def->max_series : METRICS_SERIES;
	if (at < f->series.len && compare(f->series.at[at], values, f->n_labels) == 0)
		return f->series.at[at];
	if (f->series.len >= max && values != other)
		return series_of(f, other);
	return insert(f, at, values);
}

void metrics_register(struct metrics *m, const struct metric *d)
{
	if (find(m, d))
		return;
	for (size_t i = 0; i < m->families.len; i++)
		if (strcmp(m->families.at[i].def->name, d->name) == 0)
			BUG("two metrics are called %s", d->name);
	size_t n = check_family(d);
	vec_push(&m->families, (struct family){ .def = d, .n_labels = n });
	if (n == 0)
		insert(&m->families.at[m->families.len - 1], 0, (const char *[]){ NULL });
}

/* --- numbers --------------------------------------------------------------------------------------------------------------- */

/* VALUES as they are kept: cut, valid UTF-8. OWNED keeps what had to be made anew. */
struct kept { const char *at[METRICS_LABELS]; char *owned[METRICS_LABELS]; };

static void keep(struct kept *k, size_t n, const char *const *values)
{
	memset(k, 0, sizeof(*k));
	for (size_t i = 0; i < n; i++) {
		const char *v = values && values[i] ? values[i] : "";
		size_t len = strnlen(v, METRICS_VALUE_MAX);
		while (len && v[len] && ((unsigned char)v[len] & 0xc0) == 0x80)
			len--;       /* never through a character */
		json_t *safe = json_string_safe(v, len);
		k->owned[i] = xstrdup(json_string_value(safe));
		k->at[i] = k->owned[i];
		json_decref(safe);
	}
}

static void kept_release(struct kept *k)
{
	for (size_t i = 0; i < METRICS_LABELS; i++)
		free(k->owned[i]);
}

static struct series *reach(struct metrics *m, const struct metric *d, const char *const *values)
{
	struct family *f = family_of(m, d);
	struct kept k;
	keep(&k, f->n_labels, values);
	struct series *s = series_of(f, k.at);
	kept_release(&k);
	return s;
}

void metrics_add(struct metrics *m, const struct metric *d, double n, const char *const *values)
{
	if (d->kind == METRIC_HISTOGRAM || d->kind == METRIC_INFO || (d->kind == METRIC_COUNTER && !(n >= 0)))
		BUG("metric %s cannot be added to", d->name);
	reach(m, d, values)->n += n;
}

void metrics_set(struct metrics *m, const struct metric *d, double n, const char *const *values)
{
	if (d->kind != METRIC_GAUGE && d->kind != METRIC_INFO)
		BUG("metric %s cannot be set", d->name);
	reach(m, d, values)->n = d->kind == METRIC_INFO ? 1 : n;
}

static size_t bounds_of(const struct metric *d, const double **bounds)
{
	*bounds = d->bounds ? d->bounds : metrics_seconds;
	return d->bounds ? d->n_bounds : ARRAY_LEN(metrics_seconds);
}

void metrics_observe(struct metrics *m, const struct metric *d, double n, const char *const *values)
{
	const double *bounds;
	size_t n_bounds = bounds_of(d, &bounds), i = 0;
	if (d->kind != METRIC_HISTOGRAM)
		BUG("metric %s is no histogram", d->name);
	if (isnan(n))
		return;
	struct series *s = reach(m, d, values);
	while (i < n_bounds && n > bounds[i])
		i++;
	if (i < n_bounds)
		s->buckets[i]++;
	s->count++;
	s->n += n;
}

void metrics_clear(struct metrics *m, const struct metric *d)
{
	struct family *f = family_of(m, d);
	if (d->kind == METRIC_COUNTER || d->kind == METRIC_HISTOGRAM)
		BUG("metric %s only grows", d->name);
	if (f->n_labels)
		family_clear(f);
	else
		f->series.at[0]->n = 0;
}

double metrics_get(const struct metrics *m, const struct metric *d, const char *const *values)
{
	const struct family *f = family_of(m, d);
	struct kept k;
	keep(&k, f->n_labels, values);
	size_t at = place(f, k.at);
	bool found = at < f->series.len && compare(f->series.at[at], k.at, f->n_labels) == 0;
	kept_release(&k);
	if (!found)
		return 0;
	return d->kind == METRIC_HISTOGRAM ? (double)f->series.at[at]->count : f->series.at[at]->n;
}

/* --- text -------------------------------------------------------------------------------------------------------------------- */

static void escaped(struct str *out, const char *s, bool quotes)
{
	for (; *s; s++) {
		if (*s == '\n')
			str_add(out, "\\n");
		else if (*s == '\\' || (quotes && *s == '"'))
			str_addf(out, "\\%c", *s);
		else
			str_addc(out, *s);
	}
}

/* The shortest digits that read back as the same number. */
static void number(struct str *out, double n)
{
	char text[40];
	if (isinf(n) || isnan(n)) {
		str_add(out, isnan(n) ? "NaN" : n > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, n);
		if (strtod(text, NULL) == n)
			break;
	}
	str_add(out, text);
}

static void labels(struct str *out, const struct family *f, const struct series *s, const char *le)
{
	const char *before = "{";
	for (size_t i = 0; i < f->n_labels; i++, before = ",") {
		str_addf(out, "%s%s=\"", before, f->def->labels[i]);
		escaped(out, s->values[i], true);
		str_addc(out, '"');
	}
	if (le)
		str_addf(out, "%sle=\"%s\"", before, le);
	if (f->n_labels || le)
		str_addc(out, '}');
	str_addc(out, ' ');
}

/* `le` is written as a float, as the specification asks: 1.0 rather than 1. */
static void bound_text(double n, char *out, size_t size)
{
	struct str s;
	str_init(&s, 64);
	number(&s, n);
	snprintf(out, size, "%s%s", s.at, strpbrk(s.at, ".eIN") ? "" : ".0");
	str_release(&s);
}

static void histogram(struct str *out, const struct family *f, const struct series *s)
{
	const double *bounds;
	size_t n = bounds_of(f->def, &bounds);
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		char le[40];
		sum += s->buckets[i];
		bound_text(bounds[i], le, sizeof(le));
		str_addf(out, "%s_bucket", f->def->name);
		labels(out, f, s, le);
		str_addf(out, "%llu\n", (unsigned long long)sum);
	}
	str_addf(out, "%s_bucket", f->def->name);
	labels(out, f, s, "+Inf");
	str_addf(out, "%llu\n%s_count", (unsigned long long)s->count, f->def->name);
	labels(out, f, s, NULL);
	str_addf(out, "%llu\n%s_sum", (unsigned long long)s->count, f->def->name);
	labels(out, f, s, NULL);
	number(out, s->n);
	str_addc(out, '\n');
}

static void family_write(struct str *out, const struct family *f)
{
	static const char *const kinds[] = { "counter", "gauge", "histogram", "info" }, *const suffix[] = { "_total", "", "", "_info" };
	const struct metric *d = f->def;
	str_addf(out, "# TYPE %s %s\n", d->name, kinds[d->kind]);
	if (d->unit)
		str_addf(out, "# UNIT %s %s\n", d->name, d->unit);
	str_addf(out, "# HELP %s ", d->name);
	escaped(out, d->help, true);
	str_addc(out, '\n');
	for (size_t i = 0; i < f->series.len; i++) {
		const struct series *s = f->series.at[i];
		if (d->kind == METRIC_HISTOGRAM) {
			histogram(out, f, s);
			continue;
		}
		str_addf(out, "%s%s", d->name, suffix[d->kind]);
		labels(out, f, s, NULL);
		number(out, s->n);
		str_addc(out, '\n');
	}
}

void metrics_write(const struct metrics *m, struct str *out)
{
	for (size_t i = 0; i < m->families.len; i++)
		family_write(out, &m->families.at[i]);
	str_add(out, "# EOF\n");
}
