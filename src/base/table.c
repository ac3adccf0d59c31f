#include "base/table.h"

#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { COLUMNS_MAX = 64 };

void table_init(struct table *table, const struct table_column *columns, size_t column_count, enum table_format format) {
  check(column_count > 0 && column_count <= COLUMNS_MAX);
  *table = (struct table){.columns = columns, .column_count = column_count, .format = format};
}

void table_deinit(struct table *table) {
  buffer_deinit(&table->cells);
}

void table_add_colored(struct table *table, const char *text, const char *color) {
  buffer_add(&table->cells, color, strlen(color) + 1);
  size_t start = table->cells.length;
  buffer_add(&table->cells, text, strlen(text) + 1);
  table->cell_count++;
  if (table->format == TABLE_CSV) return; /* quoting keeps what the cell has */
  for (char *c = table->cells.data + start; *c != '\0'; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
  }
}

void table_add(struct table *table, const char *text) {
  table_add_colored(table, text, "");
}

/* Decodes one character leniently: a broken byte counts as one character. */
static uint32_t take_character(const unsigned char **at) {
  const unsigned char *c = *at;
  size_t count = c[0] < 0xc0 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
  uint32_t code = count == 1 ? c[0] : c[0] & (0xffU >> (count + 1));
  for (size_t i = 1; i < count; i++) {
    if ((c[i] & 0xc0) != 0x80) {
      *at = c + 1;
      return '?';
    }
    code = code << 6 | (c[i] & 0x3f);
  }
  *at = c + count;
  return code;
}

struct range {
  uint32_t first, last;
};

static bool is_in(uint32_t code, const struct range *ranges, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (code >= ranges[i].first && code <= ranges[i].last) return true;
  }
  return false;
}

/* The blocks of Unicode TR 11 that terminals draw two columns wide, and those of marks that take none. */
static const struct range wide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xac00, 0xd7a3},
                                    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},
                                    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
static const struct range zero_width[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x200b, 0x200f}, {0x202a, 0x202e},
                                          {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};

size_t table_text_width(const char *text) {
  const unsigned char *at = (const unsigned char *)text;
  size_t width = 0;
  while (*at != '\0') {
    uint32_t code = take_character(&at);
    if (is_in(code, zero_width, sizeof(zero_width) / sizeof(zero_width[0]))) continue;
    width += is_in(code, wide, sizeof(wide) / sizeof(wide[0])) ? 2 : 1;
  }
  return width;
}

void table_add_csv_cell(struct buffer *out, const char *text) {
  double number;
  bool is_formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL && !text_parse_double(text, &number);
  bool must_quote = strpbrk(text, ",\"\r\n") != NULL;
  if (must_quote) buffer_add(out, "\"", 1);
  if (is_formula) buffer_add(out, "'", 1);
  for (const char *at = text; *at != '\0'; at++) {
    if (*at == '"') buffer_add(out, "\"", 1);
    buffer_add(out, at, 1);
  }
  if (must_quote) buffer_add(out, "\"", 1);
}

static void print_csv(const struct table *table, struct buffer *out) {
  for (size_t i = 0; i < table->column_count; i++) {
    if (i > 0) buffer_add(out, ",", 1);
    table_add_csv_cell(out, table->columns[i].title);
  }
  buffer_add(out, "\n", 1);
  const char *at = table->cells.data;
  for (size_t i = 0; i < table->cell_count; i++) {
    const char *text = at + strlen(at) + 1;
    table_add_csv_cell(out, text);
    buffer_add(out, (i + 1) % table->column_count == 0 ? "\n" : ",", 1);
    at = text + strlen(text) + 1;
  }
}

static void find_widths(const struct table *table, size_t widths[COLUMNS_MAX]) {
  for (size_t i = 0; i < table->column_count; i++) widths[i] = table_text_width(table->columns[i].title);
  const char *at = table->cells.data;
  for (size_t i = 0; i < table->cell_count; i++) {
    const char *text = at + strlen(at) + 1;
    size_t width = table_text_width(text);
    size_t column = i % table->column_count;
    if (width > widths[column]) widths[column] = width;
    at = text + strlen(text) + 1;
  }
}

static void add_spaces(struct buffer *out, size_t count) {
  for (size_t i = 0; i < count; i++) buffer_add(out, " ", 1);
}

static void print_cell(const struct table *table, struct buffer *out, size_t column, size_t width, const char *text, const char *color) {
  size_t padding = width - table_text_width(text);
  bool is_last = column + 1 == table->column_count;
  bool is_right = table->columns[column].align == TABLE_RIGHT;
  bool is_colored = table->has_colors && color[0] != '\0';
  if (is_right) add_spaces(out, padding);
  if (is_colored) buffer_add_format(out, "\033[%sm", color);
  buffer_add_text(out, text);
  if (is_colored) buffer_add_text(out, "\033[0m");
  if (!is_right && !is_last) add_spaces(out, padding);
  buffer_add_text(out, is_last ? "\n" : "  ");
}

static void print_text(const struct table *table, struct buffer *out) {
  size_t widths[COLUMNS_MAX];
  find_widths(table, widths);
  for (size_t i = 0; i < table->column_count; i++) print_cell(table, out, i, widths[i], table->columns[i].title, "1");
  const char *at = table->cells.data;
  for (size_t i = 0; i < table->cell_count; i++) {
    const char *text = at + strlen(at) + 1;
    size_t column = i % table->column_count;
    print_cell(table, out, column, widths[column], text, at);
    at = text + strlen(text) + 1;
  }
}

void table_print(const struct table *table, struct buffer *out) {
  check(table->cell_count % table->column_count == 0);
  if (table->format == TABLE_CSV) {
    print_csv(table, out);
  } else {
    print_text(table, out);
  }
}
