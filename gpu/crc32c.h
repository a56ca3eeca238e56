/* crc32c.h - the checksum of frames: CRC-32C (Castagnoli).
 *
 *   threads  pure
 *   spec     RFC 3720 appendix B.4, whose examples the tests have
 */
#pragma once

#include "shared/base.h"

/* Of bytes that follow those with that checksum; 0 before the first. */
uint32_t crc32c(uint32_t before, struct span bytes);
