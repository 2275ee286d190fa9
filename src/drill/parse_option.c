/* TCP options, as the bytes they are on the wire: "<mss 1000,nop,wscale 7>". */
#include <string.h>

#include "drill/scan.h"
#include "drill/tcp_option.h"
#include "wire/wire.h"

static void put(struct drill_option *o, uint8_t kind, unsigned data)
{
  o->kind = kind;
  o->len = (uint8_t)(data + 2);
}

static void parse_sack_blocks(struct drill_scan *s, struct drill_option *o)
{
  unsigned n = 0;
  while (!s->failed && scan_digit(s)) {
    if (n == 4) {
      scan_fail(s, "more than four SACK blocks");
      return;
    }
    wire_put32(o->data + 8 * n, scan_u32(s));
    scan_expect(s, ':');
    wire_put32(o->data + 8 * n + 4, scan_u32(s));
    n++;
  }
  put(o, TCP_OPTION_SACK, 8 * n);
}

static int nibble(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* A cookie in hexadecimal; its length in bytes. A name stands for its definition. */
static unsigned parse_hex(struct drill_scan *s, uint8_t *out, unsigned room)
{
  char text[80];
  size_t n = 0;
  scan_blank(s);
  while (s->p < s->end && n + 1 < sizeof text && *s->p != ',' && *s->p != '>' && *s->p != ' ' && *s->p != '\n')
    text[n++] = *s->p++;
  text[n] = 0;
  for (const struct drill_setting *d = s->script->defines; d != NULL; d = d->next)
    if (d->value != NULL && strcmp(d->name, text) == 0 && strlen(d->value) < sizeof text) {
      n = strlen(d->value);
      memcpy(text, d->value, n + 1);
      break;
    }
  if (n > 0 && text[0] >= 'G' && text[0] <= 'Z') {
    scan_needs(s, "a definition of %s (--define=%s=...)", text, text);
    return 0;
  }
  if (n % 2 != 0 || n / 2 > room) {
    scan_fail(s, "'%s' is no whole number of bytes in hexadecimal, or too many", text);
    return 0;
  }
  for (size_t i = 0; i < n; i += 2) {
    int high = nibble(text[i]), low = nibble(text[i + 1]);
    if (high < 0 || low < 0) {
      scan_fail(s, "'%s' is not hexadecimal", text);
      return 0;
    }
    out[i / 2] = (uint8_t)(high << 4 | low);
  }
  return (unsigned)(n / 2);
}

static void parse_accecn(struct drill_scan *s, struct drill_option *o)
{
  unsigned n = 0;
  uint8_t kind = 0;
  while (!s->failed && n < 9) {
    bool e0 = scan_keyword(s, "e0b"), e1 = !e0 && scan_keyword(s, "e1b");
    if (!e0 && !e1 && !scan_keyword(s, "ceb")) break;
    if (kind == 0) kind = e1 ? TCP_OPTION_ACCECN1 : TCP_OPTION_ACCECN0;
    uint32_t v = scan_u32(s);
    o->data[n] = (uint8_t)(v >> 16);
    o->data[n + 1] = (uint8_t)(v >> 8);
    o->data[n + 2] = (uint8_t)v;
    n += 3;
  }
  put(o, kind != 0 ? kind : TCP_OPTION_ACCECN0, n);
}

static void parse_timestamps(struct drill_scan *s, struct drill_option *o)
{
  if (!scan_keyword(s, "val")) scan_fail(s, "TS val N ecr N");
  if (scan_accept_text(s, "..."))
    o->any_value = true;
  else
    wire_put32(o->data, scan_u32(s));
  if (!scan_keyword(s, "ecr")) scan_fail(s, "TS val N ecr N");
  wire_put32(o->data + 4, scan_u32(s));
  o->absolute = scan_accept(s, '!');
  put(o, TCP_OPTION_TS, 8);
}

static void parse_option(struct drill_scan *s, struct drill_option *o)
{
  if (scan_keyword(s, "nop")) {
    *o = (struct drill_option){.kind = TCP_OPTION_NOP, .len = 1};
  } else if (scan_keyword(s, "eol")) {
    *o = (struct drill_option){.kind = TCP_OPTION_EOL, .len = 1};
  } else if (scan_keyword(s, "mss")) {
    wire_put16(o->data, (uint16_t)scan_u32(s));
    put(o, TCP_OPTION_MSS, 2);
  } else if (scan_keyword(s, "wscale")) {
    o->data[0] = (uint8_t)scan_u32(s);
    put(o, TCP_OPTION_WSCALE, 1);
  } else if (scan_keyword(s, "sackOK")) {
    put(o, TCP_OPTION_SACK_OK, 0);
  } else if (scan_keyword(s, "sack")) {
    parse_sack_blocks(s, o);
  } else if (scan_keyword(s, "TS")) {
    parse_timestamps(s, o);
  } else if (scan_keyword(s, "FOEXP")) {
    wire_put16(o->data, TCP_OPTION_EXP_FASTOPEN);
    put(o, TCP_OPTION_EXP, 2 + parse_hex(s, o->data + 2, 36));
  } else if (scan_keyword(s, "FO")) {
    put(o, TCP_OPTION_FASTOPEN, parse_hex(s, o->data, 38));
  } else if (scan_keyword(s, "ECN") || scan_keyword(s, "ACCECN") || scan_keyword(s, "accecn")) {
    parse_accecn(s, o);
  } else if (scan_accept_text(s, "gen-")) {
    uint8_t kind = (uint8_t)scan_integer(s);
    put(o, kind, parse_hex(s, o->data, 38));
  } else if (scan_keyword(s, "md5")) {
    if (scan_keyword(s, "valid") || scan_keyword(s, "invalid"))
      scan_needs(s, "MD5 signatures of TCP");
    else
      put(o, TCP_OPTION_MD5, parse_hex(s, o->data, 16));
  } else {
    const char *word = scan_word(s);
    scan_fail(s, "'%s' is no TCP option known here: mss, wscale, sackOK, sack, TS, nop, eol, FO, FOEXP, ECN, gen-KIND, ...",
              word != NULL ? word : "");
  }
}

/* "<020405b4>": options as they stand on the wire. */
static void parse_raw(struct drill_scan *s, struct drill_packet *k)
{
  uint8_t bytes[40];
  unsigned n = parse_hex(s, bytes, 40);
  for (unsigned at = 0; at < n && !s->failed;) {
    struct drill_option *o = &k->options[k->n_options++];
    o->kind = bytes[at];
    o->len = o->kind == TCP_OPTION_NOP || o->kind == TCP_OPTION_EOL ? 1 : at + 1 < n ? bytes[at + 1] : 0;
    if (o->len == 0 || at + o->len > n) scan_fail(s, "the option with kind %u does not end within the %u bytes", o->kind, n);
    if (!s->failed && o->len > 2) memcpy(o->data, bytes + at + 2, o->len - 2u);
    at += o->len;
  }
  scan_expect(s, '>');
}

void parse_options(struct drill_scan *s, struct drill_packet *k)
{
  unsigned bytes = 0;
  scan_expect(s, '<');
  if (scan_accept_text(s, "...")) {
    k->any_options = true;
    scan_expect(s, '>');
    return;
  }
  k->options = drill_alloc(&s->script->arena, DRILL_OPTIONS * sizeof *k->options);
  if (scan_digit(s)) {
    parse_raw(s, k);
    return;
  }
  do {
    if (k->n_options == DRILL_OPTIONS) {
      scan_fail(s, "too many TCP options");
      return;
    }
    parse_option(s, &k->options[k->n_options]);
    bytes += k->options[k->n_options++].len;
  } while (!s->failed && scan_accept(s, ','));
  scan_expect(s, '>');
  if (!s->failed && bytes > 40) scan_fail(s, "%u bytes of TCP options: 40 fit", bytes);
}
