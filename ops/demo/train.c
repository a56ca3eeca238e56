/* Trains the demonstration model: train TEXT FOLDER EPOCHS, or train --check TEXT.
 *
 * TEXT has a question and its answer on each line, with a tab between. The model is of the llama
 * family, over bytes, small enough to learn the text by heart within a minute on one core. --check
 * compares the gradient with differences of the loss. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/demo/train.h"

enum { BATCH = 4, WARM_UP = 40, CHECKS = 24 };

static const float RATE = 4e-3F;

static float uniform(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (float)(*state >> 40) / (1 << 23) - 1;
}

static void begin_weights(struct weights *weights)
{
    uint64_t state = 42;
    float *numbers = (float *)weights;
    for (size_t i = 0; i < WEIGHT_COUNT; i++)
        numbers[i] = uniform(&state) * 0.15F;
    for (int i = 0; i < LAYERS; i++)
        for (int j = 0; j < WIDTH; j++)
            weights->layers[i].attention_norm[j] = weights->layers[i].inner_norm[j] = 1;
    for (int j = 0; j < WIDTH; j++)
        weights->output_norm[j] = 1;
}

static size_t add_text(uint16_t *tokens, size_t count, const char *text)
{
    for (; *text != '\0' && count < LENGTH_MAX; text++)
        tokens[count++] = (unsigned char)*text;
    return count;
}

/* A line as a conversation, the way ChatML writes it. */
static bool read_line(struct sequence *sequence, char *line)
{
    char *tab = strchr(line, '\t');
    if (tab == NULL)
        return false;
    *tab = '\0';
    line[strcspn(line, "\n")] = '\0';
    tab[1 + strcspn(tab + 1, "\n")] = '\0';
    size_t count = 0;
    sequence->tokens[count++] = TOKEN_START;
    count = add_text(sequence->tokens, count, "user\n");
    count = add_text(sequence->tokens, count, line);
    sequence->tokens[count++] = TOKEN_END;
    count = add_text(sequence->tokens, count, "\n");
    sequence->tokens[count++] = TOKEN_START;
    count = add_text(sequence->tokens, count, "assistant\n");
    sequence->prompt = count;
    count = add_text(sequence->tokens, count, tab + 1);
    sequence->tokens[count++] = TOKEN_END;
    sequence->count = count;
    return count < LENGTH_MAX;
}

static size_t read_text(struct sequence *sequences, const char *path)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE); // NOLINT(concurrency-mt-unsafe): no threads
    }
    while (count < SEQUENCES_MAX && fgets(line, sizeof line, file) != NULL)
        count += read_line(&sequences[count], line);
    fclose(file);
    return count;
}

/* One step of Adam. */
static void step(struct weights *weights, struct weights *gradient, struct weights *mean,
                 struct weights *square, int number, float rate)
{
    float *w = (float *)weights;
    float *g = (float *)gradient;
    float *m = (float *)mean;
    float *s = (float *)square;
    float mean_scale = 1 / (1 - powf(0.9F, (float)number));
    float square_scale = 1 / (1 - powf(0.98F, (float)number));
    for (size_t i = 0; i < WEIGHT_COUNT; i++) {
        m[i] = 0.9F * m[i] + 0.1F * g[i];
        s[i] = 0.98F * s[i] + 0.02F * g[i] * g[i];
        w[i] -= rate * m[i] * mean_scale / (sqrtf(s[i] * square_scale) + 1e-8F);
        g[i] = 0;
    }
}

static float rate_at(int number, int last)
{
    if (number < WARM_UP)
        return RATE * (float)number / WARM_UP;
    return RATE * (0.02F + 0.98F * (1 + cosf(3.14159265F * (float)number / (float)last)) / 2);
}

/* How many answers the model says by heart, the likeliest token each time. */
static size_t count_learned(struct state *state, const struct weights *weights,
                            const struct sequence *sequences, size_t count)
{
    size_t learned = 0;
    for (size_t i = 0; i < count; i++)
        learned += train_is_learned(state, weights, &sequences[i]);
    return learned;
}

/* Adds the gradients of a few texts, chosen by chance; their losses, together. */
static double add_batch(struct weights *gradient, struct state *state,
                        const struct weights *weights, const struct sequence *sequences,
                        size_t count)
{
    static uint64_t random = 7;
    double loss = 0;
    for (int i = 0; i < BATCH; i++) {
        size_t chosen = (size_t)((uniform(&random) + 1) / 2 * (float)count) % count;
        loss += train_forward(state, weights, &sequences[chosen]);
        train_backward(state, weights, gradient, &sequences[chosen]);
    }
    return loss;
}

static void train(struct weights *weights, struct state *state, const struct sequence *sequences,
                  size_t count, int epochs)
{
    static struct weights gradient, mean, square;
    int batches = (int)(count / BATCH);
    for (int epoch = 0; epoch < epochs; epoch++) {
        double loss = 0;
        for (int i = 1; i <= batches; i++) {
            int number = epoch * batches + i;
            loss += add_batch(&gradient, state, weights, sequences, count);
            step(weights, &gradient, &mean, &square, number, rate_at(number, epochs * batches));
        }
        if (epoch % 10 == 9 || epoch == epochs - 1) {
            printf("epoch %d: loss %.4f, %zu of %zu by heart\n", epoch + 1, loss / batches / BATCH,
                   count_learned(state, weights, sequences, count), count);
            fflush(stdout);
        }
    }
}

/* The gradient against the slope between two points beside each weight. */
static int check(struct weights *weights, struct state *state, const struct sequence *sequence)
{
    static struct weights gradient;
    float *w = (float *)weights;
    const float *g = (const float *)&gradient;
    uint64_t random = 3;
    double wrong = 0;
    double all = 0;
    train_forward(state, weights, sequence);
    train_backward(state, weights, &gradient, sequence);
    for (int i = 0; i < CHECKS; i++) {
        float part = (uniform(&random) + 1) / 2;
        size_t all_weights = WEIGHT_COUNT;
        size_t at = (size_t)(part * (float)all_weights) % all_weights;
        float kept = w[at];
        w[at] = kept + 1e-2F;
        double up = train_forward(state, weights, sequence);
        w[at] = kept - 1e-2F;
        double down = train_forward(state, weights, sequence);
        w[at] = kept;
        double slope = (up - down) / 2e-2;
        wrong += (slope - (double)g[at]) * (slope - (double)g[at]);
        all += slope * slope;
    }
    printf("gradient off by %.4f of its length\n", sqrt(wrong / all));
    return sqrt(wrong / all) < 0.02 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct sequence sequences[SEQUENCES_MAX];
    static struct weights weights;
    struct state *state = calloc(1, sizeof *state);
    bool is_check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (state == NULL || (argc != 4 && !is_check)) {
        fputs("usage: train TEXT FOLDER EPOCHS\n       train --check TEXT\n", stderr);
        return EXIT_FAILURE;
    }
    size_t count = read_text(sequences, argv[is_check ? 2 : 1]);
    int status = EXIT_SUCCESS;
    begin_weights(&weights);
    if (is_check) {
        status = check(&weights, state, &sequences[0]);
    } else {
        train(&weights, state, sequences, count, (int)strtol(argv[3], NULL, 10));
        train_write(&weights, argv[2]);
    }
    free(state);
    return status;
}
