/* For a .def with several records: turns FIELD_ rows into table rows whose offsets come from the union FIELD_OWNER made with fields_line_struct.h
 * (a record begins at offset 0 of it). Followed by fields_end.h. */
#define FIELD_ROW(n, field_kind) .name = #n, .kind = field_kind, .offset = offsetof(FIELD_OWNER, FIELD_AT_LINE)
#define FIELD_I64(n) {FIELD_ROW(n, FIELD_KIND_I64)},
#define FIELD_I32(n) {FIELD_ROW(n, FIELD_KIND_I32)},
#define FIELD_BOOL(n) {FIELD_ROW(n, FIELD_KIND_BOOL)},
#define FIELD_DECIMAL(n) {FIELD_ROW(n, FIELD_KIND_DECIMAL)},
#define FIELD_DECIMAL_NULL(n) {FIELD_ROW(n, FIELD_KIND_DECIMAL_NULL)},
#define FIELD_DOUBLE(n) {FIELD_ROW(n, FIELD_KIND_DOUBLE)},
#define FIELD_TIME(n) {FIELD_ROW(n, FIELD_KIND_TIME)},
#define FIELD_TEXT(n, bytes) {FIELD_ROW(n, FIELD_KIND_TEXT), .size = (bytes)},
#define FIELD_ENUM(n, type) {FIELD_ROW(n, FIELD_KIND_ENUM), .names = type##_names, .name_count = type##_count},
#define FIELD_ID(n, letter, digits) {FIELD_ROW(n, FIELD_KIND_ID), .prefix = (letter), .width = (digits)},
#define FIELD_LIST(n, type, capacity) \
  {FIELD_ROW(n, FIELD_KIND_LIST), .size = (capacity), .count_offset = offsetof(FIELD_OWNER, FIELD_COUNT_AT_LINE), .item = &type##_schema},
