/* doc_circle.c - what was built on a story that does not count.
 *
 * Two that write as one client tell two stories with the same ids. Where only one of them counts,
 * what others built on the second stands on the first, or behind it, which may be built on what
 * those others wrote: a circle, each waiting for the next. Somewhere in it is the second story. */
#include "client/doc_parts.h"

enum {
    ROUNDS_MAX = 100, /* past it too much is missing to say who waits in vain */
    STEPS_MAX = 100,  /* back in a story, for one struct */
};

size_t doc_waiting_at(const struct doc_writer *writer, uint64_t clock)
{
    size_t low = writer->waiting_first, high = writer->waiting_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct doc_item *item = writer->waiting[middle];
        if (item->id.clock + item->len <= clock)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_coming(const struct doc *doc, struct doc_id id)
{
    const struct doc_writer *writer = doc_writer_of(doc, id.client);
    return id.client == DOC_NONE || (writer != NULL && id.clock < writer->reach);
}

/* The clock up to which everything is there that the writer's structs stand on. */
static uint64_t find_reach(const struct doc *doc, const struct doc_writer *writer)
{
    uint64_t clock = doc_clock(doc, writer->client);
    for (size_t i = writer->waiting_first; i < writer->waiting_count; i++) {
        const struct doc_item *item = writer->waiting[i];
        if (item->id.clock > clock || !is_coming(doc, item->origin) ||
            !is_coming(doc, item->right_origin) || !is_coming(doc, item->parent_id))
            break;
        if (item->id.clock + item->len > clock)
            clock = item->id.clock + item->len;
    }
    return clock;
}

static bool find_all_reach(struct doc *doc)
{
    bool has_changed = true;
    for (size_t i = 0; i < doc->writer_count; i++)
        doc->writers[i]->reach = UINT64_MAX;
    for (int round = 0; round < ROUNDS_MAX && has_changed; round++) {
        has_changed = false;
        for (size_t i = 0; i < doc->writer_count; i++) {
            struct doc_writer *writer = doc->writers[i];
            uint64_t reach = find_reach(doc, writer);
            has_changed |= reach != writer->reach;
            writer->reach = reach;
        }
    }
    return !has_changed;
}

/* What a writer's next struct waits for; NULL when that is not here either. */
static struct doc_id *find_edge(const struct doc *doc, const struct doc_writer *writer)
{
    if (writer->waiting_first == writer->waiting_count ||
        writer->reach <= doc_clock(doc, writer->client))
        return NULL;
    struct doc_item *item = writer->waiting[writer->waiting_first];
    if (!doc_is_known(doc, item->origin))
        return &item->origin;
    return doc_is_known(doc, item->right_origin) ? &item->parent_id : &item->right_origin;
}

static struct doc_writer *next_of(const struct doc *doc, const struct doc_writer *writer)
{
    return doc_writer_of(doc, find_edge(doc, writer)->client);
}

/* What was told under that id and does not count. */
static const struct doc_item *find_story(const struct doc *doc, struct doc_id id)
{
    const struct doc_writer *writer = doc_writer_of(doc, id.client);
    for (size_t i = 0; i < writer->lost.count; i++) {
        const struct doc_item *item = writer->lost.at[i];
        if (item->id.clock <= id.clock && id.clock < item->id.clock + item->len)
            return item;
    }
    return NULL;
}

/* Puts the item where it was in that story: beside what was there before. */
static void step_back(struct doc_item *item, struct doc_id *edge, const struct doc_item *story)
{
    bool is_origin = edge == &item->origin, is_parent = edge == &item->parent_id;
    *edge = is_origin ? story->origin : story->right_origin;
    if (is_parent || story->content == DOC_GC) { /* its list was never there */
        item->content = DOC_GC;
        item->origin.client = item->right_origin.client = item->parent_id.client = DOC_NONE;
        return;
    }
    if (item->origin.client != DOC_NONE || item->right_origin.client != DOC_NONE)
        return;
    item->parent = story->parent;
    item->parent_id = story->parent_id;
    item->key = story->key;
    item->has_key = story->has_key;
}

/* Lets those of the circle that writer is in, or waits for, step back; false when none can. */
static bool cut(const struct doc *doc, struct doc_writer *writer)
{
    bool has_any = false;
    for (size_t i = 0; i < doc->writer_count; i++)
        writer = next_of(doc, writer); /* after so many it is one of the circle */
    const struct doc_writer *first = writer;
    do {
        struct doc_id *edge = find_edge(doc, writer);
        struct doc_item *item = writer->waiting[writer->waiting_first];
        const struct doc_item *story = find_story(doc, *edge);
        writer = next_of(doc, writer);
        if (story == NULL || item->group == STEPS_MAX)
            continue;
        item->group++; /* which nobody else needs before it is in its place */
        step_back(item, edge, story);
        has_any = true;
    } while (writer != first);
    return has_any;
}

bool doc_cut_circle(struct doc *doc)
{
    if (!find_all_reach(doc))
        return false;
    for (size_t i = 0; i < doc->writer_count; i++)
        if (find_edge(doc, doc->writers[i]) != NULL && cut(doc, doc->writers[i]))
            return true;
    return false;
}
