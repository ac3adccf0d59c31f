/* A changing request from the moment it is admitted until its reply is handed over: its audit row and its Idempotency-Key. */
#ifndef API_ACCESS_CHANGE_H
#define API_ACCESS_CHANGE_H

#include "api/access/audit.h"
#include "api/api_state.h"

enum { IDEMPOTENCY_KEY_MAX = 128, IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000 };

struct change;

/* Repeats a stored reply, or opens the audit row. False: the call has been answered. Routes that read begin nothing. */
bool change_begin(struct call *call);
/* After the handler: finishes the change now, or when the deferred reply is sent. */
void change_end(struct call *call);
/* The client of a deferred reply is gone. */
void change_gone(struct api *api, const struct http_reply *reply);
void changes_close(struct api *api);
/* Forgets stored replies older than a day. */
void change_sweep(struct api *api, int64_t now_ms);

/* For handlers: what the audit row says beside its body. Values are JSON objects without secrets; NULL leaves what is there. A login tells by this
 * who it was. */
void change_tell(struct change *change, const char *target, const char *before, const char *after);
void change_tell_user(struct change *change, const char *user, enum api_role role);
/* A row about a request that was refused for want of rights. */
void audit_refusal(struct call *call, int status);

#endif
