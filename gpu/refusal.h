/* refusal.h - why a request of an API is not answered: what of it, and in which words.
 *
 *   units      status: of HTTP
 *   ownership  a plain value; param and code are literals
 *   spec       https://platform.openai.com/docs/guides/error-codes
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"

struct refusal {
    int status;
    const char *param; /* the field that is wrong; NULL */
    const char *code;  /* for programs: "model_not_found"; NULL */
    char text[200];    /* for people */
};

/* Fills refusal, and is false. */
#define refusal_set(...) (refusal_fill(__VA_ARGS__), false)
void refusal_fill(struct refusal *refusal, int status, const char *param, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What err says, with the status that its code stands for. */
void refusal_take(struct refusal *refusal, const struct err *err);

/* The kind of error that OpenAI's clients know the status by. */
const char *refusal_kind(const struct refusal *refusal);
