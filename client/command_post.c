/* shoal post, reply, react, repost: notes, and what one does with those of others. */
#include "client/catalog.h"
#include "client/command_pen.h"
#include "client/draft.h"
#include "client/thread.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "shared/utf8.h"

enum { REACTION_BYTES_MAX = 100 };

/* Ends with draft. */
static bool publish(struct pen *pen, struct text *out, struct draft *draft, struct err *err)
{
    struct event event;
    draft->created_at = pen_now();
    if (!pen_sign(pen, &event, draft, err) || !pen_tell(pen, &event, err))
        return false;
    pen_report(pen, out, &event.id, &event.id);
    return true;
}

/* The tag of an option that is given. */
static bool add_option(struct pen *pen, struct draft *draft, const char *name, struct span tag,
                       struct err *err)
{
    const char *value = command_value(pen->call, name);
    if (value == NULL)
        return true;
    if (!utf8_is(command_span(value)))
        return err_set(err, ERR_INVALID, "--%s: a text that is not UTF-8", name);
    draft_tag_pair(draft, tag, command_span(value));
    return true;
}

/* The text from a word on, what it names, and the options' tags. */
static bool read_text(struct pen *pen, struct draft *draft, size_t first, struct err *err)
{
    struct span text;
    if (!pen_text(pen, &text, first, err) || !thread_mention(draft, text, err))
        return false;
    text_add(&draft->content, text);
    return add_option(pen, draft, "subject", SPAN("subject"), err) &&
           add_option(pen, draft, "warning", SPAN("content-warning"), err);
}

static bool post(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {.kind = KIND_NOTE};
    if (read_text(pen, &draft, 0, err))
        return publish(pen, out, &draft, err);
    draft_clear(&draft);
    return false;
}

/* What the first word names. */
static bool find(struct pen *pen, struct catalog_event *event, struct err *err)
{
    struct bytes32 id;
    struct catalog_events found;
    if (!home_resolve(pen->store, &id, pen->call->words[0], err) ||
        !catalog_event(pen->store, &found, &pen->arena, &id, err))
        return false;
    if (found.count == 0 || found.at->is_redacted)
        return err_set(err, ERR_INVALID, "it is not in the store: fetch it first");
    *event = *found.at;
    return true;
}

static bool load(struct pen *pen, struct event *event, struct err *err)
{
    struct catalog_event found;
    return find(pen, &found, err) && event_parse(event, &pen->arena, found.json, err);
}

static bool reply(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {0};
    struct event parent;
    if (!load(pen, &parent, err))
        return false;
    thread_reply(&draft, &parent);
    if (read_text(pen, &draft, 1, err))
        return publish(pen, out, &draft, err);
    draft_clear(&draft);
    return false;
}

static bool react(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {0};
    struct event to;
    struct span mark = pen->call->word_count > 1 ? command_span(pen->call->words[1]) : SPAN("+");
    if (mark.len > REACTION_BYTES_MAX || !utf8_is(mark))
        return err_set(err, ERR_INVALID, "expected +, - or an emoji");
    if (!load(pen, &to, err))
        return false;
    thread_react(&draft, &to);
    text_add(&draft.content, mark);
    return publish(pen, out, &draft, err);
}

static bool repost(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {0};
    struct catalog_event found;
    struct event what;
    if (!find(pen, &found, err) || !event_parse(&what, &pen->arena, found.json, err))
        return false;
    if (found.is_withheld)
        return err_set(err, ERR_RESTRICTED, "it is of a circle, for nobody else to see");
    thread_repost(&draft, &what, pen->relay_count > 0 ? pen->relays[0] : SPAN(""));
    if (!event_is_protected(&what)) /* its author sends that to relays, nobody else does */
        text_add(&draft.content, found.json);
    return publish(pen, out, &draft, err);
}

static const struct command_option options_text[] = {
    {"subject", "TEXT", "what it is about"},
    {"warning", "TEXT", "why somebody may not want to see it"},
    PEN_OPTIONS};

const struct command command_post = {.name = "post",
                                     .words = "TEXT... | -",
                                     .help =
                                         "write a note for everybody; -: what standard input says",
                                     .words_min = 1,
                                     .words_max = COMMAND_WORDS_MAX,
                                     .options = options_text,
                                     .option_count = ARRAY_LEN(options_text),
                                     .write = post};

const struct command command_reply = {.name = "reply",
                                      .words = "ID TEXT... | ID -",
                                      .help = "answer a note, or comment on any other event",
                                      .words_min = 2,
                                      .words_max = COMMAND_WORDS_MAX,
                                      .options = options_text,
                                      .option_count = ARRAY_LEN(options_text),
                                      .write = reply};

static const struct command_option options_react[] = {PEN_OPTIONS};

const struct command command_react = {.name = "react",
                                      .words = "ID|- [+ | - | EMOJI]",
                                      .help = "like it, or say otherwise what you think of it",
                                      .words_min = 1,
                                      .words_max = 2,
                                      .options = options_react,
                                      .option_count = ARRAY_LEN(options_react),
                                      .write = react,
                                      .lines = COMMAND_LINES_EACH,
                                      .lines_max = 1};

const struct command command_repost = {.name = "repost",
                                       .words = "ID|-",
                                       .help =
                                           "pass on what somebody wrote to those who follow you",
                                       .words_min = 1,
                                       .words_max = 1,
                                       .options = options_react,
                                       .option_count = ARRAY_LEN(options_react),
                                       .write = repost,
                                       .lines = COMMAND_LINES_EACH,
                                       .lines_max = 1};
