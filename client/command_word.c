/* shoal encode, decode, did, cid: names of people and events, from any form into any. */
#include "client/cid.h"
#include "client/command.h"
#include "client/did.h"
#include "client/person.h"
#include "client/reference.h"
#include "client/secret.h"
#include "shared/arena.h"
#include "shared/bech32.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"
#include "shared/utf8.h"

static const char *const type_names[] = {
    [BECH32_NPUB] = "npub",         [BECH32_NSEC] = "nsec",     [BECH32_NOTE] = "note",
    [BECH32_NPROFILE] = "nprofile", [BECH32_NEVENT] = "nevent", [BECH32_NADDR] = "naddr"};

static bool find_type(enum bech32_type *type, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(type_names); i++)
        if (i != BECH32_NSEC && strcmp(type_names[i], name) == 0) {
            *type = (enum bech32_type)i;
            return true;
        }
    return false;
}

/* What the options say of the word, less the kind. */
static bool read_options(struct bech32 *word, const struct command_call *call, struct err *err)
{
    const char *relay, *author = command_value(call, "author");
    const char *identifier = command_value(call, "identifier");
    size_t place = 0;
    word->identifier = command_span(identifier != NULL ? identifier : "");
    word->has_author = author != NULL;
    while ((relay = command_next_value(call, "relay", &place)) != NULL)
        if (word->relay_count < BECH32_RELAYS_MAX)
            word->relays[word->relay_count++] = command_span(relay);
    return author == NULL || person_parse(&word->author, command_span(author), err);
}

static enum command_status run_encode(struct command_call *call)
{
    struct bech32 word = {0};
    struct text out = {0};
    struct err err;
    int64_t kind;
    if (!command_number(call, "kind", 0, UINT16_MAX, &kind))
        return COMMAND_USAGE;
    word.kind = (uint32_t)kind;
    word.has_kind = command_value(call, "kind") != NULL;
    if (!find_type(&word.type, call->words[0]))
        return command_misuse(call, "expected npub, note, nprofile, nevent or naddr, got '%.20s'",
                              call->words[0]);
    if (!read_options(&word, call, &err))
        return command_fail(call, &err);
    if (word.type == BECH32_NADDR && !word.has_kind)
        return command_misuse(call, "an naddr wants its --kind");
    bool is_event = word.type == BECH32_NOTE || word.type == BECH32_NEVENT;
    bool ok = is_event ? reference_parse(&word.key, command_span(call->words[1]), &err)
                       : person_parse(&word.key, command_span(call->words[1]), &err);
    if (!ok)
        return command_fail(call, &err);
    if (call->is_json)
        text_add(&out, SPAN("\""));
    if (!bech32_encode(&out, &word))
        return command_misuse(call, "an identifier of over 255 bytes");
    text_add(&out, call->is_json ? SPAN("\"\n") : SPAN("\n"));
    return command_print(call, &out);
}

/* "name":value, or a line of name and value; value: JSON. */
static void add_member(struct text *out, const struct command_call *call, size_t begin,
                       const char *name, struct span value)
{
    if (call->is_json)
        text_addf(out, "%s\"%s\":%.*s", out->len == begin ? "{" : ",", name, SPAN_ARG(value));
    else if (value.len > 1 && value.at[0] == '"') /* less its quotes; escapes stay */
        text_addf(out, "%-12s%.*s\n", name, (int)value.len - 2, value.at + 1);
    else
        text_addf(out, "%-12s%.*s\n", name, SPAN_ARG(value));
}

static void add_text(struct text *out, const struct command_call *call, size_t begin,
                     const char *name, struct span value)
{
    struct text json = {0};
    text_add_json(&json, value);
    add_member(out, call, begin, name, text_span(&json));
    text_clear(&json);
}

static void add_hex(struct text *out, const struct command_call *call, size_t begin,
                    const char *name, const struct bytes32 *value)
{
    char hex[2 * sizeof value->at];
    hex_encode(hex, value->at, sizeof value->at);
    add_text(out, call, begin, name, SPAN_OF(hex));
}

static void add_end(struct text *out, const struct command_call *call)
{
    text_add(out, call->is_json ? SPAN("}\n") : SPAN(""));
}

static void add_kind(struct text *out, const struct command_call *call, size_t begin,
                     const struct bech32 *word)
{
    struct text number = {0};
    text_addf(&number, "%u", word->kind);
    if (word->has_kind)
        add_member(out, call, begin, "kind", text_span(&number));
    text_clear(&number);
}

static void add_relays(struct text *out, const struct command_call *call, size_t begin,
                       const struct bech32 *word)
{
    struct text list = {0};
    for (uint32_t i = 0; i < word->relay_count; i++) {
        text_add(&list, i == 0 ? SPAN("[") : SPAN(","));
        text_add_json(&list, word->relays[i]);
    }
    text_add(&list, SPAN("]"));
    if (word->relay_count > 0)
        add_member(out, call, begin, "relays", text_span(&list));
    text_clear(&list);
}

static bool decode_word(struct text *out, const struct command_call *call, struct span given,
                        struct err *err)
{
    struct arena arena = {0};
    struct bech32 word;
    size_t begin = out->len;
    if (!bech32_decode(&word, &arena, given, err))
        return false;
    if (word.type == BECH32_NSEC) {
        secret_wipe(&word, sizeof word);
        return err_set(err, ERR_INVALID,
                       "a secret key, which has no place on a command line: "
                       "shoal identity import");
    }
    bool is_event = word.type == BECH32_NOTE || word.type == BECH32_NEVENT;
    add_text(out, call, begin, "type", command_span(type_names[word.type]));
    add_hex(out, call, begin, is_event ? "id" : "pubkey", &word.key);
    if (word.has_author)
        add_hex(out, call, begin, "author", &word.author);
    add_kind(out, call, begin, &word);
    if (word.type == BECH32_NADDR && utf8_is(word.identifier))
        add_text(out, call, begin, "identifier", word.identifier);
    bool has_text = true;
    for (uint32_t i = 0; i < word.relay_count; i++)
        has_text = has_text && utf8_is(word.relays[i]);
    if (has_text)
        add_relays(out, call, begin, &word);
    add_end(out, call);
    arena_clear(&arena);
    return true;
}

static bool show_did(struct text *out, const struct command_call *call, struct span given,
                     struct err *err)
{
    struct bytes32 pubkey;
    struct text did = {0};
    size_t begin = out->len;
    bool is_odd = false;
    if (!person_parse(&pubkey, given, err) ||
        (did_is(given) && !did_parse(&pubkey, &is_odd, given, err)))
        return false;
    add_hex(out, call, begin, "pubkey", &pubkey);
    did_write_nostr(&did, &pubkey);
    add_text(out, call, begin, "did:nostr", text_span(&did));
    did.len = 0;
    did_write_key(&did, &pubkey);
    add_text(out, call, begin, "did:key", text_span(&did));
    if (is_odd)
        add_text(out, call, begin, "note", SPAN("given as the odd point, which is the same x"));
    add_end(out, call);
    text_clear(&did);
    return true;
}

static bool show_cid(struct text *out, const struct command_call *call, struct span given,
                     struct err *err)
{
    static const char *const names[] = {
        [CID_RAW] = "cid", [CID_JSON] = "json", [CID_DAG_JSON] = "dag-json"};
    struct bytes32 id;
    struct text cid = {0};
    size_t begin = out->len;
    if (!reference_parse(&id, given, err))
        return false;
    add_hex(out, call, begin, "id", &id);
    for (enum cid_codec codec = CID_RAW; codec <= CID_DAG_JSON; codec++) {
        cid.len = 0;
        cid_write(&cid, &id, codec);
        add_text(out, call, begin, names[codec], text_span(&cid));
    }
    add_end(out, call);
    text_clear(&cid);
    return true;
}

typedef bool show_fn(struct text *out, const struct command_call *call, struct span given,
                     struct err *err);

/* What is no such word is told, and the others are shown all the same. */
static enum command_status show_one(struct command_call *call, show_fn *show)
{
    struct text out = {0};
    struct err err;
    if (call->turn > 0 && !call->is_json)
        text_add(&out, SPAN("\n"));
    bool ok = show(&out, call, command_span(call->words[0]), &err);
    enum command_status printed = command_print(call, &out);
    return ok ? printed : command_fail(call, &err);
}

static enum command_status run_decode(struct command_call *call)
{
    return show_one(call, decode_word);
}

static enum command_status run_did(struct command_call *call)
{
    return show_one(call, show_did);
}

static enum command_status run_cid(struct command_call *call)
{
    return show_one(call, show_cid);
}

static const struct command_option options_encode[] = {
    {"relay", "URL", "where it is to be found; may be repeated"},
    {"author", "WHO", "of an nevent"},
    {"kind", "N", "of an nevent or naddr"},
    {"identifier", "TEXT", "of an naddr: its d"},
    COMMAND_OPTION_JSON};

const struct command command_encode = {.name = "encode",
                                       .words = "npub|nprofile|naddr WHO|-, or note|nevent ID|-",
                                       .help =
                                           "write a person or an event as a word to copy and paste",
                                       .words_min = 2,
                                       .words_max = 2,
                                       .options = options_encode,
                                       .option_count = ARRAY_LEN(options_encode),
                                       .lines = COMMAND_LINES_EACH,
                                       .run = run_encode};

static const struct command_option options_json[] = {COMMAND_OPTION_JSON};

const struct command command_decode = {.name = "decode",
                                       .words = "WORD... | -",
                                       .help = "say what npub, note, nevent, naddr ... words hold",
                                       .words_min = 1,
                                       .words_max = COMMAND_WORDS_MAX,
                                       .options = options_json,
                                       .option_count = ARRAY_LEN(options_json),
                                       .lines = COMMAND_LINES_WORD,
                                       .run = run_decode};

const struct command command_did = {.name = "did",
                                    .words = "WHO... | -",
                                    .help = "write people as did:nostr and did:key",
                                    .words_min = 1,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_json,
                                    .option_count = ARRAY_LEN(options_json),
                                    .lines = COMMAND_LINES_WORD,
                                    .run = run_did};

const struct command command_cid = {.name = "cid",
                                    .words = "ID... | -",
                                    .help = "write event ids as content identifiers, and back",
                                    .words_min = 1,
                                    .words_max = COMMAND_WORDS_MAX,
                                    .options = options_json,
                                    .option_count = ARRAY_LEN(options_json),
                                    .lines = COMMAND_LINES_WORD,
                                    .run = run_cid};
