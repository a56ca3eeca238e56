/* sodium.h - base64 as libsodium names it, all of libsodium that what runs here needs. */
#pragma once

#include <stddef.h>

#define sodium_base64_VARIANT_ORIGINAL 1 /* with padding, as every other is not asked for here */

/* 0 when all of the text is base64, with nothing between; ignored and end are NULL. */
int sodium_base642bin(unsigned char *out, size_t max, const char *text, size_t len,
                      const char *ignored, size_t *out_len, const char **end, int variant);

/* With the NUL. */
size_t sodium_base64_encoded_len(size_t len, int variant);
char *sodium_bin2base64(char *out, size_t max, const unsigned char *bytes, size_t len, int variant);
