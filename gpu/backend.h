/* backend.h - another server's model as a source of answers: Ollama's API, or OpenAI's.
 *
 * A base that ends in /v1 is of OpenAI's API, any other of Ollama's. What fails before a word of
 * the answer was told is tried again, after a time that doubles, or that the server asks for; once
 * something was told, a failure is the answer's end.
 *
 *   units      seconds
 *   ownership  options are borrowed until backend_close; every job must have ended by then
 *   threads    loop thread only
 *   errors     ERR_INVALID a base that is no http or https URL
 */
#pragma once

#include <uv.h>

#include "gpu/source.h"

struct backend;

enum { BACKEND_TRIES_MAX = 4, BACKEND_WAIT_MS = 250, BACKEND_WAIT_S_MAX = 10 };

struct backend_options {
    const char *base;   /* "http://127.0.0.1:11434" */
    const char *model;  /* as it is called there */
    const char *key;    /* a bearer's; NULL */
    uint32_t silence_s; /* without a byte, a try has failed */
};

struct backend_statistics {
    uint64_t tries, failures; /* those of tries */
};

struct backend *backend_open(uv_loop_t *loop, const struct backend_options *options,
                             struct err *err);

/* Once the loop has run on until its handles have closed, all is freed. */
void backend_close(struct backend *backend);

struct source *backend_source(struct backend *backend);
struct backend_statistics backend_statistics(const struct backend *backend);
