#include "gpu/pace.h"

static const double KEPT = 0.95; /* of all before, with each step */

void pace_add(struct pace *pace, uint32_t rows, uint64_t nanoseconds)
{
    double x = rows;
    double y = (double)nanoseconds;
    pace->weight = pace->weight * KEPT + 1;
    pace->rows = pace->rows * KEPT + x;
    pace->nanoseconds = pace->nanoseconds * KEPT + y;
    pace->squares = pace->squares * KEPT + x * x;
    pace->products = pace->products * KEPT + x * y;
}

uint32_t pace_rows(const struct pace *pace, uint64_t nanoseconds)
{
    if (pace->rows <= 0)
        return 0;
    double rows = pace->rows / pace->weight;
    double mean = pace->nanoseconds / pace->weight;
    double spread = pace->squares / pace->weight - rows * rows;
    double slope = pace->products / pace->weight - rows * mean;
    /* Steps all of one size say nothing of a row alone: then all of it is taken to be for rows,
     * which errs towards short steps, and the next step knows more. */
    double each = spread > rows * rows * 1e-6 ? slope / spread : mean / rows;
    if (each < mean / rows * 1e-3)
        each = mean / rows * 1e-3;
    if (each > mean / rows)
        each = mean / rows;
    double fixed = mean - each * rows;
    double most = each > 0 ? ((double)nanoseconds - fixed) / each : 0;
    return most < 1 ? 0 : most > UINT16_MAX ? UINT16_MAX : (uint32_t)most;
}
