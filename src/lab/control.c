/* The control socket, and who is connected to it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lab/sockets.h"
#include "lab/watch.h"

#define MESSAGES 64 /* of one client in one go */
#define PIECE 60000 /* bytes of a command's answer in one message */

void lab_answer(struct lab_client *client, const struct lab_message *reply, const void *payload, int fd)
{
  if (client != NULL && !client->gone) (void)lab_message_send(client->fd, reply, payload, fd);
}

static void free_client(uv_handle_t *handle)
{
  struct lab_client *c = handle->data;
  close(c->fd);
  free(c);
}

static void forget(struct lab_client *c)
{
  struct lab *lab = c->lab;
  if (c->gone) return;
  c->gone = true;
  lab_watch_end(lab, c);
  if (lab->drain.client == c) lab->drain.client = NULL;
  lab_sockets_cancel(lab, c, 0);
  lab_sockets_abandon(lab, c);
  for (uint32_t i = 0; i < lab->n_programs; i++)
    if (lab->programs[i].client == c) lab->programs[i].client = NULL;
  for (struct lab_client **p = &lab->clients; *p != NULL; p = &(*p)->next) {
    if (*p != c) continue;
    *p = c->next;
    break;
  }
  uv_close((uv_handle_t *)&c->poll, free_client);
  if (c->owner) lab_stop(lab);
}

static void answer_hosts(struct lab *lab, struct lab_client *c, uint64_t id)
{
  char text[LAB_HOSTS_MAX * LAB_ADDRS_MAX * 96];
  size_t len = 0;
  for (unsigned i = 0; i < lab->n_hosts; i++) {
    for (unsigned k = 0; k < lab->hosts[i].n_addrs; k++) {
      char ip[48];
      yeon_ip_format(&lab->hosts[i].addr[k], ip, sizeof ip);
      len += (size_t)snprintf(text + len, sizeof text - len, "%s %s\n", ip, lab->hosts[i].name);
    }
  }
  struct lab_message reply = {.kind = LAB_HOSTS, .id = id, .len = (uint32_t)len};
  lab_answer(c, &reply, text, -1);
}

void lab_hosts_changed(struct lab *lab)
{
  for (struct lab_client *c = lab->clients; c != NULL; c = c->next) {
    bool supervises = false;
    for (uint32_t i = 0; i < lab->n_programs; i++) supervises |= lab->programs[i].client == c;
    if (supervises) answer_hosts(lab, c, 0);
  }
}

static int add_program(struct lab *lab, struct lab_client *c, const struct lab_letter *letter, uint32_t *number)
{
  const char *host = (const char *)letter->payload, *end = host + letter->head.len;
  const char *name = memchr(host, '\0', letter->head.len);
  if (name == NULL || ++name == end || memchr(name, '\0', (size_t)(end - name)) == NULL) return -EINVAL;
  int h = lab_host_find(lab, host);
  if (h < 0 || lab->hosts[h].host == NULL) return -EHOSTUNREACH;
  if (lab->n_programs == lab->cap_programs) {
    uint32_t cap = lab->cap_programs ? lab->cap_programs * 2 : 16;
    struct lab_program *more = realloc(lab->programs, cap * sizeof *more);
    if (more == NULL) return -ENOMEM;
    lab->programs = more;
    lab->cap_programs = cap;
  }
  struct lab_program *p = &lab->programs[*number = lab->n_programs++];
  *p = (struct lab_program){.pid = letter->head.arg[0], .host = (unsigned)h, .client = c};
  memcpy(p->name, name, strnlen(name, sizeof p->name - 1));
  return 0;
}

static void introduce(struct lab *lab, struct lab_client *c, const struct lab_letter *letter)
{
  struct lab_message reply = {.kind = letter->head.kind, .id = letter->head.id};
  char names[LAB_HOSTS_MAX * (LAB_NAME_MAX + 2)] = "";
  reply.result = add_program(lab, c, letter, &reply.program);
  if (reply.result == -EHOSTUNREACH) lab_host_names(lab, names, sizeof names);
  reply.len = (uint32_t)strlen(names);
  lab_answer(c, &reply, names, -1);
}

static void command(struct lab *lab, struct lab_client *c, struct lab_letter *letter)
{
  char *text = NULL;
  size_t len = 0, at = 0;
  struct lab_message reply = {.kind = letter->head.kind, .id = letter->head.id, .result = -ENOMEM};
  FILE *out = open_memstream(&text, &len);
  if (out != NULL) {
    reply.result = lab_command(lab, (char *)letter->payload, letter->head.len, out);
    fclose(out);
  }
  do {
    reply.len = (uint32_t)(len - at < PIECE ? len - at : PIECE);
    reply.flags = at + reply.len < len ? LAB_MORE : 0;
    lab_answer(c, &reply, text + at, -1);
    at += reply.len;
  } while (at < len);
  free(text);
}

static void handle(struct lab *lab, struct lab_client *c, struct lab_letter *letter, int fd)
{
  switch ((enum lab_kind)letter->head.kind) {
  case LAB_HOSTS: answer_hosts(lab, c, letter->head.id); break;
  case LAB_PROGRAM: introduce(lab, c, letter); break;
  case LAB_COMMAND: command(lab, c, letter); break;
  case LAB_DRAIN: lab_drain_ask(lab, c, letter->head.id); break;
  case LAB_WATCH: lab_watch_ask(lab, c, letter, fd); return;
  default: lab_call(lab, c, letter, fd); return;
  }
  if (fd >= 0) close(fd);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
  struct lab_client *c = poll->data;
  (void)status;
  (void)events;
  for (unsigned i = 0; i < MESSAGES && !c->gone; i++) {
    int fd;
    int rc = lab_message_receive(c->fd, &c->lab->letter, &fd);
    if (rc == -EAGAIN) return;
    c->lab->woken = true;
    if (rc == 1) handle(c->lab, c, &c->lab->letter, fd);
    else forget(c);
  }
}

static int add_client(struct lab *lab, int fd, bool owner)
{
  struct lab_client *c = calloc(1, sizeof *c);
  int size = 1 << 20;
  if (c == NULL) return ENOMEM;
  *c = (struct lab_client){.fd = fd, .lab = lab, .next = lab->clients, .owner = owner};
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  uv_poll_init(&lab->loop, &c->poll, fd);
  c->poll.data = c;
  uv_poll_start(&c->poll, UV_READABLE | UV_DISCONNECT, on_client);
  lab->clients = c;
  return 0;
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
  struct lab *lab = poll->data;
  (void)status;
  (void)events;
  int fd = accept4(lab->listener_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0 && add_client(lab, fd, false) != 0) close(fd);
}

/* A lab that ends removes its lock's file, and we may have opened it just before: then the lock we hold is nobody's, and we try again. */
static int lock_file(struct lab *lab, const char *path)
{
  for (;;) {
    struct stat held, there;
    lab->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lab->lock_fd < 0 || flock(lab->lock_fd, LOCK_EX | LOCK_NB) != 0) return errno;
    if (fstat(lab->lock_fd, &held) == 0 && stat(path, &there) == 0 && held.st_ino == there.st_ino) return 0;
    close(lab->lock_fd);
  }
}

/* The name is ours while we hold the lock; a socket without a holder is a dead lab's. */
static int take_name(struct lab *lab, const char *name, char why[LAB_WHY])
{
  char lock[LAB_PATH + 8];
  int error = lab_path(name, lab->path, why);
  if (error != 0) {
    lab->path[0] = '\0';
    return error;
  }
  snprintf(lock, sizeof lock, "%s.lock", lab->path);
  error = lock_file(lab, lock);
  if (error == 0) return 0;
  if (error == EWOULDBLOCK) snprintf(why, LAB_WHY, "a lab named '%s' runs already; choose another with --name, or end that one", name);
  else snprintf(why, LAB_WHY, "%s: %s", lock, strerror(error));
  lab->path[0] = '\0';
  return error;
}

static int listen_at(struct lab *lab, char why[LAB_WHY])
{
  struct sockaddr_un sa = {.sun_family = AF_UNIX};
  memcpy(sa.sun_path, lab->path, sizeof sa.sun_path);
  (void)unlink(lab->path);
  lab->listener_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (lab->listener_fd >= 0 && bind(lab->listener_fd, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(lab->listener_fd, 64) == 0) {
    uv_poll_init(&lab->loop, &lab->listener, lab->listener_fd);
    lab->listener.data = lab;
    uv_poll_start(&lab->listener, UV_READABLE, on_listener);
    return 0;
  }
  int error = errno;
  snprintf(why, LAB_WHY, "%s: %s", lab->path, strerror(error));
  if (lab->listener_fd >= 0) close(lab->listener_fd);
  lab->listener_fd = -1;
  return error;
}

int lab_control_open(struct lab *lab, const struct yeon_lab_config *config)
{
  char why[LAB_WHY];
  int error = take_name(lab, config->name != NULL ? config->name : "default", why);
  if (error == 0) error = listen_at(lab, why);
  if (config->owner_fd >= 0) { /* who owns it is joined to it: a name is only for others who would like to look on */
    why[0] = '\0';
    error = add_client(lab, config->owner_fd, true);
  }
  if (error != 0) fprintf(stderr, "yeon: %s\n", why[0] != '\0' ? why : strerror(error));
  return error;
}

void lab_control_close(struct lab *lab)
{
  while (lab->clients != NULL) forget(lab->clients);
  if (lab->listener_fd >= 0) {
    uv_close((uv_handle_t *)&lab->listener, NULL);
    close(lab->listener_fd);
  }
  if (lab->path[0] != '\0') {
    char lock[LAB_PATH + 8];
    snprintf(lock, sizeof lock, "%s.lock", lab->path);
    (void)unlink(lab->path);
    (void)unlink(lock);
  }
  if (lab->lock_fd >= 0) close(lab->lock_fd);
}
