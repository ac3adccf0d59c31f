/* The API's own documents, from its tables. */
#include <string.h>
#include <strings.h>

#include "api/api_state.h"
#include "base/version.h"

static void add_schema(struct json_writer *writer, const char *key, enum shape_id id) {
  struct buffer reference = {0};
  json_begin_object(writer, key);
  buffer_add_format(&reference, "#/components/schemas/%s", shape_table[id].name);
  json_add_string(writer, "$ref", reference.data);
  buffer_deinit(&reference);
  json_end_object(writer);
}

static void add_content(struct json_writer *writer, const char *type, enum shape_id id, bool is_list) {
  json_begin_object(writer, "content");
  json_begin_object(writer, type);
  if (is_list) {
    json_begin_object(writer, "schema");
    json_add_string(writer, "type", "object");
    json_begin_object(writer, "properties");
    json_begin_object(writer, "items");
    json_add_string(writer, "type", "array");
    add_schema(writer, "items", id);
    json_end_object(writer);
    json_add_raw(writer, "next_cursor", "{\"type\":[\"string\",\"null\"]}");
    json_add_raw(writer, "total", "{\"type\":\"integer\"}");
    json_end_object(writer);
    json_end_object(writer);
  } else if (id == SHAPE_EMPTY || id == SHAPE_TEXT) {
    json_add_raw(writer, "schema", id == SHAPE_TEXT ? "{\"type\":\"string\"}" : "{\"type\":\"object\"}");
  } else {
    add_schema(writer, "schema", id);
  }
  json_end_object(writer);
  json_end_object(writer);
}

static void add_parameters(struct json_writer *writer, const struct route *route) {
  json_begin_array(writer, "parameters");
  const char *brace = strchr(route->path, '{');
  char name[64];
  if (brace != NULL) {
    text_copy(name, strcspn(brace + 1, "}") + 1, brace + 1);
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", name);
    json_add_string(writer, "in", "path");
    json_add_bool(writer, "required", true);
    json_add_raw(writer, "schema", "{\"type\":\"string\"}");
    json_end_object(writer);
  }
  for (const char *at = route->query; *at != '\0'; at += strspn(at, " ")) {
    size_t length = strcspn(at, " ");
    text_copy(name, length + 1, at);
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", name);
    json_add_string(writer, "in", "query");
    json_add_raw(writer, "schema", "{\"type\":\"string\"}");
    json_end_object(writer);
    at += length;
  }
  json_end_array(writer);
}

static void add_operation(struct json_writer *writer, const struct route *route) {
  char method[16];
  size_t i = 0;
  for (; route->method[i] != '\0'; i++) method[i] = (char)(route->method[i] | 0x20);
  method[i] = '\0';
  json_begin_object(writer, method);
  json_add_string(writer, "summary", route->text);
  json_add_string(writer, "x-role", route->role);
  add_parameters(writer, route);
  if (route->request != SHAPE_EMPTY) {
    json_begin_object(writer, "requestBody");
    add_content(writer, "application/json", route->request, false);
    json_end_object(writer);
  }
  json_begin_object(writer, "responses");
  json_begin_object(writer, "200");
  json_add_string(writer, "description", route->text);
  add_content(writer, route->reply == SHAPE_TEXT ? "text/plain" : "application/json", route->reply, route->is_list);
  json_end_object(writer);
  json_begin_object(writer, "default");
  json_add_string(writer, "description", "what went wrong");
  add_content(writer, "application/problem+json", SHAPE_EMPTY, false);
  json_end_object(writer);
  json_end_object(writer);
  json_end_object(writer);
}

static bool is_first_of_path(int index) {
  for (int i = 0; i < index; i++) {
    if (strcmp(api_routes[i].path, api_routes[index].path) == 0) return false;
  }
  return true;
}

void api_describe_openapi(struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "openapi", "3.1.0");
  json_begin_object(&writer, "info");
  json_add_string(&writer, "title", "Breakout Bot");
  json_add_string(&writer, "version", version_text());
  json_end_object(&writer);
  json_begin_object(&writer, "paths");
  for (int i = 0; i < api_route_count; i++) {
    if (!is_first_of_path(i)) continue;
    json_begin_object(&writer, api_routes[i].path);
    for (int k = i; k < api_route_count; k++) {
      if (strcmp(api_routes[k].path, api_routes[i].path) == 0) add_operation(&writer, &api_routes[k]);
    }
    json_end_object(&writer);
  }
  json_end_object(&writer);
  json_begin_object(&writer, "components");
  json_begin_object(&writer, "schemas");
  shape_describe(&writer);
  json_end_object(&writer);
  json_end_object(&writer);
  json_end_object(&writer);
  buffer_add_text(out, "\n");
}

void api_describe_markdown(struct buffer *out) {
  buffer_add_text(
      out,
      "# API routes\n\nMade from `src/api/route.def`.\n\n| Method | Path | Role | Request | Reply | Query | What |\n|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    buffer_add_format(out, "| %s | `%s` | %s | %s | %s%s | %s | %s |\n", route->method, route->path, route->role,
                      route->request == SHAPE_EMPTY ? "" : shape_table[route->request].name, shape_table[route->reply].name,
                      route->is_list ? "[]" : "", route->query, route->text);
  }
}

void handle_openapi(struct call *call) {
  api_describe_openapi(&call->reply->body);
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}
