/* Progress: one line on a terminal, nothing anywhere else. */
#include "relay/progress.h"

#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/test.h"

static char shown[4096];

/* What steps show on a stderr that is fd's other end. */
static void capture(int in, int out, int64_t bytes_total)
{
    struct progress progress;
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(out, STDERR_FILENO) >= 0);
    progress_start(&progress, "imported", bytes_total);
    progress_show(&progress, 50, 7);
    progress_show(&progress, 60, 8); /* too soon after the last */
    progress_clear(&progress);
    progress_show(&progress, 400, 9); /* a file that has grown */
    fflush(stderr);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);

    size_t len = 0;
    struct pollfd ready = {.fd = in, .events = POLLIN};
    while (len < sizeof shown - 1 && poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN) != 0) {
        ssize_t count = read(in, shown + len, sizeof shown - 1 - len);
        assert_true(count > 0);
        len += (size_t)count;
    }
    shown[len] = '\0';
}

static void test_terminal(void **state)
{
    int master, slave;
    (void)state;
    assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
    capture(master, slave, 200);
    assert_non_null(strstr(shown, "\r\033[K[######..................]  25 %, "));
    assert_non_null(strstr(shown, " left, 7 events imported, "));
    assert_null(strstr(shown, " 8 events"));
    assert_non_null(strstr(shown, "\r\033[K[########################] 100 %, 0:00 left, 9 events"));

    capture(master, slave, 0);
    assert_null(strstr(shown, "%"));
    assert_non_null(strstr(shown, "\r\033[K7 events imported, "));
    close(master);
    close(slave);
}

static void test_no_terminal(void **state)
{
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    capture(ends[0], ends[1], 200);
    assert_string_equal(shown, "");
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_terminal),
                                       cmocka_unit_test(test_no_terminal)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
