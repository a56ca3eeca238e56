/* Lines of an import: whole whatever the reads are, bounded, and interrupted at any wait. */
#include "relay/transfer_lines.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "relay/transfer_block.h"
#include "tests/test.h"

static int file_with(const char *bytes, size_t len)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fflush(file), 0);
    int fd = dup(fileno(file));
    fclose(file);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_lines(void **state)
{
    static const char text[] = "one\n\nthree\r\n\0\nfive";
    static const struct span wanted[] = {
        {"one", 3}, {"", 0}, {"three\r", 6}, {"\0", 1}, {"five", 4}};
    struct transfer_lines lines;
    struct span line;
    bool too_long;
    (void)state;
    int fd = file_with(text, sizeof text - 1);
    transfer_lines_open(&lines, fd, 100);
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(transfer_lines_next(&lines, &line, &too_long));
        assert_true(span_eq(line, wanted[i]));
        assert_false(too_long);
        assert_int_equal(lines.number, i + 1);
    }
    assert_int_equal(lines.bytes, sizeof text - 1);
    assert_false(transfer_lines_next(&lines, &line, &too_long));
    assert_false(lines.cancelled);
    assert_int_equal(lines.failure, 0);
    transfer_lines_close(&lines);
    close(fd);
}

/* A line far longer than the buffer is passed over, whole, and the next one is met. */
static void test_too_long(void **state)
{
    enum { LONG = 1 << 20 };
    struct transfer_lines lines;
    struct span line;
    bool too_long;
    (void)state;
    char *text = malloc(LONG + 5);
    assert_non_null(text);
    memset(text, 'x', LONG);
    text[LONG] = text[LONG + 4] = '\n';
    text[LONG + 1] = 'e';
    text[LONG + 2] = 'n';
    text[LONG + 3] = 'd';
    for (int end = 0; end < 2; end++) { /* the second time nothing comes after it */
        int fd = file_with(text, end == 0 ? LONG + 5 : LONG);
        transfer_lines_open(&lines, fd, 10);
        assert_true(transfer_lines_next(&lines, &line, &too_long));
        assert_true(too_long);
        assert_int_equal(line.at[0], 'x');
        assert_int_equal(transfer_lines_next(&lines, &line, &too_long), end == 0);
        if (end == 0) {
            assert_true(span_eq(line, SPAN("end")));
            assert_int_equal(lines.number, 2);
            assert_int_equal(lines.bytes, LONG + 5);
        }
        transfer_lines_close(&lines);
        close(fd);
    }
    free(text);
}

static void test_block_edges(void **state)
{
    static struct transfer_block block;
    struct transfer_lines lines;
    (void)state;
    int fd = file_with("1234567890\n12345678901\n  \n", 26);
    transfer_lines_open(&lines, fd, 10);
    transfer_block_read(&block, &lines, 0, 10);
    assert_int_equal(block.count, 2); /* blank lines are none */
    assert_int_equal(block.items[0].fate, TRANSFER_GOOD);
    assert_int_equal(block.items[1].fate, TRANSFER_REFUSED);
    assert_int_equal(block.items[1].number, 2);
    assert_int_equal(block.bytes, 26);
    transfer_block_read(&block, &lines, 0, 10);
    assert_int_equal(block.count, 0);
    transfer_lines_close(&lines);
    close(fd);

    char many[2 * (TRANSFER_BLOCK_LINES_MAX + 1)];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = i % 2 == 0 ? 'x' : '\n';
    fd = file_with(many, sizeof many);
    transfer_lines_open(&lines, fd, 10);
    transfer_block_read(&block, &lines, 0, 10);
    assert_int_equal(block.count, TRANSFER_BLOCK_LINES_MAX);
    transfer_block_read(&block, &lines, 0, 10);
    assert_int_equal(block.count, 1);
    transfer_lines_close(&lines);
    close(fd);
    arena_clear(&block.arena);
}

static void *cancel(void *lines)
{
    transfer_lines_cancel(lines);
    return NULL;
}

/* What is at hand is handed out without waiting for more; a wait is ended by cancelling. */
static void test_wait(void **state)
{
    static struct transfer_block block;
    struct transfer_lines lines;
    struct span line;
    bool too_long;
    pthread_t thread;
    int ends[2];
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "a\nb\nhal", 7), 7);
    transfer_lines_open(&lines, ends[0], 10);
    transfer_block_read(&block, &lines, 0, 10);
    assert_int_equal(block.count, 2);
    assert_int_equal(pthread_create(&thread, NULL, cancel, &lines), 0);
    assert_false(transfer_lines_next(&lines, &line, &too_long));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(lines.cancelled);
    assert_int_equal(lines.number, 2); /* the half line was not */
    transfer_lines_close(&lines);
    close(ends[0]);
    close(ends[1]);
    arena_clear(&block.arena);
}

static void test_failure(void **state)
{
    struct transfer_lines lines;
    struct span line;
    bool too_long;
    (void)state;
    int fd = open("/", O_RDONLY | O_CLOEXEC);
    transfer_lines_open(&lines, fd, 10);
    assert_false(transfer_lines_next(&lines, &line, &too_long));
    assert_int_not_equal(lines.failure, 0);
    transfer_lines_close(&lines);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines),
                                       cmocka_unit_test(test_too_long),
                                       cmocka_unit_test(test_block_edges),
                                       cmocka_unit_test(test_wait), cmocka_unit_test(test_failure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
