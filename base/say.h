/* say - what a program tells the one who started it: its three standard streams, and sentences on them. */
#ifndef BASE_SAY_H
#define BASE_SAY_H

#include <stdbool.h>
#include <stdio.h>

/* First of all in main(). Where descriptor 0, 1 or 2 came closed, it is held in a way that reading and writing fail, or the next file
 * or socket that is opened would get its number, and what is printed would go into that. */
void say_hold_streams(void);

/* TEXT wrapped between words at WIDTH columns, every further line indented by INDENT. AT columns of the first line stand there already: 0 or
 * INDENT is a fresh line, else a space comes first. Its own line ends stay. Ends the line. */
void say_wrap(FILE *to, const char *text, size_t indent, size_t at, size_t width);

/* PREFIX (what stands before it on the line, LEN columns of it to be seen), then TEXT as a sentence: wrapped at 80 columns, further lines
 * indented by two, with a full stop at the end, unless it ends as a question does. */
void say_sentence(FILE *to, const char *prefix, size_t len, const char *text);

/* Did all that was printed to OUT reach its reader? A reader who left early (EPIPE) wanted no more; anything else (a full disk) is told
 * on ERR as PROGRAM, and is false: it must not look like success. */
bool say_arrived(FILE *out, FILE *err, const char *program);

#endif
