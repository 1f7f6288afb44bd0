#include "lang/func_util.h"

#include <math.h>
#include <string.h>

int fn_abs(struct func_call *c, const struct val **out, struct err *err)
{
	struct num_temp t;
	mpfr_abs(t.n, num_temp_of(&t, c->args[0]), MPFR_RNDN);
	return num_result(c->arena, t.n, out, err);
}

int fn_ceil(struct func_call *c, const struct val **out, struct err *err)
{
	struct num_temp t;
	mpfr_ceil(t.n, num_temp_of(&t, c->args[0]));
	if (mpfr_zero_p(t.n))
		mpfr_set_zero(t.n, 1);
	return num_result(c->arena, t.n, out, err);
}

int fn_floor(struct func_call *c, const struct val **out, struct err *err)
{
	struct num_temp t;
	mpfr_floor(t.n, num_temp_of(&t, c->args[0]));
	if (mpfr_zero_p(t.n))
		mpfr_set_zero(t.n, 1);
	return num_result(c->arena, t.n, out, err);
}

static int from_double(struct func_call *c, double d, const struct val **out, struct err *err)
{
	if (!isfinite(d))
		return func_fail(c, SIZE_MAX, err, "the result is not a finite number");
	*out = val_double(c->arena, d);
	return 0;
}

/* The logarithm with the last bit as Terraform has it: x = m * 2^k, log(m) by the series of 2 atanh(f / (2 + f)), f = m - 1, with the
 * minimax coefficients of FreeBSD's msun (e_log.c). */
static double natural_log(double x)
{
	static const double odd[] = { 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01 },
			    even[] = { 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01 };
	const double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
	int k;
	double m = frexp(x, &k);
	if (m < M_SQRT1_2) {
		m *= 2;
		k--;
	}
	double f = m - 1, s = f / (2 + f), s2 = s * s, s4 = s2 * s2;
	double r = s2 * (odd[0] + s4 * (odd[1] + s4 * (odd[2] + s4 * odd[3]))) + s4 * (even[0] + s4 * (even[1] + s4 * even[2]));
	double half = 0.5 * f * f;
	return k * ln2_high - ((half - (s * (half + r) + k * ln2_low)) - f);
}

int fn_log(struct func_call *c, const struct val **out, struct err *err)
{
	double n = val_to_double(c->args[0]), base = val_to_double(c->args[1]);
	if (!(n > 0))
		return func_fail(c, 0, err, "the logarithm needs a number above zero");
	if (!(base >= 0) || base == 1)
		return func_fail(c, 1, err, "the base of a logarithm is above zero and not one");
	return base == 0 ? from_double(c, 0, out, err) : from_double(c, natural_log(n) / natural_log(base), out, err);
}

/* X to the whole power N by squaring, mantissa and exponent apart, so that each step rounds as it does in Terraform. */
static double whole_power(double x, uint64_t n, double start, bool inverse)
{
	int x_exp, exp = 0;
	double m = frexp(x, &x_exp), result = start;
	for (; n; n >>= 1) {
		if (x_exp < -4096 || x_exp > 4096) {
			exp += x_exp;                /* out of every double's range whatever follows */
			break;
		}
		if (n & 1) {
			result *= m;
			exp += x_exp;
		}
		m *= m;
		x_exp *= 2;
		if (m < 0.5) {
			m += m;
			x_exp--;
		}
	}
	return ldexp(inverse ? 1 / result : result, inverse ? -exp : exp);
}

static double power(double x, double y)
{
	double whole, part = modf(fabs(y), &whole);
	if (x == 0 || fabs(x) == 1 || whole >= 0x1p63 || (part && x < 0) || fabs(y) == 0.5 || y == 0)
		return pow(x, y);
	whole += part > 0.5;
	part -= part > 0.5;
	return whole_power(x, (uint64_t)whole, part ? exp(part * natural_log(x)) : 1, y < 0);
}

/* In doubles, as in Terraform: beyond 2^53 the digits behind the 17th mean nothing. */
int fn_pow(struct func_call *c, const struct val **out, struct err *err)
{
	double x[2];
	for (size_t i = 0; i < 2; i++)
		if (!isfinite(x[i] = val_to_double(c->args[i])))
			return func_fail(c, i, err, "the number is beyond the range of a double");
	return from_double(c, power(x[0], x[1]), out, err);
}

int fn_signum(struct func_call *c, const struct val **out, struct err *err)
{
	struct num_temp t;
	num_temp_of(&t, c->args[0]);
	if (!mpfr_integer_p(t.n))
		return func_fail(c, 0, err, "a whole number is required");
	int sign = mpfr_sgn(t.n);
	*out = val_int(c->arena, sign < 0 ? -1 : sign > 0);
	return 0;
}

static int best(struct func_call *c, int want, const struct val **out, struct err *err)
{
	if (!c->n)
		return func_fail(c, SIZE_MAX, err, "at least one number is required");
	const struct val *b = c->args[0];
	for (size_t i = 1; i < c->n; i++)
		if (num_cmp(c->args[i], b) == want)
			b = c->args[i];
	*out = b;
	return 0;
}

int fn_max(struct func_call *c, const struct val **out, struct err *err)
{
	return best(c, 1, out, err);
}

int fn_min(struct func_call *c, const struct val **out, struct err *err)
{
	return best(c, -1, out, err);
}

int fn_sum(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *list = c->args[0], *n;
	struct num_temp sum, term;
	if (!func_is_seq(list))
		return func_fail(c, 0, err, "a list or set of numbers is required, have %s", func_type_name(c, list));
	if (!val_len(list))
		return func_fail(c, 0, err, "the sum of an empty list is not defined");
	if (func_unknown(c, &type_number, out))
		return 0;
	num_temp(&sum);
	for (size_t i = 0; i < list->seq.len; i++) {
		if (val_is_null(list->seq.at[i]) || val_convert(c->arena, list->seq.at[i], &type_number, &n, err))
			return func_fail(c, 0, err, "element %zu is not a number", i);
		mpfr_add(sum.n, sum.n, num_temp_of(&term, n), MPFR_RNDN);
	}
	return num_result(c->arena, sum.n, out, err);
}

static int digit(char ch)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *p = ch ? strchr(digits, ch) : NULL;
	return p ? (int)(p - digits) : 99;
}

/* Upper-case letters are above lower-case ones in bases beyond 36 and the same below. */
int fn_parseint(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0];
	int64_t base;
	struct num_temp t;
	if (val_kind(s) != T_STRING)
		return func_fail(c, 0, err, "a string is required, have %s", func_type_name(c, s));
	if (!val_to_int64(c->args[1], &base) || base < 2 || base > 62)
		return func_fail(c, 1, err, "the base must be a whole number between 2 and 62");
	size_t i = s->str.len && (s->str.s[0] == '-' || s->str.s[0] == '+');
	if (i == s->str.len || s->str.len > NUM_MAX_EXP)
		return func_fail(c, 0, err, "not a whole number in base %lld", (long long)base);
	num_temp(&t);
	for (size_t k = i; k < s->str.len; k++) {
		int d = digit(s->str.s[k]);
		if (base <= 36 && d >= 36 && d < 62)
			d -= 26;
		if (d >= base)
			return func_fail(c, 0, err, "not a whole number in base %lld", (long long)base);
		mpfr_mul_si(t.n, t.n, (long)base, MPFR_RNDN);
		mpfr_add_si(t.n, t.n, d, MPFR_RNDN);
	}
	if (s->str.s[0] == '-')
		mpfr_neg(t.n, t.n, MPFR_RNDN);
	if (mpfr_zero_p(t.n))
		mpfr_set_zero(t.n, 1);
	return num_result(c->arena, t.n, out, err);
}
