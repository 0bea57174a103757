// SPDX-License-Identifier: Apache-2.0
/*
 * A QEMU plugin: how often each translated block ran. SIGUSR2 to QEMU starts the count anew; at
 * QEMU's end it is written to the file of the argument out=FILE, a line a block: virtual address
 * (hex), instructions, executions. The declarations are those of QEMU's qemu-plugin.h, version 1,
 * which Debian 12 does not package.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBLE	__attribute__((visibility("default")))

struct qemu_plugin_tb;
enum { QEMU_PLUGIN_INLINE_ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*cb)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *ptr, uint64_t imm);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*cb)(uint64_t, void *), void *ctx);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);

VISIBLE int qemu_plugin_version = 1;

/* Never freed: generated code adds to count for as long as QEMU lives. */
struct block {
	uint64_t address, instructions, count;
	struct block *next;
};

static struct block *blocks;
static char out[1024];

static void restart(int signal)
{
	struct block *b;

	(void)signal;
	for (b = blocks; b; b = b->next)
		b->count = 0;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb)
{
	struct block *b = calloc(1, sizeof(*b));

	(void)id;
	if (!b)
		abort();
	b->address = qemu_plugin_tb_vaddr(tb);
	b->instructions = qemu_plugin_tb_n_insns(tb);
	b->next = blocks;
	blocks = b;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->count, 1);
}

static void finished(uint64_t id, void *ctx)
{
	FILE *f = fopen(out, "w");
	struct block *b;

	(void)id;
	(void)ctx;
	for (b = f ? blocks : NULL; b; b = b->next)
		if (b->count)
			fprintf(f, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n", b->address,
				b->instructions, b->count);
	if (f)
		fclose(f);
}

VISIBLE int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			snprintf(out, sizeof(out), "%s", argv[i] + 4);
	if (!out[0])
		return 1;
	signal(SIGUSR2, restart);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, NULL);
	return 0;
}
