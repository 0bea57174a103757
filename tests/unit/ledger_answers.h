/* SPDX-License-Identifier: Apache-2.0 */
/* One endpoint's answers; ledger_server.c carries them. */
#ifndef LEDGER_ANSWERS_H
#define LEDGER_ANSWERS_H

#include "ledger_server.h"

#include <json-c/json.h>

/* An error of JSON-RPC, whose data is the text with its two numbers. */
json_object *server_error(const char *format, int64_t first, int64_t second);

/* The result of a method, or NULL and *error. */
json_object *server_result(struct server *from, const char *method, json_object *parameters, json_object **error);

#endif
