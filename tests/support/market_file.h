/* A market as a file of candles. */
#ifndef TESTS_SUPPORT_MARKET_FILE_H
#define TESTS_SUPPORT_MARKET_FILE_H

#include <stdbool.h>

#include "base/problem.h"

/* Three days of a generated trend from 2024-01-01 on, the same every time, as BTCUSDT-1m.csv of the folder. */
bool market_file_write(const char *folder, struct problem *problem);

#endif
