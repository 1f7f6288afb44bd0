/* clock - time and randomness behind one seam.
 *
 * Nothing else in the tree calls time(2), clock_gettime(2), rand(3) or getrandom(2). By default this is the real
 * world. clock_simulate() replaces it for a test: time stands still until clock_advance() or an idle task loop moves it
 * (base/task.h jumps to the next timer instead of sleeping), and random bytes come from the seed.
 * All times are milliseconds.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ms(void);                  /* monotonic; only differences mean something */
int64_t clock_wall_ms(void);                 /* since 1970-01-01 UTC */
void clock_random(void *buf, size_t len);    /* good enough for keys and tokens unless simulated */
uint64_t clock_random_below(uint64_t n);     /* uniform in [0, n); n > 0 */
/* Full-jitter backoff: uniform in [1, min(cap, base * 2^attempt)]. */
int64_t clock_backoff_ms(unsigned attempt, int64_t base_ms, int64_t cap_ms);
/* "2026-10-31T14:03:59Z". */
void clock_stamp(int64_t wall_ms, char out[32]);

void clock_simulate(uint64_t seed, int64_t wall_ms);
void clock_advance(int64_t ms);              /* simulated clock only */
bool clock_is_simulated(void);
void clock_jump_wall(int64_t ms);              /* simulated clock only: somebody sets the wall clock */
void clock_real(void);                       /* back to the real world */

#endif
