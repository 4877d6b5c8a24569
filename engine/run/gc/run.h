/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the steps of gc share.
 *
 * Shape      one struct; a set of names by their 64-bit hash.
 * Memory     16 bytes per name at most.
 * Ownership  the run owns the sets.
 * Threads    one thread.
 */
#ifndef STP_RUN_GC_RUN_H
#define STP_RUN_GC_RUN_H

#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cancel.h"
#include "publish/current.h"
#include "publish/repo.h"
#include "roles/config.h"
#include "run/trusted.h"
#include "stampede/gc.h"

/* Names that must stay, by XXH3 with a random seed for each run. If two names have the same hash,
 * one file too many is kept, never one too few. */
struct stp_name_set {
	uint64_t *slots; /* open addressing; 0 is empty */
	size_t capacity; /* a power of two */
	size_t count;
	uint64_t seed;
};

void stp_name_set_init(struct stp_name_set *set);
void stp_name_set_release(struct stp_name_set *set);
enum stp_errc stp_name_set_add(struct stp_name_set *set, const char *name, size_t name_bytes,
                               struct stp_err *err) STP_MUST_CHECK;
int stp_name_set_has(const struct stp_name_set *set, const char *name, size_t name_bytes);

struct stp_gc_run {
	const struct stp_gc_options *options;
	struct stp_gc_report *report;
	struct stp_repo repo;
	struct stp_config config;
	struct stp_seal_key *seal_key; /* NULL: a dry run by a user who may not read it */
	struct stp_trust trust;
	struct stp_current current;
	int64_t now;
	struct stp_arena arena;
	struct stp_commit_list live; /* snapshots that stay, in ascending order */
	struct stp_name_set files;   /* marked names in public/metadata */
	struct stp_name_set links;   /* marked names in public/targets */
	int files_in_doubt;          /* a damaged snapshot may list more of them */
	int links_in_doubt;          /* a damaged bin may list more of them */
};

/* Fills run->live from the commit records and the snapshots in public/metadata. */
enum stp_errc stp_gc_find_live(struct stp_gc_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Marks what the live snapshots list; with_links reads their bins and marks HASH.NAMEs too. */
enum stp_errc stp_gc_mark(struct stp_gc_run *run, int with_links,
                          struct stp_err *err) STP_MUST_CHECK;

/* True when public/targets holds anything. */
enum stp_errc stp_gc_has_links(const struct stp_gc_run *run, int *out_has,
                               struct stp_err *err) STP_MUST_CHECK;

/* Where the file of a listed name is. */
enum stp_gc_place {
	STP_GC_GONE,
	STP_GC_HERE, /* on the mount of the folder: out_stat describes it, links not followed */
	STP_GC_ELSEWHERE, /* on another device or mount, or not accessible: never removed */
};

/* Looks at name in folder_fd (a descriptor of device); subject names it in messages. */
enum stp_errc stp_gc_look(int folder_fd, dev_t device, const char *name, const char *subject,
                          enum stp_gc_place *out_place, struct stat *out_stat,
                          struct stp_err *err) STP_MUST_CHECK;

/* Opens name, which must be in folder_fd itself and on its mount; -1 with errno. */
int stp_gc_open(int folder_fd, const char *name, int flags);

/* STP_CANCELLED once the run is to stop. */
enum stp_errc stp_gc_check_cancel(const struct stp_gc_run *run, struct stp_err *err) STP_MUST_CHECK;

/* Counts the unknown file top/folder + name, and lists it if it is among the first. */
void stp_gc_unknown(struct stp_gc_run *run, const char *top, const char *folder, const char *name);

/* Removes (or counts) unmarked files and links. */
enum stp_errc stp_gc_sweep_files(struct stp_gc_run *run, struct stp_err *err) STP_MUST_CHECK;
enum stp_errc stp_gc_sweep_links(struct stp_gc_run *run, struct stp_err *err) STP_MUST_CHECK;

#endif
