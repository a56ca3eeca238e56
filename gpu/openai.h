/* openai.h - OpenAI's API: chats, completions, embeddings, streamed as server-sent events.
 *
 *   threads  pure
 *   spec     https://platform.openai.com/docs/api-reference;
 *            https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
#pragma once

#include "gpu/reply.h"

extern const struct dialect openai_chat, openai_text, openai_embedding;

void openai_refuse(struct text *out, const struct refusal *refusal);

/* The entry of a model in the list of models. */
void openai_write_model(struct text *out, struct span model, int64_t created_at);

/* Readers of the three calls. */
bool openai_read_chat(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal);
bool openai_read_text(struct ask *ask, struct arena *arena, struct span body,
                      struct refusal *refusal);
bool openai_read_embedding(struct ask *ask, struct arena *arena, struct span body,
                           struct refusal *refusal);
