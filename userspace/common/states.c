// SPDX-License-Identifier: Apache-2.0
#include "common/states.h"

#include <linux/sealbond.h>

#include "common/cleanup.h"

static const struct sb_state_text states[] = {
	[SEALBOND_STATE_NO_KEY] = {
		"no-key", 24, "The keys were not asked for yet.",
		"Start the helper: systemctl start sealbondd", 1 },
	[SEALBOND_STATE_KEY_PENDING] = {
		"key-pending", 24, "The TPM is at work on the keys.",
		"Wait; a slow TPM takes some ten seconds.", 0 },
	[SEALBOND_STATE_KEYS_READY] = {
		"keys-ready", 0, "The kernel holds this device's bond keys.", "", 0 },
	[SEALBOND_STATE_NO_TPM] = {
		"no-tpm", 10, "The kernel sees no TPM 2.0.",
		"Turn the TPM on in the firmware's settings; the helper goes on looking for it.", 1 },
	[SEALBOND_STATE_TPM_CLEARED] = {
		"tpm-cleared", 11, "The TPM was cleared since the keys were sealed; they are lost for good.",
		"Move the key-*.blob files away, reboot, and give the new key to the peers: sealbond identity", 0 },
	[SEALBOND_STATE_TPM_LOCKOUT] = {
		"tpm-lockout", 12, "The TPM is locked after too many wrong authorisations.",
		"Wait for the lockout to pass or reset it (tpm2_dictionarylockout -c), then reboot.", 0 },
	[SEALBOND_STATE_TPM_BUSY] = {
		"tpm-busy", 13, "Another program holds the TPM, or its slots are full.",
		"Stop what uses /dev/tpm0 directly, or flush its handles; the helper goes on trying.", 1 },
	[SEALBOND_STATE_TPM_OWNER_AUTH] = {
		"tpm-owner-auth", 14, "The TPM's owner hierarchy has a password, so no storage key can be made.",
		"Persist a P-256 storage key at 0x81000001, or take the password away (tpm2_changeauth -c owner), then reboot.", 0 },
	[SEALBOND_STATE_TPM_ERROR] = {
		"tpm-error", 20, "The TPM refused a command.",
		"Look the code up (tpm2_rc_decode CODE) and the kernel's log, then reboot.", 0 },
	[SEALBOND_STATE_TPM_VIRTUAL] = {
		"tpm-virtual", 23, "The TPM is a virtual one, which proves nothing.",
		"For a trial only: allow_virtual_tpm = yes in [key], then reboot.", 0 },
	[SEALBOND_STATE_SEALED_ELSEWHERE] = {
		"sealed-elsewhere", 15, "The key files are sealed by the TPM of another device.",
		"Put this device's own files back, or move the foreign key-*.blob files away and reboot for a new key.", 0 },
	[SEALBOND_STATE_BOOT_CHANGED] = {
		"boot-changed", 16, "What booted is not approved: measured values differ from every approval.",
		"If the change was meant, approve it (sealbond release approve) and reboot; if not, do not trust this boot.", 0 },
	[SEALBOND_STATE_NOT_APPROVED] = {
		"not-approved", 19, "There are sealed keys and no approval of any boot state.",
		"Approve this boot (sealbond release approve --key RELEASE.pem) and reboot.", 0 },
	[SEALBOND_STATE_CAPPED] = {
		"capped", 18, "The keys were closed in this boot already.",
		"Reboot; the keys open once a boot.", 0 },
	[SEALBOND_STATE_BLOB_INVALID] = {
		"blob-invalid", 21, "A key file is damaged.",
		"Restore key-current.blob and key-next.blob from a copy, then reboot.", 0 },
	[SEALBOND_STATE_APPROVAL_INVALID] = {
		"approval-invalid", 22, "The TPM refused the signature of the matching approval.",
		"Approve this boot again with the fleet's release key (sealbond release approve), then reboot.", 0 },
	[SEALBOND_STATE_TAMPERED] = {
		"tampered", 27, "A measured value changed, or the TPM was reset, since the keys were opened; all bonds have ended.",
		"Find out who did it (sealbond monitor, the kernel's log), then reboot.", 0 },
	[SEALBOND_STATE_BYPASS] = {
		"bypass", 28, "Something on this machine goes around the packet filter; all bonds have ended.",
		"Take it away: tc filter show, ip link (xdp), ss --xdp; bonds then come back by themselves.", 0 },
	[SEALBOND_STATE_EARLY_CLOSED] = {
		"early-closed", 42, "Early boot could not open the keys, and has closed them for this boot.",
		"state_dir could not be read in early boot: mount it in the initramfs, or set late_keys = yes in [key] "
		"of its sealbond.conf. If the TPM was busy then, reboot. /run/sealbond/early-keys.json has the reason.", 0 },
};

_Static_assert(SB_ARRAY_SIZE(states) == __SEALBOND_STATE_MAX, "an entry for each state");

static const struct sb_state_text unknown_state = {
	"unknown", 1, "The module reports a state that this program does not know.",
	"Install the program that fits the module.", 0,
};

static const struct sb_state_text peer_problems[] = {
	{ "lease-ended", SB_EXIT_LEASE_ENDED, "A peer's lease has ended.",
	  "Lengthen its lease or until in the peers' file, then: sealbond reload", 0 },
	{ "no-bond", SB_EXIT_NO_BOND, "A peer has no live bond.",
	  "See that it is on, that its endpoint is right and that UDP passes; sealbond monitor shows attempts.", 0 },
};

static const struct sb_state_text ledger_states[SB_LEDGER_STATES] = {
	[SB_LEDGER_STARTING] = {
		"ledger-starting", 41, "The helper has not heard of the ledger yet.",
		"Wait some seconds; what keeps it is told below and in its log.", 1 },
	[SB_LEDGER_NOT_ENROLLED] = {
		"not-enrolled", 29, "The ledger does not know this device.",
		"sealbond enrol; with enrol = yes in [ledger] the helper does it by itself.", 1 },
	[SB_LEDGER_ENROLLING] = {
		"enrolling", 30, "This device has asked for admission, and no enroller has vouched for its TPM yet.",
		"Have the ledger's enrollers answer it: sealbond enroller serve", 1 },
	[SB_LEDGER_AWAITING_APPROVAL] = {
		"awaiting-approval", 31, "This device is proven, and waits for its owner.",
		"Its owner approves it: sealbond device approve DEVICE-ID", 1 },
	[SB_LEDGER_LIVE] = { "lease-live", 0, "This device has a live lease.", "", 1 },
	[SB_LEDGER_HELD] = {
		"lease-held", 32, "The lease has ended while the ledger could not be heard; bonds are held as on_ledger_loss says.",
		"Bring the ledger back before the hold ends: sealbond lease shows how long that is.", 1 },
	[SB_LEDGER_ENDED] = {
		"lease-ended", SB_EXIT_LEASE_ENDED, "This device has no lease, and no bonds.",
		"See what its last heartbeat met with (below), then: sealbond attest", 1 },
	[SB_LEDGER_SUSPENDED] = {
		"suspended", 33, "Its owner has suspended this device.",
		"Its owner resumes it: sealbond device resume DEVICE-ID", 1 },
	[SB_LEDGER_FROZEN_CLONE] = {
		"frozen-clone", 34, "Two TPM states have spoken for this device, or its EK was enrolled twice: it is frozen.",
		"Find the other machine, then its owner decides: sealbond incident list, sealbond incident resolve", 1 },
	[SB_LEDGER_QUARANTINED] = {
		"quarantined", 35, "What booted is not among the ledger's reference values: only remediators reach this device.",
		"Boot a known state, or have the members add this one: sealbond reference", 1 },
	[SB_LEDGER_REVOKED] = {
		"revoked", 36, "This device is revoked, for good.",
		"Nothing brings it back; another device can take its place: sealbond device replace", 0 },
	[SB_LEDGER_RETIRED] = {
		"retired", 37, "Its owner has taken this device out of service.",
		"To bring it back, it enrols anew: sealbond enrol", 0 },
	[SB_LEDGER_UNREACHABLE] = {
		"ledger-unreachable", 38, "No endpoint of the ledger answers what can be proven.",
		"See sealbond ledger for what each one said; in mode enforce they need an exception.", 1 },
	[SB_LEDGER_FORK] = {
		"ledger-fork", 39, "There are two proven headers of one height: somebody signs two ledgers. Nothing is believed.",
		"Compare fork.json in state_dir/ledger with the ledger's members, then remove it and restart the helper.", 0 },
	[SB_LEDGER_TRUST_EXPIRED] = {
		"trust-expired", 40, "What this device trusts is too old, and no endpoint has a checkpoint that the members have signed.",
		"Have the members sign a checkpoint, or put one into state_dir/ledger/checkpoint.", 1 },
};

static const struct sb_state_text next_boot = {
	"boot-unapproved-next", SB_EXIT_BOOT_UNAPPROVED_NEXT,
	"What boots next is not approved: the keys would stay closed after the next start.",
	"Do not reboot yet. If the change was meant, approve it: sealbond release approve --image IMAGE --key RELEASE.pem", 0,
};

static const struct sb_text reasons[] = {
	[SEALBOND_REASON_NONE] = { "none", "Passed.", "" },
	[SEALBOND_REASON_CLEAR_IN] = { "clear-in", "Clear traffic from the network, and no exception allows it.",
		"If it is needed, make its sender a peer, or allow it by an exception: sealbond suggest" },
	[SEALBOND_REASON_CLEAR_OUT] = { "clear-out", "Clear traffic to the network, and no exception allows it.",
		"Send it to the peer's overlay address, or allow it by an exception: sealbond suggest" },
	[SEALBOND_REASON_FORWARDED] = { "forwarded", "Traffic from one network to another through this device.",
		"Turn forwarding off (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding)." },
	[SEALBOND_REASON_RAW_FRAME] = { "raw-frame", "A program sent a frame past the IP stack (packet socket).",
		"Find it by the uid and cgroup that sealbond monitor shows." },
	[SEALBOND_REASON_UNKNOWN_FRAME] = { "unknown-frame", "A frame that is neither IP nor ARP.",
		"Turn the protocol off on the device (often LLDP or spanning tree)." },
	[SEALBOND_REASON_UNKNOWN_SPI] = { "unknown-spi", "ESP that belongs to no bond.",
		"A few after a restart of a peer are normal; else see whether both sides' bonds live: sealbond peers" },
	[SEALBOND_REASON_FOREIGN_SA] = { "foreign-sa", "Traffic of a security association that the module did not make.",
		"See ip xfrm state; another IPsec program may be running." },
	[SEALBOND_REASON_FOREIGN_SOCKET] = { "foreign-socket", "A program sent from the bond port.",
		"Find it by the uid and cgroup that sealbond monitor shows, or change port in [device]." },
	[SEALBOND_REASON_NO_BOND] = { "no-bond", "Traffic to an overlay address that has no live bond.",
		"See the peer's bond (sealbond peers); add it to the peers' file if it is missing." },
	[SEALBOND_REASON_NOT_SEALED] = { "not-sealed", "Traffic on the overlay's interface that came through no bond.",
		"See ip xfrm policy and tc filter show dev sb0 for rules that are not the module's." },
	[SEALBOND_REASON_LEASE_ENDED] = { "lease-ended", "The peer's lease has ended, or there is an alarm.",
		"See that the helper runs and that the peer's until has not passed." },
	[SEALBOND_REASON_QUARANTINED] = { "quarantined", "The peer is in quarantine.",
		"Mend it, then take quarantine = yes away and: sealbond reload" },
	[SEALBOND_REASON_WRONG_SOURCE] = { "wrong-source", "A peer sent from an address that is not its own.",
		"Correct the peer's overlay address, or look at what it forwards." },
	[SEALBOND_REASON_OVER_BUDGET] = { "over-budget", "An exception's budget of packets or bytes is spent.",
		"Raise rate or bytes of that exception if this much is normal." },
	[SEALBOND_REASON_OTHER_NETNS] = { "other-netns", "Traffic of a network namespace that has no bonds.",
		"Run the program in the namespace of sb0." },
	[SEALBOND_REASON_MALFORMED] = { "malformed", "Headers that cannot be read.",
		"Find the sender in a capture; a broken driver or an attack." },
	[SEALBOND_REASON_REPEATED] = { "repeated", "A sealed packet with a sequence number that was used before.",
		"Somebody with root's rights changes security associations, or copies sealed packets (TEE, nft dup): find out who." },
	[SEALBOND_REASON_LEDGER_SOCKET] = { "ledger-socket", "Traffic with a ledger endpoint that is not the helper's.",
		"Only the helper talks to the ledger in clear. Use another machine for commands to the ledger." },
	[SEALBOND_REASON_CONDUIT] = { "conduit", "A protocol or port that the peer's grant does not allow.",
		"Use what the conduit allows (sealbond peers), or have a conduit made that allows more." },
};

_Static_assert(SB_ARRAY_SIZE(reasons) == __SEALBOND_REASON_MAX, "an entry for each reason");

static const struct sb_text gaps[SB_GAP_BITS] = {
	{ "late-keys", "The keys were opened late, after unmeasured programs had run.",
	  "Open them in measured early boot." },
	{ "unsigned-grants", "Peers come from a file that nobody signed.",
	  "Use signed grants." },
	{ "virtual-tpm", "The TPM is a virtual one.", "Use a real TPM." },
	{ "not-locked", "Root can change the mode and unload the module.",
	  "lock = yes in [enforce], or: sealbond lock" },
	{ "not-enforcing", "Clear traffic is not dropped.", "sealbond mode enforce" },
	{ "lockdown", "The kernel lets root read and change its memory.",
	  "Boot with lockdown=confidentiality." },
	{ "module-unsigned", "The module has no signature that this kernel trusts.",
	  "Sign it, and turn Secure Boot or module.sig_enforce=1 on." },
	{ "modules-loadable", "Root can load further modules.",
	  "Set kernel.modules_disabled=1 when all are loaded." },
	{ "signing-key", "A key that signs modules is on this device.",
	  "Build and sign the module elsewhere, and take the key away." },
};

static const struct sb_text alarms[SB_ALARM_BITS] = {
	{ "pcr", "A measured value of this boot changed after the keys were opened.",
	  "Find out who extended it (tpm2_pcrread, the kernel's log), then reboot." },
	{ "reset", "The TPM was reset under the running system, or has not answered for a minute.",
	  "See that the TPM's driver is bound and nobody has been at the board, then reboot." },
	{ "tc", "A tc filter or BPF program may redirect traffic to a device past the packet filter, or change packets there.",
	  "Take it away: tc filter show dev DEVICE ingress, egress; tc actions list action mirred, bpf, pedit, skbmod, nat, ct, ife, mpls; bpftool net." },
	{ "xdp", "An XDP program is attached to a device.",
	  "Take it away: ip link shows it (xdp, prog/xdp), ip link set dev DEVICE xdp off; bpftool link for links; look in each namespace." },
	{ "xsk", "A program has an AF_XDP socket on a device and can send past the packet filter.",
	  "End the program: ss --xdp -p names it." },
	{ "nft", "A netfilter hook that can write into sealed packets is registered.",
	  "Take it away: nft list hooks netdev device DEVICE, bridge; in OUTPUT, chains of the very first priority." },
};

static const struct sb_text unknown_text = { "unknown", "Unknown to this program.",
	"Install the program that fits the module." };

const struct sb_state_text *sb_state_text(unsigned int value)
{
	return value < SB_ARRAY_SIZE(states) && states[value].name ? &states[value] : &unknown_state;
}

const struct sb_state_text *sb_peer_problem_text(int exit_code)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(peer_problems); i++)
		if (peer_problems[i].exit_code == exit_code)
			return &peer_problems[i];
	return NULL;
}

const struct sb_state_text *sb_ledger_state_text(unsigned int value)
{
	return value < SB_LEDGER_STATES ? &ledger_states[value] : &unknown_state;
}

const struct sb_state_text *sb_next_boot_text(void)
{
	return &next_boot;
}

const struct sb_text *sb_reason_text(unsigned int value)
{
	return value < SB_ARRAY_SIZE(reasons) && reasons[value].name ? &reasons[value] : &unknown_text;
}

const struct sb_text *sb_gap_text(unsigned int bit)
{
	return bit < SB_GAP_BITS ? &gaps[bit] : &unknown_text;
}

const struct sb_text *sb_alarm_text(unsigned int bit)
{
	return bit < SB_ALARM_BITS ? &alarms[bit] : &unknown_text;
}

#define WORD_OF(words, value)	((value) < SB_ARRAY_SIZE(words) && words[value] ? words[value] : "unknown")

const char *sb_mode_word(unsigned int value)
{
	static const char *const words[] = { "off", "observe", "enforce" };

	_Static_assert(SB_ARRAY_SIZE(words) == __SEALBOND_MODE_MAX, "a word for each mode");
	return WORD_OF(words, value);
}

const char *sb_algorithm_word(unsigned int value)
{
	static const char *const words[] = { "none", "aes-256-gcm", "chacha20-poly1305" };

	_Static_assert(SB_ARRAY_SIZE(words) == __SEALBOND_ALG_MAX, "a word for each algorithm");
	return WORD_OF(words, value);
}

const char *sb_bond_word(unsigned int value)
{
	static const char *const words[] = {
		[SEALBOND_BOND_NONE] = "none", [SEALBOND_BOND_STARTING] = "starting",
		[SEALBOND_BOND_PENDING] = "pending", [SEALBOND_BOND_LIVE] = "live",
		[SEALBOND_BOND_LEASE_ENDED] = "lease-ended",
	};

	return WORD_OF(words, value);
}

const char *sb_end_word(unsigned int value)
{
	static const char *const words[] = {
		[SEALBOND_END_NONE] = "none", [SEALBOND_END_ASKED] = "asked", [SEALBOND_END_LEASE] = "lease",
		[SEALBOND_END_HARD_TIME] = "hard-time", [SEALBOND_END_HARD_BYTES] = "hard-bytes",
		[SEALBOND_END_HARD_SEQUENCE] = "hard-sequence", [SEALBOND_END_SA_GONE] = "sa-gone",
		[SEALBOND_END_KEY] = "key", [SEALBOND_END_TAMPERED] = "tampered",
		[SEALBOND_END_ALARM] = "alarm",
	};

	_Static_assert(SB_ARRAY_SIZE(words) == __SEALBOND_END_MAX, "a word for each end");
	return WORD_OF(words, value);
}

const char *sb_dir_word(unsigned int value)
{
	static const char *const words[] = { "in", "out", "forward", "egress" };

	return WORD_OF(words, value);
}
