/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints: what the caller may do about a failure, for programs (stp_err.hint) and in texts.
 *
 * Texts of the library name what it has: members of options structs, functions. A program that has
 * other names for them, such as the options of a command line, gives them once:
 *
 *	static const char *const names[STP_HINT_COUNT] = {
 *	    [STP_HINT_ALLOW_REMOVALS] = "--allow-removals",
 *	};
 *
 *	stp_hint_names_set(names, STP_HINT_COUNT);
 *
 * Shape      an enum, and one text for each of its values.
 * Memory     a pointer to the program's names.
 * Ownership  the names stay the program's, and must live as long as it calls the library.
 * Threads    stp_hint_names_set() before any other call, as it holds for the whole process;
 *            stp_hint_text() from any thread after it.
 */
#ifndef STAMPEDE_HINT_H
#define STAMPEDE_HINT_H

#include <stddef.h>

#include "stampede/api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every hint, and the library's words for it. A later version may append some.
 *
 * These may stand in stp_err.hint: what helps. */
#define STP_HINTS_TO_ACT(X)                                               \
	X(ALLOW_REMOVALS, "stp_sign_options.allow_removals =")            \
	X(ABOVE, "stp_sign_options.above")                                \
	X(AFTER_CLOCK_ERROR, "after_clock_error")                         \
	X(ON_FAULT_SKIP, "stp_sign_options.on_fault = STP_ON_FAULT_SKIP") \
	X(DIGESTS, "stp_sign_options.digests")                            \
	X(UPDATE, "stp_init_update()")                                    \
	X(UPDATE_TRUST, "stp_init_update() with trusted_root")            \
	X(OFFLINE_KEYS, "stp_init_update_options.offline_folders")        \
	X(INIT, "stp_init()")                                             \
	X(SIGN, "stp_sign()")                                             \
	X(HASHES, "stp_init_options.hashes")                              \
	X(BINS, "bin_count")                                              \
	X(IO_PREAD, "io = STP_IO_MODE_PREAD")                             \
	X(JOBS, "jobs")                                                   \
	X(JOBS_SERIAL, "jobs = STP_JOBS_SERIAL")                          \
	X(TARGETS_COUNT, "stp_plan_options.targets")                      \
	X(TARGETS, "stp_verify_options.targets_dir")                      \
	X(WORK, "stp_bench_options.work_dir")                             \
	X(AS_OWNER, "PROGRAM")                                            \
	X(CEREMONY_FINISH, "stp_ceremony_finish()")                       \
	X(ALLOW_UNPROVEN, "allows_unproven")                              \
	X(ROTATE, "stp_rotate()")                                         \
	X(ROTATE_STOLEN, "stp_rotate_stolen()")

/* And these in texts only: in notes and faults, or as other forms of the same. */
#define STP_HINTS_TO_READ(X)                                            \
	X(REPLACE_IT, "name it in stp_sign_options.replace_paths")      \
	X(REPLACE, "stp_sign_options.replace_paths")                    \
	X(REHASH, "stp_sign_options.rehash")                            \
	X(SCAN, "stp_sign_options.scan_globs")                          \
	X(SIGN_WITH_ABOVE, "stp_sign() with above =")                   \
	X(RENEW, "stp_init_update()")                                   \
	X(UPDATE_OF_ROLES, "stp_init_update()")                         \
	X(UPDATE_AS_OWNER, "PROGRAM")                                   \
	X(GC_AS_OWNER, "PROGRAM")                                       \
	X(TRUST, "trusted_root")                                        \
	X(NOW, "now")                                                   \
	X(REPO, "stp_plan_options.repo")                                \
	X(VERIFY, "stp_verify()")                                       \
	X(CHECK, "stp_show_options.check")                              \
	X(ALLOW_REPLACED, "stp_ceremony_start_options.allows_replaced") \
	X(PASSPHRASE, "a function for passphrases")                     \
	X(CEREMONY, "stp_ceremony_start()")                             \
	X(DROP_TARGETS, "stp_import_options.drop_targets")              \
	X(PAYLOAD, "stp_rotate_options.payload")                        \
	X(KEY_NEW, "stp_key_new()")                                     \
	X(LOST, "stp_status() with lost keys")

enum stp_hint {
	STP_HINT_NONE,
#define STP_HINT_ENUM(id, words) STP_HINT_##id,
	STP_HINTS_TO_ACT(STP_HINT_ENUM) STP_HINTS_TO_READ(STP_HINT_ENUM)
#undef STP_HINT_ENUM
	    STP_HINT_COUNT
};

/* What texts call hint: the program's name for it, or the library's words; "" for none. */
STP_API const char *stp_hint_text(enum stp_hint hint);

/* Gives the program's names, count of them, by enum stp_hint. NULL among them, and what is beyond
 * count, keeps the library's words; names NULL: all do. */
STP_API void stp_hint_names_set(const char *const names[], size_t count);

#ifdef __cplusplus
}
#endif
#endif
