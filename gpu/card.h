/* card.h - what a graphics card does: memory, and the operators of gpu/kernel.h on it.
 *
 * gpu/cuda/card.cu is these for CUDA: a plugin that is opened when the program runs (gpu/plugin.h);
 * under the emulator (gpu/cuda/emulator.cuh) the same file is a part of the tests. What is computed
 * when is decided by gpu/exec_card; a card adds nothing.
 *
 * Each operator gives the bits that gpu/kernel gives. Operators are queued and run in order; a card
 * that fails says so when it is asked to finish.
 *
 *   shapes     as in gpu/kernel.h and gpu/layer.h; weights as gpu/pack has them
 *   ownership  pointers of calls are to the card's memory, but for put's from and get's to
 *   threads    one
 *   errors     texts of the card's, valid until the next call
 */
#pragma once

#include "gpu/dtype.h"
#include "gpu/hyper.h"

enum { CARD_VERSION = 2 };

struct card_facts {
    char name[64];
    uint64_t bytes, bytes_free;
    uint32_t processors;
    uint32_t generation; /* 90: compute capability 9.0 */
};

/* A norm of each of rows: with a bias, LayerNorm; without, RMSNorm. */
struct card_norm {
    float *out;
    const float *in, *gain, *bias;
    uint32_t rows, width;
    float epsilon;
};

/* Turns each row's queries and keys, and keeps the keys with their values. */
struct card_place {
    float *query; /* (rows, heads, head_size); turned where they are */
    const float *key, *value;
    const float *turns;        /* (rows, rotary) */
    const uint32_t *positions; /* (rows) */
    const uint32_t *pages;     /* (rows): of that position */
    char *slab;
    uint64_t page_bytes, keys, values; /* of the layer's first head, in a page */
    enum dtype type;                   /* F32 or BF16 */
    uint32_t rows, heads, kv_heads, head_size, rotary;
};

/* What each row's heads look for in their sessions, up to the row's own position. */
struct card_attention {
    float *out;         /* (rows, heads, head_size) */
    const float *query; /* the same */
    const char *slab;
    const uint32_t *positions;         /* (rows) */
    const uint32_t *pages;             /* of all sessions */
    const uint32_t *page_firsts;       /* (rows): where those of its session begin */
    uint64_t page_bytes, keys, values; /* as in card_place */
    enum dtype type;
    uint32_t rows, heads, kv_heads, head_size;
    uint32_t window; /* positions seen; 0: all */
    float scale, cap;
};

/* Inputs as gpu/digits has them, those of a block in the order of a pack's rows (gpu/pack). */
struct card_digits {
    uint32_t *at;    /* (rows, columns / 4): four digits each, the first lowest */
    float *scales;   /* (rows, columns / DIGITS_BLOCK) */
    const float *in; /* (rows, columns) */
    uint32_t rows, columns;
};

/* out[n] = weights times in[n], and the bias; or as gpu/digit_tile, times the digits of in[n] */
struct card_product {
    const char *weights; /* gpu/pack */
    uint64_t pack_bytes;
    enum dtype type;
    uint32_t rows, columns, count;
    const float *bias;      /* NULL: none */
    const float *in;        /* (count, columns); not read where there are digits */
    float *out;             /* (count, rows) */
    const uint32_t *digits; /* NULL: none. As card_digits; for Q8 and Q4 */
    const float *scales;
};

struct card {
    uint32_t version;
    const char *(*open)(struct card_facts *facts); /* NULL, or why it cannot be used */
    void *(*take)(uint64_t bytes);                 /* NULL when there is too little */
    void (*give)(void *memory);
    void (*put)(void *to, const void *from, uint64_t bytes);  /* from may be let go at once */
    void (*get)(void *to, const void *from, uint64_t bytes);  /* there once it has finished */
    void (*copy)(void *to, const void *from, uint64_t bytes); /* both the card's */
    const char *(*finish)(void);                              /* NULL, or what failed */

    void (*normalize)(const struct card_norm *norm);
    void (*place)(const struct card_place *place);
    void (*attend)(const struct card_attention *attention);
    void (*digits)(const struct card_digits *digits);
    void (*multiply)(const struct card_product *product);
    /* out[i] *= act(gate[i]); without a gate, out[i] = act(out[i]) */
    void (*activate)(float *out, const float *gate, uint64_t count, enum hyper_activation act);
    void (*add)(float *out, const float *in, uint64_t count);
    void (*cap)(float *x, uint64_t count, float cap);

    /* Operators that are queued from record on are kept, not run, until recorded: what is replayed
     * again and again. NULL when they cannot be. */
    void (*record)(void);
    void *(*recorded)(void);
    void (*replay)(void *recording);
    void (*forget)(void *recording);
};

#ifdef __cplusplus
extern "C"
#endif
    const struct card *
    card_cuda(void);
