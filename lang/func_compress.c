/* Functions on gzip. */
#include "lang/func_util.h"

#include <string.h>
#include <zlib.h>

enum { GZIP = 16 + MAX_WBITS, STEP = 64 << 10 };

int fn_base64gzip(struct func_call *c, const struct val **out, struct err *err)
{
	const struct val *s = c->args[0];
	autostr struct str packed = { 0 }, text = { 0 };
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s->str.s, .avail_in = (uInt)s->str.len };
	gz_header head = { .os = 255 };
	char chunk[STEP];
	int rc;
	str_init(&packed, 2u * FUNC_TEXT);
	str_init(&text, FUNC_TEXT);
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return func_fail(c, SIZE_MAX, err, "zlib does not start");
	deflateSetHeader(&z, &head);         /* no name, no time: the same text gives the same bytes */
	do {
		z.next_out = (Bytef *)chunk;
		z.avail_out = sizeof(chunk);
		rc = deflate(&z, Z_FINISH);
		str_addn(&packed, chunk, sizeof(chunk) - z.avail_out);
	} while (rc == Z_OK);
	deflateEnd(&z);
	func_base64(packed.at, packed.len, &text);
	return func_text(c, &text, out, err);
}

/* What S holds is added to OUT, as far as OUT may grow. Several members one behind the other are one text. */
static bool gunzip(const struct str *s, struct str *out)
{
	z_stream z = { .next_in = (Bytef *)s->at, .avail_in = (uInt)s->len };
	char chunk[STEP];
	int rc = inflateInit2(&z, GZIP);
	while (rc == Z_OK && !str_full(out)) {
		z.next_out = (Bytef *)chunk;
		z.avail_out = sizeof(chunk);
		rc = inflate(&z, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END)
			break;
		str_addn(out, chunk, sizeof(chunk) - z.avail_out);
		if (rc == Z_STREAM_END && z.avail_in)
			rc = inflateReset(&z);
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END || str_full(out);
}

int fn_base64gunzip(struct func_call *c, const struct val **out, struct err *err)
{
	autostr struct str packed = { 0 }, text = { 0 };
	str_init(&packed, FUNC_TEXT);
	str_init(&text, FUNC_TEXT);
	if (!func_base64_bytes(c->args[0]->str.s, c->args[0]->str.len, &packed))
		return func_fail(c, 0, err, "not base64 (with padding)");
	if (!gunzip(&packed, &text))
		return func_fail(c, 0, err, "not whole gzip data");
	if (!str_full(&text) && !func_is_utf8(text.at, text.len))
		return func_fail(c, 0, err, "what was compressed is not UTF-8 text");
	return func_text(c, &text, out, err);
}
