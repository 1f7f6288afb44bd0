#include "providers/redfish/fwpkg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Package header identifiers, DSP0267 1.0.0 to 1.3.0, section "Package header information". */
static const struct { unsigned char uuid[16]; } identifiers[] = {
	{ { 0xf0, 0x18, 0x87, 0x8c, 0xcb, 0x7d, 0x49, 0x43, 0x98, 0x00, 0xa0, 0x2f, 0x05, 0x9a, 0xca, 0x02 } },
	{ { 0x12, 0x44, 0xd2, 0x64, 0x8d, 0x7d, 0x47, 0x18, 0xa0, 0x30, 0xfc, 0x8a, 0x56, 0x58, 0x7d, 0x5a } },
	{ { 0x31, 0x19, 0xce, 0x2f, 0xe8, 0x0a, 0x4a, 0x99, 0xaf, 0x6d, 0x46, 0xf8, 0xb1, 0x21, 0xf6, 0xbf } },
	{ { 0x7b, 0x29, 0x1c, 0x99, 0x6d, 0xb6, 0x42, 0x08, 0x80, 0x1b, 0x02, 0x02, 0xe6, 0x46, 0x3c, 0x78 } },
};

/* A cursor that cannot leave its bytes: reading past the end gives zeros and marks it. */
struct cursor { const unsigned char *at; size_t len, pos; bool over; };

static const unsigned char *take(struct cursor *c, size_t n)
{
	if (c->over || n > c->len - c->pos) {
		c->over = true;
		return NULL;
	}
	c->pos += n;
	return c->at + c->pos - n;
}

static uint32_t number(struct cursor *c, unsigned bytes)
{
	const unsigned char *p = take(c, bytes);
	uint32_t v = 0;

	for (unsigned i = 0; p && i < bytes; i++)
		v |= (uint32_t)p[i] << (8 * i);
	return v;
}

/* A string of TYPE (1 ASCII, 2 UTF-8, 3..5 UTF-16) as printable text; other bytes become '?'. */
static void text(struct cursor *c, unsigned type, size_t n, char out[256])
{
	const unsigned char *p = take(c, n);
	size_t step = type >= 3 && type <= 5 ? 2 : 1, first = type == 5 ? 1 : 0, k = 0;

	for (size_t i = first; p && i < n && k < 255; i += step)
		if (p[i])
			out[k++] = p[i] >= ' ' && p[i] < 0x7f ? (char)p[i] : '?';
	out[k] = '\0';
}

static void skip_records(struct cursor *c)
{
	uint32_t n = number(c, 1);

	for (uint32_t i = 0; i < n && !c->over; i++) {
		uint32_t length = number(c, 2);
		if (length < 2)
			c->over = true;
		else
			take(c, length - 2);
	}
}

static void component(struct cursor *c, struct fwpkg *out)
{
	uint16_t classification = (uint16_t)number(c, 2), id = (uint16_t)number(c, 2);
	unsigned type, length;

	take(c, 4 + 2 + 2 + 4 + 4);      /* comparison stamp, options, activation, offset, size */
	type = number(c, 1);
	length = number(c, 1);
	out->at[out->n].classification = classification;
	out->at[out->n].id = id;
	text(c, type, length, out->at[out->n].version);
	if (out->revision >= 3)
		take(c, number(c, 4));   /* opaque data */
	out->n++;
}

bool fwpkg_is(const void *data, size_t len)
{
	for (size_t i = 0; len >= 16 && i < ARRAY_LEN(identifiers); i++)
		if (memcmp(data, identifiers[i].uuid, 16) == 0)
			return true;
	return false;
}

int fwpkg_parse(const void *data, size_t len, struct fwpkg *out, struct err *err)
{
	struct cursor c = { .at = data, .len = len, .pos = 16 };
	uint32_t header, type, length, count;

	if (!fwpkg_is(data, len))
		return err_set(err, E_UNSUPPORTED, "this is no PLDM firmware package");
	memset(out, 0, sizeof(*out));
	out->revision = (int)number(&c, 1);
	header = number(&c, 2);
	if (out->revision < 1 || out->revision > 4)
		return err_set(err, E_UNSUPPORTED, "its header has revision %d, known are 1 to 4", out->revision);
	if (header < 36 || header > len)
		return err_set(err, E_INPUT, "its header says %u bytes, the file has %zu", header, len);
	c.len = header;
	take(&c, 13 + 2);                /* release date, bitmap length */
	type = number(&c, 1);
	length = number(&c, 1);
	text(&c, type, length, out->version);
	skip_records(&c);
	if (out->revision >= 2)
		skip_records(&c);
	count = number(&c, 2);
	for (uint32_t i = 0; i < count && i < FWPKG_COMPONENTS && !c.over; i++)
		component(&c, out);
	if (c.over)
		return err_set(err, E_INPUT, "its header is damaged: a length points past its %u bytes", header);
	return 0;
}

int fwpkg_read(const char *path, struct fwpkg *out, struct err *err)
{
	autofree unsigned char *head = xmalloc(FWPKG_HEADER_MAX);
	FILE *f = fopen(path, "rbe");

	if (!f)
		return err_errno(err, "%s", path);
	size_t n = fread(head, 1, FWPKG_HEADER_MAX, f);
	bool bad = ferror(f);
	fclose(f);
	if (bad)
		return err_set(err, E_IO, "%s cannot be read", path);
	return fwpkg_parse(head, n, out, err);
}
