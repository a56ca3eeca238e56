/* cid.h - an event id as a content identifier, and back.
 *
 * An event id is the SHA-256 of the event's NIP-01 bytes, so that a CID of those bytes costs
 * nothing: version 1, base32, sha2-256. Written as raw bytes (bafkrei...); read as raw, json or
 * dag-json, which the bytes are, too. The signature is not covered.
 *
 *   errors  ERR_INVALID
 *   spec    Multiformats CID version 1; RFC 4648 base32, lowercase and unpadded
 */
#pragma once

#include "shared/base.h"

struct err;
struct text;

enum cid_codec { CID_RAW, CID_JSON, CID_DAG_JSON };

void cid_write(struct text *out, const struct bytes32 *id, enum cid_codec codec);

MUST_CHECK bool cid_parse(struct bytes32 *id, struct span word, struct err *err);
