/* shoal infer: a prompt, answered by whoever offers that best, for credit. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "client/command_infer.h"
#include "client/token.h"
#include "shared/err.h"

enum {
    TOKENS_PRESET = 128,
    TOKENS_MAX = 1 << 20,
    TOKEN_BYTES = 4,      /* of a prompt, as a rule; one at least */
    SEED_SPARE_BITS = 11, /* of 64: other programs' numbers have 53 */
};

/* ---- what is wanted ---- */

static bool read_wish(struct infer *infer, struct err *err)
{
    const char *model = command_value(infer->call, "model");
    const char *most = command_value(infer->call, "max-price");
    int64_t tokens;
    if (!infer_read_prompts(infer, err) ||
        !command_read_number(infer->call, "max-tokens", TOKENS_PRESET, TOKENS_MAX, &tokens, err))
        return false;
    if (tokens == 0)
        return err_set(err, ERR_INVALID, "--max-tokens: 1 at least");
    infer->tokens_max = (uint32_t)tokens;
    infer->wish = (struct market_wish){
        .model = command_span(model != NULL ? model : ""),
        .usage = {.in = (uint32_t)(infer->prompt.len / TOKEN_BYTES) + INFER_FRAME_TOKENS,
                  .out = infer->tokens_max},
        .cost_max = UINT64_MAX,
        .needs_payment = true};
    return most == NULL || pocket_amount(&infer->wish.cost_max, most, err);
}

/* ---- what is said of it ---- */

static void write_json(const struct infer *infer, struct text *out)
{
    const struct infer_job *job = &infer->job;
    text_add(out, SPAN("{"));
    home_write_hex(out, "node", &job->node);
    text_add(out, SPAN(",\"model\":"));
    text_add_json(out, infer->chosen->entry.offer.model);
    text_add(out, SPAN(",\"mint\":"));
    text_add_json(out, job->trade.mint.url);
    text_addf(out, ",\"sent\":%" PRIu64 ",\"spent\":%" PRIu64 ",\"unit\":", job->amount,
              job->spent);
    text_add_json(out, command_span(job->unit));
    text_addf(out,
              ",\"prompt_tokens\":%u,\"output_tokens\":%u,\"first_ms\":%" PRIu64 ",\"ms\":%" PRIu64
              ",\"settled\":%s,\"finish\":",
              job->prompt_tokens, job->output_tokens,
              job->first_ms > job->began_ms ? job->first_ms - job->began_ms : 0,
              job->ended_ms - job->began_ms, job->is_settled ? "true" : "false");
    text_add_json(out, job->finish);
    text_add(out, SPAN("}\n"));
}

static void write_words(const struct infer *infer, struct text *out)
{
    const struct infer_job *job = &infer->job;
    uint64_t ms = job->ended_ms - job->began_ms;
    text_add_hex(out, job->node.at, 8);
    text_add(out, SPAN(", "));
    home_write_words(out, infer->chosen->entry.offer.model, OFFER_MODEL_BYTES_MAX);
    text_add(out, SPAN(": "));
    pocket_write_amount(out, job->spent);
    text_add(out, SPAN(" credits "));
    home_write_words(out, command_span(job->unit), OFFER_WORD_BYTES_MAX);
    text_add(out, SPAN(", change "));
    pocket_write_amount(out, job->amount > job->spent ? job->amount - job->spent : 0);
    text_addf(out, "; %u and %u tokens in %" PRIu64 ".%" PRIu64 " s", job->prompt_tokens,
              job->output_tokens, ms / 1000, ms % 1000 / 100);
    if (ms > 0 && job->output_tokens > 0)
        text_addf(out, ", %" PRIu64 " a second", job->output_tokens * UINT64_C(1000) / ms);
    text_add(out, SPAN("\n"));
    if (span_eq(job->finish, SPAN("length")))
        text_add(out, SPAN("cut off there: --max-tokens\n"));
}

static enum command_status report(struct infer *infer, bool is_whole, const struct err *why)
{
    struct text out = {0};
    enum command_status status = is_whole ? COMMAND_DONE : command_fail(infer->call, why);
    if (!infer->call->is_json && infer->job.said.len > 0)
        text_add(&out, SPAN("\n"));
    if (infer->call->is_json && infer->job.has_begun)
        write_json(infer, &out);
    if (command_print(infer->call, &out) != COMMAND_DONE)
        status = COMMAND_FAILED;
    out.len = 0;
    if (infer->job.has_begun) {
        write_words(infer, &out);
        fprintf(stderr, "%.*s", (int)out.len, out.at);
    }
    if (!infer->job.is_settled)
        fprintf(stderr,
                "shoal infer: what is left of it is at the mint still: shoal wallet sync\n");
    text_clear(&out);
    return status;
}

/* ---- the command ---- */

enum command_status infer_try(const struct infer *infer)
{
    struct text out = {0};
    if (infer->call->is_json) {
        text_add(&out, SPAN("{"));
        home_write_hex(&out, "node", &infer->job.node);
        text_addf(&out, ",\"sent\":%" PRIu64 ",\"unit\":", infer->about);
        text_add_json(&out, command_span(infer->job.unit));
        text_add(&out, SPAN(",\"dry_run\":true}\n"));
    } else {
        text_add(&out, SPAN("would ask "));
        text_add_hex(&out, infer->job.node.at, 8);
        text_add(&out, SPAN(", for about "));
        pocket_write_amount(&out, infer->about);
        text_add(&out, SPAN(" credits\n"));
    }
    enum command_status status = command_print(infer->call, &out);
    text_clear(&out);
    return status;
}

/* The words, as they come. */
static void on_heard(void *owner, struct span text)
{
    struct infer *infer = owner;
    struct text out = {0};
    if (infer->call->is_json) {
        text_add(&out, SPAN("{\"text\":"));
        text_add_json(&out, text);
        text_add(&out, SPAN("}\n"));
    } else {
        infer_write_plain(&out, text);
    }
    if (!infer->job.is_lost && command_print(infer->call, &out) != COMMAND_DONE)
        infer->job.is_lost = true;
    text_clear(&out);
}

static enum command_status buy(struct infer *infer)
{
    struct err err;
    randombytes_buf(&infer->seed, sizeof infer->seed);
    infer->seed >>= SEED_SPARE_BITS;
    if (infer->prompt_count > 1)
        return infer_batch(infer);
    if (!infer_choose(infer, &err))
        return command_fail(infer->call, &err);
    if (infer->pocket.is_trial)
        return infer_try(infer);
    infer->job.heard = on_heard;
    infer->job.owner = infer;
    bool is_whole = infer_buy(infer, &err);
    enum command_status status = report(infer, is_whole, &err);
    infer_remember(infer, &infer->job, is_whole);
    infer_tell(infer);
    return status;
}

static enum command_status look_around(struct infer *infer)
{
    struct err err;
    if (!read_wish(infer, &err))
        return command_misuse(infer->call, "%s", err.text);
    enum command_status status = infer_gather(infer);
    if (status != COMMAND_DONE)
        return status;
    if (!infer_compete(infer, &err))
        return command_fail(infer->call, &err);
    if (command_value(infer->call, "explain") != NULL)
        infer_explain(infer);
    return buy(infer);
}

static enum command_status run_infer(struct command_call *call)
{
    struct infer infer = {.call = call, .survey.is_over = true};
    enum command_status status = look_around(&infer);
    infer_end(&infer);
    return status;
}

static void describe(struct text *out)
{
    text_add(out, SPAN("The node that computes the answer can read the prompt, and the answer: "
                       "whoever runs it sees both,\nas do those that compute some layers for it. "
                       "Nobody else does with --encrypt: relays see that the\nnode is spoken with, "
                       "by a key that is thrown away.\nIt is paid from the wallet with a token of "
                       "what the job may cost at most; what it did not cost comes\nback. After "
                       "Ctrl-C, or when the node is lost, what was said until then is paid for; "
                       "where the rest\nis not back at once, shoal wallet sync takes it from the "
                       "mint. Answers are the likeliest ones\n(temperature 0). Prices are as "
                       "the offers say, in credits.\nRelays are told that the node has delivered, "
                       "signed by a key that is made for this node and four weeks: not by\n"
                       "yours. Who is asked depends on what it costs, on how jobs went here and "
                       "what buyers\nhave signed, and on how fast it begins.\n"
                       "With --split each part of a text is a job of its own, at any node that "
                       "fits and costs up to twice as much\nas the best; the answers come in the "
                       "order of the parts. One that fails is asked again\nelsewhere, three times "
                       "in all, and where that fails the rest is not asked.\n"));
}

static const struct command_option options[] = {
    {"file", "FILE", "the text to ask about; PROMPT stands before it, and may be left out"},
    {"split", "HOW", "none, paragraph, or size[:BYTES]: each part is asked by itself [none]"},
    {"model", "M", "its name, or the root of its weights in hex [any]"},
    {"max-price", "CREDITS", "what it may cost at most, all parts together"},
    {"max-tokens", "N", "how long the answer, or that to a part, may be [128]"},
    {"node", "NPUB|URL", "ask this node, not the one that fits best"},
    {"encrypt", NULL, "only over relays, sealed to the node that is chosen"},
    {"explain", NULL, "say why that node, and why not the others"},
    {"no-receipt", NULL, "do not tell the relays that the node has delivered"},
    HOME_OPTION_DRY_RUN,
    COMMAND_OPTION_JSON,
    SURVEY_OPTIONS};

const struct command command_infer = {
    .name = "infer",
    .words = "[PROMPT|-]",
    .help = "ask a model at the node that offers it best, and pay with credit of your wallet",
    .words_min = 0,
    .words_max = 1,
    .options = options,
    .option_count = ARRAY_LEN(options),
    .run = run_infer,
    .more = describe};
