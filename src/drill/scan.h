/* Reading a script's characters. The language's words change their meaning with the place (".5" is a time, a flag
 * with a number, or a part of "..."), so there are no tokens: each rule of the parser takes from the text what it
 * knows. After a failure everything answers "no". */
#ifndef DRILL_SCAN_H
#define DRILL_SCAN_H

#include "drill/script.h"

struct drill_scan {
  struct drill_script *script;
  const char *p, *end, *start;
  int line;
  unsigned depth; /* brackets open in the value that is being read */
  bool failed;
};

/* Blanks, line ends and comments. */
void scan_blank(struct drill_scan *s);
bool scan_at_end(struct drill_scan *s);
/* After blanks: is the next character c; accept takes it. */
bool scan_peek(struct drill_scan *s, char c);
bool scan_accept(struct drill_scan *s, char c);
bool scan_accept_text(struct drill_scan *s, const char *text);
void scan_expect(struct drill_scan *s, char c);
/* The next is this word, whole; taken. */
bool scan_keyword(struct drill_scan *s, const char *word);
/* A name: letters, digits, '_'. NULL: none here. */
const char *scan_word(struct drill_scan *s);
/* Everything up to a blank. */
const char *scan_run(struct drill_scan *s);
bool scan_digit(struct drill_scan *s);
/* A decimal or 0x number, with '-'. */
int64_t scan_integer(struct drill_scan *s);
uint32_t scan_u32(struct drill_scan *s);
/* Seconds with a fraction, as time. */
yeon_time scan_seconds(struct drill_scan *s);
/* The script is wrong here. */
void scan_fail(struct drill_scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The script may be right, but not here. */
void scan_needs(struct drill_scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The rules, a file each. */
struct drill_value *parse_value(struct drill_scan *s);
/* A list up to the closing character, which is taken; members may have names. */
struct drill_value *parse_values(struct drill_scan *s, char close, unsigned *count);
struct drill_call *parse_call(struct drill_scan *s);
struct drill_packet *parse_packet(struct drill_scan *s);
void parse_options(struct drill_scan *s, struct drill_packet *packet);

#endif
