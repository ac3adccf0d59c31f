#include "support/book_recording.h"

#include <inttypes.h>
#include <stdbool.h>

#include "base/check.h"
#include "base/random.h"

enum { TICKS = 8192, FIRST_TICK = 600000, WAITING_CHANGES = 3 };

struct level {
  int tick;
  bool is_bid;
  int64_t qty; /* thousandths */
};

struct maker {
  const struct book_recording *recording;
  FILE *file;
  struct random random;
  int64_t ts, seq, trade;
  int middle;         /* the lowest ask */
  int64_t qty[TICKS]; /* thousandths by tick */
  struct level changed[TICKS];
  int changed_count;
};

static int lowest(const struct maker *maker) {
  return maker->recording->lowest > 0 ? maker->recording->lowest : FIRST_TICK;
}

static int below(struct maker *maker, int bound) {
  return (int)random_below(&maker->random, (uint64_t)bound);
}

static void begin_line(struct maker *maker) {
  fprintf(maker->file, "%" PRId64 "%06d ", maker->ts + 3, below(maker, 1000000));
}

static void set(struct maker *maker, int tick, int64_t qty) {
  maker->qty[tick] = qty;
  maker->changed[maker->changed_count++] = (struct level){tick, tick < maker->middle, qty};
}

static void write_levels(struct maker *maker, const struct level *levels, int count, bool is_bid) {
  bool is_first = true;
  for (int i = 0; i < count; i++) {
    if (levels[i].is_bid != is_bid) continue;
    const int price = lowest(maker) + levels[i].tick;
    fprintf(maker->file, "%s[\"%d.%d0\",\"%" PRId64 ".%03" PRId64 "\"]", is_first ? "" : ",", price / 10, price % 10, levels[i].qty / 1000,
            levels[i].qty % 1000);
    is_first = false;
  }
}

static void write_snapshot(struct maker *maker) {
  static struct level levels[TICKS];
  int count = 0;
  for (int i = 1; i <= maker->recording->levels; i++) {
    const int bid = maker->middle - i, ask = maker->middle + i - 1;
    if (maker->qty[bid] > 0) levels[count++] = (struct level){bid, true, maker->qty[bid]};
    if (maker->qty[ask] > 0) levels[count++] = (struct level){ask, false, maker->qty[ask]};
  }
  begin_line(maker);
  fprintf(maker->file, "{\"lastUpdateId\":%" PRId64 ",\"E\":%" PRId64 ",\"T\":%" PRId64 ",\"bids\":[", maker->seq, maker->ts, maker->ts);
  write_levels(maker, levels, count, true);
  fprintf(maker->file, "],\"asks\":[");
  write_levels(maker, levels, count, false);
  fprintf(maker->file, "]}\n");
}

/* The price moves by a tick: what stood there is gone. */
static void move(struct maker *maker) {
  const int edge = maker->recording->levels + 64;
  const bool is_up = maker->middle < edge || (maker->middle < TICKS - edge && below(maker, 2) == 0);
  if (is_up) {
    set(maker, maker->middle, 0);
    maker->middle++;
    set(maker, maker->middle - 1, 1 + below(maker, 9000));
  } else {
    set(maker, maker->middle - 1, 0);
    maker->middle--;
    set(maker, maker->middle, 1 + below(maker, 9000));
  }
}

static void write_change(struct maker *maker, bool is_lost) {
  const int64_t before = maker->seq;
  maker->changed_count = 0;
  if (below(maker, 4) == 0) move(maker);
  const int wanted = 1 + below(maker, maker->recording->change_levels);
  for (int i = 0; i < wanted; i++) {
    const int distance = below(maker, 1 + below(maker, maker->recording->levels)); /* mostly near the middle */
    const int tick = below(maker, 2) == 0 ? maker->middle + distance : maker->middle - 1 - distance;
    /* The two levels at the middle stay: a book with a hole there would be another market. */
    set(maker, tick, distance > 0 && below(maker, 4) == 0 ? 0 : 1 + below(maker, 9000));
  }
  maker->seq += 1 + below(maker, 50);
  if (is_lost) return;
  begin_line(maker);
  fprintf(maker->file,
          "{\"stream\":\"btcusdt@depth@0ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":%" PRId64 ",\"T\":%" PRId64 ",\"s\":\"BTCUSDT\",\"U\":%" PRId64
          ",\"u\":%" PRId64 ",\"pu\":%" PRId64 ",\"b\":[",
          maker->ts, maker->ts - 1, before + 1, maker->seq, before);
  write_levels(maker, maker->changed, maker->changed_count, true);
  fprintf(maker->file, "],\"a\":[");
  write_levels(maker, maker->changed, maker->changed_count, false);
  fprintf(maker->file, "]}}\n");
}

static void write_trade(struct maker *maker) {
  const bool is_sale = below(maker, 2) == 0;
  /* Sweeps print beyond the best price now and then. */
  const int depth = below(maker, 3) == 0 ? below(maker, 4) : 0;
  const int price = lowest(maker) + (is_sale ? maker->middle - 1 - depth : maker->middle + depth);
  begin_line(maker);
  fprintf(maker->file,
          "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%" PRId64 ",\"T\":%" PRId64 ",\"s\":\"BTCUSDT\",\"t\":%" PRId64
          ",\"p\":\"%d.%d0\",\"q\":\"0.%03d\",\"X\":\"MARKET\",\"m\":%s}}\n",
          maker->ts, maker->ts, maker->trade++, price / 10, price % 10, 1 + below(maker, 999), is_sale ? "true" : "false");
}

static void write_mark(struct maker *maker) {
  const int price = lowest(maker) + maker->middle;
  begin_line(maker);
  fprintf(maker->file,
          "{\"stream\":\"btcusdt@markPrice\",\"data\":{\"e\":\"markPriceUpdate\",\"E\":%" PRId64
          ",\"s\":\"BTCUSDT\",\"p\":\"%d.%d1234567\","
          "\"r\":\"0.0001\",\"T\":0}}\n",
          maker->ts, price / 10, price % 10);
}

void book_recording_write(const struct book_recording *recording, FILE *file) {
  static struct maker maker;
  maker = (struct maker){
      .recording = recording, .file = file, .ts = recording->start_ms, .seq = 1000, .trade = 77, .middle = TICKS / 2 + (int)(recording->seed % 97)};
  check(recording->levels < TICKS / 4 && recording->change_levels < TICKS / 2);
  random_init(&maker.random, recording->seed);
  for (int i = 0; i < TICKS; i++) maker.qty[i] = below(&maker, 4) == 0 ? 0 : 1 + below(&maker, 9000);
  maker.qty[maker.middle] = maker.qty[maker.middle - 1] = 5000;
  for (int i = 0; i < recording->changes; i++) {
    const bool is_lost = recording->gap_every > 0 && i > WAITING_CHANGES && i % recording->gap_every == 0;
    write_change(&maker, is_lost);
    /* The snapshot comes late at the beginning, and some changes after a loss. */
    if (i == WAITING_CHANGES || (recording->gap_every > 0 && i > recording->gap_every && i % recording->gap_every == WAITING_CHANGES))
      write_snapshot(&maker);
    for (int k = recording->trades > 0 ? below(&maker, recording->trades + 1) : 0; k > 0; k--) write_trade(&maker);
    if (i % 50 == 49) write_mark(&maker);
    maker.ts += below(&maker, (int)(2 * recording->step_ms) + 1);
  }
}
