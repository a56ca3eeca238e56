#include "gpu/matrix.h"

#include <assert.h>
#include <stdlib.h>

#include "gpu/kernel.h"
#include "gpu/model.h"

static float *numbers(size_t count)
{
    float *array = calloc(count, sizeof *array);
    if (array == NULL)
        abort();
    return array;
}

float *matrix_vector(const struct model *model, struct weight_id id)
{
    struct view view;
    if (!view_find(&view, model, id))
        return NULL;
    float *vector = numbers(view.rows);
    view_read_vector(&view, vector);
    return vector;
}

void matrix_make(struct matrix *matrix, const struct model *model, struct weight_id id)
{
    *matrix = (struct matrix){0};
    bool ok = view_find(&matrix->view, model, id);
    uint64_t row;
    assert(ok);
    ok = dtype_bytes(&row, matrix->view.tensor->type, matrix->view.columns);
    assert(ok);
    matrix->bytes = row * matrix->view.rows;
    id.is_bias = true;
    matrix->bias = matrix_vector(model, id);
}

void matrix_clear(struct matrix *matrix)
{
    free(matrix->bias);
    *matrix = (struct matrix){0};
}

void matrix_multiply(const struct matrix *matrix, float *out, const float *in, uint32_t count)
{
    const struct view *view = &matrix->view;
    float *row = numbers(view->columns);
    for (uint32_t i = 0; i < view->rows; i++) {
        view_read_row(view, row, i);
        for (uint32_t j = 0; j < count; j++) {
            float sum = kernel_dot(row, in + (size_t)j * view->columns, view->columns);
            out[(size_t)j * view->rows + i] = matrix->bias == NULL ? sum : sum + matrix->bias[i];
        }
    }
    free(row);
}
