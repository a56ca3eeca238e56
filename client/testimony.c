#include "client/testimony.h"

#include <endian.h>
#include <sodium.h>
#include <stdlib.h>

#include "client/keys.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/sig.h"
#include "shared/text.h"

/* ---- who ---- */

/* One half is a secret; the other, which says nothing of it, names the session. */
static struct bytes64 derive(const struct bytes64 *seed, const struct testimony_about *about)
{
    static const char name[] = "Shoal_Session_v1";
    uint64_t session = htobe64((uint64_t)(about->at / TESTIMONY_SESSION_S));
    crypto_auth_hmacsha512_state state;
    struct bytes64 out;
    crypto_auth_hmacsha512_init(&state, seed->at, sizeof seed->at);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)name, sizeof name - 1);
    crypto_auth_hmacsha512_update(&state, about->node.at, sizeof about->node.at);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)&session, sizeof session);
    crypto_auth_hmacsha512_update(&state, (const unsigned char *)about->unit.at, about->unit.len);
    crypto_auth_hmacsha512_final(&state, out.at);
    secret_wipe(&state, sizeof state);
    return out;
}

struct keys *testimony_keys(struct bytes32 *session, const struct bytes64 *seed,
                            const struct testimony_about *about)
{
    struct bytes64 both = derive(seed, about);
    struct bytes32 secret;
    memcpy(secret.at, both.at, sizeof secret.at);
    memcpy(session->at, both.at + sizeof secret.at, sizeof session->at);
    struct keys *keys = keys_new(&secret);
    secret_wipe(&secret, sizeof secret);
    secret_wipe(&both, sizeof both);
    if (keys == NULL) /* one in 2^128 */
        abort();
    return keys;
}

/* ---- what ---- */

static uint32_t average(uint32_t before, uint32_t count, uint32_t next)
{
    return (uint32_t)(((uint64_t)before * count + next) / ((uint64_t)count + 1));
}

void testimony_add(struct receipt_counter *counter, const struct testimony_job *job)
{
    const struct receipt *receipt = job->receipt;
    if (receipt == NULL) {
        counter->failed += counter->failed < UINT32_MAX;
        return;
    }
    if (counter->jobs == UINT32_MAX || receipt->amount > INT64_MAX - counter->amount)
        return; /* nobody has as much */
    counter->first_ms = average(counter->first_ms, counter->jobs, job->first_ms);
    counter->rate = average(counter->rate, counter->jobs, job->rate);
    counter->jobs++;
    counter->amount += receipt->amount;
    counter->prompt_tokens += receipt->prompt_tokens;
    counter->output_tokens += receipt->output_tokens;
}

void testimony_write(struct event *event, struct arena *arena,
                     const struct receipt_counter *counter, struct span receipt)
{
    struct text tags = {0}, content = {0};
    receipt_write_counter(&tags, counter);
    text_add_json(&content, receipt);
    struct span quoted = arena_copy(arena, text_span(&content));
    *event = (struct event){.kind = KIND_COUNTER_RECEIPT,
                            .tags_json = arena_copy(arena, text_span(&tags)),
                            .content_json = {quoted.at + 1, quoted.len - 2}};
    text_clear(&tags);
    text_clear(&content);
}

static bool check(const struct event *event, struct err *err)
{
    return (event_check_id(event) && sig_verify(&event->sig, &event->id, &event->pubkey)) ||
           err_set(err, ERR_INVALID, "its signature is wrong");
}

/* What was carried is of that node, and says no more than the buyer does. */
static bool read_carried(struct market_deal *deal, struct arena *arena,
                         const struct receipt_counter *counter, struct span json, struct err *err)
{
    struct event event;
    struct receipt receipt;
    if (!event_parse(&event, arena, json, err) || !receipt_read(&receipt, arena, &event, err))
        return false;
    if (memcmp(&event.pubkey, &counter->provider, sizeof event.pubkey) != 0)
        return err_set(err, ERR_INVALID, "it carries the receipt of another node");
    if (!span_eq(receipt.unit, counter->unit) || receipt.amount > counter->amount ||
        counter->jobs == 0)
        return err_set(err, ERR_INVALID, "it carries a receipt that it does not count");
    if (!check(&event, err))
        return false;
    deal->receipt = event.id;
    deal->is_good = true;
    if (event.created_at < deal->at)
        deal->at = event.created_at;
    return true;
}

bool testimony_read(struct market_deal *deal, struct receipt_counter *counter, struct arena *arena,
                    const struct event *event, struct err *err)
{
    if (!receipt_read_counter(counter, event, err))
        return false;
    *deal = (struct market_deal){
        .node = counter->provider, .buyer = event->pubkey, .at = event->created_at};
    struct span json = scan_decode(arena, (struct scan_string){event->content_json, true});
    if (json.len == 0)
        return check(event, err);
    deal->ttft_ms = counter->first_ms;
    return read_carried(deal, arena, counter, json, err) && check(event, err);
}
