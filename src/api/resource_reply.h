/* Parts of replies about the machine that several handlers write. */
#ifndef API_RESOURCE_REPLY_H
#define API_RESOURCE_REPLY_H

#include "api/api_state.h"

/* ResourceStatus of /api/health; null when nobody samples. */
void write_resource_status(const struct api *api, const char *key, double uptime_s, struct json_writer *writer);
/* Array of sentences. */
void write_resource_issues(const struct api *api, const char *key, struct json_writer *writer);
/* Time of the newest backup in a folder, ms UTC; 0 without one. */
int64_t backups_newest(const char *folder);

#endif
