// SPDX-License-Identifier: Apache-2.0
/* sealbond-ledgerd: the ledger of one process. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "abci/serve.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/parse.h"
#include "common/sandbox.h"
#include "ledger/home.h"
#include "ledger/ledger_app.h"
#include "ledger/restore.h"
#include "ledger/server.h"

static const char usage[] =
	"usage: sealbond-ledgerd init --home DIR --chain NAME [--app-state FILE]\n"
	"       sealbond-ledgerd [run] --home DIR [OPTION...]\n"
	"       sealbond-ledgerd [run] --home DIR --abci URL [OPTION...]\n"
	"       sealbond-ledgerd recover-signer --home DIR\n"
	"       sealbond-ledgerd export --home DIR --app-state FILE\n"
	"       sealbond-ledgerd backup FILE --home DIR [--with-keys]\n"
	"       sealbond-ledgerd restore FILE --home DIR [--validator-key FILE] [--above HEIGHT]\n"
	"\n"
	"  init                    makes a home: a new validator's key, and genesis.json\n"
	"  run                     makes blocks and answers CometBFT's JSON-RPC\n"
	"  recover-signer          writes a lost validator_state.json anew from the last block; only when no copy\n"
	"                          of this chain has gone on anywhere else\n"
	"  export                  writes the whole state as a genesis' app_state, for a chain that goes on with it\n"
	"  backup                  into one file, also while the daemon runs; its secret keys only --with-keys\n"
	"  restore                 makes a home of a backup, that goes on above every height that may have been\n"
	"                          signed since, when the members have signed its file recovery\n"
	"\n"
	"  --listen ADDR:PORT      or the absolute path of a socket (127.0.0.1:26657)\n"
	"  --interval TIME         between blocks while transactions wait (1s)\n"
	"  --idle TIME             between blocks while none do (60s)\n"
	"  --tls-cert, --tls-key   PEM files; the server then speaks TLS\n"
	"  --connections N         at once (512)\n"
	"  --per-address N         of them from one address; 0: all (64)\n"
	"  --pool-count N          transactions that wait at most (20000)\n"
	"  --pool-bytes SIZE       and their bytes (64M)\n"
	"  --retain-blocks N       that are kept at least; 0: all (0). Blocks of the last eight days, and others that\n"
	"                          clients may need, are kept in any case\n"
	"  --debug                 says more\n"
	"\n"
	"  --abci URL              serves CometBFT, which makes the blocks: unix:///PATH or tcp://ADDR:PORT\n"
	"  --retain-blocks N       that CometBFT keeps\n"
	"  --snapshot-every N      blocks, for nodes that join; 0: never; else a multiple of 100 (1000)\n"
	"  --snapshots N           that are kept (2)\n";

enum command { INIT, RUN, RECOVER, EXPORT, BACKUP, RESTORE };	/* from BACKUP on: with a file */

struct arguments {
	enum command command;
	const char *home, *chain, *state, *file;
	bool with_keys;
	struct sb_restore restore;
	struct sb_chain_options chain_options;
	struct sb_server_options server;
	const char *abci;
	struct sb_abci_options abci_options;
	int debug;
};

enum { HOME = 256, CHAIN, STATE, LISTEN, INTERVAL, IDLE, CERT, KEY, CONNECTIONS, PER_ADDRESS, POOL_COUNT, POOL_BYTES,
       DEBUG, HELP, WITH_KEYS, VALIDATOR_KEY, ABOVE, ABCI, RETAIN, SNAPSHOT_EVERY, SNAPSHOTS };

static const struct option options[] = {
	{ "home", required_argument, NULL, HOME }, { "chain", required_argument, NULL, CHAIN },
	{ "app-state", required_argument, NULL, STATE }, { "listen", required_argument, NULL, LISTEN },
	{ "interval", required_argument, NULL, INTERVAL }, { "idle", required_argument, NULL, IDLE },
	{ "tls-cert", required_argument, NULL, CERT }, { "tls-key", required_argument, NULL, KEY },
	{ "connections", required_argument, NULL, CONNECTIONS },
	{ "per-address", required_argument, NULL, PER_ADDRESS },
	{ "pool-count", required_argument, NULL, POOL_COUNT }, { "pool-bytes", required_argument, NULL, POOL_BYTES },
	{ "abci", required_argument, NULL, ABCI }, { "retain-blocks", required_argument, NULL, RETAIN },
	{ "snapshot-every", required_argument, NULL, SNAPSHOT_EVERY },
	{ "snapshots", required_argument, NULL, SNAPSHOTS },
	{ "with-keys", no_argument, NULL, WITH_KEYS }, { "validator-key", required_argument, NULL, VALIDATOR_KEY },
	{ "above", required_argument, NULL, ABOVE },
	{ "debug", no_argument, NULL, DEBUG }, { "help", no_argument, NULL, HELP }, { NULL, 0, NULL, 0 },
};

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	return sb_parse_u64(text, value) == 0 && *value >= least && *value <= most;
}

static bool take_abci(int option, const char *text, struct arguments *arguments)
{
	uint64_t value;

	switch (option) {
	case ABCI:
		arguments->abci = text;
		return sb_abci_is_url(text);
	case RETAIN:
		if (!number(text, 0, INT64_MAX, &value))
			return false;
		arguments->abci_options.retain = arguments->chain_options.retain = (int64_t)value;
		return true;
	case SNAPSHOT_EVERY:
		if (!number(text, 0, INT32_MAX, &value) || value % 100)
			return false;
		arguments->abci_options.snapshot_every = (int64_t)value;
		return true;
	default:
		if (!number(text, 1, SB_SNAPSHOTS_MOST, &value))
			return false;
		arguments->abci_options.snapshots = (unsigned int)value;
		return true;
	}
}

static bool take_number(int option, const char *text, struct arguments *arguments)
{
	uint64_t value;

	switch (option) {
	case INTERVAL:
		return sb_parse_duration(text, &arguments->chain_options.interval) == 0 &&
		       arguments->chain_options.interval >= 1 && arguments->chain_options.interval <= 3600000;
	case IDLE:
		return sb_parse_duration(text, &arguments->chain_options.idle) == 0 &&
		       arguments->chain_options.idle >= 1 && arguments->chain_options.idle <= 86400000;
	case CONNECTIONS:
		if (!number(text, 8, 65536, &value))
			return false;
		arguments->server.connections = (unsigned int)value;
		return true;
	case PER_ADDRESS:
		if (!number(text, 0, 65536, &value))
			return false;
		arguments->server.per_address = (unsigned int)value;
		return true;
	case ABOVE:
		if (!number(text, 1, INT64_MAX / 4, &value))
			return false;
		arguments->restore.above = (int64_t)value;
		return true;
	case POOL_COUNT:
		if (!number(text, 1, 1000000, &value))
			return false;
		arguments->chain_options.pool_count = (size_t)value;
		return true;
	default:
		if (sb_parse_size(text, &value) < 0 || value < SB_TX_MAX || value > UINT64_C(1) << 32)
			return false;
		arguments->chain_options.pool_bytes = (size_t)value;
		return true;
	}
}

static bool take(int option, const char *value, struct arguments *arguments)
{
	switch (option) {
	case HOME:
		arguments->home = value;
		return true;
	case CHAIN:
		arguments->chain = value;
		return true;
	case STATE:
		arguments->state = value;
		return true;
	case LISTEN:
		arguments->server.listen = value;
		return true;
	case CERT:
		arguments->server.certificate = value;
		return true;
	case KEY:
		arguments->server.key = value;
		return true;
	case WITH_KEYS:
		arguments->with_keys = true;
		return true;
	case VALIDATOR_KEY:
		arguments->restore.validator_key = value;
		return true;
	case DEBUG:
		arguments->debug = 1;
		return true;
	case ABCI:
	case RETAIN:
	case SNAPSHOT_EVERY:
	case SNAPSHOTS:
		return take_abci(option, value, arguments);
	default:
		return take_number(option, value, arguments);
	}
}

static int misused(const char *words, const char *what)
{
	fprintf(stderr, "sealbond-ledgerd: %s%s\n%s", words, what, usage);
	return 2;
}

/* 0: go on; else the exit status, minus 1. */
static int parse(int argc, char **argv, struct arguments *arguments)
{
	static const char *const commands[] = { "init", "run", "recover-signer", "export", "backup", "restore" };
	int option, index = 0;

	arguments->command = RUN;
	if (argc > 1 && argv[1][0] != '-') {
		size_t i = 0;

		while (i < SB_ARRAY_SIZE(commands) && strcmp(commands[i], argv[1]) != 0)
			i++;
		if (i == SB_ARRAY_SIZE(commands))
			return misused("no such command: ", argv[1]);
		arguments->command = (enum command)i;
		argc--;
		argv++;
	}
	while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			return -1;
		}
		if (option == '?')
			return misused("see below", "");
		if (!take(option, optarg, arguments))
			return misused("out of bounds: --", options[index].name);
	}
	if (optind < argc && arguments->command >= BACKUP)
		arguments->file = argv[optind++];
	if (optind < argc)
		return misused("what is this: ", argv[optind]);
	if (arguments->command >= BACKUP && !arguments->file)
		return misused("the backup's file is missing", "");
	if (!arguments->home)
		return misused("--home is missing", "");
	if (arguments->command == INIT && !arguments->chain)
		return misused("--chain is missing", "");
	if (arguments->command == EXPORT && !arguments->state)
		return misused("--app-state is missing", "");
	if (!arguments->abci && arguments->chain_options.retain && arguments->chain_options.retain < SB_CHAIN_RETAIN_LEAST)
		return misused("out of bounds: --", "retain-blocks");
	if (arguments->abci && arguments->command != RUN)
		return misused("only run has --abci", "");
	return 0;
}

#define CLOCK_SLACK	10	/* seconds: what light clients allow (their clock drift) */

/* What a block's time becomes when the clock is behind the chain; said when it begins, and when it is over. */
static void watch_clock(struct sb_chain_time vote)
{
	static bool behind;
	int64_t ahead = vote.seconds - (int64_t)time(NULL);

	if (!behind && ahead > CLOCK_SLACK)
		sb_warn("this machine's clock is %lld s behind the last block: until it has caught up, each block is a "
			"millisecond after its predecessor, and clients refuse them as from the future. Set the clock",
			(long long)ahead);
	else if (behind && ahead <= CLOCK_SLACK)
		sb_info("the clock has caught up with the chain");
	behind = ahead > CLOCK_SLACK;
}

static void on_block(void *server, const struct sb_chain_event *event)
{
	sb_server_hear(server, event);
	watch_clock(event->commit->votes[0].time);
}

static void *wait_for_signal(void *context)
{
	sigset_t signals;
	int number;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	if (!sigwait(&signals, &number))
		sb_chain_stop(context);
	return NULL;
}

static int block_signals(void)
{
	sigset_t signals;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	return pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* Makes blocks and answers until a signal comes. */
static int serve(struct sb_chain *chain, const struct arguments *arguments, struct sb_error *error)
{
	struct sb_rpc rpc = { .chain = chain, .listen = arguments->server.listen, .commit_ms = 10000 };
	struct sb_server *server = NULL;
	pthread_t signals;
	int rc;

	rpc.waits = sb_waits_new();
	if (!rpc.waits || pthread_create(&signals, NULL, wait_for_signal, chain)) {
		sb_waits_free(rpc.waits);
		return sb_fail(error, -ENOMEM, "out of memory or threads");
	}
	rc = sb_server_start(&arguments->server, &rpc, &server, error);
	if (!rc) {
		sb_chain_listen(chain, on_block, server);
		sb_notify("READY=1");
		sb_info("chain %s: listening on %s", sb_chain_genesis(chain)->chain, arguments->server.listen);
		rc = sb_chain_run(chain, error);
		sb_notify("STOPPING=1");
		sb_server_stop(server);
	}
	pthread_cancel(signals);
	pthread_join(signals, NULL);
	sb_waits_free(rpc.waits);
	return rc;
}

static int run(const struct arguments *arguments, struct sb_error *error)
{
	struct sb_chain_tip tip;
	struct sb_chain *chain;
	struct sb_app app;
	int rc = sb_ledger_app_open(arguments->home, &app, error);

	if (rc)
		return rc;
	rc = sb_chain_open(arguments->home, &app, &arguments->chain_options, &chain, error);
	if (!rc) {
		sb_chain_tip(chain, &tip);
		sb_info("chain %s: at height %lld", sb_chain_genesis(chain)->chain, (long long)tip.height);
		rc = serve(chain, arguments, error);
		sb_chain_tip(chain, &tip);
		sb_info("chain %s: ended at height %lld", sb_chain_genesis(chain)->chain, (long long)tip.height);
		sb_chain_close(chain);
	}
	sb_ledger_app_close(&app);
	return rc;
}

/* The state alone is ours: blocks, keys and signatures are CometBFT's. */
static int run_abci(const struct arguments *arguments, struct sb_error *error)
{
	char blocks[PATH_MAX];
	struct sb_app app;
	int rc;

	if (!sb_home_path(blocks, arguments->home, SB_HOME_BLOCKS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", arguments->home);
	if (access(blocks, F_OK) == 0)
		return sb_fail(error, -EINVAL, "%s is the home of a ledger of one process: --abci needs one of its own",
			       arguments->home);
	rc = sb_ledger_app_open(arguments->home, &app, error);
	if (rc)
		return rc;
	rc = sb_abci_serve(arguments->home, arguments->abci, &app, &arguments->abci_options, error);
	sb_ledger_app_close(&app);
	return rc;
}

static int export_state(const struct arguments *arguments, struct sb_error *error)
{
	sb_cleanup_fclose FILE *out = fopen(arguments->state, "wxe");
	struct sb_app_exported exported;
	int rc;

	if (!out)
		return sb_fail(error, -errno, "%s: %s", arguments->state, strerror(errno));
	rc = sb_ledger_app_export(arguments->home, out, &exported, error);
	if (!rc && (fflush(out) || fsync(fileno(out))))
		rc = sb_fail(error, -errno, "%s: %s", arguments->state, strerror(errno));
	if (rc)
		unlink(arguments->state);
	else
		sb_info("%s: %zu records of chain %s after block %lld: a chain that goes on with them begins at height %lld",
			arguments->state, exported.records, exported.chain, (long long)exported.height,
			(long long)exported.height + 1);
	return rc;
}

static int backup(const struct arguments *arguments, struct sb_error *error)
{
	int rc = sb_backup_make(arguments->home, arguments->file, arguments->with_keys, error);

	if (rc)
		return rc;
	if (arguments->with_keys)
		sb_warn("%s has the ledger's secret keys, and mode 0600: who has it is the ledger", arguments->file);
	else
		sb_info("%s has no secret key. Keep copies of validator_key.json and grant_key.pem elsewhere: without the "
			"second, devices have to be given another grant key by hand", arguments->file);
	return 0;
}

static int restore(struct arguments *arguments, struct sb_error *error)
{
	struct sb_restore *restore = &arguments->restore;
	int rc;

	restore->file = arguments->file;
	restore->home = arguments->home;
	rc = sb_restore_run(restore, error);
	if (rc)
		return rc;
	sb_info("%s: restored up to height %lld; the next block will be %lld. What was committed after that height is lost: "
		"revocations, approvals and other decisions have to be made again", restore->home,
		(long long)restore->recovery.after, (long long)restore->recovery.height);
	sb_info("numbers of people's transactions leap, so that none that was lost can be repeated by others");
	if (restore->new_key)
		sb_info("the validator has a new key: devices take it by the recovery; CometBFT's clients begin anew");
	if (!restore->grants)
		sb_warn("there is no grant_key.pem: put the copy back, or devices get no grants");
	sb_info("%s/" SB_RECOVERY_FILE " is to be signed by the members; sealbond-ledgerd goes on then", restore->home);
	return 0;
}

/* 3: the home is not as it must be, and stays so however often this is started; 1: something that may pass. */
static int exit_status(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -ESTALE:
	case -EUCLEAN:
	case -EBADMSG:
	case -ENOENT:
	case -EPERM:
	case -EKEYREJECTED:
	case -EINVAL:
	case -EEXIST:
	case -EPROTONOSUPPORT:
		return 3;
	default:
		return 1;
	}
}

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.chain_options = { .interval = 1000, .idle = 60000, .pool_count = 20000, .pool_bytes = 64U << 20 },
		.server = { .listen = "127.0.0.1:26657", .connections = 512, .per_address = 64, .threads = 2,
			    .timeout = 60 },
		.abci_options = { .snapshot_every = 1000, .snapshots = 2 },
	};
	struct sb_error error = { "" };
	sb_cleanup_close int lock = -1;
	int64_t height;
	int rc = parse(argc, argv, &arguments);

	if (rc)
		return rc < 0 ? 0 : rc;
	umask(077);
	sb_log_open("sealbond-ledgerd", arguments.debug);
	if (sb_sandbox_begin() < 0 || block_signals()) {
		sb_error("cannot give up what a ledger does not need: %s", strerror(errno));
		return 1;
	}
	if (arguments.command == INIT) {
		rc = sb_home_init(arguments.home, arguments.chain, arguments.state, &error);
		if (!rc)
			sb_info("%s: chain %s begins when it runs. Keep " SB_HOME_KEY " secret, and a copy of it",
				arguments.home, arguments.chain);
	} else if (arguments.command == BACKUP) {
		rc = backup(&arguments, &error);
	} else if (arguments.command == RESTORE) {
		rc = restore(&arguments, &error);
	} else {
		/* for an ABCI server nothing is made before */
		if (arguments.abci && (rc = sb_make_directory(arguments.home, 0700)))
			sb_fail(&error, rc, "%s: %s", arguments.home, strerror(-rc));
		if (!rc)
			lock = sb_home_lock(arguments.home, &error);
		rc = rc ? rc : lock < 0 ? lock : 0;
		if (!rc && arguments.command == RECOVER) {
			rc = sb_home_recover(arguments.home, &height, &error);
			if (!rc)
				sb_info("%s: nothing up to height %lld is signed again", arguments.home,
					(long long)height);
		} else if (!rc && arguments.command == EXPORT) {
			rc = export_state(&arguments, &error);
		} else if (!rc) {
			rc = arguments.abci ? run_abci(&arguments, &error) : run(&arguments, &error);
		}
	}
	if (rc)
		sb_error("%s", error.text[0] ? error.text : strerror(-rc));
	return exit_status(rc);
}
