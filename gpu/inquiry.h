/* inquiry.h - what has become of a job, told to who paid for it: he names one of the coins by its Y
 * (NUT-00), in hex, which is nobody's but his and the mint's.
 *
 *     GET  /v1/jobs/Y         the answer so far, and how it stands; once it has ended also its
 *                             receipt, and its quote with the change
 *     GET  /v1/jobs/Y/follow  the same when it has ended: for who hears windows meanwhile
 *     POST /v1/jobs/Y/cancel  and then what GET tells
 *
 *     {"job": the quote's id, "state": "RUNNING", "windows": 3, "text": ..., "prompt_tokens": ...,
 *      "cached_tokens": ..., "output_tokens": ..., "cost": ..., "cut": false, "why": ...,
 *      "receipt": {...}, "quote": {...}}
 *
 *   ownership  all is borrowed
 *   threads    any; a call waits for the database
 *   errors     an answer, too: {"detail": ..., "code": ...}
 */
#pragma once

#include "gpu/mint.h"
#include "gpu/order.h"

struct inquiry {
    struct orders *orders;
    struct mint *mint;
};

enum inquiry_verb { INQUIRY_NONE, INQUIRY_LOOK, INQUIRY_FOLLOW, INQUIRY_CANCEL };

/* What is asked, and of which coin. */
enum inquiry_verb inquiry_read(struct bytes33 *y, const char *method, const char *path);

void inquiry_answer(const struct inquiry *inquiry, struct mint_answer *answer, const char *method,
                    const char *path);

/* Of a job that is known. */
void inquiry_tell(const struct inquiry *inquiry, struct mint_answer *answer,
                  const struct uuid *quote);

/* {"detail": why} */
void inquiry_refuse(struct mint_answer *answer, enum order_answer why);
