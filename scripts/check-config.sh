#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# check-config.sh [--list] [FILE | DIRECTORY]
#
# Whether a kernel has what the module needs. Names every option that is missing and what it is
# for, and exits with 1 when one is. FILE is a kernel configuration, gzipped or not; DIRECTORY is
# a kernel's source or headers. Without either: $kernel_source_dir as DKMS has it, else the
# running kernel's /boot/config-*, else /proc/config.gz.
set -eu

# need: the module does not build, load or keep its promise without it.
# want: something is slower or less visible.
# A | B: one of them is enough; kernels have moved and renamed some.
options() {
	cat <<-'LIST'
	need MODULES: loadable modules
	need INET: IPv4
	need IPV6: IPv6, inside a bond and around it
	need NETFILTER: the hooks where each packet is judged
	need NETFILTER_EGRESS: the hook on the device, behind packet sockets: raw frames stay inside
	need NF_DEFRAG_IPV4: fragments are put together before they are judged (chosen by NF_CONNTRACK)
	need NF_DEFRAG_IPV6: the same for IPv6 (chosen by NF_CONNTRACK)
	need XFRM: IPsec's states and policies, which carry a bond's traffic keys
	need XFRM_INTERFACE: sb0, the device that applications talk through
	need INET_ESP: ESP over IPv4
	need INET6_ESP: ESP over IPv6
	need INET_ESP_OFFLOAD: segmentation as late as can be: bulk traffic at twice the speed
	need INET6_ESP_OFFLOAD: the same for IPv6
	need TCG_TPM: the TPM, which seals the bond key
	need TCG_TIS | TCG_CRB | TCG_TIS_SPI | TCG_TIS_I2C | TCG_FTPM_TEE: a driver for the TPM
	need CRYPTO_GCM: AES-256-GCM for traffic
	need CRYPTO_AES: AES, for GCM
	need CRYPTO_CHACHA20POLY1305: ChaCha20-Poly1305 for traffic
	need CRYPTO_SEQIV: the nonces of both
	need CRYPTO_ECC: P-256, for the session with the TPM
	need CRYPTO_LIB_AES: AES, for what travels on the TPM's bus
	need CRYPTO_LIB_SHA256: SHA-256, for the session with the TPM
	need CRYPTO_LIB_CURVE25519: X25519, for the handshake and the bond key
	need CRYPTO_LIB_CHACHA20POLY1305: ChaCha20-Poly1305, for the handshake
	need NET_CLS_ACT: tc's filters and actions, looked through for what redirects past the hooks
	want KRETPROBES: what goes around the filter is seen at once, and not within 250 ms
	want EVENT_TRACING: the tracepoint sealbond_drop
	want XFRM_STATISTICS: /proc/net/xfrm_stat beside the module's own counters
	LIST
}

die() {
	printf 'check-config: %s\n' "$*" >&2
	exit 2
}

# The configuration's file in a directory: a source tree or headers, whole or stripped.
in_directory() {
	for name in .config include/config/auto.conf; do
		if [ -r "$1/$name" ]; then
			printf '%s\n' "$1/$name"
			return
		fi
	done
	die "no .config in $1"
}

# where [FILE | DIRECTORY]: the file to read.
where() {
	if [ -n "${1:-}" ]; then
		if [ -d "$1" ]; then
			in_directory "$1"
		elif [ -r "$1" ]; then
			printf '%s\n' "$1"
		else
			die "cannot read $1"
		fi
	elif [ -n "${kernel_source_dir:-}" ]; then
		in_directory "$kernel_source_dir"
	elif [ -r "/boot/config-$(uname -r)" ]; then
		printf '%s\n' "/boot/config-$(uname -r)"
	elif [ -r /proc/config.gz ]; then
		printf '%s\n' /proc/config.gz
	else
		die "no configuration of kernel $(uname -r): neither in /boot nor in /proc/config.gz; name a file"
	fi
}

# enabled NAMES: NAMES is "A" or "A | B"; $enabled_options has one option a line.
enabled() {
	for name in $1; do
		[ "$name" != '|' ] || continue
		case "
$enabled_options
" in
		*"
CONFIG_$name
"*) return 0 ;;
		esac
	done
	return 1
}

if [ "${1:-}" = --list ]; then
	options
	exit 0
fi
[ $# -le 1 ] || die "usage: check-config.sh [--list] [FILE | DIRECTORY]"
config=$(where "${1:-}")
case $(od -An -tx1 -N2 "$config" | tr -d ' ') in
1f8b) text=$(gzip -dc "$config") ;;
*) text=$(cat "$config") ;;
esac
enabled_options=$(printf '%s\n' "$text" | sed -n 's/^\(CONFIG_[A-Z0-9_]*\)=[ym]$/\1/p')
[ -n "$enabled_options" ] || die "$config is not a kernel configuration"

missing=$(options | while read -r class rest; do
	names=${rest%%:*}
	enabled "$names" || printf '%s CONFIG_%s:%s\n' "$class" \
		"$(printf '%s' "$names" | sed 's/ | / or CONFIG_/g')" "${rest#*:}"
done)
printf '%s\n' "$missing" | sed -n -e 's/^need \(.*\)/missing  \1/p' -e 's/^want \(.*\)/wanted   \1/p'
case "
$missing" in
*"
need "*)
	printf '%s: the module needs the options named above\n' "$config"
	exit 1
	;;
esac
printf '%s: has all that the module needs\n' "$config"
