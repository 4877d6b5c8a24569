/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that an option asks for besides the product (reports, metrics, pictures), looked at before
 * the work: an operator's slip must not replace a file of the repository or of the index, and a
 * path that cannot be written must not be noticed after hours of hashing.
 *
 *	an output is not           a folder, or in one that is not there or not writable
 *	                           in the repository or a folder of it that is mounted elsewhere
 *	                           in the folder of the files that are signed or read
 *	                           a file that the command reads, or another output
 *
 * Links, mounts and ".." are seen through: folders and files are compared by device and inode.
 * Devices, pipes and the names of open descriptors (/dev/stdout) are written as they are and not
 * looked at.
 *
 * Shape      a list of paths, checked once.
 * Memory     two paths.
 * Ownership  the caller's strings.
 * Threads    any thread.
 */
#ifndef STP_CLI_OUTPUTS_H
#define STP_CLI_OUTPUTS_H

#include <stddef.h>

#include "base/err.h"

/* A file and the option that names it; path NULL: the option was not given. */
struct stp_named_file {
	const char *option; /* "--metrics" */
	const char *path;
};

struct stp_outputs {
	const struct stp_named_file *outputs;
	size_t output_count;
	const struct stp_named_file *inputs; /* files that are read; "-" is stdin */
	size_t input_count;
	const char *repo;   /* the repository, whose targets_dir is avoided too; may be NULL */
	const char *folder; /* another folder that is only read; may be NULL */
};

/* STP_CONFIG names the output that cannot be, and why. What is wrong with the repository itself is
 * left to whoever opens it. */
enum stp_errc stp_outputs_check(const struct stp_outputs *said, struct stp_err *err) STP_MUST_CHECK;

#endif
