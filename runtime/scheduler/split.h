/* split - over which children of a domain to spread N units: as few children as possible, then as little left over in them as possible.
 *
 * For identical units, taking the largest children first gives the least number of them; among the choices of that many children the one
 * with the least sum that still holds N is found exactly (a subset-sum table of children x number x sum) while that table has at
 * most SPLIT_TABLE cells, else by best fit for the last child.
 */
#ifndef RUNTIME_SCHEDULER_SPLIT_H
#define RUNTIME_SCHEDULER_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPLIT_TABLE = 4 << 20 };

/* CAP[i] >= 0 is what child i holds; SHARE[i] becomes what it gets. All chosen children but the largest are filled. False when all
 * together hold less than N. */
bool split(const int64_t *cap, size_t children, int64_t n, int64_t *share);
/* The number of children that N needs at least; children + 1 when they do not hold it. */
size_t split_count(const int64_t *cap, size_t children, int64_t n);

#endif
