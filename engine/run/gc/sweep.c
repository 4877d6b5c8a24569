/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing metadata that was not marked. Names are checked one by one and kept when in doubt:
 * roots, versions above the published ones, and whatever stampede cannot have made: names of
 * another form, anything but regular files, and anything on another mount.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/faultpoint.h"
#include "base/file.h"
#include "base/limits.h"
#include "publish/names.h"
#include "run/gc/run.h"

#define STAGE "gc"
#define TOP   "public/metadata"

enum fate {
	FATE_KEEP,
	FATE_TIMESTAMP,
	FATE_ROOT,
	FATE_UNKNOWN,
	FATE_REMOVE,
	FATE_REMOVE_SNAPSHOT,
};

/* Classifies name. Bins may have had another prefix once: the snapshot lists their roles
 * forever. */
static enum stp_metadata_name kind_of(const struct stp_gc_run *run, const char *name,
                                      uint64_t *out_version)
{
	enum stp_metadata_name kind = stp_metadata_name(name, run->config.bin_prefix, out_version);
	char role[STP_NAME_BYTES_MAX + 1];

	if (kind != STP_NAME_OTHER || !*out_version)
		return kind;
	snprintf(role, sizeof(role), "%s", strchr(name, '.') + 1);
	role[strlen(role) - 5] = '\0'; /* ".json" */
	return stp_bin_role_is(role) && stp_meta_list_find(&run->current.meta, role) >= 0
	           ? STP_NAME_BIN
	           : STP_NAME_OTHER;
}

/* An offline role: versions from the published one on are kept, even if nothing lists them yet.
 * init --update may have made several since, and the newest is found by going from one to the
 * next. */
static enum fate offline_fate(const struct stp_gc_run *run, const char *role, uint64_t version)
{
	const struct stp_meta_list *meta = &run->current.meta;
	long at = stp_meta_list_find(meta, role);

	return at < 0 || version >= meta->items[at].version ? FATE_KEEP : FATE_REMOVE;
}

static enum fate fate_of(const struct stp_gc_run *run, const char *name)
{
	uint64_t version;
	enum stp_metadata_name kind = kind_of(run, name, &version);

	if (kind == STP_NAME_ROOT)
		return FATE_ROOT;
	if (stp_name_set_has(&run->files, name, strlen(name)))
		return FATE_KEEP;
	if (stp_temporary_is(name))
		return FATE_REMOVE;
	switch (kind) {
	case STP_NAME_TIMESTAMP:
		return FATE_TIMESTAMP;
	case STP_NAME_TARGETS:
		return offline_fate(run, "targets", version);
	case STP_NAME_BINS:
		return offline_fate(run, "bins", version);
	case STP_NAME_SNAPSHOT:
		return version > run->current.timestamp_version ? FATE_KEEP : FATE_REMOVE_SNAPSHOT;
	case STP_NAME_BIN:
		return version > run->current.timestamp_version ? FATE_KEEP : FATE_REMOVE;
	default:
		return FATE_UNKNOWN;
	}
}

/* One pass over the folder: the first removes snapshots, the second the rest and counts. */
struct pass {
	struct stp_gc_run *run;
	dev_t device;
	int of_snapshots;
};

static enum stp_errc remove_file(struct pass *pass, const char *name, uint64_t file_bytes,
                                 struct stp_err *err)
{
	struct stp_gc_report *report = pass->run->report;

	if (!pass->run->options->dry_run) {
		STP_FAULT_TRY(err, STAGE, "file", name);
		if (unlinkat(pass->run->repo.metadata_fd, name, 0) != 0)
			return STP_FAIL_SYS(err, STAGE, name, "cannot remove");
	}
	report->files_removed++;
	report->snapshots_removed += pass->of_snapshots != 0;
	report->bytes_removed += file_bytes;
	return STP_OK;
}

/* Handles a name that is no longer needed: one that this pass removes or, in the second pass, one
 * of the first pass that still exists because it could not be removed or this is a dry run. */
static enum stp_errc look_at_unwanted(struct pass *pass, const char *name, enum fate fate,
                                      struct stp_err *err)
{
	enum stp_gc_place place;
	struct stat st;

	STP_TRY(
	    stp_gc_look(pass->run->repo.metadata_fd, pass->device, name, name, &place, &st, err));
	if (place == STP_GC_HERE && S_ISREG(st.st_mode)) {
		if (fate == (pass->of_snapshots ? FATE_REMOVE_SNAPSHOT : FATE_REMOVE))
			return remove_file(pass, name, (uint64_t)st.st_size, err);
	} else if (place != STP_GC_GONE && !pass->of_snapshots) {
		stp_gc_unknown(pass->run, TOP, "", name);
	}
	return STP_OK;
}

static enum stp_errc look_at_file(void *ctx, int folder_fd, const char *name, struct stp_err *err)
{
	struct pass *pass = ctx;
	struct stp_gc_report *report = pass->run->report;
	enum fate fate = fate_of(pass->run, name);

	(void)folder_fd;
	STP_TRY(stp_gc_check_cancel(pass->run, err));
	if (fate == FATE_REMOVE_SNAPSHOT || (fate == FATE_REMOVE && !pass->of_snapshots))
		return look_at_unwanted(pass, name, fate, err);
	if (pass->of_snapshots)
		return STP_OK;
	report->roots_kept += fate == FATE_ROOT;
	report->files_kept += fate == FATE_KEEP;
	if (fate == FATE_UNKNOWN)
		stp_gc_unknown(pass->run, TOP, "", name);
	return STP_OK;
}

enum stp_errc stp_gc_sweep_files(struct stp_gc_run *run, struct stp_err *err)
{
	struct pass pass = {.run = run, .of_snapshots = 1};
	struct stat st;

	if (fstat(run->repo.metadata_fd, &st) != 0)
		return STP_FAIL_SYS(err, STAGE, TOP, "cannot stat");
	pass.device = st.st_dev;
	STP_TRY(stp_folder_each(run->repo.metadata_fd, STAGE, TOP, look_at_file, &pass, err));
	if (!run->options->dry_run)
		STP_TRY(stp_fd_sync(run->repo.metadata_fd, STAGE, TOP, err));
	pass.of_snapshots = 0;
	return stp_folder_each(run->repo.metadata_fd, STAGE, TOP, look_at_file, &pass, err);
}
