/* This process and its machine from /proc, cgroup v2 and v1, statvfs. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/text.h"
#include "runner/resources.h"

/* The first bytes of a small file; false when it cannot be read. */
static bool read_file(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "re");
  if (file == NULL) return false;
  size_t length = fread(out, 1, size - 1, file);
  out[length] = '\0';
  (void)fclose(file);
  return length > 0;
}

/* A number at the start of a file; NaN without one, which is also how a cgroup says "max". */
static double read_number(const char *path) {
  char text[64];
  char *end;
  if (!read_file(path, text, sizeof text)) return NAN;
  double value = strtod(text, &end);
  return end != text ? value : NAN;
}

/* The value in kB behind a name of /proc/meminfo or /proc/self/status, in bytes. */
static double named_kb(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at != NULL ? strtod(at + strlen(name), NULL) * 1024.0 : NAN;
}

/* ---- the container ---- */

enum { GROUP_PATH_BYTES = 512 };

/* Folder of the process's group in the unified hierarchy; false without one. */
static bool find_group(char out[GROUP_PATH_BYTES]) {
  char text[4096];
  if (!read_file("/proc/self/cgroup", text, sizeof text)) return false;
  char *line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
  if (line == NULL) return false;
  line = strstr(line, "0::") + 3;
  line[strcspn(line, "\n")] = '\0';
  int length = snprintf(out, GROUP_PATH_BYTES, "/sys/fs/cgroup%s", strcmp(line, "/") == 0 ? "" : line);
  return length > 0 && length < GROUP_PATH_BYTES;
}

static double group_number(const char *group, const char *name) {
  char path[GROUP_PATH_BYTES + 64];
  snprintf(path, sizeof path, "%s/%s", group, name);
  return read_number(path);
}

/* The limit of a container lies in its group or in one above it. */
static void read_group_memory(double *used, double *limit) {
  char group[GROUP_PATH_BYTES];
  *used = NAN;
  *limit = NAN;
  bool has_group = find_group(group);
  while (has_group && strlen(group) >= sizeof "/sys/fs/cgroup" - 1) {
    double own = group_number(group, "memory.max");
    if (!isnan(own) && (isnan(*limit) || own < *limit)) {
      *limit = own;
      *used = group_number(group, "memory.current");
    }
    char *slash = strrchr(group, '/');
    if (slash == NULL || strcmp(group, "/sys/fs/cgroup") == 0) break;
    *slash = '\0';
  }
  if (!isnan(*limit)) return;
  *limit = read_number("/sys/fs/cgroup/memory/memory.limit_in_bytes");
  *used = read_number("/sys/fs/cgroup/memory/memory.usage_in_bytes");
}

/* "max 100000" or "200000 100000": quota and period; processors, NaN without a quota. */
static double group_cpus(const char *group) {
  char path[GROUP_PATH_BYTES + 64];
  char text[64];
  char *end;
  snprintf(path, sizeof path, "%s/cpu.max", group);
  if (!read_file(path, text, sizeof text)) return NAN;
  double quota = strtod(text, &end);
  if (end == text) return NAN;
  double period = strtod(end, NULL);
  return period > 0 ? quota / period : NAN;
}

/* Processor time of the whole machine: everything but idle and waiting for a disk. */
static double machine_cpu_seconds(void) {
  char text[512];
  double sum = 0;
  if (!read_file("/proc/stat", text, sizeof text) || strncmp(text, "cpu ", 4) != 0) return NAN;
  char *at = text + 4;
  for (int i = 0; i < 8; i++) {
    double ticks = strtod(at, &at);
    if (i != 3 && i != 4) sum += ticks;
  }
  return sum / (double)sysconf(_SC_CLK_TCK);
}

static double group_cpu_seconds(const char *group) {
  char path[GROUP_PATH_BYTES + 64];
  char text[512];
  snprintf(path, sizeof path, "%s/cpu.stat", group);
  if (!read_file(path, text, sizeof text)) return NAN;
  const char *at = strstr(text, "usage_usec");
  return at != NULL ? strtod(at + sizeof "usage_usec" - 1, NULL) * 1e-6 : NAN;
}

/* A quota counts when it is below what the machine has; it lies in the group or in one above it. */
static void read_cpu(struct resource_reading *out) {
  char group[GROUP_PATH_BYTES];
  out->cpu_count = (double)sysconf(_SC_NPROCESSORS_ONLN);
  out->cpu_seconds = machine_cpu_seconds();
  bool has_group = find_group(group);
  while (has_group && strlen(group) >= sizeof "/sys/fs/cgroup" - 1) {
    double quota = group_cpus(group);
    double used = group_cpu_seconds(group);
    if (quota < out->cpu_count && !isnan(used)) {
      out->cpu_count = quota;
      out->cpu_seconds = used;
    }
    char *slash = strrchr(group, '/');
    if (slash == NULL || strcmp(group, "/sys/fs/cgroup") == 0) break;
    *slash = '\0';
  }
  double quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") / read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double used_ns = read_number("/sys/fs/cgroup/cpuacct/cpuacct.usage");
  if (!(quota > 0) || !(quota < out->cpu_count) || isnan(used_ns)) return;
  out->cpu_count = quota;
  out->cpu_seconds = used_ns * 1e-9;
}

/* ---- memory, disk, process ---- */

static void read_memory(struct resource_reading *out) {
  char text[8192];
  double total = NAN;
  double available = NAN;
  double used;
  double limit;
  if (read_file("/proc/meminfo", text, sizeof text)) {
    total = named_kb(text, "MemTotal:");
    available = named_kb(text, "MemAvailable:");
  }
  out->memory_limit_bytes = total;
  out->memory_bytes = total - available;
  read_group_memory(&used, &limit);
  /* Version 1 says "no limit" with a number beyond any machine. */
  if (isnan(limit) || isnan(used) || limit >= total) return;
  out->memory_limit_bytes = limit;
  out->memory_bytes = used;
}

static void read_process(struct resource_reading *out) {
  char text[8192];
  out->resident_bytes = NAN;
  out->virtual_bytes = NAN;
  out->threads = -1;
  if (!read_file("/proc/self/status", text, sizeof text)) return;
  out->resident_bytes = named_kb(text, "VmRSS:");
  out->virtual_bytes = named_kb(text, "VmSize:");
  const char *threads = strstr(text, "Threads:");
  if (threads != NULL) out->threads = (int32_t)strtol(threads + sizeof "Threads:" - 1, NULL, 10);
}

static void read_descriptors(struct resource_reading *out) {
  char target[32];
  DIR *folder = opendir("/proc/self/fd");
  int32_t files = -1; /* the folder itself is open too and does not count */
  int32_t sockets = 0;
  out->open_files = -1;
  out->sockets = -1;
  if (folder == NULL) return;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    ++files;
    ssize_t length = readlinkat(dirfd(folder), entry->d_name, target, sizeof target);
    if (length > 7 && strncmp(target, "socket:", 7) == 0) ++sockets;
  }
  (void)closedir(folder);
  out->open_files = files;
  out->sockets = sockets;
}

bool resources_read(const char *data_dir, struct resource_reading *out) {
  struct statvfs disk;
  *out = (struct resource_reading){.disk_bytes = NAN, .disk_free_bytes = NAN};
  read_cpu(out);
  read_memory(out);
  read_process(out);
  read_descriptors(out);
  if (statvfs(data_dir, &disk) == 0) {
    /* As df counts: what only root may use is neither free nor part of the whole. */
    double unit = (double)disk.f_frsize;
    out->disk_free_bytes = (double)disk.f_bavail * unit;
    out->disk_bytes = (double)(disk.f_blocks - disk.f_bfree + disk.f_bavail) * unit;
  }
  return !isnan(out->cpu_seconds) || !isnan(out->memory_limit_bytes);
}
