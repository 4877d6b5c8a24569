/* SPDX-License-Identifier: Apache-2.0 */
/* The repository's side of ceremonies: start, finish, drill. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/payload_report.h"
#include "cli/stdout.h"
#include "cli/verbs.h"
#include "stampede/ceremony.h"

/* Wishes and the words that they point into. */
#define WISHES_MAX 256

enum {
	OPT_OUT = 1,
	OPT_PURPOSE,
	OPT_RENEW,
	OPT_ADD,
	OPT_REMOVE,
	OPT_THRESHOLD,
	OPT_ONLINE,
	OPT_BINS,
	OPT_EXPIRES,
	OPT_NOW,
	OPT_ALLOW_UNPROVEN,
	OPT_ALLOW_REPLACED,
};

struct wishes {
	struct stp_ceremony_wish items[WISHES_MAX];
	char *words[WISHES_MAX]; /* owned: what the roles of items point into */
	size_t count, word_count;
};

static const struct stp_option start_table[] = {
    {"out", "P", "the payload's file, which must not exist (required)", OPT_OUT},
    {"purpose", "TEXT", "why: shown to everybody who signs (required)", OPT_PURPOSE},
    {"renew", "root,targets,bins", "new versions of these, unchanged but for their expiry",
     OPT_RENEW},
    {"add", "ROLE=NAME.key.json", "a key that may sign root, targets or bins; repeatable", OPT_ADD},
    {"remove", "ROLE=NAME", "one that may no longer, by its name or keyid; repeatable", OPT_REMOVE},
    {"threshold", "ROLE=T", "how many keys must sign; repeatable", OPT_THRESHOLD},
    {"online", "ROLE[,ROLE]=NAME.key.json",
     "the key of timestamp, snapshot or bins on the signing machine; repeatable", OPT_ONLINE},
    {"bins", "N", "number of bins, a power of two", OPT_BINS},
    {"expires", "ROLE=DAYS", "valid for so long; repeatable", OPT_EXPIRES},
    {"allow-unproven", NULL, "take keys whose descriptions they did not sign", OPT_ALLOW_UNPROVEN},
    {"allow-replaced", NULL, "take a key back that an earlier root had", OPT_ALLOW_REPLACED},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static const struct stp_option drill_table[] = {
    {"out", "P", "the payload's file, which must not exist (required)", OPT_OUT},
    {"purpose", "TEXT", "shown to everybody who signs", OPT_PURPOSE},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

static const struct stp_option finish_table[] = {
    {"allow-unproven", NULL, "publish although a new key has not signed", OPT_ALLOW_UNPROVEN},
    {"now", "TIME", "the time to use, YYYY-MM-DDTHH:MM:SSZ", OPT_NOW},
    {NULL, NULL, NULL, 0},
};

/* ------------------------------------------------------------------ wishes */

static int full(struct stp_cli *cli, const struct wishes *wishes)
{
	if (wishes->count < WISHES_MAX && wishes->word_count < WISHES_MAX)
		return 0;
	stp_cli_usage(cli, "more than %d changes at once", WISHES_MAX);
	return 1;
}

/* A copy that the wishes own, or NULL. */
static char *keep(struct wishes *wishes, const char *text)
{
	char *copy = strdup(text);

	if (copy)
		wishes->words[wishes->word_count++] = copy;
	return copy;
}

/* Adds a wish for each role of the list "ROLE,ROLE", which is cut in pieces. */
static int add_roles(struct stp_cli *cli, struct wishes *wishes, char *roles,
                     struct stp_ceremony_wish wish)
{
	char *role;

	while ((role = strsep(&roles, ","))) {
		if (full(cli, wishes))
			return 0;
		wish.role = role;
		wishes->items[wishes->count++] = wish;
	}
	return 1;
}

/* "ROLE=VALUE"; numbers are read. 0 after printing usage. */
static int take_pair(struct stp_cli *cli, struct wishes *wishes, const char *option,
                     const char *text, enum stp_ceremony_change change)
{
	struct stp_ceremony_wish wish = {.change = change};
	const char *equals = strchr(text, '=');
	char *roles;

	if (!equals || equals == text || !equals[1]) {
		stp_cli_usage(cli, "--%s: %s is not ROLE=VALUE", option, text);
		return 0;
	}
	if (full(cli, wishes))
		return 0;
	if (change == STP_CEREMONY_THRESHOLD || change == STP_CEREMONY_EXPIRES) {
		if (!stp_cli_u64(cli, option, equals + 1, 1,
		                 change == STP_CEREMONY_THRESHOLD ? STP_ROLE_KEYS_MAX
		                                                  : STP_EXPIRY_SECONDS_MAX / 86400,
		                 &wish.number))
			return 0;
	} else {
		wish.value = equals + 1;
	}
	roles = keep(wishes, text);
	if (!roles) {
		stp_cli_usage(cli, "no memory");
		return 0;
	}
	roles[equals - text] = '\0';
	return add_roles(cli, wishes, roles, wish);
}

static int take_renew(struct stp_cli *cli, struct wishes *wishes, const char *text)
{
	struct stp_ceremony_wish wish = {.change = STP_CEREMONY_RENEW};
	char *roles = full(cli, wishes) ? NULL : keep(wishes, text);

	return roles && add_roles(cli, wishes, roles, wish);
}

static int take_bins(struct stp_cli *cli, struct wishes *wishes, const char *text)
{
	struct stp_ceremony_wish wish = {.change = STP_CEREMONY_BINS};

	if (full(cli, wishes) ||
	    !stp_cli_u64(cli, "bins", text, 2, UINT64_C(1) << STP_BIN_BITS_MAX, &wish.number))
		return 0;
	wishes->items[wishes->count++] = wish;
	return 1;
}

static void release(struct wishes *wishes)
{
	size_t i;

	for (i = 0; i < wishes->word_count; i++)
		free(wishes->words[i]);
}

/* ------------------------------------------------------------------ start and drill */

struct said {
	struct stp_ceremony_start_options options;
	struct wishes wishes;
};

/* Takes one option; 0 after printing usage. */
static int take_option(struct stp_cli *cli, int id, const char *value, struct said *said)
{
	struct stp_ceremony_start_options *options = &said->options;

	switch (id) {
	case OPT_OUT:
		options->out = value;
		return 1;
	case OPT_PURPOSE:
		options->purpose = value;
		return 1;
	case OPT_RENEW:
		return take_renew(cli, &said->wishes, value);
	case OPT_ADD:
		return take_pair(cli, &said->wishes, "add", value, STP_CEREMONY_ADD_KEY);
	case OPT_REMOVE:
		return take_pair(cli, &said->wishes, "remove", value, STP_CEREMONY_REMOVE_KEY);
	case OPT_THRESHOLD:
		return take_pair(cli, &said->wishes, "threshold", value, STP_CEREMONY_THRESHOLD);
	case OPT_ONLINE:
		return take_pair(cli, &said->wishes, "online", value, STP_CEREMONY_ONLINE_KEY);
	case OPT_EXPIRES:
		return take_pair(cli, &said->wishes, "expires", value, STP_CEREMONY_EXPIRES);
	case OPT_BINS:
		return take_bins(cli, &said->wishes, value);
	case OPT_ALLOW_UNPROVEN:
		options->allows_unproven = 1;
		return 1;
	case OPT_ALLOW_REPLACED:
		options->allows_replaced = 1;
		return 1;
	default:
		options->has_now = 1;
		return stp_cli_now(cli, value, &options->now);
	}
}

static int call_start(struct stp_cli *cli, struct said *said, int is_drill)
{
	struct stp_ceremony_start_options *options = &said->options;
	struct stp_ceremony_start_report report;
	struct stp_err err = STP_ERR_INIT;
	enum stp_errc code;

	options->repo = cli->arguments[0];
	options->wishes = said->wishes.items;
	options->wish_count = said->wishes.count;
	code = is_drill ? stp_ceremony_drill(options, &report, &err)
	                : stp_ceremony_start(options, &report, &err);
	if (code != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		stp_cli_print_json(stp_cli_payload_json(options->out, &report));
	else if (!cli->quiet)
		stp_cli_print_payload(options->repo, options->out, &report);
	stp_cli_warn_payload(cli, &report);
	stp_ceremony_start_report_release(&report);
	return stp_stdout_finish(cli, cli->verb->name, options->out, "the payload was made");
}

static int run_new(struct stp_cli *cli, int is_drill)
{
	struct said *said = calloc(1, sizeof(*said));
	int exit_code = STP_EXIT_USAGE;
	const char *value;
	int id;

	if (!said)
		return stp_cli_usage(cli, "no memory");
	said->options = (struct stp_ceremony_start_options)STP_CEREMONY_START_OPTIONS_INIT;
	while ((id = stp_cli_option(cli, &value)) > 0)
		if (!take_option(cli, id, value, said))
			break;
	if (id == STP_OPT_END) {
		if (cli->argument_count != 1)
			stp_cli_usage(cli, "give one REPO");
		else if (!said->options.out)
			stp_cli_usage(cli, "--out P is required");
		else if (!said->options.purpose && !is_drill)
			stp_cli_usage(cli, "--purpose TEXT is required");
		else
			exit_code = call_start(cli, said, is_drill);
	}
	release(&said->wishes);
	free(said);
	return exit_code;
}

static int run_start(struct stp_cli *cli)
{
	return run_new(cli, 0);
}

static int run_drill(struct stp_cli *cli)
{
	return run_new(cli, 1);
}

/* ------------------------------------------------------------------ finish */

static json_t *version_json(uint64_t version)
{
	return version ? json_integer((json_int_t)version) : json_null();
}

static json_t *text_json(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static void print_finish_json(const struct stp_ceremony_finish_report *report)
{
	stp_cli_print_json(json_pack(
	    "{s:s,s:o,s:b,s:b,s:b,s:b,s:{s:o,s:o,s:o},s:{s:o,s:o,s:o},s:I,s:b,s:b,s:o}", "payload",
	    report->payload, "words", stp_cli_words_json(report->words), "drill", report->is_drill,
	    "published", !report->is_drill && !report->is_staged, "was_published",
	    report->was_published, "staged", report->is_staged, "versions", "root",
	    version_json(report->root_version), "targets", version_json(report->targets_version),
	    "bins", version_json(report->bins_version), "expires", "root",
	    text_json(report->root_expires), "targets", text_json(report->targets_expires), "bins",
	    text_json(report->bins_expires), "bins", (json_int_t)report->bin_count, "bins_changed",
	    report->bins_changed, "must_sign", report->must_sign, "signers",
	    stp_cli_signers_json(report->signers, report->signer_count)));
}

static void print_role(const char *role, uint64_t version, const char *expires)
{
	if (version)
		printf("%-8s version %" PRIu64 ", valid until %s\n", role, version, expires);
}

static void print_finish(const char *repo, const struct stp_ceremony_finish_report *report)
{
	size_t i;

	fputs("payload ", stdout);
	stp_cli_print_words(report->words);
	fputs("signed by", stdout);
	for (i = 0; i < report->signer_count; i++)
		stp_cli_print_signer(&report->signers[i]);
	putchar('\n');
	if (report->is_drill) {
		puts("This was a drill: nothing was published. keyring.json notes these keys as "
		     "seen now.");
		return;
	}
	print_role("root", report->root_version, report->root_expires);
	print_role("targets", report->targets_version, report->targets_expires);
	print_role("bins", report->bins_version, report->bins_expires);
	if (report->is_staged && report->is_stolen)
		puts("The new online keys are staged. The next sign wipes the stolen key, signs "
		     "everything with\nthe new one and publishes the root first.");
	else if (report->is_staged)
		puts("The new online keys are staged: the next sign publishes them, and signs with "
		     "the old\nand the new ones for two days. No client fails.");
	else if (report->was_published)
		puts("All of it was published already.");
	else if (report->root_version == 1)
		stp_cli_print_path("Give ", repo,
		                   "/public/metadata/1.root.json to every holder and every client: "
		                   "it is what they trust\n");
	if (report->bins_changed)
		printf("%" PRIu64 " bins from the next sign on; names of earlier bins stay "
		       "listed\n",
		       report->bin_count);
	if (report->must_sign)
		puts("Clients refuse the repository until the next sign, since what they read has "
		     "new keys: sign now.");
	stp_cli_print_path("next: stampede sign ", repo, "\n");
}

static int run_finish(struct stp_cli *cli)
{
	struct stp_ceremony_finish_options options = STP_CEREMONY_FINISH_OPTIONS_INIT;
	struct stp_ceremony_finish_report report;
	struct stp_err err = STP_ERR_INIT;
	const char *value;
	int id;

	while ((id = stp_cli_option(cli, &value)) > 0) {
		if (id == OPT_ALLOW_UNPROVEN) {
			options.allows_unproven = 1;
			continue;
		}
		options.has_now = 1;
		if (!stp_cli_now(cli, value, &options.now))
			return STP_EXIT_USAGE;
	}
	if (id == STP_OPT_ERROR)
		return STP_EXIT_USAGE;
	if (cli->argument_count < 2)
		return stp_cli_usage(cli, "give REPO, the payload and the signature files");
	options.repo = cli->arguments[0];
	options.payload = cli->arguments[1];
	options.signatures = cli->arguments + 2;
	options.signature_count = cli->argument_count - 2;
	if (stp_ceremony_finish(&options, &report, &err) != STP_OK)
		return stp_cli_fail(cli, &err);
	if (cli->json)
		print_finish_json(&report);
	else if (!cli->quiet)
		print_finish(options.repo, &report);
	stp_ceremony_finish_report_release(&report);
	return stp_stdout_finish(cli, cli->verb->name, options.repo, "the ceremony was finished");
}

/* ------------------------------------------------------------------ the commands */

const struct stp_verb stp_verb_ceremony_start = {
    "ceremony start",
    "makes a payload of new versions of root, targets and bins, to be signed",
    "ceremony start REPO --out P --purpose TEXT [options]",
    start_table,
    "  stampede ceremony start /srv/repo --out 2027.json --purpose 'yearly renewal'\n"
    "  stampede ceremony start /srv/repo --out leave.json --purpose 'safe-3 leaves' \\\n"
    "      --remove root=safe-3 --remove targets=safe-3 --remove bins=safe-3 \\\n"
    "      --add root=safe-4.key.json --add targets=safe-4.key.json \\\n"
    "      --add bins=safe-4.key.json\n"
    "  stampede ceremony start /srv/repo --out b.json --purpose growth --bins 32768\n",
    run_start,
};

const struct stp_verb stp_verb_ceremony_finish = {
    "ceremony finish",
    "publishes a payload that was signed by enough of its holders",
    "ceremony finish REPO P S... [options]",
    finish_table,
    "  stampede ceremony finish /srv/repo 2027.json 2027.json.*.sig\n",
    run_finish,
};

const struct stp_verb stp_verb_ceremony_drill = {
    "ceremony drill",
    "makes a payload that no client accepts, to show that keys still work",
    "ceremony drill REPO --out P",
    drill_table,
    "  stampede ceremony drill /srv/repo --out drill.json\n",
    run_drill,
};
