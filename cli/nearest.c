/* The name that somebody probably meant. */
#include <string.h>

#include <yeon/congestion.h>
#include <yeon/tcp.h>

#include "cli.h"

#define WORD_MAX 40

/* Insertions, deletions, replacements and swaps of neighbours that lead from a to b. Words longer than WORD_MAX count as far apart. */
static unsigned distance(const char *a, const char *b)
{
  size_t n = strlen(a), m = strlen(b);
  unsigned d[WORD_MAX + 1][WORD_MAX + 1];
  if (n > WORD_MAX || m > WORD_MAX) return WORD_MAX;
  for (size_t i = 0; i <= n; i++) d[i][0] = (unsigned)i;
  for (size_t j = 0; j <= m; j++) d[0][j] = (unsigned)j;
  for (size_t i = 1; i <= n; i++) {
    for (size_t j = 1; j <= m; j++) {
      unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
      bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  }
  return d[n][m];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n)
{
  const char *best = NULL;
  unsigned best_distance = WORD_MAX;
  size_t len = strlen(word);
  for (size_t i = 0; i < n; i++) {
    unsigned d = distance(word, names[i]);
    /* The beginning of a name is as good as one typing error. */
    if (len >= 2 && strncmp(word, names[i], len) == 0) d = 1;
    if (d < best_distance) {
      best_distance = d;
      best = names[i];
    }
  }
  return best_distance <= 1 + len / 3 ? best : NULL;
}

int cli_bad_profile(const char *word)
{
  const char *names[YEON_PROFILES];
  for (int i = 0; i < YEON_PROFILES; i++) names[i] = yeon_profile_name((enum yeon_profile)i);
  const char *nearest = cli_nearest(word, names, YEON_PROFILES);
  return nearest != NULL ? cli_complain("there is no profile '%s'. Did you mean '%s'?", word, nearest)
                         : cli_complain("there is no profile '%s': linux, freebsd, windows, lecture or yeon", word);
}

int cli_bad_congestion(const char *word)
{
  const char *names[YEON_CONGESTIONS];
  for (int i = 0; i < YEON_CONGESTIONS; i++) names[i] = yeon_congestion_name((enum yeon_congestion)i);
  const char *nearest = cli_nearest(word, names, YEON_CONGESTIONS);
  return nearest != NULL ? cli_complain("there is no congestion control '%s'. Did you mean '%s'?", word, nearest)
                         : cli_complain("there is no congestion control '%s': newreno, cubic, bbr, copa", word);
}
