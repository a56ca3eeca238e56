/* host_emulated.cuh - the emulator as a card: memory, the queue of launches, recordings.
 */
#pragma once

#include "gpu/card.h"
#include "gpu/cuda/emulator.cuh"

#define LAUNCH(grid, threads, kernel, job) queue(#kernel, grid, threads, [=] { kernel(job); })

struct emulated_launch {
    const char *name;
    dim3 grid, threads;
    std::function<void()> kernel;
};

static std::vector<emulated_launch> *recording;

static void queue(const char *name, dim3 grid, dim3 threads, const std::function<void()> &kernel)
{
    if (recording != nullptr)
        recording->push_back({name, grid, threads, kernel});
    else
        emulator::run(name, grid, threads, kernel);
}

static void record()
{
    recording = new std::vector<emulated_launch>;
}

static void *recorded()
{
    void *made = recording;
    recording = nullptr;
    return made;
}

static void replay(void *made)
{
    for (const emulated_launch &launch : *static_cast<std::vector<emulated_launch> *>(made))
        emulator::run(launch.name, launch.grid, launch.threads, launch.kernel);
}

static void forget(void *made)
{
    delete static_cast<std::vector<emulated_launch> *>(made);
}

static const char *open_card(card_facts *facts)
{
    *facts = {"an emulator", emulator::GLOBAL_BYTES_MAX, emulator::GLOBAL_BYTES_MAX, 1, 0};
    return nullptr;
}

static void *take(uint64_t bytes)
{
    return emulator::take(bytes);
}

static void give(void *memory)
{
    emulator::give(memory);
}

static void put(void *to, const void *from, uint64_t bytes)
{
    emulator::put(to, from, bytes);
}

static void get(void *to, const void *from, uint64_t bytes)
{
    emulator::get(to, from, bytes);
}

static void copy(void *to, const void *from, uint64_t bytes)
{
    emulator::copy(to, from, bytes);
}

static const char *finish()
{
    return emulator::first_fault[0] == '\0' ? nullptr : emulator::first_fault;
}
