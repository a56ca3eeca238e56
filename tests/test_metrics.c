/* Metrics: what is counted in any process is on the page of every process. */
#include "relay/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/text.h"
#include "tests/child.h"
#include "tests/test.h"

static char page[32768];

static void write_page(void)
{
    struct text text = {0};
    metrics_write(&text);
    assert_in_range(text.len, 1, sizeof page - 1);
    memcpy(page, text.at, text.len);
    page[text.len] = '\0';
    text_clear(&text);
}

/* Whole lines only: "x 1" is not found in "x 12". */
static void assert_line(const char *line)
{
    char wanted[200];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(page, wanted) == NULL) {
        print_error("no line '%s' in\n%s", line, page);
        fail();
    }
}

static void test_private(void **state)
{
    (void)state;
    metrics_add(METRIC_EVENTS_STORED, 3);
    assert_int_equal(metrics_total(METRIC_EVENTS_STORED), 3);
    write_page();
    assert_line("shoal_relay_events_stored_total 3");
}

static void count_as_one(void)
{
    metrics_use(1);
    metrics_add(METRIC_EVENTS_RECEIVED, 5);
    metrics_move(METRIC_CONNECTIONS, 3);
    metrics_move(METRIC_CONNECTIONS, -1);
    metrics_set(METRIC_STORE_QUEUE, 7);
    metrics_refused(ERR_INVALID);
    metrics_observe(METRIC_ACK_SECONDS, .0005);
    metrics_observe(METRIC_ACK_SECONDS, .0006);
    metrics_observe(METRIC_ACK_SECONDS, 11);
}

static void count_as_two(void)
{
    metrics_use(METRICS_PROCESSES_MAX - 1);
    metrics_add(METRIC_EVENTS_RECEIVED, 2);
    metrics_move(METRIC_CONNECTIONS, 4);
    metrics_refused(ERR_INVALID);
    metrics_observe(METRIC_BATCH_EVENTS, 5);
}

static void test_processes(void **state)
{
    (void)state;
    metrics_open();
    in_child(count_as_one);
    in_child(count_as_two);
    write_page();
    assert_line("shoal_relay_events_stored_total 0"); /* the private slot was left behind */
    assert_line("shoal_relay_events_received_total 7");
    assert_line("shoal_relay_connections 6");
    assert_line("shoal_relay_store_queue 7");
    assert_line("shoal_relay_refusals_total{code=\"invalid\"} 2");
    assert_line("shoal_relay_refusals_total{code=\"rate-limited\"} 0");
    assert_line("# TYPE shoal_relay_ack_seconds histogram");
    assert_line("shoal_relay_ack_seconds_bucket{le=\"0.0005\"} 1"); /* bounds are inclusive */
    assert_line("shoal_relay_ack_seconds_bucket{le=\"0.001\"} 2");
    assert_line("shoal_relay_ack_seconds_bucket{le=\"10\"} 2");
    assert_line("shoal_relay_ack_seconds_bucket{le=\"+Inf\"} 3");
    assert_line("shoal_relay_ack_seconds_sum 11.0011");
    assert_line("shoal_relay_ack_seconds_count 3");
    assert_line("shoal_relay_batch_events_bucket{le=\"2\"} 0");
    assert_line("shoal_relay_batch_events_bucket{le=\"5\"} 1");
    assert_line("shoal_relay_build_info{version=\"" SHOAL_VERSION "\"} 1");

    in_child(count_as_one); /* started again: its counters go on, its gauges begin anew */
    write_page();
    assert_line("shoal_relay_events_received_total 12");
    assert_line("shoal_relay_connections 6");
    assert_line("shoal_relay_ack_seconds_count 6");
}

/* Every line is a comment or "name value", and each name was announced before. */
static void test_format(void **state)
{
    char *save = NULL;
    char announced[100] = "";
    int samples = 0;
    (void)state;
    write_page();
    assert_int_equal(page[strlen(page) - 1], '\n');
    for (char *line = strtok_r(page, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (sscanf(line, "# TYPE %99s", announced) == 1 || strncmp(line, "# HELP ", 7) == 0)
            continue;
        assert_int_equal(strncmp(line, "shoal_relay_", 12), 0);
        assert_int_equal(strncmp(line, announced, strlen(announced)), 0);
        const char *value = strrchr(line, ' ');
        assert_non_null(value);
        char *end;
        (void)strtod(value, &end);
        assert_int_equal(*end, '\0');
        samples++;
    }
    assert_in_range(samples, 60, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_private),
                                       cmocka_unit_test(test_processes),
                                       cmocka_unit_test(test_format)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
