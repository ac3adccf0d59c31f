#include "base/gzip.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/check.h"

enum { CHUNK = 65536, READ_MAX = 1 << 30 };

static enum status fail(struct problem *problem, const char *path, const char *action, int error) {
  problem_add(problem, "gzip_failed", path, NULL, NULL, "%s: %s", action, strerror(error));
  return status_from_errno(error);
}

/* Copies everything from source into the compressed target; 0 or an errno value. */
static int compress_all(int source, int target) {
  /* gzdopen owns its descriptor; ours must outlive it for fsync. */
  int owned = dup(target);
  if (owned < 0) return errno;
  gzFile file = gzdopen(owned, "wb6");
  if (file == NULL) {
    close(owned);
    return ENOMEM;
  }
  int error = 0;
  unsigned char chunk[CHUNK];
  for (;;) {
    ssize_t count = read(source, chunk, sizeof(chunk));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) error = errno;
    if (count <= 0) break;
    errno = 0;
    if (gzwrite(file, chunk, (unsigned)count) != (int)count) {
      error = errno != 0 ? errno : EIO;
      break;
    }
  }
  errno = 0;
  if (gzclose(file) != Z_OK && error == 0) error = errno != 0 ? errno : EIO;
  return error;
}

/* The compressed file keeps the age of the original, because retention goes by it. */
static int compress_into(int source, const char *temporary) {
  struct stat info;
  if (fstat(source, &info) != 0) return errno;
  if (info.st_nlink == 0) return ENOENT; /* somebody compressed it between our open and our lock */
  int target = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, info.st_mode & 0777);
  if (target < 0) return errno;
  int error = compress_all(source, target);
  const struct timespec times[2] = {info.st_atim, info.st_mtim};
  if (error == 0 && (futimens(target, times) != 0 || fsync(target) != 0)) error = errno;
  if (close(target) != 0 && error == 0) error = errno;
  return error;
}

enum status gzip_file(const char *path, struct problem *problem) {
  char temporary[PATH_MAX];
  char final[PATH_MAX];
  int length = snprintf(temporary, sizeof(temporary), "%s.gz.tmp", path);
  if (length < 0 || (size_t)length >= sizeof(temporary)) return fail(problem, path, "the path is too long", ENAMETOOLONG);
  snprintf(final, sizeof(final), "%s.gz", path);
  int source = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (source < 0) return fail(problem, path, "the file cannot be opened", errno);
  /* The server and the command line may both clean one directory: the second leaves the file to the first. */
  if (flock(source, LOCK_EX | LOCK_NB) != 0) {
    close(source);
    return STATUS_IN_USE;
  }
  int error = compress_into(source, temporary);
  if (error == 0 && (rename(temporary, final) != 0 || unlink(path) != 0)) error = errno;
  if (error != 0) unlink(temporary);
  close(source);
  return error == 0 ? STATUS_OK : fail(problem, path, "the file cannot be compressed", error);
}

enum status gzip_open(struct gzip_reader *reader, const char *path, struct problem *problem) {
  *reader = (struct gzip_reader){.descriptor = open(path, O_RDONLY | O_CLOEXEC)};
  if (reader->descriptor < 0) return fail(problem, path, "the file cannot be opened", errno);
  gzFile file = gzdopen(reader->descriptor, "rb");
  if (file == NULL) {
    close(reader->descriptor);
    return fail(problem, path, "the file cannot be opened", ENOMEM);
  }
  check(gzbuffer(file, 4 * CHUNK) == 0);
  reader->file = file;
  return STATUS_OK;
}

enum status gzip_read(struct gzip_reader *reader, void *out, size_t size, size_t *count) {
  *count = 0;
  errno = 0;
  int taken = gzread(reader->file, out, (unsigned)(size < READ_MAX ? size : READ_MAX));
  int error = Z_OK;
  gzerror(reader->file, &error);
  if (error == Z_BUF_ERROR) return STATUS_TRUNCATED; /* zlib: the input ended in the middle of a stream */
  if (error == Z_ERRNO) return status_from_errno(errno != 0 ? errno : EIO);
  if (taken < 0 || error < 0) return STATUS_CORRUPT;
  *count = (size_t)taken;
  return STATUS_OK;
}

void gzip_close(struct gzip_reader *reader) {
  if (reader->file != NULL) gzclose_r(reader->file);
  *reader = (struct gzip_reader){.descriptor = -1};
}

enum status gzip_inflate_open(struct gzip_inflater *inflater, bool is_raw) {
  z_stream *stream = calloc(1, sizeof *stream);
  *inflater = (struct gzip_inflater){.is_raw = is_raw};
  if (stream == NULL || inflateInit2(stream, is_raw ? -MAX_WBITS : MAX_WBITS + 16) != Z_OK) {
    free(stream);
    return STATUS_NO_MEMORY;
  }
  inflater->stream = stream;
  return STATUS_OK;
}

static unsigned bounded(size_t size) {
  return size > READ_MAX ? READ_MAX : (unsigned)size;
}

enum status gzip_inflate(struct gzip_inflater *inflater, const char *in, size_t in_size, size_t *in_used, char *out, size_t out_size,
                         size_t *out_used) {
  z_stream *stream = inflater->stream;
  if (inflater->is_at_end && *in_used < in_size) {
    if (inflater->is_raw || inflateReset(stream) != Z_OK) return STATUS_CORRUPT;
    inflater->is_at_end = false;
  }
  stream->next_in = (z_const Bytef *)(uintptr_t)(in + *in_used);
  stream->avail_in = bounded(in_size - *in_used);
  stream->next_out = (Bytef *)out + *out_used;
  stream->avail_out = bounded(out_size - *out_used);
  int result = inflate(stream, Z_NO_FLUSH);
  *in_used = (size_t)((const char *)stream->next_in - in);
  *out_used = (size_t)((char *)stream->next_out - out);
  if (result == Z_STREAM_END) inflater->is_at_end = true;
  if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return STATUS_OK;
  return result == Z_MEM_ERROR ? STATUS_NO_MEMORY : STATUS_CORRUPT;
}

void gzip_inflate_close(struct gzip_inflater *inflater) {
  if (inflater->stream != NULL) inflateEnd(inflater->stream);
  free(inflater->stream);
  *inflater = (struct gzip_inflater){0};
}

enum status gzip_pack(const void *bytes, size_t size, struct buffer *out) {
  enum { LEVEL = 5, MEMORY = 8 }; /* a reply of some kB: what a higher level saves is less than what it costs */
  z_stream stream = {0};
  if (size > READ_MAX || deflateInit2(&stream, LEVEL, Z_DEFLATED, MAX_WBITS + 16, MEMORY, Z_DEFAULT_STRATEGY) != Z_OK) return STATUS_NO_MEMORY;
  buffer_reserve(out, deflateBound(&stream, size));
  stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
  stream.avail_in = (uInt)size;
  stream.next_out = (Bytef *)out->data + out->length;
  stream.avail_out = (uInt)(out->capacity - out->length);
  int result = deflate(&stream, Z_FINISH);
  if (result == Z_STREAM_END) out->length += stream.total_out;
  deflateEnd(&stream);
  return result == Z_STREAM_END ? STATUS_OK : STATUS_NO_MEMORY;
}

uint32_t gzip_crc32(uint32_t crc, const void *bytes, size_t size) {
  return (uint32_t)crc32_z(crc, bytes, size);
}
