/* Any bytes as an invoice, as a connection string, and as what a wallet service says. */
#include <assert.h>

#include "gpu/invoice.h"
#include "gpu/nwc.h"
#include "shared/arena.h"
#include "shared/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct arena arena = {0};
    struct nwc_place place;
    struct nwc_answer answer;
    struct nwc_payment payment;
    struct invoice invoice;
    struct err err = {0};
    bool is_received;
    if (invoice_read(&invoice, text, &err))
        assert(invoice.msat > 0 && invoice.msat <= INVOICE_MSAT_MAX && invoice.expires_at >= 0);
    else
        assert(err.text[0] != '\0');
    if (nwc_read_place(&place, text, NULL))
        assert(place.relay_count > 0 && place.relay_count <= NWC_RELAYS_MAX);
    if (nwc_read_answer(&answer, &arena, text, NULL))
        assert(answer.fate == NWC_DONE || answer.why[0] != '\0');
    if (nwc_read_notification(&payment, &is_received, &arena, text, NULL))
        assert(payment.has_hash);
    arena_clear(&arena);
    return 0;
}
