/* Ends what fields_struct.h or fields_table.h began. */
#undef FIELD_I64
#undef FIELD_I32
#undef FIELD_BOOL
#undef FIELD_DECIMAL
#undef FIELD_DECIMAL_NULL
#undef FIELD_DOUBLE
#undef FIELD_TIME
#undef FIELD_TEXT
#undef FIELD_ENUM
#undef FIELD_ID
#undef FIELD_LIST
