#include "client/agent_wire.h"

#include <assert.h>

#include "shared/err.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { NUMBER = 4, VERDICT_DONE = 0, FLAG_LOCKED = 1, FLAG_PUBKEY = 2 };

static void add_byte(struct text *out, unsigned byte)
{
    char at = (char)(unsigned char)byte;
    text_add(out, (struct span){&at, 1});
}

static void add_number(struct text *out, uint32_t number)
{
    for (unsigned shift = 32; shift > 0; shift -= 8)
        add_byte(out, number >> (shift - 8) & 0xff);
}

/* Takes size bytes from the front; false when there are not so many. */
static bool take(struct span *bytes, void *out, size_t size)
{
    if (bytes->len < size)
        return false;
    memcpy(out, bytes->at, size);
    bytes->at += size;
    bytes->len -= size;
    return true;
}

static bool take_number(struct span *bytes, uint32_t *number)
{
    uint8_t at[NUMBER];
    if (!take(bytes, at, sizeof at))
        return false;
    *number = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return true;
}

enum agent_frame agent_take(struct span *body, struct span *bytes)
{
    struct span rest = *bytes;
    uint32_t len;
    if (!take_number(&rest, &len))
        return AGENT_FRAME_MORE;
    if (len == 0 || len > AGENT_BODY_MAX)
        return AGENT_FRAME_WRONG;
    if (rest.len < len)
        return AGENT_FRAME_MORE;
    *body = (struct span){rest.at, len};
    *bytes = (struct span){rest.at + len, rest.len - len};
    return AGENT_FRAME_DONE;
}

static bool has_peer(enum agent_ask ask)
{
    return ask == AGENT_SEAL || ask == AGENT_OPEN;
}

static bool has_bytes(enum agent_ask ask)
{
    return has_peer(ask) || ask == AGENT_SIGN || ask == AGENT_UNLOCK;
}

void agent_write_request(struct text *out, const struct agent_request *request)
{
    size_t peer = has_peer(request->ask) ? sizeof request->peer : 0;
    size_t bytes = has_bytes(request->ask) ? request->bytes.len : 0;
    assert(bytes <= AGENT_BODY_MAX - peer - 2); /* whoever asks has looked */
    add_number(out, (uint32_t)(2 + peer + bytes));
    add_byte(out, AGENT_VERSION);
    add_byte(out, request->ask);
    text_add(out, (struct span){(const char *)request->peer.at, peer});
    text_add(out, (struct span){request->bytes.at, bytes});
}

bool agent_parse_request(struct agent_request *request, struct span body, struct err *err)
{
    uint8_t version, ask;
    *request = (struct agent_request){0};
    if (!take(&body, &version, 1) || !take(&body, &ask, 1))
        return err_set(err, ERR_INVALID, "a request that is cut short");
    if (version != AGENT_VERSION)
        return err_set(err, ERR_UNSUPPORTED, "version %u of what is said to an agent", version);
    if (ask < AGENT_HELLO || ask > AGENT_STOP)
        return err_set(err, ERR_UNSUPPORTED, "an agent is not asked that");
    request->ask = (enum agent_ask)ask;
    if (has_peer(request->ask) && !take(&body, &request->peer, sizeof request->peer))
        return err_set(err, ERR_INVALID, "a request that is cut short");
    if (!has_bytes(request->ask) && body.len > 0)
        return err_set(err, ERR_INVALID, "a request that is too long");
    request->bytes = body;
    return true;
}

void agent_write_done(struct text *out, struct span bytes)
{
    assert(bytes.len < AGENT_BODY_MAX);
    add_number(out, (uint32_t)(1 + bytes.len));
    add_byte(out, VERDICT_DONE);
    text_add(out, bytes);
}

void agent_write_refusal(struct text *out, const struct err *why)
{
    size_t len = strlen(why->text);
    add_number(out, (uint32_t)(1 + len));
    add_byte(out, 1 + (unsigned)why->code);
    text_add(out, (struct span){why->text, len});
}

bool agent_parse_answer(struct span *bytes, struct span body, struct err *err)
{
    uint8_t verdict;
    if (!take(&body, &verdict, 1) || verdict > 1 + ERR_INTERNAL)
        return err_set(err, ERR_INVALID, "the agent answers something else");
    *bytes = body;
    if (verdict == VERDICT_DONE)
        return true;
    if (!utf8_is(body))
        return err_set(err, ERR_INVALID, "the agent refuses");
    return err_set(err, (enum err_code)(verdict - 1), "%.*s",
                   (int)(body.len < sizeof err->text ? body.len : sizeof err->text), body.at);
}

void agent_write_hello(struct text *out, const struct agent_hello *hello)
{
    add_byte(out, (hello->is_locked ? FLAG_LOCKED : 0U) | (hello->has_pubkey ? FLAG_PUBKEY : 0U));
    text_add(out, SPAN_OF(hello->pubkey));
    text_add(out, SPAN_OF(hello->mark));
    add_number(out, hello->pid);
    add_number(out, hello->timeout_s);
    add_number(out, hello->used);
    text_add(out, hello->file);
}

bool agent_parse_hello(struct agent_hello *hello, struct span bytes, struct err *err)
{
    uint8_t flags;
    *hello = (struct agent_hello){0};
    if (!take(&bytes, &flags, 1) || flags > (FLAG_LOCKED | FLAG_PUBKEY) ||
        !take(&bytes, &hello->pubkey, sizeof hello->pubkey) ||
        !take(&bytes, &hello->mark, sizeof hello->mark) || !take_number(&bytes, &hello->pid) ||
        !take_number(&bytes, &hello->timeout_s) || !take_number(&bytes, &hello->used) ||
        bytes.len > AGENT_FILE_MAX || !utf8_is(bytes))
        return err_set(err, ERR_INVALID, "the agent says something else of itself");
    hello->is_locked = (flags & FLAG_LOCKED) != 0;
    hello->has_pubkey = (flags & FLAG_PUBKEY) != 0;
    hello->file = bytes;
    return true;
}
