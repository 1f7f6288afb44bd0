#include "sim/upload.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum part { PART_OTHER, PART_PARAMETERS, PART_FILE };
enum state { PREAMBLE, DELIMITED, HEADERS, CONTENT, EPILOGUE };
enum { MAX_HEADERS = 8192, MAX_BOUNDARY = 70 };

struct upload_parser {
	EVP_MD_CTX *sha;
	char delimiter[MAX_BOUNDARY + 8];    /* CR LF "--" boundary */
	size_t delimiter_len, matched;
	enum state state;
	enum part part;
	char tail[2]; unsigned tail_len;     /* the two bytes behind a delimiter */
	struct str headers, parameters;
};

/* boundary=... of a Content-Type; false when there is none that is allowed. */
static bool find_boundary(const char *type, char out[MAX_BOUNDARY + 1])
{
	const char *at = strcasestr(type, "boundary=");
	size_t n;

	if (!at)
		return false;
	at += strlen("boundary=");
	if (*at == '"') {
		at++;
		n = strcspn(at, "\"");
	} else {
		n = strcspn(at, "; \t");
	}
	if (n < 1 || n > MAX_BOUNDARY)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return !strpbrk(out, "\r\n");
}

struct upload *upload_new(const char *content_type)
{
	struct upload *u = xcalloc(1, sizeof *u);
	struct upload_parser *p = xcalloc(1, sizeof *p);
	char boundary[MAX_BOUNDARY + 1];

	u->parser = p;
	p->sha = EVP_MD_CTX_new();
	if (!p->sha || EVP_DigestInit_ex(p->sha, EVP_sha256(), NULL) != 1)
		BUG("no SHA-256");
	str_init(&p->headers, MAX_HEADERS);
	str_init(&p->parameters, UPLOAD_MAX_PARAMETERS);
	u->multipart = content_type && strncasecmp(content_type, "multipart/form-data", 19) == 0;
	if (!u->multipart) {
		u->has_file = true;
		p->state = CONTENT;
		p->part = PART_FILE;
	} else if (find_boundary(content_type, boundary)) {
		p->delimiter_len = (size_t)snprintf(p->delimiter, sizeof p->delimiter, "\r\n--%s", boundary);
		p->matched = 2;              /* the first one may stand at the very beginning */
	} else {
		u->malformed = true;
	}
	return u;
}

static void content(struct upload *u, const char *data, size_t len)
{
	struct upload_parser *p = u->parser;
	size_t room = sizeof u->head - u->head_len;

	if (p->state != CONTENT || len == 0)
		return;
	if (p->part == PART_PARAMETERS)
		str_addn(&p->parameters, data, len);
	if (p->part != PART_FILE)
		return;
	if (room > len)
		room = len;
	memcpy(u->head + u->head_len, data, room);
	u->head_len += room;
	u->size += len;
	if (u->size > UPLOAD_MAX_BYTES)
		u->too_large = true;
	if (EVP_DigestUpdate(p->sha, data, len) != 1)
		BUG("SHA-256 failed");
}

/* The headers of a part are complete: which part is it? */
static void begin_part(struct upload *u)
{
	struct upload_parser *p = u->parser;
	const char *name = strcasestr(p->headers.at, "name=");

	p->part = PART_OTHER;
	if (str_full(&p->headers) || !name || !strcasestr(p->headers.at, "content-disposition:"))
		u->malformed = true;
	else if (strncmp(name + 5, "\"UpdateParameters\"", 18) == 0 || strncmp(name + 5, "UpdateParameters", 16) == 0)
		p->part = PART_PARAMETERS;
	else if (strncmp(name + 5, "\"UpdateFile\"", 12) == 0 || strncmp(name + 5, "UpdateFile", 10) == 0)
		p->part = PART_FILE;
	if ((p->part == PART_PARAMETERS && u->has_parameters) || (p->part == PART_FILE && u->has_file))
		u->malformed = true;
	u->has_parameters |= p->part == PART_PARAMETERS;
	u->has_file |= p->part == PART_FILE;
	p->state = CONTENT;
	p->matched = 0;
}

static void header_byte(struct upload *u, char c)
{
	struct upload_parser *p = u->parser;

	str_addc(&p->headers, c);
	if (str_full(&p->headers))
		u->malformed = true;
	if (str_has_suffix(p->headers.at, "\r\n\r\n") || strcmp(p->headers.at, "\r\n") == 0)
		begin_part(u);
}

static void delimited_byte(struct upload *u, char c)
{
	struct upload_parser *p = u->parser;

	if (p->tail_len == 0 && (c == ' ' || c == '\t'))
		return;
	p->tail[p->tail_len++] = c;
	if (p->tail_len < 2)
		return;
	if (memcmp(p->tail, "--", 2) == 0) {
		p->state = EPILOGUE;
	} else if (memcmp(p->tail, "\r\n", 2) == 0) {
		p->state = HEADERS;
		str_clear(&p->headers);
	} else {
		u->malformed = true;
	}
}

/* One run of bytes that may hold a delimiter; returns how many were eaten. CR stands only at a delimiter's begin, so a
 * failed match never has to look back. */
static size_t scan(struct upload *u, const char *data, size_t len)
{
	struct upload_parser *p = u->parser;
	const char *cr;

	if (p->matched == 0) {
		cr = memchr(data, '\r', len);
		content(u, data, cr ? (size_t)(cr - data) : len);
		if (!cr)
			return len;
		p->matched = 1;
		return (size_t)(cr - data) + 1;
	}
	if (*data != p->delimiter[p->matched]) {
		content(u, p->delimiter, p->matched);
		p->matched = 0;
		return 0;
	}
	if (++p->matched == p->delimiter_len) {
		p->state = DELIMITED;
		p->matched = p->tail_len = 0;
	}
	return 1;
}

bool upload_data(struct upload *u, const char *data, size_t len)
{
	size_t at = 0;

	if (!u->multipart)
		content(u, data, len);
	while (u->multipart && at < len && !u->malformed && u->parser->state != EPILOGUE) {
		if (u->parser->state == HEADERS)
			header_byte(u, data[at++]);
		else if (u->parser->state == DELIMITED)
			delimited_byte(u, data[at++]);
		else
			at += scan(u, data + at, len - at);
	}
	return !u->too_large;
}

void upload_finish(struct upload *u)
{
	struct upload_parser *p = u->parser;
	unsigned char digest[32];

	if (u->multipart && p->state != EPILOGUE)
		u->malformed = true;
	if (str_full(&p->parameters))
		u->malformed = true;
	if (u->has_parameters && u->multipart && !u->parameters) {
		u->parameters_len = p->parameters.len;
		u->parameters = str_take(&p->parameters);
	}
	if (EVP_DigestFinal_ex(p->sha, digest, NULL) != 1)
		BUG("SHA-256 failed");
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(u->sha256 + 2 * i, 3, "%02x", digest[i]);
}

void upload_free(struct upload *u)
{
	if (!u)
		return;
	EVP_MD_CTX_free(u->parser->sha);
	str_release(&u->parser->headers);
	str_release(&u->parser->parameters);
	free(u->parser);
	free(u->parameters);
	free(u);
}
