/* yeon/congestion.h: the algorithms that decide how much may be in flight. docs/congestion.md tells how to choose. */
#ifndef YEON_CONGESTION_H
#define YEON_CONGESTION_H

#include <yeon/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum yeon_congestion {
  YEON_CC_NEWRENO, /* RFC 5681, 6582: the textbook */
  YEON_CC_CUBIC,   /* RFC 9438, with HyStart++ (RFC 9406) */
  YEON_CC_BBR,     /* version 3, draft-ietf-ccwg-bbr */
  YEON_CC_COPA,    /* little delay comes first: NSDI 2018 */
  YEON_CONGESTIONS
};
/* "newreno", "cubic", "bbr", "copa". */
YEON_API const char *yeon_congestion_name(enum yeon_congestion algorithm);
/* An algorithm, or YEON_ERR_INVALID. "reno", as Linux calls it, is newreno. */
YEON_API int yeon_congestion_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
