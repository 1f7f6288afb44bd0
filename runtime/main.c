#include <signal.h>
#include <stdio.h>

#include "runtime/command.h"

int main(int argc, char **argv)
{
	/* A closed pipe is an error of the write, reported once at the end. */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	return runtime_main(argc, argv, stdout, stderr);
}
