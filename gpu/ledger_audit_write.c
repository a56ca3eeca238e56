/* An audit in words, and in JSON. */
#include <inttypes.h>

#include "gpu/ledger_audit.h"

static void write_row(struct text *out, const char *what, uint64_t amount, uint64_t rows,
                      const char *of, const struct bytes32 *root)
{
    text_addf(out, "  %-12s%20" PRIu64, what, amount);
    if (root != NULL) {
        text_addf(out, "  %" PRIu64 " %s, root ", rows, of);
        text_add_hex(out, root->at, sizeof root->at);
    }
    text_addf(out, "\n");
}

void ledger_audit_write(const struct ledger_audit *audit, struct text *out)
{
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct ledger_sum *sum = &audit->sums[i];
        text_addf(out, "keyset ");
        text_add_hex(out, sum->keyset.id.at, sizeof sum->keyset.id.at);
        text_addf(out, " %s, %s\n", sum->keyset.unit,
                  sum->keyset.is_active ? "active" : "not active");
        write_row(out, "issued", sum->issued.sum, sum->promises, "promises", &sum->issued.hash);
        write_row(out, "spent", sum->spent.sum, sum->proofs, "proofs", &sum->spent.hash);
        write_row(out, "pending", sum->pending, 0, "", NULL);
        text_addf(out, "  %-12s%20" PRId64 "\n", "outstanding", sum->outstanding);
    }
    for (uint32_t i = 0; i < audit->difference_count; i++)
        text_addf(out, "DIFFERENCE: %.*s\n", SPAN_ARG(audit->differences[i]));
    if (audit->difference_count == 0)
        text_addf(out, "no difference\n");
}

static void write_hex(struct text *out, const char *name, const void *bytes, size_t size)
{
    text_addf(out, ",\"%s\":\"", name);
    text_add_hex(out, bytes, size);
    text_addf(out, "\"");
}

void ledger_audit_write_json(const struct ledger_audit *audit, struct text *out)
{
    text_addf(out, "{\"keysets\":[");
    for (uint32_t i = 0; i < audit->count; i++) {
        const struct ledger_sum *sum = &audit->sums[i];
        text_addf(out, "%s{\"unit\":", i > 0 ? "," : "");
        text_add_json(out, (struct span){sum->keyset.unit, strlen(sum->keyset.unit)});
        write_hex(out, "id", sum->keyset.id.at, sizeof sum->keyset.id.at);
        text_addf(out,
                  ",\"active\":%s,\"promises\":%" PRIu64 ",\"proofs\":%" PRIu64
                  ",\"issued\":%" PRIu64 ",\"spent\":%" PRIu64 ",\"pending\":%" PRIu64
                  ",\"outstanding\":%" PRId64,
                  sum->keyset.is_active ? "true" : "false", sum->promises, sum->proofs,
                  sum->issued.sum, sum->spent.sum, sum->pending, sum->outstanding);
        write_hex(out, "issued_root", sum->issued.hash.at, sizeof sum->issued.hash.at);
        write_hex(out, "spent_root", sum->spent.hash.at, sizeof sum->spent.hash.at);
        text_addf(out, "}");
    }
    text_addf(out, "],\"differences\":[");
    for (uint32_t i = 0; i < audit->difference_count; i++) {
        text_addf(out, i > 0 ? "," : "");
        text_add_json(out, audit->differences[i]);
    }
    text_addf(out, "]}\n");
}
