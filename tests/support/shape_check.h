/* Is a reply what the OpenAPI document says? Reads the same tables: members, types, words, null; members that no shape knows are errors. */
#ifndef SUPPORT_SHAPE_CHECK_H
#define SUPPORT_SHAPE_CHECK_H

#include "api/api_state.h"

/* One object; what is wrong goes into problem. */
bool shape_check(enum shape_id id, const struct json *object, struct problem *problem);
/* The body of a good reply of a route: an object, or a list of them. */
bool shape_check_reply(const struct route *route, const struct json *body, struct problem *problem);
/* Is this pair of status and code one of problem.def? */
bool shape_check_is_declared(int status, const char *code);
/* A whole answer: a good one as the shape of its route says, a failure as a problem document whose code is declared. Says what is wrong on standard
 * error. body NULL: the reply is no JSON. */
bool shape_check_answer(const struct http_request *request, const struct http_reply *reply, const struct json *body);

#endif
