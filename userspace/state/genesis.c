// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

#include "state/crypto.h"
#include "state/tpm_public.h"

static enum sb_tx_code save_lists(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	enum sb_tx_code code = SB_TX_OK;
	uint8_t id[32];

	for (size_t i = 0; i < genesis->n_members && code == SB_TX_OK; i++)
		code = sb_run_account(run, genesis->members[i]->key.data);
	for (size_t i = 0; i < genesis->n_enrollers && code == SB_TX_OK; i++) {
		code = sb_run_account(run, genesis->enrollers[i]->key.data);
		if (code == SB_TX_OK)
			code = sb_run_save(run, SB_RECORD_ENROLLER, genesis->enrollers[i]->key.data, 32, genesis->enrollers[i]);
	}
	for (size_t i = 0; i < genesis->n_roots && code == SB_TX_OK; i++) {
		const struct sb_span whole = { genesis->roots[i]->certificate.data, genesis->roots[i]->certificate.len };

		sb_hash(SB_TPM_ALG_SHA256, &whole, 1, id);
		code = sb_run_save(run, SB_RECORD_ROOT, id, 32, genesis->roots[i]);
	}
	for (size_t i = 0; i < genesis->n_references && code == SB_TX_OK; i++)
		code = sb_run_save(run, SB_RECORD_REFERENCE, genesis->references[i]->id.data,
				   genesis->references[i]->id.len, genesis->references[i]);
	return code;
}

enum sb_tx_code sb_genesis(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	Sealbond__Members members = SEALBOND__MEMBERS__INIT;
	enum sb_tx_code code;

	if (!genesis->parameters || !genesis->n_members)
		return sb_run_refuse(run, SB_TX_FIELD, "a ledger has parameters and members");
	members.n_members = genesis->n_members;
	members.members = genesis->members;
	members.threshold = genesis->threshold;
	code = sb_run_save(run, SB_RECORD_PARAMETERS, NULL, 0, genesis->parameters);
	if (code == SB_TX_OK)
		code = sb_run_save(run, SB_RECORD_MEMBERS, NULL, 0, &members);
	if (code == SB_TX_OK && genesis->grant_keys)
		code = sb_run_save(run, SB_RECORD_GRANT_KEYS, NULL, 0, genesis->grant_keys);
	return code == SB_TX_OK ? save_lists(run, genesis) : code;
}
