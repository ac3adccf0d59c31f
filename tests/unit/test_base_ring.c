#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "base/ring.h"

enum { MESSAGES = 200000, MESSAGE_MAX = 100 };

static void messages_come_out_in_order(void **unused) {
  (void)unused;
  unsigned char memory[64];
  unsigned char out[64];
  struct ring ring;
  ring_init(&ring, memory, sizeof(memory));
  assert_int_equal(ring_pop(&ring, out, sizeof(out)), 0);
  assert_true(ring_push(&ring, "abc", 3));
  assert_true(ring_push(&ring, "defgh", 5));
  assert_int_equal(ring_used(&ring), 16);
  assert_int_equal(ring_pop(&ring, out, sizeof(out)), 3);
  assert_memory_equal(out, "abc", 3);
  assert_int_equal(ring_pop(&ring, out, sizeof(out)), 5);
  assert_memory_equal(out, "defgh", 5);
  assert_int_equal(ring_pop(&ring, out, sizeof(out)), 0);
}

static void a_full_ring_takes_nothing(void **unused) {
  (void)unused;
  unsigned char memory[32];
  unsigned char out[32] = {0};
  struct ring ring;
  ring_init(&ring, memory, sizeof(memory));
  assert_false(ring_push(&ring, out, 29)); /* 4 bytes more than its text */
  assert_true(ring_push(&ring, out, 28));
  assert_int_equal(ring_used(&ring), 32);
  assert_false(ring_push(&ring, out, 1));
  assert_int_equal(ring_used(&ring), 32);
  assert_int_equal(ring_pop(&ring, out, sizeof(out)), 28);
  assert_true(ring_push(&ring, out, 1));
}

/* Fills and empties at random against a plain list; the memory is small, so that messages lie around its end often. */
static void wrapping_keeps_every_byte(void **unused) {
  (void)unused;
  unsigned char memory[256];
  unsigned char out[MESSAGE_MAX];
  struct random random;
  struct ring ring;
  random_init(&random, 51);
  ring_init(&ring, memory, sizeof(memory));
  uint32_t written = 0;
  uint32_t read = 0;
  while (read < MESSAGES) {
    uint32_t size = 4 + (written * 7) % 60;
    memset(out, (int)(written & 0xff), sizeof(out));
    memcpy(out, &written, sizeof(written));
    if (random_below(&random, 2) == 0) {
      if (ring_push(&ring, out, size)) written++;
      continue;
    }
    uint32_t got = ring_pop(&ring, out, sizeof(out));
    if (got == 0) {
      assert_int_equal(read, written);
      continue;
    }
    uint32_t number;
    memcpy(&number, out, sizeof(number));
    assert_int_equal(number, read);
    assert_int_equal(got, 4 + (read * 7) % 60);
    for (uint32_t i = 4; i < got; i++) assert_int_equal(out[i], read & 0xff);
    read++;
  }
}

static void *produce(void *context) {
  struct ring *ring = context;
  uint32_t message[MESSAGE_MAX / 4];
  for (uint32_t i = 0; i < MESSAGES; i++) {
    uint32_t words = 1 + i % 20;
    for (uint32_t w = 0; w < words; w++) message[w] = i + w;
    while (!ring_push(ring, message, words * 4)) sched_yield();
  }
  return NULL;
}

static void two_threads_see_the_same_messages(void **unused) {
  (void)unused;
  static unsigned char memory[4096];
  static struct ring ring;
  ring_init(&ring, memory, sizeof(memory));
  pthread_t producer;
  assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
  bool is_right = true;
  for (uint32_t i = 0; i < MESSAGES; i++) {
    uint32_t message[MESSAGE_MAX / 4];
    uint32_t size;
    while ((size = ring_pop(&ring, message, sizeof(message))) == 0) sched_yield();
    is_right &= size == (1 + i % 20) * 4;
    for (uint32_t w = 0; w < size / 4; w++) is_right &= message[w] == i + w;
  }
  pthread_join(producer, NULL);
  assert_true(is_right);
  assert_int_equal(ring_used(&ring), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(messages_come_out_in_order),
      cmocka_unit_test(a_full_ring_takes_nothing),
      cmocka_unit_test(wrapping_keeps_every_byte),
      cmocka_unit_test(two_threads_see_the_same_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
