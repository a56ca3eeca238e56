/* train.h - the demonstration model: its numbers, a pass over a text and back, its files.
 *
 *   shapes   (out, in) of matrices, (position, element) of states
 *   threads  one
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WIDTH = 96,
    LAYERS = 2,
    HEADS = 4,
    KV_HEADS = 2,
    HEAD = 24,
    KV_WIDTH = KV_HEADS * HEAD,
    INNER = 256,
    LENGTH_MAX = 256,
    SEQUENCES_MAX = 64,
    TOKEN_START = 256, /* <|im_start|>; those before are bytes */
    TOKEN_END = 257,   /* <|im_end|> */
    TOKENS = 258
};

struct layer {
    float attention_norm[WIDTH];
    float query[WIDTH * WIDTH], key[KV_WIDTH * WIDTH], value[KV_WIDTH * WIDTH];
    float out[WIDTH * WIDTH];
    float inner_norm[WIDTH];
    float gate[INNER * WIDTH], up[INNER * WIDTH], down[WIDTH * INNER];
};

struct weights {
    float embedding[TOKENS * WIDTH]; /* the output matrix, too */
    struct layer layers[LAYERS];
    float output_norm[WIDTH];
};

#define WEIGHT_COUNT (sizeof(struct weights) / sizeof(float))

struct sequence {
    uint16_t tokens[LENGTH_MAX + 8];
    size_t count;
    size_t prompt; /* tokens before the answer */
};

/* What a layer computed on the way, which the way back needs. */
struct layer_state {
    float in[LENGTH_MAX * WIDTH], norm[LENGTH_MAX * WIDTH], scale[LENGTH_MAX];
    float query[LENGTH_MAX * WIDTH], key[LENGTH_MAX * KV_WIDTH], value[LENGTH_MAX * KV_WIDTH];
    float weight[HEADS * LENGTH_MAX * LENGTH_MAX]; /* of attention */
    float heads[LENGTH_MAX * WIDTH];
    float mid[LENGTH_MAX * WIDTH], mid_norm[LENGTH_MAX * WIDTH], mid_scale[LENGTH_MAX];
    float gate[LENGTH_MAX * INNER], up[LENGTH_MAX * INNER], inner[LENGTH_MAX * INNER];
};

struct state {
    struct layer_state layers[LAYERS];
    float out[LENGTH_MAX * WIDTH], norm[LENGTH_MAX * WIDTH], scale[LENGTH_MAX];
    float chance[LENGTH_MAX * TOKENS];
};

/* The mean loss of a text's tokens but the first. */
double train_forward(struct state *state, const struct weights *weights,
                     const struct sequence *sequence);

/* Adds to the gradient, after a forward over the same sequence. */
void train_backward(struct state *state, const struct weights *weights, struct weights *gradient,
                    const struct sequence *sequence);

/* True when the likeliest token is the right one all along the answer. */
bool train_is_learned(struct state *state, const struct weights *weights,
                      const struct sequence *sequence);

/* Writes config.json, model.safetensors, tokenizer.json and the rest into a folder. */
void train_write(const struct weights *weights, const char *folder);
