/* counter.h - a mint's verbs over HTTP: each call runs on a thread beside the loop. Who melts and
 * does not prefer to hear of it later is answered when it is over.
 *
 *   ownership  counter_close lets go of httpd at once, and is freed when the last call has ended;
 *              the mint lives until the loop has run on until then
 *   threads    loop thread only
 *   spec       Cashu NUT-00, "Errors"
 */
#pragma once

#include "client/httpd.h"

struct counter;
struct herald;
struct inquiry;
struct mint;

enum { COUNTER_CALLS_MAX = 256 };

/* herald: is told when something was spent, and tells when a quote has changed. */
struct counter *counter_open(uv_loop_t *loop, struct httpd *httpd, struct mint *mint,
                             struct herald *herald);
void counter_close(struct counter *counter); /* may be NULL */

/* Who waits for a melt is told that it is pending, and nobody waits any more. */
void counter_drain(struct counter *counter); /* may be NULL */

/* Of jobs, too, from now on. */
void counter_tell_jobs(struct counter *counter, const struct inquiry *inquiry);

/* Whether no call is under way; of one that may be NULL. */
bool counter_is_idle(const struct counter *counter);

/* Whether it is for it. counter may be NULL. */
bool counter_takes(const struct counter *counter, const struct httpd_request *request);

/* Answers it, now or later: also pages from anywhere, since no request says who somebody is. */
void counter_ask(struct counter *counter, const struct httpd_request *request);
