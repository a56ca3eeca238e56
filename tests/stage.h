/* stage.h - what most suites of the relay stand on: one relay, and a new client for each test.
 *
 *   static const char *const options[] = {"limit_max=5", NULL};
 *   STAGE_SUITE(options, STAGE_TEST(test_one), STAGE_TEST(test_two))
 */
#pragma once

#include "shared/base.h"
#include "tests/relay.h"
#include "tests/scratch.h"
#include "tests/signer.h"
#include "tests/talk.h"
#include "tests/test.h"

extern struct relay stage_relay;
extern struct talk stage_talk;           /* a fresh connection in each test */
extern const char *const *stage_options; /* of the relay; NULL: none */

/* cmocka's group and test fixtures. */
int stage_open(void **state);
int stage_close(void **state);
int stage_connect(void **state);
int stage_disconnect(void **state);

#define STAGE_TEST(test) cmocka_unit_test_setup_teardown(test, stage_connect, stage_disconnect)

#define STAGE_SUITE(options, ...)                                      \
    int main(void)                                                     \
    {                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};               \
        stage_options = options;                                       \
        return cmocka_run_group_tests(tests, stage_open, stage_close); \
    }
