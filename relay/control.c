#include "relay/control.h"

#include <stdlib.h>

#include "relay/control_name.h"
#include "relay/hash.h"
#include "relay/table.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { KINDS = UINT16_MAX + 1 };

/* By what an item is found: the list, then bytes. */
struct key {
    uint8_t at[1 + CONTROL_NAME_MAX];
    size_t len;
};

struct entry {
    struct entry *next; /* of the same hash */
    struct key key;
    struct control_item item; /* its texts follow the entry */
};

struct control {
    struct hash_key hash_key;
    struct table table;                         /* hash -> list of entries */
    uint32_t counts[CONTROL_LIST_COUNT][2];     /* banned, allowed */
    uint32_t networks[2][CONTROL_IP6_BITS + 1]; /* IPv4, IPv6: banned, by their bits */
    uint8_t kinds[2][KINDS / 8];                /* banned, allowed */
    struct bytes32 *operators;
    uint32_t operator_count;
};

#define CONTROL_NAME(name, word) word,
static const char *const names[] = {CONTROL_LISTS(CONTROL_NAME)};
#undef CONTROL_NAME

struct control *control_new(const struct bytes32 *operators, uint32_t count)
{
    struct control *control = calloc(1, sizeof *control);
    if (control == NULL)
        abort();
    control->hash_key = hash_key_random();
    control->operators = calloc(count + 1, sizeof *operators);
    if (control->operators == NULL)
        abort();
    if (count > 0)
        memcpy(control->operators, operators, count * sizeof *operators);
    control->operator_count = count;
    return control;
}

void control_free(struct control *control)
{
    control_clear(control);
    free(control->operators);
    free(control);
}

const char *control_list_name(enum control_list list)
{
    return names[list];
}

bool control_list_find(enum control_list *list, struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(name, (struct span){names[i], strlen(names[i])})) {
            *list = (enum control_list)i;
            return true;
        }
    return false;
}

static struct key key_of(enum control_list list, struct span bytes)
{
    struct key key = {.at = {(uint8_t)list}, .len = 1 + bytes.len};
    if (bytes.len > 0)
        memcpy(key.at + 1, bytes.at, bytes.len);
    return key;
}

static struct key key_of_network(const struct control_network *network)
{
    uint8_t bytes[2 + sizeof network->ip] = {(uint8_t)network->len, (uint8_t)network->bits};
    memcpy(bytes + 2, network->ip, sizeof network->ip);
    return key_of(CONTROL_IP, SPAN_OF(bytes));
}

/* False for what control_name does not write. */
static bool key_of_name(struct key *key, enum control_list list, struct span name)
{
    struct bytes32 bytes = {{0}};
    struct control_network network = {0};
    if (list == CONTROL_PUBKEY || list == CONTROL_EVENT) {
        *key = key_of(list, SPAN_OF(bytes));
        return hex_decode(key->at + 1, sizeof bytes, name);
    }
    if (list == CONTROL_IP) {
        bool is_network = control_network(&network, name);
        *key = key_of_network(&network);
        return is_network;
    }
    uint32_t kind;
    if (name.len > CONTROL_NAME_MAX || (list == CONTROL_KIND && !control_kind(&kind, name)))
        return false;
    *key = key_of(list, name);
    return true;
}

static struct span key_span(const struct key *key)
{
    return (struct span){(const char *)key->at, key->len};
}

static uint64_t hash_of(const struct control *control, const struct key *key)
{
    return hash_bytes(&control->hash_key, key_span(key));
}

static const struct entry *find(const struct control *control, const struct key *key)
{
    for (const struct entry *entry = table_get(&control->table, hash_of(control, key));
         entry != NULL; entry = entry->next)
        if (span_eq(key_span(&entry->key), key_span(key)))
            return entry;
    return NULL;
}

/* Counts it, and sets what is looked at instead of the table; by: 1 or -1. */
static void count(struct control *control, const struct entry *entry, int by)
{
    const struct control_item *item = &entry->item;
    struct control_network network;
    uint32_t kind;
    control->counts[item->list][item->is_allowed] += (uint32_t)by;
    if (item->list == CONTROL_IP && !item->is_allowed && control_network(&network, item->name))
        control->networks[network.len != 4][network.bits] += (uint32_t)by;
    if (item->list == CONTROL_KIND && control_kind(&kind, item->name))
        control->kinds[item->is_allowed][kind / 8] ^= (uint8_t)(1 << kind % 8);
}

static void drop(struct control *control, const struct key *key)
{
    uint64_t hash = hash_of(control, key);
    struct entry *first = table_remove(&control->table, hash);
    for (struct entry **at = &first; *at != NULL; at = &(*at)->next)
        if (span_eq(key_span(&(*at)->key), key_span(key))) {
            struct entry *entry = *at;
            *at = entry->next;
            count(control, entry, -1);
            free(entry);
            break;
        }
    if (first != NULL)
        table_put(&control->table, hash, first);
}

static struct span copy(char **at, struct span text)
{
    char *begin = *at;
    if (text.len > 0)
        memcpy(begin, text.at, text.len);
    *at += text.len;
    return (struct span){begin, text.len};
}

void control_put(struct control *control, const struct control_item *item)
{
    struct key key;
    if (!key_of_name(&key, item->list, item->name))
        return;
    drop(control, &key);
    struct entry *entry = malloc(sizeof *entry + item->name.len + item->note.len + item->admin.len);
    if (entry == NULL)
        abort();
    char *at = (char *)(entry + 1);
    uint64_t hash = hash_of(control, &key);
    *entry = (struct entry){table_get(&control->table, hash), key, *item};
    entry->item.name = copy(&at, item->name);
    entry->item.note = copy(&at, item->note);
    entry->item.admin = copy(&at, item->admin);
    table_put(&control->table, hash, entry);
    count(control, entry, 1);
}

void control_drop(struct control *control, enum control_list list, struct span name)
{
    struct key key;
    if (key_of_name(&key, list, name))
        drop(control, &key);
}

void control_clear(struct control *control)
{
    size_t place = 0;
    for (struct entry *entry; (entry = table_next(&control->table, &place)) != NULL;)
        while (entry != NULL) {
            struct entry *next = entry->next;
            free(entry);
            entry = next;
        }
    table_clear(&control->table);
    memset(control->counts, 0, sizeof control->counts);
    memset(control->networks, 0, sizeof control->networks);
    memset(control->kinds, 0, sizeof control->kinds);
}

const struct control_item *control_find(const struct control *control, enum control_list list,
                                        struct span name)
{
    struct key key;
    const struct entry *entry = key_of_name(&key, list, name) ? find(control, &key) : NULL;
    return entry == NULL ? NULL : &entry->item;
}

void control_each(const struct control *control, enum control_list list,
                  void (*visit)(void *owner, const struct control_item *item), void *owner)
{
    size_t place = 0;
    for (const struct entry *entry; (entry = table_next(&control->table, &place)) != NULL;)
        for (; entry != NULL; entry = entry->next)
            if (entry->item.list == list)
                visit(owner, &entry->item);
}

enum verdict { NO_VERDICT, BANNED, ALLOWED };

/* Of 32 bytes in a list. Lists are mostly empty. */
static enum verdict verdict_of(const struct control *control, enum control_list list,
                               const struct bytes32 *bytes)
{
    if (control->counts[list][0] + control->counts[list][1] == 0)
        return NO_VERDICT;
    struct key key = key_of(list, SPAN_OF(*bytes));
    const struct entry *entry = find(control, &key);
    if (entry == NULL)
        return NO_VERDICT;
    return entry->item.is_allowed ? ALLOWED : BANNED;
}

static bool has_kind(const struct control *control, bool is_allowed, uint16_t kind)
{
    return (control->kinds[is_allowed][kind / 8] >> kind % 8 & 1) != 0;
}

static bool check_kind(const struct control *control, uint16_t kind, struct err *err)
{
    if (has_kind(control, false, kind) ||
        (control->counts[CONTROL_KIND][1] > 0 && !has_kind(control, true, kind)))
        return err_set(err, ERR_BLOCKED, "kind %u is not taken here", kind);
    return true;
}

/* Its author, then those whom the connection has authenticated as. */
static const struct bytes32 *person(const struct event *event, const struct bytes32 *keys,
                                    uint32_t i)
{
    return i == 0 ? &event->pubkey : &keys[i - 1];
}

static bool check_allowed(const struct control *control, const struct event *event,
                          const struct bytes32 *keys, uint32_t key_count, struct err *err)
{
    if (control->counts[CONTROL_PUBKEY][1] == 0)
        return true;
    for (uint32_t i = 0; i <= key_count; i++) {
        const struct bytes32 *key = person(event, keys, i);
        if (verdict_of(control, CONTROL_PUBKEY, key) == ALLOWED ||
            control_is_operator(control, key))
            return true;
    }
    /* A gift wrap's author is nobody: who sends it may be somebody. */
    if (kind_is_gated(event->kind) && key_count == 0)
        return err_set(err, ERR_AUTH_REQUIRED, "this relay takes events from listed people only");
    return err_set(err, ERR_RESTRICTED, "this relay takes events from listed people only");
}

bool control_admits(const struct control *control, const struct event *event,
                    const struct bytes32 *keys, uint32_t key_count, struct err *err)
{
    enum verdict verdict = verdict_of(control, CONTROL_EVENT, &event->id);
    if (verdict != NO_VERDICT)
        return verdict == ALLOWED || err_set(err, ERR_BLOCKED, "this event is banned");
    for (uint32_t i = 0; i <= key_count; i++)
        if (control_bans_pubkey(control, person(event, keys, i)))
            return err_set(err, ERR_BLOCKED, "this key is banned");
    if (event->kind == KIND_VANISH) /* whoever it is (NIP-62); of the banned nothing is left */
        return true;
    return check_kind(control, event->kind, err) &&
           check_allowed(control, event, keys, key_count, err);
}

bool control_bans_pubkey(const struct control *control, const struct bytes32 *pubkey)
{
    return verdict_of(control, CONTROL_PUBKEY, pubkey) == BANNED;
}

bool control_judged_event(const struct control *control, const struct bytes32 *id)
{
    return verdict_of(control, CONTROL_EVENT, id) != NO_VERDICT;
}

bool control_blocks_ip(const struct control *control, struct span ip)
{
    struct control_network network = {.len = ip.len == 4 ? 4 : sizeof network.ip};
    if (control->counts[CONTROL_IP][0] == 0)
        return false;
    memcpy(network.ip, ip.at, ip.len < sizeof network.ip ? ip.len : sizeof network.ip);
    /* Each width at which something is blocked, narrowest first: clearing bits only widens. */
    for (network.bits = network.len == 4 ? CONTROL_IP4_BITS : CONTROL_IP6_BITS;; network.bits--) {
        if (control->networks[network.len != 4][network.bits] > 0) {
            control_network_widen(&network);
            struct key key = key_of_network(&network);
            const struct entry *entry = find(control, &key);
            if (entry != NULL && !entry->item.is_allowed)
                return true;
        }
        if (network.bits == 0)
            return false;
    }
}

bool control_is_operator(const struct control *control, const struct bytes32 *pubkey)
{
    for (uint32_t i = 0; i < control->operator_count; i++)
        if (memcmp(&control->operators[i], pubkey, sizeof *pubkey) == 0)
            return true;
    return false;
}

bool control_restricts(const struct control *control)
{
    return control->counts[CONTROL_PUBKEY][1] > 0 || control->counts[CONTROL_KIND][1] > 0;
}
