// SPDX-License-Identifier: Apache-2.0
/*
 * A device without its kernel module: a software TPM behind the real TPM library, the real sealbondd-ledger on its
 * socket, and this program in the place of the kernel and of the roles between them.
 *
 *     devicehost PROGRAM CONFIG TPM-DIRECTORY SEED [AHEAD]
 *
 * SEED: its bond keys follow from it, at every boot. AHEAD: ms by which the TPM's clock is set forward first, as if it had
 * run for so long.
 *
 * Says one line for each thing that the role does (a grant, a dropped peer, its own addresses, a profile), and answers on stdin:
 * "status", "now" (as sealbond attest), "reboot", "restart" (of the role alone), "strangers N" (peers that the kernel has of
 * an earlier role, and of which the ledger says nothing), "end".
 */
#include "../unit/swtpm_world.h"

#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>

#include "common/frame.h"
#include "common/grant.h"
#include "common/parse.h"
#include "common/sha256.h"
#include "common/states.h"
#include "device/role.h"
#include "device/tpm_answers.h"
#include "sealbond/blob.h"
#include "state/heartbeat.h"

static int role_fd = -1;
static pid_t role_pid;
static const char *program, *config;
static uint8_t current[32], next_key[32], nonces;
static unsigned int strangers;
static size_t frames_used;	/* bytes of frames that wait for their rest */

static void print_hex(const char *word, const uint8_t *bytes, size_t length)
{
	printf("%s ", word);
	for (size_t i = 0; i < length; i++)
		printf("%02x", bytes[i]);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void send_frame(uint8_t from, uint16_t type, const void *payload, size_t length)
{
	static uint8_t frame[sizeof(struct sb_frame_header) + SB_FRAME_MAX];
	const struct sb_frame_header header = { .length = (uint32_t)length, .type = type, .from = from, .to = SB_ROLE_LEDGER };
	int size = sb_frame_encode(frame, sizeof(frame), &header, payload);

	if (size < 0 || write(role_fd, frame, (size_t)size) != size)
		exit(3);
}

/* What the kernel does at the end of its hold of the TPM. */
static void cap(void)
{
	uint8_t bytes[sizeof(SB_CAP_TAG) + 65], digest[32];

	memcpy(bytes, SB_CAP_TAG, sizeof(SB_CAP_TAG));
	memcpy(bytes + sizeof(SB_CAP_TAG), current, 32);
	memcpy(bytes + sizeof(SB_CAP_TAG) + 32, next_key, 32);
	bytes[sizeof(bytes) - 1] = SB_CAP_UNSEALED;
	sb_digest_of(bytes, sizeof(bytes), digest);
	extend_pcr(14, digest);
}

static void tell_identity(void)
{
	static struct sb_identity_answer answer;
	struct sb_error error = { "" };
	int result;

	memset(&answer, 0, sizeof(answer));
	result = sb_answer_identity(swtpm.tpm, &answer, &error);
	sb_answer_failure(&answer.failure, result, &error);
	if (result == 0) {
		print_hex("identity", answer.device_id, 32);
		printf("\n");
	}
	send_frame(SB_ROLE_TPM, SB_MESSAGE_IDENTITY, &answer, sizeof(answer));
}

static void tell_iak(void)
{
	static struct sb_iak_answer answer;
	struct sb_error error = { "" };
	int result;

	memset(&answer, 0, sizeof(answer));
	result = sb_answer_iak(swtpm.tpm, &answer, &error);
	sb_answer_failure(&answer.failure, result, &error);
	printf("iak %s\n", result ? error.text : "is there");
	send_frame(SB_ROLE_TPM, SB_MESSAGE_IAK, &answer, sizeof(answer));
}

static void quote(const struct sb_quote_request *request)
{
	struct sb_quote_answer answer = { .id = request->id, .pcrs = request->pcrs };
	struct sb_error error = { "" };
	struct sb_tpm_quote taken;
	int result = sb_tpm_take_quote(swtpm.tpm, request->extra, request->pcrs, &taken, &error);

	sb_answer_failure(&answer.failure, result, &error);
	if (result == 0) {
		answer.attest_length = (uint16_t)taken.attest_length;
		memcpy(answer.attest, taken.attest, taken.attest_length);
		answer.signature_length = (uint16_t)taken.signature_length;
		memcpy(answer.signature, taken.signature, taken.signature_length);
		memcpy(answer.values, taken.values, sizeof(answer.values));
	}
	send_frame(SB_ROLE_TPM, SB_MESSAGE_QUOTE, &answer, sizeof(answer));
}

static void activate(const struct sb_activate_request *request)
{
	struct sb_activate_answer answer = { .id = request->id };
	struct sb_error error = { "" };
	size_t length = 0;
	int result = sb_tpm_activate(swtpm.tpm, request->blob, request->blob_length, request->encrypted,
				     request->encrypted_length, answer.secret, &length, &error);

	sb_answer_failure(&answer.failure, result, &error);
	answer.length = (uint16_t)length;
	send_frame(SB_ROLE_TPM, SB_MESSAGE_ACTIVATED, &answer, sizeof(answer));
}

static void tell_keys(void)
{
	struct sb_keys_answer answer = { .state = 2, .has_current = 1, .has_next = 1, .has_prior = 1, .cap_pcr = 14,
					 .assurance = 1, .pcrs = 1U << 7 };

	memcpy(answer.current, current, 32);
	memcpy(answer.next, next_key, 32);
	send_frame(SB_ROLE_LINK, SB_MESSAGE_KEYS, &answer, sizeof(answer));
}

static void about_peer(uint16_t type, const struct sb_about_peer *question)
{
	struct sb_about_peer answer = *question;

	if (type == SB_MESSAGE_NONCE_GET) {
		answer.nonce[0] = ++nonces;
		answer.nonce[15] = 1;
		send_frame(SB_ROLE_LINK, SB_MESSAGE_NONCE, &answer, sizeof(answer));
	} else {
		print_hex("drop", question->device_id, 32);
		printf(" at %llu\n", (unsigned long long)now_ms());
		send_frame(SB_ROLE_LINK, SB_MESSAGE_DROPPED, &answer, sizeof(answer));
	}
}

/* What the kernel has of an earlier role, as the link role says it: many in one frame. */
static void tell_peers(void)
{
	static uint8_t ids[SB_FRAME_MAX];
	size_t length = 0;

	for (unsigned int i = 0; i < strangers; i++) {
		memset(ids + length, 0, 32);
		ids[length] = 0xff;
		memcpy(ids + length + 1, &i, sizeof(i));
		length += 32;
		if (length == sizeof(ids) || i + 1 == strangers) {
			send_frame(SB_ROLE_LINK, SB_MESSAGE_PEERS_SEEN, ids, length);
			length = 0;
		}
	}
}

static void admit(const struct sb_admit_request *request)
{
	struct sb_about_peer answer = { .error = 0 };
	char where[SB_ENDPOINT_ROOM] = "nowhere";
	union sb_endpoint endpoint;
	struct sb_grant_file grant;

	memcpy(&endpoint, request->endpoint, sizeof(endpoint));
	if (endpoint.any.sa_family)
		sb_format_endpoint(where, &endpoint);
	memcpy(answer.device_id, request->device_id, 32);
	if (sb_grant_file_decode(request->grant, request->length, &grant) < 0 || grant.body.nonce[0] != nonces) {
		answer.error = -EBADMSG;
	} else {
		print_hex("admit", request->device_id, 32);
		print_hex(" key", grant.body.key, 32);
		printf(" name %s for %llu signed %zu at %llu where %s allows", request->name,
		       (unsigned long long)sb_grant_file_duration(&grant), grant.count, (unsigned long long)now_ms(), where);
		for (size_t i = 0; i < grant.body.rules; i++)
			printf(" %u/%u-%u", grant.rule[i].proto, be16toh(grant.rule[i].first), be16toh(grant.rule[i].last));
		printf("%s\n", grant.body.rules ? "" : " all");
	}
	send_frame(SB_ROLE_LINK, SB_MESSAGE_ADMITTED, &answer, sizeof(answer));
}

/* As a link role that has it in force. */
static void take_profile(const struct sb_profile_request *wanted)
{
	struct sb_profile_answer answer = { .version = wanted->version, .mode_taken = wanted->mode != 0,
					    .exceptions_taken = wanted->has_exceptions };

	printf("profile %u mode %u\n", wanted->version, wanted->mode);
	send_frame(SB_ROLE_LINK, SB_MESSAGE_PROFILE_TAKEN, &answer, sizeof(answer));
}

static void on_reply(const struct sb_ledger_reply *reply)
{
	printf("state %s lease %llu beats %llu refused %llu roster %u peers %u height %lld endpoint %s known %u text %s\n",
	       sb_ledger_state_text(reply->state)->name, (unsigned long long)reply->lease_ms,
	       (unsigned long long)reply->beats, (unsigned long long)reply->beats_refused, reply->roster, reply->peers,
	       (long long)reply->height, reply->endpoints ? reply->endpoint[0].url : "none", reply->endpoints_known,
	       reply->text);
}

#define TAKE(type_, struct_, call)								\
	if (header->type == (type_) && header->length == sizeof(struct_)) {			\
		static struct_ message;								\
												\
		memcpy(&message, payload, sizeof(message));					\
		call;										\
	}

static void on_frame(const struct sb_frame_header *header, const uint8_t *payload)
{
	if (header->type == SB_MESSAGE_IDENTITY_GET)
		tell_identity();
	if (header->type == SB_MESSAGE_IAK_GET)
		tell_iak();
	if (header->type == SB_MESSAGE_KEYS_GET)
		tell_keys();
	if (header->type == SB_MESSAGE_PEERS_GET)
		tell_peers();
	TAKE(SB_MESSAGE_QUOTE_GET, struct sb_quote_request, quote(&message));
	TAKE(SB_MESSAGE_ACTIVATE, struct sb_activate_request, activate(&message));
	TAKE(SB_MESSAGE_NONCE_GET, struct sb_about_peer, about_peer(header->type, &message));
	TAKE(SB_MESSAGE_DROP, struct sb_about_peer, about_peer(header->type, &message));
	TAKE(SB_MESSAGE_ADMIT, struct sb_admit_request, admit(&message));
	TAKE(SB_MESSAGE_PROFILE, struct sb_profile_request, take_profile(&message));
	TAKE(SB_MESSAGE_LEDGER_REPLY, struct sb_ledger_reply, on_reply(&message));
	TAKE(SB_MESSAGE_LOCAL, struct sb_ledger_local,
	     printf("local %u.%u.%u.%u/%u\n", message.overlay4[0], message.overlay4[1], message.overlay4[2],
		    message.overlay4[3], message.overlay4_bits));
}

static void set_clock_forward(uint64_t ms)
{
	struct sb_error error = { "" };
	struct sb_tpm_time time;

	if (sb_tpm_read_clock(swtpm.tpm, &time, &error) < 0 ||
	    Esys_ClockSet(swtpm.tpm->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, time.clock + ms))
		exit(3);
}

static void start_role(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		exit(3);
	role_pid = fork();
	if (role_pid == 0) {
		close(pair[0]);
		if (dup2(pair[1], SB_ROLE_FD) < 0)
			_exit(127);
		execl(program, program, "--config", config, (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	role_fd = pair[0];
	fcntl(role_fd, F_SETFD, FD_CLOEXEC);
}

static void stop_role(void)
{
	int status;

	kill(role_pid, SIGTERM);
	waitpid(role_pid, &status, 0);
	close(role_fd);
	/* Half a frame of the old one must not stand before the new one's first. */
	frames_used = 0;
}

/* As the parent does it with a role that asks for it. */
static bool is_to_start_anew(void)
{
	int status;

	close(role_fd);
	frames_used = 0;
	if (waitpid(role_pid, &status, 0) != role_pid || !WIFEXITED(status) || WEXITSTATUS(status) != SB_ROLE_ANEW)
		return false;
	printf("anew\n");
	start_role();
	return true;
}

/* Frames that are whole; what is left of one waits for the rest. */
static bool read_frames(void)
{
	static uint8_t data[2 * (sizeof(struct sb_frame_header) + SB_FRAME_MAX)];
	struct sb_frame_header header;
	const uint8_t *payload;
	ssize_t got = read(role_fd, data + frames_used, sizeof(data) - frames_used);
	int size;

	if (got <= 0)
		return false;
	frames_used += (size_t)got;
	while ((size = sb_frame_decode(data, frames_used, &header, &payload)) > 0) {
		on_frame(&header, payload);
		frames_used -= (size_t)size;
		memmove(data, data + size, frames_used);
	}
	return size == 0;
}

static void on_word(const char *word)
{
	struct sb_control_request request = { .id = 1, .verb = SB_CONTROL_LEDGER };

	if (strcmp(word, "end") == 0) {
		stop_role();
		swtpm_stop(true);
		exit(0);
	} else if (strcmp(word, "reboot") == 0) {
		stop_role();
		swtpm_stop(true);
		swtpm_start();
		cap();
		start_role();
	} else if (strcmp(word, "restart") == 0) {
		stop_role();
		start_role();
	} else if (strncmp(word, "strangers ", 10) == 0) {
		strangers = (unsigned int)strtoul(word + 10, NULL, 10);
	} else {
		if (strcmp(word, "now") == 0)
			request.verb = SB_CONTROL_LEDGER_NOW;
		send_frame(SB_ROLE_PARENT, SB_MESSAGE_CONTROL, &request, sizeof(request));
	}
}

/*
 * Every word that has come. Not by stdio: of two words that come at once it would keep the second for itself, where
 * poll() does not see it.
 */
static void read_words(void)
{
	static char words[256];
	static size_t used;
	ssize_t got = read(STDIN_FILENO, words + used, sizeof(words) - 1 - used);
	char *word = words, *end;

	if (got <= 0) {
		on_word("end");
		return;
	}
	used += (size_t)got;
	words[used] = '\0';
	for (; (end = strchr(word, '\n')); word = end + 1) {
		*end = '\0';
		on_word(word);
	}
	used -= (size_t)(word - words);
	memmove(words, word, used);
}

int main(int argc, char **argv)
{
	if (argc != 5 && argc != 6)
		return 2;
	program = argv[1];
	config = argv[2];
	setlinebuf(stdout);
	setenv("TSS2_LOG", "all+none", 1);
	snprintf(swtpm.directory, sizeof(swtpm.directory), "%s", argv[3]);
	swtpm_start();
	if (argc == 6)
		set_clock_forward(strtoull(argv[5], NULL, 10));
	sb_digest_of(argv[4], strlen(argv[4]), current);
	sb_digest_of(current, sizeof(current), next_key);
	cap();
	start_role();
	for (;;) {
		struct pollfd wait[2] = { { STDIN_FILENO, POLLIN, 0 }, { role_fd, POLLIN, 0 } };

		if (poll(wait, 2, -1) < 0)
			return 3;
		if (wait[1].revents && !read_frames() && !is_to_start_anew()) {
			printf("gone\n");
			return 3;
		}
		if (wait[0].revents)
			read_words();
	}
}
