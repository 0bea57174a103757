/* SPDX-License-Identifier: Apache-2.0 */
/* What may pass between two devices, as people write it: tcp/502, udp/1000-2000:holder, icmp. */
#ifndef SB_RULES_H
#define SB_RULES_H

#include <stddef.h>

#include "sealbond/grant.h"

#define SB_RULE_ROOM	32
#define SB_RULES_ALLOWED	"1 to 8 of PROTOCOL[/PORT[-PORT]][:holder|:device] with commas, e.g. tcp/502,udp/1000-2000,icmp"

/* A list with commas. Returns how many there are; -EINVAL: what it is not; -ERANGE: more than SB_GRANT_RULES_MAX. */
int sb_parse_rules(const char *text, struct sb_grant_rule rules[SB_GRANT_RULES_MAX]);

/* Returns out, terminated. */
char *sb_format_rule(char out[SB_RULE_ROOM], const struct sb_grant_rule *rule);

#endif
