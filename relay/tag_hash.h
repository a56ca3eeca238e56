/* tag_hash.h - what the database knows tags and keys by: 64 bits.
 *
 * Tags are hashed with the schema's secret key, so that nobody can mine values that collide. A
 * prefix or a tie is the first 8 bytes of a public key or an id.
 * Neither decides alone what matches: every row read is compared in full.
 *
 *   threads  pure, but for tag_hash_key_load, which blocks
 */
#pragma once

#include <libpq-fe.h>

#include "relay/hash.h"

struct event;

/* Of "#x" conditions, etag.h and event.tag_hashes. */
int64_t tag_hash_of(const struct hash_key *key, char letter, struct span value);

/* Of an addressable event's d; never 0, which stands for a replaceable one. */
int64_t tag_hash_identifier(const struct hash_key *key, struct span identifier);

/* The indexed tags of an event: those named by one letter of a to z or A to Z, their first value.
 * Sorted, each once; returns how many. out has room for event->tag_count. */
uint32_t tag_hash_list(const struct hash_key *key, int64_t *out, const struct event *event);

/* Of a public key: pkp. */
int64_t tag_hash_prefix(const struct bytes32 *pubkey);

/* Of an event's id: tie, which grows as the id sinks, so that newest first, then lowest id, is
 * ORDER BY created_at DESC, tie DESC. */
int64_t tag_hash_tie(const struct bytes32 *id);

/* The way back: an id's first 8 bytes, big-endian. */
uint64_t tag_hash_id_prefix(int64_t tie);

/* Of the result of TAG_HASH_KEY_SQL, binary. */
#define TAG_HASH_KEY_SQL "SELECT v FROM meta WHERE k = 'hash_key'"
MUST_CHECK bool tag_hash_key_read(struct hash_key *key, const PGresult *result);

/* The key of the schema in the search_path; from a prepare function. False: conn says why. */
MUST_CHECK bool tag_hash_key_load(struct hash_key *key, PGconn *conn);
