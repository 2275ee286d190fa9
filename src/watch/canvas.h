/* One line of a drawing as cells: a glyph and a style each. Everything is placed by column, so that colour, UTF-8 and characters
 * two columns wide (hangul in a note) never shift a column. */
#ifndef WATCH_CANVAS_H
#define WATCH_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANVAS_WIDTH_MIN 60
#define CANVAS_WIDTH_MAX 200

enum canvas_style {
  STYLE_PLAIN,
  STYLE_DIM,
  STYLE_BOLD,
  STYLE_GOOD,  /* green */
  STYLE_WARN,  /* yellow */
  STYLE_BAD,   /* red */
  STYLE_LEFT,  /* cyan: what goes from left to right */
  STYLE_RIGHT, /* magenta: what goes from right to left */
  STYLE_CALL,  /* blue */
  STYLES
};

struct canvas_cell {
  char glyph[5]; /* UTF-8, NUL-terminated; "": the second half of a wide glyph */
  uint8_t style; /* enum canvas_style */
};

struct canvas {
  uint16_t width; /* columns */
  bool utf8;      /* false: every glyph is replaced by an ASCII one */
  bool colour;
  struct canvas_cell cell[CANVAS_WIDTH_MAX];
};

void canvas_init(struct canvas *c, unsigned width, bool utf8, bool colour);
void canvas_clear(struct canvas *c);
/* Draws text from column at, at most up to column limit (not included); a text that is too long ends in an ellipsis. Returns the
 * column after it. */
unsigned canvas_put(struct canvas *c, unsigned at, unsigned limit, enum canvas_style style, const char *text);
/* Likewise, so that it ends before column end and does not begin before column low. Returns the column it begins at. */
unsigned canvas_put_right(struct canvas *c, unsigned low, unsigned end, enum canvas_style style, const char *text);
/* Columns [from, to) all of one glyph. */
void canvas_fill(struct canvas *c, unsigned from, unsigned to, enum canvas_style style, const char *glyph);
/* The line without its newline and trailing blanks; at most size bytes with the terminator. */
void canvas_text(const struct canvas *c, char *buf, size_t size);
/* Enough for any line. */
#define CANVAS_TEXT_MAX (CANVAS_WIDTH_MAX * 16 + 16)

/* Columns that a UTF-8 text takes. */
unsigned canvas_columns(const char *text);

#endif
