#include "providers/mig/place.h"

#include <stdlib.h>
#include <string.h>

static uint32_t slices_of(const struct mig_profile *p, unsigned start)
{
	return ((1u << p->memory) - 1) << start;
}

static enum mig_fit check_maximum(const struct mig_product *p, const unsigned *counts, unsigned *profile)
{
	for (unsigned i = 0; i < p->n_profiles; i++) {
		*profile = i;
		if (counts[i] > p->profiles[i].max)
			return MIG_TOO_MANY;
	}
	for (unsigned i = 0; i < p->n_profiles; i++) {
		unsigned sum = 0;
		*profile = i;
		for (unsigned k = 0; k < p->n_profiles && p->profiles[i].exclusive; k++)
			sum += p->profiles[k].exclusive == p->profiles[i].exclusive ? counts[k] : 0;
		if (sum > 1)
			return MIG_EXCLUSIVE;
	}
	return MIG_FITS;
}

enum mig_fit mig_fits(const struct mig_product *p, const unsigned *counts, unsigned *profile)
{
	unsigned unused, compute = 0, memory = 0;
	enum mig_fit fit = check_maximum(p, counts, profile ? profile : &unused);
	if (fit != MIG_FITS)
		return fit;
	for (size_t i = 0; i < p->n_profiles; i++) {
		compute += counts[i] * p->profiles[i].compute;
		memory += counts[i] * p->profiles[i].memory;
	}
	if (compute > p->compute_slices)
		return MIG_COMPUTE;
	if (memory > p->memory_slices)
		return MIG_MEMORY;
	struct mig_instance out[MIG_MAX_SLICES];
	size_t n;
	return mig_place(p, NULL, 0, counts, out, &n) ? MIG_FITS : MIG_PLACEMENT;
}

/* --- placing ---------------------------------------------------------------------------------------------------- */

struct search {
	const struct mig_product *p;
	unsigned wanted[MIG_MAX_SLICES];               /* profiles to place, the largest first */
	size_t n;
	struct mig_instance *out;
};

static bool place_rest(struct search *s, size_t at, uint32_t used)
{
	if (at == s->n)
		return true;
	const struct mig_profile *p = &s->p->profiles[s->wanted[at]];
	/* Equal instances in the order of their starts: no arrangement is tried twice. */
	unsigned from = at && s->wanted[at - 1] == s->wanted[at] ? s->out[at - 1].start + 1 : 0;
	for (unsigned start = from; start < s->p->memory_slices; start++) {
		if (!(p->starts & (1u << start)) || (used & slices_of(p, start)))
			continue;
		s->out[at] = (struct mig_instance){ s->wanted[at], start };
		if (place_rest(s, at + 1, used | slices_of(p, start)))
			return true;
	}
	return false;
}

static int by_start(const void *a, const void *b)
{
	const struct mig_instance *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Adds what is kept to the sums; false when it is no possible state of a GPU. */
static bool take_kept(const struct mig_product *p, const struct mig_instance *kept, size_t n, unsigned *counts, uint32_t *used)
{
	for (size_t i = 0; i < n; i++) {
		if (kept[i].profile >= p->n_profiles || kept[i].start >= p->memory_slices)
			return false;
		const struct mig_profile *profile = &p->profiles[kept[i].profile];
		if (!(profile->starts & (1u << kept[i].start)) || (*used & slices_of(profile, kept[i].start)))
			return false;
		*used |= slices_of(profile, kept[i].start);
		counts[kept[i].profile]++;
	}
	return true;
}

bool mig_place(const struct mig_product *p, const struct mig_instance *kept, size_t n_kept, const unsigned *counts,
	       struct mig_instance *out, size_t *n)
{
	unsigned all[MIG_MAX_PROFILES] = { 0 }, unused, compute = 0;
	uint32_t used = 0;
	if (!take_kept(p, kept, n_kept, all, &used))
		return false;
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (counts[i] > p->profiles[i].max)
			return false;
		all[i] += counts[i];
		compute += all[i] * p->profiles[i].compute;
	}
	if (check_maximum(p, all, &unused) != MIG_FITS || compute > p->compute_slices)
		return false;

	struct search s = { .p = p, .out = out };
	for (unsigned size = p->memory_slices; size > 0; size--)
		for (unsigned i = 0; i < p->n_profiles; i++)
			for (unsigned k = 0; k < counts[i] && p->profiles[i].memory == size; k++) {
				if (s.n == MIG_MAX_SLICES)
					return false;
				s.wanted[s.n++] = i;
			}
	if (!place_rest(&s, 0, used))
		return false;
	qsort(out, s.n, sizeof(*out), by_start);
	*n = s.n;
	return true;
}

/* --- all layouts, and the nearest ones ------------------------------------------------------------------------------ */

struct walk {
	const struct mig_product *p;
	unsigned counts[MIG_MAX_PROFILES];
	bool (*fn)(void *ctx, const unsigned *counts);
	void *ctx;
};

static bool walk_from(struct walk *w, size_t i)
{
	if (i == w->p->n_profiles)
		return w->fn(w->ctx, w->counts);
	bool go_on = true;
	for (unsigned n = 0; go_on && n <= w->p->profiles[i].max; n++) {
		w->counts[i] = n;
		if (mig_fits(w->p, w->counts, NULL) != MIG_FITS)
			break;          /* more of the same fits even less */
		go_on = walk_from(w, i + 1);
	}
	w->counts[i] = 0;
	return go_on;
}

void mig_each_layout(const struct mig_product *p, bool (*fn)(void *ctx, const unsigned *counts), void *ctx)
{
	struct walk w = { .p = p, .fn = fn, .ctx = ctx };
	walk_from(&w, 0);
}

enum { NEAREST_MAX = 8 };
struct score { unsigned changed, compute, memory; };
struct nearest {
	const struct mig_product *p;
	unsigned want[MIG_MAX_PROFILES];
	unsigned best[NEAREST_MAX][MIG_MAX_PROFILES];
	struct score scores[NEAREST_MAX];
	size_t n, max;
};

static unsigned apart(unsigned a, unsigned b)
{
	return a > b ? a - b : b - a;
}

static struct score score_of(const struct nearest *x, const unsigned *c)
{
	unsigned removed = 0, added = 0, have_c = 0, want_c = 0, have_m = 0, want_m = 0;
	for (size_t i = 0; i < x->p->n_profiles; i++) {
		const struct mig_profile *p = &x->p->profiles[i];
		removed += x->want[i] > c[i] ? x->want[i] - c[i] : 0;
		added += c[i] > x->want[i] ? c[i] - x->want[i] : 0;
		have_c += c[i] * p->compute;
		want_c += x->want[i] * p->compute;
		have_m += c[i] * p->memory;
		want_m += x->want[i] * p->memory;
	}
	return (struct score){ removed > added ? removed : added, apart(have_c, want_c), apart(have_m, want_m) };
}

static int score_cmp(struct score a, struct score b)
{
	if (a.changed != b.changed)
		return a.changed < b.changed ? -1 : 1;
	if (a.compute != b.compute)
		return a.compute < b.compute ? -1 : 1;
	return a.memory < b.memory ? -1 : a.memory > b.memory;
}

/* Can one instance be added, removed or exchanged so that fewer differ from what is wanted? */
static bool can_improve(const struct nearest *x, const unsigned *c)
{
	unsigned now = score_of(x, c).changed, t[MIG_MAX_PROFILES];
	size_t n = x->p->n_profiles;
	for (size_t out = 0; out <= n; out++) {              /* N: take none out */
		if (out < n && c[out] <= x->want[out])
			continue;
		for (size_t in = 0; in <= n; in++) {         /* N: put none in */
			if (in < n && c[in] >= x->want[in])
				continue;
			memcpy(t, c, n * sizeof(*t));
			if (out < n)
				t[out]--;
			if (in < n)
				t[in]++;
			if (score_of(x, t).changed < now && mig_fits(x->p, t, NULL) == MIG_FITS)
				return true;
		}
	}
	return false;
}

static bool consider(void *ctx, const unsigned *counts)
{
	struct nearest *x = ctx;
	struct score s = score_of(x, counts);
	unsigned any = 0;
	for (size_t i = 0; i < x->p->n_profiles; i++)
		any += counts[i];
	if (!any || can_improve(x, counts))
		return true;
	size_t at = x->n;
	while (at > 0 && score_cmp(s, x->scores[at - 1]) < 0)
		at--;
	if (at == x->max)
		return true;
	if (x->n < x->max)
		x->n++;
	memmove(&x->scores[at + 1], &x->scores[at], (x->n - 1 - at) * sizeof(x->scores[0]));
	memmove(&x->best[at + 1], &x->best[at], (x->n - 1 - at) * sizeof(x->best[0]));
	x->scores[at] = s;
	memcpy(x->best[at], counts, x->p->n_profiles * sizeof(*counts));
	return true;
}

size_t mig_nearest(const struct mig_product *p, const unsigned *want, unsigned (*out)[MIG_MAX_PROFILES], size_t max)
{
	struct nearest x = { .p = p, .max = max < NEAREST_MAX ? max : NEAREST_MAX };
	for (size_t i = 0; i < p->n_profiles; i++)
		x.want[i] = want[i] < 1000 ? want[i] : 1000;
	mig_each_layout(p, consider, &x);
	memcpy(out, x.best, x.n * sizeof(x.best[0]));
	return x.n;
}

void mig_layout_text(const struct mig_product *p, const unsigned *counts, struct str *out)
{
	const char *sep = "";
	for (size_t i = 0; i < p->n_profiles; i++) {
		if (!counts[i])
			continue;
		str_addf(out, "%s%u x %s", sep, counts[i], p->profiles[i].names[0]);
		sep = " + ";
	}
	if (!*sep)
		str_add(out, "no instances");
}
