/* ss for programs: one object a socket; "peer" is the index of the connection's other end. */
#define _GNU_SOURCE
#include <string.h>

#include "lab/ss.h"

/* Names of programs are the only text that is not ours. */
static void put_text(FILE *out, const char *text)
{
  fputc('"', out);
  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\') fprintf(out, "\\%c", *text);
    else if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f) fprintf(out, "\\u%04x", (unsigned char)*text);
    else fputc(*text, out);
  }
  fputc('"', out);
}

static void put_addr(const struct ss *ss, const char *name, const struct yeon_addr *a)
{
  char ip[48];
  fprintf(ss->out, ", \"%s\": {\"ip\": \"%s\", \"port\": %u}", name, yeon_ip_format(&a->ip, ip, sizeof ip), a->port);
}

/* Nobody yet: written in the family of the other address. */
static struct yeon_addr remote_of(const struct ss_row *r)
{
  static const struct yeon_ip nobody;
  struct yeon_addr a = r->info.remote;
  if (a.port == 0 && yeon_ip_equal(&a.ip, &nobody) && yeon_ip_is4(&r->info.local.ip)) a.ip = yeon_ip4(0, 0, 0, 0);
  return a;
}

static void put_owner(const struct ss *ss, const struct ss_row *r)
{
  if (r->socket == NULL) {
    fputs(", \"program\": null, \"pid\": null", ss->out);
    return;
  }
  fputs(", \"program\": ", ss->out);
  put_text(ss->out, r->program);
  fprintf(ss->out, ", \"pid\": %d", r->socket->pid);
}

static void put_tcp(const struct ss *ss, const struct ss_row *r)
{
  const struct yeon_tcp_info *i = &r->info;
  FILE *out = ss->out;
  fprintf(out, ", \"snd_queued\": %u, \"snd_limit\": %u, \"rcv_queued\": %u, \"rcv_limit\": %u", i->snd_queued, i->snd_limit, i->rcv_queued,
          i->rcv_limit);
  if (i->state == YEON_TCP_TIME_WAIT) fputs(", \"congestion\": null", out); /* what is left of it has none */
  else fprintf(out, ", \"congestion\": \"%s\"", yeon_congestion_name(i->congestion));
  fprintf(out, ", \"pacing_rate\": %llu", (unsigned long long)i->pacing_rate);
  fprintf(out, ", \"cwnd\": %u, \"ssthresh\": %u, \"flight\": %u, \"snd_wnd\": %u, \"mss\": %u", i->cwnd, i->ssthresh, i->flight, i->snd_wnd,
          i->snd_mss);
  fprintf(out, ", \"srtt_us\": %u, \"rttvar_us\": %u, \"rto_us\": %u, \"rexmits\": %u, \"probes\": %u", i->srtt_us, i->rttvar_us, i->rto_us,
          i->rexmits, i->probes);
  fprintf(out, ", \"bytes_sent\": %llu, \"bytes_acked\": %llu, \"bytes_received\": %llu, \"bytes_retransmitted\": %llu",
          (unsigned long long)i->bytes_sent, (unsigned long long)i->bytes_acked, (unsigned long long)i->bytes_received,
          (unsigned long long)i->bytes_retransmitted);
  fprintf(out, ", \"ecn\": %s, \"ecn_capable\": %s, \"ecn_arrived_ce\": %u, \"ecn_told_ce\": %u", i->accecn_ok ? "\"accurate\"" : i->ecn_ok ? "\"classic\"" : "null",
          i->ecn_capable ? "true" : "false", i->ecn_arrived_ce, i->ecn_told_ce);
  if (i->timer_at == YEON_NEVER) fputs(", \"timer\": null, \"timer_left_us\": null", out);
  else fprintf(out, ", \"timer\": \"%s\", \"timer_left_us\": %lld", yeon_tcp_timer_name(i->timer), (long long)((i->timer_at - ss->now) / YEON_US));
}

static void put_row(const struct ss *ss, const struct ss_row *r)
{
  FILE *out = ss->out;
  const struct yeon_addr remote = remote_of(r);
  fprintf(out, "{\"protocol\": \"%s\", \"host\": \"%s\"", r->kind == SS_UDP ? "udp" : "tcp", ss->lab->hosts[r->host].name);
  if (r->kind != SS_UDP) fprintf(out, ", \"state\": \"%s\"", yeon_tcp_state_name(r->info.state));
  put_addr(ss, "local", &r->info.local);
  put_addr(ss, "remote", &remote);
  put_owner(ss, r);
  fprintf(out, ", \"pair_out\": %u, \"pair_in\": %u", r->pair_out, r->pair_in);
  if (r->kind == SS_LISTENER) fprintf(out, ", \"backlog\": %u, \"backlog_limit\": %u", r->info.backlog, r->info.backlog_limit);
  if (r->kind == SS_CONNECTION) put_tcp(ss, r);
  if (r->peer == SIZE_MAX) fputs(", \"peer\": null", out);
  else fprintf(out, ", \"peer\": %zu", r->peer);
  fprintf(out, ", \"half_open\": %s}", r->half_open ? "true" : "false");
}

void ss_json(const struct ss *ss)
{
  fputc('[', ss->out);
  for (size_t i = 0; i < ss->n; i++) {
    fputs(i > 0 ? ",\n " : "", ss->out);
    put_row(ss, &ss->rows[i]);
  }
  fputs("]\n", ss->out);
}
