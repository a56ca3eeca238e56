/* Any bytes as a person, a DID, a CID: what is read is written and read again the same. */
#include <assert.h>
#include <stdint.h>

#include "client/cid.h"
#include "client/did.h"
#include "client/person.h"
#include "shared/err.h"
#include "shared/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_did(const struct bytes32 *pubkey)
{
    struct text text = {0};
    struct bytes32 again;
    did_write_key(&text, pubkey);
    bool ok = did_parse(&again, NULL, text_span(&text), NULL);
    assert(ok && memcmp(&again, pubkey, sizeof again) == 0);
    text_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span word = {(const char *)data, size};
    struct bytes32 read, again;
    struct err err;
    if (did_parse(&read, NULL, word, &err))
        check_did(&read);
    if (person_parse(&read, word, &err))
        check_did(&read);
    else
        assert(err.text[0] != '\0');
    if (cid_parse(&read, word, &err)) {
        struct text text = {0};
        cid_write(&text, &read, CID_RAW);
        bool ok = cid_parse(&again, text_span(&text), NULL);
        assert(ok && memcmp(&again, &read, sizeof again) == 0);
        text_clear(&text);
    }
    return 0;
}
