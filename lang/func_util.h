/* func_util - what the functions of the language share. Internal to lang/func*.c.
 *
 * Every function is called fn_NAME and stands in the table of func.c. Limits: a result has at most FUNC_ELEMS members, a
 * text at most FUNC_TEXT bytes. Arguments come converted, known (at their top) and not null unless the row says otherwise.
 * Messages do not quote the text of arguments, which may have been sensitive.
 */
#ifndef LANG_FUNC_UTIL_H
#define LANG_FUNC_UTIL_H

#include "lang/func.h"
#include "lang/num.h"

enum { FUNC_ELEMS = 10000000, FUNC_TEXT = 64 << 20 };

/* E_INPUT with the caret under argument ARG (SIZE_MAX: the call). */
void func_blame(struct func_call *c, size_t arg, struct err *err, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
#define func_fail(...) (func_blame(__VA_ARGS__), E_INPUT)
/* Is anything unknown inside an argument? Then *OUT is an unknown T. */
bool func_unknown(struct func_call *c, const struct type *t, const struct val **out);
/* The text of S as *OUT; E_INPUT when S was cut by its cap. */
int func_text(struct func_call *c, const struct str *s, const struct val **out, struct err *err) MUST_CHECK;
/* Argument ARG as a whole number in [LO, HI]. */
int func_int(struct func_call *c, size_t arg, int64_t lo, int64_t hi, int64_t *out, struct err *err) MUST_CHECK;
/* V marked when the top of any argument is: for rows that take marked arguments. */
const struct val *func_marked(struct func_call *c, const struct val *v);
/* Is V a list, set or tuple / map or object (known)? */
static inline bool func_is_seq(const struct val *v)
{
	return val_known(v) && (val_kind(v) == T_LIST || val_kind(v) == T_SET || val_kind(v) == T_TUPLE);
}
static inline bool func_is_map(const struct val *v)
{
	return val_known(v) && (val_kind(v) == T_MAP || val_kind(v) == T_OBJECT);
}
/* "list of string" of V's type, in memory of the arena. */
const char *func_type_name(struct func_call *c, const struct val *v);
/* AT[0..N) as one list: of the unified type of its members. Fails under argument ARG. */
int func_unify(struct func_call *c, size_t arg, const struct val **at, size_t n, const struct type **elem, struct err *err) MUST_CHECK;
/* A list of strings. */
const struct val *func_strings(struct func_call *c, const struct val *const *at, size_t n);
/* The bytes of the grapheme cluster at S (LEN > 0 left). *STATE is zero at the start of a text. */
size_t func_grapheme(const char *s, size_t len);

/* Regular expressions (func_regex.c), also for replace(). */
int func_regex_replace(struct func_call *c, const struct val *text, const char *pattern, size_t len, const struct val *with,
		       const struct val **out, struct err *err) MUST_CHECK;
/* A file below the spec's folder (func_fs.c): at most FUNC_TEXT bytes, TEXT terminated and the caller's to free. */
int func_read_file(struct func_call *c, size_t arg, char **text, size_t *len, struct err *err) MUST_CHECK;
bool func_is_utf8(const char *s, size_t len);
/* Base64 with padding. Decoding ignores line ends; false when it is none. BUF has room for base64_room(LEN). */
void func_base64(const void *data, size_t len, struct str *out);
bool func_base64_bytes(const char *s, size_t len, struct str *out);

extern func_fn
	/* number */ fn_abs, fn_ceil, fn_floor, fn_log, fn_max, fn_min, fn_parseint, fn_pow, fn_signum, fn_sum,
	/* string */ fn_chomp, fn_endswith, fn_format, fn_formatlist, fn_indent, fn_join, fn_lower, fn_replace, fn_split, fn_startswith,
	fn_strcontains, fn_strrev, fn_substr, fn_title, fn_trim, fn_trimprefix, fn_trimspace, fn_trimsuffix, fn_upper, fn_regex,
	fn_regexall, fn_versioncmp,
	/* collection */ fn_alltrue, fn_anytrue, fn_chunklist, fn_coalesce, fn_coalescelist, fn_compact, fn_concat, fn_contains,
	fn_deepmerge, fn_distinct, fn_element, fn_flatten, fn_index, fn_keys, fn_length, fn_lookup, fn_matchkeys, fn_merge, fn_nodeset,
	fn_one, fn_range, fn_reverse, fn_setintersection, fn_setproduct, fn_setsubtract, fn_setunion, fn_slice, fn_sort, fn_transpose,
	fn_values, fn_zipmap,
	/* conversion */ fn_tobool, fn_tolist, fn_tomap, fn_tonumber, fn_toset, fn_tostring, fn_sensitive, fn_nonsensitive,
	fn_issensitive, fn_ephemeralasnull,
	/* encoding */ fn_base64decode, fn_base64encode, fn_base64gunzip, fn_base64gzip, fn_csvdecode, fn_jsondecode, fn_jsonencode, fn_textdecodebase64,
	fn_textencodebase64, fn_urldecode, fn_urlencode, fn_yamldecode, fn_yamlencode,
	/* filesystem */ fn_templatefile, fn_templatestring, fn_abspath, fn_basename, fn_dirname, fn_file, fn_filebase64, fn_fileexists, fn_fileset, fn_pathexpand,
	/* hash */ fn_bcrypt, fn_base64sha256, fn_base64sha512, fn_filebase64sha256, fn_filebase64sha512, fn_filemd5, fn_filesha1, fn_filesha256,
	fn_filesha512, fn_md5, fn_rsadecrypt, fn_sha1, fn_sha256, fn_sha512, fn_uuid, fn_uuidv5,
	/* time */ fn_formatdate, fn_plantimestamp, fn_timeadd, fn_timecmp, fn_timestamp,
	/* network */ fn_cidrcontains, fn_cidrhost, fn_cidrhosts, fn_cidrnetmask, fn_cidrsubnet, fn_cidrsubnets;

#endif
