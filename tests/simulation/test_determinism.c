/* The engine is a function of its events: the same events give the same records, byte for byte, also when at any event its state is taken as bytes
 * and another engine goes on from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "support/engine_fixture.h"

enum { SYMBOLS = 3 };

struct world {
  const char *name;
  bool is_channel;
  int64_t start_at, end_at;
  int64_t every; /* candles between two snapshots */
};
static const struct world worlds[] = {
    {"channel", true, RIG_START + HOUR_MS, RIG_START + 14 * HOUR_MS, 40},
    {"breakouts", false, RIG_START + DAY_MS + 10 * MINUTE_MS, RIG_START + 3 * DAY_MS, 12},
};

static struct rig rig;
static struct rig_series series[SYMBOLS];

static void open_world(const struct world *world, uint64_t seed) {
  struct preset preset;
  struct rig_options options = rig_options();
  options.symbols = SYMBOLS;
  options.has_reference = true;
  options.base_ms = world->is_channel ? MINUTE_MS : 5 * MINUTE_MS;
  options.slippage_bps = 5;
  options.impact_bps = 40;
  options.max_participation = 0.1;
  for (int32_t i = 0; i < SYMBOLS; i++) {
    rig_generate(&series[i], i == 1 ? (int)GENERATE_TREND : (int)GENERATE_BREAKOUTS, seed, i, 3);
    if (!world->is_channel) rig_coarsen(&series[i], 5);
  }
  rig_open(&rig, &options);
  if (world->is_channel) {
    rig_load_preset(&preset, "channel_baseline");
    rig_set(&preset, "channel_config.timeframe=1m");
  } else {
    rig_load_loose(&preset);
  }
  rig_use(&rig, &preset);
}

static void close_world(void) {
  rig_close(&rig);
  rig_free_series(series, SYMBOLS);
}

/* Plays the world; at every `world->every`-th candle the system is saved and loaded again when is_restored. Returns the digest of all records. */
static void play(const struct world *world, uint64_t seed, bool is_restored, char digest[DIGEST_TEXT_MAX]) {
  open_world(world, seed);
  int64_t n = 0;
  for (int64_t t = RIG_START; t < world->end_at; t += rig.options.base_ms) {
    if (t == world->start_at) rig_command(&rig, COMMAND_START);
    if (t == world->start_at + 6 * HOUR_MS) rig_command(&rig, COMMAND_PAUSE);
    if (t == world->start_at + 7 * HOUR_MS) rig_command(&rig, COMMAND_RESUME);
    rig_play(&rig, series, t + rig.options.base_ms);
    if (!is_restored || t < world->start_at || ++n % world->every != 0) continue;
    struct rig_image image;
    rig_save(&rig, &image);
    rig_load(&rig, &image);
    rig_free_image(&image);
  }
  rig_digest(&rig, digest);
}

static void test_same_events_same_records(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
    char first[DIGEST_TEXT_MAX];
    char second[DIGEST_TEXT_MAX];
    char other[DIGEST_TEXT_MAX];
    play(&worlds[i], 7, false, first);
    print_message("%s: %lld fills, %lld trades\n", worlds[i].name, (long long)rig.tally[RECORD_FILL], (long long)rig.tally[RECORD_TRADE]);
    assert_true(rig.tally[RECORD_FILL] > 4 && rig.tally[RECORD_TRADE] > 1 && rig.tally[RECORD_DECISION] > 10);
    close_world();
    play(&worlds[i], 7, false, second);
    close_world();
    assert_string_equal(first, second);
    play(&worlds[i], 8, false, other);
    close_world();
    assert_string_not_equal(first, other);
  }
}

static void test_a_saved_engine_goes_on(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++) {
    char through[DIGEST_TEXT_MAX];
    char restored[DIGEST_TEXT_MAX];
    play(&worlds[i], 7, false, through);
    close_world();
    play(&worlds[i], 7, true, restored);
    close_world();
    assert_string_equal(through, restored);
  }
}

/* An image made at every single event of some hours in which positions are opened and closed; the loaded engine takes the same event and must say the
 * same as the one that was saved. */
struct twin {
  struct arena arena;
  unsigned char *bytes; /* owned */
  size_t size;
  struct digest said;
  int64_t compared;
};

static void add_record(void *context, enum record_kind kind, const void *object) {
  static unsigned char bytes[64 << 10];
  struct twin *twin = context;
  size_t size = schema_encode(record_schemas[kind], object, bytes, sizeof bytes);
  digest_add(&twin->said, &kind, sizeof kind);
  digest_add(&twin->said, bytes, size);
}

static void add_intent(void *context, const struct intent *intent) {
  static unsigned char bytes[64 << 10];
  struct twin *twin = context;
  size_t size = schema_encode(intent_schemas[intent->kind], intent_payload(intent), bytes, sizeof bytes);
  digest_add(&twin->said, &intent->kind, sizeof intent->kind);
  digest_add(&twin->said, bytes, size);
}

/* Called before each event: steps a copy of the engine with it, twice, each time from the image. */
static void step_twins(struct rig *owner, const struct event *event) {
  struct twin *twin = owner->context;
  char said[2][DIGEST_TEXT_MAX];
  if (engine_now(owner->engine) < RIG_START + HOUR_MS) return;
  engine_snapshot_save(owner->engine, twin->bytes);
  for (int i = 0; i < 2; i++) {
    struct engine *copy;
    struct engine_sink sink = {twin, add_intent, add_record, NULL};
    twin->arena.used = 0;
    assert_int_equal(engine_snapshot_load(&twin->arena, &owner->limits, twin->bytes, twin->size, &copy), STATUS_OK);
    digest_open(&twin->said);
    engine_step(copy, event, &sink);
    digest_read(&twin->said, said[i]);
    digest_close(&twin->said);
    if (i == 0) memset(twin->arena.memory, 0xA5, twin->arena.size); /* whatever was left there must not matter */
  }
  assert_string_equal(said[0], said[1]);
  ++twin->compared;
}

static void test_an_image_at_every_event(void **state) {
  (void)state;
  struct twin twin = {0};
  open_world(&worlds[0], 9);
  twin.size = engine_snapshot_size(rig.engine);
  twin.bytes = malloc(twin.size);
  assert_non_null(twin.bytes);
  assert_int_equal(arena_open(&twin.arena, engine_memory(&rig.limits)), STATUS_OK);
  rig.context = &twin;
  rig.after_event = step_twins;
  rig_play(&rig, series, RIG_START + HOUR_MS);
  rig_command(&rig, COMMAND_START);
  rig_play(&rig, series, RIG_START + HOUR_MS + 100 * MINUTE_MS);
  assert_true(twin.compared > 500);
  assert_true(rig.tally[RECORD_FILL] > 1);
  print_message("%lld events stepped from an image\n", (long long)twin.compared);
  arena_close(&twin.arena);
  free(twin.bytes);
  close_world();
}

/* Images that are not ours are refused, whole. */
static void test_bad_images(void **state) {
  (void)state;
  struct rig_image image;
  struct arena arena;
  struct engine *engine;
  open_world(&worlds[0], 3);
  rig_save(&rig, &image);
  assert_int_equal(arena_open(&arena, engine_memory(&rig.limits)), STATUS_OK);
  struct engine_limits other = rig.limits;
  other.symbols = 2;
  assert_int_equal(engine_snapshot_load(&arena, &other, image.engine, image.engine_size, &engine), STATUS_NEWER_VERSION);
  assert_int_equal(engine_snapshot_load(&arena, &rig.limits, image.engine, image.engine_size - 1, &engine), STATUS_TRUNCATED);
  assert_int_equal(engine_snapshot_load(&arena, &rig.limits, image.engine, 5, &engine), STATUS_TRUNCATED);
  image.engine[0] ^= 1;
  assert_int_equal(engine_snapshot_load(&arena, &rig.limits, image.engine, image.engine_size, &engine), STATUS_BAD_FORMAT);
  arena_close(&arena);
  rig_free_image(&image);
  close_world();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_events_same_records),
      cmocka_unit_test(test_a_saved_engine_goes_on),
      cmocka_unit_test(test_an_image_at_every_event),
      cmocka_unit_test(test_bad_images),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
