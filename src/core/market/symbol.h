/* The spellings of an instrument's name, and what is a pattern in a list of them. */
#ifndef CORE_MARKET_SYMBOL_H
#define CORE_MARKET_SYMBOL_H

#include <stdbool.h>

enum { SYMBOL_TEXT_MAX = 32 };

/* Accepts BTC/USDT:USDT, BTC/USDT, BTCUSDT, BTC-USDT, BTC_USDT, BTCUSDT-PERP and BTCUSDT.P in any case. printed becomes BTC/USDT:USDT and
 * venue_symbol BTCUSDT; both have room for SYMBOL_TEXT_MAX bytes. Joined spellings end in USDT, USDC or USD. False for anything else; the outputs are
 * then "". */
bool symbol_parse(const char *text, char printed[SYMBOL_TEXT_MAX], char venue_symbol[SYMBOL_TEXT_MAX]);
/* Does the entry contain one of * + ? ( [ | ^ $ and so is a regular expression over printed symbols? Compiling it is the edge's work. */
bool symbol_is_pattern(const char *entry);

#endif
