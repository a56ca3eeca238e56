/* half.h - numbers of 16 bits: IEEE binary16 ("half") and bfloat16.
 *
 * Every 16-bit number is a float exactly. The other way, what lies between two is rounded to the
 * nearer, a tie to the even one; past the largest it is infinite; NaN stays NaN.
 *
 *   threads  pure
 */
#pragma once

#include <stdint.h>

float half_to_float(uint16_t half);
uint16_t half_from_float(float value);

float half_bf16_to_float(uint16_t bf16);
uint16_t half_bf16_from_float(float value);
