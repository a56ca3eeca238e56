/* A user of libshoal on standard input and output: its store, its relay, and the texts in there.
 * One command a line, one line of answer; bytes are in hex, "-" is none of them.
 *
 *     open FOLDER URL | sync | circle | member CIRCLE PUBKEY | new CIRCLE | hash
 *     splice ID AT COUNT UTF8 | set ID KEY ANY | json ID NAME KIND | entity ID
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/doc.h"
#include "client/shoal.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { WORDS_MAX = 5, LINE_MAX_BYTES = 1 << 20 };

static struct shoal_error error;
static struct shoal_keys *keys;
static struct shoal_store *store;

static void check(bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "yjs_peer: %s\n", error.text);
    abort();
}

static struct span unhex(char *word)
{
    size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
    if (!hex_decode((uint8_t *)word, len, (struct span){word, 2 * len}))
        abort();
    return (struct span){word, len};
}

static void open_all(struct text *out, char **words)
{
    keys = shoal_keys_new(&error);
    store = shoal_store_open(words[1], &error);
    check(keys != NULL && store != NULL && shoal_store_set_relay(store, words[2], true, &error));
    text_addf(out, "%s", shoal_keys_pubkey(keys));
}

static void run_sync(struct text *out)
{
    static const char *const all[] = {"{}"};
    const struct shoal_sync_setup setup = {
        .filters = all, .filter_count = 1, .keys = keys, .timeout_ms = 120000};
    struct shoal_sync *sync = shoal_sync_new(store, &setup, &error);
    check(sync != NULL);
    struct shoal_progress now;
    while (shoal_sync_step(sync, &now) == SHOAL_SYNC_RUNS) {
        struct pollfd wait = {.fd = now.fd, .events = POLLIN};
        poll(&wait, 1, now.wait_ms);
    }
    text_addf(out, "{\"fetched\":%llu,\"sent\":%llu,\"refused\":%llu,\"why\":\"%s\"}",
              (unsigned long long)now.fetched, (unsigned long long)now.sent,
              (unsigned long long)now.refused, now.why);
    shoal_sync_free(sync);
}

/* What an editor would hold. */
static struct doc *open_doc(const char *id)
{
    uint64_t client;
    size_t size;
    check(shoal_doc_client(store, keys, id, &client, &error));
    char *all = shoal_doc_diff(store, id, NULL, 0, &size, &error);
    check(all != NULL);
    struct doc *doc = doc_new(client);
    if (!doc_apply(doc, (struct span){all, size}, DOC_VALID, NULL) || doc_pending(doc) > 0)
        abort();
    shoal_text_free(all);
    return doc;
}

/* As an editor does it: in a document of its own, of which what is new is published. */
static void set(char **words)
{
    struct text vector = {0}, update = {0};
    struct doc *doc = open_doc(words[1]);
    doc_state_vector(doc, &vector);
    if (!doc_map_set(doc, SPAN("map"), (struct span){words[2], strlen(words[2])}, unhex(words[3]),
                     NULL) ||
        !doc_diff(doc, &update, text_span(&vector), NULL))
        abort();
    const struct shoal_edit edit = {
        .kind = SHOAL_UPDATE, .update = update.at, .update_size = update.len};
    check(shoal_doc_edit(store, keys, words[1], &edit, &error));
    text_clear(&vector);
    text_clear(&update);
    doc_free(doc);
}

static void splice(char **words)
{
    struct span utf8 = unhex(words[4]);
    char *text = strndup(utf8.at, utf8.len);
    const struct shoal_edit edit = {.kind = SHOAL_SPLICE,
                                    .at = strtoul(words[2], NULL, 10),
                                    .count = strtoul(words[3], NULL, 10),
                                    .utf8 = text};
    check(shoal_doc_edit(store, keys, words[1], &edit, &error));
    free(text);
}

/* False for a command that asks. */
static bool change(struct text *out, char **words)
{
    char id[SHOAL_HEX_SIZE] = "1";
    if (strcmp(words[0], "circle") == 0)
        check(shoal_circle_new(store, keys, "street", true, id, &error));
    else if (strcmp(words[0], "member") == 0)
        check(shoal_circle_set_role(store, keys, words[1], words[2], SHOAL_WRITER, &error));
    else if (strcmp(words[0], "new") == 0)
        check(shoal_entity_new(
            store, keys, &(struct shoal_entity){.type = "note", .circle = words[1]}, id, &error));
    else if (strcmp(words[0], "splice") == 0)
        splice(words);
    else if (strcmp(words[0], "set") == 0)
        set(words);
    else
        return false;
    text_addf(out, "%s", id);
    return true;
}

static void ask(struct text *out, char **words)
{
    char hash[SHOAL_HEX_SIZE];
    if (strcmp(words[0], "open") == 0) {
        open_all(out, words);
    } else if (strcmp(words[0], "sync") == 0) {
        run_sync(out);
    } else if (strcmp(words[0], "hash") == 0) {
        check(shoal_store_hash(store, hash, &error));
        text_addf(out, "%s", hash);
    } else if (strcmp(words[0], "json") == 0) {
        struct doc *doc = open_doc(words[1]);
        doc_json(doc, out, (struct span){words[2], strlen(words[2])},
                 (enum doc_kind)strtoul(words[3], NULL, 10));
        doc_free(doc);
    } else if (strcmp(words[0], "entity") == 0) {
        char *json = shoal_entity_get(store, words[1], &error);
        check(json != NULL);
        text_addf(out, "%s", json);
        shoal_text_free(json);
    } else {
        abort();
    }
}

int main(void)
{
    char *line = malloc(LINE_MAX_BYTES);
    while (line != NULL && fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
        char none[] = "-", *words[WORDS_MAX] = {none, none, none, none, none}, *rest = line;
        struct text out = {0};
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < WORDS_MAX && rest != NULL; i++)
            words[i] = strsep(&rest, " ");
        if (!change(&out, words))
            ask(&out, words);
        printf("%.*s\n", (int)out.len, out.at);
        fflush(stdout);
        text_clear(&out);
    }
    shoal_store_close(store);
    shoal_keys_free(keys);
    free(line);
    return EXIT_SUCCESS;
}
