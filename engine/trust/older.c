/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/older.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "hash/hash.h"
#include "trust/judge.h"
#include "trust/read.h"

#define STAGE  STP_TRUST_STAGE
#define ADVICE "clients that start from it cannot update; restore it from a backup or a mirror"

void stp_older_add(uint8_t digest[32], const uint8_t sha256[32])
{
	uint8_t both[64];

	memcpy(both, digest, 32);
	memcpy(both + 32, sha256, 32);
	stp_hash_one(STP_ALG_SHA256, both, sizeof(both), digest);
}

/* The first version whose bytes state/floors does not cover. */
static uint64_t known_below(const struct stp_trust *trust)
{
	return trust->floors.older.version ? trust->floors.root.version : 0;
}

/* ------------------------------------------------------------------ first check */

/* Reads V.root.json into root: it must be signed by itself and lead to next. */
static enum stp_errc verify_one(struct stp_trust *trust, int metadata_fd, uint64_t version,
                                struct stp_root *next, struct stp_root *root, struct stp_err *err)
{
	struct stp_signature_tally tally = {0, 0};
	char name[64];
	int good;

	stp_trust_root_name(version, name);
	STP_TRY(stp_root_read_old(root, metadata_fd, name, &trust->findings, &good, err));
	stp_trust_version(&root->doc, version, &trust->findings);
	good = good && root->doc.version == version &&
	       stp_document_signed_by(&root->doc, &root->root, NULL, "root", &tally) &&
	       stp_root_follows(next, root, &tally);
	return stp_trust_judge(&trust->findings, name, good, ADVICE, err);
}

enum stp_errc stp_older_verify(struct stp_trust *trust, int metadata_fd, uint64_t *out_lowest,
                               struct stp_err *err)
{
	uint64_t version = trust->root.doc.version;
	struct stp_root roots[2];
	struct stp_root *next = &trust->root;
	enum stp_errc code = STP_OK;
	unsigned steps = 0;

	memset(roots, 0, sizeof(roots));
	for (; code == STP_OK && version > 1 && version > known_below(trust); version--) {
		struct stp_root *root = &roots[steps % 2];
		char name[64];

		stp_trust_root_name(version - 1, name);
		if (!stp_file_exists(metadata_fd, name) || steps++ == STP_ROOT_STEPS_MAX)
			break;
		stp_root_release(root);
		code = verify_one(trust, metadata_fd, version - 1, next, root, err);
		next = root;
	}
	stp_root_release(&roots[0]);
	stp_root_release(&roots[1]);
	*out_lowest = known_below(trust) && version <= known_below(trust)
	                  ? trust->floors.older.version
	                  : version;
	return code;
}

/* ------------------------------------------------------------------ every run */

/* Adds the roots of versions [from, end). */
static enum stp_errc add_files(int metadata_fd, uint64_t from, uint64_t end, uint8_t digest[32],
                               struct stp_err *err)
{
	uint64_t version;

	for (version = from; version < end; version++) {
		struct stp_buf file = STP_BUF_INIT;
		struct stp_pin pin;
		enum stp_errc code;
		char name[64];

		stp_trust_root_name(version, name);
		if (!stp_file_exists(metadata_fd, name))
			return STP_FAIL(err, STP_REFUSED, STAGE, name, "is not there; " ADVICE);
		code = stp_file_read(metadata_fd, name, STP_ROOT_BYTES_MAX, STAGE, &file, err);
		if (code == STP_OK) {
			pin = stp_pin_of(version, file.data, file.count);
			stp_older_add(digest, pin.sha256);
		}
		stp_buf_release(&file);
		STP_TRY(code);
	}
	return STP_OK;
}

enum stp_errc stp_older_compare(struct stp_trust *trust, int metadata_fd, uint64_t lowest,
                                struct stp_err *err)
{
	uint64_t known = known_below(trust);
	struct stp_pin *found = &trust->found.older;
	char name[96];

	*found = (struct stp_pin){.version = lowest};
	if (known > lowest) {
		STP_TRY(add_files(metadata_fd, lowest, known, found->sha256, err));
		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", lowest);
		if (known - lowest > 1)
			snprintf(name, sizeof(name),
			         "%" PRIu64 ".root.json to %" PRIu64 ".root.json", lowest,
			         known - 1);
		if (memcmp(found->sha256, trust->floors.older.sha256, sizeof(found->sha256)) != 0)
			return STP_FAIL(err, STP_REFUSED, STAGE, name,
			                "%s other bytes than before; " ADVICE,
			                known - lowest > 1 ? "one of them has" : "has");
	}
	return add_files(metadata_fd, known > lowest ? known : lowest, trust->root.doc.version,
	                 found->sha256, err);
}
