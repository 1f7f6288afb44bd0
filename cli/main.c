#include <signal.h>
#include <stdio.h>

#include "base/say.h"
#include "cli/cli.h"

int main(int argc, char **argv)
{
	say_hold_streams();
	/* A closed pipe is an error of the write, reported once at the end, not a death in the middle of an apply. */
	signal(SIGPIPE, SIG_IGN);
	/* Diagnostics are written in small pieces: one write a line is enough. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	return cli_main(argc, argv, stdout, stderr);
}
