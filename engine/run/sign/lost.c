/* SPDX-License-Identifier: Apache-2.0 */
/* What was lost from the repository and a run can create again: state/, public/targets and the seal
 * key. Each time that happens, a note is printed. */
#include <errno.h>

#include "base/file.h"
#include "run/sign/open.h"

/* Replaces a key that is lost: the floors are accepted without their seal and get a new one before
 * anything else can fail; the ledger is recovered from what is published. */
static enum stp_errc make_key(struct stp_sign_run *run, struct stp_err *err)
{
	struct stp_rotation rotation;
	struct stp_floors floors;
	enum stp_floors_origin origin;
	int found;

	STP_TRY(stp_floors_load(run->repo.state_fd, NULL, &floors, &found, &origin, err));
	STP_TRY(stp_rotation_load(run->repo.state_fd, NULL, &rotation, err));
	STP_TRY(stp_seal_key_generate(run->repo.keys_fd, STP_LEDGER_KEY_FILE, &run->seal_key, err));
	if (rotation.phase != STP_ROTATION_NONE)
		STP_TRY(stp_rotation_save(run->repo.state_fd, stp_seal_key_bytes(run->seal_key),
		                          &rotation, err));
	if (!found)
		return STP_OK;
	return stp_floors_save(run->repo.state_fd, stp_seal_key_bytes(run->seal_key), &floors,
	                       origin, err);
}

enum stp_errc stp_sign_load_seal_key(struct stp_sign_run *run, struct stp_err *err)
{
	if (run->repo.state_made)
		stp_sign_report_note(
		    run, "repository", STP_STATE_FOLDER,
		    "was lost and is created again: what was signed is read from "
		    "public/metadata, and every file is hashed; if there is a backup, "
		    "restore it and sign again");
	if (run->repo.targets_made)
		stp_sign_report_note(run, "links", STP_PUBLIC_FOLDER "/" STP_TARGETS_FOLDER,
		                     "was lost and is created again");
	if (run->options->dry_run || stp_file_exists(run->repo.keys_fd, STP_LEDGER_KEY_FILE) ||
	    errno != ENOENT)
		return stp_seal_key_load(run->repo.keys_fd, STP_LEDGER_KEY_FILE, &run->seal_key,
		                         err);
	STP_TRY(make_key(run, err));
	stp_sign_report_note(
	    run, "keys", STP_KEYS_FOLDER "/" STP_LEDGER_KEY_FILE,
	    "was lost and is created again: what was signed is read from public/metadata, "
	    "and every file is hashed");
	return STP_OK;
}
