#include "client/agent_keep.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/holder.h"
#include "client/keys.h"
#include "client/ncryptsec.h"
#include "client/secret.h"
#include "client/vault.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/sig.h"
#include "shared/text.h"

struct agent_keep {
    char file[VAULT_PATH_MAX];
    struct bytes32 mark, pubkey;
    bool has_pubkey;
    struct holder *holder; /* NULL: locked */
    uint32_t timeout_s, used;
    uint64_t used_ms; /* when the key last was; 0: not looked yet */
};

static void unlock(struct agent_keep *keep, struct keys *keys)
{
    holder_free(keep->holder);
    keep->holder = holder_of_keys(keys);
    keep->pubkey = *keys_pubkey(keys);
    keep->has_pubkey = true;
    keep->used_ms = 0;
}

static void lock(struct agent_keep *keep)
{
    holder_free(keep->holder);
    keep->holder = NULL;
}

struct agent_keep *agent_keep_new(const struct agent_keep_setup *setup)
{
    struct agent_keep *keep = calloc(1, sizeof *keep);
    if (keep == NULL)
        abort();
    snprintf(keep->file, sizeof keep->file, "%s", setup->file);
    keep->mark = setup->mark;
    keep->timeout_s = setup->timeout_s;
    if (setup->keys != NULL)
        unlock(keep, setup->keys);
    return keep;
}

void agent_keep_free(struct agent_keep *keep)
{
    if (keep == NULL)
        return;
    lock(keep);
    free(keep);
}

/* ---- what it is asked ---- */

static bool greet(const struct agent_keep *keep, struct text *out)
{
    const struct agent_hello hello = {.is_locked = keep->holder == NULL,
                                      .has_pubkey = keep->has_pubkey,
                                      .pubkey = keep->pubkey,
                                      .mark = keep->mark,
                                      .pid = (uint32_t)getpid(),
                                      .timeout_s = keep->timeout_s,
                                      .used = keep->used,
                                      .file = {keep->file, strlen(keep->file)}};
    agent_write_hello(out, &hello);
    return true;
}

/* An event, not any 32 bytes: what else they might be the hash of, nobody could say. */
static bool sign(struct agent_keep *keep, struct text *out, struct span json, struct err *err)
{
    struct arena arena = {0};
    struct event event;
    struct bytes32 aux;
    randombytes_buf(&aux, sizeof aux);
    bool ok = event_parse_rumor(&event, &arena, json, err);
    struct bytes32 id = ok ? event.id : (struct bytes32){0};
    if (ok && memcmp(&event.pubkey, &keep->pubkey, sizeof event.pubkey) != 0)
        ok = err_set(err, ERR_RESTRICTED, "the agent keeps another key");
    ok = ok && holder_sign(keep->holder, &event, &aux, err);
    if (ok && memcmp(&event.id, &id, sizeof id) != 0)
        ok = err_set(err, ERR_INVALID, "the id is not the hash of the event");
    if (ok)
        text_add(out, SPAN_OF(event.sig));
    arena_clear(&arena);
    return ok;
}

static bool use(struct agent_keep *keep, struct text *out, const struct agent_request *request,
                struct err *err)
{
    struct bytes32 nonce;
    if (keep->holder == NULL)
        return err_set(err, ERR_RESTRICTED, "the agent is locked: shoal agent unlock");
    keep->used++;
    if (request->ask == AGENT_SIGN)
        return sign(keep, out, request->bytes, err);
    if (request->ask == AGENT_OPEN)
        return holder_open(keep->holder, out, &request->peer, request->bytes, err);
    randombytes_buf(&nonce, sizeof nonce);
    return holder_seal(keep->holder, out, &request->peer, request->bytes, &nonce, err);
}

/* From the file as it is now: it may have been replaced. */
static bool open_file(struct agent_keep *keep, struct span password, struct err *err)
{
    struct vault vault;
    struct keys *keys = NULL;
    if (vault_read(&vault, keep->file, err))
        keys = ncryptsec_open(vault.word, password, err);
    if (keys != NULL) {
        unlock(keep, keys);
        keep->mark = sig_sha256(vault.word);
    }
    vault_clear(&vault);
    return keys != NULL;
}

static bool answer(struct agent_keep *keep, struct text *out, const struct agent_request *request,
                   struct err *err)
{
    switch (request->ask) {
    case AGENT_HELLO:
        return greet(keep, out);
    case AGENT_SIGN:
    case AGENT_SEAL:
    case AGENT_OPEN:
        return use(keep, out, request, err);
    case AGENT_UNLOCK:
        return open_file(keep, request->bytes, err);
    case AGENT_LOCK:
    case AGENT_STOP:
        lock(keep);
        return true;
    }
    return err_set(err, ERR_UNSUPPORTED, "an agent is not asked that");
}

bool agent_keep_answer(struct agent_keep *keep, struct text *out, struct span body, uint64_t now_ms)
{
    struct agent_request request;
    struct text found = {0};
    struct err err;
    agent_keep_look(keep, now_ms);
    bool ok = agent_parse_request(&request, body, &err) && answer(keep, &found, &request, &err);
    if (ok)
        agent_write_done(out, text_span(&found));
    else
        agent_write_refusal(out, &err);
    if (found.at != NULL)
        secret_wipe(found.at, found.capacity); /* maybe a plain text */
    text_clear(&found);
    if (request.ask != AGENT_HELLO)
        keep->used_ms = now_ms;
    return !ok || request.ask != AGENT_STOP;
}

void agent_keep_look(struct agent_keep *keep, uint64_t now_ms)
{
    if (keep->used_ms == 0)
        keep->used_ms = now_ms;
    if (keep->timeout_s > 0 && now_ms - keep->used_ms >= (uint64_t)keep->timeout_s * 1000)
        lock(keep);
}
