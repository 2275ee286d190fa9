/* Everything moves: frames between hosts and cables, reports to sockets, bytes between sockets and programs; until nothing does. Then the clock is
 * set to the earliest instant that a host, a cable or a schedule has named. */
#define _GNU_SOURCE
#include <sys/timerfd.h>

#include "lab/sockets.h"

#define ROUNDS 64 /* then the loop is given a chance to hear of signals and commands */

static bool take_reports(struct lab *lab)
{
  bool any = false;
  struct yeon_ready ready;
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    while (lab->hosts[i].host != NULL && yeon_host_event(lab->hosts[i].host, &ready)) {
      if (ready.user != NULL) lab_socket_ready(ready.user);
      any = true;
    }
  }
  return any;
}

static bool turn_sockets(struct lab *lab)
{
  struct lab_socket *list = lab->ready, *next;
  lab->ready = NULL;
  bool any = list != NULL;
  for (; list != NULL; list = next) {
    next = list->ready_next;
    list->on_ready = false;
    if (list->stream) stream_turn(list);
    else dgram_turn(list);
  }
  return any;
}

static bool turn(struct lab *lab)
{
  bool moved = turn_sockets(lab);
  yeon_time now = lab_now();
  for (unsigned i = 0; i < lab->n_cables; i++) moved |= lab_cable_carry(lab, &lab->cables[i], now);
  moved |= take_reports(lab);
  return moved;
}

static void set_clock(struct lab *lab, yeon_time at)
{
  if (at == lab->clock_at) return;
  lab->clock_at = at;
  struct itimerspec t = {{0, 0}, {0, 0}};
  if (at != YEON_NEVER) {
    t.it_value.tv_sec = at / YEON_SEC;
    t.it_value.tv_nsec = at % YEON_SEC;
    if (at <= 0) t.it_value.tv_nsec = 1; /* all zero would switch it off */
  }
  timerfd_settime(lab->clock_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

static yeon_time next_of(const struct lab *lab)
{
  yeon_time next = YEON_NEVER;
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    yeon_time at = lab->hosts[i].host != NULL ? yeon_host_next(lab->hosts[i].host) : yeon_link_next(lab->hosts[i].tun);
    if (at < next) next = at;
  }
  for (unsigned i = 0; i < lab->n_cables; i++) {
    yeon_time at = yeon_cable_next(lab->cables[i].cable);
    if (at < next) next = at;
  }
  return next;
}

void lab_pump(struct lab *lab)
{
  yeon_time scheduled = lab_cables_due(lab, lab_now());
  unsigned rounds = ROUNDS;
  while (rounds > 0 && turn(lab)) rounds--;
  lab_sockets_reap(lab);
  yeon_time next = rounds == 0 ? lab_now() : next_of(lab), drained = lab_drain_due(lab, lab_now());
  if (drained < next) next = drained;
  set_clock(lab, next < scheduled ? next : scheduled);
}

void lab_settle(struct lab *lab)
{
  while (lab_sockets_poll(lab)) {
  }
  lab_pump(lab);
}
