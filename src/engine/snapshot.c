/* The engine's memory as an image. Blocks are bound in a fixed order, so a copied image only needs its pointers set again; the layout id refuses
 * images of other builds. */
#include <string.h>

#include "engine/engine_state.h"

struct snapshot_header {
  uint64_t magic, layout, size;
};
#define SNAPSHOT_MAGIC UINT64_C(0x31534245424254FF)

size_t engine_snapshot_size(const struct engine *engine) {
  return sizeof(struct snapshot_header) + engine->image_size;
}

void engine_snapshot_save(const struct engine *engine, unsigned char *out) {
  struct snapshot_header header = {SNAPSHOT_MAGIC, engine->layout, engine->image_size};
  memcpy(out, &header, sizeof header);
  memcpy(out + sizeof header, engine, header.size);
}

enum status engine_snapshot_load(struct arena *arena, const struct engine_limits *limits, const unsigned char *bytes, size_t size,
                                 struct engine **out) {
  struct snapshot_header header;
  if (size < sizeof header) return STATUS_TRUNCATED;
  memcpy(&header, bytes, sizeof header);
  if (header.magic != SNAPSHOT_MAGIC) return STATUS_BAD_FORMAT;
  if (header.layout != engine_layout_id(limits)) return STATUS_NEWER_VERSION;
  if (size != sizeof header + header.size || header.size > arena->size - arena->used) return STATUS_TRUNCATED;
  memcpy(arena->memory + arena->used, bytes + sizeof header, header.size);
  *out = engine_bind(arena, limits);
  (*out)->sink = NULL;
  return STATUS_OK;
}
