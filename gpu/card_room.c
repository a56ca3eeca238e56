#include "gpu/card_room.h"

#include "gpu/digits.h"

static uint64_t greatest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool card_room_make(struct card_room *room, const struct card *card, const struct hyper *hyper,
                    uint32_t rows, uint32_t logit_rows)
{
    uint64_t heads = (uint64_t)hyper->heads * hyper->head_size;
    uint64_t kept = (uint64_t)hyper->kv_heads * hyper->head_size;
    uint64_t inputs = greatest(greatest(heads, hyper->inner), hyper->width);
    const struct {
        float **at;
        uint64_t count; /* of a row */
    } parts[] = {{&room->state, hyper->width},
                 {&room->norm, hyper->width},
                 {&room->query, heads},
                 {&room->heads, heads},
                 {&room->key, kept},
                 {&room->value, kept},
                 {&room->gate, hyper->inner},
                 {&room->up, hyper->inner},
                 {&room->turns, hyper->rotary + 1},
                 {&room->scales, inputs / DIGITS_BLOCK + 1}};
    *room = (struct card_room){
        .digits = card->take(rows * (inputs + 4)),
        .logits = card->take(((uint64_t)logit_rows * hyper->vocabulary + 1) * sizeof(float))};
    bool ok = room->digits != NULL && room->logits != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(parts); i++)
        ok = (*parts[i].at = card->take(rows * parts[i].count * sizeof(float))) != NULL;
    return ok;
}

void card_room_clear(struct card_room *room, const struct card *card)
{
    void *parts[] = {room->state, room->norm,   room->query,  room->heads,
                     room->key,   room->value,  room->gate,   room->up,
                     room->turns, room->logits, room->digits, room->scales};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        card->give(parts[i]);
    *room = (struct card_room){0};
}
