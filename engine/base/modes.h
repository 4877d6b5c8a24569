/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Advice on a file that others may open. chmod helps where the file system stores modes; FAT,
 * exFAT, NTFS and SMB do not: there each file has the mode that the mount gives it, and chmod
 * succeeds without any effect.
 *
 * Shape      an open file and the mode that it should have in, text out.
 * Memory     none that outlives the call.
 * Ownership  the caller's buffer.
 * Threads    any thread.
 */
#ifndef STP_BASE_MODES_H
#define STP_BASE_MODES_H

#define STP_MODE_ADVICE_BYTES 160

/* What keeps the modes of a file system of this type (statfs(2)) from being changed. */
enum stp_modes {
	STP_MODES_KEPT,
	STP_MODES_UNKNOWN,  /* FUSE: depends on its program */
	STP_MODES_BY_UMASK, /* the mount option umask= */
	STP_MODES_BY_SMB,   /* the mount options dir_mode= and file_mode= */
};

/* *out_name is "FAT" or the like, "" for STP_MODES_KEPT. */
enum stp_modes stp_modes_of(unsigned long type, const char **out_name);

/* "chmod 700 it", or what helps on the file system that fd is on. Returns out. */
char *stp_mode_advice(int fd, unsigned mode, char out[STP_MODE_ADVICE_BYTES]);

/* The same for a file that belongs to another user: how to run as its owner, or own a copy. */
char *stp_owner_advice(int fd, char out[STP_MODE_ADVICE_BYTES]);

#endif
