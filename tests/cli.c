#include "tests/cli.h"

#include <string.h>
#include <sys/wait.h>

#include "tests/scratch.h"
#include "tests/test.h"

enum { OUTPUT_MAX = 1 << 16 };

FILE *cli_start(const char *arguments)
{
    /* NOLINTNEXTLINE(cert-env33-c): nothing in it is foreign */
    FILE *pipe = popen(scratch_format("exec %s %s 2>&1 </dev/null", SHOAL_BINARY, arguments), "re");
    assert_non_null(pipe);
    return pipe;
}

const char *cli_run(int status, const char *arguments)
{
    char *out = scratch_alloc(OUTPUT_MAX);
    FILE *pipe = cli_start(arguments);
    size_t len = fread(out, 1, OUTPUT_MAX - 1, pipe);
    out[len] = '\0';
    int ended = pclose(pipe);
    if (!WIFEXITED(ended) || WEXITSTATUS(ended) != status)
        fail_msg("shoal %s: status %d: %s", arguments, ended, out);
    return out;
}

void cli_expect(const char *arguments, const char *words)
{
    const char *out = cli_run(0, arguments);
    if (strstr(out, words) == NULL)
        fail_msg("shoal %s: expected %s, got %s", arguments, words, out);
}
