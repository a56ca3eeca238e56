#include "client/prose.h"

#include <sodium.h>
#include <stdlib.h>

#include "client/doc.h"
#include "client/draft.h"
#include "client/node.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"

struct entry {
    struct prose_update update;
    bool is_void;         /* for who wrote it */
    bool is_contradicted; /* another was there, by its id */
};

struct prose {
    struct arena arena;
    uint64_t client;
    struct doc *doc;
    struct entry *entries;
    size_t count, contradictions;
};

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

bool prose_parse(struct prose_update *update, struct arena *arena, const struct event *event,
                 const struct node *node, struct err *err)
{
    const struct span *codec = event_tag_value(event, SPAN("c"));
    if (codec == NULL || !span_eq(*codec, SPAN("yjs1")))
        return err_set(err, ERR_UNSUPPORTED, "a text that is not written as yjs1");
    if (!node->has_writer)
        return err_set(err, ERR_INVALID, "a text update without its device");
    *update = (struct prose_update){.id = node->id,
                                    .client = doc_client(&node->root, &node->author, node->device)};
    if (!decode(&update->bytes, arena, event))
        return err_set(err, ERR_INVALID, "a text update that is not base64");
    return doc_is_by(update->bytes, update->client, &update->from, &update->to, err);
}

void prose_draft(struct draft *draft, struct span update)
{
    size_t chars = sodium_base64_encoded_len(update.len, sodium_base64_VARIANT_ORIGINAL);
    draft->kind = KIND_TEXT_UPDATE;
    draft_tag_pair(draft, SPAN("c"), SPAN("yjs1"));
    sodium_bin2base64(text_reserve(&draft->content, chars), chars, (const uint8_t *)update.at,
                      update.len, sodium_base64_VARIANT_ORIGINAL);
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

/* By id: what comes first is told. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    return memcmp(&x->update.id, &y->update.id, sizeof x->update.id);
}

static void apply(struct prose *prose, const struct entry *entry)
{
    bool is_gap = entry->is_void || entry->is_contradicted;
    bool ok = doc_apply(prose->doc, entry->update.bytes, is_gap ? DOC_VOID : DOC_VALID, NULL);
    (void)ok; /* it was read before; past the bound of what may wait it says nothing */
}

/* Judges all anew: those with clocks of their own first, then the gaps that the others leave. */
static void rebuild(struct prose *prose)
{
    doc_free(prose->doc);
    prose->doc = doc_new(prose->client);
    prose->contradictions = 0;
    qsort(prose->entries, prose->count, sizeof *prose->entries, compare);
    for (size_t i = 0; i < prose->count; i++) {
        struct entry *entry = &prose->entries[i];
        entry->is_contradicted = false;
        for (size_t j = 0; j < i && !entry->is_contradicted; j++)
            entry->is_contradicted = !prose->entries[j].is_contradicted &&
                                     overlaps(&prose->entries[j].update, &entry->update);
        prose->contradictions += entry->is_contradicted;
        if (!entry->is_contradicted)
            apply(prose, entry);
    }
    for (size_t i = 0; i < prose->count; i++)
        if (prose->entries[i].is_contradicted)
            apply(prose, &prose->entries[i]);
}

void prose_put(struct prose *prose, const struct prose_update *update, bool is_void)
{
    /* Two stories that both wait for what comes before are told apart only when it is there. */
    bool is_contested = prose->contradictions > 0 && doc_pending(prose->doc) > 0;
    for (size_t i = 0; i < prose->count && !is_contested; i++)
        is_contested = overlaps(&prose->entries[i].update, update);
    prose->entries = arena_grow(&prose->arena, struct entry, prose->entries, prose->count);
    struct entry *entry = &prose->entries[prose->count++];
    *entry = (struct entry){.update = *update, .is_void = is_void};
    entry->update.bytes = arena_copy(&prose->arena, update->bytes);
    if (is_contested)
        rebuild(prose);
    else
        apply(prose, entry);
}

struct doc *prose_doc(struct prose *prose)
{
    return prose->doc;
}

size_t prose_contradictions(const struct prose *prose)
{
    return prose->contradictions;
}
