/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: stampede.json in memory, and the profiles that supply its defaults.
 *
 * Shape      one struct; lists are arrays of strings with a count.
 * Memory     one arena inside.
 * Ownership  release with stp_config_release().
 * Threads    read-only after load.
 */
#ifndef STP_ROLES_CONFIG_H
#define STP_ROLES_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "roles/removals.h"
#include "stampede/alg.h"

#define STP_CONFIG_FILE   "stampede.json"
#define STP_CONFIG_FORMAT 1

enum stp_delegation {
	STP_DELEGATION_SUCCINCT, /* TAP 15: bit_length and name_prefix */
	STP_DELEGATION_PREFIXES, /* path_hash_prefixes in each bin's delegation */
};

enum stp_target_files {
	STP_TARGET_FILES_ALL,     /* one HASH.NAME per target */
	STP_TARGET_FILES_MUTABLE, /* a copy of mutable files only; the web server rewrites the
	                             names of all others */
	STP_TARGET_FILES_NONE,    /* no HASH.NAME at all */
	STP_TARGET_FILES_AUTO,    /* all up to 100,000 targets, mutable beyond */
};

enum stp_link {
	STP_LINK_SYMLINK,
	STP_LINK_HARDLINK,
	STP_LINK_REFLINK,
	STP_LINK_COPY,
};

/* What sign does with a path that clients cannot put into a URL, see base/url.h. */
enum stp_url_unsafe {
	STP_URL_UNSAFE_FAULT, /* it is a fault */
	STP_URL_UNSAFE_WARN,  /* it is signed, and a note names it */
};

/* When a file counts as the one that was hashed. */
enum stp_trust_in {
	STP_TRUST_CTIME, /* its whole fingerprint is the same */
	STP_TRUST_MTIME, /* its ctime may differ: whoever can set the mtime can hide a change */
};

/* File systems mounted below the targets. */
enum stp_mounts {
	STP_MOUNTS_FAULT, /* each is a fault */
	STP_MOUNTS_CROSS, /* their files are targets like others */
};

/* What an index is made from; the default of later runs. */
enum stp_index_source {
	STP_INDEX_UNKNOWN, /* not recorded yet: the first run that publishes records it */
	STP_INDEX_TREE,
	STP_INDEX_LIST,
	STP_INDEX_STREAM,
};

struct stp_expiry { /* seconds from the time of signing */
	int64_t root, targets, bins, bin_n, snapshot, timestamp;
};

/* A version of a role and the SHA-256 of its file; version 0: none. */
struct stp_pin {
	uint64_t version;
	uint8_t sha256[32];
};

/* The roles that keys on this machine sign at every run. */
enum stp_online_role {
	STP_ONLINE_BIN_N,
	STP_ONLINE_SNAPSHOT,
	STP_ONLINE_TIMESTAMP,
	STP_ONLINE_ROLES,
};

/* What signs a role that stampede.json does not name a signer for. */
#define STP_SIGNER_DEFAULT       "pem:keys/online.pem"
#define STP_SIGNER_URI_BYTES_MAX 1024

struct stp_globs {
	const char **items;
	size_t count;
};

/* Globs in one list, and bytes of one glob: a path has at most 4,095. */
#define STP_GLOBS_MAX      256
#define STP_GLOB_BYTES_MAX 1024
/* Together with "-", five digits and ".json" still well below NAME_MAX. */
#define STP_BIN_PREFIX_BYTES_MAX 64

struct stp_config {
	struct stp_arena arena;
	const char *profile;     /* "pep458", "compat", "prefixes" */
	const char *targets_dir; /* as the operator named it, made absolute */
	unsigned hash_set;       /* STP_ALG_BIT()s, configured target hashes */
	unsigned bin_bits;       /* 2^bin_bits bins */
	const char *bin_prefix;  /* "bin-n" */
	enum stp_delegation delegation;
	int has_bins_role; /* pep458: targets → bins → bin-n; else targets → bin-n */
	unsigned root_threshold, root_key_count;
	unsigned targets_threshold, targets_key_count;
	unsigned bins_threshold, bins_key_count; /* 0 without a bins role */
	struct stp_expiry expiry;
	int snapshot_length; /* snapshot.meta carries length too */
	enum stp_target_files target_files;
	enum stp_link link;
	enum stp_url_unsafe url_unsafe;
	enum stp_trust_in trust;
	enum stp_mounts mounts;
	struct stp_globs include; /* empty: every path */
	struct stp_globs exclude, mutable_globs;
	enum stp_index_source source;
	struct stp_removal_limit max_removals;
	unsigned removed_retention_days; /* 0: forever */
	/* the root from which all trust starts, see trust/trust.h */
	struct stp_pin trusted_root;
	const char *signers[STP_ONLINE_ROLES]; /* "pem:PATH"; NULL: STP_SIGNER_DEFAULT */
};

/* Fills config with a profile's values. STP_CONFIG lists the profiles when profile is unknown. */
enum stp_errc stp_config_profile(struct stp_config *config, const char *profile,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Whether there is a profile of this name. */
int stp_config_has_profile(const char *name);

/* Reads and checks REPO/stampede.json; errors name the file and the field. Unknown fields,
 * duplicate keys and values out of range are refused. */
enum stp_errc stp_config_load(struct stp_config *config, int repo_fd,
                              struct stp_err *err) STP_MUST_CHECK;

/* The same from memory: text_bytes bytes of JSON (for fuzzing). */
enum stp_errc stp_config_parse(struct stp_config *config, const char *text, size_t text_bytes,
                               struct stp_err *err) STP_MUST_CHECK;

/* Writes REPO/stampede.json (0644, durable), which must not exist. */
enum stp_errc stp_config_save(const struct stp_config *config, int repo_fd,
                              struct stp_err *err) STP_MUST_CHECK;

/* As stp_config_save(), but replaces the file. */
enum stp_errc stp_config_replace(const struct stp_config *config, int repo_fd,
                                 struct stp_err *err) STP_MUST_CHECK;

/* Whether include and exclude let a path be a target. A glob whose last segment is a plain name, or
 * that ends with "/", also matches everything in a folder of that name. */
int stp_config_keeps(const struct stp_config *config, const char *path, size_t path_bytes);

/* Whether a folder can hold targets: 0 only when no path in it can be one. */
int stp_config_enters(const struct stp_config *config, const char *folder, size_t folder_bytes);

/* Checks ranges and consistency (thresholds, expiries, bins, globs). STP_CONFIG names
 * file (a path, or an option's origin such as "init") and field. load() and save() call it. */
enum stp_errc stp_config_check(const struct stp_config *config, const char *file,
                               struct stp_err *err) STP_MUST_CHECK;

void stp_config_release(struct stp_config *config);

/* Values of stampede.json and of options by their names; -1 for an unknown name. */
int stp_target_files_from_name(const char *name);
int stp_link_from_name(const char *name);
const char *stp_target_files_name(enum stp_target_files how);
const char *stp_link_name(enum stp_link link);
const char *stp_url_unsafe_name(enum stp_url_unsafe how);
const char *stp_trust_in_name(enum stp_trust_in how);
const char *stp_mounts_name(enum stp_mounts how);
const char *stp_delegation_name(enum stp_delegation how);
const char *stp_index_source_name(enum stp_index_source source); /* NULL for UNKNOWN */
const char *stp_online_role_name(enum stp_online_role role);     /* "bin_n", … */

/* What signs role: the URI that stampede.json names, or the default. */
const char *stp_config_signer(const struct stp_config *config, enum stp_online_role role);

/* True when path (path_bytes) matches one of globs: "*" and "?" stop at "/", "**" does not,
 * "[a-z]" sets. */
int stp_globs_match(const struct stp_globs *globs, const char *path, size_t path_bytes);

/* Whether one of globs can match a path in the folder, judged by its literal start. */
int stp_globs_reach(const struct stp_globs *globs, const char *folder, size_t folder_bytes);

/* As stp_globs_match(), or one names a folder that path is in: for "include" and "exclude". */
int stp_globs_name(const struct stp_globs *globs, const char *path, size_t path_bytes);

/* True when glob (or a path) has the form of a target path: not empty, no leading "/", and no
 * segment that is empty, "." or "..". It may end with "/". */
int stp_glob_is_relative(const char *glob);

/* True when glob is valid: relative as above, sets closed, no control bytes. */
int stp_glob_valid(const char *glob);

#endif
