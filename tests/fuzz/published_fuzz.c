/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Published metadata as an attacker would write it: the input is one file, read as a bin (strict
 * reader) and as each kind of small document (jansson). What the strict reader accepts, the other
 * reader must accept without a finding about form, and see the same targets.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "verify/bin_file.h"
#include "verify/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct stp_document_rule rule = {
    "targets", "_type delegations expires spec_version targets version", 1 << 20, 0};

/* Every entry of the strict reader is in jansson's object, with the same length. */
static void compare_entries(const struct stp_bin_file *bin, json_t *targets)
{
	STP_ASSERT(json_object_size(targets) == bin->entry_count);
	for (size_t i = 0; i < bin->entry_count; i++) {
		const struct stp_bin_entry *entry = &bin->entries[i];
		json_t *value;

		if (entry->escaped)
			continue;
		value = json_object_getn(targets, entry->path, entry->path_bytes);
		STP_ASSERT(value != NULL);
		STP_ASSERT((uint64_t)json_integer_value(json_object_get(value, "length")) ==
		           entry->length);
		(void)stp_target_path_problem(entry->path, entry->path_bytes);
	}
}

static void check_accepted(const struct stp_bin_file *bin, const struct stp_document *doc,
                           const struct stp_finding_list *findings)
{
	STP_ASSERT(findings->totals[STP_FINDING_JSON] == 0);
	STP_ASSERT(findings->totals[STP_FINDING_CANONICAL] == 0);
	STP_ASSERT(findings->totals[STP_FINDING_ENVELOPE] == 0);
	STP_ASSERT(doc->body.count == bin->body_bytes);
	STP_ASSERT(memcmp(doc->body.data, bin->body, bin->body_bytes) == 0);
	compare_entries(bin, json_object_get(doc->body_json, "targets"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stp_buf copy = STP_BUF_INIT;
	struct stp_finding_list findings;
	struct stp_bin_file *bin = malloc(sizeof(*bin));
	struct stp_document doc;
	enum stp_bin_file_state state;
	int usable;

	if (!bin || stp_buf_append(&copy, data, size, NULL) != STP_OK ||
	    stp_buf_append(&copy, "", 1, NULL) != STP_OK)
		abort();
	copy.count = size;
	stp_bin_file_init(bin);
	state = stp_bin_file_parse(bin, data, size);
	stp_finding_list_init(&findings);
	if (stp_document_parse(&doc, &copy, "fuzz.json", &rule, &findings, &usable, NULL) != STP_OK)
		abort();
	/* jansson accepts no NUL within a string and no integer beyond int64. */
	if (state == STP_BIN_FILE_OK)
		check_accepted(bin, &doc, &findings);
	stp_document_release(&doc);
	stp_finding_list_release(&findings);
	(void)stp_bin_file_head(bin, data, size);
	stp_bin_file_release(bin);
	free(bin);
	return 0;
}
