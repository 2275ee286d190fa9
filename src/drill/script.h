/* A script as it was read: events in their order, each at an instant; and the memory it lives in. Nothing here knows
 * of a host. */
#ifndef DRILL_SCRIPT_H
#define DRILL_SCRIPT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yeon/base.h>

/* Memory that is given back all at once. */
struct drill_chunk;
struct drill_arena {
  struct drill_chunk *chunks;
};
/* Zeroed, 16-byte aligned. Never NULL: without memory for a script the process is at its end anyway. */
void *drill_alloc(struct drill_arena *arena, size_t size);
char *drill_text(struct drill_arena *arena, const char *text, size_t len);
char *drill_format(struct drill_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
void drill_arena_free(struct drill_arena *arena);

/* An expression: an argument or a result of a call. */
enum drill_value_kind {
  DRILL_NUMBER,
  DRILL_WORD,     /* a name: SOCK_STREAM */
  DRILL_STRING,   /* "abc" */
  DRILL_ELLIPSIS, /* ...: anything */
  DRILL_LIST,     /* [a, b] */
  DRILL_STRUCT,   /* {a, name=b, name(c)=d} */
  DRILL_CALL,     /* name(a, b) */
  DRILL_OR        /* a | b */
};
struct drill_value {
  enum drill_value_kind kind;
  int64_t number;
  const char *text;          /* the word, string or called name */
  size_t len;                /* of a string */
  bool more;                 /* string that goes on: "abc"... */
  const char *name;          /* as a member of a struct: its name, NULL: none */
  struct drill_value *count; /* as a member: what stands in parentheses behind its name; NULL: nothing */
  struct drill_value *first; /* members, elements, arguments, operands */
  struct drill_value *next;  /* sibling */
};

/* A TCP option as it stands on the wire. */
struct drill_option {
  uint8_t kind, len; /* len: with kind and length bytes; 1 for nop and eol */
  bool any_value;    /* TS val ... ecr N */
  bool absolute;     /* TS val N ecr N!: the echo is as on the wire */
  uint8_t data[40];  /* behind the first two bytes */
};
#define DRILL_OPTIONS 40

enum drill_packet_kind { DRILL_TCP, DRILL_UDP, DRILL_ICMP };
struct drill_packet {
  enum drill_packet_kind kind;
  bool out; /* '>': the host must send it */
  /* IP. -1: not said. */
  int tos, dscp, ecn, ttl, flow_label;
  bool ecn_either;             /* ECT(0) or ECT(1) */
  uint16_t src_port, dst_port; /* 0: not said */
  /* TCP; UDP has len alone */
  uint16_t flags;                /* YEON_TCP_*, AE: DRILL_AE */
  bool has_ack, has_window, ace; /* ace: the three ECN flags are one number */
  bool absolute;                 /* "1:1(0)!": numbers are those on the wire */
  bool any_seq;                  /* "...(0)" */
  uint32_t seq, len, ack;
  uint32_t window;
  uint16_t urgent;
  uint16_t udp_src, udp_dst; /* /udp(9899 > 1): travels in a datagram, in an ICMP error what it quotes; 0: does not */
  bool any_options;          /* <...> */
  unsigned n_options;
  struct drill_option *options;
  /* ICMP */
  const char *icmp_type, *icmp_code; /* words; code NULL: none */
  int64_t mtu, id;                   /* -1: none */
  uint8_t quoted;                    /* enum drill_packet_kind + 1 of the packet inside; 0: none given */
  uint32_t quoted_seq, quoted_len;
  bool quoted_raw;
};
#define DRILL_AE 0x100u

struct drill_call {
  const char *name;
  struct drill_value *args;
  unsigned n_args;
  struct drill_value *result; /* never NULL; ELLIPSIS: anything */
  const char *error;          /* name of an errno, NULL: none */
  bool blocks;                /* is to end at `end`, not at once */
  yeon_time end;              /* as written, relative as the event is */
};

enum drill_event_kind { DRILL_PACKET_EVENT, DRILL_CALL_EVENT, DRILL_SHELL_EVENT, DRILL_CODE_EVENT };
enum drill_when { DRILL_ABSOLUTE, DRILL_RELATIVE, DRILL_ANY_TIME };
struct drill_event {
  struct drill_event *next;
  enum drill_event_kind kind;
  int line;
  const char *source; /* its first line, trimmed */
  enum drill_when when;
  bool range;
  yeon_time at, until; /* as written; until: with range */
  struct drill_packet *packet;
  struct drill_call *call;
  const char *text; /* shell command, or code */
};

struct drill_setting {
  struct drill_setting *next;
  const char *name, *value; /* value NULL: none */
  int line;
};

#define DRILL_USUAL 5
struct drill_script {
  struct drill_arena arena;
  const char *path;
  struct drill_setting *settings, *defines;
  const char *const *usual[DRILL_USUAL][2]; /* {name, value} that count when nobody defines them; over IPv4, over IPv6 */
  bool six;                                 /* over IPv6, unless the script says otherwise */
  struct drill_event *events; /* an initial shell command is an event at 0 */
  /* Why it cannot be run. */
  int line;
  const char *error; /* not a script */
  const char *needs; /* it asks for what is not here */
};

/* A name that stands for a value; the first of a name counts. */
void drill_define(struct drill_script *script, const char *name, size_t name_len, const char *value);
/* False: script->error or script->needs says why. profile_name: for #ifdef. */
bool drill_parse(struct drill_script *script, const char *path, const char *text, size_t len, const char *profile_name);

#endif
