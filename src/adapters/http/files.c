#include "adapters/http/files.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/digest.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/text.h"

enum {
  FILES_MAX = 1000,
  FILE_BYTES_MAX = 16 * 1024 * 1024,
  DEPTH_MAX = 6,
  PACK_BYTES_MIN = 1000,
  PATH_BYTES = 256,
  ETAG_BYTES = 24,
  NONCE_BYTES = 25,
  POLICY_BYTES = 2000
};

/* Where the page wants the nonce of its style sheets: replaced in each answer. */
static const char *const nonce_mark = "__CSP_NONCE__";
static const char *const kept_for_ever = "public, max-age=31536000, immutable";
static const char *const asked_each_time = "no-cache";
/* The one <style> that lightweight-charts 5 adds to a page itself, without a nonce: the colours of the link to its makers. Another version of it may
 * have another text; the end-to-end tests see no violation of the policy. */
static const char *const chart_style_hash = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='";

struct file {
  char path[PATH_BYTES]; /* inside the folder, without a slash at its start */
  const char *type;
  struct buffer bytes, packed; /* packed: empty when it is not worth it */
  char etag[ETAG_BYTES];
  bool is_immutable;
};

struct http_files {
  char folder[PATH_MAX];
  char *config;  /* owned */
  char *connect; /* owned */
  char *frame;   /* owned */
  struct file *items;
  int count;
  struct timespec changed; /* of index.html */
  char policy[POLICY_BYTES];
};

/* ---- reading ---- */

static const char *type_of(const char *path) {
  static const struct {
    const char *ending, *type;
  } types[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".webp", "image/webp"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"},
      {".webmanifest", "application/manifest+json"},
  };
  const char *dot = strrchr(path, '.');
  for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
    if (text_equal(dot, types[i].ending)) return types[i].type;
  }
  return "application/octet-stream";
}

static bool is_packable(const struct file *file) {
  return file->bytes.length >= PACK_BYTES_MIN && strncmp(file->type, "image/png", 9) != 0 && strncmp(file->type, "image/webp", 10) != 0 &&
         strncmp(file->type, "font/", 5) != 0;
}

static void free_items(struct http_files *files) {
  for (int i = 0; i < files->count; i++) {
    buffer_deinit(&files->items[i].bytes);
    buffer_deinit(&files->items[i].packed);
  }
  free(files->items);
  files->items = NULL;
  files->count = 0;
}

static void take_file(struct http_files *files, const char *whole, const char *path) {
  char gz[PATH_MAX];
  char digest[DIGEST_TEXT_MAX];
  struct problem problem;
  problem_clear(&problem);
  struct file file = {.type = type_of(path), .is_immutable = strncmp(path, "assets/", 7) == 0};
  if (files->count == FILES_MAX || strlen(path) >= sizeof file.path || buffer_read_file(&file.bytes, whole, FILE_BYTES_MAX, &problem)) return;
  text_copy(file.path, sizeof file.path, path);
  snprintf(gz, sizeof gz, "%s.gz", whole);
  bool has_packed = access(gz, R_OK) == 0 && buffer_read_file(&file.packed, gz, FILE_BYTES_MAX, &problem) == STATUS_OK;
  if (!has_packed && is_packable(&file) && gzip_pack(file.bytes.data, file.bytes.length, &file.packed)) buffer_clear(&file.packed);
  if (file.packed.length >= file.bytes.length) buffer_deinit(&file.packed);
  digest_of(file.bytes.data, file.bytes.length, digest);
  snprintf(file.etag, sizeof file.etag, "\"%.16s\"", digest);
  files->items[files->count++] = file;
}

static void scan(struct http_files *files, const char *folder, const char *prefix, int depth) {
  DIR *directory = opendir(folder);
  if (directory == NULL) return;
  const struct dirent *entry;
  while ((entry = readdir(directory)) != NULL) {
    char whole[PATH_MAX];
    char path[PATH_BYTES];
    struct stat info;
    if (entry->d_name[0] == '.') continue;
    if (snprintf(whole, sizeof whole, "%s/%s", folder, entry->d_name) >= (int)sizeof whole) continue;
    if (snprintf(path, sizeof path, "%s%s", prefix, entry->d_name) >= (int)sizeof path || lstat(whole, &info) != 0) continue;
    size_t length = strlen(path);
    bool is_packed = length > 3 && text_equal(path + length - 3, ".gz");
    if (S_ISREG(info.st_mode) && !is_packed) take_file(files, whole, path);
    if (!S_ISDIR(info.st_mode) || depth == DEPTH_MAX || length + 2 > sizeof path) continue;
    memcpy(path + length, "/", 2);
    scan(files, whole, path, depth + 1);
  }
  closedir(directory);
}

static bool read_all(struct http_files *files) {
  char index[PATH_MAX];
  struct stat info;
  if (snprintf(index, sizeof index, "%s/index.html", files->folder) >= (int)sizeof index || stat(index, &info) != 0) return false;
  files->changed = info.st_mtim;
  files->items = calloc(FILES_MAX, sizeof files->items[0]);
  check(files->items != NULL);
  scan(files, files->folder, "", 0);
  return true;
}

/* A new build is served without a restart. */
static void read_again_if_changed(struct http_files *files) {
  char index[PATH_MAX + 16];
  struct stat info;
  snprintf(index, sizeof index, "%s/index.html", files->folder);
  if (stat(index, &info) != 0) return; /* being built: the old one is served on */
  if (info.st_mtim.tv_sec == files->changed.tv_sec && info.st_mtim.tv_nsec == files->changed.tv_nsec) return;
  free_items(files);
  if (read_all(files)) log_write(LOG_INFO, "api", "ui_changed", NULL, "the user interface was built anew: %d files", files->count);
}

struct http_files *http_files_open(const char *folder, const char *config, const char *connect, const char *frame) {
  struct http_files *files = calloc(1, sizeof *files);
  check(files != NULL);
  text_copy(files->folder, sizeof files->folder, folder);
  if (!read_all(files)) {
    free(files);
    return NULL;
  }
  files->config = strdup(config);
  files->connect = strdup(connect);
  files->frame = strdup(frame != NULL ? frame : "");
  check(files->config != NULL && files->connect != NULL && files->frame != NULL);
  return files;
}

void http_files_close(struct http_files *files) {
  if (files == NULL) return;
  free_items(files);
  free(files->config);
  free(files->connect);
  free(files->frame);
  free(files);
}

/* ---- answering ---- */

static const struct file *find_file(const struct http_files *files, const char *path) {
  for (int i = 0; i < files->count; i++) {
    if (text_equal(files->items[i].path, path)) return &files->items[i];
  }
  return NULL;
}

static void make_nonce(char out[NONCE_BYTES]) {
  unsigned char bytes[16];
  check(getrandom(bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes);
  digest_base64(bytes, sizeof bytes, out);
}

/* Scripts and style sheets of this server only; what the kit of components adds to a page as <style> carries the nonce. */
static void make_policy(struct http_files *files, const char *nonce) {
  char style[NONCE_BYTES + 16] = "";
  bool has_frame = files->frame[0] != '\0';
  if (nonce != NULL) snprintf(style, sizeof style, " 'nonce-%s'", nonce);
  snprintf(files->policy, sizeof files->policy,
           "default-src 'none'; script-src 'self'; style-src 'self' %s%s; img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; "
           "connect-src 'self'%s%s; %s%s%sbase-uri 'none'; form-action 'self'; frame-ancestors 'none'",
           chart_style_hash, style, files->connect[0] != '\0' ? " " : "", files->connect, has_frame ? "frame-src " : "", files->frame,
           has_frame ? "; " : "");
}

/* Copies the page with its marks replaced. */
static void add_page(struct buffer *out, const struct file *page, const char *nonce) {
  const char *at = page->bytes.data;
  for (const char *mark = strstr(at, nonce_mark); mark != NULL; mark = strstr(at, nonce_mark)) {
    buffer_add(out, at, (size_t)(mark - at));
    buffer_add_text(out, nonce);
    at = mark + strlen(nonce_mark);
  }
  buffer_add_text(out, at);
}

static bool is_known_to_client(const struct http_request *request, const struct file *file) {
  const char *known = http_header(request, "If-None-Match");
  return known != NULL && (strstr(known, file->etag) != NULL || text_equal(known, "*"));
}

static bool takes_gzip(const struct http_request *request) {
  const char *accepted = http_header(request, "Accept-Encoding");
  return accepted != NULL && strstr(accepted, "gzip") != NULL && strstr(accepted, "gzip;q=0") == NULL;
}

static void answer_file(struct http_files *files, const struct http_request *request, const struct file *file, struct http_reply *reply) {
  reply->status = 200;
  reply->content_type = file->type;
  reply->cache_control = file->is_immutable ? kept_for_ever : asked_each_time;
  make_policy(files, NULL);
  reply->content_policy = files->policy;
  check(http_reply_add(reply, "ETag", file->etag));
  if (is_known_to_client(request, file)) {
    reply->status = 304;
    return;
  }
  reply->is_packed = file->packed.length > 0 && takes_gzip(request);
  const struct buffer *bytes = reply->is_packed ? &file->packed : &file->bytes;
  buffer_add(&reply->body, bytes->data, bytes->length);
}

static void answer_page(struct http_files *files, const struct http_request *request, struct http_reply *reply) {
  read_again_if_changed(files);
  const struct file *page = find_file(files, "index.html");
  check(page != NULL);
  if (strstr(page->bytes.data, nonce_mark) == NULL) {
    answer_file(files, request, page, reply);
    return;
  }
  char nonce[NONCE_BYTES];
  make_nonce(nonce);
  make_policy(files, nonce);
  reply->status = 200;
  reply->content_type = page->type;
  reply->content_policy = files->policy;
  add_page(&reply->body, page, nonce);
}

static bool join(const struct http_request *request, char out[PATH_BYTES]) {
  struct text text;
  text_init(&text, out, PATH_BYTES);
  for (int i = 0; i < request->segment_count; i++) {
    if (i > 0) text_add_char(&text, '/');
    text_add(&text, request->segments[i]);
  }
  return !text.is_cut;
}

bool http_files_answer(struct http_files *files, const struct http_request *request, struct http_reply *reply) {
  char path[PATH_BYTES];
  bool is_root = request->segment_count == 0;
  if (request->has_bad_path || (!is_root && (text_equal(request->segments[0], "api") || text_equal(request->segments[0], "ws")))) return false;
  if (!text_equal(request->method, "GET") && !text_equal(request->method, "HEAD")) return false;
  if (!join(request, path)) return false;
  if (text_equal(path, "config.json")) {
    reply->status = 200;
    reply->content_type = "application/json";
    buffer_add_text(&reply->body, files->config);
    return true;
  }
  const struct file *file = is_root || text_equal(path, "index.html") ? NULL : find_file(files, path);
  if (file != NULL) {
    answer_file(files, request, file, reply);
    return true;
  }
  /* A route of the interface has no dot; a file that is not there must not become a page. */
  const char *last = is_root ? "" : request->segments[request->segment_count - 1];
  if (strchr(last, '.') != NULL && !text_equal(path, "index.html")) return false;
  answer_page(files, request, reply);
  return true;
}
