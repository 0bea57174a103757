/* SPDX-License-Identifier: Apache-2.0 */
/* The light client as a part of the ledger role's port. All of it from one thread. */
#ifndef SB_LEDGER_LIGHT_H
#define SB_LEDGER_LIGHT_H

#include "common/config.h"
#include "device/ledger_port.h"

struct sb_ledger_light;

/* directory: of what is trusted. tls_roots: the file's text, or NULL. config has to stay. 0, or a negative errno with a sentence. */
int sb_ledger_light_open(const struct sb_config *config, const char *directory, const char *tls_roots,
			 struct sb_ledger_light **light, struct sb_error *error);
void sb_ledger_light_close(struct sb_ledger_light *light);

/* Of the port: context is the struct sb_ledger_light. */
int sb_ledger_light_sync(struct sb_ledger_light *light, struct sb_head *head, struct sb_error *error);
int sb_ledger_light_read(struct sb_ledger_light *light, const void *key, size_t length, struct sb_port_record *record,
			 struct sb_error *error);
int sb_ledger_light_submit(struct sb_ledger_light *light, const uint8_t *tx, size_t length, struct sb_port_taken *taken,
			   struct sb_error *error);
int sb_ledger_light_ask(struct sb_ledger_light *light, unsigned int endpoint, const char *path, const void *data,
			size_t length, uint8_t **answer, size_t *answer_length, struct sb_error *error);
unsigned int sb_ledger_light_endpoints(struct sb_ledger_light *light);
void sb_ledger_light_learn(struct sb_ledger_light *light, const char *const *url, size_t count);
int sb_ledger_light_members(struct sb_ledger_light *light, const uint8_t *record, size_t length, int64_t height,
			    struct sb_error *error);
int sb_ledger_light_succeed(struct sb_ledger_light *light, const uint8_t *record, size_t length, struct sb_error *error);
/* The address from which an endpoint was reached last, with this port, or what the configuration says. */
size_t sb_ledger_light_addresses(struct sb_ledger_light *light, char (*address)[72], size_t room);

/* Are there endpoints that are given by a name? */
bool sb_ledger_light_named(const struct sb_ledger_light *light);

/* Endpoints and bytes into a report. */
void sb_ledger_light_report(const struct sb_ledger_light *light, struct sb_ledger_reply *reply);

#endif
