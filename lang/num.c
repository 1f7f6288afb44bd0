#include "lang/num.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

mpfr_ptr num_temp(struct num_temp *t)
{
	mpfr_custom_init(t->limbs, NUM_PREC);
	mpfr_custom_init_set(t->n, MPFR_ZERO_KIND, 0, NUM_PREC, t->limbs);
	return t->n;
}

mpfr_ptr num_temp_of(struct num_temp *t, const struct val *v)
{
	mpfr_ptr n = num_temp(t);
	val_to_mpfr(v, n);
	return n;
}

/* --- making -------------------------------------------------------------------------------------------------- */
/* The numbers that specs are full of are not made again. */
enum { SHARED_FROM = -16, SHARED_N = 1024 };
#define SHARED_1(n) { .type = &type_number, .i = SHARED_FROM + (n) }
#define SHARED_4(n) SHARED_1(n), SHARED_1((n) + 1), SHARED_1((n) + 2), SHARED_1((n) + 3)
#define SHARED_16(n) SHARED_4(n), SHARED_4((n) + 4), SHARED_4((n) + 8), SHARED_4((n) + 12)
#define SHARED_64(n) SHARED_16(n), SHARED_16((n) + 16), SHARED_16((n) + 32), SHARED_16((n) + 48)
#define SHARED_256(n) SHARED_64(n), SHARED_64((n) + 64), SHARED_64((n) + 128), SHARED_64((n) + 192)
static const struct val shared[SHARED_N] = { SHARED_256(0), SHARED_256(256), SHARED_256(512), SHARED_256(768) };

const struct val *val_int(struct arena *a, int64_t i)
{
	if (i >= SHARED_FROM && i < SHARED_FROM + SHARED_N)
		return &shared[i - SHARED_FROM];
	struct val *v = arena_packed(a, 1, sizeof(*v));
	v->type = &type_number;
	v->form = NUM_INT;
	v->i = i;
	return v;
}

static const struct val *big_new(struct arena *a, mpfr_srcptr n, mpfr_prec_t prec)
{
	struct val *v = arena_packed(a, 1, sizeof(*v));
	mpfr_ptr copy = arena_alloc(a, sizeof(__mpfr_struct));
	void *limbs = arena_alloc(a, mpfr_custom_get_size(prec));
	mpfr_custom_init(limbs, prec);
	mpfr_custom_init_set(copy, MPFR_ZERO_KIND, 0, prec, limbs);
	mpfr_set(copy, n, MPFR_RNDN);
	v->type = &type_number;
	v->form = NUM_BIG;
	v->big = copy;
	return v;
}

static bool reduces(mpfr_srcptr n)
{
	if (mpfr_zero_p(n))
		return !mpfr_signbit(n);
	return mpfr_get_exp(n) <= 64 && mpfr_integer_p(n) && mpfr_fits_intmax_p(n, MPFR_RNDN);
}

const struct val *val_big(struct arena *a, mpfr_srcptr n)
{
	if (!mpfr_number_p(n))
		BUG("a number that is not finite");
	if (reduces(n))
		return val_int(a, mpfr_get_sj(n, MPFR_RNDN));
	return big_new(a, n, NUM_PREC);
}

int num_result(struct arena *a, mpfr_srcptr n, const struct val **out, struct err *err)
{
	if (!mpfr_number_p(n))
		return err_set(err, E_INPUT, "the result is not a finite number");
	*out = val_big(a, n);
	return 0;
}

const struct val *val_double(struct arena *a, double d)
{
	mp_limb_t limbs[2];
	mpfr_t n;
	if (!isfinite(d))
		BUG("a double that is not finite");
	mpfr_custom_init(limbs, 53);
	mpfr_custom_init_set(n, MPFR_ZERO_KIND, 0, 53, limbs);
	mpfr_set_d(n, d, MPFR_RNDN);
	if (reduces(n))
		return val_int(a, mpfr_get_sj(n, MPFR_RNDN));
	return big_new(a, n, 53);
}

/* [+-] digits [. digits] [(e|E) [+-] digits], with a digit on one side of the point at least. *EXP10 is about the decimal
 * exponent of the value. */
static bool number_syntax(const char *s, size_t len, bool *whole, long *exp10)
{
	size_t i = 0, before, after = 0;
	bool zero = true;
	if (i < len && (s[i] == '+' || s[i] == '-'))
		i++;
	size_t start = i;
	for (; i < len && isdigit((unsigned char)s[i]); i++)
		zero = zero && s[i] == '0';
	before = i - start;
	*whole = true;
	if (i < len && s[i] == '.') {
		*whole = false;
		for (start = ++i; i < len && isdigit((unsigned char)s[i]); i++)
			zero = zero && s[i] == '0';
		after = i - start;
	}
	if (!before && !after)
		return false;
	*exp10 = before > LONG_MAX / 2 ? LONG_MAX / 2 : (long)before;
	if (i < len && (s[i] == 'e' || s[i] == 'E')) {
		*whole = false;
		bool minus = ++i < len && s[i] == '-';
		if (i < len && (s[i] == '+' || s[i] == '-'))
			i++;
		long e = 0;
		for (start = i; i < len && isdigit((unsigned char)s[i]); i++)
			e = e > LONG_MAX / 100 ? e : e * 10 + (s[i] - '0');
		if (i == start)
			return false;
		*exp10 = minus ? -e : *exp10 + e;
	}
	if (zero)
		*exp10 = 0;
	return i == len;
}

const struct val *val_number_text(struct arena *a, const char *s, size_t len)
{
	bool whole;
	long exp10;
	if (!number_syntax(s, len, &whole, &exp10) || labs(exp10) > NUM_MAX_EXP || len > 4 * NUM_MAX_EXP)
		return NULL;
	if (whole && len <= 18 && !(s[0] == '-' && strspn(s + 1, "0") == len - 1)) {
		int64_t i = 0;
		for (size_t at = *s == '+' || *s == '-'; at < len; at++)
			i = i * 10 + (s[at] - '0');
		return val_int(a, *s == '-' ? -i : i);
	}
	struct num_temp t;
	autofree char *text = xmalloc(len + 1);
	memcpy(text, s, len);
	text[len] = '\0';
	mpfr_strtofr(num_temp(&t), text, NULL, 10, MPFR_RNDN);
	return val_big(a, t.n);
}

/* --- asking -------------------------------------------------------------------------------------------------- */
void val_to_mpfr(const struct val *v, mpfr_ptr out)
{
	if (v->form == NUM_INT)
		mpfr_set_sj(out, v->i, MPFR_RNDN);
	else
		mpfr_set(out, v->big, MPFR_RNDN);
}

bool val_to_int64(const struct val *v, int64_t *out)
{
	if (v->form == NUM_INT)
		*out = v->i;
	else if (mpfr_zero_p(v->big))
		*out = 0;
	else
		return false;
	return true;
}

double val_to_double(const struct val *v)
{
	return v->form == NUM_INT ? (double)v->i : mpfr_get_d(v->big, MPFR_RNDN);
}

int num_cmp(const struct val *x, const struct val *y)
{
	if (x->form == NUM_INT && y->form == NUM_INT)
		return x->i < y->i ? -1 : x->i > y->i;
	struct num_temp tx, ty;
	int c = mpfr_cmp(num_temp_of(&tx, x), num_temp_of(&ty, y));
	return c < 0 ? -1 : c > 0;
}

/* --- printing ------------------------------------------------------------------------------------------------ */
/* The digits of N cut (not rounded) after NUM_DIGITS, without trailing zeros. */
static size_t cut_digits(mpfr_srcptr n, char digits[NUM_DIGITS + 2], long *exp)
{
	mpfr_exp_t e;
	mpfr_get_str(digits, &e, 10, NUM_DIGITS, n, MPFR_RNDZ);
	*exp = (long)e;
	if (digits[0] == '-')
		memmove(digits, digits + 1, NUM_DIGITS + 1);
	size_t len = strlen(digits);
	while (len && digits[len - 1] == '0')
		digits[--len] = '\0';
	return len;
}

/* N plus DIR halves of its last bit's weight, exactly. */
static void half_step(mpfr_srcptr n, int dir, mpfr_ptr out)
{
	mpfr_set_si_2exp(out, dir, mpfr_get_exp(n) - mpfr_get_prec(n) - 1, MPFR_RNDN);
	if (mpfr_signbit(n))
		mpfr_neg(out, out, MPFR_RNDN);
	mpfr_add(out, n, out, MPFR_RNDN);
}

static void round_digits(char *d, size_t keep, bool up, long *exp)
{
	d[keep] = '\0';
	if (up) {
		while (keep && d[keep - 1] == '9')
			d[--keep] = '\0';
		if (keep) {
			d[keep - 1]++;
		} else {
			d[0] = '1';
			d[keep = 1] = '\0';
			++*exp;
		}
	}
	while (keep && d[keep - 1] == '0')
		d[--keep] = '\0';
}

static bool nearest_is_up(const char *d, size_t len, size_t keep)
{
	if (keep >= len)
		return false;
	if (d[keep] == '5' && keep + 1 == len)
		return keep && (d[keep - 1] - '0') % 2;
	return d[keep] >= '5';
}

/* Walks the digits of the number and of the two ends of the interval that rounds to it, and stops at the first place where
 * the number can be cut. The interval is taken as symmetric also at powers of two, as the users' other tool does. */
void num_digits(mpfr_srcptr n, char d[NUM_DIGITS + 2], long *exp)
{
	char lo[NUM_DIGITS + 2], hi[NUM_DIGITS + 2];
	mp_limb_t limbs[NUM_PREC / (8 * sizeof(mp_limb_t)) + 2];
	mpfr_t edge;
	long unused;
	size_t len = cut_digits(n, d, exp);
	mpfr_custom_init(limbs, NUM_PREC + 8);
	mpfr_custom_init_set(edge, MPFR_ZERO_KIND, 0, NUM_PREC + 8, limbs);
	half_step(n, -1, edge);
	size_t nlo = cut_digits(edge, lo, &unused);
	half_step(n, 1, edge);
	size_t nhi = cut_digits(edge, hi, &unused);
	/* Even mantissa: the bits below the last one are zero, so the value survives with one bit less. */
	mp_limb_t less[NUM_PREC / (8 * sizeof(mp_limb_t)) + 2];
	mpfr_t even;
	mpfr_custom_init(less, mpfr_get_prec(n) - 1);
	mpfr_custom_init_set(even, MPFR_ZERO_KIND, 0, mpfr_get_prec(n) - 1, less);
	bool inclusive = mpfr_set(even, n, MPFR_RNDN) == 0;
	for (size_t i = 0; i < len; i++) {
		char l = i < nlo ? lo[i] : '0', u = i < nhi ? hi[i] : '0', m = d[i];
		bool down = l != m || (inclusive && i + 1 == nlo);
		bool up = m != u && (inclusive || m + 1 < u || i + 1 < nhi);
		if (down || up) {
			round_digits(d, i + 1, down && up ? nearest_is_up(d, len, i + 1) : up, exp);
			return;
		}
	}
}

static void add_zeros(struct str *out, long n)
{
	char zeros[64];
	memset(zeros, '0', sizeof(zeros));
	for (; n > 0 && !str_full(out); n -= (long)sizeof(zeros))
		str_addn(out, zeros, n < (long)sizeof(zeros) ? (size_t)n : sizeof(zeros));
}

void val_number_write(const struct val *v, struct str *out)
{
	if (v->form == NUM_INT) {
		str_addf(out, "%lld", (long long)v->i);
		return;
	}
	if (mpfr_signbit(v->big))
		str_addc(out, '-');
	if (mpfr_zero_p(v->big)) {
		str_addc(out, '0');
		return;
	}
	char d[NUM_DIGITS + 2];
	long exp;
	num_digits(v->big, d, &exp);
	size_t len = strlen(d);
	if (exp <= 0) {
		str_add(out, "0.");
		add_zeros(out, -exp);
		str_add(out, d);
	} else if (len <= (size_t)exp) {
		str_add(out, d);
		add_zeros(out, exp - (long)len);
	} else {
		str_addn(out, d, (size_t)exp);
		str_addc(out, '.');
		str_add(out, d + exp);
	}
}
