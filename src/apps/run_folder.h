/* The folder that keeps the files of a run. */
#ifndef APPS_RUN_FOLDER_H
#define APPS_RUN_FOLDER_H

#include "apps/app.h"

enum { RUN_FOLDER_MAX = 700 };

/* Makes the folder and those above it. */
NODISCARD enum status run_folder_make(struct app *app, const char *path);
/* Writes text as the file `name` of the folder and clears it. */
NODISCARD enum status run_folder_write(struct app *app, const char *folder, const char *name, struct buffer *text);

#endif
