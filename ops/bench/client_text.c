/* client_text.c - a long text: typed, applied, loaded. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/doc.h"
#include "ops/bench/client_bench.h"
#include "ops/bench/dice.h"
#include "ops/bench/fatal.h"
#include "shared/text.h"

enum { INSERTS = 182315, DELETIONS = 77463 }; /* of B4 */
enum { SEED = 4, NEAR = 200, RUN_MAX = 45, GOES_ON_PERCENT = 92, NEAR_PERCENT = 70 };

/* ---- the trace ---- */

struct typist {
    struct dice dice;
    FILE *file;
    size_t at, len;
    size_t inserts, deletions; /* left */
};

static void move(struct typist *typist)
{
    size_t percent = dice_below(&typist->dice, 100);
    if (percent >= NEAR_PERCENT) {
        typist->at = dice_below(&typist->dice, typist->len + 1);
        return;
    }
    size_t back = dice_below(&typist->dice, NEAR);
    typist->at = typist->at > back ? typist->at - back : 0;
    typist->at += dice_below(&typist->dice, NEAR);
    if (typist->at > typist->len)
        typist->at = typist->len;
}

static void type_run(struct typist *typist)
{
    size_t count = 1 + dice_below(&typist->dice, RUN_MAX);
    for (; count > 0 && typist->inserts > 0; count--) {
        char letter = (char)('a' + dice_below(&typist->dice, 27));
        fprintf(typist->file, "%zu 0 %c\n", typist->at, letter > 'z' ? '_' : letter);
        typist->at++;
        typist->len++;
        typist->inserts--;
    }
}

/* Backwards, as the key does. */
static void delete_run(struct typist *typist)
{
    size_t count = 1 + dice_below(&typist->dice, RUN_MAX);
    for (; count > 0 && typist->deletions > 0 && typist->at > 0; count--) {
        typist->at--;
        typist->len--;
        typist->deletions--;
        fprintf(typist->file, "%zu 1 -\n", typist->at);
    }
}

void bench_trace(const char *path)
{
    struct typist typist = {
        .dice = {SEED}, .file = fopen(path, "w"), .inserts = INSERTS, .deletions = DELETIONS};
    if (typist.file == NULL)
        fatal("%s: %s", path, strerror(errno));
    while (typist.inserts + typist.deletions > 0) {
        if (dice_below(&typist.dice, 100) >= GOES_ON_PERCENT || typist.inserts == 0)
            move(&typist);
        if (dice_below(&typist.dice, typist.inserts + typist.deletions) < typist.inserts)
            type_run(&typist);
        else
            delete_run(&typist);
    }
    if (fclose(typist.file) != 0)
        fatal("%s: %s", path, strerror(errno));
}

/* ---- the document ---- */

static struct span map_file(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        fatal("%s: %s", path, strerror(errno));
    void *at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED)
        fatal("%s: %s", path, strerror(errno));
    close(fd);
    return (struct span){at, (size_t)status.st_size};
}

static size_t take_number(struct span *rest)
{
    size_t number = 0;
    for (; rest->len > 0 && *rest->at >= '0' && *rest->at <= '9'; rest->at++, rest->len--)
        number = 10 * number + (size_t)(*rest->at - '0');
    rest->at++;
    rest->len--;
    return number;
}

static void edit(struct doc *doc, struct span *rest)
{
    size_t at = take_number(rest), count = take_number(rest);
    const struct span letter = {rest->at, 1};
    if (count > 0 ? !doc_text_delete(doc, SPAN("text"), at, count, NULL)
                  : !doc_text_insert(doc, SPAN("text"), at, letter, NULL))
        fatal("an edit past the end of the text");
    rest->at += 2;
    rest->len -= 2;
}

static void save(struct doc *doc, const char *path)
{
    struct text bytes = {0};
    double start_s = bench_cpu_s();
    FILE *file = fopen(path, "w");
    if (!doc_diff(doc, &bytes, SPAN(""), NULL))
        fatal("a document that cannot be written");
    printf("encode_ms %.2f\nbytes %zu\n", (bench_cpu_s() - start_s) * 1e3, bytes.len);
    if (file == NULL || fwrite(bytes.at, 1, bytes.len, file) != bytes.len || fclose(file) != 0)
        fatal("%s: %s", path, strerror(errno));
    text_clear(&bytes);
}

void bench_type(const char *trace, const char *document)
{
    struct span rest = map_file(trace);
    struct doc *doc = doc_new(1);
    double start_s = bench_cpu_s();
    while (rest.len > 0)
        edit(doc, &rest);
    printf("type_ms %.1f\nunits %zu\n", (bench_cpu_s() - start_s) * 1e3,
           doc_text_units(doc, SPAN("text")));
    save(doc, document);
    doc_free(doc);
}

/* Each behind its length, four bytes with the lowest first. */
static struct span take_update(struct span *rest)
{
    const uint8_t *at = (const uint8_t *)rest->at;
    if (rest->len < 4)
        fatal("updates that end within one");
    size_t len = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    const struct span update = {rest->at + 4, len};
    rest->at += 4 + len;
    rest->len -= 4 + len;
    return update;
}

void bench_apply(const char *updates, const char *document)
{
    struct span rest = map_file(updates);
    struct doc *doc = doc_new(1);
    double start_s = bench_cpu_s();
    while (rest.len > 0)
        if (!doc_apply(doc, take_update(&rest), DOC_VALID, NULL))
            fatal("an update that is none");
    printf("apply_ms %.1f\nunits %zu\n", (bench_cpu_s() - start_s) * 1e3,
           doc_text_units(doc, SPAN("text")));
    save(doc, document);
    doc_free(doc);
}

static void load_one(struct doc **doc, struct span bytes)
{
    *doc = doc_new(1);
    if (!doc_apply(*doc, bytes, DOC_VALID, NULL))
        fatal("a document that is none");
}

void bench_load(const char *document)
{
    enum { TIMES = 5 };
    struct span bytes = map_file(document);
    struct doc *docs[TIMES + 1];
    size_t before = bench_resident();
    double start_s = bench_cpu_s();
    load_one(&docs[TIMES], bytes); /* as a program just begun does it */
    printf("first_load_ms %.2f\n", (bench_cpu_s() - start_s) * 1e3);
    printf("memory %zu\n", bench_resident() - before);
    start_s = bench_cpu_s();
    for (int i = 0; i < TIMES; i++)
        load_one(&docs[i], bytes);
    printf("load_ms %.2f\n", (bench_cpu_s() - start_s) * 1e3 / TIMES);
    for (int i = 0; i <= TIMES; i++)
        doc_free(docs[i]);
}
