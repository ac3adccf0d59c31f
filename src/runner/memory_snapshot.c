#include "runner/memory_snapshot.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/calendar.h"
#include "base/json.h"

static const double mib = 1024.0 * 1024.0;
static const double gib = 1024.0 * 1024.0 * 1024.0;

static void add_component(struct json_writer *writer, const char *name, double bytes, double objects) {
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", name);
  json_add_double(writer, "bytes", bytes);
  json_add_double(writer, "objects", objects);
  json_end_object(writer);
}

static void write_report(const struct resource_reading *reading, const struct mallinfo2 *heap, int64_t now_ms, struct json_writer *writer) {
  double used = reading->memory_bytes;
  double total = reading->memory_limit_bytes;
  json_begin_object(writer, NULL);
  json_add_int(writer, "ts", now_ms);
  json_begin_object(writer, "system");
  json_add_double(writer, "total_gb", total / gib);
  json_add_double(writer, "used_gb", used / gib);
  json_add_double(writer, "available_gb", (total - used) / gib);
  json_add_double(writer, "percent_used", 100.0 * used / total);
  json_end_object(writer);
  json_begin_object(writer, "process");
  json_add_double(writer, "rss_mb", reading->resident_bytes / mib);
  json_add_double(writer, "vms_mb", reading->virtual_bytes / mib);
  json_add_double(writer, "percent_of_system", 100.0 * reading->resident_bytes / total);
  json_end_object(writer);
  json_begin_object(writer, "heap");
  json_begin_array(writer, "by_component");
  add_component(writer, "in use", (double)heap->uordblks, (double)NAN);
  add_component(writer, "free, kept for later", (double)heap->fordblks, (double)heap->ordblks);
  add_component(writer, "large pieces with a mapping of their own", (double)heap->hblkhd, (double)heap->hblks);
  json_end_array(writer);
  json_end_object(writer);
  json_add_int(writer, "open_files", reading->open_files);
  json_add_int(writer, "threads", reading->threads);
  json_end_object(writer);
}

static enum status write_file(const char *path, const struct buffer *text, struct problem *problem) {
  FILE *file = fopen(path, "we");
  bool is_written = file != NULL && fwrite(text->data, 1, text->length, file) == text->length;
  int error = errno;
  if (file != NULL && fclose(file) != 0 && is_written) {
    is_written = false;
    error = errno;
  }
  if (is_written) return STATUS_OK;
  problem_add(problem, "memory_snapshot", path, NULL, NULL, "cannot be written: %s", strerror(error));
  return status_from_errno(error);
}

enum status memory_snapshot_write(const char *folder, const char *data_dir, int64_t now_ms, struct memory_snapshot *out, struct problem *problem) {
  struct resource_reading reading;
  struct mallinfo2 heap = mallinfo2();
  struct buffer text = {0};
  struct json_writer writer;
  struct calendar at;
  (void)resources_read(data_dir, &reading); /* what cannot be read is null in the report */
  calendar_from_ms(now_ms, &at);
  snprintf(out->file, sizeof out->file, "%.900s/memory_snapshot_%04d%02d%02d_%02d%02d%02d.json", folder, at.year, at.month, at.day, at.hour,
           at.minute, at.second);
  out->rss_mb = reading.resident_bytes / mib;
  out->in_use_mb = (double)(heap.uordblks + heap.hblkhd) / mib;
  out->free_mb = (double)heap.fordblks / mib;
  out->mapped_mb = (double)heap.hblkhd / mib;
  if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
    problem_add(problem, "memory_snapshot", folder, NULL, NULL, "cannot be made: %s", strerror(errno));
    return status_from_errno(errno);
  }
  json_writer_init(&writer, &text, true);
  write_report(&reading, &heap, now_ms, &writer);
  buffer_add_text(&text, "\n");
  enum status status = write_file(out->file, &text, problem);
  buffer_deinit(&text);
  return status;
}
