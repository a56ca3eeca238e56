#include "relay/table.h"

#include <assert.h>
#include <stdlib.h>

enum { TABLE_BITS_MIN = 4 };

static size_t size_of(const struct table *table)
{
    return table->bits == 0 ? 0 : (size_t)1 << table->bits;
}

/* Keys may be small numbers in a row: the multiplication spreads them. */
static size_t home_of(const struct table *table, uint64_t key)
{
    return (size_t)(key * 0x9e3779b97f4a7c15 >> (64 - table->bits));
}

static size_t after(const struct table *table, size_t place)
{
    return (place + 1) & (size_of(table) - 1);
}

/* The place of key, or the free one where it would go. There is always a free one. */
static size_t find(const struct table *table, uint64_t key)
{
    size_t place = home_of(table, key);
    while (table->slots[place].value != NULL && table->slots[place].key != key)
        place = after(table, place);
    return place;
}

static void grow(struct table *table)
{
    struct table old = *table;
    table->bits = old.bits == 0 ? TABLE_BITS_MIN : old.bits + 1;
    table->slots = calloc((size_t)1 << table->bits, sizeof *table->slots);
    if (table->slots == NULL)
        abort();
    for (size_t i = 0; i < size_of(&old); i++)
        if (old.slots[i].value != NULL)
            table->slots[find(table, old.slots[i].key)] = old.slots[i];
    free(old.slots);
}

void table_clear(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}

void *table_get(const struct table *table, uint64_t key)
{
    return table->count == 0 ? NULL : table->slots[find(table, key)].value;
}

void table_put(struct table *table, uint64_t key, void *value)
{
    assert(value != NULL);
    if ((table->count + 1) * 4 > size_of(table) * 3)
        grow(table);
    struct table_slot *slot = &table->slots[find(table, key)];
    table->count += slot->value == NULL;
    *slot = (struct table_slot){key, value};
}

void *table_remove(struct table *table, uint64_t key)
{
    if (table->count == 0)
        return NULL;
    size_t hole = find(table, key);
    void *value = table->slots[hole].value;
    if (value == NULL)
        return NULL;

    /* What follows moves up, unless that took it before its home. */
    for (size_t i = after(table, hole); table->slots[i].value != NULL; i = after(table, i)) {
        size_t mask = size_of(table) - 1;
        size_t home = home_of(table, table->slots[i].key);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue;
        table->slots[hole] = table->slots[i];
        hole = i;
    }
    table->slots[hole].value = NULL;
    table->count--;
    return value;
}

void *table_next(const struct table *table, size_t *place)
{
    while (*place < size_of(table)) {
        void *value = table->slots[(*place)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}
