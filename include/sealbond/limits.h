/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * Every bound and timer of the handshake and of traffic keys, in one place,
 * shared by the module and userspace. Units are in the names: _NS boot-time
 * nanoseconds, _S seconds, _BYTES bytes, _PACKETS packets.
 */
#ifndef SEALBOND_LIMITS_H
#define SEALBOND_LIMITS_H

#define SB_NS_PER_S			1000000000ULL

/*
 * UDP port of handshakes and encapsulated ESP. In the middle of a range
 * (7444-7470) that IANA has assigned to nobody, below Linux's ephemeral ports.
 */
#define SB_DEFAULT_PORT			7454

/* Handshake, initiator: retransmission (WireGuard's values). */
#define SB_HS_RETRY_NS			(5 * SB_NS_PER_S)
/* Each interval is lengthened by a random part of up to interval / this. */
#define SB_HS_JITTER_DIV		3
/* A series of attempts without answer is given up after this ... */
#define SB_HS_GIVE_UP_NS		(90 * SB_NS_PER_S)
/* ... and goes on slowly: the interval doubles up to this. */
#define SB_HS_BACKOFF_MAX_NS		(160 * SB_NS_PER_S)
/* A response later than this is none. */
#define SB_HS_PENDING_NS		(90 * SB_NS_PER_S)
/* The lower device id ignores a crossing initiation for so long after every own one. */
#define SB_HS_CROSSING_NS		(1 * SB_NS_PER_S)

/* Cookies: age of the secret, and how long the receiver of a cookie uses it. */
#define SB_COOKIE_SECRET_NS		(120 * SB_NS_PER_S)
#define SB_COOKIE_USE_NS		(115 * SB_NS_PER_S)

/* Token buckets by source prefix (IPv4 /32, IPv6 /64); fixed memory. */
#define SB_RATE_SLOTS			512
#define SB_RATE_PER_S			20
#define SB_RATE_BURST			5

/*
 * Life of a traffic key. Time as in WireGuard. The helper rotates at the soft
 * limits; the kernel refuses to send on a key past a hard limit.
 */
#define SB_REKEY_AFTER_S		120
#define SB_REJECT_AFTER_S		180
/* The longest hard age that may be configured. */
#define SB_REJECT_AFTER_MAX_S		86400
/* An epoch that was replaced takes in what was under way for so long. */
#define SB_OVERLAP_S			10

/*
 * A bond key that was replaced answers for so long beside its successor: long enough for a person
 * to carry the new one to every peer within a working day, short enough that a key which was
 * rotated away for a reason is of no use on the next. Held in memory only; a reboot ends it sooner.
 */
#define SB_KEY_OVERLAP_NS		(86400 * SB_NS_PER_S)

/*
 * AES-256-GCM: the advantage in distinguishing grows with the square of the
 * 16-byte blocks under one key. 2^38 bytes are 2^34 blocks: 2^68 / 2^129 =
 * 2^-61, below the 2^-57 that TLS 1.3 (RFC 8446 section 5.5) and QUIC
 * (RFC 9001 appendix B.1) aim at. Packets: 2^28 is QUIC's confidentiality
 * limit for packets of up to 2^11 bytes (RFC 9001 appendix B.1.1); larger ones
 * meet the limit on bytes first. ChaCha20-Poly1305 would bear more; one table
 * is easier to trust. A packet's sequence number (ESN, 64 bits) counts from 1
 * for every key, so the limit on packets is a limit on the sequence.
 * 2^28 packets take 5 minutes at 10 Gbit/s of 1,500 bytes: time comes first.
 */
#define SB_REKEY_AFTER_PACKETS		(1ULL << 27)
#define SB_REJECT_AFTER_PACKETS		(1ULL << 28)
#define SB_REKEY_AFTER_BYTES		(1ULL << 36)
#define SB_REJECT_AFTER_BYTES		(1ULL << 38)

/*
 * Exceptions. RATE (packets a second) and BYTES (a second) hold where a specification says
 * nothing; up to one second's worth may come at once.
 */
#define SB_EXC_MAX			64
#define SB_EXC_RATE			100
#define SB_EXC_RATE_MAX			1000000
#define SB_EXC_BYTES			(128 * 1024)
#define SB_EXC_BYTES_MAX		(1 << 30)
#define SB_EXC_BURST_NS			(1 * SB_NS_PER_S)

/* Between two looks for a new block of the ledger, at least. */
#define SB_LEDGER_POLL_MS		500

/*
 * What the helper may talk to its ledger where the configuration says nothing: a first look at a
 * chain of 100 validators takes some hundred KiB, a renewal some ten.
 */
#define SB_LEDGER_RATE			1000
#define SB_LEDGER_BYTES			(4 << 20)

/* Drops that the monitor group hears of, a second on the whole machine. */
#define SB_DROP_EVENTS_PER_S		20
#define SB_DROP_EVENTS_BURST_NS		(1 * SB_NS_PER_S)

/*
 * Watchers. XDP programs attached by a link, tcx programs and AF_XDP sockets come without a word:
 * they are looked for once a period, which is what such a one can send in before the bonds end. A
 * look takes RTNL for some microseconds a namespace; a quarter of a second leaves that far below
 * a thousandth. In the other modes nothing ends, so that a look is for telling people.
 */
#define SB_WATCH_MS			250
#define SB_WATCH_IDLE_MS		2000
/* tc's actions are listed when the kernel tells of a change, and besides in one look of so many. */
#define SB_WATCH_ALL_ROUNDS		8

/*
 * The TPM is asked for its counters and the watched PCRs: two or three commands, some 50 ms of a
 * slow chip, 1 % of its time. Who extends a PCR or resets the TPM is seen within this.
 */
#define SB_WATCH_TPM_S			5
/*
 * A TPM that gives no answer at all for so long is taken for reset. Long enough for a driver that
 * is unbound and bound again, for one that resets its bus, and for four answers of 15 s.
 */
#define SB_WATCH_TPM_GONE_S		60

/* An unconfirmed mode reverts after ... */
#define SB_CONFIRM_MIN_MS		1000
#define SB_CONFIRM_MAX_MS		86400000

#endif
