#include <signal.h>
#include <stdio.h>

#include "base/say.h"
#include "runtime/command.h"

int main(int argc, char **argv)
{
	say_hold_streams();
	/* A closed pipe is an error of the write, reported once at the end. */
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stderr, NULL, _IOLBF, 0);
	return runtime_main(argc, argv, stdout, stderr);
}
