/* One-time tickets for WebSockets: a browser cannot send a header with an upgrade, and a cookie alone is not enough there. In memory only. */
#ifndef API_ACCESS_TICKET_H
#define API_ACCESS_TICKET_H

#include "api/api_state.h"

/* Who may open a socket by this ticket; it is used up by that. False: unknown, used, or older than 30 s. */
bool ticket_take(struct api *api, const char *ticket, struct caller *out);
/* Who asks by the header Authorization: Bearer. False: no such header, or a token that is refused. */
bool caller_of_bearer(struct api *api, const struct http_request *request, struct caller *out);
/* Is the login or token behind a caller still good? Asked every minute for each open socket; *role is what it may do now. */
bool caller_is_valid(struct api *api, const struct caller *caller, enum api_role *role);
/* May this page open a socket (Origin)? No Origin: a program, which may. */
bool origin_is_allowed(const struct api *api, const struct http_request *request);
/* Takes one of the ten connects a minute of its login, token or address; else false and the seconds to wait. */
bool connect_is_allowed(struct api *api, const struct caller *caller, int *retry_after_s);

#endif
