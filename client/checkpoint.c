#include "client/checkpoint.h"

#include "client/blob.h"
#include "client/doc.h"
#include "client/draft.h"
#include "client/entity.h"
#include "client/hlc.h"
#include "client/replica.h"
#include "client/state.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"

struct reading {
    struct bytes32 *heads, *grounds; /* room for CHECKPOINT_HEADS_MAX */
    bool has_root, has_fp, has_state, has_upto, has_blob;
    struct bytes32 blob;
    int64_t size;
};

static bool read_id(struct bytes32 *id, const struct tag *tag)
{
    return hex_decode(id->at, sizeof id->at, tag->items[1]);
}

/* One more of a list, once. */
static bool add_id(struct bytes32 *ids, uint32_t *count, const struct tag *tag)
{
    struct bytes32 id;
    if (!read_id(&id, tag))
        return false;
    for (uint32_t i = 0; i < *count; i++)
        if (memcmp(&ids[i], &id, sizeof id) == 0)
            return true;
    if (*count == CHECKPOINT_HEADS_MAX)
        return false;
    ids[(*count)++] = id;
    return true;
}

static bool read_link(struct checkpoint *checkpoint, struct reading *reading, const struct tag *tag)
{
    struct span marker = tag->count >= 4 ? tag->items[3] : SPAN("");
    if (span_eq(marker, SPAN("prev")))
        return add_id(reading->heads, &checkpoint->head_count, tag);
    if (span_eq(marker, SPAN("auth")))
        return add_id(reading->grounds, &checkpoint->ground_count, tag);
    if (!span_eq(marker, SPAN("root")))
        return true;
    bool is_first = !reading->has_root;
    reading->has_root = true;
    return is_first && read_id(&checkpoint->root, tag);
}

static bool read_covers(struct checkpoint *checkpoint, const struct tag *tag)
{
    int64_t count;
    if (tag->count < 3 ||
        !hex_decode(checkpoint->covers.at, sizeof checkpoint->covers.at, tag->items[1]) ||
        !number_decimal(&count, tag->items[2]))
        return false;
    checkpoint->count = (uint64_t)count;
    return count > 0;
}

static bool read_tag(struct checkpoint *checkpoint, struct reading *reading, const struct tag *tag)
{
    if (tag->count < 2)
        return true;
    if (span_eq(tag->items[0], SPAN("e")))
        return read_link(checkpoint, reading, tag);
    if (span_eq(tag->items[0], SPAN("h"))) {
        checkpoint->has_circle = true;
        return read_id(&checkpoint->circle, tag);
    }
    if (span_eq(tag->items[0], SPAN("fp"))) {
        reading->has_fp = true;
        return read_covers(checkpoint, tag);
    }
    if (span_eq(tag->items[0], SPAN("state"))) {
        reading->has_state = true;
        return hex_decode(checkpoint->hash.at, sizeof checkpoint->hash.at, tag->items[1]);
    }
    if (span_eq(tag->items[0], SPAN("x"))) {
        reading->has_blob = true;
        return tag->count >= 3 && number_decimal(&reading->size, tag->items[2]) &&
               hex_decode(reading->blob.at, sizeof reading->blob.at, tag->items[1]);
    }
    if (!span_eq(tag->items[0], SPAN("upto")))
        return true;
    reading->has_upto = true;
    return hlc_parse(&checkpoint->upto, tag->items[1]);
}

/* What is named is the state, and no other bytes. */
static bool read_blob(struct checkpoint *checkpoint, const struct reading *reading, struct err *err)
{
    if (!reading->has_blob)
        return true;
    if (memcmp(&reading->blob, &checkpoint->hash, sizeof reading->blob) != 0)
        return err_set(err, ERR_INVALID, "a state that is not what is hashed");
    if (reading->size < 1 || reading->size > BLOB_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a state of no bytes, or of over %d", BLOB_BYTES_MAX);
    checkpoint->size = (uint64_t)reading->size;
    return true;
}

static bool read_state(struct checkpoint *checkpoint, struct arena *arena,
                       const struct event *event, const struct reading *reading, struct err *err)
{
    checkpoint->state = scan_decode(arena, (struct scan_string){event->content_json, true});
    if (checkpoint->state.len == 0)
        return read_blob(checkpoint, reading, err);
    if (checkpoint->state.len > CHECKPOINT_STATE_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a state of over %d bytes", CHECKPOINT_STATE_BYTES_MAX);
    const struct bytes32 hash = sig_sha256(checkpoint->state);
    return memcmp(&hash, &checkpoint->hash, sizeof hash) == 0 ||
           err_set(err, ERR_INVALID, "a state that is not what is hashed");
}

bool checkpoint_parse(struct checkpoint *checkpoint, struct arena *arena, const struct event *event,
                      struct err *err)
{
    struct reading reading = {.heads = arena_array(arena, struct bytes32, CHECKPOINT_HEADS_MAX),
                              .grounds = arena_array(arena, struct bytes32, CHECKPOINT_HEADS_MAX)};
    *checkpoint = (struct checkpoint){.heads = reading.heads, .grounds = reading.grounds};
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (!read_tag(checkpoint, &reading, &event->tags[i]))
            return err_set(err, ERR_INVALID, "a checkpoint whose tag %.*s cannot be read",
                           SPAN_ARG(event->tags[i].items[0]));
    if (!reading.has_root || checkpoint->head_count == 0 || !reading.has_fp || !reading.has_state ||
        !reading.has_upto)
        return err_set(err, ERR_INVALID,
                       "a checkpoint without its entity, heads, fp, state or upto");
    if (checkpoint->has_circle != (checkpoint->ground_count > 0))
        return err_set(err, ERR_INVALID, "a checkpoint of a circle and none of its history");
    return read_state(checkpoint, arena, event, &reading, err);
}

/* [name, bytes in hex], and a number behind it unless that is 0. */
static void add_hex_tag(struct draft *draft, struct span name, struct span bytes, uint64_t number)
{
    struct text words = {0};
    text_add_hex(&words, (const uint8_t *)bytes.at, bytes.len);
    size_t hex_len = words.len;
    text_addf(&words, "%llu", (unsigned long long)number);
    const struct span items[] = {
        name, {words.at, hex_len}, {words.at + hex_len, words.len - hex_len}};
    draft_tag(draft, items, number > 0 ? 3 : 2);
    text_clear(&words);
}

void checkpoint_draft(struct draft *draft, const struct checkpoint *checkpoint)
{
    struct text stamp = {0};
    draft->kind = KIND_CHECKPOINT;
    draft_tag_id(draft, SPAN("e"), &checkpoint->root, SPAN("root"));
    for (uint32_t i = 0; i < checkpoint->head_count; i++)
        draft_tag_id(draft, SPAN("e"), &checkpoint->heads[i], SPAN("prev"));
    for (uint32_t i = 0; i < checkpoint->ground_count; i++)
        draft_tag_id(draft, SPAN("e"), &checkpoint->grounds[i], SPAN("auth"));
    if (checkpoint->has_circle)
        draft_tag_id(draft, SPAN("h"), &checkpoint->circle, SPAN(""));
    add_hex_tag(draft, SPAN("fp"), SPAN_OF(checkpoint->covers), checkpoint->count);
    add_hex_tag(draft, SPAN("state"), SPAN_OF(checkpoint->hash), 0);
    uint64_t size = checkpoint->size > 0 ? checkpoint->size : checkpoint->state.len;
    if (size > 0)
        add_hex_tag(draft, SPAN("x"), SPAN_OF(checkpoint->hash), size);
    hlc_write(&stamp, checkpoint->upto);
    draft_tag_pair(draft, SPAN("upto"), text_span(&stamp));
    text_clear(&stamp);
    if (checkpoint->size == 0)
        text_add(&draft->content, checkpoint->state);
}

void checkpoint_fit(struct checkpoint *checkpoint, size_t max)
{
    checkpoint->size = checkpoint->state.len > max ? checkpoint->state.len : 0;
    if (checkpoint->size > BLOB_BYTES_MAX) {
        checkpoint->size = 0;
        checkpoint->state.len = 0;
    }
}

bool checkpoint_agrees(const struct checkpoint *a, const struct checkpoint *b)
{
    return memcmp(&a->root, &b->root, sizeof a->root) == 0 && checkpoint_compare(a, b) == NULL;
}

void checkpoint_write_state(struct text *out, const struct replica *replica)
{
    struct text words = {0};
    text_add(out, SPAN("{\"state\":"));
    state_write(entity_state(replica_entity(replica)), out, true);
    if (replica_doc(replica) != NULL)
        doc_text(replica_doc(replica), &words, SPAN(REPLICA_TEXT));
    if (words.len > 0) {
        text_add(out, SPAN(",\"text\":"));
        text_add_json(out, text_span(&words));
    }
    text_add(out, SPAN("}"));
    text_clear(&words);
}

const char *checkpoint_compare(const struct checkpoint *said, const struct checkpoint *found)
{
    if (said->count != found->count ||
        memcmp(said->covers.at, found->covers.at, sizeof said->covers.at) != 0)
        return "it says that it covers other events than its heads do";
    if (said->upto != found->upto)
        return "its last event has another time";
    if (memcmp(&said->hash, &found->hash, sizeof said->hash) != 0)
        return "these events come to another state";
    return NULL;
}
