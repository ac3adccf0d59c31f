/* Assertions about ourselves. They stay on in production: the process stops, restarts through the normal recovery and reconciles. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#define check(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

_Noreturn void check_failed(const char *file, int line, const char *condition);
/* Called once with the text of the failed check before the process aborts (used to write a crash note). NULL removes it. */
void check_set_hook(void (*hook)(const char *text));

#endif
