/* The parts of the lab that only compute: sockaddr, option table, words and units of commands, control messages; and the queues of a pair. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/command.h"
#include "lab/option_table.h"
#include "lab/queue.h"
#include "lab/run.h"
#include "lab/sockaddr.h"

static void sockaddr_four(void **state)
{
  (void)state;
  struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(8000), .sin_addr.s_addr = htonl(0x0a000002)}, back;
  struct yeon_addr a;
  const struct yeon_ip expected = yeon_ip4(10, 0, 0, 2);
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, sizeof sa, &a), 0);
  assert_int_equal(a.port, 8000);
  assert_true(yeon_ip_equal(&a.ip, &expected));
  assert_int_equal(lab_sockaddr_emit(AF_INET, &a, &back), sizeof back);
  assert_memory_equal(&back, &sa, sizeof sa);
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, sizeof sa - 1, &a), EINVAL);
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, 1, &a), EINVAL);
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, 0, &a), EINVAL);
  sa.sin_family = AF_UNSPEC;
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, sizeof sa, &a), 0);
  sa.sin_family = AF_INET6;
  assert_int_equal(lab_sockaddr_parse(AF_INET, &sa, sizeof sa, &a), EAFNOSUPPORT);
}

static void sockaddr_six(void **state)
{
  (void)state;
  uint8_t bytes[LAB_SOCKADDR];
  struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_port = htons(53)}, back;
  struct yeon_addr a = {.port = 0};
  sa.sin6_addr.s6_addr[0] = 0xfd;
  sa.sin6_addr.s6_addr[15] = 2;
  assert_int_equal(lab_sockaddr_parse(AF_INET6, &sa, sizeof sa, &a), 0);
  assert_int_equal(lab_sockaddr_emit(AF_INET6, &a, bytes), LAB_SOCKADDR);
  memcpy(&back, bytes, sizeof back);
  assert_memory_equal(&back, &sa, sizeof sa);
  assert_int_equal(lab_sockaddr_parse(AF_INET6, &sa, 24, &a), 0);
  assert_int_equal(lab_sockaddr_parse(AF_INET6, &sa, 23, &a), EINVAL);
  sa.sin6_family = AF_INET;
  assert_int_equal(lab_sockaddr_parse(AF_INET6, &sa, sizeof sa, &a), EAFNOSUPPORT);
  a = (struct yeon_addr){.ip = yeon_ip4(10, 0, 0, 1), .port = 1};
  (void)lab_sockaddr_emit(AF_INET6, &a, &back);
  assert_true(IN6_IS_ADDR_V4MAPPED(&back.sin6_addr));
}

static void sockaddr_here(void **state)
{
  (void)state;
  struct yeon_addr four = {.ip = yeon_ip4(0, 0, 0, 0)}, six = {.port = 1}, other = {.ip = yeon_ip4(10, 0, 0, 1)};
  const struct yeon_ip local = yeon_ip4(127, 0, 0, 1), same = other.ip;
  lab_sockaddr_here(&four);
  lab_sockaddr_here(&six);
  lab_sockaddr_here(&other);
  assert_true(yeon_ip_equal(&four.ip, &local));
  assert_int_equal(six.ip.b[15], 1);
  assert_true(yeon_ip_equal(&other.ip, &same));
}

/* No option twice; each says where its value goes; the ways fit together. */
static void option_table(void **state)
{
  (void)state;
  const struct lab_option *o;
  size_t n = 0;
  for (; (o = lab_option_at(n)) != NULL; n++) {
    assert_ptr_equal(lab_option_find(o->level, o->name), o);
    assert_int_equal(o->way == LAB_OPTION_TCP, o->tcp >= 0);
    if (o->way == LAB_OPTION_UDP) assert_true(o->tcp < 0 && o->udp >= 0);
    if (o->way == LAB_OPTION_OFF) assert_int_equal(o->constant, 0);
    if (o->level == IPPROTO_TCP) assert_true(o->udp < 0);
  }
  assert_true(n > 40);
  assert_null(lab_option_find(SOL_SOCKET, 999));
  assert_null(lab_option_find(77, SO_KEEPALIVE));
  assert_true(lab_option_is_flag(lab_option_find(IPPROTO_TCP, TCP_NODELAY)));
  assert_true(lab_option_is_flag(lab_option_find(SOL_SOCKET, SO_BROADCAST)));
  assert_false(lab_option_is_flag(lab_option_find(IPPROTO_TCP, TCP_KEEPIDLE)));
  assert_int_equal(lab_option_find(IPPROTO_TCP, TCP_KEEPIDLE)->scale, 1000);
}

static void units(void **state)
{
  (void)state;
  yeon_time t;
  uint32_t n;
  uint64_t rate;
  static const char *const bad[] = {"", "5", "ms", "-1s", "1e", "5 s", "5sx", "nan", "infs", "0x5s", "99999999999999999999s"};
  assert_true(command_time("40ms", &t) && t == 40 * YEON_MS);
  assert_true(command_time("1.5s", &t) && t == 1500 * YEON_MS);
  assert_true(command_time("500us", &t) && t == 500 * YEON_US);
  assert_true(command_time("2m", &t) && t == 120 * YEON_SEC);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (command_time(bad[i], &t)) fail_msg("taken for a time: '%s'", bad[i]);
  }
  assert_true(command_share("1%", &n) && n == 10000);
  assert_true(command_share("200ppm", &n) && n == 200);
  assert_true(command_share("100%", &n) && n == 1000000);
  assert_false(command_share("101%", &n));
  assert_false(command_share("1", &n));
  assert_true(command_rate("10mbit", &rate) && rate == 10000000);
  assert_true(command_rate("500kbit", &rate) && rate == 500000);
  assert_false(command_rate("10", &rate));
  assert_false(command_rate("10mb", &rate));
  assert_true(command_bytes("64KB", &n) && n == 64000);
  assert_true(command_bytes("64KiB", &n) && n == 65536);
  assert_false(command_bytes("64", &n));
  assert_true(command_bytes("64B", &n) && n == 64);
  assert_false(command_bytes("9999999GB", &n));
}

static void words(void **state)
{
  (void)state;
  struct command c = {.out = NULL};
  char some[] = "cable\0cut\0" "5s", none[] = "cable\0cut", many[2 * (COMMAND_WORDS + 1)];
  assert_true(command_split(&c, some, sizeof some));
  assert_int_equal(c.n_words, 3);
  assert_string_equal(command_peek(&c), "cable");
  assert_string_equal(command_next(&c), "cable");
  assert_string_equal(command_next(&c), "cut");
  assert_string_equal(command_next(&c), "5s");
  assert_null(command_next(&c));
  assert_null(command_peek(&c));
  assert_false(command_split(&c, none, sizeof none - 1)); /* no terminator */
  for (size_t i = 0; i < sizeof many; i += 2) memcpy(many + i, "x", 2);
  assert_false(command_split(&c, many, sizeof many));
}

static int type_at(const uint8_t *bytes)
{
  struct cmsghdr h;
  memcpy(&h, bytes, sizeof h);
  return h.cmsg_type;
}

static size_t len_at(const uint8_t *bytes)
{
  struct cmsghdr h;
  memcpy(&h, bytes, sizeof h);
  return h.cmsg_len;
}

static void control_emit(void **state)
{
  (void)state;
  uint8_t out[RUN_CONTROL];
  int32_t flags = 0;
  struct in_pktinfo p;
  const struct yeon_ip four = yeon_ip4(10, 0, 0, 2);
  assert_int_equal(run_control_emit(out, sizeof out, 0, four.b, &flags), 0);
  assert_int_equal(run_control_emit(out, sizeof out, LAB_INFO_4, four.b, &flags), CMSG_SPACE(sizeof p));
  memcpy(&p, out + sizeof(struct cmsghdr), sizeof p);
  assert_int_equal(ntohl(p.ipi_addr.s_addr), 0x0a000002);
  assert_int_equal(p.ipi_ifindex, 1);
  size_t both = CMSG_SPACE(sizeof p) + CMSG_SPACE(sizeof(struct in6_pktinfo));
  assert_int_equal(run_control_emit(out, sizeof out, LAB_INFO_4 | LAB_INFO_6, four.b, &flags), both);
  assert_int_equal(type_at(out + CMSG_SPACE(sizeof p)), IPV6_PKTINFO);
  assert_int_equal(flags, 0);
  assert_int_equal(run_control_emit(out, 20, LAB_INFO_4, four.b, &flags), 20);
  assert_int_equal(len_at(out), 20);
  assert_int_equal(flags, MSG_CTRUNC);
  flags = 0;
  assert_int_equal(run_control_emit(out, 15, LAB_INFO_4, four.b, &flags), 0);
  assert_int_equal(flags, MSG_CTRUNC);
}

static bool taken(int level, int type, size_t len, size_t given)
{
  uint8_t bytes[64] = {0};
  struct cmsghdr h = {.cmsg_len = len, .cmsg_level = level, .cmsg_type = type};
  memcpy(bytes, &h, sizeof h);
  return run_control_check(bytes, given, &level, &type);
}

static void control_check(void **state)
{
  (void)state;
  assert_true(taken(IPPROTO_IP, IP_PKTINFO, 28, 32));
  assert_true(taken(IPPROTO_IPV6, IPV6_TCLASS, 20, 24));
  assert_true(taken(SOL_SOCKET, SCM_RIGHTS, 20, 24));
  assert_false(taken(IPPROTO_UDP, 103, 18, 24)); /* UDP_SEGMENT: one datagram would become many */
  assert_false(taken(IPPROTO_IP, 99, 20, 24));
  assert_false(taken(IPPROTO_IP, IP_PKTINFO, 0, 32)); /* lengths that would never end, or leave the buffer */
  assert_false(taken(IPPROTO_IP, IP_PKTINFO, 15, 32));
  assert_false(taken(IPPROTO_IP, IP_PKTINFO, 33, 32));
  assert_false(taken(IPPROTO_IP, IP_PKTINFO, SIZE_MAX, 32));
  assert_true(taken(IPPROTO_IP, IP_PKTINFO, 28, 8)); /* no whole header: none */
}

static void queues(void **state)
{
  (void)state;
  int pair[2];
  struct stat st;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  assert_int_equal(fstat(pair[1], &st), 0);
  struct lab_socket s = {.fd = pair[0], .ino = st.st_ino, .state = LAB_CONNECTED, .program_fd = -1};
  struct lab_diag diag = lab_queue_open();
  struct lab_queue q = lab_queue_of(&diag, &s);
  assert_int_equal(q.from_program, 0);
  assert_int_equal(q.to_program, 0);
  assert_int_equal(send(pair[1], "0123456789", 10, 0), 10);
  assert_int_equal(send(pair[0], "01234", 5, 0), 5);
  s.filled = 4;
  uint8_t left[7];
  s.left = left;
  s.left_len = 7;
  s.left_at = 5;
  q = lab_queue_of(&diag, &s);
  assert_int_equal(q.from_program, 10 - 4 + 2);
  /* where the kernel may not be asked, what it holds for the bytes; never less than they are */
  assert_true(diag.fd < 0 ? q.to_program >= 5 : q.to_program == 5);
  lab_queue_close(&diag);
  close(pair[0]);
  close(pair[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sockaddr_four), cmocka_unit_test(sockaddr_six), cmocka_unit_test(sockaddr_here), cmocka_unit_test(option_table),
      cmocka_unit_test(units),         cmocka_unit_test(words),        cmocka_unit_test(control_emit),  cmocka_unit_test(control_check),
      cmocka_unit_test(queues),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
