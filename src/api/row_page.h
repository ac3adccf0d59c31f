/* A page of a list whose rows are told apart by a text id that is also their order. */
#ifndef API_ROW_PAGE_H
#define API_ROW_PAGE_H

#include "api/router.h"

/* Writes the members of one row; the object around them is open. */
typedef void row_page_write(struct call *call, const struct row_value *values, int count);

/* Answers {items, next_cursor, total}. query has its table and its filters; id is the column in whose order the rows stand; cursor is the last id of
 * the page before, NULL at the first; limit > 0. 503 with the database's reason when it can't be read now. */
void row_page_answer(struct call *call, struct rows_query *query, const char *id, bool is_ascending, const char *cursor, int64_t limit,
                     row_page_write *write);

#endif
