/* format and formatlist. A verb is  % flags [index] width .precision [index] letter . */
#include "lang/func_util.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/mem.h"

enum { WIDTH_MAX = 1000000 };

struct verb {
	const char *at; size_t len;              /* as written, for messages */
	bool sharp, zero, minus, plus, space, has_width;
	bool has_precision, precision_digits;    /* "%.f" has one without digits: 0 for numbers, none for text */
	unsigned width, precision;
	size_t index;                            /* of the argument, from 0 */
	char letter;
};

struct format { struct func_call *c; const struct val *const *args; size_t n, next, used; struct str *out; struct err *err; };

/* --- parsing ----------------------------------------------------------------------------------------------------------- */
static bool number(const char **p, const char *end, unsigned *n)
{
	const char *start = *p;
	*n = 0;
	for (; *p < end && **p >= '0' && **p <= '9'; ++*p)
		*n = *n > WIDTH_MAX ? *n : *n * 10 + (unsigned)(**p - '0');
	return *p > start;
}

static bool index_at(const char **p, const char *end, size_t *index)
{
	unsigned n;
	const char *q = *p + 1;
	if (*p >= end || **p != '[' || !number(&q, end, &n) || q >= end || *q != ']' || !n)
		return false;
	*index = n - 1;
	*p = q + 1;
	return true;
}

/* The verb at P ('%'); *P moves behind it. */
static int parse_verb(struct format *f, const char **p, const char *end, struct verb *v)
{
	*v = (struct verb){ .at = *p, .index = f->next };
	const char *q = *p + 1;
	for (; q < end && strchr("#0-+ ", *q) && *q; q++) {
		v->sharp |= *q == '#';
		v->zero |= *q == '0';
		v->minus |= *q == '-';
		v->plus |= *q == '+';
		v->space |= *q == ' ';
	}
	index_at(&q, end, &v->index);
	v->has_width = number(&q, end, &v->width);
	if (q < end && *q == '.') {
		q++;
		v->has_precision = true;
		v->precision_digits = number(&q, end, &v->precision);
	}
	index_at(&q, end, &v->index);
	if (q >= end)
		return func_fail(f->c, 0, f->err, "the verb \"%.*s\" at the end of the format is not complete", (int)(end - *p), *p);
	v->letter = *q++;
	v->len = (size_t)(q - *p);
	*p = q;
	if (v->width > WIDTH_MAX || v->precision > WIDTH_MAX)
		return func_fail(f->c, 0, f->err, "width and precision are at most %d", WIDTH_MAX);
	if (!strchr("vtbdoxXeEfgGsq", v->letter))
		return func_fail(f->c, 0, f->err, "\"%.*s\" is not a verb of format", (int)(utf8proc_utf8class[(unsigned char)v->letter] > 1 ? v->len - 1 : v->len), v->at);
	return 0;
}

/* --- writing ----------------------------------------------------------------------------------------------------------- */
static void repeat(struct str *out, char c, size_t n)
{
	for (; n && !str_full(out); n--)
		str_addc(out, c);
}

static size_t clusters(const char *s, size_t len)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i += func_grapheme(s + i, len - i))
		n++;
	return n;
}

static void pad(struct format *f, const struct verb *v, const char *s, size_t len)
{
	size_t have = v->has_width ? clusters(s, len) : 0, fill = v->has_width && v->width > have ? v->width - have : 0;
	if (!v->minus)
		repeat(f->out, v->zero ? '0' : ' ', fill);
	str_addn(f->out, s, len);
	if (v->minus)
		repeat(f->out, v->zero ? '0' : ' ', fill);
}

/* SIGN, PREFIX and DIGITS with zeros between or blanks around. */
static void pad_number(struct format *f, const struct verb *v, const char *sign, const char *prefix, const char *digits, bool zeros)
{
	size_t have = strlen(sign) + strlen(prefix) + strlen(digits), fill = v->width > have ? v->width - have : 0;
	zeros = zeros && v->zero && !v->minus;
	if (!zeros && !v->minus)
		repeat(f->out, ' ', fill);
	str_add(f->out, sign);
	str_add(f->out, prefix);
	repeat(f->out, '0', zeros ? fill : 0);
	str_add(f->out, digits);
	if (v->minus)
		repeat(f->out, ' ', fill);
}

static const char *sign_of(const struct verb *v, bool negative)
{
	return negative ? "-" : v->plus ? "+" : v->space ? " " : "";
}

static int write_integer(struct format *f, const struct verb *v, const struct val *n)
{
	struct num_temp t;
	mpz_t z;
	autostr struct str digits = { 0 };
	if (!mpfr_integer_p(num_temp_of(&t, n)))
		return func_fail(f->c, v->index + 1, f->err, "\"%.*s\" needs a whole number", (int)v->len, v->at);
	if (!mpfr_zero_p(t.n) && mpfr_get_exp(t.n) > 4 * NUM_MAX_EXP)
		return func_fail(f->c, v->index + 1, f->err, "the number has too many digits");
	mpz_init(z);
	mpfr_get_z(z, t.n, MPFR_RNDN);
	bool negative = mpz_sgn(z) < 0;
	mpz_abs(z, z);
	int base = v->letter == 'b' ? 2 : v->letter == 'o' ? 8 : v->letter == 'd' ? 10 : 16;
	autofree char *text = xmalloc(mpz_sizeinbase(z, base) + 2);
	mpz_get_str(text, v->letter == 'X' ? -base : base, z);
	mpz_clear(z);
	str_init(&digits, FUNC_TEXT);
	if (v->has_precision && v->precision > strlen(text))
		repeat(&digits, '0', v->precision - strlen(text));
	if (!(v->has_precision && !v->precision && !strcmp(text, "0")))
		str_add(&digits, text);
	const char *prefix = !v->sharp ? "" : v->letter == 'b' ? "0b" : v->letter == 'o' ? "0" : v->letter == 'x' ? "0x" : v->letter == 'X' ? "0X" : "";
	pad_number(f, v, sign_of(v, negative), prefix, digits.at, !v->has_precision);
	return 0;
}

/* The shortest digits of N's magnitude as %g writes them: with an exponent below 1e-4 and from 1e6 on. */
static void shortest(const struct val *n, struct str *out)
{
	struct num_temp t;
	char d[NUM_DIGITS + 2];
	long exp;
	mpfr_srcptr m = n->form == NUM_BIG ? n->big : num_temp_of(&t, n);
	if (mpfr_zero_p(m)) {
		str_addc(out, '0');
		return;
	}
	num_digits(m, d, &exp);
	long e = exp - 1, len = (long)strlen(d);
	if (e < -4 || e >= 6) {
		str_addf(out, "%c%s%s", d[0], d[1] ? "." : "", d + 1);
		str_addf(out, "e%c%02ld", e < 0 ? '-' : '+', labs(e));
	} else if (exp <= 0) {
		str_add(out, "0.");
		repeat(out, '0', (size_t)-exp);
		str_add(out, d);
	} else {
		str_addn(out, d, (size_t)(len < exp ? len : exp));
		repeat(out, '0', len < exp ? (size_t)(exp - len) : 0);
		if (len > exp)
			str_addf(out, ".%s", d + exp);
	}
}

static int write_float(struct format *f, const struct verb *v, const struct val *n)
{
	struct num_temp t;
	autostr struct str digits = { 0 };
	char *text = NULL;
	bool g = v->letter == 'g' || v->letter == 'G';
	num_temp_of(&t, n);
	bool negative = mpfr_signbit(t.n);
	str_init(&digits, FUNC_TEXT);
	if (!mpfr_zero_p(t.n) && labs((long)mpfr_get_exp(t.n)) > 4 * NUM_MAX_EXP)
		return func_fail(f->c, v->index + 1, f->err, "the number has too many digits");
	if (g && !v->has_precision) {
		shortest(n, &digits);
	} else {
		int precision = v->has_precision ? (int)v->precision : 6;
		mpfr_abs(t.n, t.n, MPFR_RNDN);
		int len = v->letter == 'f' ? mpfr_asprintf(&text, "%.*Rf", precision, t.n) :
			  g ? mpfr_asprintf(&text, "%.*Rg", precision, t.n) : mpfr_asprintf(&text, "%.*Re", precision, t.n);
		if (len >= 0)
			str_addn(&digits, text, (size_t)len);
		if (text)
			mpfr_free_str(text);
	}
	for (size_t i = 0; (v->letter == 'G' || v->letter == 'E') && i < digits.len; i++)
		digits.at[i] = digits.at[i] == 'e' ? 'E' : digits.at[i];
	pad_number(f, v, sign_of(v, negative), "", digits.at, true);
	return 0;
}

static int write_string(struct format *f, const struct verb *v, const struct val *s)
{
	autostr struct str text = { 0 };
	size_t len = s->str.len;
	if (v->precision_digits) {
		len = 0;
		for (unsigned k = v->precision; k && len < s->str.len; k--)
			len += func_grapheme(s->str.s + len, s->str.len - len);
	}
	str_init(&text, FUNC_TEXT);
	if (v->letter == 'q' && val_write_json(val_string_nfc(f->c->arena, s->str.s, len), 0, true, true, &text, f->err))
		return E_INPUT;
	if (v->letter == 'q')
		pad(f, v, text.at, text.len);
	else
		pad(f, v, s->str.s, len);
	return 0;
}

static int write_any(struct format *f, const struct verb *v, const struct val *x)
{
	autostr struct str text = { 0 };
	str_init(&text, FUNC_TEXT);
	if (!v->sharp && val_known(x) && val_kind(x) == T_STRING) {
		pad(f, v, x->str.s, x->str.len);
		return 0;
	}
	if (!v->sharp && val_known(x) && val_kind(x) == T_NUMBER) {
		if (x->form == NUM_INT ? x->i < 0 : mpfr_signbit(x->big))
			str_addc(&text, '-');
		shortest(x, &text);
	} else if (val_write_json(x, 0, true, true, &text, f->err)) {
		f->c->bad_arg = v->index + 1;
		return E_INPUT;
	}
	pad(f, v, text.at, text.len);
	return 0;
}

static int write_verb(struct format *f, const struct verb *v)
{
	const struct val *x, *made;
	if (v->index >= f->n)
		return func_fail(f->c, SIZE_MAX, f->err, "\"%.*s\" needs argument %zu, but %zu follow%s the format", (int)v->len, v->at, v->index + 1,
				 f->n, f->n == 1 ? "s" : "");
	x = f->args[v->index];
	f->next = v->index + 1;
	f->used = f->next > f->used ? f->next : f->used;
	if (v->letter == 'v')
		return write_any(f, v, x);
	const struct type *t = v->letter == 't' ? &type_bool : v->letter == 's' || v->letter == 'q' ? &type_string : &type_number;
	if (val_is_null(x) || val_convert(f->c->arena, x, t, &made, f->err))
		return func_fail(f->c, v->index + 1, f->err, "\"%.*s\" needs a %s, have %s", (int)v->len, v->at,
				 t == &type_bool ? "bool" : t == &type_string ? "string" : "number",
				 val_is_null(x) ? "null" : func_type_name(f->c, x));
	if (t == &type_bool)
		str_add(f->out, made->b ? "true" : "false");
	else if (t == &type_string)
		return write_string(f, v, made);
	else
		return strchr("bdoxX", v->letter) ? write_integer(f, v, made) : write_float(f, v, made);
	return 0;
}

static int format_all(struct format *f, const struct val *fmt)
{
	const char *p = fmt->str.s, *end = p + fmt->str.len;
	struct verb v;
	while (p < end) {
		const char *percent = memchr(p, '%', (size_t)(end - p));
		size_t plain = (size_t)((percent ? percent : end) - p);
		str_addn(f->out, p, plain);
		p += plain;
		if (p + 1 < end && p[1] == '%') {
			str_addc(f->out, '%');
			p += 2;
		} else if (p < end) {
			if (parse_verb(f, &p, end, &v) || write_verb(f, &v))
				return E_INPUT;
		}
	}
	if (f->used < f->n)
		return func_fail(f->c, f->used + 1, f->err, "the format uses %zu argument%s, but %zu follow%s it", f->used, f->used == 1 ? "" : "s",
				 f->n, f->n == 1 ? "s" : "");
	return 0;
}

static int format_text(struct func_call *c, const struct val *const *args, size_t n, const struct val **out, struct err *err)
{
	autostr struct str text = { 0 };
	struct format f = { .c = c, .args = args, .n = n, .out = &text, .err = err };
	str_init(&text, FUNC_TEXT);
	if (format_all(&f, c->args[0]))
		return E_INPUT;
	return func_text(c, &text, out, err);
}

/* Is there a null of no type among ARGS? It gives an unknown text: users of the language know it that way. */
static bool untyped_null(const struct val *const *args, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (val_is_null(args[i]) && val_kind(args[i]) == T_DYNAMIC)
			return true;
	return false;
}

int fn_format(struct func_call *c, const struct val **out, struct err *err)
{
	if (untyped_null(c->args + 1, c->n - 1))
		*out = val_unknown(c->arena, &type_string);
	if (*out || func_unknown(c, &type_string, out))
		return 0;
	return format_text(c, c->args + 1, c->n - 1, out, err);
}

static bool all_known(const struct val *const *at, size_t n)
{
	while (n && val_known_deep(at[n - 1]))
		n--;
	return !n;
}

/* Is there an argument that may be a list of any length? */
static bool length_unknown(const struct func_call *c)
{
	for (size_t i = 1; i < c->n; i++) {
		enum type_kind k = val_kind(c->args[i]);
		if (val_open_set(c->args[i]) || (c->args[i]->state == VAL_UNKNOWN && (k == T_DYNAMIC || k == T_LIST || k == T_SET || k == T_TUPLE)))
			return true;
	}
	return false;
}

/* The common length of the lists among the arguments; 1 when there are none. */
static int lists_len(struct func_call *c, size_t *len, bool *any, struct err *err)
{
	*any = false;
	*len = 1;
	for (size_t i = 1; i < c->n; i++) {
		if (!func_is_seq(c->args[i]))
			continue;
		if (*any && c->args[i]->seq.len != *len)
			return func_fail(c, i, err, "the lists must be of one length: this one has %u, one before it %zu", c->args[i]->seq.len, *len);
		*any = true;
		*len = c->args[i]->seq.len;
	}
	return 0;
}

int fn_formatlist(struct func_call *c, const struct val **out, struct err *err)
{
	size_t len;
	bool any;
	if (untyped_null(c->args + 1, c->n - 1) || length_unknown(c)) {
		*out = val_unknown(c->arena, type_list(c->arena, &type_string));
		return 0;
	}
	if (lists_len(c, &len, &any, err))
		return E_INPUT;
	const struct val **row = arena_array(c->arena, c->n, sizeof(*row)), **at = arena_array(c->arena, len, sizeof(*at));
	for (size_t i = 0; i < len; i++) {
		for (size_t k = 1; k < c->n; k++)
			row[k - 1] = func_is_seq(c->args[k]) ? c->args[k]->seq.at[i] : c->args[k];
		if (!all_known(row, c->n - 1))
			at[i] = val_unknown(c->arena, &type_string);
		else if (format_text(c, row, c->n - 1, &at[i], err))
			return any ? err_wrap(err, "element %zu", i) : E_INPUT;
	}
	*out = func_strings(c, at, len);
	return 0;
}
