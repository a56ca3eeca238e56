/* catalog_blob.c - what is too large for one event, from the pieces that are here. */
#include "client/blob.h"
#include "client/catalog.h"
#include "client/catalog_checkpoint.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { AUTHORS_MAX = 16, HEX_CHARS = 64 };

/* Those who sent pieces: one who sends wrong ones takes no place of another's. */
struct senders {
    struct bytes32 at[AUTHORS_MAX];
    size_t count;
};

static bool add_sender(void *owner, const struct catalog_event *found)
{
    struct senders *senders = owner;
    for (size_t i = 0; i < senders->count; i++)
        if (memcmp(&senders->at[i], &found->author, sizeof found->author) == 0)
            return true;
    senders->at[senders->count++] = found->author;
    return senders->count < AUTHORS_MAX;
}

static bool add_piece(void *owner, const struct catalog_event *found)
{
    struct arena arena = {0};
    struct event event;
    struct blob_piece piece;
    if (event_parse(&event, &arena, found->json, NULL) && blob_parse(&piece, &arena, &event, NULL))
        blob_put(owner, &piece);
    arena_clear(&arena);
    return true;
}

bool catalog_said_state(struct store *store, struct span *state, struct arena *arena,
                        const struct checkpoint *said, struct err *err)
{
    static const uint16_t kind = KIND_PIECE;
    char hex[HEX_CHARS];
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = 'x', .count = 1, .values = &value};
    struct filter filter = {.until = INT64_MAX,
                            .limit = FILTER_NO_LIMIT,
                            .kinds = {.count = 1, .at = &kind},
                            .tag_count = 1,
                            .tags = &tag};
    struct senders senders = {.count = 0};
    *state = said->state;
    if (said->size == 0)
        return true;
    hex_encode(hex, said->hash.at, sizeof said->hash.at);
    bool ok = catalog_each(store, &filter, add_sender, &senders, err);
    for (size_t i = 0; ok && i < senders.count && state->len == 0; i++) {
        struct blob *blob = blob_new(arena, &said->hash, (size_t)said->size);
        filter.authors = (struct filter_keys){.count = 1, .at = &senders.at[i]};
        ok = catalog_each(store, &filter, add_piece, blob, err);
        if (ok && blob_is_whole(blob))
            *state = (struct span){blob->at, blob->size};
    }
    return ok;
}
