/* As much of HTTP/1.1 (RFC 9110, RFC 9112) as a server of static files needs: text in, decisions out; no sockets. */
#ifndef EXAMPLES_HTTP_H
#define EXAMPLES_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define HTTP_PATH 1024

struct http_request {
  char path
      [HTTP_PATH]; /* decoded, without query, relative: "" is the root; no component is "..", none begins with a dot */
  bool directory;  /* it ended in a slash */
  bool head;       /* HEAD, not GET */
  bool keep_alive;
  bool has_host, if_range; /* fields that were there */
  bool has_range;          /* one range was asked for: first..last, or the last `last` bytes when first < 0 */
  int64_t first, last;     /* last -1: to the end */
};

/* How many bytes the head of a request takes with its empty line; 0: not all there yet. */
size_t http_head_length(const char *bytes, size_t len);
/* Reads a whole head. 0, or the status to answer with: 400, 403, 405, 414, 501, 505. keep_alive is right in every
 * case. */
int http_parse(const char *head, size_t len, struct http_request *out);
/* Applies the range to a file of `size` bytes. 200, 206 (first and length set), or 416. */
int http_range(const struct http_request *r, int64_t size, int64_t *first, int64_t *length);
/* Opens a file or directory for reading. Symbolic links are followed as long as they stay below root. -1 and errno; EXDEV: it leads out. */
int http_open(int root, const char *path);
/* Text from outside for a terminal or a log: control characters as %XX. */
void http_print(FILE *out, const char *text);
const char *http_reason(int status);
/* By the name's ending; "application/octet-stream" when nothing is known. */
const char *http_content_type(const char *name);
/* Writes the listing of the open directory as a page, into memory to be freed. -1: it could not be read. */
int http_listing(int directory_fd, const char *path, char **body, size_t *len);

#endif
