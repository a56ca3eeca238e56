#include "gpu/mint_ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/arena.h"
#include "shared/scan.h"

struct mint_ring {
    struct ledger *ledger;
    const struct bytes32 *seed;
    pthread_mutex_t mutex; /* of what follows */
    struct mint_keyset *keysets[LEDGER_KEYSETS_MAX];
    uint32_t count;
};

struct mint_ring *mint_ring_new(struct ledger *ledger, const struct bytes32 *seed)
{
    struct mint_ring *ring = calloc(1, sizeof *ring);
    if (ring == NULL)
        abort();
    ring->ledger = ledger;
    ring->seed = seed;
    pthread_mutex_init(&ring->mutex, NULL);
    return ring;
}

void mint_ring_free(struct mint_ring *ring)
{
    if (ring == NULL)
        return;
    for (uint32_t i = 0; i < ring->count; i++)
        mint_keyset_free(ring->keysets[i]);
    pthread_mutex_destroy(&ring->mutex);
    free(ring);
}

/* By one or the other. The ring is locked. */
static const struct mint_keyset *look(const struct mint_ring *ring, struct span name,
                                      int16_t number)
{
    for (uint32_t i = 0; i < ring->count; i++) {
        const struct mint_keyset *keyset = ring->keysets[i];
        if (name.at != NULL ? span_eq(name, (struct span){keyset->name, MINT_KEYSET_ID_CHARS})
                            : keyset->number == number)
            return keyset;
    }
    return NULL;
}

/* Makes the keys of a row that is new here. The ring is locked. */
static bool learn(struct mint_ring *ring, const struct ledger_keyset *row, struct fault *fault)
{
    if (look(ring, (struct span){0}, row->number) != NULL)
        return true;
    if (ring->count == LEDGER_KEYSETS_MAX)
        return fault_set(fault, FAULT_OURS, "more than %d keysets", LEDGER_KEYSETS_MAX);
    struct mint_keyset *keyset = mint_keyset_new(ring->seed, row);
    if (memcmp(&keyset->id, &row->id, sizeof row->id) != 0) {
        mint_keyset_free(keyset);
        return fault_set(fault, FAULT_OURS, "the mint's seed is not the one its keysets are of");
    }
    ring->keysets[ring->count++] = keyset;
    return true;
}

bool mint_ring_rows(struct mint_ring *ring, struct arena *arena, const struct ledger_keyset **rows,
                    uint32_t *count, struct fault *fault)
{
    if (!ledger_keysets(ring->ledger, arena, rows, count, fault))
        return false;
    bool ok = true;
    pthread_mutex_lock(&ring->mutex);
    for (uint32_t i = 0; ok && i < *count; i++)
        ok = learn(ring, *rows + i, fault);
    pthread_mutex_unlock(&ring->mutex);
    return ok;
}

static const struct mint_keyset *look_locked(struct mint_ring *ring, struct span name,
                                             int16_t number)
{
    pthread_mutex_lock(&ring->mutex);
    const struct mint_keyset *keyset = look(ring, name, number);
    pthread_mutex_unlock(&ring->mutex);
    return keyset;
}

static bool find(struct mint_ring *ring, struct span name, int16_t number,
                 const struct mint_keyset **keyset, struct fault *fault)
{
    struct arena arena = {0};
    const struct ledger_keyset *rows;
    uint32_t count;
    *keyset = look_locked(ring, name, number);
    if (*keyset != NULL)
        return true;
    bool ok = mint_ring_rows(ring, &arena, &rows, &count, fault);
    arena_clear(&arena);
    if (!ok)
        return false;
    *keyset = look_locked(ring, name, number);
    return *keyset != NULL || fault_set(fault, FAULT_KEYSET_UNKNOWN, "there is no keyset '%s' here",
                                        scan_word(name).at);
}

bool mint_ring_find(struct mint_ring *ring, struct span name, const struct mint_keyset **keyset,
                    struct fault *fault)
{
    if (name.len != MINT_KEYSET_ID_CHARS)
        return fault_set(fault, FAULT_KEYSET_UNKNOWN, "there is no keyset '%s' here",
                         scan_word(name).at);
    return find(ring, name, 0, keyset, fault);
}

bool mint_ring_at(struct mint_ring *ring, int16_t number, const struct mint_keyset **keyset,
                  struct fault *fault)
{
    return find(ring, (struct span){0}, number, keyset, fault);
}

/* The row that is to be the next of its unit. */
static bool next_row(struct mint_ring *ring, const struct mint_ring_terms *terms,
                     struct ledger_keyset *row, struct fault *fault)
{
    struct arena arena = {0};
    const struct ledger_keyset *rows;
    uint32_t count;
    *row = (struct ledger_keyset){.input_fee_ppk = terms->input_fee_ppk,
                                  .final_expiry = terms->final_expiry};
    snprintf(row->unit, sizeof row->unit, "%s", terms->unit);
    bool ok = mint_ring_rows(ring, &arena, &rows, &count, fault);
    for (uint32_t i = 0; ok && i < count; i++)
        if (strcmp(rows[i].unit, terms->unit) == 0 && rows[i].index >= row->index)
            row->index = rows[i].index + 1;
    arena_clear(&arena);
    return ok;
}

bool mint_ring_rotate(struct mint_ring *ring, const struct mint_ring_terms *terms,
                      const struct mint_keyset **keyset, struct fault *fault)
{
    struct ledger_keyset row;
    if (!next_row(ring, terms, &row, fault))
        return false;
    struct mint_keyset *made = mint_keyset_new(ring->seed, &row);
    row.id = made->id;
    mint_keyset_free(made);
    return ledger_keyset_add(ring->ledger, &row, fault) &&
           mint_ring_at(ring, row.number, keyset, fault);
}
