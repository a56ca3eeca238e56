/* A chat of OpenAI's, in the words of others. */
#include "client/idiom.h"
#include "shared/arena.h"
#include "shared/scan.h"
#include "shared/text.h"

enum { STOPS_MAX = 16 };

struct writer {
    struct text *out, *system; /* system: Anthropic's, apart from the messages */
    struct arena arena;
    enum idiom idiom;
    size_t messages;
};

/* ---- messages ---- */

struct message {
    struct span role;
    struct text words; /* of all its parts */
    bool has_words;
};

static bool lacks(const struct writer *writer, struct span word, struct err *err)
{
    return err_set(err, ERR_UNSUPPORTED, "'%s' cannot be said in the words of %s",
                   scan_word(word).at, idiom_name(writer->idiom));
}

static bool read_part(struct writer *writer, struct message *message, struct scan *scan,
                      struct err *err)
{
    struct scan_list list;
    struct span key, value;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        if (!scan_key(scan, &writer->arena, &key, err))
            return false;
        if (scan_peek(scan) != '"')
            return lacks(writer, key, err);
        if (!scan_text(scan, &writer->arena, &value, err) || !scan_next(scan, &list, err))
            return false;
        if (span_eq(key, SPAN("text")))
            text_add(&message->words, value);
        else if (!span_eq(key, SPAN("type")) || !span_eq(value, SPAN("text")))
            return lacks(writer, value, err);
    }
    return true;
}

static bool read_content(struct writer *writer, struct message *message, struct scan *scan,
                         struct err *err)
{
    struct scan_list list;
    struct span words;
    char first = scan_peek(scan);
    message->has_words = first == '"' || first == '[';
    if (first == 'n')
        return scan_skip(scan, err);
    if (first != '[') {
        if (!scan_text(scan, &writer->arena, &words, err))
            return false;
        text_add(&message->words, words);
        return true;
    }
    if (!scan_array(scan, &list, err))
        return false;
    while (list.more)
        if (!read_part(writer, message, scan, err) || !scan_next(scan, &list, err))
            return false;
    return true;
}

static bool read_message(struct writer *writer, struct message *message, struct scan *scan,
                         struct err *err)
{
    struct scan_list list;
    struct span key;
    if (!scan_object(scan, &list, err))
        return false;
    while (list.more) {
        bool ok = scan_key(scan, &writer->arena, &key, err);
        if (ok && span_eq(key, SPAN("role")))
            ok = scan_text(scan, &writer->arena, &message->role, err);
        else if (ok && span_eq(key, SPAN("content")))
            ok = read_content(writer, message, scan, err);
        else if (ok && scan_peek(scan) == 'n')
            ok = scan_skip(scan, err);
        else if (ok)
            ok = lacks(writer, key, err);
        if (!ok || !scan_next(scan, &list, err))
            return false;
    }
    return message->has_words || err_set(err, ERR_INVALID, "a message without content");
}

static bool write_message(struct writer *writer, const struct message *message, struct err *err)
{
    struct span role = message->role;
    bool is_system = span_eq(role, SPAN("system")) || span_eq(role, SPAN("developer"));
    if (!is_system && !span_eq(role, SPAN("user")) && !span_eq(role, SPAN("assistant")))
        return lacks(writer, role, err);
    if (is_system && writer->idiom == IDIOM_ANTHROPIC) {
        if (writer->system->len > 0)
            text_add(writer->system, SPAN("\n\n"));
        text_add(writer->system, text_span(&message->words));
        return true;
    }
    text_add(writer->out, writer->messages++ > 0 ? SPAN(",{\"role\":") : SPAN("{\"role\":"));
    text_add_json(writer->out, is_system ? SPAN("system") : role);
    text_add(writer->out, SPAN(",\"content\":"));
    text_add_json(writer->out, text_span(&message->words));
    text_add(writer->out, SPAN("}"));
    return true;
}

static bool write_messages(struct writer *writer, const struct plea *plea, struct err *err)
{
    struct scan scan = scan_begin(plea->messages);
    struct scan_list list;
    bool ok = scan_array(&scan, &list, err);
    text_add(writer->out, SPAN(",\"messages\":["));
    while (ok && list.more) {
        struct message message = {0};
        ok = read_message(writer, &message, &scan, err) && write_message(writer, &message, err) &&
             scan_next(&scan, &list, err);
        text_clear(&message.words);
    }
    text_add(writer->out, SPAN("]"));
    return ok;
}

/* ---- how it is to be answered ---- */

struct name {
    const char *openai, *anthropic, *ollama; /* NULL: it has none */
};

static const struct name names[] = {
    {"temperature", "temperature", "temperature"},
    {"top_p", "top_p", "top_p"},
    {"top_k", "top_k", "top_k"},
    {"seed", NULL, "seed"},
    {"frequency_penalty", NULL, "frequency_penalty"},
    {"presence_penalty", NULL, "presence_penalty"},
};

/* Which change nothing of the answer's words, or were read already. */
static bool is_harmless(const struct plea_member *member)
{
    static const char *const known[] = {"model", "messages",   "stream", "stream_options",
                                        "n",     "max_tokens", "user",   "max_completion_tokens",
                                        "store", "metadata",   "stop"};
    static const char *const empty[] = {"null", "false", "0", "[]", "{}", "{\"type\":\"text\"}"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (span_eq(member->name, (struct span){known[i], strlen(known[i])}))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(empty); i++)
        if (span_eq(member->value, (struct span){empty[i], strlen(empty[i])}))
            return true;
    return false;
}

/* What the idiom calls it; NULL: it has no word for it. */
static const char *name_in(enum idiom idiom, struct span name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_eq(name, (struct span){names[i].openai, strlen(names[i].openai)}))
            return idiom == IDIOM_OLLAMA ? names[i].ollama : names[i].anthropic;
    return NULL;
}

static bool write_options(struct writer *writer, const struct plea *plea, struct err *err)
{
    for (size_t i = 0; i < plea->count; i++) {
        const struct plea_member *member = &plea->members[i];
        const char *name = name_in(writer->idiom, member->name);
        if (name != NULL && !span_eq(member->value, SPAN("null"))) {
            text_addf(writer->out, ",\"%s\":", name);
            text_add(writer->out, member->value);
        } else if (!is_harmless(member)) {
            return lacks(writer, member->name, err);
        }
    }
    return true;
}

/* A text, or a list of them; both know lists. */
static bool write_stops(struct writer *writer, const char *name, const struct plea *plea,
                        struct err *err)
{
    struct span stop = plea_find(plea, "stop");
    struct scan scan = scan_begin(stop);
    struct scan_list list;
    struct span word;
    size_t count = 0;
    if (stop.len == 0 || span_eq(stop, SPAN("[]")))
        return true;
    text_addf(writer->out, ",\"%s\":[", name);
    if (scan_peek(&scan) == '"') {
        text_add(writer->out, stop);
    } else {
        if (!scan_array(&scan, &list, err))
            return false;
        for (; list.more; count++) {
            if (count == STOPS_MAX || !scan_text(&scan, &writer->arena, &word, err) ||
                !scan_next(&scan, &list, err))
                return err_set(err, ERR_INVALID, "stop: at most %d texts", STOPS_MAX);
            text_add(writer->out, count > 0 ? SPAN(",") : SPAN(""));
            text_add_json(writer->out, word);
        }
    }
    text_add(writer->out, SPAN("]"));
    return true;
}

/* ---- the whole ---- */

static bool write_anthropic(struct writer *writer, const struct plea *plea,
                            const struct plea_terms *terms, struct err *err)
{
    text_addf(writer->out, ",\"max_tokens\":%u,\"stream\":true", terms->tokens_max);
    if (!write_stops(writer, "stop_sequences", plea, err) || !write_messages(writer, plea, err) ||
        !write_options(writer, plea, err))
        return false;
    if (writer->system->len > 0) {
        text_add(writer->out, SPAN(",\"system\":"));
        text_add_json(writer->out, text_span(writer->system));
    }
    return true;
}

static bool write_ollama(struct writer *writer, const struct plea *plea,
                         const struct plea_terms *terms, struct err *err)
{
    text_add(writer->out, SPAN(",\"stream\":true"));
    if (!write_messages(writer, plea, err))
        return false;
    text_addf(writer->out, ",\"options\":{\"num_predict\":%u", terms->tokens_max);
    if (!write_stops(writer, "stop", plea, err) || !write_options(writer, plea, err))
        return false;
    text_add(writer->out, SPAN("}"));
    return true;
}

bool idiom_write(struct text *out, enum idiom idiom, const struct plea *plea,
                 const struct plea_terms *terms, struct err *err)
{
    struct text system = {0};
    struct writer writer = {.out = out, .system = &system, .idiom = idiom};
    if (idiom == IDIOM_OPENAI) {
        plea_write(out, plea, terms);
        return true;
    }
    text_add(out, SPAN("{\"model\":"));
    text_add_json(out, terms->model);
    bool ok = idiom == IDIOM_ANTHROPIC ? write_anthropic(&writer, plea, terms, err)
                                       : write_ollama(&writer, plea, terms, err);
    text_add(out, SPAN("}"));
    text_clear(&system);
    arena_clear(&writer.arena);
    return ok;
}
