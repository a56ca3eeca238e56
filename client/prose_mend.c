/* prose_mend.c - what is done with all that was written: again, or against what does not count. */
#include <stdlib.h>

#include "client/prose_parts.h"

static int compare_turns(const void *a, const void *b)
{
    const struct prose_entry *x = *(const struct prose_entry *const *)a;
    const struct prose_entry *y = *(const struct prose_entry *const *)b;
    return (x->turn > y->turn) - (x->turn < y->turn);
}

struct doc *prose_replay(struct prose *prose, uint64_t client)
{
    struct arena arena = {0};
    struct doc *doc = doc_new(client);
    prose_settle(prose);
    const struct prose_entry **entries =
        arena_array(&arena, const struct prose_entry *, prose->count + 1);
    for (size_t i = 0; i < prose->count; i++)
        entries[i] = &prose->entries[i];
    if (prose->count > 0)
        qsort(entries, prose->count, sizeof(const struct prose_entry *), compare_turns);
    for (size_t i = 0; i < prose->count; i++) {
        const struct prose_update *update = &entries[i]->update;
        bool is_void = entries[i]->is_void;
        if (entries[i]->is_lost)
            continue;
        bool ok = is_void || update->client != client
                      ? doc_apply(doc, update->bytes, is_void ? DOC_VOID : DOC_VALID, NULL)
                      : doc_replay(doc, update->bytes, update->step, update->step_count, NULL);
        (void)ok; /* it was read before */
    }
    prose_fill(prose, doc);
    arena_clear(&arena);
    return doc;
}

/* ---- against what does not count ---- */

static void add_span(struct doc_spans *spans, struct arena *arena, struct doc_span span)
{
    if (span.from == span.to)
        return;
    spans->at = arena_grow(arena, struct doc_span, spans->at, spans->count);
    spans->at[spans->count++] = span;
}

static int compare_spans(const void *a, const void *b)
{
    const struct doc_span *x = a, *y = b;
    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return (x->from > y->from) - (x->from < y->from);
}

/* Adds what of span is in none of others, which are sorted. */
static void add_rest(struct doc_spans *out, struct arena *arena, struct doc_span span,
                     const struct doc_spans *others)
{
    for (size_t i = 0; i < others->count && span.from < span.to; i++) {
        const struct doc_span *other = &others->at[i];
        if (other->client != span.client || other->to <= span.from || other->from >= span.to)
            continue;
        if (other->from > span.from)
            add_span(out, arena, (struct doc_span){span.client, span.from, other->from});
        span.from = other->to < span.to ? other->to : span.to;
    }
    add_span(out, arena, span);
}

bool prose_mend(struct prose *prose, struct text *out)
{
    struct arena arena = {0};
    struct doc_spans settled = {0}, rest = {0}; /* what counts, or is deleted */
    prose_settle(prose);
    for (size_t i = 0; i < prose->count; i++) {
        const struct prose_update *update = &prose->entries[i].update;
        if (prose->entries[i].is_void || prose->entries[i].is_lost)
            continue;
        add_span(&settled, &arena, (struct doc_span){update->client, update->from, update->to});
        doc_deletions(&settled, &arena, update->bytes);
    }
    if (settled.count > 1)
        qsort(settled.at, settled.count, sizeof *settled.at, compare_spans);
    for (size_t i = 0; i < prose->count; i++) {
        const struct prose_update *update = &prose->entries[i].update;
        if (prose->entries[i].is_void && !prose->entries[i].is_lost)
            add_rest(&rest, &arena, (struct doc_span){update->client, update->from, update->to},
                     &settled);
    }
    bool has_any = rest.count > 0;
    if (has_any)
        doc_write_deletions(out, &rest);
    arena_clear(&arena);
    return has_any;
}
