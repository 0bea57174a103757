/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Sealbond's contract between the kernel module and userspace.
 *
 * Generic netlink family "sealbond", version 1. Every command acts on the network
 * namespace of the socket that sends it, except SET_MODE, SET_GRANT_KEYS and LOCK, which act
 * on the machine.
 * Commands that change something need CAP_NET_ADMIN in the initial user namespace.
 * Integers are host order unless a name ends in "be". Times are milliseconds of
 * CLOCK_BOOTTIME unless a name says otherwise. Attributes are validated strictly:
 * an unknown, short or long one is refused with a text (extended ack).
 * No private and no traffic key ever crosses this interface.
 */
#ifndef _UAPI_LINUX_SEALBOND_H
#define _UAPI_LINUX_SEALBOND_H

#include <linux/types.h>

#define SEALBOND_GENL_NAME		"sealbond"
#define SEALBOND_GENL_VERSION		1
#define SEALBOND_MCGRP_HANDSHAKE	"handshake"
#define SEALBOND_MCGRP_MONITOR		"monitor"

#define SEALBOND_KEY_LEN		32	/* an X25519 public key */
#define SEALBOND_ID_LEN			32	/* a device id, a chain id, a fleet id */
#define SEALBOND_NAME_LEN		32	/* an exception's name with its NUL */
#define SEALBOND_PCRS			24

/*
 * Commands. "Get" commands without DUMP answer with one message of the same command.
 *
 * GET_STATUS -> VERSION MODE [MODE_REVERT_MS] STATE ASSURANCE + what SET_LOCAL set
 *	(without timers) + KEY_* as in GET_KEY without blobs + PEERS_NR BONDS_NR
 *	[GRANT_KEYS GRANT_THRESHOLD [GRANT_STATIC]] [LOCKED] [ALARMS] [CONFIG_HASH]
 * SET_MODE: MODE [CONFIRM_MS]; with CONFIRM_MS the old mode returns after that time
 *	unless CONFIRM_MODE comes first. Acts on the machine.
 * CONFIRM_MODE: keeps the mode that SET_MODE set.
 * SET_LOCAL: DEVICE_ID CHAIN_ID SB0_IFINDEX IF_ID [PORT] [OVERLAY4] [OVERLAY6]
 *	[ALGORITHMS] [ENCAP] [LIMITS]; at least one overlay address. Opens the UDP
 *	socket. Refused with EBUSY while bonds live, unless it changes nothing they use.
 * KEY: POLICY_PCRS CAP_PCR RELEASE_KEY POLICY_REF [ALLOW_VIRTUAL] [BLOB_CURRENT]
 *	[BLOB_NEXT] [APPROVALS] [CONFIG_HASH] [EARLY] [CLOSE]. Starts one hold of the TPM on a
 *	worker and returns at once; EVENT_KEY tells the end. EBUSY while one runs or when a
 *	key is held; EKEYREVOKED once the alarms have PCR or RESET. CONFIG_HASH is extended into
 *	the cap PCR first, before anything is unsealed or made, and once in the module's life:
 *	EEXIST for another one, or another CAP_PCR with it; EPERM for a first one when the cap
 *	was extended already. EARLY says that the measured early boot asks. CLOSE, without
 *	blobs and approvals: no key is made or unsealed, only CONFIG_HASH and the cap are
 *	extended, needing no slot of the TPM. From when it is taken, on the whole machine and
 *	until the reboot, a KEY without CLOSE gets ESHUTDOWN.
 * GET_KEY -> STATE [ALARMS] [STATE_DETAIL] [KEY_CURRENT] [KEY_NEXT] [KEY_CANDIDATE] [BLOB_CURRENT]
 *	[BLOB_NEXT] [BLOB_CANDIDATE] [CHANGED_PCRS] TPM_COMMANDS TPM_TIME_MS [PCR_VALUES]
 *	[RESET_COUNT] [RESTART_COUNT] [KEY_OLD KEY_OLD_MS]; blobs are new ones that were not
 *	stored yet. With
 *	boot-changed there may be a candidate: a key that was made in this boot, which is
 *	used for handshakes with whoever is told to take it.
 * KEY_STORED: the helper has written the new blobs; the kernel forgets its copies.
 * ROTATE_KEY: the next bond key becomes the current one; no TPM is asked. The old one goes on
 *	answering for a while, so that peers can learn of the change in any order. ENOKEY
 *	where there is no next key: the following boot makes one. EAGAIN until KEY_STORED,
 *	where the keys are new: the next one's file has to take the current one's place.
 * LOCK: until the machine reboots, the mode, the exceptions and the grant keys cannot be
 *	changed (EPERM), nor the device id and the chain once they are set, and the module
 *	cannot be unloaded; what is set to the value that it has is accepted. EINVAL in another
 *	mode than enforce; EBUSY while a mode waits for its confirmation, or while more than one
 *	namespace is set up: from then on no other can be. Locking again changes nothing.
 * SET_PEER: DEVICE_ID KEY LEASE_MS [OVERLAY4] [OVERLAY6] [ENDPOINT] [PEER_FLAGS].
 *	Creates or updates. LEASE_MS runs from now; 0 ends the lease. With a changed KEY
 *	only the new one makes handshakes from now on; a live bond goes on until such a
 *	handshake replaces it, or until its hard age (LIMITS), which nothing lengthens.
 *	To end it at once: END_BOND. A changed address ends the bond. At least one overlay
 *	address, none of another peer's.
 * DEL_PEER: DEVICE_ID, or FLUSH for all.
 * GET_PEER (DUMP, or one by DEVICE_ID) -> DEVICE_ID KEY LEASE_MS [HOLD_MS] [OVERLAY*]
 *	[ENDPOINT] PEER_FLAGS [PEER_RULES] BOND_STATE and while there is a bond: EPOCH AGE_MS
 *	ALGORITHM ENCAP SPI_IN SPI_OUT BYTES_IN BYTES_OUT PACKETS_IN PACKETS_OUT
 *	SEQUENCE_OUT MTU; HANDSHAKES LAST_HANDSHAKE_MS (age).
 * START_BOND: DEVICE_ID. Sends an initiation; also when there is a bond (rotation).
 *	EAGAIN while one is on its way; EPERM while an alarm is set in mode enforce; ENOKEY without a key; ENOLINK without a live
 *	lease; EDESTADDRREQ without an endpoint.
 * END_BOND: DEVICE_ID, or FLUSH for all.
 * SET_EXCEPTIONS: EXCEPTIONS (replaces the whole list; may be empty).
 * GET_EXCEPTIONS (DUMP) -> one EXCEPTION a message, with counters.
 * GET_DROPS (DUMP) -> one DROP a message: REASON COUNT WOULD_COUNT.
 * SET_GRANT_KEYS: GRANT_KEYS GRANT_THRESHOLD [GRANT_STATIC]. Acts on the machine: from
 *	then on peers come by SET_GRANT only, SET_PEER gets EACCES. Other keys than those
 *	that are set end every peer of every namespace; the same ones change nothing.
 *	They cannot be taken away. GET_STATUS has them.
 * REQUEST_GRANT: DEVICE_ID -> NONCE. The time of a grant with this nonce runs from here.
 *	One request a device; of more than 256 devices the oldest is forgotten.
 * SET_GRANT: GRANT [ENDPOINT]. Admits the grant's device as SET_PEER does, until its
 *	duration after the request; EALREADY when no request waits for it (a replay, or
 *	one that was asked for anew), ETIME when it has ended. A grant of no request (nonce
 *	zero) needs GRANT_STATIC, and runs from now.
 * LEDGER_SOCKET: LEDGER_FD, a TCP socket of the caller and of this namespace. What it sends to an
 *	endpoint that an exception of kind LEDGER names passes, and what comes back to it, until it
 *	is closed. Also on a locked machine: it widens no exception. With more than 16 of them the
 *	oldest is forgotten.
 */
enum sealbond_cmd {
	SEALBOND_CMD_UNSPEC,
	SEALBOND_CMD_GET_STATUS,
	SEALBOND_CMD_SET_MODE,
	SEALBOND_CMD_CONFIRM_MODE,
	SEALBOND_CMD_SET_LOCAL,
	SEALBOND_CMD_KEY,
	SEALBOND_CMD_GET_KEY,
	SEALBOND_CMD_KEY_STORED,
	SEALBOND_CMD_SET_PEER,
	SEALBOND_CMD_DEL_PEER,
	SEALBOND_CMD_GET_PEER,
	SEALBOND_CMD_START_BOND,
	SEALBOND_CMD_END_BOND,
	SEALBOND_CMD_SET_EXCEPTIONS,
	SEALBOND_CMD_GET_EXCEPTIONS,
	SEALBOND_CMD_GET_DROPS,
	SEALBOND_CMD_EVENT,		/* to the groups only: EVENT and its attributes */
	SEALBOND_CMD_SET_GRANT_KEYS,
	SEALBOND_CMD_REQUEST_GRANT,
	SEALBOND_CMD_SET_GRANT,
	SEALBOND_CMD_ROTATE_KEY,
	SEALBOND_CMD_LOCK,
	SEALBOND_CMD_LEDGER_SOCKET,
	__SEALBOND_CMD_MAX,
};
#define SEALBOND_CMD_MAX (__SEALBOND_CMD_MAX - 1)

enum sealbond_attr {
	SEALBOND_A_UNSPEC,
	SEALBOND_A_PAD,
	SEALBOND_A_VERSION,		/* string: the module's version */
	SEALBOND_A_MODE,		/* u8: enum sealbond_mode */
	SEALBOND_A_MODE_REVERT_MS,	/* u64: until an unconfirmed mode reverts */
	SEALBOND_A_CONFIRM_MS,		/* u64: 1,000 to 86,400,000 */
	SEALBOND_A_STATE,		/* u8: enum sealbond_state */
	SEALBOND_A_STATE_DETAIL,	/* s32: a TPM response code (> 0) or -errno */
	SEALBOND_A_ASSURANCE,		/* u32: bits of enum sealbond_assurance_gap */
	SEALBOND_A_DEVICE_ID,		/* binary, 32 bytes */
	SEALBOND_A_CHAIN_ID,		/* binary, 32 bytes */
	SEALBOND_A_SB0_IFINDEX,		/* u32: an xfrm interface of this namespace */
	SEALBOND_A_IF_ID,		/* u32: that interface's if_id, not 0 */
	SEALBOND_A_PORT,		/* u16: UDP port, host order */
	SEALBOND_A_OVERLAY4,		/* binary, 4 bytes, network order */
	SEALBOND_A_OVERLAY6,		/* binary, 16 bytes */
	SEALBOND_A_ALGORITHMS,		/* binary, 1 to 2 bytes: enum sealbond_algorithm, best first */
	SEALBOND_A_ENCAP,		/* u8: enum sealbond_encap (set), 0 or 1 (a bond) */
	SEALBOND_A_LIMITS,		/* nested: SEALBOND_L_* */
	SEALBOND_A_POLICY_PCRS,		/* u32: bit mask of PCRs, not the cap PCR */
	SEALBOND_A_CAP_PCR,		/* u8: 0 to 15 or 17 to 22 */
	SEALBOND_A_RELEASE_KEY,		/* binary, 64 bytes: P-256 x, y, big endian */
	SEALBOND_A_POLICY_REF,		/* binary, 32 bytes: the fleet id */
	SEALBOND_A_ALLOW_VIRTUAL,	/* flag: a TPM made by vtpm_proxy is accepted */
	SEALBOND_A_BLOB_CURRENT,	/* binary: a sealed key (sealbond/blob.h) */
	SEALBOND_A_BLOB_NEXT,		/* binary */
	SEALBOND_A_APPROVALS,		/* nested array of SEALBOND_A_APPROVAL */
	SEALBOND_A_APPROVAL,		/* binary: an approval (sealbond/blob.h) */
	SEALBOND_A_KEY_CURRENT,		/* binary, 32 bytes: public bond key */
	SEALBOND_A_KEY_NEXT,		/* binary, 32 bytes */
	SEALBOND_A_CHANGED_PCRS,	/* u32: bit mask, with boot-changed */
	SEALBOND_A_TPM_COMMANDS,	/* u32: sent in the last hold */
	SEALBOND_A_TPM_TIME_MS,		/* u64: length of the last hold */
	SEALBOND_A_PCR_VALUES,		/* binary, 24 * 32 bytes: SHA-256 bank, before the cap */
	SEALBOND_A_PCR_VALID,		/* u32: bit mask of the values that were read */
	SEALBOND_A_RESET_COUNT,		/* u32: of TPMS_CLOCK_INFO */
	SEALBOND_A_RESTART_COUNT,	/* u32 */
	SEALBOND_A_KEY,			/* binary, 32 bytes: a peer's public bond key */
	SEALBOND_A_LEASE_MS,		/* u64: left */
	SEALBOND_A_ENDPOINT,		/* binary: struct sockaddr_in or sockaddr_in6 */
	SEALBOND_A_PEER_FLAGS,		/* u32: SEALBOND_PEER_F_* */
	SEALBOND_A_BOND_STATE,		/* u8: enum sealbond_bond_state */
	SEALBOND_A_EPOCH,		/* u32: counts the generations of traffic keys */
	SEALBOND_A_AGE_MS,		/* u64 */
	SEALBOND_A_ALGORITHM,		/* u8: enum sealbond_algorithm */
	SEALBOND_A_SPI_IN,		/* u32, host order */
	SEALBOND_A_SPI_OUT,		/* u32, host order */
	SEALBOND_A_BYTES_IN,		/* u64 */
	SEALBOND_A_BYTES_OUT,		/* u64 */
	SEALBOND_A_PACKETS_IN,		/* u64 */
	SEALBOND_A_PACKETS_OUT,		/* u64 */
	SEALBOND_A_SEQUENCE_OUT,	/* u64: 64-bit ESP sequence number */
	SEALBOND_A_MTU,			/* u32: largest inner packet on this bond's path */
	SEALBOND_A_HANDSHAKES,		/* u64: completed */
	SEALBOND_A_LAST_HANDSHAKE_MS,	/* u64: its age */
	SEALBOND_A_PEERS_NR,		/* u32 */
	SEALBOND_A_BONDS_NR,		/* u32: bonds with a live lease */
	SEALBOND_A_FLUSH,		/* flag */
	SEALBOND_A_EXCEPTIONS,		/* nested array of SEALBOND_A_EXCEPTION */
	SEALBOND_A_EXCEPTION,		/* nested: SEALBOND_X_* */
	SEALBOND_A_DROP,		/* nested: SEALBOND_D_* */
	SEALBOND_A_EVENT,		/* u8: enum sealbond_event */
	SEALBOND_A_REASON,		/* u8: enum sealbond_reason, or an end's: enum sealbond_end */
	SEALBOND_A_GRANT_KEYS,		/* binary, 1 to 16 times 64 bytes: P-256 x, y, big endian */
	SEALBOND_A_GRANT_THRESHOLD,	/* u8: so many of them have to sign a grant */
	SEALBOND_A_GRANT_STATIC,	/* flag: grants that answer no request are taken */
	SEALBOND_A_GRANT,		/* binary: sealbond/grant.h */
	SEALBOND_A_NONCE,		/* binary, 16 bytes: a request's */
	SEALBOND_A_CONFIG_HASH,		/* binary, 32 bytes: of the security configuration */
	SEALBOND_A_EARLY,		/* flag: asked by the measured early boot */
	SEALBOND_A_KEY_CANDIDATE,	/* binary, 32 bytes: public key made in an unapproved boot */
	SEALBOND_A_BLOB_CANDIDATE,	/* binary */
	SEALBOND_A_LOCKED,		/* flag */
	SEALBOND_A_ALARMS,		/* u32: bits of enum sealbond_alarm */
	SEALBOND_A_KEY_OLD,		/* binary, 32 bytes: public key that still answers */
	SEALBOND_A_KEY_OLD_MS,		/* u64: for so long */
	SEALBOND_A_HOLD_MS,		/* u64: the last of LEASE_MS in which a bond is only held */
	SEALBOND_A_LEDGER_FD,		/* u32: a file descriptor of the caller */
	SEALBOND_A_PEER_RULES,		/* binary: struct sb_grant_rule (sealbond/grant.h), 1 to 8 of them */
	SEALBOND_A_CLOSE,		/* flag: no keys in this boot, nothing but the cap */
	__SEALBOND_A_MAX,
};
#define SEALBOND_A_MAX (__SEALBOND_A_MAX - 1)

enum sealbond_mode {
	SEALBOND_MODE_OFF,		/* touches nothing */
	SEALBOND_MODE_OBSERVE,		/* counts and traces what it would drop */
	SEALBOND_MODE_ENFORCE,
	__SEALBOND_MODE_MAX,
};

/* The key's and the boot's states; the device's others come from the helper. */
enum sealbond_state {
	SEALBOND_STATE_NO_KEY,		/* KEY was not asked for yet */
	SEALBOND_STATE_KEY_PENDING,	/* a hold of the TPM is under way */
	SEALBOND_STATE_KEYS_READY,
	SEALBOND_STATE_NO_TPM,
	SEALBOND_STATE_TPM_CLEARED,
	SEALBOND_STATE_TPM_LOCKOUT,
	SEALBOND_STATE_TPM_BUSY,
	SEALBOND_STATE_TPM_OWNER_AUTH,
	SEALBOND_STATE_TPM_ERROR,	/* any other failure: STATE_DETAIL has the code */
	SEALBOND_STATE_TPM_VIRTUAL,	/* a virtual TPM, and not allowed */
	SEALBOND_STATE_SEALED_ELSEWHERE,
	SEALBOND_STATE_BOOT_CHANGED,	/* CHANGED_PCRS names them */
	SEALBOND_STATE_NOT_APPROVED,	/* there is a blob and no approval at all */
	SEALBOND_STATE_CAPPED,		/* the cap was extended before: reboot */
	SEALBOND_STATE_BLOB_INVALID,
	SEALBOND_STATE_APPROVAL_INVALID,	/* the TPM refused its signature */
	SEALBOND_STATE_TAMPERED,	/* PCRs or the TPM's reset count changed under held keys */
	SEALBOND_STATE_BYPASS,		/* ALARMS names what goes around the filter */
	SEALBOND_STATE_EARLY_CLOSED,	/* CLOSE was asked for: no keys until the reboot */
	__SEALBOND_STATE_MAX,
};

/*
 * Why the assurance is not full; 0 says that the module sees no gap. LOCKDOWN and the last two are
 * found by userspace: the module never sets them.
 */
enum sealbond_assurance_gap {
	SEALBOND_GAP_LATE_KEYS		= 1 << 0,	/* not made or unsealed in measured early boot */
	SEALBOND_GAP_UNSIGNED_GRANTS	= 1 << 1,	/* peers come from an unsigned file */
	SEALBOND_GAP_VIRTUAL_TPM	= 1 << 2,
	SEALBOND_GAP_NOT_LOCKED		= 1 << 3,
	SEALBOND_GAP_NOT_ENFORCING	= 1 << 4,	/* mode off or observe */
	SEALBOND_GAP_LOCKDOWN		= 1 << 5,	/* less than lockdown=confidentiality */
	SEALBOND_GAP_MODULE_UNSIGNED	= 1 << 6,	/* this module has no signature that the kernel trusts */
	SEALBOND_GAP_MODULES_LOADABLE	= 1 << 7,	/* kernel.modules_disabled is 0 */
	SEALBOND_GAP_SIGNING_KEY	= 1 << 8,	/* a module-signing key is on the device (DKMS) */
};

/*
 * What was seen that goes around the filter, or under it. While one is set in mode enforce, no
 * bond lives. PCR and RESET stay until the machine reboots, the others go with what they name.
 */
enum sealbond_alarm {
	SEALBOND_ALARM_PCR		= 1 << 0,	/* a watched PCR changed since the keys opened */
	SEALBOND_ALARM_RESET		= 1 << 1,	/* the TPM was reset, or is gone for long */
	SEALBOND_ALARM_TC		= 1 << 2,	/* tc or BPF may redirect to a protected device, or change packets */
	SEALBOND_ALARM_XDP		= 1 << 3,	/* an XDP program is attached */
	SEALBOND_ALARM_XSK		= 1 << 4,	/* an AF_XDP socket is bound */
	SEALBOND_ALARM_NFT		= 1 << 5,	/* a netfilter hook may write into sealed packets */
};

enum sealbond_algorithm {
	SEALBOND_ALG_NONE,
	SEALBOND_ALG_AES256_GCM,		/* RFC 4106, 16-byte tag */
	SEALBOND_ALG_CHACHA20_POLY1305,		/* RFC 7634 */
	__SEALBOND_ALG_MAX,
};

enum sealbond_encap {
	SEALBOND_ENCAP_AUTO,		/* plain ESP unless a NAT is in the way */
	SEALBOND_ENCAP_ALWAYS,
	__SEALBOND_ENCAP_MAX,
};

enum sealbond_bond_state {
	SEALBOND_BOND_NONE,
	SEALBOND_BOND_STARTING,		/* an initiation is on its way, no traffic key yet */
	SEALBOND_BOND_PENDING,		/* answered, not confirmed */
	SEALBOND_BOND_LIVE,
	SEALBOND_BOND_LEASE_ENDED,
};

#define SEALBOND_PEER_F_UNSIGNED	(1 << 0)	/* admitted without a signed grant: set for every SET_PEER */
#define SEALBOND_PEER_F_QUARANTINE	(1 << 1)	/* only remediators may reach it */

/* SEALBOND_A_LIMITS: hard limits of a bond; all optional, each bounded by sealbond/limits.h */
enum sealbond_limit_attr {
	SEALBOND_L_UNSPEC,
	SEALBOND_L_PAD,
	SEALBOND_L_HARD_MS,		/* u64: age at which a bond ends */
	SEALBOND_L_HARD_BYTES,		/* u64 in one direction */
	SEALBOND_L_HARD_SEQUENCE,	/* u64 */
	SEALBOND_L_SOFT_BYTES,		/* u64: EVENT_ROTATE_WANTED */
	SEALBOND_L_SOFT_SEQUENCE,	/* u64: EVENT_ROTATE_WANTED */
	SEALBOND_L_OVERLAP_MS,		/* u64: how long the old inbound SA stays */
	SEALBOND_L_KEY_OVERLAP_MS,	/* u64: how long a bond key answers after ROTATE_KEY */
	__SEALBOND_L_MAX,
};
#define SEALBOND_L_MAX (__SEALBOND_L_MAX - 1)

enum sealbond_exception_kind {
	SEALBOND_EXC_NONE,
	SEALBOND_EXC_ARP,
	SEALBOND_EXC_ND,		/* ICMPv6 133 to 136, hop limit 255 */
	SEALBOND_EXC_DHCP4,		/* UDP 68 -> 67 out, 67 -> 68 in */
	SEALBOND_EXC_DHCP6,		/* UDP 546 -> 547 out, 547 -> 546 in */
	SEALBOND_EXC_ICMP_ERROR,	/* too big and unreachable about an outer flow of ours */
	SEALBOND_EXC_MATCH,		/* as the other attributes say */
	SEALBOND_EXC_LEDGER,		/* TCP of a LEDGER_SOCKET with REMOTE_PORT, and REMOTE if given */
	__SEALBOND_EXC_MAX,
};

#define SEALBOND_X_DIR_IN		(1 << 0)
#define SEALBOND_X_DIR_OUT		(1 << 1)

/* SEALBOND_A_EXCEPTION */
enum sealbond_exception_attr {
	SEALBOND_X_UNSPEC,
	SEALBOND_X_PAD,
	SEALBOND_X_NAME,		/* string, unique, required */
	SEALBOND_X_KIND,		/* u8, required */
	SEALBOND_X_DIR,			/* u8: SEALBOND_X_DIR_*; both when absent */
	SEALBOND_X_IFNAME,		/* string; any device when absent */
	SEALBOND_X_PROTO,		/* u8: IP protocol, required for MATCH, of no other kind */
	SEALBOND_X_REMOTE,		/* binary, 4 or 16 bytes, network order */
	SEALBOND_X_REMOTE_PREFIX,	/* u8: bits of it, whole address when absent */
	SEALBOND_X_LOCAL_PORT,		/* u16; any when absent */
	SEALBOND_X_REMOTE_PORT,		/* u16; any when absent */
	SEALBOND_X_RATE,		/* u32: packets a second, both directions; default in limits.h */
	SEALBOND_X_BYTES,		/* u32: bytes a second; default in limits.h */
	SEALBOND_X_PASSED,		/* u64: packets passed */
	SEALBOND_X_PASSED_BYTES,	/* u64 */
	SEALBOND_X_OVER,		/* u64: packets dropped for the budget */
	__SEALBOND_X_MAX,
};
#define SEALBOND_X_MAX (__SEALBOND_X_MAX - 1)

/* SEALBOND_A_DROP, and the monitor's EVENT_DROP */
enum sealbond_drop_attr {
	SEALBOND_D_UNSPEC,
	SEALBOND_D_PAD,
	SEALBOND_D_REASON,		/* u8: enum sealbond_reason */
	SEALBOND_D_COUNT,		/* u64: dropped */
	SEALBOND_D_WOULD_COUNT,		/* u64: would have been, in mode observe */
	SEALBOND_D_DIR,			/* u8: enum sealbond_dir */
	SEALBOND_D_IFNAME,		/* string */
	SEALBOND_D_ETHERTYPE,		/* u16, host order */
	SEALBOND_D_PROTO,		/* u8 */
	SEALBOND_D_SADDR,		/* binary, 4 or 16 bytes */
	SEALBOND_D_DADDR,		/* binary, 4 or 16 bytes */
	SEALBOND_D_SPORT,		/* u16 */
	SEALBOND_D_DPORT,		/* u16 */
	SEALBOND_D_LEN,			/* u32 */
	SEALBOND_D_UID,			/* u32: of the sending socket */
	SEALBOND_D_CGROUP,		/* u64: id of the sending socket's cgroup */
	SEALBOND_D_OBSERVED,		/* flag: not dropped, mode observe */
	__SEALBOND_D_MAX,
};
#define SEALBOND_D_MAX (__SEALBOND_D_MAX - 1)

enum sealbond_dir {
	SEALBOND_DIR_IN,
	SEALBOND_DIR_OUT,
	SEALBOND_DIR_FORWARD,
	SEALBOND_DIR_EGRESS,
};

/* Why a packet was dropped. The names are stable: kebab case of what follows REASON_. */
enum sealbond_reason {
	SEALBOND_REASON_NONE,		/* passed */
	SEALBOND_REASON_CLEAR_IN,	/* clear traffic from the network, no exception */
	SEALBOND_REASON_CLEAR_OUT,	/* clear traffic to the network, no exception */
	SEALBOND_REASON_FORWARDED,	/* between two networks, none allowed */
	SEALBOND_REASON_RAW_FRAME,	/* a packet socket's frame */
	SEALBOND_REASON_UNKNOWN_FRAME,	/* neither IP nor ARP */
	SEALBOND_REASON_UNKNOWN_SPI,	/* ESP that belongs to no bond */
	SEALBOND_REASON_FOREIGN_SA,	/* an SA that the module did not make */
	SEALBOND_REASON_FOREIGN_SOCKET,	/* the bond port, from another socket */
	SEALBOND_REASON_NO_BOND,	/* into sb0, to an address without a bond */
	SEALBOND_REASON_NOT_SEALED,	/* on sb0, and not through an SA at all */
	SEALBOND_REASON_LEASE_ENDED,	/* or there is an alarm, in mode enforce */
	SEALBOND_REASON_QUARANTINED,
	SEALBOND_REASON_WRONG_SOURCE,	/* inner source is not the peer's */
	SEALBOND_REASON_OVER_BUDGET,	/* an exception's rate or byte budget is spent */
	SEALBOND_REASON_OTHER_NETNS,	/* a namespace that has no bonds */
	SEALBOND_REASON_MALFORMED,	/* headers that cannot be read */
	SEALBOND_REASON_REPEATED,	/* an SA's sequence number for the second time */
	SEALBOND_REASON_LEDGER_SOCKET,	/* with a ledger endpoint, and not by the helper's socket */
	SEALBOND_REASON_CONDUIT,	/* of a bond: a protocol or port that its grant does not allow */
	__SEALBOND_REASON_MAX,
};
#define SEALBOND_REASON_MAX (__SEALBOND_REASON_MAX - 1)

/* Group "handshake": KEY, STRANGER, BOND_*, ROTATE_WANTED, NO_BOND. Group "monitor": DROP, MODE,
 * LOCKED. ALARM goes to both. */
enum sealbond_event {
	SEALBOND_EVENT_NONE,
	SEALBOND_EVENT_KEY,		/* as GET_KEY without blobs */
	SEALBOND_EVENT_STRANGER,	/* KEY DEVICE_ID ENDPOINT */
	SEALBOND_EVENT_BOND_LIVE,	/* DEVICE_ID EPOCH ALGORITHM ENCAP ENDPOINT */
	SEALBOND_EVENT_BOND_ENDED,	/* DEVICE_ID REASON (enum sealbond_end) */
	SEALBOND_EVENT_START_FAILED,	/* DEVICE_ID: no answer within the time */
	SEALBOND_EVENT_ROTATE_WANTED,	/* DEVICE_ID: a soft limit was reached */
	SEALBOND_EVENT_ROAMED,		/* DEVICE_ID ENDPOINT */
	SEALBOND_EVENT_DROP,		/* DROP; sampled */
	SEALBOND_EVENT_MODE,		/* MODE */
	SEALBOND_EVENT_ALARM,		/* ALARMS as they are now, 0 when the last has gone [CHANGED_PCRS] */
	SEALBOND_EVENT_LOCKED,
	__SEALBOND_EVENT_MAX,
};

enum sealbond_end {
	SEALBOND_END_NONE,
	SEALBOND_END_ASKED,		/* END_BOND, DEL_PEER, another address */
	SEALBOND_END_LEASE,
	SEALBOND_END_HARD_TIME,
	SEALBOND_END_HARD_BYTES,
	SEALBOND_END_HARD_SEQUENCE,
	SEALBOND_END_SA_GONE,		/* somebody deleted or changed an SA */
	SEALBOND_END_KEY,		/* the own key went away */
	SEALBOND_END_TAMPERED,		/* somebody rewrote an SA (NEWAE, UPDSA, MIGRATE) or rewound it */
	SEALBOND_END_ALARM,		/* ALARMS says which */
	__SEALBOND_END_MAX,
};

#endif /* _UAPI_LINUX_SEALBOND_H */
