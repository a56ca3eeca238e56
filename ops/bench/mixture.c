#include "ops/bench/mixture.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "ops/bench/dice.h"
#include "ops/bench/fatal.h"
#include "shared/sig.h"

enum { NOTES_KEPT = 4096 }; /* that replies and reactions may name */
enum { PROFILE = 0, NOTE = 1, CONTACTS = 3, REACTION = 7, WRAP = 1059, ARTICLE = 30023 };
enum { PLAIN_WORDS = 45 }; /* the first of words that need no care in JSON */

static const char *const words[] = {"nostr",
                                    "relay",
                                    "the",
                                    "a",
                                    "of",
                                    "and",
                                    "to",
                                    "note",
                                    "zap",
                                    "bitcoin",
                                    "key",
                                    "people",
                                    "client",
                                    "signed",
                                    "event",
                                    "today",
                                    "why",
                                    "not",
                                    "is",
                                    "it",
                                    "on",
                                    "for",
                                    "with",
                                    "build",
                                    "open",
                                    "network",
                                    "gm",
                                    "free",
                                    "speech",
                                    "coffee",
                                    "morning",
                                    "world",
                                    "server",
                                    "simple",
                                    "protocol",
                                    "write",
                                    "read",
                                    "new",
                                    "old",
                                    "more",
                                    "less",
                                    "think",
                                    "good",
                                    "never",
                                    "always",
                                    "https://example.com/p/93k2",
                                    "\\\"quoted\\\"",
                                    "\\n",
                                    "\\n\\n",
                                    "caf\xc3\xa9",
                                    "\xf0\x9f\xa4\x99",
                                    "\xf0\x9f\x94\xa5",
                                    "\xe6\x97\xa5\xe6\x9c\xac",
                                    "\\\\o/",
                                    "tab\\there",
                                    "#nostr",
                                    "@alice",
                                    "1984",
                                    "21",
                                    "ok"};

struct author {
    struct bytes32 secret, pubkey;
};

struct note {
    struct bytes32 id;
    const struct author *author;
};

struct mixture {
    struct mixture_setup setup;
    struct dice dice;
    uint64_t made, note_count;
    struct author *authors;
    struct author stranger; /* of the last gift wrap: used once */
    struct note notes[NOTES_KEPT];
};

static void make_author(struct author *author, const char *what, uint64_t seed, uint64_t number)
{
    char name[96];
    int len = snprintf(name, sizeof name, "nbench %s %lu %lu", what, seed, number);
    author->secret = sig_sha256((struct span){name, (size_t)len});
    if (!sig_pubkey(&author->pubkey, &author->secret))
        fatal("no public key for %s", name);
}

struct mixture *mixture_new(const struct mixture_setup *setup)
{
    struct mixture *mixture = fatal_alloc(1, sizeof *mixture);
    mixture->setup = *setup;
    mixture->dice.state = setup->seed * 0x2545f4914f6cdd1dU + setup->stream;
    mixture->authors = fatal_alloc(setup->authors, sizeof *mixture->authors);
    for (uint64_t i = 0; i < setup->authors; i++)
        make_author(&mixture->authors[i], "author", setup->seed, i);
    return mixture;
}

void mixture_free(struct mixture *mixture)
{
    free(mixture->authors);
    free(mixture);
}

void mixture_event_clear(struct mixture_event *made)
{
    text_clear(&made->tags);
    text_clear(&made->content);
}

static const struct author *pick_author(struct mixture *mixture)
{
    return &mixture->authors[dice_skewed(&mixture->dice, mixture->setup.authors)];
}

static void begin_tag(struct text *tags, const char *name)
{
    text_addf(tags, "%s[\"%s\",\"", tags->len > 1 ? "," : "", name);
}

static void add_key_tag(struct text *tags, const char *name, const struct bytes32 *key)
{
    begin_tag(tags, name);
    text_add_hex(tags, key->at, sizeof key->at);
    text_addf(tags, "\"]");
}

static void add_people(struct mixture *mixture, struct text *tags, uint64_t count)
{
    while (count-- > 0)
        add_key_tag(tags, "p", &pick_author(mixture)->pubkey);
}

static void add_reply(struct mixture *mixture, struct text *tags, const struct note *note, int kind)
{
    begin_tag(tags, "e");
    text_add_hex(tags, note->id.at, sizeof note->id.at);
    text_addf(tags, kind == NOTE ? "\",\"wss://relay.example.com\",\"reply\"]" : "\"]");
    add_key_tag(tags, "p", &note->author->pubkey);
    if (kind == NOTE)
        add_people(mixture, tags, dice_below(&mixture->dice, 4));
}

static void add_article(struct mixture *mixture, struct text *tags, int64_t created_at)
{
    const char *title = words[dice_below(&mixture->dice, 48) % PLAIN_WORDS];
    uint64_t number = dice_below(&mixture->dice, 50);
    text_addf(tags,
              "[\"d\",\"article-%lu\"],[\"title\",\"Notes on %s\"],[\"published_at\",\"%ld\"]",
              number, title, created_at);
}

static void add_topics(struct mixture *mixture, struct text *tags)
{
    for (uint64_t left = 1 + dice_below(&mixture->dice, 3); left > 0; left--) {
        begin_tag(tags, "t");
        text_addf(tags, "topic%lu\"]", dice_skewed(&mixture->dice, 1000));
    }
}

static void add_words(struct mixture *mixture, struct text *content, uint64_t chars)
{
    while (content->len < chars) {
        bool is_last = content->len + 1 >= chars;
        text_addf(content, "%s%s", words[dice_below(&mixture->dice, ARRAY_LEN(words))],
                  is_last ? "" : " ");
    }
}

static void add_profile(struct mixture *mixture, struct text *content, uint64_t number)
{
    text_addf(content, "{\\\"name\\\":\\\"user%lu\\\",\\\"about\\\":\\\"", number);
    for (uint64_t left = 3 + dice_below(&mixture->dice, 20); left > 0; left--)
        text_addf(content, "%s ", words[dice_below(&mixture->dice, PLAIN_WORDS)]);
    text_addf(content,
              "\\\",\\\"picture\\\":\\\"https://example.com/%lx.jpg\\\","
              "\\\"nip05\\\":\\\"user%lu@example.com\\\"}",
              dice_throw(&mixture->dice), number);
}

/* What NIP-44 makes of a text: version, nonce, padded text, code; in base64. */
static void add_sealed(struct mixture *mixture, struct text *content)
{
    static const int padded[] = {320, 384, 448, 512, 640, 768, 896, 1024, 1280};
    uint8_t raw[1400] = {2};
    int len = 67 + padded[dice_below(&mixture->dice, ARRAY_LEN(padded))];
    for (int i = 1; i < len; i++)
        raw[i] = (uint8_t)dice_throw(&mixture->dice);
    char *out = text_reserve(content, 2048);
    content->len += (size_t)EVP_EncodeBlock((unsigned char *)out, raw, len);
}

static void make_tags(struct mixture *mixture, struct mixture_event *made, const struct note *reply)
{
    struct text *tags = &made->tags;
    int kind = made->event.kind;
    tags->len = 0;
    text_addf(tags, "[");
    if (reply != NULL)
        add_reply(mixture, tags, reply, kind);
    if (kind == ARTICLE)
        add_article(mixture, tags, made->event.created_at);
    if (kind == WRAP)
        add_people(mixture, tags, 1);
    if (kind == CONTACTS)
        add_people(mixture, tags, 10 + dice_below(&mixture->dice, 140));
    if (kind == ARTICLE || (kind == NOTE && dice_below(&mixture->dice, 100) < 30))
        add_topics(mixture, tags);
    text_addf(tags, "]");
    made->event.tags_json = text_span(tags);
}

static void make_content(struct mixture *mixture, struct mixture_event *made, uint64_t number)
{
    struct text *content = &made->content;
    content->len = 0;
    text_reserve(content, 1);
    if (made->event.kind == REACTION)
        text_addf(content, dice_below(&mixture->dice, 4) != 0 ? "+" : "\xf0\x9f\xa4\x99");
    if (made->event.kind == PROFILE)
        add_profile(mixture, content, number);
    if (made->event.kind == WRAP)
        add_sealed(mixture, content);
    if (made->event.kind == ARTICLE)
        add_words(mixture, content, 500 + dice_below(&mixture->dice, 1500));
    if (made->event.kind == NOTE)
        add_words(mixture, content, dice_length(&mixture->dice, 20, 2000));
    made->event.content_json = text_span(content);
}

static uint16_t kind_of(uint64_t percent)
{
    static const struct {
        uint64_t below;
        uint16_t kind;
    } shares[] = {{52, NOTE},    {77, REACTION}, {87, WRAP},
                  {92, ARTICLE}, {97, PROFILE},  {100, CONTACTS}};
    size_t i = 0;
    while (percent >= shares[i].below)
        i++;
    return shares[i].kind;
}

static const struct note *pick_note(struct mixture *mixture, int kind)
{
    uint64_t count = mixture->note_count;
    bool wanted =
        count > 0 && (kind == REACTION || (kind == NOTE && dice_below(&mixture->dice, 100) < 60));
    uint64_t age =
        count > 0 ? dice_skewed(&mixture->dice, count < NOTES_KEPT ? count : NOTES_KEPT) : 0;
    return wanted ? &mixture->notes[(count - 1 - age) % NOTES_KEPT] : NULL;
}

void mixture_next(struct mixture *mixture, struct mixture_event *made)
{
    const struct mixture_setup *setup = &mixture->setup;
    struct dice *dice = &mixture->dice;
    uint64_t number = mixture->made++;
    uint16_t kind = kind_of(dice_below(dice, 100));
    uint64_t author_number = dice_skewed(dice, setup->authors);
    const struct author *author = &mixture->authors[author_number];
    if (setup->only_notes || (kind == REACTION && mixture->note_count == 0))
        kind = NOTE;
    uint64_t into_span = (uint64_t)((double)setup->span_s * (double)number / (double)setup->count);
    uint64_t created_at = setup->end_at - setup->span_s + into_span +
                          dice_below(dice, setup->span_s / setup->count + 1);
    const struct note *reply = pick_note(mixture, kind);
    if (kind == WRAP) {
        make_author(&mixture->stranger, "wrap", setup->seed, number + setup->stream);
        author = &mixture->stranger;
    }
    made->event = (struct event){.kind = kind, .created_at = (int64_t)created_at};
    made->event.pubkey = author->pubkey;
    made->secret = author->secret;
    make_tags(mixture, made, reply);
    make_content(mixture, made, author_number);
    made->event.id = event_hash(&made->event, EVENT_FORM_JSON);
    if (kind == NOTE)
        mixture->notes[mixture->note_count++ % NOTES_KEPT] = (struct note){made->event.id, author};
}
