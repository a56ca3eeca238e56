/* shoal dm send, relays: private messages on their way, and where one's own are left. */
#include "client/command_inbox.h"
#include "client/command_letter.h"
#include "client/command_pen.h"
#include "client/command_people.h"
#include "client/direct.h"
#include "client/draft.h"
#include "client/inbox.h"
#include "client/mailbox.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/kind.h"
#include "shared/text.h"
#include "shared/url.h"
#include "shared/utf8.h"

/* ---- shoal dm send ---- */

/* The people of the message that is answered, where none are named. */
static bool read_reply(struct pen *pen, struct direct *direct, struct bytes32 *people,
                       struct err *err)
{
    struct direct answered;
    const char *word = command_value(pen->call, "reply");
    if (word == NULL)
        return true;
    if (!inbox_resolve(pen->store, &answered, &direct->reply_to, &pen->arena,
                       &(struct inbox_name){pen_me(pen), word}, err))
        return false;
    direct->has_reply = true;
    if (direct->people_count > 0)
        return true;
    for (uint32_t i = 0; i < answered.people_count; i++)
        if (memcmp(&answered.people[i], pen_me(pen), sizeof *people) != 0)
            people[direct->people_count++] = answered.people[i];
    if (memcmp(&answered.author, pen_me(pen), sizeof *people) != 0)
        people[direct->people_count++] = answered.author;
    return true;
}

static bool read_people(struct pen *pen, struct direct *direct, struct err *err)
{
    struct bytes32 *people = arena_array(&pen->arena, struct bytes32, DIRECT_PEOPLE_MAX + 1);
    const char *word;
    size_t place = 0;
    direct->people = people;
    while ((word = command_next_value(pen->call, "to", &place)) != NULL) {
        if (direct->people_count == DIRECT_PEOPLE_MAX)
            return err_set(err, ERR_INVALID, "over %d people", DIRECT_PEOPLE_MAX);
        if (!person_parse(&people[direct->people_count++], command_span(word), err))
            return false;
    }
    if (!read_reply(pen, direct, people, err))
        return false;
    struct projection_people each = {people, direct->people_count};
    projection_sort(&each);
    direct->people_count = (uint32_t)each.count;
    return direct->people_count > 0 ||
           err_set(err, ERR_INVALID, "to whom? --to WHO, or --reply MESSAGE");
}

static bool read_message(struct pen *pen, struct direct *direct, struct err *err)
{
    const char *subject = command_value(pen->call, "subject");
    *direct = (struct direct){.author = *pen_me(pen), .created_at = pen_now()};
    direct->subject = command_span(subject != NULL ? subject : "");
    if (!utf8_is(direct->subject))
        return err_set(err, ERR_INVALID, "a subject that is not UTF-8");
    return pen_text(pen, &direct->text, 0, err) && read_people(pen, direct, err);
}

static void report(const struct pen *pen, struct text *out, const struct direct *direct,
                   const struct bytes32 *id, size_t queued)
{
    struct bytes32 conversation = direct_conversation(direct);
    if (pen->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "id", id);
        text_add(out, SPAN(","));
        home_write_hex(out, "conversation", &conversation);
        text_addf(out, ",\"people\":%u,\"queued\":%zu%s}", direct->people_count, queued,
                  command_value(pen->call, "dry-run") != NULL ? ",\"dry_run\":true" : "");
    } else {
        text_add_hex(out, id->at, sizeof id->at);
    }
    text_add(out, SPAN("\n"));
}

static bool send(struct pen *pen, struct text *out, struct err *err)
{
    struct direct direct;
    struct event rumor;
    size_t queued = 0;
    if (!read_message(pen, &direct, err))
        return false;
    direct_rumor(&direct, &rumor, &pen->arena);
    for (uint32_t i = 0; i < direct.people_count; i++) {
        if (memcmp(&direct.people[i], pen_me(pen), sizeof direct.author) == 0)
            continue; /* a note to oneself */
        if (!letter_send(pen, &rumor, &direct.people[i], err))
            return false;
        queued += pen->queued;
    }
    if (!letter_send(pen, &rumor, pen_me(pen), err))
        return false;
    report(pen, out, &direct, &rumor.id, queued + pen->queued);
    return true;
}

/* ---- shoal dm relays ---- */

static bool set_relays(struct pen *pen, struct text *out, struct err *err)
{
    struct draft draft = {.kind = KIND_CHAT_RELAYS, .created_at = pen_now()};
    const struct event *last;
    struct event event;
    struct url url;
    bool ok = people_newest(pen->store, &last, &pen->arena, pen_me(pen), KIND_CHAT_RELAYS, err);
    if (ok && last != NULL && last->created_at >= draft.created_at)
        draft.created_at = last->created_at + 1;
    for (size_t i = 0; ok && i < pen->call->word_count; i++) {
        ok = url_parse(&url, command_span(pen->call->words[i]), err);
        if (ok)
            draft_tag_pair(&draft, SPAN("relay"), command_span(pen->call->words[i]));
    }
    if (!ok) {
        draft_clear(&draft);
        return false;
    }
    if (!pen_sign(pen, &event, &draft, err) || !pen_put(pen, &event, err))
        return false;
    pen_report(pen, out, &event.id, &event.id);
    return true;
}

static const struct command_option options_send[] = {
    {"to", "WHO", "who can read it; may be repeated"},
    {"reply", "MESSAGE", "answers this one; to all who have it, unless --to says"},
    {"subject", "TEXT", "of the conversation"},
    PEN_OPTIONS};

const struct command command_dm_send = {
    .name = "dm send",
    .words = "TEXT... | -",
    .help = "write to one person or several, so that nobody else can read it",
    .words_min = 1,
    .words_max = COMMAND_WORDS_MAX,
    .options = options_send,
    .option_count = ARRAY_LEN(options_send),
    .write = send};

static const struct command_option options_relays[] = {PEN_OPTIONS};

const struct command command_dm_relays = {.name = "dm relays",
                                          .words = "URL...",
                                          .help = "say where messages to you are to be left",
                                          .words_min = 1,
                                          .words_max = MAILBOX_RELAYS_MAX,
                                          .options = options_relays,
                                          .option_count = ARRAY_LEN(options_relays),
                                          .write = set_relays};
