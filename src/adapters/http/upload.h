/* A file that comes in parts: written to a folder of its own as it comes, so that memory does not grow with it. */
#ifndef ADAPTERS_HTTP_UPLOAD_H
#define ADAPTERS_HTTP_UPLOAD_H

#include "runner/http.h"

/* NULL without memory. What goes wrong later is a state of the upload. */
struct http_upload *upload_open(const struct http_upload_rule *rule);
/* Bytes of a part: of the file when file_name is not NULL, else of the field called name. offset: of these bytes in the part. */
void upload_take(struct http_upload *upload, const char *name, const char *file_name, const char *bytes, size_t size, uint64_t offset);
/* No more parts come. */
void upload_end(struct http_upload *upload);
/* Removes the file and its folder, unless they were kept. NULL is allowed. */
void upload_close(struct http_upload *upload);

#endif
