/* One stage, frame by frame: what it answers to neighbours that are lost, late, early, greedy,
 * confused or hostile. */
#include "gpu/stage.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu/boundary.h"
#include "gpu/stage_work.h"
#include "shared/text.h"
#include "tests/test.h"

enum { WIDTH = 2, VOCABULARY = 6, FRAMES_MAX = 64, BEFORE = 1, BEHIND = 2, POSITIONS = 1000 };

struct sent {
    uint32_t link;
    struct wire wire;
    float first; /* of its rows or pairs, as f32 */
};

struct seen {
    struct stage *stage;
    struct sent frames[FRAMES_MAX];
    size_t count, read;
    uint64_t failed;
    char why[64];
    uint32_t results;
};

static void on_send(void *owner, uint32_t link, const struct wire *wire)
{
    struct seen *seen = owner;
    assert_true(seen->count < FRAMES_MAX);
    struct sent *sent = seen->frames + seen->count++;
    *sent = (struct sent){link, *wire, 0};
    if (wire->payload.len >= 4)
        memcpy(&sent->first, wire->payload.at, 4);
    sent->wire.payload.at = NULL;
}

static void on_result(void *owner, uint64_t session, const struct stage_result *result)
{
    struct seen *seen = owner;
    seen->results += result->why == NULL;
    if (result->why != NULL) {
        seen->failed = session;
        snprintf(seen->why, sizeof seen->why, "%s", result->why);
    }
}

static void begin(struct seen *seen, bool is_first, bool is_last)
{
    struct stage_options options = {.is_first = is_first,
                                    .is_last = is_last,
                                    .width = WIDTH,
                                    .vocabulary = VOCABULARY,
                                    .positions_max = POSITIONS,
                                    .sessions_max = 2,
                                    .rows_max = 256,
                                    .send = on_send,
                                    .result = on_result,
                                    .owner = seen};
    *seen = (struct seen){.stage = stage_new(&options)};
    if (!is_first)
        assert_true(stage_link_up(seen->stage, BEFORE, STAGE_BEFORE, 0));
}

/* The next frame that was sent, which has to be of that type. */
static const struct sent *next(struct seen *seen, enum wire_type type)
{
    assert_true(seen->read < seen->count);
    const struct sent *sent = seen->frames + seen->read++;
    assert_int_equal(sent->wire.type, type);
    return sent;
}

static void end(struct seen *seen)
{
    assert_int_equal(seen->read, seen->count);
    stage_free(seen->stage);
}

static bool open_session(struct seen *seen, uint32_t link, uint64_t session, uint32_t epoch)
{
    static const char origin[8];
    struct wire wire = {.type = WIRE_OPEN,
                        .session = session,
                        .epoch = epoch,
                        .count = POSITIONS,
                        .width = WIDTH,
                        .credits = 2,
                        .payload = SPAN_OF(origin)};
    return stage_receive(seen->stage, link, &wire);
}

/* Rows whose numbers are their positions. */
static bool send_rows(struct seen *seen, uint32_t link, uint32_t epoch, uint32_t position,
                      uint32_t count)
{
    static float rows[STAGE_WINDOW + 1][WIDTH];
    for (uint32_t i = 0; i < count; i++)
        rows[i][0] = rows[i][1] = (float)(position + i);
    struct wire wire = {.type = WIRE_HIDDEN,
                        .flags = WIRE_WANTED,
                        .session = 7,
                        .epoch = epoch,
                        .position = position,
                        .count = count,
                        .width = WIDTH,
                        .payload = {(const char *)rows, count * sizeof rows[0]}};
    return stage_receive(seen->stage, link, &wire);
}

static bool send_plain(struct seen *seen, uint32_t link, struct wire wire)
{
    wire.session = wire.session == 0 ? 7 : wire.session;
    return stage_receive(seen->stage, link, &wire);
}

/* Runs all that there is; how many rows that was. */
static uint32_t work(struct seen *seen, enum exec_verdict verdict)
{
    struct stage_work work;
    uint32_t rows = 0;
    while (stage_plan(seen->stage, &work)) {
        assert_false(stage_plan(seen->stage, &(struct stage_work){0})); /* one at a time */
        for (uint32_t i = 0; i < work.span_count; i++) {
            struct stage_span *span = work.spans + i;
            for (uint32_t j = 0; span->in != NULL && j < span->count; j++)
                assert_true(span->in[(size_t)j * WIDTH] == (float)(span->position + j));
            for (uint32_t j = 0; span->logits != NULL && j < VOCABULARY; j++)
                span->logits[j] = (float)(j % 3);
            for (uint32_t j = 0; span->hidden != NULL && j < span->count * WIDTH; j++)
                span->hidden[j] = (float)span->position;
            span->verdict = verdict;
            rows += span->count;
        }
        stage_done(seen->stage, &work);
    }
    return rows;
}

static void test_rows(void **state)
{
    struct seen seen;
    (void)state;
    begin(&seen, false, true);
    assert_true(send_rows(&seen, BEFORE, 1, 0, 1));
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_UNKNOWN); /* no such session */
    assert_true(open_session(&seen, BEFORE, 7, 1));
    assert_int_equal(next(&seen, WIRE_ACK)->wire.credits, STAGE_WINDOW);
    assert_true(send_rows(&seen, BEFORE, 1, 0, 10));
    assert_true(send_rows(&seen, BEFORE, 1, 2, 5));  /* all of it is here */
    assert_true(send_rows(&seen, BEFORE, 1, 5, 15)); /* half of it */
    assert_true(send_rows(&seen, BEFORE, 1, 21, 1)); /* a gap */
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_UNKNOWN);
    assert_int_equal(work(&seen, EXEC_DONE), 20);
    const struct sent *result = next(&seen, WIRE_RESULT);
    assert_int_equal(result->wire.position, 19);
    assert_int_equal(result->wire.count, 2);
    uint32_t token;
    memcpy(&token, &result->first, sizeof token);
    assert_int_equal(token, 2); /* of 2 and 5, which are alike, the first */

    /* A window of rows, and not one more. */
    assert_true(send_rows(&seen, BEFORE, 1, 20, STAGE_WINDOW - 20));
    assert_false(send_rows(&seen, BEFORE, 1, STAGE_WINDOW, 1));
    assert_int_equal(work(&seen, EXEC_DONE), STAGE_WINDOW - 20);
    const struct sent *ack = next(&seen, WIRE_ACK);
    assert_true(ack->wire.position + ack->wire.credits > STAGE_WINDOW);
    while (seen.read < seen.count)
        assert_int_not_equal(seen.frames[seen.read++].wire.type, WIRE_REFUSE);
    assert_int_equal(stage_statistics(seen.stage).rows, STAGE_WINDOW);
    end(&seen);
}

static void test_epochs(void **state)
{
    struct seen seen;
    (void)state;
    begin(&seen, false, true);
    assert_true(stage_link_up(seen.stage, 3, STAGE_BEFORE, 0));
    assert_true(open_session(&seen, BEFORE, 7, 5));
    next(&seen, WIRE_ACK);
    assert_true(send_rows(&seen, BEFORE, 5, 0, 3));
    assert_true(open_session(&seen, 3, 7, 5));
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.position, 5); /* stale */
    assert_true(open_session(&seen, 3, 7, 6));
    const struct sent *taken = next(&seen, WIRE_REFUSE);
    assert_int_equal(taken->link, BEFORE);
    assert_int_equal(taken->wire.count, WIRE_TAKEN);
    assert_int_equal(taken->wire.epoch, 5);
    assert_int_equal(next(&seen, WIRE_ACK)->wire.position, 3);
    assert_true(send_rows(&seen, BEFORE, 5, 3, 1)); /* too late */
    assert_true(send_plain(&seen, BEFORE, (struct wire){.type = WIRE_CLOSE, .epoch = 5}));
    assert_int_equal(work(&seen, EXEC_DONE), 3);
    assert_int_equal(next(&seen, WIRE_RESULT)->link, 3);
    assert_true(open_session(&seen, 3, 7, 7)); /* and who opens it anew has it again */
    next(&seen, WIRE_ACK);
    assert_int_equal(next(&seen, WIRE_RESULT)->wire.position, 2);
    assert_false(open_session(&seen, 3, 8, 0));
    assert_false(open_session(&seen, 3, 8, WIRE_POSITIONS_MAX + 1));
    assert_true(send_plain(&seen, 3, (struct wire){.type = WIRE_CLOSE, .epoch = 7}));
    assert_int_equal(stage_statistics(seen.stage).sessions, 0);
    end(&seen);
}

static void test_refuse(void **state)
{
    struct seen seen;
    (void)state;
    begin(&seen, false, true);
    for (uint64_t session = 7; session < 10; session++)
        assert_true(open_session(&seen, BEFORE, session, 1));
    next(&seen, WIRE_ACK);
    next(&seen, WIRE_ACK);
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_FULL);
    float bad[WIDTH] = {1, NAN};
    struct wire wire = {.type = WIRE_HIDDEN,
                        .session = 8,
                        .epoch = 1,
                        .count = 1,
                        .width = WIDTH,
                        .payload = SPAN_OF(bad)};
    assert_true(stage_receive(seen.stage, BEFORE, &wire));
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_BROKEN);
    wire.width = 1;
    wire.session = 7;
    wire.payload.len = 4;
    assert_false(stage_receive(seen.stage, BEFORE, &wire));
    wire = (struct wire){.type = WIRE_OPEN,
                         .session = 9,
                         .epoch = 1,
                         .count = POSITIONS + 1,
                         .width = WIDTH,
                         .payload = SPAN("12345678")};
    assert_true(stage_receive(seen.stage, BEFORE, &wire));
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_BROKEN);

    /* What is nobody's to say on this side. */
    for (enum wire_type type = WIRE_HELLO; type <= WIRE_VIA; type++)
        if (type != WIRE_OPEN && type != WIRE_HIDDEN && type != WIRE_CLOSE)
            assert_false(send_plain(&seen, BEFORE, (struct wire){.type = type}));
    assert_false(send_plain(&seen, 99, (struct wire){.type = WIRE_CLOSE}));
    assert_false(send_plain(&seen, 0, (struct wire){.type = WIRE_CLOSE}));

    /* The executor has no room for it. */
    assert_true(send_rows(&seen, BEFORE, 1, 0, 1));
    assert_int_equal(work(&seen, EXEC_NO_PAGES), 1);
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_FULL);
    assert_int_equal(stage_statistics(seen.stage).sessions, 0);

    /* Places for links end. */
    for (uint32_t link = 10; link < 10 + STAGE_LINKS_MAX - 1; link++)
        assert_true(stage_link_up(seen.stage, link, STAGE_BEFORE, 0));
    assert_false(stage_link_up(seen.stage, 9, STAGE_BEFORE, 0));
    end(&seen);
}

static void test_orphans(void **state)
{
    struct seen seen;
    (void)state;
    begin(&seen, false, true);
    /* Who has no stage before it makes room, for another session and for its pages. */
    for (uint64_t session = 17; session < 19; session++) {
        assert_true(stage_link_up(seen.stage, (uint32_t)session, STAGE_BEFORE, 0));
        assert_true(open_session(&seen, (uint32_t)session, session, 1));
        next(&seen, WIRE_ACK);
    }
    stage_link_down(seen.stage, 17);
    assert_true(open_session(&seen, BEFORE, 7, 1));
    next(&seen, WIRE_ACK);
    assert_int_equal(stage_statistics(seen.stage).sessions, 2);
    stage_link_down(seen.stage, 18);
    assert_true(send_rows(&seen, BEFORE, 1, 0, 1));
    assert_int_equal(work(&seen, EXEC_NO_PAGES), 2); /* once more, and then there is none */
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_FULL);
    end(&seen);
}

static void test_behind(void **state)
{
    static const uint32_t tokens[200];
    struct seen seen;
    (void)state;
    begin(&seen, true, false);
    assert_true(stage_open(seen.stage, 7, POSITIONS, 1));
    assert_true(stage_open(seen.stage, 8, POSITIONS, 1));
    assert_false(stage_open(seen.stage, 9, POSITIONS, 1));
    stage_feed(seen.stage, 7, tokens, 200);
    assert_int_equal(work(&seen, EXEC_DONE), 200);
    assert_true(stage_link_up(seen.stage, BEHIND, STAGE_BEHIND, 0));
    assert_int_equal(next(&seen, WIRE_OPEN)->wire.session, 7);
    assert_int_equal(next(&seen, WIRE_OPEN)->wire.session, 8);
    struct wire ack = {.type = WIRE_ACK, .epoch = 1, .credits = 100};
    assert_false(stage_pump(seen.stage, BEHIND));
    assert_true(send_plain(&seen, BEHIND, ack));
    ack.session = 8;
    assert_true(send_plain(&seen, BEHIND, ack));

    /* In pieces, as far as there is credit; one token goes before them. */
    assert_true(stage_pump(seen.stage, BEHIND));
    assert_int_equal(next(&seen, WIRE_HIDDEN)->wire.count, BOUNDARY_PIECE_ROWS);
    stage_feed(seen.stage, 8, tokens, 1);
    work(&seen, EXEC_DONE);
    assert_true(stage_pump(seen.stage, BEHIND));
    const struct sent *one = next(&seen, WIRE_HIDDEN);
    assert_int_equal(one->wire.session, 8);
    assert_int_equal(one->wire.flags, WIRE_WANTED);
    assert_true(stage_pump(seen.stage, BEHIND));
    assert_int_equal(next(&seen, WIRE_HIDDEN)->wire.count, 100 - BOUNDARY_PIECE_ROWS);
    assert_false(stage_pump(seen.stage, BEHIND));
    ack.session = 7;
    ack.position = 101; /* of what was never sent */
    assert_false(send_plain(&seen, BEHIND, ack));

    end(&seen);
}

static void test_results(void **state)
{
    static const uint32_t tokens[1];
    struct seen seen;
    (void)state;
    begin(&seen, true, false);
    assert_true(stage_link_up(seen.stage, BEHIND, STAGE_BEHIND, 0));
    assert_true(stage_open(seen.stage, 7, POSITIONS, 1));
    assert_true(stage_open(seen.stage, 8, POSITIONS, 1));
    stage_feed(seen.stage, 8, tokens, 1);
    assert_int_equal(work(&seen, EXEC_DONE), 1);
    next(&seen, WIRE_OPEN);
    next(&seen, WIRE_OPEN);

    /* Not the result that is waited for, not a result at all, and the one. */
    struct wire result = {.type = WIRE_RESULT,
                          .flags = WIRE_PAIRS,
                          .session = 8,
                          .position = 1,
                          .count = 1,
                          .payload = SPAN("12345678")};
    assert_true(stage_receive(seen.stage, BEHIND, &result));
    result.position = 0;
    result.count = 2;
    assert_false(stage_receive(seen.stage, BEHIND, &result));
    result.count = 1;
    assert_int_equal(seen.results, 0);
    assert_true(stage_receive(seen.stage, BEHIND, &result));
    assert_true(stage_receive(seen.stage, BEHIND, &result));
    assert_int_equal(seen.results, 1);

    /* Refused where there is another, and where there is none. */
    assert_true(stage_link_up(seen.stage, 3, STAGE_BEHIND, 0));
    struct wire refusal = {
        .type = WIRE_REFUSE, .epoch = 1, .count = WIRE_FULL, .payload = SPAN("no room")};
    assert_true(send_plain(&seen, BEHIND, refusal));
    next(&seen, WIRE_OPEN);
    assert_true(send_plain(&seen, BEHIND, refusal)); /* it is there no more */
    refusal.epoch = 2;
    assert_true(send_plain(&seen, 3, refusal));
    assert_int_equal(seen.failed, 7);
    assert_string_equal(seen.why, "no room");
    assert_int_equal(stage_statistics(seen.stage).sessions, 1);
    stage_close(seen.stage, 8);
    assert_int_equal(next(&seen, WIRE_CLOSE)->link, BEHIND);
    end(&seen);
}

static void test_time(void **state)
{
    struct seen seen;
    (void)state;
    begin(&seen, false, false);
    assert_true(open_session(&seen, BEFORE, 7, 1));
    next(&seen, WIRE_ACK);
    stage_tick(seen.stage, 1000);
    stage_tick(seen.stage, 1000 + STAGE_STRANDED_MS - 1);
    assert_int_equal(stage_statistics(seen.stage).sessions, 1);
    stage_tick(seen.stage, 1000 + STAGE_STRANDED_MS);
    assert_int_equal(next(&seen, WIRE_REFUSE)->wire.count, WIRE_FULL);

    assert_true(stage_link_up(seen.stage, BEHIND, STAGE_BEHIND, 0));
    assert_true(open_session(&seen, BEFORE, 7, 1));
    next(&seen, WIRE_ACK);
    next(&seen, WIRE_OPEN);
    stage_link_down(seen.stage, BEFORE);
    stage_tick(seen.stage, 100000);
    stage_tick(seen.stage, 100000 + STAGE_ORPHAN_MS - 1);
    assert_int_equal(stage_statistics(seen.stage).sessions, 1);
    stage_tick(seen.stage, 100000 + STAGE_ORPHAN_MS);
    next(&seen, WIRE_CLOSE);
    assert_int_equal(stage_statistics(seen.stage).sessions, 0);
    end(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),   cmocka_unit_test(test_epochs),
        cmocka_unit_test(test_refuse), cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_behind), cmocka_unit_test(test_results),
        cmocka_unit_test(test_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
