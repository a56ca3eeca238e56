/* emulator.cuh - the part of CUDA that our kernels use, on a processor: each access is watched.
 *
 * A block's threads are fibers that take turns at barriers and shuffles; blocks run one after
 * another. What a real device would let pass, and be wrong sometimes, is a fault here, always:
 *
 *   - an access outside of an allocation, or of wrong alignment
 *   - reading what nobody wrote, in shared or global memory
 *   - two threads at the same memory, one of them writing, with no barrier between them; two blocks
 *     of a launch at the same memory, one of them writing
 *   - a barrier or a shuffle that some threads of a block or warp do not reach, or reach elsewhere
 *   - an atomic: what is summed by atomics has no order
 *   - more threads, blocks or shared memory than every device has
 *
 * The first fault is kept, with its kernel, block and thread; what faults reads a number that is
 * none, writes nothing, and the launch goes on.
 *
 *   units    memory is watched two bytes at a time
 *   threads  one
 */
#pragma once

#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <type_traits>
#include <vector>

#include "gpu/cuda/fiber.cuh"

extern "C" {
#include "gpu/half.h"
}

#define __global__ static
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
        : x(width), y(height), z(depth)
    {
    }
};

struct uint2 {
    uint32_t x, y;
};

struct uint4 {
    uint32_t x, y, z, w;
};

struct float4 {
    float x, y, z, w;
};

struct __half {
    uint16_t bits;
};

inline __half __ushort_as_half(unsigned short bits)
{
    return {bits};
}

inline float __half2float(__half half)
{
    return half_to_float(half.bits);
}

inline int __dp4a(int a, int b, int sum)
{
    for (unsigned i = 0; i < 32; i += 8)
        sum += (int8_t)((unsigned)a >> i) * (int8_t)((unsigned)b >> i);
    return sum;
}

inline unsigned __byte_perm(unsigned low, unsigned high, unsigned chosen)
{
    uint64_t both = (uint64_t)high << 32 | low;
    unsigned bytes = 0;
    for (unsigned i = 0; i < 4; i++)
        bytes |= (unsigned)(both >> (chosen >> i * 4 & 7U) * 8 & 0xffU) << i * 8;
    return bytes;
}

inline dim3 gridDim, blockDim, blockIdx, threadIdx;

namespace emulator
{

enum { WARP = 32, WATCHED = 2, SHARED_BYTES_MAX = 48 << 10, GLOBAL_BYTES_MAX = 1 << 28 };
enum : uint32_t { NEVER = 0, BY_HOST = 1, MANY = UINT32_MAX };

/* Who was last at two bytes. Times are intervals between barriers, never told twice; a launch and
 * a block begin at times of their own. */
struct mark {
    uint32_t write_time, write_thread;
    uint32_t read_time, read_thread;
    uint32_t foreign_read; /* when an earlier block of a launch read it */
};

struct memory {
    char *at;
    size_t bytes;
    std::vector<mark> marks;
};

enum waiting { READY, AT_BARRIER, AT_SHUFFLE, LEFT };

struct thread {
    fiber turn;
    enum waiting waiting;
};

struct warp {
    uint32_t values[WARP], results[WARP];
    uint32_t count;
    int line;
};

inline char first_fault[256];
inline const char *kernel_name = "";
inline std::map<const char *, memory> allocations; /* global memory */
inline std::map<int, memory> block_memories;       /* of the block at hand, by line */
inline std::vector<thread> threads;
inline std::vector<warp> warps;
inline fiber scheduler;
inline const std::function<void()> *body;
inline uint32_t now = BY_HOST + 1, launch_begin, block_begin;
inline uint32_t self, thread_count, arrived;
inline int barrier_line;

__attribute__((format(printf, 1, 2))) inline void fault(const char *format, ...)
{
    if (first_fault[0] != '\0')
        return;
    va_list arguments;
    int length = snprintf(first_fault, sizeof first_fault,
                          "%s, block (%u, %u, %u), thread %u: ", kernel_name, blockIdx.x,
                          blockIdx.y, blockIdx.z, self);
    va_start(arguments, format);
    vsnprintf(first_fault + length, sizeof first_fault - (size_t)length, format, arguments);
    va_end(arguments);
}

inline bool is_ordered(uint32_t time, uint32_t thread)
{
    if (time < launch_begin || (time == now && thread == self))
        return true;
    return time >= block_begin && time < now;
}

inline void note_read(memory &of, size_t at, size_t bytes)
{
    for (size_t i = at / WATCHED; i <= (at + bytes - 1) / WATCHED; i++) {
        mark &mark = of.marks[i];
        if (mark.write_time == NEVER)
            fault("reads byte %zu, which nobody wrote", i * WATCHED);
        else if (!is_ordered(mark.write_time, mark.write_thread))
            fault("reads byte %zu, which thread %u writes meanwhile", i * WATCHED,
                  mark.write_thread);
        if (mark.read_time >= launch_begin && mark.read_time < block_begin)
            mark.foreign_read = launch_begin;
        bool is_first = mark.read_time != now || mark.read_thread == self;
        mark.read_thread = is_first ? self : (uint32_t)MANY;
        mark.read_time = now;
    }
}

inline void note_write(memory &of, size_t at, size_t bytes)
{
    for (size_t i = at / WATCHED; i <= (at + bytes - 1) / WATCHED; i++) {
        mark &mark = of.marks[i];
        if (!is_ordered(mark.write_time, mark.write_thread))
            fault("writes byte %zu, as thread %u does meanwhile", i * WATCHED, mark.write_thread);
        else if (!is_ordered(mark.read_time, mark.read_thread) || mark.foreign_read == launch_begin)
            fault("writes byte %zu, which another thread reads meanwhile", i * WATCHED);
        mark.write_time = now;
        mark.write_thread = self;
    }
}

inline bool is_inside(const memory *of, ptrdiff_t at, size_t bytes, size_t alignment)
{
    if (of == nullptr)
        fault("follows a pointer to nothing");
    else if (at < 0 || (size_t)at > of->bytes || bytes > of->bytes - (size_t)at)
        fault("is at byte %td of %zu", at, of->bytes);
    else if ((uintptr_t)(of->at + at) % alignment != 0)
        fault("is at byte %td, which is no multiple of %zu", at, alignment);
    else
        return true;
    return false;
}

/* V of memory that is declared as something else, or as itself. */
template <class V> V read_at(memory *of, ptrdiff_t at)
{
    V value;
    memset(&value, 0xff, sizeof value);
    if (is_inside(of, at, sizeof value, sizeof value)) {
        note_read(*of, (size_t)at, sizeof value);
        memcpy(&value, of->at + at, sizeof value);
    }
    return value;
}

template <class V> void write_at(memory *of, ptrdiff_t at, V value)
{
    if (!is_inside(of, at, sizeof value, sizeof value))
        return;
    note_write(*of, (size_t)at, sizeof value);
    memcpy(of->at + at, &value, sizeof value);
}

/* What p[i] is, on either side of a =. */
template <class T> struct element {
    memory *of;
    ptrdiff_t at;

    operator T() const
    {
        return read_at<T>(of, at);
    }
    void operator=(T value) const
    {
        write_at(of, at, value);
    }
    void operator=(const element &other) const
    {
        write_at(of, at, (T)other);
    }
    void operator+=(T value) const
    {
        write_at(of, at, (T)(read_at<T>(of, at) + value));
    }
};

inline memory *find(const char *at)
{
    auto after = allocations.upper_bound(at);
    if (at == nullptr || after == allocations.begin())
        return nullptr;
    memory &found = std::prev(after)->second;
    return (size_t)(at - found.at) <= found.bytes ? &found : nullptr;
}

template <class T> struct pointer {
    using value = std::remove_const_t<T>;
    memory *of = nullptr;
    ptrdiff_t at = 0;

    pointer() = default;
    pointer(memory *memory, ptrdiff_t offset) : of(memory), at(offset)
    {
    }
    pointer(T *raw)
    {
        const char *bytes = reinterpret_cast<const char *>(raw);
        of = find(bytes);
        at = of == nullptr ? 0 : bytes - of->at;
    }
    operator pointer<const T>() const
    {
        return {of, at};
    }
    explicit operator bool() const
    {
        return of != nullptr;
    }
    template <class I> pointer operator+(I count) const
    {
        return {of, at + (ptrdiff_t)count * (ptrdiff_t)sizeof(T)};
    }
    template <class I>
    std::conditional_t<std::is_const_v<T>, value, element<value>> operator[](I index) const
    {
        ptrdiff_t to = at + (ptrdiff_t)index * (ptrdiff_t)sizeof(T);
        if constexpr (std::is_const_v<T>)
            return read_at<value>(of, to);
        else
            return {of, to};
    }
};

inline void wait(enum waiting waiting)
{
    threads[self].waiting = waiting;
    fiber_switch(threads[self].turn, scheduler);
}

inline void meet(int line)
{
    if (arrived > 0 && line != barrier_line)
        fault("waits in line %d, others in line %d", line, barrier_line);
    barrier_line = line;
    if (++arrived < thread_count) {
        wait(AT_BARRIER);
        return;
    }
    arrived = 0;
    now++;
    for (thread &thread : threads)
        if (thread.waiting == AT_BARRIER)
            thread.waiting = READY;
}

/* What the lane that source names gave; all lanes of a warp come. */
template <class T> T shuffle(unsigned mask, T value, unsigned source, int line)
{
    static_assert(sizeof(T) == sizeof(uint32_t), "shuffles are of 32 bits");
    uint32_t first = self / WARP * WARP;
    warp &warp = warps[self / WARP];
    if (mask != 0xffffffff || thread_count - first < WARP || source >= WARP)
        fault("shuffles with lanes %08x, from lane %u", mask, source);
    if (warp.count > 0 && warp.line != line)
        fault("shuffles in line %d, others in line %d", line, warp.line);
    warp.line = line;
    memcpy(&warp.values[self % WARP], &value, sizeof value);
    if (++warp.count < WARP) {
        wait(AT_SHUFFLE);
    } else {
        warp.count = 0;
        memcpy(warp.results, warp.values, sizeof warp.results);
        for (uint32_t i = first; i < first + WARP; i++)
            if (threads[i].waiting == AT_SHUFFLE)
                threads[i].waiting = READY;
    }
    memcpy(&value, &warp.results[source % WARP], sizeof value);
    return value;
}

/* The block's memory that is declared in that line. */
template <class T> pointer<T> share(int line, size_t count)
{
    memory &memory = block_memories[line];
    if (memory.at == nullptr) {
        memory.bytes = count * sizeof(T);
        memory.at = static_cast<char *>(aligned_alloc(16, (memory.bytes + 15) / 16 * 16));
        memory.marks.resize(memory.bytes / WATCHED + 1);
        memset(memory.at, 0xff, memory.bytes);
    }
    return {&memory, 0};
}

inline void leave_block()
{
    size_t bytes = 0;
    for (auto &each : block_memories) {
        bytes += each.second.bytes;
        free(each.second.at);
    }
    if (bytes > SHARED_BYTES_MAX)
        fault("shares %zu bytes", bytes);
    block_memories.clear();
}

inline void run_thread()
{
    (*body)();
    threads[self].waiting = LEFT;
    fiber_switch(threads[self].turn, scheduler);
}

inline void begin_block()
{
    warps.assign((thread_count + WARP - 1) / WARP, warp());
    threads.resize(thread_count);
    arrived = 0;
    block_begin = ++now;
    for (thread &thread : threads) {
        thread.waiting = READY;
        fiber_begin(thread.turn, run_thread);
    }
}

/* Lets each thread that can go on do so; how many could. */
inline uint32_t sweep()
{
    uint32_t went = 0;
    for (self = 0; self < thread_count; self++) {
        if (threads[self].waiting != READY)
            continue;
        threadIdx =
            dim3(self % blockDim.x, self / blockDim.x % blockDim.y, self / blockDim.x / blockDim.y);
        uint32_t running = self;
        fiber_switch(scheduler, threads[self].turn);
        self = running;
        went++;
    }
    return went;
}

inline void run_block()
{
    begin_block();
    while (sweep() > 0) {
    }
    for (self = 0; self < thread_count; self++)
        if (threads[self].waiting != LEFT) {
            fault("waits at a %s that others do not reach",
                  threads[self].waiting == AT_BARRIER ? "barrier" : "shuffle");
            break;
        }
    leave_block();
}

inline void run(const char *name, dim3 grid, dim3 block, const std::function<void()> &kernel)
{
    kernel_name = name;
    gridDim = grid;
    blockDim = block;
    thread_count = block.x * block.y * block.z;
    blockIdx = dim3(0, 0, 0);
    body = &kernel;
    launch_begin = ++now;
    if (thread_count == 0 || thread_count > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 ||
        grid.y > 65535 || grid.z > 65535)
        return fault("a launch of %u threads and (%u, %u, %u) blocks", thread_count, grid.x, grid.y,
                     grid.z);
    for (blockIdx.z = 0; blockIdx.z < grid.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < grid.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < grid.x; blockIdx.x++)
                run_block();
}

/* Global memory, as the host sees it. */
inline void *take(size_t bytes)
{
    if (bytes > GLOBAL_BYTES_MAX)
        return nullptr;
    char *at = static_cast<char *>(aligned_alloc(256, (bytes + 256) / 256 * 256));
    memset(at, 0xff, bytes);
    allocations[at] = {at, bytes, std::vector<mark>(bytes / WATCHED + 1)};
    return at;
}

inline void give(void *at)
{
    if (at == nullptr)
        return;
    allocations.erase(static_cast<char *>(at));
    free(at);
}

/* The host's accesses are ordered with all launches. */
inline memory *host_memory(const void *at, size_t bytes, ptrdiff_t *offset)
{
    const char *begin = static_cast<const char *>(at);
    memory *of = find(begin);
    kernel_name = "the host";
    launch_begin = block_begin = ++now;
    *offset = of == nullptr ? 0 : begin - of->at;
    return bytes > 0 && is_inside(of, *offset, bytes, 1) ? of : nullptr;
}

inline void put(void *to, const void *from, size_t bytes)
{
    ptrdiff_t at;
    memory *of = host_memory(to, bytes, &at);
    if (of == nullptr)
        return;
    note_write(*of, (size_t)at, bytes);
    memcpy(of->at + at, from, bytes);
}

inline void get(void *to, const void *from, size_t bytes)
{
    ptrdiff_t at;
    memory *of = host_memory(from, bytes, &at);
    if (of == nullptr)
        return;
    note_read(*of, (size_t)at, bytes);
    memcpy(to, of->at + at, bytes);
}

/* What nobody wrote stays so: a page that is copied need not be full. */
inline void copy(void *to, const void *from, size_t bytes)
{
    ptrdiff_t at;
    ptrdiff_t source_at;
    memory *of = host_memory(to, bytes, &at);
    memory *source = host_memory(from, bytes, &source_at);
    if (of == nullptr || source == nullptr)
        return;
    memcpy(of->at + at, source->at + source_at, bytes);
    for (size_t i = 0; i < (bytes + WATCHED - 1) / WATCHED; i++)
        of->marks[(size_t)at / WATCHED + i] = source->marks[(size_t)source_at / WATCHED + i];
}

} // namespace emulator

template <class T> using global = emulator::pointer<T>;
template <class T> using shared = emulator::pointer<T>;

#define SHARED(type, name, count) \
    emulator::pointer<type> name = emulator::share<type>(__LINE__, count)
#define UNROLL
#define UNROLL_BY(count)
#define __syncthreads() emulator::meet(__LINE__)
#define __shfl_sync(mask, value, lane) emulator::shuffle(mask, value, lane, __LINE__)
#define __shfl_xor_sync(mask, value, bits) \
    emulator::shuffle(mask, value, emulator::self % emulator::WARP ^ (bits), __LINE__)

template <class V, class T> V read_vector(emulator::pointer<T> from)
{
    return emulator::read_at<V>(from.of, from.at);
}

template <class V, class T> V stream_vector(emulator::pointer<T> from)
{
    return emulator::read_at<V>(from.of, from.at);
}

template <class To, class T> emulator::pointer<To> as(emulator::pointer<T> from)
{
    return {from.of, from.at};
}

template <class T> T atomicAdd(emulator::pointer<T>, T value)
{
    emulator::fault("adds atomically: the sum has no order");
    return value;
}
