/* aipc schema: the language as JSON Schema, and how editors come to use it. */
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/reference.h"

#define SCHEMA_FILE ".aipc/schema.json"
#define TESTS_FILE ".aipc/test-schema.json"
#define SETTINGS_FILE ".vscode/settings.json"
enum { MAX_SETTINGS = 4 << 20 };

struct schema_opts { const char *install; bool tests; };

static const char *const editors[] = { "vscode", "neovim", "helix", "modeline", NULL };

static const struct opt schema_options[] = {
	{ 0, "install", "EDITOR", "write " SCHEMA_FILE " and wire it into vscode, or say how for neovim, helix, modeline", OPT_TEXT,
	  offsetof(struct schema_opts, install), editors },
	{ 0, "tests", NULL, "the schema of files of tests, *.aipctest.yaml", OPT_FLAG, offsetof(struct schema_opts, tests), NULL },
	{ 0, NULL, NULL, NULL, OPT_FLAG, 0, NULL },
};

/* What to put into the settings of editors that aipc does not write to. */
static const struct { const char *editor, *text; } advice[] = {
	{ "neovim", "Put this into your Neovim configuration (yaml-language-server through lspconfig):\n\n"
		    "  require(\"lspconfig\").yamlls.setup({ settings = { yaml = { schemas = {\n"
		    "    [\"" SCHEMA_FILE "\"] = \"*.aipc.yaml\",\n    [\"" TESTS_FILE "\"] = \"*.aipctest.yaml\",\n  } } } })\n" },
	{ "helix", "Put this into .helix/languages.toml (yaml-language-server):\n\n"
		   "  [language-server.yaml-language-server.config.yaml.schemas]\n"
		   "  \"" SCHEMA_FILE "\" = \"*.aipc.yaml\"\n  \"" TESTS_FILE "\" = \"*.aipctest.yaml\"\n" },
	{ "modeline", "Put this line at the top of each *.aipc.yaml file (for *.aipctest.yaml with " TESTS_FILE "); every editor with the "
		      "yaml-language-server obeys it:\n\n  # yaml-language-server: $schema=" SCHEMA_FILE "\n" },
};

static char *schema_text(bool tests)
{
	autojson json_t *j = tests ? reference_tests() : reference_language();
	struct str text;
	str_init(&text, STR_OURS);
	json_write(j, 2, &text);
	str_addc(&text, '\n');
	char *copy = xstrdup(text.at);
	str_release(&text);
	return copy;
}

/* The settings with our entry added; NULL when the file is no plain JSON (editors allow comments in it), which is then left alone. */
static json_t *with_schema(const char *text, size_t len)
{
	json_t *j = len ? json_loadb(text, len, 0, NULL) : json_object(), *schemas;
	if (!json_is_object(j))
		goto no;
	schemas = json_object_get(j, "yaml.schemas");
	if (!schemas) {
		schemas = json_object();
		json_put_new(j, "yaml.schemas", schemas);
	}
	if (!json_is_object(schemas))
		goto no;
	json_put_str(schemas, "./" SCHEMA_FILE, "*.aipc.yaml");
	json_put_str(schemas, "./" TESTS_FILE, "*.aipctest.yaml");
	return j;
no:
	json_decref(j);
	return NULL;
}

static int install_vscode(struct cli *c, struct err *err)
{
	autofree char *text = NULL;
	size_t len = 0;
	int rc = file_read(SETTINGS_FILE, MAX_SETTINGS, &text, &len, err);
	if (rc && rc != E_NOTFOUND)
		return rc;
	autojson json_t *settings = with_schema(text, rc ? 0 : len);
	if (!settings) {
		fprintf(c->out, SETTINGS_FILE " is no plain JSON (it may hold comments) and was left alone. Add to it:\n\n"
			"  \"yaml.schemas\": { \"./" SCHEMA_FILE "\": \"*.aipc.yaml\", \"./" TESTS_FILE "\": \"*.aipctest.yaml\" }\n");
		return 0;
	}
	/* In the order of the user's file. */
	autofree char *all = json_dumps(settings, JSON_INDENT(2) | JSON_ENCODE_ANY), *lines = xasprintf("%s\n", all);
	rc = file_mkdirs(".vscode", err);
	if (!rc)
		rc = file_write(SETTINGS_FILE, lines, strlen(lines), 0644, err);
	if (!rc)
		fprintf(c->out, "Wrote " SETTINGS_FILE "; the extension \"YAML\" (redhat.vscode-yaml) reads it.\n");
	return rc;
}

static int install(struct cli *c, const char *editor)
{
	struct err err = { 0 };
	autofree char *text = schema_text(false), *tests = schema_text(true);
	int rc = file_mkdirs(".aipc", &err);
	if (!rc)
		rc = file_write(SCHEMA_FILE, text, strlen(text), 0644, &err);
	if (!rc)
		rc = file_write(TESTS_FILE, tests, strlen(tests), 0644, &err);
	if (!rc)
		fprintf(c->out, "Wrote " SCHEMA_FILE " and " TESTS_FILE ".\n");
	if (!rc && strcmp(editor, "vscode") == 0)
		rc = install_vscode(c, &err);
	for (size_t i = 0; !rc && i < ARRAY_LEN(advice); i++)
		if (strcmp(advice[i].editor, editor) == 0)
			fprintf(c->out, "%s", advice[i].text);
	return rc ? cli_fail(c, &err) : EXIT_OK;
}

static int schema_run(struct cli *c)
{
	const struct schema_opts *o = c->opts;
	if (o->install)
		return install(c, o->install);
	autofree char *text = schema_text(o->tests);
	fputs(text, c->out);
	return EXIT_OK;
}

const struct command cmd_schema = {
	.name = "schema", .args = "", .brief = "print the JSON Schema of the language, for editors",
	.about = "Prints the JSON Schema (draft-07) of *.aipc.yaml files: all blocks, and all resource types and providers with the meaning of "
		 "each attribute, for completion and checks while you type; with --tests that of *.aipctest.yaml files. --install writes both to .aipc/ and "
		 "tells an editor of them.",
	.examples = { { "aipc schema --install vscode", "completion in VS Code, in this folder" }, { "aipc schema > aipc.schema.json", "for any other tool" } },
	.opts = schema_options, .opts_size = sizeof(struct schema_opts),
	.group = GROUP_READ, .json = true, .run = schema_run,
};
