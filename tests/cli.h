/* cli.h - the program shoal, run by a test: what it says, and how it ends.
 *
 *   ownership  scratch owns what is returned
 *   errors     a failed assertion of the running test
 */
#pragma once

#include <stdio.h>

/* Begins to run it; its outputs, to be closed by pclose. arguments: as a shell takes them. */
FILE *cli_start(const char *arguments);

/* Runs it; what it wrote to either output. */
const char *cli_run(int status, const char *arguments);

/* It ends well, and says these words. */
void cli_expect(const char *arguments, const char *words);
