/* root.h - which weights a model has: one hash over all tensors, or over those of some layers.
 *
 * A Merkle tree, so that a node may prove a layer range by its own root. A leaf binds a tensor's
 * canonical name, type, shape and bytes; leaves are in the order of the model's weights; what is
 * odd at a level moves up as it is. Files may be split in any way: the root is the same.
 *
 *     leaf = sha256(0x00 name 0x00 type 0x00 rows columns sha256(bytes))   numbers: u64, LE
 *     node = sha256(0x01 left right)
 *
 * Hashing reads every byte of the model, so the tensors' hashes are kept in a file, under the
 * identity of the model's files: another file in their place, or a change to one, is hashed anew.
 *
 *   ownership  root_clear frees the hashes
 *   threads    one
 */
#pragma once

#include "shared/base.h"

struct model;

struct root {
    const struct model *model;
    struct bytes32 *leaves; /* by weight */
    bool was_kept;          /* found in the folder */
};

/* folder: where hashes are kept; NULL or unusable: nowhere. */
void root_read(struct root *root, const struct model *model, const char *folder);
void root_clear(struct root *root);

/* Of the layers from first up to end, with what comes before the layers and after them, or not.
 * False when that is nothing. */
struct root_range {
    uint32_t first, end;
    bool has_embedding, has_output;
};
MUST_CHECK bool root_of(struct bytes32 *hash, const struct root *root,
                        const struct root_range *range);

/* Of the whole model. */
struct bytes32 root_whole(const struct root *root);
