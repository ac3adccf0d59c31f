#include "adapters/http/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

struct http_upload *upload_open(const struct http_upload_rule *rule) {
  struct http_upload *upload = calloc(1, sizeof *upload);
  if (upload == NULL) return NULL;
  upload->rule = *rule;
  upload->fd = -1;
  return upload;
}

/* A name of letters, digits, - _ . that does not begin with a point is safe inside a path. */
static bool is_safe(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  size_t length = strlen(name);
  return length > 0 && length < HTTP_UPLOAD_NAME_BYTES && name[0] != '.' && strspn(name, letters) == length;
}

static void fail(struct http_upload *upload, enum http_upload_state state) {
  if (upload->state == HTTP_UPLOAD_GOOD) upload->state = state;
}

static void fail_by_errno(struct http_upload *upload) {
  fail(upload, errno == ENOSPC || errno == EDQUOT ? HTTP_UPLOAD_NO_SPACE : HTTP_UPLOAD_FAILED);
}

/* The folder has a name of its own, so that the file can keep the one it came with. */
static void begin_file(struct http_upload *upload, const char *file_name) {
  if (upload->path[0] != '\0') {
    fail(upload, HTTP_UPLOAD_SEVERAL);
  } else if (!is_safe(file_name)) {
    fail(upload, HTTP_UPLOAD_BAD_NAME);
  } else {
    snprintf(upload->folder, sizeof upload->folder, "%.500s/XXXXXX", upload->rule.folder);
    if ((mkdir(upload->rule.folder, 0700) != 0 && errno != EEXIST) || mkdtemp(upload->folder) == NULL) {
      upload->folder[0] = '\0';
      fail_by_errno(upload);
      return;
    }
    text_copy(upload->file_name, sizeof upload->file_name, file_name);
    snprintf(upload->path, sizeof upload->path, "%s/%s", upload->folder, file_name);
    upload->fd = open(upload->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (upload->fd < 0) fail_by_errno(upload);
  }
}

static void write_bytes(struct http_upload *upload, const char *bytes, size_t size) {
  upload->bytes += (int64_t)size;
  if (upload->bytes > upload->rule.bytes_max) fail(upload, HTTP_UPLOAD_TOO_LARGE);
  while (size > 0 && upload->state == HTTP_UPLOAD_GOOD) {
    ssize_t count = write(upload->fd, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      fail_by_errno(upload);
      return;
    }
    bytes += count;
    size -= (size_t)count;
  }
}

static void take_field(struct http_upload *upload, const char *name, const char *bytes, size_t size, uint64_t offset) {
  const struct http_argument *last = upload->field_count > 0 ? &upload->fields[upload->field_count - 1] : NULL;
  bool is_new = offset == 0 && (last == NULL || last->value[0] != '\0' || !text_equal(last->name, name));
  if (is_new && upload->field_count == HTTP_UPLOAD_FIELDS_MAX) {
    fail(upload, HTTP_UPLOAD_MALFORMED);
    return;
  }
  if (is_new) {
    upload->fields[upload->field_count] = (struct http_argument){0};
    if (strlen(name) >= sizeof upload->fields[0].name) fail(upload, HTTP_UPLOAD_MALFORMED);
    text_copy(upload->fields[upload->field_count++].name, sizeof upload->fields[0].name, name);
  }
  struct http_argument *field = &upload->fields[upload->field_count - 1];
  if (offset + size >= sizeof field->value || memchr(bytes, '\0', size) != NULL) {
    fail(upload, HTTP_UPLOAD_MALFORMED);
    return;
  }
  memcpy(field->value + offset, bytes, size); /* it was all zeros: the text ends */
}

void upload_take(struct http_upload *upload, const char *name, const char *file_name, const char *bytes, size_t size, uint64_t offset) {
  if (upload->state != HTTP_UPLOAD_GOOD) return;
  if (file_name == NULL) {
    take_field(upload, name, bytes, size, offset);
    return;
  }
  /* The first bytes of a part may be none. */
  bool is_begun = upload->path[0] != '\0' && upload->bytes == 0 && text_equal(upload->file_name, file_name);
  if (offset == 0 && !is_begun) begin_file(upload, file_name);
  if (upload->state == HTTP_UPLOAD_GOOD) write_bytes(upload, bytes, size);
}

void upload_end(struct http_upload *upload) {
  if (upload->fd >= 0 && close(upload->fd) != 0) fail_by_errno(upload);
  upload->fd = -1;
}

void upload_close(struct http_upload *upload) {
  if (upload == NULL) return;
  if (upload->fd >= 0) close(upload->fd);
  if (!upload->is_kept && upload->path[0] != '\0') unlink(upload->path);
  if (!upload->is_kept && upload->folder[0] != '\0') rmdir(upload->folder);
  free(upload);
}
