/* wasm.h - the pure core as WebAssembly: events are verified and put together, in a browser or in
 * any other host, to the same state and hash as everywhere.
 *
 * The host hands over three functions (module "host"): verify, of BIP-340, as this module brings no
 * curve of its own; and two for numbers, which its own parser and printer are.
 *
 *   units      horizon_ms: unix milliseconds, as entity.h's
 *   ownership  wasm_alloc to wasm_free; wasm_open to wasm_close. What is written lies at
 *              wasm_written until the next call
 *   threads    none
 *   errors     by number; wasm_written has the reason
 *   bounds     WASM_HEAP_BYTES of memory in all; past them, or where something is wrong with us,
 *              the instance traps
 */
#pragma once

#include "shared/base.h"

struct replica;

enum { WASM_HEAP_BYTES = 1 << 26 };

/* Room for what the host hands over. */
void *wasm_alloc(size_t size);
void wasm_free(void *at);

const char *wasm_written(void);
size_t wasm_written_size(void);

/* 1: the event's form, id and signature are right. Else 0, and why. */
int wasm_verify(const char *json, size_t size);

struct replica *wasm_open(const struct bytes32 *root, double horizon_ms);
void wasm_close(struct replica *replica);

/* Verifies an event and puts it in: a replica_verdict, or -1, and why. The root goes first. */
int wasm_put(struct replica *replica, const char *json, size_t size);

/* Writes {"hash":...,"applied":...,"waiting":...,"state":...,"text":...}. */
void wasm_state(const struct replica *replica);
