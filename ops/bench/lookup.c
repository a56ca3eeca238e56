#include "ops/bench/lookup.h"

#include <stdlib.h>

#include "ops/bench/fatal.h"

void lookup_open(struct lookup *lookup, size_t count)
{
    size_t slots = 16;
    while (slots < count * 2)
        slots *= 2;
    lookup->keys = fatal_alloc(slots, sizeof *lookup->keys);
    lookup->values = fatal_alloc(slots, sizeof *lookup->values);
    lookup->mask = slots - 1;
}

void lookup_clear(struct lookup *lookup)
{
    free(lookup->keys);
    free(lookup->values);
    *lookup = (struct lookup){0};
}

uint64_t lookup_key(const char *hex)
{
    uint64_t key = 0;
    for (int i = 0; i < 16; i++)
        key = key << 4 | (uint64_t)((hex[i] & 15) + (hex[i] > '9' ? 9 : 0));
    return key != 0 ? key : 1;
}

/* Where key is, or would be. */
static size_t slot_of(const struct lookup *lookup, uint64_t key)
{
    size_t slot = (size_t)((key * 0x9e3779b97f4a7c15U) >> 20) & lookup->mask;
    while (lookup->keys[slot] != 0 && lookup->keys[slot] != key)
        slot = (slot + 1) & lookup->mask;
    return slot;
}

uint32_t *lookup_put(struct lookup *lookup, uint64_t key)
{
    size_t slot = slot_of(lookup, key);
    lookup->keys[slot] = key;
    return &lookup->values[slot];
}

uint32_t *lookup_find(const struct lookup *lookup, uint64_t key)
{
    size_t slot = slot_of(lookup, key);
    return lookup->keys[slot] != 0 ? &lookup->values[slot] : NULL;
}
