// SPDX-License-Identifier: GPL-2.0-only
#include "crypto.h"
#include "seal_policy.h"
#include "tpm_ids.h"
#include "tpm_kdf.h"
#include "tpm_session.h"

/* A command through a session: one handle, its Name, and the parameters. */
struct session_cmd {
	u16 code;
	u8 attributes;			/* TPMA_SESSION */
	u32 handle;
	const u8 *name;
	u32 name_len;
	struct sb_wr *params;		/* NULL: none */
};

/* salt = KDFe(ECDH with the key); *secret gets TPM2B_ENCRYPTED_SECRET. */
static int put_salt(struct sb_wr *secret, const struct sb_tpm_key *key,
		    u8 salt[SB_DIGEST_LEN])
{
	struct sb_p256 ephemeral;
	u8 z[32];
	int err;

	err = sb_p256_ephemeral(&ephemeral, z, &key->point);
	if (err)
		return err;
	sb_kdfe(salt, z, "SECRET", ephemeral.x, key->point.x);
	memzero_explicit(z, sizeof(z));
	sb_put16(secret, 2 * (2 + 32));
	sb_put2b(secret, ephemeral.x, sizeof(ephemeral.x));
	sb_put2b(secret, ephemeral.y, sizeof(ephemeral.y));
	return 0;
}

int sb_session_start(struct sb_tpm *tpm, struct sb_session *s, u8 type,
		     const struct sb_tpm_key *salt_key)
{
	u8 salt[SB_DIGEST_LEN];
	const u8 *nonce;
	u16 n;
	int rc;

	memset(s, 0, sizeof(*s));
	rc = sb_random(s->nonce_caller, sizeof(s->nonce_caller));
	if (rc)
		return rc;
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_START_AUTH);
	sb_put32(&tpm->out, salt_key->handle);
	sb_put32(&tpm->out, SB_TPM_RH_NULL);		/* bound to no entity */
	sb_put2b(&tpm->out, s->nonce_caller, sizeof(s->nonce_caller));
	rc = put_salt(&tpm->out, salt_key, salt);
	if (rc)
		return rc;
	sb_put8(&tpm->out, type);
	sb_put16(&tpm->out, SB_ALG_AES);
	sb_put16(&tpm->out, 128);
	sb_put16(&tpm->out, SB_ALG_CFB);
	sb_put16(&tpm->out, SB_ALG_SHA256);
	rc = sb_tpm_send(tpm);
	if (rc)
		goto out;
	s->handle = sb_get32(&tpm->in);
	nonce = sb_get2b(&tpm->in, &n);
	if (!nonce || n != sizeof(s->nonce_tpm) || !sb_rd_done(&tpm->in)) {
		rc = -EBADMSG;
		goto out;
	}
	memcpy(s->nonce_tpm, nonce, sizeof(s->nonce_tpm));
	sb_kdfa(s->key, sizeof(s->key), salt, "ATH", s->nonce_tpm, s->nonce_caller);
out:
	memzero_explicit(salt, sizeof(salt));
	return rc;
}

void sb_session_end(struct sb_tpm *tpm, struct sb_session *s)
{
	sb_tpm_flush(tpm, &s->handle);
	memzero_explicit(s, sizeof(*s));
}

/* In place; encrypt: a parameter of the command, else one of the response. */
static void crypt_param(const struct sb_session *s, bool encrypt, u8 *data, u32 len)
{
	u8 k[2 * SB_AES128_LEN];	/* key, IV */

	if (encrypt) {
		sb_kdfa(k, sizeof(k), s->key, "CFB", s->nonce_caller, s->nonce_tpm);
		sb_cfb_encrypt(k, k + SB_AES128_LEN, data, len);
	} else {
		sb_kdfa(k, sizeof(k), s->key, "CFB", s->nonce_tpm, s->nonce_caller);
		sb_cfb_decrypt(k, k + SB_AES128_LEN, data, len);
	}
	memzero_explicit(k, sizeof(k));
}

static void session_hmac(u8 out[SB_HASH_LEN], const struct sb_session *s,
			 const u8 digest[SB_HASH_LEN], const u8 *newer, const u8 *older,
			 u8 attributes)
{
	struct sb_hmac h;

	sb_hmac_init(&h, s->key, sizeof(s->key));
	sb_hmac_update(&h, digest, SB_HASH_LEN);
	sb_hmac_update(&h, newer, SB_DIGEST_LEN);
	sb_hmac_update(&h, older, SB_DIGEST_LEN);
	sb_hmac_update(&h, &attributes, 1);
	sb_hmac_final(&h, out);
}

static void command_hmac(u8 out[SB_HASH_LEN], const struct sb_session *s,
			 const struct session_cmd *cmd)
{
	__be32 code = cpu_to_be32(cmd->code);
	struct sb_sha256 sha;
	u8 digest[SB_HASH_LEN];

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, &code, sizeof(code));
	sb_sha256_update(&sha, cmd->name, cmd->name_len);
	if (cmd->params)
		sb_sha256_update(&sha, cmd->params->data, cmd->params->len);
	sb_sha256_final(&sha, digest);
	session_hmac(out, s, digest, s->nonce_caller, s->nonce_tpm, cmd->attributes);
}

static void response_hmac(u8 out[SB_HASH_LEN], const struct sb_session *s, u16 code,
			  const struct sb_rd *params, u8 attributes)
{
	__be32 head[2] = { 0, cpu_to_be32(code) };	/* response code, command code */
	struct sb_sha256 sha;
	u8 digest[SB_HASH_LEN];

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, head, sizeof(head));
	sb_sha256_update(&sha, params->data, params->len);
	sb_sha256_final(&sha, digest);
	session_hmac(out, s, digest, s->nonce_tpm, s->nonce_caller, attributes);
}

/* The response's authorisation area, and nothing behind it. */
static int check_response(struct sb_tpm *tpm, struct sb_session *s,
			  const struct session_cmd *cmd, const struct sb_rd *params)
{
	u8 want[SB_HASH_LEN], attributes;
	const u8 *nonce, *hmac;
	u16 nonce_len, hmac_len;

	nonce = sb_get2b(&tpm->in, &nonce_len);
	attributes = sb_get8(&tpm->in);
	hmac = sb_get2b(&tpm->in, &hmac_len);
	if (!sb_rd_done(&tpm->in) || nonce_len != sizeof(s->nonce_tpm) ||
	    hmac_len != sizeof(want))
		return -EBADMSG;
	memcpy(s->nonce_tpm, nonce, sizeof(s->nonce_tpm));
	response_hmac(want, s, cmd->code, params, attributes);
	if (sb_memneq(want, hmac, sizeof(want)))
		return -EBADMSG;
	if (!(attributes & SB_SA_CONTINUE))
		s->handle = 0;		/* the TPM has ended it */
	return 0;
}

/* *params gets the response's, still encrypted if SB_SA_ENCRYPT was asked for. */
static int run(struct sb_tpm *tpm, struct sb_session *s, const struct session_cmd *cmd,
	       struct sb_rd *params)
{
	u8 hmac[SB_HASH_LEN];
	struct sb_rd p;
	int rc;

	if (cmd->params && cmd->params->bad)
		return -EMSGSIZE;
	rc = sb_random(s->nonce_caller, sizeof(s->nonce_caller));
	if (rc)
		return rc;
	if (cmd->attributes & SB_SA_DECRYPT)
		crypt_param(s, true, cmd->params->data + 2,
			    get_unaligned_be16(cmd->params->data));
	command_hmac(hmac, s, cmd);

	sb_tpm_begin(tpm, TPM2_ST_SESSIONS, cmd->code);
	sb_put32(&tpm->out, cmd->handle);
	sb_put32(&tpm->out, 4 + 2 + SB_DIGEST_LEN + 1 + 2 + SB_HASH_LEN);
	sb_put32(&tpm->out, s->handle);
	sb_put2b(&tpm->out, s->nonce_caller, sizeof(s->nonce_caller));
	sb_put8(&tpm->out, cmd->attributes);
	sb_put2b(&tpm->out, hmac, sizeof(hmac));
	if (cmd->params)
		sb_put(&tpm->out, cmd->params->data, cmd->params->len);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	rc = sb_tpm_params(tpm, &p);
	if (!rc)
		rc = check_response(tpm, s, cmd, &p);
	if (!rc)
		*params = p;
	return rc;
}

static bool get_part(struct sb_rd *r, struct sb_bytes *part)
{
	part->data = sb_get2b_whole(r, &part->len);
	return part->data;
}

int sb_session_create(struct sb_tpm *tpm, struct sb_session *s,
		      const struct sb_tpm_key *parent, const u8 secret[SB_DIGEST_LEN],
		      const u8 policy[SB_DIGEST_LEN], const u8 outside_info[SB_DIGEST_LEN],
		      u32 pcr_mask, struct sb_blob *blob)
{
	u8 buf[256], public[SB_SEALED_PUBLIC_LEN], selection[SB_PCR_SELECTION_LEN];
	struct sb_wr params = sb_wr_of(buf, sizeof(buf));
	struct session_cmd cmd = {
		.code = TPM2_CC_CREATE,
		.attributes = SB_SA_CONTINUE | SB_SA_DECRYPT,
		.handle = parent->handle,
		.name = parent->name,
		.name_len = sizeof(parent->name),
		.params = &params,
	};
	struct sb_blob b = *blob;
	struct sb_rd r;
	int rc;

	sb_put16(&params, 2 + 2 + SB_DIGEST_LEN);	/* inSensitive */
	sb_put16(&params, 0);				/* no password */
	sb_put2b(&params, secret, SB_DIGEST_LEN);
	sb_put2b(&params, public, sb_sealed_public(public, policy, NULL));
	sb_put2b(&params, outside_info, SB_DIGEST_LEN);
	sb_pcr_selection(selection, pcr_mask);
	sb_put(&params, selection, sizeof(selection));
	rc = run(tpm, s, &cmd, &r);
	memzero_explicit(buf, sizeof(buf));
	if (rc)
		return rc;
	if (!get_part(&r, &b.private) || !get_part(&r, &b.public) ||
	    !get_part(&r, &b.creation) || !get_part(&r, &b.hash) || sb_left(&r) > U16_MAX)
		return -EBADMSG;
	b.ticket.len = sb_left(&r);
	b.ticket.data = sb_get(&r, b.ticket.len);
	if (!sb_rd_done(&r))
		return -EBADMSG;
	b.policy = policy;
	*blob = b;
	return 0;
}

static int policy_pcr(struct sb_tpm *tpm, struct sb_session *s, u32 pcr_mask,
		      const u8 pcr_digest[SB_DIGEST_LEN])
{
	u8 selection[SB_PCR_SELECTION_LEN];

	sb_pcr_selection(selection, pcr_mask);
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_POLICY_PCR);
	sb_put32(&tpm->out, s->handle);
	sb_put2b(&tpm->out, pcr_digest, SB_DIGEST_LEN);
	sb_put(&tpm->out, selection, sizeof(selection));
	return sb_tpm_send(tpm);
}

int sb_session_policy(struct sb_tpm *tpm, struct sb_session *s, u32 pcr_mask,
		      const u8 pcr_digest[SB_DIGEST_LEN], const u8 approved[SB_DIGEST_LEN],
		      const u8 policy_ref[SB_DIGEST_LEN], const u8 name[SB_TPM_NAME_LEN],
		      const struct sb_tpm_ticket *ticket)
{
	int rc = policy_pcr(tpm, s, pcr_mask, pcr_digest);

	if (rc)
		return rc;
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_POLICY_AUTHORIZE);
	sb_put32(&tpm->out, s->handle);
	sb_put2b(&tpm->out, approved, SB_DIGEST_LEN);
	sb_put2b(&tpm->out, policy_ref, SB_DIGEST_LEN);
	sb_put2b(&tpm->out, name, SB_TPM_NAME_LEN);
	sb_put(&tpm->out, ticket->data, ticket->len);
	return sb_tpm_send(tpm);
}

int sb_session_unseal(struct sb_tpm *tpm, struct sb_session *s, u32 object,
		      const u8 name[SB_TPM_NAME_LEN], bool more, u8 secret[SB_DIGEST_LEN])
{
	struct session_cmd cmd = {
		.code = TPM2_CC_UNSEAL,
		.attributes = SB_SA_ENCRYPT | (more ? SB_SA_CONTINUE : 0),
		.handle = object,
		.name = name,
		.name_len = SB_TPM_NAME_LEN,
	};
	struct sb_rd r;
	const u8 *data;
	u16 n;
	int rc;

	rc = run(tpm, s, &cmd, &r);
	if (rc)
		return rc;
	data = sb_get2b(&r, &n);
	if (!data || n != SB_DIGEST_LEN || !sb_rd_done(&r))
		return -EBADMSG;
	memcpy(secret, data, SB_DIGEST_LEN);
	crypt_param(s, false, secret, SB_DIGEST_LEN);
	return 0;
}

int sb_session_extend(struct sb_tpm *tpm, struct sb_session *s, u8 pcr,
		      const u8 digest[SB_DIGEST_LEN])
{
	u8 buf[4 + TPM2_MAX_PCR_BANKS * (2 + TPM2_MAX_DIGEST_SIZE)], name[4];
	struct sb_wr params = sb_wr_of(buf, sizeof(buf));
	struct session_cmd cmd = {
		.code = TPM2_CC_PCR_EXTEND,
		.handle = pcr,
		.name = name,		/* the Name of a PCR is its handle */
		.name_len = sizeof(name),
		.params = &params,
	};
	struct sb_rd r;
	int rc;

	put_unaligned_be32(pcr, name);
	sb_tpm_put_digests(&params, tpm, digest);
	rc = run(tpm, s, &cmd, &r);
	if (!rc && !sb_rd_done(&r))
		rc = -EBADMSG;
	return rc;
}
