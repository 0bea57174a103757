// SPDX-License-Identifier: Apache-2.0
/* An enroller that vouches by its own manufacturers' roots, of which the ledger knows nothing. */
#include "cert_world.h"
#include "people_world.h"

static struct maker maker, stranger;
static struct bytes root, other;

static void make_roots(void)
{
	struct wish wish = { .from = START - DAY, .to = START + 900 * DAY, .version = 2, .basic = "critical,CA:TRUE",
			     .usage = "critical,keyCertSign", .digest = EVP_sha256() };

	maker = (struct maker){ ec_key("P-256"), "maker" };
	stranger = (struct maker){ ec_key("P-256"), "stranger" };
	wish.issuer = &maker;
	wish.key = maker.key;
	wish.subject = maker.name;
	make_cert(&wish, &root);
	wish.issuer = &stranger;
	wish.key = stranger.key;
	wish.subject = stranger.name;
	make_cert(&wish, &other);
}

/* With a certificate of this EK; @days: how long it holds. */
static uint32_t enrols_with(struct device *device, const struct tpm_key *ek, const struct maker *by, int days)
{
	BODY(ENROL, enrol, Enrol, enrol);
	struct wish wish = { .issuer = by, .key = EVP_PKEY_new(), .subject = "device", .from = START - DAY,
			     .to = START + days * DAY, .version = 2, .basic = "critical,CA:FALSE",
			     .usage = "critical,keyAgreement", .extended = "2.23.133.8.1", .digest = EVP_sha256() };
	struct bytes cert;
	ProtobufCBinaryData certs[1];

	assert_true(EVP_PKEY_set1_EC_KEY(wish.key, ek->ec));
	make_cert(&wish, &cert);
	EVP_PKEY_free(wish.key);
	enrol_of(device, &enrol);
	certs[0] = pb(&cert);
	enrol.n_ek_certificates = 1;
	enrol.ek_certificates = certs;
	return attests(&plant->ledger, device, &body);
}

static Sealbond__Device *enrolment_of(const struct device *device)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];

	sb_enrolment_id(device->id, (ProtobufCBinaryData){ device->ak_name_length, (uint8_t *)device->ak_name }, id);
	return record_of(&plant->ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id));
}

static void write_file(const char *name, const void *data, size_t length)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(sb_file_write(path, data, length, 0600), 0);
}

/* As bundles are: words between the certificates, lines of 64 digits. */
static size_t add_pem(char *text, size_t at, const struct bytes *der)
{
	unsigned char base64[4096];
	int length = EVP_EncodeBlock(base64, der->data, (int)der->length);

	at += (size_t)sprintf(text + at, "A vendor's root\r\n-----BEGIN CERTIFICATE-----\r\n");
	for (int i = 0; i < length; i += 64)
		at += (size_t)sprintf(text + at, "%.64s\r\n", base64 + i);
	return at + (size_t)sprintf(text + at, "-----END CERTIFICATE-----\r\n\r\n");
}

static void by_its_own_roots(void **state)
{
	struct device *a = &plant->a, *b = &plant->b;
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	char text[8192];
	size_t length;

	assert_int_equal(enrols_with(a, &a->ek, &maker, 900), SB_TX_OK);
	assert_int_equal(enrols_with(b, &b->ek, &stranger, 900), SB_TX_OK);
	enrolment = enrolment_of(a);
	assert_int_equal(enrolment->n_ek_certificates, 1);
	assert_int_equal(enrolment->proven, 0);
	assert_int_equal(type("enroller serve --once --key @/enroller"), 0);
	SAYS("0 answered, 0 refused, 2 that nothing speaks for");
	write_file("roots.der", root.data, root.length);
	assert_int_equal(type("enroller serve --once --roots @/roots.der --key @/enroller"), 0);
	SAYS("1 answered, 0 refused, 1 that nothing speaks for");
	SAYS("cert-no-trust-root");
	/* the other one by a bundle */
	length = add_pem(text, add_pem(text, 0, &root), &other);
	write_file("roots.pem", text, length);
	assert_int_equal(type("enroller serve --once --own --roots @/roots.pem --key @/enroller"), 0);
	SAYS("1 answered, 0 refused, 0 that nothing speaks for");
	/* what was to be judged goes when it is judged */
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, a, &plant->enroller[1], 1), SB_TX_OK);
	sb_message_free(enrolment);
	enrolment = device_record(&plant->ledger, a);
	assert_int_equal(enrolment->state, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	assert_int_equal(enrolment->n_ek_certificates, 0);
}

/* A certificate that is another EK's, one whose time is over, and none at all. */
static void what_does_not_speak(void **state)
{
	struct device *a = &plant->a, *b = &plant->b;

	write_file("roots", root.data, root.length);
	assert_int_equal(enrols_with(a, &b->ek, &maker, 900), SB_TX_OK);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
	SAYS("0 answered");
	SAYS("cert-other-key");
	assert_int_equal(enrols_with(b, &b->ek, &maker, 0), SB_TX_OK);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
	SAYS("0 answered");
	SAYS("cert-expired");
	ledger_wait(&plant->ledger, 1);
	assert_int_equal(enrols(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
	SAYS("0 answered");
	SAYS("no certificate");
	/* the certificate that comes with the next try is the one that counts */
	ledger_wait(&plant->ledger, 1);
	assert_int_equal(enrols_with(a, &a->ek, &maker, 900), SB_TX_OK);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
	SAYS("1 answered");
}

/* --own: an inventory that another enroller has put on the ledger does not count. */
static void its_own_word_alone(void **state)
{
	struct device *a = &plant->a;

	write_file("inventory", hex_of(a->id), 64);
	write_file("roots", root.data, root.length);
	assert_int_equal(type("enroller import @/inventory --key @/enroller"), 0);
	assert_int_equal(enrols_with(a, &a->ek, &stranger, 900), SB_TX_OK);
	assert_int_equal(type("enroller serve --once --own --key @/enroller"), 2);
	SAYS("give it --roots or --inventory");
	assert_int_equal(type("enroller serve --once --own --roots @/roots --key @/enroller"), 0);
	SAYS("0 answered");
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
	SAYS("1 answered");
}

/* What cannot be a chain keeps nobody from asking, and nothing of it stays that is too much. */
static void what_is_no_chain(void **state)
{
	static uint8_t junk[SB_CERT_MAX + 1] = { 0x30 };
	static const struct {
		size_t count, length;
		bool kept;
	} cases[] = {
		{ 1, 100, true }, { SB_CHAIN_MAX + 2, 100, false }, { 1, 0, false }, { 1, SB_CERT_MAX, true },
		{ 1, SB_CERT_MAX + 1, false },
	};
	struct device *a = &plant->a;

	write_file("roots", root.data, root.length);
	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
		BODY(ENROL, enrol, Enrol, enrol);
		ProtobufCBinaryData certs[SB_CHAIN_MAX + 2];

		for (size_t at = 0; at < SB_ARRAY_SIZE(certs); at++)
			certs[at] = (ProtobufCBinaryData){ cases[i].length, junk };
		ledger_wait(&plant->ledger, 1);
		enrol_of(a, &enrol);
		enrol.n_ek_certificates = cases[i].count;
		enrol.ek_certificates = certs;
		assert_int_equal(attests(&plant->ledger, a, &body), SB_TX_OK);
		enrolment = enrolment_of(a);
		assert_int_equal(enrolment->n_ek_certificates, cases[i].kept);
		assert_int_equal(enrolment->proven, 0);
		assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 0);
		SAYS("0 answered");
		SAYS(cases[i].kept ? "cert-malformed" : "no certificate");
	}
}

static void files_of_roots(void **state)
{
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	static char text[400000];
	size_t length;

	assert_int_equal(enrols_with(a, &a->ek, &maker, 900), SB_TX_OK);
	enrolment = enrolment_of(a);
	assert_int_equal(type("enroller serve --once --roots @/none --key @/enroller"), 1);
	SAYS("No such file");
	write_file("roots", "words\n", 6);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 2);
	SAYS("no certificate in it");
	/* an EK's is none of an issuer */
	write_file("roots", enrolment->ek_certificates[0].data, enrolment->ek_certificates[0].len);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 2);
	SAYS("not a certificate of an issuer");
	length = add_pem(text, 0, &root);
	length += (size_t)sprintf(text + length, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	write_file("roots", text, length);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 2);
	SAYS("certificate 2 is none");
	length = add_pem(text, 0, &root);
	write_file("roots", text, length - 20);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 2);
	SAYS("certificate 1 is none");
	length = 0;
	for (int i = 0; i <= 256; i++)
		length = add_pem(text, length, &root);
	write_file("roots", text, length);
	assert_int_equal(type("enroller serve --once --roots @/roots --key @/enroller"), 2);
	SAYS("more than 256");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(by_its_own_roots), WITH(what_does_not_speak), WITH(its_own_word_alone), WITH(what_is_no_chain),
		WITH(files_of_roots),
	};
	int failed;

	make_roots();
	failed = cmocka_run_group_tests_name("enroller", tests, NULL, NULL);
	EVP_PKEY_free(maker.key);
	EVP_PKEY_free(stranger.key);
	return failed;
}
