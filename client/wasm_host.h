/* wasm_host.h - what the host of the WebAssembly module does for it. */
#pragma once

#include "shared/base.h"

#ifdef __wasm__
#define WASM_IMPORT(name) __attribute__((import_module("host"), import_name(name)))
#else
#define WASM_IMPORT(name)
#endif

/* BIP-340: 1 when sig is pubkey's signature of the 32 bytes of id. */
WASM_IMPORT("verify")
int host_verify(const uint8_t *sig, const uint8_t *id, const uint8_t *pubkey);

/* A JSON number, to the nearest double. */
WASM_IMPORT("read_number") double host_read_number(const char *text, size_t len);

/* d.ddde+dd, with so many digits behind the point; how many bytes, at most max. */
WASM_IMPORT("write_number")
size_t host_write_number(double number, int digits, char *out, size_t max);
