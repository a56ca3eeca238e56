/* service.h - `shoal-gpu serve`: a model, or another server, behind the APIs of OpenAI and Ollama.
 *
 * It answers until it is told to stop: SIGTERM or SIGINT let what is being answered end, for
 * SERVICE_DRAIN_S at most; a second one ends it at once.
 *
 *   ownership  options are borrowed for the call
 *   threads    one, which runs the loop; others behind engine
 *   errors     those of engine, backend, httpd and apikey
 */
#pragma once

#include "gpu/backend.h"
#include "gpu/bank.h"
#include "gpu/engine.h"
#include "gpu/service_market.h"
#include "gpu/service_sell.h"

enum { SERVICE_DRAIN_S = 60 };

struct service_options {
    struct engine_options engine;
    struct backend_options backend; /* instead, unless its base is NULL; its key is read here */
    const char *backend_key_file;   /* NULL: none */
    const char *listen;   /* HOST:PORT; an IPv6 address in brackets; port 0: the system's choice */
    const char *name;     /* of the model; NULL: as its file or folder */
    const char *key_file; /* NULL: anybody may ask */
    struct service_market_options market; /* its parallel, dtype are set here */
    struct bank_options bank;             /* a mint beside it, which anybody may ask */
    const char *wallet;                   /* of its Lightning: as bridge.h reads it; NULL: none */
    struct service_sell_options sell;     /* its parallel, roots are set here */
};

MUST_CHECK bool service_run(const struct service_options *options, struct err *err);
