/* Which shards there are, and who lives where. */
#include "relay/shards_base.h"

_Static_assert((int)SHARDS_MAX == (int)ROUTE_SHARDS_MAX, "as many as there can be routes to");

const struct shard *shards_at(const struct shards *shards, uint32_t number)
{
    if (number == 0)
        return shards->setup.first;
    return shards->route != NULL && number < shards->route->shard_count
               ? shards->route->shards[number]
               : NULL;
}

uint32_t shards_home(const struct shards *shards, const struct bytes32 *pubkey)
{
    return shards->route != NULL ? route_home(shards->route, pubkey) : 0;
}
