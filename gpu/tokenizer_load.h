/* tokenizer_load.h - the files that a tokenizer may come in, each read into the same thing.
 *
 *   ownership  what a tokenizer keeps of a file is copied into its arena, but for GGUF's, which
 *              stays in the model's
 *   errors     as tokenizer.h
 *   spec       https://huggingface.co/docs/tokenizers; sentencepiece_model.proto; gguf.md
 */
#pragma once

#include "gpu/tokenizer.h"

struct gguf;

/* tokenizer.json */
MUST_CHECK bool tokenizer_load_json(struct tokenizer *tokenizer, struct span file, struct err *err);

/* tokenizer.model: a protocol buffer */
MUST_CHECK bool tokenizer_load_pieces(struct tokenizer *tokenizer, struct span file,
                                      struct err *err);

MUST_CHECK bool tokenizer_load_gguf(struct tokenizer *tokenizer, const struct gguf *gguf,
                                    struct err *err);

/* What tokenizer_config.json, config.json and generation_config.json say: which tokens begin and
 * end, the template of chats. Files that are not there say nothing. */
MUST_CHECK bool tokenizer_load_settings(struct tokenizer *tokenizer, const struct model *model,
                                        struct err *err);

/* The text of a token of bytes, whose file has a letter for each byte: "Ġthe" is " the". Any that
 * has other letters too is left as it is. */
struct span tokenizer_unspell(struct arena *arena, struct span text);

/* A merge as a line, "Ġt he", split at its space, and unspelled when the tokenizer is of bytes. */
MUST_CHECK bool tokenizer_add_merge(struct tokenizer *tokenizer, struct span left,
                                    struct span right, struct err *err);
MUST_CHECK bool tokenizer_add_merge_line(struct tokenizer *tokenizer, struct span line,
                                         struct err *err);

/* Takes an end; those already there, NONE, and what is past ENDS_MAX are left out. */
void tokenizer_add_end(struct tokenizer *tokenizer, uint32_t token);

/* Once everything is read: collects added tokens that no list has told, sorts, checks. */
MUST_CHECK bool tokenizer_finish(struct tokenizer *tokenizer, uint32_t model_vocabulary,
                                 struct err *err);
