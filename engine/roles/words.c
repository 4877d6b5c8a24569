/* SPDX-License-Identifier: Apache-2.0 */
#include "roles/words.h"

#include <string.h>

#include "roles/config.h"

static const char *const delegation_words[] = {
    [STP_DELEGATION_SUCCINCT] = "succinct",
    [STP_DELEGATION_PREFIXES] = "prefixes",
};
static const char *const target_files_words[] = {
    [STP_TARGET_FILES_ALL] = "all",
    [STP_TARGET_FILES_MUTABLE] = "mutable",
    [STP_TARGET_FILES_NONE] = "none",
    [STP_TARGET_FILES_AUTO] = "auto",
};
static const char *const link_words[] = {
    [STP_LINK_SYMLINK] = "symlink",
    [STP_LINK_HARDLINK] = "hardlink",
    [STP_LINK_REFLINK] = "reflink",
    [STP_LINK_COPY] = "copy",
};
static const char *const source_words[] = {
    [STP_INDEX_TREE - 1] = "tree",
    [STP_INDEX_LIST - 1] = "list",
    [STP_INDEX_STREAM - 1] = "stream",
};

static const char *const url_unsafe_words[] = {
    [STP_URL_UNSAFE_FAULT] = "fault",
    [STP_URL_UNSAFE_WARN] = "warn",
};

static const char *const trust_words[] = {
    [STP_TRUST_CTIME] = "ctime",
    [STP_TRUST_MTIME] = "mtime",
};
static const char *const mounts_words[] = {
    [STP_MOUNTS_FAULT] = "fault",
    [STP_MOUNTS_CROSS] = "cross",
};

#define WORDS(array)                                        \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

const struct stp_words stp_words_delegation = WORDS(delegation_words);
const struct stp_words stp_words_target_files = WORDS(target_files_words);
const struct stp_words stp_words_link = WORDS(link_words);
const struct stp_words stp_words_source = WORDS(source_words);
const struct stp_words stp_words_url_unsafe = WORDS(url_unsafe_words);
const struct stp_words stp_words_trust = WORDS(trust_words);
const struct stp_words stp_words_mounts = WORDS(mounts_words);

int stp_words_find(const struct stp_words *words, const char *word)
{
	size_t i;

	for (i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return (int)i;
	return -1;
}

int stp_target_files_from_name(const char *name)
{
	return stp_words_find(&stp_words_target_files, name);
}

int stp_link_from_name(const char *name)
{
	return stp_words_find(&stp_words_link, name);
}

const char *stp_delegation_name(enum stp_delegation how)
{
	return delegation_words[how];
}

const char *stp_target_files_name(enum stp_target_files how)
{
	return target_files_words[how];
}

const char *stp_link_name(enum stp_link how)
{
	return link_words[how];
}

const char *stp_url_unsafe_name(enum stp_url_unsafe how)
{
	return url_unsafe_words[how];
}

const char *stp_trust_in_name(enum stp_trust_in how)
{
	return trust_words[how];
}

const char *stp_mounts_name(enum stp_mounts how)
{
	return mounts_words[how];
}

const char *stp_online_role_name(enum stp_online_role role)
{
	static const char *const names[STP_ONLINE_ROLES] = {"bin_n", "snapshot", "timestamp"};

	return names[role];
}

const char *stp_config_signer(const struct stp_config *config, enum stp_online_role role)
{
	return config->signers[role] ? config->signers[role] : STP_SIGNER_DEFAULT;
}

const char *stp_index_source_name(enum stp_index_source from)
{
	return from == STP_INDEX_UNKNOWN ? NULL : source_words[from - 1];
}
