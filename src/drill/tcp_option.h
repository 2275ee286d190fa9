/* Kinds of TCP options, also of those the host does not speak: a script may send any of them. */
#ifndef DRILL_TCP_OPTION_H
#define DRILL_TCP_OPTION_H

enum drill_option_kind {
  TCP_OPTION_EOL = 0,
  TCP_OPTION_NOP = 1,
  TCP_OPTION_MSS = 2,
  TCP_OPTION_WSCALE = 3,
  TCP_OPTION_SACK_OK = 4,
  TCP_OPTION_SACK = 5,
  TCP_OPTION_TS = 8,
  TCP_OPTION_MD5 = 19,
  TCP_OPTION_FASTOPEN = 34,
  TCP_OPTION_ACCECN0 = 172,
  TCP_OPTION_ACCECN1 = 174,
  TCP_OPTION_EXP = 254
};
#define TCP_OPTION_EXP_FASTOPEN 0xf989u /* magic number in an experimental option */

#endif
