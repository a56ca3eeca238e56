/* shoal audit: an answer that was bought, checked by another node; or two events, against each
 * other. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "client/command_infer.h"
#include "client/deed.h"
#include "client/holder.h"
#include "shared/err.h"
#include "shared/fraud.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/verdict.h"

struct audit {
    struct infer infer;
    struct deed deed;
    struct event event; /* the receipt */
    struct receipt receipt;
    struct verdict verdict;
};

/* ---- what is said ---- */

/* Signed by ourselves: an auditor is somebody. Kept, and told to the relays. */
static bool publish(struct infer *infer, struct event *event, struct err *err)
{
    struct bytes32 aux;
    enum store_verdict verdict;
    randombytes_buf(&aux, sizeof aux);
    event->created_at = time(NULL);
    if (!holder_sign(infer->pocket.holder, event, &aux, err) ||
        !store_put(infer->pocket.store, &verdict, event, NULL, 0, err))
        return false;
    infer_tell_later(infer, event);
    infer_tell(infer);
    return true;
}

static struct event event_of(struct infer *infer, uint16_t kind, struct text *tags,
                             struct text *content)
{
    struct event event = {.kind = kind,
                          .tags_json = arena_copy(&infer->arena, text_span(tags)),
                          .content_json = arena_copy(&infer->arena, text_span(content))};
    text_clear(tags);
    text_clear(content);
    return event;
}

static enum command_status report(const struct audit *audit)
{
    const struct command_call *call = audit->infer.call;
    const struct verdict *verdict = &audit->verdict;
    bool is_right = verdict_is_right(verdict);
    struct text out = {0};
    if (call->is_json) {
        text_add(&out, SPAN("{"));
        home_write_hex(&out, "node", &verdict->node);
        text_add(&out, SPAN(","));
        home_write_hex(&out, "auditor", &audit->infer.job.node);
        text_addf(&out,
                  ",\"verdict\":\"%s\",\"checked\":%u,\"same\":%u,\"first\":%u,\"spent\":%" PRIu64
                  ",\"unit\":",
                  is_right ? "right" : "wrong", verdict->checked, verdict->same, verdict->first,
                  audit->infer.job.spent);
        text_add_json(&out, command_span(audit->infer.job.unit));
        text_add(&out, SPAN("}\n"));
    } else {
        text_addf(&out, "%s: of %u tokens that ", is_right ? "right" : "wrong", verdict->checked);
        text_add_hex(&out, verdict->node.at, 8);
        text_addf(&out, " gave, ");
        text_add_hex(&out, audit->infer.job.node.at, 8);
        text_addf(&out, " finds %u right, for ", verdict->same);
        pocket_write_amount(&out, audit->infer.job.spent);
        text_add(&out, SPAN(" credits\n"));
    }
    enum command_status status = command_print(call, &out);
    text_clear(&out);
    return is_right ? status : COMMAND_FAILED;
}

/* ---- one answer ---- */

static bool read_claims(struct verdict *verdict, struct span said, struct err *err)
{
    struct arena arena = {0};
    struct scan scan = scan_begin(said);
    struct scan_list list;
    struct span key;
    uint32_t skipped;
    bool ok = scan_object(&scan, &list, NULL);
    while (ok && list.more) {
        int64_t number;
        ok = scan_key(&scan, &arena, &key, NULL) &&
             scan_integer(&scan, &number, UINT32_MAX, NULL) && scan_next(&scan, &list, NULL);
        uint32_t *to = span_eq(key, SPAN("checked")) ? &verdict->checked
                       : span_eq(key, SPAN("same"))  ? &verdict->same
                       : span_eq(key, SPAN("first")) ? &verdict->first
                                                     : &skipped;
        if (ok)
            *to = (uint32_t)number;
    }
    arena_clear(&arena);
    return (ok && verdict->same <= verdict->checked) ||
           err_set(err, ERR_INVALID, "the node does not check answers");
}

/* As others will read it. */
static bool judge(struct audit *audit, struct err *err)
{
    struct infer *infer = &audit->infer;
    struct text tags = {0}, content = {0}, json = {0};
    struct event event;
    struct verdict read;
    audit->verdict =
        (struct verdict){.job = audit->receipt.job,
                         .node = audit->event.pubkey,
                         .receipts = {audit->deed.receipt, text_span(&infer->job.receipt)}};
    if (!read_claims(&audit->verdict, text_span(&infer->job.said), err))
        return false;
    if (audit->verdict.checked != audit->receipt.output_tokens)
        return err_set(err, ERR_INVALID, "the node has not checked all");
    verdict_write(&tags, &content, &audit->verdict);
    event = event_of(infer, KIND_VERDICT, &tags, &content);
    bool ok = publish(infer, &event, err);
    event_write(&json, &event);
    ok = ok && event_parse(&event, &infer->arena, text_span(&json), err) &&
         verdict_read(&read, &infer->arena, &event, err);
    text_clear(&json);
    return ok;
}

static bool find_deed(struct audit *audit, struct err *err)
{
    struct infer *infer = &audit->infer;
    struct deed *deed = &audit->deed;
    if (!deed_find(infer->pocket.store, deed, &infer->arena, command_span(infer->call->words[0]),
                   err) ||
        !event_parse(&audit->event, &infer->arena, deed->receipt, err) ||
        !receipt_read(&audit->receipt, &infer->arena, &audit->event, err))
        return false;
    return (deed->tokens.len > 0 && audit->receipt.output_tokens > 0) ||
           err_set(err, ERR_INVALID, "the node did not say which tokens its answer is made of");
}

/* Any node but the one whose answer it is, of the same weights. */
static bool choose(struct audit *audit, struct err *err)
{
    struct infer *infer = &audit->infer;
    struct text root = {0};
    size_t kept = 0;
    text_add_hex(&root, audit->receipt.model.at, sizeof audit->receipt.model.at);
    infer->prompt = audit->deed.prompt;
    infer->prompts = &audit->deed.prompt;
    infer->prompt_count = 1;
    infer->seed = audit->deed.seed;
    infer->tokens_max = audit->deed.tokens_max;
    infer->claimed = audit->deed.tokens;
    infer->wish.model = arena_copy(&infer->arena, text_span(&root));
    infer->wish.usage = (struct offer_usage){
        .in = audit->receipt.prompt_tokens + audit->receipt.output_tokens, .out = 1};
    text_clear(&root);
    if (!infer_compete(infer, err))
        return false;
    for (size_t i = 0; i < infer->count; i++)
        if (memcmp(&infer->candidates[i].entry.node, &audit->event.pubkey,
                   sizeof audit->event.pubkey) != 0)
            infer->candidates[kept++] = infer->candidates[i];
    infer->count = kept;
    if (command_value(infer->call, "explain") != NULL)
        infer_explain(infer);
    return infer_choose(infer, err);
}

static enum command_status check_answer(struct audit *audit)
{
    struct infer *infer = &audit->infer;
    struct err err;
    if (!find_deed(audit, &err) || !choose(audit, &err))
        return command_fail(infer->call, &err);
    if (infer->pocket.is_trial)
        return infer_try(infer);
    bool is_whole = infer_buy(infer, &err);
    if (infer->job.token.len > 0)
        infer_remember(infer, &infer->job, is_whole);
    if (!is_whole || !judge(audit, &err))
        return command_fail(infer->call, &err);
    return report(audit);
}

/* ---- two events ---- */

static bool get(struct infer *infer, struct event *event, const char *word, struct err *err)
{
    struct bytes32 id;
    struct span json;
    if (!home_resolve(infer->pocket.store, &id, word, err) ||
        !store_get(infer->pocket.store, &json, &infer->arena, &id, err))
        return false;
    return json.len > 0 ? event_parse(event, &infer->arena, json, err)
                        : err_set(err, ERR_INVALID, "there is no event %s here", word);
}

static bool prove(struct infer *infer, struct text *out, struct err *err)
{
    struct event a, b;
    struct text tags = {0}, content = {0};
    if (!get(infer, &a, infer->call->words[0], err) ||
        !get(infer, &b, infer->call->words[1], err) || !fraud_check(&infer->arena, &a, &b, err))
        return false;
    fraud_write(&tags, &content, &a, &b);
    struct event event = event_of(infer, KIND_FRAUD, &tags, &content);
    bool is_trial = infer->pocket.is_trial;
    if (!is_trial && !publish(infer, &event, err))
        return false;
    text_add(out, infer->call->is_json ? SPAN("{")
                  : is_trial           ? SPAN("can be proven: ")
                                       : SPAN("proven: "));
    if (infer->call->is_json) {
        home_write_hex(out, "node", &a.pubkey);
        text_add(out, is_trial ? SPAN(",\"dry_run\":true}") : SPAN(","));
        if (!is_trial)
            home_write_hex(out, "proof", &event.id);
        text_add(out, is_trial ? SPAN("") : SPAN("}"));
    } else {
        text_add_hex(out, a.pubkey.at, sizeof a.pubkey.at);
    }
    text_add(out, SPAN("\n"));
    return true;
}

static enum command_status prove_it(struct infer *infer)
{
    struct text out = {0};
    struct err err;
    enum command_status status = prove(infer, &out, &err) ? command_print(infer->call, &out)
                                                          : command_fail(infer->call, &err);
    text_clear(&out);
    return status;
}

/* ---- the command ---- */

static enum command_status run_audit(struct command_call *call)
{
    struct audit audit = {.infer = {.call = call,
                                    .survey.is_over = true,
                                    .wish = {.cost_max = UINT64_MAX, .needs_payment = true}}};
    const char *most = command_value(call, "max-price");
    struct err err;
    if (most != NULL && !pocket_amount(&audit.infer.wish.cost_max, most, &err))
        return command_misuse(call, "%s", err.text);
    enum command_status status = infer_gather(&audit.infer);
    if (status == COMMAND_DONE)
        status = call->word_count == 1 ? check_answer(&audit) : prove_it(&audit.infer);
    infer_end(&audit.infer);
    return status;
}

static void describe(struct text *out)
{
    text_add(out,
             SPAN("An answer that shoal infer has bought is read again by another node of the "
                  "same weights: it says which\ntokens are those that the model, the prompt "
                  "and the agreed seed give. That node reads the prompt, too,\nand is paid for "
                  "reading. An answer is wrong when more than one of its tokens, and more than "
                  "one in 50,\nis another. The verdict (kind 8433) is signed by you, with both "
                  "receipts in it, and told to the relays.\nJOB is the receipt's id, or the "
                  "job's, or how it begins. Status: 1 also for a wrong answer.\n\n"
                  "Two events of one node that cannot both be true, by their ids in the store, "
                  "make a proof (kind 8434)\nthat everybody can check: shoal infer asks such a "
                  "node no more.\n"));
}

static const struct command_option options[] = {
    {"max-price", "CREDITS", "what the check may cost at most"},
    {"node", "NPUB|URL", "have this node check it, not the one that fits best"},
    {"explain", NULL, "say why that node, and why not the others"},
    {"no-receipt", NULL, "do not tell the relays that the node has delivered"},
    HOME_OPTION_DRY_RUN,
    COMMAND_OPTION_JSON,
    SURVEY_OPTIONS};

const struct command command_audit = {
    .name = "audit",
    .words = "JOB | EVENT EVENT",
    .help = "have an answer that you bought checked by another node; or prove that one has lied",
    .words_min = 1,
    .words_max = 2,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_audit,
    .more = describe};
