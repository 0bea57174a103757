// SPDX-License-Identifier: Apache-2.0
/* The ledger role has no capability: its sockets are registered with the kernel here. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device/handover.h"
#include "device/link_internal.h"

#define AT_ONCE	32

/* The kernel looks at what kind of socket it is. */
static void register_one(struct sb_link *link, int handover, int fd, uint32_t id)
{
	struct sb_handover_answer answer = { .id = id, .error = -ENOENT };

	if (link->module)
		answer.error = sb_module_ledger_socket(link->module, fd);
	if (answer.error < 0)
		snprintf(answer.text, sizeof(answer.text), "%.159s",
			 link->module ? sb_module_error(link->module) : "the kernel module is not loaded");
	/* The other end does not read: it is not there, or has given up. */
	(void)send(handover, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	link_check_error(link, answer.error);
}

static void on_socket(evutil_socket_t handover, short what, void *context)
{
	struct sb_link *link = context;
	uint32_t id;

	(void)what;
	for (int i = 0; i < AT_ONCE; i++) {
		int fd = sb_handover_take(handover, &id);

		if (fd == -EBADMSG)
			continue;
		if (fd < 0)
			break;
		register_one(link, handover, fd, id);
		close(fd);
	}
}

int link_handover_open(struct sb_link *link, int fd)
{
	link->handover = event_new(link->base, fd, EV_READ | EV_PERSIST, on_socket, link);
	return !link->handover || event_add(link->handover, NULL) < 0 ? -ENOMEM : 0;
}
