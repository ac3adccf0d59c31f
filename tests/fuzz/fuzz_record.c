/* Any bytes as the payload of a journalled event, intent, record or mark: shown as text and as JSON, or "?". First bytes: direction, kind, version.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "runner/retrace.h"

enum { TEXT_BYTES = 1 << 20, HEAD_BYTES = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_event(const struct journal_record *record) {
  static struct preset preset;
  static struct problem problem;
  struct buffer memory = {0};
  struct event event;
  problem_clear(&problem);
  enum status status = retrace_decode(&event, record, &memory, &preset, &problem);
  check(status != STATUS_OK || (event.kind == record->kind && event.ts == record->ts));
  buffer_deinit(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char line[TEXT_BYTES];
  if (size < HEAD_BYTES) return 0;
  unsigned char *payload = malloc(size); /* of its own, so that reading beyond it shows */
  check(payload != NULL);
  memcpy(payload, data + HEAD_BYTES, size - HEAD_BYTES);
  const struct journal_record record = {.seq = 1,
                                        .ts = 1,
                                        .direction = data[0] % journal_direction_count,
                                        .kind = data[1],
                                        .version = data[2] % (JOURNAL_VERSION + 1),
                                        .payload = payload,
                                        .size = size - HEAD_BYTES};
  struct text text;
  struct buffer out = {0};
  struct json_writer json;
  text_init(&text, line, sizeof line);
  retrace_print(&record, &text);
  check(text.length > 0);
  json_writer_init(&json, &out, false);
  json_begin_object(&json, NULL);
  bool is_shown = retrace_to_json(&record, &json);
  json_end_object(&json);
  check(is_shown == (strcmp(line, "?") != 0));
  buffer_deinit(&out);
  if (record.direction == JOURNAL_EVENT) try_event(&record);
  free(payload);
  return 0;
}
