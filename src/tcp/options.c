/* Options of one endpoint. What few endpoints change lives in struct tcp_extra, borrowed on the first change. */
#include "tcp/internal.h"

struct span {
  int64_t low, high;
};

static const struct span spans[YEON_TCP_OPTIONS] = {
    [YEON_TCP_SNDBUF] = {2048, 1 << 30},
    [YEON_TCP_RCVBUF] = {2048, 1 << 30},
    [YEON_TCP_NODELAY] = {0, 1},
    [YEON_TCP_CORK] = {0, 1},
    [YEON_TCP_QUICKACK] = {0, 1},
    [YEON_TCP_KEEPALIVE] = {0, 1},
    [YEON_TCP_KEEPIDLE_MS] = {1, 32767000},
    [YEON_TCP_KEEPINTVL_MS] = {1, 32767000},
    [YEON_TCP_KEEPCNT] = {1, 127},
    [YEON_TCP_USER_TIMEOUT_MS] = {0, INT32_MAX},
    [YEON_TCP_LINGER_MS] = {-1, INT32_MAX},
    [YEON_TCP_MAXSEG] = {64, 65495},
    [YEON_TCP_HOP_LIMIT] = {1, 255},
    [YEON_TCP_TRAFFIC_CLASS] = {0, 255},
    [YEON_TCP_REUSEADDR] = {0, 1},
    [YEON_TCP_REUSEPORT] = {0, 1},
    [YEON_TCP_V6ONLY] = {0, 1},
    [YEON_TCP_OOBINLINE] = {0, 1},
    [YEON_TCP_RETRIES_SYN] = {1, 255},
    [YEON_TCP_WINDOW_CLAMP] = {0, 1 << 30},
    [YEON_TCP_CONGESTION] = {0, YEON_CONGESTIONS - 1},
    [YEON_TCP_MAX_PACING_RATE] = {0, INT64_MAX - 1},
    [YEON_TCP_FASTOPEN] = {0, 65535},
    [YEON_TCP_FASTOPEN_NO_COOKIE] = {0, 1},
    [YEON_TCP_FIN_WAIT_2_MS] = {-1, 120000},
    [YEON_TCP_DEFER_ACCEPT] = {0, 255},
    [YEON_TCP_NO_OPTIONS] = {0, 1},
};

struct flag_option {
  uint32_t flag;
  bool second; /* in flags2 */
};

static const struct flag_option flag_options[YEON_TCP_OPTIONS] = {
    [YEON_TCP_NODELAY] = {TCP_F_NODELAY, false},     [YEON_TCP_CORK] = {TCP_F_CORK, false},
    [YEON_TCP_QUICKACK] = {TCP_F_QUICKACK, false},   [YEON_TCP_KEEPALIVE] = {TCP_F_KEEPALIVE, false},
    [YEON_TCP_OOBINLINE] = {TCP_F_OOBINLINE, false}, [YEON_TCP_REUSEADDR] = {TCP_G_REUSEADDR, true},
    [YEON_TCP_REUSEPORT] = {TCP_G_REUSEPORT, true},  [YEON_TCP_V6ONLY] = {TCP_G_V6ONLY, true},
    [YEON_TCP_FASTOPEN_NO_COOKIE] = {TCP_G_NO_COOKIE, true}};

static bool connected(const struct yeon_tcp *c) { return c->state >= YEON_TCP_ESTABLISHED; }

static void set_flag(struct yeon_tcp *c, const struct flag_option *f, bool on)
{
  uint32_t *flags = f->second ? &c->flags2 : &c->flags;
  *flags = on ? *flags | f->flag : *flags & ~f->flag;
}

/* A flag that lets bytes go, or starts a timer, acts at once. */
static void after_flag(struct yeon_tcp *c, enum yeon_tcp_option option, yeon_time now)
{
  if (!connected(c)) return;
  /* Switching Nagle off pushes what CORK holds back, too, once (tcp(7) has it so). */
  if (option == YEON_TCP_NODELAY && (c->flags & TCP_F_NODELAY) != 0 && ring_len(c->snd) > 0) c->flags2 |= TCP_G_SWS_OVERRIDE;
  if (option == YEON_TCP_NODELAY || option == YEON_TCP_CORK) tcp_want_output(c);
  if (option == YEON_TCP_QUICKACK && c->rcv_nxt != c->last_ack) tcp_ack_now(c);
  if (option == YEON_TCP_KEEPALIVE) tcp_keepalive_asked(c, now);
}

static void set_user_timeout(struct yeon_tcp *c, uint32_t ms)
{
  c->extra->user_timeout_ms = ms;
  c->extra->user_timeout_adopted = false;
  c->flags2 |= TCP_G_UTO_DUE;
}

static int set_fastopen(struct yeon_tcp *c, uint32_t limit)
{
  if (c->state != YEON_TCP_LISTEN && (c->state != YEON_TCP_CLOSED || tcp_was_used(c))) return YEON_ERR_INVALID;
  struct tcp_fastopen *f = tcp_fastopen_of(c);
  if (f == NULL) return YEON_ERR_NO_MEMORY;
  f->limit = limit;
  return 0;
}

static int set_extra(struct yeon_tcp *c, enum yeon_tcp_option option, int64_t value, yeon_time now)
{
  struct tcp_extra *x = tcp_extra(c);
  if (x == NULL) return YEON_ERR_NO_MEMORY;
  x->customised = true;
  switch (option) {
  case YEON_TCP_KEEPIDLE_MS: x->keepalive_idle_ms = (uint32_t)value; break;
  case YEON_TCP_KEEPINTVL_MS: x->keepalive_interval_ms = (uint32_t)value; break;
  case YEON_TCP_KEEPCNT: x->keepalive_probes = (uint8_t)value; break;
  case YEON_TCP_USER_TIMEOUT_MS: set_user_timeout(c, (uint32_t)value); break;
  case YEON_TCP_LINGER_MS: x->linger_ms = (int32_t)value; break;
  case YEON_TCP_MAXSEG: x->mss_max = (uint16_t)value; break;
  case YEON_TCP_HOP_LIMIT: x->hop_limit = (uint8_t)value; break;
  case YEON_TCP_TRAFFIC_CLASS: x->traffic_class = (uint8_t)(value & ~3); break; /* the last two bits are ECN's */
  case YEON_TCP_RETRIES_SYN: x->retries_syn = (uint8_t)value; break;
  case YEON_TCP_WINDOW_CLAMP: x->window_clamp = (uint32_t)value; break;
  case YEON_TCP_MAX_PACING_RATE: x->max_pacing_rate = (uint64_t)value; break;
  case YEON_TCP_FIN_WAIT_2_MS: x->fin_wait_2_ms = (int32_t)value; break;
  case YEON_TCP_DEFER_ACCEPT: x->defer_s = (uint8_t)value; break;
  case YEON_TCP_NO_OPTIONS: x->no_options = value != 0; break;
  default: return YEON_ERR_UNSUPPORTED;
  }
  if (connected(c) && option == YEON_TCP_MAXSEG) tcp_update_mss(c);
  if (option == YEON_TCP_MAX_PACING_RATE) tcp_pace_consider(c);
  if (connected(c) && (option == YEON_TCP_KEEPIDLE_MS || option == YEON_TCP_KEEPINTVL_MS)) tcp_keepalive_start(c, now);
  if (connected(c) && option == YEON_TCP_USER_TIMEOUT_MS) tcp_user_timeout_start(c, now);
  return 0;
}

int yeon_tcp_set(struct yeon_tcp *c, enum yeon_tcp_option option, int64_t value, yeon_time now)
{
  now = clock_take(c->t->clock, now);
  if ((unsigned)option >= YEON_TCP_OPTIONS || spans[option].high == 0) return YEON_ERR_UNSUPPORTED;
  if (value < spans[option].low || value > spans[option].high) return YEON_ERR_INVALID;
  /* What a bound endpoint hears has been settled, and checked against others. */
  if (option == YEON_TCP_V6ONLY && c->record.key.local_port != 0) return YEON_ERR_INVALID;
  if (flag_options[option].flag != 0) {
    set_flag(c, &flag_options[option], value != 0);
    after_flag(c, option, now);
    return 0;
  }
  if (option == YEON_TCP_SNDBUF) {
    c->sndbuf = (uint32_t)value;
    c->flags |= TCP_F_SNDBUF_FIXED;
    return 0;
  }
  if (option == YEON_TCP_RCVBUF) {
    c->rcvbuf = (uint32_t)value;
    c->flags |= TCP_F_RCVBUF_FIXED;
    return 0;
  }
  if (option == YEON_TCP_CONGESTION) return tcp_congestion_choose(c, (enum yeon_congestion)value, now);
  if (option == YEON_TCP_FASTOPEN) return set_fastopen(c, (uint32_t)value);
  return set_extra(c, option, value, now);
}

int yeon_tcp_set_congestion(struct yeon_tcp *c, const char *name, yeon_time now)
{
  int algorithm = yeon_congestion_find(name);
  return algorithm < 0 ? algorithm : yeon_tcp_set(c, YEON_TCP_CONGESTION, algorithm, now);
}

const char *yeon_tcp_congestion(const struct yeon_tcp *c) { return cc_ops(&c->cc)->name; }

static int64_t get_extra(const struct yeon_tcp *c, enum yeon_tcp_option option)
{
  const struct yeon_tcp_options *o = &c->t->options;
  const struct tcp_extra *x = c->extra;
  switch (option) {
  case YEON_TCP_KEEPIDLE_MS: return tcp_keepidle_ms(c);
  case YEON_TCP_KEEPINTVL_MS: return tcp_keepintvl_ms(c);
  case YEON_TCP_KEEPCNT: return tcp_keepcnt(c);
  case YEON_TCP_USER_TIMEOUT_MS: return tcp_user_timeout_ms(c);
  case YEON_TCP_LINGER_MS: return x != NULL ? x->linger_ms : -1;
  case YEON_TCP_MAXSEG: return connected(c) ? c->snd_mss : x != NULL && x->mss_max != 0 ? x->mss_max : o->mss_max;
  case YEON_TCP_HOP_LIMIT: return x != NULL && x->hop_limit != 0 ? x->hop_limit : o->hop_limit;
  case YEON_TCP_TRAFFIC_CLASS: return x != NULL ? x->traffic_class : 0;
  case YEON_TCP_RETRIES_SYN: return x != NULL && x->retries_syn != 0 ? x->retries_syn : o->retries_syn;
  case YEON_TCP_WINDOW_CLAMP: return x != NULL ? x->window_clamp : 0;
  case YEON_TCP_CONGESTION: return c->cc.algorithm;
  case YEON_TCP_MAX_PACING_RATE: return x != NULL ? (int64_t)x->max_pacing_rate : 0;
  case YEON_TCP_FASTOPEN: return x != NULL && x->fastopen != NULL ? x->fastopen->limit : 0;
  case YEON_TCP_FIN_WAIT_2_MS: return x != NULL ? x->fin_wait_2_ms : 0;
  case YEON_TCP_DEFER_ACCEPT: return x != NULL ? x->defer_s : 0;
  case YEON_TCP_NO_OPTIONS: return x != NULL && x->no_options;
  default: return 0;
  }
}

int yeon_tcp_get(const struct yeon_tcp *c, enum yeon_tcp_option option, int64_t *value)
{
  if ((unsigned)option >= YEON_TCP_OPTIONS || spans[option].high == 0) return YEON_ERR_UNSUPPORTED;
  const struct flag_option *f = &flag_options[option];
  if (f->flag != 0)
    *value = ((f->second ? c->flags2 : c->flags) & f->flag) != 0;
  else if (option == YEON_TCP_SNDBUF)
    *value = c->sndbuf;
  else if (option == YEON_TCP_RCVBUF)
    *value = c->rcvbuf;
  else
    *value = get_extra(c, option);
  return 0;
}
