// SPDX-License-Identifier: GPL-2.0-only
#include <linux/gfp.h>
#include <linux/ktime.h>

#include "crypto.h"
#include "seal_policy.h"
#include "tpm_cmd.h"
#include "tpm_ids.h"

/* No PCR_Read answers more than eight values; a TPM that gives one at a time is served. */
#define PCR_READS_MAX	SB_PCRS

int sb_tpm_open(struct sb_tpm *tpm)
{
	struct tpm_chip *chip = tpm_default_chip();
	void *page;

	if (!chip)
		return -ENODEV;
	if (tpm_is_tpm2(chip) <= 0) {
		put_device(&chip->dev);
		return -ENODEV;
	}
	page = (void *)get_zeroed_page(GFP_KERNEL);
	if (!page) {
		put_device(&chip->dev);
		return -ENOMEM;
	}
	tpm->chip = chip;
	tpm->page = page;
	return 0;
}

void sb_tpm_close(struct sb_tpm *tpm)
{
	if (!tpm->chip)
		return;
	memzero_explicit(tpm->page, PAGE_SIZE);
	free_page((unsigned long)tpm->page);
	put_device(&tpm->chip->dev);
	tpm->chip = NULL;
}

bool sb_tpm_is_virtual(const struct sb_tpm *tpm)
{
	return tpm->chip->flags & TPM_CHIP_FLAG_VIRTUAL;
}

/*
 * The core gives some commands, PCR_Extend among them, less than a second. A TPM that needs
 * longer would do what was asked and be called broken: it gets the time of the slowest.
 * The chip is held, nobody else looks at these. (7.x keeps fixed times for TPM 2.0.)
 */
static void be_patient(struct sb_tpm *tpm)
{
	unsigned long *duration = tpm->chip->duration;

	memcpy(tpm->duration, duration, sizeof(tpm->duration));
	duration[TPM_SHORT] = duration[TPM_LONG_LONG];
	duration[TPM_MEDIUM] = duration[TPM_LONG_LONG];
	duration[TPM_LONG] = duration[TPM_LONG_LONG];
}

int sb_tpm_hold(struct sb_tpm *tpm)
{
	if (tpm_try_get_ops(tpm->chip))
		return -ENODEV;
	be_patient(tpm);
	return 0;
}

void sb_tpm_release(struct sb_tpm *tpm)
{
	memcpy(tpm->chip->duration, tpm->duration, sizeof(tpm->duration));
	tpm_put_ops(tpm->chip);
}

void sb_tpm_begin(struct sb_tpm *tpm, u16 tag, u16 code)
{
	u32 cap;
	u8 *data;

	/* The last response may have held an unsealed key. */
	memzero_explicit(tpm->page, PAGE_SIZE);
	data = sb_compat_tpm_data(tpm->page, &cap);
	tpm->out = sb_wr_of(data, cap);
	tpm->in = sb_rd_of(data, 0);
	tpm->code = code;
	sb_put16(&tpm->out, tag);
	sb_put32(&tpm->out, 0);		/* the length, set by send */
	sb_put32(&tpm->out, code);
}

int sb_tpm_send(struct sb_tpm *tpm)
{
	u64 start = ktime_get_ns();
	ssize_t rc;
	u32 len;

	if (tpm->out.bad)
		return -EMSGSIZE;
	put_unaligned_be32(tpm->out.len, tpm->out.data + 2);
	rc = sb_compat_tpm_transmit(tpm->chip, tpm->page, tpm->out.len);
	if (tpm->sent)
		tpm->sent(tpm, tpm->code, rc, div_u64(ktime_get_ns() - start, NSEC_PER_USEC));
	if (rc)
		return rc;
	len = get_unaligned_be32(tpm->out.data + 2);
	if (len < TPM_HEADER_SIZE || len > tpm->out.cap)
		return -EBADMSG;
	tpm->in = sb_rd_of(tpm->out.data, len);
	sb_get(&tpm->in, TPM_HEADER_SIZE);
	return 0;
}

int sb_tpm_params(struct sb_tpm *tpm, struct sb_rd *params)
{
	u32 n = sb_get32(&tpm->in);
	const u8 *p = sb_get(&tpm->in, n);

	if (!p)
		return -EBADMSG;
	*params = sb_rd_of(p, n);
	return 0;
}

/* The authorisation area of an empty password. */
static void put_password(struct sb_wr *w)
{
	sb_put32(w, 4 + 2 + 1 + 2);
	sb_put32(w, TPM2_RS_PW);
	sb_put16(w, 0);
	sb_put8(w, 0);
	sb_put16(w, 0);
}

void sb_tpm_flush(struct sb_tpm *tpm, u32 *handle)
{
	if (!*handle)
		return;
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, TPM2_CC_FLUSH_CONTEXT);
	sb_put32(&tpm->out, *handle);
	sb_tpm_send(tpm);
	*handle = 0;
}

/*
 * TPM2B_PUBLIC of a storage key. The Name is computed, not believed. -EPROTOTYPE for RSA,
 * -EKEYREJECTED for another kind, -EBADMSG for no public area at all.
 */
static int get_storage_key(struct sb_rd *r, struct sb_tpm_key *key)
{
	u16 len, n;
	const u8 *area = sb_get2b(r, &len);
	const u8 *x, *y;
	struct sb_rd p;
	u32 attributes;
	u16 type, bits;

	if (!area)
		return -EBADMSG;
	p = sb_rd_of(area, len);
	type = sb_get16(&p);
	if (type == SB_ALG_RSA)
		return -EPROTOTYPE;
	if (type != SB_ALG_ECC || sb_get16(&p) != SB_ALG_SHA256)
		return -EKEYREJECTED;
	attributes = sb_get32(&p);
	if ((attributes & SB_STORAGE_MUST) != SB_STORAGE_MUST ||
	    (attributes & SB_STORAGE_MUST_NOT))
		return -EKEYREJECTED;
	sb_get2b(&p, &n);			/* authPolicy: any */
	if (sb_get16(&p) != SB_ALG_AES)
		return -EKEYREJECTED;
	bits = sb_get16(&p);
	if ((bits != 128 && bits != 256) || sb_get16(&p) != SB_ALG_CFB)
		return -EKEYREJECTED;
	if (sb_get16(&p) != SB_ALG_NULL ||	/* scheme */
	    sb_get16(&p) != SB_CURVE_P256 || sb_get16(&p) != SB_ALG_NULL)
		return -EKEYREJECTED;
	x = sb_get2b(&p, &n);
	if (!x || n != sizeof(key->point.x))
		return -EKEYREJECTED;
	y = sb_get2b(&p, &n);
	if (!y || n != sizeof(key->point.y) || !sb_rd_done(&p))
		return -EKEYREJECTED;
	memcpy(key->point.x, x, sizeof(key->point.x));
	memcpy(key->point.y, y, sizeof(key->point.y));
	put_unaligned_be16(SB_ALG_SHA256, key->name);
	sb_sha256(key->name + 2, area, len);
	return 0;
}

/*
 * The Name that the TPM tells for a key must be the one computed: a public area that was
 * damaged on its way would else be taken for the key of another TPM, or of a cleared one.
 */
static int check_name(struct sb_rd *r, const struct sb_tpm_key *key)
{
	const u8 *name;
	u16 n;

	name = sb_get2b(r, &n);
	if (!name || n != sizeof(key->name) || memcmp(name, key->name, n))
		return -EBADMSG;
	return 0;
}

int sb_tpm_read_storage_key(struct sb_tpm *tpm, u32 handle, struct sb_tpm_key *key)
{
	struct sb_tpm_key k = { .handle = handle };
	int rc;

	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_READ_PUBLIC);
	sb_put32(&tpm->out, handle);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	rc = get_storage_key(&tpm->in, &k);
	if (!rc)
		rc = check_name(&tpm->in, &k);
	if (!rc)
		*key = k;
	return rc;
}

/* TPMT_PUBLIC: the template of both primaries. */
static void put_primary_template(struct sb_wr *w)
{
	static const u8 zero[32];

	sb_put16(w, 2 + 2 + 4 + 2 + 6 + 2 + 2 + 2 + 34 + 34);
	sb_put16(w, SB_ALG_ECC);
	sb_put16(w, SB_ALG_SHA256);
	sb_put32(w, SB_STORAGE_ATTRIBUTES);
	sb_put16(w, 0);			/* authPolicy */
	sb_put16(w, SB_ALG_AES);
	sb_put16(w, 128);
	sb_put16(w, SB_ALG_CFB);
	sb_put16(w, SB_ALG_NULL);	/* scheme */
	sb_put16(w, SB_CURVE_P256);
	sb_put16(w, SB_ALG_NULL);	/* kdf */
	sb_put2b(w, zero, sizeof(zero));
	sb_put2b(w, zero, sizeof(zero));
}

/* The parameters of CreatePrimary's response. */
static int get_primary(struct sb_rd *r, struct sb_tpm_key *key)
{
	int rc = get_storage_key(r, key);
	u16 n;

	if (rc)
		return rc;
	sb_get2b(r, &n);		/* creationData */
	sb_get2b(r, &n);		/* creationHash */
	sb_get(r, 2 + 4);		/* creationTicket: tag, hierarchy, digest */
	sb_get2b(r, &n);
	rc = check_name(r, key);
	if (!rc && !sb_rd_done(r))
		rc = -EBADMSG;
	return rc;
}

int sb_tpm_create_primary(struct sb_tpm *tpm, u32 hierarchy, struct sb_tpm_key *key)
{
	struct sb_tpm_key k = { .transient = true };
	struct sb_rd params;
	int rc;

	sb_tpm_begin(tpm, TPM2_ST_SESSIONS, TPM2_CC_CREATE_PRIMARY);
	sb_put32(&tpm->out, hierarchy);
	put_password(&tpm->out);
	sb_put16(&tpm->out, 4);		/* inSensitive: no password, no data */
	sb_put32(&tpm->out, 0);
	put_primary_template(&tpm->out);
	sb_put16(&tpm->out, 0);		/* outsideInfo */
	sb_put32(&tpm->out, 0);		/* creationPCR */
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	k.handle = sb_get32(&tpm->in);
	if (tpm->in.bad)
		return -EBADMSG;
	rc = sb_tpm_params(tpm, &params);
	if (!rc)
		rc = get_primary(&params, &k);
	if (rc) {
		sb_tpm_flush(tpm, &k.handle);
		return rc;
	}
	*key = k;
	return 0;
}

int sb_tpm_persist(struct sb_tpm *tpm, u32 handle, u32 persistent)
{
	sb_tpm_begin(tpm, TPM2_ST_SESSIONS, SB_CC_EVICT_CONTROL);
	sb_put32(&tpm->out, SB_TPM_RH_OWNER);
	sb_put32(&tpm->out, handle);
	put_password(&tpm->out);
	sb_put32(&tpm->out, persistent);
	return sb_tpm_send(tpm);
}

/* TPML_PCR_SELECTION in a response: the PCRs of its SHA-256 bank. */
static u32 get_pcr_selection(struct sb_rd *r)
{
	u32 count = sb_get32(r), mask = 0;
	const u8 *select;
	u16 alg;
	u8 n, i;

	while (count-- && !r->bad) {
		alg = sb_get16(r);
		n = sb_get8(r);
		select = sb_get(r, n);
		if (!select || alg != SB_ALG_SHA256)
			continue;
		for (i = 0; i < n && i < 3; i++)
			mask |= (u32)select[i] << (8 * i);
	}
	return mask;
}

/* One PCR_Read. *got: the PCRs that were among the answer, perhaps none. */
static int pcr_read_some(struct sb_tpm *tpm, u32 mask, u8 value[SB_PCRS][SB_DIGEST_LEN],
			 u32 *got)
{
	u8 selection[SB_PCR_SELECTION_LEN];
	u32 answered, count;
	const u8 *p;
	unsigned int i;
	u16 n;
	int rc;

	sb_pcr_selection(selection, mask);
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, TPM2_CC_PCR_READ);
	sb_put(&tpm->out, selection, sizeof(selection));
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	sb_get32(&tpm->in);		/* pcrUpdateCounter */
	answered = get_pcr_selection(&tpm->in);
	count = sb_get32(&tpm->in);
	if (answered & ~mask || hweight32(answered) != count)
		return -EBADMSG;
	for (i = 0; i < SB_PCRS; i++) {
		if (!(answered & BIT(i)))
			continue;
		p = sb_get2b(&tpm->in, &n);
		if (!p || n != SB_DIGEST_LEN)
			return -EBADMSG;
		memcpy(value[i], p, SB_DIGEST_LEN);
	}
	if (!sb_rd_done(&tpm->in))
		return -EBADMSG;
	*got = answered;
	return 0;
}

int sb_tpm_pcr_read(struct sb_tpm *tpm, u32 mask, u8 value[SB_PCRS][SB_DIGEST_LEN],
		    u32 *valid)
{
	unsigned int reads;
	u32 have = 0, got;
	int rc;

	for (reads = 0; (mask & ~have) && reads < PCR_READS_MAX; reads++) {
		rc = pcr_read_some(tpm, mask & ~have, value, &got);
		if (rc)
			return rc;
		if (!got)
			break;		/* the rest is not there */
		have |= got;
	}
	*valid = have;
	return 0;
}

int sb_tpm_read_clock(struct sb_tpm *tpm, u32 *reset_count, u32 *restart_count)
{
	u32 reset, restart;
	int rc;

	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_READ_CLOCK);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	sb_get(&tpm->in, 8 + 8);	/* time, clock */
	reset = sb_get32(&tpm->in);
	restart = sb_get32(&tpm->in);
	sb_get8(&tpm->in);		/* safe */
	if (!sb_rd_done(&tpm->in))
		return -EBADMSG;
	*reset_count = reset;
	*restart_count = restart;
	return 0;
}

/* After a command that loads: the handle, when the TPM's Name for it is the wanted one. */
static int loaded(struct sb_tpm *tpm, struct sb_rd *params, u32 handle,
		  const u8 want[SB_TPM_NAME_LEN], u32 *out)
{
	const u8 *name;
	u16 n;

	name = sb_get2b(params, &n);
	if (!name || n != SB_TPM_NAME_LEN || !sb_rd_done(params) || memcmp(name, want, n)) {
		sb_tpm_flush(tpm, &handle);
		return -EBADMSG;
	}
	*out = handle;
	return 0;
}

int sb_tpm_load_release_key(struct sb_tpm *tpm, const u8 x[SB_DIGEST_LEN],
			    const u8 y[SB_DIGEST_LEN], u32 *handle)
{
	u8 public[SB_RELEASE_PUBLIC_LEN], name[SB_TPM_NAME_LEN];
	struct sb_rd params;
	u32 h;
	int rc;

	sb_release_public(public, x, y);
	sb_release_name(name, x, y);
	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, SB_CC_LOAD_EXTERNAL);
	sb_put16(&tpm->out, 0);		/* inPrivate: none */
	sb_put2b(&tpm->out, public, sizeof(public));
	sb_put32(&tpm->out, SB_TPM_RH_OWNER);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	h = sb_get32(&tpm->in);
	if (tpm->in.bad)
		return -EBADMSG;
	params = tpm->in;
	return loaded(tpm, &params, h, name, handle);
}

int sb_tpm_verify(struct sb_tpm *tpm, u32 key, const u8 digest[SB_DIGEST_LEN],
		  const u8 r[SB_DIGEST_LEN], const u8 s[SB_DIGEST_LEN],
		  struct sb_tpm_ticket *ticket)
{
	u32 n;
	int rc;

	sb_tpm_begin(tpm, TPM2_ST_NO_SESSIONS, TPM2_CC_VERIFY_SIGNATURE);
	sb_put32(&tpm->out, key);
	sb_put2b(&tpm->out, digest, SB_DIGEST_LEN);
	sb_put16(&tpm->out, SB_ALG_ECDSA);
	sb_put16(&tpm->out, SB_ALG_SHA256);
	sb_put2b(&tpm->out, r, SB_DIGEST_LEN);
	sb_put2b(&tpm->out, s, SB_DIGEST_LEN);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	n = sb_left(&tpm->in);
	if (n < 2 + 4 + 2 || n > sizeof(ticket->data))
		return -EBADMSG;
	memcpy(ticket->data, sb_get(&tpm->in, n), n);
	ticket->len = n;
	return 0;
}

int sb_tpm_load(struct sb_tpm *tpm, const struct sb_tpm_key *parent,
		const struct sb_blob *blob, u32 *handle)
{
	u8 name[SB_TPM_NAME_LEN];
	struct sb_rd params;
	u32 h;
	int rc;

	sb_blob_name(name, blob);
	sb_tpm_begin(tpm, TPM2_ST_SESSIONS, TPM2_CC_LOAD);
	sb_put32(&tpm->out, parent->handle);
	put_password(&tpm->out);
	sb_put(&tpm->out, blob->private.data, blob->private.len);
	sb_put(&tpm->out, blob->public.data, blob->public.len);
	rc = sb_tpm_send(tpm);
	if (rc)
		return rc;
	h = sb_get32(&tpm->in);
	if (tpm->in.bad)
		return -EBADMSG;
	rc = sb_tpm_params(tpm, &params);
	if (rc) {
		sb_tpm_flush(tpm, &h);
		return rc;
	}
	return loaded(tpm, &params, h, name, handle);
}

void sb_tpm_put_digests(struct sb_wr *w, const struct sb_tpm *tpm,
			const u8 digest[SB_DIGEST_LEN])
{
	u32 i, n = min_t(u32, tpm->chip->nr_allocated_banks, TPM2_MAX_PCR_BANKS);
	u8 padded[TPM2_MAX_DIGEST_SIZE] = {};

	memcpy(padded, digest, SB_DIGEST_LEN);
	sb_put32(w, n);
	for (i = 0; i < n; i++) {
		const struct tpm_bank_info *bank = &tpm->chip->allocated_banks[i];

		sb_put16(w, bank->alg_id);
		sb_put(w, padded, min_t(u32, bank->digest_size, sizeof(padded)));
	}
}

int sb_tpm_extend_plain(struct sb_tpm *tpm, u8 pcr, const u8 digest[SB_DIGEST_LEN])
{
	sb_tpm_begin(tpm, TPM2_ST_SESSIONS, TPM2_CC_PCR_EXTEND);
	sb_put32(&tpm->out, pcr);
	put_password(&tpm->out);
	sb_tpm_put_digests(&tpm->out, tpm, digest);
	return sb_tpm_send(tpm);
}
