#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/market/symbol.h"

static void every_spelling_gives_one_symbol(void **unused) {
  (void)unused;
  static const char *const spellings[] = {"BTC/USDT:USDT", "BTC/USDT", "BTCUSDT",  "BTC-USDT", "BTC_USDT",     "BTCUSDT-PERP", "BTCUSDT.P",
                                          "btc/usdt:usdt", "btcusdt",  "Btc-Usdt", "btc_usdt", "btcusdt-perp", "btcusdt.p"};
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    char printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX];
    assert_true(symbol_parse(spellings[i], printed, venue));
    assert_string_equal(printed, "BTC/USDT:USDT");
    assert_string_equal(venue, "BTCUSDT");
  }
}

static void parts_are_told_apart(void **unused) {
  (void)unused;
  static const struct {
    const char *text, *printed, *venue;
  } cases[] = {
      {"1000000BABYDOGE/USDT:USDT", "1000000BABYDOGE/USDT:USDT", "1000000BABYDOGEUSDT"},
      {"USDT/USD", "USDT/USD:USD", "USDTUSD"},
      {"USDCUSDT", "USDC/USDT:USDT", "USDCUSDT"},
      {"ETHUSDC", "ETH/USDC:USDC", "ETHUSDC"},
      {"BTCUSD", "BTC/USD:USD", "BTCUSD"},
      {"BTC/USD:BTC", "BTC/USD:BTC", "BTCUSD"},
      {"USDUSDT", "USD/USDT:USDT", "USDUSDT"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char printed[SYMBOL_TEXT_MAX], venue[SYMBOL_TEXT_MAX];
    assert_true(symbol_parse(cases[i].text, printed, venue));
    assert_string_equal(printed, cases[i].printed);
    assert_string_equal(venue, cases[i].venue);
  }
}

static void anything_else_is_refused(void **unused) {
  (void)unused;
  static const char *const texts[] = {"",
                                      "USDT",
                                      "BTC",
                                      "/USDT",
                                      "BTC/",
                                      "BTC/USDT:",
                                      "BTC//USDT",
                                      "BTC USDT",
                                      " BTCUSDT",
                                      "BTCUSDT ",
                                      "BTC/USDT/X",
                                      "BTC-PERP",
                                      "BTC/US\tDT",
                                      "BTC:USDT",
                                      ".P",
                                      "-PERP",
                                      "BTC/USDT:-",
                                      "BTC,USDT",
                                      "BTC/.*:USDT",
                                      "AAAAAAAAAAAAAAAAAAAAAAAAUSDT",
                                      "AAAAAAAAAAAAAAA/BBBBBBBBBBBBBBB:CCCC"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    char printed[SYMBOL_TEXT_MAX] = "x", venue[SYMBOL_TEXT_MAX] = "x";
    assert_false(symbol_parse(texts[i], printed, venue));
    assert_string_equal(printed, "");
    assert_string_equal(venue, "");
  }
}

static void patterns_are_recognised(void **unused) {
  (void)unused;
  static const char *const patterns[] = {".*/USDT:USDT", "BTC+", "BT?C", "(BTC)", "[AB]", "A|B", "^BTC", "USDT$"};
  for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) assert_true(symbol_is_pattern(patterns[i]));
  assert_false(symbol_is_pattern("BTC/USDT:USDT"));
  assert_false(symbol_is_pattern("BTCUSDT.P"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_spelling_gives_one_symbol),
      cmocka_unit_test(parts_are_told_apart),
      cmocka_unit_test(anything_else_is_refused),
      cmocka_unit_test(patterns_are_recognised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
