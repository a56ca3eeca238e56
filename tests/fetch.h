/* fetch.h - one HTTP request over a wire, and the whole answer. */
#pragma once

#include "shared/base.h"

struct fetch_answer {
    int status;
    const char *head; /* status line and headers */
    const char *body;
    size_t body_len;
};

/* request: method, path and further header lines, as "GET / HTTP/1.1\r\nAccept: x\r\n"; Host and
 * Connection: close are added. The answer lives in scratch. Status 0 when none came. */
struct fetch_answer fetch(uint16_t port, const char *request);

/* The same with a body, and its Content-Length. */
struct fetch_answer fetch_with(uint16_t port, const char *request, struct span body);

/* Value of a header, up to the line's end; NULL when it is not there. */
const char *fetch_header(const struct fetch_answer *answer, const char *name);
