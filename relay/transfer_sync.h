/* transfer_sync.h - one run of sync: what two relays differ in, and what is missing on its way.
 *
 * Three parts work on one connection: differ finds out what is missing where, fetch asks for what
 * we lack, offer sends what the other lacks. Each is told what is heard, and goes on when there is
 * room. Part of transfer.
 *
 *   ownership  struct sync owns all of it
 *   threads    loop thread only
 *   spec       NIP-77; NIP-01 where the other side does not speak it
 */
#pragma once

#include "relay/intake.h"
#include "relay/progress.h"
#include "relay/push.h"
#include "relay/records.h"
#include "relay/transfer_base.h"
#include "shared/arena.h"
#include "shared/base.h"
#include "shared/filter.h"
#include "shared/text.h"
#include "shared/url.h"

struct message;
struct remote;
struct remote_host;
struct transfer_sync;

enum { SYNC_IDS_MAX = 10000000, SYNC_BATCH_IDS = 100, SYNC_BATCHES = 4 };

struct sync_ids {
    struct bytes32 *at;
    size_t count, capacity;
    size_t next; /* the first that is not asked for, or not offered */
};

/* Appends; false when there are SYNC_IDS_MAX. */
MUST_CHECK bool sync_ids_add(struct sync_ids *ids, const struct bytes32 *id);

/* Takes the next ones, sorted and each once; how many, 0 at the end. */
uint32_t sync_ids_take(struct sync_ids *ids, struct bytes32 out[SYNC_BATCH_IDS]);

enum sync_stage {
    SYNC_RECONCILING, /* by NIP-77 */
    SYNC_PAGING,      /* by REQ, newest first */
    SYNC_MOVING,      /* all that is missing is known */
};

/* One REQ for missing events. */
struct sync_batch {
    struct bytes32 ids[SYNC_BATCH_IDS]; /* sorted */
    bool has_come[SYNC_BATCH_IDS];
    uint32_t count; /* 0: not in use */
    bool is_asked;  /* on this connection */
};

struct sync {
    const struct transfer_sync *options;
    bool down, up;
    struct url url;
    struct filter filter;
    struct arena arena; /* of filter */
    struct transfer transfer;
    uv_timer_t look;
    struct remote_host *host;
    struct remote *remote;
    struct intake *intake;
    struct push *push;
    struct progress progress;

    enum sync_stage stage;
    struct records_budget budget;
    struct records records;         /* what matches here */
    bool is_collected, is_answered; /* the other side has spoken NIP-77 */
    uint64_t asked_ms;              /* what is not answered yet; 0: nothing */
    uint64_t heard_ms, busy_until_ms;
    int64_t page_until, page_oldest, page_count; /* while paging */
    uint8_t *is_theirs;                          /* of records: the pages had it */
    struct sync_ids need, have;
    struct sync_batch batches[SYNC_BATCHES];
    struct bytes32 offered[SYNC_BATCH_IDS]; /* of have: being read here */
    uint32_t offered_count;
    bool is_reading;

    int64_t fates[INTAKE_FATES], pushed[PUSH_FATES];
    int64_t missing, kept_back; /* said to be there, and is not; not to be sent */
    int64_t unasked;            /* it sent what was not asked for */
    uint32_t page;     /* its number, by which it is called: what comes live of the last is not
                      of it */
    uint32_t failures; /* of the connection, in a row */
    const char *failure;
    char why[200];
    bool is_over, is_heard; /* heard: it has ever said what is of use */
};

/* Ends the run; failure NULL: well. */
void sync_end(struct sync *sync, const char *failure);

bool sync_is_busy(const struct sync *sync);
void sync_wait(struct sync *sync);

/* The arena is taken over. */
void sync_take(struct sync *sync, struct arena *arena, const struct event *event);

/* Found out again from the beginning where a connection ended meanwhile. */
void differ_open(struct sync *sync);
void differ_look(struct sync *sync); /* many times a second */
void differ_hear(struct sync *sync, struct arena *arena, const struct message *message);

void fetch_close(struct sync *sync);
void fetch_go_on(struct sync *sync);
bool fetch_is_done(const struct sync *sync);

/* False when the message is about none of its REQs. */
bool fetch_hear(struct sync *sync, struct arena *arena, const struct message *message);

void offer_go_on(struct sync *sync);
bool offer_is_done(const struct sync *sync);
