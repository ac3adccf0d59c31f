#include "adapters/source/curtain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/dataset.h"
#include "base/check.h"
#include "base/maths.h"

/* How many rows of each array are shown. */
struct shown {
  size_t candles, funding, mark, trades;
};

struct curtain {
  const struct source *whole;
  struct source *hidden;
  enum curtain_form form;
  struct shown *shown; /* owned, one a symbol */
};

/* ---- noise ---- */

static const double price_deviation = 0.01, close_deviation = 0.004, rate_deviation = 0.001;

double noise_value(struct random *random, double value, double deviation) {
  return value * maths_exp(deviation * random_normal(random));
}

double noise_rate(struct random *random) {
  return rate_deviation * random_normal(random);
}

void noise_candle(struct random *random, struct candle *candle) {
  double move = maths_exp(price_deviation * random_normal(random));
  double wide = 1 + close_deviation * random_unit(random);
  candle->open *= move;
  candle->close *= move * maths_exp(close_deviation * random_normal(random));
  candle->high = wide * maths_max(candle->open, candle->close);
  candle->low = maths_min(candle->open, candle->close) / wide;
  candle->volume = noise_value(random, candle->volume, 1);
  candle->turnover = candle->volume * candle->close;
}

static int64_t noise_decimal(struct random *random, int64_t value, double deviation) {
  int64_t changed = decimal_from_double(noise_value(random, decimal_to_double(value), deviation));
  return changed > 0 ? changed : value;
}

void noise_trade(struct random *random, struct public_trade *trade) {
  trade->price = noise_decimal(random, trade->price, price_deviation);
  trade->qty = noise_decimal(random, trade->qty, 1);
  trade->is_buy = random_below(random, 2) == 1;
}

/* ---- hiding ---- */

static void hide_candles(struct series *series, enum curtain_form form, struct random *random) {
  struct candle *rows = series->rows;
  for (size_t i = 0; i < series->count; i++) {
    if (form == CURTAIN_NOISE) {
      noise_candle(random, &rows[i]);
    } else {
      rows[i] = (struct candle){rows[i].open_ts, NAN, NAN, NAN, NAN, NAN, NAN};
    }
  }
}

static void hide_points(struct series *series, enum curtain_form form, struct random *random) {
  struct source_point *rows = series->rows;
  for (size_t i = 0; i < series->count; i++) {
    double noise = series->kind == SERIES_FUNDING ? noise_rate(random) : noise_value(random, rows[i].value, price_deviation);
    rows[i].value = form == CURTAIN_NOISE ? noise : NAN;
  }
}

static void hide_tape(struct dataset_symbol *symbol, enum curtain_form form, struct random *random) {
  for (size_t i = 0; i < symbol->tape_count; i++) {
    if (form == CURTAIN_NOISE) {
      noise_trade(random, &symbol->tape[i]);
    } else {
      symbol->tape[i] = (struct public_trade){.ts = symbol->tape[i].ts};
    }
  }
}

/* Where there is nothing, there are no rows either: how many there will be is the future too. */
static void hide_ends(struct dataset_symbol *symbol, const struct shown *shown) {
  symbol->candles.count = shown->candles;
  symbol->funding.count = shown->funding;
  symbol->mark.count = shown->mark;
  symbol->tape_count = shown->trades;
}

/* ---- the copy ---- */

static void *copy_bytes(const void *from, size_t size) {
  void *copy = calloc(1, size > 0 ? size : 1);
  check(copy != NULL);
  if (size > 0) memcpy(copy, from, size);
  return copy;
}

/* Mapped rows come to the heap: the copy is written to. */
static void copy_series(struct series *out, const struct series *series) {
  *out = *series;
  out->rows = copy_bytes(series->rows, series->count * series_row_size(series->kind));
  out->capacity = series->count;
  out->mapping = NULL;
  out->mapping_size = 0;
  out->stays = false;
  series_release(series);
}

static void copy_symbol(struct dataset_symbol *out, const struct dataset_symbol *symbol) {
  *out = *symbol;
  copy_series(&out->candles, &symbol->candles);
  copy_series(&out->funding, &symbol->funding);
  copy_series(&out->mark, &symbol->mark);
  copy_series(&out->trades, &symbol->trades);
  copy_series(&out->filled, &symbol->filled);
  out->tape = copy_bytes(symbol->tape, symbol->tape_count * sizeof *symbol->tape);
  out->instruments = copy_bytes(symbol->instruments, (size_t)symbol->instrument_count * sizeof *symbol->instruments);
}

static struct source *copy_source(const struct source *source) {
  struct source *copy = calloc(1, sizeof *copy);
  check(copy != NULL);
  copy->symbol_count = source->symbol_count;
  copy->interval_ms = source->interval_ms;
  copy->stamps = source->stamps;
  memcpy(copy->checksum, source->checksum, sizeof copy->checksum);
  source_range(source, &copy->told_from, &copy->told_to);
  copy->symbols = calloc((size_t)copy->symbol_count, sizeof *copy->symbols);
  check(copy->symbols != NULL);
  for (int i = 0; i < copy->symbol_count; i++) copy_symbol(&copy->symbols[i], &source->symbols[i]);
  return copy;
}

bool curtain_fits(const struct source *source) {
  return source->stream_count == 0;
}

enum status curtain_open(struct curtain **out, const struct source *source, enum curtain_form form, uint64_t seed, struct problem *problem) {
  *out = NULL;
  check(curtain_fits(source));
  struct curtain *curtain = calloc(1, sizeof *curtain);
  check(curtain != NULL);
  curtain->whole = source;
  curtain->form = form;
  curtain->hidden = copy_source(source);
  curtain->shown = calloc((size_t)source->symbol_count, sizeof *curtain->shown);
  check(curtain->shown != NULL);
  struct random random;
  random_init(&random, seed);
  for (int i = 0; i < source->symbol_count; i++) {
    struct dataset_symbol *symbol = &curtain->hidden->symbols[i];
    hide_candles(&symbol->candles, form, &random);
    hide_points(&symbol->funding, form, &random);
    hide_points(&symbol->mark, form, &random);
    hide_tape(symbol, form, &random);
    if (form == CURTAIN_NOTHING) hide_ends(symbol, &curtain->shown[i]);
  }
  enum status status = source_begin(curtain->hidden, problem);
  if (status) {
    curtain_close(curtain);
    return status;
  }
  *out = curtain;
  return STATUS_OK;
}

void curtain_close(struct curtain *curtain) {
  if (curtain == NULL) return;
  source_close(curtain->hidden);
  free(curtain->shown);
  free(curtain);
}

struct source *curtain_source(struct curtain *curtain) {
  return curtain->hidden;
}

/* ---- showing ---- */

static bool show_rows(struct series *hidden, const struct series *whole, size_t *shown, int64_t ts) {
  size_t row = series_row_size(whole->kind);
  size_t before = *shown;
  for (; *shown < whole->count && series_ts(whole, *shown) <= ts; ++*shown) {
    memcpy((char *)hidden->rows + *shown * row, (const char *)whole->rows + *shown * row, row);
  }
  return *shown > before;
}

static bool show_symbol(struct dataset_symbol *hidden, const struct dataset_symbol *whole, struct shown *shown, int64_t ts, int64_t interval_ms) {
  /* A candle is known when it closes. */
  bool has_more = show_rows(&hidden->candles, &whole->candles, &shown->candles, ts - interval_ms);
  has_more |= show_rows(&hidden->funding, &whole->funding, &shown->funding, ts);
  has_more |= show_rows(&hidden->mark, &whole->mark, &shown->mark, ts);
  for (; shown->trades < whole->tape_count && whole->tape[shown->trades].ts <= ts; ++shown->trades) {
    hidden->tape[shown->trades] = whole->tape[shown->trades];
    has_more = true;
  }
  return has_more;
}

void curtain_show(struct curtain *curtain, int64_t ts) {
  bool has_more = false;
  for (int i = 0; i < curtain->whole->symbol_count; i++) {
    struct dataset_symbol *hidden = &curtain->hidden->symbols[i];
    if (!show_symbol(hidden, &curtain->whole->symbols[i], &curtain->shown[i], ts, curtain->whole->interval_ms)) continue;
    if (curtain->form == CURTAIN_NOTHING) hide_ends(hidden, &curtain->shown[i]);
    has_more = true;
  }
  if (has_more && curtain->form == CURTAIN_NOTHING) source_resume(curtain->hidden);
}
