#include "client/command_survey.h"

#include <stdio.h>
#include <time.h>

#include "client/testimony.h"
#include "shared/err.h"
#include "shared/event.h"
#include "shared/filter.h"
#include "shared/kind.h"
#include "shared/text.h"

enum { WAIT_S_MAX = 3600, OFFERS_ASKED = 2000, WORDS_ASKED = 1000 };

uint64_t survey_ms(const struct survey *survey)
{
    return uv_now(&survey->net.loop);
}

/* ---- the end ---- */

static void stop(struct survey *survey)
{
    if (survey->is_over)
        return;
    survey->is_over = true;
    for (uint32_t i = 0; i < survey->road_count; i++) {
        if (survey->roads[i].query != NULL)
            link_drop(survey->roads[i].query);
        link_free(survey->roads[i].link);
        survey->roads[i].query = NULL;
        survey->roads[i].link = NULL;
    }
    uv_close((uv_handle_t *)&survey->patience, NULL);
    if (survey->is_running) /* else the loop would not run to its end, either */
        uv_stop(&survey->net.loop);
}

static void look(struct survey *survey)
{
    if (survey->stays)
        return;
    for (uint32_t i = 0; i < survey->road_count; i++)
        if (!survey->roads[i].is_told)
            return;
    if (survey->wait_s == 0 || market_is_heard(survey->market))
        stop(survey);
}

static void on_late(uv_timer_t *timer)
{
    stop(timer->data);
}

/* ---- what comes ---- */

static void lose(struct survey_road *road, struct span why)
{
    if (!road->is_told)
        net_say(&road->survey->net, link_url(road->link), why);
    road->is_lost = road->is_lost || !road->is_told;
    road->is_told = true;
    look(road->survey);
}

/* A job of ours may be among them: what is known of it here counts before. */
static void put_word(struct survey *survey, const struct event *event, int64_t now)
{
    struct arena arena = {0};
    struct receipt_counter counter;
    struct market_deal deal;
    if (event->created_at <= now + MARKET_SKEW_S &&
        testimony_read(&deal, &counter, &arena, event, NULL) && deal.is_good)
        market_deal(survey->market, &deal);
    arena_clear(&arena);
}

/* What cannot be believed is no news; of a relay that forwards it nothing follows. */
static void put(struct survey *survey, const struct event *event)
{
    struct err err;
    int64_t now = time(NULL);
    bool is_news = false;
    if (event->kind == KIND_OFFER)
        is_news = market_offer(survey->market, event, now, survey_ms(survey), &err);
    else if (event->kind == KIND_PULSE)
        is_news = market_pulse(survey->market, event, now, survey_ms(survey), &err);
    else if (event->kind == KIND_DELETION)
        is_news = market_withdraw(survey->market, event, &err);
    else if (event->kind == KIND_COUNTER_RECEIPT && survey->wants_word)
        put_word(survey, event, now);
    else if (event->kind == KIND_FRAUD && survey->wants_word)
        is_news = market_accuse(survey->market, event, &err);
    if (is_news)
        look(survey);
}

static void on_heard(void *owner, struct link_query *query, const struct message *message,
                     struct arena *arena)
{
    struct survey_road *road = owner;
    (void)arena;
    if (message->type == MESSAGE_EVENT) {
        put(road->survey, &message->event);
    } else if (message->type == MESSAGE_EOSE) {
        road->is_told = true;
        look(road->survey);
    } else if (message->type == MESSAGE_CLOSED) {
        link_drop(query);
        road->query = NULL;
        lose(road, message->note);
    }
}

static void on_closed(void *owner, struct link *link, const char *why, uint64_t wait_ms)
{
    (void)link;
    (void)wait_ms;
    lose(owner, command_span(why));
}

static void on_challenged(void *owner, struct link *link)
{
    const struct survey_road *road = owner;
    net_answer(&road->survey->net, link);
}

/* ---- the beginning ---- */

static void ask(struct survey_road *road)
{
    static const uint16_t kinds[] = {KIND_DELETION, KIND_PULSE, KIND_OFFER, KIND_COUNTER_RECEIPT,
                                     KIND_FRAUD};
    static const struct span offers[] = {{"38430", 5}};
    static const struct filter_tag of_offers[] = {{.letter = 'k', .count = 1, .values = offers}};
    struct survey *survey = road->survey;
    struct filter *filters = arena_array(&survey->arena, struct filter, 5);
    filters[0] = (struct filter){.limit = OFFERS_ASKED, .kinds = {1, &kinds[2]}};
    filters[1] = (struct filter){.kinds = {1, &kinds[1]}};
    filters[2] = (struct filter){.kinds = {1, kinds}, .tag_count = 1, .tags = of_offers};
    filters[3] = (struct filter){.limit = WORDS_ASKED, .kinds = {1, &kinds[3]}};
    filters[4] = (struct filter){.limit = WORDS_ASKED, .kinds = {1, &kinds[4]}};
    for (int i = 0; i < 5; i++)
        filters[i].until = INT64_MAX;
    road->query =
        link_ask(road->link, &(struct link_query_setup){.ask = LINK_REQ,
                                                        .filters = filters,
                                                        .filter_count = survey->wants_word ? 5 : 3,
                                                        .heard = on_heard,
                                                        .owner = road});
}

static enum command_status add_road(struct survey *survey, struct span url)
{
    struct survey_road *road = &survey->roads[survey->road_count];
    struct err err;
    if (survey->road_count == SURVEY_RELAYS_MAX)
        return command_misuse(survey->net.call, "over %d relays", SURVEY_RELAYS_MAX);
    road->survey = survey;
    road->url = url;
    road->link =
        link_new(survey->net.host,
                 &(struct link_setup){
                     .url = url, .closed = on_closed, .challenged = on_challenged, .owner = road},
                 &err);
    if (road->link == NULL)
        return command_misuse(survey->net.call, "%s", err.text);
    survey->road_count++;
    return COMMAND_DONE;
}

/* Those named, or else the store's. */
static enum command_status find_relays(struct survey *survey, struct span **urls, size_t *count)
{
    const struct command_call *call = survey->net.call;
    enum command_status status = COMMAND_DONE;
    struct err err;
    size_t place = 0;
    const char *word;
    *urls = arena_array(&survey->arena, struct span, COMMAND_OPTIONS_MAX);
    for (*count = 0; (word = command_next_value(call, "relay", &place)) != NULL; (*count)++)
        (*urls)[*count] = command_span(word);
    if (*count > 0)
        return COMMAND_DONE;
    struct store *store = home_open(call, &status);
    if (store == NULL)
        return status;
    bool ok = store_relays(store, urls, count, &survey->arena, &err);
    store_close(store);
    if (!ok)
        return command_fail(call, &err);
    if (*count == 0)
        return command_misuse(call, "no relay to ask: --relay URL, or shoal remote add");
    return COMMAND_DONE;
}

enum command_status survey_alone(struct survey *survey, const struct command_call *call)
{
    *survey = (struct survey){.market = market_new()};
    enum command_status status = net_open(&survey->net, call);
    uv_timer_init(&survey->net.loop, &survey->patience);
    survey->patience.data = survey;
    return status;
}

enum command_status survey_begin(struct survey *survey, const struct command_call *call)
{
    struct span *urls;
    size_t count = 0;
    enum command_status status = survey_alone(survey, call);
    if (status == COMMAND_DONE)
        status = find_relays(survey, &urls, &count);
    for (size_t i = 0; status == COMMAND_DONE && i < count; i++)
        status = add_road(survey, urls[i]);
    return status;
}

void survey_stay(struct survey *survey)
{
    survey->stays = true;
    for (uint32_t i = 0; i < survey->road_count; i++)
        ask(&survey->roads[i]);
}

enum command_status survey_run(struct survey *survey)
{
    uint32_t lost = 0;
    if (!command_number(survey->net.call, "wait", SURVEY_WAIT_S, WAIT_S_MAX, &survey->wait_s))
        return COMMAND_USAGE;
    for (uint32_t i = 0; i < survey->road_count; i++)
        ask(&survey->roads[i]);
    int64_t limit_s = survey->wait_s > 0 ? survey->wait_s : survey->net.timeout_s;
    uv_timer_start(&survey->patience, on_late, (uint64_t)limit_s * 1000, 0);
    survey->is_running = true;
    uv_run(&survey->net.loop, UV_RUN_DEFAULT);
    survey->is_running = false;
    for (uint32_t i = 0; i < survey->road_count; i++)
        lost += survey->roads[i].is_lost || !survey->roads[i].is_told;
    if (lost == 0)
        return COMMAND_DONE;
    return lost < survey->road_count ? COMMAND_PARTLY : COMMAND_FAILED;
}

void survey_leave(struct survey *survey)
{
    if (survey->has_left)
        return;
    survey->has_left = true;
    stop(survey);
    net_close(&survey->net);
}

void survey_end(struct survey *survey)
{
    survey_leave(survey);
    market_free(survey->market);
    arena_clear(&survey->arena);
}

enum command_status survey_list(struct command_call *call, survey_write_fn *write)
{
    struct survey survey;
    struct text out = {0};
    enum command_status status = survey_begin(&survey, call);
    if (status == COMMAND_DONE)
        status = survey_run(&survey);
    if (status == COMMAND_DONE || status == COMMAND_PARTLY) {
        struct survey_list list = {.arena = &survey.arena};
        list.entries = market_entries(survey.market, &survey.arena, time(NULL), survey_ms(&survey),
                                      &list.count);
        write(&out, &list, call->is_json);
        if (command_print(call, &out) != COMMAND_DONE)
            status = COMMAND_FAILED;
    }
    survey_end(&survey);
    text_clear(&out);
    return status;
}
