/* The API beside a real redis-server: logins, their ends, health, and the keys and messages that others read. */
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
#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "support/redis_process.h"
#include "support/web_fixture.h"

enum { ROUNDS_MAX = 3000 };

static struct redis_process server;
static struct redis *redis;
static struct cache_port cache;
static struct rig rig;

/* ---- the world ---- */

static int open_redis(void) {
  char url[64];
  struct problem problem;
  problem_clear(&problem);
  memset(&server, 0, sizeof server);
  redis_process_start(&server, NULL);
  snprintf(url, sizeof url, "redis://127.0.0.1:%d", server.port);
  const struct redis_options options = {.url = url, .timeout_ms = 300, .first_pause_ms = 10, .pause_max_ms = 50, .interval_ms = 50};
  if (redis_open(&redis, &options, &problem)) return 1;
  redis_port(redis, &cache);
  web_cache = &cache;
  return 0;
}

static int close_redis(void) {
  web_cache = NULL;
  redis_close(redis);
  redis_process_clean(&server);
  return 0;
}

static int open_guarded(void **state) {
  return open_redis() || web_open_guarded(state);
}

static int close_guarded(void **state) {
  return web_close(state) || close_redis();
}

static int open_market(void **state) {
  (void)state;
  struct rig_options options = rig_options();
  struct preset preset;
  rig_open(&rig, &options);
  rig_load_loose(&preset);
  rig_use(&rig, &preset);
  return open_redis() || web_open_over(&rig);
}

static int close_market(void **state) {
  int result = web_close(state);
  rig_close(&rig);
  return result || close_redis();
}

/* A second of the API's time, and a moment of the other's. */
static void pass_moment(void) {
  web_pass_s(1);
  web_turn(NULL);
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool becomes(bool is_up) {
  struct cache_state state;
  for (int i = 0; i < ROUNDS_MAX; i++) {
    cache.state(cache.self, &state);
    if (state.is_up == is_up) return true;
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
  }
  return false;
}

static long long keys_of(const char *pattern) {
  char line[200];
  snprintf(line, sizeof line, "EVAL \"return #redis.call('KEYS','%s')\" 0", pattern);
  return redis_process_number(&server, line);
}

static bool comes_to_keys(const char *pattern, long long count) {
  for (int i = 0; i < ROUNDS_MAX; i++) {
    if (keys_of(pattern) == count) return true;
    pass_moment();
  }
  return false;
}

static int who(const struct browser *browser) {
  return web_ask("GET", "/api/auth/me", browser->headers, NULL);
}

static void make_key(const struct browser *browser, char out[CACHE_KEY_BYTES]) {
  char id[DIGEST_TEXT_MAX];
  const char *secret = strchr(browser->cookie, '=') + 1;
  digest_of(secret, strlen(secret), id);
  snprintf(out, CACHE_KEY_BYTES, "breakout:login:%s", id);
}

/* ---- logins ---- */

static void a_login_is_copied_and_goes_with_its_end(void **state) {
  (void)state;
  struct browser browser;
  char key[CACHE_KEY_BYTES], line[300], reply[512];
  assert_true(becomes(true));
  web_set_up(&browser);
  assert_true(comes_to_keys("breakout:login:*", 1));
  make_key(&browser, key);
  snprintf(line, sizeof line, "GET %s", key);
  redis_process_ask(&server, NULL, line, reply, sizeof reply);
  assert_non_null(strstr(reply, "\"user\":\"root\""));
  assert_null(strstr(reply, strchr(browser.cookie, '=') + 1)); /* nothing that opens anything */
  snprintf(line, sizeof line, "PTTL %s", key);
  long long left = redis_process_number(&server, line);
  assert_true(left > 11 * 3600 * 1000LL && left <= 12 * 3600 * 1000LL);
  assert_int_equal(web_ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_true(comes_to_keys("breakout:login:*", 0));
  assert_int_equal(who(&browser), 401);
}

/* The end is a row that is gone; that the key is there still opens nothing, neither to this process nor to the next. */
static void a_login_that_ended_while_redis_was_away_stays_ended(void **state) {
  (void)state;
  struct browser browser, other;
  web_set_up(&browser);
  assert_int_equal(web_log_in(&other, "root", web_password), 200);
  assert_true(comes_to_keys("breakout:login:*", 2));
  redis_process_freeze(&server, true);
  assert_true(becomes(false));
  assert_int_equal(who(&other), 200); /* nothing depends on it */
  assert_int_equal(web_ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_int_equal(who(&browser), 401);
  web_restart();
  assert_int_equal(who(&browser), 401);
  assert_int_equal(who(&other), 200);
  redis_process_freeze(&server, false);
  assert_true(becomes(true));
  assert_int_equal(who(&browser), 401);
  assert_true(comes_to_keys("breakout:login:*", 1)); /* written anew: what ended is not among it */
  web_restart();
  assert_int_equal(who(&browser), 401);
  assert_int_equal(who(&other), 200);
}

static void a_key_that_somebody_wrote_opens_nothing(void **state) {
  (void)state;
  struct browser browser = {.cookie = "bb_login=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"};
  char key[CACHE_KEY_BYTES], line[400], reply[64];
  assert_true(becomes(true));
  snprintf(browser.headers, sizeof browser.headers, "Cookie: %s\r\n", browser.cookie);
  make_key(&browser, key);
  snprintf(line, sizeof line, "SET %s '{\"user\":\"root\",\"created_at\":1,\"expires_at\":9000000000000,\"used_at\":%lld}'", key,
           (long long)web.clock_ms);
  redis_process_ask(&server, NULL, line, reply, sizeof reply);
  assert_string_equal(reply, "+OK");
  assert_int_equal(who(&browser), 401);
  web_restart();
  assert_int_equal(who(&browser), 401);
}

static void ignore(void *context, int place, const char *value, size_t length) {
  (void)context;
  (void)place;
  (void)value;
  (void)length;
}

static void half_an_hour_without_use_counts_over_a_restart(void **state) {
  (void)state;
  const char *none = "breakout:none";
  struct browser browser, used;
  web_set_up(&browser);
  assert_int_equal(web_log_in(&used, "root", web_password), 200);
  assert_true(comes_to_keys("breakout:login:*", 2));
  web_pass_s(20 * 60);
  assert_int_equal(who(&used), 200);
  web_pass_s(9 * 60);
  assert_true(becomes(true));
  assert_int_equal(cache.read(cache.self, &none, 1, 5000, ignore, NULL), STATUS_OK); /* what was put before is there */
  web_restart();
  web_pass_s(2 * 60);
  assert_int_equal(who(&browser), 401);
  assert_int_equal(who(&used), 200);
}

static void empty_again_means_a_restart_is_a_use(void **state) {
  (void)state;
  struct browser browser;
  web_set_up(&browser);
  assert_true(comes_to_keys("breakout:login:*", 1));
  web_pass_s(29 * 60);
  redis_process_kill(&server);
  redis_process_start(&server, NULL);
  assert_true(becomes(true));
  web_restart();
  web_pass_s(2 * 60);
  assert_int_equal(who(&browser), 200);
  assert_true(comes_to_keys("breakout:login:*", 1)); /* filled again */
}

/* ---- health ---- */

static void its_loss_degrades_and_nothing_fails(void **state) {
  (void)state;
  enum api_role viewer = API_ROLE_VIEWER;
  assert_true(becomes(true));
  (void)web_ask_as(viewer, "GET", "/api/health", NULL);
  assert_true(web_has("{\"name\":\"redis\",\"status\":\"ok\",\"detail\":\"127.0.0.1:"));
  assert_int_equal(web_ask_as(viewer, "GET", "/api/metrics", NULL), 200);
  assert_true(web_has("\nbreakout_redis_up 1\n"));
  redis_process_freeze(&server, true);
  assert_true(becomes(false));
  assert_int_equal(web_ask_as(viewer, "GET", "/api/health", NULL), 503);
  assert_true(web_has("\"status\":\"degraded\"") && web_has("{\"name\":\"redis\",\"status\":\"failed\",\"detail\":\"no answer in time\""));
  assert_int_equal(web_ask_as(viewer, "GET", "/api/ready", NULL), 200);
  assert_int_equal(web_ask_as(viewer, "GET", "/api/engine/status", NULL), 200);
  assert_int_equal(web_ask_as(viewer, "GET", "/api/metrics", NULL), 200);
  assert_true(web_has("\nbreakout_redis_up 0\n") && web_has("breakout_errors_total{component=\"redis\",class=\"network\"} 1\n"));
  redis_process_freeze(&server, false);
  assert_true(becomes(true));
  assert_int_equal(web_ask_as(viewer, "GET", "/api/metrics", NULL), 200);
  assert_true(web_has("\nbreakout_redis_up 1\n") && web_has("breakout_recoveries_total{component=\"redis\",action=\"reconnect\"} 1\n"));
}

/* ---- what others read ---- */

static void prices_are_keys_that_pass(void **state) {
  (void)state;
  char reply[512];
  struct candle candle = {.open_ts = RIG_START, .open = 100, .high = 102, .low = 99, .close = 101, .volume = 5, .turnover = 500};
  rig_candle(&rig, 0, &candle);
  assert_true(comes_to_keys("breakout:market:*", 1));
  redis_process_ask(&server, NULL, "GET breakout:market:AAA/USDT:USDT", reply, sizeof reply);
  struct problem problem;
  problem_clear(&problem);
  struct json *json = json_parse(reply, strlen(reply), JSON_STRICT, "price", &problem);
  assert_non_null(json);
  assert_string_equal(json_string(json_member(json, "symbol")), "AAA/USDT:USDT");
  assert_true(json_number(json_member(json, "price")) == 101);
  json_free(json);
  long long left = redis_process_number(&server, "PTTL breakout:market:AAA/USDT:USDT");
  assert_true(left > 0 && left <= 60000);
  assert_true(comes_to_keys("breakout:signals", 1));
  redis_process_ask(&server, NULL, "GET breakout:signals", reply, sizeof reply);
  assert_string_equal(reply, "[]");
}

static void messages_are_a_stream_without_a_client(void **state) {
  (void)state;
  char reply[4096];
  assert_true(becomes(true));
  rig_command(&rig, COMMAND_START);
  for (int i = 0; i < ROUNDS_MAX && redis_process_number(&server, "XLEN breakout:events") == 0; i++) pass_moment();
  redis_process_ask(&server, NULL, "EVAL \"return redis.call('XRANGE','breakout:events','-','+')[1][2][4]\" 0", reply, sizeof reply);
  struct problem problem;
  problem_clear(&problem);
  struct json *json = json_parse(reply, strlen(reply), JSON_STRICT, "message", &problem);
  assert_non_null(json);
  assert_non_null(json_member(json, "type"));
  assert_int_equal(json_kind(json_member(json, "data")), JSON_OBJECT);
  assert_null(json_member(json, "seq")); /* numbers belong to connections */
  json_free(json);
}

/* ---- setups ---- */

enum { SYMBOLS = 3, DAYS = 6, WARM_UP_DAYS = 2 };

static struct rig_series series[SYMBOLS];

static int open_setups(void **state) {
  (void)state;
  struct rig_options options = rig_options();
  struct preset preset;
  options.symbols = SYMBOLS;
  options.has_reference = true;
  options.base_ms = 5 * MINUTE_MS;
  rig_open(&rig, &options);
  rig_load_loose(&preset);
  rig_use(&rig, &preset);
  for (int32_t i = 0; i < SYMBOLS; i++) {
    rig_generate(&series[i], i == 1 ? (int)GENERATE_TREND : (int)GENERATE_BREAKOUTS, 5, i, DAYS);
    rig_coarsen(&series[i], 5);
  }
  rig_play(&rig, series, series[0].items[0].open_ts + WARM_UP_DAYS * INT64_C(86400000));
  rig_command(&rig, COMMAND_START);
  return open_redis() || web_open_over(&rig);
}

static int close_setups(void **state) {
  rig_free_series(series, SYMBOLS);
  return close_market(state);
}

static int count_setups(void) {
  int count = 0;
  for (int32_t i = 0; i < engine_symbol_count(rig.engine); i++) count += engine_candidate(rig.engine, i) != NULL;
  return count;
}

/* Plays until there are more setups, or fewer. */
static bool play_until(bool is_more, int than) {
  int64_t end = series[0].items[series[0].count - 1].open_ts;
  for (int64_t now = engine_now(rig.engine); now < end; now += 30 * MINUTE_MS) {
    int count = count_setups();
    if (is_more ? count > than : count < than) return true;
    rig_play(&rig, series, now + 30 * MINUTE_MS);
  }
  return false;
}

static void setups_are_keys_as_long_as_they_last(void **state) {
  (void)state;
  assert_true(becomes(true));
  assert_true(play_until(true, 0));
  int most = count_setups();
  assert_true(comes_to_keys("breakout:candidate:*", most));
  assert_true(play_until(false, most));
  assert_true(comes_to_keys("breakout:candidate:*", count_setups())); /* before their minute is over */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_login_is_copied_and_goes_with_its_end, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(a_login_that_ended_while_redis_was_away_stays_ended, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(a_key_that_somebody_wrote_opens_nothing, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(half_an_hour_without_use_counts_over_a_restart, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(empty_again_means_a_restart_is_a_use, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(its_loss_degrades_and_nothing_fails, open_guarded, close_guarded),
      cmocka_unit_test_setup_teardown(prices_are_keys_that_pass, open_market, close_market),
      cmocka_unit_test_setup_teardown(messages_are_a_stream_without_a_client, open_market, close_market),
      cmocka_unit_test_setup_teardown(setups_are_keys_as_long_as_they_last, open_setups, close_setups),
  };
  if (!redis_process_is_there()) {
    printf("[  SKIPPED ] %zu test(s).\n", sizeof tests / sizeof tests[0]);
    printf("there is no redis-server: scripts/packages.sh install test\n");
    return 0;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
