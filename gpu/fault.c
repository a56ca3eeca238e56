#include "gpu/fault.h"

#include <stdarg.h>
#include <stdio.h>

void fault_fill(struct fault *fault, enum fault_code code, const char *format, ...)
{
    va_list list;
    fault->code = code;
    va_start(list, format);
    vsnprintf(fault->text, sizeof fault->text, format, list);
    va_end(list);
}
