/* policy.h - may this be? The questions that need no cryptography and no database.
 *
 *   units    now: unix seconds, passed in
 *   threads  pure; immutable
 *   errors   the refusal, in the words the peer gets
 *   spec     NIP-01, NIP-11 "limitation", NIP-13, NIP-17, NIP-40, NIP-42, NIP-59, NIP-62, NIP-70
 */
#pragma once

#include "shared/base.h"

struct config;
struct control;
struct err;
struct event;
struct filter;
struct rules;
struct session;
struct trust;

struct policy {
    int64_t created_at_future_s_max, created_at_past_s_max; /* the latter 0: any age */
    int64_t content_chars_max, tags_max;
    int64_t filter_values_max, subscriptions_max;
    int64_t pow_bits_min;
    bool auth_required;
    const char *public_url;        /* as in config; "" when none is configured */
    const struct rules *rules;     /* NULL: none */
    const struct trust *trust;     /* NULL: whoever it is */
    const struct control *control; /* what the operators decided; NULL: nothing */
};

/* What the configuration alone says: no rules, trust nor control. Points into config. */
struct policy policy_of_config(const struct config *config);

/* An event from a session. auth-required: the caller sends the challenge first. */
MUST_CHECK bool policy_event(const struct policy *policy, const struct event *event,
                             const struct session *session, int64_t now, struct err *err);

/* An event that we asked another relay for: the same, but for what the sender is asked, who is not
 * its author. */
MUST_CHECK bool policy_fetched(const struct policy *policy, const struct event *event, int64_t now,
                               struct err *err);

/* The filters of a REQ or COUNT. */
MUST_CHECK bool policy_filters(const struct policy *policy, const struct filter *filters,
                               uint32_t count, const struct session *session, struct err *err);

/* Whether an event that matches may be shown to this session: the read gate. */
bool policy_visible(const struct event *event, const struct session *session);

/* The answer to the session's challenge; signature and id are checked elsewhere. */
MUST_CHECK bool policy_auth(const struct policy *policy, const struct event *event,
                            const struct session *session, int64_t now, struct err *err);

/* Whether url names this relay: equal to a configured public URL once scheme and host case,
 * default port and trailing slash are set aside. Without one: localhost or the session's own IP. */
bool policy_is_this_relay(const struct policy *policy, struct span url,
                          const struct session *session);

/* The same for an end of a connection that is local_ip, 4 or 16 bytes; public_url: as in policy. */
bool policy_names_relay(const char *public_url, struct span url, struct span local_ip);
