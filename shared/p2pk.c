#include "shared/p2pk.h"

#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/number.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

/* ---- the secret ---- */

enum tag { TAG_LOCKTIME, TAG_PUBKEYS, TAG_N_SIGS, TAG_REFUND, TAG_N_SIGS_REFUND, TAG_SIGFLAG };

static const struct span tag_names[] = {
    [TAG_LOCKTIME] = {"locktime", 8}, [TAG_PUBKEYS] = {"pubkeys", 7},
    [TAG_N_SIGS] = {"n_sigs", 6},     [TAG_REFUND] = {"refund", 6},
    [TAG_SIGFLAG] = {"sigflag", 7},   [TAG_N_SIGS_REFUND] = {"n_sigs_refund", 13}};

static bool add_key(struct p2pk_keys *keys, struct span digits, struct err *err)
{
    struct bytes33 key;
    struct bytes32 x;
    if (digits.len != 2 * sizeof key || !hex_decode(key.at, sizeof key.at, digits) ||
        (key.at[0] != 2 && key.at[0] != 3))
        return err_set(err, ERR_INVALID, "a lock names '%s', which is no key",
                       scan_word(digits).at);
    memcpy(x.at, key.at + 1, sizeof x.at);
    for (uint32_t i = 0; i < keys->count; i++)
        if (memcmp(keys->at + i, &x, sizeof x) == 0)
            return err_set(err, ERR_INVALID, "a lock names a key twice");
    if (keys->count == P2PK_KEYS_MAX)
        return err_set(err, ERR_INVALID, "a lock of more than %d keys", P2PK_KEYS_MAX);
    keys->at[keys->count++] = x;
    return true;
}

static bool read_count(int64_t *out, struct span digits, struct err *err)
{
    return (number_decimal(out, digits) && *out > 0) ||
           err_set(err, ERR_INVALID, "a lock with '%s' for a number", scan_word(digits).at);
}

/* One value of a tag. */
static bool take_value(struct p2pk *lock, int64_t needed[2], enum tag tag, struct span value,
                       struct err *err)
{
    switch (tag) {
    case TAG_LOCKTIME:
        return read_count(&lock->locktime, value, err);
    case TAG_PUBKEYS:
        return add_key(&lock->main, value, err);
    case TAG_N_SIGS:
        return read_count(needed, value, err);
    case TAG_REFUND:
        return add_key(&lock->refund, value, err);
    case TAG_N_SIGS_REFUND:
        return read_count(needed + 1, value, err);
    case TAG_SIGFLAG:
        break;
    }
    lock->signs_all = span_eq(value, SPAN("SIG_ALL"));
    return lock->signs_all || span_eq(value, SPAN("SIG_INPUTS")) ||
           err_set(err, ERR_INVALID, "a lock with the sigflag '%s'", scan_word(value).at);
}

/* seen: bits of the tags that were there before. */
static bool read_tag(struct p2pk *lock, int64_t needed[2], struct scan *scan, struct arena *arena,
                     unsigned *seen, struct err *err)
{
    struct scan_list list;
    struct span name, value;
    size_t tag = 0;
    if (!scan_array(scan, &list, err))
        return false;
    if (!list.more)
        return err_set(err, ERR_INVALID, "a lock with an empty tag");
    if (!scan_text(scan, arena, &name, err) || !scan_next(scan, &list, err))
        return false;
    while (tag < ARRAY_LEN(tag_names) && !span_eq(name, tag_names[tag]))
        tag++;
    bool is_known = tag < ARRAY_LEN(tag_names);
    if (is_known && (*seen & 1U << tag) != 0)
        return err_set(err, ERR_INVALID, "a lock with two tags %s", tag_names[tag].at);
    *seen |= is_known ? 1U << tag : 0;
    while (list.more) {
        if (!scan_text(scan, arena, &value, err) ||
            (is_known && !take_value(lock, needed, (enum tag)tag, value, err)) ||
            !scan_next(scan, &list, err))
            return false;
    }
    return true;
}

static bool read_tags(struct p2pk *lock, int64_t needed[2], struct scan *scan, struct arena *arena,
                      struct err *err)
{
    struct scan_list list;
    unsigned seen = 0;
    scan_peek(scan);
    const char *begin = scan->at;
    bool ok = scan_array(scan, &list, err);
    while (ok && list.more)
        ok = read_tag(lock, needed, scan, arena, &seen, err) && scan_next(scan, &list, err);
    lock->tags = (struct span){begin, (size_t)(scan->at - begin)};
    return ok;
}

static bool read_member(struct p2pk *lock, int64_t needed[2], struct scan *scan,
                        struct arena *arena, struct span key, struct err *err)
{
    if (span_eq(key, SPAN("data")))
        return scan_text(scan, arena, &lock->data, err);
    if (span_eq(key, SPAN("tags")) && scan_peek(scan) == '[')
        return read_tags(lock, needed, scan, arena, err);
    return scan_skip(scan, err);
}

/* How many of the keys have to sign: needed, or one if that is not said. */
static bool settle_keys(struct p2pk_keys *keys, int64_t needed, struct err *err)
{
    if (needed > keys->count)
        return err_set(err, ERR_INVALID, "a lock that wants more signatures than it has keys");
    keys->needed = needed > 0 ? (uint32_t)needed : keys->count > 0;
    return true;
}

static bool read_lock(struct p2pk *lock, struct scan *scan, struct scan_list *outer,
                      struct arena *arena, struct err *err)
{
    struct scan_list list;
    struct span key;
    int64_t needed[2] = {0};
    if (!scan_next(scan, outer, err) || !scan_object(scan, &list, err))
        return false;
    while (list.more)
        if (!scan_key(scan, arena, &key, err) ||
            !read_member(lock, needed, scan, arena, key, err) || !scan_next(scan, &list, err))
            return false;
    if (!scan_next(scan, outer, err) || outer->more || !scan_end(scan, err))
        return err_set(err, ERR_INVALID, "a lock with more behind it");
    if (lock->kind == P2PK_KEY && !add_key(&lock->main, lock->data, err))
        return false;
    if (lock->kind == P2PK_HASH && !hex_decode(lock->hash.at, sizeof lock->hash.at, lock->data))
        return err_set(err, ERR_INVALID, "a lock whose data is no hash");
    return settle_keys(&lock->main, needed[0], err) && settle_keys(&lock->refund, needed[1], err);
}

static enum p2pk_kind kind_of(struct span name)
{
    if (span_eq(name, SPAN("P2PK")))
        return P2PK_KEY;
    return span_eq(name, SPAN("HTLC")) ? P2PK_HASH : P2PK_NONE;
}

bool p2pk_read(struct p2pk *lock, struct arena *arena, struct span secret, struct err *err)
{
    struct scan scan = scan_begin(secret);
    struct scan_list list;
    struct span name;
    *lock = (struct p2pk){0};
    if (scan_peek(&scan) != '[' || !scan_array(&scan, &list, NULL) || !list.more ||
        scan_peek(&scan) != '"' || !scan_text(&scan, arena, &name, NULL))
        return true;
    lock->kind = kind_of(name);
    return lock->kind == P2PK_NONE || read_lock(lock, &scan, &list, arena, err);
}

/* ---- the witness ---- */

struct witness {
    struct bytes64 signatures[P2PK_SIGNATURES_MAX];
    uint32_t count;
    struct span preimage;
};

static bool read_signatures(struct witness *witness, struct scan *scan, struct arena *arena,
                            struct err *err)
{
    struct scan_list list;
    bool ok = scan_array(scan, &list, err);
    while (ok && list.more) {
        if (witness->count == P2PK_SIGNATURES_MAX)
            return err_set(err, ERR_INVALID, "a witness of more than %d signatures",
                           P2PK_SIGNATURES_MAX);
        uint8_t *at = witness->signatures[witness->count++].at;
        ok = scan_hex(scan, arena, at, sizeof(struct bytes64), err) && scan_next(scan, &list, err);
    }
    return ok;
}

static bool read_witness(struct witness *witness, struct arena *arena, struct span text,
                         struct err *err)
{
    struct scan scan = scan_begin(text);
    struct scan_list list;
    struct span key;
    witness->count = 0;
    witness->preimage = (struct span){0};
    if (text.len == 0)
        return true;
    if (!scan_object(&scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(&scan, arena, &key, err))
            return false;
        bool ok;
        if (span_eq(key, SPAN("signatures")) && scan_peek(&scan) == '[')
            ok = read_signatures(witness, &scan, arena, err);
        else if (span_eq(key, SPAN("preimage")) && scan_peek(&scan) == '"')
            ok = scan_text(&scan, arena, &witness->preimage, err);
        else
            ok = scan_skip(&scan, err);
        if (!ok || !scan_next(&scan, &list, err))
            return false;
    }
    return scan_end(&scan, err);
}

/* ---- whether it opens ---- */

static bool has_signed(const struct witness *witness, const struct bytes32 *key,
                       const struct bytes32 *hash)
{
    for (uint32_t i = 0; i < witness->count; i++)
        if (sig_verify(witness->signatures + i, hash, key))
            return true;
    return false;
}

static bool have_signed(const struct witness *witness, const struct p2pk_keys *keys,
                        const struct bytes32 *hash)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < keys->count && found < keys->needed; i++)
        found += has_signed(witness, keys->at + i, hash);
    return found >= keys->needed;
}

static bool has_preimage(const struct p2pk *lock, const struct witness *witness)
{
    struct bytes32 preimage;
    if (lock->kind != P2PK_HASH)
        return true;
    if (!hex_decode(preimage.at, sizeof preimage.at, witness->preimage))
        return false;
    struct bytes32 hash = sig_sha256(SPAN_OF(preimage));
    return memcmp(&hash, &lock->hash, sizeof hash) == 0;
}

static bool opens(const struct p2pk *lock, const struct p2pk_input *input,
                  const struct bytes32 *hash, struct arena *arena, int64_t now, struct err *err)
{
    struct witness witness;
    if (!read_witness(&witness, arena, input->witness, err))
        return false;
    if (has_preimage(lock, &witness) && have_signed(&witness, &lock->main, hash))
        return true;
    bool is_past = lock->locktime > 0 && now >= lock->locktime;
    if (is_past && have_signed(&witness, &lock->refund, hash)) /* by anybody, where it has no key */
        return true;
    return err_set(err, ERR_RESTRICTED, "a proof is locked, and not signed by those who may");
}

struct bytes32 p2pk_hash(const struct p2pk_spend *spend)
{
    struct text text = {0};
    for (uint32_t i = 0; i < spend->input_count; i++) {
        text_add(&text, spend->inputs[i].secret);
        text_add_hex(&text, spend->inputs[i].c.at, sizeof(struct bytes33));
    }
    for (uint32_t i = 0; i < spend->output_count; i++) {
        text_addf(&text, "%llu", (unsigned long long)spend->outputs[i].amount);
        text_add_hex(&text, spend->outputs[i].message.at, sizeof(struct bytes33));
    }
    text_add(&text, spend->quote);
    struct bytes32 hash = sig_sha256(text_span(&text));
    text_clear(&text);
    return hash;
}

/* One signature stands for all: they have to be locked alike. */
static bool check_all(const struct p2pk_spend *spend, const struct p2pk *locks, struct arena *arena,
                      int64_t now, struct err *err)
{
    for (uint32_t i = 0; i < spend->input_count; i++)
        if (locks[i].kind != locks->kind || !locks[i].signs_all ||
            !span_eq(locks[i].data, locks->data) || !span_eq(locks[i].tags, locks->tags))
            return err_set(err, ERR_INVALID, "with SIG_ALL, all proofs have to be locked alike");
    struct bytes32 hash = p2pk_hash(spend);
    return opens(locks, spend->inputs, &hash, arena, now, err);
}

bool p2pk_check(const struct p2pk_spend *spend, struct arena *arena, int64_t now, struct err *err)
{
    struct p2pk *locks = arena_array(arena, struct p2pk, spend->input_count);
    for (uint32_t i = 0; i < spend->input_count; i++)
        if (!p2pk_read(locks + i, arena, spend->inputs[i].secret, err))
            return false;
    for (uint32_t i = 0; i < spend->input_count; i++)
        if (locks[i].signs_all)
            return check_all(spend, locks, arena, now, err);
    for (uint32_t i = 0; i < spend->input_count; i++) {
        struct bytes32 hash = sig_sha256(spend->inputs[i].secret);
        if (locks[i].kind != P2PK_NONE &&
            !opens(locks + i, spend->inputs + i, &hash, arena, now, err))
            return false;
    }
    return true;
}
