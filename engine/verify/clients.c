/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/clients.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "stampede/alg.h"

enum can { CAN, CANNOT, UNPROVEN };

struct client {
	const char *name;
	uint64_t root, timestamp, snapshot, targets; /* limits in bytes */
	uint64_t root_steps;                         /* 0: none known */
	enum can succinct, prefixes, sha512_only;
	int refuses_empty; /* targets of length 0 */
	int loads_all;     /* fetches every delegated role before the first target */
	int is_quadratic;  /* in the entries of the snapshot */
};

/* The defaults in the source code of each client. */
static const struct client clients[] = {
    {"python-tuf", 512000, 16384, 2000000, 5000000, 256, CAN, CAN, CAN, 0, 0, 0},
    {"tuf-js", 512000, 16384, 2000000, 5000000, 256, CAN, CAN, CAN, 0, 0, 1},
    {"go-tuf 2", 512000, 16384, 2000000, 5000000, 256, CAN, CANNOT, CAN, 0, 0, 0},
    {"tough", 1 << 20, 1 << 20, 1 << 20, 10 << 20, 1024, CANNOT, CAN, CANNOT, 0, 1, 0},
    {"php-tuf", 100000, 100000, 100000, 100000, 1024, CAN, CAN, CAN, 1, 0, 0},
    {"rust-tuf", 500 << 10, 16 << 10, 2000000, 5000000, 0, CANNOT, CANNOT, UNPROVEN, 0, 0, 0},
    {"sigstore-java", 99 << 10, 99 << 10, 99 << 10, 99 << 10, 0, CANNOT, CANNOT, UNPROVEN, 0, 0, 0},
};

_Static_assert(sizeof(clients) / sizeof(clients[0]) <= STP_CLIENTS_MAX,
               "there is space for all verdicts");

const char *stp_client_answer_name(enum stp_client_answer answer)
{
	static const char *const names[] = {"yes", "no", "slow", "unknown"};

	return names[answer];
}

/* Adds a reason; the answer can only get worse: no > unknown > slow > yes. */
static void say(struct stp_client_verdict *verdict, enum stp_client_answer answer,
                const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(struct stp_client_verdict *verdict, enum stp_client_answer answer,
                const char *format, ...)
{
	static const int rank[] = {[STP_CLIENT_YES] = 0,
	                           [STP_CLIENT_SLOW] = 1,
	                           [STP_CLIENT_UNKNOWN] = 2,
	                           [STP_CLIENT_NO] = 3};
	size_t used = strlen(verdict->reasons);
	va_list args;

	if (rank[answer] > rank[verdict->answer])
		verdict->answer = answer;
	if (used && used + 3 < sizeof(verdict->reasons)) {
		memcpy(verdict->reasons + used, "; ", 3);
		used += 2;
	}
	va_start(args, format);
	vsnprintf(verdict->reasons + used, sizeof(verdict->reasons) - used, format, args);
	va_end(args);
}

static void judge_size(struct stp_client_verdict *verdict, const char *what, uint64_t bytes,
                       uint64_t limit, int is_listed)
{
	char has[32], may[32];

	if (is_listed || bytes <= limit)
		return;
	say(verdict, STP_CLIENT_NO, "%s has %s bytes, its limit is %s", what,
	    stp_count_format(bytes, has), stp_count_format(limit, may));
}

static void judge_can(struct stp_client_verdict *verdict, enum can can, const char *what)
{
	if (can == CANNOT)
		say(verdict, STP_CLIENT_NO, "does not support %s", what);
	else if (can == UNPROVEN)
		say(verdict, STP_CLIENT_UNKNOWN, "it is not known whether it accepts %s", what);
}

/* Reports what works but is expensive. */
static void judge_cost(const struct client *client, const struct stp_client_demands *demands,
                       struct stp_client_verdict *verdict)
{
	/* tuf-js copies its map of roles for each entry of the snapshot: 104 s of CPU were measured
	 * for 16,384 bins. */
	double seconds =
	    104.0 * ((double)demands->bin_count / 16384) * ((double)demands->bin_count / 16384);
	char bytes[32];

	if (client->is_quadratic && seconds >= 1)
		say(verdict, STP_CLIENT_SLOW, "takes about %.0f s of CPU for each new snapshot",
		    seconds);
	if (client->loads_all && verdict->answer != STP_CLIENT_NO && demands->bin_count > 256)
		say(verdict, STP_CLIENT_SLOW, "fetches all %" PRIu64 " bins (%s) before any target",
		    demands->bin_count, stp_bytes_format(demands->bin_bytes_total, bytes));
}

static void judge(const struct client *client, const struct stp_client_demands *demands,
                  struct stp_client_verdict *verdict)
{
	int listed = demands->snapshot_has_length;

	memset(verdict, 0, sizeof(*verdict));
	verdict->client = client->name;
	if (demands->is_succinct)
		judge_can(verdict, client->succinct, "succinct delegations (TAP 15)");
	else
		judge_can(verdict, client->prefixes, "path_hash_prefixes");
	if (demands->hash_set == STP_ALG_BIT(STP_ALG_SHA512))
		judge_can(verdict, client->sha512_only, "sha512 as the only hash");
	else if (demands->hash_set == STP_ALG_BIT(STP_ALG_BLAKE2B_256))
		judge_can(verdict, UNPROVEN, "blake2b-256 as the only hash");
	judge_size(verdict, "root", demands->root_bytes, client->root, 0);
	judge_size(verdict, "timestamp", demands->timestamp_bytes, client->timestamp, 0);
	judge_size(verdict, "snapshot", demands->snapshot_bytes, client->snapshot,
	           demands->timestamp_has_length);
	judge_size(verdict, "targets", demands->targets_bytes, client->targets, listed);
	judge_size(verdict, "bins", demands->bins_bytes, client->targets, listed);
	judge_size(verdict, "the largest bin", demands->bin_bytes_max, client->targets, listed);
	if (client->root_steps && demands->root_steps > client->root_steps)
		say(verdict, STP_CLIENT_NO, "follows %" PRIu64 " root versions, there are %" PRIu64,
		    client->root_steps, demands->root_steps);
	if (client->refuses_empty && demands->targets_empty)
		say(verdict, STP_CLIENT_NO, "refuses targets of length 0, there are %" PRIu64,
		    demands->targets_empty);
	judge_cost(client, demands, verdict);
}

size_t stp_clients_judge(const struct stp_client_demands *demands,
                         struct stp_client_verdict verdicts[STP_CLIENTS_MAX])
{
	size_t count = sizeof(clients) / sizeof(clients[0]);
	size_t i;

	for (i = 0; i < count; i++)
		judge(&clients[i], demands, &verdicts[i]);
	return count;
}
