/* Presets by name: the files of PRESETS_DIR before the built-in copies, with every replaced content kept as a version.
 *
 * Versions are rows of the table preset_versions, id = number of the row. Without a database they are files
 * DATA_DIR/preset_versions/<name>/<id>.json, id = <time in ms>-<first 12 digits of the hash>, that become rows as soon as there is one. */
#ifndef RUNNER_PRESET_STORE_H
#define RUNNER_PRESET_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/problem.h"
#include "base/status.h"
#include "core/strategy/preset.h"
#include "runner/rows.h"

enum { PRESET_PATH_BYTES = 768, PRESET_NAME_BYTES = 65, PRESET_VERSION_BYTES = 48 };

struct preset_store {
  char presets_dir[512];
  char versions_dir[560];
  const struct row_port *rows; /* NULL: versions are files */
  char user[48];               /* who changes presets, "" unknown */
};

/* Where a preset came from. */
struct preset_origin {
  char path[PRESET_PATH_BYTES]; /* "" when it is the built-in copy */
  bool is_built_in;             /* a preset of that name is built in */
  bool is_modified;             /* and this one has other content */
};

struct preset_version {
  char id[PRESET_VERSION_BYTES];
  int64_t ts_ms;
  char user[48];              /* who replaced it, "" unknown */
  char hash[DIGEST_TEXT_MAX]; /* of the content; "" when it no longer parses */
};

void preset_store_init(struct preset_store *store, const char *presets_dir, const char *data_dir);
/* From now on versions are rows, changed by user (NULL: unknown). rows may be NULL. */
void preset_store_use_rows(struct preset_store *store, const struct row_port *rows, const char *user);
/* Versions that are files become rows and the files are removed, each file only after its row is stored. Returns how many. */
NODISCARD enum status preset_store_take_files(const struct preset_store *store, int *count, struct problem *problem);
/* May a preset be called this? Such a name is safe inside a path. */
bool preset_store_is_name(const char *name);
/* Names of files and built-in presets, sorted, each once. Returns the count, at most max. */
int preset_store_list(const struct preset_store *store, char (*names)[PRESET_NAME_BYTES], int max);
/* A name, or the path of a file (contains '/' or ends in .json). STATUS_NOT_FOUND or STATUS_BAD_CONFIG with the reasons in problem. origin may be
 * NULL. */
NODISCARD enum status preset_store_load(const struct preset_store *store, const char *name_or_path, struct preset *preset,
                                        struct preset_origin *origin, struct problem *problem);
/* Writes a preset that has passed preset_check under its name; the content it replaces becomes a version. */
NODISCARD enum status preset_store_save(const struct preset_store *store, const struct preset *preset, int64_t now_ms, struct problem *problem);
/* Removes the file; its content becomes a version. has_restored: a built-in preset of that name now shows again. An unmodified built-in preset cannot
 * be deleted (STATUS_BAD_INPUT). */
NODISCARD enum status preset_store_delete(const struct preset_store *store, const char *name, int64_t now_ms, bool *has_restored,
                                          struct problem *problem);
/* Newest first, at most max. */
NODISCARD enum status preset_store_versions(const struct preset_store *store, const char *name, struct preset_version *versions, int max, int *count,
                                            struct problem *problem);
/* Makes a version the present content; what it replaces becomes a version itself. */
NODISCARD enum status preset_store_restore(const struct preset_store *store, const char *name, const char *id, int64_t now_ms, struct preset *preset,
                                           struct problem *problem);

#endif
