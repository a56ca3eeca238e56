#include "tests/fetch.h"

#include <stdlib.h>
#include <strings.h>

#include "shared/text.h"
#include "tests/scratch.h"
#include "tests/wire.h"

const char *fetch_header(const struct fetch_answer *answer, const char *name)
{
    const char *found = strcasestr(answer->head, scratch_format("\r\n%s:", name));
    if (found == NULL)
        return NULL;
    found += strlen(name) + 3;
    found += strspn(found, " ");
    return scratch_format("%.*s", (int)strcspn(found, "\r"), found);
}

/* Chunked: its pieces joined, in place. */
static size_t join_chunks(char *body, size_t len)
{
    size_t out = 0, at = 0;
    while (at < len) {
        char *end;
        size_t size = strtoul(body + at, &end, 16);
        at = (size_t)(end - body) + 2;
        if (size == 0 || size > len - at)
            break;
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
    body[out] = '\0';
    return out;
}

/* tail: what follows the head's last given line. */
static struct fetch_answer ask(uint16_t port, const char *request, const char *tail)
{
    struct fetch_answer answer = {.head = "", .body = ""};
    struct wire wire;
    struct text in = {0};
    int64_t deadline_ms = wire_now_ms() + WIRE_WAIT_MS;
    size_t received;
    const char *whole =
        scratch_format("%sHost: 127.0.0.1:%u\r\nConnection: close\r\n%s", request, port, tail);
    if (!wire_open(&wire, &(struct wire_address){"127.0.0.1", port, NULL, NULL, 0}))
        return answer;
    wire_send(&wire, (struct span){whole, strlen(whole)}, deadline_ms);
    while (wire_receive(&wire, text_reserve(&in, 65536), 65536, &received, deadline_ms) ==
           WIRE_DONE)
        in.len += received;
    wire_close(&wire);
    char *all = scratch_alloc(in.len + 1);
    if (in.len > 0)
        memcpy(all, in.at, in.len);
    char *blank = strstr(all, "\r\n\r\n");
    if (blank != NULL && strncmp(all, "HTTP/1.1 ", 9) == 0) {
        answer.status = (int)strtol(all + 9, NULL, 10);
        answer.head = scratch_format("%.*s", (int)(blank + 2 - all), all);
        answer.body = blank + 4;
        answer.body_len = in.len - (size_t)(blank + 4 - all);
        const char *coding = fetch_header(&answer, "Transfer-Encoding");
        if (coding != NULL && strcasecmp(coding, "chunked") == 0)
            answer.body_len = join_chunks(blank + 4, answer.body_len);
    }
    text_clear(&in);
    return answer;
}

struct fetch_answer fetch(uint16_t port, const char *request)
{
    return ask(port, request, "\r\n");
}

struct fetch_answer fetch_with(uint16_t port, const char *request, struct span body)
{
    return ask(port, request,
               scratch_format("Content-Length: %zu\r\n\r\n%.*s", body.len, SPAN_ARG(body)));
}
