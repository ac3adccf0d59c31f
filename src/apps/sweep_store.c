#include "apps/sweep_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/text.h"

static const char search_name[] = "search.json";
static const char sets_name[] = "sets.bin";
enum { SEARCH_BYTES_MAX = 1 << 20 };

struct record {
  int32_t period, set;
  struct sweep_figures figures;
  uint32_t crc; /* of everything before it */
};

static uint32_t crc_of(const struct record *record) {
  return crc32c(0, record, offsetof(struct record, crc));
}

/* ---- what is searched ---- */

static struct json *load_search(struct app *app, const char *folder) {
  char path[RUN_FOLDER_MAX + 32];
  struct buffer text = {0};
  snprintf(path, sizeof path, "%s/%s", folder, search_name);
  struct json *document = NULL;
  if (!buffer_read_file(&text, path, SEARCH_BYTES_MAX, &app->problem))
    document = json_parse(text.data, text.length, JSON_STRICT, path, &app->problem);
  buffer_deinit(&text);
  bool is_right = document != NULL && json_kind(document) == JSON_OBJECT && json_member(document, "words") != NULL &&
                  json_member(document, "identity") != NULL && json_kind(json_member(document, "words")) == JSON_ARRAY &&
                  json_kind(json_member(document, "identity")) == JSON_OBJECT;
  if (is_right) return document;
  problem_add(&app->problem, "not_found", folder, NULL, "the id or folder of an interrupted `breakout optimize`", "no search was kept there");
  json_free(document);
  return NULL;
}

int sweep_store_words(struct app *app, const char *folder, struct buffer *text, char **out, int most) {
  struct json *document = load_search(app, folder);
  if (document == NULL) return -1;
  const struct json *words = json_member(document, "words");
  int count = 0;
  for (size_t i = 0; i < json_size(words) && count < most; i++) {
    const struct json *word = json_item(words, i);
    if (json_kind(word) != JSON_STRING) continue;
    buffer_add(text, json_string(word), strlen(json_string(word)) + 1);
    ++count;
  }
  json_free(document);
  char *at = text->data;
  for (int i = 0; i < count; i++, at += strlen(at) + 1) out[i] = at;
  return count;
}

struct comparison {
  struct app *app;
  const struct json *other;
  int differences;
};

static const char *text_of(const struct json *value) {
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "";
}

static void compare_member(void *context, const char *key, const struct json *value) {
  struct comparison *comparison = context;
  const char *kept = text_of(json_member(comparison->other, key));
  if (text_equal(kept, text_of(value))) return;
  ++comparison->differences;
  problem_add(&comparison->app->problem, "other_search", key, text_of(value), kept, "the search that was kept has another value here");
}

static enum status compare(struct sweep_store *store, struct app *app, const char *folder, const struct buffer *identity) {
  struct json *kept = load_search(app, folder);
  if (kept == NULL) return STATUS_NOT_FOUND;
  struct json *now = json_parse(identity->data, identity->length, JSON_STRICT, search_name, &app->problem);
  check(now != NULL);
  text_copy(store->run_id, sizeof store->run_id, text_of(json_member(kept, "run_id")));
  struct comparison comparison = {app, json_member(kept, "identity"), 0};
  json_each(now, compare_member, &comparison);
  json_free(now);
  json_free(kept);
  return comparison.differences > 0 ? STATUS_BAD_CONFIG : STATUS_OK;
}

/* ---- finished sets ---- */

static enum status open_sets(struct sweep_store *store, struct app *app, const char *folder, int flags) {
  char path[RUN_FOLDER_MAX + 32];
  snprintf(path, sizeof path, "%s/%s", folder, sets_name);
  store->file = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0644);
  if (store->file >= 0) return STATUS_OK;
  int error = errno;
  problem_add(&app->problem, "write_failed", path, NULL, NULL, "finished sets cannot be kept: %s", strerror(error));
  return status_from_errno(error);
}

enum status sweep_store_begin(struct sweep_store *store, struct app *app, const char *folder, const struct buffer *identity, int word_count,
                              char *const *words) {
  struct buffer text = {0};
  struct json_writer json;
  json_writer_init(&json, &text, true);
  json_begin_object(&json, NULL);
  json_add_string(&json, "run_id", store->run_id);
  json_begin_array(&json, "words");
  for (int i = 0; i < word_count; i++) json_add_string(&json, NULL, words[i]);
  json_end_array(&json);
  json_add_raw(&json, "identity", identity->data);
  json_end_object(&json);
  buffer_add_text(&text, "\n");
  store->file = -1;
  enum status status = run_folder_make(app, folder);
  if (!status) status = run_folder_write(app, folder, search_name, &text);
  if (!status) status = open_sets(store, app, folder, O_TRUNC);
  buffer_deinit(&text);
  return status;
}

/* Records that fit the sweep are taken; behind the first damaged one nothing is believed. Returns the bytes that are whole. */
static off_t take_records(struct sweep_store *store, struct sweep *sweep) {
  struct record record;
  off_t at = 0;
  while (pread(store->file, &record, sizeof record, at) == (ssize_t)sizeof record && record.crc == crc_of(&record)) {
    at += (off_t)sizeof record;
    bool is_known = record.period >= 0 && record.period < sweep->period_count && record.set >= 0 && record.set < sweep->space.set_count;
    if (!is_known || record.figures.status != STATUS_OK) continue; /* a failed one is tried again */
    size_t place = (size_t)record.period * (size_t)sweep->space.set_count + (size_t)record.set;
    sweep->figures[place] = record.figures;
    sweep->is_done[place] = true;
  }
  return at;
}

enum status sweep_store_resume(struct sweep_store *store, struct sweep *sweep, const char *folder, const struct buffer *identity) {
  *store = (struct sweep_store){.file = -1};
  enum status status = compare(store, sweep->app, folder, identity);
  if (!status) status = open_sets(store, sweep->app, folder, 0);
  if (status) return status;
  if (ftruncate(store->file, take_records(store, sweep)) == 0) return STATUS_OK;
  int error = errno;
  problem_add(&sweep->app->problem, "write_failed", sets_name, NULL, NULL, "a torn record cannot be dropped: %s", strerror(error));
  return status_from_errno(error);
}

void sweep_store_add(void *context, int period, int set, const struct sweep_figures *figures) {
  struct sweep_store *store = context;
  if (store->file < 0 || store->has_failed) return;
  struct record record;
  memset(&record, 0, sizeof record); /* its padding too: the checksum covers it */
  record.period = period;
  record.set = set;
  memcpy(&record.figures, figures, sizeof record.figures);
  record.crc = crc_of(&record);
  store->has_failed = write(store->file, &record, sizeof record) != (ssize_t)sizeof record;
}

void sweep_store_close(struct sweep_store *store) {
  if (store->file >= 0) close(store->file);
  store->file = -1;
}
