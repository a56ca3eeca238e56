#include "shared/negentropy.h"

#include <assert.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/fingerprint.h"
#include "shared/text.h"
#include "shared/varint.h"

enum { MODE_SKIP, MODE_FINGERPRINT, MODE_IDS };

enum {
    BUCKETS = 16,
    SPLIT_MIN = 2 * BUCKETS, /* records; fewer are sent as ids */
    FRAME_RESERVE = 200,     /* bytes: the id, the skip and the fingerprint that may still follow */
    VERSION_FIRST = 0x60,    /* bytes that can be a version at all */
    VERSION_LAST = 0x6f,
};

#define INFINITE UINT64_MAX /* the created_at of the last bound: no record's */

/* Where a range ends: before the first record that is not less. */
struct bound {
    uint64_t created_at;
    size_t id_len; /* bytes of id to be sent; those past it are 0 */
    struct bytes32 id;
};

/* One message being read while its answer is written. */
struct turn {
    const struct negentropy *side;
    struct text *out;
    size_t start; /* of the answer in out */
    struct span message, rest;
    struct bound from;   /* where the range being read begins */
    size_t first;        /* the first record of that range */
    uint64_t written_at; /* created_at of the last bound written: the next is a distance */
    bool is_skip_due;    /* the ranges before from need no answer, which is not written yet */
    bool is_full;        /* the answer has said of all that follows what it can */
};

static int record_order(const void *a, const void *b)
{
    const struct negentropy_record *left = a, *right = b;
    if (left->created_at != right->created_at)
        return left->created_at < right->created_at ? -1 : 1;
    return memcmp(left->id.at, right->id.at, sizeof left->id.at);
}

static int bound_order(const struct bound *a, const struct bound *b)
{
    if (a->created_at != b->created_at)
        return a->created_at < b->created_at ? -1 : 1;
    return memcmp(a->id.at, b->id.at, sizeof a->id.at);
}

static struct bound bound_at(const struct negentropy_record *record, size_t id_len)
{
    struct bound bound = {.created_at = (uint64_t)record->created_at, .id_len = id_len};
    memcpy(bound.id.at, record->id.at, id_len);
    return bound;
}

/* The shortest that keeps records[i - 1] and records[i] apart. */
static struct bound bound_before(const struct negentropy *side, size_t i)
{
    const struct negentropy_record *last = &side->records[i - 1], *next = &side->records[i];
    if (last->created_at != next->created_at)
        return bound_at(next, 0);
    size_t same = 0;
    while (last->id.at[same] == next->id.at[same])
        same++;
    return bound_at(next, same + 1);
}

/* The first record from first on that is not before the bound. */
static size_t find(const struct negentropy *side, size_t first, const struct bound *bound)
{
    size_t end = side->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        struct bound record = bound_at(&side->records[middle], sizeof bound->id.at);
        if (bound_order(&record, bound) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static struct fingerprint fingerprint(const struct negentropy *side, size_t first, size_t end)
{
    struct fingerprint_sum sum = {0};
    for (size_t i = first; i < end; i++)
        fingerprint_add(&sum, &side->records[i].id);
    return fingerprint_of(&sum);
}

/* ---- writing ---- */

static void add_bound(struct turn *turn, const struct bound *bound)
{
    bool is_last = bound->created_at == INFINITE;
    varint_add(turn->out, is_last ? 0 : bound->created_at - turn->written_at + 1);
    turn->written_at = bound->created_at;
    varint_add(turn->out, bound->id_len);
    text_add(turn->out, (struct span){(const char *)bound->id.at, bound->id_len});
}

static void add_skip(struct turn *turn)
{
    if (!turn->is_skip_due)
        return;
    turn->is_skip_due = false;
    add_bound(turn, &turn->from);
    varint_add(turn->out, MODE_SKIP);
}

static void add_fingerprint(struct turn *turn, size_t first, size_t end, const struct bound *to)
{
    struct fingerprint ours = fingerprint(turn->side, first, end);
    add_bound(turn, to);
    varint_add(turn->out, MODE_FINGERPRINT);
    text_add(turn->out, SPAN_OF(ours));
}

static void add_ids(struct turn *turn, size_t first, size_t end, const struct bound *to)
{
    add_bound(turn, to);
    varint_add(turn->out, MODE_IDS);
    varint_add(turn->out, end - first);
    for (size_t i = first; i < end; i++)
        text_add(turn->out, SPAN_OF(turn->side->records[i].id));
}

/* The records of a range as ids when they are few, else as fingerprints of its parts. */
static void add_range(struct turn *turn, size_t first, size_t end, const struct bound *to)
{
    size_t count = end - first;
    if (count < SPLIT_MIN) {
        add_ids(turn, first, end, to);
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        size_t next = first + count / BUCKETS + (i < count % BUCKETS);
        struct bound bound = next == end ? *to : bound_before(turn->side, next);
        add_fingerprint(turn, first, next, &bound);
        first = next;
    }
}

/* Bytes that an answer may have before it must come to its end. */
static size_t room(const struct negentropy *side)
{
    return side->frame_bytes_max == 0 ? SIZE_MAX : side->frame_bytes_max - FRAME_RESERVE;
}

static bool is_over(const struct turn *turn)
{
    return turn->out->len - turn->start > room(turn->side);
}

/* The answer ends: the other side will find what is left by its fingerprint. */
static void add_rest(struct turn *turn, size_t first)
{
    struct bound last = {.created_at = INFINITE};
    add_skip(turn);
    add_fingerprint(turn, first, turn->side->count, &last);
    turn->is_full = true;
}

/* ---- reading ---- */

static bool refuse(const struct turn *turn, const char *what, struct err *err)
{
    return err_set(err, ERR_INVALID, "%s at byte %zu", what, turn->message.len - turn->rest.len);
}

static bool take_number(struct turn *turn, uint64_t *number, const char *what, struct err *err)
{
    return varint_take(number, &turn->rest) || refuse(turn, what, err);
}

static bool take_bytes(struct turn *turn, struct span *bytes, uint64_t count, const char *what,
                       struct err *err)
{
    if (turn->rest.len < count)
        return refuse(turn, what, err);
    *bytes = (struct span){turn->rest.at, (size_t)count};
    turn->rest = (struct span){turn->rest.at + count, turn->rest.len - (size_t)count};
    return true;
}

static bool take_bound(struct turn *turn, struct bound *bound, struct err *err)
{
    uint64_t time, id_len;
    struct span id;
    *bound = (struct bound){.created_at = INFINITE};
    if (!take_number(turn, &time, "expected the time of a bound", err))
        return false;
    if (time != 0 && __builtin_add_overflow(turn->from.created_at, time - 1, &bound->created_at))
        return refuse(turn, "a bound past the end of time", err);
    if (!take_number(turn, &id_len, "expected the length of an id prefix", err))
        return false;
    if (id_len > sizeof bound->id.at)
        return refuse(turn, "an id prefix over 32 bytes", err);
    if (!take_bytes(turn, &id, id_len, "an id prefix is cut short", err))
        return false;
    if (bound->created_at == INFINITE && id.len > 0)
        return refuse(turn, "an id past the end of time", err);
    bound->id_len = id.len;
    memcpy(bound->id.at, id.at, id.len);
    return bound_order(&turn->from, bound) <= 0 || refuse(turn, "bounds go backwards", err);
}

/* One by one, what the other side listed of a range. */
struct theirs {
    struct bytes32 id;
    bool is_ours;
};

static int theirs_order(const void *a, const void *b)
{
    const struct theirs *left = a, *right = b;
    return memcmp(left->id.at, right->id.at, sizeof left->id.at);
}

static void tell_difference(const struct turn *turn, struct span ids, size_t end)
{
    const struct negentropy *side = turn->side;
    struct arena arena = {0};
    size_t count = ids.len / sizeof(struct bytes32);
    struct theirs *theirs = arena_array(&arena, struct theirs, count);
    for (size_t i = 0; i < count; i++)
        memcpy(theirs[i].id.at, ids.at + i * sizeof theirs->id.at, sizeof theirs->id.at);
    qsort(theirs, count, sizeof *theirs, theirs_order);

    size_t kept = 0; /* a list may name an id twice */
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || theirs_order(&theirs[kept - 1], &theirs[i]) != 0)
            theirs[kept++] = theirs[i];
    for (size_t i = turn->first; i < end; i++) {
        struct theirs ours = {.id = side->records[i].id};
        struct theirs *same = bsearch(&ours, theirs, kept, sizeof ours, theirs_order);
        if (same != NULL)
            same->is_ours = true;
        else
            side->on_id(side->owner, NEGENTROPY_HAVE, &ours.id);
    }
    for (size_t i = 0; i < kept; i++)
        if (!theirs[i].is_ours)
            side->on_id(side->owner, NEGENTROPY_NEED, &theirs[i].id);
    arena_clear(&arena);
}

/* The ids that we have in a range, as many as the frame holds. */
static void answer_ids(struct turn *turn, size_t end, struct bound to)
{
    size_t left = room(turn->side) - (turn->out->len - turn->start); /* it was not over before */
    size_t count_max = left / sizeof(struct bytes32) + 1;
    if (end - turn->first > count_max) {
        end = turn->first + count_max;
        to = bound_at(&turn->side->records[end], sizeof to.id.at);
    }
    add_skip(turn);
    add_ids(turn, turn->first, end, &to);
    if (is_over(turn))
        add_rest(turn, end);
}

static bool take_ids(struct turn *turn, size_t end, const struct bound *to, struct err *err)
{
    uint64_t count, size;
    struct span ids;
    if (!take_number(turn, &count, "expected how many ids follow", err))
        return false;
    if (__builtin_mul_overflow(count, sizeof(struct bytes32), &size))
        size = UINT64_MAX; /* more than any message has */
    if (!take_bytes(turn, &ids, size, "a list of ids is cut short", err))
        return false;
    if (turn->side->on_id == NULL) {
        answer_ids(turn, end, *to);
        return true;
    }
    tell_difference(turn, ids, end);
    turn->is_skip_due = true;
    return true;
}

static bool take_fingerprint(struct turn *turn, size_t end, const struct bound *to, struct err *err)
{
    struct fingerprint ours = fingerprint(turn->side, turn->first, end);
    struct span theirs;
    if (!take_bytes(turn, &theirs, sizeof ours.at, "a fingerprint is cut short", err))
        return false;
    if (span_eq(theirs, SPAN_OF(ours))) {
        turn->is_skip_due = true;
        return true;
    }
    struct turn before = *turn;
    size_t len = turn->out->len;
    add_skip(turn);
    add_range(turn, turn->first, end, to);
    if (is_over(turn)) { /* without this range, then: it belongs to the rest */
        turn->out->len = len;
        *turn = before;
        add_rest(turn, turn->first);
    }
    return true;
}

static bool take_range(struct turn *turn, struct err *err)
{
    struct bound to;
    uint64_t mode;
    if (!take_bound(turn, &to, err) || !take_number(turn, &mode, "expected a mode", err))
        return false;
    size_t end = find(turn->side, turn->first, &to);
    if (mode > MODE_IDS)
        return refuse(turn, "an unknown mode", err);
    if (mode == MODE_SKIP)
        turn->is_skip_due = true;
    else if (!(mode == MODE_IDS ? take_ids : take_fingerprint)(turn, end, &to, err))
        return false;
    turn->first = end;
    turn->from = to;
    return true;
}

/* Sets is_full for a version that we do not speak. */
static bool take_version(struct turn *turn, struct err *err)
{
    struct span byte;
    if (!take_bytes(turn, &byte, 1, "expected a version", err))
        return false;
    uint8_t version = (uint8_t)byte.at[0];
    if (version < VERSION_FIRST || version > VERSION_LAST)
        return err_set(err, ERR_INVALID, "0x%02x is no version", version);
    turn->is_full = version != NEGENTROPY_VERSION;
    if (turn->is_full && turn->side->on_id != NULL)
        return err_set(err, ERR_UNSUPPORTED, "the other side speaks version 0x%02x", version);
    return true;
}

/* ---- the two sides ---- */

static struct turn begin(const struct negentropy *side, struct text *out, struct span message)
{
    static const char version = NEGENTROPY_VERSION;
    struct turn turn = {
        .side = side, .out = out, .start = out->len, .message = message, .rest = message};
    assert(side->frame_bytes_max == 0 || side->frame_bytes_max >= NEGENTROPY_FRAME_BYTES_MIN);
    text_add(out, SPAN_OF(version));
    return turn;
}

size_t negentropy_seal(struct negentropy_record *records, size_t count)
{
    size_t kept = 0, sorted = 1;
    while (sorted < count && record_order(&records[sorted - 1], &records[sorted]) <= 0)
        sorted++;
    if (sorted < count)
        qsort(records, count, sizeof *records, record_order);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || record_order(&records[kept - 1], &records[i]) != 0)
            records[kept++] = records[i];
    return kept;
}

void negentropy_initiate(const struct negentropy *side, struct text *out)
{
    struct turn turn = begin(side, out, (struct span){0});
    struct bound last = {.created_at = INFINITE};
    assert(side->on_id != NULL);
    add_range(&turn, 0, side->count, &last);
}

bool negentropy_reconcile(const struct negentropy *side, struct text *out, struct span message,
                          struct err *err)
{
    struct turn turn = begin(side, out, message);
    bool ok = take_version(&turn, err);
    while (ok && turn.rest.len > 0 && !turn.is_full)
        ok = take_range(&turn, err);
    bool is_done = side->on_id != NULL && out->len == turn.start + 1;
    if (!ok || is_done)
        out->len = turn.start;
    return ok;
}
