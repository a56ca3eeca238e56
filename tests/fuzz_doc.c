/* Updates from anywhere, one after the other: two bytes of length and a byte of how to take it in
 * front of each. Whatever they are, the document can be shown, edited, undone and encoded, and the
 * encoding can be read. That the copy shows the same holds only for what an honest writer wrote:
 * YATA gives no order to neighbours that never were. */
#include <assert.h>
#include <stdint.h>

#include "client/doc.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void view(const struct doc *doc, struct text *out)
{
    out->len = 0;
    doc_json(doc, out, SPAN("text"), DOC_TEXT);
    doc_json(doc, out, SPAN("map"), DOC_MAP);
    doc_json(doc, out, SPAN("array"), DOC_ARRAY);
}

static void edit(struct doc *doc, uint8_t how)
{
    size_t units = doc_text_units(doc, SPAN("text")), at = how % (units + 1);
    if (units > 1000000 || !doc_text_insert(doc, SPAN("text"), at, SPAN("\xf0\x9f\x98\x80x"), NULL))
        return;
    bool ok = doc_text_delete(doc, SPAN("text"), at / 2, 1, NULL) &&
              doc_map_set(doc, SPAN("map"), SPAN("k"), SPAN("\x78"), NULL);
    assert(ok);
    doc_undo(doc);
    if ((how & 1) != 0)
        doc_undo(doc);
    doc_redo(doc);
}

/* Whose an update is; what somebody lacks whose state vector is made of any bytes, or is ours. */
static void ask(struct doc *doc, struct span bytes)
{
    struct text vector = {0}, out = {0};
    uint64_t from, to;
    struct err err;
    if (doc_is_by(bytes, 1, &from, &to, &err))
        assert(from <= to);
    if (!doc_diff(doc, &out, bytes, &err))
        assert(err.text[0] != '\0');
    out.len = 0;
    doc_state_vector(doc, &vector);
    bool ok = doc_diff(doc, &out, text_span(&vector), &err);
    assert(ok);
    text_clear(&vector);
    text_clear(&out);
}

static void check_copy(struct doc *doc)
{
    struct text bytes = {0}, shown = {0};
    struct doc *copy = doc_new(2);
    bool ok = doc_diff(doc, &bytes, SPAN(""), NULL);
    assert(ok);
    view(doc, &shown);
    ok = doc_apply(copy, text_span(&bytes), DOC_VALID, NULL);
    assert(ok && doc_pending(copy) <= DOC_PENDING_MAX);
    view(copy, &shown);
    text_clear(&bytes);
    text_clear(&shown);
    doc_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct doc *doc = doc_new(1);
    while (size >= 3) {
        size_t len = (size_t)data[0] << 8 | data[1];
        uint8_t how = data[2];
        data += 3;
        size -= 3;
        len = len < size ? len : size;
        struct err err;
        struct span update = {(const char *)data, len};
        enum doc_trust gaps = (how & 0x10) != 0 ? DOC_REST : DOC_VOID;
        if (!doc_apply(doc, update, (how & 0x80) != 0 ? gaps : DOC_VALID, &err))
            assert(err.text[0] != '\0');
        if ((how & 0x88) == 0x88)
            doc_settle(doc);
        if ((how & 0x40) != 0)
            edit(doc, how);
        if ((how & 0x20) != 0)
            ask(doc, update);
        data += len;
        size -= len;
    }
    check_copy(doc);
    doc_free(doc);
    return 0;
}
