/* forge_folder.h - a folder of a test's own for model files, gone at the end.
 *
 *   ownership  one folder a program, removed with its files by forge_folder_close
 *   threads    one
 */
#pragma once

#include "shared/base.h"

void forge_folder_open(void);
void forge_folder_close(void);

/* The path of a file in it; valid until the next call. "" is the folder itself. */
const char *forge_folder_path(const char *name);

void forge_folder_write(const char *name, struct span bytes);
void forge_folder_remove(const char *name);

/* Removes all files. */
void forge_folder_empty(void);
