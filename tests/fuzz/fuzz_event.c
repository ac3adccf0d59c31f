/* Any bytes as the payload of an event: what is taken encodes to the same bytes again. The first byte is the kind. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "engine/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  _Alignas(16) static unsigned char scratch[1 << 18];
  static unsigned char again[1 << 18];
  struct event event;
  size_t used = event_decode(&event, data[0] % event_kind_count, 1, data + 1, size - 1, scratch, sizeof scratch);
  if (used == 0) return 0;
  check(used <= size - 1 && event_encoded_max(&event) >= used);
  check(event_encode(&event, again, sizeof again) == used);
  /* A byte other than 0 and 1 is a true bool, and is written as 1: the second reading is the one to compare. */
  struct event back;
  check(event_decode(&back, event.kind, 1, again, used, scratch, sizeof scratch) == used);
  static unsigned char third[1 << 18];
  check(event_encode(&back, third, sizeof third) == used && memcmp(again, third, used) == 0);
  return 0;
}
