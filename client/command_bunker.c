/* shoal identity import bunker://..., identity connect: a key that stays with a bunker. */
#include <sodium.h>
#include <stdio.h>

#include "client/command_key.h"
#include "client/holder.h"
#include "client/keys.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/text.h"
#include "shared/url.h"

enum { SECRET_BYTES = 16 };

/* How the two get to know each other. */
struct meeting {
    const struct command_call *call;
    struct bunker_place place;
    struct keys *keys; /* that we speak with; they go with the bunker */
    bool is_offer;     /* it comes to us */
};

static bool print_offer(const struct meeting *meeting)
{
    const struct command_call *call = meeting->call;
    struct text out = {0}, offer = {0};
    bunker_write_offer(&offer, keys_pubkey(meeting->keys), &meeting->place);
    if (call->is_json) {
        text_add(&out, SPAN("{\"offer\":"));
        text_add_json(&out, text_span(&offer));
        text_add(&out, SPAN("}\n"));
    } else {
        text_addf(&out, "%.*s\n", SPAN_ARG(text_span(&offer)));
    }
    text_clear(&offer);
    return command_print(call, &out) == COMMAND_DONE;
}

static bool greet(const struct meeting *meeting, struct bunker *bunker, struct err *err)
{
    if (!meeting->is_offer)
        return bunker_connect(bunker, err);
    if (!bunker_listen(bunker, err))
        return false;
    return (print_offer(meeting) || err_set(err, ERR_INTERNAL, "nobody sees the offer")) &&
           bunker_await(bunker, err);
}

/* A trial asks no bunker for anything, which would have to say yes; so it knows no user. */
static enum command_status say_trial(const struct key_file *file)
{
    struct text out = {0};
    text_add(&out, file->call->is_json ? SPAN("{\"file\":") : SPAN("file        "));
    if (file->call->is_json)
        text_add_json(&out, command_span(file->path));
    else
        text_add(&out, command_span(file->path));
    text_add(&out, file->call->is_json ? SPAN(",\"dry_run\":true}\n")
                                       : SPAN("\nnothing was kept, and no bunker asked\n"));
    return command_print(file->call, &out);
}

/* Keeps a key to speak with, and the address, once the bunker has answered. */
static enum command_status meet(const struct meeting *meeting)
{
    struct key_file file;
    struct bytes32 user;
    struct err err;
    struct bunker *bunker = NULL;
    struct holder *client = holder_of_keys(meeting->keys);
    enum command_status status = key_begin(&file, meeting->call);
    if (status != COMMAND_DONE || file.is_trial) {
        status = status == COMMAND_DONE ? say_trial(&file) : status;
        holder_free(client);
    } else if ((bunker = key_bunker(meeting->call, client, &meeting->place, &err)) == NULL ||
               !greet(meeting, bunker, &err) || !bunker_user(bunker, &user, &err))
        status = command_fail(meeting->call, &err);
    else
        status = key_keep(&file, meeting->keys, NCRYPTSEC_SAFE, bunker_at(bunker));
    key_end(&file);
    bunker_free(bunker);
    return status;
}

enum command_status key_import_bunker(const struct command_call *call, struct span word)
{
    struct arena arena = {0};
    struct meeting meeting = {.call = call};
    struct err err;
    enum command_status status;
    if (!bunker_parse(&meeting.place, &arena, word, &err))
        status = command_fail(call, &err);
    else if (meeting.place.secret.len > 0 && call->word_count > 0)
        status = command_misuse(call, "an address with a secret is no argument: it is typed, or "
                                      "the first line of --from FILE");
    else {
        meeting.keys = key_random();
        status = meet(&meeting);
    }
    arena_clear(&arena);
    return status;
}

static bool read_relays(struct bunker_place *place, const struct command_call *call,
                        struct err *err)
{
    const char *url;
    size_t at = 0;
    struct url read;
    while ((url = command_next_value(call, "relay", &at)) != NULL) {
        if (!url_parse(&read, command_span(url), err))
            return false;
        if (place->relay_count == BUNKER_RELAYS_MAX)
            return err_set(err, ERR_INVALID, "over %d relays", BUNKER_RELAYS_MAX);
        place->relays[place->relay_count++] = command_span(url);
    }
    return place->relay_count > 0 || err_set(err, ERR_INVALID, "expected --relay URL");
}

static enum command_status run_connect(struct command_call *call)
{
    uint8_t bytes[SECRET_BYTES];
    char secret[2 * SECRET_BYTES + 1];
    struct meeting meeting = {.call = call, .is_offer = true};
    struct err err;
    if (!read_relays(&meeting.place, call, &err))
        return command_misuse(call, "%s", err.text);
    randombytes_buf(bytes, sizeof bytes);
    sodium_bin2hex(secret, sizeof secret, bytes, sizeof bytes);
    meeting.place.secret = command_span(secret);
    meeting.keys = key_random();
    return meet(&meeting);
}

static const struct command_option options_connect[] = {
    {"relay", "URL", "where to meet; may be repeated"},
    KEY_OPTIONS_NET,
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD,
    KEY_OPTION_COST,
    KEY_OPTION_REPLACE,
    KEY_OPTION_DRY_RUN,
    COMMAND_OPTION_JSON};

const struct command command_identity_connect = {
    .name = "identity connect",
    .help = "show a bunker the way to you: an address (nostrconnect://) for it to scan",
    .options = options_connect,
    .option_count = ARRAY_LEN(options_connect),
    .run = run_connect};
