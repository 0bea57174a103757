/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_FILE_H
#define SB_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads a whole regular file of at most limit bytes.
 * Out: *data, to be freed, with a NUL behind it that *length does not count.
 * Returns 0, -EFBIG, -EISDIR or -EINVAL for what is no regular file, or the errno of the call.
 */
int sb_file_read(const char *path, size_t limit, uint8_t **data, size_t *length);

/*
 * Replaces a file so that a crash leaves the old or the new one, never a mixture: a temporary
 * file in the same directory, fsync, rename, fsync of the directory.
 */
int sb_file_write(const char *path, const void *data, size_t length, mode_t mode);

/* Gives a file the name `to`, over what has it, so that a crash leaves one or the other there. */
int sb_file_rename(const char *from, const char *to);

/*
 * Creates a file that must not exist yet (-EEXIST). It has its name only once all of it is on the disk, so that a
 * crash leaves the whole file or none; what it may leave beside it is a temporary file, as sb_file_write() does.
 */
int sb_file_create(const char *path, const void *data, size_t length, mode_t mode);

/* Creates the directory and what is missing above it; 0 also when it is there. */
int sb_make_directory(const char *path, mode_t mode);

#endif
