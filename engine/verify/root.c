/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/root.h"

#include <string.h>

void stp_root_release(struct stp_root *root)
{
	stp_role_release(&root->root);
	stp_role_release(&root->timestamp);
	stp_role_release(&root->snapshot);
	stp_role_release(&root->targets);
	stp_key_ring_release(&root->ring);
	stp_document_release(&root->doc);
	memset(root, 0, sizeof(*root));
}

/* Reads keys and the four roles of a root document that could be parsed. */
static enum stp_errc load_root_roles(struct stp_root *root, int is_old, int *out_usable,
                                     struct stp_err *err)
{
	struct stp_document *doc = &root->doc;
	json_t *body = doc->body_json;
	json_t *keys = stp_document_member(doc, body, "signed", "keys", JSON_OBJECT);
	json_t *roles = stp_document_member(doc, body, "signed", "roles", JSON_OBJECT);
	struct {
		const char *name;
		struct stp_role *role;
	} wanted[] = {{"root", &root->root},
	              {"timestamp", &root->timestamp},
	              {"snapshot", &root->snapshot},
	              {"targets", &root->targets}};
	size_t i;

	*out_usable = 0;
	/* Other tools leave it out where it is false. */
	root->is_consistent = json_object_get(body, "consistent_snapshot") &&
	                      json_is_true(stp_document_member(doc, body, "signed",
	                                                       "consistent_snapshot", JSON_TRUE));
	if (!root->is_consistent && !is_old)
		stp_finding_add(
		    doc->findings, STP_FINDING_CONSISTENT_SNAPSHOT, doc->name,
		    "consistent_snapshot is %s: clients would ask for unversioned names",
		    json_object_get(body, "consistent_snapshot") ? "not true" : "missing");
	if (!keys || !roles)
		return STP_OK;
	STP_TRY(stp_key_ring_load(&root->ring, doc, keys, "signed.keys", err));
	stp_document_known(doc, roles, "signed.roles", "root snapshot targets timestamp");
	*out_usable = 1;
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		json_t *role =
		    stp_document_member(doc, roles, "signed.roles", wanted[i].name, JSON_OBJECT);

		if (!role) {
			*out_usable = 0;
			continue;
		}
		stp_document_known(doc, role, wanted[i].name, "keyids threshold");
		STP_TRY(stp_role_load(wanted[i].role, &root->ring, doc, role, wanted[i].name, err));
	}
	return STP_OK;
}

static enum stp_errc read_root(struct stp_root *root, int folder_fd, const char *name,
                               const struct stp_document_rule *rule,
                               struct stp_finding_list *findings, int *out_usable,
                               struct stp_err *err)
{
	memset(root, 0, sizeof(*root));
	STP_TRY(stp_document_read(&root->doc, folder_fd, name, rule, findings, out_usable, err));
	if (*out_usable)
		return load_root_roles(root, rule->any_layout, out_usable, err);
	return STP_OK;
}

enum stp_errc stp_root_read(struct stp_root *root, int folder_fd, const char *name,
                            struct stp_finding_list *findings, int *out_usable, struct stp_err *err)
{
	return read_root(root, folder_fd, name, &stp_rule_root, findings, out_usable, err);
}

enum stp_errc stp_root_read_old(struct stp_root *root, int folder_fd, const char *name,
                                struct stp_finding_list *findings, int *out_usable,
                                struct stp_err *err)
{
	return read_root(root, folder_fd, name, &stp_rule_old_root, findings, out_usable, err);
}

enum stp_errc stp_root_parse(struct stp_root *root, struct stp_buf *file, const char *name,
                             struct stp_finding_list *findings, int *out_usable,
                             struct stp_err *err)
{
	memset(root, 0, sizeof(*root));
	STP_TRY(
	    stp_document_parse(&root->doc, file, name, &stp_rule_root, findings, out_usable, err));
	if (*out_usable)
		return load_root_roles(root, 0, out_usable, err);
	return STP_OK;
}

int stp_root_follows(struct stp_root *next, const struct stp_root *previous,
                     struct stp_signature_tally *tally)
{
	int by_previous = stp_document_signed_by(&next->doc, &previous->root, &next->root,
	                                         "the root before it", tally);
	int by_itself =
	    stp_document_signed_by(&next->doc, &next->root, &previous->root, "root", tally);

	return by_previous && by_itself;
}
