#include "adapters/source/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/zstd_stream.h"
#include "base/gzip.h"
#include "base/text.h"

enum { INPUT_CHUNK = 256 * 1024, ZIP_HEADER = 30 };

enum packing { PACKING_PLAIN, PACKING_ZSTD, PACKING_GZIP, PACKING_ZIP_STORED, PACKING_ZIP_DEFLATED };

struct input {
  char name[512];
  int fd; /* -1: bytes of the caller */
  const char *bytes;
  size_t bytes_left;
  enum packing packing;
  void *zstd;                    /* of PACKING_ZSTD */
  struct gzip_inflater inflater; /* of PACKING_GZIP and PACKING_ZIP_DEFLATED */
  char *chunk;                   /* packed bytes read but not yet used */
  size_t chunk_used, chunk_size;
  bool is_raw_end;   /* no packed bytes are left to read */
  bool is_frame_end; /* the packed stream stands at a whole end */
  bool is_done;
  size_t stored_left; /* PACKING_ZIP_STORED */
  uint32_t crc, crc_wanted;
  bool has_descriptor; /* the checksum of the zip member comes after it */
};

const char *input_name(const struct input *input) {
  return input->name;
}

static enum status read_failed(const struct input *input, struct problem *problem) {
  problem_add(problem, "read_failed", input->name, NULL, NULL, "reading failed: %s", strerror(errno));
  return STATUS_IO_FAILED;
}

static enum status fill_chunk(struct input *input, struct problem *problem) {
  const size_t rest = input->chunk_size - input->chunk_used;
  memmove(input->chunk, input->chunk + input->chunk_used, rest);
  input->chunk_used = 0;
  input->chunk_size = rest;
  while (input->chunk_size < INPUT_CHUNK && !input->is_raw_end) {
    const size_t room = INPUT_CHUNK - input->chunk_size;
    size_t got;
    if (input->fd < 0) {
      got = room < input->bytes_left ? room : input->bytes_left;
      if (got > 0) memcpy(input->chunk + input->chunk_size, input->bytes, got);
      input->bytes += got;
      input->bytes_left -= got;
    } else {
      const ssize_t result = read(input->fd, input->chunk + input->chunk_size, room);
      if (result < 0 && errno == EINTR) continue;
      if (result < 0) return read_failed(input, problem);
      got = (size_t)result;
    }
    input->chunk_size += got;
    if (got == 0) input->is_raw_end = true;
  }
  return STATUS_OK;
}

static uint32_t little_endian(const char *bytes, int count) {
  uint32_t value = 0;
  for (int i = count - 1; i >= 0; i--) value = value << 8 | (unsigned char)bytes[i];
  return value;
}

/* APPNOTE.TXT 4.3.7: local file header. Only the first member is read, as the public archives hold one file each. */
static enum status open_zip(struct input *input, struct problem *problem) {
  const char *header = input->chunk;
  const size_t skip = ZIP_HEADER + (input->chunk_size < ZIP_HEADER ? 0 : little_endian(header + 26, 2) + little_endian(header + 28, 2));
  if (input->chunk_size < skip) {
    problem_add(problem, "truncated", input->name, NULL, NULL, "the zip file ends inside its first header");
    return STATUS_TRUNCATED;
  }
  const uint32_t flags = little_endian(header + 6, 2), method = little_endian(header + 8, 2);
  input->crc_wanted = little_endian(header + 14, 4);
  input->stored_left = little_endian(header + 18, 4);
  input->has_descriptor = (flags & 8) != 0;
  const bool is_sized = !input->has_descriptor && input->stored_left != UINT32_MAX;
  if ((flags & 1) || (method != 0 && method != 8) || (method == 0 && !is_sized)) {
    problem_add(problem, "bad_format", input->name, NULL, "stored or deflated, not encrypted",
                "the zip file uses a form that is not read; unpack it first");
    return STATUS_BAD_FORMAT;
  }
  input->packing = method == 0 ? PACKING_ZIP_STORED : PACKING_ZIP_DEFLATED;
  input->chunk_used = skip;
  return STATUS_OK;
}

static bool starts_with(const struct input *input, const char *magic, size_t size) {
  return input->chunk_size >= size && memcmp(input->chunk, magic, size) == 0;
}

static enum status refuse_binary(const struct input *input, struct problem *problem) {
  const char *format = NULL,
             *advice = "convert it to csv, for example: python3 -c \"import pandas; pandas.read_FORMAT(IN).to_csv(OUT, index=False)\"";
  if (starts_with(input, "PAR1", 4)) format = "Parquet";
  if (starts_with(input, "ARROW1", 6) || starts_with(input, "FEA1", 4)) format = "Feather";
  if (starts_with(input, "\xff\xfe", 2) || starts_with(input, "\xfe\xff", 2)) {
    format = "UTF-16 text";
    advice = "save it as UTF-8";
  }
  if (starts_with(input, "BZh", 3) || starts_with(input,
                                                  "\xfd"
                                                  "7zXZ",
                                                  5)) {
    format = "bzip2 or xz packed";
    advice = "unpack it, or pack it as .zst or .gz";
  }
  if (!format) return STATUS_OK;
  problem_add(problem, "bad_format", input->name, format, NULL, "this is a %s file, which is not read; %s", format, advice);
  return STATUS_BAD_FORMAT;
}

static enum status detect(struct input *input, struct problem *problem) {
  enum status status = fill_chunk(input, problem);
  if (status) return status;
  if (input->chunk_size == 0) {
    problem_add(problem, "no_data", input->name, NULL, NULL, "the file is empty");
    return STATUS_NO_DATA;
  }
  if (starts_with(input, "PK\003\004", 4)) {
    status = open_zip(input, problem);
    if (status) return status;
  } else if (starts_with(input, "\x28\xb5\x2f\xfd", 4)) {
    input->packing = PACKING_ZSTD;
  } else if (starts_with(input, "\x1f\x8b", 2)) {
    input->packing = PACKING_GZIP;
  }
  if (input->packing == PACKING_ZSTD && !(input->zstd = zstd_stream_open())) return STATUS_NO_MEMORY;
  if (input->packing == PACKING_GZIP || input->packing == PACKING_ZIP_DEFLATED) {
    status = gzip_inflate_open(&input->inflater, input->packing == PACKING_ZIP_DEFLATED);
    if (status) return status;
  }
  return input->packing == PACKING_PLAIN ? refuse_binary(input, problem) : STATUS_OK;
}

static enum status open_common(struct input **out, struct input *input, struct problem *problem) {
  input->chunk = malloc(INPUT_CHUNK);
  const enum status status = input->chunk ? detect(input, problem) : STATUS_NO_MEMORY;
  if (status) {
    input_close(input);
    return status;
  }
  *out = input;
  return STATUS_OK;
}

enum status input_open(struct input **out, const char *path, struct problem *problem) {
  *out = NULL;
  struct input *input = calloc(1, sizeof *input);
  if (!input) return STATUS_NO_MEMORY;
  text_copy(input->name, sizeof input->name, path);
  input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat info;
  if (input->fd < 0 || fstat(input->fd, &info) != 0) {
    const enum status status = status_from_errno(errno);
    problem_add(problem, status_name(status), path, NULL, NULL, "the file can not be opened: %s", strerror(errno));
    input_close(input);
    return status;
  }
  if (!S_ISREG(info.st_mode)) {
    problem_add(problem, "bad_input", path, NULL, "a regular file",
                S_ISDIR(info.st_mode) ? "this is a folder, not a file" : "this is not a regular file");
    input_close(input);
    return STATUS_BAD_INPUT;
  }
  return open_common(out, input, problem);
}

enum status input_open_bytes(struct input **out, const void *bytes, size_t size, const char *name, struct problem *problem) {
  *out = NULL;
  struct input *input = calloc(1, sizeof *input);
  if (!input) return STATUS_NO_MEMORY;
  text_copy(input->name, sizeof input->name, name);
  input->fd = -1;
  input->bytes = bytes;
  input->bytes_left = size;
  return open_common(out, input, problem);
}

/* What is not packed goes from the file to where it is wanted. */
static enum status read_file(struct input *input, char *out, size_t size, size_t *got, struct problem *problem) {
  ssize_t result;
  do result = read(input->fd, out, size);
  while (result < 0 && errno == EINTR);
  if (result < 0) return read_failed(input, problem);
  *got = (size_t)result;
  return STATUS_OK;
}

static enum status read_plain(struct input *input, char *out, size_t size, size_t *got, struct problem *problem) {
  if (input->chunk_used == input->chunk_size) {
    if (input->packing == PACKING_PLAIN && input->fd >= 0) return read_file(input, out, size, got, problem);
    const enum status status = fill_chunk(input, problem);
    if (status) return status;
  }
  const size_t rest = input->chunk_size - input->chunk_used;
  *got = rest < size ? rest : size;
  if (input->packing == PACKING_ZIP_STORED && *got > input->stored_left) *got = input->stored_left;
  memcpy(out, input->chunk + input->chunk_used, *got);
  input->chunk_used += *got;
  return STATUS_OK;
}

static enum status truncated(const struct input *input, struct problem *problem) {
  problem_add(problem, "truncated", input->name, NULL, NULL, "the packed file ends too early: it is truncated; fetch or copy it again");
  return STATUS_TRUNCATED;
}

static enum status corrupt(const struct input *input, const char *message, struct problem *problem) {
  problem_add(problem, "corrupt", input->name, NULL, NULL, "the packed file is damaged: %s; fetch or copy it again", message);
  return STATUS_CORRUPT;
}

/* Checks the checksum of a zip member at its end. */
static enum status end_zip(struct input *input, struct problem *problem) {
  if (input->has_descriptor) {
    if (input->chunk_size - input->chunk_used < 8) {
      const enum status status = fill_chunk(input, problem);
      if (status) return status;
    }
    if (input->chunk_size - input->chunk_used < 8) return truncated(input, problem);
    const char *descriptor = input->chunk + input->chunk_used;
    if (memcmp(descriptor, "PK\007\010", 4) == 0) descriptor += 4;
    input->crc_wanted = little_endian(descriptor, 4);
  }
  return input->crc == input->crc_wanted ? STATUS_OK : corrupt(input, "the checksum of the zip member is wrong", problem);
}

/* One call of the unpacker: raises *used. */
static enum status unpack(struct input *input, char *out, size_t size, size_t *used, struct problem *problem) {
  const char *in = input->chunk + input->chunk_used, *message = "bad data";
  const size_t in_size = input->chunk_size - input->chunk_used;
  size_t in_used = 0;
  enum status status;
  if (input->packing == PACKING_ZSTD) {
    status = zstd_stream_read(input->zstd, in, in_size, &in_used, out, size, used, &input->is_frame_end, &message);
  } else {
    status = gzip_inflate(&input->inflater, in, in_size, &in_used, out, size, used);
    input->is_frame_end = input->inflater.is_at_end;
  }
  input->chunk_used += in_used;
  return status == STATUS_CORRUPT ? corrupt(input, message, problem) : status;
}

static enum status read_packed(struct input *input, char *out, size_t size, size_t *got, struct problem *problem) {
  while (*got == 0) {
    if (input->chunk_used == input->chunk_size) {
      const enum status status = fill_chunk(input, problem);
      if (status) return status;
    }
    const bool is_end = input->chunk_used == input->chunk_size;
    const bool is_zip_end = input->packing == PACKING_ZIP_DEFLATED && input->is_frame_end;
    if (is_zip_end || (is_end && input->is_frame_end)) break;
    const enum status status = unpack(input, out, size, got, problem);
    if (status) return status;
    if (is_end && *got == 0 && !input->is_frame_end) return truncated(input, problem);
  }
  return STATUS_OK;
}

enum status input_read(struct input *input, char *out, size_t size, size_t *got, struct problem *problem) {
  *got = 0;
  if (input->is_done || size == 0) return STATUS_OK;
  const bool is_plain = input->packing == PACKING_PLAIN || input->packing == PACKING_ZIP_STORED;
  enum status status = is_plain ? read_plain(input, out, size, got, problem) : read_packed(input, out, size, got, problem);
  if (status) return status;
  const bool is_zip = input->packing == PACKING_ZIP_STORED || input->packing == PACKING_ZIP_DEFLATED;
  if (is_zip) input->crc = gzip_crc32(input->crc, out, *got);
  if (input->packing == PACKING_ZIP_STORED) input->stored_left -= *got;
  if (*got > 0) return STATUS_OK;
  input->is_done = true;
  if (input->packing == PACKING_ZIP_STORED && input->stored_left > 0) return truncated(input, problem);
  return is_zip ? end_zip(input, problem) : STATUS_OK;
}

void input_close(struct input *input) {
  if (!input) return;
  zstd_stream_close(input->zstd);
  gzip_inflate_close(&input->inflater);
  if (input->fd >= 0) (void)close(input->fd);
  free(input->chunk);
  free(input);
}
