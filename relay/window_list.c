#include "relay/window_list.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/window_entry.h"

enum { CHUNK_MIN = 2, CHUNKS_MIN = 4 };

/* Where in a list: the entry number at of a chunk. */
struct spot {
    uint32_t chunk, at;
};

static struct window_chunk *const *chunks_of(const struct window_list *list)
{
    return list->chunk_capacity == 0 ? &list->only : list->chunks;
}

static size_t chunk_size(uint32_t capacity)
{
    return sizeof(struct window_chunk) + capacity * sizeof(struct window_entry *);
}

static struct window_chunk *chunk_resize(struct window_chunk *chunk, uint32_t capacity,
                                         size_t *bytes)
{
    if (chunk != NULL)
        *bytes -= window_cost(chunk_size(chunk->capacity));
    *bytes += window_cost(chunk_size(capacity));
    bool is_new = chunk == NULL;
    chunk = realloc(chunk, chunk_size(capacity));
    if (chunk == NULL)
        abort();
    if (is_new)
        chunk->count = 0;
    chunk->capacity = (uint16_t)capacity;
    return chunk;
}

static void chunk_free(struct window_chunk *chunk, size_t *bytes)
{
    *bytes -= window_cost(chunk_size(chunk->capacity));
    free(chunk);
}

/* How many of a chunk are older than what is at place, or all that are after it. */
static uint32_t count_older(const struct window_chunk *chunk, const struct store_cursor *place)
{
    uint32_t low = 0, high = chunk->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (window_is_after(&chunk->at[middle]->place, place))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first spot that is not older than place, in the chunk where place belongs. Most of what is
 * looked for is new. The list is not empty. */
static struct spot find(const struct window_list *list, const struct store_cursor *place)
{
    struct window_chunk *const *chunks = chunks_of(list);
    uint32_t low = 0, high = list->chunk_count - 1;
    if (!window_is_after(place, &chunks[high]->at[0]->place))
        low = high;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (window_is_after(place, &chunks[middle]->at[0]->place))
            high = middle - 1;
        else
            low = middle;
    }
    return (struct spot){low, count_older(chunks[low], place)};
}

static size_t array_size(uint32_t capacity)
{
    return capacity * sizeof(struct window_chunk *);
}

/* The array of chunks doubles; the first one takes the place of the only chunk. */
static void grow_array(struct window_list *list, size_t *bytes)
{
    bool is_first = list->chunk_capacity == 0;
    struct window_chunk *only = is_first ? list->only : NULL;
    uint32_t capacity = is_first ? CHUNKS_MIN : 2 * list->chunk_capacity;
    *bytes += window_cost(array_size(capacity));
    if (!is_first)
        *bytes -= window_cost(array_size(list->chunk_capacity));
    list->chunks = realloc(is_first ? NULL : list->chunks, array_size(capacity));
    if (list->chunks == NULL)
        abort();
    list->chunk_capacity = capacity;
    if (is_first)
        list->chunks[0] = only;
}

static void put_chunk(struct window_list *list, uint32_t number, struct window_chunk *chunk,
                      size_t *bytes)
{
    if (list->chunk_count == 0) {
        list->only = chunk;
        list->chunk_count = 1;
        return;
    }
    if (list->chunk_capacity == 0 || list->chunk_count == list->chunk_capacity)
        grow_array(list, bytes);
    memmove(&list->chunks[number + 1], &list->chunks[number],
            array_size(list->chunk_count - number));
    list->chunks[number] = chunk;
    list->chunk_count++;
}

static void take_chunk(struct window_list *list, uint32_t number, size_t *bytes)
{
    list->chunk_count--;
    if (list->chunk_capacity == 0)
        return;
    memmove(&list->chunks[number], &list->chunks[number + 1],
            array_size(list->chunk_count - number));
    if (list->chunk_count > 0)
        return;
    *bytes -= window_cost(array_size(list->chunk_capacity));
    free(list->chunks);
    list->chunk_capacity = 0;
}

/* Room in the chunk of a spot, or in one beside it: at the ends of the list a new chunk leaves the
 * full one as it is, elsewhere the full one is halved. */
static struct spot make_room(struct window_list *list, struct spot spot, size_t *bytes)
{
    struct window_chunk **slot =
        list->chunk_capacity == 0 ? &list->only : &list->chunks[spot.chunk];
    struct window_chunk *chunk = *slot;
    if (chunk->count < chunk->capacity)
        return spot;
    if (chunk->capacity < WINDOW_CHUNK_MAX) {
        *slot = chunk_resize(chunk, 2 * chunk->capacity, bytes);
        return spot;
    }
    bool is_newest = spot.chunk + 1 == list->chunk_count && spot.at == chunk->count;
    bool is_oldest = spot.chunk == 0 && spot.at == 0;
    struct window_chunk *more = chunk_resize(NULL, WINDOW_CHUNK_MAX, bytes);
    put_chunk(list, is_oldest ? 0 : spot.chunk + 1, more, bytes);
    if (is_oldest)
        return spot;
    if (is_newest)
        return (struct spot){spot.chunk + 1, 0};
    more->count = WINDOW_CHUNK_MAX / 2;
    chunk->count -= more->count;
    memcpy(more->at, &chunk->at[chunk->count], more->count * sizeof(struct window_entry *));
    if (spot.at <= chunk->count)
        return spot;
    return (struct spot){spot.chunk + 1, spot.at - chunk->count};
}

void window_list_add(struct window_list *list, struct window_entry *entry, size_t *bytes)
{
    struct spot spot = {0, 0};
    if (list->count == 0)
        put_chunk(list, 0, chunk_resize(NULL, CHUNK_MIN, bytes), bytes);
    else
        spot = make_room(list, find(list, &entry->place), bytes);
    struct window_chunk *chunk = chunks_of(list)[spot.chunk];
    memmove(&chunk->at[spot.at + 1], &chunk->at[spot.at],
            (chunk->count - spot.at) * sizeof(struct window_entry *));
    chunk->at[spot.at] = entry;
    chunk->count++;
    list->count++;
}

void window_list_remove(struct window_list *list, const struct window_entry *entry, size_t *bytes)
{
    struct spot spot = {0, 0};
    if (chunks_of(list)[0]->at[0] != entry)
        spot = find(list, &entry->place);
    struct window_chunk *chunk = chunks_of(list)[spot.chunk];
    assert(spot.at < chunk->count && chunk->at[spot.at] == entry);
    list->count--;
    if (--chunk->count == 0) {
        chunk_free(chunk, bytes);
        take_chunk(list, spot.chunk, bytes);
        return;
    }
    memmove(&chunk->at[spot.at], &chunk->at[spot.at + 1],
            (chunk->count - spot.at) * sizeof(struct window_entry *));
}

void window_list_clear(struct window_list *list, size_t *bytes)
{
    for (uint32_t i = 0; i < list->chunk_count; i++)
        chunk_free(chunks_of(list)[i], bytes);
    if (list->chunk_capacity > 0) {
        *bytes -= window_cost(array_size(list->chunk_capacity));
        free(list->chunks);
    }
    *list = (struct window_list){0};
}

struct window_entry *window_list_oldest(const struct window_list *list)
{
    return list->count == 0 ? NULL : chunks_of(list)[0]->at[0];
}

struct window_walk window_walk_begin(const struct window_list *list,
                                     const struct store_cursor *after)
{
    struct window_walk walk = {.chunks = chunks_of(list)};
    if (list->count == 0)
        return walk;
    if (after != NULL) {
        struct spot spot = find(list, after);
        walk.chunk = spot.chunk;
        walk.at = spot.at;
        return walk;
    }
    walk.chunk = list->chunk_count - 1;
    walk.at = walk.chunks[walk.chunk]->count;
    return walk;
}

struct window_entry *window_walk_next(struct window_walk *walk)
{
    if (walk->at == 0) {
        if (walk->chunk == 0)
            return NULL;
        walk->at = walk->chunks[--walk->chunk]->count;
    }
    return walk->chunks[walk->chunk]->at[--walk->at];
}
