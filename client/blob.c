#include "client/blob.h"

#include "client/base64.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"

enum { ITEMS = 4 }; /* of the tag "x" */

static size_t len_at(uint64_t size, uint64_t place)
{
    return size - place < BLOB_PIECE_BYTES ? (size_t)(size - place) : BLOB_PIECE_BYTES;
}

static const struct tag *find_tag(const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (event->tags[i].count >= ITEMS && span_eq(event->tags[i].items[0], SPAN("x")))
            return &event->tags[i];
    return NULL;
}

static bool read_tag(struct blob_piece *piece, const struct tag *tag)
{
    int64_t size, place;
    if (tag == NULL || !hex_decode(piece->hash.at, sizeof piece->hash.at, tag->items[1]) ||
        !number_decimal(&size, tag->items[2]) || !number_decimal(&place, tag->items[3]) ||
        size < 1 || size > BLOB_BYTES_MAX || place >= size || place % BLOB_PIECE_BYTES != 0)
        return false;
    piece->size = (uint64_t)size;
    piece->place = (uint64_t)place;
    return true;
}

bool blob_parse(struct blob_piece *piece, struct arena *arena, const struct event *event,
                struct err *err)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    *piece = (struct blob_piece){0};
    if (event->kind != KIND_PIECE || !read_tag(piece, find_tag(event)))
        return err_set(err, ERR_INVALID, "a piece that does not say of what");
    if (!base64_decode(&piece->bytes, arena, content) ||
        piece->bytes.len != len_at(piece->size, piece->place))
        return err_set(err, ERR_INVALID, "a piece that is not as long as it has to be");
    return true;
}

void blob_draft(struct draft *draft, const struct bytes32 *root, struct span bytes, size_t place)
{
    const struct bytes32 hash = sig_sha256(bytes);
    struct text words = {0};
    draft->kind = KIND_PIECE;
    draft_tag_id(draft, SPAN("e"), root, SPAN(""));
    text_add_hex(&words, hash.at, sizeof hash.at);
    size_t hex_len = words.len;
    text_addf(&words, "%zu", bytes.len);
    size_t size_len = words.len - hex_len;
    text_addf(&words, "%zu", place);
    const char *at = words.at;
    const struct span items[ITEMS] = {SPAN("x"),
                                      {at, hex_len},
                                      {at + hex_len, size_len},
                                      {at + hex_len + size_len, words.len - hex_len - size_len}};
    draft_tag(draft, items, ITEMS);
    text_clear(&words);
    base64_add(&draft->content, (struct span){bytes.at + place, len_at(bytes.len, place)});
}

struct blob *blob_new(struct arena *arena, const struct bytes32 *hash, size_t size)
{
    struct blob *blob = arena_alloc(arena, sizeof *blob);
    *blob = (struct blob){.hash = *hash, .size = size};
    blob->missing = (size + BLOB_PIECE_BYTES - 1) / BLOB_PIECE_BYTES;
    blob->at = arena_alloc(arena, size);
    blob->has = arena_array(arena, bool, blob->missing);
    memset(blob->has, 0, blob->missing * sizeof *blob->has);
    return blob;
}

void blob_put(struct blob *blob, const struct blob_piece *piece)
{
    size_t index = (size_t)piece->place / BLOB_PIECE_BYTES;
    if (memcmp(&piece->hash, &blob->hash, sizeof blob->hash) != 0 || piece->size != blob->size ||
        blob->has[index])
        return;
    memcpy(blob->at + piece->place, piece->bytes.at, piece->bytes.len);
    blob->has[index] = true;
    blob->missing--;
}

bool blob_is_whole(const struct blob *blob)
{
    if (blob->missing > 0)
        return false;
    const struct bytes32 hash = sig_sha256((struct span){blob->at, blob->size});
    return memcmp(&hash, &blob->hash, sizeof hash) == 0;
}
