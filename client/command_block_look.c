/* shoal block list, show, prove, verify: what is in blocks, and that it is. */
#include "client/catalog.h"
#include "client/command_block.h"
#include "client/command_home.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { SHORT = 4, HEX_CHARS = 64 };

/* ---- anchors ---- */

struct anchors {
    struct arena *arena;
    struct bytes32 id; /* of what is anchored */
    struct bytes32 *at;
    size_t count;
};

static bool on_anchor(void *owner, const struct catalog_event *stored)
{
    struct anchors *anchors = owner;
    struct arena arena = {0};
    struct event event;
    struct bytes32 id;
    if (event_parse(&event, &arena, stored->json, NULL) && block_anchor(&id, &arena, &event) &&
        memcmp(&id, &anchors->id, sizeof id) == 0) {
        anchors->at = arena_grow(anchors->arena, struct bytes32, anchors->at, anchors->count);
        anchors->at[anchors->count++] = stored->id;
    }
    arena_clear(&arena);
    return true;
}

static bool find_anchors(struct store *store, struct anchors *anchors, struct err *err)
{
    static const uint16_t kind = KIND_TIMESTAMP;
    char hex[HEX_CHARS];
    hex_encode(hex, anchors->id.at, sizeof anchors->id.at);
    const struct span value = SPAN_OF(hex);
    const struct filter_tag tag = {.letter = 'e', .count = 1, .values = &value};
    const struct filter filter = {.until = INT64_MAX,
                                  .limit = FILTER_NO_LIMIT,
                                  .kinds = {1, &kind},
                                  .tag_count = 1,
                                  .tags = &tag};
    return catalog_each(store, &filter, on_anchor, anchors, err);
}

static void write_ids(struct text *out, const char *name, const struct bytes32 *ids, size_t count)
{
    text_addf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        text_add(out, i > 0 ? SPAN(",\"") : SPAN("\""));
        text_add_hex(out, ids[i].at, sizeof ids[i].at);
        text_add(out, SPAN("\""));
    }
    text_add(out, SPAN("]"));
}

/* ---- shoal block list ---- */

struct listing {
    struct text *out;
    bool is_json;
};

static void write_head(struct text *out, const struct catalog_event *event,
                       const struct block *block)
{
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", &event->id);
    text_add(out, SPAN(","));
    home_write_hex(out, "author", &event->author);
    text_addf(out, ",\"created_at\":%lld,", (long long)event->created_at);
    home_write_hex(out, "root", &block->root);
    text_addf(out, ",\"count\":%zu", block->count);
    if (block->has_entity) {
        text_add(out, SPAN(","));
        home_write_hex(out, "entity", &block->entity);
    }
    if (block->has_before) {
        text_add(out, SPAN(","));
        home_write_hex(out, "before", &block->before);
    }
}

static void write_line(struct text *out, const struct catalog_event *event,
                       const struct block *block)
{
    text_add_hex(out, event->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, event->created_at);
    text_add(out, SPAN("  "));
    text_add_hex(out, event->author.at, SHORT);
    text_addf(out, "  %5zu events", block->count);
    if (block->has_entity) {
        text_add(out, SPAN(" of "));
        text_add_hex(out, block->entity.at, SHORT);
    }
    text_add(out, SPAN("\n"));
}

static bool on_listed(void *owner, const struct catalog_event *event, const struct block *block)
{
    const struct listing *listing = owner;
    if (listing->is_json) {
        write_head(listing->out, event, block);
        text_add(listing->out, SPAN("}\n"));
    } else {
        write_line(listing->out, event, block);
    }
    return true;
}

static bool list(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct listing listing = {out, call->is_json};
    return block_each(store, NULL, on_listed, &listing, err);
}

/* ---- shoal block show ---- */

/* The event is ERR_INVALID where it is not here, or no block that can be read. */
static bool load(struct store *store, struct catalog_event *found, struct block *block,
                 struct arena *arena, const struct bytes32 *id, struct err *err)
{
    struct catalog_events events;
    struct event event;
    if (!catalog_event(store, &events, arena, id, err))
        return false;
    if (events.count == 0 || events.at->is_redacted)
        return err_set(err, ERR_INVALID, "the block is not here: fetch it");
    *found = events.at[0];
    return event_parse(&event, arena, found->json, err) &&
           (event.kind == KIND_BLOCK || err_set(err, ERR_INVALID, "it is no block")) &&
           block_parse(block, arena, &event, err);
}

static bool count_here(struct store *store, size_t *here, const struct block *block,
                       struct err *err)
{
    bool has;
    *here = 0;
    for (size_t i = 0; i < block->count; i++) {
        if (!store_has(store, &has, &block->ids[i], err))
            return false;
        *here += has;
    }
    return true;
}

static void write_block(struct text *out, const struct catalog_event *event,
                        const struct block *block, size_t here, const struct anchors *anchors)
{
    text_add(out, SPAN("root      "));
    text_add_hex(out, block->root.at, sizeof block->root.at);
    text_add(out, SPAN("\nby        "));
    text_add_hex(out, event->author.at, sizeof event->author.at);
    text_add(out, SPAN("\nat        "));
    home_write_time(out, event->created_at);
    text_addf(out, "\nevents    %zu, %zu of them here\n", block->count, here);
    for (size_t i = 0; i < anchors->count; i++) {
        text_add(out, SPAN("anchor    "));
        text_add_hex(out, anchors->at[i].at, sizeof anchors->at[i].at);
        text_add(out, SPAN("  what it is anchored in is not looked up\n"));
    }
    for (size_t i = 0; i < block->count; i++) {
        text_add_hex(out, block->ids[i].at, sizeof block->ids[i].at);
        text_add(out, SPAN("\n"));
    }
}

static bool show(struct store *store, struct text *out, const struct command_call *call,
                 struct err *err)
{
    struct arena arena = {0};
    struct catalog_event event;
    struct block block;
    struct anchors anchors = {.arena = &arena};
    size_t here;
    bool ok = home_resolve(store, &anchors.id, call->words[0], err) &&
              load(store, &event, &block, &arena, &anchors.id, err) &&
              count_here(store, &here, &block, err) && find_anchors(store, &anchors, err);
    if (ok && call->is_json) {
        write_head(out, &event, &block);
        text_addf(out, ",\"here\":%zu", here);
        write_ids(out, "anchors", anchors.at, anchors.count);
        write_ids(out, "ids", block.ids, block.count);
        text_add(out, SPAN("}\n"));
    } else if (ok) {
        write_block(out, &event, &block, here, &anchors);
    }
    arena_clear(&arena);
    return ok;
}

/* ---- shoal block prove ---- */

struct proving {
    struct arena arena;
    struct bytes32 id;
    bool is_found;
    struct block_proof proof;
};

/* The oldest says most: it comes last. */
static bool on_proving(void *owner, const struct catalog_event *event, const struct block *block)
{
    struct proving *proving = owner;
    size_t index = block_find(block, &proving->id);
    if (index == block->count)
        return true;
    proving->is_found = true;
    proving->proof =
        (struct block_proof){.block = event->id,
                             .root = block->root,
                             .id = proving->id,
                             .way = merkle_prove(&proving->arena, block->ids, block->count, index)};
    return true;
}

static bool prove(struct store *store, struct text *out, const struct command_call *call,
                  struct err *err)
{
    struct proving proving = {.is_found = false};
    bool ok = home_resolve(store, &proving.id, call->words[0], err) &&
              block_each(store, NULL, on_proving, &proving, err);
    if (ok && !proving.is_found)
        ok = err_set(err, ERR_INVALID, "no block that is here has it: shoal block new makes one");
    if (ok) {
        block_proof_write(out, &proving.proof);
        text_add(out, SPAN("\n"));
    }
    arena_clear(&proving.arena);
    return ok;
}

/* ---- shoal block verify ---- */

/* Up to the root, and that somebody signed this root. */
static bool check(struct store *store, struct catalog_event *event, struct arena *arena,
                  const struct block_proof *proof, struct err *err)
{
    struct block block;
    if (!merkle_verify(&proof->way, &proof->id, &proof->root))
        return err_set(err, ERR_INVALID, "the proof does not lead to its root");
    if (!load(store, event, &block, arena, &proof->block, err))
        return false;
    return (memcmp(&block.root, &proof->root, sizeof block.root) == 0 &&
            block.count == proof->way.count) ||
           err_set(err, ERR_INVALID, "the proof is not of that block: the block has another root");
}

static bool verify(struct store *store, struct text *out, const struct command_call *call,
                   struct err *err)
{
    struct arena arena = {0};
    struct anchors anchors = {.arena = &arena};
    struct block_proof proof;
    struct catalog_event event;
    struct span json;
    const char *path = call->word_count > 0 ? call->words[0] : "-";
    bool ok = block_read_file(&json, &arena, call, path, err) &&
              block_proof_parse(&proof, &arena, json, err) &&
              check(store, &event, &arena, &proof, err);
    if (ok) {
        anchors.id = proof.block;
        ok = find_anchors(store, &anchors, err);
    }
    if (ok && call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", &proof.id);
        text_add(out, SPAN(","));
        home_write_hex(out, "block", &proof.block);
        text_add(out, SPAN(","));
        home_write_hex(out, "author", &event.author);
        text_addf(out, ",\"created_at\":%lld", (long long)event.created_at);
        write_ids(out, "anchors", anchors.at, anchors.count);
        text_add(out, SPAN("}\n"));
    } else if (ok) {
        text_add_hex(out, proof.id.at, sizeof proof.id.at);
        text_add(out, SPAN("\n  was there by "));
        home_write_time(out, event.created_at);
        text_add(out, SPAN(", says "));
        text_add_hex(out, event.author.at, sizeof event.author.at);
        text_addf(out, "\n  anchors: %zu\n", anchors.count);
    }
    arena_clear(&arena);
    return ok;
}

/* ---- the table ---- */

static const struct command_option options[] = {HOME_OPTION, COMMAND_OPTION_JSON};

const struct command command_block_list = {.name = "block list",
                                           .help = "list the blocks that are here",
                                           .options = options,
                                           .option_count = ARRAY_LEN(options),
                                           .look = list};

const struct command command_block_show = {.name = "block show",
                                           .words = "BLOCK|-",
                                           .help = "say what is in a block, and how it is anchored",
                                           .words_min = 1,
                                           .words_max = 1,
                                           .options = options,
                                           .option_count = ARRAY_LEN(options),
                                           .look = show,
                                           .lines = COMMAND_LINES_EACH,
                                           .lines_max = 1};

const struct command command_block_prove = {.name = "block prove",
                                            .words = "EVENT|-",
                                            .help = "prove that an event is in a block",
                                            .words_min = 1,
                                            .words_max = 1,
                                            .options = options,
                                            .option_count = ARRAY_LEN(options),
                                            .look = prove,
                                            .lines = COMMAND_LINES_EACH,
                                            .lines_max = 1};

const struct command command_block_verify = {.name = "block verify",
                                             .words = "[FILE]",
                                             .help = "check such a proof; -: standard input",
                                             .words_max = 1,
                                             .options = options,
                                             .option_count = ARRAY_LEN(options),
                                             .look = verify};
