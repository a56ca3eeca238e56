#include "client/thread.h"

#include "client/draft.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/hex.h"
#include "shared/kind.h"

enum { HEX_CHARS = 64, MARKER = 3, WORD_MAX = 100, MENTIONS_MAX = 200 };

struct hex {
    char at[HEX_CHARS];
};

static struct hex hex_of(const struct bytes32 *id)
{
    struct hex hex;
    hex_encode(hex.at, id->at, sizeof id->at);
    return hex;
}

static bool names(const struct tag *tag, char letter)
{
    return tag->count >= 2 && tag->items[0].len == 1 && tag->items[0].at[0] == letter;
}

/* ---- reading ---- */

static bool read_id(struct bytes32 *id, const struct tag *tag)
{
    return hex_decode(id->at, sizeof id->at, tag->items[1]);
}

static bool is_marked(const struct tag *tag, struct span marker)
{
    return tag->count > MARKER && span_eq(tag->items[MARKER], marker);
}

static void read_note(struct thread *thread, const struct event *event)
{
    struct bytes32 id, first = {{0}}, last = {{0}};
    bool has_root = false, has_reply = false, has_any = false;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (!names(tag, 'e') || !read_id(&id, tag) || is_marked(tag, SPAN("mention")))
            continue;
        if (is_marked(tag, SPAN("root"))) {
            thread->root = id;
            has_root = true;
        } else if (is_marked(tag, SPAN("reply"))) {
            thread->parent = id;
            has_reply = true;
        } else {
            first = has_any ? first : id;
            last = id;
            has_any = true;
        }
    }
    thread->has_parent = has_root || has_reply || has_any;
    if (!has_root)
        thread->root = has_reply ? thread->parent : first;
    if (!has_reply)
        thread->parent = has_root ? thread->root : last;
}

static void read_comment(struct thread *thread, const struct event *event)
{
    bool has_root = false;
    for (uint32_t i = 0; i < event->tag_count; i++) {
        const struct tag *tag = &event->tags[i];
        if (names(tag, 'E') && !has_root)
            has_root = read_id(&thread->root, tag);
        if (names(tag, 'e') && !thread->has_parent)
            thread->has_parent = read_id(&thread->parent, tag);
    }
    if (!has_root)
        thread->root = thread->parent;
}

void thread_read(struct thread *thread, const struct event *event)
{
    *thread = (struct thread){0};
    if (event->kind == KIND_COMMENT)
        read_comment(thread, event);
    else
        read_note(thread, event);
}

/* ---- writing ---- */

/* Adds [letter, value] unless it is there, as it is in two drafts at most. */
static void add_once(struct draft *draft, struct span letter, struct span value)
{
    struct draft one = {0};
    draft_tag_pair(&one, letter, value);
    struct span tags = text_span(&draft->tags), tag = text_span(&one.tags);
    bool is_there = false;
    for (size_t i = 0; !is_there && i + tag.len <= tags.len; i++)
        is_there = memcmp(tags.at + i, tag.at, tag.len) == 0;
    if (!is_there)
        draft_tag_pair(draft, letter, value);
    draft_clear(&one);
}

/* [e, id, "", marker, author]; the last two where they are known. */
static void add_marked(struct draft *draft, const struct bytes32 *id, struct span marker,
                       const struct bytes32 *author)
{
    struct hex id_hex = hex_of(id), author_hex = {{0}};
    if (author != NULL)
        author_hex = hex_of(author);
    struct span items[] = {SPAN("e"), SPAN_OF(id_hex), SPAN(""), marker, SPAN_OF(author_hex)};
    draft_tag(draft, items, author != NULL ? 5 : 4);
}

static void add_kind(struct draft *draft, struct span letter, uint16_t kind)
{
    struct text number = {0};
    text_addf(&number, "%u", kind);
    draft_tag_pair(draft, letter, text_span(&number));
    text_clear(&number);
}

/* [letter, id, "", author] */
static void add_event(struct draft *draft, struct span letter, const struct event *event)
{
    struct hex id = hex_of(&event->id), author = hex_of(&event->pubkey);
    draft_tag(draft, (struct span[]){letter, SPAN_OF(id), SPAN(""), SPAN_OF(author)}, 4);
}

/* [letter, "30023:<author>:<identifier>"] of what has such a name. */
static void add_address(struct draft *draft, struct span letter, const struct event *event)
{
    enum kind_class class = kind_class(event->kind);
    struct text address = {0};
    if (class != KIND_ADDRESSABLE && class != KIND_REPLACEABLE)
        return;
    text_addf(&address, "%u:", event->kind);
    text_add_hex(&address, event->pubkey.at, sizeof event->pubkey.at);
    text_add(&address, SPAN(":"));
    if (class == KIND_ADDRESSABLE)
        text_add(&address, event_identifier(event));
    draft_tag_pair(draft, letter, text_span(&address));
    text_clear(&address);
}

static void add_person(struct draft *draft, const struct bytes32 *pubkey)
{
    struct hex hex = hex_of(pubkey);
    add_once(draft, SPAN("p"), SPAN_OF(hex));
}

static void reply_note(struct draft *draft, const struct event *parent)
{
    struct thread thread;
    struct bytes32 key;
    thread_read(&thread, parent);
    draft->kind = KIND_NOTE;
    if (thread.has_parent) {
        add_marked(draft, &thread.root, SPAN("root"), NULL);
        add_marked(draft, &parent->id, SPAN("reply"), &parent->pubkey);
    } else {
        add_marked(draft, &parent->id, SPAN("root"), &parent->pubkey);
    }
    add_person(draft, &parent->pubkey);
    for (uint32_t i = 0; i < parent->tag_count; i++)
        if (names(&parent->tags[i], 'p') && read_id(&key, &parent->tags[i]))
            add_person(draft, &key);
}

/* What a comment is about in the first place. */
static void add_root(struct draft *draft, const struct event *parent)
{
    struct hex author = hex_of(&parent->pubkey);
    bool is_comment = parent->kind == KIND_COMMENT;
    for (uint32_t i = 0; is_comment && i < parent->tag_count; i++) {
        const struct tag *tag = &parent->tags[i];
        if (names(tag, 'E') || names(tag, 'A') || names(tag, 'I') || names(tag, 'K') ||
            names(tag, 'P'))
            draft_tag(draft, tag->items, tag->count);
    }
    if (is_comment)
        return;
    add_address(draft, SPAN("A"), parent);
    add_event(draft, SPAN("E"), parent);
    add_kind(draft, SPAN("K"), parent->kind);
    draft_tag_pair(draft, SPAN("P"), SPAN_OF(author));
}

void thread_reply(struct draft *draft, const struct event *parent)
{
    if (parent->kind == KIND_NOTE) {
        reply_note(draft, parent);
        return;
    }
    draft->kind = KIND_COMMENT;
    add_root(draft, parent);
    add_address(draft, SPAN("a"), parent);
    add_event(draft, SPAN("e"), parent);
    add_kind(draft, SPAN("k"), parent->kind);
    add_person(draft, &parent->pubkey);
}

void thread_react(struct draft *draft, const struct event *to)
{
    draft->kind = KIND_REACTION;
    add_event(draft, SPAN("e"), to);
    add_address(draft, SPAN("a"), to);
    add_person(draft, &to->pubkey);
    add_kind(draft, SPAN("k"), to->kind);
}

void thread_repost(struct draft *draft, const struct event *what, struct span relay)
{
    struct hex id = hex_of(&what->id);
    draft->kind = what->kind == KIND_NOTE ? KIND_REPOST : KIND_GENERIC_REPOST;
    draft_tag(draft, (struct span[]){SPAN("e"), SPAN_OF(id), relay}, 3);
    add_address(draft, SPAN("a"), what);
    add_person(draft, &what->pubkey);
    if (what->kind != KIND_NOTE)
        add_kind(draft, SPAN("k"), what->kind);
}

/* ---- what a text names ---- */

/* Part of a word: all but space and punctuation of ASCII. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* A word of NIP-19, when it is one. */
static bool mention_word(struct draft *draft, struct span word, struct err *err)
{
    struct arena arena = {0};
    struct bech32 read;
    bool is_secret = false;
    if (bech32_decode(&read, &arena, word, NULL)) {
        struct hex key = hex_of(&read.key);
        is_secret = read.type == BECH32_NSEC;
        if (read.type == BECH32_NPUB || read.type == BECH32_NPROFILE)
            add_once(draft, SPAN("p"), SPAN_OF(key));
        if (read.type == BECH32_NOTE || read.type == BECH32_NEVENT)
            add_once(draft, SPAN("q"), SPAN_OF(key));
        if (is_secret) {
            secret_wipe(&key, sizeof key);
            secret_wipe(&read, sizeof read);
        }
    }
    arena_clear(&arena);
    return !is_secret || err_set(err, ERR_RESTRICTED, "a secret key is in it: nothing was written");
}

static void mention_tag(struct draft *draft, struct span word)
{
    char lower[WORD_MAX];
    if (word.len == 0 || word.len > sizeof lower)
        return;
    for (size_t i = 0; i < word.len; i++)
        lower[i] =
            (char)(word.at[i] >= 'A' && word.at[i] <= 'Z' ? word.at[i] + 'a' - 'A' : word.at[i]);
    add_once(draft, SPAN("t"), (struct span){lower, word.len});
}

bool thread_mention(struct draft *draft, struct span text, struct err *err)
{
    size_t mentions = 0;
    for (size_t i = 0; i < text.len;) {
        size_t end = i;
        bool is_first = i == 0 || !is_letter(text.at[i - 1]);
        if (is_first && is_letter(text.at[i])) {
            while (end < text.len && is_letter(text.at[end]))
                end++;
            if (!mention_word(draft, (struct span){text.at + i, end - i}, err))
                return false;
        } else if (is_first && text.at[i] == '#' && mentions++ < MENTIONS_MAX) {
            end++;
            while (end < text.len && is_letter(text.at[end]))
                end++;
            mention_tag(draft, (struct span){text.at + i + 1, end - i - 1});
        }
        i = end > i ? end : i + 1;
    }
    return true;
}
