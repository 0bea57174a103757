// SPDX-License-Identifier: Apache-2.0
#include "common/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int sb_ini_fail(struct sb_error *error, const char *file, unsigned int line, const char *format, ...)
{
	va_list arguments;
	int used;

	if (!error)
		return -EINVAL;
	if (line)
		used = snprintf(error->text, sizeof(error->text), "%s:%u: ", file, line);
	else
		used = snprintf(error->text, sizeof(error->text), "%s: ", file);
	if (used < 0 || (size_t)used >= sizeof(error->text))
		return -EINVAL;
	va_start(arguments, format);
	vsnprintf(error->text + used, sizeof(error->text) - (size_t)used, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Levenshtein's distance, for words shorter than SB_INI_NAME_MAX. */
static size_t distance(const char *a, const char *b)
{
	size_t row[SB_INI_NAME_MAX + 1], n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *sb_nearest_word(const char *word, const void *words, size_t count, size_t stride)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 2 + 2;

	if (strlen(word) >= SB_INI_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *other = *(const char *const *)((const char *)words + i * stride);
		size_t d = strlen(other) < SB_INI_NAME_MAX ? distance(word, other) : best_distance;

		if (d < best_distance) {
			best_distance = d;
			best = other;
		}
	}
	return best;
}

static char *strip(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static bool is_word(const char *text)
{
	if (!*text || strlen(text) >= SB_INI_NAME_MAX)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("_-.", *text))
			return false;
	return true;
}

struct reader {
	struct sb_ini_line line;
	char section[SB_INI_NAME_MAX];
	char name[SB_INI_NAME_MAX];
};

static int read_section(struct reader *reader, char *text, struct sb_error *error)
{
	const struct sb_ini_line *line = &reader->line;
	size_t length = strlen(text);
	char *blank, *name = text + length;

	if (text[length - 1] != ']')
		return sb_ini_fail(error, line->file, line->number, "%s: a section ends with ]", text);
	text[length - 1] = '\0';
	text = strip(text + 1);
	blank = strpbrk(text, " \t");
	if (blank) {
		*blank = '\0';
		name = strip(blank + 1);
	} else {
		name = text + strlen(text);
	}
	if (!is_word(text) || (*name && !is_word(name)))
		return sb_ini_fail(error, line->file, line->number,
				   "not a section; allowed: [word] or [word NAME], of letters, digits, _ - ., each up to %d",
				   SB_INI_NAME_MAX - 1);
	memcpy(reader->section, text, strlen(text) + 1);
	memcpy(reader->name, name, strlen(name) + 1);
	return 0;
}

/* One line, terminated and without its newline; it is changed. */
static int read_line(struct reader *reader, char *text, sb_ini_handler handler, void *context,
		     struct sb_error *error)
{
	struct sb_ini_line *line = &reader->line;
	char *equals;
	int result;

	line->key = line->value = NULL;
	text = strip(text);
	if (*text == '\0' || *text == '#' || *text == ';')
		return 0;
	if (*text == '[') {
		result = read_section(reader, text, error);
		return result < 0 ? result : handler(context, line, error);
	}
	equals = strchr(text, '=');
	if (!equals)
		return sb_ini_fail(error, line->file, line->number,
				   "neither a [section] nor \"key = value\" nor a # comment");
	*equals = '\0';
	line->key = strip(text);
	line->value = strip(equals + 1);
	if (!is_word(line->key))
		return sb_ini_fail(error, line->file, line->number, "no key in front of the =");
	if (!reader->section[0])
		return sb_ini_fail(error, line->file, line->number, "%s stands before the first [section]",
				   line->key);
	return handler(context, line, error);
}

int sb_ini_read(const char *file, const char *text, size_t length, sb_ini_handler handler,
		void *context, struct sb_error *error)
{
	struct reader reader = { .line = { .file = file } };
	char line[SB_INI_LINE_MAX + 1];

	reader.line.section = reader.section;
	reader.line.name = reader.name;
	while (length > 0) {
		const char *newline = memchr(text, '\n', length);
		size_t size = newline ? (size_t)(newline - text) : length;
		int result;

		reader.line.number++;
		if (size > SB_INI_LINE_MAX)
			return sb_ini_fail(error, file, reader.line.number, "longer than %d bytes", SB_INI_LINE_MAX);
		if (memchr(text, '\0', size))
			return sb_ini_fail(error, file, reader.line.number, "a NUL byte: not a text file");
		memcpy(line, text, size);
		line[size] = '\0';
		result = read_line(&reader, line, handler, context, error);
		if (result != 0)
			return result;
		size += newline ? 1 : 0;
		text += size;
		length -= size;
	}
	return 0;
}
