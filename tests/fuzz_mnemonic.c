/* Any bytes as words; and words of any entropy, which must be accepted. */
#include <assert.h>
#include <stdint.h>

#include "client/mnemonic.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char words[MNEMONIC_WORDS_MAX * (MNEMONIC_CHARS_MAX + 1)];
    struct bytes64 seed;
    struct err err;
    if (!mnemonic_seed(&seed, (struct span){(const char *)data, size}, SPAN(""), &err))
        assert(err.code == ERR_INVALID && err.text[0] != '\0');
    if (size < 16)
        return 0;
    size_t entropy = size < MNEMONIC_ENTROPY_MAX ? size / 4 * 4 : MNEMONIC_ENTROPY_MAX;
    mnemonic_write(words, data, entropy);
    bool ok = mnemonic_seed(&seed, (struct span){words, strlen(words)}, SPAN(""), NULL);
    assert(ok);
    return 0;
}
