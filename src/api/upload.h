/* Forms with a file: who may send one, and the JSON body that the handler sees in their place. */
#ifndef API_UPLOAD_H
#define API_UPLOAD_H

#include "api/api_state.h"

/* For the adapter (http_handler.on_upload). */
bool upload_is_wanted(void *context, const struct http_request *request, struct http_upload_rule *out);
/* The fields of the form and, as "path", the file, as JSON; NULL after an answer. The caller frees it. */
struct json *upload_body(struct call *call);
/* The import of a file has begun: it stays until the run has ended. */
void upload_keep(const struct call *call);
/* Removes the file of an import that has ended. params: of the run, JSON. */
void upload_drop(const struct api *api, const char *params);
/* Removes what a server before this one has left. */
void uploads_clear(const struct api *api);

#endif
