/* kind.h - what an event kind means to a relay, and the kinds that Shoal knows by name.
 *
 *   spec  NIP-01 "Kinds"; the registry of Shoal's own kinds
 */
#pragma once

#include "shared/base.h"

enum {
    KIND_PROFILE = 0,
    KIND_NOTE = 1,
    KIND_FOLLOWS = 3,
    KIND_ENCRYPTED_MESSAGE = 4,
    KIND_DELETION = 5,
    KIND_REPOST = 6,
    KIND_REACTION = 7,
    KIND_SEAL = 13,
    KIND_TALK = 9, /* what is said in a group; here in a circle, sealed */
    KIND_CHAT = 14,
    KIND_GENERIC_REPOST = 16,
    KIND_VANISH = 62,
    KIND_TIMESTAMP = 1040, /* of OpenTimestamps, of an event */
    KIND_GIFT_WRAP = 1059,
    KIND_COMMENT = 1111,
    KIND_OP = 1570,          /* on the fields of an entity */
    KIND_TEXT_UPDATE = 1571, /* of a text: Yjs update v1 */
    KIND_CIRCLE_OP = 1572,   /* who may write */
    KIND_CHECKPOINT = 1573,
    KIND_KEY_EPOCH = 1574, /* of a circle, wrapped for each member */
    KIND_SEALED_OP = 1575, /* a whole event under the key of an epoch */
    KIND_BLOCK = 1576,     /* a batch of ids under one hash */
    KIND_KNOWLEDGE = 1580, /* a unit of it, with what it was derived from */
    KIND_PIECE = 1584,     /* of what is too large for one event */
    KIND_REPORT = 1984,
    KIND_WALLET_COINS = 7375, /* sealed by their owner for himself, as the other two */
    KIND_WALLET_HISTORY = 7376,
    KIND_RECEIPT = 8430,         /* of a job, by the node that did it */
    KIND_COUNTER_RECEIPT = 8431, /* of jobs, by who paid for them */
    KIND_VERDICT = 8433,         /* on a job that was done again */
    KIND_FRAUD = 8434,           /* two events of one node that cannot both be true */
    KIND_TRANSFER = 8435,        /* of credit */
    KIND_TRANSFER_ACK = 8436,    /* by who issued it */
    KIND_RELAY_LIST = 10002,
    KIND_CHAT_RELAYS = 10050, /* where gift wraps are left */
    KIND_WALLET_INFO = 13194, /* what a wallet service does, and how it seals (NIP-47) */
    KIND_WALLET = 17375,
    KIND_EPHEMERAL_GIFT_WRAP = 21059,
    KIND_AUTH = 22242,
    KIND_WALLET_REQUEST = 23194,
    KIND_WALLET_ANSWER = 23195,
    KIND_WALLET_NOTE = 23197, /* of a payment */
    KIND_HTTP_AUTH = 27235,
    KIND_PULSE = 28430,          /* how a node that offers something fares */
    KIND_MARKET_CHUNK = 28431,   /* a piece of an answer */
    KIND_MARKET_MESSAGE = 28432, /* a request or an answer as HTTP's, only ever inside a wrap */
    KIND_OFFER = 38430,          /* a model for hire, or some of its layers */
    KIND_MINT_POLICY = 38431,    /* how much credit there may be, and who is given some */
    KIND_MINT_SUPPLY = 38432,    /* how much there is */
};

enum kind_class {
    KIND_REGULAR,     /* every one is kept */
    KIND_REPLACEABLE, /* the newest per pubkey and kind is kept */
    KIND_EPHEMERAL,   /* none is kept */
    KIND_ADDRESSABLE, /* the newest per pubkey, kind and d tag is kept */
};

/* Kinds that NIP-01 leaves open (45 to 999, 40000 and up) are regular. */
enum kind_class kind_class(uint16_t kind);

/* Served only to the people it names: 4, 1059, 21059 (NIP-17, NIP-59). */
bool kind_is_gated(uint16_t kind);
