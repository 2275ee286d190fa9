/* A script as it runs: one host on one link, a clock that jumps, descriptors, the packets that left the host, and
 * what may go wrong.
 *
 * Time is the script's, from 0; the host's clock stands DRILL_EPOCH later. Nothing ever waits: a call that would
 * block is kept (struct drill_op) and tried again whenever the host has done something, while the script goes on,
 * just as another thread's call would. */
#ifndef DRILL_RUN_H
#define DRILL_RUN_H

#include <yeon/drill.h>
#include <yeon/host.h>
#include <yeon/tcp.h>
#include <yeon/udp.h>

#include "drill/script.h"

#define DRILL_EPOCH (1000 * YEON_SEC)
#define DRILL_FDS 64
#define DRILL_IOV 64

/* A packet that left the host, not yet asked for by the script. */
struct drill_live {
  struct drill_live *next;
  yeon_time at;
  bool six;
  uint8_t protocol, ttl, tos;
  uint32_t flow_label;
  uint8_t *bytes; /* from the transport header on */
  uint32_t len;
  struct yeon_ip src, dst;
  uint16_t src_port, dst_port; /* TCP, UDP */
  /* TCP */
  uint16_t flags, window, urgent;
  uint32_t seq, ack, header_len, payload;
  uint16_t udp_src, udp_dst; /* of the datagram it travels in; 0: none (tunnel.c) */
  /* Joined from several segments, because the script has one. */
  unsigned segments;
  bool optional;    /* some versions of the system send it, others do not */
  bool passed_over; /* was there already when the script found the one before it */
};

/* Who talks with whom in the script, and how its numbers map to the host's. In a SYN the script's sequence numbers
 * are as they stand on the wire (the remote end's) or begin at what the script calls the host's ISN; everywhere else
 * they count from the ISN of their end. */
struct drill_stamp {
  uint32_t script, live;
};
struct drill_flow {
  struct drill_flow *next;
  uint8_t protocol;
  struct yeon_addr local, remote; /* local.port 0: not known yet */
  bool iss_known, irs_known;
  uint32_t iss, script_iss; /* the host's first sequence number, and the script's name for it */
  uint32_t irs;             /* the remote end's */
  bool stamps_known;
  uint32_t stamp_first_script, stamp_first_live;
  struct drill_stamp *stamps; /* newest last; grows in the arena */
  unsigned n_stamps, room_stamps;
};

/* What Linux tells through a socket's error queue: that bytes given without copying are free again, and when bytes
 * left or were acknowledged. */
struct drill_notice {
  struct drill_notice *next;
  int64_t end;          /* due when the stream is acknowledged, or sent, up to here */
  uint8_t origin;       /* SO_EE_ORIGIN_* */
  uint8_t kind;         /* timestamps: SCM_TSTAMP_* */
  uint32_t first, last; /* ee_info, ee_data */
  yeon_time at;         /* when it became due */
};

enum drill_fd_kind {
  DRILL_FD_NONE,
  DRILL_FD_TCP,
  DRILL_FD_UDP,
  DRILL_FD_EPOLL,
  DRILL_FD_FILE,
  DRILL_FD_PIPE_IN,
  DRILL_FD_PIPE_OUT
};
struct drill_watch { /* a descriptor in an epoll set */
  struct drill_watch *next;
  int fd;
  uint32_t events;
  bool spent;                           /* EPOLLONESHOT has fired */
  uint64_t seen_in, seen_out, seen_err; /* activity when last told, for EPOLLET */
};
struct drill_fd {
  int number; /* -1: free */
  enum drill_fd_kind kind;
  struct yeon_tcp *tcp;
  struct yeon_udp *udp;
  bool nonblock, listening, connecting, connected, bound;
  bool notsent_lowat_set;
  bool connect_told; /* the outcome of connect was given to the application */
  bool shut_rd, shut_wr, inq, linger_on, v6, dead;
  int32_t linger_s;
  int error;                      /* an errno to give, from what the host told already */
  int64_t sndbuf_set, rcvbuf_set; /* as SO_SNDBUF would read; 0: not set */
  int64_t notsent_lowat, user_timeout_ms, rcv_timeout_us, snd_timeout_us, ext_options;
  bool fastopen_connect; /* Linux: TCP_FASTOPEN_CONNECT */
  bool fastopen_client;  /* FreeBSD: TCP_FASTOPEN */
  bool deferred;         /* connect was told to be done; the first write will do it */
  struct yeon_addr peer;
  int64_t written,
      chunk_at;        /* bytes written so far; where the piece begins that the newest of them are in (linux_send.c) */
  int64_t pushed;      /* bytes up to the last PSH */
  int64_t sndbuf_auto; /* limit as it has grown by itself; 0: not yet looked at */
  bool sndbuf_grows;   /* has been looked at since the connection stands */
  uint32_t una_seen;   /* SND.UNA when acknowledgments were last looked at */
  bool no_space;       /* it was found full: room is news */
  uint64_t activity_out; /* times the host told that it became writable */
  uint64_t activity_err;
  uint32_t reordering, reorderings; /* most segments that something late was behind; how often something was */
  int64_t keepinit_s; /* 0: not set */
  uint16_t udp_port;  /* of the other end, for TCP over UDP; 0: none */
  bool zerocopy;
  uint32_t timestamping;                 /* SOF_TIMESTAMPING_* */
  int64_t stamp_base;                    /* where its counting began */
  uint32_t next_zerocopy;                /* number of the next send without copying */
  struct drill_notice *coming, *notices; /* error queue: to become due, and there; oldest first */
  struct drill_watch *watches;           /* epoll */
  int64_t file_left;                     /* file, pipe: bytes in it */
  int pipe_other;
};

/* A call under way. */
enum drill_progress { DRILL_DONE, DRILL_WAIT };
struct drill_run;
struct drill_op {
  const struct drill_event *event;
  const struct drill_call *call;
  enum drill_progress (*go)(struct drill_run *r, struct drill_op *op);
  bool active;
  yeon_time began_at, ended_at, end_wanted, give_up_at;
  int64_t result;
  int error;      /* errno of the platform, with result -1 */
  bool waited;    /* has not been done at once */
  bool rolling;   /* a write that has begun: goes on by itself */
  int64_t so_far; /* bytes of it done */
  enum { DRILL_NOT_OPENING, DRILL_OPENING, DRILL_OPENED } opening; /* a write that connects: fastopen.c */
};

/* A file that a command of the script has made: so many zeroes. */
struct drill_file {
  struct drill_file *next;
  const char *path;
  int64_t len;
};

struct drill_run {
  const struct yeon_drill_config *config;
  struct drill_script *script;
  struct drill_arena *arena;
  struct yeon_drill_result *result;
  struct yeon_host *host; /* made with the first event that needs it */
  struct yeon_tcp_options options;
  bool freebsd;
  enum yeon_drill_version version;
  bool version_scripted;
  yeon_time now, tolerance, horizon;
  double tolerance_percent; /* of the time since the event before */
  yeon_time last_at;        /* when the event before took place */
  struct yeon_ip local, remote;
  uint16_t bind_port, connect_port, next_port, mtu;
  bool strict_segments, fatal_calls, fatal_packets;
  uint64_t tick_us;      /* of the peer's view of timestamps; 0: not compared */
  uint16_t gro_mss;      /* larger segments that come count as several; 0: as one */
  int64_t notsent_lowat; /* -1: none */
  int64_t keepinit_ms;
  uint16_t route_mtu;       /* what the script's route carries, before the host is made; 0: as much as the link */
  uint8_t fastopen_key[32]; /* set by the script; the second half: the backup */
  unsigned fastopen_keys;   /* 0: none set */
  uint16_t tunnel_local, tunnel_overhead; /* the host's port for TCP over UDP, 0: none; what the MSS is lowered by */
  struct drill_tunnel *tunnels;
  bool device_full;  /* the device takes no packet */
  uint32_t syn_payload; /* bytes on the last SYN that left */
  bool may_answer; /* what is sent now is optional */
  bool cookies_only; /* half-open connections are thought to be cookies */

  struct drill_fd fds[DRILL_FDS];
  int current; /* descriptor that code looks at; -1: none */
  struct drill_op op;

  struct drill_flow *flows, *flow; /* flow: the one the script speaks of when it names no ports */
  bool awaiting_syn;               /* the next segment that comes begins a flow */
  bool connecting;                 /* the next SYN that goes shows the flow's local end */
  uint16_t listen_port;

  struct drill_live *live, **live_tail;
  const struct drill_event *event; /* the current one */
  bool over;
  yeon_time heard_at; /* when the newest SYN or bytes arrived, for tcp_info */
  struct drill_file *files;
  struct drill_variable *variables; /* of code */
};

/* run.c */
#define drill_passing(r) (!(r)->over)

/* report.c: each ends the script unless it has ended. */
void drill_fail(struct drill_run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With what was expected and what happened side by side. */
void drill_differ(struct drill_run *r, const char *what, const char *expected, const char *happened);
void drill_needs(struct drill_run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void drill_trace(struct drill_run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* world.c: the host and time. False from begin: the script is over. */
bool world_begin(struct drill_run *r);
void world_end(struct drill_run *r);
/* Takes what the host sends and reports now, and lets the pending call go on. */
void world_settle(struct drill_run *r);
/* Only takes what it sends. */
void world_pump(struct drill_run *r);
void world_advance(struct drill_run *r, yeon_time until);
/* To the host's next happening, but not past `until`. False: there was none before. */
bool world_step(struct drill_run *r, yeon_time until);
/* payload: bytes of TCP, which count as several segments if the script says so. */
void world_inject(struct drill_run *r, const uint8_t *packet, size_t len, uint32_t payload);
yeon_time world_host_time(const struct drill_run *r);

/* live.c: packets of the host, read. NULL: nothing that scripts speak of (neighbour discovery). */
struct drill_live *live_read(struct drill_run *r, const uint8_t *packet, size_t len);
/* The flow's next packet taken from the queue; those of other flows before it are dropped, and ICMP where it is not
 * what is expected. NULL: none. */
struct drill_live *live_take(struct drill_run *r, const struct drill_packet *expected, struct drill_flow *flow);
bool live_belongs(const struct drill_run *r, const struct drill_live *l, const struct drill_flow *flow);

/* flow.c */
struct drill_flow *flow_new(struct drill_run *r, uint8_t protocol);
/* The flow of a packet of the script; made if there is none. */
struct drill_flow *flow_of(struct drill_run *r, const struct drill_packet *k);
void flow_connect(struct drill_run *r, struct drill_fd *fd, const struct yeon_addr *remote);
/* A packet of the flow was seen in both: what it tells of numbers and ports. */
void flow_learn(struct drill_flow *flow, const struct drill_packet *k, const struct drill_live *l);
/* What to add to the script's numbers of the host, of the remote end, to get those on the wire. */
uint32_t flow_local_offset(const struct drill_flow *flow, bool syn);
uint32_t flow_remote_offset(const struct drill_flow *flow, bool syn);
void flow_stamp(struct drill_run *r, struct drill_flow *flow, uint32_t script, uint32_t live);
bool flow_stamp_live(const struct drill_flow *flow, uint32_t script, uint32_t *live);

/* inbound.c, outbound.c, icmp.c: packet events */
void inbound_packet(struct drill_run *r, const struct drill_event *e);
void outbound_packet(struct drill_run *r, const struct drill_event *e);
/* An ICMP message as bytes behind the IP header; its length, 0: the script is over. */
size_t icmp_emit(struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow, uint8_t *out);
bool icmp_words(const struct drill_packet *k, bool six, uint8_t *type, uint8_t *code);
/* What is left at the end and nobody asked for. */
void outbound_extra(struct drill_run *r);
bool outbound_time_ok(struct drill_run *r, const struct drill_event *e, yeon_time happened);

/* tunnel.c: TCP over UDP. The other end's port for a connection, 0: plain. */
uint16_t tunnel_port(const struct drill_run *r, const struct yeon_addr *local, const struct yeon_addr *remote);
void tunnel_use(struct drill_run *r, const struct yeon_addr *local, const struct yeon_addr *remote, uint16_t port);
/* A packet of the host is put into a datagram, if its connection travels so. */
void tunnel_out(struct drill_run *r, struct drill_live *l);
/* Lowers the MSS of a SYN that came in one; its checksum is not there yet. */
void tunnel_narrow(const struct drill_run *r, const struct drill_packet *k, uint8_t *p, size_t len);
/* False: the host does not get the segment, or the ICMP error. */
bool tunnel_admits(struct drill_run *r, const struct drill_packet *k, struct drill_flow *flow);
bool tunnel_admits_error(const struct drill_run *r, const struct drill_packet *k, const struct drill_flow *flow);

/* show.c: packets in the script's language. */
const char *show_live(struct drill_run *r, const struct drill_live *l, const struct drill_flow *flow);
const char *show_packet(struct drill_run *r, const struct drill_packet *k);
/* The options of a live TCP packet, one struct each; their number. SACK blocks in the script's numbers. */
unsigned show_read_options(const struct drill_live *l, uint32_t sack_offset, struct drill_option *out, unsigned max);

/* symbols.c */
bool symbol_value(const struct drill_run *r, const char *name, int64_t *out);
/* errno of this platform for a yeon error; its name. */
int symbol_errno(const struct drill_run *r, int yeon_error);
int symbol_errno_named(const struct drill_run *r, const char *name);
const char *symbol_errno_name(const struct drill_run *r, int number);

/* value.c: expressions as numbers. False: not one (the script is over if `strict`). */
bool value_number(struct drill_run *r, const struct drill_value *v, int64_t *out);
const char *value_show(struct drill_run *r, const struct drill_value *v);
const struct drill_value *value_arg(const struct drill_op *op, unsigned n);
/* Argument as a number; a wrong one ends the script. */
int64_t value_arg_number(struct drill_run *r, const struct drill_op *op, unsigned n);
/* A member of a struct by its name, NULL: none. */
const struct drill_value *value_member(const struct drill_value *v, const char *name);
bool value_is_word(const struct drill_value *v, const char *word);
/* {sa_family=..., sin_port=htons(8080), sin_addr=inet_addr("...")}; ELLIPSIS: false, nothing said. */
bool value_address(struct drill_run *r, const struct drill_value *v, struct yeon_addr *out);

/* call.c */
void call_begin(struct drill_run *r, const struct drill_event *e);
/* Tries the pending call once more. */
void call_retry(struct drill_run *r);
/* Lets the pending call come to its end. */
void call_finish(struct drill_run *r);
enum drill_progress call_done(struct drill_op *op, int64_t result);
/* -1 and an errno: of a YEON_ERR_*, by name. */
enum drill_progress call_error(struct drill_run *r, struct drill_op *op, int yeon_error);
enum drill_progress call_errno(struct drill_run *r, struct drill_op *op, const char *name);
typedef enum drill_progress drill_call_fn(struct drill_run *r, struct drill_op *op);

/* fds.c */
struct drill_fd *fd_find(struct drill_run *r, int64_t number);
/* accept() may be given a number that is still open, as in packetdrill: from then on it is the newer's, and the older has none. */
void fd_displace(struct drill_run *r, int64_t number);
struct drill_fd *fd_new(struct drill_run *r, int64_t number, enum drill_fd_kind kind);
/* The descriptor of argument 0; NULL: EBADF is set. */
struct drill_fd *fd_arg(struct drill_run *r, struct drill_op *op);
void fd_free(struct drill_run *r, struct drill_fd *fd);
/* The lowest number free, for results that the script leaves open. */
int fd_lowest(const struct drill_run *r);

/* call_socket.c, call_stream.c, call_message.c, call_option.c, call_poll.c, call_other.c */
drill_call_fn do_socket, do_bind, do_listen, do_accept, do_connect, do_shutdown, do_close, do_getsockname,
    do_getpeername;
drill_call_fn do_read, do_write, do_readv, do_writev, do_recv, do_send, do_recvfrom, do_sendto, do_recvmsg, do_sendmsg,
    do_sendfile;
drill_call_fn do_splice, do_pipe, do_open, do_fcntl, do_ioctl, do_getsockopt, do_setsockopt, do_poll, do_epoll_create,
    do_epoll_ctl, do_epoll_wait;
drill_call_fn do_nothing, do_dup, do_kill;
/* linux_send.c: how many bytes Linux would take of `len` now; 0: none. */
int64_t linux_send_room(struct drill_run *r, struct drill_fd *fd, int64_t len);
/* More than half of the peer's largest window since the last PSH, with n bytes more: it sets one. */
bool linux_push_forced(const struct drill_fd *fd, int64_t n);
/* Would Linux call it writable, and wake who waits to write? */
bool linux_send_ready(struct drill_run *r, struct drill_fd *fd);
/* After what has arrived was answered: with an acknowledgment the buffer grows, and there is room again. */
void linux_send_acked(struct drill_run *r, struct drill_fd *fd);
/* SO_SNDBUF as Linux tells it. */
int64_t linux_send_buffer(struct drill_run *r, struct drill_fd *fd);
/* fastopen.c */
struct drill_opening { /* what a write that connects brings */
  const struct yeon_addr *to;
  const uint8_t *bytes;
  int64_t len;
  bool waits;       /* the caller does */
  bool unspecified; /* the address is of no family */
  bool zerocopy;
};
bool fastopen_concerns(const struct drill_op *op, const struct drill_fd *fd, bool asked, bool addressed);
enum drill_progress fastopen_send(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const struct drill_opening *o);
/* DRILL_WAIT: under way, as a connect. */
enum drill_progress fastopen_connect(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const struct yeon_addr *remote);
enum drill_progress fastopen_option(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, const char *name, int64_t n);
int64_t fastopen_get(const struct drill_run *r, const struct drill_fd *fd, const char *name);
/* fastopen_setting.c. False: another setting. */
bool fastopen_setting(struct drill_run *r, const char *name, const char *value);
/* The script's keys, if it has set any, to its host. */
void fastopen_apply_key(struct drill_run *r);
/* error_queue.c: a send has taken bytes up to fd->written; what has become due since; recvmsg with MSG_ERRQUEUE. */
void error_queue_sent(struct drill_run *r, struct drill_fd *fd, bool zerocopy);
void error_queue_update(struct drill_run *r, struct drill_fd *fd);
drill_call_fn error_queue_read;
/* Poll conditions of a descriptor in the platform's bits (POLL* and EPOLL* share those used). */
uint32_t poll_state(struct drill_run *r, struct drill_fd *fd);

/* shell.c, sysctl.c */
void shell_run(struct drill_run *r, const char *command, bool before_host);
/* "net.ipv4.tcp_sack", "0". */
void sysctl_set(struct drill_run *r, const char *name, const char *value);
/* Hands r->options to the host, if there is one. */
void sysctl_apply(struct drill_run *r);

/* code.c, info.c */
void code_run(struct drill_run *r, const char *text);
bool info_value(struct drill_run *r, const char *name, double *out);

/* settings.c: the script's own settings. False: over. */
bool settings_apply(struct drill_run *r);

#endif
