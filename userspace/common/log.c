// SPDX-License-Identifier: Apache-2.0
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *log_name = "sealbondd";
static int log_debug;
static int log_journal;

void sb_log_open(const char *name, int debug)
{
	log_name = name;
	log_debug = debug;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

void sb_log(enum sb_log_level level, const char *format, ...)
{
	const char *word = level == SB_LOG_ERROR ? "error: " : level == SB_LOG_WARNING ? "warning: " : "";
	int saved = errno, used = 0;
	va_list arguments;
	char line[1024];
	ssize_t written;

	if (level == SB_LOG_DEBUG && !log_debug)
		return;
	if (log_journal)
		used = snprintf(line, sizeof(line), "<%d>", level);
	used += snprintf(line + used, sizeof(line) - used, "%s: %s", log_name, word);
	va_start(arguments, format);
	used += vsnprintf(line + used, sizeof(line) - used, format, arguments);
	va_end(arguments);
	if (used > (int)sizeof(line) - 2)
		used = sizeof(line) - 2;
	for (int i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ')
			line[i] = ' ';
	line[used++] = '\n';
	/* One write a line: lines of the roles never mix. A lost log line is no reason to fail. */
	written = write(STDERR_FILENO, line, used);
	(void)written;
	errno = saved;
}
