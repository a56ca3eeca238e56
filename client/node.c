#include "client/node.h"

#include "client/draft.h"
#include "client/hlc.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/text.h"

enum link { PREV, AUTH, SEEN, LINK_COUNT };

static const struct {
    const char *marker;
    uint32_t max;
} links[] = {{"prev", NODE_PARENTS_MAX}, {"auth", NODE_GROUNDS_MAX}, {"seen", NODE_SEEN_MAX}};

/* What node_parse has found so far. */
struct reading {
    struct arena *arena;
    struct {
        struct bytes32 *at;
        uint32_t count;
    } lists[LINK_COUNT];
    bool has_hlc, has_root;
};

static bool read_hlc(struct node *node, struct reading *reading, const struct tag *tag,
                     struct err *err)
{
    if (reading->has_hlc || tag->count < 2 || !hlc_parse(&node->hlc, tag->items[1]))
        return err_set(err, ERR_INVALID, "expected one hlc tag of 16 lowercase hex digits");
    reading->has_hlc = true;
    return true;
}

static bool add_link(struct reading *reading, enum link link, const struct bytes32 *id,
                     struct err *err)
{
    struct bytes32 *at = reading->lists[link].at;
    uint32_t count = reading->lists[link].count;
    for (uint32_t i = 0; i < count; i++)
        if (memcmp(&at[i], id, sizeof *id) == 0)
            return true;
    if (count == links[link].max)
        return err_set(err, ERR_INVALID, "more than %u e tags marked %s", links[link].max,
                       links[link].marker);
    at = arena_grow(reading->arena, struct bytes32, at, count);
    at[count] = *id;
    reading->lists[link].at = at;
    reading->lists[link].count = count + 1;
    return true;
}

static bool read_link(struct node *node, struct reading *reading, const struct tag *tag,
                      struct err *err)
{
    struct bytes32 id;
    struct span marker = tag->count >= 4 ? tag->items[3] : SPAN("");
    bool is_root = span_eq(marker, SPAN("root"));
    enum link link = PREV;
    while (link < LINK_COUNT &&
           !span_eq(marker, (struct span){links[link].marker, strlen(links[link].marker)}))
        link++;
    if (!is_root && link == LINK_COUNT)
        return true; /* a mention, a lineage: links of other meanings */
    if (!hex_decode(id.at, sizeof id.at, tag->items[1]))
        return err_set(err, ERR_INVALID, "an e tag that is no event id");
    if (!is_root)
        return add_link(reading, link, &id, err);
    if (reading->has_root)
        return err_set(err, ERR_INVALID, "two roots");
    reading->has_root = true;
    node->root = id;
    return true;
}

static void read_writer(struct node *node, const struct tag *tag)
{
    int64_t seq;
    if (node->has_writer || tag->count < 3 || !hlc_parse(&node->device, tag->items[1]) ||
        !number_decimal(&seq, tag->items[2]))
        return;
    node->has_writer = true;
    node->seq = (uint64_t)seq;
}

static bool read_tag(struct node *node, struct reading *reading, const struct tag *tag,
                     struct err *err)
{
    if (tag->count == 0)
        return true;
    if (span_eq(tag->items[0], SPAN("hlc")))
        return read_hlc(node, reading, tag, err);
    if (span_eq(tag->items[0], SPAN("e")))
        return read_link(node, reading, tag, err);
    if (span_eq(tag->items[0], SPAN("w")))
        read_writer(node, tag);
    if (span_eq(tag->items[0], SPAN("h")) && tag->count >= 2 && !node->has_circle)
        node->has_circle = hex_decode(node->circle.at, sizeof node->circle.at, tag->items[1]);
    return true;
}

static bool check_place(struct node *node, const struct reading *reading, const struct event *event,
                        struct err *err)
{
    if (!reading->has_hlc)
        return err_set(err, ERR_INVALID, "no hlc tag");
    if (event->created_at != hlc_seconds(node->hlc))
        return err_set(err, ERR_INVALID, "created_at is not the second of the hlc");
    if (!reading->has_root && node->parent_count > 0)
        return err_set(err, ERR_INVALID, "parents and no root");
    if (reading->has_root && node->parent_count == 0)
        return err_set(err, ERR_INVALID, "a root and no parents");
    if (reading->has_root)
        return true;
    if (event->kind != KIND_OP && event->kind != KIND_CIRCLE_OP)
        return err_set(err, ERR_INVALID, "kind %u cannot create an entity", event->kind);
    node->root = event->id;
    return true;
}

bool node_parse(struct node *node, struct arena *arena, const struct event *event, struct err *err)
{
    struct reading reading = {.arena = arena};
    *node = (struct node){.id = event->id, .author = event->pubkey, .kind = event->kind};
    for (uint32_t i = 0; i < event->tag_count; i++)
        if (!read_tag(node, &reading, &event->tags[i], err))
            return false;
    node->parents = reading.lists[PREV].at;
    node->parent_count = reading.lists[PREV].count;
    node->grounds = reading.lists[AUTH].at;
    node->ground_count = reading.lists[AUTH].count;
    node->seen = reading.lists[SEEN].at;
    node->seen_count = reading.lists[SEEN].count;
    return check_place(node, &reading, event, err);
}

void node_draft(const struct node *node, struct draft *draft)
{
    struct text text = {0};
    draft->created_at = hlc_seconds(node->hlc);
    hlc_write(&text, node->hlc);
    draft_tag_pair(draft, SPAN("hlc"), text_span(&text));
    if (!node_is_root(node))
        draft_tag_id(draft, SPAN("e"), &node->root, SPAN("root"));
    for (uint32_t i = 0; i < node->parent_count; i++)
        draft_tag_id(draft, SPAN("e"), &node->parents[i], SPAN("prev"));
    for (uint32_t i = 0; i < node->ground_count; i++)
        draft_tag_id(draft, SPAN("e"), &node->grounds[i], SPAN("auth"));
    for (uint32_t i = 0; i < node->seen_count; i++)
        draft_tag_id(draft, SPAN("e"), &node->seen[i], SPAN("seen"));
    if (node->has_circle)
        draft_tag_id(draft, SPAN("h"), &node->circle, SPAN(""));
    if (node->has_writer) {
        text.len = 0;
        hlc_write(&text, node->device);
        size_t device_len = text.len;
        text_addf(&text, "%llu", (unsigned long long)node->seq);
        draft_tag(draft,
                  (struct span[]){SPAN("w"),
                                  {text.at, device_len},
                                  {text.at + device_len, text.len - device_len}},
                  3);
    }
    text_clear(&text);
}
