#include "gpu/desk.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

#include "client/holder.h"
#include "client/wrap.h"
#include "gpu/desk_gate.h"
#include "gpu/desk_memory.h"
#include "gpu/post.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/parcel.h"

struct desk {
    struct desk_setup setup;
    struct desk_gate *gate;
    struct desk_memory *memory;
    struct parcel_shelf *shelf;
    struct desk_statistics statistics;
    bool is_freed;
};

/* A question that is being answered. */
struct errand {
    struct desk *desk;
    uv_work_t work;
    struct arena arena;
    struct span id;
    struct desk_question question;
    struct desk_answer answer;
};

/* ---- telling ---- */

bool desk_tell(struct desk *desk, const struct bytes32 *buyer, struct event *rumor, struct err *err)
{
    struct text json = {0};
    struct arena arena = {0};
    struct event wrap;
    struct wrap_seed seed;
    randombytes_buf(&seed, sizeof seed);
    seed.wrap_at = time(NULL);
    bool ok = wrap_say(&json, post_holder(desk->setup.post), rumor, buyer, &seed, err) &&
              event_parse(&wrap, &arena, text_span(&json), err);
    if (ok)
        post_send(desk->setup.post, &wrap);
    text_clear(&json);
    arena_clear(&arena);
    return ok;
}

static void tell_answer(struct desk *desk, const struct bytes32 *buyer,
                        const struct parcel_answer *answer)
{
    struct arena arena = {0};
    struct text content = {0};
    struct parcel_place place = {0};
    struct event rumor;
    parcel_write_answer(&content, answer);
    bool ok = content.len <= PARCEL_BYTES_MAX;
    while (ok && parcel_next(&rumor, &arena, text_span(&content), &place, time(NULL)))
        ok = desk_tell(desk, buyer, &rumor, NULL);
    text_clear(&content);
    arena_clear(&arena);
}

/* ---- answering ---- */

void desk_reply(struct desk *desk, const struct bytes32 *buyer, struct span id,
                const struct desk_answer *answer)
{
    desk->statistics.answered++;
    desk_memory_keep(desk->memory, buyer, id, answer);
    tell_answer(desk, buyer, &(struct parcel_answer){id, answer->status, text_span(&answer->body)});
}

static void free_desk(struct desk *desk)
{
    desk_gate_free(desk->gate);
    desk_memory_free(desk->memory);
    parcel_shelf_free(desk->shelf);
    free(desk);
}

static void on_work(uv_work_t *work)
{
    struct errand *errand = work->data;
    const struct desk *desk = errand->desk;
    desk->setup.answer(desk->setup.owner, &errand->answer, &errand->question);
}

static void free_errand(struct errand *errand)
{
    text_clear(&errand->answer.body);
    arena_clear(&errand->arena);
    free(errand);
}

static void on_worked(uv_work_t *work, int status)
{
    struct errand *errand = work->data;
    struct desk *desk = errand->desk;
    (void)status;
    desk->statistics.busy--;
    if (!desk->is_freed) {
        desk_reply(desk, &errand->question.buyer, errand->id, &errand->answer);
    } else if (desk->statistics.busy == 0) {
        free_desk(desk);
    }
    free_errand(errand);
}

static const char *copy_text(struct arena *arena, struct span text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    memcpy(copy, text.at, text.len);
    return copy;
}

static void begin(struct desk *desk, const struct bytes32 *buyer,
                  const struct parcel_question *question)
{
    struct errand *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        abort();
    errand->desk = desk;
    errand->work.data = errand;
    errand->id = arena_copy(&errand->arena, question->id);
    errand->question = (struct desk_question){copy_text(&errand->arena, question->method),
                                              copy_text(&errand->arena, question->path),
                                              arena_copy(&errand->arena, question->body), *buyer};
    if (desk->setup.take != NULL &&
        desk->setup.take(desk->setup.owner, &errand->question, errand->id)) {
        free_errand(errand);
        return;
    }
    desk->statistics.busy++;
    uv_queue_work(desk->setup.loop, &errand->work, on_work, on_worked);
}

/* ---- hearing ---- */

/* Asked before: told once more, unless it is being answered still. */
static bool repeat(struct desk *desk, const struct bytes32 *buyer, struct span id)
{
    const struct desk_answer *known;
    if (!desk_memory_find(desk->memory, &known, buyer, id))
        return false;
    desk->statistics.repeated++;
    if (known != NULL)
        tell_answer(desk, buyer,
                    &(struct parcel_answer){id, known->status, text_span(&known->body)});
    return true;
}

static void hear_question(struct desk *desk, struct arena *arena, const struct event *rumor)
{
    static const struct span away = {"{\"detail\":\"too many at once: come again\"}", 41};
    struct parcel_question question;
    struct span content;
    if (!parcel_put(desk->shelf, &content, arena, rumor, time(NULL), NULL) ||
        (content.at != NULL && !parcel_read_question(&question, arena, content, NULL))) {
        desk->statistics.unreadable++;
        return;
    }
    if (content.at == NULL)
        return; /* there is more of it to come */
    if (repeat(desk, &rumor->pubkey, question.id))
        return;
    if (desk->statistics.busy < DESK_BUSY_MAX) {
        desk_memory_begin(desk->memory, &rumor->pubkey, question.id);
        begin(desk, &rumor->pubkey, &question);
        return;
    }
    desk->statistics.turned_away++;
    tell_answer(desk, &rumor->pubkey, &(struct parcel_answer){question.id, 503, away});
}

/* The wrap's id and signature have been checked. */
static void on_heard(void *owner, const struct event *wrap, struct arena *arena)
{
    struct desk *desk = owner;
    struct event rumor;
    uint64_t now_ms = uv_now(desk->setup.loop);
    if (!desk_gate_admits(desk->gate, now_ms)) {
        desk->statistics.limited++;
        return;
    }
    if (!wrap_open(&rumor, arena, post_holder(desk->setup.post), wrap, NULL) ||
        rumor.kind != KIND_MARKET_MESSAGE) {
        desk->statistics.unreadable++;
        return;
    }
    if (!desk_gate_hears(desk->gate, &rumor.pubkey, now_ms)) {
        desk->statistics.limited++;
        return;
    }
    if (!desk_gate_is_new(desk->gate, &rumor.id, rumor.created_at, time(NULL))) {
        desk->statistics.replayed++;
        return;
    }
    hear_question(desk, arena, &rumor);
}

struct desk *desk_new(const struct desk_setup *setup)
{
    struct desk *desk = calloc(1, sizeof *desk);
    struct text key = {0};
    if (desk == NULL)
        abort();
    desk->setup = *setup;
    desk->gate = desk_gate_new();
    desk->memory = desk_memory_new();
    desk->shelf = parcel_shelf_new();
    const struct bytes32 *node = holder_pubkey(post_holder(setup->post));
    text_add_hex(&key, node->at, sizeof node->at);
    const uint16_t kind = KIND_EPHEMERAL_GIFT_WRAP;
    const struct span value = text_span(&key);
    const struct filter_tag tag = {.letter = 'p', .count = 1, .values = &value};
    const struct filter filter = {
        .until = INT64_MAX, .kinds = {1, &kind}, .tag_count = 1, .tags = &tag};
    post_listen(setup->post, &filter, on_heard, desk);
    text_clear(&key);
    return desk;
}

void desk_free(struct desk *desk)
{
    if (desk == NULL)
        return;
    desk->is_freed = true;
    if (desk->statistics.busy == 0)
        free_desk(desk);
}

struct desk_statistics desk_statistics(const struct desk *desk)
{
    return desk->statistics;
}
