/* /api/docs: the OpenAPI document as a page that a person can read, and what the codes of failures mean. Nothing comes from another host. */
#include "api/api_state.h"
#include "api/pages.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

static bool is_off(struct call *call) {
  if (call->api->options.settings->api_docs_enabled) return false;
  call_fail(call, 404, "not_found", "API_DOCS_ENABLED is false");
  return true;
}

static void answer(struct call *call, const char *type, const unsigned char *bytes, size_t size) {
  buffer_add(&call->reply->body, bytes, size);
  call->reply->status = 200;
  call->reply->content_type = type;
  call->reply->content_policy = policy;
}

void handle_docs(struct call *call) {
  if (!is_off(call)) answer(call, "text/html; charset=utf-8", page_docs_html, page_docs_html_size);
}

void handle_docs_script(struct call *call) {
  if (!is_off(call)) answer(call, "text/javascript; charset=utf-8", page_docs_js, page_docs_js_size);
}

void handle_docs_style(struct call *call) {
  if (!is_off(call)) answer(call, "text/css; charset=utf-8", page_docs_css, page_docs_css_size);
}

/* Each code is an anchor: the type of a problem is the address of its paragraph. */
void handle_docs_problems(struct call *call) {
  static const struct {
    int status;
    const char *code, *text;
  } problems[] = {
#define PROBLEM(status, code, text) {status, #code, text},
#include "api/problem.def"
  };
  struct buffer *out = &call->reply->body;
  if (is_off(call)) return;
  buffer_add_text(out,
                  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
                  "initial-scale=1\"><title>Problems - Breakout Bot API</title><link rel=\"stylesheet\" href=\"/api/docs/docs.css\"></head>\n"
                  "<body><header><h1>Problems</h1><a href=\"/api/docs\">All endpoints</a></header><main><p>A failed request is answered with "
                  "<code>application/problem+json</code>; its <code>type</code> is the address of one of these.</p>\n<dl>\n");
  for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
    buffer_add_format(out, "<dt id=\"%s\"><span class=\"status\">%d</span> <code>%s</code></dt><dd>%s</dd>\n", problems[i].code, problems[i].status,
                      problems[i].code, problems[i].text);
  }
  buffer_add_text(out, "</dl></main></body></html>\n");
  call->reply->status = 200;
  call->reply->content_type = "text/html; charset=utf-8";
  call->reply->content_policy = policy;
}
