/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line style, to stderr: "sealbondd link: warning: text". Under systemd's journal the
 * level travels as "<N>" in front. Only programs log; the libraries return errors.
 */
#ifndef SB_LOG_H
#define SB_LOG_H

enum sb_log_level {
	SB_LOG_ERROR	= 3,	/* syslog's numbers */
	SB_LOG_WARNING	= 4,
	SB_LOG_INFO	= 6,
	SB_LOG_DEBUG	= 7,
};

/* name: what stands in front of each line; kept by reference. debug: show SB_LOG_DEBUG. */
void sb_log_open(const char *name, int debug);

void sb_log(enum sb_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define sb_error(...)	sb_log(SB_LOG_ERROR, __VA_ARGS__)
#define sb_warn(...)	sb_log(SB_LOG_WARNING, __VA_ARGS__)
#define sb_info(...)	sb_log(SB_LOG_INFO, __VA_ARGS__)
#define sb_debug(...)	sb_log(SB_LOG_DEBUG, __VA_ARGS__)

#endif
