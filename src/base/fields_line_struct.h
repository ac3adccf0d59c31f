/* For a .def with several records: turns FIELD_ rows into members that are named by their line, so that one union of anonymous structs holds the
 * members of all records without a clash. The layout of each struct is that of fields_struct.h. Followed by fields_end.h. */
#ifndef FIELD_AT_LINE
#define FIELD_JOIN_(a, b) a##b
#define FIELD_JOIN(a, b) FIELD_JOIN_(a, b)
#define FIELD_AT_LINE FIELD_JOIN(line_, __LINE__)
#define FIELD_COUNT_AT_LINE FIELD_JOIN(count_, __LINE__)
#endif
#define FIELD_I64(name) int64_t FIELD_AT_LINE;
#define FIELD_I32(name) int32_t FIELD_AT_LINE;
#define FIELD_BOOL(name) bool FIELD_AT_LINE;
#define FIELD_DECIMAL(name) int64_t FIELD_AT_LINE;
#define FIELD_DECIMAL_NULL(name) int64_t FIELD_AT_LINE;
#define FIELD_DOUBLE(name) double FIELD_AT_LINE;
#define FIELD_TIME(name) int64_t FIELD_AT_LINE;
#define FIELD_TEXT(name, bytes) char FIELD_AT_LINE[bytes];
#define FIELD_ENUM(name, type) int32_t FIELD_AT_LINE;
#define FIELD_ID(name, prefix, width) int64_t FIELD_AT_LINE;
#define FIELD_LIST(name, type, capacity) \
  int32_t FIELD_COUNT_AT_LINE;           \
  struct type FIELD_AT_LINE[capacity];
