/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ceremony/former_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct former {
	char keyid[STP_KEYID_CHARS + 1];
	uint64_t version;
};

static struct former *entries(const struct stp_buf *list, size_t *out_count)
{
	*out_count = list->count / sizeof(struct former);
	return (struct former *)(void *)list->data;
}

uint64_t stp_former_keys_find(const struct stp_buf *list, const char *keyid)
{
	size_t count;
	const struct former *all = entries(list, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(all[i].keyid, keyid) == 0)
			return all[i].version;
	return 0;
}

/* Notes the keys of older that newest does not have. Call it with versions in ascending order. */
static enum stp_errc note(struct stp_buf *list, const struct stp_role *older,
                          const struct stp_role *newest, uint64_t version, struct stp_err *err)
{
	for (size_t k = 0; k < older->key_count; k++) {
		struct former former = {.version = version};
		size_t count;
		struct former *all = entries(list, &count);
		size_t i = 0;

		memcpy(former.keyid, older->keys[k]->keyid, sizeof(former.keyid));
		if (stp_role_key(newest, former.keyid, STP_KEYID_CHARS))
			continue;
		while (i < count && strcmp(all[i].keyid, former.keyid) != 0)
			i++;
		if (i < count)
			all[i].version = version;
		else
			STP_TRY(stp_buf_append(list, &former, sizeof(former), err));
	}
	return STP_OK;
}

enum stp_errc stp_former_keys_read(struct stp_former_keys *former, int metadata_fd,
                                   const struct stp_root *newest, struct stp_err *err)
{
	enum stp_errc code = STP_OK;

	memset(former, 0, sizeof(*former));
	for (uint64_t version = 1; version < newest->doc.version && code == STP_OK; version++) {
		struct stp_finding_list findings;
		struct stp_root older;
		char name[64];
		int usable;

		snprintf(name, sizeof(name), "%" PRIu64 ".root.json", version);
		stp_finding_list_init(&findings);
		code = stp_root_read(&older, metadata_fd, name, &findings, &usable, err);
		if (code == STP_OK && usable)
			code = note(&former->root, &older.root, &newest->root, version, err);
		if (code == STP_OK && usable)
			code =
			    note(&former->targets, &older.targets, &newest->targets, version, err);
		stp_root_release(&older);
		stp_finding_list_release(&findings);
	}
	return code;
}

void stp_former_keys_release(struct stp_former_keys *former)
{
	stp_buf_release(&former->root);
	stp_buf_release(&former->targets);
}
