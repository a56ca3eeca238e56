#include "relay/reshard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/config.h"
#include "relay/reshard_base.h"
#include "relay/transfer_base.h"
#include "shared/err.h"

enum { EXIT_USAGE = 2 };

/* libpq marks with '*' what is not to be shown. */
static void print_conninfo(const char *conninfo)
{
    PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++)
        if (option->val != NULL && option->dispchar[0] != '*')
            printf("%s=%s ", option->keyword, option->val);
    PQconninfoFree(options);
}

static void print_place(const struct shard *shard)
{
    print_conninfo(shard->conninfo);
    printf("schema=%s", shard->schema);
    if (shard->standbys != NULL) {
        printf("  read from: ");
        print_conninfo(shard->standbys);
    }
    printf("\n");
}

static uint32_t count_buckets(const struct route *route, uint32_t shard)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ROUTE_BUCKETS; i++)
        count += route->homes[i] == shard;
    return count;
}

static bool list(struct reshard_desk *desk, struct err *err)
{
    printf("shard buckets     events  place\n");
    for (uint32_t i = 0; i < desk->route->shard_count; i++) {
        int64_t events;
        if (!reshard_ask(desk->conns[i], &events, err,
                         "SELECT greatest(reltuples - 1000, 0)::int8 FROM pg_class WHERE oid ="
                         " 'event'::regclass"))
            return false;
        printf("%5u %7u %10" PRId64 "  ", i, count_buckets(desk->route, i), events);
        print_place(desk->route->shards[i]);
    }
    if (desk->route->is_moving)
        printf("a move was cut short: run it again\n");
    return true;
}

static bool read_number(uint32_t *out, const char **text, uint32_t max)
{
    char *end;
    unsigned long value = strtoul(*text, &end, 10);
    bool is_number = end != *text && **text >= '0' && **text <= '9' && value <= max;
    *text = end;
    *out = is_number ? (uint32_t)value : 0;
    return is_number;
}

/* "12" or "0-511" */
static bool read_buckets(bool *buckets, const char *text, struct err *err)
{
    const char *at = text;
    uint32_t first, last;
    bool is_good = read_number(&first, &at, ROUTE_BUCKETS - 1);
    last = first;
    if (is_good && *at == '-') {
        at++;
        is_good = read_number(&last, &at, ROUTE_BUCKETS - 1);
    }
    if (!is_good || *at != '\0' || last < first)
        return err_set(err, ERR_INVALID, "expected buckets, 0 to %d, as 12 or 0-511, got '%.40s'",
                       ROUTE_BUCKETS - 1, text);
    for (uint32_t i = first; i <= last; i++)
        buckets[i] = true;
    return true;
}

static bool move(struct reshard_desk *desk, const char *const *words, struct err *err)
{
    bool buckets[ROUTE_BUCKETS] = {false};
    const char *at = words[1];
    uint32_t target;
    if (!read_buckets(buckets, words[0], err))
        return false;
    if (!read_number(&target, &at, desk->route->shard_count - 1) || *at != '\0')
        return err_set(err, ERR_INVALID, "expected a shard, 0 to %u, got '%.40s'",
                       desk->route->shard_count - 1, words[1]);
    return reshard_move(desk, buckets, target, err);
}

/* Takes from those that have more than their share, for one that has less. */
static bool balance(struct reshard_desk *desk, struct err *err)
{
    uint32_t shards = desk->route->shard_count;
    uint32_t share = ROUTE_BUCKETS / shards;
    for (uint32_t target = 0; target < shards; target++) {
        bool buckets[ROUTE_BUCKETS] = {false};
        uint32_t have = count_buckets(desk->route, target);
        uint32_t left[ROUTE_SHARDS_MAX];
        for (uint32_t i = 0; i < shards; i++)
            left[i] = count_buckets(desk->route, i);
        for (uint32_t i = 0; i < ROUTE_BUCKETS && have < share; i++) {
            uint32_t home = desk->route->homes[i];
            if (home == target || left[home] <= share)
                continue;
            buckets[i] = true;
            left[home]--;
            have++;
        }
        if (!reshard_move(desk, buckets, target, err))
            return false;
    }
    return true;
}

/* Takes effect in a relay when it starts. */
static bool set_standbys(struct reshard_desk *desk, const char *number, const char *conninfo,
                         struct err *err)
{
    const char *at = number;
    uint32_t shard;
    char *why = NULL;
    if (!read_number(&shard, &at, desk->route->shard_count - 1) || *at != '\0' || shard == 0)
        return err_set(err, ERR_INVALID, "expected a shard, 1 to %u, got '%.40s'%s",
                       desk->route->shard_count - 1, number,
                       strcmp(number, "0") == 0 ? ": the first one's are database_read" : "");
    PQconninfoOption *options = PQconninfoParse(conninfo, &why);
    if (options == NULL) {
        (void)err_set(err, ERR_INVALID, "no connection string: %s", why != NULL ? why : "");
        PQfreemem(why);
        return false;
    }
    PQconninfoFree(options);
    return reshard_put_standbys(desk, shard, conninfo, err);
}

static uint32_t count_words(const char *const *words)
{
    uint32_t count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}

static bool act(struct reshard_desk *desk, const char *const *words, const char *schema,
                struct err *err)
{
    uint32_t count = count_words(words);
    if (count == 1 && strcmp(words[0], "list") == 0)
        return list(desk, err);
    if (count == 1 && strcmp(words[0], "balance") == 0)
        return balance(desk, err);
    if (count == 3 && strcmp(words[0], "move") == 0)
        return move(desk, words + 1, err);
    if (strcmp(words[0], "read") == 0)
        return set_standbys(desk, words[1], words[2], err);
    return reshard_add(desk, words[1], count == 3 ? words[2] : schema, err);
}

static bool are_words(const char *const *words)
{
    static const struct {
        const char *word;
        uint32_t min, max;
    } forms[] = {{"list", 1, 1}, {"balance", 1, 1}, {"move", 3, 3}, {"add", 2, 3}, {"read", 3, 3}};
    uint32_t count = count_words(words);
    for (size_t i = 0; count > 0 && i < ARRAY_LEN(forms); i++)
        if (strcmp(words[0], forms[i].word) == 0)
            return count >= forms[i].min && count <= forms[i].max;
    return false;
}

int reshard_run(const struct config *config, const struct reshard *options)
{
    struct transfer transfer;
    struct reshard_desk desk;
    struct err err;
    if (!are_words(options->words)) {
        fprintf(stderr, "shoal-relay: shard: expected list, add CONNINFO [SCHEMA], read"
                        " SHARD CONNINFO, move FIRST[-LAST] SHARD, or balance\n");
        return EXIT_USAGE;
    }
    bool is_ok = transfer_find(&transfer, config, &err);
    if (is_ok) {
        is_ok = reshard_open(&desk, &transfer.shard, &err);
        if (is_ok) {
            desk.grace_s = options->grace_s;
            is_ok = act(&desk, options->words, config->schema, &err);
            reshard_close(&desk);
        }
        transfer_leave(&transfer);
    }
    if (!is_ok)
        fprintf(stderr, "shoal-relay: %s\n", err.text);
    return is_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
