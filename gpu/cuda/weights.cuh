/* weights.cuh - what a pack (gpu/pack.h) says of weights: eight at a time, those of 32 columns that
 * a thread multiplies.
 *
 * weights<type>::read gets the bytes; weights<type>::at makes number i of them, as gpu/row says.
 */
#pragma once

#include "gpu/cuda/dialect.cuh"
#include "gpu/dtype.h"
#include "gpu/pack.h"
#include "gpu/scalar.h"

/* Where a thread's eight are: of a pack, 32 columns, the row of 8 and the sum of four. */
struct weights_place {
    global<const char> pack;
    uint32_t block, row, sum;
};

static __device__ __forceinline__ float weights_half(uint32_t bits)
{
    return __half2float(__ushort_as_half((unsigned short)bits));
}

static __device__ __forceinline__ uint32_t weights_u16(global<const char> at)
{
    return as<const uint16_t>(at)[0];
}

template <dtype type> struct weights;

template <> struct weights<DTYPE_F32> {
    uint4 low, high;

    static __device__ __forceinline__ weights read(weights_place at)
    {
        global<const char> from = at.pack + ((size_t)at.block * 32 + at.row * 4 + at.sum) * 32;
        return {stream_vector<uint4>(from), stream_vector<uint4>(from + 16)};
    }
    __device__ __forceinline__ float at(uint32_t i) const
    {
        const uint32_t bits[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
        return scalar_of_bits(bits[i]);
    }
};

template <bool is_bf16> struct weights_16 {
    uint4 bits;

    static __device__ __forceinline__ weights_16 read(weights_place at)
    {
        size_t place = (size_t)at.block * 32 + at.row * 4 + at.sum;
        return {stream_vector<uint4>(at.pack + place * 16)};
    }
    __device__ __forceinline__ float at(uint32_t i) const
    {
        const uint32_t words[4] = {bits.x, bits.y, bits.z, bits.w};
        uint32_t word = words[i / 2];
        if (is_bf16)
            return scalar_of_bits(i % 2 == 0 ? word << 16 : word & 0xffff0000U);
        return weights_half(i % 2 == 0 ? word & 0xffffU : word >> 16);
    }
};

template <> struct weights<DTYPE_F16> : weights_16<false> {
    __device__ __forceinline__ weights(weights_16<false> read) : weights_16<false>(read)
    {
    }
    weights() = default;
};

template <> struct weights<DTYPE_BF16> : weights_16<true> {
    __device__ __forceinline__ weights(weights_16<true> read) : weights_16<true>(read)
    {
    }
    weights() = default;
};

template <> struct weights<DTYPE_Q8> {
    uint2 bytes;
    uint32_t scale;

    static __device__ __forceinline__ weights read(weights_place at)
    {
        global<const char> block = at.pack + (size_t)at.block * (16 + 256);
        return {stream_vector<uint2>(block + (16 + (at.row * 4 + at.sum) * 8)),
                weights_u16(block + at.row * 2)};
    }
    __device__ __forceinline__ float at(uint32_t i) const
    {
        uint32_t word = i < 4 ? bytes.x : bytes.y;
        return weights_half(scale) * (float)(int8_t)(word >> i % 4 * 8);
    }
    /* The eight times eight digits; what is left out is the scale. */
    __device__ __forceinline__ int times(uint2 digits) const
    {
        return __dp4a((int)bytes.x, (int)digits.x, __dp4a((int)bytes.y, (int)digits.y, 0));
    }
};

template <> struct weights<DTYPE_Q4> {
    uint32_t nibbles, scale;

    static __device__ __forceinline__ weights read(weights_place at)
    {
        global<const char> block = at.pack + (size_t)at.block * (16 + 128);
        return {stream_vector<uint32_t>(block + (16 + (at.row * 4 + at.sum) * 4)),
                weights_u16(block + at.row * 2)};
    }
    __device__ __forceinline__ float at(uint32_t i) const
    {
        return weights_half(scale) * (float)((int)(nibbles >> i * 4 & 15U) - 8);
    }
    /* Nibbles 0, 2, 4, 6 are the low ones of their bytes; all are 8 too much. */
    __device__ __forceinline__ int times(uint2 digits) const
    {
        int even = (int)__byte_perm(digits.x, digits.y, 0x6420);
        int odd = (int)__byte_perm(digits.x, digits.y, 0x7531);
        int sum = __dp4a(0x01010101, even, __dp4a(0x01010101, odd, 0));
        int low = (int)(nibbles & 0x0f0f0f0fU);
        int high = (int)(nibbles >> 4 & 0x0f0f0f0fU);
        return __dp4a(low, even, __dp4a(high, odd, 0)) - 8 * sum;
    }
};

template <> struct weights<DTYPE_Q4K> {
    uint32_t nibbles, halves, bytes;

    static __device__ __forceinline__ weights read(weights_place at)
    {
        global<const char> super = at.pack + (size_t)(at.block / 8) * (32 + 8 * 144);
        global<const char> group = super + (32 + at.block % 8 * 144);
        return {stream_vector<uint32_t>(group + (16 + (at.row * 4 + at.sum) * 4)),
                as<const uint32_t>(super)[at.row], weights_u16(group + at.row * 2)};
    }
    __device__ __forceinline__ float at(uint32_t i) const
    {
        float step = weights_half(halves & 0xffffU) * (float)(bytes & 0xffU);
        float offset = weights_half(halves >> 16) * (float)(bytes >> 8);
        return fmaf(step, (float)(nibbles >> i * 4 & 15U), -offset);
    }
};

template <> struct weights<DTYPE_Q6K> {
    uint32_t low, high, scale, bytes;

    static __device__ __forceinline__ weights read(weights_place at)
    {
        uint32_t place = at.row * 4 + at.sum;
        global<const char> super = at.pack + (size_t)(at.block / 8) * (16 + 8 * 208);
        global<const char> group = super + (16 + at.block % 8 * 208);
        return {stream_vector<uint32_t>(group + (16 + place * 4)),
                weights_u16(group + (16 + 128 + place * 2)), weights_u16(super + at.row * 2),
                weights_u16(group + at.row * 2)};
    }
    /* Columns 4i + j: the first four are of the first 16, with the first step. */
    __device__ __forceinline__ float at(uint32_t i) const
    {
        float step = weights_half(scale) * (float)(int8_t)(i < 4 ? bytes & 0xffU : bytes >> 8);
        uint32_t value = (low >> i * 4 & 15U) | (high >> i * 2 & 3U) << 4;
        return step * (float)((int)value - 32);
    }
};
