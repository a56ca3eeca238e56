#include "relay/hash.h"

#include <endian.h>
#include <stdlib.h>
#include <sys/random.h>

struct state {
    uint64_t a, b, c, d;
};

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void stir(struct state *state, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        state->a += state->b;
        state->c += state->d;
        state->b = rotate(state->b, 13) ^ state->a;
        state->d = rotate(state->d, 16) ^ state->c;
        state->a = rotate(state->a, 32) + state->d;
        state->c += state->b;
        state->d = rotate(state->d, 21) ^ state->a;
        state->b = rotate(state->b, 17) ^ state->c;
        state->c = rotate(state->c, 32);
    }
}

static void absorb(struct state *state, uint64_t word)
{
    state->d ^= word;
    stir(state, 2);
    state->a ^= word;
}

struct hash_key hash_key_random(void)
{
    struct hash_key key;
    if (getrandom(&key, sizeof key, 0) != (ssize_t)sizeof key)
        abort();
    return key;
}

uint64_t hash_bytes(const struct hash_key *key, struct span bytes)
{
    struct state state = {key->low ^ 0x736f6d6570736575, key->high ^ 0x646f72616e646f6d,
                          key->low ^ 0x6c7967656e657261, key->high ^ 0x7465646279746573};
    size_t at = 0;
    for (; bytes.len - at >= 8; at += 8) {
        uint64_t word;
        memcpy(&word, bytes.at + at, 8);
        absorb(&state, le64toh(word));
    }
    uint64_t last = (uint64_t)bytes.len << 56;
    for (size_t i = at; i < bytes.len; i++)
        last |= (uint64_t)(unsigned char)bytes.at[i] << 8 * (i - at);
    absorb(&state, last);
    state.c ^= 0xff;
    stir(&state, 4);
    return state.a ^ state.b ^ state.c ^ state.d;
}
