/* model_check.h - that the tensors of a model's files are what its hyperparameters demand.
 *
 *   errors  ERR_INVALID, naming the weight; ERR_UNSUPPORTED a tensor that has no place
 */
#pragma once

#include "gpu/model.h"

/* Adds the tensors of one file. The list must live as long as the model. */
MUST_CHECK bool model_check_add(struct model *model, const struct tensor_list *list,
                                struct err *err);

/* Once all are added: puts them in order. */
MUST_CHECK bool model_check_complete(struct model *model, struct err *err);
