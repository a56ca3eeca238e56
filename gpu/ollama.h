/* ollama.h - Ollama's API: chats, texts, embeddings, streamed as lines of JSON.
 *
 *   threads  pure
 *   spec     Ollama's docs/api.md
 */
#pragma once

#include "gpu/reply.h"

extern const struct dialect ollama_chat, ollama_text, ollama_embed, ollama_embedding;

void ollama_refuse(struct text *out, const struct refusal *refusal);

/* What is told of a model that is here. */
struct ollama_model {
    struct span name;
    const char *family, *format, *type; /* type: in which its weights are stored */
    uint64_t size, parameters;
    int64_t changed_at;
    uint32_t context, width;
    bool chats;
    struct span template;
};

/* The entry of a model in lists of them, and all that is known of it. */
void ollama_write_model(struct text *out, const struct ollama_model *model);
void ollama_write_details(struct text *out, const struct ollama_model *model);

bool ollama_read_chat(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal);
bool ollama_read_text(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal);
bool ollama_read_embed(struct ask *ask, struct arena *arena, struct span body,
                       struct refusal *refusal);
bool ollama_read_embedding(struct ask *ask, struct arena *arena, struct span body,
                           struct refusal *refusal);

/* The model that a request is about, in any of Ollama's two fields for it. */
MUST_CHECK bool ollama_read_model(struct span *model, struct arena *arena, struct span body,
                                  struct refusal *refusal);
