#include "apps/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/text.h"

/* POSIX 1003.1-1988 ustar: offsets and sizes of the members of a header. */
enum {
  MODE_AT = 100,
  OWNER_AT = 108,
  GROUP_AT = 116,
  SIZE_AT = 124,
  TIME_AT = 136,
  SUM_AT = 148,
  TYPE_AT = 156,
  MAGIC_AT = 257,
  PREFIX_AT = 345,
  SHORT_FIELD = 8,
  LONG_FIELD = 12,
  CHUNK = 65536,
};
static const int64_t member_max = INT64_C(077777777777); /* 8 GiB - 1 */

static enum status refuse(struct problem *problem, const char *path, const char *what, int error) {
  problem_add(problem, "archive_failed", path, NULL, NULL, "%s: %s", what, strerror(error));
  return status_from_errno(error);
}

static enum status reject(struct problem *problem, const char *path, const char *what) {
  problem_add(problem, "bad_archive", path, NULL, NULL, "%s", what);
  return STATUS_BAD_FORMAT;
}

/* Writing */

enum status tar_create(struct tar_writer *writer, const char *path, struct problem *problem) {
  *writer = (struct tar_writer){0};
  text_copy(writer->path, sizeof writer->path, path);
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return refuse(problem, path, "the archive cannot be made", errno);
  writer->file = fdopen(file, "wb");
  if (writer->file == NULL) {
    close(file);
    return refuse(problem, path, "the archive cannot be made", ENOMEM);
  }
  return STATUS_OK;
}

static unsigned checksum(const unsigned char *header) {
  unsigned sum = 0;
  for (int i = 0; i < TAR_BLOCK; i++) sum += i >= SUM_AT && i < SUM_AT + SHORT_FIELD ? ' ' : header[i];
  return sum;
}

static void put_octal(unsigned char *header, int at, int width, int64_t value) {
  char text[LONG_FIELD + 1];
  snprintf(text, sizeof text, "%0*llo", width - 1, (unsigned long long)value);
  memcpy(header + at, text, (size_t)width - 1);
}

static enum status put_header(struct tar_writer *writer, const char *name, int64_t size, int64_t mtime_s, struct problem *problem) {
  unsigned char header[TAR_BLOCK] = {0};
  if (strlen(name) >= TAR_NAME_MAX || size > member_max) return reject(problem, name, "the name is too long or the file too large for the archive");
  memcpy(header, name, strlen(name));
  put_octal(header, MODE_AT, SHORT_FIELD, 0600);
  put_octal(header, OWNER_AT, SHORT_FIELD, 0);
  put_octal(header, GROUP_AT, SHORT_FIELD, 0);
  put_octal(header, SIZE_AT, LONG_FIELD, size);
  put_octal(header, TIME_AT, LONG_FIELD, mtime_s);
  header[TYPE_AT] = '0';
  memcpy(header + MAGIC_AT, "ustar\00000", 8);
  put_octal(header, SUM_AT, SHORT_FIELD - 1, checksum(header));
  header[SUM_AT + SHORT_FIELD - 1] = ' ';
  return fwrite(header, TAR_BLOCK, 1, writer->file) == 1 ? STATUS_OK : refuse(problem, writer->path, "the archive cannot be written", errno);
}

static enum status put_padding(struct tar_writer *writer, int64_t size, struct problem *problem) {
  static const unsigned char zeros[TAR_BLOCK];
  size_t rest = (size_t)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
  return rest == 0 || fwrite(zeros, rest, 1, writer->file) == 1 ? STATUS_OK : refuse(problem, writer->path, "the archive cannot be written", errno);
}

static enum status copy_bytes(struct tar_writer *writer, int source, const char *path, int64_t size, struct digest *digest, struct problem *problem) {
  unsigned char chunk[CHUNK];
  for (int64_t left = size; left > 0;) {
    ssize_t count = read(source, chunk, left < CHUNK ? (size_t)left : CHUNK);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refuse(problem, path, "the file cannot be read", errno);
    if (count == 0) return reject(problem, path, "the file became shorter while it was read");
    if (fwrite(chunk, (size_t)count, 1, writer->file) != 1) return refuse(problem, writer->path, "the archive cannot be written", errno);
    digest_add(digest, chunk, (size_t)count);
    left -= count;
  }
  return STATUS_OK;
}

enum status tar_add_file(struct tar_writer *writer, const char *name, const char *path, int64_t size, int64_t mtime_s, char *digest,
                         struct problem *problem) {
  struct digest sum;
  int source = open(path, O_RDONLY | O_CLOEXEC);
  if (source < 0) return refuse(problem, path, "the file cannot be opened", errno);
  digest_open(&sum);
  enum status status = put_header(writer, name, size, mtime_s, problem);
  if (status == STATUS_OK) status = copy_bytes(writer, source, path, size, &sum, problem);
  if (status == STATUS_OK) status = put_padding(writer, size, problem);
  if (digest != NULL) digest_read(&sum, digest);
  digest_close(&sum);
  close(source);
  return status;
}

enum status tar_add_bytes(struct tar_writer *writer, const char *name, const void *bytes, size_t size, int64_t mtime_s, struct problem *problem) {
  enum status status = put_header(writer, name, (int64_t)size, mtime_s, problem);
  if (status == STATUS_OK && size > 0 && fwrite(bytes, size, 1, writer->file) != 1)
    status = refuse(problem, writer->path, "the archive cannot be written", errno);
  return status == STATUS_OK ? put_padding(writer, (int64_t)size, problem) : status;
}

void tar_abandon(struct tar_writer *writer) {
  if (writer->file != NULL) fclose(writer->file);
  unlink(writer->path);
  writer->file = NULL;
}

enum status tar_finish(struct tar_writer *writer, struct problem *problem) {
  static const unsigned char end[2 * TAR_BLOCK];
  bool is_written = fwrite(end, sizeof end, 1, writer->file) == 1 && fflush(writer->file) == 0 && fsync(fileno(writer->file)) == 0;
  int error = errno;
  is_written = fclose(writer->file) == 0 && is_written;
  writer->file = NULL;
  if (is_written) return STATUS_OK;
  unlink(writer->path);
  return refuse(problem, writer->path, "the archive cannot be written", error);
}

/* Reading */

static enum status read_whole(struct gzip_reader *reader, void *out, size_t size) {
  for (size_t done = 0; done < size;) {
    size_t count;
    enum status status = gzip_read(reader, (char *)out + done, size - done, &count);
    if (status != STATUS_OK) return status;
    if (count == 0) return STATUS_TRUNCATED;
    done += count;
  }
  return STATUS_OK;
}

static bool get_octal(const unsigned char *header, int at, int width, int64_t *out) {
  *out = 0;
  for (int i = 0; i < width && header[at + i] != '\0' && header[at + i] != ' '; i++) {
    if (header[at + i] < '0' || header[at + i] > '7') return false;
    *out = *out * 8 + (header[at + i] - '0');
  }
  return true;
}

static bool is_safe(const char *name) {
  return name[0] != '\0' && name[0] != '/' && strstr(name, "..") == NULL;
}

static bool is_empty(const unsigned char *header) {
  for (int i = 0; i < TAR_BLOCK; i++) {
    if (header[i] != 0) return false;
  }
  return true;
}

static enum status make_parents(const char *path, struct problem *problem) {
  char folder[1024];
  text_copy(folder, sizeof folder, path);
  for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return refuse(problem, folder, "the folder cannot be made", errno);
    *slash = '/';
  }
  return STATUS_OK;
}

static enum status unpack_member(struct gzip_reader *reader, const char *path, int64_t size, struct problem *problem) {
  unsigned char chunk[CHUNK];
  enum status status = make_parents(path, problem);
  if (status != STATUS_OK) return status;
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return refuse(problem, path, "the file cannot be made", errno);
  for (int64_t left = (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK, wanted = size; left > 0 && status == STATUS_OK;) {
    size_t count = left < CHUNK ? (size_t)left : CHUNK;
    status = read_whole(reader, chunk, count);
    size_t useful = wanted < (int64_t)count ? (size_t)wanted : count;
    if (status == STATUS_OK && useful > 0 && write(file, chunk, useful) != (ssize_t)useful)
      status = refuse(problem, path, "the file cannot be written", errno != 0 ? errno : EIO);
    left -= (int64_t)count;
    wanted -= (int64_t)useful;
  }
  if (close(file) != 0 && status == STATUS_OK) status = refuse(problem, path, "the file cannot be written", errno);
  return status;
}

static enum status unpack_next(struct gzip_reader *reader, const char *archive, const char *folder, struct problem *problem) {
  unsigned char header[TAR_BLOCK];
  char path[1024];
  int64_t size, sum;
  enum status status = read_whole(reader, header, TAR_BLOCK);
  if (status != STATUS_OK) return status;
  if (is_empty(header)) return STATUS_END;
  if (memcmp(header + MAGIC_AT, "ustar", 5) != 0 || !get_octal(header, SUM_AT, SHORT_FIELD, &sum) || sum != checksum(header))
    return reject(problem, archive, "this is no archive of ours");
  header[TAR_NAME_MAX - 1] = '\0';
  const char *name = (const char *)header;
  if (header[TYPE_AT] != '0' || header[PREFIX_AT] != '\0' || !is_safe(name) || !get_octal(header, SIZE_AT, LONG_FIELD, &size)) {
    return reject(problem, archive, "the archive holds a member that no backup has");
  }
  snprintf(path, sizeof path, "%.900s/%.99s", folder, name);
  return unpack_member(reader, path, size, problem);
}

enum status tar_unpack(const char *path, const char *folder, struct problem *problem) {
  struct gzip_reader reader;
  enum status status = gzip_open(&reader, path, problem);
  if (status != STATUS_OK) return status;
  do {
    status = unpack_next(&reader, path, folder, problem);
  } while (status == STATUS_OK);
  gzip_close(&reader);
  if (status == STATUS_TRUNCATED || status == STATUS_CORRUPT)
    problem_add(problem, "bad_archive", path, NULL, NULL, "the archive is damaged or ends too early");
  return status == STATUS_END ? STATUS_OK : status;
}
