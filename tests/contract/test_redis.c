/* The cache against a real redis-server: away, lost, empty again, locked, read-only, full, slow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/redis/redis.h"
#include "base/text.h"
#include "support/redis_process.h"

enum { PATIENCE_MS = 10000, TIMEOUT_MS = 300 };

static struct redis_process server;
static struct redis *redis;
static struct cache_port cache;
static int closing_ms; /* of the next cache; 0: usual */

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_briefly(void) {
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static struct cache_state state_now(void) {
  struct cache_state now;
  cache.state(cache.self, &now);
  return now;
}

static bool becomes(bool is_up) {
  for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end;) {
    if (state_now().is_up == is_up && (is_up || state_now().losses > 0)) return true;
    pause_briefly();
  }
  return false;
}

static bool comes_to(const char *detail) {
  for (int64_t end = now_ms() + PATIENCE_MS; now_ms() < end;) {
    struct cache_state now = state_now();
    if (!now.is_up && strstr(now.detail, detail) != NULL) return true;
    pause_briefly();
  }
  return false;
}

static void open_cache(const char *login, const char *password) {
  char url[256];
  struct problem problem;
  problem_clear(&problem);
  snprintf(url, sizeof url, "redis://%s127.0.0.1:%d", login, server.port);
  const struct redis_options options = {.url = url,
                                        .password = password,
                                        .timeout_ms = TIMEOUT_MS,
                                        .first_pause_ms = 10,
                                        .pause_max_ms = 50,
                                        .interval_ms = 50,
                                        .closing_ms = closing_ms};
  assert_int_equal(redis_open(&redis, &options, &problem), STATUS_OK);
  redis_port(redis, &cache);
}

static int begin(void **state) {
  (void)state;
  memset(&server, 0, sizeof server);
  return 0;
}

static int end(void **state) {
  (void)state;
  redis_close(redis);
  redis = NULL;
  redis_process_clean(&server);
  return 0;
}

static bool put(const char *key, const char *value) {
  return cache.put(cache.self, key, value, strlen(value), 60000);
}

struct found {
  int count;
  char value[64];
};

static void take(void *context, int place, const char *value, size_t length) {
  struct found *found = context;
  (void)place;
  ++found->count;
  snprintf(found->value, sizeof found->value, "%.*s", value != NULL ? (int)length : 4, value != NULL ? value : "none");
}

/* The value, "none", or the words of the status. */
static const char *get(const char *key) {
  static struct found found;
  found = (struct found){0};
  enum status status = cache.read(cache.self, &key, 1, 2000, take, &found);
  return status ? status_text(status) : found.value;
}

/* ---- all is well ---- */

static void what_is_put_is_there_for_its_time(void **state) {
  (void)state;
  char reply[256];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  assert_true(put("breakout:market:A", "one") && put("breakout:login:x", "two") && put("breakout:login:y", "three"));
  assert_string_equal(get("breakout:market:A"), "one");
  assert_string_equal(get("breakout:market:B"), "none");
  long long left = redis_process_number(&server, "PTTL breakout:market:A");
  assert_true(left > 0 && left <= 60000);
  left = redis_process_number(&server, "PTTL breakout:alive");
  assert_true(left > 0 && left <= 60000);
  assert_true(cache.drop(cache.self, "breakout:market:A"));
  assert_string_equal(get("breakout:market:A"), "none");
  assert_true(put("breakout:market:A", "again") && cache.drop_all(cache.self, "breakout:login:") && put("breakout:login:z", "four"));
  assert_string_equal(get("breakout:login:x"), "none");
  assert_string_equal(get("breakout:login:z"), "four"); /* in the order of asking */
  assert_string_equal(get("breakout:market:A"), "again");
  assert_true(cache.append(cache.self, "breakout:events", "ALERT", "{\"a\":1}", 7));
  assert_string_equal(get("breakout:market:A"), "again");
  assert_int_equal(redis_process_number(&server, "XLEN breakout:events"), 1);
  redis_process_ask(&server, NULL, "OBJECT ENCODING breakout:events", reply, sizeof reply);
  assert_string_equal(reply, "stream");
}

static void thousands_of_keys_are_dropped_at_once(void **state) {
  (void)state;
  char key[64];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  for (int i = 0; i < 1500; i++) {
    snprintf(key, sizeof key, "breakout:login:%d", i);
    assert_true(put(key, "x"));
  }
  assert_true(put("breakout:loginless", "stays"));
  assert_string_equal(get("breakout:login:1499"), "x");
  assert_true(cache.drop_all(cache.self, "breakout:login:"));
  assert_string_equal(get("breakout:loginless"), "stays");
  assert_int_equal(redis_process_number(&server, "DBSIZE"), 2); /* and breakout:alive */
}

static void a_stream_does_not_grow_for_ever(void **state) {
  (void)state;
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  for (int i = 0; i < 6000; i++) {
    while (!cache.append(cache.self, "breakout:events", "ALERT", "{}", 2)) pause_briefly();
  }
  assert_string_equal(get("breakout:none"), "none");
  long long length = redis_process_number(&server, "XLEN breakout:events");
  assert_true(length >= 5000 && length < 5200); /* in whole nodes of a hundred */
}

/* ---- it is not ---- */

static void down_at_the_start_is_no_error(void **state) {
  (void)state;
  redis_process_choose(&server);
  open_cache("", NULL);
  assert_true(becomes(false));
  assert_string_equal(state_now().detail, "Connection refused");
  assert_false(put("breakout:market:A", "one"));
  assert_string_equal(get("breakout:market:A"), status_text(STATUS_NOT_RUNNING));
  redis_process_start(&server, NULL);
  assert_true(becomes(true));
  assert_int_equal(state_now().gaps, 1);
  assert_int_equal(state_now().losses, 1);
  assert_int_equal(state_now().returns, 1);
  assert_true(put("breakout:market:A", "one"));
  assert_string_equal(get("breakout:market:A"), "one");
}

static void killed_and_back_empty_is_a_gap(void **state) {
  (void)state;
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  assert_true(put("breakout:market:A", "one"));
  assert_string_equal(get("breakout:market:A"), "one");
  redis_process_kill(&server);
  assert_true(becomes(false));
  assert_false(put("breakout:market:A", "lost"));
  redis_process_start(&server, NULL);
  assert_true(becomes(true));
  assert_int_equal(state_now().gaps, 2);
  assert_string_equal(get("breakout:market:A"), "none");
}

static void passwords(void **state) {
  (void)state;
  static const char *const words[] = {"--requirepass", "right-one", NULL};
  redis_process_start(&server, words);
  open_cache("", NULL);
  assert_true(becomes(false));
  assert_non_null(strstr(state_now().detail, "NOAUTH"));
  redis_close(redis);
  open_cache(":wrong-one@", NULL);
  assert_true(becomes(false));
  assert_non_null(strstr(state_now().detail, "WRONGPASS"));
  assert_null(strstr(state_now().detail, "wrong-one"));
  redis_close(redis);
  open_cache(":wrong-one@", "right-one"); /* REDIS_PASSWORD is the one that counts */
  assert_true(becomes(true));
  redis_close(redis);
  open_cache("default:right-one@", NULL);
  assert_true(becomes(true));
  assert_null(strstr(state_now().detail, "right-one"));
}

static void a_password_that_is_set_while_it_runs(void **state) {
  (void)state;
  char reply[128];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_ask(&server, NULL, "CONFIG SET requirepass later", reply, sizeof reply);
  redis_process_ask(&server, "later", "CLIENT KILL TYPE normal", reply, sizeof reply);
  assert_true(comes_to("NOAUTH")); /* after the connection that ended */
}

/* As docs/operations.md 8.11 says. */
static void a_user_with_few_rights_is_enough(void **state) {
  (void)state;
  char reply[128];
  redis_process_start(&server, NULL);
  redis_process_ask(&server, NULL, "ACL SETUSER breakout on >secret-one ~breakout:* +set +unlink +mget +xadd +scan +select", reply, sizeof reply);
  assert_string_equal(reply, "+OK");
  redis_process_ask(&server, NULL, "ACL SETUSER default off", reply, sizeof reply);
  open_cache("breakout@", "secret-one");
  assert_true(becomes(true));
  assert_true(put("breakout:login:x", "one") && cache.append(cache.self, "breakout:events", "ALERT", "{}", 2));
  assert_string_equal(get("breakout:login:x"), "one");
  assert_true(cache.drop_all(cache.self, "breakout:login:"));
  assert_string_equal(get("breakout:login:x"), "none");
  assert_int_equal(state_now().losses, 0);
}

static void a_replica_is_of_no_use(void **state) {
  (void)state;
  static const char *const words[] = {"--replicaof", "127.0.0.1 1", NULL};
  char reply[128];
  redis_process_start(&server, words);
  open_cache("", NULL);
  assert_true(becomes(false));
  assert_non_null(strstr(state_now().detail, "READONLY"));
  redis_process_ask(&server, NULL, "REPLICAOF NO ONE", reply, sizeof reply);
  assert_true(becomes(true));
}

static void full_is_told_and_passes(void **state) {
  (void)state;
  char reply[128];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_ask(&server, NULL, "CONFIG SET maxmemory 1", reply, sizeof reply);
  assert_true(becomes(false)); /* nobody needs to write for it to be seen */
  assert_non_null(strstr(state_now().detail, "OOM"));
  redis_process_ask(&server, NULL, "CONFIG SET maxmemory 0", reply, sizeof reply);
  assert_true(becomes(true));
}

/* Its snapshots fail, so that it refuses writes. */
static void snapshots_that_fail(void **state) {
  (void)state;
  static const char *const words[] = {"--dir", "/proc", "--save", "3600 1", NULL};
  char reply[128];
  redis_process_start(&server, words);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_ask(&server, NULL, "BGSAVE", reply, sizeof reply);
  assert_true(comes_to("MISCONF"));
  redis_process_ask(&server, NULL, "CONFIG SET stop-writes-on-bgsave-error no", reply, sizeof reply);
  assert_true(becomes(true));
}

static void loading_passes(void **state) {
  (void)state;
  static const char *const words[] = {"--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024", NULL};
  char key[64], reply[128];
  static char value[1024];
  memset(value, 'x', sizeof value - 1);
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  for (int i = 0; i < 100; i++) {
    snprintf(key, sizeof key, "breakout:market:%d", i);
    assert_true(put(key, value));
  }
  assert_string_equal(get("breakout:none"), "none");
  redis_process_ask(&server, NULL, "CONFIG SET rdbcompression no", reply, sizeof reply);
  redis_process_ask(&server, NULL, "SAVE", reply, sizeof reply);
  assert_string_equal(reply, "+OK");
  redis_process_kill(&server);
  redis_process_start(&server, words);
  assert_true(comes_to("LOADING"));
  assert_true(becomes(true));
}

/* What the file lost is a gap like any other; a file that is no use at all is a server that does not start. */
static void a_damaged_append_only_file(void **state) {
  (void)state;
  static const char *const words[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
  char command[400];
  redis_process_start(&server, words);
  open_cache("", NULL);
  assert_true(becomes(true));
  assert_true(put("breakout:login:a", "first") && put("breakout:login:b", "second"));
  assert_string_equal(get("breakout:login:b"), "second");
  int64_t gaps = state_now().gaps;
  redis_process_kill(&server);
  assert_true(becomes(false));
  snprintf(command, sizeof command, "truncate -s -5 '%s'/appendonlydir/*.incr.aof", server.folder);
  assert_int_equal(system(command), 0);
  redis_process_start(&server, words);
  assert_true(becomes(true));
  assert_true(state_now().gaps > gaps);
  assert_string_equal(get("breakout:login:a"), "first");
}

static void a_key_of_others_in_the_way(void **state) {
  (void)state;
  char reply[128];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_ask(&server, NULL, "SET breakout:events text", reply, sizeof reply);
  assert_true(cache.append(cache.self, "breakout:events", "ALERT", "{}", 2));
  for (int64_t until = now_ms() + PATIENCE_MS; state_now().gaps < 2 && now_ms() < until;) pause_briefly();
  assert_true(state_now().losses >= 1 && state_now().gaps >= 2); /* seen, and tried anew */
  assert_true(becomes(true));
}

/* ---- nobody waits ---- */

/* No answer for a minute: who reads waits as long as it said, who writes not at all, and it is seen after the time-out. */
static void slow_is_away(void **state) {
  (void)state;
  char reply[128];
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_ask(&server, NULL, "CLIENT PAUSE 60000 ALL", reply, sizeof reply);
  assert_string_equal(reply, "+OK");
  struct found found = {0};
  const char *key = "breakout:market:A";
  int64_t started = now_ms();
  enum status status = cache.read(cache.self, &key, 1, 50, take, &found);
  int64_t waited = now_ms() - started;
  assert_true(status == STATUS_TIMED_OUT || status == STATUS_NOT_RUNNING);
  assert_int_equal(found.count, 0);
  assert_true(waited < 2000); /* and not the minute; a busy machine may add to the 50 ms */
  assert_true(becomes(false));
  assert_string_equal(state_now().detail, "no answer in time");
  started = now_ms();
  for (int i = 0; i < 1000; i++) assert_false(put("breakout:market:A", "x"));
  assert_true(now_ms() - started < 2000);
}

static void what_waits_is_bounded(void **state) {
  (void)state;
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  int64_t gaps = state_now().gaps;
  redis_process_freeze(&server, true);
  int taken = 0;
  while (taken <= 2 * REDIS_QUEUE_MAX && put("breakout:market:A", "x")) ++taken;
  assert_in_range(taken, 0, REDIS_QUEUE_MAX + 256);
  redis_process_freeze(&server, false);
  for (int64_t until = now_ms() + PATIENCE_MS; state_now().gaps == gaps && now_ms() < until;) pause_briefly();
  assert_true(state_now().gaps > gaps); /* what was dropped is to be put again */
}

static void closing_is_bounded_too(void **state) {
  (void)state;
  redis_process_start(&server, NULL);
  open_cache("", NULL);
  assert_true(becomes(true));
  redis_process_freeze(&server, true);
  assert_true(put("breakout:market:A", "x") || state_now().losses > 0);
  int64_t started = now_ms();
  redis_close(redis);
  redis = NULL;
  assert_true(now_ms() - started < 4 * TIMEOUT_MS + 2000);
  redis_process_freeze(&server, false);
}

/* The thread still waits for an answer when its owner has gone; it frees what is left. */
static void closing_does_not_wait_for_a_thread(void **state) {
  (void)state;
  redis_process_start(&server, NULL);
  closing_ms = 1;
  open_cache("", NULL);
  closing_ms = 0;
  assert_true(becomes(true));
  redis_process_freeze(&server, true);
  for (int i = 0; i < 100; i++) (void)put("breakout:market:A", "x");
  pause_briefly();
  redis_close(redis);
  redis = NULL;
  redis_process_freeze(&server, false);
  for (int i = 0; i < 200; i++) pause_briefly(); /* more than its time-out: the sanitizer sees what it leaves */
}

static void a_try_tells_how_it_is(void **state) {
  (void)state;
  char url[64];
  char why[CACHE_DETAIL_BYTES];
  char where[CACHE_DETAIL_BYTES];
  struct problem problem;
  problem_clear(&problem);
  redis_process_choose(&server);
  snprintf(url, sizeof url, "redis://127.0.0.1:%d/1", server.port);
  const struct redis_options options = {.url = url, .timeout_ms = TIMEOUT_MS};
  assert_int_equal(redis_try(&options, why, &problem), STATUS_NOT_RUNNING);
  assert_string_equal(why, "Connection refused");
  redis_process_start(&server, NULL);
  assert_int_equal(redis_try(&options, why, &problem), STATUS_OK);
  snprintf(where, sizeof where, "127.0.0.1:%d/1", server.port);
  assert_string_equal(why, where);
  assert_int_equal(redis_try(&(struct redis_options){.url = "redis://"}, why, &problem), STATUS_BAD_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_put_is_there_for_its_time, begin, end),
      cmocka_unit_test_setup_teardown(thousands_of_keys_are_dropped_at_once, begin, end),
      cmocka_unit_test_setup_teardown(a_stream_does_not_grow_for_ever, begin, end),
      cmocka_unit_test_setup_teardown(down_at_the_start_is_no_error, begin, end),
      cmocka_unit_test_setup_teardown(killed_and_back_empty_is_a_gap, begin, end),
      cmocka_unit_test_setup_teardown(passwords, begin, end),
      cmocka_unit_test_setup_teardown(a_password_that_is_set_while_it_runs, begin, end),
      cmocka_unit_test_setup_teardown(a_user_with_few_rights_is_enough, begin, end),
      cmocka_unit_test_setup_teardown(a_replica_is_of_no_use, begin, end),
      cmocka_unit_test_setup_teardown(full_is_told_and_passes, begin, end),
      cmocka_unit_test_setup_teardown(snapshots_that_fail, begin, end),
      cmocka_unit_test_setup_teardown(loading_passes, begin, end),
      cmocka_unit_test_setup_teardown(a_damaged_append_only_file, begin, end),
      cmocka_unit_test_setup_teardown(a_key_of_others_in_the_way, begin, end),
      cmocka_unit_test_setup_teardown(slow_is_away, begin, end),
      cmocka_unit_test_setup_teardown(what_waits_is_bounded, begin, end),
      cmocka_unit_test_setup_teardown(closing_is_bounded_too, begin, end),
      cmocka_unit_test_setup_teardown(closing_does_not_wait_for_a_thread, begin, end),
      cmocka_unit_test_setup_teardown(a_try_tells_how_it_is, begin, end),
  };
  if (!redis_process_is_there()) {
    printf("[  SKIPPED ] %zu test(s).\n", sizeof tests / sizeof tests[0]);
    printf("there is no redis-server: scripts/packages.sh install test\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
