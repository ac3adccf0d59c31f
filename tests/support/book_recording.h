/* Recordings of an order book and its trades in the messages of Binance's futures, made from a seed: lines `<received ns> <message>` as collectors
 * write them. The market is a price that wanders by ticks of 0.1 over a book whose levels come and go; figures are of nobody's market. */
#ifndef TESTS_SUPPORT_BOOK_RECORDING_H
#define TESTS_SUPPORT_BOOK_RECORDING_H

#include <stdint.h>
#include <stdio.h>

struct book_recording {
  uint64_t seed;
  int changes;       /* messages that change the book */
  int levels;        /* told by the snapshot, a side */
  int change_levels; /* most told by a change */
  int trades;        /* most after a change */
  int64_t start_ms, step_ms;
  int gap_every; /* changes after which one is lost, then a snapshot comes; 0 none */
  int lowest;    /* ticks of 0.1 below all prices; 0: 600 000. The smaller, the more a tick moves the price */
};

/* The same bytes for the same members. */
void book_recording_write(const struct book_recording *recording, FILE *file);

#endif
