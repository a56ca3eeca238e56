#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/parcel.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

enum { SHELF_BYTES_MAX = 4 * PARCEL_BYTES_MAX };

struct slot {
    struct arena arena;
    struct bytes32 author, digest;
    int64_t since;
    uint32_t count, there;
    size_t bytes;
    struct span *pieces; /* at NULL: missing; count 0: the slot is free */
};

struct parcel_shelf {
    struct arena arena; /* this lives in */
    struct slot slots[PARCEL_SHELF_MAX];
    size_t bytes;
};

struct parcel_shelf *parcel_shelf_new(void)
{
    struct arena arena = {0};
    struct parcel_shelf *shelf = arena_alloc(&arena, sizeof *shelf);
    *shelf = (struct parcel_shelf){.arena = arena};
    return shelf;
}

static void clear(struct parcel_shelf *shelf, struct slot *slot)
{
    shelf->bytes -= slot->bytes;
    arena_clear(&slot->arena);
    *slot = (struct slot){0};
}

void parcel_shelf_free(struct parcel_shelf *shelf)
{
    if (shelf == NULL)
        return;
    for (size_t i = 0; i < PARCEL_SHELF_MAX; i++)
        clear(shelf, &shelf->slots[i]);
    struct arena arena = shelf->arena;
    arena_clear(&arena);
}

struct piece {
    struct bytes32 author, digest;
    uint32_t index, count;
    struct span text;
};

/* False: the tag is wrong. count 0: it has none, and is whole. */
static bool read_piece(struct piece *piece, struct arena *arena, const struct event *rumor)
{
    *piece =
        (struct piece){.author = rumor->pubkey,
                       .text = scan_decode(arena, (struct scan_string){rumor->content_json, true})};
    for (uint32_t i = 0; i < rumor->tag_count; i++) {
        const struct tag *tag = &rumor->tags[i];
        int64_t index, count;
        if (tag->count == 0 || !span_eq(tag->items[0], SPAN("part")))
            continue;
        if (tag->count < 4 || !number_decimal(&index, tag->items[1]) ||
            !number_decimal(&count, tag->items[2]) || count < 2 || count > PARCEL_PIECES_MAX ||
            index >= count || !hex_decode(piece->digest.at, sizeof piece->digest.at, tag->items[3]))
            return false;
        piece->index = (uint32_t)index;
        piece->count = (uint32_t)count;
        return true;
    }
    return true;
}

/* Its slot, or a free one; what has waited too long makes room. NULL: there is none. */
static struct slot *find(struct parcel_shelf *shelf, const struct piece *piece, int64_t now)
{
    struct slot *free = NULL;
    for (size_t i = 0; i < PARCEL_SHELF_MAX; i++) {
        struct slot *slot = &shelf->slots[i];
        if (slot->count > 0 && now - slot->since > PARCEL_SHELF_SECONDS)
            clear(shelf, slot);
        if (slot->count == 0)
            free = slot;
        else if (memcmp(&slot->author, &piece->author, sizeof slot->author) == 0 &&
                 memcmp(&slot->digest, &piece->digest, sizeof slot->digest) == 0)
            return slot;
    }
    return free;
}

static void begin(struct slot *slot, const struct piece *piece, int64_t now)
{
    slot->author = piece->author;
    slot->digest = piece->digest;
    slot->since = now;
    slot->count = piece->count;
    slot->pieces = arena_array(&slot->arena, struct span, piece->count);
}

static bool join(struct parcel_shelf *shelf, struct slot *slot, struct span *content,
                 struct arena *arena, struct err *err)
{
    struct text whole = {0};
    for (uint32_t i = 0; i < slot->count; i++)
        text_add(&whole, slot->pieces[i]);
    const struct bytes32 digest = sig_sha256(text_span(&whole));
    bool is_same = memcmp(&digest, &slot->digest, sizeof digest) == 0;
    *content = is_same ? arena_copy(arena, text_span(&whole)) : (struct span){0};
    text_clear(&whole);
    clear(shelf, slot);
    return is_same || err_set(err, ERR_INVALID, "a message that is not the one it was to be");
}

bool parcel_put(struct parcel_shelf *shelf, struct span *content, struct arena *arena,
                const struct event *rumor, int64_t now, struct err *err)
{
    struct piece piece;
    *content = (struct span){0};
    if (rumor->kind != KIND_MARKET_MESSAGE || !read_piece(&piece, arena, rumor))
        return err_set(err, ERR_INVALID, "no piece of a message");
    if (piece.text.len == 0 || piece.text.len > PARCEL_PIECE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a piece of 1 to %d bytes", PARCEL_PIECE_BYTES_MAX);
    if (piece.count == 0) {
        *content = piece.text;
        return true;
    }
    struct slot *slot = find(shelf, &piece, now);
    if (slot == NULL || shelf->bytes + piece.text.len > SHELF_BYTES_MAX)
        return err_set(err, ERR_RATE_LIMITED, "too many messages on their way");
    if (slot->count == 0)
        begin(slot, &piece, now);
    if (slot->count != piece.count)
        return err_set(err, ERR_INVALID, "a message of two lengths");
    if (slot->pieces[piece.index].at != NULL)
        return true; /* once more */
    slot->pieces[piece.index] = arena_copy(&slot->arena, piece.text);
    slot->bytes += piece.text.len;
    shelf->bytes += piece.text.len;
    return ++slot->there < slot->count || join(shelf, slot, content, arena, err);
}
