/* local_file: what a file beside the spec holds. */
#include <string.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "providers/core/core.h"

enum { MAX_FILE_TEXT = 16 << 20 };

static const struct attr attrs[] = {
	{ .name = "filename", .type = ATTR_STRING, .flags = ATTR_REQUIRED, .help = "The file, relative to the folder of the spec; at most 16 MiB." },
	{ .name = "sensitive", .type = ATTR_BOOL, .deflt = "false", .help = "What the file holds is not to be shown." },
	{ .name = "content", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "Its text; null when it is not UTF-8." },
	{ .name = "content_base64", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "Its bytes in base64." },
	{ .name = "content_md5", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "MD5 of its bytes, in hex." },
	{ .name = "content_sha1", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "SHA-1 of its bytes, in hex." },
	{ .name = "content_sha256", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "SHA-256 of its bytes, in hex." },
	{ .name = "content_sha512", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "SHA-512 of its bytes, in hex." },
	{ .name = "id", .type = ATTR_STRING, .flags = ATTR_COMPUTED, .help = "The same as content_sha1." },
	{ .name = "size", .type = ATTR_INT, .flags = ATTR_COMPUTED, .help = "Its length in bytes." },
	{ 0 },
};

static void put_digest(json_t *to, const char *name, const EVP_MD *md, const char *text, size_t len)
{
	unsigned char d[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;
	if (EVP_Digest(text, len, d, &n, md, NULL) != 1)
		BUG("no digest for %s", name);
	for (unsigned i = 0; i < n; i++)
		snprintf(hex + (size_t)2 * i, 3, "%02x", d[i]);
	json_put_str(to, name, hex);
}

static void put_base64(json_t *to, const char *text, size_t len)
{
	autofree unsigned char *out = xmalloc(4 * ((len + 2) / 3) + 1);
	EVP_EncodeBlock(out, (const unsigned char *)text, (int)len);
	json_put_str(to, "content_base64", (const char *)out);
}

static int read_file(struct task *t, struct op *op, struct err *err)
{
	const char *name = json_str(op->config, "filename");
	autofree char *path = file_join(op->self, name), *text = NULL;
	size_t len = 0;
	(void)t;
	struct err why = { 0 };
	int rc = file_read(path, MAX_FILE_TEXT, &text, &len, &why);
	if (rc)
		return err_set(err, rc == E_NOTFOUND ? rc : E_INPUT, "%s", why.msg);
	op->actual = json_object();
	op->sensitive = json_is_true(json_at(op->config, "sensitive"));
	json_put_new(op->actual, "content", json_stringn(text, len));
	if (!json_at(op->actual, "content"))
		json_put_new(op->actual, "content", json_null());
	put_base64(op->actual, text, len);
	put_digest(op->actual, "content_md5", EVP_md5(), text, len);
	put_digest(op->actual, "content_sha1", EVP_sha1(), text, len);
	put_digest(op->actual, "content_sha256", EVP_sha256(), text, len);
	put_digest(op->actual, "content_sha512", EVP_sha512(), text, len);
	put_digest(op->actual, "id", EVP_sha1(), text, len);
	json_put_int(op->actual, "size", (json_int_t)len);
	return 0;
}

const struct resource_type core_data_file = {
	.name = "local_file",
	.help = "What a file on this machine holds when the plan is made.",
	.version = 1,
	.attrs = attrs,
	.read = read_file,
};
