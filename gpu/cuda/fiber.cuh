/* fiber.cuh - functions that take turns on one processor, each on a stack of its own.
 *
 * On x86-64 a turn costs some loads and stores; elsewhere it is the C library's, with its system
 * calls.
 *
 *   threads  one
 */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

enum { FIBER_BYTES = 1 << 16 };

#if defined(__x86_64__)
struct fiber {
    std::unique_ptr<char[]> stack;
    void *top = nullptr; /* where what a call preserves lies, when it is not its turn */
};

/* Saves what a call preserves, and goes on where the other has saved it. */
__attribute__((naked, noinline)) static void fiber_swap(void **, void *)
{
    asm("pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
        "movq %rsp, (%rdi)\n\tmovq %rsi, %rsp\n\t"
        "popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbx\n\tpopq %rbp\n\tret");
}

static inline void fiber_switch(fiber &from, fiber &to)
{
    fiber_swap(&from.top, to.top);
}

static inline void fiber_place(fiber &fiber, void (*run)())
{
    /* As if run had been called: the address of a return lies at a multiple of 16 and 8 more. */
    void **top = reinterpret_cast<void **>(fiber.stack.get() + FIBER_BYTES);
    top -= (reinterpret_cast<uintptr_t>(top) / sizeof *top) % 2 + 2;
    *top = reinterpret_cast<void *>(run);
    fiber.top = top - 6;
}
#else
#include <ucontext.h>

struct fiber {
    std::unique_ptr<char[]> stack;
    ucontext_t context;
};

static inline void fiber_switch(fiber &from, fiber &to)
{
    swapcontext(&from.context, &to.context);
}

static inline void fiber_place(fiber &fiber, void (*run)())
{
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = FIBER_BYTES;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, run, 0);
}
#endif

/* Its next turn begins run, which never returns. What was there before is forgotten. */
static inline void fiber_begin(fiber &fiber, void (*run)())
{
    if (fiber.stack == nullptr)
        fiber.stack.reset(new char[FIBER_BYTES]);
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(fiber.stack.get(), FIBER_BYTES);
#endif
    fiber_place(fiber, run);
}
