/* Any word where a person or a file name gives one: symbols, intervals, names of recorded files, ranges of time, addresses of Redis. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/redis/redis_address.h"
#include "adapters/source/file_name.h"
#include "apps/app.h"
#include "base/check.h"
#include "base/text.h"
#include "core/market/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_symbol(const char *word) {
  char printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX], again[SYMBOL_TEXT_MAX], venue_again[SYMBOL_TEXT_MAX];
  if (!symbol_parse(word, printed, venue)) {
    check(printed[0] == '\0' && venue[0] == '\0');
    return;
  }
  check(symbol_parse(printed, again, venue_again) && text_equal(printed, again) && text_equal(venue, venue_again));
  (void)symbol_is_pattern(word);
}

static void try_file_name(const char *word) {
  struct file_name name;
  file_name_parse(&name, word);
  check(memchr(name.printed, '\0', sizeof name.printed) != NULL && memchr(name.venue_symbol, '\0', sizeof name.venue_symbol) != NULL);
  check(name.interval_ms >= 0 && file_interval_parse(word) >= 0);
}

static void try_range(const char *word) {
  static struct app app;
  for (int i = 0; i < APP_RANGE_OPTIONS; i++) {
    struct app_range range = {0};
    problem_clear(&app.problem);
    bool is_taken = app_take_range(&app, &range, app_range_options[i].name, word);
    check(is_taken != problem_has_error(&app.problem));
    check(range.days >= 0);
  }
}

static void try_address(const char *word) {
  static struct problem problem;
  struct redis_address address;
  problem_clear(&problem);
  enum status status = redis_address_parse(&address, word, NULL, &problem);
  check((status == STATUS_OK) != problem_has_error(&problem));
  if (status) return;
  check(address.host[0] != '\0' && address.port > 0 && address.port <= 65535);
  check(address.database >= 0 && address.database <= REDIS_DATABASE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *word = malloc(size + 1);
  check(word != NULL);
  memcpy(word, data, size);
  word[size] = '\0';
  try_symbol(word);
  try_file_name(word);
  try_range(word);
  try_address(word);
  free(word);
  return 0;
}
