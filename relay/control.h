/* control.h - what the operators decided: who and what is banned or let in, names of the relay.
 *
 * Lists of items, each allowed or banned, never both. As soon as one pubkey is allowed, only
 * allowed ones may write; of kinds the same. An allowed event passes whatever the other lists say.
 * What is asked here is in memory; control_db.h keeps it the same in all processes.
 *
 *   units      at: unix seconds
 *   ownership  the lists own what is in them; what is put in is copied
 *   threads    loop thread only
 *   errors     ERR_INVALID: no such item can be; ERR_BLOCKED, ERR_RESTRICTED, ERR_AUTH_REQUIRED in
 *              the words the peer gets
 *   spec       NIP-86
 */
#pragma once

#include "shared/base.h"

struct control;
struct err;
struct event;
struct text;

/* Their names are what the database has. A method is "pubkey method": who may call it; a member is
 * "pubkey role": who has it; a purge "pubkey hex" or "event hex": what is to be deleted. */
#define CONTROL_LISTS(X)  \
    X(PUBKEY, "pubkey")   \
    X(EVENT, "event")     \
    X(KIND, "kind")       \
    X(IP, "ip")           \
    X(METHOD, "method")   \
    X(SETTING, "setting") \
    X(ROLE, "role")       \
    X(MEMBER, "member")   \
    X(PURGE, "purge")

#define CONTROL_ENUM(name, word) CONTROL_##name,
enum control_list { CONTROL_LISTS(CONTROL_ENUM) };
#undef CONTROL_ENUM

enum {
    CONTROL_LIST_COUNT = CONTROL_PURGE + 1,
    CONTROL_NAME_MAX = 120,
    CONTROL_ROLE_MAX = 40,
    CONTROL_NOTE_MAX = 1023
};

struct control_item {
    enum control_list list;
    bool is_allowed; /* else banned */
    struct span name;
    struct span note;  /* why; of a setting, its value */
    struct span admin; /* pubkey in hex */
    int64_t at;
};

/* operators: may always write. Copied. */
struct control *control_new(const struct bytes32 *operators, uint32_t count);
void control_free(struct control *control);

const char *control_list_name(enum control_list list);
MUST_CHECK bool control_list_find(enum control_list *list, struct span name);

/* The one way to write an item of a list: hex of a pubkey or id also given as npub, note or nevent,
 * a kind without leading zeros, a network with its host bits cleared. An IPv6 address stands for
 * its /64, as it does wherever the relay counts addresses. */
MUST_CHECK bool control_name(struct text *out, enum control_list list, struct span word,
                             struct err *err);

/* name: as control_name writes it; anything else is left out. */
void control_put(struct control *control, const struct control_item *item);
void control_drop(struct control *control, enum control_list list, struct span name);
void control_clear(struct control *control);

/* NULL when it is not there. Lasts until the next change. */
const struct control_item *control_find(const struct control *control, enum control_list list,
                                        struct span name);

/* Each item of a list, in no order. */
void control_each(const struct control *control, enum control_list list,
                  void (*visit)(void *owner, const struct control_item *item), void *owner);

/* May this event come in, from a connection that has authenticated as these keys? */
MUST_CHECK bool control_admits(const struct control *control, const struct event *event,
                               const struct bytes32 *keys, uint32_t key_count, struct err *err);

bool control_bans_pubkey(const struct control *control, const struct bytes32 *pubkey);
bool control_judged_event(const struct control *control, const struct bytes32 *id);

/* ip: 4 bytes, or the first 8 or more of 16. */
bool control_blocks_ip(const struct control *control, struct span ip);

bool control_is_operator(const struct control *control, const struct bytes32 *pubkey);

/* Whether not everybody may write everything: NIP-11 "restricted_writes". */
bool control_restricts(const struct control *control);
