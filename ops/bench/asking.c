#include "ops/bench/asking.h"

#include "ops/bench/corpus.h"
#include "ops/bench/dice.h"
#include "shared/text.h"

enum { NOTE = 1, ANY_KIND = -1, FEED_AUTHORS = 100 };

const char *const asking_names[ASKING_CLASSES] = {"id",          "author_kind", "p_tag", "t_kind",
                                                  "kinds_since", "feed",        "multi"};

int asking_find(const char *name)
{
    for (int i = 0; i < ASKING_CLASSES; i++)
        if (strcmp(asking_names[i], name) == 0)
            return i;
    return -1;
}

static void write_feed(struct text *out, const struct corpus *corpus, struct dice *dice)
{
    text_addf(out, "{\"authors\":[");
    for (int i = 0; i < FEED_AUTHORS; i++)
        text_addf(out, "%s\"%.64s\"", i > 0 ? "," : "", corpus_pick(corpus, dice, NOTE)->pubkey);
    text_addf(out, "],\"kinds\":[1,30023],\"limit\":50}");
}

static void write_tagged(struct text *out, const char *letter, struct span value, const char *more)
{
    text_addf(out, "{\"#%s\":[\"%.*s\"],%s\"limit\":50}", letter, SPAN_ARG(value), more);
}

void asking_write(struct text *out, enum asking class, const struct corpus *corpus,
                  struct dice *dice)
{
    const struct corpus_event *event =
        corpus_pick(corpus, dice, class == ASKING_ID ? ANY_KIND : NOTE);
    switch (class) {
    case ASKING_ID:
        text_addf(out, "{\"ids\":[\"%.64s\"]}", event->id);
        break;
    case ASKING_AUTHOR_KIND:
        text_addf(out, "{\"authors\":[\"%.64s\"],\"kinds\":[1],\"limit\":20}", event->pubkey);
        break;
    case ASKING_P_TAG:
        write_tagged(out, "p", corpus_pick_tag(corpus, dice, "[\"p\",\"", ANY_KIND), "");
        break;
    case ASKING_T_KIND:
        write_tagged(out, "t", corpus_pick_tag(corpus, dice, "[\"t\",\"", NOTE), "\"kinds\":[1],");
        break;
    case ASKING_KINDS_SINCE:
        text_addf(out, "{\"kinds\":[1,7],\"since\":%ld,\"limit\":100}", event->created_at);
        break;
    case ASKING_FEED:
        write_feed(out, corpus, dice);
        break;
    case ASKING_MULTI:
        text_addf(out,
                  "{\"authors\":[\"%.64s\"],\"kinds\":[0,3]},"
                  "{\"#p\":[\"%.64s\"],\"kinds\":[1,7],\"limit\":30},"
                  "{\"#e\":[\"%.64s\"],\"kinds\":[1,7],\"limit\":30}",
                  event->pubkey, event->pubkey, event->id);
        break;
    case ASKING_CLASSES:
        break;
    }
}
