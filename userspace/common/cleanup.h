/* SPDX-License-Identifier: Apache-2.0 */
/* Cleanup attributes: every early return is safe. Each destructor accepts "nothing held". */
#ifndef SB_CLEANUP_H
#define SB_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define sb_cleanup(function)	__attribute__((cleanup(function)))

static inline void sb_free_ptr(void *pointer)
{
	free(*(void **)pointer);
}

static inline void sb_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void sb_fclose_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define sb_cleanup_free		sb_cleanup(sb_free_ptr)
#define sb_cleanup_close	sb_cleanup(sb_close_fd)
#define sb_cleanup_fclose	sb_cleanup(sb_fclose_file)

/* Gives the ownership of a pointer or a descriptor away. */
#define sb_take_ptr(pointer) ({ __typeof__(pointer) _taken = (pointer); (pointer) = NULL; _taken; })

static inline int sb_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define SB_ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
