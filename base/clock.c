#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/err.h"

static struct {
	bool on;
	uint64_t state;
	int64_t now_ms, wall_ms;
} sim;

static int64_t read_clock(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
	return sim.on ? sim.now_ms : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return sim.on ? sim.wall_ms : read_clock(CLOCK_REALTIME);
}

/* splitmix64 (Steele, Lea, Flood 2014): enough to spread a test's seed. */
static uint64_t next_simulated(void)
{
	uint64_t z = (sim.state += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void clock_random(void *buf, size_t len)
{
	char *p = buf;
	while (len) {
		size_t n = len < 256 ? len : 256;
		if (sim.on) {
			uint64_t r = next_simulated();
			n = n < sizeof(r) ? n : sizeof(r);
			memcpy(p, &r, n);
		} else if (getrandom(p, n, 0) != (ssize_t)n) {
			BUG("getrandom failed");
		}
		p += n;
		len -= n;
	}
}

uint64_t clock_random_below(uint64_t n)
{
	uint64_t r, limit = UINT64_MAX - UINT64_MAX % n;
	do
		clock_random(&r, sizeof(r));
	while (r >= limit);
	return r % n;
}

int64_t clock_backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms)
{
	int64_t top = attempt < 20 ? base_ms << attempt : cap_ms;
	if (top > cap_ms)
		top = cap_ms;
	return 1 + (int64_t)clock_random_below((uint64_t)top);
}

void clock_stamp(int64_t wall_ms, char out[32])
{
	time_t s = (time_t)(wall_ms / 1000);
	struct tm tm;
	gmtime_r(&s, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void clock_simulate(uint64_t seed, int64_t wall_ms)
{
	sim.on = true;
	sim.state = seed;
	sim.now_ms = 1000;
	sim.wall_ms = wall_ms;
}

void clock_advance(int64_t ms)
{
	if (!sim.on)
		BUG("clock_advance on the real clock");
	sim.now_ms += ms;
	sim.wall_ms += ms;
}

void clock_jump_wall(int64_t ms)
{
	if (!sim.on)
		BUG("clock_jump_wall on the real clock");
	sim.wall_ms += ms;
}

bool clock_is_simulated(void)
{
	return sim.on;
}

void clock_real(void)
{
	sim.on = false;
}
