#include "base/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void problem_clear(struct problem *problem) {
  problem->count = 0;
  problem->errors = 0;
  problem->warnings = 0;
}

/* Input reaches messages: control characters would break lines and terminals, and a cut must not leave half a UTF-8 sequence. */
static void make_printable(char *text) {
  for (char *c = text; *c != '\0'; c++) {
    if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = ' ';
  }
}

static void cut_at_character(char *text, size_t size) {
  size_t length = strlen(text);
  if (length + 1 < size) return;
  size_t start = length;
  while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) start--;
  if (start > 0 && (unsigned char)text[start - 1] >= 0xc0) text[start - 1] = '\0';
}

static void set_member(char *out, size_t size, const char *from) {
  text_copy(out, size, from != NULL ? from : "");
  cut_at_character(out, size);
  make_printable(out);
}

__attribute__((format(printf, 6, 0))) static void fill_item(struct problem_item *item, const char *code, const char *path, const char *value,
                                                            const char *allowed, const char *format, va_list arguments) {
  set_member(item->code, sizeof(item->code), code);
  set_member(item->path, sizeof(item->path), path);
  set_member(item->value, sizeof(item->value), value);
  set_member(item->allowed, sizeof(item->allowed), allowed);
  vsnprintf(item->message, sizeof(item->message), format, arguments);
  cut_at_character(item->message, sizeof(item->message));
  make_printable(item->message);
}

/* The next free item. An error never gets lost behind warnings: in a full list it replaces the last warning. */
static struct problem_item *item_for(struct problem *problem, bool is_warning) {
  if (problem->count < PROBLEM_ITEMS_MAX) return &problem->items[problem->count++];
  for (int i = problem->count - 1; !is_warning && i >= 0; i--) {
    if (problem->items[i].is_warning) return &problem->items[i];
  }
  return NULL;
}

__attribute__((format(printf, 7, 0))) static void append(struct problem *problem, bool is_warning, const char *code, const char *path,
                                                         const char *value, const char *allowed, const char *format, va_list arguments) {
  if (problem == NULL) return;
  if (is_warning) {
    problem->warnings++;
  } else {
    problem->errors++;
  }
  struct problem_item *item = item_for(problem, is_warning);
  if (item == NULL) return;
  item->is_warning = is_warning;
  fill_item(item, code, path, value, allowed, format, arguments);
}

void problem_add(struct problem *problem, const char *code, const char *path, const char *value, const char *allowed, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append(problem, false, code, path, value, allowed, format, arguments);
  va_end(arguments);
}

void problem_warn(struct problem *problem, const char *code, const char *path, const char *value, const char *allowed, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  append(problem, true, code, path, value, allowed, format, arguments);
  va_end(arguments);
}

bool problem_has_error(const struct problem *problem) {
  return problem->errors > 0;
}

void problem_print(const struct problem *problem, void *file) {
  for (int i = 0; i < problem->count; i++) {
    const struct problem_item *item = &problem->items[i];
    fprintf(file, "%s: %s%s%s", item->is_warning ? "warning" : "error", item->path, item->path[0] != '\0' ? ": " : "", item->message);
    if (item->value[0] != '\0' && item->allowed[0] != '\0') {
      fprintf(file, " (%s; allowed %s)", item->value, item->allowed);
    } else if (item->value[0] != '\0') {
      fprintf(file, " (%s)", item->value);
    } else if (item->allowed[0] != '\0') {
      fprintf(file, " (allowed %s)", item->allowed);
    }
    fputc('\n', file);
  }
  int hidden = problem->errors + problem->warnings - problem->count;
  if (hidden > 0) fprintf(file, "and %d more\n", hidden);
}
