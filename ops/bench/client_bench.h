/* client_bench.h - what the client's heavy work costs, each beside what it stands on: lines of
 * "name value", as ops/bench/client reads them.
 *
 *   errors  fatal
 */
#pragma once

#include <stddef.h>

/* Seconds of the processor, of this thread. */
double bench_cpu_s(void);

/* Bytes that are resident now. */
size_t bench_resident(void);

/* Writes edits as somebody makes them who types a paper for months: the shape of the trace "B4", of
 * which it has the counts. A line an edit: a position, how much goes, and what comes. */
void bench_trace(const char *path);

/* Types it, and writes the document to a file; applies what another wrote of it, an update an
 * edit; loads the document. */
void bench_type(const char *trace, const char *document);
void bench_apply(const char *updates, const char *document);
void bench_load(const char *document);

/* Two sides of count events, each of which lacks some of the other's. */
void bench_reconcile(size_t count, size_t lacking);

/* Takes events of a file in, as a sync does, into a store in the folder; round by round beside the
 * bare check of their signatures. */
void bench_ingest(const char *path, size_t count, const char *folder);
