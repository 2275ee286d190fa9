/* yeon tour: the story of TCP as scenarios, one a scene. */
#include <stdio.h>
#include <string.h>

#include "embedded.h"
#include "lab.h"

static const struct cli_option options[] = {
    {"--scene", "N", "only this scene, as `yeon tour N`"},
    {"--seed", "N", "luck of the universe (1)"},
    {"--quiet", NULL, "no ladders: what is to be seen, and whether it was"},
    {NULL, NULL, NULL},
};

static int play(const struct lab_options *o, size_t number)
{
  const struct cli_embedded *scene = &cli_embedded_tour[number];
  char name[64];
  snprintf(name, sizeof name, "@tour/%s", scene->name);
  return lab_run(o, name, (const char *)scene->bytes, scene->len);
}

/* "3" alone is a scene too. */
static bool take_scene(struct cli_args *args, uint64_t *scene)
{
  args->name = "the scene";
  if (*scene == 0) return cli_number(args, 1, cli_embedded_tours, scene);
  (void)cli_complain("one scene or all: %llu or '%s'?", (unsigned long long)*scene, args->value);
  return false;
}

static int run(int argc, char **argv)
{
  struct cli_screen screen = cli_screen_of_stdout();
  struct lab_options o = {
      .seed = 1, .profile = -1, .colour = screen.colour, .utf8 = screen.utf8, .width = screen.width};
  struct cli_args args = cli_args_of(&cli_tour, argc, argv);
  uint64_t scene = 0;
  enum cli_arg kind;
  while ((kind = cli_args_next(&args)) != CLI_ARG_END) {
    if (kind == CLI_ARG_ERROR) return CLI_USAGE;
    if (kind == CLI_ARG_HELP) {
      cli_print_verb(&cli_tour);
      return CLI_OK;
    }
    if (kind == CLI_ARG_PLAIN || strcmp(args.name, "--scene") == 0) {
      if (!take_scene(&args, &scene)) return CLI_USAGE;
      continue;
    }
    if (strcmp(args.name, "--seed") == 0 && !cli_number(&args, 0, UINT64_MAX, &o.seed)) return CLI_USAGE;
    if (strcmp(args.name, "--quiet") == 0) o.quiet = true;
  }
  int worst = CLI_OK;
  for (size_t i = 0; i < cli_embedded_tours; i++) {
    if (scene != 0 && i + 1 != scene) continue;
    int status = play(&o, i);
    if (status > worst) worst = status;
  }
  return worst;
}

const struct cli_verb cli_tour = {
    .name = "tour",
    .arguments = "[SCENE]",
    .summary = "the story of TCP in six scenes, played and drawn",
    .details = "1 socket, port, process   2 sequence numbers   3 handshake   4 close   5 headers   6 the cable",
    .options = options,
    .run = run,
};
