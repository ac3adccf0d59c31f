#include "api/upload.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/access/access.h"

enum { FOLDER_BYTES = 600, MIB = 1 << 20 };

static void folder_of(const struct api *api, char out[FOLDER_BYTES]) {
  snprintf(out, FOLDER_BYTES, "%.480s/uploads", api->options.settings->data_dir);
}

/* The checks that refuse a request come when it is whole; here it is only asked whether its file is worth the space. */
bool upload_is_wanted(void *context, const struct http_request *request, struct http_upload_rule *out) {
  static char folder[FOLDER_BYTES]; /* the loop is one thread */
  struct api *api = context;
  struct call call = {.api = api, .request = request, .route = api_find_route(api, request)};
  if (call.route == NULL || (access_rule(api, call.route)->guards & GUARD_TAKES_FILE) == 0 || !access_may(&call)) return false;
  folder_of(api, folder);
  *out = (struct http_upload_rule){.folder = folder, .bytes_max = api->options.settings->upload_limit_mb * MIB};
  return true;
}

/* ---- as a body ---- */

static bool is_taken(struct call *call, const struct http_upload *upload) {
  switch (upload->state) {
    case HTTP_UPLOAD_GOOD:
      if (upload->path[0] != '\0') return true;
      call_fail(call, 422, "validation_failed", "the form has no file: a part with a filename");
      return false;
    case HTTP_UPLOAD_SEVERAL:
      call_fail(call, 422, "validation_failed", "the form has more than one file");
      return false;
    case HTTP_UPLOAD_BAD_NAME:
      call_fail(call, 422, "validation_failed", "the name of a file has at most %d letters, digits, - _ . and does not begin with a point",
                HTTP_UPLOAD_NAME_BYTES - 1);
      return false;
    case HTTP_UPLOAD_TOO_LARGE:
      call_fail(call, 413, "body_too_large", "the file is larger than UPLOAD_LIMIT_MB");
      return false;
    case HTTP_UPLOAD_NO_SPACE:
      call_fail(call, 507, "no_space", "the disk is full: the file was not kept");
      return false;
    case HTTP_UPLOAD_FAILED:
      call_fail(call, 500, "internal", "the file could not be written");
      return false;
    default:
      call_fail(call, 400, "bad_request", "the body is no well-formed multipart/form-data");
      return false;
  }
}

static void add_field(struct json_writer *writer, const struct http_argument *field) {
  if (text_equal(field->value, "true") || text_equal(field->value, "false")) {
    json_add_bool(writer, field->name, field->value[0] == 't');
  } else {
    json_add_string(writer, field->name, field->value);
  }
}

struct json *upload_body(struct call *call) {
  const struct http_upload *upload = call->request->upload;
  struct buffer text = {0};
  struct json_writer writer;
  struct problem problem;
  problem_clear(&problem);
  if (!is_taken(call, upload)) return NULL;
  json_writer_init(&writer, &text, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "path", upload->path);
  for (int i = 0; i < upload->field_count; i++) add_field(&writer, &upload->fields[i]);
  json_end_object(&writer);
  struct json *body = json_parse(text.data, text.length, JSON_STRICT, "form", &problem); /* a field given twice, text that is no UTF-8 */
  if (body == NULL) call_fail_problem(call, 422, "validation_failed", &problem);
  buffer_deinit(&text);
  return body;
}

void upload_keep(const struct call *call) {
  if (call->request->upload != NULL) call->request->upload->is_kept = true;
}

/* ---- the folder ---- */

static void remove_file(const char *path) {
  char folder[1024];
  text_copy(folder, sizeof folder, path);
  char *last = strrchr(folder, '/');
  unlink(path);
  if (last != NULL) {
    *last = '\0';
    rmdir(folder);
  }
}

void upload_drop(const struct api *api, const char *params) {
  char folder[FOLDER_BYTES];
  struct json *document = json_parse(params, strlen(params), JSON_STRICT, "params", NULL);
  const struct json *value = document != NULL ? json_member(document, "path") : NULL;
  const char *path = value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
  folder_of(api, folder);
  size_t length = strlen(folder);
  bool is_ours = path != NULL && strncmp(path, folder, length) == 0 && path[length] == '/' && strstr(path + length, "..") == NULL;
  if (is_ours) remove_file(path);
  json_free(document);
}

static void clear_one(const char *folder) {
  char path[FOLDER_BYTES + 512];
  DIR *list = opendir(folder);
  for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    unlink(path);
  }
  if (list != NULL) closedir(list);
  rmdir(folder);
}

void uploads_clear(const struct api *api) {
  char folder[FOLDER_BYTES];
  char one[FOLDER_BYTES + 256];
  folder_of(api, folder);
  DIR *list = opendir(folder);
  for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) {
    if (entry->d_name[0] == '.') continue;
    snprintf(one, sizeof one, "%s/%s", folder, entry->d_name);
    clear_one(one);
  }
  if (list != NULL) closedir(list);
}
