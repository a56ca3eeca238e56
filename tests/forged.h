/* forged.h - a forged model, written to the test's folder and opened by gpu/.
 *
 *   ownership  model_close closes it; the folder holds one at a time
 *   threads    one
 */
#pragma once

#include "gpu/model.h"
#include "tests/forge_model.h"

void forged_open(struct model *model, const struct forge_model *made, enum weight_format format);
