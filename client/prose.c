#include "client/prose.h"

#include <sodium.h>
#include <stdlib.h>

#include "client/draft.h"
#include "client/lib0.h"
#include "client/node.h"
#include "client/prose_parts.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { STEPS_MAX = 1000000 };

static bool decode(struct span *bytes, struct arena *arena, const struct event *event)
{
    struct span content = scan_decode(arena, (struct scan_string){event->content_json, true});
    uint8_t *out = arena_alloc(arena, content.len + 1);
    size_t len;
    if (sodium_base642bin(out, content.len, content.at, content.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0)
        return false;
    *bytes = (struct span){(const char *)out, len};
    return true;
}

/* Whose clocks the update takes: those that follow from its author, or those claimed. */
static bool read_client(struct prose_update *update, const struct event *event,
                        const struct node *node, struct err *err)
{
    const struct span *claim = event_tag_value(event, SPAN("yc"));
    uint64_t own = doc_client(&node->root, &node->author, node->device);
    int64_t claimed;
    if (claim == NULL && !node->has_writer)
        return err_set(err, ERR_INVALID, "a text update without its device");
    update->client = own;
    if (claim == NULL)
        return true;
    if (!number_decimal(&claimed, *claim) || claimed < 0 || claimed >> LIB0_NUMBER_BITS > 0)
        return err_set(err, ERR_INVALID, "it claims what is no client");
    update->client = (uint64_t)claimed;
    update->is_claim = !node->has_writer || update->client != own;
    return true;
}

static void read_step(struct prose_update *update, const struct event *event)
{
    const struct span *step = event_tag_value(event, SPAN("step"));
    update->step_count = 1;
    if (step == NULL)
        return;
    bool is_redo = step->len > 4 && memcmp(step->at, "redo", 4) == 0;
    bool is_undo = step->len > 4 && memcmp(step->at, "undo", 4) == 0;
    int64_t count;
    if ((!is_redo && !is_undo) ||
        !number_decimal(&count, (struct span){step->at + 4, step->len - 4}) || count < 1 ||
        count > STEPS_MAX)
        return;
    update->step = is_redo ? DOC_REDO : DOC_UNDO;
    update->step_count = (size_t)count;
}

bool prose_parse(struct prose_update *update, struct arena *arena, const struct event *event,
                 const struct node *node, struct err *err)
{
    const struct span *codec = event_tag_value(event, SPAN("c"));
    if (codec == NULL || !span_eq(*codec, SPAN("yjs1")))
        return err_set(err, ERR_UNSUPPORTED, "a text that is not written as yjs1");
    *update = (struct prose_update){.id = node->id, .author = node->author, .hlc = node->hlc};
    if (!read_client(update, event, node, err))
        return false;
    if (!decode(&update->bytes, arena, event))
        return err_set(err, ERR_INVALID, "a text update that is not base64");
    read_step(update, event);
    return doc_is_by(update->bytes, update->client, &update->from, &update->to, err);
}

/* A tag of two words, the second with a number in it. */
static void tag_number(struct draft *draft, struct span name, const char *word, uint64_t number)
{
    struct text value = {0};
    text_addf(&value, "%s%llu", word, (unsigned long long)number);
    draft_tag_pair(draft, name, text_span(&value));
    text_clear(&value);
}

void prose_draft(struct draft *draft, const struct prose_update *update)
{
    struct span bytes = update->bytes;
    size_t chars = sodium_base64_encoded_len(bytes.len, sodium_base64_VARIANT_ORIGINAL);
    draft->kind = KIND_TEXT_UPDATE;
    draft_tag_pair(draft, SPAN("c"), SPAN("yjs1"));
    if (update->is_claim)
        tag_number(draft, SPAN("yc"), "", update->client);
    if (update->step != DOC_EDIT)
        tag_number(draft, SPAN("step"), update->step == DOC_UNDO ? "undo" : "redo",
                   update->step_count);
    sodium_bin2base64(text_reserve(&draft->content, chars), chars, (const uint8_t *)bytes.at,
                      bytes.len, sodium_base64_VARIANT_ORIGINAL);
    draft->content.len += chars - 1; /* less the NUL */
}

struct prose *prose_new(uint64_t client)
{
    struct prose *prose = malloc(sizeof *prose);
    if (prose == NULL)
        abort();
    *prose = (struct prose){.client = client, .doc = doc_new(client)};
    return prose;
}

void prose_free(struct prose *prose)
{
    if (prose == NULL)
        return;
    doc_free(prose->doc);
    arena_clear(&prose->arena);
    free(prose);
}

static bool overlaps(const struct prose_update *a, const struct prose_update *b)
{
    return a->client == b->client && a->from < b->to && b->from < a->to;
}

static bool is_author(const struct prose_update *update, const struct bytes32 *author)
{
    return memcmp(&update->author, author, sizeof *author) == 0;
}

/* By id: what comes first is told. */
static int compare(const void *a, const void *b)
{
    const struct prose_entry *x = a, *y = b;
    return memcmp(&x->update.id, &y->update.id, sizeof x->update.id);
}

static void apply(struct doc *doc, const struct prose_entry *entry)
{
    enum doc_trust trust = entry->is_void ? DOC_VOID : DOC_VALID;
    bool ok = doc_apply(doc, entry->update.bytes, entry->is_lost ? DOC_REST : trust, NULL);
    (void)ok; /* it was read before; past the bound of what may wait it says nothing */
}

/* ---- whose clocks are whose ---- */

static bool is_earlier(const struct prose_update *a, const struct prose_update *b)
{
    return a->hlc != b->hlc ? a->hlc < b->hlc : memcmp(&a->id, &b->id, sizeof a->id) < 0;
}

const struct bytes32 *prose_owner(const struct prose *prose, uint64_t client)
{
    const struct prose_update *first = NULL;
    for (size_t i = 0; i < prose->count; i++) {
        const struct prose_update *update = &prose->entries[i].update;
        if (update->client != client)
            continue;
        if (!update->is_claim)
            return &update->author;
        if (!prose->entries[i].is_void && (first == NULL || is_earlier(update, first)))
            first = update;
    }
    return first != NULL ? &first->author : NULL;
}

static bool is_foreign(const struct prose *prose, const struct prose_update *update)
{
    const struct bytes32 *owner = update->is_claim ? prose_owner(prose, update->client) : NULL;
    return update->is_claim && (owner == NULL || !is_author(update, owner));
}

/* Of the entries, which are sorted: whether one that keeps its clocks has some of those. */
static bool is_taken(const struct prose *prose, const struct prose_update *update, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!prose->entries[i].is_lost && &prose->entries[i].update != update &&
            overlaps(&prose->entries[i].update, update))
            return true;
    return false;
}

static void judge(struct prose *prose)
{
    qsort(prose->entries, prose->count, sizeof *prose->entries, compare);
    for (size_t i = 0; i < prose->count; i++)
        prose->entries[i].is_lost = is_foreign(prose, &prose->entries[i].update);
    for (size_t i = 0; i < prose->count; i++)
        if (!prose->entries[i].is_lost)
            prose->entries[i].is_lost = is_taken(prose, &prose->entries[i].update, i);
    prose->lost = 0;
    for (size_t i = 0; i < prose->count; i++)
        prose->lost += prose->entries[i].is_lost;
}

void prose_fill(const struct prose *prose, struct doc *doc)
{
    for (size_t i = 0; i < prose->count; i++)
        if (prose->entries[i].is_lost)
            apply(doc, &prose->entries[i]);
    if (prose->lost > 0)
        doc_settle(doc);
}

/* Those with clocks of their own first. */
void prose_settle(struct prose *prose)
{
    if (!prose->is_stale)
        return;
    prose->is_stale = false;
    doc_free(prose->doc);
    prose->doc = doc_new(prose->client);
    judge(prose);
    for (size_t i = 0; i < prose->count; i++)
        if (!prose->entries[i].is_lost)
            apply(prose->doc, &prose->entries[i]);
    prose_fill(prose, prose->doc);
}

void prose_put(struct prose *prose, const struct prose_update *update, bool is_void)
{
    /* What was judged once is judged again: who waits for whom may be another now. */
    bool is_contested = prose->lost > 0 || (update->is_claim && is_void);
    for (size_t i = 0; i < prose->count && !is_contested && !prose->is_stale; i++) {
        const struct prose_update *other = &prose->entries[i].update;
        is_contested = overlaps(other, update) ||
                       (other->client == update->client && !is_author(other, &update->author));
    }
    prose->entries = arena_grow(&prose->arena, struct prose_entry, prose->entries, prose->count);
    struct prose_entry *entry = &prose->entries[prose->count];
    *entry = (struct prose_entry){.update = *update, .turn = prose->count++, .is_void = is_void};
    entry->update.bytes = arena_copy(&prose->arena, update->bytes);
    prose->is_stale |= is_contested;
    if (!prose->is_stale)
        apply(prose->doc, entry);
}

struct doc *prose_doc(struct prose *prose)
{
    prose_settle(prose);
    return prose->doc;
}

size_t prose_contradictions(struct prose *prose)
{
    prose_settle(prose);
    return prose->lost;
}

struct prose_loss *prose_losses(struct prose *prose, struct arena *arena, size_t *count)
{
    prose_settle(prose);
    struct prose_loss *losses = arena_array(arena, struct prose_loss, prose->lost);
    *count = 0;
    for (size_t i = 0; i < prose->count && *count < prose->lost; i++) {
        const struct prose_update *update = &prose->entries[i].update;
        if (!prose->entries[i].is_lost)
            continue;
        const struct bytes32 *owner = prose_owner(prose, update->client);
        losses[(*count)++] = (struct prose_loss){.id = update->id,
                                                 .author = update->author,
                                                 .client = update->client,
                                                 .is_claim = update->is_claim,
                                                 .is_foreign = is_foreign(prose, update),
                                                 .has_owner = owner != NULL,
                                                 .owner = owner != NULL ? *owner : update->author};
    }
    return losses;
}
