#include "base/buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/problem.h"
#include "base/text.h"

void buffer_deinit(struct buffer *buffer) {
  free(buffer->data);
  *buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer) {
  buffer_reserve(buffer, 0);
  buffer->length = 0;
  buffer->data[0] = '\0';
}

void buffer_reserve(struct buffer *buffer, size_t extra) {
  check(extra < SIZE_MAX / 4 && buffer->length < SIZE_MAX / 4);
  size_t needed = buffer->length + extra + 1;
  if (needed <= buffer->capacity) return;
  size_t capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
  while (capacity < needed) capacity *= 2;
  char *data = realloc(buffer->data, capacity);
  check(data != NULL);
  buffer->data = data;
  buffer->capacity = capacity;
  data[buffer->length] = '\0';
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t count) {
  buffer_reserve(buffer, count);
  if (count > 0) memcpy(buffer->data + buffer->length, bytes, count);
  buffer->length += count;
  buffer->data[buffer->length] = '\0';
}

void buffer_add_text(struct buffer *buffer, const char *text) {
  buffer_add(buffer, text, strlen(text));
}

void buffer_add_format(struct buffer *buffer, const char *format, ...) {
  va_list arguments, again;
  va_start(arguments, format);
  va_copy(again, arguments);
  buffer_reserve(buffer, 0);
  size_t room = buffer->capacity - buffer->length;
  int length = vsnprintf(buffer->data + buffer->length, room, format, arguments);
  check(length >= 0);
  if ((size_t)length >= room) {
    buffer_reserve(buffer, (size_t)length);
    vsnprintf(buffer->data + buffer->length, buffer->capacity - buffer->length, format, again);
  }
  buffer->length += (size_t)length;
  va_end(again);
  va_end(arguments);
}

static enum status fail(struct problem *problem, const char *code, const char *path, const char *action, int error) {
  problem_add(problem, code, path, NULL, NULL, "%s: %s", action, strerror(error));
  return status_from_errno(error);
}

static enum status read_all(struct buffer *buffer, int file, const char *path, size_t limit, struct problem *problem) {
  for (;;) {
    if (buffer->capacity - buffer->length < 2) buffer_reserve(buffer, 65536);
    ssize_t count = read(file, buffer->data + buffer->length, buffer->capacity - buffer->length - 1);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(problem, "read_failed", path, "the file cannot be read", errno);
    if (count == 0) return STATUS_OK;
    buffer->length += (size_t)count;
    buffer->data[buffer->length] = '\0';
    if (buffer->length > limit) {
      problem_add(problem, "too_large", path, NULL, NULL, "the file is larger than %zu bytes", limit);
      return STATUS_TOO_LARGE;
    }
  }
}

/* What was read is kept as it is more often than added to: the room for more goes back. */
static void trim(struct buffer *buffer) {
  char *data = realloc(buffer->data, buffer->length + 1);
  if (data == NULL) return;
  buffer->data = data;
  buffer->capacity = buffer->length + 1;
}

enum status buffer_read_file(struct buffer *buffer, const char *path, size_t limit, struct problem *problem) {
  buffer_clear(buffer);
  /* O_NONBLOCK: opening a FIFO must not wait for a writer. */
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return fail(problem, "cannot_open", path, "the file cannot be opened", errno);
  struct stat info;
  enum status status = STATUS_OK;
  if (fstat(file, &info) != 0) {
    status = fail(problem, "read_failed", path, "the file cannot be read", errno);
  } else if (S_ISDIR(info.st_mode)) {
    problem_add(problem, "not_a_file", path, NULL, NULL, "this is a directory, not a file");
    status = STATUS_BAD_INPUT;
  } else {
    /* One more than its size, so that its end is met without growing; a file of /proc says 0. */
    size_t size = info.st_size > 0 ? (size_t)info.st_size : 0;
    buffer_reserve(buffer, (size < limit ? size : limit) + 1);
    status = read_all(buffer, file, path, limit, problem);
    trim(buffer);
  }
  close(file);
  return status;
}

static bool write_all(int file, const char *data, size_t length) {
  while (length > 0) {
    ssize_t count = write(file, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    data += count;
    length -= (size_t)count;
  }
  return true;
}

/* A rename is only durable when its directory is. File systems that cannot flush a directory keep the rename order anyway. */
static void flush_directory_of(const char *path) {
  char directory[PATH_MAX];
  text_copy(directory, sizeof(directory), path);
  char *slash = strrchr(directory, '/');
  if (slash == NULL) {
    text_copy(directory, sizeof(directory), ".");
  } else {
    slash[slash == directory ? 1 : 0] = '\0';
  }
  int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return;
  fsync(file);
  close(file);
}

enum status buffer_write_file(const struct buffer *buffer, const char *path, unsigned mode, struct problem *problem) {
  char temporary[PATH_MAX];
  int length = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
  if (length < 0 || (size_t)length >= sizeof(temporary)) return fail(problem, "write_failed", path, "the path is too long", ENAMETOOLONG);
  int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
  if (file < 0) return fail(problem, "write_failed", path, "the file cannot be written", errno);
  CRASH_AT(FILE_MADE);
  int error = 0;
  /* fchmod: the file may be left over from a former attempt with another mode. */
  if (fchmod(file, mode) != 0 || !write_all(file, buffer->data, buffer->length)) error = errno;
  CRASH_AT(FILE_WRITTEN);
  if (error == 0 && fsync(file) != 0) error = errno;
  if (close(file) != 0 && error == 0) error = errno;
  CRASH_AT(FILE_FLUSHED);
  if (error == 0 && rename(temporary, path) != 0) error = errno;
  if (error != 0) {
    unlink(temporary);
    return fail(problem, "write_failed", path, "the file cannot be written", error);
  }
  CRASH_AT(FILE_RENAMED);
  flush_directory_of(path);
  return STATUS_OK;
}
