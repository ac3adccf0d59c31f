/* Any text as decimal, integer, double and time: what is accepted equals what another reader says and comes back from its own text. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_decimal(const char *string) {
  int64_t value, back;
  char memory[DECIMAL_TEXT_MAX];
  if (!decimal_parse(string, strlen(string), &value)) return;
  size_t length = decimal_print(value, memory);
  check(length == strlen(memory));
  check(decimal_parse(memory, length, &back) && back == value);
  /* 64 bits of mantissa: within one unit for the largest values, exact for small ones. */
  check(fabsl(strtold(string, NULL) * 1e8L - (long double)value) <= 1.0L);
}

static void try_double(const char *string) {
  double value;
  bool is_read = text_parse_double(string, &value);
  char *end;
  double want = strtod(string, &end);
  if (!is_read) return;
  check(*end == '\0');
  check(memcmp(&value, &want, sizeof(value)) == 0);
  char memory[400];
  struct text text;
  for (int places = 0; places <= 12; places++) {
    double back;
    text_init(&text, memory, sizeof(memory));
    text_add_double(&text, value, places);
    check(!text.is_cut && text_parse_double(memory, &back));
    check(fabs(back - value) <= 0.5000001 * pow(10.0, -places) + fabs(value) * 0x1p-52);
  }
}

static void try_integer(const char *string) {
  int64_t value, back;
  char memory[32];
  struct text text;
  if (!text_parse_i64(string, &value)) return;
  check(value == strtoll(string, NULL, 10));
  text_init(&text, memory, sizeof(memory));
  text_add_i64(&text, value);
  check(text_parse_i64(memory, &back) && back == value);
}

static void try_time(const char *string) {
  int64_t value, back;
  char memory[32];
  struct text text;
  if (!calendar_parse(string, &value)) return;
  text_init(&text, memory, sizeof(memory));
  text_add_time(&text, value);
  if (value >= INT64_C(-62135596800000)) check(calendar_parse(memory, &back) && back == value); /* from year 1 */
}

/* Eight bytes as a double: printed with eight places it is the decimal nearest to it. */
static void try_bits(const uint8_t *data) {
  double value;
  memcpy(&value, data, sizeof(value));
  if (!decimal_fits(value)) return;
  char memory[400];
  char want[DECIMAL_TEXT_MAX];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_double(&text, value, 8);
  decimal_print(decimal_from_double(value), want);
  check(strcmp(memory, want) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size >= sizeof(double)) try_bits(data);
  char *string = malloc(size + 1);
  check(string != NULL);
  memcpy(string, data, size);
  string[size] = '\0';
  try_decimal(string);
  try_double(string);
  try_integer(string);
  try_time(string);
  free(string);
  return 0;
}
