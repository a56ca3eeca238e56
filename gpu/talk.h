/* talk.h - requests that are being answered: what a source says, in the words of an API.
 *
 * A request's inputs are answered one after the other. Its answer begins with the first piece, so
 * that what is refused until then has the status that says so. A client that leaves, or does not
 * read, ends its job.
 *
 *   ownership  talks_free frees all; no talk may be left
 *   threads    loop thread only
 */
#pragma once

#include "client/httpd.h"
#include "gpu/source.h"

struct talks;

struct talks_setup {
    struct source *source; /* whose listener it becomes */
    struct source *paid;   /* the same, of what is paid for; NULL: nothing is */
    struct span model;     /* its name */
    uint32_t talks_max;
};

struct talks_statistics {
    uint32_t now;
    uint64_t all, left, refused, failed; /* left: whose client did not wait for the end */
    uint64_t prompt_tokens, tokens;
};

struct talks *talks_new(const struct talks_setup *setup);
void talks_free(struct talks *talks);

struct talks_call {
    struct httpd *httpd;
    const struct httpd_request *request;
    const struct dialect *dialect;
    const char *origin; /* of a page that may read the answer; NULL */
    bool is_paid;       /* it is for the source of what is paid for */
};

/* Answers it, now or later. */
void talks_begin(struct talks *talks, const struct talks_call *call);

/* Its client has left. */
void talks_gone(struct talks *talks, uint64_t number);

/* Ends all. */
void talks_cancel(struct talks *talks);

struct talks_statistics talks_statistics(const struct talks *talks);
