#include "gpu/reply.h"

#include <time.h>

#include "shared/text.h"

const char *reply_why(enum answer_end end)
{
    return end == ANSWER_FULL ? "length" : "stop";
}

void reply_write_vector(struct text *out, const float *vector, uint32_t width)
{
    text_add(out, SPAN("["));
    for (uint32_t i = 0; i < width; i++)
        text_addf(out, "%s%.8g", i > 0 ? "," : "", (double)vector[i]);
    text_add(out, SPAN("]"));
}

void reply_write_time(struct text *out, int64_t at, int64_t nanoseconds)
{
    struct tm date;
    time_t seconds = (time_t)at;
    gmtime_r(&seconds, &date);
    text_addf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", date.tm_year + 1900, date.tm_mon + 1,
              date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec, (int)nanoseconds);
}
