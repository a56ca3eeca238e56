/* shoal dm fetch, list, read: private messages that came. */
#include "client/command_inbox.h"

#include <stdio.h>

#include "client/command_home.h"
#include "client/command_net.h"
#include "client/command_people.h"
#include "client/command_sync.h"
#include "client/holder.h"
#include "client/inbox.h"
#include "client/mailbox.h"
#include "client/person.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/hex.h"
#include "shared/kind.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { SHORT = 4, DIGITS_MIN = 4, HEX_CHARS = 64, EXCERPT_MAX = 60 };

/* ---- names ---- */

static bool begins(const struct bytes32 *id, struct span digits)
{
    char hex[HEX_CHARS];
    hex_encode(hex, id->at, sizeof id->at);
    return digits.len >= DIGITS_MIN && digits.len <= HEX_CHARS &&
           memcmp(hex, digits.at, digits.len) == 0;
}

/* What is in a letter, whatever its kind. */
static bool read_letter(struct direct *direct, struct arena *arena,
                        const struct inbox_letter *letter, struct err *err)
{
    struct event rumor;
    if (!event_parse_rumor(&rumor, arena, letter->rumor, err))
        return false;
    rumor.kind = KIND_CHAT;
    return direct_parse(direct, arena, &rumor, err);
}

bool inbox_resolve(struct store *store, struct direct *direct, struct bytes32 *id,
                   struct arena *arena, const struct inbox_name *name, struct err *err)
{
    struct inbox_letters letters;
    const struct inbox_letter *found = NULL;
    if (!inbox_list(store, &letters, arena, &(struct inbox_call){.reader = name->reader}, err))
        return false;
    for (size_t i = 0; i < letters.count; i++)
        if (begins(&letters.at[i].id, command_span(name->word))) {
            if (found != NULL)
                return err_set(err, ERR_INVALID, "several messages begin with %.64s", name->word);
            found = &letters.at[i];
        }
    if (found == NULL)
        return err_set(err, ERR_INVALID, "no message here begins with %.64s", name->word);
    *id = found->id;
    return read_letter(direct, arena, found, err);
}

/* ---- what every command here begins with ---- */

struct reading {
    struct command_call *call;
    struct holder *holder;
    struct store *store;
    struct arena arena;
    struct text out;
};

typedef bool read_fn(struct reading *reading, struct err *err);

/* Opens what came, reads, and tells of what cannot be read. */
static enum command_status finish(struct reading *reading, read_fn *read)
{
    struct inbox_counts counts;
    struct err err;
    if (!inbox_open(reading->store, &counts, reading->holder, &err) ||
        (read != NULL && !read(reading, &err)))
        return command_fail(reading->call, &err);
    if (counts.unreadable > 0)
        fprintf(stderr, "shoal %s: %llu that came cannot be read: shoal dm list --unreadable\n",
                reading->call->command->name, (unsigned long long)counts.unreadable);
    return command_print(reading->call, &reading->out);
}

static enum command_status run(struct command_call *call,
                               enum command_status (*work)(struct reading *reading, read_fn *read),
                               read_fn *read)
{
    struct reading reading = {.call = call};
    enum command_status status;
    reading.holder = command_holder(call, &status);
    if (reading.holder != NULL)
        reading.store = home_open(call, &status);
    if (reading.store != NULL)
        status = work(&reading, read);
    text_clear(&reading.out);
    store_close(reading.store);
    holder_free(reading.holder);
    arena_clear(&reading.arena);
    return status;
}

/* ---- shoal dm list ---- */

static void add_people(struct reading *reading, const struct direct *direct)
{
    const struct bytes32 *me = holder_pubkey(reading->holder);
    bool is_json = reading->call->is_json, is_first = true;
    for (uint32_t i = 0; i <= direct->people_count; i++) {
        const struct bytes32 *who = i < direct->people_count ? &direct->people[i] : &direct->author;
        if (memcmp(who, me, sizeof *me) == 0 && (direct->people_count > 0 || is_json))
            continue;
        text_add(&reading->out, is_first ? SPAN("") : is_json ? SPAN(",") : SPAN(", "));
        is_first = false;
        if (!is_json) {
            people_write_name(&reading->out, reading->store, who);
            continue;
        }
        text_add(&reading->out, SPAN("\""));
        text_add_hex(&reading->out, who->at, sizeof who->at);
        text_add(&reading->out, SPAN("\""));
    }
}

static bool add_conversation(struct reading *reading, const struct inbox_letter *last,
                             size_t messages, struct err *err)
{
    struct text *out = &reading->out;
    struct direct direct;
    if (!read_letter(&direct, &reading->arena, last, err))
        return false;
    if (reading->call->is_json) {
        text_add(out, SPAN("{"));
        home_write_hex(out, "conversation", &last->conversation);
        text_addf(out, ",\"messages\":%zu,\"last\":%lld,\"people\":[", messages,
                  (long long)last->created_at);
        add_people(reading, &direct);
        text_add(out, SPAN("],\"text\":"));
        text_add_json(out, direct.text);
        text_add(out, SPAN("}\n"));
        return true;
    }
    text_add_hex(out, last->conversation.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, last->created_at);
    text_addf(out, "  %5zu  ", messages);
    add_people(reading, &direct);
    text_add(out, SPAN(": "));
    home_write_words(out, direct.text, EXCERPT_MAX);
    text_add(out, SPAN("\n"));
    return true;
}

static bool is_same(const struct inbox_letter *a, const struct inbox_letter *b)
{
    return memcmp(&a->conversation, &b->conversation, sizeof a->conversation) == 0;
}

/* Each by its last message, that with the newest first. */
static bool list_conversations(struct reading *reading, struct err *err)
{
    struct inbox_letters letters;
    const struct inbox_call call = {.reader = holder_pubkey(reading->holder)};
    if (!inbox_list(reading->store, &letters, &reading->arena, &call, err))
        return false;
    for (size_t i = letters.count; i-- > 0;) {
        size_t messages = 0, later = 0;
        for (size_t j = 0; j < letters.count; j++) {
            messages += is_same(&letters.at[j], &letters.at[i]);
            later += j > i && is_same(&letters.at[j], &letters.at[i]);
        }
        if (later == 0 && !add_conversation(reading, &letters.at[i], messages, err))
            return false;
    }
    return true;
}

static bool list_unreadable(struct reading *reading, struct err *err)
{
    struct inbox_letters letters;
    struct text *out = &reading->out;
    const struct inbox_call call = {.reader = holder_pubkey(reading->holder),
                                    .is_unreadable = true};
    if (!inbox_list(reading->store, &letters, &reading->arena, &call, err))
        return false;
    for (size_t i = 0; i < letters.count; i++) {
        if (reading->call->is_json) {
            text_add(out, SPAN("{"));
            home_write_hex(out, "wrap", &letters.at[i].wrap);
            text_add(out, SPAN(",\"reason\":"));
            text_add_json(out, letters.at[i].reason);
            text_add(out, SPAN("}\n"));
        } else {
            text_add_hex(out, letters.at[i].wrap.at, SHORT);
            text_addf(out, "  %.*s\n", SPAN_ARG(letters.at[i].reason));
        }
    }
    return true;
}

static enum command_status run_list(struct command_call *call)
{
    return run(call, finish,
               command_value(call, "unreadable") != NULL ? list_unreadable : list_conversations);
}

/* ---- shoal dm read ---- */

/* By how its id begins, or by who takes part. */
static bool find_conversation(struct reading *reading, struct bytes32 *conversation,
                              const struct inbox_letters *letters, struct err *err)
{
    const struct command_call *call = reading->call;
    struct bytes32 people[DIRECT_PEOPLE_MAX];
    struct direct direct = {.author = *holder_pubkey(reading->holder), .people = people};
    for (size_t i = 0; i < letters->count && call->word_count == 1; i++)
        if (begins(&letters->at[i].conversation, command_span(call->words[0]))) {
            *conversation = letters->at[i].conversation;
            return true;
        }
    for (size_t i = 0; i < call->word_count; i++) {
        if (!person_parse(&people[direct.people_count], command_span(call->words[i]), err))
            return false;
        direct.people_count +=
            memcmp(&people[direct.people_count], &direct.author, sizeof *people) != 0;
    }
    *conversation = direct_conversation(&direct);
    return true;
}

static void add_json_message(struct reading *reading, const struct inbox_letter *letter,
                             const struct direct *direct)
{
    struct text *out = &reading->out;
    text_add(out, SPAN("{"));
    home_write_hex(out, "id", &letter->id);
    text_add(out, SPAN(","));
    home_write_hex(out, "conversation", &letter->conversation);
    text_add(out, SPAN(","));
    home_write_hex(out, "author", &letter->author);
    text_addf(out, ",\"kind\":%u,\"created_at\":%lld,\"subject\":", letter->kind,
              (long long)letter->created_at);
    text_add_json(out, direct->subject);
    if (direct->has_reply) {
        text_add(out, SPAN(","));
        home_write_hex(out, "reply_to", &direct->reply_to);
    }
    text_add(out, SPAN(",\"text\":"));
    text_add_json(out, direct->text);
    text_add(out, SPAN("}\n"));
}

static bool add_message(struct reading *reading, const struct inbox_letter *letter, struct err *err)
{
    struct text *out = &reading->out;
    struct direct direct;
    if (!read_letter(&direct, &reading->arena, letter, err))
        return false;
    if (reading->call->is_json) {
        add_json_message(reading, letter, &direct);
        return true;
    }
    text_add_hex(out, letter->id.at, SHORT);
    text_add(out, SPAN("  "));
    home_write_time(out, letter->created_at);
    text_add(out, SPAN("  "));
    people_write_name(out, reading->store, &letter->author);
    if (letter->kind != KIND_CHAT)
        text_addf(out, "  (kind %u)", letter->kind);
    text_add(out, direct.subject.len > 0 ? SPAN("  ") : SPAN(""));
    home_write_words(out, direct.subject, EXCERPT_MAX);
    text_add(out, SPAN("\n"));
    home_write_lines(out, direct.text, SHORT);
    return true;
}

static bool read_conversation(struct reading *reading, struct err *err)
{
    struct inbox_letters letters;
    struct bytes32 conversation;
    const struct inbox_call call = {.reader = holder_pubkey(reading->holder)};
    if (!inbox_list(reading->store, &letters, &reading->arena, &call, err) ||
        !find_conversation(reading, &conversation, &letters, err))
        return false;
    for (size_t i = 0; i < letters.count; i++)
        if (memcmp(&letters.at[i].conversation, &conversation, sizeof conversation) == 0 &&
            !add_message(reading, &letters.at[i], err))
            return false;
    return true;
}

static enum command_status run_read(struct command_call *call)
{
    return run(call, finish, read_conversation);
}

/* ---- shoal dm fetch ---- */

/* The relays named; or those of one's own list and all that one uses. */
static bool find_relays(struct store *store, struct sync_call *fetch, struct arena *arena,
                        const struct command_call *call, struct err *err)
{
    struct mailbox mailbox = {0};
    const struct event *list;
    struct span *used = NULL;
    size_t used_count = 0;
    fetch->urls = arena_array(arena, struct span, call->word_count + MAILBOX_RELAYS_MAX);
    for (size_t i = 0; i < call->word_count; i++)
        fetch->urls[fetch->url_count++] = command_span(call->words[i]);
    if (fetch->url_count > 0)
        return true;
    if (!people_newest(store, &list, arena, holder_pubkey(fetch->holder), KIND_CHAT_RELAYS, err))
        return false;
    if (list != NULL)
        mailbox_read(&mailbox, list);
    for (uint32_t i = 0; i < mailbox.count; i++)
        fetch->urls[fetch->url_count++] = mailbox.relays[i].url;
    if (fetch->url_count == 0) {
        if (!store_relays(store, &used, &used_count, arena, err))
            return false;
        fetch->urls = used;
        fetch->url_count = used_count;
    }
    return fetch->url_count > 0 ||
           err_set(err, ERR_INVALID, "no relays: name some, or say which by shoal dm relays");
}

/* The gift wraps that are for the holder. */
static struct filter wraps_for(struct arena *arena, const struct bytes32 *me)
{
    static const uint16_t kind = KIND_GIFT_WRAP;
    struct filter_tag *tag = arena_array(arena, struct filter_tag, 1);
    struct span *value = arena_array(arena, struct span, 1);
    char hex[HEX_CHARS];
    hex_encode(hex, me->at, sizeof me->at);
    *value = arena_copy(arena, SPAN_OF(hex));
    *tag = (struct filter_tag){.letter = 'p', .count = 1, .values = value};
    return (struct filter){.until = INT64_MAX,
                           .limit = FILTER_NO_LIMIT,
                           .kinds = {.count = 1, .at = &kind},
                           .tag_count = 1,
                           .tags = tag};
}

static enum command_status fetch_and_open(struct reading *reading, read_fn *read)
{
    struct filter filter = wraps_for(&reading->arena, holder_pubkey(reading->holder));
    struct sync_call fetch = {
        .store = reading->store, .holder = reading->holder, .filters = &filter, .filter_count = 1};
    struct err err;
    if (!find_relays(reading->store, &fetch, &reading->arena, reading->call, &err))
        return command_fail(reading->call, &err);
    enum command_status fetched = sync_fetch(reading->call, &fetch);
    if (command_value(reading->call, "dry-run") != NULL)
        return fetched;
    enum command_status opened = finish(reading, read);
    return fetched != COMMAND_DONE ? fetched : opened;
}

static enum command_status run_fetch(struct command_call *call)
{
    return run(call, fetch_and_open, NULL);
}

static const struct command_option options_list[] = {
    {"unreadable", NULL, "what came and cannot be read, and why"},
    HOME_OPTION,
    COMMAND_OPTION_KEY,
    COMMAND_OPTION_PASSWORD,
    COMMAND_OPTION_JSON};

const struct command command_dm_list = {.name = "dm list",
                                        .help = "your conversations, the newest first",
                                        .options = options_list,
                                        .option_count = ARRAY_LEN(options_list),
                                        .run = run_list};

static const struct command_option options_read[] = {HOME_OPTION, COMMAND_OPTION_KEY,
                                                     COMMAND_OPTION_PASSWORD, COMMAND_OPTION_JSON};

const struct command command_dm_read = {.name = "dm read",
                                        .words = "CONVERSATION | WHO...",
                                        .help = "the messages of one, the oldest first",
                                        .words_min = 1,
                                        .words_max = DIRECT_PEOPLE_MAX,
                                        .options = options_read,
                                        .option_count = ARRAY_LEN(options_read),
                                        .run = run_read};

static const struct command_option options_fetch[] = {{"dry-run", NULL, "count them, and get none"},
                                                      NET_OPTIONS_AS_SELF,
                                                      HOME_OPTION,
                                                      COMMAND_OPTION_JSON};

const struct command command_dm_fetch = {.name = "dm fetch",
                                         .words = "[RELAY...]",
                                         .help = "get the messages that were left for you",
                                         .words_max = COMMAND_WORDS_MAX,
                                         .options = options_fetch,
                                         .option_count = ARRAY_LEN(options_fetch),
                                         .run = run_fetch};
