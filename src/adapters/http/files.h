/* Files of the user interface, from a folder that was built: read once and kept, read again when index.html is another one. Paths of the interface's
 * own routes answer with index.html. */
#ifndef ADAPTERS_HTTP_FILES_H
#define ADAPTERS_HTTP_FILES_H

#include "runner/http.h"

struct http_files; /* opaque */

/* A folder without index.html has no interface: NULL. config: what /config.json answers, JSON.
 * connect: other origins that the page may ask, separated by blanks; "" none. frame: the origin that it may show inside; NULL or "" none. */
struct http_files *http_files_open(const char *folder, const char *config, const char *connect, const char *frame);
void http_files_close(struct http_files *files); /* NULL is allowed */
/* Answers GET and HEAD of anything outside /api and /ws; false: not for us. */
bool http_files_answer(struct http_files *files, const struct http_request *request, struct http_reply *reply);

#endif
