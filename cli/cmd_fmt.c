#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/unified.h"
#include "cli/work.h"
#include "lang/fmt.h"

enum { MAX_FILES = 100000, MAX_DEPTH = 50 };

struct fmt_opts { bool check, diff, use_stdin, recursive; };

static const struct opt fmt_options[] = {
	{ 0, "check", NULL, "change nothing; name files that are not formatted, and exit with 1", OPT_FLAG, offsetof(struct fmt_opts, check), NULL },
	{ 0, "diff", NULL, "change nothing; print what would change", OPT_FLAG, offsetof(struct fmt_opts, diff), NULL },
	{ 'r', "recursive", NULL, "folders below too, but for hidden ones", OPT_FLAG, offsetof(struct fmt_opts, recursive), NULL },
	{ 0, "stdin", NULL, "format standard input to standard output", OPT_FLAG, offsetof(struct fmt_opts, use_stdin), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

struct fmt_run {
	struct cli *cli;
	const struct fmt_opts *o;
	struct diags *diags;
	VEC(char *) files;
	json_t *changed;             /* names, for --json */
	bool failed;
};

/* --- one text ------------------------------------------------------------------------------------------------------- */

static void fail(struct fmt_run *r, const struct err *err)
{
	r->failed = true;
	if (err->msg[0])
		cli_fail(r->cli, err);
}

static void tell(struct fmt_run *r, const char *path, const char *text, size_t len, const struct str *now, const struct fmt_lines *lines)
{
	json_array_append_new(r->changed, json_string_safe(path, strlen(path)));
	if (r->cli->json)
		return;
	if (r->o->diff)
		unified_print(r->cli->out, path, text, len, now->at, now->len, lines->at, lines->len);
	else
		fprintf(r->cli->out, "%s\n", path);
}

/* Replaces the file a name stands for (through symbolic links), with the same mode. */
static int replace(const char *path, const struct str *now, struct err *err)
{
	struct stat st;
	autofree char *real = realpath(path, NULL);
	if (!real || stat(real, &st) != 0)
		return err_errno(err, "cannot look at %s", path);
	if (access(real, W_OK) != 0)
		return err_errno(err, "cannot write %s", path);
	return file_write(real, now->at, now->len, st.st_mode & 07777, err);
}

static void format(struct fmt_run *r, const char *path, const char *text, size_t len, bool to_stdout)
{
	struct err err = { 0 };
	struct fmt_lines lines = { 0 };
	struct source src = { path, text, len };
	autostr struct str now;
	str_init(&now, FMT_MAX * (size_t)2);
	int rc = fmt_text(&src, r->diags, &now, r->o->diff ? &lines : NULL, &err);
	bool same = !rc && now.len == len && memcmp(now.at, text, len) == 0;
	if (rc) {
		fail(r, &err);
	} else if (to_stdout && !r->o->check && !r->o->diff) {
		fwrite(now.at, 1, now.len, r->cli->out);
	} else if (!same) {
		if (!to_stdout && !r->o->check && !r->o->diff && replace(path, &now, &err))
			fail(r, &err);
		else
			tell(r, path, text, len, &now, &lines);
	}
	vec_free(&lines);
}

static void format_stdin(struct fmt_run *r)
{
	autostr struct str text;
	char buf[65536];
	ssize_t n;
	str_init(&text, FMT_MAX);
	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			str_addn(&text, buf, (size_t)n);
	if (n < 0 || str_full(&text)) {
		struct err err = { 0 };
		if (n < 0)
			err_errno(&err, "cannot read standard input");
		else
			err_set(&err, E_INPUT, "standard input is larger than the limit of %d MiB", FMT_MAX >> 20);
		fail(r, &err);
		return;
	}
	format(r, "(stdin)", text.at, text.len, true);
}

/* --- files -------------------------------------------------------------------------------------------------------------- */

static bool is_ours(const char *name)
{
	return name[0] != '.' && (str_has_suffix(name, ".aipc.yaml") || str_has_suffix(name, ".aipctest.yaml"));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_folder(struct fmt_run *r, const char *path, unsigned depth, struct err *err)
{
	VEC(char *) folders = { 0 };
	DIR *d = opendir(path);
	int rc = 0;
	if (!d)
		return err_errno(err, "cannot read the folder %s", path);
	for (struct dirent *e; (e = readdir(d)) != NULL && r->files.len < MAX_FILES; ) {
		struct stat st;
		char *full = strcmp(path, ".") == 0 ? xstrdup(e->d_name) : file_join(path, e->d_name);
		bool folder = r->o->recursive && e->d_name[0] != '.' && lstat(full, &st) == 0 && S_ISDIR(st.st_mode);
		if (is_ours(e->d_name))
			vec_push(&r->files, full);
		else if (folder && depth < MAX_DEPTH)
			vec_push(&folders, full);
		else
			free(full);
	}
	closedir(d);
	for (size_t i = 0; i < folders.len; i++) {
		if (!rc)
			rc = add_folder(r, folders.at[i], depth + 1, err);
		free(folders.at[i]);
	}
	vec_free(&folders);
	return rc;
}

static void gather(struct fmt_run *r, const char *path)
{
	struct stat st;
	struct err err = { 0 };
	if (stat(path, &st) != 0) {
		err_errno(&err, "cannot look at %s", path);
		fail(r, &err);
	} else if (!S_ISDIR(st.st_mode)) {
		vec_push(&r->files, xstrdup(path));
	} else if (add_folder(r, path, 0, &err)) {
		fail(r, &err);
	}
}

static void format_files(struct fmt_run *r)
{
	if (r->files.len)
		qsort(r->files.at, r->files.len, sizeof(*r->files.at), by_name);
	for (size_t i = 0; i < r->files.len; i++) {
		struct err err = { 0 };
		autofree char *text = NULL;
		size_t len;
		bool repeat = i > 0 && strcmp(r->files.at[i], r->files.at[i - 1]) == 0;
		if (!repeat && file_read(r->files.at[i], FMT_MAX, &text, &len, &err))
			fail(r, &err);
		else if (!repeat)
			format(r, r->files.at[i], text, len, false);
	}
	for (size_t i = 0; i < r->files.len; i++)
		free(r->files.at[i]);
	vec_free(&r->files);
}

static int fmt_run(struct cli *c)
{
	struct fmt_run r = { .cli = c, .o = c->opts, .diags = diags_new(), .changed = json_array() };
	bool input = r.o->use_stdin || (c->n_args == 1 && strcmp(c->args[0], "-") == 0);
	if (r.o->use_stdin && c->n_args) {
		diags_free(r.diags);
		json_decref(r.changed);
		return cli_usage(c, "--stdin takes no files");
	}
	if (input)
		format_stdin(&r);
	for (size_t i = 0; !input && i < c->n_args; i++)
		gather(&r, c->args[i]);
	if (!input && c->n_args == 0)
		gather(&r, ".");
	format_files(&r);
	work_print_diags(c, r.diags, NULL);
	size_t n = json_array_size(r.changed);
	if (c->json) {
		autojson json_t *j = json_pack("{s:O}", "changed", r.changed);
		autofree char *text = json_text(j);
		fprintf(c->out, "%s\n", text);
	}
	diags_free(r.diags);
	json_decref(r.changed);
	return r.failed || (r.o->check && n) ? EXIT_ERROR : EXIT_OK;
}

const struct command cmd_fmt = {
	.name = "fmt", .args = "[PATH | -]...", .brief = "write spec files in the canonical layout",
	.about = "Formats *.aipc.yaml and *.aipctest.yaml files of the folder (or the files and folders named), and prints the names of those it "
		 "changed. Comments, line breaks and meaning stay; a file that cannot be read is reported and left alone, and before a file is "
		 "replaced the new text is read back and compared with the old one.",
	.examples = { { "aipc fmt", "format the folder you are in" }, { "aipc fmt --check -r", "in CI: exit 1 when a file would change" },
		      { "aipc fmt - < main.aipc.yaml", "for an editor" } },
	.opts = fmt_options, .opts_size = sizeof(struct fmt_opts),
	.max = 10000, .group = GROUP_OTHER, .json = true, .run = fmt_run,
};
