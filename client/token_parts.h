/* token_parts.h - the two ways in which the inside of a token is written. */
#pragma once

#include "client/token.h"

/* The one more proof of a token that is being read; NULL: there are TOKEN_PROOFS_MAX. Its keyset,
 * with proofs before it, may be that of the last. */
struct token_proof *token_add_proof(struct token *token, struct arena *arena, struct err *err);

MUST_CHECK bool token_read_json(struct token *token, struct arena *arena, struct span json,
                                struct err *err);
MUST_CHECK bool token_read_cbor(struct token *token, struct arena *arena, struct span bytes,
                                struct err *err);
void token_write_cbor(struct text *out, const struct token *token);
