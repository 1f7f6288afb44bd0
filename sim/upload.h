/* upload - an image on its way in, taken in pieces: hashed, measured, its first bytes kept, the rest forgotten.
 *
 * Takes multipart/form-data (DSP0266 12.6.2: parts UpdateParameters, UpdateFile, OEM parts ignored) and raw bodies.
 * Hostile input ends in upload.malformed, never in memory: part headers at most 8 KiB, UpdateParameters at most 64 KiB.
 */
#ifndef SIM_UPLOAD_H
#define SIM_UPLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { UPLOAD_HEAD = 4096, UPLOAD_MAX_PARAMETERS = 65536, UPLOAD_MAX_BYTES = 419627008 };

struct upload {
	bool multipart, malformed, too_large;
	bool has_file, has_parameters;
	char head[UPLOAD_HEAD]; size_t head_len;
	char *parameters; size_t parameters_len;     /* JSON text, terminated; NULL: none */
	uint64_t size;
	char sha256[65];             /* after upload_finish() */
	struct upload_parser *parser;
};

/* CONTENT_TYPE as in the request; NULL or not multipart: a raw body. */
struct upload *upload_new(const char *content_type);
/* The next piece; false when it is too large to go on. */
bool upload_data(struct upload *u, const char *data, size_t len);
void upload_finish(struct upload *u);
void upload_free(struct upload *u);                  /* NULL is fine */

#endif
