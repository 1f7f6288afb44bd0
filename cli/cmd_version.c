#include "cli/cli.h"

static int version_run(struct cli *c)
{
	if (c->json)
		fprintf(c->out, "{\"version\":\"%s\"}\n", AIPC_VERSION);
	else
		fprintf(c->out, "aipc %s\n", AIPC_VERSION);
	return EXIT_OK;
}

const struct command cmd_version = {
	.name = "version", .args = "", .brief = "print the version",
	.about = "Prints the version of this program.",
	.group = GROUP_OTHER, .json = true, .run = version_run,
};
