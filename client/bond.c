#include "client/bond.h"

#include "client/draft.h"
#include "client/hlc.h"
#include "client/inbox.h"
#include "client/trie.h"
#include "shared/arena.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/text.h"

#define FRIENDS "friends" /* the set */

enum { HEX_CHARS = 64 };

/* What one operation added. */
struct edge {
    struct edge *next;
    struct op_tag tag;
    struct bytes32 from, to;
    bool is_removed, is_declined;
};

struct reading {
    struct arena *arena;
    const struct bytes32 *me;
    struct trie edges;  /* op_tag: edge */
    struct trie people; /* key: bond */
    struct edge *first, **last;
    struct bonds *bonds;
};

static bool is_same(const struct bytes32 *a, const struct bytes32 *b)
{
    return memcmp(a->at, b->at, sizeof a->at) == 0;
}

/* As a JSON string of hex digits. */
static bool read_key(struct bytes32 *key, struct span json)
{
    return json.len == HEX_CHARS + 2 &&
           hex_decode(key->at, sizeof key->at, (struct span){json.at + 1, HEX_CHARS});
}

static void add_edge(struct reading *reading, const struct event *rumor, uint32_t index,
                     struct span value)
{
    struct edge *edge = arena_alloc(reading->arena, sizeof *edge);
    *edge = (struct edge){.tag = {rumor->id, index}, .from = rumor->pubkey};
    if (!read_key(&edge->to, value) || is_same(&edge->from, &edge->to) ||
        (!is_same(&edge->from, reading->me) && !is_same(&edge->to, reading->me)))
        return;
    *reading->last = edge;
    reading->last = &edge->next;
    trie_put(&reading->edges, reading->arena, SPAN_OF(edge->tag), edge);
}

typedef void op_fn(struct reading *reading, const struct event *rumor, const struct op *op,
                   uint32_t index);

static void read_add(struct reading *reading, const struct event *rumor, const struct op *op,
                     uint32_t index)
{
    if (op->type == OP_ADD && span_eq(op->key, SPAN(FRIENDS)))
        add_edge(reading, rumor, index, op->value);
}

/* Each takes out what he added; we decline what others did. */
static void read_rem(struct reading *reading, const struct event *rumor, const struct op *op,
                     uint32_t index)
{
    (void)index;
    for (uint32_t i = 0; op->type == OP_REM && i < op->tag_count; i++) {
        const struct op_tag key = {op->tags[i].event, op->tags[i].index};
        struct edge *edge = trie_get(&reading->edges, SPAN_OF(key));
        if (edge == NULL)
            continue;
        edge->is_removed = edge->is_removed || is_same(&edge->from, &rumor->pubkey);
        edge->is_declined = edge->is_declined || is_same(reading->me, &rumor->pubkey);
    }
}

static void read_letters(struct reading *reading, const struct inbox_letters *letters, op_fn *read)
{
    for (size_t i = 0; i < letters->count; i++) {
        struct event rumor;
        struct op_list ops;
        uint64_t hlc;
        if (!event_parse_rumor(&rumor, reading->arena, letters->at[i].rumor, NULL) ||
            !op_parse(&ops, reading->arena, &rumor, NULL))
            continue;
        const struct span *stamp = event_tag_value(&rumor, SPAN("hlc"));
        if (is_same(&rumor.pubkey, reading->me) && stamp != NULL && hlc_parse(&hlc, *stamp) &&
            hlc > reading->bonds->hlc)
            reading->bonds->hlc = hlc;
        for (uint32_t j = 0; j < ops.count; j++)
            read(reading, &rumor, &ops.at[j], j);
    }
}

static struct bond *find_person(struct reading *reading, const struct bytes32 *who)
{
    struct bonds *bonds = reading->bonds;
    struct bond *bond = trie_get(&reading->people, SPAN_OF(*who));
    if (bond != NULL)
        return bond;
    bond = &bonds->at[bonds->count++];
    *bond = (struct bond){.who = *who};
    trie_put(&reading->people, reading->arena, SPAN_OF(*who), bond);
    return bond;
}

static void take_edge(struct reading *reading, const struct edge *edge)
{
    bool is_ours = is_same(&edge->from, reading->me);
    struct bond *bond = find_person(reading, is_ours ? &edge->to : &edge->from);
    uint32_t *count = is_ours ? &bond->our_count : &bond->their_count;
    struct op_tag **all = is_ours ? &bond->ours : &bond->theirs;
    if (*count == OP_TAGS_MAX)
        return;
    *all = arena_grow(reading->arena, struct op_tag, *all, *count);
    (*all)[(*count)++] = edge->tag;
    bond->declined_count += !is_ours && edge->is_declined;
}

bool bond_list(struct store *store, struct bonds *bonds, struct arena *arena,
               const struct bytes32 *me, struct err *err)
{
    static const uint16_t kind = KIND_OP;
    struct inbox_letters letters;
    struct reading reading = {.arena = arena, .me = me, .bonds = bonds};
    size_t count = 0;
    *bonds = (struct bonds){0};
    reading.last = &reading.first;
    if (!inbox_list(store, &letters, arena, &(struct inbox_call){.reader = me, .kind = &kind}, err))
        return false;
    read_letters(&reading, &letters, read_add);
    read_letters(&reading, &letters, read_rem);
    for (const struct edge *edge = reading.first; edge != NULL; edge = edge->next)
        count++;
    bonds->at = arena_array(arena, struct bond, count + 1);
    for (const struct edge *edge = reading.first; edge != NULL; edge = edge->next)
        if (!edge->is_removed)
            take_edge(&reading, edge);
    return true;
}

const struct bond *bond_find(const struct bonds *bonds, const struct bytes32 *who)
{
    for (size_t i = 0; i < bonds->count; i++)
        if (is_same(&bonds->at[i].who, who))
            return &bonds->at[i];
    return NULL;
}

/* ---- writing ---- */

struct op bond_add(struct arena *arena, const struct bytes32 *who)
{
    char json[HEX_CHARS + 2] = "\"";
    hex_encode(json + 1, who->at, sizeof who->at);
    json[HEX_CHARS + 1] = '"';
    return (struct op){
        .type = OP_ADD, .key = SPAN(FRIENDS), .value = arena_copy(arena, SPAN_OF(json))};
}

struct op bond_end(const struct op_tag *tags, uint32_t count)
{
    return (struct op){.type = OP_REM, .key = SPAN(FRIENDS), .tags = tags, .tag_count = count};
}

void bond_rumor(struct event *rumor, struct arena *arena, const struct bytes32 *author,
                const struct bytes32 *who, const struct op *op, uint64_t hlc)
{
    struct draft draft = {.kind = KIND_OP, .created_at = hlc_seconds(hlc)};
    struct text stamp = {0};
    hlc_write(&stamp, hlc);
    draft_tag_pair(&draft, SPAN("hlc"), text_span(&stamp));
    draft_tag_id(&draft, SPAN("p"), who, SPAN(""));
    text_add(&draft.content, SPAN("["));
    op_write(&draft.content, op);
    text_add(&draft.content, SPAN("]"));
    draft_finish(&draft, rumor, arena);
    rumor->pubkey = *author;
    rumor->id = event_hash(rumor, EVENT_FORM_JSON);
    draft_clear(&draft);
    text_clear(&stamp);
}
