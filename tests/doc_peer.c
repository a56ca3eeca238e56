/* A Yjs document on standard input and output, for peers in other languages. One command a line,
 * one line of answer; bytes are in hex, "-" is none of them.
 *
 *     reset CLIENT | apply UPDATE | void UPDATE | insert AT UTF8 | delete AT COUNT | set KEY ANY
 *     undo | redo | vector | diff VECTOR | text | json NAME KIND | pending
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/doc.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { WORDS_MAX = 3, LINE_MAX_BYTES = 1 << 22 };

static struct doc *doc;

/* The bytes of a word. */
static struct span unhex(char *word)
{
    size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
    if (!hex_decode((uint8_t *)word, len, (struct span){word, 2 * len}))
        abort();
    return (struct span){word, len};
}

static bool edit(char **words)
{
    struct span name = SPAN("text");
    if (strcmp(words[0], "apply") == 0)
        return doc_apply(doc, unhex(words[1]), DOC_VALID, NULL);
    if (strcmp(words[0], "void") == 0)
        return doc_apply(doc, unhex(words[1]), DOC_VOID, NULL);
    if (strcmp(words[0], "insert") == 0)
        return doc_text_insert(doc, name, strtoul(words[1], NULL, 10), unhex(words[2]), NULL);
    if (strcmp(words[0], "delete") == 0)
        return doc_text_delete(doc, name, strtoul(words[1], NULL, 10), strtoul(words[2], NULL, 10),
                               NULL);
    if (strcmp(words[0], "set") == 0)
        return doc_map_set(doc, SPAN("map"), (struct span){words[1], strlen(words[1])},
                           unhex(words[2]), NULL);
    if (strcmp(words[0], "undo") == 0)
        return doc_undo(doc);
    if (strcmp(words[0], "redo") == 0)
        return doc_redo(doc);
    if (strcmp(words[0], "reset") != 0)
        abort();
    doc_free(doc);
    doc = doc_new(strtoull(words[1], NULL, 10));
    return true;
}

/* False for a command that changes something. */
static bool show(struct text *out, char **words)
{
    if (strcmp(words[0], "vector") == 0)
        doc_state_vector(doc, out);
    else if (strcmp(words[0], "diff") == 0)
        return doc_diff(doc, out, unhex(words[1]), NULL);
    else if (strcmp(words[0], "text") == 0)
        doc_text(doc, out, SPAN("text"));
    else if (strcmp(words[0], "json") == 0)
        doc_json(doc, out, (struct span){words[1], strlen(words[1])},
                 (enum doc_kind)strtoul(words[2], NULL, 10));
    else if (strcmp(words[0], "pending") == 0)
        text_addf(out, "%zu", doc_pending(doc));
    else
        return false;
    return true;
}

int main(void)
{
    char *line = malloc(LINE_MAX_BYTES);
    doc = doc_new(1);
    while (line != NULL && fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
        char none[] = "-", *words[WORDS_MAX] = {none, none, none}, *rest = line;
        struct text out = {0}, hex = {0};
        line[strcspn(line, "\n")] = '\0';
        for (int i = 0; i < WORDS_MAX && rest != NULL; i++)
            words[i] = strsep(&rest, " ");
        if (show(&out, words))
            text_add_hex(&hex, (const uint8_t *)out.at, out.len);
        else
            text_addf(&hex, "%d", edit(words));
        printf("%.*s\n", (int)hex.len, hex.len > 0 ? hex.at : "");
        fflush(stdout);
        text_clear(&out);
        text_clear(&hex);
    }
    doc_free(doc);
    free(line);
    return EXIT_SUCCESS;
}
