// SPDX-License-Identifier: Apache-2.0
#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>

int (sb_fail)(struct sb_error *error, int number, const char *format, ...)
{
	va_list arguments;

	if (!error)
		return number;
	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return number;
}
