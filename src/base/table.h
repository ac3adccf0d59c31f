/* Tables on a terminal, and the same rows as CSV. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };
enum table_format { TABLE_TEXT, TABLE_CSV };

struct table_column {
  const char *title;
  enum table_align align;
};

struct table {
  const struct table_column *columns; /* the caller's, alive as long as the table */
  size_t column_count;
  enum table_format format;
  bool has_colors;     /* set by the caller when the output is a terminal and colours are wanted */
  struct buffer cells; /* colour, text and NUL of every cell, row by row */
  size_t cell_count;
};

void table_init(struct table *table, const struct table_column *columns, size_t column_count, enum table_format format);
void table_deinit(struct table *table);
/* The next cell, left to right; a row ends by itself behind its last column. Control characters become spaces. */
void table_add(struct table *table, const char *text);
/* color: parameters of the terminal's SGR sequence ("31", "1;32"); shown only if has_colors and the format is text. */
void table_add_colored(struct table *table, const char *text, const char *color);
/* Header and rows. An unfinished row fails a check. */
void table_print(const struct table *table, struct buffer *out);

/* Columns that UTF-8 text takes on a terminal: wide East Asian characters and emoji two, combining marks none. */
size_t table_text_width(const char *text);
/* One CSV cell, quoted if need be. Text that a spreadsheet would run as a formula (it begins with = + - @ tab or CR and is no number) gets an
 * apostrophe. */
void table_add_csv_cell(struct buffer *out, const char *text);

#endif
