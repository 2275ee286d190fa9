/* Events as lines, for the replay of a seed with -v. */
#ifndef TESTS_SHOW_H
#define TESTS_SHOW_H

#include <yeon/event.h>

void show_event(void *ctx, const struct yeon_event *event);

#endif
