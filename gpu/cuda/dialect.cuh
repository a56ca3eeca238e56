/* dialect.cuh - what kernels are written in: CUDA, with pointers and shared memory by names that
 * gpu/cuda/emulator.cuh can watch.
 *
 *     global<T>        a pointer to global memory
 *     shared<T>        one to shared memory, declared as SHARED(T, name, count)
 *     read_vector      16 or 8 bytes at once, aligned; stream_vector: and not again soon
 *     as<T>            the same memory, as T
 *
 * Kernels have no atomics, and sum in the order that gpu/kernel.h says: what they give are the bits
 * that a processor gives. Compiled with -fmad=false: what is fused is written fmaf.
 */
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef EMULATOR
#include "gpu/cuda/emulator.cuh"
#else
#include <cuda_fp16.h>

template <class T> using global = T *;
template <class T> using shared = T *;

#define SHARED(type, name, count) __shared__ __align__(16) type name[count]
#define UNROLL _Pragma("unroll")
#define UNROLL_BY(count) UNROLL_BY_PRAGMA(unroll count)
#define UNROLL_BY_PRAGMA(words) _Pragma(#words)

template <class V, class T> static __device__ __forceinline__ V read_vector(const T *from)
{
    return *reinterpret_cast<const V *>(from);
}

template <class V, class T> static __device__ __forceinline__ V stream_vector(const T *from)
{
    return __ldcs(reinterpret_cast<const V *>(from));
}

template <class To, class T> static __device__ __forceinline__ To *as(T *from)
{
    return reinterpret_cast<To *>(from);
}
#endif

#define EVERY_LANE 0xffffffffU
