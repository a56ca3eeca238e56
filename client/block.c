#include "client/block.h"

#include "client/base64.h"
#include "client/draft.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"

enum {
    CONTENT_BYTES_MAX = 64 * BLOCK_IDS_MAX,
    PROOF_BYTES_MAX = 100000,
    PROOF_COUNT_MAX = 1000000000
};

/* What a file of OpenTimestamps begins with: its magic, its version, and that it is of SHA-256. */
static const char stamp_head[] =
    "\0OpenTimestamps\0\0Proof\0\xbf\x89\xe2\xe8\x84\xe8\x92\x94\x01\x08";

static bool decode(struct span *bytes, struct arena *arena, const struct event *event)
{
    return base64_decode(bytes, arena,
                         scan_decode(arena, (struct scan_string){event->content_json, true}));
}

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* ---- blocks ---- */

static void read_link(struct block *block, const struct tag *tag)
{
    struct bytes32 id;
    if (tag->count < 4 || !span_eq(tag->items[0], SPAN("e")) ||
        !hex_decode(id.at, sizeof id.at, tag->items[1]))
        return;
    if (span_eq(tag->items[3], SPAN("root"))) {
        block->entity = id;
        block->has_entity = true;
    }
    if (span_eq(tag->items[3], SPAN("prev"))) {
        block->before = id;
        block->has_before = true;
    }
}

static bool read_root(struct block *block, int64_t *count, const struct event *event)
{
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (tag->count >= 3 && span_eq(tag->items[0], SPAN("mroot")))
            return hex_decode(block->root.at, sizeof block->root.at, tag->items[1]) &&
                   number_decimal(count, tag->items[2]);
    }
    return false;
}

bool block_parse(struct block *block, struct arena *arena, const struct event *event,
                 struct err *err)
{
    struct span bytes;
    int64_t count;
    *block = (struct block){0};
    if (!read_root(block, &count, event))
        return err_set(err, ERR_INVALID, "a block without its root");
    if (event->content_json.len > CONTENT_BYTES_MAX || !decode(&bytes, arena, event))
        return err_set(err, ERR_INVALID, "a block whose ids cannot be read");
    block->count = bytes.len / sizeof *block->ids;
    if (block->count == 0 || block->count > BLOCK_IDS_MAX || bytes.len % sizeof *block->ids != 0 ||
        (uint64_t)count != block->count)
        return err_set(err, ERR_INVALID, "a block of a wrong number of ids");
    block->ids = (const struct bytes32 *)(const void *)bytes.at;
    for (uint32_t i = 0; i < event->tag_count; i++)
        read_link(block, &event->tags[i]);
    const struct bytes32 root = merkle_root(block->ids, block->count);
    return is_same(&root, &block->root) ||
           err_set(err, ERR_INVALID, "a block whose root is not that of its ids");
}

void block_draft(struct draft *draft, const struct block *block)
{
    const struct bytes32 root = merkle_root(block->ids, block->count);
    struct text words = {0};
    draft->kind = KIND_BLOCK;
    text_add_hex(&words, root.at, sizeof root.at);
    size_t hex_len = words.len;
    text_addf(&words, "%zu", block->count);
    const struct span items[] = {
        SPAN("mroot"), {words.at, hex_len}, {words.at + hex_len, words.len - hex_len}};
    draft_tag(draft, items, ARRAY_LEN(items));
    text_clear(&words);
    if (block->has_entity)
        draft_tag_id(draft, SPAN("e"), &block->entity, SPAN("root"));
    if (block->has_before)
        draft_tag_id(draft, SPAN("e"), &block->before, SPAN("prev"));
    base64_add(&draft->content,
               (struct span){(const char *)block->ids, block->count * sizeof *block->ids});
}

size_t block_find(const struct block *block, const struct bytes32 *id)
{
    size_t index = 0;
    while (index < block->count && !is_same(&block->ids[index], id))
        index++;
    return index;
}

/* ---- proofs ---- */

static void write_hex(struct text *out, const char *before, const struct bytes32 *value)
{
    text_addf(out, "%s\"", before);
    text_add_hex(out, value->at, sizeof value->at);
    text_add(out, SPAN("\""));
}

void block_proof_write(struct text *out, const struct block_proof *proof)
{
    write_hex(out, "{\"block\":", &proof->block);
    write_hex(out, ",\"root\":", &proof->root);
    write_hex(out, ",\"id\":", &proof->id);
    text_addf(out, ",\"index\":%llu,\"count\":%llu,\"path\":[",
              (unsigned long long)proof->way.index, (unsigned long long)proof->way.count);
    for (size_t i = 0; i < proof->way.path_count; i++)
        write_hex(out, i > 0 ? "," : "", &proof->way.path[i]);
    text_add(out, SPAN("]}"));
}

struct reading {
    struct arena *arena;
    struct scan scan;
    struct block_proof *proof;
    struct bytes32 *path;
    unsigned found; /* a bit for each of the members */
};

static bool read_hex(struct reading *reading, struct bytes32 *out, struct err *err)
{
    return scan_hex(&reading->scan, reading->arena, out->at, sizeof out->at, err);
}

static bool read_path(struct reading *reading, struct err *err)
{
    struct merkle_proof *way = &reading->proof->way;
    struct scan_list list;
    if (!scan_array(&reading->scan, &list, err))
        return false;
    for (way->path_count = 0; list.more; way->path_count++) {
        if (way->path_count == MERKLE_PATH_MAX)
            return err_set(err, ERR_INVALID, "a path of over %d hashes", MERKLE_PATH_MAX);
        if (!read_hex(reading, &reading->path[way->path_count], err) ||
            !scan_next(&reading->scan, &list, err))
            return false;
    }
    return true;
}

static bool read_number(struct reading *reading, uint64_t *out, struct err *err)
{
    int64_t number;
    if (!scan_integer(&reading->scan, &number, PROOF_COUNT_MAX, err))
        return false;
    *out = (uint64_t)number;
    return true;
}

enum { MEMBER_COUNT = 6 };

static bool read_member(struct reading *reading, struct err *err)
{
    static const struct span names[MEMBER_COUNT] = {{"block", 5}, {"root", 4},  {"id", 2},
                                                    {"index", 5}, {"count", 5}, {"path", 4}};
    struct block_proof *proof = reading->proof;
    struct span key;
    size_t member = 0;
    if (!scan_key(&reading->scan, reading->arena, &key, err))
        return false;
    while (member < MEMBER_COUNT && !span_eq(names[member], key))
        member++;
    if (member == MEMBER_COUNT)
        return scan_skip(&reading->scan, err);
    reading->found |= 1U << member;
    if (member == MEMBER_COUNT - 1)
        return read_path(reading, err);
    if (member >= 3)
        return read_number(reading, member == 3 ? &proof->way.index : &proof->way.count, err);
    struct bytes32 *const ids[] = {&proof->block, &proof->root, &proof->id};
    return read_hex(reading, ids[member], err);
}

bool block_proof_parse(struct block_proof *proof, struct arena *arena, struct span json,
                       struct err *err)
{
    struct reading reading = {.arena = arena, .scan = scan_begin(json), .proof = proof};
    struct scan_list list;
    *proof = (struct block_proof){0};
    if (json.len > PROOF_BYTES_MAX)
        return err_set(err, ERR_INVALID, "a proof of over %d bytes", PROOF_BYTES_MAX);
    reading.path = arena_array(arena, struct bytes32, MERKLE_PATH_MAX);
    proof->way.path = reading.path;
    if (!scan_object(&reading.scan, &list, err))
        return false;
    while (list.more)
        if (!read_member(&reading, err) || !scan_next(&reading.scan, &list, err))
            return false;
    if (!scan_end(&reading.scan, err))
        return false;
    return reading.found == (1U << MEMBER_COUNT) - 1 ||
           err_set(
               err, ERR_INVALID,
               "expected block, root, id, index, count and path: shoal block prove writes them");
}

/* ---- anchors ---- */

/* Whether it stamps that id, and says anything behind it. */
static bool is_stamp(struct span file, const struct bytes32 *id)
{
    size_t head = sizeof stamp_head - 1;
    return file.len > head + sizeof id->at && memcmp(file.at, stamp_head, head) == 0 &&
           memcmp(file.at + head, id->at, sizeof id->at) == 0;
}

bool block_anchor(struct bytes32 *id, struct arena *arena, const struct event *event)
{
    const struct span *named = event_tag_value(event, SPAN("e"));
    struct span file;
    return event->kind == KIND_TIMESTAMP && named != NULL &&
           hex_decode(id->at, sizeof id->at, *named) && decode(&file, arena, event) &&
           is_stamp(file, id);
}

bool block_anchor_draft(struct draft *draft, const struct bytes32 *id, struct span file,
                        struct err *err)
{
    if (!is_stamp(file, id))
        return err_set(err, ERR_INVALID, "it is no OpenTimestamps proof of that id");
    draft->kind = KIND_TIMESTAMP;
    draft_tag_id(draft, SPAN("e"), id, SPAN(""));
    draft_tag_pair(draft, SPAN("alt"), SPAN("opentimestamps attestation"));
    base64_add(&draft->content, file);
    return true;
}
