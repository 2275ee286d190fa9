/* The version of the library, as in the project's build file. */
#include <yeon/base.h>

const char *yeon_version(void) { return "0.1.0"; }
