/* Any bytes as JSON, strict and relaxed: a refusal has one error; what is accepted can be walked, written and read again as the same text. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int depth_of(const char *text) {
  int depth = 0;
  int deepest = 0;
  for (; *text != '\0'; text++) {
    if (*text == '[' || *text == '{') depth++;
    if (*text == ']' || *text == '}') depth--;
    if (depth > deepest) deepest = depth;
  }
  return deepest;
}

static void write_again(const struct json *document, struct buffer *out) {
  struct json_writer writer;
  buffer_clear(out);
  json_writer_init(&writer, out, false);
  json_add_value(&writer, NULL, document);
}

static void try_flags(const char *text, size_t size, int flags) {
  static struct problem problem;
  problem_clear(&problem);
  struct json *document = json_parse(text, size, flags, "input", &problem);
  check(problem.errors == (document == NULL ? 1 : 0));
  if (document == NULL) return;
  struct buffer first = {0}, second = {0};
  /* The writer nests to 32 only, because we never write deeper; deeper inputs are only read. Brackets within strings make this estimate too high. */
  struct buffer copy = {0};
  buffer_add(&copy, text, size);
  if (depth_of(copy.data) <= 32) {
    write_again(document, &first);
    struct json *again = json_parse(first.data, first.length, JSON_STRICT, "own", &problem);
    /* A double of 2^63 and more is written without fraction: an integer too large to be read back. */
    if (again != NULL) {
      write_again(again, &second);
      check(first.length == second.length && memcmp(first.data, second.data, first.length) == 0);
    } else {
      check(strstr(problem.items[0].message, "too big") != NULL);
    }
    json_free(again);
  }
  buffer_deinit(&copy);
  buffer_deinit(&first);
  buffer_deinit(&second);
  json_free(document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  try_flags((const char *)data, size, JSON_STRICT);
  try_flags((const char *)data, size, JSON_RELAXED);
  return 0;
}
