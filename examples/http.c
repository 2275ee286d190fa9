#define _GNU_SOURCE /* syscall */
#include "http.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

size_t http_head_length(const char *bytes, size_t len)
{
  size_t begin = 0;
  while (begin < len && (bytes[begin] == '\r' || bytes[begin] == '\n')) begin++; /* empty lines before a request */
  for (size_t i = begin; i + 1 < len; i++) {
    if (bytes[i] != '\n') continue;
    if (bytes[i + 1] == '\n') return i + 2;
    if (i + 2 < len && bytes[i + 1] == '\r' && bytes[i + 2] == '\n') return i + 3;
  }
  return 0;
}

static int hex(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Percent-decodes target[0..len) up to its query. 0 or a status. */
static int decode(const char *target, size_t len, char *out, size_t size)
{
  size_t n = 0;
  for (size_t i = 0; i < len && target[i] != '?' && target[i] != '#'; i++) {
    char c = target[i];
    if (c == '%') {
      int high = i + 2 < len ? hex(target[i + 1]) : -1, low = i + 2 < len ? hex(target[i + 2]) : -1;
      if (high < 0 || low < 0) return 400;
      c = (char)(high * 16 + low);
      i += 2;
    }
    if (c == 0) return 400;
    if (n + 1 >= size) return 414;
    out[n++] = c;
  }
  out[n] = 0;
  return 0;
}

void http_print(FILE *out, const char *text)
{
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f)
      fprintf(out, "%%%02X", c);
    else
      fputc(c, out);
  }
}

/* Drops empty and "." components. A component that begins with a dot is refused: ".." would lead out, and hidden
 * files are nobody's business. */
static int clean(struct http_request *r, const char *raw)
{
  size_t n = 0;
  const char *p = raw;
  r->directory = true;
  while (*p) {
    while (*p == '/') p++;
    size_t len = strcspn(p, "/");
    if (len == 0) break;
    r->directory = p[len] == '/';
    if (len == 1 && p[0] == '.') {
      r->directory = true;
    } else if (p[0] == '.') {
      return 403;
    } else {
      if (n > 0) r->path[n++] = '/';
      memcpy(r->path + n, p, len); /* never longer than raw, which is no larger than path */
      n += len;
    }
    p += len;
  }
  r->path[n] = 0;
  return 0;
}

static int parse_target(struct http_request *r, const char *target, size_t len)
{
  char raw[HTTP_PATH];
  if (len >= 7 && strncasecmp(target, "http://", 7) == 0) { /* absolute form (RFC 9112 3.2.2) */
    const char *slash = memchr(target + 7, '/', len - 7);
    len = slash ? len - (size_t)(slash - target) : 0;
    target = slash ? slash : "/";
    if (len == 0) len = 1;
  }
  if (len == 0 || target[0] != '/') return 400;
  int status = decode(target, len, raw, sizeof raw);
  return status != 0 ? status : clean(r, raw);
}

static bool take_number(const char **p, int64_t *out)
{
  int64_t v = 0;
  if (**p < '0' || **p > '9') return false;
  for (; **p >= '0' && **p <= '9'; (*p)++) {
    if (v > (INT64_MAX - 9) / 10) return false;
    v = v * 10 + (**p - '0');
  }
  *out = v;
  return true;
}

/* "bytes=0-99", "bytes=100-", "bytes=-500". Anything else, more ranges too, is as if there were none: that is allowed
 * (RFC 9110 14.2). */
static void parse_range(struct http_request *r, const char *v)
{
  int64_t first = -1, last = -1;
  if (strncasecmp(v, "bytes=", 6) != 0) return;
  v += 6;
  bool has_first = take_number(&v, &first);
  if (*v++ != '-') return;
  bool has_last = take_number(&v, &last);
  if (*v != 0 || (!has_first && !has_last) || (has_first && has_last && last < first)) return;
  r->has_range = true;
  r->first = has_first ? first : -1;
  r->last = has_last ? last : -1;
}

static bool has_word(const char *value, const char *word)
{
  size_t n = strlen(word);
  for (const char *p = value; *p;) {
    p += strspn(p, " \t,");
    size_t len = strcspn(p, " \t,");
    if (len == n && strncasecmp(p, word, n) == 0) return true;
    p += len;
  }
  return false;
}

/* One field line, as a string without its line end. */
static int parse_field(struct http_request *r, char *line)
{
  char *colon = strchr(line, ':');
  if (!colon || colon == line) return 400;
  *colon = 0;
  if (strpbrk(line, " \t")) return 400; /* RFC 9112 5.1: a field that another reader takes for something else */
  char *value = colon + 1 + strspn(colon + 1, " \t");
  size_t len = strlen(value);
  while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t')) value[--len] = 0;
  if (strcasecmp(line, "Host") == 0) r->has_host = true;
  if (strcasecmp(line, "Range") == 0) parse_range(r, value);
  if (strcasecmp(line, "If-Range") == 0) r->if_range = true;
  if (strcasecmp(line, "Connection") == 0 && has_word(value, "close")) r->keep_alive = false;
  if (strcasecmp(line, "Connection") == 0 && has_word(value, "keep-alive")) r->keep_alive = true;
  /* A body would follow; we want none, and not knowing where it ends we cannot go on behind it. */
  bool body = strcasecmp(line, "Transfer-Encoding") == 0 ||
              (strcasecmp(line, "Content-Length") == 0 && strcmp(value, "0") != 0);
  if (body) r->keep_alive = false;
  return 0;
}

static int parse_request_line(struct http_request *r, const char *line, const char **target, size_t *target_len,
                              bool *known)
{
  const char *space = strchr(line, ' ');
  const char *version = space ? strchr(space + 1, ' ') : NULL;
  if (!space || space == line || !version || strchr(version + 1, ' ')) return 400;
  if (strncmp(version + 1, "HTTP/", 5) != 0) return 400;
  if (strncmp(version + 1, "HTTP/1.", 7) != 0) return 505;
  if (version[8] < '0' || version[8] > '9' || version[9]) return 400;
  r->keep_alive = version[8] != '0';
  size_t n = (size_t)(space - line);
  r->head = n == 4 && memcmp(line, "HEAD", 4) == 0;
  *known = r->head || (n == 3 && memcmp(line, "GET", 3) == 0);
  *target = space + 1;
  *target_len = (size_t)(version - *target);
  return 0;
}

int http_parse(const char *head, size_t len, struct http_request *r)
{
  memset(r, 0, sizeof *r);
  for (; len > 0 && (*head == '\r' || *head == '\n'); len--) head++; /* RFC 9112 2.2 */
  if (memchr(head, 0, len)) return 400;
  char *text = malloc(len + 1);
  if (!text) return 400;
  memcpy(text, head, len);
  text[len] = 0;
  const char *target = NULL;
  size_t target_len = 0;
  bool known = false, old = false;
  int status = 0, line_number = 0;
  char *save = NULL;
  for (char *line = strtok_r(text, "\n", &save); line && status == 0;
       line = strtok_r(NULL, "\n", &save), line_number++) {
    size_t n = strlen(line);
    if (n > 0 && line[n - 1] == '\r') line[--n] = 0;
    if (n == 0) break;
    if (line_number > 0) {
      status = parse_field(r, line);
      continue;
    }
    status = parse_request_line(r, line, &target, &target_len, &known);
    old = !r->keep_alive;
  }
  if (status == 0 && (!target || (!old && !r->has_host))) status = 400; /* RFC 9112 3.2 */
  if (r->if_range)
    r->has_range = false; /* we keep no validators, and the whole file is always right (RFC 9110 13.1.5) */
  if (status == 0 && !known) status = 405;
  if (status == 0) status = parse_target(r, target, target_len);
  if (status == 400) r->keep_alive = false; /* who knows what the rest means */
  free(text);
  return status;
}

int http_open(int root, const char *path)
{
  struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_BENEATH};
  long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
  if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* an old kernel, or one behind a filter */
    return openat(root, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  return (int)fd;
}

int http_range(const struct http_request *r, int64_t size, int64_t *first, int64_t *length)
{
  *first = 0;
  *length = size;
  if (!r->has_range) return 200;
  if (r->first < 0) { /* the last bytes */
    if (r->last == 0 || size == 0) return 416;
    *length = r->last < size ? r->last : size;
    *first = size - *length;
    return 206;
  }
  if (r->first >= size) return 416;
  int64_t last = r->last < 0 || r->last >= size ? size - 1 : r->last;
  *first = r->first;
  *length = last - r->first + 1;
  return 206;
}

const char *http_reason(int status)
{
  switch (status) {
  case 200: return "OK";
  case 206: return "Partial Content";
  case 301: return "Moved Permanently";
  case 400: return "Bad Request";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 414: return "URI Too Long";
  case 416: return "Range Not Satisfiable";
  case 431: return "Request Header Fields Too Large";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  default: return "Internal Server Error";
  }
}

const char *http_content_type(const char *name)
{
  static const char *const types[][2] = {{"html", "text/html; charset=utf-8"},
                                         {"htm", "text/html; charset=utf-8"},
                                         {"txt", "text/plain; charset=utf-8"},
                                         {"md", "text/plain; charset=utf-8"},
                                         {"c", "text/plain; charset=utf-8"},
                                         {"h", "text/plain; charset=utf-8"},
                                         {"css", "text/css; charset=utf-8"},
                                         {"js", "text/javascript"},
                                         {"json", "application/json"},
                                         {"svg", "image/svg+xml"},
                                         {"png", "image/png"},
                                         {"jpg", "image/jpeg"},
                                         {"jpeg", "image/jpeg"},
                                         {"gif", "image/gif"},
                                         {"webp", "image/webp"},
                                         {"ico", "image/x-icon"},
                                         {"pdf", "application/pdf"},
                                         {"wasm", "application/wasm"},
                                         {"mp4", "video/mp4"},
                                         {"webm", "video/webm"},
                                         {"mp3", "audio/mpeg"},
                                         {"gz", "application/gzip"},
                                         {"zip", "application/zip"},
                                         {"xml", "application/xml"}};
  const char *dot = strrchr(name, '.');
  for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++) {
    if (strcasecmp(dot + 1, types[i][0]) == 0) return types[i][1];
  }
  return "application/octet-stream";
}

static void put_text(FILE *out, const char *s)
{
  for (; *s; s++) {
    if (*s == '<')
      fputs("&lt;", out);
    else if (*s == '>')
      fputs("&gt;", out);
    else if (*s == '&')
      fputs("&amp;", out);
    else if (*s == '"')
      fputs("&quot;", out);
    else
      fputc(*s, out);
  }
}

static void put_link(FILE *out, const char *s)
{
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("-_.~", c);
    if (plain)
      fputc(c, out);
    else
      fprintf(out, "%%%02X", c);
  }
}

static void put_entry(FILE *out, int directory_fd, const char *name)
{
  struct stat st;
  if (name[0] == '.' || fstatat(directory_fd, name, &st, 0) != 0) return;
  bool directory = S_ISDIR(st.st_mode);
  if (!directory && !S_ISREG(st.st_mode)) return;
  fputs("<tr><td><a href=\"", out);
  put_link(out, name);
  fputs(directory ? "/\">" : "\">", out);
  put_text(out, name);
  if (directory)
    fputs("/</a></td><td></td></tr>\n", out);
  else
    fprintf(out, "</a></td><td align=\"right\">%lld</td></tr>\n", (long long)st.st_size);
}

int http_listing(int directory_fd, const char *path, char **body, size_t *len)
{
  int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd < 0 ? NULL : fdopendir(fd);
  FILE *out = dir ? open_memstream(body, len) : NULL;
  if (!out) {
    if (dir)
      closedir(dir);
    else if (fd >= 0)
      close(fd);
    return -1;
  }
  fputs("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<title>/", out);
  put_text(out, path);
  fputs("</title>\n<h1>/", out);
  put_text(out, path);
  fputs("</h1>\n<table>\n", out);
  if (*path) fputs("<tr><td><a href=\"../\">../</a></td><td></td></tr>\n", out);
  struct dirent *entry;
  while ((entry = readdir(dir)) != NULL) put_entry(out, directory_fd, entry->d_name);
  fputs("</table>\n", out);
  closedir(dir);
  return fclose(out) == 0 ? 0 : -1;
}
