#include "gpu/chat_format.h"

#include <stdlib.h>

#include "shared/err.h"
#include "shared/utf8.h"

static void mark(struct chat_prompt *prompt, const char *markup)
{
    text_add(&prompt->text, (struct span){markup, strlen(markup)});
}

static void mark_span(struct chat_prompt *prompt, struct span markup)
{
    text_add(&prompt->text, markup);
}

static void quote(struct chat_prompt *prompt, struct span content)
{
    if (content.len == 0)
        return;
    if (prompt->quote_count == prompt->quote_capacity) {
        prompt->quote_capacity = prompt->quote_capacity == 0 ? 8 : 2 * prompt->quote_capacity;
        prompt->quotes = realloc(prompt->quotes, prompt->quote_capacity * sizeof *prompt->quotes);
        if (prompt->quotes == NULL)
            abort();
    }
    size_t begin = prompt->text.len;
    text_add(&prompt->text, content);
    prompt->quotes[prompt->quote_count++] = (struct tokenizer_quote){begin, prompt->text.len};
}

static const char *role_name(enum chat_role role)
{
    static const char *const names[] = {
        [CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};
    return names[role];
}

/* The blank characters that a template's trim takes, as bytes; 0 when none begins there. */
static size_t blank_size(const char *at, const char *end)
{
    static const char *const blanks[] = {"\t",           "\n",           "\v",
                                         "\f",           "\r",           " ",
                                         "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",
                                         "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
                                         "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
                                         "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
                                         "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
                                         "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
                                         "\xe3\x80\x80"};
    for (size_t i = 0; i < ARRAY_LEN(blanks); i++) {
        size_t len = strlen(blanks[i]);
        if (len <= (size_t)(end - at) && memcmp(at, blanks[i], len) == 0)
            return len;
    }
    return 0;
}

static struct span trim(struct span text)
{
    const char *end = text.at + text.len;
    const char *last = text.at; /* after what is no blank */
    while (text.len > 0) {
        size_t size = blank_size(text.at, end);
        if (size == 0)
            break;
        text = (struct span){text.at + size, text.len - size};
    }
    for (const char *at = text.at; at < end;) {
        size_t size = blank_size(at, end);
        if (size == 0) {
            size_t character = utf8_size(at, end);
            last = at + (character > 0 ? character : 1);
            size = (size_t)(last - at);
        }
        at += size;
    }
    return (struct span){text.at, last > text.at ? (size_t)(last - text.at) : 0};
}

/* That user and assistant take turns, after a system message where that is allowed. */
static bool check_turns(const struct chat *chat, bool allows_system, struct err *err)
{
    size_t first = allows_system && chat->messages[0].role == CHAT_SYSTEM;
    for (size_t i = first; i < chat->count; i++) {
        if (chat->messages[i].role == CHAT_SYSTEM)
            return err_set(err, ERR_INVALID, "this model takes %s system message",
                           allows_system ? "only one, first," : "no");
        if ((chat->messages[i].role == CHAT_USER) != ((i - first) % 2 == 0))
            return err_set(err, ERR_INVALID, "this model wants user and assistant to take turns");
    }
    return true;
}

static bool write_zephyr(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < chat->count; i++) {
        mark(prompt, "<|");
        mark(prompt, role_name(chat->messages[i].role));
        mark(prompt, "|>\n");
        quote(prompt, chat->messages[i].content);
        mark_span(prompt, chat->end);
        mark(prompt, "\n");
    }
    mark(prompt, "<|assistant|>\n");
    return true;
}

static void llama3_header(struct chat_prompt *prompt, enum chat_role role)
{
    mark(prompt, "<|start_header_id|>");
    mark(prompt, role_name(role));
    mark(prompt, "<|end_header_id|>\n\n");
}

static void llama3_messages(struct chat_prompt *prompt, const struct chat *chat, size_t first)
{
    for (size_t i = first; i < chat->count; i++) {
        llama3_header(prompt, chat->messages[i].role);
        quote(prompt, trim(chat->messages[i].content));
        mark(prompt, "<|eot_id|>");
    }
    llama3_header(prompt, CHAT_ASSISTANT);
}

static bool write_llama3(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    mark_span(prompt, chat->begin);
    llama3_messages(prompt, chat, 0);
    return true;
}

static void write_dated(struct chat_prompt *prompt, const struct chat *chat, struct span today)
{
    size_t first = chat->messages[0].role == CHAT_SYSTEM;
    mark_span(prompt, chat->begin);
    llama3_header(prompt, CHAT_SYSTEM);
    mark(prompt, "Cutting Knowledge Date: December 2023\nToday Date: ");
    mark_span(prompt, today);
    mark(prompt, "\n\n");
    if (first > 0)
        quote(prompt, trim(chat->messages[0].content));
    mark(prompt, "<|eot_id|>");
    llama3_messages(prompt, chat, first);
}

/* Llama 3.1 and 3.3 are told one day, whatever the day; 3.2 is told which it is. */
static bool write_llama31(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_dated(prompt, chat, SPAN("26 Jul 2024"));
    return true;
}

static bool write_llama32(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    if (chat->today.len == 0)
        return err_set(err, ERR_INVALID, "this model is told what day it is");
    write_dated(prompt, chat, chat->today);
    return true;
}

static void write_chatml(struct chat_prompt *prompt, const struct chat *chat, const char *unsaid)
{
    if (unsaid != NULL && chat->messages[0].role != CHAT_SYSTEM) {
        mark(prompt, "<|im_start|>system\n");
        mark(prompt, unsaid);
        mark(prompt, "<|im_end|>\n");
    }
    for (size_t i = 0; i < chat->count; i++) {
        mark(prompt, "<|im_start|>");
        mark(prompt, role_name(chat->messages[i].role));
        mark(prompt, "\n");
        quote(prompt, chat->messages[i].content);
        mark(prompt, "<|im_end|>\n");
    }
    mark(prompt, "<|im_start|>assistant\n");
}

static bool write_plain_chatml(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_chatml(prompt, chat, NULL);
    return true;
}

static bool write_qwen2(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_chatml(prompt, chat, "You are a helpful assistant.");
    return true;
}

static bool write_qwen25(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_chatml(prompt, chat,
                 "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.");
    return true;
}

/* How Mistral's tokenizers differ: the blanks, and which user's turn the system text goes with. */
struct mistral {
    const char *open, *close; /* around a user's turn */
    const char *answer;       /* before an answer */
    bool trims_answer, is_system_last;
};

static bool write_mistral(struct chat_prompt *prompt, const struct chat *chat,
                          const struct mistral *habits, struct err *err)
{
    size_t first = chat->messages[0].role == CHAT_SYSTEM;
    if (!check_turns(chat, true, err))
        return false;
    mark_span(prompt, chat->begin);
    for (size_t i = first; i < chat->count; i++) {
        struct span content = chat->messages[i].content;
        if (chat->messages[i].role == CHAT_ASSISTANT) {
            mark(prompt, habits->answer);
            quote(prompt, habits->trims_answer ? trim(content) : content);
            mark_span(prompt, chat->end);
            continue;
        }
        mark(prompt, habits->open);
        if (first > 0 && i == (habits->is_system_last ? chat->count - 1 : first)) {
            quote(prompt, chat->messages[0].content);
            mark(prompt, "\n\n");
        }
        quote(prompt, content);
        mark(prompt, habits->close);
    }
    return true;
}

static bool write_mistral_v0(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    static const struct mistral habits = {.open = "[INST] ", .close = " [/INST]", .answer = ""};
    return check_turns(chat, false, err) && write_mistral(prompt, chat, &habits, err);
}

static bool write_mistral_v1(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    static const struct mistral habits = {.open = " [INST] ", .close = " [/INST]", .answer = " "};
    return write_mistral(prompt, chat, &habits, err);
}

static bool write_mistral_v3(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    static const struct mistral habits = {.open = "[INST] ",
                                          .close = "[/INST]",
                                          .answer = " ",
                                          .trims_answer = true,
                                          .is_system_last = true};
    return write_mistral(prompt, chat, &habits, err);
}

static bool write_tekken(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    static const struct mistral habits = {
        .open = "[INST]", .close = "[/INST]", .answer = "", .is_system_last = true};
    return write_mistral(prompt, chat, &habits, err);
}

static void phi3_turn(struct chat_prompt *prompt, const struct chat_message *message)
{
    mark(prompt, "<|");
    mark(prompt, role_name(message->role));
    mark(prompt, "|>\n");
    quote(prompt, message->content);
    mark(prompt, "<|end|>\n");
}

/* The first Phi-3-mini: it has no system role, and leaves such messages out. */
static void write_phi3_turns(struct chat_prompt *prompt, const struct chat *chat)
{
    for (size_t i = 0; i < chat->count; i++) {
        const struct chat_message *message = &chat->messages[i];
        if (message->role == CHAT_USER) {
            phi3_turn(prompt, message);
            mark(prompt, "<|assistant|>\n");
        } else if (message->role == CHAT_ASSISTANT) {
            quote(prompt, message->content);
            mark(prompt, "<|end|>\n");
        }
    }
}

static bool write_phi3_begun(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    mark_span(prompt, chat->begin);
    write_phi3_turns(prompt, chat);
    return true;
}

static bool write_phi3(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_phi3_turns(prompt, chat);
    return true;
}

static bool write_phi35(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    for (size_t i = 0; i < chat->count; i++)
        if (chat->messages[i].role != CHAT_SYSTEM || chat->messages[i].content.len > 0)
            phi3_turn(prompt, &chat->messages[i]);
    mark(prompt, "<|assistant|>\n");
    return true;
}

static bool write_gemma(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    if (!check_turns(chat, false, err))
        return false;
    mark_span(prompt, chat->begin);
    for (size_t i = 0; i < chat->count; i++) {
        mark(prompt, "<start_of_turn>");
        mark(prompt, chat->messages[i].role == CHAT_USER ? "user" : "model");
        mark(prompt, "\n");
        quote(prompt, trim(chat->messages[i].content));
        mark(prompt, "<end_of_turn>\n");
    }
    mark(prompt, "<start_of_turn>model\n");
    return true;
}

/* What comes after the last "</think>": a model is not shown again what it thought. */
static struct span spoken(struct span content)
{
    static const char tag[] = "</think>";
    size_t len = sizeof tag - 1;
    for (;;) {
        const char *found = content.len == 0 ? NULL : memmem(content.at, content.len, tag, len);
        if (found == NULL)
            return content;
        const char *end = content.at + content.len;
        content = (struct span){found + len, (size_t)(end - found) - len};
    }
}

static void write_r1(struct chat_prompt *prompt, const struct chat *chat)
{
    mark_span(prompt, chat->begin);
    for (size_t i = chat->count; i-- > 0;) /* of several, the last */
        if (chat->messages[i].role == CHAT_SYSTEM) {
            quote(prompt, chat->messages[i].content);
            break;
        }
    for (size_t i = 0; i < chat->count; i++)
        if (chat->messages[i].role == CHAT_USER) {
            mark(prompt, "<｜User｜>");
            quote(prompt, chat->messages[i].content);
        } else if (chat->messages[i].role == CHAT_ASSISTANT) {
            mark(prompt, "<｜Assistant｜>");
            quote(prompt, spoken(chat->messages[i].content));
            mark(prompt, "<｜end▁of▁sentence｜>");
        }
    mark(prompt, "<｜Assistant｜>");
}

static bool write_r1_plain(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_r1(prompt, chat);
    return true;
}

static bool write_r1_thinking(struct chat_prompt *prompt, const struct chat *chat, struct err *err)
{
    (void)err;
    write_r1(prompt, chat);
    mark(prompt, "<think>\n");
    return true;
}

static const struct chat_format formats[] = {
    {"zephyr", "", write_zephyr},
    {"llama3", "<|eot_id|>", write_llama3},
    {"llama3.1", "<|eot_id|>", write_llama31},
    {"llama3.2", "<|eot_id|>", write_llama32},
    {"chatml", "<|im_end|>", write_plain_chatml},
    {"qwen2", "<|im_end|>", write_qwen2},
    {"qwen2.5", "<|im_end|>", write_qwen25},
    {"mistral-v0", "", write_mistral_v0},
    {"mistral-v1", "", write_mistral_v1},
    {"mistral-v3", "", write_mistral_v3},
    {"mistral-tekken", "", write_tekken},
    {"phi3-begun", "<|end|>", write_phi3_begun},
    {"phi3", "<|end|>", write_phi3},
    {"phi3.5", "<|end|>", write_phi35},
    {"gemma", "<end_of_turn>", write_gemma},
    {"deepseek-r1", "<｜end▁of▁sentence｜>", write_r1_thinking},
    {"deepseek-r1-plain", "<｜end▁of▁sentence｜>", write_r1_plain},
};

const struct chat_format *chat_format_at(size_t index)
{
    return index < ARRAY_LEN(formats) ? &formats[index] : NULL;
}
