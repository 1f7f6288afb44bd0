#include "providers/kube/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "providers/kube/target.h"
#include "providers/textfile.h"

/* A primitive is one file; what differs is how a configuration is written as text and read back from it. */
typedef void text_fn(const json_t *config, struct str *out);
typedef json_t *actual_fn(const char *path, const char *text, size_t len);

static int read_at(struct task *t, struct op *op, const char *path, actual_fn *actual, struct err *err)
{
	const struct target *self = op->self;
	char *text = NULL;
	size_t len = 0;
	if (!path)
		return err_set(err, E_INPUT, "%s has no path", op->address);
	int rc = textfile_read(t, self->dir, path, &text, &len, err);
	if (rc == 0 && text)
		op->actual = actual(path, text, len);
	free(text);
	return rc;
}

/* Where the state remembers it, as long as it is there: it goes from there when the spec puts it elsewhere. */
static int read_file(struct task *t, struct op *op, actual_fn *actual, struct err *err)
{
	const char *wanted = json_str(op->config, "path"), *known = json_str(op->prior, "path");
	int rc = known ? read_at(t, op, known, actual, err) : 0;
	if (rc || op->actual || (known && (!wanted || strcmp(known, wanted) == 0)))
		return rc;
	return read_at(t, op, wanted, actual, err);
}

static int write_file(struct task *t, struct op *op, text_fn *text, actual_fn *actual, struct err *err)
{
	const struct target *self = op->self;
	autostr struct str s;
	str_init(&s, TEXTFILE_MAX);
	text(op->config, &s);
	if (str_full(&s))
		return err_set(err, E_INPUT, "%s is larger than the limit of %zu MiB", op->address, TEXTFILE_MAX >> 20);
	int rc = textfile_write(t, self->dir, json_str(op->config, "path"), s.at, s.len, err);
	return rc ? rc : read_at(t, op, json_str(op->config, "path"), actual, err);
}

/* A file that holds something else than what we wrote is someone's: it stays. */
static int remove_file(struct task *t, struct op *op, text_fn *text, struct err *err)
{
	const struct target *self = op->self;
	const char *path = json_str(op->prior, "path");
	char *have = NULL;
	size_t len = 0;
	autostr struct str s;
	str_init(&s, STR_OURS);
	if (!path)
		return err_set(err, E_INPUT, "%s has no path", op->address);
	int rc = textfile_read(t, self->dir, path, &have, &len, err);
	if (rc || !have)
		return rc;
	text(op->prior, &s);
	bool ours = s.len == len && memcmp(s.at, have, len) == 0;
	free(have);
	if (ours)
		return textfile_remove(t, self->dir, path, err);
	op_progress(op, -1, "%s was changed by someone else: left as it is", path);
	return 0;
}

int file_node_read(struct task *t, struct op *op, struct err *err)
{
	return read_file(t, op, node_actual, err);
}

int file_node_write(struct task *t, struct op *op, struct err *err)
{
	return write_file(t, op, node_text, node_actual, err);
}

int file_node_remove(struct task *t, struct op *op, struct err *err)
{
	return remove_file(t, op, node_text, err);
}

int file_manifest_read(struct task *t, struct op *op, struct err *err)
{
	return read_file(t, op, manifest_actual, err);
}

int file_manifest_write(struct task *t, struct op *op, struct err *err)
{
	return write_file(t, op, manifest_text, manifest_actual, err);
}

int file_manifest_remove(struct task *t, struct op *op, struct err *err)
{
	return remove_file(t, op, manifest_text, err);
}
