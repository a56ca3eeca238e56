/* store_insert.h - a batch's events as the parameters of insert, and its answer as verdicts.
 */
#pragma once

#include "relay/param.h"
#include "relay/store_batch.h"

struct event;
struct tag;

/* Of kinds 5 and 62, or of all others. False when the batch has none. */
enum store_insert_part { STORE_INSERT_DELETERS, STORE_INSERT_OTHERS };
bool store_insert_params(struct param_list *params, const struct store_batch *batch,
                         const struct hash_key *key, enum store_insert_part part);

/* A db_reply_fn; the owner is the batch. */
void store_insert_reply(void *owner, const PGresult *result);

bool store_is_deleter(const struct event *event);

/* True when the tag is named by letter and its value is a key or an id. */
bool store_tag_names(const struct tag *tag, char letter, struct bytes32 *named);
