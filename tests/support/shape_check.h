/* Is a reply what the OpenAPI document says? Reads the same tables: members, types, words, null; members that no shape knows are errors. */
#ifndef SUPPORT_SHAPE_CHECK_H
#define SUPPORT_SHAPE_CHECK_H

#include "api/api_state.h"

/* One object; what is wrong goes into problem. */
bool shape_check(enum shape_id id, const struct json *object, struct problem *problem);
/* The body of a good reply of a route: an object, or a list of them. */
bool shape_check_reply(const struct route *route, const struct json *body, struct problem *problem);

#endif
