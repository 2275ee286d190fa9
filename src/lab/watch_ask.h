/* How a lab is asked to be watched. */
#ifndef LAB_WATCH_ASK_H
#define LAB_WATCH_ASK_H

#include "lab/lab.h"

#define LAB_WATCH_WORDS 256 /* bytes of a request's words */

/* A descriptor to write this file with; "-": standard output. -1 and errno. */
int lab_watch_file(const char *path);
/* The words that ask for a ladder, YEON_LADDER_* flags; how many bytes they have. */
size_t lab_watch_ladder(char words[LAB_WATCH_WORDS], unsigned flags, unsigned width);
/* Asks and waits until it has begun. 0, or 2 and a line on standard error. */
int lab_watch_begin(int lab_fd, const char *words, size_t len, const char *path, struct lab_letter *letter);
/* A command to the cable, its words with spaces between. 0, or 2 and a line on standard error. */
int lab_watch_cable(int lab_fd, const char *text, struct lab_letter *letter);
/* Ends all that was asked for on this connection; when it returns all is written. */
void lab_watch_stop(int lab_fd, struct lab_letter *letter);

#endif
