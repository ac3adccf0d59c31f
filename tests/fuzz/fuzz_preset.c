/* Fuzz target: the preset reader. Whatever is accepted must survive being written and read again with the same hash, and overrides of single keys
 * must never do harm. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "core/market/symbol.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const struct preset *preset) {
  static struct preset again;
  static struct problem problem;
  char before[DIGEST_TEXT_MAX], after[DIGEST_TEXT_MAX];
  struct buffer text = {0};
  preset_hash(preset, before);
  preset_print_file(preset, &text);
  problem_clear(&problem);
  check(preset_parse(&again, text.data, text.length, "again", NULL, &problem) == STATUS_OK);
  preset_hash(&again, after);
  check(text_equal(before, after));
  buffer_deinit(&text);
}

/* The input as KEY=VALUE for every key of the table in turn would be slow: its first byte chooses one. */
static void set_one_key(struct preset *preset, const uint8_t *data, size_t size) {
  char value[256];
  if (size < 2) return;
  const struct preset_key *key = &preset_keys[data[0] % preset_key_count];
  size_t length = size - 1 < sizeof value - 1 ? size - 1 : sizeof value - 1;
  memcpy(value, data + 1, length);
  value[length] = '\0';
  preset_init(preset);
  (void)!preset_set_key(preset, key->path, value, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct preset preset;
  static struct problem problem;
  static const char symbols[2][SYMBOL_TEXT_MAX] = {"BTC/USDT:USDT", "1000PEPE/USDT:USDT"};
  bool allowed[2];
  problem_clear(&problem);
  if (preset_parse(&preset, (const char *)data, size, "input", NULL, &problem) == STATUS_OK) {
    check(problem.errors == 0);
    check_round_trip(&preset);
    check(preset_resolve_lists(&preset, symbols, 2, allowed, &problem) == STATUS_OK);
  } else {
    check(problem.errors > 0);
  }
  set_one_key(&preset, data, size);
  return 0;
}
