/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of JSON vectors share. */
#ifndef JSON_READ_H
#define JSON_READ_H

#include <json-c/json.h>

/* For sb_cleanup(). */
static inline void put_json(json_object **object)
{
	json_object_put(*object);
}

/* A member, or NULL. */
static inline json_object *get(json_object *object, const char *name)
{
	json_object *found = NULL;

	json_object_object_get_ex(object, name, &found);
	return found;
}

#endif
