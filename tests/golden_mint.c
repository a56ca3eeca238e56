/* The vectors of NUT-11 and NUT-20, as their authors write them: pages of text with requests and
 * proofs in them, in an order that is known here.
 *
 *     golden_mint FOLDER
 */
#include <stdio.h>
#include <stdlib.h>

#include "gpu/fault.h"
#include "gpu/mint_request.h"
#include "shared/arena.h"
#include "shared/err.h"
#include "shared/hex.h"
#include "shared/text.h"

enum { SKIPPED = 77, FILE_BYTES_MAX = 1 << 20, NOW = 1800000000 };

static int checked, failed;

static void check(bool is_right, const char *what, int number)
{
    checked++;
    failed += !is_right;
    printf("%s %s %d\n", is_right ? "ok  " : "FAIL", what, number);
}

static bool read_page(struct text *page, const char *folder, const char *name)
{
    struct text path = {0};
    text_addf(&path, "%s/%s%c", folder, name, '\0');
    FILE *file = fopen(path.at, "r");
    text_clear(&path);
    page->len = 0;
    if (file == NULL)
        return false;
    page->len = fread(text_reserve(page, FILE_BYTES_MAX), 1, FILE_BYTES_MAX - 1, file);
    page->at[page->len] = '\0';
    fclose(file);
    return true;
}

/* The next block of JSON, from *at on, which is behind it then. */
static bool next_block(const char **at, struct span *block)
{
    static const char begin[] = "```json\n";
    const char *from = strstr(*at, begin);
    if (from == NULL)
        return false;
    from += strlen(begin);
    const char *end = strstr(from, "```");
    if (end == NULL)
        return false;
    *block = (struct span){from, (size_t)(end - from)};
    *at = end;
    return true;
}

/* A block is a request, or a proof alone. */
static bool read_block(struct mint_request *request, struct arena *arena, struct span block)
{
    struct text whole = {0};
    struct fault fault;
    bool is_request = memmem(block.at, block.len, "\"inputs\"", 8) != NULL;
    text_addf(&whole, is_request ? "%.*s" : "{\"inputs\":[%.*s]}", SPAN_ARG(block));
    bool ok = mint_request_read(request, arena, arena_copy(arena, text_span(&whole)), &fault);
    if (!ok)
        printf("%s\n", fault.text);
    text_clear(&whole);
    return ok;
}

static void check_locks(const struct text *page)
{
    /* proofs, then swaps, then melts; the first is shown without a witness */
    static const bool opens[] = {false, true,  true, true, false, true,  false, true, false, true,
                                 true,  false, true, true, true,  false, true,  true, true,  true};
    const char *at = page->at;
    struct span block;
    size_t count = 0;
    for (; count < ARRAY_LEN(opens) && next_block(&at, &block); count++) {
        struct arena arena = {0};
        struct mint_request request;
        struct err err = {0};
        bool is_open = false;
        if (read_block(&request, &arena, block)) {
            const struct p2pk_spend spend = {request.inputs, request.input_count, request.outputs,
                                             request.output_count, request.quote};
            is_open = p2pk_check(&spend, &arena, NOW, &err);
        }
        check(is_open == opens[count], "NUT-11", (int)count);
        arena_clear(&arena);
    }
    check(count == ARRAY_LEN(opens) && !next_block(&at, &block), "NUT-11: all of", (int)count);
}

static void check_hashes(const struct text *page)
{
    static const char label[] = "should look like this: `";
    const char *at = page->at;
    struct span block;
    for (int number = 0; number < 2; number++) {
        const char *digits = strstr(at, label);
        struct bytes32 right;
        struct arena arena = {0};
        struct mint_request request;
        bool ok = digits != NULL &&
                  hex_decode(right.at, sizeof right.at, (struct span){digits + strlen(label), 64});
        at = ok ? digits : at;
        ok = ok && next_block(&at, &block) && read_block(&request, &arena, block);
        if (ok) {
            struct bytes32 hash =
                p2pk_hash(&(struct p2pk_spend){request.inputs, request.input_count, request.outputs,
                                               request.output_count, request.quote});
            ok = memcmp(&hash, &right, sizeof hash) == 0;
        }
        check(ok, "NUT-11: what is signed", number);
        arena_clear(&arena);
    }
}

static void check_quotes(const struct text *page)
{
    static const char name[] = "03d56ce4e446a85bbdaa547b4ec2b073d40ff802831352b8272b7dd7a4de5a7cac";
    struct bytes33 key;
    const char *at = page->at;
    struct span block;
    int count = 0;
    bool ok = hex_decode(key.at, sizeof key.at, (struct span){name, strlen(name)});
    for (; ok && next_block(&at, &block); count++) {
        struct arena arena = {0};
        struct mint_request request;
        struct fault fault;
        bool is_read = mint_request_read(&request, &arena, block, &fault) && request.has_signature;
        bool is_signed = is_read && quote_sig_verify(&request.signature, &key, request.quote,
                                                     mint_request_signed(&request, &arena),
                                                     request.output_count);
        check(is_read && is_signed == (count == 0), "NUT-20", count);
        arena_clear(&arena);
    }
    check(count == 2, "NUT-20: both", count);
}

int main(int argc, char **argv)
{
    struct text page = {0};
    if (argc != 2 || !read_page(&page, argv[1], "11-test.md")) {
        printf("no vectors\n");
        return SKIPPED;
    }
    check_locks(&page);
    check_hashes(&page);
    check(read_page(&page, argv[1], "20-test.md"), "NUT-20: a page", 0);
    check_quotes(&page);
    text_clear(&page);
    printf("%d checked, %d failed\n", checked, failed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
