/* A message of NIP-77 to either side. The first byte says which side, whether frames are limited
 * and how many records it has. What is answered fits the frame, is understood by the other side,
 * and a refusal leaves nothing behind. */
#include <assert.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/negentropy.h"
#include "shared/text.h"

enum { RECORDS_MAX = 500 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_id(void *owner, enum negentropy_verdict verdict, const struct bytes32 *id)
{
    size_t *told = owner;
    assert(verdict == NEGENTROPY_HAVE || verdict == NEGENTROPY_NEED);
    assert(id != NULL);
    (*told)++;
}

/* Times and ids are such that short messages reach them: three a second, the ids 0, 1, 2, ... */
static void make_records(struct negentropy_record *records)
{
    for (size_t i = 0; i < RECORDS_MAX; i++) {
        records[i] = (struct negentropy_record){.created_at = (int64_t)(i / 3)};
        records[i].id.at[1] = (uint8_t)(i >> 8);
        records[i].id.at[2] = (uint8_t)i;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct negentropy_record records[RECORDS_MAX];
    struct text text = {0}, again = {0};
    struct err err;
    size_t told = 0;
    if (size == 0)
        return 0;
    make_records(records);
    struct negentropy initiator = {.records = records, .on_id = on_id, .owner = &told};
    struct negentropy responder = {.records = records};
    bool is_initiator = (data[0] & 1) != 0;
    struct negentropy *side = is_initiator ? &initiator : &responder;
    struct negentropy *other = is_initiator ? &responder : &initiator;
    struct span message = {(const char *)data + 1, size - 1};
    side->frame_bytes_max = (data[0] & 2) != 0 ? NEGENTROPY_FRAME_BYTES_MIN : 0;
    side->count = (size_t)(data[0] >> 2) * 8 % RECORDS_MAX;
    other->count = RECORDS_MAX / 2;
    if (negentropy_reconcile(side, &text, message, &err)) {
        assert(side->frame_bytes_max == 0 || text.len <= side->frame_bytes_max);
        assert(is_initiator || text.len > 0);
        assert(told <= side->count + size / sizeof(struct bytes32));
        if (text.len > 0) {
            bool ok = negentropy_reconcile(other, &again, text_span(&text), NULL);
            assert(ok);
        }
    } else {
        assert(err.text[0] != '\0' && text.len == 0);
        assert(err.code == ERR_INVALID || (is_initiator && err.code == ERR_UNSUPPORTED));
    }
    text_clear(&text);
    text_clear(&again);
    return 0;
}
