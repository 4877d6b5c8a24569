/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a repository stands: what is published and until when, who must sign what and by when,
 * whether enough offline keys are alive, what the last run did, what it costs on disk. Reads
 * published files, keyring.json and state/, takes no lock, changes nothing.
 *
 * Shape      one struct; keys of roles in arrays.
 * Memory     the snapshot as JSON while it runs.
 * Ownership  the caller's struct; release it with stp_status_report_release().
 * Threads    one thread.
 */
#ifndef STAMPEDE_STATUS_H
#define STAMPEDE_STATUS_H

#include <stdint.h>

#include "stampede/err.h"
#include "stampede/options.h"

#ifdef __cplusplus
extern "C" {
#endif

struct stp_status_options {
	size_t size;      /* see stampede/options.h */
	const char *repo; /* folder of the repository; required */
	int64_t now;      /* epoch seconds; 0: the clock, unless has_now */
	int has_now;
	/* Keys that are lost, each by its name in keyring.json, its keyid or the first 8 digits of
	 * it or more; see "loss" and "lost_until" of the report. */
	const char *const *lost;
	size_t lost_count;
};

#define STP_STATUS_OPTIONS_INIT STP_SIZED(struct stp_status_options)

/* The roles that expire, in the order clients read them. */
enum stp_status_role_name {
	STP_STATUS_ROOT,
	STP_STATUS_TARGETS,
	STP_STATUS_BINS,
	STP_STATUS_BIN_N,
	STP_STATUS_SNAPSHOT,
	STP_STATUS_TIMESTAMP,
	STP_STATUS_ROLES
};

/* A key counts as one that can still sign for so long after its last known signature. */
#define STP_STATUS_ALIVE_S (INT64_C(400) * 86400)

enum stp_status_life {
	STP_STATUS_UNSEEN, /* no signature of it is known */
	STP_STATUS_ALIVE,  /* signed within STP_STATUS_ALIVE_S */
	STP_STATUS_SILENT, /* signed, but longer ago */
	STP_STATUS_FUTURE, /* its only known signature is dated after now: a clock was wrong */
};

/* A key of a role. What is not in metadata is from keyring.json, and a claim. */
struct stp_status_key {
	const char *keyid;         /* 64 hexadecimal digits */
	const char *name, *holder; /* printable; "": unknown */
	const char *key_type;      /* "ed25519", "ecdsa", … */
	int64_t last_signature;    /* epoch seconds; -1: none is known */
	const char *last_document; /* what it signed then: "5.root.json", "drill"; "": unknown */
	enum stp_status_life life;
	int is_lost; /* one of options.lost */
};

/* What the loss of the keys in options.lost means for a role. */
enum stp_status_loss {
	STP_STATUS_LOSS_NONE,    /* none of its keys is lost */
	STP_STATUS_LOSS_REPLACE, /* the others reach the threshold: replace the lost keys at once */
	STP_STATUS_LOSS_REKEY,   /* they do not, but the role above can give it new keys */
	STP_STATUS_LOSS_ONLINE,  /* an online key: roles above give a new one */
	STP_STATUS_LOSS_FINAL,   /* nothing and nobody can replace them any more */
};

struct stp_status_role {
	const char *name; /* "root", …, "bin-n"; static string */
	int is_offline;   /* renewed by people, not by each run */
	uint64_t version; /* bin-n: the highest */
	int64_t expires;  /* bin-n: the first; 0: there is none, or it cannot be read */
	/* Targets and bins: of a newer document, finished in a ceremony, that the next sign makes
	 * visible; 0: there is none. Before the first sign all of them wait. keys and threshold are
	 * as this one has them. */
	uint64_t waiting_version;
	int64_t waiting_expires;
	int64_t due_s; /* so long before it expires it should be renewed; 0 unless offline */
	/* Who signs it; threshold 0: not known, because a document above it cannot be read. */
	uint64_t threshold;
	struct stp_status_key *keys;
	size_t key_count;
	/* Keys that are alive, and how many more they are than the threshold needs; offline roles
	 * that are published, when has_margin. */
	int has_margin;
	size_t alive_count;
	int64_t margin;
	int is_margin_alarm;  /* root: margin 0 or below; targets, bins: below 0, as root can give
	                       * them  new keys */
	int64_t margin_until; /* when margin becomes an alarm unless keys sign; 0: it is one, or
	                         never */
	size_t lost_count;    /* of its keys; see options.lost */
	enum stp_status_loss loss;
};

/* What must be done next, and by whom. */
enum stp_status_task_kind {
	STP_STATUS_TASK_SIGN,  /* a run of sign, by this machine */
	STP_STATUS_TASK_RENEW, /* a ceremony: threshold of the role's keys */
	STP_STATUS_TASK_DRILL, /* a signature of each key, or the margin becomes an alarm */
};

struct stp_status_task {
	enum stp_status_task_kind kind;
	unsigned roles;    /* bits 1u << enum stp_status_role_name; one but for TASK_SIGN */
	unsigned together; /* roles that one ceremony should renew with it, itself included */
	int64_t start;     /* 0 for TASK_SIGN, which each run does */
	int64_t before;    /* the expiry, or margin_until */
	int is_due;        /* start has passed; TASK_SIGN: before has */
};

#define STP_STATUS_TASKS_MAX 7

/* How far the replacement of an online key is, see stp_rotate(). */
enum stp_status_rotation {
	STP_STATUS_ROTATION_NONE,    /* none, or the last one is done */
	STP_STATUS_ROTATION_STAGED,  /* signed by the offline keys: the next sign publishes it */
	STP_STATUS_ROTATION_OVERLAP, /* published: the old and the new key sign until the end */
};

/* Problems that are kept with their text; the others are only counted. */
#define STP_STATUS_PROBLEMS_KEPT 8

struct stp_status_problem {
	char text[512]; /* "FILE: what is wrong", printable ASCII */
};

/* The last run of sign, from state/last-run.json. */
struct stp_status_run {
	int found; /* 0: never ran, or the file cannot be read */
	int published;
	int counted;     /* targets, faults and hashed files are those of the whole index */
	char error[512]; /* "" when it went well */
	int64_t at;      /* when it ran */
	uint64_t targets, target_bytes;
	uint64_t files_hashed, bytes_hashed, files_reused, files_removed;
	uint64_t faults;
	double seconds_hash, seconds_total;
	uint64_t peak_rss_bytes;
	int64_t oldest_verified_at; /* 0: no file was ever read */
	char io_backend[16];
};

struct stp_status_disk {
	uint64_t files, bytes; /* bytes as allocated */
};

struct stp_status_report {
	int64_t now;
	int published; /* 1 once something was, also when it cannot be read now */
	struct stp_status_role roles[STP_STATUS_ROLES];
	uint64_t bin_count, bins_missing; /* missing: listed, but the file is not there */
	uint64_t bins_unreadable;         /* there, but not a bin */
	int64_t expires_min;              /* the first expiry of all; 0: nothing is published */
	const char *expires_what;         /* "timestamp", "bin-n", …; static string */
	struct stp_status_task tasks[STP_STATUS_TASKS_MAX]; /* sorted by "before" */
	size_t task_count;
	int is_offline_apart; /* no offline keys in the repository: a ceremony renews roles */
	int is_frozen; /* a key was stolen, and nothing is signed until it is replaced: a problem */
	enum stp_status_rotation rotation;
	int64_t rotation_until; /* when the overlap ends; 0: it has not begun */
	int rotation_stolen;    /* what is staged replaces keys that were stolen */
	/* With options.lost: until when clients work if a loss is final; 0: they can go on. */
	int64_t lost_until;
	/* What is wrong with the documents above the bins, expiries among it. `verify` reports all.
	 */
	uint64_t problem_count;
	struct stp_status_problem problems[STP_STATUS_PROBLEMS_KEPT];
	struct stp_status_run run;
	struct stp_status_disk metadata, target_files, state;
	void *private_;
};

/* 1 when clients would refuse what is published: something has expired, is missing or is wrong; or
 * when a quorum margin is an alarm. */
STP_API int stp_status_is_bad(const struct stp_status_report *report);

/* Fills the report. STP_CONFIG when there is no repository at options->repo, or a key in
 * options->lost is none of its roles'. */
STP_API enum stp_errc stp_status(const struct stp_status_options *options,
                                 struct stp_status_report *out_report,
                                 struct stp_err *err) STP_MUST_CHECK;

STP_API void stp_status_report_release(struct stp_status_report *report);

#ifdef __cplusplus
}
#endif
#endif
