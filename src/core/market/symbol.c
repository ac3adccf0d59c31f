#include "core/market/symbol.h"

#include <stddef.h>
#include <string.h>

#include "base/text.h"

enum { PART_MAX = 24 };

struct parts {
  char base[PART_MAX], quote[PART_MAX], settle[PART_MAX];
};

/* Bytes of UTF-8 sequences pass: venues list names that are not ASCII. */
static bool is_name_byte(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static bool take_part(char part[PART_MAX], const char *from, size_t length) {
  if (length == 0 || length >= PART_MAX) return false;
  for (size_t i = 0; i < length; i++) {
    if (!is_name_byte(from[i])) return false;
  }
  memcpy(part, from, length);
  part[length] = '\0';
  return true;
}

/* BTCUSDT: the quote is the longest known ending that leaves a base. */
static bool split_joined(struct parts *parts, const char *text, size_t length) {
  static const char *const quotes[] = {"USDT", "USDC", "USD"};
  for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
    size_t quote_length = strlen(quotes[i]);
    if (length <= quote_length || memcmp(text + length - quote_length, quotes[i], quote_length) != 0) continue;
    return take_part(parts->base, text, length - quote_length) && take_part(parts->quote, quotes[i], quote_length) &&
           take_part(parts->settle, quotes[i], quote_length);
  }
  return false;
}

static bool split_separated(struct parts *parts, const char *text, size_t length, const char *separator) {
  const char *quote = separator + 1;
  size_t quote_length = length - (size_t)(quote - text);
  const char *colon = *separator == '/' ? memchr(quote, ':', quote_length) : NULL;
  const char *settle = quote;
  size_t settle_length = quote_length;
  if (colon != NULL) {
    settle = colon + 1;
    settle_length = length - (size_t)(settle - text);
    quote_length = (size_t)(colon - quote);
  }
  return take_part(parts->base, text, (size_t)(separator - text)) && take_part(parts->quote, quote, quote_length) &&
         take_part(parts->settle, settle, settle_length);
}

static bool ends_with(const char *text, size_t length, const char *ending) {
  size_t size = strlen(ending);
  return length > size && memcmp(text + length - size, ending, size) == 0;
}

static bool split(struct parts *parts, const char *text) {
  size_t length = strlen(text);
  if (ends_with(text, length, "-PERP")) return split_joined(parts, text, length - 5);
  if (ends_with(text, length, ".P")) return split_joined(parts, text, length - 2);
  size_t at = strcspn(text, "/-_");
  return at < length ? split_separated(parts, text, length, text + at) : split_joined(parts, text, length);
}

bool symbol_parse(const char *text, char printed[SYMBOL_TEXT_MAX], char venue_symbol[SYMBOL_TEXT_MAX]) {
  char upper[2 * SYMBOL_TEXT_MAX] = "";
  struct parts parts;
  struct text out;
  printed[0] = venue_symbol[0] = '\0';
  size_t length = strlen(text);
  if (length >= sizeof upper) return false;
  for (size_t i = 0; i <= length; i++) upper[i] = text[i] >= 'a' && text[i] <= 'z' ? (char)(text[i] - 'a' + 'A') : text[i];
  if (!split(&parts, upper)) return false;

  text_init(&out, printed, SYMBOL_TEXT_MAX);
  text_add(&out, parts.base);
  text_add_char(&out, '/');
  text_add(&out, parts.quote);
  text_add_char(&out, ':');
  text_add(&out, parts.settle);
  bool is_cut = out.is_cut;
  text_init(&out, venue_symbol, SYMBOL_TEXT_MAX);
  text_add(&out, parts.base);
  text_add(&out, parts.quote);
  if (is_cut || out.is_cut) printed[0] = venue_symbol[0] = '\0';
  return printed[0] != '\0';
}

bool symbol_is_pattern(const char *entry) {
  return strpbrk(entry, "*+?([|^$") != NULL;
}
