/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/side.h"

#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static enum stp_errc load_tree(struct stp_side *side, int timestamp_fd, const char *timestamp_name,
                               uint64_t snapshot_version, struct stp_err *err)
{
	struct stp_chain_options options = {
	    .folder_fd = side->folder.fd,
	    .timestamp_fd = timestamp_fd,
	    .timestamp_name = timestamp_name,
	    .snapshot_version = snapshot_version,
	};
	struct stp_finding_list findings;
	enum stp_errc code;

	stp_finding_list_init(&findings);
	code = stp_chain_load(&side->tree, &options, &findings, err);
	stp_finding_list_sort(&findings);
	if (code == STP_OK && side->tree.bin_count == 0)
		code = STP_FAIL(err, STP_FORMAT, "verify",
		                findings.count ? findings.items[0].subject : side->name,
		                "%s: cannot be compared; run verify on it",
		                findings.count ? findings.items[0].text : "has no bins");
	stp_finding_list_release(&findings);
	return code;
}

enum stp_errc stp_side_open(struct stp_side *side, const char *path, struct stp_err *err)
{
	side->name = path;
	STP_TRY(stp_metadata_folder_open(&side->folder, path, err));
	side->owns_folder = 1;
	return load_tree(side, side->folder.fd, "timestamp.json", 0, err);
}

/* The snapshot that a record of an earlier commit (state/commits) names, or 0. */
static uint64_t committed_snapshot(const char *path)
{
	struct stat st;
	/* Not a FIFO, which could block. */
	json_t *record = stat(path, &st) == 0 && S_ISREG(st.st_mode)
	                     ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL)
	                     : NULL;
	json_int_t version = json_integer_value(json_object_get(record, "snapshot"));
	int is_record = record && !json_object_get(record, "signed");

	json_decref(record);
	return is_record && version > 0 ? (uint64_t)version : 0;
}

/* Opens an older snapshot whose files are still in the new side's folder, named by a timestamp that
 * was kept, the record of a commit, or the snapshot's version. */
static enum stp_errc open_older(struct stp_side *side, const char *path, uint64_t version,
                                const struct stp_side *new_side, struct stp_err *err)
{
	side->name = path;
	side->folder = new_side->folder;
	if (!version)
		version = committed_snapshot(path);
	return load_tree(side, AT_FDCWD, path, version, err);
}

enum stp_errc stp_side_open_old(struct stp_side *side, const char *path,
                                const struct stp_side *new_side, struct stp_err *err)
{
	uint64_t version = 0;
	struct stat st;

	if (stp_u64_parse(path, strlen(path), &version) && version && access(path, F_OK) != 0)
		return open_older(side, path, version, new_side, err);
	if (stat(path, &st) != 0)
		return STP_FAIL(
		    err, STP_CONFIG, "verify", path,
		    "is not there; give a folder, an older timestamp or a snapshot's version");
	if (S_ISREG(st.st_mode))
		return open_older(side, path, 0, new_side, err);
	return stp_side_open(side, path, err);
}

void stp_side_close(struct stp_side *side)
{
	stp_chain_release(&side->tree);
	if (side->owns_folder)
		stp_metadata_folder_close(&side->folder);
}
