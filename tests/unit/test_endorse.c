// SPDX-License-Identifier: Apache-2.0
/* Who speaks for a device that enrols: a manufacturer's root, both ways together, an enroller's inventory. */
#include "cert_world.h"
#include "device_world.h"
#include "state/certify.h"

/* ---- manufacturers */

static struct maker root, other_root;
static struct bytes root_cert;
static struct tpm_key iak, other_iak;

static void roots_only(Sealbond__Parameters *parameters)
{
	parameters->enrolment = SB_ENROL_ROOTS;
}

static void roots_and_activation(Sealbond__Parameters *parameters)
{
	parameters->enrolment = SB_ENROL_ROOTS | SB_ENROL_ACTIVATION;
	parameters->enrollers_needed = 1;
}

static int by_root(void **state)
{
	return plant_with(state, roots_only, &root_cert);
}

static int by_both(void **state)
{
	return plant_with(state, roots_and_activation, &root_cert);
}

static EVP_PKEY *pkey_of(const struct tpm_key *key)
{
	EVP_PKEY *pkey = EVP_PKEY_new();

	assert_true(EVP_PKEY_set1_EC_KEY(pkey, key->ec));
	return pkey;
}

static void cert_for(const struct tpm_key *key, const struct maker *by, bool for_ek, struct bytes *out)
{
	struct wish wish = { .issuer = by, .key = pkey_of(key), .subject = "device", .from = START - DAY, .to = START + DAY,
			     .version = 2, .basic = "critical,CA:FALSE", .digest = EVP_sha256() };

	wish.usage = for_ek ? "critical,keyAgreement" : "critical,digitalSignature";
	wish.extended = for_ek ? "2.23.133.8.1" : NULL;
	make_cert(&wish, out);
	EVP_PKEY_free(wish.key);
}

struct statement_of_iak {
	uint32_t magic;
	uint16_t type;
	const struct tpm_key *signs, *about;
	uint32_t signer_in, about_in;	/* hierarchies */
	bool longer;
	const struct tpm_key *signer;
};

static void certify(const struct statement_of_iak *say, struct bytes *info, struct bytes *signature)
{
	uint8_t name[SB_TPM_NAME_MAX];

	info->length = 0;
	put_be(info, say->magic, 4);
	put_be(info, say->type, 2);
	put_2b(info, name, sb_tpm_qualified_name(&say->signer->public, say->signer_in, name));
	put_2b(info, "x", 1);
	put_be(info, 1000, 8);
	put_be(info, 1, 4);
	put_be(info, 1, 4);
	put_be(info, 1, 1);
	put_be(info, 1, 8);
	put_2b(info, name, sb_tpm_name(&say->about->public, name));
	put_2b(info, name, sb_tpm_qualified_name(&say->about->public, say->about_in, name));
	if (say->longer)
		put_be(info, 0, 1);
	sign(say->signs, info->data, info->length, signature);
}

static struct statement_of_iak good_word(const struct device *device)
{
	return (struct statement_of_iak){ .magic = 0xff544347, .type = 0x8017, .signs = &iak, .signer = &iak,
					  .about = &device->ak, .signer_in = SB_TPM_RH_ENDORSEMENT_HANDLE,
					  .about_in = SB_TPM_RH_ENDORSEMENT_HANDLE };
}

struct papers {
	struct statement_of_iak word;
	const struct tpm_key *iak;		/* NULL: none comes along */
	const struct maker *iak_by, *ek_by;	/* NULL: no certificate */
	bool swapped;				/* the EK's certificate is another EK's */
};

static uint32_t enrols_by(struct plant *plant, struct device *device, const struct papers *papers)
{
	BODY(ENROL, enrol, Enrol, enrol);
	struct bytes info, signature, iak_cert, ek_cert;
	ProtobufCBinaryData iak_certs[1], ek_certs[1];

	enrol_of(device, &enrol);
	if (papers->iak) {
		certify(&papers->word, &info, &signature);
		cert_for(papers->iak, papers->iak_by, false, &iak_cert);
		iak_certs[0] = pb(&iak_cert);
		enrol.iak_public = pb(&papers->iak->area);
		enrol.n_iak_certificates = 1;
		enrol.iak_certificates = iak_certs;
		enrol.certify_info = pb(&info);
		enrol.certify_signature = pb(&signature);
	}
	if (papers->ek_by) {
		cert_for(papers->swapped ? &plant->b.ek : &device->ek, papers->ek_by, true, &ek_cert);
		ek_certs[0] = pb(&ek_cert);
		enrol.n_ek_certificates = 1;
		enrol.ek_certificates = ek_certs;
	}
	return attests(&plant->ledger, device, &body);
}

#define REFUSED(change, want) do {									\
	struct papers papers = { .word = good_word(a), .iak = &iak, .iak_by = &root };			\
	change;												\
	assert_string_equal(sb_tx_name(enrols_by(plant, a, &papers)), sb_tx_name(want));		\
} while (0)

static void manufacturer(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a, squatter;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	REFUSED(papers.iak = NULL, SB_TX_NO_ENDORSEMENT);
	REFUSED((papers.iak = NULL, papers.ek_by = &root), SB_TX_NO_ENDORSEMENT);
	REFUSED(papers.iak_by = &other_root, SB_TX_CERT_NO_ROOT);
	REFUSED(papers.iak = &other_iak, SB_TX_CERTIFY);
	REFUSED(papers.iak = &a->ek, SB_TX_AK_NOT_SIGN);
	REFUSED(papers.word.magic = 0, SB_TX_CERTIFY);
	REFUSED(papers.word.type = 0x8018, SB_TX_CERTIFY);
	REFUSED(papers.word.signs = &other_iak, SB_TX_CERTIFY);
	REFUSED(papers.word.signer_in = 0x40000001, SB_TX_CERTIFY);
	REFUSED(papers.word.about_in = 0x40000001, SB_TX_CERTIFY);
	REFUSED(papers.word.about = &plant->b.ak, SB_TX_CERTIFY);
	REFUSED(papers.word.longer = true, SB_TX_CERTIFY);
	REFUSED((papers.ek_by = &root, papers.swapped = true), SB_TX_CERT_OTHER_KEY);
	REFUSED((papers.iak = NULL, papers.ek_by = &other_root), SB_TX_CERT_NO_ROOT);
	REFUSED((papers.iak_by = &other_root, papers.ek_by = &root), SB_TX_CERT_NO_ROOT);
	REFUSED((papers.iak_by = &other_root, papers.ek_by = &other_root), SB_TX_CERT_NO_ROOT);
	REFUSED((papers.word.signs = &other_iak, papers.ek_by = &other_root), SB_TX_CERTIFY);
	REFUSED(papers.ek_by = &root, SB_TX_OK);
	record = device_record(&plant->ledger, a);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	/* its EK's certificate is as public as the EK: nothing has tied that to the AK */
	assert_int_equal(record->proven, SB_PROVEN_IAK);
	/* A genuine TPM that claims another's EK takes nothing from it, and freezes nobody. */
	squatter = plant->b;
	squatter.ek = a->ek;
	memcpy(squatter.id, a->id, 32);
	assert_int_equal(enrols_by(plant, &squatter, &(struct papers){ .word = good_word(&squatter), .iak = &iak,
								       .iak_by = &root }), SB_TX_EXISTS);
	assert_int_equal(approves(&plant->ledger, &a->owner, a, a->current), SB_TX_OK);
}

/* The ledger knows who has made the device, and not who has made the TPM in it. */
static void maker_of_the_device(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	REFUSED(papers.ek_by = &other_root, SB_TX_OK);
	record = device_record(&plant->ledger, a);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	assert_int_equal(record->proven, SB_PROVEN_IAK);
}

/* ---- what may be wrong with an EK's chain of certificates, each with the transaction's own code */

struct chain {
	struct bytes cert[SB_CHAIN_MAX + 2];
	size_t count;
	struct wish ek, middle, inner;	/* of the EK, of the root's issuer, of the one below that */
};

static void cut_cert(struct chain *chain) { chain->cert[0].length--; }
static void turned_signature(struct chain *chain) { chain->cert[0].data[chain->cert[0].length - 1] ^= 1; }
static void not_for_ek(struct chain *chain) { chain->ek.extended = NULL; }
static void not_yet(struct chain *chain) { chain->ek.from = START + DAY; }
static void over(struct chain *chain) { chain->ek.to = START - DAY; }
static void no_ca(struct chain *chain) { chain->middle.basic = "critical,CA:FALSE"; }

/* Counted before they are read. */
static void too_many(struct chain *chain)
{
	chain->count = SB_CHAIN_MAX + 2;
	for (size_t i = 0; i < chain->count; i++)
		chain->cert[i].length = 100;
}

static void no_way_down(struct chain *chain) { chain->middle.basic = "critical,CA:TRUE,pathlen:0"; }
static void one_below(struct chain *chain) { chain->middle.basic = "critical,CA:TRUE,pathlen:1"; }

static uint32_t enrols_with_chain(struct plant *plant, void (*wish)(struct chain *chain), void (*made)(struct chain *chain))
{
	const struct maker middle = { ec_key("P-256"), "middle" }, inner = { ec_key("P-256"), "inner" };
	struct chain *chain = calloc(1, sizeof(*chain));
	ProtobufCBinaryData certs[SB_CHAIN_MAX + 2];
	BODY(ENROL, enrol, Enrol, enrol);
	uint32_t code;

	chain->middle = (struct wish){ .issuer = &root, .key = middle.key, .subject = "middle", .from = START - DAY,
				       .to = START + DAY, .version = 2, .basic = "critical,CA:TRUE",
				       .usage = "critical,keyCertSign", .digest = EVP_sha256() };
	chain->inner = chain->ek = chain->middle;
	chain->inner.issuer = &middle;
	chain->inner.key = inner.key;
	chain->inner.subject = "inner";
	chain->ek.issuer = &inner;
	chain->ek.key = pkey_of(&plant->a.ek);
	chain->ek.subject = "device";
	chain->ek.basic = "critical,CA:FALSE";
	chain->ek.usage = "critical,keyAgreement";
	chain->ek.extended = "2.23.133.8.1";
	chain->count = 3;
	if (wish)
		wish(chain);
	make_cert(&chain->ek, &chain->cert[0]);
	make_cert(&chain->inner, &chain->cert[1]);
	make_cert(&chain->middle, &chain->cert[2]);
	for (size_t i = 3; i < SB_CHAIN_MAX + 2; i++)
		chain->cert[i] = chain->cert[2];
	if (made)
		made(chain);
	enrol_of(&plant->a, &enrol);
	for (size_t i = 0; i < chain->count; i++)
		certs[i] = pb(&chain->cert[i]);
	enrol.n_ek_certificates = chain->count;
	enrol.ek_certificates = certs;
	code = attests(&plant->ledger, &plant->a, &body);
	EVP_PKEY_free(chain->ek.key);
	EVP_PKEY_free(middle.key);
	EVP_PKEY_free(inner.key);
	free(chain);
	return code;
}

static void chains(void **state)
{
	static const struct {
		void (*wish)(struct chain *chain), (*made)(struct chain *chain);
		uint32_t code;
	} cases[] = {
		{ NULL, cut_cert, SB_TX_CERT_MALFORMED }, { NULL, too_many, SB_TX_CERT_TOO_LONG },
		{ not_for_ek, NULL, SB_TX_CERT_NOT_EK }, { not_yet, NULL, SB_TX_CERT_NOT_YET },
		{ over, NULL, SB_TX_CERT_OVER }, { no_ca, NULL, SB_TX_CERT_NOT_CA },
		{ no_way_down, NULL, SB_TX_CERT_PATH_LENGTH }, { NULL, turned_signature, SB_TX_CERT_SIGNATURE },
		{ one_below, NULL, SB_TX_OK },
	};
	struct plant *plant = *state;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++)
		assert_string_equal(sb_tx_name(enrols_with_chain(plant, cases[i].wish, cases[i].made)),
				    sb_tx_name(cases[i].code));
}

/* Each check of the IAK's word by its own name. */
static void certify_names(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;
	static const struct {
		size_t place;	/* of the byte that is turned */
		enum sb_certify_verdict verdict;
	} turned[] = { { 0, SB_CERTIFY_MAGIC }, { 5, SB_CERTIFY_TYPE }, { 12, SB_CERTIFY_SIGNER }, { 80, SB_CERTIFY_OTHER_KEY },
		       { 120, SB_CERTIFY_HIERARCHY }, { 50, SB_CERTIFY_SIGNATURE } };
	struct statement_of_iak word = good_word(a);
	struct bytes info, signature;

	for (size_t i = 0; i < SB_ARRAY_SIZE(turned); i++) {
		certify(&word, &info, &signature);
		assert_int_equal(sb_certify_check(info.data, info.length, signature.data, signature.length, &iak.public,
						  &a->ak.public), SB_CERTIFY_OK);
		info.data[turned[i].place] ^= 1;
		assert_string_equal(sb_certify_name(sb_certify_check(info.data, info.length, signature.data, signature.length,
								     &iak.public, &a->ak.public)),
				    sb_certify_name(turned[i].verdict));
	}
	certify(&word, &info, &signature);
	for (size_t cut = 0; cut < info.length; cut++)
		assert_int_equal(sb_certify_check(info.data, cut, signature.data, signature.length, &iak.public, &a->ak.public),
				 SB_CERTIFY_MALFORMED);
	signature.data[1] ^= 2;
	assert_int_not_equal(sb_certify_check(info.data, info.length, signature.data, signature.length, &iak.public,
					      &a->ak.public), SB_CERTIFY_OK);
	certify(&word, &info, &signature);
	signature.data[3] = SB_TPM_ALG_SHA384;
	assert_int_equal(sb_certify_check(info.data, info.length, signature.data, signature.length, &iak.public, &a->ak.public),
			 SB_CERTIFY_SCHEME);
}

static enum sb_certify_verdict certified(const struct bytes *info, const struct bytes *signature, const struct device *a)
{
	return sb_certify_check(info->data, info->length, signature->data, signature->length, &iak.public, &a->ak.public);
}

/* Names with a byte behind, a signature that is cut, and one of another scheme. */
static void certify_forms(void **state)
{
	static const size_t places[] = { 6, 6 + 36 + 3 + 25, 6 + 36 + 3 + 25 + 36 };	/* of the three names' lengths */
	static const enum sb_certify_verdict want[] = { SB_CERTIFY_SIGNER, SB_CERTIFY_OTHER_KEY, SB_CERTIFY_HIERARCHY };
	struct plant *plant = *state;
	struct statement_of_iak word = good_word(&plant->a);
	struct bytes info, signature, longer, rsa_like = { .length = 0 };

	certify(&word, &info, &signature);
	for (size_t i = 0; i < 3; i++) {
		longer.length = 0;
		put(&longer, info.data, places[i]);
		put_2b(&longer, info.data + places[i] + 2, 35);
		longer.data[longer.length - 1] = 0;
		put(&longer, info.data + places[i] + 36, info.length - places[i] - 36);
		assert_string_equal(sb_certify_name(certified(&longer, &signature, &plant->a)), sb_certify_name(want[i]));
	}
	signature.length--;
	assert_int_equal(certified(&info, &signature, &plant->a), SB_CERTIFY_MALFORMED);
	put_be(&rsa_like, SB_TPM_ALG_RSASSA, 2);
	put_be(&rsa_like, SB_TPM_ALG_SHA256, 2);
	put_2b(&rsa_like, info.data, 64);
	assert_int_equal(certified(&info, &rsa_like, &plant->a), SB_CERTIFY_SCHEME);
}

/* A root in the store that cannot be read is the node's fault, not the device's. */
static void damaged_root(void **state)
{
	uint8_t key[SB_RECORD_KEY_MAX], id[32] = { 0xee };
	struct plant *plant = *state;
	struct record_world *world = &plant->ledger.world;
	size_t length = sb_record_key(SB_RECORD_ROOT, id, sizeof(id), key);
	struct papers papers = { .word = good_word(&plant->a), .iak = &iak, .iak_by = &root };

	assert_int_equal(world->records.put(world, key, length, (const uint8_t *)"\xff", 1), 0);
	assert_int_equal(enrols_by(plant, &plant->a, &papers), SB_TX_INTERNAL);
	assert_int_equal(world->records.remove(world, key, length), 0);
	assert_int_equal(enrols_by(plant, &plant->a, &papers), SB_TX_OK);
}

static bool is_ek(const struct tpm_template *t, int rsa_bits, uint32_t exponent)
{
	struct tpm_key key;
	bool one;

	if (rsa_bits)
		make_rsa_key(&key, t, rsa_bits);
	else
		make_ec_key(&key, t);
	if (exponent)
		key.public.exponent = exponent;
	one = sb_ek_is_one(&key.public);
	free_key(&key);
	return one;
}

/* What an endorsement key is made of; each line that it is held against, alone. */
static void ek_lines(void **state)
{
	static const uint32_t turned[] = { SB_TPM_FIXED_TPM, SB_TPM_FIXED_PARENT, SB_TPM_SENSITIVE_DATA_ORIGIN,
					   SB_TPM_RESTRICTED, SB_TPM_DECRYPT, SB_TPM_SIGN, SB_TPM_X509_SIGN };
	struct tpm_template t = EK_TEMPLATE;
	struct tpm_key key;

	assert_true(is_ek(&t, 0, 0) && is_ek(&t, 2048, 0));
	assert_false(is_ek(&t, 1024, 0));
	assert_false(is_ek(&t, 2048, 3));
	for (size_t i = 0; i < SB_ARRAY_SIZE(turned); i++) {
		t = (struct tpm_template)EK_TEMPLATE;
		t.attributes ^= turned[i];
		assert_false(is_ek(&t, 0, 0));
	}
	t = (struct tpm_template)EK_TEMPLATE;
	t.symmetric = SB_TPM_ALG_NULL;
	assert_false(is_ek(&t, 0, 0));
	t = (struct tpm_template)EK_TEMPLATE;
	t.scheme = SB_TPM_ALG_ECDSA;
	t.hash = SB_TPM_ALG_SHA256;
	assert_false(is_ek(&t, 0, 0));
	t = (struct tpm_template)EK_TEMPLATE;
	make_ec_key(&key, &t);
	key.public.symmetric_mode = 0x40;	/* CTR */
	assert_false(sb_ek_is_one(&key.public));
	free_key(&key);
}

/* With both ways the EK's own certificate is enough, since the activation says which AK is with it. */
static void both_ways(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	REFUSED(papers.iak = NULL, SB_TX_NO_ENDORSEMENT);
	REFUSED((papers.iak = NULL, papers.ek_by = &root, papers.swapped = true), SB_TX_CERT_OTHER_KEY);
	/* An IAK by a maker whom the ledger does not know takes nothing away from that, and adds nothing. */
	REFUSED(papers.iak_by = &other_root, SB_TX_CERT_NO_ROOT);
	REFUSED((papers.iak_by = &other_root, papers.ek_by = &other_root), SB_TX_CERT_NO_ROOT);
	REFUSED((papers.ek_by = &root, papers.word.signs = &other_iak), SB_TX_CERTIFY);
	REFUSED((papers.iak_by = &other_root, papers.ek_by = &root), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__NONE);
	assert_int_equal(challenges(ledger, &plant->enroller[2], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, &plant->enroller[2], 1), SB_TX_OK);
	record = device_record(ledger, a);
	assert_int_equal(record->proven, SB_PROVEN_ACTIVATION | SB_PROVEN_EK);
}

/* ---- inventories */

static void inventory_only(Sealbond__Parameters *parameters)
{
	parameters->need_known_key = true;
	parameters->enrollers_needed = 1;
}

static int by_inventory(void **state)
{
	return plant_with(state, inventory_only, NULL);
}

static uint32_t imports(struct ledger *ledger, struct person *enroller, ProtobufCBinaryData *ids, size_t count, bool remove)
{
	static uint8_t list[16] = "delivery 7";
	BODY(IMPORT_KEYS, import_keys, ImportKeys, import_keys);

	import_keys.list = (ProtobufCBinaryData){ sizeof(list), list };
	import_keys.n_devices = count;
	import_keys.devices = ids;
	import_keys.remove = remove;
	return says(ledger, enroller, &body);
}

static void inventory(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	ProtobufCBinaryData ids[2] = { span32(a->id), { 31, a->id } };

	assert_int_equal(enrols(ledger, a), SB_TX_NOT_KNOWN_KEY);
	assert_int_equal(imports(ledger, &plant->member, ids, 1, false), SB_TX_NOT_ALLOWED);
	assert_int_equal(imports(ledger, &plant->enroller[0], ids, 2, false), SB_TX_FIELD);
	assert_int_equal(imports(ledger, &plant->enroller[0], ids, 0, false), SB_TX_FIELD);
	assert_int_equal(imports(ledger, &plant->enroller[0], ids, 1, false), SB_TX_OK);
	assert_int_equal(imports(ledger, &plant->enroller[0], ids, 1, false), SB_TX_OK);
	assert_int_equal(imports(ledger, &plant->enroller[1], ids, 1, false), SB_TX_OK);
	/* Each takes back only its own word. */
	assert_int_equal(imports(ledger, &plant->enroller[2], ids, 1, true), SB_TX_OK);
	assert_int_equal(imports(ledger, &plant->enroller[0], ids, 1, true), SB_TX_OK);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(imports(ledger, &plant->enroller[1], ids, 1, true), SB_TX_OK);
	assert_int_equal(enrols(ledger, a), SB_TX_NOT_KNOWN_KEY);
}

static void roots_and_inventory(Sealbond__Parameters *parameters)
{
	roots_only(parameters);
	parameters->need_known_key = true;
}

/* An IAK says nothing of the EK: whoever's hardware it is in could claim the id of a device that is listed. */
static void no_inventory_without_activation(void **state)
{
	static Sealbond__Parameters parameters;
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, squatter = plant->b;
	Sealbond__Change one = SEALBOND__CHANGE__INIT, *ones[] = { &one };
	ProtobufCBinaryData id = span32(a->id);
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	BODY(PROPOSE, propose, Propose, propose);

	sane_parameters(&parameters);
	roots_and_inventory(&parameters);
	one.change_case = SEALBOND__CHANGE__CHANGE_PARAMETERS;
	one.parameters = &parameters;
	propose.n_changes = 1;
	propose.changes = ones;
	propose.title = (char *)"an inventory";
	assert_int_equal(says(ledger, &plant->member, &body), SB_TX_FIELD);
	assert_non_null(strstr(ledger->last.log, "need_known_key"));
	/* nor does it count where it is not asked for */
	assert_int_equal(imports(ledger, &plant->enroller[0], &id, 1, false), SB_TX_OK);
	squatter.ek = a->ek;
	memcpy(squatter.id, a->id, 32);
	assert_int_equal(enrols_by(plant, &squatter, &(struct papers){ .word = good_word(&squatter), .iak = &iak,
								       .iak_by = &root }), SB_TX_OK);
	record = device_record(ledger, a);
	assert_int_equal(record->proven, SB_PROVEN_IAK);
	parameters.enrolment = SB_ENROL_ROOTS | SB_ENROL_ACTIVATION;
	assert_int_equal(says(ledger, &plant->member, &body), SB_TX_OK);
}

/* 10,000 ids in ten transactions of one block. */
static void large_import(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	static uint8_t ids[10000][32];
	static ProtobufCBinaryData spans[10000];
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	size_t before = ledger->world.count;

	for (size_t i = 0; i < 10000; i++) {
		fresh_key(ids[i]);
		spans[i] = span32(ids[i]);
	}
	assert_int_equal(imports(ledger, &plant->enroller[0], spans, 1001, false), SB_TX_FIELD);
	for (size_t i = 0; i < 10000; i += 1000)
		assert_int_equal(imports(ledger, &plant->enroller[0], spans + i, 1000, false), SB_TX_OK);
	counters = record_of(ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);
	assert_int_equal(counters->known_keys, 10000);
	assert_true(ledger->world.count >= before + 10000);
}

int main(void)
{
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, plant_close)
	const struct CMUnitTest tests[] = {
		TEST(manufacturer, by_root), TEST(maker_of_the_device, by_root), TEST(chains, by_both), TEST(certify_forms, by_root),
		TEST(damaged_root, by_root), TEST(ek_lines, by_root),
		TEST(certify_names, by_root), TEST(both_ways, by_both), TEST(inventory, by_inventory),
		TEST(large_import, by_inventory), TEST(no_inventory_without_activation, by_root),
	};
	struct tpm_template t = AK_TEMPLATE;
	struct wish wish = { .issuer = &root, .subject = "root", .from = START - 9 * DAY, .to = START + 9 * DAY, .version = 2,
			     .basic = "critical,CA:TRUE", .usage = "critical,keyCertSign", .digest = EVP_sha256() };
	int failed;

	root = (struct maker){ ec_key("P-256"), "root" };
	other_root = (struct maker){ ec_key("P-256"), "other" };
	wish.key = root.key;
	make_cert(&wish, &root_cert);
	make_ec_key(&iak, &t);
	make_ec_key(&other_iak, &t);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free_key(&iak);
	free_key(&other_iak);
	EVP_PKEY_free(root.key);
	EVP_PKEY_free(other_root.key);
	return failed;
}
