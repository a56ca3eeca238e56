/* reply.h - the short answers: OK, EOSE, CLOSED, COUNT, NOTICE.
 *
 * Every refusal is counted by its code; one with auth-required comes after the challenge.
 *
 *   threads  loop thread only
 *   spec     NIP-01 "From relay to client"; NIP-42, NIP-45, NIP-67, NIP-77
 */
#pragma once

#include "shared/base.h"
#include "shared/err.h"
#include "shared/message.h"

struct hll;
struct session;

/* why may be NULL when accepted. */
void reply_ok(struct session *session, const struct bytes32 *id, bool accepted,
              const struct err *why);
void reply_closed(struct session *session, struct span name, const struct err *why);
void reply_notice(struct session *session, const struct err *why);
void reply_eose(struct session *session, struct span name, enum message_finish finish);
void reply_count(struct session *session, struct span name, int64_t count, bool approximate,
                 const struct hll *hll); /* hll NULL: none */
void reply_neg_msg(struct session *session, struct span name, struct span bytes);

/* records_max: how many would have been few enough; 0: that is not why. */
void reply_neg_err(struct session *session, struct span name, const struct err *why,
                   int64_t records_max);
