/* Replay of order books and trades from converted recordings, on one core: only reading the bytes, a bare loop over the same file, the reader, the
 * paper venue with orders that fill, and a whole backtest. An event is a level told or a trade. Then the messages themselves: message_parse beside
 * simdjson, which takes the same members, numbers and level arrays from the same text. Processor time, rounds in turns. Recorded markets where
 * BREAKOUT_SHARED_DATA says where they are, one made from a seed otherwise. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/source/event_layout.h"
#include "adapters/source/export.h"
#include "adapters/source/lines.h"
#include "adapters/source/message.h"
#include "base/check.h"
#include "base/text.h"
#include "support/bench.h"
#include "support/book_recording.h"

enum { ROUNDS = 7, SEND_EVERY = 100, BARE_TICKS = 1 << 22, PATH_MAX_LENGTH = 512 };

static struct problem problem;

struct recorded {
  const char *name;
  char recording[PATH_MAX_LENGTH], folder[PATH_MAX_LENGTH + 16], file[PATH_MAX_LENGTH + 64];
  double events, messages, bytes;
};

/* ---- only reading ---- */

/* Of this process: what others do on the machine counts less. */
static double cpu_s(void) {
  struct timespec time;
  (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static double read_bytes(const struct recorded *market) {
  static char chunk[EVENT_BLOCK_SIZE];
  FILE *file = fopen(market->file, "rb");
  check(file != NULL);
  double sum = 0;
  for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;) sum += chunk[0];
  (void)fclose(file);
  return sum;
}

/* ---- the bare loop: quantities by tick, no order, no checks ---- */

static double bare_block(const struct event_block_head *block, const unsigned char *p, int64_t *quantities) {
  double last = 0;
  for (uint32_t i = 0; i < block->events; i++) {
    const struct event_start *start = (const struct event_start *)(const void *)p;
    p += sizeof *start;
    uint32_t count = EVENT_TICKER_VALUES; /* of values that are passed */
    if (start->code == EVENT_CODE_MARK) count = EVENT_MARK_VALUES;
    if (start->code == EVENT_CODE_BOOK) {
      const struct event_book_body *body = (const struct event_book_body *)(const void *)p;
      p += sizeof *body;
      count = body->bids + body->asks;
    } else if (start->code == EVENT_CODE_TRADES) {
      count = ((const struct event_trades_body *)(const void *)p)->count;
      p += sizeof(struct event_trades_body);
    }
    check(!(start->flags & EVENT_FLAG_WIDE));
    const struct event_pair *pairs = (const struct event_pair *)(const void *)p;
    p += count * sizeof *pairs;
    if (start->code == EVENT_CODE_TRADES) last = (double)(block->base_price + pairs[0].price * block->price_unit);
    if (start->code != EVENT_CODE_BOOK) continue;
    for (uint32_t k = 0; k < count; k++) quantities[(uint32_t)pairs[k].price % BARE_TICKS] = pairs[k].qty * block->qty_unit;
  }
  return last;
}

static double bare_loop(const struct recorded *market) {
  static int64_t quantities[BARE_TICKS];
  static unsigned char *bytes;
  static size_t capacity;
  struct event_block_head block;
  FILE *file = fopen(market->file, "rb");
  check(file != NULL && fseek(file, sizeof(struct event_file_head), SEEK_SET) == 0);
  double last = 0;
  while (fread(&block, sizeof block, 1, file) == 1) {
    if (block.size > capacity) bytes = realloc(bytes, capacity = block.size);
    check(bytes != NULL && fread(bytes, 1, block.size, file) == block.size);
    last += bare_block(&block, bytes, quantities);
  }
  (void)fclose(file);
  return last;
}

/* ---- the reader ---- */

static double read_items(const struct recorded *market) {
  const char *const paths[] = {market->file};
  struct event_reader *reader;
  struct source_item item = {0};
  double sum = 0;
  check(event_reader_open(&reader, paths, 1, &problem) == STATUS_OK);
  enum status status;
  while ((status = event_reader_next(reader, &item, &problem)) == STATUS_OK) sum += (double)item.ts;
  check(status == STATUS_END);
  event_reader_close(reader);
  return sum;
}

/* ---- the venue ---- */

struct trader {
  struct exchange venue;
  int64_t sent, fills, items, last;
};

/* Market orders, orders that take a few levels, and resting ones in turn, each side in turn. */
static void send(struct trader *trader, int64_t ts, int64_t tick) {
  static const enum order_type types[] = {ORDER_MARKET, ORDER_LIMIT, ORDER_LIMIT, ORDER_LIMIT};
  const int64_t n = trader->sent++;
  const bool is_buy = n % 2 == 0;
  const enum order_type type = types[n / 2 % 4];
  struct intent intent = {.ts = ts, .kind = INTENT_PLACE_ORDER, .place_order = {.order_count = 1}};
  struct order *order = &intent.place_order.order[0];
  const int64_t last = trader->last - trader->last % tick;
  *order = (struct order){.side = is_buy ? ORDER_BUY : ORDER_SELL,
                          .type = (int32_t)type,
                          .time_in_force = n / 2 % 4 == 1 ? TIF_IOC : TIF_GTC,
                          .qty = 2 * DECIMAL_ONE,
                          .price = type == ORDER_MARKET ? DECIMAL_NULL : last + (n / 2 % 4 == 1 ? (is_buy ? 3 : -3) : (is_buy ? -2 : 2)) * tick,
                          .trigger_price = DECIMAL_NULL};
  (void)snprintf(order->client_order_id, sizeof order->client_order_id, "n%" PRId64, n);
  trader->venue.submit(trader->venue.self, &intent);
}

static void on_item(struct trader *trader, const struct event *event, int64_t tick) {
  struct event answer;
  trader->venue.on_market(trader->venue.self, event);
  while (trader->venue.poll(trader->venue.self, event->ts, &answer)) trader->fills += answer.kind == EVENT_FILL;
  if (event->kind == EVENT_PUBLIC_TRADES) trader->last = event->public_trades.trades[event->public_trades.trades_count - 1].price;
  if (++trader->items % SEND_EVERY == 0 && trader->last > 0) send(trader, event->ts, tick);
}

static int64_t fills;

static double replay(const struct recorded *market) {
  static struct source_feed self;
  struct feed feed;
  struct source *source;
  struct sim sim;
  struct event event;
  struct trader trader = {0};
  check(source_open(&source, &(struct source_options){.data = market->folder, .allows_bad_data = true}, &problem) == STATUS_OK);
  const struct sim_options options = {.starting_balance = 1000000000 * DECIMAL_ONE,
                                      .max_participation = 1,
                                      .taker_fee_bps = 6,
                                      .maker_fee_bps = 2,
                                      .latency_ms = 50,
                                      .base_ms = 60000,
                                      .max_leverage = 10,
                                      .symbols = 1,
                                      .book_depth = 200};
  check(sim_open(&sim, &options) == STATUS_OK);
  sim_exchange(&sim, &trader.venue);
  source_feed_init(&self, source, "bench", &feed);
  const int64_t tick = source_instrument(source, 0, 0)->tick_size;
  enum status status;
  while ((status = feed.next(feed.self, &event, &problem)) == STATUS_OK) on_item(&trader, &event, tick);
  check(status == STATUS_END);
  fills = trader.fills;
  sim_close(&sim);
  source_close(source);
  return (double)trader.items;
}

/* ---- the whole backtest ---- */

static int64_t trades;

static double backtest(const struct recorded *market) {
  static struct app app;
  struct wiring wiring = {0};
  struct run_options options;
  struct run run;
  const struct bench_run bench = {.preset = "channel_baseline",
                                  .data = market->folder,
                                  .keys = {"channel_config.timeframe=1m", "channel_config.period=2", "channel_config.atr_period=2"},
                                  .key_count = 3};
  app = (struct app){0};
  bench_open(&bench, &app, &wiring, &options);
  const double begin = cpu_s();
  check(run_execute(&run, &wiring, &options) == STATUS_OK);
  const double took = cpu_s() - begin;
  trades = run.trades.count + run.left_open.count;
  run_deinit(&run);
  wiring_close(&wiring);
  return took;
}

/* ---- messages ---- */

struct lines_text {
  char *data; /* owned; a message a line */
  size_t size;
};

static void load_messages(const char *path, struct lines_text *text) {
  struct input *input;
  struct lines lines;
  struct buffer out = {0};
  char *begin, *end;
  check(input_open(&input, path, &problem) == STATUS_OK && lines_open(&lines, input, '\n') == STATUS_OK);
  while (lines_next(&lines, &begin, &end, &problem) == STATUS_OK) {
    const char *brace = memchr(begin, '{', (size_t)(end - begin));
    if (!brace) continue;
    buffer_add(&out, brace, (size_t)(end - brace));
    buffer_add(&out, "\n", 1);
  }
  lines_close(&lines);
  input_close(input);
  *text = (struct lines_text){out.data, out.length};
}

struct sums {
  long long levels, trades, prices, qtys;
};

static void add_levels(const struct message_levels *levels, struct sums *sums) {
  sums->levels += levels->count;
  for (int32_t i = 0; i < levels->count; i++) {
    sums->prices += levels->items[i].price;
    sums->qtys += levels->items[i].qty;
  }
}

static double parse_messages(const struct lines_text *text, struct sums *sums) {
  static struct message message;
  const char *what;
  double best = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    const double begin = cpu_s();
    const char *end = text->data + text->size;
    *sums = (struct sums){0};
    for (const char *line = text->data; line < end;) {
      const char *stop = memchr(line, '\n', (size_t)(end - line));
      check(message_parse(&message, line, (size_t)(stop - line), &what));
      add_levels(&message.bids, sums);
      add_levels(&message.asks, sums);
      if (message.kind == MESSAGE_TRADE) {
        sums->trades++;
        sums->prices += message.price;
        sums->qtys += message.qty;
      }
      line = stop + 1;
    }
    const double took = cpu_s() - begin;
    if (took < best) best = took;
  }
  return best;
}

/* Seconds of the best of its rounds; 0 when the program is not there. */
static double ask_simdjson(const char *program, const char *file, const char *mode, const struct sums *wanted) {
  char command[3 * PATH_MAX_LENGTH], line[256];
  struct sums sums = {0};
  double seconds = 0;
  if (access(program, X_OK) != 0) return 0;
  (void)snprintf(command, sizeof command, "'%s' '%s' %s", program, file, mode);
  FILE *out = popen(command, "r");
  check(out != NULL && fgets(line, sizeof line, out) != NULL);
  check(sscanf(line, "%lf %lld %lld %lld %lld", &seconds, &sums.levels, &sums.trades, &sums.prices, &sums.qtys) == 5 && pclose(out) == 0);
  check(memcmp(&sums, wanted, sizeof sums) == 0);
  return seconds;
}

static void print_parse(const char *name, double *seconds, double bytes, const double *beside) {
  double copy[ROUNDS];
  memcpy(copy, seconds, sizeof copy);
  const double median = bench_median(copy, ROUNDS), best = copy[0];
  (void)printf("%-40s best %7.0f MB/s   median %7.0f MB/s", name, bytes / best / 1e6, bytes / median / 1e6);
  if (beside) {
    double ratios[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) ratios[i] = seconds[i] / beside[i];
    (void)printf("   message_parse is %.2f x as fast (median of turns)", bench_median(ratios, ROUNDS));
  }
  (void)printf("\n");
}

static void bench_parse(const char *program, const struct recorded *market, const char *folder) {
  struct lines_text text;
  struct sums sums;
  char file[PATH_MAX_LENGTH];
  double ours[ROUNDS], tree[ROUNDS], demand[ROUNDS];
  load_messages(market->recording, &text);
  (void)snprintf(file, sizeof file, "%s/messages", folder);
  FILE *out = fopen(file, "wb");
  check(out != NULL && fwrite(text.data, 1, text.size, out) == text.size && fclose(out) == 0);
  for (int i = 0; i < ROUNDS; i++) {
    ours[i] = parse_messages(&text, &sums);
    tree[i] = ask_simdjson(program, file, "dom", &sums);
    demand[i] = ask_simdjson(program, file, "ondemand", &sums);
  }
  (void)printf("\nmessages of %s to levels and trades, %.1f MB\n", market->name, (double)text.size / 1e6);
  print_parse("message_parse", ours, (double)text.size, NULL);
  if (tree[0] > 0) {
    print_parse("simdjson, tree (dom)", tree, (double)text.size, ours);
    print_parse("simdjson, where it stands (ondemand)", demand, (double)text.size, ours);
  } else {
    (void)printf("simdjson                                 skipped: g++ or libsimdjson-dev is absent\n");
  }
  free(text.data);
}

/* ---- all of it ---- */

static void convert(struct recorded *market, const char *folder, int index) {
  struct source *source;
  struct stream_quality quality;
  struct stat info;
  (void)snprintf(market->folder, sizeof market->folder, "%s/%d", folder, index);
  check(source_open(&source, &(struct source_options){.data = market->recording, .allows_bad_data = true}, &problem) == STATUS_OK);
  const double begin = cpu_s();
  check(export_folder(source, market->folder, &problem) == STATUS_OK && source_stream_quality(source, 0, &quality));
  const double took = cpu_s() - begin;
  source_close(source);
  FILE *found = NULL;
  char command[2 * PATH_MAX_LENGTH];
  (void)snprintf(command, sizeof command, "ls %s/*" EVENT_FILE_ENDING, market->folder);
  check((found = popen(command, "r")) != NULL && fgets(market->file, sizeof market->file, found) != NULL && pclose(found) == 0);
  market->file[strcspn(market->file, "\n")] = '\0';
  check(stat(market->file, &info) == 0);
  market->bytes = (double)info.st_size;
  market->events = (double)(quality.levels + quality.trades);
  market->messages = (double)(quality.books + quality.trades + quality.others);
  (void)printf("\n%s: %.0f messages, %.0f levels and trades, %.1f MB converted (in %.2f s)\n", market->name, market->messages, market->events,
               market->bytes / 1e6, took);
}

static void print_row(const struct recorded *market, const char *name, double *seconds, const char *remark) {
  const double best = (bench_median(seconds, ROUNDS), seconds[0]);
  (void)printf("%-26s best %8.2f ms   median %8.2f ms   %8.2f M events/s   %6.2f M messages/s   %s\n", name, best * 1e3, seconds[ROUNDS / 2] * 1e3,
               market->events / best / 1e6, market->messages / best / 1e6, remark);
}

static void bench_market(const struct recorded *market) {
  double seconds[5][ROUNDS], sum = 0;
  char remark[2][64];
  for (int i = 0; i < ROUNDS; i++) {
    double (*const rows[])(const struct recorded *) = {read_bytes, bare_loop, read_items, replay};
    for (int k = 0; k < 4; k++) {
      const double begin = cpu_s();
      sum += rows[k](market);
      seconds[k][i] = cpu_s() - begin;
    }
    seconds[4][i] = backtest(market);
  }
  (void)snprintf(remark[0], sizeof remark[0], "%" PRId64 " fills", fills);
  (void)snprintf(remark[1], sizeof remark[1], "%" PRId64 " trades%s", trades, sum == 0 ? "!" : "");
  print_row(market, "only reading the bytes", seconds[0], "");
  print_row(market, "bare loop", seconds[1], "");
  print_row(market, "reader", seconds[2], "");
  print_row(market, "venue with fills", seconds[3], remark[0]);
  print_row(market, "backtest, whole engine", seconds[4], remark[1]);
}

static int choose_markets(struct recorded *markets, const char *folder) {
  static const char *const names[] = {"binance-usdm/BTCUSDT-2024-08-08", "binance-usdm/BTCUSDT-2023-04-04", "binance-spot/ETHUSDT-2024-08-08"};
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  if (shared) {
    for (int i = 0; i < 3; i++) {
      markets[i] = (struct recorded){.name = names[i]};
      (void)snprintf(markets[i].recording, sizeof markets[i].recording, "%s/l2/%s.txt.zst", shared, names[i]);
    }
    return 3;
  }
  const struct book_recording recording = {
      .seed = 11, .changes = 8000, .levels = 500, .change_levels = 130, .trades = 6, .start_ms = INT64_C(1723075200000), .step_ms = 50};
  markets[0] = (struct recorded){.name = "a market made from a seed"};
  (void)snprintf(markets[0].recording, sizeof markets[0].recording, "%s/BTCUSDT-l2.txt", folder);
  FILE *file = fopen(markets[0].recording, "wb");
  check(file != NULL);
  book_recording_write(&recording, file);
  check(fclose(file) == 0);
  return 1;
}

int main(int argc, char **argv) {
  struct recorded markets[3];
  char folder[] = "/tmp/bench_l2_XXXXXX", command[64], program[PATH_MAX_LENGTH];
  check(argc > 0 && mkdtemp(folder) != NULL);
  const int count = choose_markets(markets, folder);
  for (int i = 0; i < count; i++) {
    convert(&markets[i], folder, i);
    bench_market(&markets[i]);
  }
  const char *slash = strrchr(argv[0], '/');
  (void)snprintf(program, sizeof program, "%.*ssimdjson_reader", slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
  bench_parse(program, &markets[0], folder);
  (void)snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : 1;
}
