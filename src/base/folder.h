/* Folders of the file system. */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stdbool.h>

/* Makes the folder and those above it. False with errno and the path cut at the one that could not be made. */
bool folder_make(char *path);
/* Everything in it, links themselves and not what they point to. False with errno when something is still there; a folder that is not there is fine.
 */
bool folder_empty(const char *path);
/* The same with the folder itself. */
bool folder_remove(const char *path);

#endif
