/* hail.h - how two stages meet: each proves that it has the key, says what it runs, and checks what
 * the other says; then each frame carries a proof of whose it is, and that none is missing.
 *
 *     listener -> caller   its number, 32 random bytes
 *     caller -> listener   its number, proof, description; or a letter behind them
 *     listener -> caller   proof, description; or, as a flag says, why not
 *
 *     proof of the caller    hmac(key, "shoal stage caller" numbers description)
 *     proof of the listener  hmac(key, "shoal stage listener" numbers both descriptions)
 *     key of the link        hmac(key, "shoal stage link" numbers)
 *     tag of a frame         hmac(key of the link, direction, how many went before, the header
 *                            without tag and sum, sha256(payload)), its first 16 bytes
 *     description            root, then u32 little-endian: layers, begin, end, width, vocabulary,
 *                            purpose; origin u64
 *
 * Strangers have no key between them. The caller makes one, and a letter that has it, which only
 * the listener can open, and only if it is from who it says (gpu/door.h). The listener's number of
 * such a caller is made of who that is and what it says: no other can name it.
 *
 * Nothing is secret from who can read the network. Numbers: the listener's first.
 *
 *   ownership  plain values
 *   threads    pure: random bytes are the caller's to give
 *   errors     ERR_RESTRICTED no proof; ERR_INVALID another model, or layers that do not follow
 */
#pragma once

#include "gpu/wire.h"

struct err;

enum hail_purpose {
    HAIL_ROWS,    /* the caller sends rows */
    HAIL_RESULTS, /* the caller, a first stage, wants the results of its sessions */
    HAIL_RETURN   /* the caller wants the rows of its sessions */
};

struct hail_self {
    struct bytes32 root; /* of the whole model's weights */
    uint32_t layers;     /* of the whole model */
    uint32_t begin, end; /* the layers here */
    uint32_t width, vocabulary;
    uint64_t origin; /* a number that nobody else has */
};

enum { HAIL_LETTER_BYTES_MAX = 256 };

/* What a caller has to be let in with by a stranger. */
struct hail_pass {
    struct bytes32 key;
    uint32_t letter_len; /* 0: there is none */
    char letter[HAIL_LETTER_BYTES_MAX];
};

/* Whoever opens letters for a listener: the key that is in it, and who wrote it. */
struct hail_door {
    bool (*open)(void *owner, struct bytes32 *key, struct bytes32 *writer, struct span letter);
    void *owner;
    bool is_only_way; /* who has no letter is not let in */
};

enum hail_state { HAIL_WAITS, HAIL_MET, HAIL_FAILED };

/* One side of a link. */
struct hail {
    const struct hail_self *self;
    struct bytes32 key, number, other_number;
    bool is_caller;
    enum hail_purpose purpose;
    struct hail_self other; /* once they have met */
    enum hail_state state;
    struct span letter;           /* of a caller's pass; empty: none */
    const struct hail_door *door; /* of a listener; NULL: it opens no letters */
    bool has_writer;              /* who wrote the letter that opened the door */
    struct bytes32 writer;
    struct bytes32 link_key;
    uint64_t sent, received;
};

/* The listener's first message is then in payload. A caller says why it calls. */
struct hail hail_listen(const struct hail_self *self, const struct bytes32 *key,
                        const struct bytes32 *number);
struct hail hail_call(const struct hail_self *self, const struct bytes32 *key,
                      const struct bytes32 *number, enum hail_purpose purpose);

struct hail_message {
    uint8_t flags;
    size_t len; /* 0: nothing is to be said */
    char at[WIRE_HELLO_BYTES_MAX];
};

/* What the listener says first. */
void hail_begin(const struct hail *hail, struct hail_message *out);

/* What the other side has said; what is to be said to it, also when false: then it is why. */
MUST_CHECK bool hail_hear(struct hail *hail, struct hail_message *out, const struct wire *wire,
                          struct err *err);

/* Of those who have met. hail_check: whether the frame is the other side's next. */
void hail_seal(struct hail *hail, char header[WIRE_HEADER_BYTES], struct span payload);
MUST_CHECK bool hail_check(struct hail *hail, struct span message);
