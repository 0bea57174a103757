// SPDX-License-Identifier: Apache-2.0
#include "common/field.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#include "common/parse.h"

int sb_field_set(const struct sb_field *fields, size_t count, void *target, uint64_t *seen,
		 unsigned int *at, const struct sb_ini_line *line, struct sb_error *error)
{
	for (size_t i = 0; i < count; i++) {
		const struct sb_field *field = &fields[i];
		int result;

		if (strcmp(field->key, line->key) != 0)
			continue;
		if (*seen & 1ULL << i)
			return sb_ini_fail(error, line->file, line->number, "%s is here twice in [%s%s%s]",
					   line->key, line->section, *line->name ? " " : "", line->name);
		result = field->parse(field, line->value, (char *)target + field->offset);
		if (result < 0)
			return sb_ini_fail(error, line->file, line->number, "%s = %s: %s%s; allowed: %s",
					   line->key, line->value,
					   result == -ERANGE ? "out of bounds" : "not ",
					   result == -ERANGE ? "" : field->what, field->allowed);
		*seen |= 1ULL << i;
		if (at)
			at[i] = line->number;
		return 0;
	}
	const char *nearest = sb_nearest_word(line->key, &fields[0].key, count, sizeof(fields[0]));

	return sb_ini_fail(error, line->file, line->number, "%s: no such key in [%s]%s%s%s", line->key,
			   line->section, nearest ? "; did you mean " : "", nearest ? nearest : "",
			   nearest ? "?" : "");
}

int sb_field_text(const struct sb_field *field, const char *value, void *target)
{
	size_t length = strlen(value);

	if (length == 0)
		return -EINVAL;
	for (const char *at = value; *at; at++)
		if (!isprint((unsigned char)*at))
			return -EINVAL;
	if (length >= field->max)
		return -ERANGE;
	memcpy(target, value, length + 1);
	return 0;
}

int sb_field_path(const struct sb_field *field, const char *value, void *target)
{
	return value[0] == '/' ? sb_field_text(field, value, target) : -EINVAL;
}

static int set_number(const struct sb_field *field, uint64_t read, void *target)
{
	if (read < field->min || read > field->max)
		return -ERANGE;
	*(uint64_t *)target = read;
	return 0;
}

int sb_field_number(const struct sb_field *field, const char *value, void *target)
{
	uint64_t read;
	int result = sb_parse_u64(value, &read);

	return result < 0 ? result : set_number(field, read, target);
}

int sb_field_duration(const struct sb_field *field, const char *value, void *target)
{
	uint64_t read;
	int result = sb_parse_duration(value, &read);

	return result < 0 ? result : set_number(field, read, target);
}

int sb_field_size(const struct sb_field *field, const char *value, void *target)
{
	uint64_t read;
	int result = sb_parse_size(value, &read);

	return result < 0 ? result : set_number(field, read, target);
}

int sb_field_percent(const struct sb_field *field, const char *value, void *target)
{
	size_t length = strlen(value);
	char digits[8];
	uint64_t read;
	int result;

	if (length < 2 || length > sizeof(digits) || value[length - 1] != '%')
		return -EINVAL;
	memcpy(digits, value, length - 1);
	digits[length - 1] = '\0';
	result = sb_parse_u64(digits, &read);
	return result < 0 ? result : set_number(field, read, target);
}

int sb_field_bool(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return -EINVAL;
	*(bool *)target = value[0] == 'y';
	return 0;
}

int sb_field_choice(const struct sb_field *field, const char *value, void *target)
{
	for (unsigned int i = 0; field->choices[i]; i++) {
		if (strcmp(field->choices[i], value) == 0) {
			*(unsigned int *)target = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_prefix(const char *value, int family, void *target)
{
	struct sb_prefix read;
	int result = sb_parse_prefix(value, &read);

	if (result < 0)
		return result;
	if (family && read.family != family)
		return -EINVAL;
	*(struct sb_prefix *)target = read;
	return 0;
}

int sb_field_prefix4(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return set_prefix(value, AF_INET, target);
}

int sb_field_prefix6(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return set_prefix(value, AF_INET6, target);
}

int sb_field_prefix(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return set_prefix(value, 0, target);
}

int sb_field_endpoint(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return sb_parse_endpoint(value, target);
}

int sb_field_key(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return sb_parse_key(value, target);
}

int sb_field_pcrs(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return sb_parse_pcrs(value, target);
}

int sb_field_time(const struct sb_field *field, const char *value, void *target)
{
	(void)field;
	return sb_parse_time(value, target);
}

int sb_field_interface(const struct sb_field *field, const char *value, void *target)
{
	size_t length = strlen(value);

	(void)field;
	if (length == 0 || strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
		return -EINVAL;
	if (length >= IFNAMSIZ)
		return -ERANGE;
	for (const char *at = value; *at; at++)
		if (!isgraph((unsigned char)*at) || *at == '/' || *at == ':')
			return -EINVAL;
	memcpy(target, value, length + 1);
	return 0;
}
