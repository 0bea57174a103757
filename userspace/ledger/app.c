// SPDX-License-Identifier: Apache-2.0
#include "ledger/app.h"

#include <stdlib.h>
#include <string.h>

void sb_app_answer_free(struct sb_app_answer *answer)
{
	free(answer->key);
	free(answer->value);
	for (unsigned int i = 0; i < answer->ops; i++) {
		free(answer->op[i].key);
		free(answer->op[i].data);
	}
	memset(answer, 0, sizeof(*answer));
}
