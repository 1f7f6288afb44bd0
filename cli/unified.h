/* unified - the difference of two texts as a unified diff, where it is known which line became which. */
#ifndef CLI_UNIFIED_H
#define CLI_UNIFIED_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* FROM[i], of N, is the number (from 1, never falling) of the line of OLD that line i of NEW was made of. Lines are ended by LF; CR is
 * part of a line. Three lines of context. Linear. */
void unified_print(FILE *to, const char *path, const char *old, size_t old_len, const char *now, size_t now_len, const uint32_t *from, size_t n);

#endif
