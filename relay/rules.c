#include "relay/rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay/hash.h"
#include "relay/kind_set.h"
#include "relay/table.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/number.h"

enum { MINUTE_MS = 60000, POW_BITS_MAX = 256, WORD_SHOWN_MAX = 40 };

static const char separators[] = " \t\r\n,";

struct pow_rule {
    struct kind_set kinds;
    int64_t bits;
};

/* What is left of a key's minute. */
struct pace {
    uint64_t hash;
    int64_t left; /* of events_per_min minutes; an event costs one, in milliseconds */
    int64_t at_ms;
};

struct rules {
    struct kind_set kinds_allowed, kinds_denied;
    struct hash_key key;
    struct table allowed, denied; /* pubkeys, by hash */
    uint32_t pow_count;
    struct pow_rule *pow;
    int64_t events_per_min;
    struct table paces; /* of keys that have written within a minute */
    int64_t swept_ms;
};

static bool read_key(struct bytes32 *key, struct span word, struct err *err)
{
    struct arena arena = {0};
    struct bech32 decoded;
    bool good = hex_decode(key->at, sizeof key->at, word);
    if (!good && bech32_decode(&decoded, &arena, word, NULL) && decoded.type == BECH32_NPUB) {
        *key = decoded.key;
        good = true;
    }
    arena_clear(&arena);
    if (!good)
        return err_set(err, ERR_INVALID, "'%.*s' is no public key",
                       word.len < WORD_SHOWN_MAX ? (int)word.len : WORD_SHOWN_MAX, word.at);
    return true;
}

struct reading {
    void (*add)(void *owner, const struct bytes32 *key);
    void *owner;
    uint32_t count;
};

static bool take_key(struct reading *reading, struct span word, struct err *err)
{
    struct bytes32 key;
    if (!read_key(&key, word, err))
        return false;
    if (reading->count++ >= RULES_KEYS_MAX)
        return err_set(err, ERR_INVALID, "more than %d keys", RULES_KEYS_MAX);
    reading->add(reading->owner, &key);
    return true;
}

static bool take_line(struct reading *reading, char *line, struct err *err)
{
    line[strcspn(line, "#")] = '\0';
    for (line += strspn(line, separators); *line != '\0'; line += strspn(line, separators)) {
        struct span word = {line, strcspn(line, separators)};
        if (!take_key(reading, word, err))
            return false;
        line += word.len;
    }
    return true;
}

static bool take_file(struct reading *reading, const char *path, struct err *err)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool good = true;
    uint32_t number = 0;
    struct err why;
    if (file == NULL)
        return err_set(err, ERR_INVALID, "%.60s: %s", path, strerrordesc_np(errno));
    while (good && getline(&line, &size, file) >= 0) {
        number++;
        good = take_line(reading, line, &why) ||
               err_set(err, ERR_INVALID, "%.30s:%u: %.60s", path, number, why.text);
    }
    if (good && ferror(file))
        good = err_set(err, ERR_INVALID, "%.60s: cannot be read", path);
    free(line);
    fclose(file);
    return good;
}

bool rules_read_keys(const char *text, void (*add)(void *owner, const struct bytes32 *key),
                     void *owner, struct err *err)
{
    struct reading reading = {.add = add, .owner = owner};
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        struct span word = {text, strcspn(text, separators)};
        char path[1024];
        snprintf(path, sizeof path, "%.*s", (int)word.len - 1, word.at + 1);
        if (!(word.at[0] == '@' ? take_file(&reading, path, err) : take_key(&reading, word, err)))
            return false;
        text += word.len;
    }
    return true;
}

static bool read_pow_rule(struct pow_rule *rule, struct span word, struct err *err)
{
    char kinds[64];
    const char *equals = memchr(word.at, '=', word.len);
    size_t len = equals != NULL ? (size_t)(equals - word.at) : 0;
    if (len == 0 || len >= sizeof kinds ||
        !number_decimal(&rule->bits, (struct span){equals + 1, word.len - len - 1}) ||
        rule->bits > POW_BITS_MAX)
        return err_set(err, ERR_INVALID, "'%.*s' is no rule like 1=16 or 20-22=10",
                       word.len < WORD_SHOWN_MAX ? (int)word.len : WORD_SHOWN_MAX, word.at);
    snprintf(kinds, sizeof kinds, "%.*s", (int)len, word.at);
    return kind_set_read(&rule->kinds, kinds, err);
}

static bool read_pow(struct rules *rules, const char *text, struct err *err)
{
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        struct span word = {text, strcspn(text, separators)};
        if (rules->pow_count == RULES_POW_MAX)
            return err_set(err, ERR_INVALID, "more than %d rules", RULES_POW_MAX);
        rules->pow = realloc(rules->pow, (rules->pow_count + 1) * sizeof *rules->pow);
        if (rules->pow == NULL)
            abort();
        if (!read_pow_rule(&rules->pow[rules->pow_count++], word, err))
            return false;
        text += word.len;
    }
    return true;
}

static uint64_t hash_of(const struct rules *rules, const struct bytes32 *key)
{
    return hash_bytes(&rules->key, SPAN_OF(*key));
}

static void add_allowed(void *owner, const struct bytes32 *key)
{
    struct rules *rules = owner;
    table_put(&rules->allowed, hash_of(rules, key), rules); /* any pointer: it is a set */
}

static void add_denied(void *owner, const struct bytes32 *key)
{
    struct rules *rules = owner;
    table_put(&rules->denied, hash_of(rules, key), rules);
}

/* An allow list that has lost its lines must not let everybody in. */
static bool check_somebody(const char *text, size_t count, struct err *err)
{
    return text[0] == '\0' || count > 0 || err_set(err, ERR_INVALID, "names none");
}

/* NULL: all is read; else the option that cannot be. */
static const char *read_all(struct rules *rules, const struct rules_setup *setup, struct err *why)
{
    if (!kind_set_read(&rules->kinds_allowed, setup->kinds_allowed, why) ||
        !check_somebody(setup->kinds_allowed, rules->kinds_allowed.count, why))
        return "kinds_allowed";
    if (!kind_set_read(&rules->kinds_denied, setup->kinds_denied, why))
        return "kinds_denied";
    if (!rules_read_keys(setup->pubkeys_allowed, add_allowed, rules, why) ||
        !check_somebody(setup->pubkeys_allowed, rules->allowed.count, why))
        return "pubkeys_allowed";
    if (!rules_read_keys(setup->pubkeys_denied, add_denied, rules, why))
        return "pubkeys_denied";
    return read_pow(rules, setup->pow_kinds, why) ? NULL : "pow_kinds";
}

struct rules *rules_new(const struct rules_setup *setup, struct err *err)
{
    struct rules *rules = calloc(1, sizeof *rules);
    struct err why;
    if (rules == NULL)
        abort();
    rules->key = hash_key_random();
    rules->events_per_min = setup->events_per_min;
    const char *option = read_all(rules, setup, &why);
    if (option == NULL)
        return rules;
    err_fill(err, ERR_INVALID, "%s: %.90s", option, why.text);
    rules_free(rules);
    return NULL;
}

static void clear_paces(struct rules *rules)
{
    size_t place = 0;
    for (struct pace *pace; (pace = table_next(&rules->paces, &place)) != NULL;)
        free(pace);
    table_clear(&rules->paces);
}

void rules_free(struct rules *rules)
{
    table_clear(&rules->allowed);
    table_clear(&rules->denied);
    clear_paces(rules);
    free(rules->pow);
    free(rules);
}

static bool is_allowed(const void *owner, const struct bytes32 *key)
{
    const struct rules *rules = owner;
    return table_get(&rules->allowed, hash_of(rules, key)) != NULL;
}

bool rules_counts_as(const struct event *event,
                     bool (*has)(const void *owner, const struct bytes32 *key), const void *owner)
{
    if (has(owner, &event->pubkey))
        return true;
    if (event->kind != KIND_GIFT_WRAP && event->kind != KIND_EPHEMERAL_GIFT_WRAP)
        return false;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        struct bytes32 key;
        if (tag->count >= 2 && span_eq(tag->items[0], SPAN("p")) &&
            hex_decode(key.at, sizeof key.at, tag->items[1]) && has(owner, &key))
            return true;
    }
    return false;
}

bool rules_admit(const struct rules *rules, const struct event *event, bool is_let_in,
                 struct err *err)
{
    if (table_get(&rules->denied, hash_of(rules, &event->pubkey)) != NULL)
        return err_set(err, ERR_BLOCKED, "this key may not write here");
    if (kind_set_has(&rules->kinds_denied, event->kind) ||
        (rules->kinds_allowed.count > 0 && !kind_set_has(&rules->kinds_allowed, event->kind)))
        return err_set(err, ERR_BLOCKED, "kind %u is not taken here", event->kind);
    if (rules->allowed.count > 0 && !is_let_in && !rules_counts_as(event, is_allowed, rules))
        return err_set(err, ERR_RESTRICTED, "only some may write here, and this key is none");
    return true;
}

int64_t rules_pow_bits(const struct rules *rules, uint16_t kind, int64_t otherwise)
{
    for (uint32_t i = rules->pow_count; i-- > 0;) /* the last that names it */
        if (kind_set_has(&rules->pow[i].kinds, kind))
            return rules->pow[i].bits;
    return otherwise;
}

static void refill(const struct rules *rules, struct pace *pace, int64_t now_ms)
{
    int64_t whole = MINUTE_MS * rules->events_per_min;
    int64_t passed_ms = now_ms - pace->at_ms < MINUTE_MS ? now_ms - pace->at_ms : MINUTE_MS;
    pace->left += passed_ms * rules->events_per_min;
    pace->at_ms = now_ms;
    if (pace->left > whole)
        pace->left = whole;
}

/* Forgets keys whose minute is whole again. */
static void sweep(struct rules *rules, int64_t now_ms)
{
    struct table kept = {0};
    size_t place = 0;
    for (struct pace *pace; (pace = table_next(&rules->paces, &place)) != NULL;) {
        refill(rules, pace, now_ms);
        if (pace->left < MINUTE_MS * rules->events_per_min)
            table_put(&kept, pace->hash, pace);
        else
            free(pace);
    }
    table_clear(&rules->paces);
    rules->paces = kept;
    rules->swept_ms = now_ms;
}

/* NULL: more keys than can be told apart have written within the minute. */
static struct pace *find_pace(struct rules *rules, const struct bytes32 *pubkey, int64_t now_ms)
{
    uint64_t hash = hash_of(rules, pubkey);
    struct pace *pace = table_get(&rules->paces, hash);
    if (pace != NULL)
        return pace;
    if (now_ms - rules->swept_ms >= MINUTE_MS)
        sweep(rules, now_ms);
    if (rules->paces.count >= RULES_PACED_MAX)
        return NULL;
    pace = malloc(sizeof *pace);
    if (pace == NULL)
        abort();
    *pace = (struct pace){hash, MINUTE_MS * rules->events_per_min, now_ms};
    table_put(&rules->paces, hash, pace);
    return pace;
}

bool rules_pace(struct rules *rules, const struct bytes32 *pubkey, int64_t now_ms, struct err *err)
{
    if (rules->events_per_min == 0)
        return true;
    struct pace *pace = find_pace(rules, pubkey, now_ms);
    if (pace == NULL)
        return true;
    refill(rules, pace, now_ms);
    if (pace->left < MINUTE_MS)
        return err_set(err, ERR_RATE_LIMITED, "more than %lld events a minute of one key",
                       (long long)rules->events_per_min);
    pace->left -= MINUTE_MS;
    return true;
}
