/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "verify/chain.h"

#define STAGE "ceremony"

/* One client's view. */
struct client {
	struct stp_finding_list findings;
	uint64_t root; /* the newest that it accepts; 0: none */
};

/* Updates a client that trusts VERSION.root.json. */
static enum stp_errc update(struct client *client, int folder_fd, uint64_t version, int64_t now,
                            struct stp_err *err)
{
	struct stp_chain tree;
	char name[64];
	struct stp_chain_options options = {
	    .folder_fd = folder_fd,
	    .root_fd = folder_fd,
	    .root_name = name,
	    .timestamp_name = "timestamp.json",
	    .timestamp_fd = folder_fd,
	    .now = now,
	};
	enum stp_errc code;

	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
	stp_finding_list_init(&client->findings);
	code = stp_chain_load(&tree, &options, &client->findings, err);
	client->root = tree.has_root ? tree.root.doc.version : 0;
	stp_chain_release(&tree);
	return code;
}

static void end(struct client *client)
{
	stp_finding_list_release(&client->findings);
}

/* Whether a client refuses the repository for it. */
static int is_refusal(const struct stp_finding *finding)
{
	return stp_finding_severity(finding->code) == STP_SEVERITY_ERROR &&
	       finding->code != STP_FINDING_EXPIRED;
}

static int has(const struct stp_finding_list *list, const struct stp_finding *finding)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].code == finding->code &&
		    strcmp(list->items[i].subject, finding->subject) == 0 &&
		    strcmp(list->items[i].text, finding->text) == 0)
			return 1;
	return 0;
}

/* Whether the next sign puts it right: the document will be signed with the new key, or be listed
 * in its new version. */
static int ends_with_sign(const struct stp_clients_run *run, const struct stp_finding *finding)
{
	const char *subject = finding->subject;

	if (finding->code != STP_FINDING_THRESHOLD)
		return 0;
	return (run->online_changes &&
	        (strcmp(subject, "timestamp.json") == 0 || strstr(subject, ".snapshot.json"))) ||
	       (run->targets_change && strstr(subject, ".targets.json"));
}

static enum stp_errc judge(const struct stp_clients_run *run, uint64_t version,
                           const struct client *before, const struct client *after,
                           int *out_must_sign, struct stp_err *err)
{
	size_t i;

	if (after->findings.out_of_memory || before->findings.out_of_memory)
		return STP_FAIL_ERRNO(err, ENOMEM, STAGE, NULL, "no memory to try a client");
	for (i = 0; i < after->findings.count; i++) {
		const struct stp_finding *finding = &after->findings.items[i];

		if (!is_refusal(finding) || has(&before->findings, finding))
			continue;
		if (!ends_with_sign(run, finding))
			return STP_FAIL(err, STP_REFUSED, STAGE, finding->subject,
			                "%s, so a client that has root %" PRIu64
			                " would fail; nothing was published",
			                finding->text, version);
		*out_must_sign = 1;
	}
	if (after->root < run->newest && run->newest - version < STP_ROOT_STEPS_MAX)
		return STP_FAIL(err, STP_REFUSED, STAGE, "root",
		                "a client that has root %" PRIu64 " would stop at root %" PRIu64
		                ", before root %" PRIu64 "; nothing was published",
		                version, after->root, run->newest);
	return STP_OK;
}

static enum stp_errc try_one(const struct stp_clients_run *run, uint64_t version,
                             int *out_must_sign, struct stp_err *err)
{
	struct client before;
	struct client after;
	enum stp_errc code;
	char name[64];
	int is_new;

	/* The new root is compared with the one before it. */
	snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
	is_new = version > 1 && !stp_file_exists(run->before_fd, name);
	code = update(&before, run->before_fd, version - (uint64_t)is_new, run->now, err);
	if (code == STP_OK) {
		code = update(&after, run->after_fd, version, run->now, err);
		if (code == STP_OK)
			code = judge(run, version, &before, &after, out_must_sign, err);
		end(&after);
	}
	end(&before);
	return code;
}

enum stp_errc stp_clients_try(const struct stp_clients_run *run, int *out_must_sign,
                              struct stp_err *err)
{
	uint64_t version;

	*out_must_sign = 0;
	for (version = run->newest; version >= 1; version--) {
		char name[64];

		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
		if (!stp_file_exists(run->after_fd, name))
			break;
		STP_TRY(try_one(run, version, out_must_sign, err));
	}
	return STP_OK;
}
