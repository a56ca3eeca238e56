#include "gpu/card_step.h"

#include <stdlib.h>

static uint32_t *words_of(uint64_t count)
{
    uint32_t *words = calloc(count + (count == 0), sizeof *words);
    if (words == NULL)
        abort();
    return words;
}

bool card_step_make(struct card_step *step, const struct card *card, uint32_t rows_max)
{
    uint32_t **words[] = {&step->positions, &step->row_pages, &step->page_firsts};
    *step = (struct card_step){0};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if ((*words[i] = card->take(rows_max * sizeof(uint32_t))) == NULL)
            return false;
    return true;
}

void card_step_clear(struct card_step *step, const struct card *card)
{
    card->give(step->positions);
    card->give(step->row_pages);
    card->give(step->page_firsts);
    card->give(step->pages);
    free(step->host);
    *step = (struct card_step){0};
}

static bool make_pages(struct card_step *step, const struct card *card, uint32_t count)
{
    card->give(step->pages);
    free(step->host);
    step->host = NULL;
    step->page_room = 2 * count;
    step->pages = card->take((uint64_t)step->page_room * sizeof *step->pages);
    if (step->pages == NULL)
        step->page_room = 0;
    return step->pages != NULL;
}

static uint32_t pages_of(const struct exec_row *row)
{
    return row->position / EXEC_PAGE + 1;
}

/* Whether the row is the last of its session. */
static bool is_last(const struct exec_row *rows, uint32_t count, uint32_t index)
{
    return index + 1 == count || rows[index].pages != rows[index + 1].pages;
}

/* The sessions' pages, one after the other, and where each row's begin. */
static void lay_out(uint32_t *pages, uint32_t *firsts, const struct exec_row *rows, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t j = 0; j < count; j++) {
        firsts[j] = first;
        if (!is_last(rows, count, j))
            continue;
        memcpy(pages + first, rows[j].pages, pages_of(rows + j) * sizeof *pages);
        first += pages_of(rows + j);
    }
}

bool card_step_put(struct card_step *step, const struct card *card, const struct exec_row *rows,
                   uint32_t count, bool *has_moved)
{
    uint32_t total = 0;
    size_t bytes = count * sizeof(uint32_t);
    for (uint32_t j = 0; j < count; j++)
        total += is_last(rows, count, j) ? pages_of(rows + j) : 0;
    *has_moved = total > step->page_room;
    if (*has_moved && !make_pages(step, card, total))
        return false;
    free(step->host);
    step->host = words_of((uint64_t)total + 3 * (uint64_t)count);
    uint32_t *positions = step->host + total;
    uint32_t *row_pages = positions + count;
    uint32_t *firsts = row_pages + count;
    for (uint32_t j = 0; j < count; j++) {
        positions[j] = rows[j].position;
        row_pages[j] = rows[j].pages[rows[j].position / EXEC_PAGE];
    }
    lay_out(step->host, firsts, rows, count);
    card->put(step->positions, positions, bytes);
    card->put(step->row_pages, row_pages, bytes);
    card->put(step->page_firsts, firsts, bytes);
    card->put(step->pages, step->host, total * sizeof(uint32_t));
    return true;
}
