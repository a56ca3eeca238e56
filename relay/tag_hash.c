#include "relay/tag_hash.h"

#include <endian.h>
#include <stdlib.h>

#include "shared/event.h"

int64_t tag_hash_of(const struct hash_key *key, char letter, struct span value)
{
    char text[1 + sizeof(uint64_t)] = {letter};
    uint64_t inner = htole64(hash_bytes(key, value));
    memcpy(text + 1, &inner, sizeof inner);
    return (int64_t)hash_bytes(key, SPAN_OF(text));
}

int64_t tag_hash_identifier(const struct hash_key *key, struct span identifier)
{
    int64_t hash = tag_hash_of(key, 'd', identifier);
    return hash != 0 ? hash : 1;
}

static int compare(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static bool is_indexed(const struct tag *tag)
{
    if (tag->count < 2 || tag->items[0].len != 1)
        return false;
    char letter = tag->items[0].at[0];
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

uint32_t tag_hash_list(const struct hash_key *key, int64_t *out, const struct event *event)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (is_indexed(tag))
            out[count++] = tag_hash_of(key, tag->items[0].at[0], tag->items[1]);
    }
    if (count > 1)
        qsort(out, count, sizeof *out, compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (kept == 0 || out[kept - 1] != out[i])
            out[kept++] = out[i];
    return kept;
}

static uint64_t first_bytes(const struct bytes32 *id)
{
    uint64_t prefix;
    memcpy(&prefix, id->at, sizeof prefix);
    return be64toh(prefix);
}

int64_t tag_hash_prefix(const struct bytes32 *pubkey)
{
    return (int64_t)(first_bytes(pubkey) ^ (uint64_t)1 << 63);
}

int64_t tag_hash_tie(const struct bytes32 *id)
{
    return (int64_t)(first_bytes(id) ^ INT64_MAX);
}

uint64_t tag_hash_id_prefix(int64_t tie)
{
    return (uint64_t)tie ^ INT64_MAX;
}

bool tag_hash_key_read(struct hash_key *key, const PGresult *result)
{
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1 ||
        PQgetlength(result, 0, 0) != (int)sizeof *key)
        return false;
    memcpy(key, PQgetvalue(result, 0, 0), sizeof *key);
    key->low = le64toh(key->low);
    key->high = le64toh(key->high);
    return true;
}

bool tag_hash_key_load(struct hash_key *key, PGconn *conn)
{
    PGresult *result = PQexecParams(conn, TAG_HASH_KEY_SQL, 0, NULL, NULL, NULL, NULL, 1);
    bool is_ok = tag_hash_key_read(key, result);
    PQclear(result);
    return is_ok;
}
