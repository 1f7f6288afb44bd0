/* How long `aipc version` takes and how much memory, beside the same for /bin/true in the same run: what a program costs before
 * it does anything. The child's peak counts the pages of the process that spawned it, so that one must be small: this is no script. */
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS = 101 };

struct cost { double wall_ms[RUNS], cpu_ms[RUNS]; long peak_kib; };

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static void run(char *const argv[], struct cost *c, int i)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	struct rusage used;
	pid_t pid;
	int status;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	double start = now_ms();
	if (posix_spawn(&pid, argv[0], &files, NULL, argv, environ) != 0 || wait4(pid, &status, 0, &used) != pid || status != 0) {
		fprintf(stderr, "%s failed\n", argv[0]);
		exit(1);
	}
	c->wall_ms[i] = now_ms() - start;
	c->cpu_ms[i] = ms(used.ru_utime) + ms(used.ru_stime);
	c->peak_kib = used.ru_maxrss > c->peak_kib ? used.ru_maxrss : c->peak_kib;
	posix_spawn_file_actions_destroy(&files);
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, RUNS, sizeof(*v), rising);
	return v[RUNS / 2];
}

int main(int argc, char **argv)
{
	static struct cost ours, nothing;
	char self[4096], aipc[4200];
	(void)argc;
	snprintf(self, sizeof(self), "%s", argv[0]);
	snprintf(aipc, sizeof(aipc), "%s/../aipc", dirname(self));
	char *const a[] = { aipc, (char[]){ "version" }, NULL }, *const b[] = { (char[]){ "/bin/true" }, NULL };
	for (int i = 0; i < RUNS; i++) {             /* by turns, so that both meet the same noise */
		run(a, &ours, i);
		run(b, &nothing, i);
	}
	double wall = median(ours.wall_ms), floor_ms = median(nothing.wall_ms);
	printf("bench version wall_ms %.2f ms\n", wall);
	printf("bench version best_wall_ms %.2f ms\n", ours.wall_ms[0]);
	printf("bench version cpu_ms %.2f ms\n", median(ours.cpu_ms));
	printf("bench version true_wall_ms %.2f ms\n", floor_ms);
	printf("bench version over_true %.1f times\n", wall / floor_ms);
	printf("bench version peak_mib %.1f MiB\n", (double)ours.peak_kib / 1024);
	return 0;
}
