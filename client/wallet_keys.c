/* Keysets, as a mint tells them. */
#include "client/wallet_wire.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/scan.h"

enum { ID_CHARS = 66 };

/* One entry of either list. */
struct entry {
    struct wallet_keyset keyset;
    bool is_ours; /* its id is of the version that we know */
};

static bool read_id(struct entry *entry, struct scan *scan, struct arena *arena, struct err *err)
{
    struct span id;
    if (!scan_text(scan, arena, &id, err))
        return false;
    entry->is_ours = id.len == ID_CHARS && id.at[0] == '0' && id.at[1] == '1';
    return !entry->is_ours || hex_decode(entry->keyset.id.at, sizeof entry->keyset.id.at, id) ||
           err_set(err, ERR_INVALID, "a keyset whose id is not hex");
}

static bool read_fee(struct wallet_keyset *keyset, struct scan *scan, struct err *err)
{
    int64_t fee;
    if (!scan_integer(scan, &fee, UINT32_MAX, err))
        return false;
    keyset->keys.input_fee_ppk = (uint32_t)fee;
    return true;
}

static bool read_unit(struct wallet_keyset *keyset, struct scan *scan, struct arena *arena,
                      struct err *err)
{
    return scan_text(scan, arena, &keyset->keys.unit, err) &&
           ((keyset->keys.unit.len > 0 && keyset->keys.unit.len <= WALLET_WORD_MAX) ||
            err_set(err, ERR_INVALID, "a keyset without a unit"));
}

/* ---- keys ---- */

static bool read_key(struct keyset_key *key, const struct keyset_key *before, struct scan *scan,
                     struct arena *arena, struct err *err)
{
    struct span name;
    int64_t amount;
    if (!scan_key(scan, arena, &name, err))
        return false;
    /* 2^63 is an amount that is in no sum that we take: such a key is not ours to use. */
    if (!number_decimal(&amount, name) || amount == 0)
        return err_set(err, ERR_INVALID, "a key for no amount: '%s'", scan_word(name).at);
    key->amount = (uint64_t)amount;
    if (before != NULL && before->amount >= key->amount)
        return err_set(err, ERR_INVALID, "keys that do not ascend");
    return scan_hex(scan, arena, key->public_key.at, sizeof key->public_key.at, err);
}

static bool read_keys(struct wallet_keyset *keyset, struct scan *scan, struct arena *arena,
                      struct err *err)
{
    struct keyset_key *keys = arena_array(arena, struct keyset_key, KEYSET_KEYS_MAX);
    struct scan_list list;
    uint32_t count = 0;
    if (!scan_object(scan, &list, err))
        return false;
    for (; list.more; count++)
        if (count == KEYSET_KEYS_MAX)
            return err_set(err, ERR_INVALID, "a keyset of over %d keys", KEYSET_KEYS_MAX);
        else if (!read_key(&keys[count], count > 0 ? &keys[count - 1] : NULL, scan, arena, err) ||
                 !scan_next(scan, &list, err))
            return false;
    keyset->keys.keys = keys;
    keyset->keys.count = count;
    return count > 0 || err_set(err, ERR_INVALID, "a keyset without keys");
}

static bool read_item(struct entry *entry, struct scan *scan, struct arena *arena, struct span key,
                      struct err *err)
{
    struct wallet_keyset *keyset = &entry->keyset;
    bool is_null = scan_peek(scan) == 'n';
    if (span_eq(key, SPAN("id")))
        return read_id(entry, scan, arena, err);
    if (span_eq(key, SPAN("unit")))
        return read_unit(keyset, scan, arena, err);
    if (span_eq(key, SPAN("active")) && !is_null)
        return scan_bool(scan, &keyset->is_active, err);
    if (span_eq(key, SPAN("input_fee_ppk")) && !is_null)
        return read_fee(keyset, scan, err);
    if (span_eq(key, SPAN("final_expiry")) && !is_null)
        return scan_integer(scan, &keyset->keys.final_expiry, INT64_MAX, err);
    if (span_eq(key, SPAN("keys")) && entry->is_ours)
        return read_keys(keyset, scan, arena, err);
    return scan_skip(scan, err);
}

static bool read_entry(struct entry *entry, struct scan *scan, struct arena *arena, struct err *err)
{
    struct scan_list list;
    struct span key;
    *entry = (struct entry){.keyset = {.is_active = true}};
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(scan, arena, &key, err) || !read_item(entry, scan, arena, key, err) ||
            !scan_next(scan, &list, err))
            return false;
    return true;
}

static bool read_entries(struct wallet_keyset **keysets, size_t *count, struct scan *scan,
                         struct arena *arena, struct err *err)
{
    struct scan_list list;
    struct entry entry;
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more) {
        if (!read_entry(&entry, scan, arena, err) || !scan_next(scan, &list, err))
            return false;
        if (!entry.is_ours || entry.keyset.keys.unit.len == 0)
            continue;
        if (*count == WALLET_KEYSETS_MAX)
            return err_set(err, ERR_INVALID, "a mint of over %d keysets", WALLET_KEYSETS_MAX);
        *keysets = arena_grow(arena, struct wallet_keyset, *keysets, *count);
        (*keysets)[(*count)++] = entry.keyset;
    }
    return true;
}

bool wallet_read_keysets(struct wallet_keyset **keysets, size_t *count, struct arena *arena,
                         struct span json, struct err *err)
{
    struct scan scan = scan_begin(json);
    struct scan_list list;
    struct span key;
    *keysets = NULL;
    *count = 0;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(&scan, arena, &key, err) ||
            !(span_eq(key, SPAN("keysets")) ? read_entries(keysets, count, &scan, arena, err)
                                            : scan_skip(&scan, err)) ||
            !scan_next(&scan, &list, err))
            return false;
    return scan_end(&scan, err);
}

bool wallet_read_keys(struct wallet_keyset *keyset, struct arena *arena, struct span json,
                      struct err *err)
{
    struct wallet_keyset *told;
    size_t count;
    if (!wallet_read_keysets(&told, &count, arena, json, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&told[i].id, &keyset->id, sizeof keyset->id) != 0 || told[i].keys.count == 0)
            continue;
        keyset->keys.keys = told[i].keys.keys;
        keyset->keys.count = told[i].keys.count;
        struct bytes33 id = keyset_id(&keyset->keys);
        return memcmp(&id, &keyset->id, sizeof id) == 0 ||
               err_set(err, ERR_INVALID, "the mint says keys under an id that is not theirs");
    }
    return err_set(err, ERR_INVALID, "the mint does not say the keys of its keyset");
}
