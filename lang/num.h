/* num - numbers of the language: whole numbers in an int64 where they fit, else binary floats (mpfr) of NUM_PREC bits.
 *
 * Internal to lang/. A float made from a double keeps the double's 53 bits, so that it prints as the double does; every
 * computation is rounded to NUM_PREC bits, to nearest even. Magnitudes beyond NUM_MAX_EXP decimal digits are refused where text
 * is read; a result may be larger, its text is then refused by the cap of the string it is written to.
 */
#ifndef LANG_NUM_H
#define LANG_NUM_H

#include <stdint.h>

#include "lang/value.h"

enum { NUM_PREC = 512, NUM_MAX_EXP = 100000 };

/* A scratch float without allocation: num_temp() makes it zero with NUM_PREC bits. Never cleared, never kept. */
struct num_temp {
	mpfr_t n;
	mp_limb_t limbs[(NUM_PREC + 64) / (8 * sizeof(mp_limb_t)) + 1];
};
mpfr_ptr num_temp(struct num_temp *t);
/* A temp holding the value of the known number V. */
mpfr_ptr num_temp_of(struct num_temp *t, const struct val *v);
/* -1, 0, 1 */
int num_cmp(const struct val *x, const struct val *y);
/* The shortest decimal digits that read back as N (finite, not zero) at its precision, without trailing zeros; the value is
 * 0.DIGITS * 10^EXP. DIGITS holds at most NUM_DIGITS and a terminator. */
enum { NUM_DIGITS = 200 };
void num_digits(mpfr_srcptr n, char digits[NUM_DIGITS + 2], long *exp);
/* val_big() or, for infinities and NaN, E_INPUT. */
int num_result(struct arena *a, mpfr_srcptr n, const struct val **out, struct err *err) MUST_CHECK;

#endif
