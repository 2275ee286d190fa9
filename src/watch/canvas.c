#include "watch/canvas.h"

#include <assert.h>
#include <string.h>

/* Select Graphic Rendition numbers of ECMA-48, the 8 colours that every terminal has. */
static const char *const style_code[STYLES] = {
    [STYLE_PLAIN] = "0",    [STYLE_DIM] = "0;2",   [STYLE_BOLD] = "0;1",   [STYLE_GOOD] = "0;32", [STYLE_WARN] = "0;33",
    [STYLE_BAD] = "0;1;31", [STYLE_LEFT] = "0;36", [STYLE_RIGHT] = "0;35", [STYLE_CALL] = "0;34",
};

/* What stands for our own glyphs where the locale knows only ASCII; one column each. */
static const struct {
  const char *utf8;
  char ascii;
} plain[] = {
    {"│", '|'}, {"┊", ':'}, {"─", '-'}, {"━", '='}, {"┄", '.'}, {"├", '+'}, {"┤", '+'}, {"┝", '+'},
    {"┥", '+'}, {"▶", '>'}, {"◀", '<'}, {"●", '*'}, {"✕", 'X'}, {"◷", '@'}, {"↻", '^'}, {"→", '>'},
    {"←", '<'}, {"·", ','}, {"‹", '<'}, {"›", '>'}, {"…", '~'}, {"⋮", ':'}, {"×", 'x'}, {"▸", '>'},
    {"✓", '+'}, {"✗", '!'}, {"≠", '!'}, {"µ", 'u'}, {"└", '`'}, {"⇒", '>'},
};

/* The length in bytes of the UTF-8 sequence at s (>= 1; broken sequences count byte by byte) and its code point. */
static size_t decode(const char *s, uint32_t *code)
{
  const unsigned char *p = (const unsigned char *)s;
  size_t n = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
  if (n == 0) n = 1;
  uint32_t value = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
  for (size_t i = 1; i < n; i++) {
    if ((p[i] & 0xc0) != 0x80) {
      *code = 0xfffd;
      return 1;
    }
    value = value << 6 | (p[i] & 0x3fu);
  }
  *code = n == 1 && p[0] >= 0x80 ? 0xfffd : value;
  return n;
}

/* Columns of a code point: 2 for the East Asian wide blocks and emoji, 0 for combining marks, else 1. */
static unsigned columns_of(uint32_t code)
{
  static const struct {
    uint32_t first, last;
  } wide[] = {{0x1100, 0x115f}, {0x2e80, 0x303e},   {0x3041, 0xa4cf},  {0xa960, 0xa97f},
              {0xac00, 0xd7a3}, {0xf900, 0xfaff},   {0xfe30, 0xfe6f},  {0xff00, 0xff60},
              {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
  if ((code >= 0x300 && code <= 0x36f) || code == 0x200b || code == 0xfe0f) return 0;
  for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
    if (code >= wide[i].first && code <= wide[i].last) return 2;
  return 1;
}

unsigned canvas_columns(const char *text)
{
  unsigned n = 0;
  for (uint32_t code; *text != '\0'; n += columns_of(code)) text += decode(text, &code);
  return n;
}

void canvas_init(struct canvas *c, unsigned width, bool utf8, bool colour)
{
  if (width < CANVAS_WIDTH_MIN) width = CANVAS_WIDTH_MIN;
  if (width > CANVAS_WIDTH_MAX) width = CANVAS_WIDTH_MAX;
  c->width = (uint16_t)width;
  c->utf8 = utf8;
  c->colour = colour;
  canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
  memset(c->cell, 0, sizeof c->cell);
  for (unsigned i = 0; i < c->width; i++) c->cell[i].glyph[0] = ' ';
}

/* Control characters would move the cursor: a blank instead. */
static void set(struct canvas *c, unsigned at, enum canvas_style style, const char *glyph, size_t len)
{
  struct canvas_cell *cell = &c->cell[at];
  cell->style = (uint8_t)style;
  memset(cell->glyph, 0, sizeof cell->glyph);
  if (len == 1) {
    unsigned char b = (unsigned char)glyph[0];
    cell->glyph[0] = b < 0x20 || b == 0x7f ? ' ' : b >= 0x80 ? '?' : glyph[0];
    return;
  }
  if (c->utf8) {
    memcpy(cell->glyph, glyph, len);
    return;
  }
  cell->glyph[0] = '?';
  for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
    if (strlen(plain[i].utf8) == len && memcmp(plain[i].utf8, glyph, len) == 0) cell->glyph[0] = plain[i].ascii;
}

unsigned canvas_put(struct canvas *c, unsigned at, unsigned limit, enum canvas_style style, const char *text)
{
  if (limit > c->width) limit = c->width;
  unsigned room = limit > at ? limit - at : 0;
  bool cut = canvas_columns(text) > room;
  if (cut && room == 0) return at;
  unsigned end = cut ? limit - 1 : limit;
  while (*text != '\0') {
    uint32_t code;
    size_t len = decode(text, &code);
    unsigned columns = columns_of(code);
    if (at + columns > end) break;
    if (columns > 0) set(c, at, style, text, len);
    if (columns == 2) c->cell[at + 1].glyph[0] = c->utf8 ? '\0' : ' ';
    at += columns;
    text += len;
  }
  if (cut) set(c, at++, style, "…", strlen("…"));
  return at;
}

unsigned canvas_put_right(struct canvas *c, unsigned low, unsigned end, enum canvas_style style, const char *text)
{
  unsigned columns = canvas_columns(text);
  unsigned at = end > low + columns ? end - columns : low;
  canvas_put(c, at, end, style, text);
  return at;
}

void canvas_fill(struct canvas *c, unsigned from, unsigned to, enum canvas_style style, const char *glyph)
{
  for (unsigned i = from; i < to && i < c->width; i++) set(c, i, style, glyph, strlen(glyph));
}

static size_t append(char *buf, size_t size, size_t at, const char *text)
{
  size_t len = strlen(text);
  assert(at + len < size);
  memcpy(buf + at, text, len + 1);
  return at + len;
}

void canvas_text(const struct canvas *c, char *buf, size_t size)
{
  assert(size >= CANVAS_TEXT_MAX);
  unsigned end = c->width;
  while (end > 0 && strcmp(c->cell[end - 1].glyph, " ") == 0) end--;
  size_t at = 0;
  uint8_t style = STYLE_PLAIN;
  buf[0] = '\0';
  for (unsigned i = 0; i < end; i++) {
    const struct canvas_cell *cell = &c->cell[i];
    bool blank = cell->glyph[0] == ' ' || cell->glyph[0] == '\0';
    if (c->colour && cell->style != style && !blank) {
      at = append(buf, size, at, "\033[");
      at = append(buf, size, at, style_code[cell->style]);
      at = append(buf, size, at, "m");
      style = cell->style;
    }
    at = append(buf, size, at, cell->glyph);
  }
  if (style != STYLE_PLAIN) append(buf, size, at, "\033[0m");
}
