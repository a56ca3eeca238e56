/* service_lead.h - what a node has to do to lead a pipeline of other nodes' stages. Part of
 * service.
 *
 *   ownership  the service's engine outlives it
 *   threads    loop thread only
 *   errors     ERR_INVALID a price; those of identity and recruit
 */
#pragma once

#include "gpu/service_market.h"

struct err;
struct service;
struct service_options;

/* Does nothing where the engine leads none. */
MUST_CHECK bool service_lead_open(struct service *service, const struct service_options *options,
                                  struct err *err);
void service_lead_close(struct service *service);
