/* Included before a record's .def inside a `static const struct field x_fields[]`: turns its FIELD_ rows into table rows. The macro FIELD_OWNER
 * names the struct type. Followed by fields_end.h. */
#define FIELD_I64(n) {.name = #n, .kind = FIELD_KIND_I64, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_I32(n) {.name = #n, .kind = FIELD_KIND_I32, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_BOOL(n) {.name = #n, .kind = FIELD_KIND_BOOL, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_DECIMAL(n) {.name = #n, .kind = FIELD_KIND_DECIMAL, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_DECIMAL_NULL(n) {.name = #n, .kind = FIELD_KIND_DECIMAL_NULL, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_DOUBLE(n) {.name = #n, .kind = FIELD_KIND_DOUBLE, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_TIME(n) {.name = #n, .kind = FIELD_KIND_TIME, .offset = offsetof(FIELD_OWNER, n)},
#define FIELD_TEXT(n, bytes) {.name = #n, .kind = FIELD_KIND_TEXT, .offset = offsetof(FIELD_OWNER, n), .size = (bytes)},
#define FIELD_ENUM(n, type) \
  {.name = #n, .kind = FIELD_KIND_ENUM, .offset = offsetof(FIELD_OWNER, n), .names = type##_names, .name_count = type##_count},
#define FIELD_ID(n, letter, digits) {.name = #n, .kind = FIELD_KIND_ID, .offset = offsetof(FIELD_OWNER, n), .prefix = (letter), .width = (digits)},
#define FIELD_LIST(n, type, capacity)                \
  {.name = #n,                                       \
   .kind = FIELD_KIND_LIST,                          \
   .offset = offsetof(FIELD_OWNER, n),               \
   .size = (capacity),                               \
   .count_offset = offsetof(FIELD_OWNER, n##_count), \
   .item = &type##_schema},
