/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of corruptions of a correct repository: each must be found and named. The repository is
 * made by tests/support/handmade.h, not by the code that signs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit.h"
#include "handmade.h"
#include "scratch.h"
#include "stampede/verify.h"

struct corruption {
	const char *name;
	void (*before)(struct handmade *h); /* bodies, before they are signed */
	handmade_envelope_fn *after_sign;   /* between signing and writing */
	void (*after)(struct handmade *h);  /* files, or another round of writing */
	enum stp_finding_code code;
	const char *subject;
};

static json_t *sub(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	assert_non_null(value);
	return value;
}

static json_t *root_role(struct handmade *h, const char *role)
{
	return sub(sub(h->root, "roles"), role);
}

static json_t *listed(struct handmade *h, const char *name)
{
	return sub(sub(h->snapshot, "meta"), name);
}

static json_t *first_entry(struct handmade *h, int bin)
{
	json_t *targets = handmade_targets_of(h, (unsigned)bin);

	return json_object_iter_value(json_object_iter(targets));
}

static void remove_file(struct handmade *h, const char *name)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	assert_int_equal(unlink(path), 0);
}

/* The file's text; *out_count its length. Free it. */
static char *slurp(struct handmade *h, const char *name, size_t *out_count)
{
	char path[1024];
	char *text = calloc(1, 1 << 20);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	file = fopen(path, "rb");
	assert_non_null(file);
	*out_count = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

/* Replaces the first from in name's text by to. */
static void edit(struct handmade *h, const char *name, const char *from, const char *to)
{
	size_t count;
	char *text = slurp(h, name, &count), *at = strstr(text, from);
	char *out = calloc(1, count + strlen(to) + 1);

	assert_non_null(at);
	memcpy(out, text, (size_t)(at - text));
	strcpy(out + (at - text), to);
	strcat(out, at + strlen(from));
	handmade_file(h, name, out, strlen(out));
	free(out);
	free(text);
}

/* ------------------------------------------------------------------------------- root */

static void lose_root(struct handmade *h)
{
	remove_file(h, "1.root.json");
}

static void two_roots_more(struct handmade *h)
{
	handmade_root(h, 2);
	handmade_write_root(h, 2, h->root_keys, 2);
	handmade_root(h, 3);
	handmade_write_root(h, 3, h->root_keys, 2);
}

static void gap_in_roots(struct handmade *h)
{
	two_roots_more(h);
	remove_file(h, "2.root.json");
}

/* Root 2 with new root keys, signed by those given. */
static void rotate_root(struct handmade *h, const struct handmade_key *signers, size_t count)
{
	struct handmade_key fresh[2];
	json_t *keys;

	handmade_key(&fresh[0], 51);
	handmade_key(&fresh[1], 52);
	handmade_root(h, 2);
	keys = sub(h->root, "keys");
	json_object_set(keys, fresh[0].keyid, fresh[0].object);
	json_object_set(keys, fresh[1].keyid, fresh[1].object);
	json_object_set_new(sub(h->root, "roles"), "root", handmade_role(fresh, 2, 2));
	handmade_write_root(h, 2, signers ? signers : fresh, signers ? count : 2);
	json_decref(fresh[0].object);
	json_decref(fresh[1].object);
}

static void root_without_old_keys(struct handmade *h)
{
	rotate_root(h, NULL, 0);
}

static void root_without_new_keys(struct handmade *h)
{
	rotate_root(h, h->root_keys, 3);
}

static void root_says_other_version(struct handmade *h)
{
	handmade_root(h, 3);
	handmade_write_root(h, 2, h->root_keys, 2);
}

static void zero_threshold(struct handmade *h)
{
	json_object_set_new(root_role(h, "timestamp"), "threshold", json_integer(0));
}

static void threshold_over_keys(struct handmade *h)
{
	json_object_set_new(root_role(h, "targets"), "threshold", json_integer(3));
}

static void wrong_keyid(struct handmade *h)
{
	json_t *keys = sub(h->root, "keys");
	char keyid[65];

	strcpy(keyid, h->root_keys[2].keyid);
	keyid[0] = keyid[0] == 'a' ? 'b' : 'a';
	json_object_del(keys, h->root_keys[2].keyid);
	json_object_set(keys, keyid, h->root_keys[2].object);
}

static void keyid_twice_in_role(struct handmade *h)
{
	json_array_append_new(sub(root_role(h, "root"), "keyids"),
	                      json_string(h->root_keys[0].keyid));
}

static void keyid_without_key(struct handmade *h)
{
	json_array_append_new(sub(root_role(h, "root"), "keyids"), json_string(h->stranger.keyid));
}

static void malformed_key(struct handmade *h)
{
	json_object_set_new(sub(h->root_keys[2].object, "keyval"), "public", json_string("abcd"));
}

static void key_with_more_fields(struct handmade *h)
{
	json_object_set_new(h->root_keys[2].object, "keyid_hash_algorithms", json_array());
}

static void inconsistent_snapshot(struct handmade *h)
{
	json_object_set_new(h->root, "consistent_snapshot", json_false());
}

static void expired_root(struct handmade *h)
{
	json_object_set_new(h->root, "expires", json_string("2027-01-01T00:00:00Z"));
}

static void root_expires_before_bins(struct handmade *h)
{
	json_object_set_new(h->root, "expires", json_string("2027-01-15T20:00:00Z"));
}

static void root_without_a_role(struct handmade *h)
{
	json_object_del(sub(h->root, "roles"), "snapshot");
}

/* -------------------------------------------------------------------------- timestamp */

static void lose_timestamp(struct handmade *h)
{
	remove_file(h, "timestamp.json");
}

static void expired_timestamp(struct handmade *h)
{
	json_object_set_new(h->timestamp, "expires", json_string("2027-01-15T07:59:59Z"));
}

static void flip_timestamp_signature(struct handmade *h, const char *name, json_t *envelope)
{
	json_t *first = json_array_get(sub(envelope, "signatures"), 0);
	char sig[129];

	(void)h;
	if (strcmp(name, "timestamp.json") != 0)
		return;
	strcpy(sig, json_string_value(sub(first, "sig")));
	sig[5] = sig[5] == '0' ? '1' : '0';
	json_object_set_new(first, "sig", json_string(sig));
}

static void timestamp_signed_twice(struct handmade *h, const char *name, json_t *envelope)
{
	json_t *array = sub(envelope, "signatures");

	(void)h;
	if (strcmp(name, "timestamp.json") == 0)
		json_array_append_new(array, json_deep_copy(json_array_get(array, 0)));
}

static void unknown_key_signs_too(struct handmade *h, const char *name, json_t *envelope)
{
	char *body;

	if (strcmp(name, "timestamp.json") != 0)
		return;
	body = handmade_dump(sub(envelope, "signed"));
	json_array_append_new(sub(envelope, "signatures"), handmade_signature(&h->stranger, body));
	free(body);
}

static void unsigned_timestamp(struct handmade *h, const char *name, json_t *envelope)
{
	(void)h;
	if (strcmp(name, "timestamp.json") == 0)
		json_array_clear(sub(envelope, "signatures"));
}

static void one_signature_of_targets(struct handmade *h, const char *name, json_t *envelope)
{
	(void)h;
	if (strcmp(name, "1.targets.json") == 0)
		json_array_remove(sub(envelope, "signatures"), 1);
}

/* The second signature of targets is the first one's under the second keyid. */
static void borrowed_signature(struct handmade *h, const char *name, json_t *envelope)
{
	json_t *array = sub(envelope, "signatures");

	(void)h;
	if (strcmp(name, "1.targets.json") == 0)
		json_object_set(json_array_get(array, 1), "sig",
		                sub(json_array_get(array, 0), "sig"));
}

static void unknown_field(struct handmade *h)
{
	json_object_set_new(h->timestamp, "comment", json_string("hello"));
}

static void no_expiry(struct handmade *h)
{
	json_object_del(h->timestamp, "expires");
}

static void expiry_with_fraction(struct handmade *h)
{
	json_object_set_new(h->timestamp, "expires", json_string("2027-01-16T00:00:00.5Z"));
}

static void version_as_real(struct handmade *h)
{
	json_object_set_new(h->timestamp, "version", json_real(1.0));
}

static void version_zero(struct handmade *h)
{
	json_object_set_new(h->timestamp, "version", json_integer(0));
}

static void other_specification(struct handmade *h)
{
	json_object_set_new(h->timestamp, "spec_version", json_string("2.0.0"));
}

static void newline_behind(struct handmade *h)
{
	size_t count;
	char *text = slurp(h, "timestamp.json", &count);

	text[count++] = '\n';
	handmade_file(h, "timestamp.json", text, count);
	free(text);
}

static void spaced_timestamp(struct handmade *h)
{
	edit(h, "timestamp.json", "\"version\":1}", "\"version\": 1}");
}

static void field_twice(struct handmade *h)
{
	edit(h, "timestamp.json", "\"version\":1}}", "\"version\":1,\"version\":1}}");
}

static void cut_timestamp(struct handmade *h)
{
	size_t count;
	char *text = slurp(h, "timestamp.json", &count);

	handmade_file(h, "timestamp.json", text, count - 7);
	free(text);
}

static void deep_timestamp(struct handmade *h)
{
	char text[400];

	memset(text, '[', 200);
	memset(text + 200, ']', 200);
	handmade_file(h, "timestamp.json", text, sizeof(text));
}

static void huge_timestamp(struct handmade *h)
{
	char *text = malloc(1 << 20);

	memset(text, ' ', 1 << 20);
	handmade_file(h, "timestamp.json", text, 1 << 20);
	free(text);
}

/* --------------------------------------------------------------------------- snapshot */

static void wrong_length(struct handmade *h)
{
	h->length_delta = 1;
}

static void wrong_hash(struct handmade *h)
{
	h->has_bad_hash = 1;
}

static void lose_snapshot(struct handmade *h)
{
	remove_file(h, "1.snapshot.json");
}

static void snapshot_of_other_version(struct handmade *h)
{
	json_object_set_new(h->snapshot, "version", json_integer(7));
}

static void snapshot_of_other_type(struct handmade *h)
{
	json_object_set_new(h->snapshot, "_type", json_string("timestamp"));
}

static void snapshot_forgets_bin(struct handmade *h)
{
	json_object_del(sub(h->snapshot, "meta"), "bin-n-2.json");
}

static void snapshot_forgets_targets(struct handmade *h)
{
	json_object_del(sub(h->snapshot, "meta"), "targets.json");
}

static void traversal_in_snapshot(struct handmade *h)
{
	json_object_set_new(sub(h->snapshot, "meta"), "../evil.json",
	                    json_pack("{s:i}", "version", 1));
}

static void second_night_drops_name(struct handmade *h)
{
	json_object_set_new(sub(h->snapshot, "meta"), "old-bin.json",
	                    json_pack("{s:i}", "version", 1));
	handmade_write_online(h);
	handmade_online(h, 2);
	handmade_write_online(h);
}

static void second_night_goes_back(struct handmade *h)
{
	json_object_set_new(listed(h, "targets.json"), "version", json_integer(9));
	handmade_write_online(h);
	handmade_online(h, 2);
	handmade_write_online(h);
}

/* ---------------------------------------------------------------- targets, delegations */

static void targets_signs_itself(struct handmade *h)
{
	json_object_set_new(sub(h->targets, "targets"), "evil.whl", handmade_entry("evil"));
}

static json_t *bins_delegation(struct handmade *h)
{
	return json_array_get(sub(sub(h->targets, "delegations"), "roles"), 0);
}

static void prefix_missing(struct handmade *h)
{
	json_array_remove(sub(bins_delegation(h), "path_hash_prefixes"), 15);
}

static void prefix_twice(struct handmade *h)
{
	json_array_append_new(sub(bins_delegation(h), "path_hash_prefixes"), json_string("7"));
}

static void delegation_to_top_level(struct handmade *h)
{
	json_object_set_new(bins_delegation(h), "name", json_string("snapshot"));
}

/* The intermediate role has the name of one of its bins: one file would have to be both. */
static void delegation_to_a_bins_name(struct handmade *h)
{
	json_object_set_new(bins_delegation(h), "name", json_string("bin-n-1"));
}

static void prefix_no_hex(struct handmade *h)
{
	json_array_append_new(sub(bins_delegation(h), "path_hash_prefixes"), json_string("G"));
}

static void delegation_by_paths(struct handmade *h)
{
	json_object_set_new(bins_delegation(h), "paths", json_pack("[s]", "*"));
}

static void delegation_to_traversal(struct handmade *h)
{
	json_object_set_new(bins_delegation(h), "name", json_string("../../etc/passwd"));
}

static void no_bits(struct handmade *h)
{
	json_object_set_new(sub(sub(h->bins, "delegations"), "succinct_roles"), "bit_length",
	                    json_integer(0));
}

static void no_delegation(struct handmade *h)
{
	json_object_del(sub(h->bins, "delegations"), "succinct_roles");
}

static void lose_bins_role(struct handmade *h)
{
	remove_file(h, "1.bins.json");
}

/* ------------------------------------------------------------------------------- bins */

static void lose_bin(struct handmade *h)
{
	remove_file(h, "1.bin-n-1.json");
}

static void linked_bin(struct handmade *h)
{
	char path[1024];

	remove_file(h, "1.bin-n-1.json");
	snprintf(path, sizeof(path), "%s/1.bin-n-1.json", h->folder);
	assert_int_equal(symlink("1.bin-n-0.json", path), 0);
}

static void other_length_in_bin(struct handmade *h)
{
	edit(h, "1.bin-n-0.json", "\"length\":1", "\"length\":2");
}

static void swapped_bin(struct handmade *h)
{
	size_t count;
	char *text = slurp(h, "1.bin-n-0.json", &count);

	handmade_file(h, "1.bin-n-1.json", text, count);
	free(text);
}

static void bin_by_unknown_key(struct handmade *h)
{
	free(handmade_sign(h, "1.bin-n-3.json", h->bin[3], &h->stranger, 1));
}

static void bin_of_last_run(struct handmade *h)
{
	size_t count;
	char *text = slurp(h, "1.bin-n-2.json", &count);

	handmade_online(h, 2);
	handmade_write_online(h);
	handmade_file(h, "2.bin-n-2.json", text, count);
	free(text);
}

static void expired_bin(struct handmade *h)
{
	json_object_set_new(h->bin[2], "expires", json_string("2027-01-15T00:00:00Z"));
}

static void target_in_wrong_bin(struct handmade *h)
{
	unsigned bin = handmade_bin_of("packages/00/new.whl");

	json_object_set_new(handmade_targets_of(h, (bin + 1) % HANDMADE_BINS),
	                    "packages/00/new.whl", handmade_entry("new"));
}

static void target_in_two_bins(struct handmade *h)
{
	handmade_put(h, "packages/00/new.whl", "new");
	target_in_wrong_bin(h);
}

static void put_everywhere(struct handmade *h, const char *path)
{
	handmade_put(h, path, "content");
}

static void traversal_path(struct handmade *h)
{
	put_everywhere(h, "packages/../../etc/passwd");
}

static void absolute_path(struct handmade *h)
{
	put_everywhere(h, "/etc/passwd");
}

static void backslash_path(struct handmade *h)
{
	put_everywhere(h, "packages\\evil.whl");
}

static void utf8_path(struct handmade *h)
{
	put_everywhere(h, "packages/\xc3\xa9.whl");
}

static void double_slash_path(struct handmade *h)
{
	put_everywhere(h, "packages//evil.whl");
}

static void entry_without_length(struct handmade *h)
{
	json_object_del(first_entry(h, 1), "length");
}

static void entry_without_hashes(struct handmade *h)
{
	json_object_del(first_entry(h, 1), "hashes");
}

static void short_digest(struct handmade *h)
{
	json_object_set_new(sub(first_entry(h, 1), "hashes"), "sha512", json_string("00ff"));
}

static void weak_hash(struct handmade *h)
{
	json_object_set_new(sub(first_entry(h, 1), "hashes"), "md5",
	                    json_string("d41d8cd98f00b204e9800998ecf8427e"));
}

static void other_algorithm(struct handmade *h)
{
	json_t *hashes = sub(first_entry(h, 1), "hashes");

	json_object_set_new(hashes, "sha256",
	                    json_string("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b"
	                                "7852b855"));
}

static void custom_in_entry(struct handmade *h)
{
	json_object_set_new(first_entry(h, 1), "custom", json_object());
}

static void negative_length(struct handmade *h)
{
	json_object_set_new(first_entry(h, 1), "length", json_integer(-1));
}

static void bin_delegates(struct handmade *h)
{
	json_object_set_new(
	    h->bin[1], "delegations",
	    json_pack("{s:o, s:[o]}", "keys", handmade_keys(&h->stranger, 1), "roles",
	              handmade_delegation("evil", &h->stranger, 1, 1, handmade_prefixes(0, 16))));
}

static void spaced_bin(struct handmade *h)
{
	edit(h, "1.bin-n-1.json", "\"targets\":{", "\"targets\": {");
}

static void unsorted_bin(struct handmade *h)
{
	edit(h, "1.bin-n-1.json", "\"expires\":\"2027-01-16T00:00:00Z\",", "");
	edit(h, "1.bin-n-1.json", "\"version\":1",
	     "\"version\":1,\"expires\":\"2027-01-16T00:00:00Z\"");
}

static void path_twice_in_bin(struct handmade *h)
{
	size_t count;
	char *text = slurp(h, "1.bin-n-1.json", &count);
	char *begin = strstr(text, "\"targets\":{") + 11, *end = strstr(begin, "}") + 2;
	char first[1024];

	end = strstr(begin, "},\"length\"");
	end = strstr(end + 1, "}") + 1;
	snprintf(first, sizeof(first), "\"targets\":{%.*s,", (int)(end - begin), begin);
	free(text);
	edit(h, "1.bin-n-1.json", "\"targets\":{", first);
}

static void stray_file(struct handmade *h)
{
	handmade_file(h, "1.evil.json", "{}", 2);
}

static const struct corruption corruptions[] = {
    {"root is lost", NULL, NULL, lose_root, STP_FINDING_FILE_MISSING, "1.root.json"},
    {"gap in the chain of roots", NULL, NULL, gap_in_roots, STP_FINDING_ROOT_GAP, "2.root.json"},
    {"root not signed by the one before", NULL, NULL, root_without_old_keys, STP_FINDING_THRESHOLD,
     "2.root.json"},
    {"root not signed by itself", NULL, NULL, root_without_new_keys, STP_FINDING_THRESHOLD,
     "2.root.json"},
    {"root says another version", NULL, NULL, root_says_other_version, STP_FINDING_VERSION,
     "2.root.json"},
    {"threshold 0", zero_threshold, NULL, NULL, STP_FINDING_THRESHOLD_VALUE, "1.root.json"},
    {"threshold over the keys", threshold_over_keys, NULL, NULL, STP_FINDING_THRESHOLD_VALUE,
     "1.root.json"},
    {"keyid is not that of the key", wrong_keyid, NULL, NULL, STP_FINDING_KEYID, "1.root.json"},
    {"keyid twice in a role", keyid_twice_in_role, NULL, NULL, STP_FINDING_KEY_DUPLICATE,
     "1.root.json"},
    {"keyid without a key", keyid_without_key, NULL, NULL, STP_FINDING_KEY_UNKNOWN, "1.root.json"},
    {"malformed key", malformed_key, NULL, NULL, STP_FINDING_KEY, "1.root.json"},
    {"key with more fields", key_with_more_fields, NULL, NULL, STP_FINDING_FIELD_UNKNOWN,
     "1.root.json"},
    {"consistent_snapshot is false", inconsistent_snapshot, NULL, NULL,
     STP_FINDING_CONSISTENT_SNAPSHOT, "1.root.json"},
    {"expired root", expired_root, NULL, NULL, STP_FINDING_EXPIRED, "1.root.json"},
    {"root expires before its bins", root_expires_before_bins, NULL, NULL,
     STP_FINDING_EXPIRES_ORDER, "1.root.json"},
    {"root without a role", root_without_a_role, NULL, NULL, STP_FINDING_FIELD, "1.root.json"},
    {"timestamp is lost", NULL, NULL, lose_timestamp, STP_FINDING_FILE_MISSING, "timestamp.json"},
    {"expired timestamp", expired_timestamp, NULL, NULL, STP_FINDING_EXPIRED, "timestamp.json"},
    {"flipped signature", NULL, flip_timestamp_signature, NULL, STP_FINDING_SIGNATURE,
     "timestamp.json"},
    {"the same signature twice", NULL, timestamp_signed_twice, NULL,
     STP_FINDING_SIGNATURE_DUPLICATE, "timestamp.json"},
    {"a signature by an unknown key", NULL, unknown_key_signs_too, NULL,
     STP_FINDING_SIGNATURE_STRANGER, "timestamp.json"},
    {"no signature", NULL, unsigned_timestamp, NULL, STP_FINDING_THRESHOLD, "timestamp.json"},
    {"one signature where two are needed", NULL, one_signature_of_targets, NULL,
     STP_FINDING_THRESHOLD, "1.targets.json"},
    {"a signature under another keyid", NULL, borrowed_signature, NULL, STP_FINDING_SIGNATURE,
     "1.targets.json"},
    {"unknown field", unknown_field, NULL, NULL, STP_FINDING_FIELD_UNKNOWN, "timestamp.json"},
    {"no expiry", no_expiry, NULL, NULL, STP_FINDING_FIELD, "timestamp.json"},
    {"expiry with a fraction", expiry_with_fraction, NULL, NULL, STP_FINDING_FIELD,
     "timestamp.json"},
    {"version is a real number", version_as_real, NULL, NULL, STP_FINDING_CANONICAL,
     "timestamp.json"},
    {"version 0", version_zero, NULL, NULL, STP_FINDING_FIELD, "timestamp.json"},
    {"another specification", other_specification, NULL, NULL, STP_FINDING_SPEC_VERSION,
     "timestamp.json"},
    {"newline after the document", NULL, NULL, newline_behind, STP_FINDING_ENVELOPE,
     "timestamp.json"},
    {"space within signed", NULL, NULL, spaced_timestamp, STP_FINDING_CANONICAL, "timestamp.json"},
    {"a field twice", NULL, NULL, field_twice, STP_FINDING_JSON, "timestamp.json"},
    {"truncated file", NULL, NULL, cut_timestamp, STP_FINDING_JSON, "timestamp.json"},
    {"too deep", NULL, NULL, deep_timestamp, STP_FINDING_JSON, "timestamp.json"},
    {"too large", NULL, NULL, huge_timestamp, STP_FINDING_FILE_SIZE, "timestamp.json"},
    {"snapshot of another length", wrong_length, NULL, NULL, STP_FINDING_LENGTH, "1.snapshot.json"},
    {"snapshot of another digest", wrong_hash, NULL, NULL, STP_FINDING_HASH, "1.snapshot.json"},
    {"snapshot is lost", NULL, NULL, lose_snapshot, STP_FINDING_FILE_MISSING, "1.snapshot.json"},
    {"snapshot of another version", snapshot_of_other_version, NULL, NULL, STP_FINDING_VERSION,
     "1.snapshot.json"},
    {"snapshot of another type", snapshot_of_other_type, NULL, NULL, STP_FINDING_TYPE,
     "1.snapshot.json"},
    {"snapshot forgets a bin", snapshot_forgets_bin, NULL, NULL, STP_FINDING_ROLE_UNLISTED,
     "1.snapshot.json"},
    {"snapshot forgets targets", snapshot_forgets_targets, NULL, NULL, STP_FINDING_ROLE_UNLISTED,
     "1.snapshot.json"},
    {"traversal in the snapshot", traversal_in_snapshot, NULL, NULL, STP_FINDING_ROLE_NAME,
     "1.snapshot.json"},
    {"a name is dropped", NULL, NULL, second_night_drops_name, STP_FINDING_ROLLBACK,
     "2.snapshot.json"},
    {"a version goes back", NULL, NULL, second_night_goes_back, STP_FINDING_ROLLBACK,
     "2.snapshot.json"},
    {"targets signs a target itself", targets_signs_itself, NULL, NULL, STP_FINDING_TARGET_BIN,
     "1.targets.json"},
    {"a prefix is missing", prefix_missing, NULL, NULL, STP_FINDING_DELEGATION_GAP,
     "1.targets.json"},
    {"a prefix is listed twice", prefix_twice, NULL, NULL, STP_FINDING_DELEGATION_OVERLAP,
     "1.targets.json"},
    {"a prefix is not hex", prefix_no_hex, NULL, NULL, STP_FINDING_DELEGATION, "1.targets.json"},
    {"delegation by path patterns", delegation_by_paths, NULL, NULL, STP_FINDING_DELEGATION,
     "1.targets.json"},
    {"traversal in a role's name", delegation_to_traversal, NULL, NULL, STP_FINDING_ROLE_NAME,
     "1.targets.json"},
    {"delegation to a top-level role", delegation_to_top_level, NULL, NULL, STP_FINDING_ROLE_NAME,
     "1.targets.json"},
    {"delegation to a name of a bin", delegation_to_a_bins_name, NULL, NULL, STP_FINDING_THRESHOLD,
     "1.bin-n-1.json"},
    {"0 bits of bins", no_bits, NULL, NULL, STP_FINDING_FIELD, "1.bins.json"},
    {"no bins at all", no_delegation, NULL, NULL, STP_FINDING_DELEGATION, "1.bins.json"},
    {"bins role is lost", NULL, NULL, lose_bins_role, STP_FINDING_FILE_MISSING, "1.bins.json"},
    {"a bin is lost", NULL, NULL, lose_bin, STP_FINDING_FILE_MISSING, "1.bin-n-1.json"},
    {"a bin is a link", NULL, NULL, linked_bin, STP_FINDING_FILE_TYPE, "1.bin-n-1.json"},
    {"tampered bin", NULL, NULL, other_length_in_bin, STP_FINDING_SIGNATURE, "1.bin-n-0.json"},
    {"one bin in place of another", NULL, NULL, swapped_bin, STP_FINDING_TARGET_BIN,
     "1.bin-n-1.json"},
    {"bin signed by an unknown key", NULL, NULL, bin_by_unknown_key, STP_FINDING_THRESHOLD,
     "1.bin-n-3.json"},
    {"bin of the last run", NULL, NULL, bin_of_last_run, STP_FINDING_VERSION, "2.bin-n-2.json"},
    {"expired bin", expired_bin, NULL, NULL, STP_FINDING_EXPIRED, "1.bin-n-2.json"},
    {"target in the wrong bin", target_in_wrong_bin, NULL, NULL, STP_FINDING_TARGET_BIN, NULL},
    {"target in two bins", target_in_two_bins, NULL, NULL, STP_FINDING_TARGET_BIN, NULL},
    {"path with ..", traversal_path, NULL, NULL, STP_FINDING_TARGET_PATH, NULL},
    {"absolute path", absolute_path, NULL, NULL, STP_FINDING_TARGET_PATH, NULL},
    {"path with a backslash", backslash_path, NULL, NULL, STP_FINDING_TARGET_PATH, NULL},
    {"path outside ASCII", utf8_path, NULL, NULL, STP_FINDING_TARGET_PATH, NULL},
    {"path with an empty segment", double_slash_path, NULL, NULL, STP_FINDING_TARGET_PATH, NULL},
    {"entry without length", entry_without_length, NULL, NULL, STP_FINDING_TARGET_ENTRY,
     "1.bin-n-1.json"},
    {"entry without hashes", entry_without_hashes, NULL, NULL, STP_FINDING_TARGET_ENTRY,
     "1.bin-n-1.json"},
    {"short digest", short_digest, NULL, NULL, STP_FINDING_TARGET_ENTRY, "1.bin-n-1.json"},
    {"negative length", negative_length, NULL, NULL, STP_FINDING_TARGET_ENTRY, "1.bin-n-1.json"},
    {"unknown algorithm", weak_hash, NULL, NULL, STP_FINDING_TARGET_HASHES, "1.bin-n-1.json"},
    {"algorithms differ between targets", other_algorithm, NULL, NULL, STP_FINDING_TARGET_HASHES,
     NULL},
    {"custom field in an entry", custom_in_entry, NULL, NULL, STP_FINDING_FIELD_UNKNOWN,
     "1.bin-n-1.json"},
    {"a bin delegates further", bin_delegates, NULL, NULL, STP_FINDING_DELEGATION,
     "1.bin-n-1.json"},
    {"space within a bin", NULL, NULL, spaced_bin, STP_FINDING_CANONICAL, "1.bin-n-1.json"},
    {"unsorted keys in a bin", NULL, NULL, unsorted_bin, STP_FINDING_CANONICAL, "1.bin-n-1.json"},
    {"a path twice in a bin", NULL, NULL, path_twice_in_bin, STP_FINDING_JSON, "1.bin-n-1.json"},
    {"a file of no role", NULL, NULL, stray_file, STP_FINDING_FILE_STRAY, "1.evil.json"},
};

static struct stp_verify_report *audit_with(const char *folder, const char *root, size_t jobs,
                                            int64_t within)
{
	struct stp_verify_options options = {.path = folder,
	                                     .root_file = root,
	                                     .now = HANDMADE_NOW,
	                                     .expires_within_s = within,
	                                     .jobs = jobs};

	return audit_run(options);
}

static int has_finding(const struct stp_verify_report *report, enum stp_finding_code code,
                       const char *subject)
{
	for (size_t i = 0; i < report->finding_count; i++)
		if (report->findings[i].code == code &&
		    (!subject || strcmp(report->findings[i].subject, subject) == 0))
			return 1;
	return 0;
}

static void print_all(const struct stp_verify_report *report)
{
	for (size_t i = 0; i < report->finding_count; i++)
		print_error("  %s: %s: %s\n", stp_finding_code_name(report->findings[i].code),
		            report->findings[i].subject, report->findings[i].text);
}

static void test_verify__a_good_repository_has_no_findings(void **state)
{
	struct scratch scratch;
	struct handmade h;
	struct stp_verify_report *report;

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	report = audit_with(scratch.path, NULL, 2, 0);
	if (report->finding_count)
		print_all(report);
	assert_int_equal(report->finding_count, 0);
	assert_int_equal(report->target_count, 12);
	assert_int_equal(report->bin_count, HANDMADE_BINS);
	assert_int_equal(report->bins_read, HANDMADE_BINS);
	assert_int_equal(report->bin_bits, 2);
	assert_string_equal(report->delegation, "succinct");
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
}

static void test_verify__each_corruption_is_found_and_named(void **state)
{
	size_t failures = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(corruptions) / sizeof(corruptions[0]); i++) {
		const struct corruption *c = &corruptions[i];
		struct stp_verify_report *report;
		struct scratch scratch;
		struct handmade h;

		scratch_init(&scratch);
		handmade_init(&h, scratch.path);
		if (c->before)
			c->before(&h);
		h.after_sign = c->after_sign;
		handmade_write(&h);
		if (c->after)
			c->after(&h);
		report = audit_with(scratch.path, NULL, i % 3, 0);
		if (!has_finding(report, c->code, c->subject)) {
			print_error("%s: no finding %s about %s, but:\n", c->name,
			            stp_finding_code_name(c->code),
			            c->subject ? c->subject : "any");
			print_all(report);
			failures++;
		}
		audit_free(report);
		handmade_release(&h);
		scratch_release(&scratch);
	}
	assert_int_equal(failures, 0);
}

static void test_verify__a_chain_of_roots_is_followed(void **state)
{
	struct scratch scratch;
	struct handmade h;
	struct stp_verify_report *report;

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	two_roots_more(&h);
	report = audit_with(scratch.path, NULL, 0, 0);
	if (report->finding_count)
		print_all(report);
	assert_int_equal(report->finding_count, 0);
	assert_int_equal(report->root.version, 3);
	assert_int_equal(report->root_steps, 3);
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
}

static void test_verify__a_pinned_root_decides(void **state)
{
	struct scratch scratch, other;
	struct handmade_key swapped;
	struct handmade h, evil;
	struct stp_verify_report *report;
	char pinned[512];

	(void)state;
	scratch_init(&scratch);
	scratch_init(&other);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	handmade_init(&evil, other.path);
	swapped = evil.root_keys[0];
	evil.root_keys[0] = evil.stranger;
	evil.stranger = swapped;
	handmade_root(&evil, 1);
	handmade_write(&evil);
	snprintf(pinned, sizeof(pinned), "%s/1.root.json", scratch.path);
	report = audit_with(scratch.path, pinned, 1, 0);
	assert_int_equal(report->finding_count, 0);
	audit_free(report);
	report = audit_with(other.path, pinned, 1, 0);
	assert_true(has_finding(report, STP_FINDING_ROOT_PINNED, "1.root.json"));
	audit_free(report);
	handmade_release(&h);
	handmade_release(&evil);
	scratch_release(&scratch);
	scratch_release(&other);
}

static void test_verify__what_expires_soon_is_reported_on_request(void **state)
{
	struct scratch scratch;
	struct handmade h;
	struct stp_verify_report *report;

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	handmade_write(&h);
	report = audit_with(scratch.path, NULL, 2, 17 * 3600);
	assert_true(has_finding(report, STP_FINDING_EXPIRES_SOON, "timestamp.json"));
	assert_true(has_finding(report, STP_FINDING_EXPIRES_SOON, "1.bin-n-3.json"));
	assert_false(has_finding(report, STP_FINDING_EXPIRES_SOON, "1.root.json"));
	assert_int_equal(report->error_total, 0);
	audit_free(report);
	handmade_release(&h);
	scratch_release(&scratch);
}

static void test_verify__reports_are_equal_at_any_number_of_jobs(void **state)
{
	struct stp_verify_report *one, *many;
	struct scratch scratch;
	struct handmade h;

	(void)state;
	scratch_init(&scratch);
	handmade_init(&h, scratch.path);
	for (int i = 0; i < HANDMADE_BINS; i++)
		json_object_set_new(h.bin[i], "expires", json_string("2027-01-15T00:00:00Z"));
	for (int i = 0; i < 200; i++) {
		char path[64];

		snprintf(path, sizeof(path), "wrong/%d", i);
		json_object_set_new(handmade_targets_of(&h, 1), path, handmade_entry(path));
	}
	handmade_write(&h);
	one = audit_with(scratch.path, NULL, 0, 0);
	many = audit_with(scratch.path, NULL, 4, 0);
	assert_true(one->finding_count > 10);
	assert_true(has_finding(one, STP_FINDING_FINDINGS_CUT, "1.bin-n-1.json"));
	assert_int_equal(one->finding_count, many->finding_count);
	for (size_t i = 0; i < one->finding_count; i++) {
		assert_int_equal(one->findings[i].code, many->findings[i].code);
		assert_string_equal(one->findings[i].subject, many->findings[i].subject);
		assert_string_equal(one->findings[i].text, many->findings[i].text);
	}
	audit_free(one);
	audit_free(many);
	handmade_release(&h);
	scratch_release(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_verify__a_good_repository_has_no_findings),
	    cmocka_unit_test(test_verify__each_corruption_is_found_and_named),
	    cmocka_unit_test(test_verify__a_chain_of_roots_is_followed),
	    cmocka_unit_test(test_verify__a_pinned_root_decides),
	    cmocka_unit_test(test_verify__what_expires_soon_is_reported_on_request),
	    cmocka_unit_test(test_verify__reports_are_equal_at_any_number_of_jobs),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
