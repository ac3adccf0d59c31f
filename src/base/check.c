#include "base/check.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

typedef void check_hook(const char *text);

static _Atomic(check_hook *) current_hook;

void check_set_hook(void (*hook)(const char *text)) {
  atomic_store(&current_hook, hook);
}

void check_failed(const char *file, int line, const char *condition) {
  char memory[512];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add(&text, "check failed: ");
  text_add(&text, condition);
  text_add(&text, " at ");
  text_add(&text, file);
  text_add_char(&text, ':');
  text_add_i64(&text, line);
  /* Taken out first: a check that fails inside the hook must not call it again. */
  check_hook *hook = atomic_exchange(&current_hook, NULL);
  if (hook != NULL) hook(memory);
  text_add_char(&text, '\n');
  /* write, not stdio: the heap or a lock of stdio may be what is broken. */
  ssize_t written = write(STDERR_FILENO, memory, text.length);
  (void)written;
  abort();
}
