/* Sending. The route is found when the application sends, so that it learns at once what is wrong; the datagram then waits in the endpoint's
 * ring until its link asks. An endpoint is on the list of the link of its oldest datagram; the lists are served in turn, one
 * datagram an endpoint. What was handed out is dropped from the ring with the host's next call, for until then the link may be
 * reading it. */
#include "udp/internal.h"

static void put_on_list(struct yeon_udp *s, unsigned link)
{
  struct udp_list *l = &s->udp->out[link];
  s->out_link = (uint8_t)(link + 1);
  s->out_next = 0;
  if (l->last)
    udp_at(s->udp, l->last)->out_next = s->number;
  else
    l->first = s->number;
  l->last = s->number;
}

/* Drops what the last output handed out. */
void udp_settle(struct yeon_udp *s)
{
  if (!s->snd_out) return;
  ring_drop(s->snd, s->snd_out);
  s->snd_out = 0;
  if (!s->snd->len) ring_release(s->udp->rings, &s->snd);
}

void udp_bury(struct udp *u)
{
  while (u->sent) {
    struct yeon_udp *s = udp_at(u, u->sent);
    u->sent = s->sent_next;
    s->sent = false;
    udp_settle(s);
    if (s->flags & UDP_CLOSED) udp_destroy(s);
  }
}

static void tell(const struct yeon_udp *s, const struct udp_order *o, yeon_time now)
{
  struct yeon_event e = event_make(s->udp->events, YEON_EV_DATAGRAM_OUT, now);
  e.conn = s->id;
  e.local = (struct yeon_addr){o->src, o->src_port};
  e.remote = (struct yeon_addr){o->dst, o->dst_port};
  e.u.datagram.len = o->len;
  e.u.datagram.checksum_absent = o->no_checksum;
  event_emit(s->udp->events, &e);
}

/* A member of the group hears its own host too. */
static void send_to_self(struct udp *u, const struct udp_order *o, const void *buf, yeon_time now)
{
  const struct ip_name *n = ip_name_find(u->ip, o->link, &o->dst);
  bool broadcast = ip_is_broadcast(u->ip, o->link, &o->dst);
  if (!broadcast && !(n && n->kind == IP_NAME_GROUP)) return;
  struct yeon_slice whole = {buf, o->len};
  struct udp_in in = {.from = {o->src, o->src_port},
                      .to = {o->dst, o->dst_port},
                      .slice = &whole,
                      .n_slices = 1,
                      .len = o->len,
                      .link = o->link,
                      .to_many = true};
  (void)udp_input(u, &in, now);
}

static int enqueue(struct yeon_udp *s, const struct udp_order *o, const void *buf)
{
  uint32_t held = ring_len(s->snd), need = (uint32_t)sizeof *o + o->len;
  if (held && held + need > s->sndbuf) {
    s->flags |= UDP_WANTS_ROOM;
    return YEON_ERR_AGAIN;
  }
  if (!ring_reserve(s->udp->rings, &s->snd, held + need, held)) return YEON_ERR_NO_MEMORY;
  ring_write(s->snd, held, o, sizeof *o);
  if (o->len) ring_write(s->snd, held + (uint32_t)sizeof *o, buf, o->len);
  s->snd->len = held + need;
  if (!s->out_link) put_on_list(s, o->link);
  return 0;
}

/* Where the datagram goes and with which numbers. */
static int make_order(struct yeon_udp *s, const struct yeon_addr *to, size_t len, struct udp_order *o, yeon_time now)
{
  struct ip *ip = s->udp->ip;
  struct ip_way way;
  bool many = wire_ip_is_multicast(&to->ip),
       free_source = yeon_ip_is_any(&s->local.ip) || wire_ip_is_multicast(&s->local.ip);
  uint16_t source = free_source ? (uint16_t)IP_NONE : ip_local_find(ip, &s->local.ip);
  if (!free_source && source == IP_NONE) return YEON_ERR_ADDRESS; /* taken away since */
  int err = ip_find_way(ip, &to->ip, source, &way, now);
  if (err < 0) return err;
  bool broadcast = ip_is_broadcast(ip, way.link, &to->ip);
  if (broadcast && !(s->flags & UDP_BROADCAST)) return YEON_ERR_PERMISSION;
  memset(o, 0, sizeof *o);
  o->src = *ip_local_at(ip, way.local);
  o->dst = to->ip;
  o->len = (uint32_t)len;
  o->src_port = s->local.port;
  o->dst_port = to->port;
  o->link = way.link;
  o->hop_limit = many ? s->multicast_hops : s->hop_limit;
  o->traffic_class = s->traffic_class;
  o->dont_fragment = (s->flags & UDP_DONT_FRAGMENT) != 0;
  o->no_checksum = s->flags & UDP_NO_CHECKSUM && wire_ip_is4(&to->ip);
  uint32_t packet = IP_HEADER_LEN(&to->ip) + 8 + o->len;
  return o->dont_fragment && packet > way.mtu ? YEON_ERR_MESSAGE_SIZE : 0;
}

static int check(struct yeon_udp *s, size_t len, const struct yeon_addr *to)
{
  if (s->error) return yeon_udp_take_error(s);
  if (!to) return YEON_ERR_NOT_CONNECTED;
  if (to->port == 0) return YEON_ERR_INVALID;
  bool four = wire_ip_is4(&to->ip);
  if (len > (four ? 65535u - 28u : 65535u - 8u)) return YEON_ERR_MESSAGE_SIZE;
  if (!(s->flags & UDP_BOUND)) return udp_bind_any(s, four);
  bool bound4 = wire_ip_is4(&s->local.ip), any = yeon_ip_is_any(&s->local.ip);
  if (bound4 == four || (four && any && !(s->flags & UDP_V6ONLY))) return 0;
  return YEON_ERR_ADDRESS;
}

int64_t yeon_udp_send(struct yeon_udp *udp, const void *buf, size_t len, const struct yeon_addr *to, yeon_time now)
{
  struct udp_order o;
  if (!buf && len > 0) return YEON_ERR_INVALID;
  now = clock_take(udp->udp->clock, now);
  udp_settle(udp);
  if (!to && udp->flags & UDP_CONNECTED) to = &udp->remote;
  int err = check(udp, len, to);
  if (err == 0) err = make_order(udp, to, len, &o, now);
  if (err == 0) err = enqueue(udp, &o, buf);
  if (err < 0) return err;
  if (event_wanted(udp->udp->events, YEON_EV_DATAGRAM_OUT)) tell(udp, &o, now);
  if (wire_ip_is_multicast(&o.dst) || ip_is_broadcast(udp->udp->ip, o.link, &o.dst))
    send_to_self(udp->udp, &o, buf, now);
  return (int64_t)len;
}

/* Takes s, the first, off its list; puts it on that of its next datagram. */
static void advance(struct yeon_udp *s, unsigned link, uint32_t done)
{
  struct udp_list *l = &s->udp->out[link];
  l->first = s->out_next;
  if (!l->first) l->last = 0;
  s->out_link = 0;
  if (done < s->snd->len) {
    struct udp_order next;
    ring_read(s->snd, done, &next, sizeof next);
    put_on_list(s, next.link);
  }
}

static void make_room(struct yeon_udp *s)
{
  if (!(s->flags & UDP_WANTS_ROOM) || ring_len(s->snd) - s->snd_out > s->sndbuf / 2) return;
  s->flags = (uint16_t)(s->flags & ~UDP_WANTS_ROOM);
  udp_notify(s, YEON_WRITABLE);
}

bool udp_output(struct udp *u, unsigned link, struct udp_out *out)
{
  struct udp_order o;
  if (!u->out[link].first) return false;
  struct yeon_udp *s = udp_at(u, u->out[link].first);
  ring_read(s->snd, s->snd_out, &o, sizeof o);
  *out = (struct udp_out){.src = o.src,
                          .dst = o.dst,
                          .src_port = o.src_port,
                          .dst_port = o.dst_port,
                          .link = o.link,
                          .hop_limit = o.hop_limit,
                          .traffic_class = o.traffic_class,
                          .dont_fragment = o.dont_fragment,
                          .no_checksum = o.no_checksum,
                          .len = o.len,
                          .id = s->id};
  out->n_payload = (uint8_t)ring_slices(s->snd, s->snd_out + (uint32_t)sizeof o, o.len, out->payload);
  s->snd_out += (uint32_t)sizeof o + o.len;
  if (!s->sent) {
    s->sent = true;
    s->sent_next = u->sent;
    u->sent = s->number;
  }
  advance(s, link, s->snd_out);
  make_room(s);
  return true;
}
