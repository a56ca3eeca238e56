#include "relay/window_index.h"

#include <assert.h>
#include <stdlib.h>

#include "relay/window_entry.h"

enum { OWN_KEYS = 4 }; /* of an entry, besides its tags */

static uint32_t keys_of(const struct window_entry *entry, uint64_t keys[OWN_KEYS])
{
    keys[0] = window_key_kind(entry->kind);
    keys[1] = entry->author;
    keys[2] = window_key_author_kind(entry->author, entry->kind);
    keys[3] = window_key_addressed(entry->author);
    return entry->address == 0 ? OWN_KEYS - 1 : OWN_KEYS;
}

static uint64_t key_of_id(const struct window_index *index, const struct bytes32 *id)
{
    return hash_bytes(&index->key, SPAN_OF(*id));
}

static void list_add(struct window_index *index, uint64_t key, struct window_entry *entry)
{
    struct window_list *list = table_get(&index->lists, key);
    if (list == NULL) {
        list = calloc(1, sizeof *list);
        if (list == NULL)
            abort();
        index->bytes += window_cost(sizeof *list);
        table_put(&index->lists, key, list);
    }
    window_list_add(list, entry, &index->bytes);
}

static void list_remove(struct window_index *index, uint64_t key, const struct window_entry *entry)
{
    struct window_list *list = table_get(&index->lists, key);
    assert(list != NULL);
    window_list_remove(list, entry, &index->bytes);
    if (list->count > 0)
        return;
    table_remove(&index->lists, key);
    index->bytes -= window_cost(sizeof *list);
    free(list);
}

void window_index_clear(struct window_index *index)
{
    size_t place = 0;
    for (struct window_entry *entry; (entry = table_next(&index->ids, &place)) != NULL;)
        window_entry_free(entry);
    place = 0;
    for (struct window_list *list; (list = table_next(&index->lists, &place)) != NULL;) {
        window_list_clear(list, &index->bytes);
        free(list);
    }
    window_list_clear(&index->all, &index->bytes);
    table_clear(&index->ids);
    table_clear(&index->addresses);
    table_clear(&index->lists);
    index->bytes = 0;
}

static size_t table_bytes(const struct table *table)
{
    return table->bits == 0 ? 0 : sizeof(struct table_slot) << table->bits;
}

size_t window_index_bytes(const struct window_index *index)
{
    return index->bytes + table_bytes(&index->ids) + table_bytes(&index->addresses) +
           table_bytes(&index->lists);
}

void window_index_add(struct window_index *index, struct window_entry *entry)
{
    uint64_t keys[OWN_KEYS];
    uint32_t count = keys_of(entry, keys);
    index->bytes += window_entry_bytes(entry);
    table_put(&index->ids, key_of_id(index, &entry->id), entry);
    if (entry->address != 0)
        table_put(&index->addresses, entry->address, entry);
    window_list_add(&index->all, entry, &index->bytes);
    for (uint32_t i = 0; i < count; i++)
        list_add(index, keys[i], entry);
    for (uint32_t i = 0; i < entry->tag_count; i++)
        list_add(index, entry->tags[i], entry);
}

void window_index_remove(struct window_index *index, struct window_entry *entry)
{
    uint64_t keys[OWN_KEYS];
    uint32_t count = keys_of(entry, keys);
    for (uint32_t i = 0; i < entry->tag_count; i++)
        list_remove(index, entry->tags[i], entry);
    for (uint32_t i = 0; i < count; i++)
        list_remove(index, keys[i], entry);
    window_list_remove(&index->all, entry, &index->bytes);
    if (entry->address != 0)
        table_remove(&index->addresses, entry->address);
    table_remove(&index->ids, key_of_id(index, &entry->id));
    index->bytes -= window_entry_bytes(entry);
    window_entry_free(entry);
}

struct window_entry *window_index_id(const struct window_index *index, const struct bytes32 *id)
{
    struct window_entry *entry = table_get(&index->ids, key_of_id(index, id));
    bool is_it = entry != NULL && memcmp(&entry->id, id, sizeof *id) == 0;
    return is_it ? entry : NULL;
}

struct window_entry *window_index_address(const struct window_index *index, uint64_t address)
{
    return table_get(&index->addresses, address);
}

const struct window_list *window_index_list(const struct window_index *index, uint64_t key)
{
    return table_get(&index->lists, key);
}
