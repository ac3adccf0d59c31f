#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

enum { PATH_BYTES = 4096 };

bool folder_make(char *path) {
  for (char *slash = path + 1;; slash++) {
    if (*slash != '/' && *slash != '\0') continue;
    bool is_last = *slash == '\0';
    *slash = '\0';
    if (mkdir(path, 0755) != 0 && errno != EEXIST) return false;
    if (is_last) return true;
    *slash = '/';
  }
}

static bool remove_one(const char *path) {
  struct stat info;
  if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) return folder_remove(path);
  return unlink(path) == 0 || errno == ENOENT;
}

bool folder_empty(const char *path) {
  char inside[PATH_BYTES];
  int error = 0;
  DIR *list = opendir(path);
  if (list == NULL) return errno == ENOENT;
  for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
    if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
    int length = snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
    if (length >= (int)sizeof inside) {
      error = ENAMETOOLONG;
    } else if (!remove_one(inside)) {
      error = errno;
    }
  }
  closedir(list);
  errno = error;
  return error == 0;
}

bool folder_remove(const char *path) {
  return folder_empty(path) && (rmdir(path) == 0 || errno == ENOENT);
}
